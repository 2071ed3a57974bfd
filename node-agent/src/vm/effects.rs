//! The work behind a machine's effects: what is done on the pool while the actor goes on.
//!
//! Everything here may be done again: what is there already is left as it is. It owns nothing and
//! changes no state; the actor hears how it went.

use std::sync::Arc;
use std::time::Duration;

use runtime::clock::Clock;
use runtime::pool;
use tokio::sync::{Mutex, watch};

use super::folder::{Folder, FolderError, Note, Wish};
use super::wiring::Wiring;
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
}

/// Images, disk and network at the same time. Only waiting for images is given up half-way.
pub(super) async fn prepare(
    hands: Arc<Hands>,
    folder: Folder,
    wish: Arc<Mutex<Option<Wish>>>,
    mut abandon: watch::Receiver<bool>,
) -> Result<Launch, String> {
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
        Ok((kernel, ramdisk))
    };
    let (boot, card) = tokio::join!(disk, hands.wiring.attach(spec));
    let ((kernel, ramdisk), card) = (boot?, card.map_err(|error| error.to_string())?);
    Ok(Launch::of(spec, folder.path(), kernel, ramdisk, card))
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
        tokio::time::sleep(pause).await;
        pause = longest.min(pause * 2);
    }
}
