//! TerminateInstances: all of them or none; asking again changes nothing.

use common::action::Caller;
use common::ec2::instances::{ChangedInstance, ChangedInstances, TerminateInstances};
use common::error::ApiError;
use common::id::InstanceId;
use common::time::Timestamp;
use runtime::actor::{Handle, Scene};

use super::ids;
use super::instances::{Instances, named, state};
use crate::records::{Instance, Reason, Records, SeenState};

impl Handle<Instances> for TerminateInstances {
    type Checked = Vec<InstanceId>;

    async fn check(self, scene: &Scene<Instances>) -> Result<Vec<InstanceId>, ApiError> {
        if self.instance_id.is_empty() {
            return Err(ApiError::missing("InstanceId"));
        }
        let mut wanted: Vec<InstanceId> = Vec::new();
        for text in &self.instance_id {
            let id = ids::instance(text)?;
            if !wanted.contains(&id) {
                wanted.push(id);
            }
        }
        let caller = scene.caller.clone();
        scene.records.work(move |records| named(records, &wanted, &caller).map(|_| wanted)).await
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
        let shown = changed.into_iter().map(|(instance, before)| ChangedInstance {
            instance_id: instance.id,
            current_state: state(instance.seen),
            previous_state: state(before),
        });
        Ok(ChangedInstances { instances_set: shown.collect() })
    }
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
            if seen.record.end(Reason::by_user(), now) {
                batch.replace(&seen)?;
            }
            changed.push((seen.record, before));
        }
        Ok::<_, ApiError>(changed)
    })?;
    Ok(changed)
}
