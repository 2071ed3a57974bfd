//! How each setting is shown: in which block, by what name, with what effect, and how it is chosen.

use crate::console::text::Text;
use crate::console::texts::cloud as say;
use crate::settings;

/// How the value of a setting is given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A line of text.
    Line,
    /// A mail address.
    Mail,
    /// A number.
    Number,
    /// One of these.
    Choice(&'static [(&'static str, Text)]),
    /// A registered kernel.
    Kernel,
    /// A registered ramdisk.
    Ramdisk,
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// The property.
    pub(super) name: &'static str,
    /// What it is called.
    pub(super) label: Text,
    /// What it does.
    pub(super) effect: Text,
    /// How it is given.
    pub(super) kind: Kind,
}

/// Settings that are saved together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// Its name in addresses.
    pub(super) id: &'static str,
    /// What it is called.
    pub(super) title: Text,
    /// Its settings.
    pub(super) settings: &'static [Shown],
}

const fn shown(name: &'static str, label: Text, effect: Text, kind: Kind) -> Shown {
    Shown { name, label, effect, kind }
}

const VISIBILITIES: &[(&str, Text)] = &[("private", say::PRIVATE), ("public", say::PUBLIC)];
const UNSIGNED: &[(&str, Text)] = &[("false", say::REFUSE), ("true", say::ALLOW)];
const LANGUAGES: &[(&str, Text)] = &[("en", say::ENGLISH), ("ja", say::JAPANESE)];

/// The block beside which the cache's content is shown.
pub(super) const WALRUS: &str = "walrus";

/// All blocks, in the order of the page.
pub(super) const BLOCKS: &[Block] = &[
    Block {
        id: "cloud",
        title: say::BLOCK_CLOUD,
        settings: &[
            shown(settings::PUBLIC_HOST, say::L_PUBLIC_HOST, say::E_PUBLIC_HOST, Kind::Line),
            shown(
                settings::DEFAULT_KERNEL,
                say::L_DEFAULT_KERNEL,
                say::E_DEFAULT_KERNEL,
                Kind::Kernel,
            ),
            shown(
                settings::DEFAULT_RAMDISK,
                say::L_DEFAULT_RAMDISK,
                say::E_DEFAULT_RAMDISK,
                Kind::Ramdisk,
            ),
            shown(
                settings::IMAGE_VISIBILITY,
                say::L_VISIBILITY,
                say::E_VISIBILITY,
                Kind::Choice(VISIBILITIES),
            ),
            shown(
                settings::ALLOW_UNSIGNED,
                say::L_UNSIGNED,
                say::E_UNSIGNED,
                Kind::Choice(UNSIGNED),
            ),
            shown(settings::IMAGE_BUCKET, say::L_IMAGE_BUCKET, say::E_IMAGE_BUCKET, Kind::Line),
        ],
    },
    Block {
        id: WALRUS,
        title: say::BLOCK_WALRUS,
        settings: &[
            shown(settings::CACHE_MEGABYTES, say::L_CACHE, say::E_CACHE, Kind::Number),
            shown(settings::BUCKETS_PER_ACCOUNT, say::L_BUCKETS, say::E_BUCKETS, Kind::Number),
            shown(settings::BUCKET_MEGABYTES, say::L_BUCKET_SIZE, say::E_BUCKET_SIZE, Kind::Number),
        ],
    },
    Block {
        id: "people",
        title: say::BLOCK_PEOPLE,
        settings: &[
            shown(
                settings::SIGNUP_ADDRESS,
                say::L_SIGNUP_ADDRESS,
                say::E_SIGNUP_ADDRESS,
                Kind::Mail,
            ),
            shown(
                settings::SIGNUP_SUBJECT,
                say::L_SIGNUP_SUBJECT,
                say::E_SIGNUP_SUBJECT,
                Kind::Line,
            ),
            shown(settings::REPLY_ADDRESS, say::L_REPLY_ADDRESS, say::E_REPLY_ADDRESS, Kind::Mail),
            shown(settings::CLOUD_NAME, say::L_CLOUD_NAME, say::E_CLOUD_NAME, Kind::Line),
            shown(settings::LANGUAGE, say::L_LANGUAGE, say::E_LANGUAGE, Kind::Choice(LANGUAGES)),
            shown(settings::APPROVAL_NOTE, say::L_APPROVAL_NOTE, say::E_APPROVAL_NOTE, Kind::Line),
            shown(
                settings::REJECTION_NOTE,
                say::L_REJECTION_NOTE,
                say::E_REJECTION_NOTE,
                Kind::Line,
            ),
            shown(
                settings::CONFIRM_HOURS,
                say::L_CONFIRM_HOURS,
                say::E_CONFIRM_HOURS,
                Kind::Number,
            ),
            shown(
                settings::RECOVER_MINUTES,
                say::L_RECOVER_MINUTES,
                say::E_RECOVER_MINUTES,
                Kind::Number,
            ),
        ],
    },
    Block {
        id: "limits",
        title: say::BLOCK_LIMITS,
        settings: &[
            shown(settings::SESSION_IDLE_MINUTES, say::L_IDLE, say::E_IDLE, Kind::Number),
            shown(settings::SESSION_HOURS, say::L_HOURS, say::E_HOURS, Kind::Number),
            shown(settings::REAUTHENTICATE_MINUTES, say::L_PROOF, say::E_PROOF, Kind::Number),
            shown(settings::SIGN_INS_PER_MINUTE, say::L_SIGN_INS, say::E_SIGN_INS, Kind::Number),
            shown(settings::PAGES_PER_MINUTE, say::L_PAGES, say::E_PAGES, Kind::Number),
            shown(settings::CHANGES_PER_MINUTE, say::L_CHANGES, say::E_CHANGES, Kind::Number),
            shown(settings::STREAMS_PER_MINUTE, say::L_STREAMS, say::E_STREAMS, Kind::Number),
            shown(settings::ACCESS_KEYS_PER_USER, say::L_KEYS, say::E_KEYS, Kind::Number),
            shown(
                settings::CERTIFICATES_PER_USER,
                say::L_CERTIFICATES,
                say::E_CERTIFICATES,
                Kind::Number,
            ),
        ],
    },
];

/// A setting by its name.
pub(super) fn find(name: &str) -> Option<&'static Shown> {
    BLOCKS.iter().flat_map(|block| block.settings).find(|it| it.name == name)
}

/// A unit in the language of the page.
pub(super) fn unit(name: &str) -> Option<Text> {
    match name {
        "MB" => Some(say::UNIT_MB),
        "minutes" => Some(say::UNIT_MINUTES),
        "per minute" => Some(say::UNIT_PER_MINUTE),
        "hours" => Some(say::UNIT_HOURS),
        "buckets" => Some(say::UNIT_BUCKETS),
        "keys" => Some(say::UNIT_KEYS),
        "certificates" => Some(say::UNIT_CERTIFICATES),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;
    use crate::records::Records;

    #[test]
    fn every_setting_is_shown_once_with_its_unit() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let mut known: Vec<_> = settings::list(&records).unwrap();
        known.sort_by(|one, other| one.name.cmp(&other.name));
        let mut shown: Vec<_> =
            BLOCKS.iter().flat_map(|it| it.settings).map(|it| it.name).collect();
        shown.sort_unstable();
        assert_eq!(shown, known.iter().map(|it| it.name.as_str()).collect::<Vec<_>>());
        for it in known.iter().filter(|it| !it.unit.is_empty()) {
            assert!(unit(&it.unit).is_some(), "{}", it.unit);
        }
    }
}
