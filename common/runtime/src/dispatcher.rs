//! Messages of a service, answered in this process: by type, without encoding anything, or by
//! name for those that came over the network.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use actix::Recipient;
use common::error::{ApiError, ErrorCode};
use common::wire::{Message, Service};
use futures_util::future::BoxFuture;

type ByName = Box<dyn Fn(&[u8]) -> BoxFuture<'static, Result<Vec<u8>, ApiError>> + Send + Sync>;
type Answer<M> =
    Arc<dyn Fn(M) -> BoxFuture<'static, Result<<M as Message>::Reply, ApiError>> + Send + Sync>;

/// The messages of service `S` and who answers each.
pub struct Dispatcher<S> {
    by_type: BTreeMap<TypeId, Box<dyn Any + Send + Sync>>,
    by_name: BTreeMap<&'static str, ByName>,
    service: PhantomData<fn() -> S>,
}

impl<S> Default for Dispatcher<S> {
    fn default() -> Self {
        Self { by_type: BTreeMap::new(), by_name: BTreeMap::new(), service: PhantomData }
    }
}

impl<S: Service> Dispatcher<S> {
    /// Answers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which actor answers message `M`.
    #[must_use]
    pub fn on<M: Message<Service = S>>(self, recipient: Recipient<M>) -> Self {
        self.with(move |message: M| {
            let recipient = recipient.clone();
            async move {
                recipient.send(message).await.map_err(|gone| {
                    ApiError::new(ErrorCode::Unavailable, "The service is stopping").because(gone)
                })?
            }
        })
    }

    /// Says which function answers message `M`: for what is no actor's, a look at records.
    ///
    /// # Panics
    /// If the message is answered already: that is a mistake of ours, met at start.
    #[must_use]
    pub fn with<M, F>(mut self, answer: impl Fn(M) -> F + Send + Sync + 'static) -> Self
    where
        M: Message<Service = S>,
        F: Future<Output = Result<M::Reply, ApiError>> + Send + 'static,
    {
        let answer: Answer<M> = Arc::new(move |message| Box::pin(answer(message)));
        let by_name = Arc::clone(&answer);
        let before = self.by_name.insert(
            M::NAME,
            Box::new(move |json| {
                let message: Result<M, _> = serde_json::from_slice(json);
                let by_name = Arc::clone(&by_name);
                Box::pin(async move {
                    let message = message.map_err(|error| {
                        let text = format!("The message {} cannot be read: {error}", M::NAME);
                        ApiError::new(ErrorCode::InvalidParameterValue, text)
                    })?;
                    let reply = by_name(message).await?;
                    serde_json::to_vec(&reply)
                        .map_err(|error| ApiError::internal("The reply cannot be written", error))
                })
            }),
        );
        assert!(before.is_none(), "{} is answered twice", M::NAME);
        self.by_type.insert(TypeId::of::<M>(), Box::new(answer));
        self
    }

    /// Answers a message of this process.
    ///
    /// # Errors
    /// What the answering side refuses; `InvalidAction` if nobody answers it.
    pub async fn call<M: Message<Service = S>>(&self, message: M) -> Result<M::Reply, ApiError> {
        let answer = self.by_type.get(&TypeId::of::<M>());
        match answer.and_then(|answer| answer.downcast_ref::<Answer<M>>()) {
            Some(answer) => answer(message).await,
            None => Err(unknown(S::NAME, M::NAME)),
        }
    }

    /// Answers a message that came as JSON.
    ///
    /// # Errors
    /// As [`Dispatcher::call`], and if the JSON is not that message.
    pub async fn call_by_name(&self, name: &str, json: &[u8]) -> Result<Vec<u8>, ApiError> {
        match self.by_name.get(name) {
            Some(answer) => answer(json).await,
            None => Err(unknown(S::NAME, name)),
        }
    }
}

fn unknown(service: &str, message: &str) -> ApiError {
    let text = format!("The service {service} does not answer {message}");
    ApiError::new(ErrorCode::InvalidAction, text)
}
