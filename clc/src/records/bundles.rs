//! Instances being saved: one task for each BundleInstance and each CreateImage.
//!
//! ```text
//!   pending ──▶ waiting ──▶ bundling ──▶ storing ──▶ complete ──▶ (no record, a day later)
//!      │           │           │            │
//!      └───────────┴─────┬─────┴────────────┘  its end is wished, or it cannot be done
//!                        ▼
//!                     failed ──what it stored is dropped──▶ (no record, a day later)
//! ```
//!
//! A task whose end is wished counts as `cancelling` until it has ended. While it has not, it is
//! the only one of its instance.

use common::id::{AccountId, BundleTaskId, ImageId, InstanceId};
use common::s3::{CannedAcl, Owner};
use common::time::Timestamp;
use common::wire::bundling::{BundlePlace, Quiesce, Rest};
use serde::{Deserialize, Serialize};

use super::instances::Reason;
use super::record::record;

/// An instance being saved, or what became of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleTask {
    /// Its id.
    pub id: BundleTaskId,
    /// Whose it is; the manifest is made for them.
    pub account: AccountId,
    /// Whose disk is saved.
    pub instance: InstanceId,
    /// Where that runs.
    pub node: String,
    /// Whose objects parts and manifest become.
    pub owner: Owner,
    /// Where they go.
    pub place: BundlePlace,
    /// Who may read them.
    pub acl: CannedAcl,
    /// How the disk is brought to rest.
    pub quiesce: Quiesce,
    /// What the manifest says of the image.
    pub draft: Draft,
    /// The image that it becomes, of CreateImage.
    pub image: Option<ImageId>,
    /// Where it stands.
    pub stage: Stage,
    /// How much of that stage was done when it was last written down, 0 to 100.
    pub percent: u8,
    /// How the disk was brought to rest, once it was.
    pub rest: Option<Rest>,
    /// Why it shall end before its time.
    pub end: Option<Reason>,
    /// Why it failed.
    pub error: Option<Reason>,
    /// Whether the node may have heard of it. Set before it is told.
    pub told: bool,
    /// The leave to store that the node was given last.
    pub leave: Option<Leave>,
    /// It failed, and what it stored is not known to be gone.
    pub leftovers: bool,
    /// When it was asked for.
    pub started: Timestamp,
    /// When it was last seen to get on.
    pub updated: Timestamp,
}

record!(BundleTask, "bundle-task", |it| it.id.to_string());

/// What a manifest says of an image beyond what its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// `x86_64`, `i386`…
    pub architecture: String,
    /// The kernel it boots.
    pub kernel: Option<ImageId>,
    /// The ramdisk it boots.
    pub ramdisk: Option<ImageId>,
    /// Virtual names and devices.
    pub mappings: Vec<(String, String)>,
    /// Product codes.
    pub product_codes: Vec<String>,
    /// The images it comes from, nearest last.
    pub ancestors: Vec<ImageId>,
}

/// Leave to store, as walrus gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// When.
    pub given: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its node has not begun.
    Pending,
    /// It waits for its turn on the node, or for the guest to shut down.
    Waiting,
    /// The disk is copied and packed.
    Bundling,
    /// What was packed is stored.
    Storing,
    /// The bundle is there.
    Complete,
    /// It could not be done, or was not to be done any more.
    Failed,
}

impl BundleTask {
    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Complete | Stage::Failed)
    }

    /// Its state, by EC2's name.
    pub fn state(&self) -> &'static str {
        match self.stage {
            Stage::Complete => "complete",
            Stage::Failed => "failed",
            _ if self.end.is_some() => "cancelling",
            Stage::Pending => "pending",
            Stage::Waiting => "waiting-for-shutdown",
            Stage::Bundling => "bundling",
            Stage::Storing => "storing",
        }
    }

    /// Wishes it ended. Says whether that is news.
    pub fn cancel(&mut self, reason: Reason, now: Timestamp) -> bool {
        let news = !self.is_over() && self.end.is_none();
        if news {
            self.end = Some(reason);
            self.updated = now;
        }
        news
    }

    /// Its key among those of its account.
    pub fn key_of_account(&self) -> String {
        format!("{}/{:013}/{}", self.account, self.started.as_millis(), self.id)
    }

    /// Its key among those of its node.
    pub fn key_on_node(&self) -> String {
        format!("{}/{}", self.node, self.id)
    }
}
