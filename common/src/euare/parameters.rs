//! What every action of IAM and STS demands of its parameters, whatever it does with them. It is
//! asked before anybody's permission is, and before anything is looked up: what cannot be a name is
//! never looked for.
//!
//! | parameter | what it must be |
//! |---|---|
//! | names | the characters of [`super::names`], at most 128 |
//! | `AccessKeyId` | letters, digits and `_`, 16 to 128 |
//! | `PolicyArn`, `PermissionsBoundary`, `PolicySourceArn`, `RoleArn` | 20 to 2048 characters |
//! | `PolicyArn`, `PermissionsBoundary` | an ARN |
//! | `Path`, `NewPath`, `PathPrefix` | the paths of [`super::names`] |
//!
//! What one family alone has, like versions of policies and codes of devices, that family checks.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::names::{
    EXISTING, absent, check_name, checked_path, checked_prefix, in_camel_case, unusable, violation,
};
use crate::dialect::query::Node;
use crate::error::{ApiError, ErrorCode};
use crate::iam::Arn;

/// How one parameter is checked: what it is called in refusals, and its value.
type Rule = fn(&str, &str) -> Result<(), ApiError>;

const RULES: &[(&str, Rule)] = &[
    ("UserName", name),
    ("GroupName", name),
    ("RoleName", name),
    ("InstanceProfileName", name),
    ("PolicyName", name),
    ("AccessKeyId", access_key_id),
    ("PolicyArn", policy_arn),
    ("PermissionsBoundary", policy_arn),
    ("PolicySourceArn", arn_length),
    ("RoleArn", arn_length),
    ("Path", path),
    ("NewPath", path),
    ("PathPrefix", prefix),
];

/// Checks the parameters of a request by their names, and that there are tags where an action is
/// about tags.
///
/// # Errors
/// `ValidationError`, and `InvalidInput` for what is long enough to be an ARN and is none.
pub fn check(action: &str, parameters: &Node) -> Result<(), ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Lists {
        #[serde(default)]
        tags: Vec<IgnoredAny>,
        #[serde(default)]
        tag_keys: Vec<IgnoredAny>,
    }
    for (name, rule) in RULES {
        if let Some(value) = parameters.get(name) {
            rule(&in_camel_case(name), value)?;
        }
    }
    let lists: Lists = parameters.read().map_err(|error| unusable(&error))?;
    match () {
        () if action.starts_with("Tag") && lists.tags.is_empty() => Err(absent("tags")),
        () if action.starts_with("Untag") && lists.tag_keys.is_empty() => Err(absent("tagKeys")),
        () => Ok(()),
    }
}

fn name(at: &str, value: &str) -> Result<(), ApiError> {
    check_name(at, value, EXISTING)
}

fn path(at: &str, value: &str) -> Result<(), ApiError> {
    checked_path(at, Some(value)).map(drop)
}

fn prefix(_: &str, value: &str) -> Result<(), ApiError> {
    checked_prefix(Some(value)).map(drop)
}

fn within(at: &str, value: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let length = value.chars().count();
    let constraint = match length {
        _ if length < least => format!("Member must have length greater than or equal to {least}"),
        _ if length > most => format!("Member must have length less than or equal to {most}"),
        _ => return Ok(()),
    };
    // The whole of it may be as long as a request.
    let beginning: String = value.chars().take(128).collect();
    Err(violation(&beginning, at, &constraint))
}

fn access_key_id(at: &str, value: &str) -> Result<(), ApiError> {
    within(at, value, 16, 128)?;
    match value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        true => Ok(()),
        false => {
            let rule = r"Member must satisfy regular expression pattern: [\w]+";
            Err(violation(value, at, rule))
        }
    }
}

fn arn_length(at: &str, value: &str) -> Result<(), ApiError> {
    within(at, value, 20, 2048)
}

fn policy_arn(at: &str, value: &str) -> Result<(), ApiError> {
    arn_length(at, value)?;
    match value.parse::<Arn>() {
        Ok(_) => Ok(()),
        Err(_) => Err(ApiError::new(ErrorCode::InvalidInput, format!("ARN {value} is not valid."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_held_to_its_rule_by_whatever_action() {
        use ErrorCode::{InvalidInput, ValidationError};
        let long_arn = format!("arn:aws:iam::aws:policy/{}", "p".repeat(2048));
        let long_id = "A".repeat(129);
        for (parameter, value, expected) in [
            ("UserName", "taro", None),
            ("UserName", "a/b", Some(ValidationError)),
            ("AccessKeyId", "AKI0000000000000", None),
            ("AccessKeyId", "short", Some(ValidationError)),
            ("AccessKeyId", "AKI000000000000-", Some(ValidationError)),
            ("AccessKeyId", &long_id, Some(ValidationError)),
            ("PolicyArn", "arn:aws:iam::aws:policy/p", None),
            ("PolicyArn", "arn:aws:iam::", Some(ValidationError)),
            ("PolicyArn", "long enough and yet no ARN", Some(InvalidInput)),
            ("PolicyArn", &long_arn, Some(ValidationError)),
            ("PermissionsBoundary", "p", Some(ValidationError)),
            ("RoleArn", "arn:aws:iam", Some(ValidationError)),
            ("Path", "/a/", None),
            ("NewPath", "a", Some(ValidationError)),
            ("PathPrefix", "/a", None),
            ("PathPrefix", "a", Some(ValidationError)),
            ("Anything", "?", None),
        ] {
            let parameters = Node::from_pairs([(parameter, value)]).unwrap();
            let refused = check("GetAnything", &parameters).err();
            assert_eq!(refused.as_ref().map(ApiError::code), expected, "{parameter}={value}");
            if let (Some(refused), Some(ValidationError)) = (refused, expected) {
                assert!(refused.text().contains(&in_camel_case(parameter)), "{refused}");
            }
        }
    }

    #[test]
    fn what_is_about_tags_has_tags() {
        let none = Node::from_pairs([("UserName", "taro")]).unwrap();
        let told = |action| check(action, &none).err().map(|it| it.text().to_owned());
        assert!(told("TagUser").unwrap().contains("'tags'"));
        assert!(told("UntagUser").unwrap().contains("'tagKeys'"));
        assert_eq!(told("GetUser"), None);
    }
}
