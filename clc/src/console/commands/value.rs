//! Parameters of an action, as they are remembered: what is absent is left out, and what is secret is
//! a variable's name.

use serde_json::Value as Json;

/// Parameters by name, in the order of their names.
pub(super) type Fields = Vec<(String, Value)>;

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// Yes or no.
    Flag(bool),
    /// Several.
    List(Vec<Value>),
    /// Parts with names.
    Parts(Fields),
    /// A secret: the variable that stands in its place.
    Secret(&'static str),
    /// What is read from a file of that name.
    File(String),
}

/// Parameters that are secret, or may be, and the variables in their places.
const SECRETS: [(&str, &str); 9] = [
    ("Password", "PASSWORD"),
    ("OldPassword", "OLD_PASSWORD"),
    ("NewPassword", "NEW_PASSWORD"),
    ("UserData", "USER_DATA"),
    ("AuthenticationCode1", "FIRST_CODE"),
    ("AuthenticationCode2", "SECOND_CODE"),
    ("TokenCode", "CODE"),
    ("PrivateKey", "PRIVATE_KEY"),
    ("SecretAccessKey", "SECRET_ACCESS_KEY"),
];
/// What is made anew for each request.
const DRAWN: [&str; 1] = ["ClientToken"];
/// What means the same as being absent, when it is said to be false.
const PLAIN: [&str; 5] = ["IsRecursive", "Recursive", "Force", "Hibernate", "HardExpiry"];

/// The parameters of an action.
pub(super) fn fields(action: &str, json: &Json) -> Fields {
    let Json::Object(all) = json else { return Fields::new() };
    let user_data = action == "ModifyInstanceAttribute"
        && all.get("Attribute").and_then(Json::as_str) == Some("userData");
    let mut fields = Fields::new();
    for (name, it) in all {
        let value = match it {
            Json::String(_) if user_data && name == "Value" => Value::Secret("USER_DATA_BASE64"),
            Json::String(path) if name == "Body" => Value::File(path.clone()),
            Json::Bool(false) if PLAIN.contains(&name.as_str()) => continue,
            Json::Bool(false) if action.starts_with("Create") => continue,
            _ if DRAWN.contains(&name.as_str()) => continue,
            it => match value(name, it) {
                Some(value) => value,
                None => continue,
            },
        };
        fields.push((name.clone(), value));
    }
    fields
}

fn value(name: &str, json: &Json) -> Option<Value> {
    let secret = SECRETS.iter().find(|(known, _)| *known == name);
    match (json, secret) {
        (Json::Null, _) => None,
        (_, Some((_, variable))) => Some(Value::Secret(variable)),
        (Json::Bool(flag), _) => Some(Value::Flag(*flag)),
        (Json::Number(number), _) => Some(Value::Number(number.to_string())),
        (Json::String(text), _) => Some(Value::Text(text.clone())),
        (Json::Array(items), _) => {
            let items: Vec<_> = items.iter().filter_map(|it| value("", it)).collect();
            (!items.is_empty()).then_some(Value::List(items))
        }
        (Json::Object(parts), _) => {
            let part = |(name, it): (&String, &Json)| value(name, it).map(|it| (name.clone(), it));
            let parts: Fields = parts.iter().filter_map(part).collect();
            (!parts.is_empty()).then_some(Value::Parts(parts))
        }
    }
}

/// How many bytes parameters have, about.
pub(super) fn size(fields: &Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + 40 + value.size()).sum()
}

impl Value {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Number(text) | Self::File(text) => text.len(),
            Self::List(items) => items.iter().map(|it| 40 + it.size()).sum(),
            Self::Parts(parts) => size(parts),
            Self::Flag(_) | Self::Secret(_) => 8,
        }
    }

    /// A text, number or flag as it is written.
    pub(super) fn plain(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.clone()),
            Self::Flag(flag) => Some(flag.to_string()),
            _ => None,
        }
    }

    /// The same as JSON, if nothing of it is secret or in a file.
    pub(super) fn json(&self) -> Option<Json> {
        Some(match self {
            Self::Text(text) => Json::String(text.clone()),
            Self::Number(number) => serde_json::from_str(number).ok()?,
            Self::Flag(flag) => Json::Bool(*flag),
            Self::List(items) => Json::Array(items.iter().map(Self::json).collect::<Option<_>>()?),
            Self::Parts(parts) => {
                let part = |(name, it): &(String, Self)| it.json().map(|it| (name.clone(), it));
                Json::Object(parts.iter().map(part).collect::<Option<_>>()?)
            }
            Self::Secret(_) | Self::File(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_absent_is_left_out_and_what_is_secret_is_not_kept() {
        let said = json!({
            "UserName": "jiro", "Password": "s3cr3t", "Path": null, "Tags": [], "Force": false,
            "Limit": 3, "ClientToken": "x", "Placement": { "Zone": null },
        });
        let kept = fields("UpdateLoginProfile", &said);
        assert!(!format!("{kept:?}").contains("s3cr3t"), "{kept:?}");
        let names: Vec<_> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Limit", "Password", "UserName"]);
        let data = json!({ "Attribute": "userData", "Value": "c2VjcmV0", "InstanceId": "i-1" });
        let kept = fields("ModifyInstanceAttribute", &data);
        assert!(!format!("{kept:?}").contains("c2VjcmV0"), "{kept:?}");
    }
}
