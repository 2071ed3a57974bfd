//! Requests that name their action in a header and say the rest in JSON, as CloudTrail's do: read
//! into the pairs that a query has, so that there is one way through the front.

use common::cloudtrail;
use common::error::{ApiError, ErrorCode};
use common::sign::{Claim, Scheme};
use serde_json::Value;

/// The most pairs of a request, and the deepest nesting.
const MOST: usize = 256;
const DEEPEST: usize = 6;

/// The API and the action that a header `X-Amz-Target` names.
pub(crate) fn target(header: &str) -> Option<(&'static str, &str)> {
    let (target, action) = header.rsplit_once('.')?;
    // Older clients leave the package out.
    let name = target.rsplit('.').next()?;
    (name == cloudtrail::TARGET).then_some((cloudtrail::PREFIX, action))
}

/// Refuses a request whose signature does not say which action it asks for, and of what: by a header
/// of version 4 alone it does, which covers the one that names the action and the body.
///
/// # Errors
/// `InvalidParameterValue`.
pub(crate) fn check(method: &str, claim: Option<&Claim>) -> Result<(), ApiError> {
    // One that cannot be read is told of as such where it is verified.
    if method == "POST" && claim.is_none_or(|it| it.scheme() == Scheme::V4) {
        return Ok(());
    }
    let text = "A request with X-Amz-Target is a POST that a header of signature version 4 signs";
    Err(ApiError::new(ErrorCode::InvalidParameterValue, text))
}

/// What the body says, as a query would.
pub(crate) fn pairs(body: &[u8], action: &str) -> Result<Vec<(String, String)>, ApiError> {
    let bad = |why: String| {
        ApiError::new(ErrorCode::InvalidParameterValue, format!("The body cannot be read: {why}"))
    };
    let value = match body.iter().all(u8::is_ascii_whitespace) {
        true => Value::Object(serde_json::Map::new()),
        false => serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?,
    };
    let Value::Object(fields) = value else { return Err(bad("it is no object".to_owned())) };
    let mut pairs = vec![("Action".to_owned(), action.to_owned())];
    for (name, value) in &fields {
        flatten(name, value, 0, &mut pairs).map_err(&bad)?;
    }
    Ok(pairs)
}

fn flatten(
    name: &str,
    value: &Value,
    depth: usize,
    to: &mut Vec<(String, String)>,
) -> Result<(), String> {
    if depth > DEEPEST || to.len() >= MOST {
        return Err("it says too much".to_owned());
    }
    match value {
        Value::Null => {}
        Value::String(text) => to.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => to.push((name.to_owned(), value.to_string())),
        Value::Array(items) => {
            for (item, n) in items.iter().zip(1..) {
                flatten(&format!("{name}.member.{n}"), item, depth + 1, to)?;
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                flatten(&format!("{name}.{field}"), value, depth + 1, to)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_what_a_query_would() {
        let body = br#"{"LookupAttributes":[{"AttributeKey":"Username","AttributeValue":"t"}],
            "StartTime":1700000000.5,"MaxResults":5,"NextToken":null}"#;
        let told = pairs(body, "LookupEvents").unwrap();
        let expected = [
            ("Action", "LookupEvents"),
            ("LookupAttributes.member.1.AttributeKey", "Username"),
            ("LookupAttributes.member.1.AttributeValue", "t"),
            ("MaxResults", "5"),
            ("StartTime", "1700000000.5"),
        ];
        let mut told: Vec<_> = told.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        told[1..].sort_unstable();
        assert_eq!(told, expected);
        assert_eq!(pairs(b"", "A").unwrap().len(), 1);
        for bad in ["[]", "{", "7"] {
            assert!(pairs(bad.as_bytes(), "A").is_err(), "{bad}");
        }
        let deep = format!("{{\"A\":{}1{}}}", "[".repeat(20), "]".repeat(20));
        assert!(pairs(deep.as_bytes(), "A").is_err());
    }

    #[test]
    fn targets_name_api_and_action() {
        let long = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        assert_eq!(target(long), Some(("cloudtrail", "LookupEvents")));
        assert_eq!(target("CloudTrail_20131101.X"), Some(("cloudtrail", "X")));
        assert_eq!(target("DynamoDB_20120810.ListTables"), None);
    }
}
