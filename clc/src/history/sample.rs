//! Takes a sample every minute, of accounts every ten, as the clock says; and adds up what was used.
//!
//! A pass looks at the clock often and does something when another minute has begun, so whoever turns
//! a clock by hand sees a sample soon. What an interval was about (calls, the cache's hits) is the
//! difference to the last minute; after a start, a pause, or a count that begins anew it is not known.
//! Nodes are asked how their hosts are, all at once and not for long.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::error::ApiError;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::host::{HostView, LookAtNode};
use common::wire::quota::{DescribeQuotas, Scope, Used};
use common::wire::walrus::{CacheView, DescribeCache, DescribeTraffic, Traffic, Walrus};
use futures_util::future::{BoxFuture, join, join_all};
use runtime::clock::Clock;
use runtime::peer::Peer;
use runtime::reconcile::{Pass, Reconciler, Waker};
use tokio::sync::watch;

use super::asked::{Asked, Grown};
use super::rings::single;
use super::{Counts, Family, History, meter};
use crate::cluster::Cluster;
use crate::records::{Instance, Records, SeenState};
use crate::schedule::ledger::Room;

/// How often the clock is looked at.
pub const PERIOD: Duration = Duration::from_secs(1);
/// How long walrus may take to tell of itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// Minutes between looks at accounts.
const ACCOUNTS: i64 = 10;
/// How many pages of accounts are asked for at once.
const PAGES: usize = 4000;

/// Takes samples.
pub struct Sampler {
    /// Where they are kept.
    pub history: History,
    /// Instances, and what is added up.
    pub records: Records,
    /// The nodes.
    pub cluster: Cluster,
    /// What they can still take.
    pub rooms: watch::Receiver<Arc<Vec<Room>>>,
    /// Who keeps images and objects.
    pub walrus: Peer<Walrus>,
    /// Calls.
    pub counts: Counts,
    /// The time.
    pub clock: Clock,
    /// For how many days use is on record.
    pub report_days: u64,
    /// Who removes instances that ended, once they have been added up.
    pub swept: Waker,
    /// What was counted in which minute.
    pub last: Mutex<Last>,
}

/// The last minute, and what was counted then.
#[derive(Debug, Default)]
pub struct Last {
    minute: Option<i64>,
    accounts: Option<i64>,
    stored: Option<Used>,
    counted: [Option<u64>; 9],
    asked: Option<Asked>,
}

impl Last {
    /// Whether another minute has begun, and whether it is time to look at accounts, too.
    fn due(&self, now: Timestamp) -> (bool, bool) {
        let minute = now.as_secs().div_euclid(60);
        let period = minute.div_euclid(ACCOUNTS);
        (self.minute != Some(minute), self.accounts != Some(period))
    }

    /// By how much counts have grown since the minute before.
    fn growth(&mut self, now: Timestamp, counted: [Option<u64>; 9]) -> [f32; 9] {
        let minute = now.as_secs().div_euclid(60);
        let follows = self.minute == Some(minute - 1);
        self.minute = Some(minute);
        let before = std::mem::replace(&mut self.counted, counted);
        let mut grown = [f32::NAN; 9];
        for ((grown, now), before) in grown.iter_mut().zip(counted).zip(before) {
            if let (true, Some(now), Some(before)) = (follows, now, before)
                && let Some(more) = now.checked_sub(before)
            {
                *grown = count(more);
            }
        }
        grown
    }
}

/// A count as it is kept.
fn count(number: u64) -> f32 {
    // A number of seven digits at most is exact; pictures need no more.
    number as f32
}

/// What walrus tells, and nodes of their hosts.
#[derive(Default)]
struct Told {
    cache: Option<CacheView>,
    traffic: Option<Traffic>,
    stored: Option<meter::Stored>,
    hosts: BTreeMap<String, HostView>,
}

impl Reconciler for Sampler {
    fn name(&self) -> &str {
        "history"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(async move {
            let now = self.clock.now();
            let (due, accounts) = self.last().due(now);
            if !due {
                return Ok(Pass::default());
            }
            let (told, hosts) = join(self.told(accounts), self.hosts(now)).await;
            let told = Told { hosts, ..told };
            self.sample(now, accounts, told).await?;
            Ok(Pass { looked: 1, steps: 1, unsettled: 0 })
        })
    }
}

impl Sampler {
    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn told(&self, accounts: bool) -> Told {
        let within = |ask| tokio::time::timeout(PATIENCE, ask);
        let cache = within(self.walrus.call(DescribeCache {})).await;
        let Ok(Ok(cache)) = cache else { return Told::default() };
        let ask = self.walrus.call(DescribeTraffic { accounts });
        let traffic = tokio::time::timeout(PATIENCE, ask).await.ok().and_then(Result::ok);
        let stored = if accounts { self.stored().await } else { None };
        Told { cache: Some(cache), traffic, stored, ..Told::default() }
    }

    /// How the hosts are of nodes that answer.
    async fn hosts(&self, now: Timestamp) -> BTreeMap<String, HostView> {
        let there = self.cluster.members().filter(|it| it.sighting().is_reachable(now));
        let asked = there.map(|member| async move {
            let answer = tokio::time::timeout(PATIENCE, member.peer.call(LookAtNode {})).await;
            Some((member.name.clone(), answer.ok()?.ok()?))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// What each account has stored. Accounts come before buckets.
    async fn stored(&self) -> Option<meter::Stored> {
        let (mut all, mut after) = (meter::Stored::new(), None);
        for _ in 0..PAGES {
            let ask = self.walrus.call(DescribeQuotas { after });
            let page = tokio::time::timeout(PATIENCE, ask).await.ok()?.ok()?;
            after = page.last().map(|view| view.scope.clone());
            let whole = page.is_empty();
            for view in page {
                match view.scope {
                    Scope::Account(account) => drop(all.insert(account, view.used)),
                    Scope::Bucket(_) => return Some(all),
                }
            }
            if whole {
                return Some(all);
            }
        }
        Some(all)
    }

    async fn sample(&self, now: Timestamp, accounts: bool, told: Told) -> Result<(), ApiError> {
        let [ec2, ec2_errors, iam, iam_errors] = self.counts.read();
        let (cache, traffic) = (told.cache.as_ref(), told.traffic.as_ref());
        let counted = [
            cache.map(|it| it.hits),
            cache.map(|it| it.misses),
            cache.map(|it| it.evictions),
            Some(ec2),
            Some(ec2_errors),
            Some(iam),
            Some(iam_errors),
            traffic.map(|it| it.requests),
            traffic.map(|it| it.refusals),
        ];
        let mut asked = None;
        let (grown, stored) = {
            let mut last = self.last();
            if accounts {
                let period = now.as_secs().div_euclid(60).div_euclid(ACCOUNTS);
                let storage = traffic.map(|it| {
                    it.accounts.iter().map(|(of, count)| (of.to_string(), *count)).collect()
                });
                let counted = Asked { period, here: self.counts.calls(), storage };
                asked = Some(Grown::between(last.asked.as_ref(), &counted));
                last.asked = Some(counted);
                last.accounts = Some(now.as_secs().div_euclid(60).div_euclid(ACCOUNTS));
                last.stored = told.stored.as_ref().map(total);
            }
            (last.growth(now, counted), last.stored)
        };
        let (nodes, answering) = self.nodes(now, &told.hosts);
        let number = |value: Option<u64>| value.map_or(f32::NAN, count);
        let figures = Figures {
            nodes: count(self.cluster.members().count() as u64),
            answering,
            cache: [number(cache.map(|it| it.used)), number(cache.map(|it| it.limit))],
            stored: [number(stored.map(|it| it.bytes)), number(stored.map(|it| it.objects))],
            grown,
        };
        let (history, days) = (self.history.clone(), self.report_days);
        let work = move |records: &Records| {
            let instances = instances(records)?;
            let mut cloud = sums(nodes.iter().map(|(_, values)| values.as_slice()));
            cloud.extend(figures.values(&instances));
            let kept = |error| ApiError::internal("The history could not be kept", error);
            history.add(Family::Cloud, now, &[("cloud".to_owned(), cloud)]).map_err(kept)?;
            history.add(Family::Node, now, &nodes).map_err(kept)?;
            if let Some(asked) = asked {
                let samples = of_accounts(&instances, told.stored.as_ref(), &asked);
                history.add(Family::Account, now, &samples).map_err(kept)?;
                history.forget(now).map_err(kept)?;
                meter::add_up(records, &instances, told.stored.as_ref(), now)?;
                let day = Duration::from_secs(86_400);
                let days = u32::try_from(days).unwrap_or(u32::MAX);
                meter::forget(records, now.minus(day.saturating_mul(days)))?;
            }
            Ok(())
        };
        self.records.work(work).await?;
        if accounts {
            self.swept.wake();
        }
        Ok(())
    }

    /// A sample of each node that answers, and how many do.
    fn nodes(
        &self,
        now: Timestamp,
        hosts: &BTreeMap<String, HostView>,
    ) -> (Vec<(String, Vec<f32>)>, f32) {
        let rooms = self.rooms.borrow().clone();
        let mut samples = Vec::new();
        for member in self.cluster.members() {
            let sighting = member.sighting();
            let room = rooms.iter().find(|room| room.node == member.name);
            let (Some(room), true) = (room, sighting.is_reachable(now)) else { continue };
            let (free, total) = (room.free, room.total);
            let there = sighting.report.map_or(0, |report| report.instances.len());
            let pairs = [
                (u64::from(free.cpus), u64::from(total.cpus)),
                (free.memory_mib, total.memory_mib),
                (free.disk_mib, total.disk_mib),
            ];
            let used =
                |(free, total): (u64, u64)| [count(total.saturating_sub(free)), count(total)];
            let mut values: Vec<f32> = pairs.into_iter().flat_map(used).collect();
            values.push(count(there as u64));
            values.extend(of_host(hosts.get(&member.name)));
            samples.push((member.name.clone(), values));
        }
        let answering = count(samples.len() as u64);
        (samples, answering)
    }
}

/// What a sample of the cloud says besides what its nodes do together.
struct Figures {
    nodes: f32,
    answering: f32,
    cache: [f32; 2],
    stored: [f32; 2],
    grown: [f32; 9],
}

impl Figures {
    fn values(&self, instances: &[Instance]) -> Vec<f32> {
        let of = |state| count(instances.iter().filter(|it| it.seen == state).count() as u64);
        let states = [
            SeenState::Pending,
            SeenState::Running,
            SeenState::Stopping,
            SeenState::Stopped,
            SeenState::ShuttingDown,
        ];
        let mut values = vec![self.nodes, self.answering];
        values.extend(states.map(of));
        values.extend(self.cache);
        values.extend(&self.grown[..3]);
        values.extend(self.stored);
        values.extend(&self.grown[3..]);
        values
    }
}

/// What a host has to do: its load, MiB of memory and of disk in use.
fn of_host(seen: Option<&HostView>) -> [f32; 3] {
    let number = |value: Option<f32>| value.unwrap_or(f32::NAN);
    let load = seen.and_then(|it| it.load);
    let disk = seen.and_then(|it| it.disks.first());
    [
        number(load.map(|it| count(it.hundredths) / 100.0)),
        number(load.map(|it| count(it.memory_used_mib))),
        number(disk.map(|it| count(it.total.saturating_sub(it.free) >> 20))),
    ]
}

/// The capacity and use of all nodes that answer, together.
fn sums<'a>(nodes: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sums = [0f64; 6];
    for values in nodes {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value);
        }
    }
    sums.into_iter().map(single).collect()
}

fn total(stored: &meter::Stored) -> Used {
    stored.values().fold(Used::default(), |sum, it| Used {
        bytes: sum.bytes.saturating_add(it.bytes).saturating_add(it.uploading),
        uploading: 0,
        objects: sum.objects.saturating_add(it.objects),
        buckets: sum.buckets.saturating_add(it.buckets),
    })
}

fn instances(records: &Records) -> Result<Vec<Instance>, ApiError> {
    let all = records.instances.all("").map(|seen| seen.map(|seen| seen.record));
    Ok(all.collect::<Result<_, _>>()?)
}

/// A sample of each account that has something, or asked something.
fn of_accounts(
    instances: &[Instance],
    stored: Option<&meter::Stored>,
    asked: &Grown,
) -> Vec<(String, Vec<f32>)> {
    let mut running: BTreeMap<&AccountId, [u64; 3]> = BTreeMap::new();
    for it in instances {
        let sums = running.entry(&it.account).or_default();
        if it.seen == SeenState::Running {
            sums[0] += 1;
            sums[1] += u64::from(it.cpus);
            sums[2] += it.memory_mib;
        }
    }
    let mut all: BTreeMap<AccountId, Vec<f32>> = BTreeMap::new();
    let with = running.keys().copied().chain(stored.into_iter().flat_map(|it| it.keys())).cloned();
    let callers = asked.accounts.keys().filter_map(|number| number.parse().ok());
    for account in with.chain(callers) {
        let account = &account;
        let [instances, cpus, memory] = running.get(account).copied().unwrap_or_default();
        let mut values = vec![count(instances), count(cpus), count(memory)];
        // An account of which walrus knows nothing has stored nothing.
        let used = stored.map(|stored| stored.get(account).copied().unwrap_or_default());
        values.extend(match used {
            Some(it) => [it.bytes.saturating_add(it.uploading), it.objects, it.buckets].map(count),
            None => [f32::NAN; 3],
        });
        let rate = |more: Option<u64>| more.map_or(f32::NAN, |it| count(it) / ACCOUNTS as f32);
        values.extend(asked.of(account.as_str()).map(rate));
        all.insert(account.clone(), values);
    }
    all.into_iter().map(|(account, values)| (account.to_string(), values)).collect()
}
