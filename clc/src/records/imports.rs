//! Disks being imported as images: one task for each ImportImage.
//!
//! ```text
//!   pending ──▶ converting ──▶ preparing ──▶ completed ──▶ (no record, a day later)
//!      │            │              │
//!      └────────────┴──────┬───────┘  its end is wished, its image is gone, or it cannot be done
//!                          ▼
//!              failed, cancelled ──what it stored is dropped──▶ (no record, a day later)
//! ```
//!
//! Its image is on record from the beginning, pending; it goes with a task that does not end well.

use common::id::{AccountId, BundleTaskId, ImageId, ImportTaskId};
use common::s3::Owner;
use common::time::Timestamp;
use common::wire::bundling::BundlePlace;
use common::wire::importing::DiskRef;
use serde::{Deserialize, Serialize};

use super::record::record;

/// A disk being imported, or what became of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportTask {
    /// Its id.
    pub id: ImportTaskId,
    /// Whose it is; the manifest is made for them.
    pub account: AccountId,
    /// Whose objects parts and manifest become.
    pub owner: Owner,
    /// With what walrus marks all that it stores for it.
    pub task: BundleTaskId,
    /// The disk.
    pub disk: DiskRef,
    /// What was said of the disk.
    pub note: Option<String>,
    /// Where the bundle goes.
    pub place: BundlePlace,
    /// The image that it becomes.
    pub image: ImageId,
    /// `x86_64`, `i386`.
    pub architecture: String,
    /// The image's description.
    pub description: Option<String>,
    /// The kernel it boots.
    pub kernel: Option<ImageId>,
    /// The ramdisk it boots.
    pub ramdisk: Option<ImageId>,
    /// Its root device, if one was named.
    pub root_device: Option<String>,
    /// The token that the request bore, and the SHA-256 of the request, hex.
    pub token: Option<(String, String)>,
    /// Where it stands.
    pub stage: ImportStage,
    /// Why it shall end before its time.
    pub end: Option<String>,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
    /// Walrus may have stored something that nobody needs.
    pub leftovers: bool,
    /// The disk is to be removed when all is done.
    pub disk_goes: bool,
    /// When it was asked for.
    pub started: Timestamp,
    /// When it was last seen to get on.
    pub updated: Timestamp,
}

record!(ImportTask, "import-task", |it| it.id.to_string());

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportStage {
    /// Walrus has not been asked.
    Pending,
    /// The disk is bundled.
    Converting,
    /// The bundle is stored; the image is being checked and unpacked.
    Preparing,
    /// The image is there.
    Completed,
    /// It could not be done.
    Failed,
    /// It was not to be done any more.
    Cancelled,
}

impl ImportTask {
    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        use ImportStage::{Cancelled, Completed, Failed};
        matches!(self.stage, Completed | Failed | Cancelled)
    }

    /// Its state, by EC2's name.
    pub fn state(&self) -> &'static str {
        match self.stage {
            ImportStage::Completed => "completed",
            ImportStage::Failed | ImportStage::Cancelled => "deleted",
            _ if self.end.is_some() => "deleting",
            _ => "active",
        }
    }

    /// Wishes it ended. Says whether that is news.
    pub fn cancel(&mut self, reason: &str, now: Timestamp) -> bool {
        let news = !self.is_over() && self.end.is_none();
        if news {
            self.end = Some(reason.to_owned());
            self.updated = now;
        }
        news
    }

    /// Its key among those of its account.
    pub fn key_of_account(&self) -> String {
        format!("{}/{:013}/{}", self.account, self.started.as_millis(), self.id)
    }

    /// The key of a token of an account's.
    pub fn token_key(account: &AccountId, token: &str) -> String {
        format!("{account}/{token}")
    }
}
