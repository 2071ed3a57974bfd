//! What a form says, and the token that shows that it is one of ours.
//!
//! A token is made of the secret of a cookie: of the session, or, before there is one, of a cookie
//! that was set with the form. Another site can neither read nor set these, so it cannot make a token,
//! and nothing needs to be kept here: forms outlive a restart as sessions do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::error::{ApiError, ErrorCode};
use common::sign::parse_query;
use common::wire::people::Contact;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The field that bears the token.
pub(crate) const TOKEN: &str = "token_of_form";

/// The header that bears it in a request of the script.
pub(crate) const TOKEN_HEADER: &str = "x-form-token";

/// How large a form may be, in bytes.
pub(crate) const LARGEST: u64 = 64 << 10;

/// The token of forms that are bound to a cookie.
pub(crate) fn token(bound_to: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("form of the console\n{bound_to}")))
}

/// Whether something said is the token of forms that are bound to a cookie.
pub(crate) fn is_token(said: Option<&str>, bound_to: &str) -> bool {
    said.unwrap_or_default().as_bytes().ct_eq(token(bound_to).as_bytes()).into()
}

/// The fields of a form, or of what stands behind the `?` of an address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `name=value&…`.
    pub(crate) fn read(text: &str) -> Self {
        Self(parse_query(text))
    }

    /// Whether they bear the token of what they are bound to.
    pub(crate) fn is_bound_to(&self, bound_to: &str) -> bool {
        is_token(Some(self.get(TOKEN)), bound_to)
    }

    /// All values of fields of that name, in their order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Fields that were read one by one.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Whether there is such a field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// A field as it was sent; empty if it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// All of them, in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes out those of which this holds.
    pub(crate) fn take(&mut self, which: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|it| which(&it.0));
        self.0 = left;
        taken
    }

    /// Puts some behind the others.
    pub(crate) fn add(&mut self, fields: Vec<(String, String)>) {
        self.0.extend(fields);
    }

    /// A field without the blanks at its ends; of what is typed, all but passwords.
    pub(crate) fn line(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// A field without the blanks at its ends, if something is in it.
    pub(crate) fn some(&self, name: &str) -> Option<String> {
        Some(self.line(name).to_owned()).filter(|text| !text.is_empty())
    }

    /// Every field of a name, as boxes that may be ticked together have it; blanks at the ends are left out.
    pub(crate) fn ticked(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(known, _)| known == name);
        found.map(|(_, value)| value.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    }

    /// What it says of who stands behind an account, and of nothing else.
    pub(crate) fn contact(&self) -> Contact {
        let line = |name| self.line(name).to_owned();
        Contact {
            email: line("email"),
            full_name: line("full_name"),
            telephone: line("telephone"),
            affiliation: line("affiliation"),
            project_leader: line("project_leader"),
            project_description: line("project_description"),
        }
    }

    /// A new password, written twice alike.
    ///
    /// # Errors
    /// `InvalidParameterValue` if the two differ, `MissingParameter` if there is none.
    pub(crate) fn new_password(&self) -> Result<String, ApiError> {
        let (one, two) = (self.get("password"), self.get("again"));
        if one.is_empty() {
            return Err(ApiError::missing("password"));
        }
        if one != two {
            let text = "The two passwords are not the same";
            return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
        }
        Ok(one.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_bound_to_one_cookie() {
        let form = Fields::read(&format!("name=a+b%26&{TOKEN}={}", token("one")));
        assert!(form.is_bound_to("one"));
        assert!(!form.is_bound_to("two") && !form.is_bound_to(""));
        assert!(!Fields::read("name=x").is_bound_to("one"));
        assert_eq!(form.get("name"), "a b&");
        assert_eq!(Fields::read("id=a&x=c&id=+b&id=").ticked("id"), ["a", "b"]);
        assert!(!token("one").contains("one"));
    }

    #[test]
    fn passwords_are_written_twice() {
        let said = |text: &str| Fields::read(text).new_password().map_err(|error| error.code());
        assert_eq!(said("password=+a&again=+a"), Ok(" a".to_owned()));
        assert_eq!(said("password=a&again=b"), Err(ErrorCode::InvalidParameterValue));
        assert_eq!(said("again=b"), Err(ErrorCode::MissingParameter));
    }
}
