//! What others changed while a form was open.
//!
//! ```text
//!   typed: what was shown, or what is set now? ── yes ──▶ left alone
//!        │ something else
//!   what was shown is what is set now? ── no ──▶ refused: the form comes back with what was typed, and
//!        │ yes                                   is about what is set now, so that sent again it is done
//!        ▼
//!     changed
//! ```
//! A form of several values bears a digest of each as it was shown. So two people who change different
//! values of one form do not undo each other's, and nobody overwrites what they have not seen. A request
//! without digests, of a client of its own, says what it wants and gets it. Between the comparison and the
//! change there is no lock: who saves within the same millisecond wins by being the last.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::error::{ApiError, ErrorCode};
use common::wire::people::{Contact, ContactChange};
use maud::{Markup, html};
use sha2::{Digest as _, Sha256};

use super::forms::Fields;

/// How many bytes of a digest are enough: nobody gains anything by two values with the same.
const DIGEST: usize = 9;
/// How long a value may be to be told in a refusal, in bytes.
const TOLD: usize = 100;

/// Goes into a form beside a field: what it was filled with.
pub(crate) fn was(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(beside(name)) value=(digest(&plain(value))); }
}

fn beside(name: &str) -> String {
    format!("was/{name}")
}

fn digest(value: &str) -> String {
    let whole = Sha256::digest(value);
    URL_SAFE_NO_PAD.encode(whole.get(..DIGEST).unwrap_or(&whole))
}

/// A value without what browsers change of it: blanks at the ends, ends of lines.
fn plain(value: &str) -> String {
    value.trim().replace("\r\n", "\n")
}

/// What is typed into a field, unless it is what was shown there.
pub(crate) fn typed(form: &Fields, name: &str) -> Option<String> {
    let typed = form.has(name).then(|| plain(form.get(name)))?;
    let beside = beside(name);
    let shown = form.has(&beside).then(|| form.get(&beside));
    Some(typed).filter(|typed| shown != Some(&digest(typed)))
}

/// What a field changes, if it does, of a value that is `now` set.
///
/// # Errors
/// `OperationAborted` if somebody else has changed it since the form was made.
pub(crate) fn change(form: &Fields, name: &str, now: &str) -> Result<Option<String>, ApiError> {
    let stale = || match now.len() <= TOLD && !now.contains('\n') {
        true => format!(
            "{name} was changed by somebody else meanwhile, to '{now}': save again to overwrite it"
        ),
        false => {
            format!("{name} was changed by somebody else meanwhile: save again to overwrite it")
        }
    };
    change_or(form, name, now, stale)
}

/// As [`change`], for a policy of that name, which there may not be yet.
///
/// # Errors
/// As [`change`]; `MissingParameter` if the form has no such field.
pub(crate) fn change_policy(
    form: &Fields,
    field: &str,
    policy: &str,
    now: &str,
) -> Result<Option<String>, ApiError> {
    let stale = || {
        format!(
            "The policy '{policy}' is another one than this page began with: save again to overwrite it"
        )
    };
    if !form.has(field) {
        return Err(ApiError::missing(field));
    }
    change_or(form, field, now, stale)
}

fn change_or(
    form: &Fields,
    name: &str,
    now: &str,
    stale: impl FnOnce() -> String,
) -> Result<Option<String>, ApiError> {
    let now = plain(now);
    let Some(typed) = typed(form, name).filter(|typed| *typed != now) else { return Ok(None) };
    let beside = beside(name);
    match !form.has(&beside) || form.get(&beside) == digest(&now) {
        true => Ok(Some(typed)),
        false => Err(ApiError::new(ErrorCode::OperationAborted, stale())),
    }
}

/// The fields of a contact, each with how to have it.
type Part = (&'static str, fn(&Contact) -> &String, fn(&mut ContactChange) -> &mut Option<String>);

const CONTACT: [Part; 6] = [
    ("email", |it| &it.email, |it| &mut it.email),
    ("full_name", |it| &it.full_name, |it| &mut it.full_name),
    ("telephone", |it| &it.telephone, |it| &mut it.telephone),
    ("affiliation", |it| &it.affiliation, |it| &mut it.affiliation),
    ("project_leader", |it| &it.project_leader, |it| &mut it.project_leader),
    ("project_description", |it| &it.project_description, |it| &mut it.project_description),
];

/// As [`was`], for all fields of a contact.
pub(crate) fn was_contact(it: &Contact) -> Markup {
    html! { @for (name, value, _) in CONTACT { (was(name, value(it))) } }
}

/// What a form changes of a contact.
///
/// # Errors
/// As [`change`].
pub(crate) fn change_contact(form: &Fields, now: &Contact) -> Result<ContactChange, ApiError> {
    let mut changed = ContactChange::default();
    for (name, value, of) in CONTACT {
        *of(&mut changed) = change(form, name, value(now))?;
    }
    Ok(changed)
}

/// A contact as a form comes back with it: as it is now, and over it what was typed.
pub(crate) fn typed_contact(form: &Fields, now: &Contact) -> Contact {
    let mut said = ContactChange::default();
    for (name, _, of) in CONTACT {
        *of(&mut said) = typed(form, name);
    }
    said.of(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(typed: &str, shown: &str) -> Fields {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Fields::of(vec![pair("size", typed), pair("was/size", &digest(&plain(shown)))])
    }

    #[test]
    fn nobody_overwrites_what_they_have_not_seen() {
        let told = |typed, shown, now| {
            let said = change(&form(typed, shown), "size", now);
            said.map_err(|error| (error.code(), error.text().to_owned()))
        };
        assert_eq!(told("4", "4", "4"), Ok(None));
        assert_eq!(told(" 5 ", "4", "4"), Ok(Some("5".to_owned())));
        assert_eq!(told("", "4", "4"), Ok(Some(String::new())), "emptied");
        assert_eq!(told("4", "4", "6"), Ok(None), "what others changed stays");
        assert_eq!(told("6", "4", "6"), Ok(None), "both the same");
        let text =
            "size was changed by somebody else meanwhile, to '6': save again to overwrite it";
        assert_eq!(told("5", "4", "6"), Err((ErrorCode::OperationAborted, text.to_owned())));
        assert_eq!(told("a\r\nb\r\n", "a\nb", "c"), Ok(None), "ends of lines are nothing");
        let text = "size was changed by somebody else meanwhile: save again to overwrite it";
        assert_eq!(told("5", "4", "a\nb"), Err((ErrorCode::OperationAborted, text.to_owned())));
    }

    #[test]
    fn clients_of_their_own_say_what_they_want() {
        let form = Fields::read("size=5");
        assert_eq!(change(&form, "size", "6").ok(), Some(Some("5".to_owned())));
        assert_eq!(change(&form, "other", "6").ok(), Some(None));
    }

    #[test]
    fn what_was_typed_comes_back_and_nothing_else() {
        assert_eq!(typed(&form("5", "4"), "size").as_deref(), Some("5"));
        assert_eq!(typed(&form("4", "4"), "size"), None);
        let now = Contact { email: "b@example.com".to_owned(), ..Contact::default() };
        let form = Fields::read("full_name=Taro");
        let back = typed_contact(&form, &now);
        assert_eq!((back.email.as_str(), back.full_name.as_str()), ("b@example.com", "Taro"));
        let changed = change_contact(&form, &now).unwrap();
        assert_eq!((changed.email, changed.full_name.as_deref()), (None, Some("Taro")));
    }
}
