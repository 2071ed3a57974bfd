//! The actor that knows every machine of this node.
//!
//! It owns the list and nothing else: a wish goes on to its machine, which keeps it, and what a
//! machine has become comes back over its watch channel and is shown on the board. Machines never
//! speak to the agent. One that is gone for an hour is forgotten; one whose actor died takes the
//! process with it, as actors do, and the next agent takes it over alive.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, Addr, AsyncContext as _, Context, Handler,
    ResponseActFuture, ResponseFuture, StreamHandler, WrapFuture as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::{ApiError, ErrorCode};
use common::id::InstanceId;
use common::wire::bundling::StartBundle;
use common::wire::node::{
    Adjust, Console, ConsoleLog, InstanceView, MachineState, Run, SetMetadataOptions, Terminate,
};
use common::wire::role::SetInstanceRole;
use futures_util::future::{FutureExt as _, LocalBoxFuture, Shared};
use futures_util::stream;
use runtime::pool;
use tokio::sync::watch;

use super::report::Board;
use crate::bundling::bundles::{Bundles, Start};
use crate::metadata::serve::Metadata;
use crate::vm::effects::Hands;
use crate::vm::vm::{Vm, VmHandle};

/// A machine, as soon as its wish is on disk. Whoever asks for it meanwhile waits with the first.
type Coming = Shared<LocalBoxFuture<'static, Result<VmHandle, ApiError>>>;

/// The actor.
pub struct Agent {
    instances: PathBuf,
    hands: Arc<Hands>,
    metadata: Metadata,
    board: Board,
    bundles: Addr<Bundles>,
    machines: BTreeMap<InstanceId, Coming>,
}

impl Agent {
    /// Starts the actor with the machines that were found. `instances` is the directory in which
    /// machines have theirs.
    pub fn start(
        instances: PathBuf,
        hands: Arc<Hands>,
        metadata: Metadata,
        (board, bundles): (Board, Addr<Bundles>),
        found: Vec<VmHandle>,
    ) -> Addr<Self> {
        Self::create(|ctx| {
            let machines = BTreeMap::new();
            let mut agent = Self { instances, hands, metadata, board, bundles, machines };
            for machine in found {
                let coming = std::future::ready(Ok(machine.clone())).boxed_local().shared();
                agent.machines.insert(machine.instance().clone(), coming);
                agent.follow(&machine, ctx);
            }
            agent
        })
    }

    /// Shows what becomes of a machine, and lets its guest know of changes of the wish.
    fn follow(&self, machine: &VmHandle, ctx: &mut Context<Self>) {
        let instance = machine.instance().clone();
        self.board.show(machine.view().borrow().clone());
        ctx.add_stream(stream::unfold(Some(machine.view()), move |view| {
            let instance = instance.clone();
            async move { next(instance, view?).await }
        }));
        let (metadata, mut spec) = (self.metadata.clone(), machine.spec());
        pool::spawn(async move {
            while spec.changed().await.is_ok() {
                let wish = spec.borrow_and_update().clone();
                if let Some(wish) = wish {
                    metadata.refresh(&wish);
                }
            }
        });
    }
}

/// What was seen of a machine.
enum Seen {
    /// It is there.
    View(InstanceView),
    /// Its channel is closed.
    Closed(InstanceId),
}

async fn next(
    instance: InstanceId,
    mut view: watch::Receiver<InstanceView>,
) -> Option<(Seen, Option<watch::Receiver<InstanceView>>)> {
    match view.changed().await {
        Ok(()) => {
            let now = view.borrow_and_update().clone();
            Some((Seen::View(now), Some(view)))
        }
        Err(_) => Some((Seen::Closed(instance), None)),
    }
}

impl Actor for Agent {
    type Context = Context<Self>;
}

impl StreamHandler<Seen> for Agent {
    fn handle(&mut self, seen: Seen, ctx: &mut Context<Self>) {
        match seen {
            Seen::View(view) => {
                if view.state != MachineState::Preparing {
                    tracing::info!(
                        instance = %view.instance, state = ?view.state,
                        reason = view.reason.as_deref().unwrap_or_default(), "instance"
                    );
                }
                self.board.show(view);
            }
            Seen::Closed(instance) => {
                let shown = self.board.now();
                let last = shown.instances.into_iter().find(|view| view.instance == instance);
                let over = |state| matches!(state, MachineState::Gone | MachineState::Failed);
                if last.is_none_or(|view| over(view.state)) {
                    self.machines.remove(&instance);
                    self.board.forget(&instance);
                } else {
                    tracing::error!(%instance, "the actor of this machine died");
                    ctx.stop();
                }
            }
        }
    }

    fn finished(&mut self, _: &mut Context<Self>) {
        // One machine is forgotten; the agent goes on. (By default an actor would stop here.)
    }
}

impl Handler<Run> for Agent {
    type Result = ResponseActFuture<Self, Result<(), ApiError>>;

    fn handle(&mut self, run: Run, _: &mut Context<Self>) -> Self::Result {
        let instance = run.spec.instance.clone();
        if let Some(coming) = self.machines.get(&instance).cloned() {
            let again = async move { coming.await?.run(run).await };
            return Box::pin(again.into_actor(self));
        }
        tracing::info!(%instance, generation = run.spec.generation, "a new instance is wanted");
        let (instances, hands) = (self.instances.clone(), Arc::clone(&self.hands));
        let create = async move { Vm::create(&instances, run, hands).await };
        let coming: Coming = create.boxed_local().shared();
        self.machines.insert(instance.clone(), coming.clone());
        Box::pin(coming.into_actor(self).map(move |created, agent: &mut Self, ctx| {
            match created {
                Ok(machine) => agent.follow(&machine, ctx),
                Err(error) => {
                    agent.machines.remove(&instance);
                    return Err(error);
                }
            }
            Ok(())
        }))
    }
}

impl Handler<Adjust> for Agent {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, adjust: Adjust, _: &mut Context<Self>) -> Self::Result {
        let coming = self.machines.get(&adjust.instance).cloned();
        Box::pin(async move {
            let coming = coming.ok_or_else(|| unknown(&adjust.instance))?;
            coming.await?.adjust(adjust).await
        })
    }
}

fn unknown(instance: &InstanceId) -> ApiError {
    let text = format!("The instance '{instance}' is not on this node");
    ApiError::new(ErrorCode::InvalidInstanceIdNotFound, text)
}

impl Handler<Terminate> for Agent {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, message: Terminate, _: &mut Context<Self>) -> Self::Result {
        let coming = self.machines.get(&message.instance).cloned();
        Box::pin(async move {
            match coming {
                Some(coming) => coming.await?.terminate().await,
                None => Ok(()),
            }
        })
    }
}

impl Handler<SetMetadataOptions> for Agent {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, message: SetMetadataOptions, _: &mut Context<Self>) -> Self::Result {
        let coming = self.machines.get(&message.instance).cloned();
        let metadata = self.metadata.clone();
        Box::pin(async move {
            let Some(coming) = coming else { return Ok(()) };
            let machine = coming.await?;
            machine.set_options(message.options).await?;
            // In force before it is said to be.
            let wish = machine.spec().borrow().clone();
            if let Some(wish) = wish {
                metadata.refresh(&wish);
            }
            Ok(())
        })
    }
}

impl Handler<SetInstanceRole> for Agent {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, message: SetInstanceRole, _: &mut Context<Self>) -> Self::Result {
        let coming = self.machines.get(&message.instance).cloned();
        let metadata = self.metadata.clone();
        Box::pin(async move {
            let Some(coming) = coming else { return Ok(()) };
            let machine = coming.await?;
            machine.set_role(message.role).await?;
            // In force before it is said to be.
            let wish = machine.spec().borrow().clone();
            if let Some(wish) = wish {
                metadata.refresh(&wish);
            }
            Ok(())
        })
    }
}

impl Handler<StartBundle> for Agent {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, start: StartBundle, _: &mut Context<Self>) -> Self::Result {
        let coming = self.machines.get(&start.bundle.instance).cloned();
        let bundles = self.bundles.clone();
        Box::pin(async move {
            let coming = coming.ok_or_else(|| unknown(&start.bundle.instance))?;
            let vm = coming.await?;
            let started = bundles.send(Start { start, vm }).await;
            started.map_err(|gone| ApiError::internal("the bundle tasks' actor ended", gone))?
        })
    }
}

impl Handler<Console> for Agent {
    type Result = ResponseFuture<Result<ConsoleLog, ApiError>>;

    fn handle(&mut self, message: Console, _: &mut Context<Self>) -> Self::Result {
        let coming = self.machines.get(&message.instance).cloned();
        let (driver, now) = (Arc::clone(&self.hands.driver), self.hands.clock.now());
        Box::pin(async move {
            let coming = coming.ok_or_else(|| unknown(&message.instance))?;
            let tail = coming.await?.console(driver).await?;
            let base64 = pool::block(move || STANDARD.encode(tail.bytes)).await?;
            Ok(ConsoleLog { base64, at: tail.at.unwrap_or(now) })
        })
    }
}
