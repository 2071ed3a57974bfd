//! A service, wherever it is: callers cannot tell this process from another, nor from a stub.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use common::error::ApiError;
use common::wire::{Message, Service};
use futures_util::future::BoxFuture;

use crate::dispatcher::Dispatcher;
use crate::transport::Transport;

/// The one face of service `S` for those who ask it.
pub struct Peer<S>(Arc<Way<S>>);

enum Way<S> {
    Here(Arc<Dispatcher<S>>),
    There(Transport),
}

impl<S> Clone for Peer<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Service> Peer<S> {
    /// The service answers in this process; nothing is encoded.
    pub fn here(dispatcher: Arc<Dispatcher<S>>) -> Self {
        Self(Arc::new(Way::Here(dispatcher)))
    }

    /// The service answers in another process.
    pub fn there(transport: Transport) -> Self {
        Self(Arc::new(Way::There(transport)))
    }

    /// Asks, and waits for the reply.
    ///
    /// # Errors
    /// What the service refuses; `Unavailable` if it cannot be reached in time.
    pub async fn call<M: Message<Service = S>>(&self, message: M) -> Result<M::Reply, ApiError> {
        self.call_patiently(message, Duration::ZERO).await
    }

    /// Asks for something that the service itself waits for, as long as `patience` says.
    ///
    /// # Errors
    /// As [`Peer::call`].
    pub async fn call_patiently<M: Message<Service = S>>(
        &self,
        message: M,
        patience: Duration,
    ) -> Result<M::Reply, ApiError> {
        match self.0.as_ref() {
            Way::Here(dispatcher) => dispatcher.call(message).await,
            Way::There(transport) => transport.call(&message, patience).await,
        }
    }
}

/// Something that answers messages by name: the face of a [`Dispatcher`] that an endpoint sees.
pub trait Answers: Any + Send + Sync {
    /// The service's name.
    fn service(&self) -> &'static str;
    /// The version of its language.
    fn version(&self) -> u32;
    /// Answers a message that came as JSON.
    fn answer<'a>(
        &'a self,
        name: &'a str,
        json: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, ApiError>>;
}

impl<S: Service> Answers for Dispatcher<S> {
    fn service(&self) -> &'static str {
        S::NAME
    }

    fn version(&self) -> u32 {
        S::VERSION
    }

    fn answer<'a>(
        &'a self,
        name: &'a str,
        json: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, ApiError>> {
        Box::pin(self.call_by_name(name, json))
    }
}
