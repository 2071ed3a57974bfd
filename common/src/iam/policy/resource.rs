//! ARNs with wildcards: `Resource`, `NotResource`, and the values of `Arn…` conditions.
//!
//! Each part between colons is matched alone, so that a wildcard in the place of an account cannot
//! reach into the resource; the last part of a pattern is matched against all that remains, which
//! may hold colons. A pattern with fewer than six parts must therefore end in `*`.

use super::known::Known;
use super::pattern::{Pattern, Style};

/// How many parts an ARN has, the word `arn` included.
const PARTS: usize = 6;

/// Names that a policy means.
#[derive(Debug)]
pub(super) enum ArnPattern {
    /// `*`.
    Any,
    /// How it must begin, in whole parts, and what the rest must be.
    Below(Box<str>, Pattern),
    /// The parts that follow `arn`, and what the rest must be.
    Parts(Vec<Pattern>, Pattern),
    /// A variable that stands for a whole ARN, or for more than one part.
    Whole(Pattern),
}

/// A name that is asked about, cut into its parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArnName<'a> {
    whole: &'a str,
    /// Where each part begins, if it is an ARN.
    starts: Option<[usize; PARTS]>,
}

impl<'a> ArnName<'a> {
    pub(super) fn of(whole: &'a str) -> Self {
        let mut starts = [0; PARTS];
        let mut colons = whole.match_indices(':');
        let found = starts[1..].iter_mut().all(|start| match colons.next() {
            Some((at, _)) => {
                *start = at + 1;
                true
            }
            None => false,
        });
        Self { whole, starts: (found && whole.starts_with("arn:")).then_some(starts) }
    }

    /// The account in it, if it names one by its twelve digits.
    pub(super) fn account(&self) -> Option<&'a str> {
        let starts = self.starts?;
        let account = &self.whole[starts[4]..starts[5] - 1];
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        digits.then_some(account)
    }
}

impl ArnPattern {
    /// Reads what stands in `Resource` and `NotResource`. Variables may stand in the resource only,
    /// wildcards not in the service.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn resource(text: &str, variables: bool) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let parts: Vec<&str> = text.splitn(PARTS, ':').collect();
        let wrong = || {
            format!(
                "'{text}' is no resource: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE is expected, or *"
            )
        };
        let whole = parts.len() == PARTS && !parts[PARTS - 1].is_empty();
        if parts[0] != "arn" || parts.len() < 4 || !(whole || text.ends_with('*')) {
            return Err(wrong());
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if parts[1].is_empty() || !(parts[1] == "*" || parts[1].chars().all(plain)) {
            return Err(format!("'{text}' names no partition: aws is expected"));
        }
        if parts[2].is_empty() || !parts[2].chars().all(plain) {
            return Err(format!("'{text}' names no service, in which no wildcard may stand"));
        }
        if variables && parts.iter().take(PARTS - 1).any(|part| part.contains("${")) {
            return Err(format!("'{text}' has a variable before its fifth colon"));
        }
        Self::parts(&parts, variables)
    }

    /// Reads a value of an `Arn…` condition.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn value(text: &str, variables: bool) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let parts = cut(text, variables);
        let open = variables && text.contains("${");
        match (parts.first(), parts.len()) {
            (Some(&"arn"), PARTS) => Self::parts(&parts, variables),
            (Some(&"arn"), _) if text.ends_with('*') => Self::parts(&parts, variables),
            _ if open => {
                Pattern::read(text, Style { variables, wild: true, fold: false }).map(Self::Whole)
            }
            _ => Err(format!("'{text}' is no ARN: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE")),
        }
    }

    fn parts(parts: &[&str], variables: bool) -> Result<Self, String> {
        let read = |text: &&str| Pattern::read(text, Style { variables, wild: true, fold: false });
        let (last, before) = parts.split_last().ok_or("an ARN is expected")?;
        let head = before.iter().skip(1).map(read).collect::<Result<Vec<_>, _>>()?;
        let plain: Option<Vec<&str>> = head.iter().map(Pattern::plain).collect();
        Ok(match plain {
            Some(plain) => {
                let beginning: String =
                    ["arn"].iter().chain(&plain).flat_map(|part| [part, ":"]).collect();
                Self::Below(beginning.into_boxed_str(), read(last)?)
            }
            None => Self::Parts(head, read(last)?),
        })
    }

    /// Whether it means this name; `None` if a variable in it stands for nothing.
    pub(super) fn matches(&self, name: &ArnName<'_>, known: &Known<'_>) -> Option<bool> {
        // A part's beginning is compared; what follows pays for itself.
        known.meter.pay(1);
        match (self, name.starts) {
            (Self::Any, _) => Some(true),
            (Self::Whole(pattern), _) => pattern.matches(name.whole, known),
            (Self::Below(..) | Self::Parts(..), None) => Some(false),
            (Self::Below(beginning, rest), Some(_)) => {
                match name.whole.strip_prefix(beginning.as_ref()) {
                    Some(after) => rest.matches(after, known),
                    None => Some(false),
                }
            }
            (Self::Parts(head, rest), Some(starts)) => {
                // Each begins one after the colon at which the one before it ends.
                for (pattern, ends) in head.iter().zip(starts.windows(2).skip(1)) {
                    if !pattern.matches(&name.whole[ends[0]..ends[1] - 1], known)? {
                        return Some(false);
                    }
                }
                rest.matches(&name.whole[starts[head.len() + 1]..], known)
            }
        }
    }

    /// The keys of its variables, as they were written.
    pub(super) fn keys(&self) -> Vec<&str> {
        match self {
            Self::Any => Vec::new(),
            Self::Whole(pattern) | Self::Below(_, pattern) => pattern.keys().collect(),
            Self::Parts(head, rest) => head.iter().chain([rest]).flat_map(Pattern::keys).collect(),
        }
    }
}

/// Cuts at the first five colons that are in no variable.
fn cut(text: &str, variables: bool) -> Vec<&str> {
    let (mut parts, mut from, mut inside) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if variables && text[..at].ends_with('$') => inside = true,
            b'}' => inside = false,
            b':' if !inside && parts.len() < PARTS - 1 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::context::Context;

    #[test]
    fn parts_are_matched_each_alone() {
        let context = Context::new()
            .with("aws:username", "taro")
            .with("aws:principalarn", "arn:aws:iam::123456789012:user/taro");
        let cases = [
            ("*", "*", Some(true)),
            ("*", "arn:aws:s3:::b", Some(true)),
            ("arn:aws:s3:::*", "*", Some(false)),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k:l/m", Some(true)),
            ("arn:aws:s3:::b*", "arn:aws:s3:::bucket/k", Some(true)),
            ("arn:aws:s3:::B", "arn:aws:s3:::b", Some(false)),
            ("arn:aws:s3:*:*:b", "arn:aws:s3:::b", Some(true)),
            (
                "arn:aws:ec2:*:123456789012:instance/*",
                "arn:aws:ec2:r:123456789012:instance/i-1",
                Some(true),
            ),
            ("arn:aws:ec2:*:instance/*", "arn:aws:ec2:r:123456789012:instance/i-1", Some(false)),
            ("arn:aws:ec2:*", "arn:aws:ec2:r:123456789012:instance/i-1", Some(true)),
            ("arn:aws:ec2:r1:*", "arn:aws:ec2:r2:123456789012:instance/i-1", Some(false)),
            ("arn:aws:ec2:r?::image/*", "arn:aws:ec2:r1::image/emi-1", Some(true)),
            ("arn:aws:iam::*:user/a", "arn:aws:iam::1:x:user/a", Some(false)),
            ("arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::1:user/taro", Some(true)),
            ("arn:aws:iam::*:user/${aws:userid}", "arn:aws:iam::1:user/taro", None),
            ("arn:aws:iam::*:user/${aws:userid}", "arn:aws:iam::1:", None),
            ("arn:aws:s3:::${aws:userid}", "arn:aws:iam::1:x", Some(false)),
        ];
        for (pattern, name, expected) in cases {
            let read = ArnPattern::resource(pattern, true).unwrap();
            let found = read.matches(&ArnName::of(name), &Known::new(&context));
            assert_eq!(found, expected, "{pattern} {name}");
        }
        let cases = [
            ("${aws:PrincipalArn}", "arn:aws:iam::123456789012:user/taro", Some(true)),
            ("${aws:PrincipalArn}", "arn:aws:iam::123456789012:user/jiro", Some(false)),
            ("arn:aws:iam::${aws:username}:user/*", "arn:aws:iam::taro:user/x", Some(true)),
            ("arn:*:*:*:*:*", "arn:aws:iam::1:x", Some(true)),
            ("arn:aws:s?:::b", "arn:aws:s3:::b", Some(true)),
            ("arn:aws:s3:::b", "b", Some(false)),
        ];
        for (pattern, name, expected) in cases {
            let read = ArnPattern::value(pattern, true).unwrap();
            let found = read.matches(&ArnName::of(name), &Known::new(&context));
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_names_no_resource_is_refused() {
        for text in [
            "",
            "**",
            "b",
            "arn",
            "arn:*",
            "arn:aws:*",
            "arn:aws:s3",
            "arn:aws:s3:::",
            "arn:aws:s3:::b:${",
            "arn::s3:::b",
            "arn:aws::::b",
            "arn:aws:s*:::b",
            "arn:a*:s3:::b",
            "ARN:aws:s3:::b",
            "arn:aws:s3::b",
            "arn:aws:s3::${aws:username}:b",
            "arn:aws:iam::${aws:x}:*",
        ] {
            assert!(ArnPattern::resource(text, true).is_err(), "{text}");
        }
        for text in ["", "x", "arn:aws:iam", "arn:aws:iam::1", "*x", "${aws"] {
            assert!(ArnPattern::value(text, true).is_err(), "{text}");
        }
        assert!(ArnPattern::value("${aws:PrincipalArn}", false).is_err());
    }

    #[test]
    fn names_tell_their_account() {
        assert_eq!(ArnName::of("arn:aws:iam::123456789012:x").account(), Some("123456789012"));
        for name in ["arn:aws:s3:::b", "*", "arn:aws:iam::aws:policy/x", "", "arn::::"] {
            assert_eq!(ArnName::of(name).account(), None, "{name}");
        }
    }
}
