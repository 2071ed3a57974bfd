//! When a machine's disk may be copied, and how.
//!
//! ```text
//!              Live ──▶ runs: copied while it goes on
//!   runs ──┤
//!              Restart ──▶ gate shut, asked to shut down ──▶ off, for now
//!   off ──▶ gate shut                                          │
//!             └────────────────▶ copied ──▶ gate open ◄────────┘
//! ```
//! The gate is the machine's: as long as it is shut the machine is not started, whoever wants that.
//! A machine that is just changing is waited for; one that ends takes its disk with it.

use std::time::Duration;

use common::wire::bundling::{Quiesce, Rest};
use common::wire::node::{InstanceView, MachineState};
use runtime::pool;
use tokio::sync::watch;

use super::machine::Failure;
use super::room::{Promise, Room};
use crate::hypervisor::driver::{Disk, Driver};
use crate::hypervisor::error::DriverError;
use crate::vm::machine::Halt;
use crate::vm::vm::VmHandle;

/// How long it may take until it is known that a machine has ended.
const MOMENT: Duration = Duration::from_secs(1);

/// The code of a task whose instance went away.
const ENDED: &str = "InstanceTerminated";

fn ended() -> Failure {
    let reason = "the instance was terminated before its disk was copied".to_owned();
    Failure { code: ENDED.to_owned(), reason }
}

/// What becomes of a task whose instance is not there.
pub fn gone_already() -> Failure {
    ended()
}

/// Waits until the instance is gone, or going.
pub async fn gone(mut view: watch::Receiver<InstanceView>) -> Failure {
    let going = |view: &InstanceView| {
        matches!(view.state, MachineState::Stopping | MachineState::Gone | MachineState::Failed)
    };
    drop(view.wait_for(going).await);
    ended()
}

/// Copies the disk of a machine and says how it was brought to rest. If this is given up half-way,
/// or fails, the driver's `uncopy` must follow.
///
/// # Errors
/// Why it cannot be copied.
pub async fn copy(
    driver: &dyn Driver,
    vm: &VmHandle,
    disk: &Disk,
    quiesce: Quiesce,
    room: &Room,
    done: &watch::Sender<u8>,
) -> Result<Rest, Failure> {
    let mut view = vm.view();
    loop {
        let state = view.borrow_and_update().state;
        match state {
            MachineState::Running if quiesce == Quiesce::Live => {
                let _promise = promised(room, disk).await?;
                match driver.copy(disk, done).await {
                    Ok(rest) => return Ok(rest),
                    // It may have gone off meanwhile, and then there is another way.
                    Err(error) if still_runs(&mut view).await => return Err(uncopied(error)),
                    Err(error) => tracing::info!(%error, "the disk is copied in another way"),
                }
                driver.uncopy(vm.directory()).await.map_err(uncopied)?;
            }
            MachineState::Running | MachineState::Stopped => {
                let gate = vm.gate();
                let _shut = gate.lock().await;
                // One that is just being started has passed the gate before it was shut.
                let restart = match view.borrow_and_update().state {
                    MachineState::Running if quiesce == Quiesce::Live => continue,
                    MachineState::Running => true,
                    MachineState::Stopped => false,
                    _ => continue,
                };
                if restart {
                    vm.restart().await.map_err(Failure::internal)?;
                }
                // With the gate shut it comes no further than that.
                let off = |view: &InstanceView| {
                    !matches!(view.state, MachineState::Running | MachineState::Halting)
                };
                let off = view.wait_for(off).await.map_err(|_| ended())?.state;
                if !matches!(off, MachineState::Stopped | MachineState::Preparing) {
                    continue;
                }
                let _promise = promised(room, disk).await?;
                let rest = driver.copy(disk, done).await.map_err(uncopied)?;
                return Ok(match (restart, vm.halt()) {
                    (true, Some(Halt::Clean)) => Rest::Restarted,
                    (true, Some(Halt::Hard)) => Rest::Interrupted,
                    // Its guest switched itself off before it was asked to.
                    (true, None) if off == MachineState::Stopped => rest,
                    // Its process was lost.
                    (true, None) => Rest::Interrupted,
                    (false, _) => rest,
                });
            }
            MachineState::Stopping | MachineState::Gone | MachineState::Failed => {
                return Err(ended());
            }
            MachineState::Preparing | MachineState::Halting => {
                view.changed().await.map_err(|_| ended())?;
            }
        }
    }
}

/// Room for the copy, as large as the disk is now that it is its turn.
async fn promised(room: &Room, disk: &Disk) -> Result<Promise, Failure> {
    let (room, overlay) = (room.clone(), disk.overlay.clone());
    pool::block(move || room.promise(&overlay)).await.map_err(Failure::internal)?
}

fn uncopied(error: DriverError) -> Failure {
    Failure::of("the disk cannot be copied on its node", error)
}

/// Whether the machine runs, and has done so since it was looked at last; of its end it is heard
/// a moment later than of the copy's.
async fn still_runs(view: &mut watch::Receiver<InstanceView>) -> bool {
    tokio::time::timeout(MOMENT, view.changed()).await.is_err()
}

/// As [`copy`], on the pool, until the instance goes.
pub async fn copy_while_it_lives(
    driver: std::sync::Arc<dyn Driver>,
    vm: VmHandle,
    disk: Disk,
    quiesce: Quiesce,
    room: Room,
    done: watch::Sender<u8>,
) -> Result<Rest, Failure> {
    let going = vm.view();
    let copied = pool::until_dropped(async move {
        tokio::select! {
            copied = copy(&*driver, &vm, &disk, quiesce, &room, &done) => copied,
            failure = gone(going) => Err(failure),
        }
    });
    copied.await.map_err(Failure::internal)?
}
