//! The state that the actions share which save instances, what all of them ask of an instance, and
//! how a task is shown.

use common::action::Caller;
use common::ec2::bundle_tasks::{BundleError, BundleTask as View, S3View, StorageView};
use common::ec2::types::IsoTime;
use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, BundleTaskId, InstanceId};
use common::s3::{CannedAcl, Owner};
use common::time::Timestamp;
use common::wire::bundling::{BundlePlace, BundleState, OpenBundle, Quiesce, Rest};
use common::wire::walrus::Walrus;
use runtime::clock::Clock;
use runtime::peer::Peer;

use super::ids;
use super::instances::named;
use crate::cluster::Cluster;
use crate::random;
use crate::reconcile::Wakers;
use crate::records::{BundleTask, Draft, Instance, Records, SeenState, Stage, Wanted};

/// The root device of an image whose manifest names none.
const ROOT_DEVICE: &str = "/dev/sda1";

/// What the actions that save instances work with.
pub struct Bundles {
    /// What lasts.
    pub records: Records,
    /// Where bundles go.
    pub walrus: Peer<Walrus>,
    /// The time.
    pub clock: Clock,
    /// The nodes, for what they say of their tasks.
    pub cluster: Cluster,
    /// Whom to wake when there is a task.
    pub wakers: Wakers,
}

impl Bundles {
    /// Asks walrus whether a bundle may go there.
    ///
    /// # Errors
    /// Walrus' own, or that it cannot be reached.
    pub async fn may_store(&self, wish: &Wish) -> Result<(), ApiError> {
        let ask = OpenBundle {
            task: BundleTaskId::from_random(random::bytes()?),
            account: wish.account.clone(),
            owner: wish.owner.clone(),
            place: wish.place.clone(),
            acl: wish.acl,
            rehearsal: true,
        };
        self.walrus.call(ask).await.map(drop)
    }

    /// A task as it is shown: the record, and how far its node has got since.
    pub fn show(&self, task: &BundleTask) -> View {
        let seen = self.cluster.member(&task.node).map(|member| member.sighting());
        let state = seen.as_ref().and_then(|seen| seen.of_task(&task.id)).map(|it| (it, &it.state));
        let mut now = task.clone();
        if let Some((view, state)) = state
            && !task.is_over()
        {
            (now.stage, now.percent) = match state {
                BundleState::Waiting => (Stage::Waiting, 0),
                BundleState::Bundling { percent } => (Stage::Bundling, *percent),
                BundleState::Storing { percent } => (Stage::Storing, *percent),
                // Not before it is on record.
                BundleState::Complete | BundleState::Cancelled | BundleState::Failed { .. } => {
                    (now.stage, now.percent)
                }
            };
            now.updated = now.updated.max(view.since);
            now.rest = view.rest.or(now.rest);
        }
        View {
            instance_id: now.instance.clone(),
            bundle_id: now.id.clone(),
            state: now.state().to_owned(),
            start_time: IsoTime(now.started),
            update_time: IsoTime(now.updated),
            progress: format!("{}%", now.percent.min(100)),
            storage: StorageView {
                s3: S3View {
                    bucket: now.place.bucket.as_str().to_owned(),
                    prefix: now.place.prefix.clone(),
                },
            },
            consistency: now.rest.map(|rest| word(rest).to_owned()),
            error: now.error.map(|error| BundleError { code: error.code, message: error.text }),
        }
    }
}

fn word(rest: Rest) -> &'static str {
    match rest {
        Rest::Flushed => "flushed",
        Rest::Paused => "paused",
        Rest::Restarted => "restarted",
        Rest::Interrupted => "interrupted",
        Rest::Off => "off",
    }
}

/// Where a bundle is to go, and in whose name.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whom the manifest is made for.
    pub account: AccountId,
    /// Whose objects parts and manifest become.
    pub owner: Owner,
    /// Where.
    pub place: BundlePlace,
    /// Who may read them.
    pub acl: CannedAcl,
    /// How the disk is brought to rest.
    pub quiesce: Quiesce,
}

impl Wish {
    /// The task of this wish for an instance.
    ///
    /// # Errors
    /// If there is no chance to be had.
    pub fn task(
        &self,
        instance: &Instance,
        draft: Draft,
        now: Timestamp,
    ) -> Result<BundleTask, ApiError> {
        Ok(BundleTask {
            id: BundleTaskId::from_random(random::bytes()?),
            account: self.account.clone(),
            instance: instance.id.clone(),
            node: instance.node.clone(),
            owner: self.owner.clone(),
            place: self.place.clone(),
            acl: self.acl,
            quiesce: self.quiesce,
            draft,
            image: None,
            stage: Stage::Pending,
            percent: 0,
            rest: None,
            end: None,
            error: None,
            told: false,
            leave: None,
            leftovers: false,
            started: now,
            updated: now,
        })
    }
}

/// An instance whose disk the caller may save now. Blocks.
///
/// # Errors
/// `InvalidInstanceID.NotFound`; `OperationNotPermitted` for an administrator who is not its owner;
/// `IncorrectInstanceState` if it neither runs nor is stopped; `BundlingInProgress`.
pub fn savable(
    records: &Records,
    id: &InstanceId,
    caller: &Caller,
) -> Result<store::Seen<Instance>, ApiError> {
    let found = named(records, std::slice::from_ref(id), caller)?.pop();
    let instance = found.ok_or_else(|| ids::no_instances(std::slice::from_ref(id)))?;
    if instance.account != caller.account {
        let text = format!("Only the owner of the instance '{id}' may have its disk saved");
        return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
    }
    let has_disk = matches!(instance.seen, SeenState::Running | SeenState::Stopped);
    if !has_disk || instance.wanted == Wanted::Terminated {
        let text = format!("The instance '{id}' is neither running nor stopped");
        return Err(ApiError::new(ErrorCode::IncorrectInstanceState, text));
    }
    if let Some(row) = records.bundling.get(id.as_str())? {
        let text = format!("The instance '{id}' is being saved already, by {}", row.value);
        return Err(ApiError::new(ErrorCode::BundlingInProgress, text));
    }
    Ok(instance)
}

/// What the image of an instance inherits: what it boots, and what its own image says. Blocks.
///
/// # Errors
/// If the store fails.
pub fn inherited(records: &Records, instance: &Instance) -> Result<Draft, ApiError> {
    let image = records.images.get(instance.image.as_str())?.map(|seen| seen.record);
    let of_image = || image.as_ref().map(|image| image.mapping.clone()).unwrap_or_default();
    let mut mappings = instance.mapping.clone().unwrap_or_else(of_image);
    let has_root = mappings.iter().any(|(name, _)| name == "root");
    if !has_root && instance.root_device != ROOT_DEVICE {
        mappings.push(("root".to_owned(), instance.root_device.clone()));
    }
    let mut ancestors = image.map(|image| image.ancestors).unwrap_or_default();
    ancestors.push(instance.image.clone());
    Ok(Draft {
        architecture: instance.architecture.clone(),
        kernel: instance.kernel.clone(),
        ramdisk: instance.ramdisk.clone(),
        mappings,
        product_codes: instance.product_codes.clone(),
        ancestors,
    })
}
