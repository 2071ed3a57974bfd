//! Amazon resource names: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The partition of all names that this cloud makes.
pub const PARTITION: &str = "aws";

/// A text that is no ARN.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' is no ARN: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE")]
pub struct ArnError(String);

/// A name in its six parts; the resource may hold further colons.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`.
    pub partition: String,
    /// `iam`, `s3`…
    pub service: String,
    /// Empty where names are the same everywhere.
    pub region: String,
    /// Twelve digits, `aws`, or empty.
    pub account: String,
    /// What it names: `user/division/taro`.
    pub resource: String,
}

impl Arn {
    /// A name of IAM's in an account: `Arn::iam("123456789012", "user/taro")`.
    pub fn iam(account: &str, resource: impl Into<String>) -> Self {
        Self {
            partition: PARTITION.to_owned(),
            service: "iam".to_owned(),
            region: String::new(),
            account: account.to_owned(),
            resource: resource.into(),
        }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(out, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let refused = || ArnError(text.to_owned());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned).ok_or_else(refused);
        if next()? != "arn" {
            return Err(refused());
        }
        let (partition, service, region, account) = (next()?, next()?, next()?, next()?);
        let resource = next()?;
        if partition.is_empty() || service.is_empty() || resource.is_empty() {
            return Err(refused());
        }
        Ok(Self { partition, service, region, account, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for text in
            ["arn:aws:iam::123456789012:user/a/b", "arn:aws:s3:::b/k:v", "arn:aws:ec2:r::image/x"]
        {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
        for text in
            ["", "arn", "arn:aws:iam::1", "urn:aws:iam::1:x", "arn::iam::1:x", "arn:aws:iam::1:"]
        {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }
}
