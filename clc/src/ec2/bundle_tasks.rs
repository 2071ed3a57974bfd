//! DescribeBundleTasks and CancelBundleTask.

use common::action::Caller;
use common::ec2::bundle_tasks::{
    BundleTask as View, BundleTaskAnswer, BundleTasks, CancelBundleTask, DescribeBundleTasks,
};
use common::error::{ApiError, ErrorCode};
use common::id::BundleTaskId;
use common::time::Timestamp;
use runtime::actor::{Answer, Handle, Scene};
use store::{After, Seen};

use super::bundles::Bundles;
use super::filters::{Field, Filters};
use crate::records::{BundleTask, Reason, Records};

const FILTERS: &[Field<View>] = &[
    ("bundle-id", |it| vec![it.bundle_id.to_string()]),
    ("error-code", |it| it.error.iter().map(|error| error.code.clone()).collect()),
    ("error-message", |it| it.error.iter().map(|error| error.message.clone()).collect()),
    ("instance-id", |it| vec![it.instance_id.to_string()]),
    ("progress", |it| vec![it.progress.clone()]),
    ("s3-bucket", |it| vec![it.storage.s3.bucket.clone()]),
    ("s3-prefix", |it| vec![it.storage.s3.prefix.clone()]),
    ("start-time", |it| vec![it.start_time.0.iso()]),
    ("state", |it| vec![it.state.clone()]),
    ("update-time", |it| vec![it.update_time.0.iso()]),
];

impl Answer<Bundles> for DescribeBundleTasks {
    async fn answer(self, scene: &Scene<Bundles>) -> Result<BundleTasks, ApiError> {
        let filters = Filters::new(&self.filter, FILTERS)?;
        let ids = self.bundle_id.iter().map(|text| task_id(text));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let caller = scene.caller.clone();
        let tasks = scene.records.work(move |records| listed(records, &ids, &caller)).await?;
        let shown = tasks.iter().map(|task| scene.show(task));
        let bundle_instance_tasks_set = shown.filter(|task| filters.admit(task)).collect();
        Ok(BundleTasks { bundle_instance_tasks_set })
    }
}

impl Handle<Bundles> for CancelBundleTask {
    type Checked = BundleTaskId;

    async fn check(self, scene: &Scene<Bundles>) -> Result<BundleTaskId, ApiError> {
        let (id, caller) = (task_id(&self.bundle_id)?, scene.caller.clone());
        scene.records.work(move |records| unended(records, &id, &caller).map(|_| id)).await
    }

    async fn act(id: BundleTaskId, scene: &Scene<Bundles>) -> Result<BundleTaskAnswer, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let task = scene.records.work(move |records| cancel(records, &id, &caller, now)).await?;
        scene.wakers.bundles(&task.node);
        Ok(BundleTaskAnswer { bundle_instance_task: scene.show(&task) })
    }
}

fn task_id(text: &str) -> Result<BundleTaskId, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(ErrorCode::InvalidBundleIdMalformed, format!("Invalid id: \"{text}\""))
    })
}

/// The tasks of these ids, or all of the caller's account, oldest first.
fn listed(
    records: &Records,
    ids: &[BundleTaskId],
    caller: &Caller,
) -> Result<Vec<BundleTask>, ApiError> {
    let mut found = Vec::new();
    if ids.is_empty() {
        let prefix = format!("{}/", caller.account);
        for row in records.bundles_of.scan(&prefix, After::Start, usize::MAX)? {
            found.extend(records.bundle_tasks.get(&row.value)?.map(|seen| seen.record));
        }
        return Ok(found);
    }
    for id in ids {
        found.push(own(records, id, caller)?.record);
    }
    found.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    found.dedup_by(|a, b| a.id == b.id);
    Ok(found)
}

/// A task of the caller's, or of anybody's for an administrator.
fn own(
    records: &Records,
    id: &BundleTaskId,
    caller: &Caller,
) -> Result<Seen<BundleTask>, ApiError> {
    let seen = records.bundle_tasks.get(id.as_str())?;
    seen.filter(|task| caller.may_change(&task.account)).ok_or_else(|| {
        let text = format!("The bundle task '{id}' does not exist");
        ApiError::new(ErrorCode::InvalidBundleIdNotFound, text)
    })
}

fn unended(
    records: &Records,
    id: &BundleTaskId,
    caller: &Caller,
) -> Result<Seen<BundleTask>, ApiError> {
    let task = own(records, id, caller)?;
    if task.is_over() {
        let text = format!("The bundle task '{id}' has ended: it is {}", task.state());
        return Err(ApiError::new(ErrorCode::IncorrectState, text));
    }
    Ok(task)
}

fn cancel(
    records: &Records,
    id: &BundleTaskId,
    caller: &Caller,
    now: Timestamp,
) -> Result<BundleTask, ApiError> {
    let (task, _) = store::transact(&*records.engine, |batch| {
        let mut seen = unended(records, id, caller)?;
        let reason = Reason::new("Client.Cancelled", "The bundle task was cancelled on request");
        if seen.record.cancel(reason, now) {
            batch.replace(&seen)?;
        }
        Ok::<_, ApiError>(seen.record)
    })?;
    Ok(task)
}
