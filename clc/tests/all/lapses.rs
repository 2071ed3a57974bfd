//! What ends with time: links of mails, and the wait after wrong passwords. The clock is the test's.

use std::time::Duration;

use common::error::ErrorCode;
use common::time::Timestamp;
use common::wire::admin::{RegisterUser, SetPassword};
use common::wire::people::{Confirm, Contact, LogIn, LoggedIn, Recover, RequestRecovery, Standing};
use runtime::clock::Clock;

use crate::people::{
    HERE, Mailbox, PASSWORD, application, applied, approve, invalid, log_in, logged_in,
    take_applications, with_mail,
};
use crate::world::{World, world_at, world_with};

const START: Timestamp = Timestamp::from_secs(1_800_000_000);
const NEW: &str = "brand new words";
const SECOND: Duration = Duration::from_secs(1);
/// How long links are good as long as nobody says otherwise.
const CONFIRM: Duration = Duration::from_secs(168 * 3600);
const RECOVER: Duration = Duration::from_secs(3600);

fn confirm(token: &str) -> Confirm {
    Confirm { name: "taro".into(), token: token.into(), password: None, address: HERE.into() }
}

fn recover(token: &str) -> Recover {
    let (name, token) = ("taro".into(), token.into());
    Recover { name, token, password: NEW.into(), address: HERE.into() }
}

async fn forgotten(world: &World) {
    let ask = RequestRecovery { name: "taro".into(), language: None, address: HERE.into() };
    world.people().call(ask).await.unwrap();
}

#[test]
fn a_link_that_confirms_is_good_for_a_week_and_another_one_can_be_sent() {
    let (mailbox, port) = Mailbox::start();
    let clock = Clock::manual(START);
    world_with(clock.clone(), &[2], with_mail(port), |world| async move {
        let (people, root) = (world.people(), logged_in(&world, "eucalyptus").await);
        take_applications(&world).await;
        people.call(application("taro")).await.unwrap();
        applied(&world, "taro").await;
        people.call(approve(&root, "taro")).await.unwrap();
        let late = mailbox.nth("taro@example.com", 1).await.token("confirm", "taro");
        clock.advance(CONFIRM);
        // As if it had never been one.
        let refused = people.call(confirm(&late)).await.unwrap_err();
        let unknown = people.call(confirm("never-sent")).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidToken);
        assert_eq!((refused.code(), refused.text()), (unknown.code(), unknown.text()));
        let seen = applied(&world, "taro").await;
        assert_eq!(seen.standing, Standing::Approved);

        people.call(approve(&root, "taro")).await.unwrap();
        let link = mailbox.nth("taro@example.com", 2).await.token("confirm", "taro");
        assert_ne!(link, late);
        clock.advance(CONFIRM - SECOND);
        assert_eq!(invalid(people.call(confirm(&late)).await), ErrorCode::InvalidToken);
        people.call(confirm(&link)).await.unwrap();
        let entered = people.call(log_in("taro", PASSWORD, HERE)).await.unwrap();
        assert!(matches!(entered, LoggedIn::In(_)));
    });
}

#[test]
fn a_link_that_recovers_is_good_for_an_hour_and_the_first_that_is_used_is_the_last() {
    let (mailbox, port) = Mailbox::start();
    let clock = Clock::manual(START);
    world_with(clock.clone(), &[2], with_mail(port), |world| async move {
        let (people, admin) = (world.people(), world.administration());
        let contact = Contact { email: "taro@example.com".into(), ..Contact::default() };
        let register = RegisterUser {
            name: "taro".into(),
            contact,
            language: None,
            password: Some(PASSWORD.into()),
            by_mail: false,
        };
        admin.call(register).await.unwrap();
        forgotten(&world).await;
        let late = mailbox.nth("taro@example.com", 1).await.token("recover", "taro");
        clock.advance(RECOVER);
        assert_eq!(invalid(people.call(recover(&late)).await), ErrorCode::InvalidToken);
        people.call(log_in("taro", PASSWORD, HERE)).await.unwrap();

        let mut links = Vec::new();
        for count in [2, 3] {
            forgotten(&world).await;
            let mail = mailbox.nth("taro@example.com", count).await;
            links.push(mail.token("recover", "taro"));
        }
        clock.advance(RECOVER - SECOND);
        people.call(recover(&links[1])).await.unwrap();
        for used in &links {
            assert_eq!(invalid(people.call(recover(used)).await), ErrorCode::InvalidToken);
        }
        let entered = people.call(log_in("taro", NEW, HERE)).await.unwrap();
        assert!(matches!(entered, LoggedIn::In(_)));
    });
}

#[test]
fn a_door_that_wrong_passwords_closed_opens_again_and_closes_for_longer() {
    let clock = Clock::manual(START);
    world_at(clock.clone(), &[2], |world| async move {
        let (people, admin) = (world.people(), world.administration());
        world.user("taro").await;
        let set = SetPassword { name: "taro".into(), password: PASSWORD.into() };
        admin.call(set).await.unwrap();
        let said = async |ask: LogIn| people.call(ask).await.err().map(|error| error.code());
        let wrong = || log_in("taro", "wrong password", HERE);
        let (denied, later) =
            (Some(ErrorCode::AccessDenied), Some(ErrorCode::RequestLimitExceeded));
        for _ in 0..5 {
            assert_eq!(said(wrong()).await, denied);
        }
        for wait in [15, 30, 60].map(Duration::from_secs) {
            clock.advance(wait - SECOND);
            assert_eq!(said(log_in("taro", PASSWORD, HERE)).await, later, "{wait:?}");
            clock.advance(SECOND);
            assert_eq!(said(wrong()).await, denied, "{wait:?}");
        }
        clock.advance(Duration::from_secs(120));
        assert_eq!(said(log_in("taro", PASSWORD, HERE)).await, None);
        // Whoever knew it begins anew.
        for _ in 0..5 {
            assert_eq!(said(wrong()).await, denied);
        }
        assert_eq!(said(wrong()).await, later);
    });
}
