//! What it costs to find the holder of an access key among a million users, against ten thousand.
//!
//! Records are made as IAM makes them, feed included; what is measured is the whole way from a key to
//! what its holder may do, past every memory of what was found before. The rival is in the same run:
//! a hundred times as many users must not make it dearer.

#![expect(clippy::unwrap_used, reason = "a bench ends at the first surprise")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]

use std::time::{Duration, Instant};

use clc::identity::directory::RecordedDirectory;
use clc::identity::feed;
use clc::records::{AccessKey, Account, Records, User};
use common::iam::EntityName;
use common::iam::directory::credential;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::identity::FollowIdentity;
use store::EngineConfig;

/// How many users there are, at first and then.
const COUNTS: [u32; 2] = [10_000, 1_000_000];
/// How many share an account.
const OF_ACCOUNT: u32 = 100;
/// How many come in one commit.
const PORTION: u32 = 1000;
/// How many keys are looked for.
const LOOKS: u32 = 20_000;
/// How much dearer it may become.
const MOST: f64 = 2.0;

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

/// What one look costs among so many, in microseconds: the median of several rounds.
fn look(records: &Records, count: u32) -> f64 {
    let directory = RecordedDirectory::new(records.clone());
    let mut rounds = [0; 7].map(|_| {
        let begun = Instant::now();
        for round in 0..LOOKS / 7 {
            let number = round.wrapping_mul(2_654_435_761) % count;
            let found = credential(&directory, &key(number), None, NOW).unwrap();
            assert!(found.is_some(), "the key of user {number}");
        }
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS / 7)
    });
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
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
    println!("{:>9}  {:>10}  {:>12}  {:>8}", "users", "a key, µs", "all told, s", "pages");
    let mut had = 0;
    let costs = COUNTS.map(|count| {
        fill(&records, had, count);
        had = count;
        // Once before, so that both are measured with what they need in memory.
        look(&records, count);
        let (cost, (told, pages)) = (look(&records, count), copy(&records));
        println!("{count:>9}  {cost:>10.1}  {:>12.1}  {pages:>8}", told.as_secs_f64());
        cost
    });
    let ratio = costs[1] / costs[0];
    println!("a key among {} costs {ratio:.2} times what it does among {}", COUNTS[1], COUNTS[0]);
    assert!(ratio < MOST, "finding a key has become dearer with the number of users");
}
