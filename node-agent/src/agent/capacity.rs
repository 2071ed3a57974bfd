//! What this host can hold.

use std::path::Path;

use common::wire::node::Capacity;
use thiserror::Error;

use crate::config::Config;

/// Why it cannot be found out.
#[derive(Debug, Error)]
#[error("what this host can hold cannot be read from {path}: {why}")]
pub struct CapacityError {
    path: String,
    why: std::io::Error,
}

/// What the configuration says, and for the rest what the host has. Blocks.
///
/// # Errors
/// If the host does not say.
pub fn capacity(config: &Config) -> Result<Capacity, CapacityError> {
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |why| CapacityError { path, why }
    };
    let cpus = match config.cpus {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        given => usize::try_from(given).unwrap_or(usize::MAX),
    };
    let memory_mib = match config.memory_mib {
        0 => {
            let path = Path::new("/proc/meminfo");
            let text = std::fs::read_to_string(path).map_err(at(path))?;
            let odd = || std::io::Error::other("there is no MemTotal");
            let total = memory_total_mib(&text).ok_or_else(odd).map_err(at(path))?;
            total - total / 8
        }
        given => given,
    };
    let disk_mib = match config.disk_mib {
        0 => {
            let dir = &config.data_dir;
            let system = rustix::fs::statvfs(dir).map_err(|e| at(dir)(e.into()))?;
            let free = system.f_bavail.saturating_mul(system.f_frsize);
            let ours = free.saturating_add(used(dir, 3)) >> 20;
            ours.saturating_sub(config.image_cache_mb.min(ours / 2))
        }
        given => given,
    };
    Ok(Capacity { cpus: u32::try_from(cpus).unwrap_or(u32::MAX), memory_mib, disk_mib })
}

fn memory_total_mib(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib >> 10)
}

/// The bytes that files take up on disk, some levels down. What cannot be read takes nothing.
fn used(dir: &Path, levels: u32) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() && levels > 1 => used(&entry.path(), levels - 1),
        Ok(found) if found.is_file() => found.blocks().saturating_mul(512),
        _ => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_comes_before_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        let found = capacity(&config).unwrap();
        assert!(found.cpus > 0 && found.memory_mib > 0);
        (config.cpus, config.memory_mib, config.disk_mib) = (3, 5, 7);
        let expected = Capacity { cpus: 3, memory_mib: 5, disk_mib: 7 };
        assert_eq!(capacity(&config).unwrap(), expected);
    }

    #[test]
    fn what_the_kernel_prints_is_understood() {
        assert_eq!(memory_total_mib("MemTotal:       24649528 kB\nMemFree: 1 kB\n"), Some(24071));
        assert_eq!(memory_total_mib("MemFree: 1 kB\n"), None);
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        std::fs::write(dir.path().join("a/b"), vec![1; 10_000]).unwrap();
        assert!(used(dir.path(), 3) >= 10_000);
        assert_eq!(used(&dir.path().join("absent"), 3), 0);
    }
}
