//! serde over the tree of parameters.
//!
//! A field whose name is read with a `?` at its end, `Value?`, tells an empty value from one that
//! was not sent: to it `Value=` is an empty text, and to a list each `Value.N=` is.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

use super::tree::Node;
use crate::error::ApiError;

/// Why a parameter cannot be used; its path grows while the error travels up.
#[derive(Debug)]
struct Refusal {
    path: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Missing,
    Invalid(String),
}

impl Refusal {
    fn below(mut self, step: &str) -> Self {
        self.path =
            if self.path.is_empty() { step.to_owned() } else { format!("{step}.{}", self.path) };
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {:?}", self.path, self.kind)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { path: String::new(), kind: Kind::Invalid(message.to_string()) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { path: field.to_owned(), kind: Kind::Missing }
    }
}

/// A parameter that is missing or cannot be used, as the caller wrote its name. Each API has its own
/// code for that; as an error it is EC2's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The parameter, `BlockDeviceMapping.2.DeviceName`.
    pub parameter: String,
    /// What is wrong with its value; `None` if it is missing.
    pub why: Option<String>,
}

impl From<Unusable> for ApiError {
    fn from(Unusable { parameter, why }: Unusable) -> Self {
        match why {
            None => Self::missing(&parameter),
            Some(why) => Self::invalid(&parameter, why),
        }
    }
}

impl Node {
    /// Reads the tree as an action's request.
    ///
    /// # Errors
    /// Names the parameter.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Unusable> {
        T::deserialize(Reader(self, false)).map_err(|refusal| {
            let why = match refusal.kind {
                Kind::Missing => None,
                Kind::Invalid(why) => Some(why),
            };
            Unusable { parameter: refusal.path, why }
        })
    }

    /// The same, as EC2 says it.
    ///
    /// # Errors
    /// `MissingParameter` or `InvalidParameterValue`, naming the parameter.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        Ok(self.read()?)
    }
}

/// A node, and whether empty values in it count.
struct Reader<'a>(&'a Node, bool);

impl<'a> Reader<'a> {
    fn text(&self) -> Result<&'a str, Refusal> {
        // Old boto numbers even the one id of GetConsoleOutput: a list of one is its one value.
        let lone = || match self.0.children.iter().next() {
            Some((step, only)) if step == "1" && self.0.children.len() == 1 => only.text.as_deref(),
            _ => None,
        };
        let text = self.0.text.as_deref().or_else(lone);
        text.ok_or_else(|| de::Error::custom("a single value is expected"))
    }

    fn number<T: std::str::FromStr>(&self) -> Result<T, Refusal> {
        let text = self.text()?;
        text.parse().map_err(|_| de::Error::custom(format!("'{text}' is not a number in range")))
    }
}

macro_rules! numbers {
    ($($method:ident => $visit:ident: $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            visitor.$visit(self.number::<$type>()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match &self.0.text {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.text()? {
            text if text.eq_ignore_ascii_case("true") || text == "1" => visitor.visit_bool(true),
            text if text.eq_ignore_ascii_case("false") || text == "0" => visitor.visit_bool(false),
            text => Err(de::Error::custom(format!("'{text}' is neither true nor false"))),
        }
    }

    numbers! {
        deserialize_i8 => visit_i8: i8; deserialize_i16 => visit_i16: i16;
        deserialize_i32 => visit_i32: i32; deserialize_i64 => visit_i64: i64;
        deserialize_u8 => visit_u8: u8; deserialize_u16 => visit_u16: u16;
        deserialize_u32 => visit_u32: u32; deserialize_u64 => visit_u64: u64;
        deserialize_f32 => visit_f32: f32; deserialize_f64 => visit_f64: f64;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.0.text.is_some() {
            if self.0.children.is_empty() {
                return visitor.visit_seq(Items(vec![(1, String::new(), self.0)].into_iter()));
            }
            let why = "either a numbered list is expected, NAME.1, NAME.2 …, or one value";
            return Err(de::Error::custom(why));
        }
        let (list, prefix) = match self.0.children.get("member") {
            // Beside other children, or with a text of its own, it is a step like any other: what
            // stands there must not be passed over in silence.
            Some(members) if self.0.children.len() == 1 && members.text.is_none() => {
                (members, "member.")
            }
            _ => (self.0, ""),
        };
        let mut items = Vec::with_capacity(list.children.len());
        let blanks = if self.1 { Some(&list.blanks) } else { None };
        for (step, node) in list.children.iter().chain(blanks.into_iter().flatten()) {
            let index: u32 =
                step.parse().map_err(|_| Refusal::custom_at(step, "a list is numbered from 1"))?;
            items.push((index, format!("{prefix}{step}"), node));
        }
        items.sort_by_key(|(index, ..)| *index);
        visitor.visit_seq(Items(items.into_iter()))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let all = self.0.children.iter().map(|(name, node)| Field { step: name, name, node });
        visitor.visit_map(Fields { rest: all.collect::<Vec<_>>().into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if self.0.text.is_some() {
            return Err(de::Error::custom("dotted names are expected below it"));
        }
        let heeds =
            |step: &str| fields.iter().copied().find(|field| field.strip_suffix('?') == Some(step));
        let given = self.0.children.iter().map(|(step, node)| {
            let name = heeds(step).unwrap_or(step);
            Field { step, name, node }
        });
        let blank = self
            .0
            .blanks
            .iter()
            .filter_map(|(step, node)| heeds(step).map(|name| Field { step, name, node }));
        let all: Vec<_> = given.chain(blank).collect();
        visitor.visit_map(Fields { rest: all.into_iter(), value: None })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let name: StrDeserializer<'de, Refusal> = self.text()?.into_deserializer();
        visitor.visit_enum(name)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

impl Refusal {
    fn custom_at(step: &str, why: &str) -> Self {
        Self { path: step.to_owned(), kind: Kind::Invalid(why.to_owned()) }
    }
}

/// A parameter: how the caller calls it, how the field that reads it is called.
struct Field<'a> {
    step: &'a str,
    name: &'a str,
    node: &'a Node,
}

struct Fields<'a> {
    rest: std::vec::IntoIter<Field<'a>>,
    value: Option<Field<'a>>,
}

impl<'a> MapAccess<'a> for Fields<'a> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        let Some(field) = self.rest.next() else { return Ok(None) };
        let key: StrDeserializer<'a, Refusal> = field.name.into_deserializer();
        self.value = Some(field);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let Some(Field { step, name, node }) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its name"));
        };
        let heeded = name.len() > step.len();
        seed.deserialize(Reader(node, heeded)).map_err(|refusal| refusal.below(step))
    }
}

struct Items<'a>(std::vec::IntoIter<(u32, String, &'a Node)>);

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let Some((_, step, node)) = self.0.next() else { return Ok(None) };
        seed.deserialize(Reader(node, false)).map(Some).map_err(|refusal| refusal.below(&step))
    }
}
