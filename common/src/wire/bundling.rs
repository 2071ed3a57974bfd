//! Saving an instance as a bundle: what is wished, where it goes, how it stands.
//!
//! ```text
//!   clc ──OpenBundle──▶ walrus      may it lie there? leave to store it, as a ticket
//!   clc ──StartBundle─▶ node        the wish and the ticket
//!             node ──PUT parts, manifest──▶ walrus     by the ticket, on the internal listener
//!   clc ◀──Report────── node        how each task stands
//!   clc ──ForgetBundle▶ node        once its end is on record
//!   clc ──DropBundle──▶ walrus      what a task stored that did not end well
//! ```
//!
//! The manifest is signed by walrus, which alone keeps the private half of the cloud's
//! certificate; the node hands it over unsigned. The image key is made by the node, for the cloud
//! and for the owner. All of these messages may be said twice.

use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorCode};
use crate::id::{AccountId, BundleTaskId, ImageId, InstanceId};
use crate::s3::{BucketName, CannedAcl, ObjectKey, Owner};
use crate::time::Timestamp;

/// The longest name of an image in a bundle, in bytes: the names of its parts are made of it.
const LONGEST_NAME: usize = 240;

/// Where a bundle lies: its bucket, and what the keys of its parts and its manifest begin with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BundlePlace {
    /// The bucket.
    pub bucket: BucketName,
    /// `NAME`, or `FOLDER/NAME`; [`BundlePlace::new`] made sure that it can be one.
    pub prefix: String,
}

impl BundlePlace {
    /// A place.
    ///
    /// # Errors
    /// `InvalidParameterValue`, naming Storage.S3.Prefix, if no bundle can have such a prefix.
    pub fn new(bucket: BucketName, prefix: &str) -> Result<Self, ApiError> {
        let bad = |why: &str| {
            let text = format!("Invalid value for Storage.S3.Prefix: '{prefix}' {why}");
            Err(ApiError::new(ErrorCode::InvalidParameterValue, text))
        };
        let place = Self { bucket, prefix: prefix.to_owned() };
        let name = place.name();
        if name.is_empty() || name == "." || name == ".." {
            return bad("does not end in a name");
        }
        if name.len() > LONGEST_NAME {
            return bad("ends in a name of more than 240 bytes");
        }
        if prefix.chars().any(|c| c.is_control() || c == '\\') {
            return bad("holds a character that no name of a file may hold");
        }
        if prefix.starts_with('/') || place.manifest().parse::<ObjectKey>().is_err() {
            return bad("is not the beginning of an object's key");
        }
        Ok(place)
    }

    /// The image's own name: the prefix without its folder.
    pub fn name(&self) -> &str {
        self.prefix.rsplit('/').next().unwrap_or_default()
    }

    /// The key of a part.
    pub fn part(&self, index: usize) -> String {
        format!("{}.part.{index}", self.prefix)
    }

    /// The key of the manifest.
    pub fn manifest(&self) -> String {
        format!("{}.manifest.xml", self.prefix)
    }

    /// `BUCKET/KEY` of the manifest.
    pub fn location(&self) -> String {
        format!("{}/{}", self.bucket.as_str(), self.manifest())
    }
}

/// May this bundle be stored there? Checks the owner's bucket and makes it if there is none, and
/// gives leave to store into it in the owner's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OpenBundle {
    /// The task; what is stored by the ticket is marked with it.
    pub task: BundleTaskId,
    /// The account that the manifest is made for, and signed for by walrus: its `<user>`.
    pub account: AccountId,
    /// Whose objects they become, and on whose quota they count.
    pub owner: Owner,
    /// Where.
    pub place: BundlePlace,
    /// Who may read them.
    pub acl: CannedAcl,
    /// Only look: a bucket that is not there is not made, and is no error if it could be made.
    /// The ticket is not good for anything then: it has expired.
    pub rehearsal: bool,
}

/// Leave to store the bundle of one task, until it expires. Whoever has the URL may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleTicket {
    /// On walrus' internal listener, signature included.
    pub url: String,
    /// Until when the URL is good. A running task is given another one in time.
    pub expires: Timestamp,
}

/// Remove what a task stored at a place, parts and manifest; what others stored under the same
/// keys stays. Nothing being there is fine. It revokes the task's tickets, and what is on its way
/// by one is refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DropBundle {
    /// Which task's.
    pub task: BundleTaskId,
    /// Where.
    pub place: BundlePlace,
}

/// Save this instance's disk as a bundle. Answered when the wish is on the node's disk. A second
/// one for a task that is under way brings another ticket; for one that has ended it changes
/// nothing, nor does it for one that was cancelled before it was heard of.
/// `InvalidInstanceID.NotFound` if the instance is unknown; `BundlingInProgress` if another task
/// saves it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartBundle {
    /// The wish.
    pub bundle: BundleSpec,
    /// Leave to store it.
    pub ticket: BundleTicket,
}

/// The wish for one bundle: what cannot be seen on the disk itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleSpec {
    /// Which task.
    pub task: BundleTaskId,
    /// Whose disk.
    pub instance: InstanceId,
    /// How its disk is brought to rest.
    pub quiesce: Quiesce,
    /// The account that the manifest is made for.
    pub account: AccountId,
    /// Where it goes.
    pub place: BundlePlace,
    /// `x86_64`, `i386`…
    pub architecture: String,
    /// The kernel it boots with.
    pub kernel: Option<ImageId>,
    /// The ramdisk it boots with.
    pub ramdisk: Option<ImageId>,
    /// Virtual names and devices.
    pub mappings: Vec<(String, String)>,
    /// Product codes.
    pub product_codes: Vec<String>,
    /// Ids of the images it comes from, nearest last.
    pub ancestry: Vec<String>,
    /// The cloud's certificate, PEM, for which the image key is sealed.
    pub cloud_certificate: String,
    /// The owner's newest certificate, PEM, for which the image key is sealed too; without one
    /// nobody but the cloud can open the bundle.
    pub user_certificate: Option<String>,
}

/// How a disk is brought to rest before it is copied. A machine that is off is just copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quiesce {
    /// The machine runs on: its guest agent flushes and holds its file systems for the moment of
    /// the copy; without one it is paused for that moment.
    Live,
    /// Its guest is asked to shut down, as for a reboot, the copy is taken while it is off, and it
    /// is started again. It counts as running all the while.
    Restart,
}

/// End this task and keep nothing of it on the node. Answered when that is on the node's disk; the
/// report says when it is so. A task that is unknown is noted as cancelled, so that a
/// [`StartBundle`] that comes late does nothing; one that has ended stays as it ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelBundle {
    /// Which.
    pub task: BundleTaskId,
}

/// The end of this task is on record: it need not be reported any more. An unknown one, or one
/// that has not ended, is left as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetBundle {
    /// Which.
    pub task: BundleTaskId,
}

/// What a node sees of one task, from [`StartBundle`] or [`CancelBundle`] to [`ForgetBundle`], over
/// its own restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleView {
    /// Which.
    pub task: BundleTaskId,
    /// How it stands.
    pub state: BundleState,
    /// Since when.
    pub since: Timestamp,
    /// How the disk was brought to rest, once it was.
    #[serde(default)]
    pub rest: Option<Rest>,
}

/// How a bundle task stands on its node. Percentages are 0 to 100 and never fall within a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BundleState {
    /// It waits for its turn, or for its guest to shut down.
    Waiting,
    /// The disk is at rest, copied, or being packed.
    Bundling {
        /// How much of it is done.
        percent: u8,
    },
    /// What was packed is on its way to walrus. A node that does both at once says so when nothing
    /// is left to be packed.
    Storing {
        /// How much of it is done.
        percent: u8,
    },
    /// Parts and manifest are stored, and the manifest is signed.
    Complete,
    /// It was cancelled, and nothing is left of it on the node.
    Cancelled,
    /// It could not be done, and nothing is left of it on the node.
    Failed {
        /// EC2's or S3's code: `QuotaExceeded`, `InternalError`…
        code: String,
        /// A sentence.
        reason: String,
    },
}

impl BundleState {
    /// Whether nothing more happens.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Waiting | Self::Bundling { .. } | Self::Storing { .. } => false,
            Self::Complete | Self::Cancelled | Self::Failed { .. } => true,
        }
    }
}

/// How a disk was brought to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// The guest's agent flushed and held its file systems.
    Flushed,
    /// The machine was paused: its disk is as after a loss of power.
    Paused,
    /// The guest was shut down for it, and the machine started again.
    Restarted,
    /// The guest was to shut down for it, and did not in time, or was lost on the way: it was
    /// switched off, its disk is as after a loss of power, and the machine was started again.
    Interrupted,
    /// The machine was off.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let bucket: BucketName = "buck".parse().unwrap();
        for (prefix, name) in [("img", "img"), ("a/b/img", "img"), ("日本", "日本")] {
            let place = BundlePlace::new(bucket.clone(), prefix).unwrap();
            assert_eq!(place.name(), name);
            assert_eq!(place.part(7), format!("{prefix}.part.7"));
            assert_eq!(place.location(), format!("buck/{prefix}.manifest.xml"));
        }
        let long = "x".repeat(241);
        let deep = format!("{}img", "folder/".repeat(200));
        for prefix in ["", "a/", "/a", "..", "a/..", "a\\b", "a\nb", &long, &deep] {
            let error = BundlePlace::new(bucket.clone(), prefix).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameterValue, "{prefix}");
            assert!(error.text().contains("Storage.S3.Prefix"), "{}", error.text());
        }
    }
}
