//! Plugs machines in: tap and metadata together, or nothing at all for played machines.

use actix::Addr;
use common::id::InstanceId;
use common::wire::spec::InstanceSpec;
use futures_util::future::{BoxFuture, FutureExt as _};
use runtime::pool;

use crate::hypervisor::driver::Card;
use crate::metadata::serve::Metadata;
use crate::network::names::Names;
use crate::network::network::{Attach, Detach, Network};
use crate::vm::wiring::{Wiring, WiringError};

/// Routed taps with the metadata service on each.
pub struct Plugs {
    /// Makes taps.
    pub network: Addr<Network>,
    /// Answers on them.
    pub metadata: Metadata,
}

impl Wiring for Plugs {
    fn attach<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Card, WiringError>> {
        async move {
            let attach = Attach { instance: spec.instance.clone(), spec: spec.network.clone() };
            let name = self.network.send(attach).await.map_err(failed)?.map_err(failed)?;
            let (metadata, tap, spec) = (self.metadata.clone(), name.clone(), spec.clone());
            pool::block(move || metadata.listen(&tap, &spec))
                .await
                .map_err(failed)?
                .map_err(failed)?;
            Ok(Card::Tap { name })
        }
        .boxed()
    }

    fn detach<'a>(&'a self, instance: &'a InstanceId) -> BoxFuture<'a, Result<(), WiringError>> {
        async move {
            self.metadata.close(instance);
            let detach = Detach { instance: instance.clone() };
            self.network.send(detach).await.map_err(failed)?.map_err(failed)
        }
        .boxed()
    }
}

fn failed(error: impl std::fmt::Display) -> WiringError {
    WiringError(error.to_string())
}

/// No network: cards are named and plugged into nothing.
pub struct Unplugged(pub Names);

impl Wiring for Unplugged {
    fn attach<'a>(&'a self, spec: &'a InstanceSpec) -> BoxFuture<'a, Result<Card, WiringError>> {
        let name = self.0.tap(&spec.instance);
        std::future::ready(Ok(Card::Tap { name })).boxed()
    }

    fn detach<'a>(&'a self, _: &'a InstanceId) -> BoxFuture<'a, Result<(), WiringError>> {
        std::future::ready(Ok(())).boxed()
    }
}
