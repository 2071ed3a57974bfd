//! Administration from anywhere: who is let in, 2.0's answers byte by byte, and what is done.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::administration;
use common::ec2::instances::{Placement, RunInstances};
use common::ec2::zones::DescribeRegions;
use common::id::ImageKind;
use common::wire::quota::SetDefaultLimits;

use crate::instances::launch;
use crate::world::{Refused, User, World, code, world};

const ACCOUNTS: &str = "/services/Accounts";
const CONFIGURATION: &str = "/services/Configuration";
const PROPERTIES: &str = "/services/Properties/";

impl World {
    /// What the administrator is answered at `/services/Accounts`, without the request's id.
    async fn accounts(&self, action: &str, pairs: &[(&str, &str)]) -> Result<String, Refused> {
        self.administer(&self.admin, ACCOUNTS, action, pairs).await.map(|xml| without_id(&xml))
    }

    /// The user whom DescribeUsers shows by that name.
    async fn shown(&self, name: &str) -> (String, User) {
        let xml = self.accounts("DescribeUsers", &[("UserNames.1", name)]).await.unwrap();
        let user = User {
            access_key: text(&xml, "accessKey"),
            secret: text(&xml, "secretKey"),
            account: text(&xml, "accountNumber"),
            token: None,
        };
        (xml, user)
    }
}

fn text(xml: &str, name: &str) -> String {
    let open = format!("<euca:{name}>");
    let Some((_, rest)) = xml.split_once(&open) else { return String::new() };
    rest.split_once("</").unwrap().0.to_owned()
}

fn without_id(xml: &str) -> String {
    let (before, rest) = xml.split_once("<euca:correlationId>").unwrap();
    let (id, after) = rest.split_once("</euca:correlationId>").unwrap();
    assert!(!id.is_empty());
    format!("{before}{after}")
}

fn answer(action: &str, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<euca:{action}ResponseType \
         xmlns:euca=\"http://msgs.eucalyptus.com\"><euca:_return>true</euca:_return>{inside}\
         </euca:{action}ResponseType>"
    )
}

#[test]
fn only_administrators_of_the_cloud_are_let_in() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        for action in administration::names() {
            for path in [ACCOUNTS, CONFIGURATION, PROPERTIES] {
                let refused = world.administer(&taro, path, action, &[]).await;
                assert_eq!(code(refused), "UnauthorizedOperation", "{action}");
            }
        }
        let liar = User { secret: "x".into(), ..world.admin.clone() };
        let refused = world.administer(&liar, ACCOUNTS, "DescribeUsers", &[]).await;
        assert_eq!(code(refused), "SignatureDoesNotMatch");
        // Nothing was told or done.
        let xml = world.accounts("DescribeUsers", &[]).await.unwrap();
        assert_eq!(xml.matches("<euca:item>").count(), 2, "{xml}");
    });
}

#[test]
fn users_come_and_go_as_2_0_has_them() {
    world(&[], |world| async move {
        // As 2.0's tool asks: what it was not given is N/A, what is false is False.
        let asked = [("UserName", "taro"), ("Email", "N/A"), ("Admin", "False")];
        let added = world.accounts("AddUser", &asked).await.unwrap();
        assert_eq!(added, answer("AddUser", ""));
        for taken in ["TARO", "eucalyptus", "", "a b"] {
            let refused = world.accounts("AddUser", &[("UserName", taken)]).await;
            let expected =
                if taken.is_empty() { "MissingParameter" } else { "InvalidParameterValue" };
            assert_eq!(code(refused), expected, "{taken}");
        }
        let rehearsed = [("UserName", "jiro"), ("DryRun", "true")];
        assert_eq!(code(world.accounts("AddUser", &rehearsed).await), "DryRunOperation");
        assert_eq!(
            code(world.accounts("DescribeUsers", &[("UserNames.1", "jiro")]).await),
            "InvalidParameterValue"
        );

        let (xml, taro) = world.shown("Taro").await;
        world.call(&taro, &DescribeRegions::default()).await.unwrap();
        assert_eq!((taro.access_key.len(), taro.secret.len()), (20, 40));
        let expected = answer(
            "DescribeUsers",
            &format!(
                "<euca:users><euca:item><euca:userName>taro</euca:userName>\
                 <euca:accountNumber>{}</euca:accountNumber><euca:email>N/A</euca:email>\
                 <euca:admin>false</euca:admin><euca:confirmed>true</euca:confirmed>\
                 <euca:enabled>true</euca:enabled>\
                 <euca:registration>confirmed</euca:registration>\
                 <euca:distinguishedName/><euca:certificateSerial/><euca:certificateCode/>\
                 <euca:confirmationCode/><euca:accessKey>{}</euca:accessKey>\
                 <euca:secretKey>{}</euca:secretKey><euca:groups><euca:entry>all</euca:entry>\
                 <euca:entry>default</euca:entry></euca:groups><euca:revoked/></euca:item>\
                 </euca:users>",
                taro.account, taro.access_key, taro.secret
            ),
        );
        assert_eq!(xml, expected);
        let all = world.accounts("DescribeUsers", &[]).await.unwrap();
        assert!(all.contains(&taro.access_key), "{all}");
        assert!(!all.contains(&taro.secret) && !all.contains(&world.admin.secret), "no secret");
        let first = "<euca:item><euca:userName>eucalyptus</euca:userName>";
        assert!(all.contains(first) && all.contains("<euca:admin>true</euca:admin>"), "{all}");
        assert!(all.contains("<euca:distinguishedName>CN=eucalyptus"), "{all}");

        let mailed = [("UserName", "hanako"), ("Email", "hanako@example.com")];
        world.accounts("AddUser", &mailed).await.unwrap();
        let (xml, _) = world.shown("hanako").await;
        assert!(xml.contains("<euca:email>hanako@example.com</euca:email>"), "{xml}");
        let odd = [("UserName", "odd"), ("Email", "no address")];
        assert_eq!(code(world.accounts("AddUser", &odd).await), "InvalidParameterValue");

        for (enabled, allowed) in [("false", false), ("true", true)] {
            let asked = [("UserName", "taro"), ("Enabled", enabled)];
            world.accounts("EnableUser", &asked).await.unwrap();
            let called = world.call(&taro, &DescribeRegions::default()).await;
            assert_eq!(called.is_ok(), allowed);
        }
        let wrong = [("UserName", "taro"), ("Belongings", "keep")];
        assert_eq!(code(world.accounts("DeleteUser", &wrong).await), "InvalidParameterValue");
    });
}

#[test]
fn administrators_are_users_of_the_clouds_own_account() {
    world(&[], |world| async move {
        let asked = [("UserName", "hanako"), ("Admin", "True")];
        world.accounts("AddUser", &asked).await.unwrap();
        for taken in ["Hanako", "admin"] {
            for admin in ["True", "False"] {
                let asked = [("UserName", taken), ("Admin", admin)];
                let refused = world.accounts("AddUser", &asked).await;
                let free = taken == "admin" && admin == "False";
                assert_eq!(refused.is_ok(), free, "{taken} {admin}");
            }
        }
        let (xml, hanako) = world.shown("hanako").await;
        assert!(xml.contains("<euca:admin>true</euca:admin>"), "{xml}");
        assert_eq!(hanako.account, "000000000001");
        let seen = world.administer(&hanako, ACCOUNTS, "DescribeUsers", &[]).await.unwrap();
        assert!(seen.contains("<euca:userName>hanako</euca:userName>"), "{seen}");

        // What they may do is theirs to be limited.
        let policy = "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"eucalypt:Delete*\",\
                      \"Resource\":\"*\"}}";
        let put =
            [("UserName", "hanako"), ("PolicyName", "no-deletions"), ("PolicyDocument", policy)];
        if world.iam(&world.admin, "PutUserPolicy", &put).await.is_ok() {
            let asked = [("UserName", "taro")];
            let refused = world.administer(&hanako, ACCOUNTS, "DeleteUser", &asked).await;
            assert_eq!(code(refused), "UnauthorizedOperation");
        }
        let own = [("UserName", "hanako"), ("Enabled", "false")];
        world.accounts("EnableUser", &own).await.unwrap();
        let refused = world.administer(&hanako, ACCOUNTS, "DescribeUsers", &[]).await;
        assert_eq!(code(refused), "InvalidClientTokenId");
        world.accounts("DeleteUser", &[("UserName", "hanako")]).await.unwrap();
        let gone = world.accounts("DescribeUsers", &[("UserNames.1", "hanako")]).await;
        assert_eq!(code(gone), "InvalidParameterValue");
        let cloud = world.accounts("DeleteUser", &[("UserName", "eucalyptus")]).await;
        assert_eq!(code(cloud), "OperationNotPermitted");
    });
}

#[test]
fn secrets_are_told_to_whoever_may_have_them_and_the_owners_to_nobody() {
    world(&[], |world| async move {
        world.user("taro").await;
        world.user("jiro").await;
        let asked = [("UserName", "hanako"), ("Admin", "True")];
        world.accounts("AddUser", &asked).await.unwrap();
        let (_, hanako) = world.shown("hanako").await;
        let secret = async |of: &str| {
            let xml = world
                .administer(&hanako, ACCOUNTS, "DescribeUsers", &[("UserNames.1", of)])
                .await
                .unwrap();
            text(&xml, "secretKey")
        };
        let limited = async |policy: &str| {
            let pairs = [("UserName", "hanako"), ("PolicyName", "p"), ("PolicyDocument", policy)];
            world.iam(&world.admin, "PutUserPolicy", &pairs).await.unwrap();
        };
        // Whom no policy limits becomes nobody's, not even of an administrator without limits.
        assert_eq!(secret("Eucalyptus").await, "");
        for pairs in [&[][..], &[("UserName", "EUCALYPTUS")]] {
            let refused = world.administer(&hanako, ACCOUNTS, "GetCredentials", pairs).await;
            assert_eq!(code(refused), "UnauthorizedOperation");
        }
        assert_eq!(secret("taro").await.len(), 40);
        let (_, owner) = world.shown("eucalyptus").await;
        assert_eq!(owner.secret, world.admin.secret, "to the owner, the owner's own");
        // Some are out of reach, whichever way they are written.
        limited(
            "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":[\"eucalypt:GetCredentials\",\
             \"eucalypt:EnableUser\"],\"Resource\":\"arn:aws:eucalypt:::user/taro\"}}",
        )
        .await;
        assert_eq!(secret("TARO").await, "");
        assert_eq!(secret("jiro").await.len(), 40);
        for (name, allowed) in [("Taro", false), ("jiro", true)] {
            let pairs = [("UserName", name), ("Enabled", "true")];
            let enabled = world.administer(&hanako, ACCOUNTS, "EnableUser", &pairs).await;
            assert_eq!(enabled.is_ok(), allowed, "{name}");
        }
        // Whoever may look only sees no secret.
        limited(
            "{\"Statement\":{\"Effect\":\"Deny\",\"NotAction\":[\"eucalypt:Administer\",\
             \"eucalypt:Describe*\"],\"Resource\":\"*\"}}",
        )
        .await;
        for name in ["eucalyptus", "taro", "jiro", "hanako"] {
            assert_eq!(secret(name).await, "", "{name}");
        }
    });
}

#[test]
fn the_key_of_an_administrator_goes_with_them_however_their_name_is_written() {
    world(&[], |world| async move {
        let asked = [("UserName", "Hanako"), ("Admin", "True")];
        world.accounts("AddUser", &asked).await.unwrap();
        let (_, before) = world.shown("hanako").await;
        assert_eq!(before.access_key.len(), 20, "shown whatever the case");
        let name = ("UserName", "HANAKO");
        let keys = world.iam(&world.admin, "ListAccessKeys", &[name]).await.unwrap();
        assert!(keys.contains(&before.access_key), "{keys}");
        let refused = world.iam(&world.admin, "DeleteUser", &[name]).await;
        assert_eq!(code(refused), "DeleteConflict");
        let renamed = [("UserName", "Hanako"), ("NewUserName", "Hana")];
        world.iam(&world.admin, "UpdateUser", &renamed).await.unwrap();
        world.sts(&before, "GetCallerIdentity").await.unwrap();
        world.accounts("DeleteUser", &[("UserName", "Hana")]).await.unwrap();
        assert_eq!(code(world.sts(&before, "GetCallerIdentity").await), "InvalidClientTokenId");
        for again in ["Hanako", "Hana"] {
            world.accounts("AddUser", &[("UserName", again), ("Admin", "True")]).await.unwrap();
            let asked = world.sts(&before, "GetCallerIdentity").await;
            assert_eq!(code(asked), "InvalidClientTokenId", "{again}");
        }
    });
}

#[test]
fn groups_say_who_may_run_where() {
    world(&[4], |world| async move {
        let taro = world.user("taro").await;
        world.walrus.bundle("m/k", ImageKind::Kernel, 5, true);
        let kernel = world.image(&world.admin, "m/k").await;
        world.image_is(&world.admin, &kernel, "available").await;
        world.walrus.bundle("m/m", ImageKind::Machine, 5 << 20, true);
        let image = world.image(&taro, "m/m").await;
        world.image_is(&taro, &image, "available").await;
        let run = |zone: Option<&str>| {
            let zone = zone.map(str::to_owned);
            let placement = zone.map(|zone| Placement { availability_zone: Some(zone) });
            RunInstances { placement, ..launch(&image) }
        };
        let (zone, group) = (("ZoneName", "eucalyptus-1a"), ("GroupName", "gold"));
        let default = [("GroupName", "default"), zone];

        world.call(&taro, &run(None)).await.unwrap();
        let revoked = world.accounts("RevokeGroupAuthorization", &default).await.unwrap();
        assert_eq!(revoked, answer("RevokeGroupAuthorization", ""));
        for zone in [None, Some("eucalyptus-1a")] {
            assert_eq!(
                code(world.call(&taro, &run(zone)).await),
                "UnauthorizedOperation",
                "{zone:?}"
            );
        }
        world.accounts("AddGroup", &[group]).await.unwrap();
        assert_eq!(
            code(world.accounts("AddGroup", &[("GroupName", "GOLD")]).await),
            "InvalidParameterValue"
        );
        world.accounts("GrantGroupAuthorization", &[group, zone]).await.unwrap();
        world.accounts("AddGroupMember", &[group, ("UserName", "taro")]).await.unwrap();
        let told = world.accounts("DescribeGroups", &[("GroupNames.1", "gold")]).await.unwrap();
        assert_eq!(
            told,
            answer(
                "DescribeGroups",
                "<euca:groups><euca:item><euca:groupName>gold</euca:groupName><euca:users>\
                 <euca:entry>taro</euca:entry></euca:users><euca:authorizations>\
                 <euca:entry>eucalyptus-1a</euca:entry></euca:authorizations></euca:item>\
                 </euca:groups>"
            )
        );
        world.call(&taro, &run(None)).await.unwrap();
        world.call(&taro, &run(Some("eucalyptus-1a"))).await.unwrap();
        world.accounts("RemoveGroupMember", &[group, ("UserName", "taro")]).await.unwrap();
        assert_eq!(code(world.call(&taro, &run(None)).await), "UnauthorizedOperation");
        world.accounts("AddGroupMember", &[group, ("UserName", "taro")]).await.unwrap();
        world.accounts("DeleteGroup", &[group]).await.unwrap();
        assert_eq!(code(world.call(&taro, &run(None)).await), "UnauthorizedOperation");
        world.accounts("GrantGroupAuthorization", &default).await.unwrap();
        world.call(&taro, &run(None)).await.unwrap();

        for (action, pairs) in [
            ("DeleteGroup", &[("GroupName", "nothing")][..]),
            ("AddGroupMember", &[("GroupName", "all"), ("UserName", "nobody")]),
            ("GrantGroupAuthorization", &[("GroupName", "all"), ("ZoneName", "mars-1a")]),
        ] {
            assert_eq!(
                code(world.accounts(action, pairs).await),
                "InvalidParameterValue",
                "{action}"
            );
        }
        let fixed = world.accounts("DeleteGroup", &[("GroupName", "all")]).await;
        assert_eq!(code(fixed), "OperationNotPermitted");
    });
}

#[test]
fn properties_and_components_are_told() {
    world(&[4, 4], |world| async move {
        let ask = async |path: &str, action: &str, pairs: &[(&str, &str)]| {
            let xml = world.administer(&world.admin, path, action, pairs).await;
            xml.map(|xml| without_id(&xml))
        };
        let name = "walrus.storagemaxcachesizeinmb";
        let pairs = [("Properties.1", "walrus.storagemaxcache")];
        let told = ask(PROPERTIES, "DescribeProperties", &pairs).await.unwrap();
        assert_eq!(
            told,
            answer(
                "DescribeProperties",
                &format!(
                    "<euca:properties><euca:item><euca:name>{name}</euca:name>\
                     <euca:value>30720</euca:value><euca:description>Space reserved for unbundling \
                     images (MB)</euca:description><euca:default>30720</euca:default>\
                     <euca:unit>MB</euca:unit><euca:changed>false</euca:changed></euca:item>\
                     </euca:properties>"
                )
            )
        );
        let change = [("Name", "Walrus.StorageMaxCacheSizeInMB"), ("Value", "77")];
        let told = ask(PROPERTIES, "ModifyPropertyValue", &change).await.unwrap();
        assert_eq!(
            told,
            answer(
                "ModifyPropertyValue",
                &format!(
                    "<euca:name>{name}</euca:name><euca:value>77</euca:value>\
                     <euca:oldValue>30720</euca:oldValue>"
                )
            )
        );
        crate::world::until("walrus has the limit", || async {
            (world.walrus.state.lock().unwrap().limit == 77 << 20).then_some(())
        })
        .await;
        let (buckets, size) =
            ("walrus.storagemaxbucketsperuser", "walrus.storagemaxbucketsizeinmb");
        for (name, value) in [(buckets, "5"), (size, "5120")] {
            let change = [("Name", name), ("Value", value)];
            ask(PROPERTIES, "ModifyPropertyValue", &change).await.unwrap();
        }
        let defaults = |buckets: u64, bytes: u64| SetDefaultLimits {
            account_buckets: Some(buckets),
            bucket_bytes: Some(bytes),
        };
        crate::world::until("walrus has the limits", || async {
            (world.walrus.state.lock().unwrap().quotas.defaults == defaults(5, 5120 << 20))
                .then_some(())
        })
        .await;
        for wrong in [
            [("Name", "no.such"), ("Value", "1")],
            [("Name", name), ("Value", "0")],
            [("Name", buckets), ("Value", "-1")],
            [("Name", size), ("Value", "many")],
        ] {
            let refused = ask(PROPERTIES, "ModifyPropertyValue", &wrong).await;
            assert_eq!(code(refused), "InvalidParameterValue");
        }
        let emptied = [("Name", "cloud.default_kernel"), ("Value", "")];
        ask(PROPERTIES, "ModifyPropertyValue", &emptied).await.unwrap();

        let told = ask(CONFIGURATION, "DescribeClusters", &[]).await.unwrap();
        assert!(
            told.contains(
                "<euca:registered><euca:item><euca:type>cluster</euca:type>\
                 <euca:partition>eucalyptus-1a</euca:partition>\
                 <euca:name>eucalyptus-1a</euca:name>"
            ),
            "{told}"
        );
        let told = ask(CONFIGURATION, "DescribeNodes", &[]).await.unwrap();
        let zone = "<euca:clusterName>eucalyptus-1a</euca:clusterName>";
        assert_eq!(told.matches(zone).count(), 2, "{told}");
        assert!(told.contains("<euca:instances/>"), "{told}");
        let told = ask(CONFIGURATION, "DescribeStorageControllers", &[]).await.unwrap();
        assert!(told.contains("<euca:registered/>"), "{told}");
        let told = ask(CONFIGURATION, "DescribeComponents", &[]).await.unwrap();
        assert_eq!(told.matches("<euca:item>").count(), 4, "{told}");
        let unknown = ask(CONFIGURATION, "DescribeNodes", &[("Name.1", "nobody")]).await;
        assert_eq!(code(unknown), "InvalidParameterValue");
        for action in ["Register", "Deregister"] {
            for kind in ["Cluster", "Walrus", "StorageController"] {
                let pairs = [("Name", "x"), ("Host", "h"), ("Port", "8773")];
                let refused = ask(CONFIGURATION, &format!("{action}{kind}"), &pairs).await;
                let (code, why) = refused.unwrap_err();
                assert_eq!(code, "UnsupportedOperation");
                assert!(why.contains("configuration") || why.contains("no volumes"), "{why}");
            }
        }
    });
}

#[test]
fn credentials_are_a_zip_or_files_that_know_their_place() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let xml = world.accounts("GetCredentials", &[("UserName", "taro")]).await.unwrap();
        assert_eq!(text(&xml, "fileName"), "euca2-taro-x509.zip");
        let zip = STANDARD.decode(text(&xml, "base64")).unwrap();
        assert!(zip.starts_with(b"PK\x03\x04"));
        assert!(zip.windows(6).any(|window| window == b"eucarc"));

        let pairs = [("UserName", "taro"), ("Directory", "/home/ta'ro/it")];
        let xml = world.accounts("GetCredentials", &pairs).await.unwrap();
        let files: Vec<_> = xml.split("<euca:name>").skip(1).map(|it| &it[..6]).collect();
        assert!(files.contains(&"eucarc"), "{files:?}");
        assert!(xml.contains("/home/ta"), "{xml}");
        let again = User::of(&text(&xml, "text").replace("&apos;", "'"));
        world.call(&again, &DescribeRegions::default()).await.unwrap();
        // What was made before stays good.
        world.call(&taro, &DescribeRegions::default()).await.unwrap();
        let own = world.accounts("GetCredentials", &[("Kind", "keys")]).await.unwrap();
        assert_eq!(text(&own, "userName"), "eucalyptus");
        for wrong in [
            [("UserName", "nobody"), ("Kind", "keys")],
            [("UserName", "taro"), ("Kind", "all")],
            [("UserName", "taro"), ("Directory", "relative")],
        ] {
            let refused = world.accounts("GetCredentials", &wrong).await;
            assert_eq!(code(refused), "InvalidParameterValue", "{wrong:?}");
        }
    });
}
