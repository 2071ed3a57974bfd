//! The actor that carries the node's bundle tasks: it does what [`super::machine`] decides.
//!
//! It owns the list of tasks and their notes; how they stand is read from a watch channel. A task is
//! begun, cancelled and forgotten on disk before that is answered. Work is on the pool and comes
//! back as events; bytes never pass through here. Tasks have their turns, so that saving many
//! instances does not stand in their guests' way.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt as _, AsyncContext as _, Context, Handler, Message, ResponseActFuture,
    ResponseFuture, WrapFuture as _,
};
use common::error::{ApiError, ErrorCode};
use common::id::BundleTaskId;
use common::time::Timestamp;
use common::wire::bundling::{
    BundleSpec, BundleState, BundleTicket, BundleView, CancelBundle, ForgetBundle, StartBundle,
};
use futures_util::future::{FutureExt as _, LocalBoxFuture, Shared, join_all};
use runtime::pool;
use tokio::sync::{Mutex, OwnedSemaphorePermit, watch};

use super::machine::{self, Effect, End, Event, Failure, State};
use super::notes::{self, Copied, Note, Wanted};
use super::rest;
use super::work::{self, Step, Tools};
use crate::vm::vm::VmHandle;

/// How often percentages are shown anew.
const SHOWN: Duration = Duration::from_secs(1);

/// How long a stop waits for guests to be let go.
const LET_GO: Duration = Duration::from_secs(6);

/// Something that is being written down; whoever asks meanwhile waits with the first.
type Coming = Shared<LocalBoxFuture<'static, Result<(), ApiError>>>;

/// The actor.
pub struct Bundles {
    tools: Arc<Tools>,
    tasks: BTreeMap<BundleTaskId, Task>,
    coming: BTreeMap<BundleTaskId, Coming>,
    views: watch::Sender<Vec<BundleView>>,
    stopping: bool,
}

struct Task {
    /// As it stands on disk, and the lock under which it is written.
    note: Arc<Mutex<Note>>,
    spec: Option<Arc<BundleSpec>>,
    state: Option<State>,
    vm: Option<VmHandle>,
    copied: Option<Copied>,
    since: Timestamp,
    shown: BundleState,
    abandon: watch::Sender<bool>,
    ticket: Option<watch::Sender<BundleTicket>>,
    steps: watch::Sender<Step>,
    turn: Option<OwnedSemaphorePermit>,
    /// That this agent works on it is written down.
    counted: bool,
}

/// Save the disk of a machine that is there.
pub struct Start {
    /// The wish.
    pub start: StartBundle,
    /// The machine.
    pub vm: VmHandle,
}

impl Message for Start {
    type Result = Result<(), ApiError>;
}

/// Let all guests go and do nothing any more: the next agent goes on.
pub struct Pause;

impl Message for Pause {
    type Result = ();
}

fn unwritten(why: impl std::fmt::Display) -> ApiError {
    ApiError::internal("the bundle task cannot be kept", why)
}

impl Bundles {
    /// The actor with the tasks that were found, and the machines they are about as far as these
    /// are there. `views` is kept up to date.
    pub fn new(
        tools: Tools,
        found: Vec<(Note, Option<VmHandle>)>,
        views: watch::Sender<Vec<BundleView>>,
    ) -> Self {
        let mut bundles = Self {
            tools: Arc::new(tools),
            tasks: BTreeMap::new(),
            coming: BTreeMap::new(),
            views,
            stopping: false,
        };
        for (note, vm) in found {
            bundles.tasks.insert(note.task.clone(), Task::new(note, vm));
        }
        bundles
    }

    fn begin(&mut self, task: &BundleTaskId, ctx: &mut Context<Self>) {
        let Some(found) = self.tasks.get(task).and_then(|task| {
            let note = task.note.try_lock().ok()?;
            Some(note.found())
        }) else {
            return;
        };
        let (state, effects) = machine::begin(found);
        self.enter(task, state, effects, ctx);
    }

    fn happened(&mut self, task: &BundleTaskId, event: Event, ctx: &mut Context<Self>) {
        if self.stopping {
            return;
        }
        let Some(state) = self.tasks.get_mut(task).and_then(|task| task.state.take()) else {
            return;
        };
        tracing::debug!(%task, ?state, ?event, "bundle task");
        let (state, effects) = machine::step(state, event);
        self.enter(task, state, effects, ctx);
    }

    fn enter(
        &mut self,
        id: &BundleTaskId,
        state: State,
        effects: Vec<Effect>,
        ctx: &mut Context<Self>,
    ) {
        let now = self.tools.clock.now();
        let Some(task) = self.tasks.get_mut(id) else { return };
        if let State::Over(end) = &state {
            tracing::info!(task = %id, ?end, "bundle task ended");
            task.turn = None;
        }
        task.state = Some(state);
        if task.refresh() {
            task.since = now;
        }
        self.show();
        for effect in effects {
            self.perform(id, effect, ctx);
        }
    }

    fn show(&self) {
        let view = |(id, task): (&BundleTaskId, &Task)| BundleView {
            task: id.clone(),
            state: task.shown.clone(),
            since: task.since,
            rest: task.copied.as_ref().map(|copied| copied.rest),
        };
        let views: Vec<_> = self.tasks.iter().map(view).collect();
        self.views.send_if_modified(|known| {
            let news = *known != views;
            *known = views;
            news
        });
    }

    fn directory(&self, spec: Option<&Arc<BundleSpec>>) -> Option<PathBuf> {
        spec.map(|spec| self.tools.instances.join(spec.instance.as_str()))
    }

    fn perform(&mut self, id: &BundleTaskId, effect: Effect, ctx: &mut Context<Self>) {
        let tools = Arc::clone(&self.tools);
        let Some(task) = self.tasks.get_mut(id) else { return };
        let (note, spec, mut abandoned) =
            (Arc::clone(&task.note), task.spec.clone(), task.abandon.subscribe());
        let given_up = async move {
            drop(abandoned.wait_for(|abandoned| *abandoned).await);
            Failure::internal("given up")
        };
        match effect {
            Effect::Abandon => drop(task.abandon.send_replace(true)),
            Effect::Clear => {
                task.turn = None;
                let directory = self.directory(spec.as_ref());
                let clear = async move {
                    if let Some(directory) = directory {
                        work::clear(&tools, &directory).await;
                    }
                    Event::Cleared
                };
                self.later(id, clear, ctx);
            }
            Effect::Queue => {
                let turns = Arc::clone(&tools.turns);
                let gone = task.vm.as_ref().map(VmHandle::view);
                let storing = task.copied.is_some();
                let wait = async move {
                    let gone = async {
                        match gone {
                            // Its copy needs no machine.
                            _ if storing => std::future::pending().await,
                            Some(view) => rest::gone(view).await,
                            None => rest::gone_already(),
                        }
                    };
                    tokio::select! {
                        biased;
                        failure = gone => Err(failure),
                        failure = given_up => Err(failure),
                        turn = turns.acquire_owned() => turn.map_err(Failure::internal),
                    }
                };
                let id = id.clone();
                ctx.spawn(pool::run(wait).into_actor(self).map(move |turn, bundles, ctx| {
                    let event = match turn.map_err(Failure::internal).flatten() {
                        Ok(turn) => {
                            if let Some(task) = bundles.tasks.get_mut(&id) {
                                task.turn = Some(turn);
                            }
                            Event::Turn
                        }
                        Err(failure) => Event::Refused(failure),
                    };
                    bundles.happened(&id, event, ctx);
                }));
            }
            Effect::Copy => {
                let (vm, steps) = (task.vm.clone(), task.steps.clone());
                task.counted = true;
                let copy = async move {
                    let (Some(vm), Some(spec)) = (vm, spec) else {
                        return Err(rest::gone_already());
                    };
                    {
                        let mut note = note.lock().await;
                        note.tries += 1;
                        work::write(&tools, &note).await;
                    }
                    let copied = tokio::select! {
                        copied = work::copy(&tools, &vm, &spec, steps) => copied?,
                        failure = given_up => return Err(failure),
                    };
                    let mut note = note.lock().await;
                    note.copied = Some(copied.clone());
                    work::write(&tools, &note).await;
                    Ok(copied)
                };
                let id = id.clone();
                ctx.spawn(pool::run(copy).into_actor(self).map(move |copied, bundles, ctx| {
                    let event = match copied.map_err(Failure::internal).flatten() {
                        Ok(copied) => {
                            tracing::info!(task = %id, rest = ?copied.rest, "the disk is copied");
                            if let Some(task) = bundles.tasks.get_mut(&id) {
                                task.copied = Some(copied);
                            }
                            Event::Copied
                        }
                        Err(failure) => Event::Refused(failure),
                    };
                    bundles.happened(&id, event, ctx);
                }));
            }
            Effect::Store => {
                let (copied, steps) = (task.copied.clone(), task.steps.clone());
                let ticket = task.ticket.as_ref().map(watch::Sender::subscribe);
                let counted = std::mem::replace(&mut task.counted, true);
                let store = async move {
                    let (Some(spec), Some(copied), Some(ticket)) = (spec, copied, ticket) else {
                        return Event::Refused(Failure::internal("nothing was copied"));
                    };
                    if !counted {
                        let mut note = note.lock().await;
                        note.tries += 1;
                        work::write(&tools, &note).await;
                    }
                    let stored = tokio::select! {
                        stored = work::store(&tools, spec, copied, ticket, steps) => stored,
                        failure = given_up => Err(failure),
                    };
                    stored.map_or_else(Event::Refused, |()| Event::Stored)
                };
                self.later(id, store, ctx);
            }
            Effect::Conclude(end) => {
                let conclude = async move {
                    let mut note = note.lock().await;
                    note.end = Some(end);
                    note.since = tools.clock.now();
                    work::write(&tools, &note).await;
                    Event::Concluded
                };
                self.later(id, conclude, ctx);
            }
        }
    }

    fn later(
        &self,
        id: &BundleTaskId,
        work: impl Future<Output = Event> + Send + 'static,
        ctx: &mut Context<Self>,
    ) {
        let id = id.clone();
        let done = pool::run(work).into_actor(self).map(move |event, bundles: &mut Self, ctx| {
            let event = event.unwrap_or_else(|error| {
                tracing::error!(task = %id, %error, "an effect broke");
                Event::Refused(Failure::internal(error))
            });
            bundles.happened(&id, event, ctx);
        });
        ctx.spawn(done);
    }

    /// Writes down a task that nobody here knows, and begins it.
    fn take_up(
        &mut self,
        note: Note,
        vm: Option<VmHandle>,
        ctx: &mut Context<Self>,
    ) -> ResponseActFuture<Self, Result<(), ApiError>> {
        let (id, notes) = (note.task.clone(), self.tools.notes.clone());
        let written = note.clone();
        let write = async move {
            let written = pool::block(move || written.write(&notes)).await?;
            written.map_err(unwritten)
        };
        let coming: Coming = write.boxed_local().shared();
        self.coming.insert(id.clone(), coming.clone());
        let begun = coming.into_actor(self).map(move |written, bundles: &mut Self, ctx| {
            bundles.coming.remove(&id);
            if written.is_ok() {
                bundles.tasks.insert(id.clone(), Task::new(note, vm));
                bundles.begin(&id, ctx);
            }
            written
        });
        let (tell, told) = tokio::sync::oneshot::channel();
        // It is taken up also if whoever asked has gone.
        ctx.spawn(begun.map(|written, _, _| drop(tell.send(written))));
        Box::pin(async { told.await.map_err(unwritten).flatten() }.into_actor(self))
    }

    /// Changes the note of a task that is known.
    fn change(
        &self,
        id: &BundleTaskId,
        with: impl FnOnce(&mut Note) + Send + 'static,
    ) -> LocalBoxFuture<'static, Result<(), ApiError>> {
        let Some(task) = self.tasks.get(id) else {
            return std::future::ready(Ok(())).boxed_local();
        };
        let (note, notes) = (Arc::clone(&task.note), self.tools.notes.clone());
        let write = pool::run(async move {
            let mut known = note.lock().await;
            let mut next = known.clone();
            with(&mut next);
            let written = next.clone();
            pool::block(move || written.write(&notes)).await?.map_err(unwritten)?;
            *known = next;
            Ok(())
        });
        async move { write.await.flatten() }.boxed_local()
    }
}

impl Task {
    fn new(note: Note, vm: Option<VmHandle>) -> Self {
        let (spec, ticket) = match note.wish.clone() {
            Some(Wanted { spec, ticket }) => (Some(Arc::new(spec)), Some(ticket)),
            None => (None, None),
        };
        Self {
            spec,
            state: None,
            vm,
            copied: note.copied.clone(),
            since: note.since,
            shown: note.end.as_ref().map_or(BundleState::Waiting, End::shown),
            abandon: watch::Sender::new(false),
            ticket: ticket.map(watch::Sender::new),
            steps: watch::Sender::new(Step::Copied(0)),
            turn: None,
            counted: false,
            note: Arc::new(Mutex::new(note)),
        }
    }

    /// Shows where it stands; whether that is another state than before.
    fn refresh(&mut self) -> bool {
        let step = *self.steps.borrow();
        // Copying is a fifth of the work, more or less.
        let bundling = |percent: u8| BundleState::Bundling { percent: percent.min(100) };
        let next = match (&self.state, step) {
            (Some(State::Copying), Step::Copied(percent)) => bundling(percent / 5),
            (Some(State::Storing), Step::Copied(_)) => bundling(20),
            (Some(State::Storing), Step::Packed(percent)) => {
                bundling(20 + u8::try_from(u16::from(percent) * 4 / 5).unwrap_or(80))
            }
            (Some(State::Storing), Step::Sent(percent)) => BundleState::Storing { percent },
            (Some(State::Over(end)), _) => end.shown(),
            (Some(State::Waiting(_)), _) => BundleState::Waiting,
            _ => self.shown.clone(),
        };
        let other = std::mem::discriminant(&next) != std::mem::discriminant(&self.shown);
        self.shown = match (&self.shown, next) {
            // Percentages never fall.
            (BundleState::Bundling { percent: known }, BundleState::Bundling { percent }) => {
                BundleState::Bundling { percent: percent.max(*known) }
            }
            (BundleState::Storing { percent: known }, BundleState::Storing { percent }) => {
                BundleState::Storing { percent: percent.max(*known) }
            }
            (_, next) => next,
        };
        other
    }

    fn is_under_way(&self) -> bool {
        self.state.as_ref().is_none_or(State::is_under_way)
    }
}

impl Actor for Bundles {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        for id in self.tasks.keys().cloned().collect::<Vec<_>>() {
            self.begin(&id, ctx);
        }
        ctx.run_interval(SHOWN, |bundles, _| {
            let now = bundles.tools.clock.now();
            for task in bundles.tasks.values_mut() {
                if task.refresh() {
                    task.since = now;
                }
            }
            bundles.show();
        });
    }
}

impl Handler<Start> for Bundles {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(&mut self, Start { start, vm }: Start, ctx: &mut Context<Self>) -> Self::Result {
        let StartBundle { bundle: spec, ticket } = start;
        let id = spec.task.clone();
        if let Some(coming) = self.coming.get(&id) {
            return Box::pin(coming.clone().into_actor(self));
        }
        if let Some(task) = self.tasks.get(&id) {
            let newer = |known: &watch::Sender<BundleTicket>| {
                known.borrow().expires < ticket.expires && task.is_under_way()
            };
            if !task.ticket.as_ref().is_some_and(newer) {
                return Box::pin(std::future::ready(Ok(())).into_actor(self));
            }
            if let Some(known) = &task.ticket {
                known.send_replace(ticket.clone());
            }
            let renew = self.change(&id, move |note| {
                if let Some(wish) = &mut note.wish {
                    wish.ticket = ticket;
                }
            });
            return Box::pin(renew.into_actor(self));
        }
        let saves = |task: &Task| {
            let same = task.spec.as_ref().is_some_and(|known| known.instance == spec.instance);
            same && task.is_under_way()
        };
        if self.tasks.values().any(saves) {
            let text = format!("The instance '{}' is being bundled already", spec.instance);
            return Box::pin(
                std::future::ready(Err(ApiError::new(ErrorCode::BundlingInProgress, text)))
                    .into_actor(self),
            );
        }
        tracing::info!(task = %id, instance = %spec.instance, "an instance is to be bundled");
        let now = self.tools.clock.now();
        let note = Note::new(id, Some(Wanted { spec, ticket }), now);
        self.take_up(note, Some(vm), ctx)
    }
}

impl Handler<CancelBundle> for Bundles {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(
        &mut self,
        CancelBundle { task: id }: CancelBundle,
        ctx: &mut Context<Self>,
    ) -> Self::Result {
        if let Some(coming) = self.coming.get(&id).cloned() {
            let again = coming.into_actor(self).then(move |_, bundles: &mut Self, ctx| {
                bundles.handle(CancelBundle { task: id }, ctx)
            });
            return Box::pin(again);
        }
        if !self.tasks.contains_key(&id) {
            let now = self.tools.clock.now();
            let mut note = Note::new(id, None, now);
            (note.cancelled, note.end) = (true, Some(End::Cancelled));
            return self.take_up(note, None, ctx);
        }
        let noted = self.change(&id, |note| note.cancelled = note.end.is_none());
        Box::pin(noted.into_actor(self).map(move |noted, bundles, ctx| {
            noted?;
            bundles.happened(&id, Event::Cancel, ctx);
            Ok(())
        }))
    }
}

impl Handler<ForgetBundle> for Bundles {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(
        &mut self,
        ForgetBundle { task: id }: ForgetBundle,
        _: &mut Context<Self>,
    ) -> Self::Result {
        let over = self.tasks.get(&id).is_some_and(|task| !task.is_under_way());
        let written =
            self.tasks.get(&id).is_some_and(|task| matches!(task.state, Some(State::Over(_))));
        if !over || !written {
            return Box::pin(std::future::ready(Ok(())).into_actor(self));
        }
        let (notes, gone) = (self.tools.notes.clone(), id.clone());
        let removed = pool::block(move || notes::remove(&notes, &gone));
        Box::pin(removed.into_actor(self).map(move |removed, bundles, _| {
            removed?.map_err(unwritten)?;
            bundles.tasks.remove(&id);
            bundles.show();
            Ok(())
        }))
    }
}

impl Handler<Pause> for Bundles {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Pause, _: &mut Context<Self>) -> Self::Result {
        self.stopping = true;
        let mut directories = Vec::new();
        for task in self.tasks.values() {
            task.abandon.send_replace(true);
            if matches!(task.state, Some(State::Copying)) {
                directories.extend(self.directory(task.spec.as_ref()));
            }
        }
        let tools = Arc::clone(&self.tools);
        let let_go = pool::run(async move {
            let all = join_all(directories.iter().map(|directory| work::clear(&tools, directory)));
            if tokio::time::timeout(LET_GO, all).await.is_err() {
                tracing::warn!("a guest may still be held for a copy of its disk");
            }
        });
        Box::pin(let_go.map(drop))
    }
}
