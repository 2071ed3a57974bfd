//! Which engine, and where: the one place that turns configuration into a store.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::error::StoreError;
use crate::memory::Memory;
use crate::sled::Sled;

/// The page cache of a store on disk unless configured otherwise: 64 MiB.
pub const DEFAULT_CACHE_BYTES: u64 = 64 << 20;

/// The free space a store on disk leaves alone unless configured otherwise: 64 MiB.
pub const DEFAULT_RESERVE_BYTES: u64 = 64 << 20;

/// The engines there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// A directory of this machine.
    #[default]
    Sled,
    /// Nothing lasts.
    Memory,
}

/// The part of a service's configuration that says where its records last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// The engine, `sled` unless given.
    #[serde(default)]
    pub kind: EngineKind,
    /// The directory of a store on disk; unused by `memory`.
    #[serde(default)]
    pub path: PathBuf,
    /// The size of the page cache in bytes; unused by `memory`.
    #[serde(default = "default_cache_bytes")]
    pub cache_bytes: u64,
    /// The free space of the disk, in bytes, at which commits are refused: an engine whose disk is
    /// full to the last byte must be started anew, one that stops before goes on when there is
    /// room again. Commits that only remove may use three quarters of it. Unused by `memory`.
    #[serde(default = "default_reserve_bytes")]
    pub reserve_bytes: u64,
}

fn default_cache_bytes() -> u64 {
    DEFAULT_CACHE_BYTES
}

fn default_reserve_bytes() -> u64 {
    DEFAULT_RESERVE_BYTES
}

impl EngineConfig {
    /// A store on disk in `path`, with the default cache.
    pub fn sled(path: impl Into<PathBuf>) -> Self {
        Self {
            kind: EngineKind::Sled,
            path: path.into(),
            cache_bytes: DEFAULT_CACHE_BYTES,
            reserve_bytes: DEFAULT_RESERVE_BYTES,
        }
    }

    /// A store in memory.
    pub fn memory() -> Self {
        Self { kind: EngineKind::Memory, ..Self::sled(PathBuf::new()) }
    }
}

/// Opens the store; makes it if its directory is absent or empty. Blocks.
pub fn open(config: &EngineConfig) -> Result<Arc<dyn Engine>, StoreError> {
    Ok(match config.kind {
        EngineKind::Memory => Arc::new(Memory::new()),
        EngineKind::Sled if config.path.as_os_str().is_empty() => return Err(StoreError::NoPath),
        EngineKind::Sled => {
            let sled = Sled::open(&config.path, config.cache_bytes)?;
            Arc::new(sled.reserving(config.reserve_bytes))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_defaults_and_refuses_what_it_does_not_know() {
        let read = |json| serde_json::from_str::<EngineConfig>(json);
        assert_eq!(read(r#"{"path":"p"}"#).unwrap(), EngineConfig::sled("p"));
        assert_eq!(read(r#"{"kind":"memory"}"#).unwrap(), EngineConfig::memory());
        assert!(read(r#"{"kind":"etcd"}"#).is_err());
        assert!(read(r#"{"pathh":"p"}"#).is_err());
        assert!(matches!(open(&read("{}").unwrap()), Err(StoreError::NoPath)));
        assert!(open(&EngineConfig::memory()).is_ok());
    }
}
