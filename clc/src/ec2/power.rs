//! StopInstances, StartInstances, RebootInstances: all of them or none; asking again changes
//! nothing. What each state allows stands in three rules at the top; all else is the same for the
//! three.

use common::action::Caller;
use common::ec2::instances::ChangedInstances;
use common::ec2::power::{RebootInstances, StartInstances, StopInstances};
use common::ec2::types::Done;
use common::error::{ApiError, ErrorCode};
use common::id::InstanceId;
use common::time::Timestamp;
use runtime::actor::{Handle, Scene};
use store::Batch;

use super::ids;
use super::instances::{Instances, by_user, named};
use super::terminate::shown;
use crate::quota;
use crate::records::{Instance, Reason, Records, SeenState, Wanted};
use crate::schedule::ledger::Demand;
use crate::schedule::scheduler::{Park, Resume};

/// What is to be done with instances.
#[derive(Debug, Clone, Copy)]
enum Change {
    Stop { force: bool },
    Start,
    Reboot,
}

impl Change {
    /// Does it to a record. Says whether that changed something.
    fn of(self, it: &mut Instance, now: Timestamp) -> Result<bool, ApiError> {
        use SeenState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
        let refused = |what: &str| {
            let text =
                format!("The instance '{}' is not in a state from which it can be {what}", it.id);
            Err(ApiError::new(ErrorCode::IncorrectInstanceState, text))
        };
        match (self, it.seen) {
            (Self::Stop { .. }, ShuttingDown | Terminated) => refused("stopped"),
            // There is no disk yet that could be kept.
            (Self::Stop { .. }, Pending) if !it.ran => refused("stopped"),
            (Self::Stop { force }, Pending | Running | Stopping | Stopped) => {
                let news = it.stop(Reason::by_user(), force, now);
                if news {
                    it.transition = Some(by_user(now));
                }
                Ok(news)
            }
            (Self::Start, Stopping | ShuttingDown | Terminated) => refused("started"),
            (Self::Start, Pending | Running | Stopped) => Ok(it.start(now)),
            (Self::Reboot, Running) => {
                it.reboots += 1;
                it.generation += 1;
                Ok(true)
            }
            (Self::Reboot, _) => refused("rebooted"),
        }
    }

    /// Refuses to start more than quotas let the caller have.
    fn admit<'a>(
        self,
        records: &Records,
        batch: Option<&mut Batch>,
        found: impl IntoIterator<Item = &'a Instance>,
        caller: &Caller,
    ) -> Result<(), ApiError> {
        if !matches!(self, Self::Start) {
            return Ok(());
        }
        let off = found.into_iter().filter(|it| it.seen == SeenState::Stopped);
        let started: Vec<_> = off.cloned().collect();
        if started.is_empty() {
            return Ok(());
        }
        quota::instances::admit_start(records, batch, caller, &started)
    }

    /// Does it to all of these in one commit.
    fn commit(
        self,
        records: &Records,
        ids: &[InstanceId],
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<(Instance, SeenState)>, ApiError> {
        let (changed, _) = store::transact(&*records.engine, |batch| {
            let mut changed = Vec::new();
            let found = named(records, ids, caller)?;
            self.admit(records, Some(batch), found.iter().map(|seen| &seen.record), caller)?;
            for mut seen in found {
                let before = seen.seen;
                if self.of(&mut seen.record, now)? {
                    batch.replace(&seen)?;
                }
                changed.push((seen.record, before));
            }
            Ok::<_, ApiError>(changed)
        })?;
        Ok(changed)
    }

    /// Finds out whether it could be done; gives the records as they are.
    async fn check(
        self,
        scene: &Scene<Instances>,
        ids: Vec<InstanceId>,
    ) -> Result<Vec<Instance>, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let check = move |records: &Records| {
            let mut found = Vec::new();
            for seen in named(records, &ids, &caller)? {
                self.of(&mut seen.record.clone(), now)?;
                found.push(seen.record);
            }
            self.admit(records, None, &found, &caller)?;
            Ok(found)
        };
        scene.records.work(check).await
    }

    async fn act(
        self,
        scene: &Scene<Instances>,
        ids: Vec<InstanceId>,
    ) -> Result<Vec<(Instance, SeenState)>, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let commit = move |records: &Records| self.commit(records, &ids, &caller, now);
        let changed = scene.records.work(commit).await?;
        for (instance, _) in &changed {
            scene.wakers.node(&instance.node);
        }
        Ok(changed)
    }
}

impl Handle<Instances> for StopInstances {
    type Checked = (Vec<InstanceId>, bool);

    async fn check(self, scene: &Scene<Instances>) -> Result<Self::Checked, ApiError> {
        if self.hibernate == Some(true) {
            let text = "The parameter Hibernate is not supported: what is in memory is not kept";
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
        }
        let force = self.force == Some(true) || self.skip_os_shutdown == Some(true);
        let ids = ids::instances(&self.instance_id)?;
        Change::Stop { force }.check(scene, ids.clone()).await?;
        Ok((ids, force))
    }

    async fn act(
        (ids, force): Self::Checked,
        scene: &Scene<Instances>,
    ) -> Result<ChangedInstances, ApiError> {
        Ok(shown(Change::Stop { force }.act(scene, ids).await?))
    }
}

impl Handle<Instances> for RebootInstances {
    type Checked = Vec<InstanceId>;

    async fn check(self, scene: &Scene<Instances>) -> Result<Self::Checked, ApiError> {
        let ids = ids::instances(&self.instance_id)?;
        Change::Reboot.check(scene, ids.clone()).await?;
        Ok(ids)
    }

    async fn act(ids: Self::Checked, scene: &Scene<Instances>) -> Result<Done, ApiError> {
        Change::Reboot.act(scene, ids).await?;
        Ok(Done::YES)
    }
}

impl Handle<Instances> for StartInstances {
    type Checked = Vec<Instance>;

    async fn check(self, scene: &Scene<Instances>) -> Result<Self::Checked, ApiError> {
        let ids = ids::instances(&self.instance_id)?;
        let found = Change::Start.check(scene, ids).await?;
        for it in found.iter().filter(|it| it.seen == SeenState::Stopped) {
            let there = scene.cluster.member(&it.node);
            if !there.is_some_and(|node| node.sighting().is_reachable(scene.clock.now())) {
                let why = format!("its node {}, which has its disk, does not answer", it.node);
                return Err(no_room(&it.id, &why));
            }
        }
        Ok(found)
    }

    async fn act(
        found: Self::Checked,
        scene: &Scene<Instances>,
    ) -> Result<ChangedInstances, ApiError> {
        let mut ids: Vec<_> = found.into_iter().map(|it| it.id).collect();
        // One start of an instance after the other, always in the same order: who takes a seat for
        // it must be the one who gives it back.
        ids.sort();
        let mut alone = Vec::new();
        for id in &ids {
            alone.push(scene.tokens.hold(start_of(id)).await);
        }
        let off = Change::Start.check(scene, ids.clone()).await?;
        let off = off.into_iter().filter(|it| it.seen == SeenState::Stopped);
        let seats: Vec<_> = off.map(|it| (it.node.clone(), it.id.clone(), demand(&it))).collect();
        let resumed: Vec<_> = seats.iter().map(|(_, id, _)| id.clone()).collect();
        let taken = scene.scheduler.send(Resume(seats)).await.map_err(|gone| {
            ApiError::new(ErrorCode::Unavailable, "The service is stopping").because(gone)
        })?;
        if let Err(id) = taken {
            return Err(no_room(&id, "its node, which has its disk, has no room for it"));
        }
        let changed = Change::Start.act(scene, ids).await;
        if changed.is_err() {
            // It may be on record all the same. Seats stay theirs if not even that can be found
            // out: the store has failed then, and the next start reads what it has kept.
            let off = scene.records.work(move |records| still_off(records, resumed)).await;
            if let Ok(off) = off {
                // A scheduler that is gone ends the process, and the next one reads the records.
                let _ = scene.scheduler.send(Park(off)).await;
            }
        }
        Ok(shown(changed?))
    }
}

/// Those of these instances that are recorded as off.
fn still_off(records: &Records, ids: Vec<InstanceId>) -> Result<Vec<InstanceId>, ApiError> {
    let mut off = Vec::new();
    for id in ids {
        let seen = records.instances.get(id.as_str())?;
        if seen.is_some_and(|it| it.wanted == Wanted::Stopped) {
            off.push(id);
        }
    }
    Ok(off)
}

/// The token under which an instance is started, and nothing else happens to it.
pub(super) fn start_of(id: &InstanceId) -> String {
    format!("start {id}")
}

fn demand(it: &Instance) -> Demand {
    Demand { cpus: it.cpus, memory_mib: it.memory_mib, disk_mib: it.disk_mib }
}

fn no_room(id: &InstanceId, why: &str) -> ApiError {
    let text = format!("The instance '{id}' cannot be started: {why}");
    ApiError::new(ErrorCode::InsufficientInstanceCapacity, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::step::tests::sample;

    #[test]
    fn what_each_state_allows() {
        use SeenState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
        let stop = Change::Stop { force: false };
        let force = Change::Stop { force: true };
        let (yes, no, refused) = (Some(true), Some(false), None);
        for (seen, wanted, ran, expected) in [
            (Pending, Wanted::Running, false, [refused, refused, no, refused]),
            (Pending, Wanted::Running, true, [yes, yes, no, refused]),
            (Running, Wanted::Running, true, [yes, yes, no, yes]),
            (Stopping, Wanted::Stopped, true, [no, yes, refused, refused]),
            (Stopped, Wanted::Stopped, true, [no, no, yes, refused]),
            (ShuttingDown, Wanted::Terminated, true, [refused; 4]),
            (Terminated, Wanted::Terminated, true, [refused; 4]),
        ] {
            for (change, expected) in
                [stop, force, Change::Start, Change::Reboot].into_iter().zip(expected)
            {
                let mut it = Instance { ran, ..sample(wanted, seen) };
                let done = change.of(&mut it, Timestamp::EPOCH);
                if let Err(error) = &done {
                    assert_eq!(error.code(), ErrorCode::IncorrectInstanceState);
                }
                assert_eq!(done.ok(), expected, "{change:?} {seen:?} {ran}");
                let generation = if expected == yes { 2 } else { 1 };
                assert_eq!(it.generation, generation, "{change:?} {seen:?}");
            }
        }
    }
}
