//! Disks that lie in S3 as they are, made into images, and the tasks that do it.

use serde::{Deserialize, Serialize};

use super::subjects;
use super::tags::TagSpecification;
use super::types::{Filter, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::ImportTaskId;

/// Makes an image of a disk that lies in S3. Answered when the task is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportImage {
    /// `i386` or `x86_64`; the latter if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// The image's description, at most 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The disk: exactly one.
    #[serde(default)]
    pub disk_container: Vec<DiskContainer>,
    /// The same token makes one task, however often it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// The image's name; the task's id if absent. Ours: EC2 has it not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The kernel it boots, if it does not boot by itself. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_id: Option<String>,
    /// The ramdisk it boots. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramdisk_id: Option<String>,
    /// Whether the disk is removed from its bucket when the image is there. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_source: Option<bool>,
    /// `Linux`, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// `legacy-bios`, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_mode: Option<String>,
    /// False, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// Cannot be heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypervisor: Option<String>,
    /// Cannot be heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Cannot be heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_type: Option<String>,
    /// Cannot be heeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub license_specifications: Vec<LicenseSpecification>,
    /// Cannot be heeded: the disk is read with the caller's own rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<String>,
    /// Cannot be heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_operation: Option<String>,
    /// Cannot be heeded: the image can be tagged when it is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_specification: Vec<TagSpecification>,
}

/// A licence; there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LicenseSpecification {
    /// Its configuration.
    #[serde(default)]
    pub license_configuration_arn: Option<String>,
}

/// A disk to be imported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskContainer {
    /// A sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The root device of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// `raw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Cannot be heeded: there are no snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// `s3://BUCKET/KEY`, another way to say where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_bucket: Option<UserBucket>,
}

/// Where a disk lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBucket {
    /// Its bucket.
    #[serde(rename = "S3Bucket", default)]
    pub bucket: Option<String>,
    /// Its key.
    #[serde(rename = "S3Key", default)]
    pub key: Option<String>,
}

impl DiskContainer {
    /// `BUCKET/KEY`, as it is named.
    pub fn location(&self) -> Option<String> {
        if let Some(UserBucket { bucket: Some(bucket), key: Some(key) }) = &self.user_bucket {
            return Some(format!("{bucket}/{key}"));
        }
        self.url.as_deref()?.strip_prefix("s3://").map(str::to_owned)
    }
}

/// An import: what ImportImage answers, and each that DescribeImportImageTasks tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportImageTask {
    /// `x86_64`, `i386`.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub architecture: Option<String>,
    /// The image's description.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub description: Option<String>,
    /// Always false.
    #[serde(default)]
    pub encrypted: bool,
    /// The image, once it is registered.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub image_id: Option<String>,
    /// Which task.
    #[serde(default)]
    pub import_task_id: String,
    /// `Linux`.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub platform: Option<String>,
    /// How much is done, in percent; not told when it has ended.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub progress: Option<String>,
    /// The disk.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub snapshot_detail_set: Set<SnapshotDetail>,
    /// `active`, `completed`, `deleting` or `deleted`. One that failed is `deleted`, too, and says
    /// why.
    #[serde(default)]
    pub status: String,
    /// What is being done, or why it ended.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub status_message: Option<String>,
}

/// A disk of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotDetail {
    /// A sentence about it.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub description: Option<String>,
    /// The root device of the image.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub device_name: Option<String>,
    /// Its bytes.
    #[serde(default)]
    pub disk_image_size: u64,
    /// `RAW`.
    #[serde(default)]
    pub format: String,
    /// How much of it is bundled, in percent.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub progress: Option<String>,
    /// As the task's.
    #[serde(default)]
    pub status: String,
    /// Where it lies.
    #[serde(default)]
    pub user_bucket: UserBucketView,
}

/// Where a disk lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserBucketView {
    /// Its bucket.
    #[serde(default)]
    pub s3_bucket: String,
    /// Its key.
    #[serde(default)]
    pub s3_key: String,
}

/// Lists imports, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImportImageTasks {
    /// Only these; an unknown one is an error.
    #[serde(default)]
    pub import_task_id: Vec<String>,
    /// Only those that match: by `task-state`. EC2 calls it `Filters` here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    /// The same, as it is called elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<Filter>,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeImportImageTasks answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportImageTasks {
    /// The tasks.
    pub import_image_task_set: Set<ImportImageTask>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

/// Ends an import before its time. Nothing is left of what it has stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CancelImportTask {
    /// Which.
    #[serde(default)]
    pub import_task_id: Option<String>,
    /// Why; it is told as the task's status message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
}

/// What CancelImportTask answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanceledImport {
    /// Which.
    pub import_task_id: ImportTaskId,
    /// Its state before: `active`.
    pub previous_state: String,
    /// Its state now: `deleting`.
    pub state: String,
}

actions! {
    ImportImage => ImportImageTask, Write, |it| {
        let tags = TagSpecification::said(&[]);
        let mut subject = subjects::new_image(tags);
        // A disk is read, and removed, with nobody's rights but the caller's.
        for location in it.disk_container.iter().filter_map(DiskContainer::location) {
            subject = subject.also("s3:GetObject", subjects::object(&location));
            if it.delete_source == Some(true) {
                subject = subject.also("s3:DeleteObject", subjects::object(&location));
            }
        }
        subject
    };
    DescribeImportImageTasks => ImportImageTasks, Read;
    CancelImportTask => CanceledImport, Write;
}
