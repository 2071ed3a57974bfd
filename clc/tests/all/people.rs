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
    Belongings, ChangeSetting, ChangeZoneGroup, DecideRegistration, Decision, DeleteUser, Deleted,
    DescribeMails, DescribeRegistrations, DescribeUsers, DescribeZoneGroups, EnableUser,
    GetCredentials, GroupChange, RegisterUser, SetPassword,
};
use common::wire::people::{
    Apply, Approve, ChangePassword, CheckPerson, Confirm, Contact, DescribeRegistration, GetZip,
    Language, LogIn, LoggedIn, Recover, Registered, Reject, RequestRecovery, Standing, ZipKind,
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

    fn all(&self) -> Vec<Taken> {
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

const HERE: &str = "192.0.2.1";
const PASSWORD: &str = "korrekt Pferd 1";

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

fn application(name: &str) -> Apply {
    let email = format!("{}@example.com", name.to_ascii_lowercase());
    Apply {
        name: name.into(),
        contact: Contact { email, full_name: "山田".into(), ..Contact::default() },
        password: PASSWORD.into(),
        language: None,
        address: HERE.into(),
    }
}

fn log_in(name: &str, password: &str, address: &str) -> LogIn {
    LogIn {
        account: name.into(),
        user: None,
        password: password.into(),
        code: None,
        address: address.into(),
    }
}

async fn take_applications(world: &World) {
    let ask = ChangeSetting { name: "people.signup_address".into(), value: "root@x".into() };
    world.administration().call(ask).await.unwrap();
}

async fn applied(world: &World, name: &str) -> Registered {
    let people = world.people();
    until("the application", || async {
        people.call(DescribeRegistration { name: name.into() }).await.ok()
    })
    .await
}

#[test]
fn a_user_registers_without_anybodys_help_but_the_administrators() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
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
        let too_early = DecideRegistration { name: "taro".into(), decision: Decision::Confirm };
        let refused = admin.call(too_early).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::IncorrectState);

        let approved = people.call(Approve { name: "taro".into() }).await.unwrap();
        assert_eq!(approved.standing, Standing::Approved);
        let told = mailbox.nth("taro@example.com", 1).await;
        assert!(told.head.contains("Subject: Your account of Eucalypt"), "{}", told.head);
        let token = told.token("confirm", "Taro");
        assert!(why(PASSWORD).await.contains("is not confirmed yet"));
        assert_eq!(
            code(world.call(&early, &DescribeRegions::default()).await),
            "InvalidClientTokenId"
        );
        let rejected = people.call(Reject { name: "taro".into() }).await.unwrap_err();
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

fn invalid<T>(answer: Result<T, ApiError>) -> ErrorCode {
    answer.err().expect("it was answered, not refused").code()
}

#[test]
fn whoever_applies_under_a_name_that_is_taken_is_told_so_by_mail_alone() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[2], with_mail(port), |world| async move {
        take_applications(&world).await;
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
        people.call(Reject { name: "saburo".into() }).await.unwrap();
        let told = mailbox.nth("saburo@example.com", 1).await;
        assert!(told.body.contains("was turned down"), "{}", told.body);
        assert!(people.call(Reject { name: "saburo".into() }).await.is_err());
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
        let mut sizes = Vec::new();
        for kind in [ZipKind::Whole, ZipKind::Keys, ZipKind::Whole] {
            let zip = people.call(GetZip { name: "taro".into(), kind }).await.unwrap();
            assert!(zip.file_name.starts_with("euca2-taro-"), "{}", zip.file_name);
            sizes.push(zip.base64.len());
            world.call(&taro, &DescribeRegions::default()).await.unwrap();
        }
        assert!(sizes[1] < sizes[0] / 2, "{sizes:?}");
        assert!(people.call(GetZip { name: "x".into(), kind: ZipKind::Whole }).await.is_err());
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
        world.walrus.state.lock().unwrap().buckets = 2;
        let refused = delete(&world, Belongings::Remove).await.unwrap_err();
        assert!(refused.text().contains("buckets: 2"), "{refused}");
        world.call(&taro, &DescribeRegions::default()).await.unwrap();
        world.walrus.state.lock().unwrap().buckets = 0;

        assert_eq!(delete(&world, Belongings::Remove).await.unwrap(), Deleted::Gone);
        assert_eq!(
            code(world.call(&taro, &DescribeRegions::default()).await),
            "InvalidClientTokenId"
        );
        let users = world.administration().call(DescribeUsers {}).await.unwrap();
        assert_eq!(users.len(), 1);
        assert!(delete(&world, Belongings::Remove).await.is_err());
        let cloud = DeleteUser { name: "eucalyptus".into(), belongings: Belongings::Remove };
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
