//! Instances saved as bundles by the cloud, and the tasks that do it.
//!
//! `bundle-instance` sends a policy that lets the cloud write the bundle into the bucket, signed by
//! the bucket's owner: one that is given, or one made here with the owner's secret key, which is not
//! sent. Who says nothing of an owner is the owner.

use std::time::Duration;

use clap::Args;
use common::ec2::bundle_tasks::{self, BundleTask, S3Storage, Storage};
use common::s3::post_policy::for_bundle;
use common::s3::{BucketName, CannedAcl};
use common::sign::{Credentials as Key, sign_policy_v2};

use super::{Context, Execute, Failure};
use crate::clock;
use crate::config::Settings;
use crate::options::{Columns, Filters, Remote};
use crate::output::Rows;

/// How long a policy lasts at most, in hours: a year.
const LONGEST: f64 = 8784.0;

/// Options of `euca-bundle-instance`.
#[derive(Debug, Args)]
pub(crate) struct BundleInstance {
    /// The instance to save
    #[arg(value_name = "INSTANCE")]
    instance: String,
    /// The bucket to save it to; made if there is none
    #[arg(short, long, value_name = "BUCKET")]
    bucket: String,
    /// What the names of the parts and the manifest begin with
    #[arg(short, long, value_name = "PREFIX")]
    prefix: String,
    /// The access key of the bucket's owner; one's own if absent
    #[arg(short, long, value_name = "KEY_ID", aliases = ["user-access-key", "user-access-key-id"])]
    owner_akid: Option<String>,
    /// The secret key of the bucket's owner, to sign a policy with; it is not sent
    #[arg(short = 'w', long, value_name = "KEY", aliases = ["user-secret-key"])]
    owner_sak: Option<String>,
    /// How many hours the policy that is made here is good
    #[arg(short = 'x', long, value_name = "HOURS", default_value = "24")]
    expires: f64,
    /// A policy, in base64, that lets the cloud write the bundle, instead of one made here
    #[arg(short = 'c', long, value_name = "POLICY", aliases = ["upload-policy"])]
    policy: Option<String>,
    /// The signature of that policy by the secret key of the bucket's owner
    #[arg(short = 's', long, value_name = "SIGNATURE", requires = "policy")]
    policy_signature: Option<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for BundleInstance {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let s3 = self.storage(&Settings::of(&self.remote, cx.environment)?)?;
        let ask =
            bundle_tasks::BundleInstance { instance_id: self.instance, storage: Storage { s3 } };
        let made = cx.ec2(&self.remote)?.send(&ask)?;
        print_task(&mut cx.rows(&self.columns), &made.bundle_instance_task)
    }
}

impl BundleInstance {
    fn storage(&self, settings: &Settings) -> Result<S3Storage, Failure> {
        let usage = |text: &str| Failure::Usage(text.to_owned());
        let given = self.policy.clone().zip(self.policy_signature.clone());
        let own = settings.credentials();
        let (id, secret) = match (&self.owner_akid, &self.owner_sak) {
            (Some(id), Some(secret)) => (id.clone(), Some(secret.clone())),
            (Some(id), None) if given.is_some() => (id.clone(), None),
            // One's own access key may be named without its secret.
            (Some(id), None) => match own {
                Ok(own) if own.access_key_id == *id => (id.clone(), Some(own.secret)),
                _ => {
                    return Err(usage("argument -w/--owner-sak is required to sign the policy"));
                }
            },
            (None, Some(_)) => return Err(usage("argument -o/--owner-akid is required with -w")),
            (None, None) => {
                let own = own?;
                (own.access_key_id, Some(own.secret))
            }
        };
        let sign = |policy: &str| {
            let secret = secret.as_deref().unwrap_or_default();
            sign_policy_v2(Key { access_key_id: &id, secret }, policy)
        };
        let (policy, signature) = match given {
            Some(given) => given,
            None => {
                let policy = match &self.policy {
                    Some(policy) => policy.clone(),
                    None => self.default_policy()?,
                };
                let signature = sign(&policy);
                (policy, signature)
            }
        };
        Ok(S3Storage {
            bucket: Some(self.bucket.clone()),
            prefix: Some(self.prefix.clone()),
            access_key_id: Some(id),
            upload_policy: Some(policy),
            upload_policy_signature: Some(signature),
        })
    }

    fn default_policy(&self) -> Result<String, Failure> {
        let bucket: BucketName = self
            .bucket
            .parse()
            .map_err(|error| Failure::Usage(format!("argument -b/--bucket: {error}")))?;
        if !(self.expires > 0.0 && self.expires <= LONGEST) {
            let text =
                format!("argument -x/--expires: it is more than 0 and at most {LONGEST} hours");
            return Err(Failure::Usage(text));
        }
        let until = clock::now().plus(Duration::from_secs_f64(self.expires * 3600.0));
        Ok(for_bundle(&bucket, &self.prefix, CannedAcl::Ec2BundleRead, until))
    }
}

/// Options of `euca-describe-bundle-tasks`.
#[derive(Debug, Args)]
pub(crate) struct DescribeBundleTasks {
    /// Show these tasks only
    #[arg(value_name = "BUNDLE")]
    tasks: Vec<String>,
    /// Show how each disk was brought to rest, too: flushed, paused, restarted, interrupted or off
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

const FILTERS: &[&str] = &[
    "bundle-id",
    "error-code",
    "error-message",
    "instance-id",
    "progress",
    "s3-bucket",
    "s3-prefix",
    "start-time",
    "state",
    "update-time",
];

impl Execute for DescribeBundleTasks {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let filter = self.filters.named(FILTERS)?;
        let ask = bundle_tasks::DescribeBundleTasks { bundle_id: self.tasks, filter };
        let found = cx.ec2(&self.remote)?.send(&ask)?.bundle_instance_tasks_set.item;
        let mut rows = cx.rows(&self.columns);
        for task in &found {
            print_task(&mut rows, task)?;
            if let Some(word) = task.consistency.as_deref().filter(|_| self.verbose) {
                rows.row(&["CONSISTENCY", task.bundle_id.as_str(), word])?;
            }
        }
        for task in &found {
            if let Some(error) = &task.error {
                let (id, state) = (&task.bundle_id, &task.state);
                cx.warn(&format!("{id} is {state}: {} ({})", error.message, error.code));
            }
        }
        Ok(())
    }
}

/// Options of `euca-cancel-bundle-task`.
#[derive(Debug, Args)]
pub(crate) struct CancelBundleTask {
    /// The task to end
    #[arg(value_name = "BUNDLE")]
    task: String,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for CancelBundleTask {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = bundle_tasks::CancelBundleTask { bundle_id: self.task };
        let told = cx.ec2(&self.remote)?.send(&ask)?;
        print_task(&mut cx.rows(&self.columns), &told.bundle_instance_task)
    }
}

fn print_task(rows: &mut Rows<'_>, task: &BundleTask) -> Result<(), Failure> {
    let s3 = &task.storage.s3;
    Ok(rows.row(&[
        "BUNDLE",
        task.bundle_id.as_str(),
        task.instance_id.as_str(),
        &s3.bucket,
        &s3.prefix,
        &task.start_time.0.iso(),
        &task.update_time.0.iso(),
        &task.state,
        &task.progress,
        &format!("{}/{}.manifest.xml", s3.bucket, s3.prefix),
    ])?)
}
