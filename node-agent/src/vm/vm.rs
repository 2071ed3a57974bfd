//! The actor that carries one machine: it does what [`super::machine`] decides.
//!
//! It owns the machine's state, its directory, and its place at the driver. It is asked by the
//! agent (a newer wish, a terminate) and looks only down. What it has become stands in two watch
//! channels: the view for reports and, as long as it may run, the wish for whoever must know it
//! (the metadata service). When both are closed its note has expired and nothing is left of it.
//!
//! Effects run on the pool and come back as events. Whatever is written to the directory is
//! written under one lock, which holds the wish as it stands on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message,
    ResponseActFuture, WrapFuture,
};
use common::error::ApiError;
use common::id::InstanceId;
use common::wire::node::{InstanceView, MachineState, Run};
use common::wire::spec::{InstanceSpec, MetadataOptions};
use runtime::pool;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::effects::{Hands, persist, prepare, rewire, sweep};
use super::folder::{Folder, FolderError, Kept, Note, Remains, Wish};
use super::machine::{self, Effect, Event, Found, State};
use crate::hypervisor::console::{self, Tail};
use crate::hypervisor::driver::{Driver, Ended, Launch};

/// How long a note is kept.
pub const NOTE_KEPT: Duration = Duration::from_secs(3600);

/// How often a running machine's console is trimmed.
const TRIM: Duration = Duration::from_secs(30);

/// The face of one machine.
#[derive(Debug, Clone)]
pub struct VmHandle {
    instance: InstanceId,
    directory: PathBuf,
    addr: Addr<Vm>,
    view: watch::Receiver<InstanceView>,
    spec: watch::Receiver<Option<Arc<InstanceSpec>>>,
}

impl VmHandle {
    /// Which machine.
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// Where it stands. Closes when its note has expired.
    pub fn view(&self) -> watch::Receiver<InstanceView> {
        self.view.clone()
    }

    /// What is wanted of it; `None` when it has ended.
    pub fn spec(&self) -> watch::Receiver<Option<Arc<InstanceSpec>>> {
        self.spec.clone()
    }

    /// Hands over a wish; an older one than it knows is ignored. Answers when it is on disk.
    ///
    /// # Errors
    /// `InternalError` if it cannot be written.
    pub async fn run(&self, run: Run) -> Result<(), ApiError> {
        self.addr.send(Wanted(run)).await.map_err(gone)?
    }

    /// Ends it; again and again is fine. Answers when the wish is on disk.
    ///
    /// # Errors
    /// `InternalError` if it cannot be written.
    pub async fn terminate(&self) -> Result<(), ApiError> {
        self.addr.send(Unwanted).await.map_err(gone)?
    }

    /// Hands over metadata options; older ones than it knows are ignored. Answers when they are on
    /// disk and told to whoever listens to [`VmHandle::spec`].
    ///
    /// # Errors
    /// `InternalError` if they cannot be written.
    pub async fn set_options(&self, options: MetadataOptions) -> Result<(), ApiError> {
        self.addr.send(Asked(options)).await.map_err(gone)?
    }

    /// Reads the end of its console; empty when it has ended.
    ///
    /// # Errors
    /// `InternalError` if the file cannot be read.
    pub async fn console(&self, driver: Arc<dyn Driver>) -> Result<Tail, ApiError> {
        let directory = self.directory.clone();
        let tail = pool::run(async move { driver.console(&directory).await }).await?;
        tail.map_err(|error| ApiError::internal("the console cannot be read", error))
    }
}

fn gone(error: actix::MailboxError) -> ApiError {
    ApiError::internal("the machine has gone", error)
}

struct Wanted(Run);

impl Message for Wanted {
    type Result = Result<(), ApiError>;
}

struct Asked(MetadataOptions);

impl Message for Asked {
    type Result = Result<(), ApiError>;
}

struct Unwanted;

impl Message for Unwanted {
    type Result = Result<(), ApiError>;
}

/// One machine. See the module.
pub struct Vm {
    hands: Arc<Hands>,
    folder: Folder,
    /// As it stands on disk; `None` when there is only a note.
    wish: Arc<Mutex<Option<Wish>>>,
    state: Option<State>,
    first: Vec<Effect>,
    launch: Option<Arc<Launch>>,
    abandon: watch::Sender<bool>,
    rewiring: Option<JoinHandle<()>>,
    view: watch::Sender<InstanceView>,
    spec: watch::Sender<Option<Arc<InstanceSpec>>>,
}

impl Vm {
    /// Writes down the wish for a new machine and starts to fulfil it. Must be called on an
    /// arbiter's thread.
    ///
    /// # Errors
    /// `InternalError` if the wish cannot be written; then there is no such machine.
    pub async fn create(
        instances: &Path,
        run: Run,
        hands: Arc<Hands>,
    ) -> Result<VmHandle, ApiError> {
        let instances = instances.to_owned();
        let wish = Wish { spec: run.spec, tickets: run.tickets, ending: false };
        let kept = pool::block(move || {
            let folder = Folder::of(&instances, &wish.spec.instance)?;
            folder.create(&wish)?;
            Ok(Kept { folder, what: Remains::Wish(Box::new(wish)), disk: false })
        });
        let kept = kept.await?.map_err(unwritten)?;
        Ok(Self::adopt(kept, false, hands))
    }

    /// Takes up a machine that was found on disk; `alive` if the driver found its process. Must be
    /// called on an arbiter's thread.
    pub fn adopt(kept: Kept, alive: bool, hands: Arc<Hands>) -> VmHandle {
        let now = hands.clock.now();
        let instance = kept.folder.instance().clone();
        let (found, wish, generation, since) = match kept.what {
            Remains::Note(Note { generation, end, since }) => {
                (Found::Note(end), None, generation, since)
            }
            Remains::Wish(wish) => {
                let (ending, generation) = (wish.ending, wish.spec.generation);
                let found = match alive {
                    true => Found::Alive { ending },
                    false => Found::Lifeless { ending, disk: kept.disk },
                };
                (found, Some(*wish), generation, now)
            }
        };
        let (state, first) = machine::begin(found, now);
        let reason = state.reason().map(str::to_owned);
        let options = wish.as_ref().map_or(0, |wish| wish.spec.metadata.options.revision);
        let shown =
            InstanceView { instance, generation, state: state.reported(), reason, since, options };
        let (view, shown) = watch::channel(shown);
        let spec = wish.as_ref().map(|wish| Arc::new(wish.spec.clone()));
        let (spec, wanted) = watch::channel(spec);
        let vm = Self {
            hands,
            folder: kept.folder.clone(),
            wish: Arc::new(Mutex::new(wish)),
            state: Some(state),
            first,
            launch: None,
            abandon: watch::Sender::new(false),
            rewiring: None,
            view,
            spec,
        };
        VmHandle {
            instance: kept.folder.instance().clone(),
            directory: kept.folder.path().to_owned(),
            addr: vm.start(),
            view: shown,
            spec: wanted,
        }
    }

    /// Lets others know of a wish that is on disk.
    fn shows(&self, wish: Wish) {
        let shown = (wish.spec.generation, wish.spec.metadata.options.revision);
        self.spec.send_replace(Some(Arc::new(wish.spec)));
        self.view.send_if_modified(|view| {
            let before = (view.generation, view.options);
            (view.generation, view.options) = shown;
            before != shown
        });
    }

    fn happened(&mut self, event: Event, ctx: &mut Context<Self>) {
        // The state is away only while this line runs.
        let Some(state) = self.state.take() else { return };
        tracing::debug!(instance = %self.folder.instance(), ?state, ?event, "machine");
        let (state, effects) = machine::step(state, event, self.hands.clock.now());
        self.enter(state, effects, ctx);
    }

    fn enter(&mut self, state: State, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        let (now, reported) = (self.hands.clock.now(), state.reported());
        let reason = state.reason().map(str::to_owned);
        self.view.send_if_modified(|view| {
            let moved = view.state != reported;
            if moved {
                view.since = now;
            }
            let changed = moved || view.reason != reason;
            (view.state, view.reason) = (reported, reason);
            changed
        });
        if matches!(state, State::Over(_)) {
            self.spec.send_replace(None);
        }
        self.state = Some(state);
        for effect in effects {
            self.perform(effect, ctx);
        }
    }

    fn perform(&mut self, effect: Effect, ctx: &mut Context<Self>) {
        let (hands, folder, wish) = (self.hands.clone(), self.folder.clone(), self.wish.clone());
        match effect {
            Effect::Prepare => {
                self.abandon.send_replace(false);
                let work = prepare(hands, folder, wish, self.abandon.subscribe());
                let done =
                    pool::run(work).into_actor(self).map(|result, vm: &mut Self, ctx| match result
                        .map_err(|error| error.to_string())
                        .flatten()
                    {
                        Ok(launch) => {
                            vm.launch = Some(Arc::new(launch));
                            vm.happened(Event::Prepared, ctx);
                        }
                        Err(why) => vm.happened(Event::Refused(why), ctx),
                    });
                ctx.spawn(done);
            }
            Effect::Abandon => {
                self.abandon.send_replace(true);
            }
            Effect::Start => {
                let launch = self.launch.clone();
                let start = async move {
                    let Some(launch) = launch else { return Event::Refused("not prepared".into()) };
                    match hands.driver.start(&launch).await {
                        Ok(()) => Event::Started,
                        Err(error) => Event::Refused(error.to_string()),
                    }
                };
                self.later(start, Event::Refused, ctx);
            }
            Effect::Pause(pause) => {
                let why = self.view.borrow().reason.clone().unwrap_or_default();
                let instance = self.folder.instance();
                tracing::warn!(%instance, why, ?pause, "refused; will be tried again");
                ctx.run_later(pause, |vm, ctx| vm.happened(Event::Due, ctx));
            }
            Effect::Watch => {
                let ended = async move { Event::Ended(hands.driver.ended(folder.path()).await) };
                self.later(ended, |why| Event::Ended(Ended::Lost(why)), ctx);
            }
            Effect::Kill => {
                let kill = async move {
                    let path = folder.path();
                    persist("kill", &folder, || async { hands.driver.kill(path).await }).await;
                    Event::Ended(Ended::Killed)
                };
                self.later(kill, |why| Event::Ended(Ended::Lost(why)), ctx);
            }
            Effect::Rewire => {
                self.abandon.send_replace(false);
                let rewire = rewire(hands, folder, wish, self.abandon.subscribe());
                self.rewiring = Some(pool::spawn(rewire));
            }
            Effect::Sweep(end) => {
                self.abandon.send_replace(true);
                let (rewiring, view) = (self.rewiring.take(), self.view.borrow().clone());
                // A note that was found stays as it is.
                let note = match view.state {
                    MachineState::Gone | MachineState::Failed => None,
                    _ => {
                        let (generation, since) = (view.generation, self.hands.clock.now());
                        Some(Note { generation, end, since })
                    }
                };
                let sweep = async move {
                    if let Some(rewiring) = rewiring {
                        drop(rewiring.await);
                    }
                    let once = || sweep(&hands, &folder, &wish, note.as_ref());
                    persist("sweep", &folder, once).await;
                    Event::Swept
                };
                self.later(sweep, |_| Event::Swept, ctx);
            }
            Effect::Expire => self.expire_later(ctx),
        }
    }

    fn later(
        &self,
        work: impl Future<Output = Event> + Send + 'static,
        broken: fn(String) -> Event,
        ctx: &mut Context<Self>,
    ) {
        let done = pool::run(work).into_actor(self).map(move |result, vm: &mut Self, ctx| {
            let event = result.unwrap_or_else(|error| {
                tracing::error!(instance = %vm.folder.instance(), %error, "an effect broke");
                broken(error.to_string())
            });
            vm.happened(event, ctx);
        });
        ctx.spawn(done);
    }

    fn expire_later(&self, ctx: &mut Context<Self>) {
        let rest = NOTE_KEPT.saturating_sub(self.hands.clock.now().since(self.view.borrow().since));
        ctx.run_later(rest, |vm, ctx| {
            let folder = vm.folder.clone();
            let removed = pool::block(move || folder.remove()).into_actor(vm);
            ctx.spawn(removed.map(|result, vm, ctx| {
                if let Ok(Err(error)) = result {
                    tracing::warn!(instance = %vm.folder.instance(), %error, "a note stays");
                }
                ctx.stop();
            }));
        });
    }
}

impl Actor for Vm {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let first = std::mem::take(&mut self.first);
        if let Some(state) = self.state.take() {
            self.enter(state, first, ctx);
        }
        ctx.run_interval(TRIM, |vm, _| {
            if matches!(vm.state, Some(State::Running { .. })) {
                let folder = vm.folder.clone();
                pool::spawn(async move {
                    let path = folder.path().to_owned();
                    if let Ok(Err(error)) = pool::block(move || console::trim(&path)).await {
                        tracing::warn!(%error, "a console cannot be trimmed");
                    }
                });
            }
        });
    }
}

impl Handler<Wanted> for Vm {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(&mut self, Wanted(run): Wanted, _: &mut Context<Self>) -> Self::Result {
        let (folder, wish) = (self.folder.clone(), self.wish.clone());
        let written = pool::run(async move {
            change(&folder, &wish, |known| {
                let newer = run.spec.generation >= known.spec.generation;
                let mut spec = run.spec;
                // They have a count of their own.
                if spec.metadata.options.revision < known.spec.metadata.options.revision {
                    spec.metadata.options = known.spec.metadata.options;
                }
                newer.then_some(Wish { spec, tickets: run.tickets, ending: known.ending })
            })
            .await
        });
        Box::pin(written.into_actor(self).map(|result, vm, _| {
            if let Some(wish) = result.flatten()? {
                vm.shows(wish);
            }
            Ok(())
        }))
    }
}

impl Handler<Asked> for Vm {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(&mut self, Asked(options): Asked, _: &mut Context<Self>) -> Self::Result {
        let (folder, wish) = (self.folder.clone(), self.wish.clone());
        let written = pool::run(async move {
            change(&folder, &wish, |known| {
                let newer = options.revision >= known.spec.metadata.options.revision;
                newer.then(|| {
                    let mut next = known.clone();
                    next.spec.metadata.options = options;
                    next
                })
            })
            .await
        });
        Box::pin(written.into_actor(self).map(|result, vm, _| {
            if let Some(wish) = result.flatten()? {
                vm.shows(wish);
            }
            Ok(())
        }))
    }
}

impl Handler<Unwanted> for Vm {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(&mut self, _: Unwanted, _: &mut Context<Self>) -> Self::Result {
        let (folder, wish) = (self.folder.clone(), self.wish.clone());
        let written = pool::run(async move {
            change(&folder, &wish, |known| Some(Wish { ending: true, ..known.clone() })).await
        });
        Box::pin(written.into_actor(self).map(|result, vm, ctx| {
            result.flatten()?;
            vm.happened(Event::Terminate, ctx);
            Ok(())
        }))
    }
}

/// Replaces the wish on disk and in memory, unless the machine has ended.
async fn change(
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

fn unwritten(error: FolderError) -> ApiError {
    ApiError::internal("the wish for the machine cannot be kept", error)
}
