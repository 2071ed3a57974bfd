//! What an administrator may change while the cloud runs: one table of names, meanings, defaults
//! and rules. What is not on record has its default.

use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, ImageId, ImageKind};
use common::name::is_mail_address;
use common::s3::BucketName;
use common::wire::admin::SettingView;
use store::Batch;

use crate::random;
use crate::records::{Records, Setting};

/// The kernel of images that name none; empty: the next that is registered.
pub const DEFAULT_KERNEL: &str = "cloud.default_kernel";
/// The ramdisk of images that name none; empty: the next that is registered.
pub const DEFAULT_RAMDISK: &str = "cloud.default_ramdisk";
/// Who may run a machine image that was just registered.
pub const IMAGE_VISIBILITY: &str = "cloud.default_image_visibility";
/// The bucket into which CreateImage puts an account's images, with the account's number in the
/// place of `ACCOUNT`.
pub const IMAGE_BUCKET: &str = "cloud.image_bucket";
/// Whether manifests without a signature may be registered.
pub const ALLOW_UNSIGNED: &str = "cloud.allow_unsigned_manifests";
/// The limit of walrus' unbundle cache, under 2.0's name.
pub const CACHE_MEGABYTES: &str = "walrus.storagemaxcachesizeinmb";

/// What stands for an account's number in [`IMAGE_BUCKET`].
const ACCOUNT: &str = "ACCOUNT";

/// Where applications of users are told; empty: none are taken.
pub const SIGNUP_ADDRESS: &str = "people.signup_address";
/// What the subject of such a mail begins with.
pub const SIGNUP_SUBJECT: &str = "people.signup_subject";
/// Where answers to mails go; empty: to their sender.
pub const REPLY_ADDRESS: &str = "people.reply_address";
/// What the cloud is called in mails.
pub const CLOUD_NAME: &str = "people.cloud_name";
/// The language of mails to those who have not said theirs.
pub const LANGUAGE: &str = "people.language";
/// What is written under the mail to one who was approved.
pub const APPROVAL_NOTE: &str = "people.approval_note";
/// What is written under the mail to one who was rejected.
pub const REJECTION_NOTE: &str = "people.rejection_note";
/// How long the link of a confirmation is good, hours.
pub const CONFIRM_HOURS: &str = "people.confirm_hours";
/// How long the link of a recovery is good, minutes.
pub const RECOVER_MINUTES: &str = "people.recover_minutes";

/// The name or address under which users reach the cloud; empty: the one of clc.toml.
pub const PUBLIC_HOST: &str = "cloud.public_host";
/// After how many minutes without use a session of the console is over.
pub const SESSION_IDLE_MINUTES: &str = "console.session_idle_minutes";
/// After how many hours a session of the console is over.
pub const SESSION_HOURS: &str = "console.session_hours";
/// For how many minutes a proof of who somebody is holds for what is dangerous at the console.
pub const REAUTHENTICATE_MINUTES: &str = "console.reauthenticate_minutes";
/// How many pages a session, or an address from which nobody is signed in, may load in a minute.
pub const PAGES_PER_MINUTE: &str = "console.pages_per_minute";
/// How many changes they may make in a minute.
pub const CHANGES_PER_MINUTE: &str = "console.changes_per_minute";
/// How often an address may try to sign in, in a minute.
pub const SIGN_INS_PER_MINUTE: &str = "console.sign_ins_per_minute";
/// How many pages a session may begin to follow in a minute.
pub const STREAMS_PER_MINUTE: &str = "console.streams_per_minute";
/// How far the first-time configuration of the console is; no administrator sees or changes it.
pub const FIRST_TIME: &str = "console.first_time";
/// The administrator has the first password and nothing else.
pub const FIRST_TIME_WAITS: &str = "waits";
/// It was done.
pub const FIRST_TIME_DONE: &str = "done";

/// How many access keys a user may have, under 4.x's name.
pub const ACCESS_KEYS_PER_USER: &str = "authentication.access_keys_limit";
/// How many active signing certificates a user may have, under 4.x's name.
pub const CERTIFICATES_PER_USER: &str = "authentication.signing_certificates_limit";

struct Row {
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
    rule: fn(&Records, &str) -> Result<(), String>,
}

const TABLE: &[Row] = &[
    Row {
        name: PUBLIC_HOST,
        default: "",
        meaning: "The name or address in credentials and mails under which users reach the cloud; \
                  empty: public_host of clc.toml",
        rule: |_, value| host(value),
    },
    Row {
        name: SESSION_IDLE_MINUTES,
        default: "30",
        meaning: "After how many minutes without use a session of the console is over (1 to 1440)",
        rule: |_, value| within(value, 1, 1440),
    },
    Row {
        name: SESSION_HOURS,
        default: "12",
        meaning: "After how many hours a session of the console is over (1 to 168)",
        rule: |_, value| within(value, 1, 168),
    },
    Row {
        name: REAUTHENTICATE_MINUTES,
        default: "10",
        meaning: "For how many minutes after a password was given the console asks for none before \
                  what is dangerous (0: each time, to 1440)",
        rule: |_, value| within(value, 0, 1440),
    },
    Row {
        name: PAGES_PER_MINUTE,
        default: "1200",
        meaning: "How many pages of the console a session, or an address from which nobody is signed \
                  in, may load in a minute (10 to 1000000)",
        rule: |_, value| within(value, 10, 1_000_000),
    },
    Row {
        name: CHANGES_PER_MINUTE,
        default: "600",
        meaning: "How many forms of the console a session, or an address from which nobody is signed \
                  in, may send in a minute (10 to 1000000)",
        rule: |_, value| within(value, 10, 1_000_000),
    },
    Row {
        name: SIGN_INS_PER_MINUTE,
        default: "60",
        meaning: "How many sign-ins at the console are taken from an address in a minute \
                  (1 to 1000000)",
        rule: |_, value| within(value, 1, 1_000_000),
    },
    Row {
        name: STREAMS_PER_MINUTE,
        default: "240",
        meaning: "How many lists a session may begin to follow at the console in a minute \
                  (10 to 1000000)",
        rule: |_, value| within(value, 10, 1_000_000),
    },
    Row {
        name: ACCESS_KEYS_PER_USER,
        default: "2",
        meaning: "How many access keys a user may have (1 to 100)",
        rule: |_, value| from_one_to_hundred(value),
    },
    Row {
        name: CERTIFICATES_PER_USER,
        default: "2",
        meaning: "How many active signing certificates a user may have made by IAM (1 to 100)",
        rule: |_, value| from_one_to_hundred(value),
    },
    Row {
        name: ALLOW_UNSIGNED,
        default: "false",
        meaning: "Whether images whose manifest bears no signature may be registered (true, false)",
        rule: |_, value| one_of(value, &["true", "false"]),
    },
    Row {
        name: IMAGE_VISIBILITY,
        default: "private",
        meaning: "Who may run a machine image right after its registration (private, public)",
        rule: |_, value| one_of(value, &["private", "public"]),
    },
    Row {
        name: DEFAULT_KERNEL,
        default: "",
        meaning: "The kernel of machine images that name none (an eki-, or nothing)",
        rule: |records, value| registered(records, value, ImageKind::Kernel),
    },
    Row {
        name: DEFAULT_RAMDISK,
        default: "",
        meaning: "The ramdisk of machine images that name none (an eri-, or nothing)",
        rule: |records, value| registered(records, value, ImageKind::Ramdisk),
    },
    Row {
        name: IMAGE_BUCKET,
        default: "images-ACCOUNT",
        meaning: "The bucket of an account into which CreateImage puts images (ACCOUNT: its number)",
        rule: |_, value| {
            let named = value.replace(ACCOUNT, AccountId::cloud().as_str());
            match value.contains(ACCOUNT) {
                true => named.parse::<BucketName>().map(drop).map_err(|error| error.text().into()),
                false => Err(format!("it holds {ACCOUNT}: each account has a bucket of its own")),
            }
        },
    },
    Row {
        name: SIGNUP_ADDRESS,
        default: "",
        meaning: "The mail address that is told of users who apply; empty: nobody can apply",
        rule: |_, value| mail_address(value),
    },
    Row {
        name: SIGNUP_SUBJECT,
        default: "New application",
        meaning: "What the subject of a mail about a user who applies begins with",
        rule: |_, value| one_line(value),
    },
    Row {
        name: REPLY_ADDRESS,
        default: "",
        meaning: "Where answers to the cloud's mails go; empty: to their sender",
        rule: |_, value| mail_address(value),
    },
    Row {
        name: CLOUD_NAME,
        default: "Eucalypt",
        meaning: "What the cloud is called in mails",
        rule: |_, value| one_line(value),
    },
    Row {
        name: LANGUAGE,
        default: "en",
        meaning: "The language of mails to users who have not chosen one (en, ja)",
        rule: |_, value| one_of(value, &["en", "ja"]),
    },
    Row {
        name: APPROVAL_NOTE,
        default: "",
        meaning: "What is written below the mail to a user who was approved",
        rule: |_, value| one_line(value),
    },
    Row {
        name: REJECTION_NOTE,
        default: "",
        meaning: "What is written below the mail to a user who was rejected",
        rule: |_, value| one_line(value),
    },
    Row {
        name: CONFIRM_HOURS,
        default: "168",
        meaning: "How long the link in a mail to a user who was approved is good (hours)",
        rule: |_, value| within(value, 1, 8760),
    },
    Row {
        name: RECOVER_MINUTES,
        default: "60",
        meaning: "How long the link in a mail to a user who forgot the password is good (minutes)",
        rule: |_, value| within(value, 5, 1440),
    },
    Row {
        name: CACHE_MEGABYTES,
        default: "30720",
        meaning: "Space reserved for unbundling images (MB)",
        rule: |_, value| match value.parse::<u64>() {
            Ok(1..=1_000_000_000) => Ok(()),
            _ => Err("it is a number of megabytes (2^20 bytes) from 1 to 1000000000".to_owned()),
        },
    },
];

fn from_one_to_hundred(value: &str) -> Result<(), String> {
    match value.parse::<u32>() {
        Ok(1..=100) => Ok(()),
        _ => Err("it is a number from 1 to 100".to_owned()),
    }
}

fn one_of(value: &str, allowed: &[&str]) -> Result<(), String> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(format!("it is one of {}", allowed.join(", ")))
}

/// Nothing that could begin another line of a mail's head.
fn one_line(value: &str) -> Result<(), String> {
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    match value.chars().count() > 255 || value.contains(odd) {
        true => Err("it is one line of at most 255 characters".to_owned()),
        false => Ok(()),
    }
}

fn mail_address(value: &str) -> Result<(), String> {
    match value.is_empty() || is_mail_address(value) {
        true => Ok(()),
        false => Err(format!("'{value}' is no mail address")),
    }
}

/// A name or an address, as it stands in a URL.
fn host(value: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let v6 = value.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let good = match v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => value.len() <= 253 && value.chars().all(plain) && !value.starts_with(['-', '.']),
    };
    if good { Ok(()) } else { Err("it is a host name or an address".to_owned()) }
}

fn within(value: &str, least: u32, most: u32) -> Result<(), String> {
    match value.parse::<u32>() {
        Ok(it) if (least..=most).contains(&it) => Ok(()),
        _ => Err(format!("it is a number from {least} to {most}")),
    }
}

fn registered(records: &Records, value: &str, kind: ImageKind) -> Result<(), String> {
    if value.is_empty() {
        return Ok(());
    }
    let id: ImageId = value.parse().map_err(|error| format!("{error}"))?;
    let seen = records.images.get(id.as_str()).map_err(|error| error.to_string())?;
    match seen {
        Some(image) if image.kind() == kind && image.is_registered() => Ok(()),
        _ => Err(format!("there is no such image as {id} of the right kind")),
    }
}

/// The value of a setting. Blocks.
///
/// # Errors
/// If the store fails.
pub fn get(records: &Records, name: &str) -> Result<String, ApiError> {
    let default = TABLE.iter().find(|row| row.name == name).map_or("", |row| row.default);
    Ok(on_record(records, name)?.unwrap_or_else(|| default.to_owned()))
}

/// The value of a setting that is a number. Blocks.
///
/// # Errors
/// If the store fails.
pub fn number(records: &Records, name: &str) -> Result<usize, ApiError> {
    let value = get(records, name)?;
    value.parse().map_err(|error| ApiError::internal(format!("{name} is no number"), error))
}

/// The value that an administrator has given a setting; `None` while nobody has. Blocks.
///
/// # Errors
/// If the store fails.
pub fn on_record(records: &Records, name: &str) -> Result<Option<String>, ApiError> {
    Ok(records.settings.get(name)?.map(|seen| seen.record.value))
}

/// The image that a setting names, if it names one. Blocks.
///
/// # Errors
/// If the store fails.
pub fn image(records: &Records, name: &str) -> Result<Option<ImageId>, ApiError> {
    Ok(get(records, name)?.parse().ok())
}

/// The bucket into which CreateImage puts an account's images: the one that the setting names, or,
/// once [`keep_image_bucket`] has put another on record, that one. Blocks.
///
/// # Errors
/// If the store fails.
pub fn image_bucket(records: &Records, account: &AccountId) -> Result<BucketName, ApiError> {
    let named = named_bucket(records, account)?;
    let kept = on_record(records, &kept_as(account))?;
    // What was drawn belongs to the setting as it was then.
    let kept = kept.filter(|kept| kept.starts_with(&format!("{named}-")));
    kept.unwrap_or(named).parse()
}

/// Another bucket for an account's images, for when the one that the setting names is somebody
/// else's: nobody can guess this one, and so nobody can take it before its owner. Blocks.
///
/// # Errors
/// If the store fails, there is no chance to be had, or the name would be too long.
pub fn other_image_bucket(records: &Records, account: &AccountId) -> Result<BucketName, ApiError> {
    let number = u64::from_be_bytes(random::bytes()?);
    format!("{}-{number:016x}", named_bucket(records, account)?).parse()
}

/// Adds to a batch: an account's images go into this bucket from now on. Blocks.
///
/// # Errors
/// If the store fails.
pub fn keep_image_bucket(
    records: &Records,
    batch: &mut Batch,
    account: &AccountId,
    bucket: &BucketName,
) -> Result<(), ApiError> {
    put(records, batch, &kept_as(account), bucket.as_str())
}

/// Adds to a batch: an account that goes has no bucket for images any more. Blocks.
///
/// # Errors
/// If the store fails.
pub fn forget_image_bucket(
    records: &Records,
    batch: &mut Batch,
    account: &AccountId,
) -> Result<(), ApiError> {
    if let Some(seen) = records.settings.get(&kept_as(account))? {
        batch.remove(&seen);
    }
    Ok(())
}

fn named_bucket(records: &Records, account: &AccountId) -> Result<String, ApiError> {
    Ok(get(records, IMAGE_BUCKET)?.replace(ACCOUNT, account.as_str()))
}

/// Under which name an account's own bucket is on record; no administrator sees or changes it.
fn kept_as(account: &AccountId) -> String {
    format!("{IMAGE_BUCKET}/{account}")
}

/// The default's name for kernels and ramdisks.
pub fn default_of(kind: ImageKind) -> Option<&'static str> {
    match kind {
        ImageKind::Machine => None,
        ImageKind::Kernel => Some(DEFAULT_KERNEL),
        ImageKind::Ramdisk => Some(DEFAULT_RAMDISK),
    }
}

/// Adds to a batch: the setting gets this value, unless somebody changes it meanwhile. Blocks.
///
/// # Errors
/// If the store fails.
pub fn put(records: &Records, batch: &mut Batch, name: &str, value: &str) -> Result<(), ApiError> {
    match records.settings.get(name)? {
        Some(mut seen) => {
            value.clone_into(&mut seen.record.value);
            batch.replace(&seen)?;
        }
        None => {
            batch.insert(&Setting { name: name.to_owned(), value: value.to_owned() })?;
        }
    }
    Ok(())
}

/// All settings with their values and meanings, by name. Blocks.
///
/// # Errors
/// If the store fails.
pub fn list(records: &Records) -> Result<Vec<SettingView>, ApiError> {
    let mut views = Vec::new();
    for Row { name, meaning, .. } in TABLE {
        let value = get(records, name)?;
        views.push(SettingView { name: (*name).to_owned(), value, meaning: (*meaning).to_owned() });
    }
    views.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(views)
}

/// Whether a setting could be changed so; gives its name and its value as they would be kept. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a name that is none and a value that breaks its rule.
pub fn check(
    records: &Records,
    name: &str,
    value: &str,
) -> Result<(&'static str, String), ApiError> {
    let Some(row) = TABLE.iter().find(|row| row.name.eq_ignore_ascii_case(name)) else {
        let names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
        let text = format!("There is no property '{name}'; there are {}", names.join(", "));
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    };
    let value = value.trim();
    (row.rule)(records, value).map_err(|why| ApiError::invalid(row.name, why))?;
    // An id is printed in lower case and read in any.
    let value = value.parse::<ImageId>().map_or_else(|_| value.to_owned(), |id| id.to_string());
    Ok((row.name, value))
}

/// Changes a setting; its name is read in any case. Blocks.
///
/// # Errors
/// As [`check`].
pub fn change(records: &Records, name: &str, value: &str) -> Result<(), ApiError> {
    let (name, value) = check(records, name, value)?;
    store::transact(&*records.engine, |batch| put(records, batch, name, &value))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;

    #[test]
    fn settings_have_defaults_and_rules() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        assert_eq!(get(&records, CACHE_MEGABYTES).unwrap(), "30720");
        change(&records, "Walrus.StorageMaxCacheSizeInMB", " 100 ").unwrap();
        change(&records, CACHE_MEGABYTES, "101").unwrap();
        assert_eq!(get(&records, CACHE_MEGABYTES).unwrap(), "101");
        for (name, value) in [
            (CACHE_MEGABYTES, "0"),
            (CACHE_MEGABYTES, "many"),
            (IMAGE_VISIBILITY, "secret"),
            (ALLOW_UNSIGNED, "perhaps"),
            (DEFAULT_KERNEL, "eki-00000001"),
            (ACCESS_KEYS_PER_USER, "0"),
            (CERTIFICATES_PER_USER, "101"),
            (DEFAULT_RAMDISK, "nonsense"),
            ("no.such", "1"),
        ] {
            let error = change(&records, name, value).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameterValue, "{name}");
            assert!(error.text().contains(name), "{error}");
        }
        change(&records, DEFAULT_KERNEL, "").unwrap();
        assert_eq!(list(&records).unwrap().len(), TABLE.len());
    }
}
