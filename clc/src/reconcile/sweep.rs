//! Old records: an instance that ended is listed for an hour, the token of a launch is kept for a
//! day after its last instance has gone, a bundle task or import that ended is listed for a day. Names in the feed
//! of identity that lead to nothing go with them.

use std::collections::{BTreeMap, BTreeSet};

use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::reconcile::{Pass, Reconciler};
use store::{Batch, StoreError};

use crate::history::meter;
use crate::identity::feed;
use crate::records::{Records, Rule, SeenState};

/// How long an instance that ended is listed.
pub const LISTED: Duration = Duration::from_secs(3600);

/// How long the token of a launch is kept after the launch and its instances.
pub const TOKEN_KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long a bundle task that ended is listed.
pub const TASK_LISTED: Duration = Duration::from_secs(24 * 3600);

/// How many bundle tasks that ended are listed of an account, the latest.
pub const MOST_TASKS: usize = 100;

/// Removes old records.
pub struct Sweep {
    /// What lasts.
    pub records: Records,
    /// The time.
    pub clock: Clock,
}

impl Reconciler for Sweep {
    fn name(&self) -> &str {
        "sweep"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        let now = self.clock.now();
        Box::pin(self.records.work(move |records| {
            let pass = sweep(records, now)?;
            feed::sweep(records)?;
            Ok(pass)
        }))
    }
}

fn sweep(records: &Records, now: Timestamp) -> Result<Pass, ApiError> {
    let mut pass = Pass::default();
    let rules: Vec<_> = records.node_rules.all("").collect::<Result<_, _>>()?;
    // What was on a node that was given up is remembered until it is taken back: should it come
    // back with them, they are ended there.
    let lost: BTreeSet<&str> = rules
        .iter()
        .filter(|rule| rule.rule == Rule::GivenUp)
        .map(|rule| rule.node.as_str())
        .collect();
    // What an instance used is added up first.
    let metered = meter::upto(records)?;
    for seen in records.instances.all("") {
        let seen = seen?;
        pass.looked += 1;
        let counted = metered.is_none_or(|upto| seen.since < upto);
        let old = seen.seen == SeenState::Terminated && now.since(seen.since) > LISTED;
        if old && counted && !lost.contains(seen.node.as_str()) {
            let mut batch = Batch::new();
            batch.remove(&seen);
            records.unpoint(&mut batch, &seen);
            records.drop_tags(&mut batch, seen.id.as_str())?;
            match batch.commit(&*records.engine) {
                Ok(_) => pass.steps += 1,
                // Somebody tagged it just now: it goes with the next pass.
                Err(StoreError::Conflict { .. }) => pass.unsettled += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
    for mut seen in records.launches.all("").collect::<Result<Vec<_>, _>>()? {
        pass.looked += 1;
        let mut left = false;
        for instance in &seen.instances {
            left |= records.instances.get(instance.as_str())?.is_some();
        }
        if left {
            // The day begins when the last instance has gone.
            if now.since(seen.at) > LISTED {
                seen.record.at = now;
                records.launches.replace(seen)?;
            }
        } else if now.since(seen.at) > TOKEN_KEPT {
            records.launches.remove(seen.key())?;
            pass.steps += 1;
        }
    }
    sweep_tasks(records, now, &mut pass)?;
    sweep_imports(records, now, &mut pass)?;
    Ok(pass)
}

/// Those that left something behind stay until that is gone.
fn sweep_tasks(records: &Records, now: Timestamp, pass: &mut Pass) -> Result<(), ApiError> {
    let mut ended: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for seen in records.bundle_tasks.all("") {
        let seen = seen?;
        pass.looked += 1;
        if seen.is_over() && !seen.leftovers {
            ended.entry(seen.account.clone()).or_default().push(seen);
        }
    }
    for mut tasks in ended.into_values() {
        tasks.sort_by_key(|task| std::cmp::Reverse(task.updated));
        for (rank, task) in tasks.iter().enumerate() {
            if rank >= MOST_TASKS || now.since(task.updated) > TASK_LISTED {
                let mut batch = Batch::new();
                records.remove_bundle_task(&mut batch, task);
                batch.commit(&*records.engine)?;
                pass.steps += 1;
            }
        }
    }
    Ok(())
}

/// Imports go as bundle tasks do.
fn sweep_imports(records: &Records, now: Timestamp, pass: &mut Pass) -> Result<(), ApiError> {
    let mut ended: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for seen in records.imports.all("") {
        let seen = seen?;
        pass.looked += 1;
        if seen.is_over() && !seen.leftovers && !seen.disk_goes {
            ended.entry(seen.account.clone()).or_default().push(seen);
        }
    }
    for mut tasks in ended.into_values() {
        tasks.sort_by_key(|task| std::cmp::Reverse(task.updated));
        for (rank, task) in tasks.iter().enumerate() {
            if rank >= MOST_TASKS || now.since(task.updated) > TASK_LISTED {
                let mut batch = Batch::new();
                records.remove_import(&mut batch, task);
                batch.commit(&*records.engine)?;
                pass.steps += 1;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::id::{BundleTaskId, InstanceId, ReservationId};
    use store::EngineConfig;

    use super::*;
    use crate::reconcile::bundle_step;
    use crate::reconcile::step::tests::sample;
    use crate::records::{BundleTask, Launch, Stage, Wanted};

    #[test]
    fn the_ended_are_listed_for_an_hour_and_tokens_kept_for_a_day() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let ended = sample(Wanted::Terminated, SeenState::Terminated);
        let mut batch = Batch::new();
        batch.insert(&ended).unwrap();
        records.point(&mut batch, &ended);
        let launch = Launch {
            account: ended.account.clone(),
            token: "t".into(),
            parameters: String::new(),
            reservation: ReservationId::from_random([2; 4]),
            instances: vec![ended.id.clone()],
            groups: Vec::new(),
            at: Timestamp::EPOCH,
        };
        batch.insert(&launch).unwrap();
        batch.commit(&*records.engine).unwrap();
        let at = |seconds: i64| sweep(&records, Timestamp::from_secs(seconds)).unwrap().steps;
        assert_eq!(at(3600), 0);
        assert_eq!(at(3601), 1);
        let left = records.instances_of.scan("", store::After::Start, 9).unwrap();
        assert!(left.is_empty() && records.instances.get(ended.id.as_str()).unwrap().is_none());
        assert_eq!(at(24 * 3600), 0);
        assert_eq!(at(2 * 24 * 3600), 1);
        assert!(records.launches.get(&Launch::key_of(&ended.account, "t")).unwrap().is_none());
    }

    #[test]
    fn tasks_that_ended_are_listed_for_a_day_and_not_too_many() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let add = |number: u8, change: fn(&mut BundleTask)| {
            let mut task = bundle_step::tests::sample(Stage::Complete);
            task.id = BundleTaskId::from_random([0, 0, 0, number]);
            task.instance = InstanceId::from_random([0, 0, 0, number]);
            task.updated = Timestamp::from_secs(i64::from(number));
            change(&mut task);
            let mut batch = Batch::new();
            records.add_bundle_task(&mut batch, &task).unwrap();
            records.end_bundle_task(&mut batch, &task);
            batch.commit(&*records.engine).unwrap();
        };
        (0..110).for_each(|number| add(number, |_| {}));
        add(200, |task| task.stage = Stage::Storing);
        add(201, |task| task.leftovers = true);
        let at = |seconds: i64| sweep(&records, Timestamp::from_secs(seconds)).unwrap().steps;
        assert_eq!(at(300), 10);
        let oldest = |number| BundleTaskId::from_random([0, 0, 0, number]);
        assert!(records.bundle_tasks.get(oldest(9).as_str()).unwrap().is_none());
        assert!(records.bundle_tasks.get(oldest(10).as_str()).unwrap().is_some());
        assert_eq!(at(24 * 3600 + 20), 10);
        assert_eq!(at(48 * 3600), 90);
        assert_eq!(at(480 * 3600), 0);
        let left = |index: &store::Index| index.scan("", store::After::Start, 999).unwrap().len();
        assert_eq!((left(&records.bundles_of), left(&records.bundles_on)), (2, 2));
        assert_eq!(left(&records.bundling), 0);
    }
}
