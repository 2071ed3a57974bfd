//! The actor that answers a group of actions, and how an action reaches it.
//!
//! A [`ServiceActor`] owns permits and a state that many calls share. It decides whether there is
//! room, moves the work to the pool and returns at once; the action itself runs there, and its
//! panic costs one answer, never the actor. Back-pressure is a permit, not the mailbox: actix'
//! mailboxes are in effect unbounded when each request clones its address.
//!
//! What changes something is done in two steps, and no such action can do without the first:
//!
//! ```text
//!   request ──check──▶ all that the doing needs ──act──▶ answer
//!                  └── DryRun ends here: DryRunOperation
//! ```

use std::ops::Deref;
use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, ResponseFuture};
use common::action::{Access, Action, Caller};
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
    /// Whether the caller only wants to know if it could be done.
    pub dry_run: bool,
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
/// language's. An action that only reads has an [`Answer`] instead.
pub trait Handle<S>: Action {
    /// What the check found, as far as the doing needs it.
    type Checked: Send;

    /// Finds out whether it can be done, and does nothing of it: whatever the doing would refuse
    /// for the request, the caller or the state of things is refused here.
    fn check(
        self,
        scene: &Scene<S>,
    ) -> impl Future<Output = Result<Self::Checked, ApiError>> + Send;

    /// Does it: checks again what others may have changed meanwhile, commits, wakes a reconciler.
    fn act(
        checked: Self::Checked,
        scene: &Scene<S>,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

/// Answering an action that changes nothing.
pub trait Answer<S>: Action {
    /// Reads records, checks rules, answers.
    fn answer(
        self,
        scene: &Scene<S>,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

/// Nothing can go wrong in a read once it has been done.
impl<S: Send + Sync, A: Answer<S>> Handle<S> for A {
    type Checked = A::Output;

    async fn check(self, scene: &Scene<S>) -> Result<A::Output, ApiError> {
        const { assert!(matches!(A::ACCESS, Access::Read), "what changes something is a Handle") };
        self.answer(scene).await
    }

    async fn act(checked: A::Output, _: &Scene<S>) -> Result<A::Output, ApiError> {
        Ok(checked)
    }
}

/// Does an action, or only rehearses it.
async fn perform<S, A: Handle<S>>(
    action: A,
    scene: Scene<S>,
    dry_run: bool,
) -> Result<A::Output, ApiError>
where
    S: Send + Sync,
{
    let checked = action.check(&scene).await;
    if dry_run {
        return Err(match checked {
            Ok(_) => ApiError::new(
                ErrorCode::DryRunOperation,
                "Request would have succeeded, but DryRun flag is set.",
            ),
            Err(error) => forbidden(error),
        });
    }
    A::act(checked?, &scene).await
}

/// A rehearsal tells everybody who may not in one code.
fn forbidden(error: ApiError) -> ApiError {
    match error.code() {
        ErrorCode::OperationNotPermitted | ErrorCode::AuthFailure => {
            let text =
                format!("You are not authorized to perform this operation. {}", error.text());
            ApiError::new(ErrorCode::UnauthorizedOperation, text)
        }
        _ => error,
    }
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
        };
        Box::pin(async move {
            let done = pool::run(perform(call.action, scene, call.dry_run)).await;
            drop(permit);
            done?
        })
    }
}
