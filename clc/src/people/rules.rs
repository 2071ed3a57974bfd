//! What a password must be like. Pure.
//!
//! The cloud's own rules hold for everybody: eight characters at least, no name and nothing that is
//! made of the name alone, not all one character, none of those that everybody tries first. An
//! account may ask for more.

use thiserror::Error;

use crate::records::PasswordRules;

/// How many characters the cloud wants at least.
pub const LEAST: usize = 8;
/// How many it takes at most.
pub const MOST: usize = 128;

/// Which rule a password breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Broken {
    /// It is too short.
    #[error("it has less than {0} characters")]
    Short(usize),
    /// It is too long.
    #[error("it has more than {MOST} characters")]
    Long,
    /// It is the user's name.
    #[error("it is the user's name, or holds it and little else")]
    Name,
    /// Everybody tries it first.
    #[error("it is one of those that are tried first")]
    Common,
    /// A kind of character is missing.
    #[error("it has no {0}")]
    Lacks(&'static str),
    /// It was used before.
    #[error("it is one of the last {0}")]
    Used(usize),
}

/// What IAM counts as symbols.
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// Those that are tried first, of eight characters and more, without their digits at the end.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "qwertyuiop",
    "qwertyui",
    "asdfghjkl",
    "iloveyou",
    "changeme",
    "letmein",
    "welcome",
    "administrator",
    "superman",
    "football",
    "baseball",
    "princess",
    "sunshine",
    "trustno",
    "eucalyptus",
    "eucalypt",
    "qwerty",
    "abcdefgh",
    "abcd",
    "abc",
    "secret",
    "admin",
    "test",
    "cloud",
];

/// Checks a password for a user of these names (the account's and their own).
///
/// # Errors
/// The first rule that it breaks.
pub fn check(password: &str, names: &[&str], rules: Option<&PasswordRules>) -> Result<(), Broken> {
    let asked = rules.map_or(0, |rules| rules.min_length);
    let least = usize::try_from(asked).unwrap_or(MOST).max(LEAST);
    let length = password.chars().count();
    if length < least {
        return Err(Broken::Short(least));
    }
    if length > MOST {
        return Err(Broken::Long);
    }
    let lower = password.to_lowercase();
    for name in names.iter().filter(|name| name.chars().count() >= 3) {
        let rest = lower.replace(&name.to_lowercase(), "");
        let is_named = rest.len() < lower.len();
        if is_named && rest.chars().filter(|c| c.is_alphabetic()).count() < LEAST / 2 {
            return Err(Broken::Name);
        }
    }
    let stem = lower.trim_end_matches(|c: char| c.is_ascii_digit() || "!.?$".contains(c));
    let mut characters = lower.chars();
    let first = characters.next();
    if stem.is_empty() || COMMON.contains(&stem) || characters.all(|c| Some(c) == first) {
        return Err(Broken::Common);
    }
    let Some(rules) = rules else { return Ok(()) };
    let wants: [(bool, &'static str, fn(char) -> bool); 4] = [
        (rules.upper, "upper-case letter", |c| c.is_ascii_uppercase()),
        (rules.lower, "lower-case letter", |c| c.is_ascii_lowercase()),
        (rules.numbers, "digit", |c| c.is_ascii_digit()),
        (rules.symbols, "symbol", |c| SYMBOLS.contains(c)),
    ];
    match wants.iter().find(|(wanted, _, is)| *wanted && !password.chars().any(is)) {
        Some((_, what, _)) => Err(Broken::Lacks(what)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clouds_own_rules() {
        let names = ["taro.yamada", "admin"];
        for good in ["korrekt Pferd", "x9!kd82k", "ひらがなのことば", "taro.yamada likes horses"]
        {
            assert_eq!(check(good, &names, None), Ok(()), "{good}");
        }
        for (bad, broken) in [
            ("", Broken::Short(8)),
            ("1234567", Broken::Short(8)),
            ("12345678", Broken::Common),
            ("aaaaaaaaa", Broken::Common),
            ("Password1!", Broken::Common),
            ("Taro.Yamada", Broken::Name),
            ("taro.yamada1", Broken::Name),
            ("xtaro.yamadax", Broken::Name),
            ("admin123", Broken::Name),
            ("Eucalyptus2026", Broken::Common),
        ] {
            assert_eq!(check(bad, &names, None), Err(broken), "{bad}");
        }
        assert_eq!(check(&"äö".repeat(64), &names, None), Ok(()));
        assert_eq!(check(&"äö".repeat(65), &names, None), Err(Broken::Long));
    }

    #[test]
    fn an_accounts_rules_come_on_top() {
        let rules = PasswordRules {
            account: "123456789012".parse().unwrap(),
            min_length: 12,
            symbols: true,
            numbers: true,
            upper: true,
            lower: true,
            may_change: true,
            max_age_days: None,
            reuse: None,
            hard_expiry: false,
        };
        let check = |text| check(text, &[], Some(&rules));
        assert_eq!(check("Aa1!Aa1!Aa1!"), Ok(()));
        assert_eq!(check("Aa1!Aa1!Aa1"), Err(Broken::Short(12)));
        assert_eq!(check("aa1!aa1!aa1!"), Err(Broken::Lacks("upper-case letter")));
        assert_eq!(check("AA1!AA1!AA1!"), Err(Broken::Lacks("lower-case letter")));
        assert_eq!(check("Aab!Aab!Aab!"), Err(Broken::Lacks("digit")));
        assert_eq!(check("Aa1bAa1bAa1b"), Err(Broken::Lacks("symbol")));
        let lax = PasswordRules { min_length: 6, ..rules.clone() };
        assert_eq!(super::check("Aa1!Aa1", &[], Some(&lax)), Err(Broken::Short(8)));
    }
}
