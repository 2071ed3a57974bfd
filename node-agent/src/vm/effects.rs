//! The work behind a machine's effects: what is done on the pool while the actor goes on.
//!
//! Everything here may be done again: what is there already is left as it is. It owns nothing and
//! changes no state; the actor hears how it went.

use std::sync::Arc;
use std::time::Duration;

use common::error::ApiError;
use runtime::clock::Clock;
use runtime::pool;
use tokio::sync::{Mutex, watch};

use super::folder::{Folder, FolderError, Halted, Note, Wish};
use super::wiring::Wiring;
use crate::hypervisor::blank;
use crate::hypervisor::driver::{Disk, Driver, Launch, OVERLAY};
use crate::image::images::Images;

/// The first pause before what must succeed is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// What every machine of a node works with.
pub struct Hands {
    /// Runs them.
    pub driver: Arc<dyn Driver>,
    /// Keeps what they boot from.
    pub images: Images,
    /// Connects them.
    pub wiring: Arc<dyn Wiring>,
    /// Tells the time.
    pub clock: Clock,
    /// How long a guest has to shut down when it is asked to.
    pub grace: Duration,
}

/// Images, disk and network at the same time, as soon as nobody wants the machine to be off. Only
/// waiting for that and for images is given up half-way.
pub(super) async fn prepare(
    hands: Arc<Hands>,
    folder: Folder,
    wish: Arc<Mutex<Option<Wish>>>,
    (gate, mut abandon): (Arc<Mutex<()>>, watch::Receiver<bool>),
) -> Result<(Launch, u64), String> {
    let opened = tokio::select! {
        opened = gate.lock() => opened,
        _ = abandon.wait_for(|abandoned| *abandoned) => return Err("given up".to_owned()),
    };
    drop(opened);
    let wish = wish.lock().await.clone().ok_or("it has ended")?;
    let (spec, tickets, holder) = (&wish.spec, &wish.tickets, folder.instance());
    let disk = async {
        let images = async {
            let ensure = |image| hands.images.ensure(holder, image, tickets);
            let ramdisk = async {
                match &spec.boot.ramdisk {
                    Some(ramdisk) => ensure(ramdisk).await.map(Some),
                    None => Ok(None),
                }
            };
            let kernel = async {
                match &spec.boot.kernel {
                    Some(kernel) => ensure(kernel).await.map(Some),
                    None => Ok(None),
                }
            };
            tokio::try_join!(ensure(&spec.root.image), kernel, ramdisk)
        };
        let (base, kernel, ramdisk) = tokio::select! {
            images = images => images.map_err(|error| error.to_string())?,
            _ = abandon.wait_for(|abandoned| *abandoned) => return Err("given up".to_owned()),
        };
        let overlay = folder.path().join(OVERLAY);
        let base = std::path::absolute(base).map_err(|error| error.to_string())?;
        let disk = Disk { overlay, base, size: spec.root.size.max(spec.root.image.size) };
        hands.driver.prepare(&disk).await.map_err(|error| error.to_string())?;
        let (folder, disks) = (folder.clone(), spec.disks.clone());
        let made = pool::block(move || {
            disks.iter().try_for_each(|it| blank::make(folder.path(), folder.instance(), it))
        });
        made.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        Ok((kernel, ramdisk))
    };
    let (boot, card) = tokio::join!(disk, hands.wiring.attach(spec));
    let ((kernel, ramdisk), card) = (boot?, card.map_err(|error| error.to_string())?);
    let launch = Launch::of(spec, folder.path(), kernel, ramdisk, card);
    Ok((launch, spec.power.reboots))
}

/// Says on disk that the guest may write from now on, and starts it.
pub(super) async fn start(
    hands: &Hands,
    folder: &Folder,
    wish: &Mutex<Option<Wish>>,
    launch: &Launch,
) -> Result<(), String> {
    let mark = |known: &Wish| {
        let news = known.started == Some(false);
        news.then(|| Wish { started: Some(true), ..known.clone() })
    };
    change(folder, wish, mark).await.map_err(|error| error.to_string())?;
    hands.driver.start(launch).await.map_err(|error| error.to_string())
}

/// Replaces the wish on disk and in memory, unless the machine has ended.
pub(super) async fn change(
    folder: &Folder,
    wish: &Mutex<Option<Wish>>,
    with: impl FnOnce(&Wish) -> Option<Wish>,
) -> Result<Option<Wish>, ApiError> {
    let mut known = wish.lock().await;
    let Some(next) = known.as_ref().and_then(with) else { return Ok(None) };
    if known.as_ref() != Some(&next) {
        let (folder, written) = (folder.clone(), next.clone());
        pool::block(move || folder.write_wish(&written)).await?.map_err(unwritten)?;
        *known = Some(next.clone());
    }
    Ok(Some(next))
}

/// What a caller is told when the wish cannot be kept.
pub(super) fn unwritten(error: FolderError) -> ApiError {
    ApiError::internal("the wish for the machine cannot be kept", error)
}

/// What makes a machine go off by itself is on disk before its process, which would say it again,
/// is taken away.
pub(super) async fn park(
    hands: &Hands,
    folder: &Folder,
    wish: &Mutex<Option<Wish>>,
    halted: Option<&Halted>,
) -> Result<(), String> {
    if let Some(halted) = halted {
        let note = |known: &Wish| Some(Wish { halted: Some(halted.clone()), ..known.clone() });
        change(folder, wish, note).await.map_err(|error| error.to_string())?;
    }
    hands.driver.kill(folder.path()).await.map_err(|error| error.to_string())?;
    hands.wiring.detach(folder.instance()).await.map_err(|error| error.to_string())
}

/// A pause, a quarter shorter to a quarter longer: machines that were refused together do not all
/// come back together.
pub(super) fn spread(pause: Duration) -> Duration {
    let mut random = [0; 1];
    // A host that gives no random numbers has worse troubles than this.
    let random = getrandom::fill(&mut random).map_or(128, |()| random[0]);
    pause.mul_f64(0.75 + f64::from(random) / 512.0)
}

/// Connects a machine that runs already.
pub(super) async fn rewire(
    hands: Arc<Hands>,
    folder: Folder,
    wish: Arc<Mutex<Option<Wish>>>,
    mut abandon: watch::Receiver<bool>,
) {
    let Some(wish) = wish.lock().await.clone() else { return };
    let attach = persist("rewire", &folder, || hands.wiring.attach(&wish.spec));
    tokio::select! {
        _ = attach => {}
        _ = abandon.wait_for(|abandoned| *abandoned) => {}
    }
}

/// The note first: from then on everything else is only left over.
pub(super) async fn sweep(
    hands: &Hands,
    folder: &Folder,
    wish: &Mutex<Option<Wish>>,
    note: Option<&Note>,
) -> Result<(), String> {
    let mut wish = wish.lock().await;
    if let Some(note) = note.cloned() {
        let folder = folder.clone();
        files(move || folder.write_note(&note)).await?;
    }
    *wish = None;
    // Nothing should run here any more; below a living guest no disk is removed.
    hands.driver.kill(folder.path()).await.map_err(|error| error.to_string())?;
    hands.wiring.detach(folder.instance()).await.map_err(|error| error.to_string())?;
    hands.images.release(folder.instance()).await.map_err(|error| error.to_string())?;
    let cleared = folder.clone();
    files(move || cleared.clear()).await
}

async fn files(
    work: impl FnOnce() -> Result<(), FolderError> + Send + 'static,
) -> Result<(), String> {
    match pool::block(work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Tries until it succeeds, with growing pauses.
pub(super) async fn persist<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    what: &str,
    folder: &Folder,
    mut once: impl FnMut() -> F,
) -> T {
    let (mut pause, longest) = PAUSES;
    loop {
        match once().await {
            Ok(value) => return value,
            Err(error) => {
                tracing::warn!(instance = %folder.instance(), %error, what, "will be tried again");
            }
        }
        tokio::time::sleep(spread(pause)).await;
        pause = longest.min(pause * 2);
    }
}
