//! Old records: an instance that ended is listed for an hour, the token of a launch is kept for a
//! day after its last instance has gone.

use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::reconcile::{Pass, Reconciler};
use store::{Batch, StoreError};

use crate::records::{Records, SeenState};

/// How long an instance that ended is listed.
pub const LISTED: Duration = Duration::from_secs(3600);

/// How long the token of a launch is kept after the launch and its instances.
pub const TOKEN_KEPT: Duration = Duration::from_secs(24 * 3600);

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
        Box::pin(self.records.work(move |records| sweep(records, now)))
    }
}

fn sweep(records: &Records, now: Timestamp) -> Result<Pass, ApiError> {
    let mut pass = Pass::default();
    for seen in records.instances.all("") {
        let seen = seen?;
        pass.looked += 1;
        if seen.seen == SeenState::Terminated && now.since(seen.since) > LISTED {
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
    Ok(pass)
}

#[cfg(test)]
mod tests {
    use common::id::ReservationId;
    use store::EngineConfig;

    use super::*;
    use crate::reconcile::step::tests::sample;
    use crate::records::{Launch, Wanted};

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
}
