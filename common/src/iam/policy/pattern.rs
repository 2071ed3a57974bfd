//! Texts of policies in which variables and wildcards may stand.
//!
//! ```text
//!   ${KEY}             the one value of a condition key; unknown, or of several values: no match
//!   ${KEY, 'DEFAULT'}  the same, with a value for a key that is unknown
//!   ${*} ${?} ${$}     these characters themselves
//!   * ?                any characters, any one character, where wildcards have a meaning
//! ```
//! There are variables since version 2012-10-17; before it they are plain text. What a variable
//! stands for is taken literally: whoever may choose a value chooses no wildcard with it.

use super::glob::{Glob, Unit, units};
use super::known::Known;

/// How a text is to be understood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Whether there are variables.
    pub(super) variables: bool,
    /// Whether `*` and `?` are wildcards.
    pub(super) wild: bool,
    /// Whether case counts for nothing; whatever is matched must then come in lower case.
    pub(super) fold: bool,
}

/// A text made ready to be matched.
#[derive(Debug)]
pub(super) struct Pattern(Form);

#[derive(Debug)]
enum Form {
    Fixed(Glob),
    Open(Vec<Part>, Style),
}

#[derive(Debug)]
enum Part {
    Units(Vec<Unit>),
    Variable(Variable),
}

#[derive(Debug)]
struct Variable {
    /// In lower case.
    key: String,
    /// As it was written.
    spelled: String,
    default: Option<String>,
}

impl Pattern {
    /// Makes a text ready.
    ///
    /// # Errors
    /// Says what is wrong with its variables.
    pub(super) fn read(text: &str, style: Style) -> Result<Self, String> {
        let plain = |text: &str| {
            let text = if style.fold { text.to_lowercase() } else { text.to_owned() };
            if style.wild { units(&text) } else { vec![Unit::Text(text)] }
        };
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find("${").filter(|_| style.variables) {
            parts.push(Part::Units(plain(&rest[..at])));
            let (part, after) = variable(&rest[at + 2..])
                .ok_or_else(|| format!("'{}' is no policy variable", &rest[at..]))?;
            parts.push(part);
            rest = after;
        }
        parts.push(Part::Units(plain(rest)));
        let open = parts.iter().any(|part| matches!(part, Part::Variable(_)));
        if open {
            return Ok(Self(Form::Open(parts, style)));
        }
        let steps = parts.into_iter().flat_map(|part| match part {
            Part::Units(steps) => steps,
            Part::Variable(_) => Vec::new(),
        });
        Ok(Self(Form::Fixed(Glob::new(steps))))
    }

    /// Whether a text matches; `None` if a variable stands for nothing.
    pub(super) fn matches(&self, text: &str, known: &Known<'_>) -> Option<bool> {
        let (parts, style) = match &self.0 {
            Form::Fixed(glob) => return Some(glob.matches(text, &known.meter)),
            Form::Open(parts, style) => (parts, style),
        };
        // What stands for more than the whole text is no match, and not put together.
        let (mut steps, mut room) = (Vec::new(), Some(text.len()));
        for part in parts {
            match part {
                Part::Units(units) => {
                    known.meter.pay(8 * units.len());
                    steps.extend(units.iter().cloned());
                }
                Part::Variable(variable) => {
                    let value = known.value(&variable.key).or(variable.default.as_deref())?;
                    // Letters of the other case may be shorter by two thirds.
                    let least = if style.fold { value.len() / 3 } else { value.len() };
                    room = room.and_then(|room| room.checked_sub(least));
                    if room.is_some() && known.meter.pay(8 + value.len()) {
                        let value = if style.fold { value.to_lowercase() } else { value.into() };
                        steps.push(Unit::Text(value));
                    }
                }
            }
        }
        Some(room.is_some() && Glob::new(steps).matches(text, &known.meter))
    }

    /// The text itself, if there is nothing else to it.
    pub(super) fn plain(&self) -> Option<&str> {
        match &self.0 {
            Form::Fixed(Glob::Plain(text)) => Some(text),
            _ => None,
        }
    }

    /// The keys of its variables, as they were written.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let parts = match &self.0 {
            Form::Fixed(_) => &[][..],
            Form::Open(parts, _) => parts,
        };
        parts.iter().filter_map(|part| match part {
            Part::Units(_) => None,
            Part::Variable(variable) => Some(variable.spelled.as_str()),
        })
    }
}

/// Reads what follows `${`, and gives what follows its `}`.
fn variable(text: &str) -> Option<(Part, &str)> {
    for special in ["*", "?", "$"] {
        if let Some(rest) = text.strip_prefix(special).and_then(|rest| rest.strip_prefix('}')) {
            return Some((Part::Units(vec![Unit::Text(special.to_owned())]), rest));
        }
    }
    let end = text.find(['}', ','])?;
    let spelled = text[..end].trim();
    let letters = |c: char| c.is_alphanumeric() || " _-+=.:/@".contains(c);
    let (prefix, name) = spelled.split_once(':')?;
    if prefix.is_empty() || name.is_empty() || !spelled.chars().all(letters) {
        return None;
    }
    let (default, rest) = match text[end..].strip_prefix(',') {
        None => (None, &text[end + 1..]),
        Some(rest) => {
            let (default, rest) = rest.trim_start().strip_prefix('\'')?.split_once('\'')?;
            (Some(default.to_owned()), rest.trim_start().strip_prefix('}')?)
        }
    };
    let key = spelled.to_ascii_lowercase();
    Some((Part::Variable(Variable { key, spelled: spelled.to_owned(), default }), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::context::Context;

    const WILD: Style = Style { variables: true, wild: true, fold: false };

    #[test]
    fn variables_stand_for_values_and_never_for_wildcards() {
        let context = Context::new()
            .with("aws:username", "taro")
            .with("s3:prefix", "a*")
            .with_all("aws:tagkeys", ["x".to_owned(), "y".to_owned()])
            .with_all("k:empty", []);
        let exact = Style { wild: false, ..WILD };
        let fold = Style { fold: true, ..exact };
        let cases = [
            ("home/${aws:username}/*", WILD, "home/taro/x", Some(true)),
            ("home/${AWS:UserName}/*", WILD, "home/jiro/x", Some(false)),
            ("${s3:prefix}", WILD, "ab", Some(false)),
            ("${s3:prefix}", WILD, "a*", Some(true)),
            ("${aws:tagkeys}", WILD, "x", None),
            ("${k:empty}", WILD, "", None),
            ("${aws:userid}", WILD, "x", None),
            ("${aws:userid, 'nobody'}", WILD, "nobody", Some(true)),
            ("${aws:username , 'nobody' }", WILD, "taro", Some(true)),
            ("${aws:userid,'*'}", WILD, "x", Some(false)),
            ("a${*}b", WILD, "axb", Some(false)),
            ("a${*}b", WILD, "a*b", Some(true)),
            ("a${?}${$}b", WILD, "a?$b", Some(true)),
            ("$a{b}", WILD, "$a{b}", Some(true)),
            ("${aws:username}", Style { variables: false, ..WILD }, "taro", Some(false)),
            ("${aws:username}", Style { variables: false, ..WILD }, "${aws:username}", Some(true)),
            ("a*", exact, "ab", Some(false)),
            ("a*", exact, "a*", Some(true)),
            ("TARO-${aws:username}É", fold, "taro-taroé", Some(true)),
        ];
        for (text, style, against, expected) in cases {
            let known = Known::new(&context);
            let pattern = Pattern::read(text, style).unwrap();
            assert_eq!(pattern.matches(against, &known), expected, "{text} {against}");
        }
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for text in [
            "${",
            "${}",
            "${aws}",
            "${aws:}",
            "${:x}",
            "${aws:a",
            "${aws:a,}",
            "${aws:a,b}",
            "${aws:a,'b}",
            "${aws:a,'b'",
            "${aws:a,'b'c}",
            "${aws:a*}",
            "${**}",
            "${${aws:a}}",
        ] {
            assert!(Pattern::read(text, WILD).is_err(), "{text}");
        }
    }
}
