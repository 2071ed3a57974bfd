//! Importing a disk that lies in S3 as it is: looked at, bundled where it lies, and cleared away.
//!
//! ```text
//!   clc ──CheckDisk────▶ walrus      may it be read, and could an image be made of it?
//!   clc ──OpenBundle───▶ walrus      the bucket for the bundle (bundling.rs)
//!   clc ──ImportDisk───▶ walrus      bundle it; how far that is; said again and again
//!   clc ──DescribeImports▶ walrus    how far all are
//!   clc ──StopImport───▶ walrus      no more of it, whatever was begun
//!   clc ──DropBundle───▶ walrus      what it stored goes again (bundling.rs)
//!   clc ──DropDisk─────▶ walrus      the disk itself, which is not needed any more
//! ```
//!
//! Walrus remembers nothing of an import but what it has stored: after a restart it begins anew when
//! it is asked again, and a bundle that is whole is found to be so. All of these may be said twice.

use serde::{Deserialize, Serialize};

use super::bundling::BundlePlace;
use super::walrus::{Layout, Walrus};
use crate::id::{AccountId, BundleTaskId, ImageId};
use crate::messages;
use crate::s3::{BucketName, CannedAcl, Owner};

/// A disk in S3, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskRef {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: String,
    /// What tells it from another that comes under the same key: its ETag, hex.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
}

/// Look whether an image can be made of an object: readable by that account, a disk as it is, of a
/// size that can be run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckDisk {
    /// Its bucket, as it was named.
    pub bucket: String,
    /// Its key, as it was named.
    pub key: String,
    /// Who wants to read it.
    pub account: AccountId,
    /// Whether that is an administrator of the cloud.
    pub administrator: bool,
}

/// What was found of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedDisk {
    /// Which bytes were looked at.
    pub disk: DiskRef,
    /// Whether it is a whole disk or a bare file system.
    pub layout: Layout,
}

/// Bundle a disk into a bucket. Begins the work if nobody has; answers where it stands as soon as it
/// has ended, or after `wait_ms`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportDisk {
    /// The task with which all that is stored is marked.
    pub task: BundleTaskId,
    /// The disk.
    pub disk: DiskRef,
    /// The account that the manifest is made for.
    pub account: AccountId,
    /// Whose objects parts and manifest become.
    pub owner: Owner,
    /// Where they go.
    pub place: BundlePlace,
    /// Who may read them.
    pub acl: CannedAcl,
    /// `x86_64`, `i386`.
    pub architecture: String,
    /// The kernel it boots with.
    pub kernel: Option<ImageId>,
    /// The ramdisk it boots with.
    pub ramdisk: Option<ImageId>,
    /// The root device, if another than the usual one.
    pub root_device: Option<String>,
    /// The cloud's certificate, PEM, for which the image key is sealed.
    pub cloud_certificate: String,
    /// The owner's newest certificate, PEM.
    pub user_certificate: Option<String>,
    /// How long to wait for the end of the work, in milliseconds; at most half a minute.
    pub wait_ms: u64,
}

/// Where an import stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportState {
    /// Others come first.
    Waiting,
    /// It is being bundled.
    Bundling {
        /// Bytes of the disk that are done.
        done: u64,
    },
    /// Parts and manifest are stored.
    Complete,
    /// It could not be done.
    Failed {
        /// A code of ours.
        code: String,
        /// A sentence.
        reason: String,
        /// Whether another try may help.
        retryable: bool,
    },
}

/// Tell how far all imports are that are worked on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeImports {}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportView {
    /// Which.
    pub task: BundleTaskId,
    /// Where it stands.
    pub state: ImportState,
}

/// Stop working on an import and forget how it ended. What it has stored stays until it is dropped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StopImport {
    /// Which.
    pub task: BundleTaskId,
}

/// Remove a disk, if it still is the one that was looked at and its owner may remove it. Nothing
/// being there is fine, and so is another that came since: that stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DropDisk {
    /// Which.
    pub disk: DiskRef,
    /// In whose name.
    pub owner: Owner,
}

messages! {
    Walrus:
    CheckDisk => CheckedDisk, true;
    ImportDisk => ImportState, true;
    DescribeImports => Vec<ImportView>, true;
    StopImport => (), true;
    DropDisk => (), true;
}
