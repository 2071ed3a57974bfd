//! What answers and requests of all families are made of: lists, moments, tags, nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::Timestamp;

/// A list as IAM writes it: `<Users><member>…</member></Users>`. Empty lists are written, not left
/// out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members<T> {
    /// The members.
    #[serde(default = "Vec::new")]
    pub member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

impl<T> From<Vec<T>> for Members<T> {
    fn from(member: Vec<T>) -> Self {
        Self { member }
    }
}

impl<T> FromIterator<T> for Members<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        Self { member: members.into_iter().collect() }
    }
}

impl<T> Members<T> {
    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.member.is_empty()
    }
}

/// A moment as IAM writes it, to the second: `2026-11-22T10:50:32Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let iso = self.0.iso();
        let seconds = iso.split_once('.').map_or(iso.as_str(), |(seconds, _)| seconds);
        to.serialize_str(&format!("{}Z", seconds.trim_end_matches('Z')))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Timestamp::parse_iso(&text).map(Self).map_err(de::Error::custom)
    }
}

/// The answer of an action that has nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// A tag, in requests and in answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value; empty if absent.
    #[serde(default)]
    pub value: String,
}

impl Tag {
    /// Tags as they are recorded, in the order of their keys.
    pub fn all(tags: &BTreeMap<String, String>) -> Members<Self> {
        let tag =
            |(key, value): (&String, &String)| Self { key: key.clone(), value: value.clone() };
        tags.iter().map(tag).collect()
    }
}

/// The boundary of a user's or role's permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Boundary {
    /// `Policy`.
    pub permissions_boundary_type: String,
    /// The ARN of the managed policy.
    pub permissions_boundary_arn: String,
}

impl Boundary {
    /// The boundary that a managed policy is.
    pub fn policy(arn: &str) -> Self {
        Self {
            permissions_boundary_type: "Policy".to_owned(),
            permissions_boundary_arn: arn.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_to_the_second() {
        let told = serde_json::to_string(&Moment(Timestamp::from_millis(1_500))).unwrap();
        assert_eq!(told, "\"1970-01-01T00:00:01Z\"");
        let back: Moment = serde_json::from_str(&told).unwrap();
        assert_eq!(back, Moment(Timestamp::from_secs(1)));
    }
}
