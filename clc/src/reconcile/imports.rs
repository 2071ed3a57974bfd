//! Disks that are imported: looked after until their images are there, and nothing left of those that
//! failed.
//!
//! ```text
//!   pending ──OpenBundle──▶ converting ──ImportDisk: complete──CheckBundle──▶ preparing
//!      │                        │ waiting, bundling: one waits for the end and wakes this
//!      │                        │                                               │
//!      └── end wished ──────────┼── image gone ── refused for good ─────────────┤ image failed
//!                               ▼                                               ▼ image available
//!                       failed, cancelled                                   completed
//!                               │ StopImport, DropBundle                        │ DropDisk, if that was
//!                               ▼                                               ▼ asked for
//! ```
//! All that a step needs is in the records, so a clc that was killed goes on where it was; walrus
//! begins anew if it was, and knows by its manifest a bundle that is whole. The disk of an import that
//! ends without an image stays, lest a large upload is lost over a full quota or a wrong name.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::error::ApiError;
use common::id::BundleTaskId;
use common::s3::CannedAcl;
use common::time::Timestamp;
use common::wire::bundling::{DropBundle, OpenBundle};
use common::wire::importing::{DropDisk, ImportDisk, ImportState, StopImport};
use common::wire::walrus::{CheckBundle, CheckedBundle, Walrus};
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::peer::Peer;
use runtime::pool;
use runtime::reconcile::{Pass, Reconciler};
use store::{Batch, StoreError};

use super::Wakers;
use super::images::undefault;
use super::instances::is_final;
use crate::identity::accounts;
use crate::records::{Image, ImageState, ImportStage, ImportTask, Records};

/// How long an import that another try may mend is tried for.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How long one question waits on walrus for the end of the work.
const WAIT: Duration = Duration::from_secs(20);
/// How long walrus may take to note a wish.
const TELLING: Duration = Duration::from_secs(30);

/// Looks after all imports.
pub struct Imports {
    /// What lasts.
    pub records: Records,
    /// Where disks and bundles are.
    pub walrus: Peer<Walrus>,
    /// The time.
    pub clock: Clock,
    /// This, when one has ended; and whoever waits for its image.
    pub wakers: Wakers,
    awaited: Arc<Mutex<BTreeSet<BundleTaskId>>>,
}

impl Reconciler for Imports {
    fn name(&self) -> &str {
        "imports"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(self.look())
    }
}

impl Imports {
    /// Looks after the imports on record.
    pub fn new(records: Records, walrus: Peer<Walrus>, clock: Clock, wakers: Wakers) -> Self {
        Self { records, walrus, clock, wakers, awaited: Arc::default() }
    }

    async fn look(&self) -> Result<Pass, ApiError> {
        let mut pass = Pass::default();
        let all = |records: &Records| {
            let all = records.imports.all("").map(|seen| Ok(seen?.record));
            all.collect::<Result<Vec<ImportTask>, ApiError>>()
        };
        for task in self.records.work(all).await? {
            pass.looked += 1;
            if task.is_over() && !task.leftovers && !task.disk_goes {
                continue;
            }
            pass.unsettled += 1;
            match self.step(&task).await {
                Ok(stepped) => pass.steps += u64::from(stepped),
                // One import's trouble is not another's.
                Err(error) => {
                    let cause = error.source_text().unwrap_or_default();
                    tracing::warn!(task = %task.id, %error, cause, "a step for an import failed");
                }
            }
        }
        if pass.steps > 0 {
            self.wakers.imports.wake();
        }
        Ok(pass)
    }

    /// The next single step; says whether there was one.
    async fn step(&self, task: &ImportTask) -> Result<bool, ApiError> {
        if task.is_over() {
            self.clear(task).await?;
            return Ok(true);
        }
        if let Some(reason) = &task.end {
            self.over(task, ImportStage::Cancelled, reason).await?;
            return Ok(true);
        }
        let id = task.image.clone();
        let image = self.records.work(move |records| Ok(records.images.get(id.as_str())?)).await?;
        let image = image.map(|seen| seen.record).filter(Image::is_registered);
        let Some(image) = image else {
            let reason = "The image was deregistered before it was imported";
            self.over(task, ImportStage::Cancelled, reason).await?;
            return Ok(true);
        };
        match task.stage {
            ImportStage::Pending => self.open(task).await,
            ImportStage::Converting => self.convert(task).await,
            _ => match &image.state {
                ImageState::Available { .. } => {
                    let now = self.clock.now();
                    self.change(task, move |it| {
                        (it.stage, it.updated) = (ImportStage::Completed, now);
                        // What it stored is the image's now.
                        it.leftovers = false;
                    })
                    .await?;
                    tracing::info!(task = %task.id, image = %task.image, "the disk was imported");
                    Ok(true)
                }
                ImageState::Failed { reason, .. } => {
                    self.over(task, ImportStage::Failed, reason).await?;
                    Ok(true)
                }
                ImageState::Pending | ImageState::Deregistered { .. } => Ok(false),
            },
        }
    }

    /// Has the bucket made; from then on there may be something to be dropped.
    async fn open(&self, task: &ImportTask) -> Result<bool, ApiError> {
        let ask = OpenBundle {
            task: task.task.clone(),
            account: task.account.clone(),
            owner: task.owner.clone(),
            place: task.place.clone(),
            acl: CannedAcl::AwsExecRead,
            rehearsal: false,
        };
        match self.told(self.walrus.call(ask)).await {
            Ok(_) => {
                let now = self.clock.now();
                self.change(task, move |it| {
                    (it.stage, it.leftovers, it.updated) = (ImportStage::Converting, true, now);
                })
                .await?;
                Ok(true)
            }
            Err(error) => self.trouble(task, error).await,
        }
    }

    async fn convert(&self, task: &ImportTask) -> Result<bool, ApiError> {
        let ask = self.question(task, Duration::ZERO).await?;
        let state = match self.told(self.walrus.call(ask)).await {
            Ok(state) => state,
            Err(error) => return self.trouble(task, error).await,
        };
        match state {
            ImportState::Waiting | ImportState::Bundling { .. } => {
                self.wait_for(task);
                Ok(false)
            }
            ImportState::Complete => {
                let check = CheckBundle {
                    location: task.place.location(),
                    account: task.account.clone(),
                    administrator: false,
                    allow_unsigned: false,
                };
                match self.told(self.walrus.call(check)).await {
                    Ok(checked) => {
                        self.prepare(task, checked).await?;
                        Ok(true)
                    }
                    Err(error) => self.trouble(task, error).await,
                }
            }
            ImportState::Failed { retryable: true, reason, .. } if !self.is_late(task) => {
                tracing::warn!(task = %task.id, reason, "a disk cannot be bundled just now");
                Ok(false)
            }
            ImportState::Failed { reason, .. } => {
                self.over(task, ImportStage::Failed, &reason).await?;
                Ok(true)
            }
        }
    }

    /// What walrus refuses for good, or for too long, ends an import.
    async fn trouble(&self, task: &ImportTask, error: ApiError) -> Result<bool, ApiError> {
        if !is_final(error.code()) && !self.is_late(task) {
            return Err(error);
        }
        self.over(task, ImportStage::Failed, error.text()).await?;
        Ok(true)
    }

    fn is_late(&self, task: &ImportTask) -> bool {
        self.clock.now().since(task.updated) > PATIENCE
    }

    async fn question(&self, task: &ImportTask, wait: Duration) -> Result<ImportDisk, ApiError> {
        let account = task.account.clone();
        let certificates = self.records.work(move |records| {
            let own = accounts::certificates(records, account.as_str())?;
            Ok((accounts::cloud_certificate(records)?, own.pem.into_iter().next()))
        });
        let (cloud_certificate, user_certificate) = certificates.await?;
        Ok(ImportDisk {
            task: task.task.clone(),
            disk: task.disk.clone(),
            account: task.account.clone(),
            owner: task.owner.clone(),
            place: task.place.clone(),
            acl: CannedAcl::AwsExecRead,
            architecture: task.architecture.clone(),
            kernel: task.kernel.clone(),
            ramdisk: task.ramdisk.clone(),
            root_device: task.root_device.clone(),
            cloud_certificate,
            user_certificate,
            wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// One waits for the end of the work, and wakes this then.
    fn wait_for(&self, task: &ImportTask) {
        if !self.lock().insert(task.task.clone()) {
            return;
        }
        let own = Self {
            records: self.records.clone(),
            walrus: self.walrus.clone(),
            clock: self.clock.clone(),
            wakers: self.wakers.clone(),
            awaited: Arc::clone(&self.awaited),
        };
        let task = task.clone();
        pool::spawn(async move {
            let ask = own.question(&task, WAIT).await;
            let Self { walrus, wakers, awaited, records, .. } = own;
            // A clc that stops gives its store back before walrus answers.
            drop(records);
            if let Ok(ask) = ask {
                // How it ended, the next pass finds out by asking itself.
                drop(walrus.call_patiently(ask, WAIT).await);
            }
            awaited.lock().unwrap_or_else(PoisonError::into_inner).remove(&task.task);
            wakers.imports.wake();
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<BundleTaskId>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bundle is there: its image is unpacked as any other.
    async fn prepare(&self, task: &ImportTask, checked: CheckedBundle) -> Result<(), ApiError> {
        let (id, now) = (task.id.clone(), self.clock.now());
        let prepared = self.records.work(move |records| {
            store::transact(&*records.engine, |batch| {
                let Some(mut seen) = records.imports.get(id.as_str())? else { return Ok(()) };
                if seen.is_over() || seen.end.is_some() {
                    return Ok(());
                }
                if let Some(mut image) = records.images.get(seen.image.as_str())?
                    && image.saving.as_ref() == Some(&seen.task)
                {
                    image.record.bundle = checked.bundle.clone();
                    image.record.size = checked.size;
                    image.record.saving = None;
                    batch.replace(&image)?;
                }
                (seen.record.stage, seen.record.updated) = (ImportStage::Preparing, now);
                batch.replace(&seen)?;
                Ok::<_, ApiError>(())
            })?;
            Ok(())
        });
        prepared.await?;
        self.wakers.images.wake();
        Ok(())
    }

    /// It ends without an image.
    async fn over(
        &self,
        task: &ImportTask,
        stage: ImportStage,
        reason: &str,
    ) -> Result<(), ApiError> {
        let (id, now, reason) = (task.id.clone(), self.clock.now(), reason.to_owned());
        let why = reason.clone();
        let ended = self.records.work(move |records| {
            store::transact(&*records.engine, |batch| {
                let Some(mut seen) = records.imports.get(id.as_str())? else { return Ok(()) };
                if seen.is_over() {
                    return Ok(());
                }
                take_back(records, batch, &seen)?;
                let it = &mut seen.record;
                (it.stage, it.updated, it.error) = (stage, now, Some(why.clone()));
                // Whoever wanted it gone wanted an image in its place.
                it.disk_goes = false;
                batch.replace(&seen)?;
                Ok::<_, ApiError>(())
            })?;
            Ok(())
        });
        ended.await?;
        tracing::warn!(task = %task.id, reason, "the disk was not imported");
        // A launch may wait for the image.
        self.wakers.images.wake();
        self.wakers.all_nodes();
        Ok(())
    }

    /// What nobody needs any more goes.
    async fn clear(&self, task: &ImportTask) -> Result<(), ApiError> {
        if task.leftovers {
            self.told(self.walrus.call(StopImport { task: task.task.clone() })).await?;
            let wish = DropBundle { task: task.task.clone(), place: task.place.clone() };
            self.told(self.walrus.call(wish)).await?;
        }
        if task.disk_goes {
            let wish = DropDisk { disk: task.disk.clone(), owner: task.owner.clone() };
            self.told(self.walrus.call(wish)).await?;
        }
        self.change(task, |it| (it.leftovers, it.disk_goes) = (false, false)).await
    }

    async fn change(
        &self,
        task: &ImportTask,
        change: impl Fn(&mut ImportTask) + Send + 'static,
    ) -> Result<(), ApiError> {
        let (id, was) = (task.id.clone(), task.is_over());
        let changed = self.records.work(move |records| {
            records.imports.update(id.as_str(), |it| {
                // One whose end is wished meanwhile does not get on.
                if it.is_over() == was && (was || it.end.is_none()) {
                    change(it);
                }
                Ok::<_, StoreError>(())
            })?;
            Ok(())
        });
        changed.await
    }

    async fn told<T>(
        &self,
        call: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        tokio::time::timeout(TELLING, call).await.unwrap_or_else(|_| {
            let text = "The service does not answer";
            Err(ApiError::new(common::error::ErrorCode::Unavailable, text))
        })
    }
}

/// Adds to a batch: the image of an import that does not end well goes. Blocks.
fn take_back(records: &Records, batch: &mut Batch, task: &ImportTask) -> Result<(), ApiError> {
    let Some(mut seen) = records.images.get(task.image.as_str())? else { return Ok(()) };
    if !seen.is_registered() {
        return Ok(());
    }
    let before = seen.record.clone();
    seen.record.state = ImageState::Deregistered { sha256: None };
    seen.record.saving = None;
    batch.replace(&seen)?;
    records.list(batch, Some(&before), &seen);
    batch.unpoint(&records.image_names, &Image::name_key(&seen.account, &seen.name));
    records.drop_tags(batch, task.image.as_str())?;
    undefault(records, batch, &task.image)
}

/// Wishes an import ended whose account is to go; says whether it still has to end. Blocks.
///
/// # Errors
/// If the store fails.
pub fn end(records: &Records, id: &str, reason: &str, now: Timestamp) -> Result<bool, ApiError> {
    let (lives, _) = store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.imports.get(id)? else { return Ok(false) };
        if seen.record.cancel(reason, now) {
            batch.replace(&seen)?;
        }
        Ok::<_, ApiError>(!seen.is_over())
    })?;
    Ok(lives)
}
