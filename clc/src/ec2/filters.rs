//! `Filter.N`: the values of one filter are alternatives, all filters must hold; `*` stands for
//! any text, `?` for one character, a backslash takes the meaning of the next away.
//!
//! A filter that a family does not know is refused: to ignore one would answer more than was
//! asked for, and a script may end whatever it is answered. What is known elsewhere and never so
//! here (an instance's VPC) has a row without values: nothing passes it.
//!
//! What bears tags is filtered by `tag:KEY`, `tag-key` and `tag-value`, too.

use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};

use crate::records::TagMap;

/// How many values all filters of a request may have.
const MOST_VALUES: usize = 200;

/// The values that a thing has for a filter.
pub type Values<T> = fn(&T) -> Vec<String>;

/// What a family can be filtered by: the filter's name, and its values.
pub type Field<T> = (&'static str, Values<T>);

/// The tags that a thing has.
pub type TagsOf<T> = fn(&T) -> TagMap;

/// Where the values of one filter come from.
enum Source<T> {
    Field(Values<T>),
    TagKeys(TagsOf<T>),
    TagValues(TagsOf<T>),
    Tag(TagsOf<T>, String),
}

/// The filters of one request, understood.
pub struct Filters<T>(Vec<(Source<T>, Vec<Pattern>)>);

impl<T> Filters<T> {
    /// Understands a request's filters for what bears no tags.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a filter that is not in the table, or has no value;
    /// `FilterLimitExceeded` for more values than one request may have.
    pub fn new(asked: &[Filter], table: &[Field<T>]) -> Result<Self, ApiError> {
        Self::understand(asked, table, |_| None)
    }

    /// Understands a request's filters for what bears tags.
    ///
    /// # Errors
    /// As [`Filters::new`].
    pub fn tagged(asked: &[Filter], table: &[Field<T>], tags: TagsOf<T>) -> Result<Self, ApiError> {
        Self::understand(asked, table, |name| match name {
            "tag-key" => Some(Source::TagKeys(tags)),
            "tag-value" => Some(Source::TagValues(tags)),
            _ => {
                let key = name.strip_prefix("tag:").filter(|key| !key.is_empty())?;
                Some(Source::Tag(tags, key.to_owned()))
            }
        })
    }

    fn understand(
        asked: &[Filter],
        table: &[Field<T>],
        other: impl Fn(&str) -> Option<Source<T>>,
    ) -> Result<Self, ApiError> {
        let values: usize = asked.iter().map(|filter| filter.value.len()).sum();
        if values > MOST_VALUES {
            let text =
                format!("A request has at most {MOST_VALUES} filter values, this one {values}");
            return Err(ApiError::new(ErrorCode::FilterLimitExceeded, text));
        }
        let understand = |filter: &Filter| {
            let name = &filter.name;
            let refused = |text| Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
            let field = table.iter().find(|(known, _)| known == name);
            let source = field.map(|(_, values)| Source::Field(*values)).or_else(|| other(name));
            let Some(source) = source else {
                return refused(format!("The filter '{name}' is invalid"));
            };
            if filter.value.is_empty() {
                return refused(format!("The filter '{name}' has no value"));
            }
            Ok((source, filter.value.iter().map(|text| Pattern::new(text)).collect()))
        };
        asked.iter().map(understand).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a thing passes all of them.
    pub fn admit(&self, thing: &T) -> bool {
        self.0.iter().all(|(source, patterns)| {
            let values = match source {
                Source::Field(values) => values(thing),
                Source::TagKeys(tags) => tags(thing).into_keys().collect(),
                Source::TagValues(tags) => tags(thing).into_values().collect(),
                Source::Tag(tags, key) => tags(thing).remove(key).into_iter().collect(),
            };
            values.iter().any(|value| patterns.iter().any(|pattern| pattern.matches(value)))
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Just(char),
    One,
    Any,
}

struct Pattern(Vec<Piece>);

impl Pattern {
    fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '*' if pieces.last() == Some(&Piece::Any) => {}
                '*' => pieces.push(Piece::Any),
                '?' => pieces.push(Piece::One),
                '\\' => pieces.push(Piece::Just(chars.next().unwrap_or('\\'))),
                c => pieces.push(Piece::Just(c)),
            }
        }
        Self(pieces)
    }

    /// Goes back only to the last `*`, so that no pattern makes it slow.
    fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut piece, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(piece) {
                Some(Piece::Any) => {
                    star = Some((piece, at));
                    piece += 1;
                }
                Some(Piece::One) => (piece, at) = (piece + 1, at + 1),
                Some(Piece::Just(c)) if *c == text[at] => (piece, at) = (piece + 1, at + 1),
                _ => match star {
                    Some((any, from)) => {
                        star = Some((any, from + 1));
                        (piece, at) = (any + 1, from + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0[piece..].iter().all(|piece| *piece == Piece::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_they_should() {
        let table = [
            ("abc", "abc", true),
            ("abc", "ABC", false),
            ("abc", "abcd", false),
            ("a*", "a", true),
            ("*c", "abcabc", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcdef", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "日", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"\?\\", r"?\", true),
            ("**", "", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
        // What would take a naive matcher for ever.
        let hard = "*a".repeat(60);
        assert!(!Pattern::new(&hard).matches(&format!("{}b", "a".repeat(4000))));
    }

    const TABLE: &[Field<(&str, bool)>] = &[
        ("name", |it| vec![it.0.to_owned()]),
        ("good", |it| vec![it.1.to_string()]),
        ("none", |_| Vec::new()),
    ];

    fn filter(name: &str, values: &[&str]) -> Filter {
        let value = values.iter().map(|value| (*value).to_owned()).collect();
        Filter { name: name.to_owned(), value }
    }

    #[test]
    fn values_are_alternatives_and_filters_add_up() {
        let filters = [filter("name", &["a*", "b"]), filter("good", &["true"])];
        let filters = Filters::new(&filters, TABLE).unwrap();
        for (thing, expected) in
            [(("ab", true), true), (("b", true), true), (("c", true), false), (("b", false), false)]
        {
            assert_eq!(filters.admit(&thing), expected, "{thing:?}");
        }
        assert!(Filters::new(&[], TABLE).unwrap().admit(&("x", false)));
        assert!(!Filters::new(&[filter("none", &["*"])], TABLE).unwrap().admit(&("x", true)));
    }

    #[test]
    fn tags_are_found_by_key_by_value_and_by_both() {
        type Thing = (&'static str, TagMap);
        const FIELDS: &[Field<Thing>] = &[("name", |it| vec![it.0.to_owned()])];
        let tags = [("Name", "web"), ("empty", ""), ("a:b", "x")];
        let thing = ("t", TagMap::from(tags.map(|(k, v)| (k.to_owned(), v.to_owned()))));
        for (name, values, expected) in [
            ("tag:Name", &["w*"][..], true),
            ("tag:Name", &["db", "web"], true),
            ("tag:name", &["*"], false),
            ("tag:empty", &[""], true),
            ("tag:empty", &["?*"], false),
            ("tag:a:b", &["x"], true),
            ("tag:absent", &["*"], false),
            ("tag-key", &["em*"], true),
            ("tag-key", &["web"], false),
            ("tag-value", &["web"], true),
            ("tag-value", &["Name"], false),
            ("name", &["t"], true),
        ] {
            let asked = [filter(name, values)];
            let filters = Filters::tagged(&asked, FIELDS, |it| it.1.clone()).unwrap();
            assert_eq!(filters.admit(&thing), expected, "{name} {values:?}");
        }
        for name in ["tag:", "tag", "Tag-key"] {
            let asked = [filter(name, &["x"])];
            assert!(Filters::<Thing>::tagged(&asked, FIELDS, |it| it.1.clone()).is_err());
        }
    }

    #[test]
    fn a_request_has_at_most_200_values() {
        let many = vec!["v"; MOST_VALUES - 1];
        let mut asked = vec![filter("name", &many), filter("good", &["true"])];
        assert!(Filters::new(&asked, TABLE).is_ok());
        asked.push(filter("none", &["x"]));
        let error = Filters::new(&asked, TABLE).err().unwrap();
        assert_eq!(error.code(), ErrorCode::FilterLimitExceeded);
    }

    #[test]
    fn an_unknown_filter_is_refused_by_name() {
        for asked in [filter("colour", &["red"]), filter("name", &[])] {
            let error = Filters::new(std::slice::from_ref(&asked), TABLE).err().unwrap();
            assert_eq!(error.code(), ErrorCode::InvalidParameterValue);
            assert!(error.text().contains(&asked.name), "{error}");
        }
    }
}
