//! What an administrator is told of people, and the help that they get: lists that are searched, all
//! that is known of one, and a way back in for who has lost the second factor.
//!
//! Whether whoever asks may is looked at before ([`super::acting`]). The functions block.

use std::collections::BTreeMap;

use common::error::ApiError;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::people::{Registered, Standing};
use common::wire::registrar::{KeyView, ListPeople, PeoplePage, PersonView};
use store::After;

use super::{People, deletion, groups, registering, requests, second_factor};
use crate::identity::accounts;
use crate::quota::holdings;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Login, Records, User};

/// How many registrations are told at once.
const MOST: usize = 500;
/// How many access keys are told.
const KEYS: usize = 100;

/// Lists registrations by name. Whatever there are, no more than a page is held.
///
/// # Errors
/// `InvalidParameterValue` for a page that is too long.
pub fn list(people: &People, ask: &ListPeople) -> Result<PeoplePage, ApiError> {
    if ask.most == 0 || ask.most > MOST {
        return Err(ApiError::invalid("most", format!("1 to {MOST} are told at once")));
    }
    let (records, search) = (&people.records, ask.search.to_lowercase());
    let names = groups::names(records)?;
    let mut found: BTreeMap<String, Registered> = BTreeMap::new();
    let mut more = false;
    for seen in records.accounts.all("") {
        let account = seen?.record;
        let key = account.alias.to_ascii_lowercase();
        let behind = ask.after.as_ref().is_none_or(|after| key > *after);
        if !behind || !is_met(&account, &search) {
            continue;
        }
        let it = registering::shown(records, account, &names)?;
        if !ask.show.admits(&it) {
            continue;
        }
        found.insert(key, it);
        if found.len() > ask.most {
            found.pop_last();
            more = true;
        }
    }
    let next = found.last_key_value().filter(|_| more).map(|(key, _)| key.clone());
    Ok(PeoplePage { people: found.into_values().collect(), next })
}

/// Whether an account has a text in what it is looked for by.
fn is_met(account: &Account, search: &str) -> bool {
    let contact = &account.registration.contact;
    let texts = [&account.alias, &contact.email, &contact.full_name, &contact.affiliation];
    search.is_empty()
        || account.number.as_str().contains(search)
        || texts.iter().any(|text| text.to_lowercase().contains(search))
}

/// How many applications wait for an administrator.
///
/// # Errors
/// If the store fails.
pub fn waiting(records: &Records) -> Result<usize, ApiError> {
    let mut count = 0;
    for row in records.applicants.scan("", After::Start, requests::APPLICANTS)? {
        let account = records.accounts.get(&row.value)?;
        let waits = |it: &Account| it.registration.standing == Standing::Applied;
        count += usize::from(account.is_some_and(|seen| waits(&seen)));
    }
    Ok(count)
}

/// All that is known of an account and its owner.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user.
pub fn describe(people: &People, name: &str) -> Result<PersonView, ApiError> {
    let records = &people.records;
    let account = accounts::find(records, name)?;
    let number = account.number.clone();
    let login = records.logins.get(&Login::key_of(&number, FIRST_USER))?;
    let (mut sessions, mut seen_last) = (0, None::<Timestamp>);
    for row in records.console_sessions_of.rows(&format!("{number}/"), None, 64) {
        let Some(seen) = records.console_sessions.get(&row?.value)? else { continue };
        sessions += 1;
        seen_last = seen_last.max(Some(seen.seen));
    }
    let mut certificates = 0;
    for seen in records.certificates.all(&format!("{number}/")) {
        let it = seen?.record;
        let own = it.user.eq_ignore_ascii_case(FIRST_USER);
        certificates += u64::from(own && it.active && !it.deleted);
    }
    let holdings = holdings::of(records, &account)?;
    let created = account.created;
    let registered = registering::shown(records, account, &groups::names(records)?)?;
    Ok(PersonView {
        unsent: registering::unsent(people, &registered),
        registered,
        created,
        keys: keys(records, &number)?,
        certificates,
        password_set: login.as_ref().map(|it| it.set),
        must_change: login.is_some_and(|it| it.must_change),
        second_factor: second_factor::has_one(records, &number, FIRST_USER)?,
        seen: seen_last,
        sessions,
        owned: deletion::owned(records, &number)?,
        holdings,
    })
}

fn keys(records: &Records, account: &AccountId) -> Result<Vec<KeyView>, ApiError> {
    let mut keys = Vec::new();
    let prefix = format!("{}/", User::key_of(account, FIRST_USER));
    for row in records.keys_of.rows(&prefix, None, 64).take(KEYS) {
        let Some(seen) = records.access_keys.get(&row?.value)? else { continue };
        let it = seen.record;
        keys.push(KeyView { id: it.id, active: it.active, created: it.created });
    }
    keys.sort_by_key(|it| std::cmp::Reverse(it.created));
    Ok(keys)
}

/// Takes the second factor from the owner of an account, who has lost it. One without stays so.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user.
pub fn reset_second_factor(people: &People, name: &str) -> Result<(), ApiError> {
    let records = &people.records;
    let account = accounts::find(records, name)?;
    store::transact(&*records.engine, |batch| {
        let user = records.users.get(&User::key_of(&account.number, FIRST_USER))?;
        match user {
            Some(user) => second_factor::follow(records, batch, &user, None),
            None => Ok(()),
        }
    })?;
    Ok(())
}

/// Ends all sessions of an account at the console, of all its users.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user.
pub fn end_sessions(people: &People, name: &str) -> Result<(), ApiError> {
    let records = &people.records;
    let account = accounts::find(records, name)?;
    let prefix = format!("{}/", account.number);
    for row in records.console_sessions_of.rows(&prefix, None, 64) {
        let row = row?;
        store::transact(&*records.engine, |batch| {
            if let Some(seen) = records.console_sessions.get(&row.value)? {
                batch.remove(&seen);
            }
            batch.unpoint(&records.console_sessions_of, &row.key);
            Ok::<_, ApiError>(())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::wire::people::CheckPerson;
    use common::wire::registrar::Shown;

    use super::*;
    use crate::people::registering::NewPerson;
    use crate::people::tests::people;

    fn asks(search: &str, show: Shown, after: Option<&str>, most: usize) -> ListPeople {
        let by = CheckPerson {
            account: AccountId::cloud(),
            user: FIRST_USER.into(),
            password_set: Timestamp::EPOCH,
        };
        let (search, after) = (search.to_owned(), after.map(str::to_owned));
        ListPeople { search, show, after, most, by, address: String::new() }
    }

    #[test]
    fn lists_are_searched_and_go_on_where_they_ended() {
        let people = people();
        for (name, email) in [("Taro", "t@example.com"), ("anna", ""), ("zoe", "z@other.org")] {
            let mut new = NewPerson { name: name.into(), ..NewPerson::default() };
            new.contact.email = email.into();
            registering::add(&people, &new).unwrap();
        }
        let told = |ask: &ListPeople| {
            let page = list(&people, ask).unwrap();
            let names: Vec<_> = page.people.into_iter().map(|it| it.name).collect();
            (names.join(" "), page.next)
        };
        assert_eq!(told(&asks("", Shown::All, None, 9)), ("anna Taro zoe".to_owned(), None));
        let first = told(&asks("", Shown::All, None, 2));
        assert_eq!(first, ("anna Taro".to_owned(), Some("taro".to_owned())));
        assert_eq!(told(&asks("", Shown::All, Some("taro"), 2)), ("zoe".to_owned(), None));
        assert_eq!(told(&asks("EXAMPLE", Shown::All, None, 9)).0, "Taro");
        assert_eq!(told(&asks("", Shown::Disabled, None, 9)).0, "");
        registering::enable(&people, "anna", false).unwrap();
        assert_eq!(told(&asks("", Shown::Disabled, None, 9)).0, "anna");
        assert_eq!(told(&asks("", Shown::Enabled, None, 9)).0, "Taro zoe");
        assert!(list(&people, &asks("", Shown::All, None, 0)).is_err());
        assert_eq!(waiting(&people.records).unwrap(), 0);
    }

    #[test]
    fn all_is_told_of_one() {
        let people = people();
        let new = NewPerson {
            name: "taro".into(),
            password: Some("korrekt Pferd 1".into()),
            credentials: true,
            ..NewPerson::default()
        };
        // Credentials need the cloud's own.
        let bare = NewPerson { credentials: false, ..new };
        registering::add(&people, &bare).unwrap();
        let told = describe(&people, "TARO").unwrap();
        assert!(told.must_change && told.password_set.is_some() && !told.second_factor);
        assert_eq!((told.sessions, told.keys.len(), told.owned.len()), (0, 0, 0));
        let users = told.holdings.iter().find(|it| it.key == "iam:quota-usernumber").unwrap();
        assert_eq!((users.used, users.limit), (1, None));
        reset_second_factor(&people, "taro").unwrap();
        end_sessions(&people, "taro").unwrap();
        assert!(describe(&people, "nobody").is_err());
    }
}
