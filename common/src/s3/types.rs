//! The words of S3: names of buckets, keys of objects, canned access control lists, owners.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorCode};
use crate::id::AccountId;

/// The longest key of an object, in bytes of UTF-8.
pub const MAX_KEY: usize = 1024;

/// The most parts of an upload; also the greatest number a part may have.
pub const MAX_PARTS: u32 = 10_000;

/// The name of a bucket: 3 to 255 ASCII letters, digits, `.`, `-` and `_`, beginning with a letter
/// or digit, no IPv4 address, and not `services`. Wider than DNS allows, because the clients of
/// 2.0 made such buckets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

impl BucketName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = ApiError;
    fn from_str(text: &str) -> Result<Self, ApiError> {
        let refuse = |why: &str| {
            let text = format!("The specified bucket is not valid: '{text}' {why}");
            Err(ApiError::new(ErrorCode::InvalidBucketName, text))
        };
        if !(3..=255).contains(&text.len()) {
            return refuse("does not have 3 to 255 characters");
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)) {
            return refuse("holds other characters than letters, digits, '.', '-' and '_'");
        }
        if !text.as_bytes()[0].is_ascii_alphanumeric() {
            return refuse("does not begin with a letter or digit");
        }
        if text.parse::<Ipv4Addr>().is_ok() {
            return refuse("is an address");
        }
        if text.eq_ignore_ascii_case("services") {
            return refuse("is reserved");
        }
        Ok(Self(text.to_owned()))
    }
}

/// The key of an object: 1 to 1024 bytes of UTF-8, kept exactly as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectKey {
    type Err = ApiError;
    fn from_str(text: &str) -> Result<Self, ApiError> {
        if text.is_empty() {
            return Err(ApiError::new(ErrorCode::InvalidUri, "An object's key is not empty"));
        }
        if text.len() > MAX_KEY {
            let text = format!("Your key is too long: {} of {MAX_KEY} bytes", text.len());
            return Err(ApiError::new(ErrorCode::KeyTooLong, text));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Reads the number of a part.
///
/// # Errors
/// `InvalidArgument` unless it is one from 1 to [`MAX_PARTS`].
pub fn part_number(text: &str) -> Result<u32, ApiError> {
    let number = text.parse().ok().filter(|number| (1..=MAX_PARTS).contains(number));
    number.ok_or_else(|| {
        let text = format!("Part number must be an integer between 1 and {MAX_PARTS}, inclusive");
        ApiError::new(ErrorCode::InvalidArgument, text)
    })
}

macro_rules! texts {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = ApiError;
            fn try_from(text: String) -> Result<Self, ApiError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

texts!(BucketName, ObjectKey);

/// The access control lists that are known by name.
///
/// | list | everybody | the cloud, for running and bundling |
/// |---|---|---|
/// | private | – | – |
/// | public-read | may read | may read |
/// | aws-exec-read | – | may read |
/// | ec2-bundle-read | – | may read |
///
/// The owner may do everything under each of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CannedAcl {
    /// Nobody but the owner.
    #[default]
    Private,
    /// Everybody may read: list the bucket, get the object.
    PublicRead,
    /// The cloud may read, to run the image.
    AwsExecRead,
    /// The cloud may read, to bundle an instance.
    Ec2BundleRead,
}

impl CannedAcl {
    /// The name in `x-amz-acl`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::PublicRead => "public-read",
            Self::AwsExecRead => "aws-exec-read",
            Self::Ec2BundleRead => "ec2-bundle-read",
        }
    }

    /// Whether everybody may read, also without credentials.
    pub fn everybody_reads(self) -> bool {
        self == Self::PublicRead
    }
}

impl FromStr for CannedAcl {
    type Err = ApiError;
    fn from_str(text: &str) -> Result<Self, ApiError> {
        let known = [Self::Private, Self::PublicRead, Self::AwsExecRead, Self::Ec2BundleRead];
        if let Some(acl) = known.into_iter().find(|acl| acl.as_str() == text) {
            return Ok(acl);
        }
        let real = [
            "public-read-write",
            "authenticated-read",
            "bucket-owner-read",
            "bucket-owner-full-control",
            "log-delivery-write",
        ];
        Err(if real.contains(&text) {
            ApiError::new(
                ErrorCode::NotImplemented,
                format!("The canned access control list '{text}' is not offered here"),
            )
        } else {
            ApiError::new(
                ErrorCode::InvalidArgument,
                format!("x-amz-acl: there is no canned access control list '{text}'"),
            )
        })
    }
}

/// Whom a bucket or object belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The account.
    pub account: AccountId,
    /// The account's name.
    pub alias: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets() {
        for good in ["abc", "1-2", "my.Bucket_1", "1.2.3.4.5", &"b".repeat(255), "service"] {
            assert!(good.parse::<BucketName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "-ab",
            ".ab",
            "_ab",
            "a b",
            "a/b",
            "日本語",
            "192.168.0.1",
            "services",
            "Services",
            "a%b",
            "a\0b",
            &"b".repeat(256),
        ] {
            let error = bad.parse::<BucketName>().unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidBucketName, "{bad}");
        }
    }

    #[test]
    fn keys_of_objects() {
        assert!("k".repeat(1024).parse::<ObjectKey>().is_ok());
        let long = "日".repeat(342).parse::<ObjectKey>().unwrap_err();
        assert_eq!(long.code(), ErrorCode::KeyTooLong);
        assert_eq!("".parse::<ObjectKey>().unwrap_err().code(), ErrorCode::InvalidUri);
        assert_eq!("../a//./b".parse::<ObjectKey>().unwrap().as_str(), "../a//./b");
    }

    #[test]
    fn numbers_of_parts() {
        for (text, number) in [("1", Some(1)), ("10000", Some(10_000)), ("007", Some(7))] {
            assert_eq!(part_number(text).ok(), number);
        }
        for bad in ["", "0", "-1", "10001", "1.0", "x", "99999999999999999999"] {
            assert_eq!(part_number(bad).unwrap_err().code(), ErrorCode::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn access_control_lists() {
        for name in ["private", "public-read", "aws-exec-read", "ec2-bundle-read"] {
            assert_eq!(name.parse::<CannedAcl>().unwrap().as_str(), name);
        }
        let code = |text: &str| text.parse::<CannedAcl>().unwrap_err().code();
        assert_eq!(code("public-read-write"), ErrorCode::NotImplemented);
        assert_eq!(code("nonsense"), ErrorCode::InvalidArgument);
    }
}
