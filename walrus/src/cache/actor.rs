//! The actor around the table: it runs what the table decides, on the pool.
//!
//! ```text
//!   Want ──▶ table ──▶ effects, in their order, as one job of the pool:
//!                      remove files, then unpack ──▶ Landed ──▶ table ──▶ …
//! ```
//! It owns which images are where, which flights run, and who waits; a [`Pin`] keeps an image from
//! being evicted until it is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext as _, Addr, AsyncContext as _, Context, Handler, MailboxError, Message,
    MessageResult, ResponseFuture,
};
use common::error::{ApiError, ErrorCode};
use common::wire::cached::EvictedImages;
use common::wire::walrus::CacheView;
use runtime::pool;
use tokio::sync::{oneshot, watch};

use super::disk::{Disk, Image, remove};
use super::flights::Flights;
use super::table::{Effect, Entry, Failure, Figures, Kept, Key, Outcome, Table, Waiter};
use super::unbundle::Flight;

/// How long an image that somebody is going to read is held against the queue: longer than a node
/// takes to be told of it and to begin.
const HOLD: Duration = Duration::from_secs(5);

/// Somebody who waits for an image.
struct Guest {
    tell: oneshot::Sender<Outcome>,
    reads: bool,
}

impl Waiter for Guest {
    fn listens(&self) -> bool {
        !self.tell.is_closed()
    }

    fn reads(&self) -> bool {
        self.reads
    }
}

type Effects = Vec<Effect<Guest>>;

/// What can be seen of the cache without asking its actor.
#[derive(Clone)]
pub(crate) struct Seen {
    /// Its present figures.
    pub(crate) figures: watch::Receiver<CacheView>,
    /// Which images are under way, and how far.
    pub(crate) flights: Flights,
    /// Counts what changes.
    pub(crate) revision: watch::Receiver<u64>,
}

/// The actor.
pub(crate) struct Cache {
    table: Table<Guest>,
    disk: Arc<Disk>,
    images: BTreeMap<Key, Image>,
    /// What will be needed to unpack the images that are queued.
    prepared: BTreeMap<Key, Flight>,
    /// How far the images are that are under way, for all to see.
    flights: Flights,
    figures: watch::Sender<CacheView>,
    revision: watch::Sender<u64>,
}

impl Cache {
    /// Starts the actor with the images found on disk; `limit` is in bytes, and so many are
    /// unpacked at once.
    pub(crate) fn start(
        disk: Arc<Disk>,
        found: Vec<(Key, Image)>,
        limit: u64,
        at_once: usize,
    ) -> (Addr<Self>, Seen) {
        let (figures, seen) = watch::channel(CacheView::default());
        let (revision, changes) = watch::channel(1);
        let flights = Flights::default();
        let mut table = Table::new(limit, at_once);
        for (key, image) in &found {
            table.found(key.clone(), image.size);
        }
        let actor = Self {
            table,
            disk,
            images: found.into_iter().collect(),
            prepared: BTreeMap::new(),
            flights: flights.clone(),
            figures,
            revision,
        };
        (Actor::start(actor), Seen { figures: seen, flights, revision: changes })
    }

    /// Tells whoever looks that something may have changed.
    fn publish(&self) {
        self.figures.send_replace(view(self.table.figures()));
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// Does what the table decided.
    fn run(&mut self, effects: Effects, ctx: &mut Context<Self>) {
        let cache = ctx.address();
        let (mut unwanted, mut starts) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::Remove(key) => unwanted.extend(self.images.remove(&key)),
                Effect::Tell(waiters, outcome) => {
                    for waiter in waiters {
                        // Whoever has given up needs no answer.
                        drop(waiter.tell.send(outcome.clone()));
                    }
                }
                Effect::Hold(key, moment) => {
                    ctx.run_later(HOLD, move |cache, ctx| {
                        let effects = cache.table.lapsed(&key, moment);
                        cache.run(effects, ctx);
                    });
                }
                Effect::Discard(key) => {
                    self.flights.end(&key);
                    drop(self.prepared.remove(&key));
                }
                Effect::Start(key) => {
                    let progress = self.flights.start(&key);
                    starts.push((self.prepared.remove(&key), key, progress));
                }
            }
        }
        self.publish();
        if unwanted.is_empty() && starts.is_empty() {
            return;
        }
        let disk = Arc::clone(&self.disk);
        pool::spawn(async move {
            // Room is made before it is used.
            let removed = pool::block(move || {
                unwanted.iter().for_each(|image: &Image| remove(&image.path));
            });
            drop(removed.await);
            for (flight, key, progress) in starts {
                let (disk, cache) = (Arc::clone(&disk), cache.clone());
                pool::spawn(async move {
                    let flown = key.clone();
                    let flew = pool::block(move || match flight {
                        Some(flight) => flight.fly(&flown, &disk, &progress),
                        None => Err(unprepared()),
                    })
                    .await;
                    let result = flew.unwrap_or_else(|error| {
                        Err(Failure { reason: error.text().to_owned(), retryable: true })
                    });
                    // An actor that is gone finds the file at its next start.
                    let _ = cache.send(Landed { key, result }).await;
                });
            }
        });
    }
}

/// A flight that nobody prepared: a mistake of ours, which must not keep its image in the air.
fn unprepared() -> Failure {
    Failure { reason: "the image has to be asked for again".to_owned(), retryable: true }
}

fn view(figures: Figures) -> CacheView {
    CacheView {
        limit: figures.limit,
        used: figures.used,
        reserved: figures.reserved,
        images: figures.images,
        hits: figures.hits,
        misses: figures.misses,
        evictions: figures.evictions,
        flights: figures.flights,
        queued: figures.queued,
        pins: figures.pins,
    }
}

impl Actor for Cache {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let effects = self.table.settle_found();
        self.run(effects, ctx);
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.flights.stop();
    }
}

/// Somebody wants an image.
pub(crate) struct Want {
    /// Its key.
    pub(crate) key: Key,
    /// What it takes to unpack it; not used if it is there.
    pub(crate) flight: Box<Flight>,
    /// How long to wait for it.
    pub(crate) wait: Duration,
    /// Whether it is going to be read.
    pub(crate) reads: bool,
}

/// The error of a message to an actor that has ended.
pub(crate) fn stopping(gone: MailboxError) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "The service is stopping").because(gone)
}

/// Where a wanted image stands.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// It is there.
    Here(Image),
    /// It waits for room or is being unpacked: bytes done, bytes in all.
    Unpacking(u64, u64),
    /// It cannot be had.
    Failed(Failure),
}

impl Message for Want {
    type Result = Result<Wanted, ApiError>;
}

impl Handler<Want> for Cache {
    type Result = ResponseFuture<Result<Wanted, ApiError>>;

    fn handle(&mut self, want: Want, ctx: &mut Context<Self>) -> Self::Result {
        let Want { key, flight, wait, reads } = want;
        let (tell, mut outcome) = oneshot::channel();
        let (size, total) = (flight.manifest.size, flight.manifest.bundled_size);
        if self.table.is_absent(&key) {
            self.flights.queue(&key, total);
            self.prepared.insert(key.clone(), *flight);
        }
        let effects = self.table.want(&key, size, Guest { tell, reads });
        self.run(effects, ctx);
        let (cache, flights) = (ctx.address(), self.flights.clone());
        Box::pin(async move {
            let mut told = outcome.try_recv().ok();
            if told.is_none() {
                let waited = tokio::time::timeout(wait, &mut outcome).await;
                // From here on nobody listens: a later failure is kept for the next who asks.
                outcome.close();
                told = waited.ok().and_then(Result::ok).or_else(|| outcome.try_recv().ok());
            }
            match told {
                Some(Outcome::Failed(failure)) => Ok(Wanted::Failed(failure)),
                // An image that was evicted at once has to be asked for again.
                Some(Outcome::Here) => match cache.send(Find(key)).await.map_err(stopping)? {
                    Some(image) => Ok(Wanted::Here(image)),
                    None => Ok(Wanted::Unpacking(0, total)),
                },
                None => Ok(Wanted::Unpacking(flights.done(&key), total)),
            }
        })
    }
}

/// Where an image is.
struct Find(Key);

impl Message for Find {
    type Result = Option<Image>;
}

impl Handler<Find> for Cache {
    type Result = Option<Image>;
    fn handle(&mut self, find: Find, _: &mut Context<Self>) -> Self::Result {
        self.images.get(&find.0).cloned()
    }
}

/// Which images are there.
pub(crate) struct List;

impl Message for List {
    type Result = Vec<(Key, Image)>;
}

impl Handler<List> for Cache {
    type Result = MessageResult<List>;
    fn handle(&mut self, _: List, _: &mut Context<Self>) -> Self::Result {
        let all = self.images.iter().map(|(key, image)| (key.clone(), image.clone()));
        MessageResult(all.collect())
    }
}

/// Where each image stands, with its file if it is there; and the revision that this is of.
pub(crate) struct Look;

impl Message for Look {
    type Result = (u64, CacheView, Vec<(Entry, Option<Image>)>);
}

impl Handler<Look> for Cache {
    type Result = MessageResult<Look>;
    fn handle(&mut self, _: Look, _: &mut Context<Self>) -> Self::Result {
        let all = self.table.entries().into_iter();
        let all = all.map(|entry| (self.images.get(&entry.key).cloned(), entry));
        let figures = view(self.table.figures());
        let entries = all.map(|(image, entry)| (entry, image)).collect();
        MessageResult((*self.revision.borrow(), figures, entries))
    }
}

/// An administrator wants room: this image, or all that nobody uses.
pub(crate) struct Evict(pub(crate) Option<Key>);

impl Message for Evict {
    type Result = Result<EvictedImages, Kept>;
}

impl Handler<Evict> for Cache {
    type Result = Result<EvictedImages, Kept>;
    fn handle(&mut self, evict: Evict, ctx: &mut Context<Self>) -> Self::Result {
        let all = evict.0.is_none();
        let keys = evict.0.map_or_else(|| self.images.keys().cloned().collect(), |key| vec![key]);
        let mut evicted = EvictedImages::default();
        for key in keys {
            let bytes = self.images.get(&key).map_or(0, |image| image.size);
            match self.table.evict_one(&key) {
                Ok(effects) => {
                    self.run(effects, ctx);
                    tracing::info!(key, bytes, "an administrator evicted an image");
                    evicted.images += 1;
                    evicted.bytes = evicted.bytes.saturating_add(bytes);
                }
                Err(kept) if !all => return Err(kept),
                Err(_) => {}
            }
        }
        Ok(evicted)
    }
}

/// A flight has ended.
struct Landed {
    key: Key,
    result: Result<Image, Failure>,
}

impl Message for Landed {
    type Result = ();
}

impl Handler<Landed> for Cache {
    type Result = ();
    fn handle(&mut self, landed: Landed, ctx: &mut Context<Self>) {
        self.flights.end(&landed.key);
        let effects = match landed.result {
            Ok(image) => {
                tracing::info!(key = landed.key, size = image.size, "an image was unpacked");
                self.images.insert(landed.key.clone(), image);
                self.table.landed(&landed.key)
            }
            Err(failure) => {
                tracing::info!(key = landed.key, reason = failure.reason, "an image failed");
                self.table.failed(&landed.key, failure)
            }
        };
        self.run(effects, ctx);
    }
}

/// Somebody begins to read an image.
pub(crate) struct PinImage(pub(crate) Key);

/// Keeps an image from being evicted until it is dropped.
pub(crate) struct Pin {
    /// Empty once the cache has let go of it.
    key: Key,
    /// The image.
    pub(crate) image: Image,
    cache: Addr<Cache>,
}

impl Drop for Pin {
    fn drop(&mut self) {
        if self.key.is_empty() {
            return;
        }
        let (key, cache) = (std::mem::take(&mut self.key), self.cache.clone());
        pool::spawn(async move {
            // An actor that is gone evicts nothing.
            let _ = cache.send(Unpin(key)).await;
        });
    }
}

impl Message for PinImage {
    type Result = Option<Pin>;
}

impl Handler<PinImage> for Cache {
    type Result = MessageResult<PinImage>;
    fn handle(&mut self, pin: PinImage, ctx: &mut Context<Self>) -> Self::Result {
        let PinImage(key) = pin;
        let image = self.images.get(&key).cloned().filter(|_| self.table.pin(&key));
        self.publish();
        MessageResult(image.map(|image| Pin { key, image, cache: ctx.address() }))
    }
}

struct Unpin(Key);

impl Message for Unpin {
    type Result = ();
}

impl Handler<Unpin> for Cache {
    type Result = ();
    fn handle(&mut self, unpin: Unpin, ctx: &mut Context<Self>) {
        let effects = self.table.unpin(&unpin.0);
        self.run(effects, ctx);
    }
}

/// An image is not needed any more.
pub(crate) struct Forget(pub(crate) Key);

impl Message for Forget {
    type Result = ();
}

impl Handler<Forget> for Cache {
    type Result = ();
    fn handle(&mut self, forget: Forget, ctx: &mut Context<Self>) {
        let effects = self.table.forget(&forget.0);
        self.run(effects, ctx);
    }
}

/// An image's bundle was found good: an earlier failure of it is not told any more.
pub(crate) struct FoundGood(pub(crate) Key);

impl Message for FoundGood {
    type Result = ();
}

impl Handler<FoundGood> for Cache {
    type Result = ();
    fn handle(&mut self, found: FoundGood, _: &mut Context<Self>) {
        self.table.found_good(&found.0);
    }
}

/// The file of a pinned image is not there: somebody else has removed it.
pub(crate) struct Lost(pub(crate) Pin);

impl Message for Lost {
    type Result = ();
}

impl Handler<Lost> for Cache {
    type Result = ();
    fn handle(&mut self, mut lost: Lost, ctx: &mut Context<Self>) {
        // The pin is let go of here, so that whoever asks next finds the image absent.
        let key = std::mem::take(&mut lost.0.key);
        let mut effects = self.table.forget(&key);
        effects.extend(self.table.unpin(&key));
        self.run(effects, ctx);
    }
}

/// The limit becomes another one, in bytes.
pub(crate) struct Limit(pub(crate) u64);

impl Message for Limit {
    type Result = ();
}

impl Handler<Limit> for Cache {
    type Result = ();
    fn handle(&mut self, limit: Limit, ctx: &mut Context<Self>) {
        let effects = self.table.set_limit(limit.0);
        self.run(effects, ctx);
    }
}

/// The service stops: flights end at their next chunk.
pub(crate) struct Stop;

impl Message for Stop {
    type Result = ();
}

impl Handler<Stop> for Cache {
    type Result = ();
    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
