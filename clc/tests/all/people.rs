//! People: applying, approving, confirming, logging in, recovering; groups; deletion. Mails go to a
//! server that speaks SMTP over a real socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clc::config::{Config, Mail, MailSecurity};
use common::ec2::zones::{DescribeAvailabilityZones, DescribeRegions};
use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use common::wire::admin::{
    Belongings, ChangeContact, ChangeSetting, ChangeZoneGroup, DecideRegistration, Decision,
    DeleteUser, Deleted, DescribeMails, DescribeRegistrations, DescribeUsers, DescribeZoneGroups,
    EnableUser, GetCredentials, GroupChange, RegisterUser, SetPassword,
};
use common::wire::people::{
    Apply, Approve, ChangePassword, CheckPerson, Confirm, Contact, ContactChange,
    DescribeRegistration, GetZip, Language, LogIn, LoggedIn, Recover, Registered, Reject,
    RequestRecovery, Standing, ZipKind,
};
use runtime::clock::Clock;

use crate::world::{User, World, code, until, world, world_with};

/// A server that takes every mail it is given.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Vec<Taken>>>);

/// A mail that was taken, as it came over the wire.
#[derive(Clone)]
pub(crate) struct Taken {
    to: String,
    head: String,
    pub(crate) body: String,
}

impl Mailbox {
    /// Serves until the test ends, one mail a connection.
    pub(crate) fn start() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mailbox = Self::default();
        let kept = mailbox.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut out = stream.try_clone().unwrap();
                let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
                let mut say = |text: &str| out.write_all(format!("{text}\r\n").as_bytes()).is_ok();
                say("220 test");
                let mut to = String::new();
                while let Some(line) = lines.next() {
                    match line.get(..4).unwrap_or_default().to_ascii_uppercase().as_str() {
                        "EHLO" => say("250-test\r\n250 8BITMIME"),
                        "RCPT" => {
                            to = line.split(['<', '>']).nth(1).unwrap().to_owned();
                            say("250 ok")
                        }
                        "DATA" => {
                            say("354 go on");
                            let text: Vec<_> = lines.by_ref().take_while(|it| it != ".").collect();
                            kept.take(&to, &text.join("\n"));
                            say("250 taken")
                        }
                        "QUIT" => break,
                        _ => say("250 ok"),
                    };
                }
            }
        });
        (mailbox, port)
    }

    fn take(&self, to: &str, text: &str) {
        let (head, body) = text.split_once("\n\n").unwrap();
        let body = match head.to_ascii_lowercase().contains("quoted-printable") {
            true => body.replace("=\n", "").replace("=3D", "="),
            false => body.to_owned(),
        };
        let (to, head) = (to.to_owned(), head.to_owned());
        self.0.lock().unwrap().push(Taken { to, head, body });
    }

    pub(crate) fn all(&self) -> Vec<Taken> {
        self.0.lock().unwrap().clone()
    }

    /// The last mail to somebody, once there are so many.
    pub(crate) async fn nth(&self, to: &str, count: usize) -> Taken {
        until("the mail", || async {
            let own: Vec<_> = self.all().into_iter().filter(|mail| mail.to == to).collect();
            own.get(count - 1).cloned()
        })
        .await
    }
}

impl Taken {
    /// The token of the link in it.
    pub(crate) fn token(&self, page: &str, name: &str) -> String {
        let begin = format!("https://127.0.0.1:8443/{page}#{name}/");
        let (_, behind) = self.body.split_once(&begin).expect(&self.body);
        behind.split_whitespace().next().unwrap().to_owned()
    }
}

pub(crate) const HERE: &str = "192.0.2.1";
pub(crate) const PASSWORD: &str = "korrekt Pferd 1";

pub(crate) fn with_mail(port: u16) -> impl FnOnce(&mut Config) {
    move |config| {
        config.mail = Mail {
            server: "127.0.0.1".into(),
            port,
            security: MailSecurity::None,
            from: "cloud@example.com".into(),
            ..Mail::default()
        };
    }
}

pub(crate) fn application(name: &str) -> Apply {
    let email = format!("{}@example.com", name.to_ascii_lowercase());
    Apply {
        name: name.into(),
        contact: Contact { email, full_name: "山田".into(), ..Contact::default() },
        password: PASSWORD.into(),
        language: None,
        address: HERE.into(),
    }
}

pub(crate) fn log_in(name: &str, password: &str, address: &str) -> LogIn {
    LogIn {
        account: name.into(),
        user: None,
        password: password.into(),
        code: None,
        address: address.into(),
    }
}

pub(crate) async fn take_applications(world: &World) {
    let ask = ChangeSetting { name: "people.signup_address".into(), value: "root@x".into() };
    world.administration().call(ask).await.unwrap();
}

pub(crate) async fn applied(world: &World, name: &str) -> Registered {
    let admin = world.administration();
    until("the application", || async {
        let found = admin.call(DescribeRegistrations { name: Some(name.into()) }).await;
        found.ok().and_then(|mut found| found.pop())
    })
    .await
}

/// The owner of an account who has logged in at the console, with a password of their own.
pub(crate) async fn logged_in(world: &World, name: &str) -> CheckPerson {
    let (people, first) = (world.people(), "first words 1");
    let set = SetPassword { name: name.into(), password: first.into() };
    world.administration().call(set).await.unwrap();
    let change = ChangePassword {
        account: name.into(),
        user: None,
        old: first.into(),
        new: PASSWORD.into(),
        code: None,
        address: HERE.into(),
    };
    people.call(change).await.unwrap();
    let LoggedIn::In(it) = people.call(log_in(name, PASSWORD, HERE)).await.unwrap() else {
        panic!("not in")
    };
    CheckPerson { account: it.account, user: it.user, password_set: it.password_set }
}

pub(crate) fn approve(by: &CheckPerson, name: &str) -> Approve {
    Approve { name: name.into(), by: by.clone(), address: HERE.into() }
}

/// What `clc admin` asks.
fn decide(name: &str, decision: Decision) -> DecideRegistration {
    DecideRegistration { name: name.into(), decision, reason: None }
}

fn reject(by: &CheckPerson, name: &str) -> Reject {
    Reject { name: name.into(), reason: None, by: by.clone(), address: HERE.into() }
}

#[test]
fn a_user_registers_without_anybodys_help_but_the_administrators() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
        let root = logged_in(&world, "eucalyptus").await;
        let (people, admin) = (world.people(), world.administration());
        let closed = people.call(application("taro")).await.unwrap_err();
        assert_eq!(closed.code(), ErrorCode::UnsupportedOperation);
        take_applications(&world).await;
        people.call(application("Taro")).await.unwrap();
        let told = mailbox.nth("root@x", 1).await;
        assert!(told.body.contains("https://127.0.0.1:8443/approve#Taro"), "{}", told.body);
        let seen = applied(&world, "taro").await;
        assert_eq!((seen.standing, seen.enabled), (Standing::Applied, true));

        // Nothing can be used before it is confirmed, whatever it is.
        let why = async |password: &str| {
            people.call(log_in("taro", password, HERE)).await.unwrap_err().text().to_owned()
        };
        assert!(why(PASSWORD).await.contains("has not been approved yet"));
        assert_eq!(why("wrong password").await, "The user name or the password is wrong");
        let early = admin.call(GetCredentials { name: "taro".into() }).await.unwrap();
        let early = User::from_files(&early);
        assert_eq!(
            code(world.call(&early, &DescribeRegions::default()).await),
            "InvalidClientTokenId"
        );
        let confirm = |token: &str, name: &str| Confirm {
            name: name.into(),
            token: token.into(),
            password: None,
            address: HERE.into(),
        };
        assert_eq!(invalid(people.call(confirm("x", "taro")).await), ErrorCode::InvalidToken);
        let too_early = decide("taro", Decision::Confirm);
        let refused = admin.call(too_early).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::IncorrectState);

        let approved = people.call(approve(&root, "taro")).await.unwrap();
        assert_eq!(approved.standing, Standing::Approved);
        let told = mailbox.nth("taro@example.com", 1).await;
        assert!(told.head.contains("Subject: Your account of Eucalypt"), "{}", told.head);
        let token = told.token("confirm", "Taro");
        assert!(why(PASSWORD).await.contains("is not confirmed yet"));
        assert_eq!(
            code(world.call(&early, &DescribeRegions::default()).await),
            "InvalidClientTokenId"
        );
        let rejected = people.call(reject(&root, "taro")).await.unwrap_err();
        assert_eq!(rejected.code(), ErrorCode::IncorrectState);

        // The link is somebody's, is good once, and for one thing.
        world.user("jiro").await;
        assert_eq!(invalid(people.call(confirm(&token, "jiro")).await), ErrorCode::InvalidToken);
        let other = Recover {
            name: "taro".into(),
            token: token.clone(),
            password: "another password".into(),
            address: HERE.into(),
        };
        assert_eq!(invalid(people.call(other).await), ErrorCode::InvalidToken);
        people.call(confirm(&token, "taro")).await.unwrap();
        assert_eq!(invalid(people.call(confirm(&token, "taro")).await), ErrorCode::InvalidToken);

        let LoggedIn::In(person) = people.call(log_in("TARO", PASSWORD, HERE)).await.unwrap()
        else {
            panic!("not in")
        };
        assert_eq!((person.alias.as_str(), person.user.as_str()), ("Taro", "admin"));
        assert!(!person.administrator);
        world.call(&early, &DescribeRegions::default()).await.unwrap();

        // Disabled: out everywhere, and in again.
        let enable = |enabled| admin.call(EnableUser { name: "taro".into(), enabled });
        enable(false).await.unwrap();
        assert!(why(PASSWORD).await.contains("is disabled"));
        let going_on = CheckPerson {
            account: person.account.clone(),
            user: "admin".into(),
            password_set: person.password_set,
        };
        assert!(people.call(going_on.clone()).await.is_err());
        assert_eq!(
            code(world.call(&early, &DescribeRegions::default()).await),
            "InvalidClientTokenId"
        );
        enable(true).await.unwrap();
        assert_eq!(people.call(going_on).await.unwrap(), person);
    });
}

pub(crate) fn invalid<T>(answer: Result<T, ApiError>) -> ErrorCode {
    answer.err().expect("it was answered, not refused").code()
}

#[test]
fn whoever_applies_under_a_name_that_is_taken_is_told_so_by_mail_alone() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
        take_applications(&world).await;
        let root = logged_in(&world, "eucalyptus").await;
        world.user("jiro").await;
        let people = world.people();
        let language = Some(Language::Ja);
        people.call(Apply { language, ..application("JIRO") }).await.unwrap();
        let told = mailbox.nth("jiro@example.com", 1).await;
        assert!(told.head.contains("=?utf-8?b?"), "{}", told.head);
        let users = world.administration().call(DescribeUsers {}).await.unwrap();
        assert_eq!(users.len(), 2);

        people.call(application("saburo")).await.unwrap();
        applied(&world, "saburo").await;
        people.call(reject(&root, "saburo")).await.unwrap();
        let told = mailbox.nth("saburo@example.com", 1).await;
        assert!(told.body.contains("was turned down"), "{}", told.body);
        assert!(people.call(reject(&root, "saburo")).await.is_err());
        // The name is free again.
        people.call(application("saburo")).await.unwrap();
        applied(&world, "saburo").await;
    });
}

#[test]
fn what_strangers_write_is_checked() {
    let (_, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
        take_applications(&world).await;
        let people = world.people();
        let contact = |change: fn(&mut Contact)| {
            let mut ask = application("hanako");
            change(&mut ask.contact);
            ask
        };
        for bad in [
            application("eucalyptus"),
            application("a/b"),
            Apply { password: "short".into(), ..application("hanako") },
            Apply { password: "Hanako2026".into(), ..application("hanako") },
            contact(|it| it.email.clear()),
            contact(|it| it.email = "x@y\r\nBcc: z@y".into()),
            contact(|it| it.full_name = "x\nTo: y".into()),
            contact(|it| it.affiliation = "x".repeat(256)),
        ] {
            let refused = people.call(bad).await.unwrap_err();
            assert!(refused.code().status() == 400, "{refused}");
        }
        // So many from one address, and no more.
        let mut admitted = 0;
        for number in 0..20 {
            let ask = application(&format!("user{number}"));
            admitted += u32::from(people.call(ask).await.is_ok());
        }
        assert_eq!(admitted, 10);
        let elsewhere = Apply { address: "192.0.2.2".into(), ..application("other") };
        people.call(elsewhere).await.unwrap();
    });
}

#[test]
fn a_forgotten_password_is_replaced_by_a_link_and_not_before() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
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
        let LoggedIn::MustChange(person) =
            people.call(log_in("taro", PASSWORD, HERE)).await.unwrap()
        else {
            panic!("a first password is to be changed")
        };
        let ask = |name: &str| RequestRecovery {
            name: name.into(),
            language: None,
            address: HERE.into(),
        };
        // Known or not, with or without a mail address: the same answer.
        world.user("silent").await;
        for name in ["taro", "nobody", "silent", "\n"] {
            people.call(ask(name)).await.unwrap();
        }
        let token = mailbox.nth("taro@example.com", 1).await.token("recover", "taro");
        assert_eq!(mailbox.all().len(), 1);
        people.call(log_in("taro", PASSWORD, HERE)).await.unwrap();
        let recover = |password: &str| Recover {
            name: "taro".into(),
            token: token.clone(),
            password: password.into(),
            address: HERE.into(),
        };
        let weak = people.call(recover("taro1234")).await.unwrap_err();
        assert_eq!(weak.code(), ErrorCode::PasswordPolicyViolation);
        people.call(recover("brand new words")).await.unwrap();
        assert_eq!(invalid(people.call(recover("brand new words")).await), ErrorCode::InvalidToken);
        assert!(people.call(log_in("taro", PASSWORD, HERE)).await.is_err());
        let LoggedIn::In(now) = people.call(log_in("taro", "brand new words", HERE)).await.unwrap()
        else {
            panic!("not in")
        };
        assert_eq!(now.account, person.account);
        let before = CheckPerson {
            account: person.account,
            user: "admin".into(),
            password_set: person.password_set,
        };
        assert!(people.call(before).await.is_err(), "sessions of before are over");

        let change = |old: &str, new: &str| ChangePassword {
            account: "taro".into(),
            user: None,
            old: old.into(),
            new: new.into(),
            code: None,
            address: HERE.into(),
        };
        assert!(people.call(change("wrong", "yet other words")).await.is_err());
        assert!(people.call(change("brand new words", "brand new words")).await.is_err());
        people.call(change("brand new words", "yet other words")).await.unwrap();
        people.call(log_in("taro", "yet other words", HERE)).await.unwrap();
    });
}

#[test]
fn a_link_is_good_for_what_was_so_when_it_was_sent() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
        let (people, admin) = (world.people(), world.administration());
        let contact = |email: &str| Contact { email: email.into(), ..Contact::default() };
        let register = |name: &str, email: &str| RegisterUser {
            name: name.into(),
            contact: contact(email),
            language: None,
            password: None,
            by_mail: true,
        };
        let confirm = async |name: &str, token: &str| {
            let (name, token) = (name.into(), token.into());
            let password = Some(PASSWORD.to_owned());
            people.call(Confirm { name, token, password, address: HERE.into() }).await
        };
        // The address was wrong: whoever got the first mail is nobody.
        admin.call(register("taro", "wrong@x")).await.unwrap();
        let stray = mailbox.nth("wrong@x", 1).await.token("confirm", "taro");
        let address =
            |email: &str| ContactChange { email: Some(email.into()), ..Default::default() };
        let change = ChangeContact { name: "taro".into(), contact: address("right@x") };
        admin.call(change).await.unwrap();
        assert_eq!(invalid(confirm("taro", &stray).await), ErrorCode::InvalidToken);
        admin.call(decide("taro", Decision::Approve)).await.unwrap();
        let first = mailbox.nth("right@x", 1).await.token("confirm", "taro");
        admin.call(decide("taro", Decision::Approve)).await.unwrap();
        let second = mailbox.nth("right@x", 2).await.token("confirm", "taro");
        for token in [&stray, &first] {
            assert_eq!(invalid(confirm("taro", token).await), ErrorCode::InvalidToken);
        }
        // Disabled is disabled.
        let enable = |enabled| EnableUser { name: "taro".into(), enabled };
        admin.call(enable(false)).await.unwrap();
        assert_eq!(invalid(confirm("taro", &second).await), ErrorCode::AccessDenied);
        admin.call(enable(true)).await.unwrap();
        confirm("taro", &second).await.unwrap();
        people.call(log_in("taro", PASSWORD, HERE)).await.unwrap();

        // An administrator has confirmed: the link sets no password any more.
        admin.call(register("jiro", "jiro@x")).await.unwrap();
        let unused = mailbox.nth("jiro@x", 1).await.token("confirm", "jiro");
        admin.call(decide("jiro", Decision::Confirm)).await.unwrap();
        assert_eq!(invalid(confirm("jiro", &unused).await), ErrorCode::InvalidToken);
        assert!(people.call(log_in("jiro", PASSWORD, HERE)).await.is_err());

        // A recovery that was asked for before the password or the address changed.
        for change in ["set", "change", "address"] {
            let seen = mailbox.all().iter().filter(|mail| mail.to == "right@x").count();
            let name = || "taro".to_owned();
            let ask = RequestRecovery { name: name(), language: None, address: change.into() };
            people.call(ask).await.unwrap();
            let token = mailbox.nth("right@x", seen + 1).await.token("recover", "taro");
            match change {
                "set" => admin
                    .call(SetPassword { name: name(), password: "set by root 1".into() })
                    .await
                    .unwrap(),
                "change" => {
                    let (old, new) = ("set by root 1".into(), "my very own 1".into());
                    let (account, address) = (name(), HERE.into());
                    let ask = ChangePassword { account, user: None, old, new, code: None, address };
                    people.call(ask).await.unwrap();
                }
                _ => {
                    let contact = address("other@x");
                    admin.call(ChangeContact { name: name(), contact }).await.unwrap();
                }
            }
            let (password, address) = ("intruder's own 1".to_owned(), HERE.to_owned());
            let recover = Recover { name: name(), token, password, address };
            assert_eq!(invalid(people.call(recover).await), ErrorCode::InvalidToken, "{change}");
        }
    });
}

#[test]
fn what_is_not_named_stays_and_an_approval_without_a_mail_says_so() {
    world(&[], |world| async move {
        let admin = world.administration();
        world.user("taro").await;
        let change = |contact| ChangeContact { name: "taro".into(), contact };
        let none = ContactChange::default;
        let (email, telephone) = (Some("taro@x".to_owned()), Some("1".to_owned()));
        admin.call(change(ContactChange { email, ..none() })).await.unwrap();
        admin.call(change(ContactChange { telephone, ..none() })).await.unwrap();
        let ask = DescribeRegistrations { name: Some("taro".into()) };
        let told = admin.call(ask).await.unwrap().remove(0).contact;
        assert_eq!((told.email.as_str(), told.telephone.as_str()), ("taro@x", "1"));
    });
    let (_, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
        let admin = world.administration();
        let contact = Contact { email: "jiro@x".into(), ..Contact::default() };
        let (name, language, password) = ("jiro".to_owned(), None, None);
        let register = RegisterUser { name, contact, language, password, by_mail: true };
        admin.call(register).await.unwrap();
        let approve = decide("jiro", Decision::Approve);
        assert_eq!(admin.call(approve.clone()).await.unwrap(), None);
        let contact = ContactChange { email: Some(String::new()), ..ContactChange::default() };
        admin.call(ChangeContact { name: "jiro".into(), contact }).await.unwrap();
        let told = admin.call(approve).await.unwrap().unwrap();
        assert!(told.contains("no mail address"), "{told}");
    });
}

#[test]
fn wrong_passwords_close_the_door_for_a_while_whether_there_is_such_a_user_or_not() {
    world(&[2], |mut world| async move {
        let admin = world.administration();
        world.user("taro").await;
        let set = SetPassword { name: "taro".into(), password: PASSWORD.into() };
        admin.call(set).await.unwrap();
        let mut told = Vec::new();
        for name in ["taro", "nobody"] {
            let people = world.people();
            let mut codes = Vec::new();
            for _ in 0..7 {
                let refused = people.call(log_in(name, "wrong password", HERE)).await.unwrap_err();
                codes.push(refused.code());
            }
            told.push(codes);
        }
        assert_eq!(told[0], told[1]);
        assert_eq!(
            told[0][4..],
            [
                ErrorCode::AccessDenied,
                ErrorCode::RequestLimitExceeded,
                ErrorCode::RequestLimitExceeded
            ]
        );
        // Not even the right one, not after a restart, but from elsewhere.
        world.restart().await;
        let people = world.people();
        let closed = people.call(log_in("taro", PASSWORD, HERE)).await.unwrap_err();
        assert_eq!(closed.code(), ErrorCode::RequestLimitExceeded);
        people.call(log_in("taro", PASSWORD, "192.0.2.9")).await.unwrap();
    });
}

#[test]
fn mails_wait_for_their_server_through_restarts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    world_with(
        Clock::manual(Timestamp::from_secs(1_800_000_000)),
        &[2],
        with_mail(port),
        |mut world| async move {
            let contact = Contact { email: "taro@example.com".into(), ..Contact::default() };
            let register = RegisterUser {
                name: "taro".into(),
                contact,
                language: None,
                password: None,
                by_mail: true,
            };
            world.administration().call(register).await.unwrap();
            let tried = async |world: &World, tries: u32| {
                let admin = world.administration();
                until("a try", || async {
                    let mails = admin.call(DescribeMails {}).await.unwrap();
                    mails.into_iter().find(|mail| mail.tries >= tries && mail.error.is_some())
                })
                .await
            };
            let waiting = tried(&world, 1).await;
            assert!(!waiting.given_up && waiting.to == "taro@example.com");
            // The server comes back; the cloud is killed and started meanwhile, later by a minute.
            let (mailbox, open) = Mailbox::start();
            world.config.mail.port = open;
            world.clock.advance(Duration::from_secs(60));
            world.restart().await;
            let token = mailbox.nth("taro@example.com", 1).await.token("confirm", "taro");
            until("the queue is empty", || async {
                world
                    .administration()
                    .call(DescribeMails {})
                    .await
                    .unwrap()
                    .is_empty()
                    .then_some(())
            })
            .await;
            let confirm = |password: Option<&str>| Confirm {
                name: "taro".into(),
                token: token.clone(),
                password: password.map(Into::into),
                address: HERE.into(),
            };
            let people = world.people();
            // Who has no password chooses one with the link.
            assert_eq!(invalid(people.call(confirm(None)).await), ErrorCode::MissingParameter);
            people.call(confirm(Some(PASSWORD))).await.unwrap();
            people.call(log_in("taro", PASSWORD, HERE)).await.unwrap();
        },
    );
}

#[test]
fn zips_are_made_any_number_of_times() {
    world(&[2], |world| async move {
        let taro = world.user("taro").await;
        let people = world.people();
        let (root, own) = (logged_in(&world, "eucalyptus").await, logged_in(&world, "taro").await);
        let zip = |name: &str, kind, by: &CheckPerson| {
            let (name, by, address) = (name.into(), by.clone(), HERE.into());
            people.call(GetZip { name, kind, by, address })
        };
        let mut sizes = Vec::new();
        for kind in [ZipKind::Whole, ZipKind::Keys, ZipKind::Whole] {
            let zip = zip("taro", kind, &own).await.unwrap();
            assert!(zip.file_name.starts_with("euca2-taro-"), "{}", zip.file_name);
            sizes.push(zip.base64.len());
            world.call(&taro, &DescribeRegions::default()).await.unwrap();
        }
        assert!(sizes[1] < sizes[0] / 2, "{sizes:?}");
        assert!(zip("x", ZipKind::Whole, &root).await.is_err());
        zip("taro", ZipKind::Keys, &root).await.unwrap();
        zip("eucalyptus", ZipKind::Keys, &root).await.unwrap();
        // Nobody gets another's because the console asks for it.
        let over = CheckPerson { password_set: Timestamp::EPOCH, ..root.clone() };
        for (name, by) in [("eucalyptus", &own), ("taro", &over)] {
            assert_eq!(invalid(zip(name, ZipKind::Keys, by).await), ErrorCode::AccessDenied);
        }
        assert_eq!(invalid(people.call(approve(&own, "taro")).await), ErrorCode::AccessDenied);
        let see = |name: &str| {
            let (name, by, address) = (name.into(), own.clone(), HERE.into());
            people.call(DescribeRegistration { name, by, address })
        };
        see("taro").await.unwrap();
        assert_eq!(invalid(see("eucalyptus").await), ErrorCode::AccessDenied);
    });
}

#[test]
fn zone_groups_say_which_zones_an_account_may_use() {
    world(&[2], |world| async move {
        let admin = world.administration();
        let taro = world.user("taro").await;
        let change =
            |group: &str, change| admin.call(ChangeZoneGroup { group: group.into(), change });
        let zones = async || {
            let answer = world.call(&taro, &DescribeAvailabilityZones::default()).await.unwrap();
            answer.availability_zone_info.item.len()
        };
        let run = [("Action", "RunInstances"), ("ImageId", "emi-00000001"), ("MinCount", "1")];
        assert_eq!(zones().await, 1);
        change("default", GroupChange::Leave("TARO".into())).await.unwrap();
        assert_eq!(zones().await, 0);
        assert_eq!(code(world.raw(&taro, &run).await), "UnauthorizedOperation");
        let named = [("Action", "DescribeAvailabilityZones"), ("ZoneName.1", "eucalyptus-1a")];
        assert_eq!(code(world.raw(&taro, &named).await), "InvalidParameterValue");

        change("Lab", GroupChange::Add).await.unwrap();
        assert!(change("lab", GroupChange::Add).await.is_err());
        change("lab", GroupChange::Join("taro".into())).await.unwrap();
        assert_eq!(zones().await, 0);
        assert!(change("lab", GroupChange::Grant("mars-1a".into())).await.is_err());
        change("lab", GroupChange::Grant("eucalyptus-1a".into())).await.unwrap();
        assert_eq!(zones().await, 1);
        assert_eq!(code(world.raw(&taro, &run).await), "InvalidAMIID.NotFound");
        let views = admin.call(DescribeZoneGroups { group: None }).await.unwrap();
        let told: Vec<_> =
            views.iter().map(|it| (it.name.as_str(), it.zones.len(), it.members.len())).collect();
        assert_eq!(told, [("all", 0, 2), ("default", 1, 1), ("Lab", 1, 1)]);
        // A later group of that name is another one.
        change("LAB", GroupChange::Delete).await.unwrap();
        change("lab", GroupChange::Add).await.unwrap();
        change("lab", GroupChange::Grant("eucalyptus-1a".into())).await.unwrap();
        assert_eq!(zones().await, 0);
        change("all", GroupChange::Grant("eucalyptus-1a".into())).await.unwrap();
        assert_eq!(zones().await, 1);
        change("all", GroupChange::Revoke("eucalyptus-1a".into())).await.unwrap();
        assert!(change("all", GroupChange::Delete).await.is_err());
        assert!(change("all", GroupChange::Leave("taro".into())).await.is_err());
        assert_eq!(zones().await, 0);
    });
}

#[test]
fn an_account_goes_with_what_it_owns_or_not_at_all() {
    world(&[2], |mut world| async move {
        let taro = world.user("taro").await;
        let delete = async |world: &World, belongings| {
            let ask = DeleteUser { name: "taro".into(), belongings };
            world.administration().call(ask).await
        };
        let key = [("Action", "CreateKeyPair"), ("KeyName", "one")];
        world.raw(&taro, &key).await.unwrap();
        let refused = delete(&world, Belongings::Refuse).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::DeleteConflict);
        assert!(refused.text().contains("key pairs: one"), "{refused}");
        let give = |heir: &str| Belongings::Give(heir.to_owned());
        for nobody in ["nobody", "taro", "TARO"] {
            let refused = delete(&world, give(nobody)).await.unwrap_err();
            assert_eq!(refused.code(), ErrorCode::InvalidParameterValue, "{nobody}: {refused}");
        }
        world.call(&taro, &DescribeRegions::default()).await.unwrap();

        // A portion of the buckets is done at once, the rest by itself.
        world.walrus.state.lock().unwrap().buckets = 3;
        let left = delete(&world, Belongings::End).await.unwrap();
        let told = "buckets: 2, with 0 objects and open uploads";
        assert_eq!(left, Deleted::Leaving(told.to_owned()));
        until("taro is gone", async || {
            let users = world.administration().call(DescribeUsers {}).await.unwrap();
            (users.len() == 1).then_some(())
        })
        .await;
        assert_eq!(
            code(world.call(&taro, &DescribeRegions::default()).await),
            "InvalidClientTokenId"
        );
        let users = world.administration().call(DescribeUsers {}).await.unwrap();
        assert_eq!(users.len(), 1);
        assert!(delete(&world, Belongings::End).await.is_err());
        let cloud = DeleteUser { name: "eucalyptus".into(), belongings: Belongings::End };
        assert!(world.administration().call(cloud).await.is_err());

        // The name is free; whoever gets it owns nothing of the one before.
        let again = world.user("taro").await;
        assert_ne!(again.account, taro.account);
        assert_eq!(delete(&world, Belongings::Refuse).await.unwrap(), Deleted::Gone);
        world.restart().await;
        let all = DescribeRegistrations { name: None };
        assert_eq!(world.administration().call(all).await.unwrap().len(), 1);
    });
}
