//! Typed names of resources: an instance id cannot be handed over as an image id.
//!
//! Ids are a prefix and 8 or 17 lower-case hex digits. They are read in any case (2.0 printed
//! upper-case digits, and people paste them) and always printed in lower case. Making one takes
//! random bytes from outside: this crate has no source of chance.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is no id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    /// The text does not begin with the prefix of its kind.
    #[error("'{text}' does not begin with '{prefix}'")]
    Prefix {
        /// What was given.
        text: String,
        /// What such an id begins with.
        prefix: &'static str,
    },
    /// The rest is not 8 or 17 hex digits.
    #[error("'{0}' is not a prefix followed by 8 or 17 hexadecimal digits")]
    Digits(String),
}

fn parse(text: &str, prefix: &'static str) -> Result<String, IdError> {
    let lower = text.to_ascii_lowercase();
    let digits = lower
        .strip_prefix(prefix)
        .ok_or_else(|| IdError::Prefix { text: text.to_owned(), prefix })?;
    let plausible = matches!(digits.len(), 8 | 17);
    if !plausible || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(IdError::Digits(text.to_owned()));
    }
    Ok(lower)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id of eight digits from four random bytes.
            pub fn from_random(bytes: [u8; 4]) -> Self {
                Self(format!("{}{:08x}", $prefix, u32::from_be_bytes(bytes)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text, $prefix).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A virtual machine.
    InstanceId = "i-";
    /// What one RunInstances made.
    ReservationId = "r-";
    /// A machine image.
    MachineImageId = "emi-";
    /// A kernel image.
    KernelId = "eki-";
    /// A ramdisk image.
    RamdiskId = "eri-";
    /// A key pair.
    KeyPairId = "key-";
    /// The bundling of an instance.
    BundleTaskId = "bun-";
    /// The import of a disk as an image.
    ImportTaskId = "import-ami-";
}

/// What an image is: a disk, a kernel or a ramdisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageKind {
    /// A root file system or disk (`emi-`).
    Machine,
    /// A Linux kernel (`eki-`).
    Kernel,
    /// An initial ramdisk (`eri-`).
    Ramdisk,
}

/// The id of an image of any kind; the prefix tells which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageId(ImageKind, String);

impl ImageId {
    /// Makes an id of the given kind from four random bytes.
    pub fn from_random(kind: ImageKind, bytes: [u8; 4]) -> Self {
        Self(kind, format!("{}{:08x}", prefix_of(kind), u32::from_be_bytes(bytes)))
    }

    /// What kind of image this names.
    pub fn kind(&self) -> ImageKind {
        self.0
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.1
    }
}

fn prefix_of(kind: ImageKind) -> &'static str {
    match kind {
        ImageKind::Machine => MachineImageId::PREFIX,
        ImageKind::Kernel => KernelId::PREFIX,
        ImageKind::Ramdisk => RamdiskId::PREFIX,
    }
}

impl FromStr for ImageId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        for kind in [ImageKind::Kernel, ImageKind::Ramdisk] {
            if text.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(prefix_of(kind))) {
                return parse(text, prefix_of(kind)).map(|id| Self(kind, id));
            }
        }
        parse(text, MachineImageId::PREFIX).map(|id| Self(ImageKind::Machine, id))
    }
}

impl TryFrom<String> for ImageId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ImageId> for String {
    fn from(id: ImageId) -> String {
        id.1
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.1)
    }
}

/// A twelve-digit account number (`EC2_USER_ID`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    /// The account of the cloud itself; its users are the administrators.
    pub fn cloud() -> Self {
        Self("000000000001".to_owned())
    }

    /// Makes an account number from eight random bytes, never a reserved one.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        let span = 900_000_000_000;
        Self(format!("{:012}", 100_000_000_000 + u64::from_be_bytes(bytes) % span))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        // People write account numbers as AWS prints them, 1234-5678-9012.
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(IdError::Digits(text.to_owned()))
        }
    }
}

impl TryFrom<String> for AccountId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> String {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_any_case_and_printed_in_lower_case() {
        let id: ImageId = "EKI-6FB512F5".parse().unwrap();
        assert_eq!(id.to_string(), "eki-6fb512f5");
        assert_eq!(id.kind(), ImageKind::Kernel);
        assert_eq!("I-0123ABCD".parse::<InstanceId>().unwrap().as_str(), "i-0123abcd");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "i-", "i-1234567", "i-123456789", "r-12345678", "i-1234567g", "i-ä234567"]
        {
            assert!(text.parse::<InstanceId>().is_err(), "{text}");
        }
        for text in ["ami-12345678", "emi-", "eki", "日本語"] {
            assert!(text.parse::<ImageId>().is_err(), "{text}");
        }
    }

    #[test]
    fn accounts_have_twelve_digits() {
        assert_eq!("1234-5678-9012".parse::<AccountId>().unwrap().as_str(), "123456789012");
        assert!("12345678901".parse::<AccountId>().is_err());
        assert_eq!(AccountId::from_random([255; 8]).as_str().len(), 12);
    }
}
