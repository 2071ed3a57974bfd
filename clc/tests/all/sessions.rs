//! Temporary credentials: made by STS, used against each API, and ended.

use std::time::Duration;

use common::dialect::xml::read_error;
use common::ec2::images::DescribeImages;
use common::ec2::keys::DescribeKeyPairs;
use common::time::Timestamp;
use common::wire::admin::EnableUser;
use runtime::clock::Clock;

use crate::apis::post;
use crate::iam_users::with_key;
use crate::identities::{allow, person, role, statement, trust};
use crate::world::{User, World, code, world, world_at};

const STS: (&str, &str) = ("/services/Tokens", "sts");
const WHO: (&str, &str) = ("Action", "GetCallerIdentity");
const SESSION: (&str, &str) = ("Action", "GetSessionToken");

/// Asks STS; gives the answer or how it was refused.
async fn sts(
    world: &World,
    user: &User,
    pairs: &[(&str, &str)],
) -> Result<String, (String, String)> {
    let (status, answer) = post(world, user, STS, pairs, &[]).await;
    if status == 200 {
        return Ok(answer);
    }
    let told = read_error(&answer).unwrap_or_else(|| panic!("{answer}"));
    Err((told.code, told.message))
}

fn element(answer: &str, name: &str) -> String {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let found = answer.split_once(&start).and_then(|(_, rest)| rest.split_once(&end));
    found.unwrap_or_else(|| panic!("{name} in {answer}")).0.to_owned()
}

fn credentials(answer: &str) -> User {
    let id = element(answer, "AccessKeyId");
    assert!(id.len() == 20 && id.starts_with("ASIA"), "{id}");
    User {
        access_key: id,
        secret: element(answer, "SecretAccessKey"),
        account: String::new(),
        token: Some(element(answer, "SessionToken")),
    }
}

async fn assume(
    world: &World,
    user: &User,
    role: &str,
    more: &[(&str, &str)],
) -> Result<(User, String), (String, String)> {
    let mut pairs = vec![("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", "work")];
    pairs.retain(|(name, _)| more.iter().all(|(own, _)| own != name));
    pairs.extend_from_slice(more);
    let answer = sts(world, user, &pairs).await?;
    Ok((credentials(&answer), answer))
}

async fn lists(world: &World, user: &User) -> Result<(), (String, String)> {
    world.call(user, &DescribeKeyPairs::default()).await.map(|_| ())
}

#[test]
fn a_session_of_ones_own_does_what_its_user_may_until_it_ends() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock.clone(), &[], |world| async move {
        let taro = world.user("taro").await;
        let asked = [SESSION, ("DurationSeconds", "900")];
        let answer = sts(&world, &taro, &asked).await.unwrap();
        assert_eq!(element(&answer, "Expiration"), "2027-01-15T08:15:00Z");
        let mine = credentials(&answer);

        // By version 2 and 4, against each API.
        lists(&world, &mine).await.unwrap();
        let (status, answer) =
            post(&world, &mine, ("/", "ec2"), &[("Action", "DescribeKeyPairs")], &[]).await;
        assert_eq!(status, 200, "{answer}");
        let who = sts(&world, &mine, &[WHO]).await.unwrap();
        assert_eq!(element(&who, "Arn"), format!("arn:aws:iam::{}:user/admin", taro.account));
        let of_mine = [("Action", "GetAccessKeyInfo"), ("AccessKeyId", &mine.access_key)];
        for (id, known) in [(&mine.access_key, true), (&taro.access_key, true)] {
            let ask = [("Action", "GetAccessKeyInfo"), ("AccessKeyId", id.as_str())];
            let told = sts(&world, &taro, &ask).await;
            assert_eq!(told.is_ok_and(|it| element(&it, "Account") == taro.account), known, "{id}");
        }
        for id in ["AKI00000000000000000", "ASIAAAAAAAAAAAAAAAAB", "short"] {
            let ask = [("Action", "GetAccessKeyInfo"), ("AccessKeyId", id)];
            assert_eq!(code(sts(&world, &taro, &ask).await), "ValidationError", "{id}");
        }

        // What is not for sessions.
        assert_eq!(code(sts(&world, &mine, &[SESSION]).await), "AccessDenied");
        assert_eq!(code(sts(&world, &mine, &of_mine).await), "AccessDenied");

        // Tokens that are none, of others, and missing.
        let other = sts(&world, &world.admin, &[SESSION]).await.unwrap();
        let mut forged = mine.token.clone().unwrap();
        forged.replace_range(20..21, if &forged[20..21] == "A" { "B" } else { "A" });
        for token in [None, Some(forged), credentials(&other).token, Some("t".into())] {
            let wrong = User { token: token.clone(), ..mine.clone() };
            assert_eq!(code(lists(&world, &wrong).await), "AuthFailure", "{token:?}");
            assert_eq!(code(sts(&world, &wrong, &[WHO]).await), "InvalidClientTokenId");
        }
        let lasting = User { token: mine.token.clone(), ..taro.clone() };
        assert_eq!(code(lists(&world, &lasting).await), "AuthFailure");
        let liar = User { secret: taro.secret.clone(), ..mine.clone() };
        assert_eq!(code(lists(&world, &liar).await), "SignatureDoesNotMatch");

        // A user who may use nothing has no session either.
        let enable = |enabled| EnableUser { name: "taro".to_owned(), enabled };
        world.administration().call(enable(false)).await.unwrap();
        assert_eq!(code(lists(&world, &mine).await), "InvalidClientTokenId");
        world.administration().call(enable(true)).await.unwrap();
        lists(&world, &mine).await.unwrap();

        clock.advance(Duration::from_secs(900));
        assert_eq!(code(lists(&world, &mine).await), "RequestExpired");
        assert_eq!(code(sts(&world, &mine, &[WHO]).await), "ExpiredToken");
    });
}

#[test]
fn what_is_asked_of_get_session_token_is_looked_at() {
    world(&[], |world| async move {
        for (pair, expected) in [
            (("DurationSeconds", "899"), "ValidationError"),
            (("DurationSeconds", "129601"), "ValidationError"),
            (("DurationSeconds", "soon"), "ValidationError"),
            (("TokenCode", "123456"), "ValidationError"),
        ] {
            assert_eq!(
                code(sts(&world, &world.admin, &[SESSION, pair]).await),
                expected,
                "{pair:?}"
            );
        }
        let serial = format!("arn:aws:iam::{}:mfa/admin", world.admin.account);
        let device = [SESSION, ("SerialNumber", serial.as_str()), ("TokenCode", "123456")];
        let (told, text) = sts(&world, &world.admin, &device).await.unwrap_err();
        assert_eq!(told, "AccessDenied");
        assert!(text.contains("MultiFactorAuthentication"), "{text}");
    });
}

#[test]
fn tokens_stand_where_the_signature_stands() {
    world(&[], |world| async move {
        let answer = sts(&world, &world.admin, &[SESSION]).await.unwrap();
        let mine = credentials(&answer);
        let token = mine.token.clone().unwrap();
        let extra = [("x-amz-security-token", token.as_str())];
        // Once more, as a header of a request that bears it already.
        for (at, told) in [(("/", "ec2"), "AuthFailure"), (STS, "InvalidClientTokenId")] {
            let (_, answer) = post(&world, &mine, at, &[WHO], &extra).await;
            let refused = read_error(&answer).unwrap();
            assert_eq!(refused.code, told);
            assert!(refused.message.contains("more than once"), "{}", refused.message);
        }
        for (token, says) in [("", "empty"), (&"t".repeat(9000), "longer")] {
            let bad = User { token: Some(token.to_owned()), ..mine.clone() };
            let (told, text) = lists(&world, &bad).await.unwrap_err();
            assert_eq!(told, "AuthFailure");
            assert!(text.contains(says), "{text}");
        }
    });
}

#[test]
fn roles_are_taken_on_by_those_whom_both_sides_let() {
    world(&[], |mut world| async move {
        let (taro, jiro) = (world.user("taro").await, world.user("jiro").await);
        let (here, there) = (taro.account.clone(), jiro.account.clone());
        let root = format!(r#"{{"AWS":"arn:aws:iam::{here}:root"}}"#);
        let hanako = format!(r#"{{"AWS":"arn:aws:iam::{here}:user/hanako"}}"#);
        let strangers = format!(r#"{{"AWS":"{there}"}}"#);
        let id = r#"{"StringEquals":{"sts:ExternalId":"shared"}}"#;
        let plain = r#""sts:AssumeRole""#;
        let keys = allow("ec2:DescribeKeyPairs", "*");
        let every = allow("sts:AssumeRole", "*");
        let (hanako, saburo, visitor, roles) = world
            .on_record(|records| {
                let make = |name: &str, trust: &str| role(records, &here, name, (trust, &keys));
                let roles = [
                    make("for-all", &trust(&root, plain, "")),
                    make("for-hanako", &trust(&hanako, plain, "")),
                    make("for-strangers", &trust(&strangers, plain, id)),
                    make("for-ec2", &trust(r#"{"Service":"ec2.amazonaws.com"}"#, plain, "")),
                ];
                let hanako = person(records, &here, "hanako", "");
                let saburo = person(records, &here, "saburo", &every);
                let visitor = person(records, &there, "visitor", &every);
                (hanako, saburo, visitor, roles)
            })
            .await;
        let [for_all, for_hanako, for_strangers, for_ec2] = &roles;
        let absent = for_all.replace("for-all", "absent");
        let shared = [("ExternalId", "shared")];
        let other = [("ExternalId", "other")];
        type Parameters<'a> = &'a [(&'a str, &'a str)];
        let table: [(&User, &str, Parameters<'_>, bool); 16] = [
            // The account hands it on by policies of its own, and its owner needs none.
            (&taro, for_all, &[], true),
            (&saburo, for_all, &[], true),
            (&hanako, for_all, &[], false),
            // Who is named needs no more.
            (&hanako, for_hanako, &[], true),
            (&saburo, for_hanako, &[], false),
            (&taro, for_hanako, &[], false),
            // From another account both must let them, and the secret word be right.
            (&visitor, for_strangers, &shared, true),
            (&jiro, for_strangers, &shared, true),
            (&visitor, for_strangers, &other, false),
            (&visitor, for_strangers, &[], false),
            (&visitor, for_all, &[], false),
            (&saburo, for_strangers, &shared, false),
            // Services, and what is not there.
            (&taro, for_ec2, &[], false),
            (&saburo, &absent, &[], false),
            (&taro, "arn:aws:iam::123456789012:role/x", &[], false),
            (&taro, "no arn, but long enough", &[], false),
        ];
        for (user, role, more, allowed) in table {
            let answer = assume(&world, user, role, more).await;
            let told = answer.as_ref().map(|_| ()).map_err(|(code, _)| code.as_str());
            let refused = if role.starts_with("arn") { "AccessDenied" } else { "ValidationError" };
            let expected = if allowed { Ok(()) } else { Err(refused) };
            assert_eq!(told, expected, "{} takes on {role} {more:?}", user.access_key);
        }

        let (worker, answer) = assume(&world, &saburo, for_all, &[]).await.unwrap();
        assert!(!answer.contains("PackedPolicySize"));
        let session = format!("arn:aws:sts::{here}:assumed-role/for-all/work");
        assert_eq!(element(&answer, "Arn"), session);
        assert_eq!(element(&answer, "AssumedRoleId"), "AROA0000000000FOR-ALL:work");
        let who = sts(&world, &worker, &[WHO]).await.unwrap();
        assert_eq!(element(&who, "Arn"), session);
        assert_eq!(element(&who, "UserId"), "AROA0000000000FOR-ALL:work");
        // What the role may, and no more.
        lists(&world, &worker).await.unwrap();
        let images = world.call(&worker, &DescribeImages::default()).await;
        assert_eq!(code(images), "UnauthorizedOperation");
        assert_eq!(code(sts(&world, &worker, &[SESSION]).await), "AccessDenied");
    });
}

#[test]
fn a_session_may_have_less_than_its_role() {
    world(&[], |mut world| async move {
        let taro = world.user("taro").await;
        let here = taro.account.clone();
        let root = format!(r#"{{"AWS":"{here}"}}"#);
        let both = r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#;
        let (reader, next) = world
            .on_record(|records| {
                let all = allow("*", "*");
                let reader = role(records, &here, "reader", (&trust(&root, both, ""), &all));
                let plain = trust(&root, r#""sts:AssumeRole""#, "");
                (reader, role(records, &here, "next", (&plain, &all)))
            })
            .await;
        let keys = allow("ec2:DescribeKeyPairs", "*");
        let nothing = statement("Deny", "ec2:*", "*");
        let managed = "arn:aws:iam::aws:policy/AdministratorAccess";
        for (more, may_list, may_see) in [
            (&[][..], true, true),
            (&[("Policy", keys.as_str())], true, false),
            (&[("Policy", nothing.as_str())], false, false),
            (&[("PolicyArns.member.1.arn", managed)], true, true),
            (&[("PolicyArns.member.1.arn", managed), ("Policy", &nothing)], false, false),
        ] {
            let (worker, answer) = assume(&world, &taro, &reader, more).await.unwrap();
            assert_eq!(answer.contains("PackedPolicySize"), !more.is_empty());
            assert_eq!(lists(&world, &worker).await.is_ok(), may_list, "{more:?}");
            let images = world.call(&worker, &DescribeImages::default()).await;
            assert_eq!(images.is_ok(), may_see, "{more:?}");
        }
        for (more, expected) in [
            (&[("Policy", "{")][..], "MalformedPolicyDocument"),
            (&[("Policy", r#"{"Statement":[{"Effect":"Maybe"}]}"#)], "MalformedPolicyDocument"),
            (
                &[("PolicyArns.member.1.arn", "arn:aws:iam::123456789012:policy/absent")],
                "ValidationError",
            ),
            (&[("DurationSeconds", "7201")], "ValidationError"),
            (&[("RoleSessionName", "a b")], "ValidationError"),
            (&[("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")], "UnsupportedOperation"),
        ] {
            let refused = assume(&world, &taro, &reader, more).await;
            assert_eq!(code(refused), expected, "{more:?}");
        }

        // From role to role: an hour at most, and who is behind it stays.
        let behind = [("SourceIdentity", "taro-himself")];
        let (worker, answer) = assume(&world, &taro, &reader, &behind).await.unwrap();
        assert_eq!(element(&answer, "SourceIdentity"), "taro-himself");
        let long = [("DurationSeconds", "3601")];
        assert_eq!(code(assume(&world, &worker, &reader, &long).await), "ValidationError");
        let other = [("SourceIdentity", "somebody")];
        assert_eq!(code(assume(&world, &worker, &reader, &other).await), "AccessDenied");
        // This role lets nobody bring an identity along.
        assert_eq!(code(assume(&world, &worker, &next, &[]).await), "AccessDenied");
        let (_, answer) = assume(&world, &worker, &reader, &[]).await.unwrap();
        assert_eq!(element(&answer, "SourceIdentity"), "taro-himself");
        let (plain, _) = assume(&world, &taro, &next, &[]).await.unwrap();
        assume(&world, &plain, &reader, &[]).await.unwrap();

        // A role that is gone, and one that was made again under its name.
        world
            .on_record(|records| {
                let mut seen = records.roles.get(&format!("{here}/next")).unwrap().unwrap();
                seen.record.id = "AROAANOTHER".into();
                records.roles.replace(seen).unwrap();
            })
            .await;
        assert_eq!(code(lists(&world, &plain).await), "InvalidClientTokenId");
        lists(&world, &worker).await.unwrap();
    });
}

#[test]
fn whoever_is_disabled_loses_the_roles_too() {
    world(&[], |mut world| async move {
        let taro = world.user("taro").await;
        let here = taro.account.clone();
        let root = format!(r#"{{"AWS":"arn:aws:iam::{here}:root"}}"#);
        let may = allow("*", "*");
        let (hanako, role) = world
            .on_record(|records| {
                let trusted = trust(&root, r#""sts:AssumeRole""#, "");
                let role = role(records, &here, "worker", (&trusted, &may));
                (person(records, &here, "hanako", &allow("sts:AssumeRole", "*")), role)
            })
            .await;
        let (first, _) = assume(&world, &hanako, &role, &[]).await.unwrap();
        let (second, _) = assume(&world, &first, &role, &[]).await.unwrap();
        let (own, _) = assume(&world, &taro, &role, &[]).await.unwrap();
        for session in [&first, &second, &own] {
            lists(&world, session).await.unwrap();
        }
        let enabled = async |value: &str| {
            let pairs = [("UserName", "hanako"), ("Enabled", value)];
            world.iam(&taro, "UpdateUser", &pairs).await.unwrap();
        };
        enabled("false").await;
        for session in [&first, &second] {
            lists(&world, session).await.unwrap_err();
            assume(&world, session, &role, &[]).await.unwrap_err();
        }
        lists(&world, &own).await.unwrap();
        enabled("true").await;
        lists(&world, &second).await.unwrap();
        // Another hanako is another.
        for (action, more) in
            [("DeleteUser", ("IsRecursive", "true")), ("CreateUser", ("Path", "/"))]
        {
            world.iam(&taro, action, &[("UserName", "hanako"), more]).await.unwrap();
        }
        lists(&world, &second).await.unwrap_err();
    });
}

#[test]
fn whoever_gets_a_name_later_does_not_inherit_what_was_entrusted_to_it() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let here = taro.account.clone();
        let iam =
            async |action: &str, pairs: &[(&str, &str)]| world.iam(&taro, action, pairs).await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let arn = format!("arn:aws:iam::{here}:user/hanako");
        let plain = r#""sts:AssumeRole""#;
        let of = |arn: &str| trust(&format!(r#"{{"AWS":"{arn}"}}"#), plain, "");
        let make = |text: String| async move {
            let pairs = [("RoleName", "ops"), ("AssumeRolePolicyDocument", text.as_str())];
            iam("CreateRole", &pairs).await
        };
        // Nobody is named who is not there.
        for absent in [
            format!("arn:aws:iam::{here}:user/nobody"),
            format!("arn:aws:iam::{here}:user/floor/hanako"),
            format!("arn:aws:iam::{here}:user/Hanako"),
            format!("arn:aws:iam::{here}:role/ops"),
            "arn:aws:iam::999999999999:user/hanako".to_owned(),
            format!("arn:aws:sts::{here}:assumed-role/ops/work"),
        ] {
            let (told, text) = make(of(&absent)).await.unwrap_err();
            assert_eq!(told, "MalformedPolicyDocument");
            assert!(text.contains(&absent), "{text}");
        }
        make(of(&arn)).await.unwrap();
        let ops = format!("arn:aws:iam::{here}:role/ops");
        assume(&world, &hanako, &ops, &[]).await.unwrap();
        let shown = async || {
            let answer = iam("GetRole", &[("RoleName", "ops")]).await.unwrap();
            let text = element(&answer, "AssumeRolePolicyDocument");
            text.replace("%3A", ":").replace("%2F", "/").replace("%22", "\"")
        };
        assert!(shown().await.contains(&arn));

        // By another name she is still the same.
        let renamed = [("UserName", "hanako"), ("NewUserName", "hana")];
        iam("UpdateUser", &renamed).await.unwrap();
        assume(&world, &hanako, &ops, &[]).await.unwrap();
        let told = shown().await;
        assert!(!told.contains(&arn) && told.contains("\"AIDA"), "{told}");

        // One who has her name now is not her.
        let other = with_key(&world, &taro, "hanako").await;
        assert_eq!(code(assume(&world, &other, &ops, &[]).await), "AccessDenied");
        assert!(!shown().await.contains(&arn));

        // Until they are meant themselves; and then she is not any more.
        let text = of(&arn);
        let pairs = [("RoleName", "ops"), ("PolicyDocument", text.as_str())];
        iam("UpdateAssumeRolePolicy", &pairs).await.unwrap();
        assume(&world, &other, &ops, &[]).await.unwrap();
        assert_eq!(code(assume(&world, &hanako, &ops, &[]).await), "AccessDenied");

        // A session of a role is meant by the role's id, too.
        let session = format!("arn:aws:sts::{here}:assumed-role/ops/work");
        let text = of(&session);
        let pairs = [("RoleName", "next"), ("AssumeRolePolicyDocument", text.as_str())];
        iam("CreateRole", &pairs).await.unwrap();
        let next = format!("arn:aws:iam::{here}:role/next");
        let (worker, _) = assume(&world, &other, &ops, &[]).await.unwrap();
        assume(&world, &worker, &next, &[]).await.unwrap();
        iam("DeleteRole", &[("RoleName", "ops")]).await.unwrap();
        make(of(&arn)).await.unwrap();
        let (worker, _) = assume(&world, &other, &ops, &[]).await.unwrap();
        assert_eq!(code(assume(&world, &worker, &next, &[]).await), "AccessDenied");
    });
}

#[test]
fn administrators_are_those_who_may_administer_and_nobody_else() {
    world(&[], |mut world| async move {
        let cloud = world.admin.account.clone();
        let taro = world.user("taro").await;
        let whom = format!(r#"{{"AWS":["{cloud}","{}"]}}"#, taro.account);
        let trusted = trust(&whom, r#""sts:AssumeRole""#, "");
        // To be let do an administrator's action makes nobody one.
        let keys = allow("eucalypt:DescribeUsers", "*");
        let administer = allow("eucalypt:*", "*");
        let all = allow("*", "*");
        let there = taro.account.clone();
        let (roles, plain, denied, far) = world
            .on_record(|records| {
                let make =
                    |name: &str, policy: &str| role(records, &cloud, name, (&trusted, policy));
                let roles = [make("keys", &keys), make("deputy", &administer), make("any", &all)];
                let plain = person(records, &cloud, "hanako", "");
                let deny = statement("Deny", "eucalypt:Administer", "*");
                let denied = person(records, &cloud, "jiro", &deny);
                let far = role(records, &there, "far", (&trusted, &all));
                (roles, plain, denied, far)
            })
            .await;
        let administers = async |user: &User| {
            let pairs = [("Action", "DescribeUsers"), ("Version", "eucalyptus")];
            let at = ("/services/Accounts", "ec2");
            let (status, answer) = post(&world, user, at, &pairs, &[]).await;
            if status != 200 {
                assert_eq!(read_error(&answer).unwrap().code, "UnauthorizedOperation", "{answer}");
            }
            status == 200
        };
        // Users of the cloud's account may, unless it is denied to them.
        assert!(administers(&world.admin).await);
        assert!(administers(&plain).await);
        assert!(!administers(&denied).await);
        assert!(!administers(&taro).await);
        // Roles of that account only by their policies, and roles of others by none.
        for (role, expected) in roles.iter().zip([false, true, true]) {
            let (session, _) = assume(&world, &world.admin, role, &[]).await.unwrap();
            assert_eq!(administers(&session).await, expected, "{role}");
        }
        let (session, _) = assume(&world, &taro, &roles[1], &[]).await.unwrap();
        assert!(administers(&session).await, "whoever is trusted to take it on");
        let (session, _) = assume(&world, &taro, &far, &[]).await.unwrap();
        assert!(!administers(&session).await);
        // A session's policy takes it away.
        let less = [("Policy", keys.as_str())];
        let (session, _) = assume(&world, &world.admin, &roles[2], &less).await.unwrap();
        assert!(!administers(&session).await);
    });
}
