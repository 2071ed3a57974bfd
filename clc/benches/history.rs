//! What a sample of a cloud with 100 nodes and 1000 accounts costs, and what reading a node's day costs.
//!
//! The rival is in the same run: the same samples as a row each in the store that records lie in, one
//! commit a minute, durable as the rings are; and a scan over the rows of a day. The rings write three
//! levels and never grow; the rows are one level and grow for ever, so the rival is a kind one.

#![expect(clippy::unwrap_used, reason = "a bench ends at the first surprise")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clc::history::{Family, History, Subject};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Batch, Engine, EngineConfig, NoPrevious, Record, Table};

const NODES: usize = 100;
const ACCOUNTS: usize = 1000;
/// How many minutes are sampled; the one in the middle counts.
const MINUTES: u32 = 60;
/// How many days are read; the one in the middle counts.
const READS: usize = 30;
const NOW: i64 = 1_800_000_000;

#[derive(Serialize, Deserialize)]
struct Sample {
    subject: String,
    at: u64,
    values: Vec<f32>,
}

impl Record for Sample {
    const TABLE: &'static str = "sample";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        format!("{}/{:012}", self.subject, self.at)
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

fn samples(family: Family, count: usize, minute: u32) -> Vec<(String, Vec<f32>)> {
    let value = |at: usize| minute as f32 + at as f32;
    let one = |n: usize| {
        let name = match family {
            Family::Cloud => "cloud".to_owned(),
            Family::Node => format!("node-{n:03}"),
            Family::Account => format!("{:012}", 100_000_000_000u64 + n as u64),
        };
        (name, (0..family.columns().len()).map(value).collect())
    };
    (0..count).map(one).collect()
}

fn all(minute: u32) -> [(Family, Vec<(String, Vec<f32>)>); 3] {
    [(Family::Cloud, 1), (Family::Node, NODES), (Family::Account, ACCOUNTS)]
        .map(|(family, count)| (family, samples(family, count, minute)))
}

fn at(minute: u32) -> Timestamp {
    Timestamp::from_secs(NOW + i64::from(minute) * 60)
}

fn middle(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let each = |entry: std::fs::DirEntry| match entry.metadata().unwrap() {
        it if it.is_dir() => bytes(&entry.path()),
        it => it.blocks() * 512,
    };
    std::fs::read_dir(dir).unwrap().map(|entry| each(entry.unwrap())).sum()
}

fn main() {
    runtime::boot::in_system(async {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let history = History::open(one.path(), ACCOUNTS).unwrap();
        let engine: Arc<dyn Engine> = store::open(&EngineConfig::sled(other.path())).unwrap();
        let (mut rings, mut rows) = (Vec::new(), Vec::new());
        for minute in 0..MINUTES {
            let all = all(minute);
            rings.push(timed(|| {
                for (family, samples) in &all {
                    history.add(*family, at(minute), samples).unwrap();
                }
            }));
            rows.push(timed(|| {
                let mut batch = Batch::new();
                for (subject, values) in all.iter().flat_map(|(_, samples)| samples) {
                    let at = u64::from(minute);
                    let sample = Sample { subject: subject.clone(), at, values: values.clone() };
                    batch.insert(&sample).unwrap();
                }
                batch.commit(&*engine).unwrap();
            }));
        }
        let (rings, rows) = (middle(rings), middle(rows));
        let kinds = 1 + NODES + ACCOUNTS;
        println!("a sample of {kinds} subjects: rings {rings:?}, rows {rows:?}");
        println!("  ratio {:.2}", rings.as_secs_f64() / rows.as_secs_f64());
        println!(
            "on disk after an hour: rings {}, rows {}",
            bytes(one.path()),
            bytes(other.path())
        );
        println!("at most ever: rings {}", history.bytes());

        // A whole day of one node.
        let table: Table<Sample> = Table::new(Arc::clone(&engine));
        for minute in MINUTES..1440 {
            let one = samples(Family::Node, 1, minute);
            history.add(Family::Node, at(minute), &one).unwrap();
            let (subject, values) = one.into_iter().next().unwrap();
            table.insert(Sample { subject, at: u64::from(minute), values }).unwrap();
        }
        let (mut rings, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..READS {
            let began = Instant::now();
            let subject = Subject::node("node-000");
            let (_, found) = history.read(&subject, at(0), at(1440), 1500).await.unwrap();
            rings.push(began.elapsed());
            assert_eq!(found.len(), 1440);
            rows.push(timed(|| {
                let found = table.all("node-000/").map(|seen| seen.unwrap().values.len());
                assert_eq!(found.count(), 1440);
            }));
        }
        let (rings, rows) = (middle(rings), middle(rows));
        println!("a day of a node: rings {rings:?}, rows {rows:?}");
        println!("  ratio {:.2}", rings.as_secs_f64() / rows.as_secs_f64());
    })
    .unwrap();
}
