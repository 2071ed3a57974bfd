//! What was: how much of the cloud was used and by whom, for pictures and reports.
//!
//! ```text
//!   nodes, ledger ─┐                  ┌──▶ rings: cloud, node, account   for pictures: bounded, rough
//!   instances ─────┼──▶ sampler ──────┤    (a minute … two years)
//!   walrus ────────┤   every minute,  └──▶ meter: usage-day rows         for reports: exact
//!   counts ────────┘   every ten
//! ```
//! Samples are of what other rooms know anyway: this one asks nothing of nodes, and of walrus what it
//! tells of itself. What is not known in a span is a gap; nothing is guessed in between. The rings are
//! files of a size that does not grow ([`rings`]), no part of the store: losing them loses pictures.
//! What reports tell is in the store, added up by the moments that records have ([`meter`]).

mod asked;
mod counts;
pub mod meter;
pub mod report;
pub mod rings;
pub mod sample;
mod subjects;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::error::ApiError;
use common::time::Timestamp;
use runtime::pool;
use tokio::sync::watch;

pub use counts::{Calls, Counted, Counts};
pub use rings::{Cell, Row};
pub use sample::Sampler;
pub use subjects::{ACCOUNT, CLOUD, Family, NODE, Subject};

use rings::Rings;

/// The files of rings, by their families.
struct Files {
    cloud: Rings,
    nodes: Rings,
    accounts: Rings,
}

impl Files {
    fn of(&mut self, family: Family) -> &mut Rings {
        match family {
            Family::Cloud => &mut self.cloud,
            Family::Node => &mut self.nodes,
            Family::Account => &mut self.accounts,
        }
    }
}

/// The history that is kept. Clones are the same.
#[derive(Clone)]
pub struct History {
    files: Arc<Mutex<Files>>,
    added: watch::Sender<u64>,
}

/// How many nodes have a history at once, those that are gone among them.
const NODES: usize = 512;

impl History {
    /// Opens the history in a directory, and makes it if there is none. Blocks.
    ///
    /// # Errors
    /// If its files cannot be had.
    pub fn open(dir: &Path, accounts: usize) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let open = |family: Family, most| {
            Rings::open(&dir.join(format!("{}.rings", family.name())), family.shape(), most)
        };
        let files = Files {
            cloud: open(Family::Cloud, 1)?,
            nodes: open(Family::Node, NODES)?,
            accounts: open(Family::Account, accounts)?,
        };
        Ok(Self { files: Arc::new(Mutex::new(files)), added: watch::Sender::new(0) })
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        // Rings are whole between any two writes.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds samples of subjects of a family. Blocks.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn add(
        &self,
        family: Family,
        at: Timestamp,
        samples: &[(String, Vec<f32>)],
    ) -> io::Result<usize> {
        let left_out = self.files().of(family).add(seconds(at), samples)?;
        self.added.send_modify(|count| *count += 1);
        Ok(left_out)
    }

    /// Forgets subjects that are gone for longer than their history reaches. Blocks.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn forget(&self, now: Timestamp) -> io::Result<()> {
        for family in [Family::Node, Family::Account] {
            let reach = family.shape().levels.iter().map(rings::Level::reach).max();
            let before = seconds(now).saturating_sub(reach.unwrap_or_default());
            self.files().of(family).forget(before)?;
        }
        Ok(())
    }

    /// Tells when samples were added.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.added.subscribe()
    }

    /// What is known of a subject from a moment to another, of the finest level that reaches so far
    /// and has at most `most` rows of it; with the length of a row's span in seconds.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn read(
        &self,
        subject: &Subject,
        from: Timestamp,
        until: Timestamp,
        most: u64,
    ) -> Result<(u64, Vec<Row>), ApiError> {
        let (own, subject) = (self.clone(), subject.clone());
        let (from, until) = (seconds(from), seconds(until));
        let read = move || {
            let levels = subject.family.shape().levels;
            let fits = |level: &rings::Level| {
                let span = until.saturating_sub(from);
                level.reach() >= span && span / level.step <= most
            };
            let level = levels.iter().position(fits).unwrap_or(levels.len() - 1);
            let rows = own.files().of(subject.family).read(&subject.name, level, from, until);
            rows.map(|rows| (levels[level].step, rows))
        };
        let broken = |error| ApiError::internal("The history could not be read", error);
        pool::block(read).await?.map_err(broken)
    }

    /// The subjects of a family that have a history, by their names.
    pub fn subjects(&self, family: Family) -> Vec<String> {
        let mut files = self.files();
        files.of(family).subjects().map(|(name, _)| name.to_owned()).collect()
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> u64 {
        let files = self.files();
        [&files.cloud, &files.nodes, &files.accounts].iter().map(|it| it.bytes()).sum()
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_secs()).unwrap_or_default()
}
