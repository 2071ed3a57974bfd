//! The messages about bundles that nodes make: leave to store one, and its removal.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::id::BundleTaskId;
use common::s3::{BucketName, CannedAcl, Owner};
use common::wire::bundling::{BundlePlace, BundleTicket, DropBundle, OpenBundle};
use common::wire::walrus::Walrus;
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::pool;
use std::time::Duration;
use store::StoreError;

use super::ticket::Claims;
use crate::content::Content;
use crate::dropped;
use crate::image::ticket::Tickets;
use crate::records::{Bucket, Failed, Object, Records, object_key};
use crate::s3::access::{demand, may_write};
use crate::s3::buckets::create;
use crate::s3::commit::{open_bucket, remove};
use crate::usage::amount::Change;

/// How long a ticket is good: a large disk on a slow network is stored within that time.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The user metadata that names the task by which an object was stored.
pub(super) const MARK: &str = "eucalypt-bundle-task";

/// Answers the messages.
#[derive(Clone)]
pub(crate) struct BundleDoor {
    /// Records and files.
    pub(crate) content: Content,
    /// Makes tickets.
    pub(crate) tickets: Tickets,
    /// What stands before a ticket's path.
    pub(crate) base_url: String,
    /// The time.
    pub(crate) clock: Clock,
}

impl BundleDoor {
    /// Adds the messages to those that walrus answers.
    pub(crate) fn answer_on(self, dispatcher: Dispatcher<Walrus>) -> Dispatcher<Walrus> {
        let dropping = self.clone();
        dispatcher
            .with(move |message: OpenBundle| {
                let door = self.clone();
                async move { door.open(message).await }
            })
            .with(move |message: DropBundle| {
                let door = dropping.clone();
                async move { door.discard(message).await }
            })
    }

    async fn open(&self, asked: OpenBundle) -> Result<BundleTicket, ApiError> {
        let OpenBundle { task, account, owner, place, acl, rehearsal } = asked;
        let (content, now) = (self.content.clone(), self.clock.now());
        let (bucket, who, whose) = (place.bucket.clone(), owner.clone(), task.clone());
        let ready = move || {
            demand_wanted(&content.records, &whose)?;
            make_ready(&content.records, &bucket, who, now, rehearsal)
        };
        pool::block(ready).await??;
        // A rehearsal's is good for nothing.
        let expires = if rehearsal { now } else { now.plus(LIFETIME) };
        let claims = Claims { task, account, owner, place, acl, expires };
        let url = format!("{}{}", self.base_url, claims.issue(&self.tickets));
        Ok(BundleTicket { url, expires })
    }

    /// Removes what a task stored, after which nothing can come for it: what is on its way finds
    /// the note.
    async fn discard(&self, message: DropBundle) -> Result<(), ApiError> {
        let DropBundle { task, place } = message;
        let (content, now) = (self.content.clone(), self.clock.now());
        let discarded = pool::block(move || {
            let note = || dropped::note(&content.records.dropped_tasks, &task, now, LIFETIME);
            // On a full disk nothing can be noted before something has gone.
            if let Err(StoreError::Full { .. }) = note() {
                drop_stored(&content, &task, &place, 0)?;
            }
            note()?;
            drop_stored(&content, &task, &place, 0)
        });
        discarded.await?.map_err(ApiError::from)
    }
}

/// Refuses a task whose bundle was dropped. Blocks.
pub(super) fn demand_wanted(records: &Records, task: &BundleTaskId) -> Result<(), Failed> {
    match records.dropped_tasks.get(task.as_str())? {
        None => Ok(()),
        Some(_) => {
            let text = format!("The bundle of the task {task} was dropped; nothing more is stored");
            Err(ApiError::new(ErrorCode::AccessDenied, text).into())
        }
    }
}

/// Whoever stores by a ticket, as the rules for buckets see them: nobody's administrator.
pub(crate) fn as_caller(owner: &Owner) -> Caller {
    Caller::owner(&owner.account, &owner.alias)
}

/// Sees to it that the owner has the bucket, and room in it for something. Blocks.
fn make_ready(
    records: &Records,
    name: &BucketName,
    owner: Owner,
    now: common::time::Timestamp,
    rehearsal: bool,
) -> Result<(), Failed> {
    if records.buckets.get(name.as_str())?.is_none() && !rehearsal {
        let bucket = Bucket {
            name: name.clone(),
            owner: owner.clone(),
            acl: CannedAcl::Private,
            location: String::new(),
            created: now,
            leaving: false,
        };
        match create(records, &bucket).map_err(ApiError::from) {
            Ok(()) => {}
            // Somebody was faster; whose it is stands there now.
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::BucketAlreadyOwnedByYou | ErrorCode::BucketAlreadyExists
                ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if rehearsal && records.buckets.get(name.as_str())?.is_none() {
        return Ok(());
    }
    let bucket = open_bucket(records, name)?;
    demand(may_write(Some(&as_caller(&owner)), &bucket))?;
    Ok(records.ledger.foresee(name, &bucket.owner.account, Change::write(None, 1))?)
}

/// Whether an object was stored by this task.
pub(crate) fn is_of(object: &Object, task: &BundleTaskId) -> bool {
    let marked = |(name, value): &(String, String)| name == MARK && value == task.as_str();
    object.attributes.metadata.iter().any(marked)
}

/// Removes the parts from an index on that a task stored, and its manifest if that index is 0.
/// What others stored under the same keys stays. Blocks.
pub(super) fn drop_stored(
    content: &Content,
    task: &BundleTaskId,
    place: &BundlePlace,
    from: usize,
) -> Result<(), Failed> {
    // The manifest first: without it the parts mean nothing.
    if from == 0 {
        drop_one(content, task, place, &place.manifest())?;
    }
    let parts = format!("{}.part.", place.prefix);
    let row = object_key(&place.bucket, &parts);
    let mut found = Vec::new();
    for seen in content.records.objects.all(&row) {
        let object = seen?.record;
        let index = object.key.as_str().strip_prefix(&parts).map(str::parse::<usize>);
        if matches!(index, Some(Ok(index)) if index >= from) && is_of(&object, task) {
            found.push(object.key);
        }
    }
    found.iter().try_for_each(|key| drop_one(content, task, place, key.as_str()))
}

fn drop_one(
    content: &Content,
    task: &BundleTaskId,
    place: &BundlePlace,
    key: &str,
) -> Result<(), Failed> {
    let key = key.parse().map_err(Failed::from)?;
    let kept = || Failed::from(ApiError::new(ErrorCode::PreconditionFailed, "another's"));
    let removed = remove(content, &place.bucket, &key, |_, found| match found.old {
        Some(old) if !is_of(old, task) => Err(kept()),
        _ => Ok(()),
    });
    match removed.map_err(ApiError::from) {
        Ok(_) => Ok(()),
        // With its bucket everything went that was in it; what was overwritten is not ours.
        Err(error)
            if matches!(error.code(), ErrorCode::NoSuchBucket | ErrorCode::PreconditionFailed) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
