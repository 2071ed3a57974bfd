//! Instances saved as bundles in S3, and the tasks that do it.

use serde::{Deserialize, Serialize};

use super::subjects;
use super::types::{Filter, IsoTime, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::{BundleTaskId, InstanceId};

/// Saves an instance's disk as a bundle. Answered when the task is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BundleInstance {
    /// Which.
    pub instance_id: String,
    /// Where the bundle goes.
    #[serde(default)]
    pub storage: Storage,
}

/// Where a bundle goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// In S3: there is no other place.
    #[serde(rename = "S3", default)]
    pub s3: S3Storage,
}

/// A place in S3, and leave to write there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Storage {
    /// The bucket; made if there is none.
    #[serde(default)]
    pub bucket: Option<String>,
    /// What the names of parts and manifest begin with.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Whose bucket it is; the caller's if absent.
    #[serde(rename = "AWSAccessKeyId", default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// What that key's owner allows: a policy in base64. Needed for another account's bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_policy: Option<String>,
    /// The policy's signature by the secret of that key: HMAC-SHA1, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_policy_signature: Option<String>,
}

/// What BundleInstance and CancelBundleTask answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleTaskAnswer {
    /// The task.
    pub bundle_instance_task: BundleTask,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleTask {
    /// Whose disk.
    pub instance_id: InstanceId,
    /// Which.
    pub bundle_id: BundleTaskId,
    /// `pending`, `waiting-for-shutdown`, `bundling`, `storing`, `cancelling`, `complete` or
    /// `failed`.
    pub state: String,
    /// When it was asked for.
    pub start_time: IsoTime,
    /// When it was seen to get on last.
    pub update_time: IsoTime,
    /// How much is done of what its state says, `42%`.
    pub progress: String,
    /// Where the bundle goes.
    pub storage: StorageView,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<BundleError>,
    /// How the disk was brought to rest before it was copied: `flushed` by the guest's agent,
    /// `paused`, `restarted`, `interrupted`, or `off`. EC2 has no such word; absent before it was copied.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub consistency: Option<String>,
}

/// Where a bundle goes, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageView {
    /// In S3.
    #[serde(rename = "S3")]
    pub s3: S3View,
}

/// A place in S3, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct S3View {
    /// The bucket.
    pub bucket: String,
    /// What the names of parts and manifest begin with.
    pub prefix: String,
}

/// Why a task failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleError {
    /// `Client.Cancelled`, `Client.QuotaExceeded`, `Server.InternalError`…
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Lists tasks: those that run, and those that ended lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeBundleTasks {
    /// Only these; an unknown one is an error.
    #[serde(default)]
    pub bundle_id: Vec<String>,
    /// Only those that match.
    #[serde(default)]
    pub filter: Vec<Filter>,
}

/// What DescribeBundleTasks answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleTasks {
    /// The tasks, oldest first.
    pub bundle_instance_tasks_set: Set<BundleTask>,
}

/// Ends a task before its time; what it stored is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CancelBundleTask {
    /// Which.
    pub bundle_id: String,
}

actions! {
    BundleInstance => BundleTaskAnswer, Write, |it| {
        let subject = subjects::instance(&it.instance_id);
        let S3Storage { bucket, prefix, upload_policy, .. } = &it.storage.s3;
        match (bucket, prefix, upload_policy) {
            // Nothing is put where its owner could not put it himself; where it is another's
            // bucket, that one's policy says so.
            (Some(bucket), Some(prefix), None) => {
                let manifest = format!("{bucket}/{prefix}.manifest.xml");
                subject.also("s3:PutObject", subjects::object(&manifest))
            }
            _ => subject,
        }
    };
    DescribeBundleTasks => BundleTasks, Read;
    CancelBundleTask => BundleTaskAnswer, Write;
}
