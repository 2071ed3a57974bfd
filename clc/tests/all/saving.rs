//! What the stubs know of instances being saved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::id::BundleTaskId;
use common::time::Timestamp;
use common::wire::bundling::{
    BundleState, BundleTicket, BundleView, CancelBundle, DropBundle, ForgetBundle, OpenBundle,
    Rest, StartBundle,
};
use common::wire::node::Node;
use common::wire::walrus::Walrus;
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use tokio::sync::watch;

use super::world::{NodeState, StubNode, WalrusState};

/// What the walrus of a test was asked about bundles.
#[derive(Default)]
pub(crate) struct StoredBundles {
    pub(crate) opened: Vec<OpenBundle>,
    pub(crate) dropped: Vec<DropBundle>,
    /// What a bundle is refused with: when it is only asked about, and when it is to be stored.
    pub(crate) refuse: [Option<ApiError>; 2],
    /// Buckets that are another account's than whoever asks.
    pub(crate) foreign: Vec<String>,
    /// How long a ticket is good; an hour if none is said.
    pub(crate) lifetime: Option<Duration>,
}

/// What the node of a test knows of bundle tasks.
#[derive(Default)]
pub(crate) struct NodeBundles {
    pub(crate) views: BTreeMap<BundleTaskId, BundleView>,
    pub(crate) started: Vec<StartBundle>,
    pub(crate) cancelled: Vec<BundleTaskId>,
    pub(crate) forgotten: Vec<BundleTaskId>,
    /// What a start is refused with.
    pub(crate) refuse: Option<ApiError>,
    /// Whether a cancelled task goes on until the test ends it.
    pub(crate) stubborn: bool,
}

/// Adds what walrus answers about bundles.
pub(crate) fn store(
    to: Dispatcher<Walrus>,
    state: &Arc<Mutex<WalrusState>>,
    clock: &Clock,
) -> Dispatcher<Walrus> {
    let (open, clock, drops) = (Arc::clone(state), clock.clone(), Arc::clone(state));
    to.with(move |ask: OpenBundle| {
        let mut state = open.lock().unwrap();
        let foreign = state.saved.foreign.iter().any(|it| it == ask.place.bucket.as_str());
        let denied = || ApiError::new(ErrorCode::AccessDenied, "Access Denied");
        let refused = state.saved.refuse[usize::from(!ask.rehearsal)].clone();
        let refused = refused.or_else(|| foreign.then(denied));
        let lifetime = state.saved.lifetime.unwrap_or(Duration::from_secs(3600));
        let url = format!("http://walrus/bundles/{}", ask.task);
        state.saved.opened.push(ask);
        let ticket = BundleTicket { url, expires: clock.now().plus(lifetime) };
        async move { refused.map_or(Ok(ticket), Err) }
    })
    .with(move |ask: DropBundle| {
        drops.lock().unwrap().saved.dropped.push(ask);
        async { Ok(()) }
    })
}

/// Adds what a node does about bundles.
pub(crate) fn save(
    to: Dispatcher<Node>,
    state: &Arc<Mutex<NodeState>>,
    news: &watch::Sender<u64>,
) -> Dispatcher<Node> {
    let (start, cancel, forget) = (Arc::clone(state), Arc::clone(state), Arc::clone(state));
    let (started, cancelled, forgotten) = (news.clone(), news.clone(), news.clone());
    to.with(move |ask: StartBundle| {
        let mut state = start.lock().unwrap();
        let unknown = || ApiError::new(ErrorCode::InvalidInstanceIdNotFound, "unknown");
        let known = state.views.contains_key(&ask.bundle.instance);
        let answer = match (state.here(), state.saved.refuse.clone()) {
            (Err(away), _) => Err(away),
            (Ok(()), Some(refused)) => Err(refused),
            (Ok(()), None) if !known => Err(unknown()),
            (Ok(()), None) => Ok(()),
        };
        if answer.is_ok() {
            let task = ask.bundle.task.clone();
            state.saved.views.entry(task.clone()).or_insert(view(task, BundleState::Waiting));
            state.saved.started.push(ask);
            started.send_modify(|n| *n += 1);
        }
        async { answer }
    })
    .with(move |ask: CancelBundle| {
        let mut state = cancel.lock().unwrap();
        let here = state.here();
        if here.is_ok() {
            let new = view(ask.task.clone(), BundleState::Cancelled);
            let stubborn = state.saved.stubborn;
            let known = state.saved.views.entry(ask.task.clone()).or_insert(new.clone());
            if !known.state.is_over() && !stubborn {
                *known = new;
            }
            state.saved.cancelled.push(ask.task);
            cancelled.send_modify(|n| *n += 1);
        }
        async { here }
    })
    .with(move |ask: ForgetBundle| {
        let mut state = forget.lock().unwrap();
        let here = state.here();
        if here.is_ok() {
            state.saved.views.retain(|task, view| *task != ask.task || !view.state.is_over());
            state.saved.forgotten.push(ask.task);
            forgotten.send_modify(|n| *n += 1);
        }
        async { here }
    })
}

/// A task as a node sees it.
pub(crate) fn view(task: BundleTaskId, state: BundleState) -> BundleView {
    BundleView { task, state, since: Timestamp::from_secs(1_800_000_000), rest: Some(Rest::Paused) }
}

impl StubNode {
    /// Makes a task be seen in this state.
    pub(crate) fn bundle_is(&self, task: &BundleTaskId, bundle: BundleState) {
        self.change(|state| {
            state.saved.views.insert(task.clone(), view(task.clone(), bundle));
        });
    }
}
