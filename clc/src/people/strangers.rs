//! What strangers may ask: to be let in, and to get a link for a forgotten password.
//!
//! Neither answer tells whether a name is known. All that is done before it is to check the form of
//! what was said, to make a hash if a password was said, and to write one record; whoever looks
//! after [requests](super::requests) does the rest, and mails tell it to those whom it concerns.

use std::sync::PoisonError;

use common::error::{ApiError, ErrorCode};
use common::wire::people::{Apply, RequestRecovery};
use store::After;

use super::throttle::Kind;
use super::{People, contact, mails, origin, passwords, registering, requests};
use crate::random;
use crate::records::accounts::FIRST_USER;
use crate::records::{Asked, Records, Request};

/// How many requests wait at most to be looked at.
const WAITING: usize = 1000;

/// Somebody applies. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a field that cannot be used; `UnsupportedOperation` while no
/// applications are taken; `RequestLimitExceeded` if there were too many.
pub fn apply(people: &People, ask: &Apply) -> Result<(), ApiError> {
    let records = &people.records;
    if !people.mails || registering::told_to(records)?.is_none() {
        let text = "This cloud takes no applications: ask its administrator";
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
    }
    registering::check_name(&ask.name)?;
    let contact = contact::checked(&ask.contact, true)
        .map_err(|error| ApiError::invalid("the application", error))?;
    passwords::check_first(&ask.name, FIRST_USER, &ask.password)?;
    admit(people, Kind::Asking, &ask.address)?;
    admit(people, Kind::Mailed, &contact.email)?;
    // Last: what is refused takes nothing from everybody else.
    admit(people, Kind::AskingAll, "")?;
    if records.applicants.scan("", After::Start, requests::APPLICANTS)?.len()
        >= requests::APPLICANTS
    {
        let text = "Too many applications wait for the administrator, try again later";
        return Err(ApiError::new(ErrorCode::RequestLimitExceeded, text));
    }
    let hash = passwords::hash(people, &ask.password)?;
    let language = match ask.language {
        Some(language) => language,
        None => mails::default_language(records)?,
    };
    let name = ask.name.clone();
    record(people, Asked::Account { name, contact, hash, language })
}

/// Somebody has forgotten a password. Blocks.
///
/// # Errors
/// `UnsupportedOperation` in a cloud that sends no mails; `RequestLimitExceeded` if there were too
/// many.
pub fn request_recovery(people: &People, ask: &RequestRecovery) -> Result<(), ApiError> {
    if !people.mails {
        let text = "This cloud sends no mails: ask its administrator for a new password";
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
    }
    let name: String = ask.name.chars().take(64).collect();
    admit(people, Kind::Asking, &ask.address)?;
    admit(people, Kind::Mailed, &name)?;
    admit(people, Kind::AskingAll, "")?;
    record(people, Asked::Recovery { name, language: ask.language })
}

fn record(people: &People, ask: Asked) -> Result<(), ApiError> {
    let now = people.now();
    if waiting(&people.records)? >= WAITING {
        let text = "Too many requests wait to be looked at, try again later";
        return Err(ApiError::new(ErrorCode::RequestLimitExceeded, text));
    }
    let number = u64::from_be_bytes(random::bytes()?);
    let id = format!("{:013}-{number:016x}", now.as_millis());
    people.records.requests.insert(Request { id, ask, at: now })?;
    people.post.wake();
    Ok(())
}

fn waiting(records: &Records) -> Result<usize, ApiError> {
    Ok(records.requests.scan("", None, WAITING)?.len())
}

/// Counts a request, and turns it away if there were too many.
///
/// # Errors
/// `RequestLimitExceeded` says how long to wait.
pub fn admit(people: &People, kind: Kind, who: &str) -> Result<(), ApiError> {
    let who = match kind {
        Kind::Asking | Kind::Link | Kind::Password => &origin::of(who),
        Kind::AskingAll | Kind::Mailed | Kind::Own => who,
    };
    let mut throttle = people.throttle.lock().unwrap_or_else(PoisonError::into_inner);
    throttle.admit(kind, who, people.now()).map_err(|wait| {
        let text = format!("Too many requests: try again in {} seconds", wait.as_secs() + 1);
        ApiError::new(ErrorCode::RequestLimitExceeded, text)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::wire::people::{Contact, LogIn};
    use store::Batch;

    use super::*;
    use crate::people::registering::{NewPerson, add};
    use crate::people::{logging_in, tests::people};
    use crate::settings;

    fn application(name: &str) -> Apply {
        let email = "somebody@example.com".to_owned();
        Apply {
            name: name.into(),
            contact: Contact { email, ..Contact::default() },
            password: "korrekt Pferd 1".into(),
            language: None,
            address: "192.0.2.1".into(),
        }
    }

    /// What a request costs: hashes made, commits, and rows written.
    fn cost(people: &People, ask: impl FnOnce(&People)) -> (u64, u64, usize) {
        let rows = |people: &People| people.records.requests.scan("", None, 99).unwrap().len();
        let rev = |people: &People| Batch::new().commit(&*people.records.engine).unwrap();
        let before = (people.gate.passed(), rev(people), rows(people));
        ask(people);
        (people.gate.passed() - before.0, rev(people) - before.1, rows(people) - before.2)
    }

    #[test]
    fn names_that_are_known_cost_what_unknown_ones_do() {
        let people = people();
        settings::change(&people.records, settings::SIGNUP_ADDRESS, "root@x").unwrap();
        let email = "taro@example.com".to_owned();
        let contact = Contact { email, ..Contact::default() };
        let password = Some("korrekt Pferd 1".to_owned());
        let new = NewPerson { name: "taro".into(), contact, password, ..NewPerson::default() };
        add(&people, &new).unwrap();
        let recovery = |name: &str| {
            let ask =
                RequestRecovery { name: name.into(), language: None, address: "192.0.2.1".into() };
            cost(&people, |people| request_recovery(people, &ask).unwrap())
        };
        assert_eq!(recovery("taro"), recovery("nobody"));
        let applied =
            |name: &str| cost(&people, |people| apply(people, &application(name)).unwrap());
        assert_eq!(applied("taro"), applied("hanako"));
        let log_in = |name: &str| {
            let ask = LogIn {
                account: name.into(),
                user: None,
                password: "wrong".into(),
                code: None,
                address: "192.0.2.1".into(),
            };
            let mut said = String::new();
            let cost = cost(&people, |people| {
                said = logging_in::log_in(people, &ask).unwrap_err().to_string();
            });
            (cost, said)
        };
        // The first of all makes the secret behind the counts.
        log_in("anybody");
        let known = log_in("taro");
        assert_eq!(known, log_in("nobody"));
        assert_eq!(known.0.0, 1, "one hash each");
        // What comes of it differs, and nobody who asked sees it.
        assert_eq!(requests::look(&people).unwrap(), 4);
        assert_eq!(people.records.mails.scan("", None, 9).unwrap().len(), 3);
        assert_eq!(requests::look(&people).unwrap(), 0);
    }

    fn from(address: &str, number: usize) -> Apply {
        let mut ask = Apply { address: address.into(), ..application(&format!("user{number}")) };
        ask.contact.email = format!("user{number}@example.com");
        ask
    }

    #[test]
    fn one_line_with_many_addresses_is_one_stranger() {
        let people = people();
        settings::change(&people.records, settings::SIGNUP_ADDRESS, "root@x").unwrap();
        let ask = |number: usize| apply(&people, &from(&format!("2001:db8::{number:x}"), number));
        assert_eq!((0..20).filter(|number| ask(*number).is_ok()).count(), 10);
        apply(&people, &from("2001:db8:0:1::1", 99)).unwrap();
    }

    #[test]
    fn what_is_refused_takes_nothing_from_everybody_else() {
        let people = people();
        let ask = |name: &str, number: u32| {
            let address = format!("192.0.{}.{}", number / 250, number % 250);
            let name = name.to_owned();
            request_recovery(&people, &RequestRecovery { name, language: None, address })
        };
        assert_eq!((0..300).filter(|number| ask("taro", *number).is_ok()).count(), 4);
        ask("jiro", 300).unwrap();
        // A name of megabytes is neither kept nor another one each time.
        let long = "x".repeat(1 << 20);
        let asked = (0..9).filter(|number| ask(&format!("{long}{number}"), *number).is_ok());
        assert_eq!(asked.count(), 4);
    }

    #[test]
    fn applications_are_bounded_and_wait_no_longer_than_a_month() {
        let people = people();
        let records = &people.records;
        settings::change(records, settings::SIGNUP_ADDRESS, "root@x").unwrap();
        apply(&people, &from("192.0.2.1", 1)).unwrap();
        requests::look(&people).unwrap();
        let mut batch = Batch::new();
        for number in 1..requests::APPLICANTS {
            batch.point(&records.applicants, &format!("{number:013}/x"), "nobody");
        }
        batch.commit(&*records.engine).unwrap();
        let full = apply(&people, &from("192.0.2.1", 2)).unwrap_err();
        assert_eq!(full.code(), ErrorCode::RequestLimitExceeded);
        // Those who wait no longer make room.
        assert_eq!(requests::expire(&people).unwrap(), 0);
        apply(&people, &from("192.0.2.1", 2)).unwrap();
        registering::find(&people, "user1").unwrap();
        people.clock.advance(Duration::from_secs(30 * 24 * 3600));
        assert_eq!(requests::expire(&people).unwrap(), 1);
        assert!(registering::find(&people, "user1").is_err());
        let mails = records.mails.scan("", None, 9).unwrap();
        assert!(mails.iter().any(|mail| mail.to == "user1@example.com"));
        // The name is free again.
        apply(&people, &from("192.0.2.1", 1)).unwrap();
        requests::look(&people).unwrap();
        registering::find(&people, "user1").unwrap();
    }
}
