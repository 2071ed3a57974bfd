//! What of a request's parameters is recorded: all but secrets and signatures, and no more than a
//! record has room for.
//!
//! A parameter is hidden by its name, wherever in the tree it stands, and rather too often than too
//! seldom: whoever adds an action with a secret calls it so.

use std::collections::BTreeMap;

use super::event::{LONGEST_TEXT, cut};

/// What stands in the place of a secret.
pub const HIDDEN: &str = "***";
/// How many parameters are kept.
const MOST: usize = 200;
/// The longest value that is kept; a policy's text is no longer.
const LONGEST_VALUE: usize = 10_240;
/// How many bytes all values take together.
const MOST_BYTES: usize = 24_576;

/// Words in the names of what is never written down, in lower case.
const SECRETS: &[&str] = &[
    "userdata",
    "password",
    "passphrase",
    "secret",
    "token",
    "signature",
    "privatekey",
    "keymaterial",
    "material",
    "uploadpolicy",
    "authenticationcode",
    "confirmationcode",
    "recoverycode",
    "credential",
    "otp",
];
/// Whole names of what is never written down, in lower case.
const EXACTLY: &[&str] = &["old", "new", "code", "pin", "seed"];
/// Parts of a signature that say nothing of the request.
const SIGNING: &[&str] = &[
    "awsaccesskeyid",
    "signaturemethod",
    "signatureversion",
    "timestamp",
    "expires",
    "action",
    "version",
];

fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    let name = name.to_ascii_lowercase();
    let harmless = matches!(name.as_str(), "clienttoken" | "nexttoken" | "marker");
    EXACTLY.contains(&name.as_str())
        || !harmless && SECRETS.iter().any(|secret| name.contains(secret))
}

/// The parameters of a query as they are recorded.
pub fn recorded<'a>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, String> {
    let pairs: Vec<_> = pairs.into_iter().collect();
    // An attribute's name and its value may be two parameters.
    let secret_attribute = pairs
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("Attribute") && is_secret(value));
    let mut kept = BTreeMap::new();
    let mut room = MOST_BYTES;
    for (name, value) in pairs {
        let lower = name.to_ascii_lowercase();
        if SIGNING.contains(&lower.as_str()) || lower.starts_with("x-amz-") || value.is_empty() {
            continue;
        }
        if kept.len() == MOST {
            break;
        }
        let value = if name.split('.').any(is_secret)
            || (secret_attribute && lower.split('.').any(|part| part == "value"))
        {
            HIDDEN.to_owned()
        } else {
            cut(value, LONGEST_VALUE.min(room))
        };
        room = room.saturating_sub(value.len());
        kept.insert(cut(name, LONGEST_TEXT), value);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        for name in [
            "UserData",
            "userdata",
            "UserData.Value",
            "LaunchTemplateData.UserData",
            "Password",
            "NewPassword",
            "OldPassword",
            "PublicKeyMaterial",
            "PrivateKey",
            "Storage.S3.UploadPolicy",
            "Storage.S3.UploadPolicySignature",
            "TokenCode",
            "AuthenticationCode1",
            "SecretAccessKey",
            "WebIdentityToken",
            "ConfirmationCode",
            "new",
            "contact.code",
            "Spec.2.private_key",
        ] {
            assert_eq!(recorded([(name, "marked")])[name], HIDDEN, "{name}");
        }
        let old = recorded([("Attribute", "userData"), ("Value", "marked")]);
        assert_eq!(old["Value"], HIDDEN);
        for name in ["ImageId", "ClientToken", "PolicyDocument", "KeyName", "InstanceId.1"] {
            assert_eq!(recorded([(name, "plain")])[name], "plain", "{name}");
        }
        for name in ["X-Amz-Signature", "Signature", "AWSAccessKeyId", "x-amz-security-token"] {
            let kept = recorded([(name, "marked")]);
            assert!(!format!("{kept:?}").contains("marked"), "{name}");
        }
    }

    #[test]
    fn a_record_has_a_largest_size() {
        let long = "x".repeat(100_000);
        let many: Vec<_> = (0..1000).map(|n| format!("InstanceId.{n}")).collect();
        let kept = recorded(many.iter().map(|name| (name.as_str(), long.as_str())));
        let size: usize = kept.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(kept.len() <= MOST && size < MOST_BYTES + MOST * LONGEST_TEXT, "{size}");
    }
}
