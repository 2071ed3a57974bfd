//! What several families share.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::Timestamp;

/// A time as EC2 writes it, `2026-11-22T10:50:32.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IsoTime(pub Timestamp);

impl Serialize for IsoTime {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.iso())
    }
}

impl<'de> Deserialize<'de> for IsoTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Timestamp::parse_iso(&text).map(Self).map_err(de::Error::custom)
    }
}

/// One `Filter.N`: any of its values must match; `*` and `?` are wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The filter's name, `instance-state-name`.
    #[serde(rename = "Name")]
    pub name: String,
    /// Its values; an empty one is a value, too.
    #[serde(default, rename(serialize = "Value", deserialize = "Value?"))]
    pub value: Vec<String>,
}

/// A product code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductCode {
    /// The code.
    pub product_code: String,
}

/// `true` as the only thing an action has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Always true: what fails is an error.
    #[serde(rename = "return")]
    pub done: bool,
}

impl Done {
    /// The answer.
    pub const YES: Self = Self { done: true };
}

/// Whether an optional text says nothing: an empty element reads as `Some("")`, and an absent one
/// is never written, because old clients turn an empty element into an empty object.
pub fn is_blank(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(str::is_empty)
}
