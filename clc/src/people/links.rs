//! Links in mails: made, sent, used once.
//!
//! A link is `https://HOST:8443/ERRAND#NAME/TOKEN`. What stands behind `#` is never sent by a
//! browser: the page at its address puts it into a form, and the form is posted. So no token comes
//! into a log or a referrer, and whoever looks at a mail's links in advance uses none up. A token is
//! 32 random bytes; its SHA-256 is kept, and the link itself until the mail is sent.
//!
//! A link is good for what was so when it was sent: once the mail address is another one, or the
//! password has been set by whatever means, or the registration is confirmed, it is good for nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::people::Standing;
use sha2::{Digest as _, Sha256};
use store::{Batch, Seen};

use crate::random;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Errand, LinkToken, Login, Records};
use crate::settings;

/// A token, as it stands in a link.
pub struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn random() -> Result<Self, ApiError> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random::bytes::<32>()?)))
    }

    /// The link that bears it.
    pub fn link(&self, console: &str, errand: Errand, name: &str) -> String {
        let page = match errand {
            Errand::Confirm => "confirm",
            Errand::Recover => "recover",
            Errand::Address => "confirm-address",
        };
        format!("{console}/{page}#{name}/{}", self.0)
    }
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// How long a link is good. Blocks.
///
/// # Errors
/// If the store fails.
pub fn lifetime(records: &Records, errand: Errand) -> Result<Duration, ApiError> {
    let (name, unit) = match errand {
        Errand::Confirm | Errand::Address => (settings::CONFIRM_HOURS, 3600),
        Errand::Recover => (settings::RECOVER_MINUTES, 60),
    };
    let number = settings::get(records, name)?.parse().unwrap_or(1u64);
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}

/// Adds to a batch: this token is good for an errand of an account, whose owner logs in so.
///
/// # Errors
/// If the record cannot be written.
pub fn put(
    records: &Records,
    batch: &mut Batch,
    token: &Token,
    errand: Errand,
    account: &Account,
    login: Option<&Login>,
    now: Timestamp,
) -> Result<(), ApiError> {
    put_for(records, batch, token, (errand, ""), account, login, now)
}

/// The same, of an errand about a mail address.
///
/// # Errors
/// If the record cannot be written.
pub fn put_for(
    records: &Records,
    batch: &mut Batch,
    token: &Token,
    (errand, wanted): (Errand, &str),
    account: &Account,
    login: Option<&Login>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let expires = now.plus(lifetime(records, errand)?);
    let given = given(account, login);
    let (digest, account) = (digest(&token.0), account.number.clone());
    let wanted = wanted.to_owned();
    batch.insert(&LinkToken { digest, errand, account, expires, given, wanted })?;
    Ok(())
}

/// What a link is bound to.
fn given(account: &Account, login: Option<&Login>) -> String {
    let set = login.map_or(String::new(), |login| login.set.as_millis().to_string());
    digest(&format!("{}\n{set}", account.registration.contact.email))
}

/// How the owner of an account logs in, if they can. Blocks.
///
/// # Errors
/// If the store fails.
pub fn login_of(records: &Records, account: &AccountId) -> Result<Option<Seen<Login>>, ApiError> {
    Ok(records.logins.get(&Login::key_of(account, FIRST_USER))?)
}

/// A token that is good, with the account that it is good for. Blocks.
///
/// # Errors
/// `InvalidToken`, the same for one that is unknown, used, too old, meant for something else,
/// somebody else's, or bound to what is so no longer.
pub fn find(
    records: &Records,
    name: &str,
    token: &str,
    errand: Errand,
    now: Timestamp,
) -> Result<(Seen<LinkToken>, Seen<Account>), ApiError> {
    let found = match records.link_tokens.get(&digest(token))? {
        Some(seen) if seen.errand == errand && seen.expires > now => {
            let account = records.accounts.get(seen.account.as_str())?;
            account.map(|account| (seen, account))
        }
        _ => None,
    };
    let good = match found {
        Some((seen, account)) => {
            let login = login_of(records, &account.number)?;
            let login = login.as_ref().map(|login| &login.record);
            let same = seen.given.is_empty() || seen.given == given(&account, login);
            let confirmed = account.registration.standing == Standing::Confirmed;
            let done = errand == Errand::Confirm && confirmed;
            let named = account.alias.eq_ignore_ascii_case(name);
            (named && same && !done).then_some((seen, account))
        }
        None => None,
    };
    good.ok_or_else(|| {
        let text = "This link is not good any more: ask for another one";
        ApiError::new(ErrorCode::InvalidToken, text)
    })
}

/// Adds to a batch: no link that was sent to an account before is good any more. Blocks.
///
/// # Errors
/// If the store fails.
pub fn revoke(records: &Records, batch: &mut Batch, account: &AccountId) -> Result<(), ApiError> {
    revoke_of(records, batch, account, None)
}

/// The same, of links for one errand if one is named. Blocks.
///
/// # Errors
/// If the store fails.
pub fn revoke_of(
    records: &Records,
    batch: &mut Batch,
    account: &AccountId,
    errand: Option<Errand>,
) -> Result<(), ApiError> {
    for seen in records.link_tokens.all("") {
        let seen = seen?;
        if seen.account == *account && errand.is_none_or(|errand| errand == seen.errand) {
            batch.remove(&seen);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_hides_its_token_from_servers() {
        let token = Token::random().unwrap();
        let link = token.link("https://cloud:8443", Errand::Confirm, "taro@x");
        let (sent, kept) = link.split_once('#').unwrap();
        assert_eq!(sent, "https://cloud:8443/confirm");
        let (name, text) = kept.split_once('/').unwrap();
        assert_eq!((name, text.len()), ("taro@x", 43));
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    }
}
