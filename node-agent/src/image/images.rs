//! The actor that keeps the node's images: it does what [`super::table`] says.
//!
//! It owns the directory `images/` and nothing else writes there. Bytes never pass through it:
//! flights run on the pool and come back as one message. Evictions go through one line of work,
//! and a flight starts when those before it are done: so its room is really there, and an image
//! that is evicted and wanted again at once is not removed after it has landed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, ResponseFuture,
    WrapFuture,
};
use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::spec::ImageRef;
use common::wire::walrus::ImageTicket;
use runtime::clock::Clock;
use tokio::sync::{mpsc, oneshot};

use super::fetch::Fetch;
use super::landing::{PART, Wanted, land};
use super::table::{Effect, ImageError, Table};

/// Who holds which image, by SHA-256.
pub type Holders = BTreeMap<String, BTreeSet<InstanceId>>;

/// Where images lie and how many bytes of them there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagesConfig {
    /// The directory.
    pub directory: PathBuf,
    /// The limit in bytes.
    pub limit: u64,
}

/// The face of the node's images. Clones speak with the same actor.
#[derive(Debug, Clone)]
pub struct Images(Addr<Keeper>);

impl Images {
    /// Opens the directory, removes what a crash left there and what is over the limit, and starts
    /// the actor on the current arbiter. `holders` are the machines found on disk: what they need
    /// is kept.
    ///
    /// # Errors
    /// If the directory cannot be used.
    pub async fn open(
        config: ImagesConfig,
        holders: Holders,
        fetch: Arc<dyn Fetch>,
        clock: Clock,
    ) -> Result<Self, ImageError> {
        let directory = config.directory.clone();
        let found = runtime::pool::block(move || find(&directory)).await;
        let found = found.map_err(|e| ImageError::Files(e.to_string()))??;
        let mut table = Table::new(config.limit);
        for Found { sha256, size, .. } in &found {
            let holders = holders.get(sha256).cloned().unwrap_or_default();
            table.found(sha256, *size, holders);
        }
        let evicted = table.shrink();
        tracing::info!(images = found.len(), evicted = evicted.len(), "image cache opened");
        let (evictions, line) = mpsc::unbounded_channel();
        runtime::pool::spawn(evict_in_turn(config.directory.clone(), line));
        let directory = Arc::from(config.directory);
        let mut keeper = Keeper { directory, table, fetch, clock, evictions };
        keeper.evict_all(evicted);
        Ok(Self(keeper.start()))
    }

    /// Has an image on this node, held for a machine until it is released, and says where it lies.
    ///
    /// # Errors
    /// If it cannot be had; then it is not held.
    pub async fn ensure(
        &self,
        holder: &InstanceId,
        image: &ImageRef,
        tickets: &[ImageTicket],
    ) -> Result<PathBuf, ImageError> {
        let ticket = tickets.iter().find(|ticket| ticket.sha256 == image.sha256);
        let url = ticket.map(|ticket| ticket.url.clone());
        let ensure = Ensure { holder: holder.clone(), image: image.clone(), url };
        self.0.send(ensure).await.map_err(closed)?
    }

    /// Gives back everything that a machine holds.
    ///
    /// # Errors
    /// If the actor has gone.
    pub async fn release(&self, holder: &InstanceId) -> Result<(), ImageError> {
        self.0.send(Release(holder.clone())).await.map_err(closed)
    }
}

fn closed(error: actix::MailboxError) -> ImageError {
    ImageError::Files(error.to_string())
}

struct Ensure {
    holder: InstanceId,
    image: ImageRef,
    url: Option<String>,
}

impl Message for Ensure {
    type Result = Result<PathBuf, ImageError>;
}

struct Release(InstanceId);

impl Message for Release {
    type Result = ();
}

type Waiter = oneshot::Sender<Result<(), ImageError>>;

enum Turn {
    Remove(String),
    Reached(oneshot::Sender<()>),
}

struct Keeper {
    directory: Arc<Path>,
    table: Table<Waiter>,
    fetch: Arc<dyn Fetch>,
    clock: Clock,
    evictions: mpsc::UnboundedSender<Turn>,
}

impl Actor for Keeper {
    type Context = Context<Self>;
}

impl Handler<Ensure> for Keeper {
    type Result = ResponseFuture<Result<PathBuf, ImageError>>;

    fn handle(
        &mut self,
        Ensure { holder, image, url }: Ensure,
        ctx: &mut Context<Self>,
    ) -> Self::Result {
        if !is_sha256(&image.sha256) {
            return Box::pin(std::future::ready(Err(ImageError::Name(image.sha256))));
        }
        let path = self.directory.join(&image.sha256);
        let (waiter, woken) = oneshot::channel();
        for effect in self.table.want(&image.sha256, image.size, &holder, waiter) {
            match (effect, &url) {
                (Effect::Fetch(sha256), Some(url)) => {
                    self.fly(Wanted { url: url.clone(), sha256, size: image.size }, ctx);
                }
                (Effect::Fetch(sha256), None) => {
                    let error = ImageError::NoTicket(sha256.clone());
                    wake(self.table.landed(&sha256, Err(error)));
                }
                (other, _) => self.evict_all(vec![other]),
            }
        }
        let now = self.clock.now();
        Box::pin(async move {
            woken.await.map_err(|_| ImageError::Files("its keeper has gone".to_owned()))??;
            let used = path.clone();
            // The order of use survives a restart in the files' times; losing one use is no harm.
            if let Ok(Err(error)) = runtime::pool::block(move || touch(&used, now)).await {
                tracing::warn!(path = %path.display(), %error, "the use of an image is not noted");
            }
            Ok(path)
        })
    }
}

impl Handler<Release> for Keeper {
    type Result = ();

    fn handle(&mut self, Release(holder): Release, _: &mut Context<Self>) {
        self.table.release(&holder);
    }
}

impl Keeper {
    fn fly(&mut self, wanted: Wanted, ctx: &mut Context<Self>) {
        let (reached, turn) = oneshot::channel();
        let queued = self.evictions.send(Turn::Reached(reached)).is_ok();
        let (fetch, directory) = (self.fetch.clone(), self.directory.clone());
        let sha256 = wanted.sha256.clone();
        let flight = runtime::pool::run(async move {
            if !queued || turn.await.is_err() {
                return Err("evictions have stopped".to_owned());
            }
            land(&*fetch, &wanted, &directory).await
        });
        let landing = flight.into_actor(self).map(move |result, keeper: &mut Self, _| {
            let result = result.map_err(|error| error.to_string()).flatten();
            match &result {
                Ok(()) => tracing::info!(sha256, "image fetched"),
                Err(why) => tracing::warn!(sha256, why, "image not fetched"),
            }
            let result = result.map_err(|why| ImageError::Fetch { sha256: sha256.clone(), why });
            wake(keeper.table.landed(&sha256, result));
        });
        ctx.spawn(landing);
    }

    fn evict_all(&mut self, effects: Vec<Effect<Waiter>>) {
        let (evictions, others): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::Evict(_)));
        for effect in evictions {
            if let Effect::Evict(sha256) = effect {
                // The line ends only with this actor.
                drop(self.evictions.send(Turn::Remove(sha256)));
            }
        }
        wake(others);
    }
}

fn wake(effects: Vec<Effect<Waiter>>) {
    for effect in effects {
        if let Effect::Wake(waiter, result) = effect {
            // Whoever gave up waiting does not care.
            drop(waiter.send(result));
        }
    }
}

async fn evict_in_turn(directory: PathBuf, mut line: mpsc::UnboundedReceiver<Turn>) {
    while let Some(turn) = line.recv().await {
        match turn {
            Turn::Remove(sha256) => match tokio::fs::remove_file(directory.join(&sha256)).await {
                Ok(()) => tracing::info!(sha256, "image evicted"),
                Err(error) => tracing::warn!(sha256, %error, "image not evicted"),
            },
            // The flight may have been given up.
            Turn::Reached(flight) => drop(flight.send(())),
        }
    }
}

fn is_sha256(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn touch(path: &Path, now: Timestamp) -> std::io::Result<()> {
    let since = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    File::open(path)?.set_modified(UNIX_EPOCH + since)
}

struct Found {
    used: std::time::SystemTime,
    sha256: String,
    size: u64,
}

/// All images on disk, longest unused first. Only whole and checked ones have such a name.
fn find(directory: &Path) -> Result<Vec<Found>, ImageError> {
    let look = || {
        DirBuilder::new().mode(0o700).recursive(true).create(directory)?;
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let file = entry.metadata()?;
            if is_sha256(&name) && file.is_file() {
                found.push(Found { used: file.modified()?, sha256: name, size: file.len() });
            } else if name.strip_suffix(PART).is_some_and(|stem| stem.ends_with('.')) {
                std::fs::remove_file(entry.path())?;
            } else {
                tracing::warn!(name, "not an image; left alone");
            }
        }
        Ok(found)
    };
    let mut found = look().map_err(|error: std::io::Error| {
        ImageError::Files(format!("{}: {error}", directory.display()))
    })?;
    found.sort_by_key(|found| found.used);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use futures_util::future::{BoxFuture, FutureExt, join_all};
    use futures_util::stream::{self, StreamExt};
    use sha2::{Digest, Sha256};

    use common::wire::walrus::Layout;

    use super::*;
    use crate::image::fetch::{FetchError, Flow};

    /// Serves the URL's own text as the image, `gone` as nothing.
    #[derive(Default)]
    struct Echo(AtomicUsize);

    impl Fetch for Echo {
        fn open<'a>(&'a self, url: &'a str, _: u64) -> BoxFuture<'a, Result<Flow, FetchError>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let text = Bytes::from(url.to_owned());
            async move {
                match &text[..] {
                    b"gone" => Err(FetchError { text: "gone".to_owned(), retryable: false }),
                    _ => Ok(stream::iter([Ok(text)]).boxed()),
                }
            }
            .boxed()
        }
    }

    fn image(text: &str) -> (ImageRef, Vec<ImageTicket>) {
        let sha256 = hex::encode(Sha256::digest(text));
        let size = text.len() as u64;
        let expires = Timestamp::from_millis(0);
        let (url, named) = (text.to_owned(), sha256.clone());
        let ticket = ImageTicket { url, sha256: named, size, expires, layout: Layout::Bare };
        (ImageRef { image: "emi-00000001".parse().unwrap(), sha256, size }, vec![ticket])
    }

    fn id(number: u32) -> InstanceId {
        InstanceId::from_random(number.to_be_bytes())
    }

    fn in_system(test: impl Future<Output = ()>) {
        actix::System::new().block_on(test);
    }

    async fn open(directory: &Path, limit: u64, holders: Holders) -> (Images, Arc<Echo>) {
        let echo = Arc::new(Echo::default());
        let config = ImagesConfig { directory: directory.to_owned(), limit };
        let clock = Clock::manual(Timestamp::from_millis(1_000_000));
        (Images::open(config, holders, echo.clone(), clock).await.unwrap(), echo)
    }

    #[test]
    fn an_image_is_fetched_once_whatever_many_want_it() {
        in_system(async {
            let directory = tempfile::tempdir().unwrap();
            let (images, echo) = open(directory.path(), 100, Holders::new()).await;
            let (wanted, tickets) = image("twelve bytes");
            let (images, wanted, tickets) = (&images, &wanted, &tickets);
            let all = (0..20)
                .map(|n| async move { images.ensure(&id(n), wanted, tickets).await.unwrap() });
            for path in join_all(all).await {
                assert_eq!(std::fs::read(path).unwrap(), b"twelve bytes");
            }
            assert_eq!(echo.0.load(Ordering::SeqCst), 1);

            let (missing, _) = image("nowhere");
            let error = images.ensure(&id(1), &missing, tickets).await.unwrap_err();
            assert_eq!(error, ImageError::NoTicket(missing.sha256));
            let evil = ImageRef { sha256: "../x".to_owned(), ..wanted.clone() };
            let error = images.ensure(&id(1), &evil, tickets).await.unwrap_err();
            assert_eq!(error, ImageError::Name("../x".to_owned()));
        });
    }

    #[test]
    fn a_failed_fetch_is_told_and_can_be_tried_again() {
        in_system(async {
            let directory = tempfile::tempdir().unwrap();
            let (images, echo) = open(directory.path(), 100, Holders::new()).await;
            let (wanted, tickets) = image("gone");
            for _ in 0..2 {
                let error = images.ensure(&id(1), &wanted, &tickets).await.unwrap_err();
                assert!(error.to_string().contains("gone (at byte 0 of 4)"), "{error}");
            }
            assert_eq!(echo.0.load(Ordering::SeqCst), 2);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        });
    }

    #[test]
    fn after_a_restart_the_cache_is_what_is_on_disk() {
        in_system(async {
            let directory = tempfile::tempdir().unwrap();
            let texts = ["the first one", "the second!!!", "and the third"];
            let (images, _) = open(directory.path(), 39, Holders::new()).await;
            for text in texts {
                let (wanted, tickets) = image(text);
                images.ensure(&id(1), &wanted, &tickets).await.unwrap();
            }
            let file = |text| directory.path().join(image(text).0.sha256);
            touch(&file(texts[0]), Timestamp::from_millis(2_000_000)).unwrap();
            touch(&file(texts[1]), Timestamp::from_millis(1_500_000)).unwrap();
            std::fs::write(directory.path().join("x.part"), "left over").unwrap();

            // Room for two: the longest unused is held, so the second longest goes.
            let third = image(texts[2]).0.sha256;
            let holders = Holders::from([(third, BTreeSet::from([id(9)]))]);
            let (images, echo) = open(directory.path(), 26, holders).await;
            let (wanted, tickets) = image(texts[1]);
            images.ensure(&id(2), &wanted, &tickets).await.unwrap();
            assert_eq!(echo.0.load(Ordering::SeqCst), 1);
            assert!(file(texts[1]).exists() && file(texts[2]).exists());
            assert!(!file(texts[0]).exists() && !directory.path().join("x.part").exists());

            images.release(&id(9)).await.unwrap();
            let (wanted, tickets) = image(texts[0]);
            images.ensure(&id(2), &wanted, &tickets).await.unwrap();
            assert!(file(texts[0]).exists() && !file(texts[2]).exists());
        });
    }
}
