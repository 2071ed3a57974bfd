//! What is known of a request beside principal, action and resource: the values of condition keys.

use std::collections::BTreeMap;

/// Condition keys and their values. Keys know no case; a key that is absent is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows one value of a key, too.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_all(key, [value.into()])
    }

    /// Knows these values of a key, too; none at all is an empty list, not an absent key.
    #[must_use]
    pub fn with_all(mut self, key: &str, values: impl IntoIterator<Item = String>) -> Self {
        self.0.entry(key.to_ascii_lowercase()).or_default().extend(values);
        self
    }

    /// Knows the value of a key if there is one.
    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Does not know a key that is given in lower case.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.remove(key);
        self
    }

    /// The values of a key that is given in lower case.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(key).map(Vec::as_slice)
    }

    /// Knows all that another does; where both know a key, the other is right.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().map(|(key, values)| (key.clone(), values.clone())));
        self
    }

    /// All keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_know_no_case_and_the_other_is_right() {
        let one = Context::new().with("aws:UserName", "a").with("s3:prefix", "x");
        let two = Context::new().with("S3:Prefix", "y").with_some("k", None::<String>);
        let both = one.and(&two);
        assert_eq!(both.get("aws:username"), Some(&["a".to_owned()][..]));
        assert_eq!(both.get("s3:prefix"), Some(&["y".to_owned()][..]));
        assert_eq!(both.get("k"), None);
    }
}
