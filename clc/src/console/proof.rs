//! Proving again who one is, before what is dangerous.
//!
//! ```text
//!   form of a dangerous line ── proven lately ──────────────────────────────▶ done
//!        │ not lately                                                          ▲
//!        ▼                                                                     │
//!   page with the same fields, and one for the password ──▶ right: another id ─┘
//!        ▲                                                └▶ wrong: counted ─┐
//!        └────────────────────────────────────────────────────────────────────┘
//! ```
//! What was asked travels in the page, under the token of the session that asked. A proof renews the
//! session's id, and with it all tokens: so what was asked is done once, and in no other session. Secrets
//! among the fields are not written into a page. They are kept in memory for a few minutes, for that
//! session alone; when they are gone nothing is done, and all is asked for anew.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::error::ApiError;
use common::wire::people::ProveAgain;
use maud::{Markup, html};
use sha2::{Digest as _, Sha256};

use super::components::{Field, field, file, form, notice, refusal, status, told_beside};
use super::cookies;
use super::forms::{Fields, TOKEN};
use super::reply::{Answer, Reply};
use super::sessions;
use super::text::Words;
use super::texts::proof as say;
use super::visit::Visit;
use crate::people::{People, second_factor};

/// What the names of this page's own fields begin with.
const OWN: &str = "proof_";
/// The password.
const PASSWORD: &str = "proof_password";
/// What the second factor shows.
const CODE: &str = "proof_code";
/// Under which name secrets among the fields are kept.
const HELD: &str = "proof_held";
/// How many bytes of secrets a form may have.
const MOST_HELD: usize = 4096;
/// Fields that are never written into a page.
const SECRETS: [&str; 6] = ["password", "again", "old", "code", "secret", "private_key"];

/// How it stands with whoever asks for something dangerous.
pub(super) enum Proof {
    /// They have proven lately who they are.
    Stands,
    /// They have just proven it: this cookie bears the new id.
    Renewed(String),
    /// They are asked to.
    Wanted(Reply),
}

/// Whether a field is never written into a page.
fn is_secret(name: &str) -> bool {
    SECRETS
        .iter()
        .any(|it| name == *it || name.strip_suffix(it).is_some_and(|it| it.ends_with('_')))
}

/// Looks after a form of a dangerous line. `back` is where to go instead.
///
/// # Errors
/// If the store fails.
pub(super) async fn proof(
    visit: &mut Visit,
    fields: &mut Fields,
    back: &str,
) -> Result<Proof, ApiError> {
    let mut own = Fields::default();
    own.add(fields.take(|name| name.starts_with(OWN)));
    let session = visit.viewer()?.session.clone();
    let kept = key(&session.digest, own.get(HELD));
    let now = visit.desk.people.now();
    if own.has(HELD) && visit.desk.kept.held.get(&kept, now).is_none() {
        // Without what is gone it would be something else that is done.
        return Ok(Proof::Wanted(lost(visit.words, back)));
    }
    let stands = {
        let session = session.clone();
        visit.desk.people.work(move |people| sessions::is_proven(people, &session)).await?
    };
    if stands {
        put_back(visit, fields, &kept);
        return Ok(Proof::Stands);
    }
    let password = own.get(PASSWORD).to_owned();
    if password.is_empty() {
        let held = hold(visit, fields, &session.digest, own.get(HELD))?;
        return Ok(Proof::Wanted(asking(visit, fields, &held, &html! {}, back).await?));
    }
    let code = code(&own, CODE);
    let (by, address) = (session.asks(), visit.address());
    match visit.ask(ProveAgain { by, password, code, address }).await {
        Ok(proven) => {
            let before = session.digest.clone();
            let renew =
                move |people: &People| sessions::renew(people, &session, proven.second_factor);
            let (id, session) = visit.desk.people.work(renew).await?;
            let digest = session.digest.clone();
            visit.desk.kept.done.renamed(&before, &digest);
            visit.desk.kept.renewed.put(&before, digest, visit.desk.people.now());
            put_back(visit, fields, &kept);
            let cookie = cookies::set(cookies::SESSION, &id);
            visit.bound_to = id;
            if let Some(viewer) = &mut visit.viewer {
                viewer.session = session;
            }
            Ok(Proof::Renewed(cookie))
        }
        Err(error) => {
            let error = told_beside(error)?;
            let held = hold(visit, fields, &session.digest, own.get(HELD))?;
            let above = refusal(visit.words, &error);
            let asked = asking(visit, fields, &held, &above, back).await?;
            Ok(Proof::Wanted(asked.status(status(&error))))
        }
    }
}

/// Where secrets of a session's form are kept.
fn key(session: &str, held: &str) -> String {
    format!("{session}/{}", URL_SAFE_NO_PAD.encode(Sha256::digest(held)))
}

/// Takes secrets out of a form and keeps them; gives the name under which they are.
fn hold(
    visit: &Visit,
    fields: &mut Fields,
    session: &str,
    before: &str,
) -> Result<String, ApiError> {
    let secrets = fields.take(is_secret);
    let size: usize = secrets.iter().map(|(name, value)| name.len() + value.len()).sum();
    if secrets.is_empty() || size > MOST_HELD {
        return Ok(before.to_owned());
    }
    let held = sessions::random_id()?;
    visit.desk.kept.held.put(&key(session, &held), secrets, visit.desk.people.now());
    Ok(held)
}

/// Puts kept secrets back into their form, once.
fn put_back(visit: &Visit, fields: &mut Fields, kept: &str) {
    if let Some(secrets) = visit.desk.kept.held.get(kept, visit.desk.people.now()) {
        visit.desk.kept.held.forget(kept);
        fields.add(secrets);
    }
}

/// What is said when secrets of a form are not there any more.
fn lost(words: Words, back: &str) -> Reply {
    let main = html! {
        (notice("bad", words.t(say::LOST), words.t(say::LOST_TEXT)))
        p.links { a href=(back) { (words.t(say::BACK)) } }
    };
    Reply::small(words.t(say::TITLE), main).status(400)
}

/// Whether whoever is signed in has a second factor.
///
/// # Errors
/// If the store fails.
pub(super) async fn has_factor(visit: &Visit) -> Result<bool, ApiError> {
    let caller = &visit.viewer()?.caller;
    let whose = (caller.account.clone(), caller.user.clone());
    let look = move |people: &People| second_factor::has_one(&people.records, &whose.0, &whose.1);
    visit.desk.people.work(look).await
}

/// The field for what it shows.
pub(super) fn code_field(words: Words, name: &str) -> Markup {
    let code = Field {
        name,
        label: words.t(say::CODE),
        hint: words.t(say::CODE_HINT),
        required: true,
        autocomplete: "one-time-code",
        ..Field::default()
    };
    field(words, &code)
}

/// A code as it was typed: devices show it in two groups.
pub(super) fn code(form: &Fields, name: &str) -> Option<String> {
    form.some(name).map(|code| code.replace(' ', ""))
}

async fn asking(
    visit: &Visit,
    fields: &Fields,
    held: &str,
    above: &Markup,
    back: &str,
) -> Result<Reply, ApiError> {
    let words = visit.words;
    let factor = has_factor(visit).await?;
    let password = Field {
        name: PASSWORD,
        label: words.t(say::PASSWORD),
        kind: "password",
        required: true,
        autocomplete: "current-password",
        first: true,
        ..Field::default()
    };
    let inside = html! {
        @for (name, value) in fields.pairs().filter(|(name, _)| *name != TOKEN) {
            input type="hidden" name=(name) value=(value);
        }
        @if !held.is_empty() { input type="hidden" name=(HELD) value=(held); }
        (field(words, &password))
        @if factor { (code_field(words, CODE)) }
        button type="submit" { (words.t(say::GO_ON)) }
    };
    let path = match visit.head.raw_query.as_str() {
        "" => visit.head.raw_path.clone(),
        query => format!("{}?{query}", visit.head.raw_path),
    };
    let main = html! {
        p { (words.t(say::LEAD)) }
        (above)
        (form(visit, &path, &inside))
        p.links { a href=(back) { (words.t(say::NOT_NOW)) } }
    };
    Ok(Reply::small(words.t(say::TITLE), main))
}

/// A reply to what was proven for: a file stands in a page that leads on, because the page that it was
/// asked for from is over, now that the proof has made its form stale.
pub(crate) fn kept(reply: Reply, visit: &Visit, back: &str) -> Reply {
    let Reply { answer: Answer::File { name, content_type, bytes }, cookies } = reply else {
        return reply;
    };
    let words = visit.words;
    let label = words.fill(say::SAVE, &[("name", &name)]);
    let main = html! {
        p { (words.t(say::DONE_TEXT)) }
        p { (file(&name, content_type, &bytes, &label)) }
        p.links { a href=(back) { (words.t(say::BACK)) } }
    };
    Reply { cookies, ..Reply::small(words.t(say::DONE), main) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in ["password", "again", "new_password", "private_key", "smtp_secret", "code"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["", "name", "key", "barcode", "passwords", "folder"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
