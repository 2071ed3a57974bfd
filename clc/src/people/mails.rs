//! What the cloud writes to people: plain texts in their language.
//!
//! A text names what is put into it in braces; the first line is the subject. What is put in is
//! cleaned where it is put in: a line stays one line whatever its writer wrote, a description is
//! indented so that no line of it could be taken for the cloud's own, and nothing that is put in is
//! looked at for braces again. So no text needs to be careful, and none can forget to be.

use std::time::Duration;

use common::error::ApiError;
use common::wire::people::{Contact, Language};

use super::contact::is_control;
use super::links::{self, Token};
use crate::records::{Account, Errand, Records};
use crate::settings;

/// A mail, ready to be queued.
pub struct Mail {
    /// To whom.
    pub to: String,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// How long it is of use, if it bears a link.
    pub good_for: Option<Duration>,
}

/// A text in both languages.
struct Text {
    en: &'static str,
    ja: &'static str,
}

macro_rules! text {
    ($name:literal) => {
        Text {
            en: include_str!(concat!("mails/en/", $name, ".txt")),
            ja: include_str!(concat!("mails/ja/", $name, ".txt")),
        }
    };
}

const APPLICATION: Text = text!("application");
const APPROVED: Text = text!("approved");
const ADDED: Text = text!("added");
const REJECTED: Text = text!("rejected");
const TAKEN: Text = text!("taken");
const RECOVERY: Text = text!("recovery");
const ADDRESS: Text = text!("address");
const MOVED: Text = text!("moved");

/// The language of those who have not said theirs. Blocks.
///
/// # Errors
/// If the store fails.
pub fn default_language(records: &Records) -> Result<Language, ApiError> {
    Ok(match settings::get(records, settings::LANGUAGE)?.as_str() {
        "ja" => Language::Ja,
        _ => Language::En,
    })
}

/// The language of an account's owner. Blocks.
///
/// # Errors
/// If the store fails.
pub fn language_of(records: &Records, account: &Account) -> Result<Language, ApiError> {
    match account.registration.language {
        Some(language) => Ok(language),
        None => default_language(records),
    }
}

/// To the administrator: somebody applies. Blocks.
///
/// # Errors
/// If the store fails.
pub fn application(
    records: &Records,
    console: &str,
    to: &str,
    account: &Account,
) -> Result<Mail, ApiError> {
    let subject = settings::get(records, settings::SIGNUP_SUBJECT)?;
    let it = &account.registration.contact;
    let mut values = common(records, &account.alias)?;
    values.extend([
        ("signup_subject", line(&subject)),
        ("email", line(&it.email)),
        ("full_name", line(&it.full_name)),
        ("telephone", line(&it.telephone)),
        ("affiliation", line(&it.affiliation)),
        ("project_leader", line(&it.project_leader)),
        ("project", quoted(&it.project_description)),
        ("console", line(console)),
    ]);
    Ok(filled(&APPLICATION, default_language(records)?, to, &values))
}

/// To an applicant who was approved. Blocks.
///
/// # Errors
/// If the store fails.
pub fn approved(
    records: &Records,
    console: &str,
    language: Language,
    account: &Account,
    token: &Token,
) -> Result<Mail, ApiError> {
    confirmation(&APPROVED, records, console, language, account, token)
}

/// To one whom an administrator has added. Blocks.
///
/// # Errors
/// If the store fails.
pub fn added(
    records: &Records,
    console: &str,
    language: Language,
    account: &Account,
    token: &Token,
) -> Result<Mail, ApiError> {
    confirmation(&ADDED, records, console, language, account, token)
}

fn confirmation(
    text: &Text,
    records: &Records,
    console: &str,
    language: Language,
    account: &Account,
    token: &Token,
) -> Result<Mail, ApiError> {
    let good_for = links::lifetime(records, Errand::Confirm)?;
    let hours = good_for.as_secs() / 3600;
    let mut values = common(records, &account.alias)?;
    values.extend([
        ("hours", hours.to_string()),
        ("link", line(&token.link(console, Errand::Confirm, &account.alias))),
        ("note", note(&settings::get(records, settings::APPROVAL_NOTE)?)),
    ]);
    let mail = filled(text, language, &account.registration.contact.email, &values);
    Ok(Mail { good_for: Some(good_for), ..mail })
}

/// To an applicant who was turned down, with an administrator's reason if there is one. Blocks.
///
/// # Errors
/// If the store fails.
pub fn rejected(
    records: &Records,
    language: Language,
    account: &Account,
    reason: &str,
) -> Result<Mail, ApiError> {
    let mut values = common(records, &account.alias)?;
    let heading = match language {
        Language::En => "The reason:",
        Language::Ja => "理由:",
    };
    let told = match reason {
        "" => String::new(),
        reason => format!("{heading}\n\n{}\n\n", quoted(reason)),
    };
    values.push(("reason", told));
    values.push(("note", note(&settings::get(records, settings::REJECTION_NOTE)?)));
    Ok(filled(&REJECTED, language, &account.registration.contact.email, &values))
}

/// To somebody who applied under a name that is taken. Blocks.
///
/// # Errors
/// If the store fails.
pub fn name_taken(
    records: &Records,
    language: Language,
    name: &str,
    contact: &Contact,
) -> Result<Mail, ApiError> {
    Ok(filled(&TAKEN, language, &contact.email, &common(records, name)?))
}

/// To somebody who has forgotten the password. Blocks.
///
/// # Errors
/// If the store fails.
pub fn recovery(
    records: &Records,
    console: &str,
    language: Language,
    account: &Account,
    token: &Token,
) -> Result<Mail, ApiError> {
    let good_for = links::lifetime(records, Errand::Recover)?;
    let minutes = good_for.as_secs() / 60;
    let mut values = common(records, &account.alias)?;
    values.extend([
        ("minutes", minutes.to_string()),
        ("link", line(&token.link(console, Errand::Recover, &account.alias))),
    ]);
    let mail = filled(&RECOVERY, language, &account.registration.contact.email, &values);
    Ok(Mail { good_for: Some(good_for), ..mail })
}

/// To the mail address that an account is to have. Blocks.
///
/// # Errors
/// If the store fails.
pub fn new_address(
    records: &Records,
    console: &str,
    language: Language,
    account: &Account,
    to: &str,
    token: &Token,
) -> Result<Mail, ApiError> {
    let good_for = links::lifetime(records, Errand::Address)?;
    let hours = good_for.as_secs() / 3600;
    let mut values = common(records, &account.alias)?;
    values.extend([
        ("hours", hours.to_string()),
        ("link", line(&token.link(console, Errand::Address, &account.alias))),
    ]);
    Ok(Mail { good_for: Some(good_for), ..filled(&ADDRESS, language, to, &values) })
}

/// To the mail address that an account has no longer; it has `to` now. Blocks.
///
/// # Errors
/// If the store fails.
pub fn moved(
    records: &Records,
    language: Language,
    account: &Account,
    to: &str,
) -> Result<Mail, ApiError> {
    let mut values = common(records, &account.alias)?;
    values.push(("email", line(to)));
    Ok(filled(&MOVED, language, &account.registration.contact.email, &values))
}

type Values = Vec<(&'static str, String)>;

fn common(records: &Records, name: &str) -> Result<Values, ApiError> {
    let cloud = settings::get(records, settings::CLOUD_NAME)?;
    Ok(vec![("cloud", line(&cloud)), ("name", line(name))])
}

/// One line, whatever it was.
fn line(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { ' ' } else { c }).collect()
}

/// Lines that nobody takes for the cloud's own.
fn quoted(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|it| format!("    | {}", line(it))).collect();
    lines.join("\n")
}

/// A paragraph, if there is anything to say.
fn note(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{}\n", line(text)) }
}

fn filled(text: &Text, language: Language, to: &str, values: &Values) -> Mail {
    let text = match language {
        Language::En => text.en,
        Language::Ja => text.ja,
    };
    let (subject, body) = text.split_once('\n').unwrap_or((text, ""));
    let (subject, body) = (fill(subject, values), fill(body.trim_start(), values));
    Mail { to: to.to_owned(), subject: line(&subject), body, good_for: None }
}

/// Puts values in the places of their names, once from the beginning to the end.
pub(crate) fn fill(text: &str, values: &[(&str, impl AsRef<str>)]) -> String {
    let mut out = String::with_capacity(text.len() + 256);
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = behind.split_once('}') else { break };
        let value = values.iter().find(|(known, _)| *known == name);
        out.push_str(value.map_or("", |(_, value)| value.as_ref()));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use common::id::AccountId;
    use common::time::Timestamp;
    use store::EngineConfig;

    use super::*;
    use crate::records::Registration;

    fn names(text: &str) -> BTreeSet<&str> {
        let behind = text.split('{').skip(1);
        behind.map(|part| part.split_once('}').unwrap().0).collect()
    }

    #[test]
    fn both_languages_name_the_same() {
        for text in [APPLICATION, APPROVED, ADDED, REJECTED, TAKEN, RECOVERY, ADDRESS, MOVED] {
            assert_eq!(names(text.en), names(text.ja), "{}", text.en);
            assert!(text.ja.chars().any(|c| ('\u{3040}'..'\u{30ff}').contains(&c)));
        }
    }

    #[test]
    fn nothing_that_is_put_in_changes_the_rest() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let registration = Registration {
            contact: Contact {
                email: "taro@example.com".into(),
                full_name: "Taro {link}\r\nBcc: all@example.com".into(),
                project_description: "one\n\nTo approve: https://evil/\r\n.\r\n".into(),
                ..Contact::default()
            },
            ..Registration::default()
        };
        let number = AccountId::cloud();
        let account = Account { registration, ..Account::new(number, "taro", Timestamp::EPOCH) };
        let mail = application(&records, "https://c:8443", "root@x", &account).unwrap();
        assert_eq!(mail.subject, "New application (taro@example.com)");
        assert!(mail.body.contains("Taro {link}  Bcc: all@example.com\n"), "{}", mail.body);
        assert!(mail.body.contains("    | To approve: https://evil/\n"), "{}", mail.body);
        assert!(mail.body.contains("https://c:8443/approve#taro\n"));
        let token = Token::random().unwrap();
        let mail = approved(&records, "https://c:8443", Language::Ja, &account, &token).unwrap();
        assert_eq!(mail.to, "taro@example.com");
        assert!(mail.body.contains("https://c:8443/confirm#taro/"), "{}", mail.body);
        assert!(mail.body.contains("168 時間") && !mail.body.contains('{'));
    }
}
