//! How this service and its host are: since when it runs, what its clock shows, what is left of its disk.

use std::path::PathBuf;

use common::error::ApiError;
use common::time::Timestamp;
use common::wire::host::{DiskView, HostView};

use crate::clock::Clock;
use crate::pool;

/// What is looked at.
#[derive(Clone)]
pub struct Host {
    version: &'static str,
    started: Timestamp,
    clock: Clock,
    dir: PathBuf,
    reserve: u64,
}

impl Host {
    /// A service of this version that has just been started, with what it keeps in `dir`, where it
    /// leaves `reserve` bytes free.
    pub fn new(version: &'static str, clock: &Clock, dir: PathBuf, reserve: u64) -> Self {
        Self { version, started: clock.now(), clock: clock.clone(), dir, reserve }
    }

    /// Looks at it.
    ///
    /// # Errors
    /// If the pool has ended.
    pub async fn look(self) -> Result<HostView, ApiError> {
        pool::block(move || {
            let disk = rustix::fs::statvfs(&self.dir).ok().map(|found| DiskView {
                path: self.dir.display().to_string(),
                total: found.f_blocks.saturating_mul(found.f_frsize),
                free: found.f_bavail.saturating_mul(found.f_frsize),
                reserve: self.reserve,
            });
            HostView {
                version: self.version.to_owned(),
                started: Some(self.started),
                now: Some(self.clock.now()),
                disks: disk.into_iter().collect(),
            }
        })
        .await
    }
}
