//! What a machine needs of the network, and nothing of how it is done.

use common::id::InstanceId;
use common::wire::spec::InstanceSpec;
use futures_util::future::BoxFuture;
use thiserror::Error;

use crate::hypervisor::driver::Card;

/// Why a machine could not be connected or disconnected; a sentence for its state reason.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct WiringError(pub String);

/// Connects machines. Both methods carry the whole wish and may be repeated at any time.
pub trait Wiring: Send + Sync + 'static {
    /// Makes everything that a machine needs on this host's network, or repairs it, and returns
    /// what its card is plugged into. Also called for machines that run already, when the agent
    /// comes back: a card in use must not be taken away.
    fn attach<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Card, WiringError>>;

    /// Removes all of it. One that is not connected is disconnected already.
    fn detach<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), WiringError>>;
}
