//! The rules for names of accounts, and for mail addresses: one function for every way in.

use thiserror::Error;

/// Why a name cannot be an account's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// No character at all, or more than thirty.
    #[error("a user name has 1 to 30 characters, '{0}' has {1}")]
    Length(String, usize),
    /// A character that is neither an ASCII letter nor digit nor one of `-.@_`.
    #[error("a user name holds letters, digits, '-', '.', '@' and '_' only, not '{0}'")]
    Character(char),
    /// `eucalyptus`, in any case.
    #[error("the user name '{0}' is reserved")]
    Reserved(String),
}

/// The account that is the cloud's own.
pub const CLOUD_ACCOUNT: &str = "eucalyptus";

/// Checks a name for a new account: ASCII letters, digits, `-`, `.`, `@`, `_`, 1 to 30 characters,
/// not `eucalyptus` in any case.
///
/// # Errors
/// Says which rule the name breaks.
pub fn check_account_name(name: &str) -> Result<(), NameError> {
    let length = name.chars().count();
    if !(1..=30).contains(&length) {
        return Err(NameError::Length(name.to_owned(), length));
    }
    if let Some(odd) = name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-.@_".contains(*c)) {
        return Err(NameError::Character(odd));
    }
    if name.eq_ignore_ascii_case(CLOUD_ACCOUNT) {
        return Err(NameError::Reserved(name.to_owned()));
    }
    Ok(())
}

/// How many characters a mail address has at most.
pub const MAIL_ADDRESS: usize = 254;

/// Whether this is a mail address that servers take: one `@`, a local part of RFC 5322's plain
/// characters, and a domain of labels.
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let local_is_good = (1..=64).contains(&local.len()) && local.chars().all(plain) && dots;
    let label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    local_is_good && text.len() <= MAIL_ADDRESS && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_article_hold() {
        for good in ["a", "taro.yamada@example_1-x", &"n".repeat(30), "eucalyptus1"] {
            assert_eq!(check_account_name(good), Ok(()), "{good}");
        }
        for bad in
            ["", &"n".repeat(31), "a b", "a/b", "日本", "a\n", "eucalyptus", "EucaLyptus", "a:b"]
        {
            assert!(check_account_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses() {
        for good in ["a@b", "taro.yamada+x@mail.example.jp", "o'neil@example.com", "a@127.0.0.1"] {
            assert!(is_mail_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b c",
            "a@b..c",
            "a@-b",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@b\nBcc: x@y",
            "a@b,c@d",
            "<a@b>",
            "a@[1.2.3.4]",
            "あ@b",
            "a\"b@c",
            "a@b.",
        ] {
            assert!(!is_mail_address(bad), "{bad}");
        }
        assert!(!is_mail_address(&format!("{}@b", "a".repeat(65))));
        assert!(!is_mail_address(&format!("a@{}", "b".repeat(64))));
    }
}
