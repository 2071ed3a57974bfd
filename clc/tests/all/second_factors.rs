//! Second factors shown to STS: what counts as one, what it is good for, and what too many wrong
//! codes come to.

use std::time::Duration;

use clc::people::totp;
use common::dialect::xml::read_error;
use common::time::Timestamp;
use runtime::clock::Clock;

use crate::apis::post;
use crate::iam_logins::secret;
use crate::iam_users::with_key;
use crate::identities::trust;
use crate::world::{Refused, User, World, code, texts, world_at};

/// A device that is a user's, with its secret.
struct Phone {
    serial: String,
    secret: Vec<u8>,
}

impl Phone {
    /// Makes one for a user of an account, who has shown two codes of it.
    async fn of(world: &World, owner: &User, user: &str, name: &str) -> Self {
        let made = [("VirtualMFADeviceName", name)];
        let made = world.iam(owner, "CreateVirtualMFADevice", &made).await.unwrap();
        let serial = texts(&made, "SerialNumber").remove(0);
        let phone = Self { serial, secret: secret(&texts(&made, "Base32StringSeed").remove(0)) };
        let (one, two) = (phone.shows(world, -3), phone.shows(world, -2));
        let pairs = [
            ("UserName", user),
            ("SerialNumber", phone.serial.as_str()),
            ("AuthenticationCode1", one.as_str()),
            ("AuthenticationCode2", two.as_str()),
        ];
        world.iam(owner, "EnableMFADevice", &pairs).await.unwrap();
        phone
    }

    /// What it shows so many steps from now.
    fn shows(&self, world: &World, steps: i64) -> String {
        let step = totp::step(world.clock.now()).saturating_add_signed(steps);
        totp::code(&self.secret, step)
    }

    /// A code that it does not show for minutes.
    fn wrong(&self, world: &World) -> String {
        let shown: Vec<_> = (-9..9).map(|steps| self.shows(world, steps)).collect();
        let mut codes = (0..100).map(|number| format!("{number:06}"));
        codes.find(|code| !shown.contains(code)).unwrap()
    }
}

async fn sts(world: &World, user: &User, pairs: &[(&str, &str)]) -> Result<String, Refused> {
    let (status, answer) = post(world, user, ("/services/Tokens", "sts"), pairs, &[]).await;
    if status == 200 {
        return Ok(answer);
    }
    let told = read_error(&answer).unwrap_or_else(|| panic!("{answer}"));
    Err((told.code, told.message))
}

fn credentials(answer: &str) -> User {
    User {
        access_key: texts(answer, "AccessKeyId").remove(0),
        secret: texts(answer, "SecretAccessKey").remove(0),
        account: String::new(),
        token: Some(texts(answer, "SessionToken").remove(0)),
    }
}

async fn session(world: &World, user: &User, shown: &[(&str, &str)]) -> Result<User, Refused> {
    let pairs: Vec<_> = [("Action", "GetSessionToken")].iter().chain(shown).copied().collect();
    Ok(credentials(&sts(world, user, &pairs).await?))
}

/// With the code that a device shows.
async fn proven(world: &World, user: &User, serial: &str, shown: &str) -> Result<User, Refused> {
    session(world, user, &[("SerialNumber", serial), ("TokenCode", shown)]).await
}

async fn assume(
    world: &World,
    user: &User,
    role: &str,
    shown: &[(&str, &str)],
) -> Result<User, Refused> {
    let mut pairs = vec![("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", "work")];
    pairs.extend_from_slice(shown);
    Ok(credentials(&sts(world, user, &pairs).await?))
}

async fn lists(world: &World, user: &User) -> bool {
    world.raw(user, &[("Action", "DescribeKeyPairs")]).await.is_ok()
}

async fn policy(world: &World, owner: &User, action: &str, whose: (&str, &str), text: &str) {
    let pairs = [whose, ("PolicyName", "own"), ("PolicyDocument", text)];
    world.iam(owner, action, &pairs).await.unwrap();
}

fn when(condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}]}}"#
    )
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_secs(1_800_000_000))
}

const STEP: Duration = Duration::from_secs(30);

#[test]
fn a_session_with_a_second_factor_does_what_policies_ask_one_for() {
    let clock = clock();
    world_at(clock.clone(), &[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let phone = Phone::of(&world, &taro, "hanako", "phone").await;
        let recently = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"900"}}"#;
        policy(&world, &taro, "PutUserPolicy", ("UserName", "hanako"), &when(recently)).await;

        // Neither a key of their own nor a session without the factor.
        assert!(!lists(&world, &hanako).await);
        let plain = session(&world, &hanako, &[]).await.unwrap();
        assert!(!lists(&world, &plain).await);
        let shown = phone.shows(&world, 0);
        let strong = proven(&world, &hanako, &phone.serial, &shown).await.unwrap();
        assert!(lists(&world, &strong).await);
        // IAM, which sessions are else not good for.
        world.iam(&strong, "GetUser", &[]).await.unwrap();
        assert_eq!(code(world.iam(&plain, "GetUser", &[]).await), "InvalidClientTokenId");

        // The code is used up, here and at the next step of time.
        let again = proven(&world, &hanako, &phone.serial, &shown).await;
        assert_eq!(code(again), "AccessDenied");
        clock.advance(STEP);
        assert_eq!(code(proven(&world, &hanako, &phone.serial, &shown).await), "AccessDenied");

        // It ages with the clock; the session itself goes on.
        clock.advance(Duration::from_secs(868));
        assert!(lists(&world, &strong).await);
        clock.advance(Duration::from_secs(2));
        assert!(!lists(&world, &strong).await);
        sts(&world, &strong, &[("Action", "GetCallerIdentity")]).await.unwrap();
    });
}

#[test]
fn nobody_shows_anothers_device() {
    world_at(clock(), &[], |world| async move {
        let (taro, jiro) = (world.user("taro").await, world.user("jiro").await);
        let hanako = with_key(&world, &taro, "hanako").await;
        let phone = Phone::of(&world, &taro, "hanako", "phone").await;
        let of_owner = Phone::of(&world, &taro, "admin", "owners").await;
        let shown = phone.shows(&world, 0);
        for user in [&taro, &jiro, &world.admin] {
            let refused = proven(&world, user, &phone.serial, &shown).await.err().unwrap();
            assert_eq!(refused.0, "AccessDenied");
            assert!(refused.1.contains("serial number"), "{}", refused.1);
        }
        let absent = phone.serial.replace("phone", "absent");
        for serial in [absent.as_str(), &of_owner.serial] {
            assert_eq!(code(proven(&world, &hanako, serial, &shown).await), "AccessDenied");
        }
        // None of that has used the code up, and an account's owner has a factor as any other.
        proven(&world, &hanako, &phone.serial, &shown).await.unwrap();
        let shown = of_owner.shows(&world, 0);
        proven(&world, &taro, &of_owner.serial, &shown).await.unwrap();
        // Whose device it was, and is not any more.
        let pairs = [("UserName", "hanako"), ("SerialNumber", phone.serial.as_str())];
        world.iam(&taro, "DeactivateMFADevice", &pairs).await.unwrap();
        let next = phone.shows(&world, 1);
        assert_eq!(code(proven(&world, &hanako, &phone.serial, &next).await), "AccessDenied");
    });
}

#[test]
fn wrong_codes_are_not_tried_for_ever() {
    let clock = clock();
    world_at(clock.clone(), &[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let phone = Phone::of(&world, &taro, "hanako", "phone").await;
        let wrong = phone.wrong(&world);
        for tries in 1..=5 {
            let refused = proven(&world, &hanako, &phone.serial, &wrong).await.err().unwrap();
            assert_eq!(refused.0, "AccessDenied");
            assert!(refused.1.contains("invalid MFA one time pass code"), "{tries}: {}", refused.1);
            assert!(!refused.1.contains(&wrong), "{}", refused.1);
        }
        // Now not even the right one is looked at, by whatever action, for a while.
        let right = phone.shows(&world, 0);
        let refused = proven(&world, &hanako, &phone.serial, &right).await.err().unwrap();
        assert_eq!(refused.0, "AccessDenied");
        assert!(refused.1.contains("try again in 16 seconds"), "{}", refused.1);
        let shown = [("SerialNumber", phone.serial.as_str()), ("TokenCode", right.as_str())];
        let role = format!("arn:aws:iam::{}:role/any", taro.account);
        assert_eq!(code(assume(&world, &hanako, &role, &shown).await), "AccessDenied");
        // Others, and sessions without one, are not held up.
        session(&world, &hanako, &[]).await.unwrap();
        clock.advance(Duration::from_secs(16));
        assert_eq!(
            code(proven(&world, &hanako, &phone.serial, &phone.wrong(&world)).await),
            "AccessDenied"
        );
        clock.advance(Duration::from_secs(16));
        let right = phone.shows(&world, 0);
        let refused = proven(&world, &hanako, &phone.serial, &right).await.err().unwrap();
        assert!(refused.1.contains("seconds"), "the wait has grown: {}", refused.1);
        clock.advance(Duration::from_secs(16));
        let right = phone.shows(&world, 0);
        proven(&world, &hanako, &phone.serial, &right).await.unwrap();
        // Being right forgives.
        let refused = proven(&world, &hanako, &phone.serial, &wrong).await.err().unwrap();
        assert!(refused.1.contains("one time pass code"), "{}", refused.1);
    });
}

#[test]
fn roles_may_ask_for_a_second_factor() {
    let clock = clock();
    world_at(clock.clone(), &[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let phone = Phone::of(&world, &taro, "hanako", "phone").await;
        let arn = |name: &str| format!("arn:aws:iam::{}:role/{name}", taro.account);
        let whom = format!(r#"{{"AWS":"arn:aws:iam::{}:user/hanako"}}"#, taro.account);
        let plain = r#""sts:AssumeRole""#;
        let with_factor = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
        let fresh = r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}"#;
        for (name, condition) in [("open", ""), ("strict", with_factor), ("fresh", fresh)] {
            let text = trust(&whom, plain, condition);
            let pairs = [("RoleName", name), ("AssumeRolePolicyDocument", text.as_str())];
            world.iam(&taro, "CreateRole", &pairs).await.unwrap();
            let role = ("RoleName", name);
            policy(&world, &taro, "PutRolePolicy", role, &when(with_factor)).await;
        }
        for name in ["strict", "fresh"] {
            assert_eq!(code(assume(&world, &hanako, &arn(name), &[]).await), "AccessDenied");
        }
        // With a code of their own.
        let right = phone.shows(&world, 0);
        let shown = [("SerialNumber", phone.serial.as_str()), ("TokenCode", right.as_str())];
        let strict = assume(&world, &hanako, &arn("strict"), &shown).await.unwrap();
        assert!(lists(&world, &strict).await);
        assert_eq!(code(assume(&world, &hanako, &arn("strict"), &shown).await), "AccessDenied");
        let open = assume(&world, &hanako, &arn("open"), &[]).await.unwrap();
        assert!(!lists(&world, &open).await);
        // A role has no device.
        let next = phone.shows(&world, 1);
        let shown = [("SerialNumber", phone.serial.as_str()), ("TokenCode", next.as_str())];
        assert_eq!(code(assume(&world, &strict, &arn("open"), &shown).await), "AccessDenied");

        // With a session that was begun with one, whose age goes on.
        let mine = proven(&world, &hanako, &phone.serial, &next).await.unwrap();
        let strict = assume(&world, &mine, &arn("strict"), &[]).await.unwrap();
        assert!(lists(&world, &strict).await);
        assume(&world, &mine, &arn("fresh"), &[]).await.unwrap();
        clock.advance(Duration::from_secs(61));
        assert_eq!(code(assume(&world, &mine, &arn("fresh"), &[]).await), "AccessDenied");
        assume(&world, &mine, &arn("strict"), &[]).await.unwrap();
    });
}

#[test]
fn a_device_has_a_picture_tags_and_a_clock_that_is_set_right() {
    world_at(clock(), &[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let tagged = [("VirtualMFADeviceName", "spare"), ("Tags.member.1.Key", "kind")];
        let made = world.iam(&taro, "CreateVirtualMFADevice", &tagged).await.unwrap();
        assert!(made.contains("<QRCodePNG>iVBORw0KGgo"), "{made}");
        assert_eq!(texts(&made, "Key"), ["kind"]);
        let spare = texts(&made, "SerialNumber").remove(0);
        let phone = Phone::of(&world, &taro, "hanako", "phone").await;
        for (status, expected) in [
            ("Assigned", vec![phone.serial.as_str()]),
            ("Unassigned", vec![spare.as_str()]),
            ("Any", vec![phone.serial.as_str(), spare.as_str()]),
        ] {
            let pairs = [("AssignmentStatus", status)];
            let listed = world.iam(&taro, "ListVirtualMFADevices", &pairs).await.unwrap();
            assert_eq!(texts(&listed, "SerialNumber"), expected, "{status}");
            assert!(!listed.contains("Seed") && !listed.contains("QRCode"), "{listed}");
        }

        // Its clock is twenty minutes ahead.
        let resync = async |one: i64, two: i64| {
            let (one, two) = (phone.shows(&world, one), phone.shows(&world, two));
            let pairs = [
                ("UserName", "hanako"),
                ("SerialNumber", phone.serial.as_str()),
                ("AuthenticationCode1", one.as_str()),
                ("AuthenticationCode2", two.as_str()),
            ];
            world.iam(&taro, "ResyncMFADevice", &pairs).await
        };
        let ahead = phone.shows(&world, 42);
        assert_eq!(code(proven(&world, &hanako, &phone.serial, &ahead).await), "AccessDenied");
        for (one, two) in [(40, 40), (41, 40), (200, 201)] {
            assert_eq!(code(resync(one, two).await), "InvalidAuthenticationCode", "{one} {two}");
        }
        resync(40, 41).await.unwrap();
        proven(&world, &hanako, &phone.serial, &ahead).await.unwrap();
        let now = phone.shows(&world, 0);
        assert_eq!(code(proven(&world, &hanako, &phone.serial, &now).await), "AccessDenied");
        // What was taken is not taken again, whatever the clock is said to be.
        assert_eq!(code(resync(30, 31).await), "InvalidAuthenticationCode");
    });
}
