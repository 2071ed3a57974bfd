//! The rules for what people write about themselves. Pure.
//!
//! All of it ends up in mails and on pages. Lines are lines here: whatever could begin another one,
//! or turn the direction of what follows, is refused, so that no field can write a header or
//! pretend to be something else.

use common::name::{MAIL_ADDRESS, is_mail_address};
use common::wire::people::Contact;
use thiserror::Error;

/// How many characters a line may have.
const LINE: usize = 255;
/// How many characters the description of a project may have.
const DESCRIPTION: usize = 4000;

/// Why something cannot stand in a contact.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContactError {
    /// It is too long.
    #[error("{field} has {length} characters, more than {most}")]
    Long {
        /// Which field.
        field: &'static str,
        /// How many it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// It has a character that controls something.
    #[error("{0} holds a control character (U+{code:04X})", code = u32::from(*.1))]
    Control(&'static str, char),
    /// It is no mail address.
    #[error("'{0}' is no mail address")]
    Address(String),
    /// A mail address is needed and absent.
    #[error("a mail address is needed")]
    NoAddress,
}

/// Checks a contact and takes the blanks at the ends of its fields away.
///
/// # Errors
/// Names the first field at fault.
pub fn checked(contact: &Contact, needs_address: bool) -> Result<Contact, ContactError> {
    let checked = Contact {
        email: line("the mail address", &contact.email, MAIL_ADDRESS)?,
        full_name: line("the full name", &contact.full_name, LINE)?,
        telephone: line("the telephone number", &contact.telephone, LINE)?,
        affiliation: line("the affiliation", &contact.affiliation, LINE)?,
        project_leader: line("the project leader", &contact.project_leader, LINE)?,
        project_description: lines("the project description", &contact.project_description)?,
    };
    match checked.email.as_str() {
        "" if needs_address => return Err(ContactError::NoAddress),
        "" => {}
        address if is_mail_address(address) => {}
        address => return Err(ContactError::Address(address.to_owned())),
    }
    Ok(checked)
}

/// Checks what an administrator writes to somebody who is turned down.
///
/// # Errors
/// If it is too long, or holds what no text holds.
pub fn reason(text: &str) -> Result<String, ContactError> {
    lines("it", text)
}

fn line(field: &'static str, text: &str, most: usize) -> Result<String, ContactError> {
    let text = text.trim();
    bounded(field, text, most)?;
    match text.chars().find(|c| is_control(*c)) {
        Some(odd) => Err(ContactError::Control(field, odd)),
        None => Ok(text.to_owned()),
    }
}

fn lines(field: &'static str, text: &str) -> Result<String, ContactError> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    bounded(field, text, DESCRIPTION)?;
    match text.chars().find(|c| is_control(*c) && !"\n\t".contains(*c)) {
        Some(odd) => Err(ContactError::Control(field, odd)),
        None => Ok(text.to_owned()),
    }
}

fn bounded(field: &'static str, text: &str, most: usize) -> Result<(), ContactError> {
    let length = text.chars().count();
    if length > most {
        return Err(ContactError::Long { field, length, most });
    }
    Ok(())
}

/// Characters that end a line, control a terminal, or turn the direction of writing.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_hold_one_line_and_no_tricks() {
        let good = Contact {
            email: " taro@example.com ".into(),
            full_name: "山田 太郎".into(),
            project_description: "one\r\ntwo\n".into(),
            ..Contact::default()
        };
        let taken = checked(&good, true).unwrap();
        assert_eq!(taken.email, "taro@example.com");
        assert_eq!(taken.project_description, "one\ntwo");
        for odd in ["a\nb", "a\rb", "a\0b", "a\u{1b}[2J", "a\u{202e}b", "a\u{2028}b", "a\u{85}b"] {
            let name = Contact { full_name: odd.into(), ..good.clone() };
            assert!(matches!(checked(&name, true), Err(ContactError::Control(..))), "{odd:?}");
        }
        let long = Contact { affiliation: "あ".repeat(256), ..good.clone() };
        assert!(matches!(checked(&long, true), Err(ContactError::Long { length: 256, .. })));
        let nobody = Contact::default();
        assert_eq!(checked(&nobody, true), Err(ContactError::NoAddress));
        assert_eq!(checked(&nobody, false), Ok(nobody));
    }
}
