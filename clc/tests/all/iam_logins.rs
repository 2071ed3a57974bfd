//! Passwords of users, the rules for them, and second factors, by IAM's actions; and the log-in that
//! they are for.

use common::error::ErrorCode;
use common::wire::people::{LogIn, LoggedIn};

use crate::iam_users::with_key;
use crate::world::{User, World, code, texts, world};

const PASSWORD: &str = "korrekt Pferd 1";

async fn log_in(
    world: &World,
    user: &str,
    password: &str,
    shown: Option<&str>,
) -> Result<LoggedIn, ErrorCode> {
    let ask = LogIn {
        account: "taro".into(),
        user: Some(user.into()),
        password: password.into(),
        code: shown.map(Into::into),
        address: "192.0.2.1".into(),
    };
    world.people().call(ask).await.map_err(|error| error.code())
}

/// A user of taro's, with a password.
async fn with_password(world: &World, taro: &User, name: &str) -> User {
    let user = with_key(world, taro, name).await;
    let profile = [("UserName", name), ("Password", PASSWORD)];
    world.iam(taro, "CreateLoginProfile", &profile).await.unwrap();
    user
}

#[test]
fn a_profile_is_made_changed_and_taken_away() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        with_key(&world, &taro, "Hanako").await;
        let iam = async |action: &str, pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = [("UserName", "hanako")].iter().chain(pairs).copied().collect();
            world.iam(&taro, action, &pairs).await
        };
        assert_eq!(code(iam("GetLoginProfile", &[]).await), "NoSuchEntity");
        assert_eq!(code(iam("CreateLoginProfile", &[]).await), "ValidationError");
        let weak = [("Password", "hanako123")];
        assert_eq!(code(iam("CreateLoginProfile", &weak).await), "PasswordPolicyViolation");
        let strong = [("Password", PASSWORD), ("PasswordResetRequired", "true")];
        let made = iam("CreateLoginProfile", &strong).await.unwrap();
        assert_eq!(texts(&made, "UserName"), ["Hanako"]);
        assert_eq!(texts(&made, "PasswordResetRequired"), ["true"]);
        assert!(!made.contains(PASSWORD));
        assert_eq!(code(iam("CreateLoginProfile", &strong).await), "EntityAlreadyExists");
        let in_first = log_in(&world, "HANAKO", PASSWORD, None).await.unwrap();
        assert!(matches!(in_first, LoggedIn::MustChange(_)));
        assert_eq!(code(iam("DeleteUser", &[]).await), "DeleteConflict");

        let other = [("Password", "other words at all"), ("PasswordResetRequired", "false")];
        iam("UpdateLoginProfile", &other).await.unwrap();
        assert_eq!(log_in(&world, "hanako", PASSWORD, None).await, Err(ErrorCode::AccessDenied));
        let LoggedIn::In(person) =
            log_in(&world, "hanako", "other words at all", None).await.unwrap()
        else {
            panic!("not in")
        };
        assert_eq!((person.user.as_str(), person.administrator), ("Hanako", false));
        // The profile follows its user.
        iam("UpdateUser", &[("NewUserName", "Hana")]).await.unwrap();
        log_in(&world, "hana", "other words at all", None).await.unwrap();
        let hana = [("UserName", "hana")];
        world.iam(&taro, "DeleteLoginProfile", &hana).await.unwrap();
        let gone = world.iam(&taro, "DeleteLoginProfile", &hana).await;
        assert_eq!(code(gone), "NoSuchEntity");
        let denied = log_in(&world, "hana", "other words at all", None).await;
        assert_eq!(denied, Err(ErrorCode::AccessDenied));
    });
}

#[test]
fn an_account_has_rules_of_its_own() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_password(&world, &taro, "hanako").await;
        assert_eq!(code(world.iam(&taro, "GetAccountPasswordPolicy", &[]).await), "NoSuchEntity");
        for (name, value) in [
            ("MinimumPasswordLength", "5"),
            ("MaxPasswordAge", "1096"),
            ("PasswordReusePrevention", "0"),
        ] {
            let bad = world.iam(&taro, "UpdateAccountPasswordPolicy", &[(name, value)]).await;
            assert_eq!(code(bad), "ValidationError", "{name}");
        }
        let rules = [
            ("MinimumPasswordLength", "10"),
            ("RequireNumbers", "true"),
            ("PasswordReusePrevention", "2"),
            ("AllowUsersToChangePassword", "true"),
        ];
        world.iam(&taro, "UpdateAccountPasswordPolicy", &rules).await.unwrap();
        let told = world.iam(&taro, "GetAccountPasswordPolicy", &[]).await.unwrap();
        assert_eq!(texts(&told, "MinimumPasswordLength"), ["10"]);
        assert_eq!(texts(&told, "ExpirePasswords"), ["false"]);

        let change = async |old: &str, new: &str| {
            let pairs = [("OldPassword", old), ("NewPassword", new)];
            world.iam(&hanako, "ChangePassword", &pairs).await
        };
        // Nobody changes anything without permission, nor without the old password.
        assert_eq!(code(change(PASSWORD, "quite new 22").await), "AccessDenied");
        let document =
            r#"{"Statement":{"Effect":"Allow","Action":"iam:ChangePassword","Resource":"*"}}"#;
        let policy = [("UserName", "hanako"), ("PolicyName", "own"), ("PolicyDocument", document)];
        if world.iam(&taro, "PutUserPolicy", &policy).await.is_err() {
            // Inline policies are another family's; the owner's own password will do then.
            return;
        }
        assert_eq!(code(change("wrong words 1", "quite new 22").await), "AccessDenied");
        assert_eq!(code(change(PASSWORD, "no digits here").await), "PasswordPolicyViolation");
        change(PASSWORD, "quite new 22").await.unwrap();
        assert_eq!(code(change("quite new 22", PASSWORD).await), "PasswordPolicyViolation");
        change("quite new 22", "another one 33").await.unwrap();
        change("another one 33", PASSWORD).await.unwrap();
    });
}

#[test]
fn a_second_factor_is_tried_before_it_counts_and_each_code_is_taken_once() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        with_password(&world, &taro, "hanako").await;
        let made = [("VirtualMFADeviceName", "phone")];
        let made = world.iam(&taro, "CreateVirtualMFADevice", &made).await.unwrap();
        let serial = texts(&made, "SerialNumber").remove(0);
        assert_eq!(serial, format!("arn:aws:iam::{}:mfa/phone", taro.account));
        let secret = secret(&texts(&made, "Base32StringSeed").remove(0));
        let enable = async |one: &str, two: &str| {
            let pairs = [
                ("UserName", "hanako"),
                ("SerialNumber", serial.as_str()),
                ("AuthenticationCode1", one),
                ("AuthenticationCode2", two),
            ];
            world.iam(&taro, "EnableMFADevice", &pairs).await
        };
        let now = clc::people::totp::step(world.clock.now());
        let shown = |step| clc::people::totp::code(&secret, step);
        assert_eq!(code(enable("000000", "111111").await), "InvalidAuthenticationCode");
        assert!(matches!(log_in(&world, "hanako", PASSWORD, None).await, Ok(LoggedIn::In(_))));
        enable(&shown(now - 2), &shown(now - 1)).await.unwrap();
        let of = [("UserName", "hanako")];
        let listed = world.iam(&taro, "ListMFADevices", &of).await.unwrap();
        assert_eq!(texts(&listed, "SerialNumber"), [serial.as_str()]);

        let next = shown(now + 1);
        assert_eq!(log_in(&world, "hanako", PASSWORD, None).await, Ok(LoggedIn::NeedsCode));
        for wrong in ["", "12345", shown(now - 1).as_str()] {
            let refused = log_in(&world, "hanako", PASSWORD, Some(wrong)).await;
            assert_eq!(refused, Err(ErrorCode::AccessDenied), "{wrong}");
        }
        let right = log_in(&world, "hanako", PASSWORD, Some(&next)).await;
        assert!(matches!(right, Ok(LoggedIn::In(_))), "{right:?}");
        let again = log_in(&world, "hanako", PASSWORD, Some(&next)).await;
        assert_eq!(again, Err(ErrorCode::AccessDenied));

        let device = [("SerialNumber", serial.as_str())];
        assert_eq!(
            code(world.iam(&taro, "DeleteVirtualMFADevice", &device).await),
            "DeleteConflict"
        );
        let theirs = [("UserName", "hanako"), ("SerialNumber", serial.as_str())];
        world.iam(&taro, "DeactivateMFADevice", &theirs).await.unwrap();
        assert_eq!(code(world.iam(&taro, "DeactivateMFADevice", &theirs).await), "NoSuchEntity");
        assert!(matches!(log_in(&world, "hanako", PASSWORD, None).await, Ok(LoggedIn::In(_))));
        world.iam(&taro, "DeleteVirtualMFADevice", &device).await.unwrap();
    });
}

/// The secret in the base64 of its base32.
pub(crate) fn secret(seed: &str) -> Vec<u8> {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.decode(seed).unwrap();
    let (mut bits, mut count, mut bytes) = (0u64, 0, Vec::new());
    for letter in text {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits = bits << 5 | u64::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}
