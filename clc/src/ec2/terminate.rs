//! TerminateInstances: all of them or none; asking again changes nothing.

use common::action::Caller;
use common::ec2::instances::{ChangedInstance, ChangedInstances, TerminateInstances};
use common::error::{ApiError, ErrorCode};
use common::id::InstanceId;
use common::time::Timestamp;
use runtime::actor::{Handle, Scene};

use super::ids;
use super::instances::{Instances, by_user, named, state};
use crate::records::{Instance, Reason, Records, SeenState, Wanted};

impl Handle<Instances> for TerminateInstances {
    type Checked = Vec<InstanceId>;

    async fn check(self, scene: &Scene<Instances>) -> Result<Vec<InstanceId>, ApiError> {
        let wanted = ids::instances(&self.instance_id)?;
        let caller = scene.caller.clone();
        let check = move |records: &Records| {
            for seen in named(records, &wanted, &caller)? {
                unprotected(&seen)?;
            }
            Ok(wanted)
        };
        scene.records.work(check).await
    }

    async fn act(
        wanted: Vec<InstanceId>,
        scene: &Scene<Instances>,
    ) -> Result<ChangedInstances, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let changed =
            scene.records.work(move |records| end(records, &wanted, &caller, now)).await?;
        for (instance, _) in &changed {
            scene.wakers.node(&instance.node);
        }
        // A launch that waited for an image may have been the last to do so.
        scene.wakers.images.wake();
        Ok(shown(changed))
    }
}

/// Instances with their states before, as they are answered.
pub fn shown(changed: Vec<(Instance, SeenState)>) -> ChangedInstances {
    let shown = changed.into_iter().map(|(instance, before)| ChangedInstance {
        instance_id: instance.id,
        current_state: state(instance.seen),
        previous_state: state(before),
    });
    ChangedInstances { instances_set: shown.collect() }
}

fn unprotected(instance: &Instance) -> Result<(), ApiError> {
    if !instance.protected || instance.wanted == Wanted::Terminated {
        return Ok(());
    }
    let text = format!(
        "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance \
         attribute and try again",
        instance.id
    );
    Err(ApiError::new(ErrorCode::OperationNotPermitted, text))
}

fn end(
    records: &Records,
    ids: &[InstanceId],
    caller: &Caller,
    now: Timestamp,
) -> Result<Vec<(Instance, SeenState)>, ApiError> {
    let (changed, _) = store::transact(&*records.engine, |batch| {
        let mut changed = Vec::new();
        for mut seen in named(records, ids, caller)? {
            let before = seen.seen;
            unprotected(&seen)?;
            if seen.record.end(Reason::by_user(), now) {
                seen.record.transition = Some(by_user(now));
                batch.replace(&seen)?;
            }
            changed.push((seen.record, before));
        }
        Ok::<_, ApiError>(changed)
    })?;
    Ok(changed)
}
