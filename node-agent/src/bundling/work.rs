//! The work behind a task's effects: what is done on the pool while the actor goes on.
//!
//! It owns nothing; the actor hears how it went. Whatever must not fail is tried again until it
//! succeeds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::wire::bundling::{BundleSpec, BundleTicket, Rest};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::clock::Clock;
use runtime::metrics::Counter;
use runtime::pool;
use sha1::{Digest as _, Sha1};
use tokio::sync::{Semaphore, mpsc, watch};

use super::claim::claimed;
use super::disk::Disk as Layered;
use super::machine::Failure;
use super::notes::{Copied, Note};
use super::pack::{Packed, pack};
use super::rest;
use super::room::Room;
use super::send::Post;
use crate::hypervisor::driver::{Disk, Driver, OVERLAY};
use crate::hypervisor::layer::COPY;
use crate::vm::vm::VmHandle;

/// Parts on their way at once, beside the one that is being made.
const AT_ONCE: usize = 2;

/// The first pause before what must succeed is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// What every task works with.
pub struct Tools {
    /// Copies disks.
    pub driver: Arc<dyn Driver>,
    /// Where machines have their directories.
    pub instances: PathBuf,
    /// Where images lie, by their SHA-256.
    pub images: PathBuf,
    /// Where notes lie.
    pub notes: PathBuf,
    /// Tells the time.
    pub clock: Clock,
    /// Sends.
    pub post: Post,
    /// Turns.
    pub turns: Arc<Semaphore>,
    /// Room that copies were promised and may not have taken yet.
    pub room: Room,
    /// Bytes of parts that walrus has.
    pub sent: Counter,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Percent of the disk that are copied.
    Copied(u8),
    /// Percent of the copy that are packed; most of them are sent, too.
    Packed(u8),
    /// All is packed; percent of the parts that are sent.
    Sent(u8),
}

/// Copies the disk of a machine, and says what was copied.
pub(super) async fn copy(
    tools: &Tools,
    vm: &VmHandle,
    spec: &BundleSpec,
    steps: watch::Sender<Step>,
) -> Result<Copied, Failure> {
    let root = vm.spec().borrow().as_ref().map(|spec| spec.root.clone());
    let Some(root) = root else { return Err(rest::gone(vm.view()).await) };
    let disk = Disk {
        overlay: vm.directory().join(OVERLAY),
        base: tools.images.join(&root.image.sha256),
        size: root.size.max(root.image.size).next_multiple_of(512),
    };
    let (done, mut percent) = watch::channel(0);
    let driver = Arc::clone(&tools.driver);
    let (size, quiesce) = (disk.size, spec.quiesce);
    let room = tools.room.clone();
    let copying = rest::copy_while_it_lives(driver, vm.clone(), disk, quiesce, room, done);
    tokio::pin!(copying);
    let rest: Rest = loop {
        tokio::select! {
            rest = &mut copying => break rest?,
            Ok(()) = percent.changed() => {
                steps.send_replace(Step::Copied(*percent.borrow_and_update()));
            }
        }
    };
    Ok(Copied { rest, image: root.image.sha256, image_size: root.image.size, size })
}

/// Packs a copy and sends all of it.
pub(super) async fn store(
    tools: &Tools,
    spec: Arc<BundleSpec>,
    copied: Copied,
    ticket: watch::Receiver<BundleTicket>,
    steps: watch::Sender<Step>,
) -> Result<(), Failure> {
    let copy = tools.instances.join(spec.instance.as_str()).join(COPY);
    let (driver, base) = (Arc::clone(&tools.driver), tools.images.join(&copied.image));
    let disk = blocking(move || {
        let layer = driver.open_copy(&copy);
        let layer = layer.map_err(|error| Failure::of("the copy of the disk is lost", error))?;
        let lost = |error| Failure::of("the image below the disk is lost", error);
        let base = (File::open(base).map_err(lost)?, copied.image_size);
        let mut disk = Layered::new(layer, base, copied.size);
        let unread = |error| Failure::of("the disk cannot be read", error);
        let size = claimed(&mut disk, copied.image_size).map_err(unread)?;
        disk.seek(0);
        disk.cut(size);
        Ok::<_, Failure>(disk)
    })
    .await??;
    let size = disk.size().max(1);
    let (parts, coming) = mpsc::channel(1);
    let told = steps.clone();
    let packing = pool::block(move || {
        let mut done = |bytes: u64| {
            let percent = u8::try_from(bytes.saturating_mul(100) / size).unwrap_or(100).min(100);
            told.send_if_modified(|step| {
                std::mem::replace(step, Step::Packed(percent)) != Step::Packed(percent)
            });
        };
        pack(disk, &spec, parts, &mut done)
    });
    let (packed, sent) = tokio::join!(packing, send_all(tools, coming, &ticket, &steps));
    // If parts could not be sent, that is why packing was broken off.
    sent?;
    let packed = packed.map_err(Failure::internal)?.map_err(Failure::internal)?;
    let sha1 = Sha1::digest(&packed.manifest).into();
    tools.post.put(&ticket, "manifest", Bytes::from(packed.manifest), sha1).await?;
    steps.send_replace(Step::Sent(100));
    Ok(())
}

async fn send_all(
    tools: &Tools,
    coming: mpsc::Receiver<Packed>,
    ticket: &watch::Receiver<BundleTicket>,
    steps: &watch::Sender<Step>,
) -> Result<(), Failure> {
    let (came, sent) = (AtomicU64::new(0), AtomicU64::new(0));
    let coming = stream::unfold(coming, |mut coming| async {
        coming.recv().await.map(|part| (Ok::<_, Failure>(part), coming))
    });
    let (came, sent) = (&came, &sent);
    coming
        .inspect(|_| {
            came.fetch_add(1, Ordering::Relaxed);
        })
        .try_for_each_concurrent(AT_ONCE, |Packed { index, bytes, sha1 }| async move {
            let length = bytes.len() as u64;
            tools.post.put(ticket, &format!("part/{index}"), bytes, sha1).await?;
            tools.sent.add(length);
            let behind = sent.fetch_add(1, Ordering::Relaxed) + 1;
            let percent = behind * 100 / (came.load(Ordering::Relaxed) + 1).max(1);
            steps.send_if_modified(|step| {
                // As long as something is packed, that is what is told.
                let over = matches!(step, Step::Packed(100) | Step::Sent(_));
                if over {
                    *step = Step::Sent(u8::try_from(percent).unwrap_or(100));
                }
                over
            });
            Ok(())
        })
        .await
}

/// Removes what a copy left; a guest that was held for it goes on.
pub(super) async fn clear(tools: &Tools, directory: &Path) {
    persist("removing a copy", || tools.driver.uncopy(directory)).await;
}

/// Writes a note, as often as it takes.
pub(super) async fn write(tools: &Tools, note: &Note) {
    let once = || async {
        let (note, notes) = (note.clone(), tools.notes.clone());
        blocking(move || note.write(&notes).map_err(Failure::internal)).await.flatten()
    };
    persist("writing a note", || async { once().await.map_err(|failure| failure.reason) }).await;
}

/// Runs what blocks.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    pool::block(work).await.map_err(Failure::internal)
}

async fn persist<E: std::fmt::Display, F: Future<Output = Result<(), E>>>(
    what: &str,
    mut once: impl FnMut() -> F,
) {
    let (mut pause, longest) = PAUSES;
    while let Err(error) = once().await {
        tracing::warn!(what, %error, "will be tried again");
        tokio::time::sleep(pause).await;
        pause = longest.min(pause * 2);
    }
}
