//! Quotas as an administrator names them: accounts by name. Walrus keeps them and holds everybody
//! to them; here they are only passed on, so that there is one truth.

use clap::{Args, Subcommand};
use common::error::ApiError;
use common::s3::BucketName;
use common::wire::quota::{
    ChangeQuota, DescribeQuotas, Limit, ListQuotas, NamedQuota, QuotaView, Scope, SetQuota, Whose,
};
use common::wire::walrus::Walrus;
use runtime::peer::Peer;

use crate::identity::accounts;
use crate::records::Records;

/// What an administrator on the host can do about quotas.
#[derive(Debug, Subcommand)]
pub enum QuotaCommand {
    /// Limit what an account may keep: a number, 'unlimited', or 'default' (walrus.toml says)
    SetQuota {
        /// The user's name
        account: String,
        /// What both kinds of scopes have
        #[command(flatten)]
        space: Space,
        /// How many buckets
        #[arg(long, value_name = "N")]
        buckets: Option<Limit>,
    },
    /// Limit what a bucket may keep: a number, 'unlimited', or 'default' (walrus.toml says)
    SetBucketQuota {
        /// The bucket's name
        #[arg(value_parser = bucket)]
        bucket: BucketName,
        /// What both kinds of scopes have
        #[command(flatten)]
        space: Space,
    },
    /// List what accounts and buckets use and may: bytes, bytes of open uploads, objects, buckets,
    /// and the limits of bytes, objects and buckets
    DescribeQuotas,
}

fn bucket(text: &str) -> Result<BucketName, String> {
    text.parse().map_err(|error: ApiError| error.text().to_owned())
}

/// Limits that accounts and buckets both have.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub struct Space {
    /// How many bytes, those of open multipart uploads included
    #[arg(long, value_name = "N")]
    bytes: Option<Limit>,
    /// How many objects
    #[arg(long, value_name = "N")]
    objects: Option<Limit>,
}

/// What a command asks of the clc.
#[derive(Debug)]
pub enum Asked {
    /// A change.
    Change(ChangeQuota),
    /// All quotas, page by page.
    List,
}

impl QuotaCommand {
    /// What it asks.
    pub fn asked(self) -> Asked {
        let (whose, Space { bytes, objects }, buckets) = match self {
            Self::DescribeQuotas => return Asked::List,
            Self::SetQuota { account, space, buckets } => (Whose::Account(account), space, buckets),
            Self::SetBucketQuota { bucket, space } => (Whose::Bucket(bucket), space, None),
        };
        Asked::Change(ChangeQuota { whose, bytes, objects, buckets })
    }
}

/// One line of a listing.
pub fn line(named: &NamedQuota) -> String {
    let QuotaView { scope, used, holds, .. } = &named.quota;
    let kind = match scope {
        Scope::Account(_) => "account",
        Scope::Bucket(_) => "bucket",
    };
    format!(
        "QUOTA\t{kind}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
        named.name,
        used.bytes,
        used.uploading,
        used.objects,
        used.buckets,
        holds.bytes,
        holds.objects,
        holds.buckets
    )
}

/// Changes limits.
///
/// # Errors
/// An account or bucket that does not exist; a walrus that is away.
pub async fn change(
    records: &Records,
    walrus: &Peer<Walrus>,
    ask: ChangeQuota,
) -> Result<NamedQuota, ApiError> {
    let ChangeQuota { whose, bytes, objects, buckets } = ask;
    let (scope, name) = match whose {
        Whose::Bucket(bucket) => (Scope::Bucket(bucket.clone()), bucket.to_string()),
        Whose::Account(alias) => {
            let account = records.work(move |records| accounts::find(records, &alias)).await?;
            (Scope::Account(account.number), account.alias)
        }
    };
    let quota = walrus.call(SetQuota { scope, bytes, objects, buckets }).await?;
    Ok(NamedQuota { name, quota })
}

/// Lists a page of all quotas.
///
/// # Errors
/// A walrus that is away.
pub async fn list(
    records: &Records,
    walrus: &Peer<Walrus>,
    ask: ListQuotas,
) -> Result<Vec<NamedQuota>, ApiError> {
    let page = walrus.call(DescribeQuotas { after: ask.after }).await?;
    let named = move |records: &Records| {
        let mut named = Vec::new();
        for quota in page {
            let name = match &quota.scope {
                Scope::Bucket(bucket) => bucket.to_string(),
                Scope::Account(number) => {
                    let account = records.accounts.get(number.as_str())?;
                    account.map_or_else(|| number.to_string(), |account| account.record.alias)
                }
            };
            named.push(NamedQuota { name, quota });
        }
        Ok::<_, ApiError>(named)
    };
    records.work(named).await
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use common::wire::quota::{Limits, Used};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(subcommand)]
        command: QuotaCommand,
    }

    fn parse(text: &str) -> Option<Asked> {
        let words = ["clc"].into_iter().chain(text.split(' '));
        Program::try_parse_from(words).ok().map(|program| program.command.asked())
    }

    #[test]
    fn commands_are_read() {
        let asked = parse("set-quota taro --bytes 10 --objects unlimited --buckets default");
        let Some(Asked::Change(change)) = asked else { panic!("{asked:?}") };
        assert_eq!(change.whose, Whose::Account("taro".into()));
        assert_eq!(change.bytes, Some(Limit::AtMost(10)));
        assert_eq!(
            (change.objects, change.buckets),
            (Some(Limit::Unlimited), Some(Limit::Default))
        );
        let asked = parse("set-bucket-quota buck --bytes 10");
        let Some(Asked::Change(change)) = asked else { panic!("{asked:?}") };
        assert_eq!(change.whose, Whose::Bucket("buck".parse().unwrap()));
        assert_eq!((change.objects, change.buckets), (None, None));
        assert!(matches!(parse("describe-quotas"), Some(Asked::List)));
        for bad in ["set-quota", "set-quota taro --bytes many", "set-bucket-quota buck --buckets 1"]
        {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn lines_tell_use_and_limits() {
        let quota = QuotaView {
            scope: Scope::Bucket("buck".parse().unwrap()),
            used: Used { bytes: 1, uploading: 2, objects: 3, buckets: 1 },
            set: Limits::default(),
            holds: Limits {
                bytes: Limit::AtMost(4),
                objects: Limit::Unlimited,
                buckets: Limit::Unlimited,
            },
        };
        let text = line(&NamedQuota { name: "buck".into(), quota });
        assert_eq!(text, "QUOTA\tbucket\tbuck\t1\t2\t3\t1\t4\tunlimited\tunlimited");
    }
}
