//! How this service and its host are: since when it runs, what its clock shows, what is left of its
//! disk, what there is to do, and which certificates it shows.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use common::error::ApiError;
use common::time::Timestamp;
use common::wire::host::{CertificateView, DiskView, HostView, LoadView, QueueView};

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
    queues: Vec<(&'static str, Length)>,
    certificates: Vec<(&'static str, PathBuf)>,
}

/// Tells how much of something waits.
type Length = Arc<dyn Fn() -> u64 + Send + Sync>;

impl Host {
    /// A service of this version that has just been started, with what it keeps in `dir`, where it
    /// leaves `reserve` bytes free.
    pub fn new(version: &'static str, clock: &Clock, dir: PathBuf, reserve: u64) -> Self {
        let (queues, certificates) = (Vec::new(), Vec::new());
        let (started, clock) = (clock.now(), clock.clone());
        Self { version, started, clock, dir, reserve, queues, certificates }
    }

    /// The same, of which it is told how much of something waits or is under way.
    #[must_use]
    pub fn queue(
        mut self,
        name: &'static str,
        length: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.queues.push((name, Arc::new(length)));
        self
    }

    /// The same, which shows a certificate that lies there; none, if the path is empty.
    #[must_use]
    pub fn certificate(mut self, name: &'static str, path: PathBuf) -> Self {
        if !path.as_os_str().is_empty() {
            self.certificates.push((name, path));
        }
        self
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
                load: load(),
                queues: self.queues.iter().map(queue).collect(),
                certificates: self.certificates.iter().filter_map(certificate).collect(),
            }
        })
        .await
    }
}

fn queue((name, length): &(&'static str, Length)) -> QueueView {
    QueueView { name: (*name).to_owned(), length: length() }
}

fn certificate((name, path): &(&'static str, PathBuf)) -> Option<CertificateView> {
    let (name, pem) = ((*name).to_owned(), fs::read_to_string(path).ok()?);
    Some(CertificateView { name, path: path.display().to_string(), pem })
}

/// What the host has to do, as its kernel tells.
fn load() -> Option<LoadView> {
    let read = |path| fs::read_to_string(path).ok();
    let cpus = std::thread::available_parallelism().ok()?.get() as u64;
    loaded(&read("/proc/loadavg")?, &read("/proc/meminfo")?, cpus)
}

fn loaded(average: &str, memory: &str, cpus: u64) -> Option<LoadView> {
    let (whole, part) = average.split_ascii_whitespace().next()?.split_once('.')?;
    let hundredths = whole.parse::<u64>().ok()? * 100 + part.get(..2)?.parse::<u64>().ok()?;
    let kib = |name: &str| {
        let line = memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    let (all, free) = (kib("MemTotal")?, kib("MemAvailable")?);
    let memory_used_mib = all.saturating_sub(free) / 1024;
    Some(LoadView { hundredths, cpus, memory_mib: all / 1024, memory_used_mib })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_read() {
        let memory = "MemTotal:       24576000 kB\nMemFree: 1 kB\nMemAvailable:   20480000 kB\n";
        let told = loaded("12.07 1.59 1.77 2/300 99\n", memory, 2).unwrap();
        assert_eq!((told.hundredths, told.cpus), (1207, 2));
        assert_eq!((told.memory_mib, told.memory_used_mib), (24_000, 4000));
        for (average, memory) in [("", memory), ("much", memory), ("0.1", memory), ("0.10", "")] {
            assert_eq!(loaded(average, memory, 2), None, "{average:?}");
        }
        assert!(load().is_some_and(|it| it.memory_mib > 0), "this very host");
    }
}
