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
use common::wire::node::{Adjust, InstanceView, MachineState, Run};
use common::wire::role::InstanceRole;
use common::wire::spec::{InstanceSpec, MetadataOptions};
use runtime::pool;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::effects::{
    Hands, change, park, persist, prepare, rewire, spread, start, sweep, unwritten,
};
use super::folder::{Folder, Halted, Kept, Note, Remains, Wish};
use super::machine::{self, Effect, Event, Found, Given, Halt, Rest, State, Wanted};
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
    gate: Arc<Mutex<()>>,
    halt: watch::Receiver<Option<Halt>>,
    view: watch::Receiver<InstanceView>,
    spec: watch::Receiver<Option<Arc<InstanceSpec>>>,
}

impl VmHandle {
    /// Which machine.
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// As long as somebody holds this, the machine is not started: one that is off stays off, and
    /// its disk as it is.
    pub fn gate(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.gate)
    }

    /// Shuts its guest down and starts it again, as a reboot does; nothing happens to one that is
    /// off. Answers when the wish is on disk.
    ///
    /// # Errors
    /// `InternalError` if it cannot be written.
    pub async fn restart(&self) -> Result<(), ApiError> {
        let tell = |known: &Wish| {
            let runs = matches!(known.wanted(), Wanted::On { .. });
            runs.then(|| Wish { restart: true, ..known.clone() })
        };
        self.addr.send(Told(Box::new(tell))).await.map_err(gone)?
    }

    /// How its guest went off the last time it was asked to; `None` since it was started. Known
    /// before the view shows that it is off.
    pub fn halt(&self) -> Option<Halt> {
        *self.halt.borrow()
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
        let tell = move |known: &Wish| {
            let newer = run.spec.generation >= known.spec.generation;
            let mut spec = run.spec;
            // They have a count of their own.
            if spec.metadata.options.revision < known.spec.metadata.options.revision {
                spec.metadata.options = known.spec.metadata.options;
            }
            if spec.metadata.role.revision < known.spec.metadata.role.revision {
                spec.metadata.role = known.spec.metadata.role.clone();
            }
            newer.then(|| Wish { spec, tickets: run.tickets, ..known.clone() })
        };
        self.addr.send(Told(Box::new(tell))).await.map_err(gone)?
    }

    /// Hands over whether it is on; of an older wish than it knows nothing is heeded. Answers when
    /// it is on disk.
    ///
    /// # Errors
    /// `InternalError` if it cannot be written.
    pub async fn adjust(&self, adjust: Adjust) -> Result<(), ApiError> {
        let tell = move |known: &Wish| {
            let mut next = known.clone();
            (next.spec.generation, next.spec.power) = (adjust.generation, adjust.power);
            (adjust.generation >= known.spec.generation).then_some(next)
        };
        self.addr.send(Told(Box::new(tell))).await.map_err(gone)?
    }

    /// Ends it; again and again is fine. Answers when the wish is on disk.
    ///
    /// # Errors
    /// `InternalError` if it cannot be written.
    pub async fn terminate(&self) -> Result<(), ApiError> {
        let tell = |known: &Wish| Some(Wish { ending: true, ..known.clone() });
        self.addr.send(Told(Box::new(tell))).await.map_err(gone)?
    }

    /// Hands over metadata options; older ones than it knows are ignored. Answers when they are on
    /// disk and told to whoever listens to [`VmHandle::spec`].
    ///
    /// # Errors
    /// `InternalError` if they cannot be written.
    pub async fn set_options(&self, options: MetadataOptions) -> Result<(), ApiError> {
        let tell = move |known: &Wish| {
            let mut next = known.clone();
            next.spec.metadata.options = options;
            (options.revision >= known.spec.metadata.options.revision).then_some(next)
        };
        self.addr.send(Told(Box::new(tell))).await.map_err(gone)?
    }

    /// Hands over what it is by its instance profile; an older association than it knows is
    /// ignored. Answers when it is on disk and told to whoever listens to [`VmHandle::spec`].
    ///
    /// # Errors
    /// `InternalError` if it cannot be written.
    pub async fn set_role(&self, role: InstanceRole) -> Result<(), ApiError> {
        let tell = move |known: &Wish| {
            let newer = role.revision >= known.spec.metadata.role.revision;
            let mut next = known.clone();
            next.spec.metadata.role = role;
            newer.then_some(next)
        };
        self.addr.send(Told(Box::new(tell))).await.map_err(gone)?
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

/// What a wish becomes; `None`: it stays as it is.
type Tell = Box<dyn FnOnce(&Wish) -> Option<Wish> + Send>;

struct Told(Tell);

impl Message for Told {
    type Result = Result<(), ApiError>;
}

/// One machine. See the module.
pub struct Vm {
    hands: Arc<Hands>,
    folder: Folder,
    /// As it stands on disk; `None` when there is only a note.
    wish: Arc<Mutex<Option<Wish>>>,
    /// What the wish on disk comes to; of machines that have ended what it came to last.
    wanted: Wanted,
    state: Option<State>,
    first: Vec<Effect>,
    /// What was prepared, and how many reboots are behind it when it has started.
    launch: Option<(Arc<Launch>, u64)>,
    /// Counts starts: what is heard of an earlier process is not of this one.
    life: u64,
    /// The generation of the wish under which it went off by itself last.
    halted: Option<u64>,
    abandon: watch::Sender<bool>,
    /// Held by whoever wants it to be off for a while.
    gate: Arc<Mutex<()>>,
    halt: watch::Sender<Option<Halt>>,
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
        let wish = Wish::new(run.spec, run.tickets);
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
                // An overlay that no guest was ever started from holds nothing.
                let ran = kept.disk && wish.started != Some(false);
                let found = match (alive, wish.wanted()) {
                    (true, wanted) => Found::Alive(wanted),
                    (false, wanted) => Found::Lifeless { wanted, ran },
                };
                let generation = wish.spec.generation;
                (found, Some(*wish), generation, now)
            }
        };
        let wanted = wish.as_ref().map_or(Wanted::Gone, Wish::wanted);
        let spec = wish.as_ref().map(|wish| Arc::new(wish.spec.clone()));
        let (state, first) = machine::begin(found, given(&hands, spec.as_deref()));
        let view = InstanceView {
            instance,
            generation,
            state: state.reported(),
            reason: state.reason().map(str::to_owned),
            since,
            ran: state.has_run(),
            broke: state.broke(),
            options: wish.as_ref().map_or(0, |wish| wish.spec.metadata.options.revision),
            role: wish.as_ref().map(|wish| wish.spec.metadata.role.view()).unwrap_or_default(),
        };
        let (view, shown) = watch::channel(view);
        let (spec, told) = watch::channel(spec);
        let gate = Arc::new(Mutex::new(()));
        let (halt, halted) = watch::channel(None);
        let vm = Self {
            hands,
            folder: kept.folder.clone(),
            wish: Arc::new(Mutex::new(wish)),
            wanted,
            state: Some(state),
            first,
            launch: None,
            life: 0,
            halted: None,
            abandon: watch::Sender::new(false),
            gate: Arc::clone(&gate),
            halt,
            rewiring: None,
            view,
            spec,
        };
        VmHandle {
            instance: kept.folder.instance().clone(),
            directory: kept.folder.path().to_owned(),
            addr: vm.start(),
            gate,
            halt: halted,
            view: shown,
            spec: told,
        }
    }

    fn happened(&mut self, event: Event, ctx: &mut Context<Self>) {
        // The state is away only while this line runs.
        let Some(state) = self.state.take() else { return };
        tracing::debug!(instance = %self.folder.instance(), ?state, ?event, "machine");
        if let Some(halt) = state.halt(&event) {
            self.halt.send_replace(Some(halt));
        } else if event == Event::Started {
            self.halt.send_replace(None);
        }
        let given = given(&self.hands, self.spec.borrow().as_deref());
        let (state, effects) = machine::step(state, event, given);
        self.enter(state, effects, ctx);
    }

    fn enter(&mut self, state: State, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        let (now, reported) = (self.hands.clock.now(), state.reported());
        let generation = self.generation();
        // The generation and what it led to are seen together or not at all.
        self.view.send_if_modified(|view| {
            let mut next = view.clone();
            next.generation = generation.unwrap_or(view.generation);
            next.reason = state.reason().map(str::to_owned);
            (next.ran, next.broke) = (state.has_run(), state.broke());
            if view.state != reported {
                (next.state, next.since) = (reported, now);
            }
            let changed = *view != next;
            *view = next;
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
                let gate = Arc::clone(&self.gate);
                let work = prepare(hands, folder, wish, (gate, self.abandon.subscribe()));
                let done =
                    pool::run(work).into_actor(self).map(|result, vm: &mut Self, ctx| match result
                        .map_err(|error| error.to_string())
                        .flatten()
                    {
                        Ok((launch, reboots)) => {
                            vm.launch = Some((Arc::new(launch), reboots));
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
                self.life += 1;
                let launch = self.launch.clone();
                let start = async move {
                    let Some((launch, reboots)) = launch else {
                        return Event::Refused("not prepared".into());
                    };
                    if let Err(why) = start(&hands, &folder, &wish, &launch).await {
                        return Event::Refused(why);
                    }
                    // If this is not kept the machine reboots once more, which is no harm.
                    let behind = |known: &Wish| {
                        let rebooted = known.rebooted.max(reboots);
                        Some(Wish { rebooted, restart: false, ..known.clone() })
                    };
                    if let Err(error) = change(&folder, &wish, behind).await {
                        tracing::warn!(instance = %folder.instance(), %error, "a reboot is not noted");
                    }
                    Event::Started
                };
                self.later(start, Event::Refused, ctx);
            }
            Effect::Pause(pause) => {
                let pause = spread(pause);
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
                    Event::Killed
                };
                self.later(kill, |_| Event::Killed, ctx);
            }
            Effect::Ask(grace) => {
                pool::spawn(async move {
                    if let Err(error) = hands.driver.ask_off(folder.path()).await {
                        tracing::warn!(instance = %folder.instance(), %error, "not asked to end");
                    }
                });
                let life = self.life;
                ctx.run_later(grace, move |vm, ctx| {
                    if vm.life == life {
                        vm.happened(Event::Overdue, ctx);
                    }
                });
            }
            Effect::Park(rest) => {
                self.abandon.send_replace(true);
                let rewiring = self.rewiring.take();
                let generation = self.view.borrow().generation;
                let halted = (rest != Rest::Wished).then_some(Halted { generation, rest });
                if halted.is_some() {
                    self.halted = Some(generation);
                }
                let park = async move {
                    if let Some(rewiring) = rewiring {
                        drop(rewiring.await);
                    }
                    let once = || park(&hands, &folder, &wish, halted.as_ref());
                    persist("park", &folder, once).await;
                    Event::Parked
                };
                self.later(park, |_| Event::Parked, ctx);
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
        let life = self.life;
        let done = pool::run(work).into_actor(self).map(move |result, vm: &mut Self, ctx| {
            if vm.life != life {
                return;
            }
            let event = result.unwrap_or_else(|error| {
                tracing::error!(instance = %vm.folder.instance(), %error, "an effect broke");
                broken(error.to_string())
            });
            let begun = matches!(event, Event::Started);
            vm.happened(event, ctx);
            if begun {
                vm.reread(ctx);
            }
        });
        ctx.spawn(done);
    }

    /// Looks whether a reboot was wished for while the machine was being started.
    fn reread(&self, ctx: &mut Context<Self>) {
        let wish = self.wish.clone();
        let wanted = pool::run(async move { wish.lock().await.as_ref().map(Wish::wanted) });
        ctx.spawn(wanted.into_actor(self).map(|wanted, vm, ctx| {
            if let Ok(Some(Wanted::On { reboot: true })) = wanted {
                vm.happened(Event::Reboot, ctx);
            }
        }));
    }

    fn generation(&self) -> Option<u64> {
        self.spec.borrow().as_ref().map(|spec| spec.generation)
    }

    /// Turns to what is wanted; nothing happens if that is so already.
    fn heed(&mut self, ctx: &mut Context<Self>) {
        match self.wanted {
            Wanted::Gone => self.happened(Event::Terminate, ctx),
            Wanted::Off { rest: Rest::Wished, force } => self.happened(Event::Stop { force }, ctx),
            // It went off by itself, which nobody needs to tell it.
            Wanted::Off { .. } => {}
            // It is going off by itself just now, under this very wish.
            Wanted::On { .. } if self.halted >= self.generation() => {}
            Wanted::On { reboot } => {
                self.happened(Event::Run, ctx);
                if reboot {
                    self.happened(Event::Reboot, ctx);
                }
            }
        }
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

impl Handler<Told> for Vm {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(&mut self, Told(tell): Told, _: &mut Context<Self>) -> Self::Result {
        let (folder, wish) = (self.folder.clone(), self.wish.clone());
        let written = pool::run(async move { change(&folder, &wish, tell).await });
        Box::pin(written.into_actor(self).map(|result, vm, ctx| {
            let Some(wish) = result.flatten()? else { return Ok(()) };
            // Two that were written one after the other may be heard of the other way round.
            let older =
                vm.spec.borrow().as_deref().is_some_and(|known| age(known) > age(&wish.spec));
            if !matches!(vm.wanted, Wanted::Gone) {
                if older {
                    return Ok(());
                }
                vm.wanted = wish.wanted();
            }
            let options = wish.spec.metadata.options.revision;
            let role = wish.spec.metadata.role.view();
            vm.spec.send_replace(Some(Arc::new(wish.spec)));
            vm.view.send_if_modified(|view| {
                let news = view.options != options || view.role != role;
                (view.options, view.role) = (options, role);
                news
            });
            vm.heed(ctx);
            Ok(())
        }))
    }
}

/// What grows from wish to wish: its generation, and the revisions of its metadata options and of
/// its role.
fn age(spec: &InstanceSpec) -> (u64, u64, u64) {
    (spec.generation, spec.metadata.options.revision, spec.metadata.role.revision)
}

fn given(hands: &Hands, spec: Option<&InstanceSpec>) -> Given {
    let on_shutdown = spec.map(|spec| spec.power.on_shutdown).unwrap_or_default();
    Given { now: hands.clock.now(), on_shutdown, grace: hands.grace }
}
