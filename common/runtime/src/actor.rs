//! The actor that answers a group of actions, and how an action reaches it.
//!
//! A [`ServiceActor`] owns permits and a state that many calls share. It decides whether there is
//! room, moves the work to the pool and returns at once; the action itself runs there, and its
//! panic costs one answer, never the actor. Back-pressure is a permit, not the mailbox: actix'
//! mailboxes are in effect unbounded when each request clones its address.

use std::ops::Deref;
use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, ResponseFuture};
use common::action::{Action, Caller};
use common::error::{ApiError, ErrorCode};
use tokio::sync::Semaphore;

use crate::pool;

/// An action with its caller, on its way to the actor that does it.
#[derive(Debug)]
pub struct Call<A> {
    /// What is asked.
    pub action: A,
    /// Who asks.
    pub caller: Caller,
    /// The id of the request, for the log and the answer.
    pub request_id: String,
    /// The version of the API that the caller speaks: old clients choke on what came later.
    pub version: String,
}

impl<A: Action> actix::Message for Call<A> {
    type Result = Result<A::Output, ApiError>;
}

/// What an action has at hand while it is done: the actor's state, and who asked.
#[derive(Debug)]
pub struct Scene<S> {
    state: Arc<S>,
    /// Who asks.
    pub caller: Caller,
    /// The id of the request.
    pub request_id: String,
    /// The version of the API that the caller speaks.
    pub version: String,
}

impl<S> Scene<S> {
    /// The state, to be carried into a closure that blocks.
    pub fn state(&self) -> Arc<S> {
        Arc::clone(&self.state)
    }
}

impl<S> Deref for Scene<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.state
    }
}

/// Doing an action, with the state `S` of the actor that does it. The one place where its meaning
/// stands. The state is a parameter because it is the service's own type, while the action is the
/// language's.
pub trait Handle<S>: Action {
    /// Does it: reads records, checks rules, commits, wakes a reconciler.
    fn handle(self, scene: Scene<S>)
    -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

/// An actor that answers every action that has a [`Handle`] for `S`.
#[derive(Debug)]
pub struct ServiceActor<S> {
    state: Arc<S>,
    permits: Arc<Semaphore>,
}

impl<S: Send + Sync + 'static> ServiceActor<S> {
    /// Starts the actor; at most `permits` of its actions are done at once, and whoever comes
    /// beyond them is told so.
    pub fn start(state: Arc<S>, permits: usize) -> Addr<Self> {
        Actor::start(Self { state, permits: Arc::new(Semaphore::new(permits)) })
    }
}

impl<S: Send + Sync + 'static> Actor for ServiceActor<S> {
    type Context = Context<Self>;
}

impl<S, A> Handler<Call<A>> for ServiceActor<S>
where
    S: Send + Sync + 'static,
    A: Handle<S>,
{
    type Result = ResponseFuture<Result<A::Output, ApiError>>;

    fn handle(&mut self, call: Call<A>, _: &mut Context<Self>) -> Self::Result {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            let text = format!("Too many {} requests are being worked on, try again", A::NAME);
            return Box::pin(async { Err(ApiError::new(ErrorCode::RequestLimitExceeded, text)) });
        };
        let scene = Scene {
            state: Arc::clone(&self.state),
            caller: call.caller,
            request_id: call.request_id,
            version: call.version,
        };
        Box::pin(async move {
            let done = pool::run(call.action.handle(scene)).await;
            drop(permit);
            done?
        })
    }
}
