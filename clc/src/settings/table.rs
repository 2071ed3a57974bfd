//! The table of settings: names, defaults, units, meanings and rules.

use common::id::{AccountId, ImageId, ImageKind};
use common::name::is_mail_address;
use common::s3::BucketName;

use super::names::{
    ACCESS_KEYS_PER_USER, ACCOUNT, ALLOW_UNSIGNED, APPROVAL_NOTE, BUCKET_MEGABYTES,
    BUCKETS_PER_ACCOUNT, CACHE_MEGABYTES, CERTIFICATES_PER_USER, CHANGES_PER_MINUTE, CLOUD_NAME,
    CONFIRM_HOURS, DEFAULT_KERNEL, DEFAULT_RAMDISK, IMAGE_BUCKET, IMAGE_VISIBILITY, LANGUAGE,
    PAGES_PER_MINUTE, PUBLIC_HOST, REAUTHENTICATE_MINUTES, RECOVER_MINUTES, REJECTION_NOTE,
    REPLY_ADDRESS, SESSION_HOURS, SESSION_IDLE_MINUTES, SIGN_INS_PER_MINUTE, SIGNUP_ADDRESS,
    SIGNUP_SUBJECT, STREAMS_PER_MINUTE,
};
use crate::records::Records;

/// A setting.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    /// The unit of its value; empty of what is no amount.
    pub(super) unit: &'static str,
    pub(super) meaning: &'static str,
    pub(super) rule: fn(&Records, &str) -> Result<(), String>,
}

/// All of them.
pub(super) const TABLE: &[Row] = &[
    Row {
        name: PUBLIC_HOST,
        default: "",
        unit: "",
        meaning: "The name or address in credentials and mails under which users reach the cloud; \
                  empty: public_host of clc.toml",
        rule: |_, value| host(value),
    },
    Row {
        name: SESSION_IDLE_MINUTES,
        default: "30",
        unit: "minutes",
        meaning: "After how many minutes without use a session of the console is over (1 to 1440)",
        rule: |_, value| within(value, 1, 1440),
    },
    Row {
        name: SESSION_HOURS,
        default: "12",
        unit: "hours",
        meaning: "After how many hours a session of the console is over (1 to 168)",
        rule: |_, value| within(value, 1, 168),
    },
    Row {
        name: REAUTHENTICATE_MINUTES,
        default: "10",
        unit: "minutes",
        meaning: "For how many minutes after a password was given the console asks for none before \
                  what is dangerous (0: each time, to 1440)",
        rule: |_, value| within(value, 0, 1440),
    },
    Row {
        name: PAGES_PER_MINUTE,
        default: "1200",
        unit: "per minute",
        meaning: "How many pages of the console a session, or an address from which nobody is signed \
                  in, may load in a minute (10 to 1000000)",
        rule: |_, value| within(value, 10, 1_000_000),
    },
    Row {
        name: CHANGES_PER_MINUTE,
        default: "600",
        unit: "per minute",
        meaning: "How many forms of the console a session, or an address from which nobody is signed \
                  in, may send in a minute (10 to 1000000)",
        rule: |_, value| within(value, 10, 1_000_000),
    },
    Row {
        name: SIGN_INS_PER_MINUTE,
        default: "60",
        unit: "per minute",
        meaning: "How many sign-ins at the console are taken from an address in a minute \
                  (1 to 1000000)",
        rule: |_, value| within(value, 1, 1_000_000),
    },
    Row {
        name: STREAMS_PER_MINUTE,
        default: "240",
        unit: "per minute",
        meaning: "How many lists a session may begin to follow at the console in a minute \
                  (10 to 1000000)",
        rule: |_, value| within(value, 10, 1_000_000),
    },
    Row {
        name: ACCESS_KEYS_PER_USER,
        default: "2",
        unit: "keys",
        meaning: "How many access keys a user may have (1 to 100)",
        rule: |_, value| from_one_to_hundred(value),
    },
    Row {
        name: CERTIFICATES_PER_USER,
        default: "2",
        unit: "certificates",
        meaning: "How many active signing certificates a user may have made by IAM (1 to 100)",
        rule: |_, value| from_one_to_hundred(value),
    },
    Row {
        name: ALLOW_UNSIGNED,
        default: "false",
        unit: "",
        meaning: "Whether images whose manifest bears no signature may be registered (true, false)",
        rule: |_, value| one_of(value, &["true", "false"]),
    },
    Row {
        name: IMAGE_VISIBILITY,
        default: "private",
        unit: "",
        meaning: "Who may run a machine image right after its registration (private, public)",
        rule: |_, value| one_of(value, &["private", "public"]),
    },
    Row {
        name: DEFAULT_KERNEL,
        default: "",
        unit: "",
        meaning: "The kernel of machine images that name none (an eki-, or nothing)",
        rule: |records, value| registered(records, value, ImageKind::Kernel),
    },
    Row {
        name: DEFAULT_RAMDISK,
        default: "",
        unit: "",
        meaning: "The ramdisk of machine images that name none (an eri-, or nothing)",
        rule: |records, value| registered(records, value, ImageKind::Ramdisk),
    },
    Row {
        name: IMAGE_BUCKET,
        default: "images-ACCOUNT",
        unit: "",
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
        unit: "",
        meaning: "The mail address that is told of users who apply; empty: nobody can apply",
        rule: |_, value| mail_address(value),
    },
    Row {
        name: SIGNUP_SUBJECT,
        default: "New application",
        unit: "",
        meaning: "What the subject of a mail about a user who applies begins with",
        rule: |_, value| one_line(value),
    },
    Row {
        name: REPLY_ADDRESS,
        default: "",
        unit: "",
        meaning: "Where answers to the cloud's mails go; empty: to their sender",
        rule: |_, value| mail_address(value),
    },
    Row {
        name: CLOUD_NAME,
        default: "Eucalypt",
        unit: "",
        meaning: "What the cloud is called in mails",
        rule: |_, value| one_line(value),
    },
    Row {
        name: LANGUAGE,
        default: "en",
        unit: "",
        meaning: "The language of mails to users who have not chosen one (en, ja)",
        rule: |_, value| one_of(value, &["en", "ja"]),
    },
    Row {
        name: APPROVAL_NOTE,
        default: "",
        unit: "",
        meaning: "What is written below the mail to a user who was approved",
        rule: |_, value| one_line(value),
    },
    Row {
        name: REJECTION_NOTE,
        default: "",
        unit: "",
        meaning: "What is written below the mail to a user who was rejected",
        rule: |_, value| one_line(value),
    },
    Row {
        name: CONFIRM_HOURS,
        default: "168",
        unit: "hours",
        meaning: "How long the link in a mail to a user who was approved is good (hours)",
        rule: |_, value| within(value, 1, 8760),
    },
    Row {
        name: RECOVER_MINUTES,
        default: "60",
        unit: "minutes",
        meaning: "How long the link in a mail to a user who forgot the password is good (minutes)",
        rule: |_, value| within(value, 5, 1440),
    },
    Row {
        name: BUCKETS_PER_ACCOUNT,
        default: "0",
        unit: "buckets",
        meaning: "Maximum buckets per user: of an account that has no quota of its own (0: no limit, to \
                  1000000; until it is set: account_buckets of walrus.toml)",
        rule: |_, value| within(value, 0, 1_000_000),
    },
    Row {
        name: BUCKET_MEGABYTES,
        default: "0",
        unit: "MB",
        meaning: "Maximum bucket size (MB): of a bucket that has no quota of its own (0: no limit, to \
                  1000000000; until it is set: bucket_bytes of walrus.toml)",
        rule: |_, value| within(value, 0, 1_000_000_000),
    },
    Row {
        name: CACHE_MEGABYTES,
        default: "30720",
        unit: "MB",
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
