//! DescribeImportImageTasks and CancelImportTask.

use std::collections::HashMap;
use std::time::Duration;

use common::action::Caller;
use common::ec2::import_image::{
    CancelImportTask, CanceledImport, DescribeImportImageTasks, ImportImageTask, ImportImageTasks,
    SnapshotDetail, UserBucketView,
};
use common::error::{ApiError, ErrorCode};
use common::id::{BundleTaskId, ImportTaskId};
use common::time::Timestamp;
use common::wire::importing::{DescribeImports, ImportState};
use common::wire::upkeep::Unpacking;
use runtime::actor::{Answer, Handle, Scene};
use store::{After, Seen};

use super::filters::{Field, Filters};
use super::images::Images;
use super::paging::{Asked, Page};
use crate::records::{ImportStage, ImportTask, Records};

/// How long whoever looks at imports waits for how far they are.
const GLANCE: Duration = Duration::from_secs(1);
/// How much of an import is done when its disk is bundled, in percent.
const BUNDLED: u64 = 60;
/// The longest reason for a cancellation.
const LONGEST_REASON: usize = 255;

const FILTERS: &[Field<ImportImageTask>] = &[("task-state", |it| vec![it.status.clone()])];

impl Answer<Images> for DescribeImportImageTasks {
    async fn answer(self, scene: &Scene<Images>) -> Result<ImportImageTasks, ApiError> {
        let asked = [self.filters.clone(), self.filter.clone()].concat();
        let filters = Filters::new(&asked, FILTERS)?;
        let ids = self.import_task_id.iter().map(|text| task_id(text));
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let listing = ("DescribeImportImageTasks", &scene.caller.account, &asked);
        let paging = Asked {
            max_results: self.max_results,
            next_token: self.next_token.as_deref(),
            named_by: (!ids.is_empty()).then_some("ImportTaskId"),
        };
        let page = Page::new(&listing, paging)?;
        let caller = scene.caller.clone();
        let tasks = scene.records.work(move |records| listed(records, &ids, &caller)).await?;
        let far = how_far(scene, &tasks).await?;
        let shown = tasks.iter().map(|(task, _)| (task.key_of_account(), shown(task, &far)));
        let shown = shown.filter(|(_, task)| filters.admit(task));
        let (found, next_token) = page.cut(shown)?;
        Ok(ImportImageTasks { import_image_task_set: found.into_iter().collect(), next_token })
    }
}

/// How much is done, in percent, of those that are worked on.
async fn how_far(
    scene: &Scene<Images>,
    tasks: &[(ImportTask, String)],
) -> Result<HashMap<BundleTaskId, u64>, ApiError> {
    let mut far = HashMap::new();
    if tasks.iter().any(|(task, _)| task.stage == ImportStage::Converting) {
        let asked = tokio::time::timeout(GLANCE, scene.walrus.call(DescribeImports {})).await;
        let all = asked.ok().and_then(Result::ok).unwrap_or_default();
        let states: HashMap<_, _> = all.into_iter().map(|it| (it.task, it.state)).collect();
        for (task, _) in tasks {
            if let Some(ImportState::Bundling { done }) = states.get(&task.task) {
                let percent = part(*done, task.disk.size, BUNDLED);
                far.insert(task.task.clone(), percent);
            }
        }
    }
    if tasks.iter().any(|(task, _)| task.stage == ImportStage::Preparing) {
        let under_way = scene.plain.under_way().await;
        for (task, manifest) in tasks {
            let unpacked = |it: &Unpacking| part(it.done, it.total, 99 - BUNDLED);
            let more = under_way.get(manifest).map(unpacked).unwrap_or_default();
            if task.stage == ImportStage::Preparing {
                far.insert(task.task.clone(), BUNDLED + more);
            }
        }
    }
    Ok(far)
}

/// How much of `whole` is done, as a part of `most`.
fn part(done: u64, whole: u64, most: u64) -> u64 {
    let share = u128::from(done) * u128::from(most) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(most).min(most)
}

fn shown(task: &ImportTask, far: &HashMap<BundleTaskId, u64>) -> ImportImageTask {
    view(task, far.get(&task.task).copied())
}

/// A task as it is shown; `far` is how much is done in percent, if that is known.
pub(super) fn view(task: &ImportTask, far: Option<u64>) -> ImportImageTask {
    let active = !task.is_over() && task.end.is_none();
    let waits = task.stage == ImportStage::Converting && far.is_none();
    let message = match task.stage {
        ImportStage::Completed => None,
        ImportStage::Failed | ImportStage::Cancelled => task.error.clone(),
        _ if task.end.is_some() => task.end.clone(),
        ImportStage::Pending => Some("pending".to_owned()),
        ImportStage::Converting if waits => Some("pending".to_owned()),
        ImportStage::Converting => Some("converting".to_owned()),
        ImportStage::Preparing => Some("preparing ami".to_owned()),
    };
    let bundled = match task.stage {
        ImportStage::Preparing | ImportStage::Completed => Some(100),
        ImportStage::Converting => far.map(|far| part(far, BUNDLED, 100)),
        _ => None,
    };
    let disk = SnapshotDetail {
        description: task.note.clone(),
        device_name: task.root_device.clone(),
        disk_image_size: task.disk.size,
        format: "RAW".to_owned(),
        progress: bundled.filter(|_| active).map(|percent| percent.to_string()),
        status: task.state().to_owned(),
        user_bucket: UserBucketView {
            s3_bucket: task.disk.bucket.as_str().to_owned(),
            s3_key: task.disk.key.clone(),
        },
    };
    let keeps_image = !matches!(task.stage, ImportStage::Failed | ImportStage::Cancelled);
    ImportImageTask {
        architecture: Some(task.architecture.clone()),
        description: task.description.clone(),
        encrypted: false,
        image_id: keeps_image.then(|| task.image.to_string()),
        import_task_id: task.id.to_string(),
        platform: Some("Linux".to_owned()),
        progress: active.then(|| far.unwrap_or_default().to_string()),
        snapshot_detail_set: [disk].into_iter().collect(),
        status: task.state().to_owned(),
        status_message: message,
    }
}

impl Handle<Images> for CancelImportTask {
    type Checked = (ImportTaskId, String);

    async fn check(self, scene: &Scene<Images>) -> Result<Self::Checked, ApiError> {
        let id = self.import_task_id.ok_or_else(|| ApiError::missing("ImportTaskId"))?;
        let (id, caller) = (task_id(&id)?, scene.caller.clone());
        let reason = self.cancel_reason.filter(|text| !text.is_empty());
        let reason = reason.unwrap_or_else(|| "The import was cancelled on request".to_owned());
        if reason.chars().count() > LONGEST_REASON {
            let why = format!("it has more than {LONGEST_REASON} characters");
            return Err(ApiError::invalid("CancelReason", why));
        }
        let unended = move |records: &Records| unended(records, &id, &caller).map(|_| (id, reason));
        scene.records.work(unended).await
    }

    async fn act(
        (id, reason): Self::Checked,
        scene: &Scene<Images>,
    ) -> Result<CanceledImport, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let cancelled =
            scene.records.work(move |records| cancel(records, &id, &caller, &reason, now)).await?;
        scene.wakers.imports.wake();
        Ok(cancelled)
    }
}

fn task_id(text: &str) -> Result<ImportTaskId, ApiError> {
    text.parse().map_err(|_| {
        let text = format!("Invalid id: \"{text}\"");
        ApiError::new(ErrorCode::InvalidConversionTaskIdMalformed, text)
    })
}

/// The tasks of these ids, or all of the caller's account, oldest first, each with the digest of its
/// image's manifest. Blocks.
fn listed(
    records: &Records,
    ids: &[ImportTaskId],
    caller: &Caller,
) -> Result<Vec<(ImportTask, String)>, ApiError> {
    let mut found = Vec::new();
    if ids.is_empty() {
        let prefix = format!("{}/", caller.account);
        for row in records.imports_of.scan(&prefix, After::Start, usize::MAX)? {
            found.extend(records.imports.get(&row.value)?.map(|seen| seen.record));
        }
    } else {
        for id in ids {
            found.push(own(records, id, caller)?.record);
        }
        found.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        found.dedup_by(|a, b| a.id == b.id);
    }
    let with_manifest = |task: ImportTask| {
        let image = records.images.get(task.image.as_str())?;
        let manifest = image.map(|image| image.record.bundle.manifest_sha256);
        Ok((task, manifest.unwrap_or_default()))
    };
    found.into_iter().map(with_manifest).collect()
}

/// A task of the caller's, or of anybody's for an administrator. Blocks.
fn own(
    records: &Records,
    id: &ImportTaskId,
    caller: &Caller,
) -> Result<Seen<ImportTask>, ApiError> {
    let seen = records.imports.get(id.as_str())?;
    seen.filter(|task| caller.may_change(&task.account)).ok_or_else(|| {
        let text = format!("The import task '{id}' does not exist");
        ApiError::new(ErrorCode::InvalidConversionTaskId, text)
    })
}

fn unended(
    records: &Records,
    id: &ImportTaskId,
    caller: &Caller,
) -> Result<Seen<ImportTask>, ApiError> {
    let task = own(records, id, caller)?;
    if task.is_over() {
        let text = format!("The import task '{id}' has ended: it is {}", task.state());
        return Err(ApiError::new(ErrorCode::IncorrectState, text));
    }
    Ok(task)
}

fn cancel(
    records: &Records,
    id: &ImportTaskId,
    caller: &Caller,
    reason: &str,
    now: Timestamp,
) -> Result<CanceledImport, ApiError> {
    let (cancelled, _) = store::transact(&*records.engine, |batch| {
        let mut seen = unended(records, id, caller)?;
        let previous_state = seen.state().to_owned();
        if seen.record.cancel(reason, now) {
            batch.replace(&seen)?;
        }
        let state = seen.state().to_owned();
        Ok::<_, ApiError>(CanceledImport { import_task_id: id.clone(), previous_state, state })
    })?;
    Ok(cancelled)
}
