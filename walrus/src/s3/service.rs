//! The actors that answer S3 operations: `Buckets` and `Objects`, bytes and settings apart.
//!
//! As the service actors of the query APIs, with two differences: the caller may be nobody, and
//! bytes come and go through bounded channels beside the operation. There is a permit for each
//! operation (see [`super::permits`]); an answer that streams takes its permit along and gives it
//! back with its last byte.

use std::ops::Deref;
use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message, ResponseFuture};
use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::incoming::Incoming;
use common::sign::Chain;
use runtime::http::{Body, Response};
use runtime::pool;

use super::permits::{Permit, Permits, slow_down};
use crate::blob::hash::{Chunks, Expected};

/// An operation on its way to the actor that does it.
pub(crate) struct Asked<O> {
    /// What is asked.
    pub(crate) operation: O,
    /// Who asks; nobody if the request bears no signature.
    pub(crate) caller: Option<Caller>,
    /// The bytes that come with it.
    pub(crate) body: Body,
    /// What these bytes must hash to, if the signature covers them.
    pub(crate) signed_sha256: Option<[u8; 32]>,
    /// The signatures of the chunks these bytes come in, if these are signed.
    pub(crate) chain: Option<Chain>,
}

impl<O: Operate> Message for Asked<O> {
    type Result = Result<Response, ApiError>;
}

/// What an operation has at hand while it is done.
pub(crate) struct Scene<S> {
    state: Arc<S>,
    /// Who asks.
    pub(crate) caller: Option<Caller>,
    /// The bytes that come with it.
    pub(crate) body: Body,
    /// What these bytes must hash to.
    pub(crate) signed_sha256: Option<[u8; 32]>,
    /// The signatures of the chunks these bytes come in.
    pub(crate) chain: Option<Chain>,
    /// The permit: to be taken along by an answer that streams.
    pub(crate) permit: Permit,
}

impl<S> Scene<S> {
    /// The state, to be carried into a closure that blocks.
    pub(crate) fn state(&self) -> Arc<S> {
        Arc::clone(&self.state)
    }

    /// What the bytes that come must be, as the request and its signature say.
    ///
    /// # Errors
    /// `InvalidRequest` if they come in a wrapping that the signature does not provide for.
    pub(crate) fn expected(&self, incoming: &Incoming) -> Result<Expected, ApiError> {
        let refuse = |text: &str| Err(ApiError::new(ErrorCode::InvalidRequest, text));
        let chunks = match (incoming.chunks, &self.chain) {
            (None, _) => None,
            (Some(framing), None) if framing.signed => {
                return refuse("Signed chunks need an Authorization header of version 4");
            }
            (Some(_), _) if self.signed_sha256.is_some() => {
                return refuse("The hash of a body in chunks cannot stand in x-amz-content-sha256");
            }
            (Some(framing), chain) => Some(Chunks {
                trailers: framing.trailers,
                chain: chain.clone().filter(|_| framing.signed),
            }),
        };
        Ok(Expected {
            md5: incoming.md5.clone(),
            signed_sha256: self.signed_sha256,
            given: incoming.checksum.clone(),
            kept: None,
            sha1: false,
            chunks,
            form: None,
        })
    }

    /// Who asks.
    ///
    /// # Errors
    /// `AccessDenied` if that is nobody.
    pub(crate) fn signed_caller(&self) -> Result<Caller, ApiError> {
        self.caller.clone().ok_or_else(super::access::denied)
    }
}

impl<S> Deref for Scene<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.state
    }
}

/// Doing an operation. The one place where its meaning stands.
pub(crate) trait Operate: Send + 'static {
    /// The state of the actor that does it.
    type State: Send + Sync + 'static;

    /// Does it.
    fn operate(
        self,
        scene: Scene<Self::State>,
    ) -> impl Future<Output = Result<Response, ApiError>> + Send;
}

/// The actor for every operation whose [`Operate::State`] is `S`.
pub(crate) struct S3Actor<S> {
    state: Arc<S>,
    permits: Permits,
}

impl<S: Send + Sync + Unpin + 'static> S3Actor<S> {
    /// Starts the actor; at most `permits` of its operations are done at once.
    pub(crate) fn start(state: S, permits: usize) -> Addr<Self> {
        Actor::start(Self { state: Arc::new(state), permits: Permits::new(permits) })
    }
}

impl<S: Send + Sync + Unpin + 'static> Actor for S3Actor<S> {
    type Context = Context<Self>;
}

impl<S, O> Handler<Asked<O>> for S3Actor<S>
where
    S: Send + Sync + Unpin + 'static,
    O: Operate<State = S>,
{
    type Result = ResponseFuture<Result<Response, ApiError>>;

    fn handle(&mut self, asked: Asked<O>, _: &mut Context<Self>) -> Self::Result {
        let account = asked.caller.as_ref().map(|caller| &caller.account);
        let Some(permit) = self.permits.take(account) else {
            return Box::pin(async { Err(slow_down()) });
        };
        let Asked { operation, caller, body, signed_sha256, chain } = asked;
        let state = Arc::clone(&self.state);
        let scene = Scene { state, caller, body, signed_sha256, chain, permit };
        Box::pin(async move { pool::run(operation.operate(scene)).await? })
    }
}
