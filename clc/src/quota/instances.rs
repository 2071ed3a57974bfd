//! How many instances somebody may have, and how large.
//!
//! Processors and memory are those of instances that are not stopped, as the nodes have it; disks
//! stay promised while an instance is stopped.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use store::{After, Batch};

use super::{Bound, Quota, Whose, bounds, is_own, take_turns};
use crate::records::{Instance, Records, SeenState};
use crate::schedule::ledger::Demand;

const RUN: &[&str] = &["ec2:RunInstances"];
const RUN_OR_START: &[&str] = &["ec2:RunInstances", "ec2:StartInstances"];

/// What instances use; disks and memory in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Use {
    instances: u64,
    active: u64,
    cpus: u64,
    memory: u64,
    disk: u64,
}

/// A quota, and how what it counts is read.
type Row = (Quota, fn(&Use) -> u64);

const QUOTAS: [Row; 5] = [
    (quota("ec2:quota-vminstancenumber", RUN, "instances", 1), |it| it.instances),
    (
        quota(
            "ec2:quota-vminstanceactivenumber",
            RUN_OR_START,
            "instances that are not stopped",
            1,
        ),
        |it| it.active,
    ),
    (quota("ec2:quota-cputotalsize", RUN_OR_START, "virtual processors in use", 1), |it| it.cpus),
    (quota("ec2:quota-memorytotalsize", RUN_OR_START, "MiB of memory in use", 1), |it| it.memory),
    (quota("ec2:quota-disktotalsize", RUN, "GiB of disk", 1 << 10), |it| it.disk),
];

const fn quota(
    key: &'static str,
    actions: &'static [&'static str],
    what: &'static str,
    unit: u64,
) -> Quota {
    Quota { key, actions, what, unit }
}

impl Use {
    /// Instances that are about to run.
    fn of_new(demand: Demand, count: u64) -> Self {
        Self {
            instances: count,
            disk: demand.disk_mib.saturating_mul(count),
            ..Self::of_started(demand, count)
        }
    }

    /// Instances that were stopped and are about to run.
    fn of_started(demand: Demand, count: u64) -> Self {
        Self {
            active: count,
            cpus: u64::from(demand.cpus).saturating_mul(count),
            memory: demand.memory_mib.saturating_mul(count),
            ..Self::default()
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            instances: self.instances.saturating_add(other.instances),
            active: self.active.saturating_add(other.active),
            cpus: self.cpus.saturating_add(other.cpus),
            memory: self.memory.saturating_add(other.memory),
            disk: self.disk.saturating_add(other.disk),
        }
    }
}

/// How what a limit is about is read.
type Read = fn(&Use) -> u64;

/// The limits on instances that concern a caller, with how each is read.
fn limits(caller: &Caller) -> Vec<(Bound, Read)> {
    let rows = QUOTAS.into_iter();
    rows.flat_map(|(quota, read)| bounds(caller, [quota]).into_iter().map(move |it| (it, read)))
        .collect()
}

/// What an account's instances use, and what those of them that a caller made. Blocks.
fn used(records: &Records, caller: &Caller) -> Result<(Use, Use), ApiError> {
    used_in(records, &caller.account, |maker| is_own(maker, caller))
}

/// How much an account has of what each quota on instances counts. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn held(records: &Records, account: &AccountId) -> Result<Vec<(Quota, u64)>, ApiError> {
    let (used, _) = used_in(records, account, |_| false)?;
    Ok(QUOTAS.into_iter().map(|(quota, read)| (quota, read(&used))).collect())
}

fn used_in(
    records: &Records,
    account: &AccountId,
    is_own: impl Fn(&str) -> bool,
) -> Result<(Use, Use), ApiError> {
    let prefix = format!("{account}/");
    let (mut account, mut own) = (Use::default(), Use::default());
    let rows = records.instances_of.scan(&prefix, After::Start, usize::MAX)?;
    for row in rows {
        let Some(seen) = records.instances.get(&row.value)? else { continue };
        let it = seen.record;
        if !it.lives() {
            continue;
        }
        let demand = demand(&it);
        let uses = match it.seen {
            SeenState::Stopped => Use { instances: 1, disk: demand.disk_mib, ..Use::default() },
            _ => Use::of_new(demand, 1),
        };
        account = account.and(uses);
        if is_own(&it.maker) {
            own = own.and(uses);
        }
    }
    Ok((account, own))
}

fn demand(it: &Instance) -> Demand {
    Demand { cpus: it.cpus, memory_mib: it.memory_mib, disk_mib: it.disk_mib }
}

/// How many instances of a size a caller may have more; `wanted` if no limit concerns them. Blocks.
///
/// # Errors
/// `InstanceLimitExceeded` if that is fewer than `least`.
pub fn room(
    records: &Records,
    caller: &Caller,
    demand: Demand,
    least: u64,
    wanted: u64,
) -> Result<u64, ApiError> {
    let limits = limits(caller);
    if limits.is_empty() {
        return Ok(wanted);
    }
    let (account, own) = used(records, caller)?;
    let one = Use::of_new(demand, 1);
    let mut room = wanted;
    for (bound, read) in limits {
        let used = read(if bound.whose == Whose::Own { &own } else { &account });
        let fits = bound.left(used) / read(&one).max(1);
        if fits < least {
            return Err(bound.exceeded(ErrorCode::InstanceLimitExceeded, used));
        }
        room = room.min(fits);
    }
    Ok(room)
}

/// Refuses an heir whose account may not have all that another has, beside its own. Blocks.
///
/// # Errors
/// `InstanceLimitExceeded`.
pub fn admit_gift(records: &Records, heir: &Caller, from: &AccountId) -> Result<(), ApiError> {
    let limits = limits(heir);
    if limits.is_empty() {
        return Ok(());
    }
    let (own, given) = (used(records, heir)?.0, used_in(records, from, |_| false)?.0);
    for (bound, read) in limits.into_iter().filter(|(bound, _)| bound.whose == Whose::Account) {
        if read(&given) > bound.left(read(&own)) {
            return Err(bound.exceeded(ErrorCode::InstanceLimitExceeded, read(&own)));
        }
    }
    Ok(())
}

/// Adds to the batch that records a launch: no limit is exceeded by it. Blocks.
///
/// # Errors
/// `InstanceLimitExceeded`.
pub fn admit_launch(
    records: &Records,
    batch: &mut Batch,
    caller: &Caller,
    demand: Demand,
    count: usize,
) -> Result<(), ApiError> {
    let more = Use::of_new(demand, count as u64);
    admit(records, Some(batch), caller, more, more)
}

/// Finds out whether no limit is exceeded when these instances start, and adds it to the batch that
/// starts them. Those of them that somebody else made count for the account alone. Blocks.
///
/// # Errors
/// `InstanceLimitExceeded`.
pub fn admit_start(
    records: &Records,
    batch: Option<&mut Batch>,
    caller: &Caller,
    started: &[Instance],
) -> Result<(), ApiError> {
    let sum = |own: bool| {
        let counted = started.iter().filter(|it| !own || is_own(&it.maker, caller));
        counted.fold(Use::default(), |all, it| all.and(Use::of_started(demand(it), 1)))
    };
    admit(records, batch, caller, sum(false), sum(true))
}

fn admit(
    records: &Records,
    batch: Option<&mut Batch>,
    caller: &Caller,
    more: Use,
    own_more: Use,
) -> Result<(), ApiError> {
    let limits = limits(caller);
    if limits.is_empty() {
        return Ok(());
    }
    if let Some(batch) = batch {
        let bounds: Vec<_> = limits.iter().map(|(bound, _)| *bound).collect();
        take_turns(records, batch, caller, &bounds)?;
    }
    let (account, own) = used(records, caller)?;
    for (bound, read) in limits {
        let (used, more) = match bound.whose {
            Whose::Account => (read(&account), read(&more)),
            Whose::Own => (read(&own), read(&own_more)),
        };
        // What adds nothing exceeds nothing, also above a limit that was lowered.
        if more > 0 && more > bound.left(used) {
            return Err(bound.exceeded(ErrorCode::InstanceLimitExceeded, used));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::id::{InstanceId, ReservationId};
    use common::time::Timestamp;

    use super::*;
    use crate::quota::tests::{account, limited, records};
    use crate::reconcile::step::tests::sample;
    use crate::records::Wanted;

    const SMALL: Demand = Demand { cpus: 1, memory_mib: 128, disk_mib: 2048 };

    fn instance(number: u8, seen: SeenState, maker: &str) -> Instance {
        Instance {
            id: InstanceId::from_random([number; 4]),
            reservation: ReservationId::from_random([number; 4]),
            account: account(),
            maker: maker.to_owned(),
            launched: Timestamp::from_secs(i64::from(number)),
            ..sample(Wanted::Running, seen)
        }
    }

    fn world() -> Records {
        let records = records();
        for (number, seen, maker) in [
            // One was made under another name, one when names were noted.
            (1, SeenState::Running, "AIDAtaro"),
            (2, SeenState::Stopped, "user/taro"),
            (3, SeenState::Terminated, "user/taro"),
            (4, SeenState::Pending, "user/hanako"),
            (5, SeenState::Running, ""),
        ] {
            let it = instance(number, seen, maker);
            let mut batch = Batch::new();
            batch.insert(&it).unwrap();
            records.point(&mut batch, &it);
            batch.commit(&*records.engine).unwrap();
        }
        records
    }

    fn of_run(own: &[(&str, u64)], account_has: &[(&str, u64)]) -> Caller {
        limited("taro", "ec2:RunInstances", own, account_has)
    }

    #[test]
    fn each_quota_counts_what_it_says() {
        let records = world();
        let caller = of_run(&[], &[]);
        let (account, own) = used(&records, &caller).unwrap();
        let expected = Use { instances: 4, active: 3, cpus: 3, memory: 384, disk: 8192 };
        assert_eq!(account, expected);
        let expected = Use { instances: 2, active: 1, cpus: 1, memory: 128, disk: 4096 };
        assert_eq!(own, expected);

        let left = |own: &[_], account: &[_]| {
            room(&records, &of_run(own, account), SMALL, 1, 9).map_err(|error| error.code())
        };
        let exceeded = Err(ErrorCode::InstanceLimitExceeded);
        assert_eq!(left(&[], &[]), Ok(9));
        for (key, limit, more, none) in [
            ("ec2:quota-vminstancenumber", 4, 2, 2),
            ("ec2:quota-vminstanceactivenumber", 4, 3, 1),
            ("ec2:quota-cputotalsize", 4, 3, 1),
            ("ec2:quota-memorytotalsize", 4 * 128, 3, 128 + 127),
            ("ec2:quota-disktotalsize", 8, 2, 5),
        ] {
            assert_eq!(left(&[(key, limit)], &[]), Ok(more), "{key}");
            assert_eq!(left(&[(key, none)], &[]), exceeded, "{key}");
            assert_eq!(left(&[(key, 0)], &[]), exceeded, "{key}");
        }
        let key = "ec2:quota-vminstancenumber";
        assert_eq!(left(&[(key, 9)], &[(key, 5)]), Ok(1));
        assert_eq!(left(&[(key, 9)], &[(key, 4)]), exceeded);
    }

    #[test]
    fn a_start_counts_for_whoever_made_the_instance_and_for_the_account() {
        let records = world();
        let started = |maker: &str| [instance(2, SeenState::Stopped, maker)];
        let start = |caller: &Caller, maker: &str| {
            let mut batch = Batch::new();
            admit_start(&records, Some(&mut batch), caller, &started(maker))
                .map_err(|error| error.code())
                .map(|()| batch.is_empty())
        };
        let exceeded = Err(ErrorCode::InstanceLimitExceeded);
        let active = "ec2:quota-vminstanceactivenumber";
        assert_eq!(start(&of_run(&[], &[]), "user/taro"), Ok(true));
        assert_eq!(start(&of_run(&[(active, 2)], &[]), "user/taro"), Ok(false));
        assert_eq!(start(&of_run(&[(active, 1)], &[]), "user/taro"), exceeded);
        // It is somebody else's.
        assert_eq!(start(&of_run(&[(active, 1)], &[]), "user/hanako"), Ok(false));
        assert_eq!(start(&of_run(&[], &[(active, 3)]), "user/hanako"), exceeded);
        // One that is started was counted as an instance already.
        let all = "ec2:quota-vminstancenumber";
        assert_eq!(start(&of_run(&[(all, 1)], &[]), "user/taro"), Ok(false));
    }
}
