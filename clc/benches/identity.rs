//! What it costs to find the holder of an access key among a million users, against a thousand.
//!
//! Records are made as IAM makes them, feed included; what is measured is the whole way from a key to
//! what its holder may do: once past every memory of what was found before (cold), once by the key ring
//! that signatures are checked with, for keys that were asked for before (warm). The rival is in the
//! same run: a thousand times as many users must not make it dearer.

#![expect(clippy::unwrap_used, reason = "a bench ends at the first surprise")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clc::identity::directory::RecordedDirectory;
use clc::identity::feed;
use clc::identity::keyring::RecordedKeyRing;
use clc::records::{AccessKey, Account, Records, User};
use common::iam::EntityName;
use common::iam::directory::credential;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::identity::FollowIdentity;
use runtime::clock::Clock;
use runtime::keyring::KeyRing as _;
use store::EngineConfig;

/// How many users there are, at first and then.
const COUNTS: [u32; 2] = [1000, 1_000_000];
/// How many share an account.
const OF_ACCOUNT: u32 = 100;
/// How many come in one commit.
const PORTION: u32 = 1000;
/// How many keys are looked for in a round.
const LOOKS: u32 = 1000;
/// How many rounds there are; the one in the middle counts.
const ROUNDS: usize = 15;
/// How much dearer it may become: trees grow deeper, and less of them fits in the processor's caches.
const MOST: f64 = 3.0;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn account(number: u32) -> AccountId {
    format!("{:012}", 100_000_000_000 + u64::from(number / OF_ACCOUNT)).parse().unwrap()
}

fn key(number: u32) -> String {
    format!("AKI{:017}", u64::from(number).wrapping_mul(2_654_435_761) % 10_u64.pow(17))
}

fn fill(records: &Records, from: u32, to: u32) {
    for start in (from..to).step_by(PORTION as usize) {
        let change = |batch: &mut store::Batch, touched: &mut clc::records::Touched| {
            for number in start..(start + PORTION).min(to) {
                let owner = account(number);
                if number % OF_ACCOUNT == 0 {
                    batch.insert(&Account {
                        number: owner.clone(),
                        alias: format!("account{number}"),
                        enabled: true,
                        created: NOW,
                        registration: Default::default(),
                        policies: Default::default(),
                    })?;
                    touched.note(EntityName::Account(owner.clone()));
                }
                let name = format!("user{number}");
                let user = User::new(owner.clone(), &name, "/", format!("AIDA{number}"), NOW);
                batch.insert(&user)?;
                touched.note(EntityName::user(&owner, &name));
                let id = key(number);
                batch.point(&records.keys_of, &format!("{owner}/{name}/{id}"), &id);
                touched.note(EntityName::AccessKey(id.clone()));
                batch.insert(&AccessKey {
                    id,
                    secret: "s".repeat(40),
                    account: owner,
                    user: name,
                    created: NOW,
                    active: true,
                    holder: String::new(),
                })?;
            }
            Ok(())
        };
        records.change_identity(change).unwrap();
    }
}

/// The middle of several rounds, each told its number, in microseconds a look.
fn middle(mut round: impl FnMut(u32)) -> f64 {
    let mut rounds: Vec<f64> = (0..)
        .take(ROUNDS)
        .map(|number| {
            let begun = Instant::now();
            round(number);
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// Numbers of users all over the place, others in each round.
fn some(round: u32, count: u32) -> impl Iterator<Item = u32> {
    (0..LOOKS).map(move |at| (round * LOOKS + at).wrapping_mul(2_654_435_761) % count)
}

/// What a look costs among so many that nobody has looked for.
fn cold(records: &Records, count: u32) -> f64 {
    let directory = RecordedDirectory::new(records.clone());
    middle(|round| {
        for number in some(round, count) {
            let found = credential(&directory, &key(number), None, NOW).unwrap();
            assert!(found.is_some(), "the key of user {number}");
        }
    })
}

/// What a look costs by a key ring that has found these before.
fn warm(records: &Records, count: u32) -> f64 {
    let directory = Arc::new(RecordedDirectory::new(records.clone()));
    let ring = RecordedKeyRing::new(directory, Clock::manual(NOW));
    let look = || async {
        for number in some(0, count) {
            assert!(ring.find(&key(number), None).await.unwrap().is_some());
        }
    };
    runtime::boot::in_system(async {
        look().await;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            look().await;
            rounds.push(begun.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS));
        }
        rounds.sort_by(f64::total_cmp);
        rounds[ROUNDS / 2]
    })
    .unwrap()
}

/// How long a copy of all of it takes to be read, page by page, and how many pages that are.
fn copy(records: &Records) -> (Duration, u32) {
    let (begun, mut pages) = (Instant::now(), 0);
    let (mut epoch, mut after) = (0, 0);
    loop {
        let page = feed::page(records, &FollowIdentity { epoch, after, wait_ms: 0 }).unwrap();
        (epoch, after, pages) = (page.epoch, page.upto, pages + 1);
        if !page.more {
            return (begun.elapsed(), pages);
        }
    }
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let engine = store::open(&EngineConfig::sled(dir.path().join("store"))).unwrap();
    let records = Records::new(engine);
    records.begin_epoch().unwrap();
    let head = ["users", "cold, µs", "warm, µs", "all told, s", "pages", "MiB"];
    let [users, cold_cost, warm_cost, told, pages, mib] = head;
    println!("{users:>9}  {cold_cost:>8}  {warm_cost:>8}  {told:>11}  {pages:>6}  {mib:>5}");
    let mut had = 0;
    let [few, many] = COUNTS.map(|count| {
        fill(&records, had, count);
        had = count;
        // Once before, so that both are measured with what they need in memory.
        cold(&records, count);
        let costs = [cold(&records, count), warm(&records, count)];
        let (told, pages) = copy(&records);
        let (told, mib) = (told.as_secs_f64(), held());
        println!(
            "{count:>9}  {:>8.2}  {:>8.2}  {told:>11.1}  {pages:>6}  {mib:>5}",
            costs[0], costs[1]
        );
        costs
    });
    let ratios = [many[0] / few[0], many[1] / few[1]];
    println!(
        "among {} a key costs {:.2} times what it does among {}; {:.2} times one that was found before",
        COUNTS[1], ratios[0], COUNTS[0], ratios[1]
    );
    assert!(ratios[0] < MOST, "finding a key has become dearer with the number of users");
    assert!(ratios[1] < MOST, "finding a key again has become dearer with the number of users");
}

/// MiB that this process holds.
fn held() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}
