//! The first start, users, credentials, who is who, and requests that nobody may make.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use clc::admin::asking::CommandError;
use clc::admin::command::{self, Command};
use common::ec2::zones::DescribeRegions;
use common::error::ErrorCode;
use common::wire::admin::{AddUser, ChangeSetting, DescribeUsers, EnableUser, GetCredentials};
use common::wire::identity::FindCertificates;

use crate::world::{User, code, until, world};

#[test]
fn the_first_start_makes_the_administrator_and_hands_walrus_the_key() {
    world(&[], |mut world| async move {
        let admin = world.server().admin_dir().to_owned();
        let mut modes = Vec::new();
        for entry in fs::read_dir(&admin).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            modes.push((entry.file_name().into_string().unwrap(), mode));
        }
        modes.sort();
        let ends = [
            "cloud-cert.pem",
            "console-password",
            "-cert.pem",
            "-pk.pem",
            "euca2ools.ini",
            "eucarc",
        ];
        assert_eq!(modes.len(), ends.len(), "{modes:?}");
        for ((name, mode), end) in modes.iter().zip(ends) {
            assert!(name.ends_with(end), "{name}");
            assert_eq!(*mode, if end.ends_with("cert.pem") { 0o644 } else { 0o600 }, "{name}");
        }
        assert_eq!(world.admin.account, "000000000001");

        let file = world.config.data_dir.join("bundle-key.pem");
        let given = until("walrus has the key", || async {
            let state = world.walrus.state.lock().unwrap();
            state.key.clone().filter(|_| !file.exists())
        })
        .await;
        assert_eq!(given.certificate, fs::read_to_string(admin.join("cloud-cert.pem")).unwrap());
        assert!(given.private_key.starts_with("-----BEGIN PRIVATE KEY-----"));

        // A second start makes nothing anew and hands over nothing again.
        let eucarc = fs::read_to_string(admin.join("eucarc")).unwrap();
        world.walrus.state.lock().unwrap().key = None;
        world.restart().await;
        assert_eq!(fs::read_to_string(admin.join("eucarc")).unwrap(), eucarc);
        world.call(&world.admin, &DescribeRegions::default()).await.unwrap();
        assert!(world.walrus.state.lock().unwrap().key.is_none());
    });
}

#[test]
fn users_are_added_by_the_rules_and_can_be_shut_out() {
    world(&[], |world| async move {
        let admin = world.administration();
        let taro = world.user("Taro").await;
        for name in ["taro", "EUCALYPTUS", "", "a b", &"n".repeat(31)] {
            let refused = admin.call(AddUser { name: name.into() }).await.err().unwrap();
            assert_eq!(refused.code(), ErrorCode::InvalidParameterValue, "{name}");
        }
        let users = admin.call(DescribeUsers {}).await.unwrap();
        let names: Vec<_> = users.iter().map(|user| (user.name.as_str(), user.enabled)).collect();
        assert_eq!(names, [("eucalyptus", true), ("Taro", true)]);
        world.call(&taro, &DescribeRegions::default()).await.unwrap();

        // New credentials leave the old ones good.
        let again = admin.call(GetCredentials { name: "TARO".into() }).await.unwrap();
        let again = User::from_files(&again);
        assert_eq!(again.account, taro.account);
        for user in [&taro, &again] {
            world.call(user, &DescribeRegions::default()).await.unwrap();
        }
        let asked = FindCertificates { account: taro.account.clone() };
        assert_eq!(world.identity().call(asked).await.unwrap().pem.len(), 2);
        for nobody in ["999999999999", "taro", "", "../x"] {
            let asked = FindCertificates { account: nobody.into() };
            assert!(!world.identity().call(asked).await.unwrap().known, "{nobody}");
        }

        let enable =
            |name: &str, enabled| admin.call(EnableUser { name: name.to_owned(), enabled });
        enable("taro", false).await.unwrap();
        let refused = world.call(&taro, &DescribeRegions::default()).await;
        assert_eq!(code(refused), "InvalidClientTokenId");
        enable("Taro", true).await.unwrap();
        world.call(&taro, &DescribeRegions::default()).await.unwrap();
        assert!(enable("nobody", true).await.is_err());
        assert!(enable("eucalyptus", false).await.is_err());
    });
}

#[test]
fn the_command_writes_credentials_and_changes_properties() {
    world(&[], |world| async move {
        let mut config = world.config.clone();
        config.internal_listen = world.server().internal_address();
        let dir = world.dir.path().join("taro");
        let run = async |words: &[&str]| {
            #[derive(clap::Parser)]
            struct Line {
                #[command(subcommand)]
                command: Command,
            }
            let line = <Line as clap::Parser>::try_parse_from(
                std::iter::once("admin").chain(words.iter().copied()),
            )
            .unwrap();
            let mut out = Vec::new();
            command::run(line.command, &config, &mut out).await?;
            Ok::<_, CommandError>(String::from_utf8(out).unwrap())
        };
        let to = dir.to_str().unwrap().to_owned();
        let said = run(&["add-user", "taro", "--dir", &to]).await.unwrap();
        assert!(said.starts_with("USER\ttaro\t"), "{said}");
        let taro = User::of(&fs::read_to_string(dir.join("eucarc")).unwrap());
        world.call(&taro, &DescribeRegions::default()).await.unwrap();
        let occupied = run(&["get-credentials", "taro", "--dir", &to]).await;
        assert!(matches!(occupied, Err(CommandError::Occupied(_))), "{occupied:?}");
        let taken = run(&["add-user", "TARO", "--dir", &format!("{to}2")]).await;
        assert!(matches!(taken, Err(CommandError::Refused(_))), "{taken:?}");

        // What walrus is configured with stands until somebody sets the property.
        let listed = run(&["describe-properties"]).await.unwrap();
        assert!(
            listed.contains("\t30720\tSpace reserved for unbundling images (MB)\n"),
            "{listed}"
        );
        assert_eq!(world.walrus.state.lock().unwrap().limit, 0);
        let said = run(&["modify-property", "-p", "walrus.storagemaxcachesizeinmb=77"]).await;
        assert_eq!(said.unwrap(), "PROPERTY\twalrus.storagemaxcachesizeinmb\t77\n");
        let listed = run(&["describe-properties"]).await.unwrap();
        assert!(listed.contains("\t77\tSpace reserved for unbundling images (MB)\n"), "{listed}");
        until("walrus has the limit", || async {
            (world.walrus.state.lock().unwrap().limit == 77 << 20).then_some(())
        })
        .await;
        let said = run(&["describe-users"]).await.unwrap();
        assert!(
            said.contains(&format!("USER\ttaro\t{}\tenabled\tconfirmed\t\n", taro.account)),
            "{said}"
        );
        assert_eq!(run(&["disable-user", "taro"]).await.unwrap(), "USER\ttaro\tdisabled\n");
        let wrong = world.administration();
        let refused = wrong.call(ChangeSetting { name: "x".into(), value: "y".into() }).await;
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidParameterValue);
    });
}

#[test]
fn requests_that_nobody_may_make_are_refused_by_code() {
    world(&[], |world| async move {
        let stranger = User { access_key: "AKI0000000000000000X".into(), ..world.admin.clone() };
        let liar = User { secret: "wrong".into(), ..world.admin.clone() };
        let regions = [("Action", "DescribeRegions")];
        assert_eq!(code(world.raw(&stranger, &regions).await), "InvalidClientTokenId");
        assert_eq!(code(world.raw(&liar, &regions).await), "SignatureDoesNotMatch");
        let admin = &world.admin;
        assert_eq!(code(world.raw(admin, &[("Action", "Frobnicate")]).await), "InvalidAction");
        assert_eq!(code(world.raw(admin, &[("Version", "1")]).await), "MissingParameter");
    });
}
