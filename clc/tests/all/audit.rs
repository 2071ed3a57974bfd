//! What was asked is on record: who, what, on what, from where, with what result, and no secret.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::audit::{Actor, Event, Filter};
use common::sign::{Credentials, Headers, Request, sign_ec2_v4};
use common::time::Timestamp;
use common::wire::admin::AddUser;
use common::wire::audit::{AuditPage, AuditState, LookAudit, VerifyAudit};
use common::wire::people::{CheckPerson, GetZip, LogIn, ZipKind};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::apis::post;
use crate::people::{log_in, logged_in};
use crate::world::{User, World, code, until, world};

/// What no record may hold.
const MARK: &str = "TopSecretMark";

async fn look(world: &World, filter: Filter) -> Vec<Event> {
    let ask = LookAudit { filter, next: None, most: 200 };
    let page: AuditPage = world.administration().call(ask).await.unwrap();
    page.events
}

fn action(name: &str) -> Filter {
    Filter { action: Some(name.into()), ..Filter::default() }
}

async fn state(world: &World) -> AuditState {
    world.administration().call(VerifyAudit {}).await.unwrap().remove(0)
}

/// The files of changes.
fn logs(world: &World) -> Vec<PathBuf> {
    files(&world.config.data_dir.join("audit"))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let dir = fs::read_dir(dir).unwrap();
    let mut found: Vec<_> = dir.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|end| end == "log"));
    found.sort();
    found
}

#[test]
fn each_call_is_one_record() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let make = [("Action", "CreateKeyPair"), ("KeyName", "gate"), ("Version", "2016-11-15")];
        world.raw(&taro, &make).await.unwrap();
        assert_eq!(code(world.raw(&taro, &make).await), "InvalidKeyPair.Duplicate");
        let list = [("Action", "DescribeKeyPairs"), ("Version", "2016-11-15")];
        world.raw(&taro, &list).await.unwrap();
        world.iam(&taro, "CreateUser", &[("UserName", "hanako")]).await.unwrap();
        world.sts(&taro, "GetCallerIdentity").await.unwrap();

        let made = look(&world, action("CreateKeyPair")).await;
        let [refused, done] = &made[..] else { panic!("{made:?}") };
        assert_eq!(refused.failure.as_ref().unwrap().code, "InvalidKeyPair.Duplicate");
        assert!(done.failure.is_none() && !done.read_only && !done.secure);
        let actor = done.actor.as_ref().unwrap();
        assert_eq!((actor.name.as_str(), &actor.account), ("admin", &taro.account));
        assert_eq!((done.service.as_str(), &done.access_key), ("ec2", &taro.access_key));
        assert_eq!(done.parameters["KeyName"], "gate");
        assert!(done.resources.iter().any(|it| it.ends_with(":key-pair/gate")), "{done:?}");
        assert_eq!(done.source, "127.0.0.1");
        assert_eq!(look(&world, action("CreateUser")).await[0].service, "iam");
        // A read is written a moment later.
        for name in ["DescribeKeyPairs", "GetCallerIdentity"] {
            let read = || async { look(&world, action(name)).await.pop() };
            assert!(until("a read is on record", read).await.read_only);
        }
        // What an administrator does on the host is recorded, too.
        let added = look(&world, action("AddUser")).await;
        assert_eq!((added[0].service.as_str(), &added[0].resources[0][..]), ("clc", "taro"));

        let by = |filter| look(&world, filter);
        let none = Filter::default;
        let name = || Some("hanako".to_owned());
        assert_eq!(by(Filter { resource: name(), ..none() }).await.len(), 1);
        let key = Some(taro.access_key.clone());
        assert_eq!(by(Filter { access_key: key, ..action("CreateKeyPair") }).await.len(), 2);
        assert!(by(Filter { user: Some("nobody".into()), ..none() }).await.is_empty());
    });
}

#[test]
fn whoever_proves_nothing_is_recorded_and_bounded() {
    world(&[], |world| async move {
        let stranger = User { access_key: "AKINOBODY".into(), ..world.admin.clone() };
        let list = [("Action", "DescribeKeyPairs"), ("Version", "2016-11-15")];
        for _ in 0..130 {
            assert_eq!(code(world.raw(&stranger, &list).await), "InvalidClientTokenId");
        }
        let key = || Filter { access_key: Some("AKINOBODY".into()), ..Filter::default() };
        let all = || async { Some(look(&world, key()).await).filter(|it| it.len() >= 100) };
        let found = until("refused signatures are on record", all).await;
        assert!(found.len() < 115, "{}", found.len());
        assert!(found.iter().all(|it| it.actor.is_none() && it.failure.is_some()));
    });
}

#[test]
fn no_record_holds_a_secret() {
    world(&[64], |world| async move {
        let taro = world.user("taro").await;
        for name in world.server().actions().to_vec() {
            let version = match name.0 {
                "iam" => "2010-05-08",
                "sts" => "2011-06-15",
                "cloudtrail" => "2013-11-01",
                _ => "2016-11-15",
            };
            let pairs = [
                ("Action", name.1),
                ("Version", version),
                ("UserData", MARK),
                ("Password", MARK),
                ("OldPassword", MARK),
                ("NewPassword", MARK),
                ("PublicKeyMaterial", MARK),
                ("PrivateKey", MARK),
                ("TokenCode", MARK),
                ("Storage.S3.UploadPolicy", MARK),
                ("Storage.S3.UploadPolicySignature", MARK),
                ("SecretAccessKey", MARK),
            ];
            // Most are refused; all are recorded.
            drop(world.raw(&taro, &pairs).await);
            drop(world.iam(&taro, name.1, &pairs[2..]).await);
        }
        let jiro = world.user("jiro").await;
        let modify = [
            ("Action", "ModifyInstanceAttribute"),
            ("Version", "2016-11-15"),
            ("InstanceId", "i-12345678"),
            ("Attribute", "userData"),
            ("Value", MARK),
        ];
        drop(world.raw(&jiro, &modify).await);
        let key = world.iam(&jiro, "CreateAccessKey", &[("UserName", "admin")]).await.unwrap();
        let (_, rest) = key.split_once("<SecretAccessKey>").unwrap();
        let secret = rest.split('<').next().unwrap().to_owned();
        let pair = [("Action", "CreateKeyPair"), ("KeyName", "k"), ("Version", "2016-11-15")];
        world.raw(&jiro, &pair).await.unwrap();
        let reads = files(&world.config.data_dir.join("audit/reads"));
        let all = logs(&world).into_iter().chain(reads);
        let recorded: String = all.map(|path| fs::read_to_string(path).unwrap()).collect();
        assert!(recorded.contains("CreateAccessKey") && recorded.contains("\"***\""));
        for hidden in [MARK, secret.as_str(), "PRIVATE KEY", jiro.secret.as_str()] {
            assert!(!recorded.contains(hidden), "{hidden}");
        }
    });
}

#[test]
fn a_restart_goes_on_and_a_changed_log_is_found_out() {
    world(&[], |mut world| async move {
        world.user("taro").await;
        let before = state(&world).await;
        assert_eq!((before.fault, before.first), (None, 1));
        world.stop().await;
        // A line that was torn by the end of its process.
        let path = logs(&world).pop().unwrap();
        let mut file = fs::File::options().append(true).open(&path).unwrap();
        file.write_all(b"0123456789 {\"n\":").unwrap();
        world.restart().await;
        let after = state(&world).await;
        assert!(after.fault.is_none() && after.last > before.last, "{after:?}");
        assert!(fs::read_to_string(&path).unwrap().contains("\"torn\":16"));

        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"taro\"", "\"jiro\"")).unwrap();
        let found = state(&world).await.fault.unwrap();
        assert!(found.contains("was changed"), "{found}");
        let short: Vec<_> = text.lines().collect();
        fs::write(&path, short[..1].join("\n") + "\n").unwrap();
        let found = state(&world).await.fault.unwrap();
        assert!(found.contains("record 2 is missing"), "{found}");
        world.restart().await;
        let found = state(&world).await.fault.unwrap();
        assert!(found.contains("record 2 is missing"), "a restart forgets nothing: {found}");
    });
}

#[test]
fn an_account_looks_up_its_own_calls() {
    world(&[], |world| async move {
        let (taro, jiro) = (world.user("taro").await, world.user("jiro").await);
        for (user, key) in [(&taro, "one"), (&jiro, "two")] {
            let make = [("Action", "CreateKeyPair"), ("KeyName", key), ("Version", "2016-11-15")];
            world.raw(user, &make).await.unwrap();
        }
        let ask = |user: User, pairs: Vec<(&'static str, &'static str)>| {
            let world = &world;
            async move {
                let all = [("Action", "LookupEvents"), ("Version", "2013-11-01")];
                let all: Vec<_> = all.into_iter().chain(pairs).collect();
                post(world, &user, ("/services/CloudTrail", "cloudtrail"), &all, &[]).await
            }
        };
        let named = vec![
            ("LookupAttributes.member.1.AttributeKey", "EventName"),
            ("LookupAttributes.member.1.AttributeValue", "CreateKeyPair"),
        ];
        let (status, own) = ask(taro.clone(), named.clone()).await;
        assert_eq!(status, 200, "{own}");
        assert!(own.contains(&taro.access_key) && !own.contains(&jiro.access_key), "{own}");
        let (_, all) = ask(world.admin.clone(), named).await;
        assert!(all.contains(&taro.access_key) && all.contains(&jiro.access_key), "{all}");
        for (name, value, code) in [
            ("MaxResults", "51", "InvalidMaxResultsException"),
            ("NextToken", "x", "InvalidNextTokenException"),
            ("StartTime", "x", "InvalidTimeRangeException"),
        ] {
            let (status, told) = ask(taro.clone(), vec![(name, value)]).await;
            assert!(status == 400 && told.contains(code), "{told}");
        }
    });
}

#[test]
fn what_is_asked_by_a_header_is_signed_with_it() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let target = ("x-amz-target", "x.CloudTrail_20131101.LookupEvents");
        let ask = async |method: &str, signed: &[(&str, &str)], added: &[(&str, &str)]| {
            let address = world.server().api_address();
            let host = address.to_string();
            let (path, query, scope) = match method {
                "GET" => ("/", "Action=DescribeRegions", "ec2"),
                _ => ("/", "", "cloudtrail"),
            };
            let own = [("host", host.as_str())].into_iter().chain(signed.iter().copied());
            let mut headers: Headers = own.collect();
            let credentials = Credentials { access_key_id: &taro.access_key, secret: &taro.secret };
            let request = Request::new(method, path, query, &headers).with_body(b"");
            let now = world.clock.now();
            let proof = sign_ec2_v4(credentials, &request, "any", scope, now).unwrap();
            proof.iter().for_each(|(name, value)| headers.add(name, value));
            added.iter().for_each(|(name, value)| headers.add(name, value));
            let mut text = format!("{method} {path}?{query} HTTP/1.1\r\nconnection: close\r\n");
            for (name, value) in headers.iter() {
                text += &format!("{name}: {}\r\n", String::from_utf8_lossy(value));
            }
            text += "content-length: 0\r\n\r\n";
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer[9..12].to_owned()
        };
        assert_eq!(ask("GET", &[], &[]).await, "200", "as it was signed");
        assert_eq!(ask("POST", &[target], &[]).await, "200");
        // Whoever reads a request on its way makes no other one of it.
        assert_ne!(ask("GET", &[], &[target]).await, "200");
        assert_ne!(ask("POST", &[], &[target]).await, "200");
        assert_ne!(ask("GET", &[target], &[]).await, "200");
        let captured = [("Action", "DescribeRegions")];
        let (status, told) = post(&world, &taro, ("/", "ec2"), &captured, &[target]).await;
        assert!(status == 400, "a body that is no JSON: {told}");
    });
}

#[test]
fn a_message_of_administration_that_is_refused_is_on_record() {
    world(&[], |world| async move {
        let bad = world.administration().call(AddUser { name: "no such name!".into() }).await;
        assert!(bad.is_err());
        let found = look(&world, action("AddUser")).await;
        assert!(found[0].failure.is_some(), "{found:?}");
    });
}

#[test]
fn what_was_asked_of_administration_is_on_record_whoever_asked() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let pairs = [("UserName", "eucalyptus")];
        let refused = world.administer(&taro, "/services/Accounts", "GetCredentials", &pairs).await;
        assert_eq!(code(refused), "UnauthorizedOperation");
        let found = look(&world, action("GetCredentials")).await;
        let [tried] = &found[..] else { panic!("{found:?}") };
        assert_eq!(tried.failure.as_ref().unwrap().code, "UnauthorizedOperation");
        assert_eq!(tried.actor.as_ref().unwrap().account, taro.account);
    });
}

/// A record of S3, made that long ago.
fn of_s3(world: &World, ago: u64, account: &str, bucket: &str) -> Event {
    Event {
        at: world.clock.now().minus(Duration::from_secs(ago)),
        request_id: format!("s3-{ago}"),
        service: "s3".into(),
        action: "CreateBucket".into(),
        read_only: false,
        data: false,
        actor: Some(Actor {
            arn: format!("arn:aws:iam::{account}:user/admin"),
            account: account.into(),
            alias: "taro".into(),
            name: "admin".into(),
            id: "AIDA".into(),
            session: None,
        }),
        access_key: "AKI".into(),
        signed: None,
        resources: vec![format!("arn:aws:s3:::{bucket}")],
        parameters: [].into(),
        source: "10.0.0.1".into(),
        agent: String::new(),
        secure: false,
        failure: None,
        unrecorded: 0,
    }
}

#[test]
fn one_look_up_tells_what_both_services_were_asked() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        for key in ["one", "two"] {
            let make = [("Action", "CreateKeyPair"), ("KeyName", key), ("Version", "2016-11-15")];
            world.raw(&taro, &make).await.unwrap();
        }
        let asked: Vec<_> = (0..5)
            .map(|n| (9 - n, of_s3(&world, 3600 + n, &taro.account, &format!("bucket-{n}"))))
            .collect();
        world.walrus.state.lock().unwrap().asked = asked;
        let (mut seen, mut next) = (Vec::new(), None);
        loop {
            let filter = Filter { account: Some(taro.account.clone()), ..Filter::default() };
            let page = world.administration().call(LookAudit { filter, next, most: 2 }).await;
            let AuditPage { events, next: after } = page.unwrap();
            assert!(events.len() <= 2);
            seen.extend(events);
            next = after;
            if next.is_none() {
                break;
            }
        }
        let made = |service: &str| seen.iter().filter(|it| it.service == service).count();
        assert_eq!((made("s3"), made("ec2")), (5, 2), "{seen:?}");
        assert!(seen.windows(2).all(|pair| pair[0].at >= pair[1].at), "{seen:?}");

        let by = |filter| look(&world, filter);
        let resource = Some("bucket-3".to_owned());
        assert_eq!(by(Filter { resource, ..Filter::default() }).await[0].request_id, "s3-3603");
        let service = |name: &str| Filter { service: Some(name.into()), ..Filter::default() };
        assert_eq!(by(service("s3")).await.len(), 5);

        // Without walrus nothing is told that would look like all of it.
        world.walrus.state.lock().unwrap().silent = true;
        let all = LookAudit { filter: Filter::default(), next: None, most: 9 };
        let error = world.administration().call(all).await.unwrap_err();
        assert!(error.text().contains("Walrus does not answer"), "{error}");
        assert!(!by(service("ec2")).await.is_empty());
        let states: Vec<AuditState> = world.administration().call(VerifyAudit {}).await.unwrap();
        let [changes, reads, walrus] = &states[..] else { panic!("{states:?}") };
        assert_eq!((changes.fault.as_ref(), reads.fault.as_ref()), (None, None));
        assert!(walrus.fault.as_ref().unwrap().contains("does not answer"));
    });
}

#[test]
fn what_people_do_at_the_console_says_who_and_from_where() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let root = logged_in(&world, "eucalyptus").await;
        let people = world.people();
        let zip = |by: &CheckPerson| {
            let (name, by, address) = ("taro".into(), by.clone(), "198.51.100.7".into());
            people.call(GetZip { name, kind: ZipKind::Keys, by, address })
        };
        zip(&root).await.unwrap();
        let liar = CheckPerson { password_set: Timestamp::EPOCH, ..root };
        assert!(zip(&liar).await.is_err());
        let found = look(&world, action("GetZip")).await;
        let [lied, told] = &found[..] else { panic!("{found:?}") };
        let actor = told.actor.as_ref().unwrap();
        assert_eq!((actor.alias.as_str(), actor.name.as_str()), ("eucalyptus", "admin"));
        assert_eq!(actor.arn, "arn:aws:iam::000000000001:user/admin");
        assert_eq!(
            (told.source.as_str(), &told.resources[..]),
            ("198.51.100.7", &["taro".to_owned()][..])
        );
        assert!(lied.actor.is_none() && lied.failure.is_some(), "who proved nothing is nobody");

        logged_in(&world, "taro").await;
        drop(people.call(log_in("taro", "wrong", "198.51.100.8")).await);
        let own = Filter { account: Some(taro.account.clone()), ..action("LogIn") };
        assert_eq!(look(&world, own).await.len(), 1);
        let about = Filter { resource: Some("taro".into()), ..action("LogIn") };
        let found = look(&world, about).await;
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].source.as_str(), found[0].actor.is_none()), ("198.51.100.8", true));

        // A password that was typed in the place of a name is not kept.
        let typed = "korrekt Pferd im falschen Feld";
        drop(people.call(log_in(typed, "wrong", "198.51.100.9")).await);
        let inside = LogIn { user: Some(typed.into()), ..log_in("taro", "wrong", "198.51.100.9") };
        drop(people.call(inside).await);
        let found = look(&world, action("LogIn")).await;
        assert!(!format!("{found:?}").contains(typed), "{found:?}");
        let said = |at: usize, name: &str| found[at].parameters.get(name).map(String::as_str);
        assert_eq!((said(1, "account"), found[1].resources.len()), (Some("***"), 0));
        assert_eq!((said(0, "account"), said(0, "user")), (Some("taro"), Some("***")));
    });
}

#[test]
fn a_record_names_people_with_their_paths() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let create = [("UserName", "Hanako"), ("Path", "/staff/")];
        world.iam(&taro, "CreateUser", &create).await.unwrap();
        world
            .iam(
                &taro,
                "TagUser",
                &[("UserName", "hanako"), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")],
            )
            .await
            .unwrap();
        world.iam(&taro, "DeleteUser", &[("UserName", "hanako")]).await.unwrap();
        let arn = format!("arn:aws:iam::{}:user/staff/Hanako", taro.account);
        for name in ["CreateUser", "TagUser", "DeleteUser"] {
            let found = look(&world, Filter { resource: Some(arn.clone()), ..action(name) }).await;
            assert_eq!(found.len(), 1, "{name}");
            let named = found[0].resources.iter().filter(|it| it.contains(":user/")).count();
            assert_eq!(named, 1, "{name}: {:?}", found[0].resources);
        }
    });
}
