//! Walrus' configuration. The limit of the unbundle cache is no configuration but a setting, kept
//! among the records; what stands here is only its first value.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use runtime::telemetry::LogFormat;
use serde::{Deserialize, Serialize};
use store::EngineConfig;
use thiserror::Error;

/// Everything that can be configured. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where buckets, images, records and keys lie. Default `/var/lib/eucalypt/walrus`.
    pub data_dir: PathBuf,
    /// Where S3 is served. Default `0.0.0.0:8774`.
    pub listen: SocketAddr,
    /// Where messages of other services, plain images, /healthz and /metrics are answered. Default
    /// `127.0.0.1:8776`.
    pub internal_listen: SocketAddr,
    /// The URL under which nodes reach the internal listener; it stands in tickets for images.
    /// Empty (the default): `http://` and the address of `internal_listen`.
    pub internal_url: String,
    /// The region's name. Default `eucalyptus`.
    pub region: String,
    /// The key that the services share: 32 random bytes, mode 0600. Default
    /// `/etc/eucalypt/peer.key`.
    pub peer_key_file: PathBuf,
    /// What is logged: a level, or levels by module. Default `info`.
    pub log: String,
    /// How it is logged: `text` (the default) or `json`.
    pub log_format: LogFormat,
    /// The largest object, in bytes. Default 5368709120 (5 GiB).
    pub max_object_bytes: u64,
    /// Space of the disk that uploads and unpacking leave free, in MB of 2^20 bytes. Default 256.
    pub free_space_reserve_mb: u64,
    /// Free space of the disk, in MB of 2^20 bytes, below which the records take no change that
    /// needs room, so that they go on when there is room again. Default 64.
    pub store_reserve_mb: u64,
    /// How many S3 requests are worked on at once, reading and writing ones each; more are told to
    /// slow down. Default 128.
    pub requests_at_once: usize,
    /// The space reserved for unbundling images as long as no administrator has set it, in MB of
    /// 2^20 bytes. Default 30720.
    pub unbundle_cache_mb: u64,
    /// How many images are unpacked at once. Default 2.
    pub unbundle_flights: usize,
    /// How long a ticket for a plain image is good, in minutes. Default 60.
    pub ticket_minutes: u64,
    /// How often files that no record names are looked for, in minutes. Default 60.
    pub sweep_minutes: u64,
    /// The cloud controller.
    pub clc: Clc,
}

/// Where the clc is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clc {
    /// Its internal listener. Default `http://127.0.0.1:8772`.
    pub url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/eucalypt/walrus"),
            listen: SocketAddr::from(([0, 0, 0, 0], 8774)),
            internal_listen: SocketAddr::from(([127, 0, 0, 1], 8776)),
            internal_url: String::new(),
            region: "eucalyptus".to_owned(),
            peer_key_file: PathBuf::from("/etc/eucalypt/peer.key"),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            max_object_bytes: 5 << 30,
            free_space_reserve_mb: 256,
            store_reserve_mb: 64,
            requests_at_once: 128,
            unbundle_cache_mb: 30720,
            unbundle_flights: 2,
            ticket_minutes: 60,
            sweep_minutes: 60,
            clc: Clc::default(),
        }
    }
}

impl Default for Clc {
    fn default() -> Self {
        Self { url: "http://127.0.0.1:8772".to_owned() }
    }
}

/// Why a configuration makes no sense, though each of its keys is one.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// A number that must not be zero is.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// A size in megabytes that is more than 2^64 bytes.
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// Nodes cannot be told where to find images.
    #[error(
        "internal_url must be set, because nodes cannot reach the address {0} of internal_listen"
    )]
    InternalUrl(SocketAddr),
}

impl Config {
    /// Where the records last.
    pub fn store(&self) -> EngineConfig {
        EngineConfig {
            reserve_bytes: self.store_reserve_mb.saturating_mul(1 << 20),
            ..EngineConfig::sled(self.data_dir.join("store"))
        }
    }

    /// Refuses values that nothing could work with.
    ///
    /// # Errors
    /// Names the first key at fault.
    pub fn check(&self) -> Result<(), Unusable> {
        for (key, value) in [
            ("requests_at_once", self.requests_at_once as u64),
            ("unbundle_flights", self.unbundle_flights as u64),
            ("ticket_minutes", self.ticket_minutes),
            ("sweep_minutes", self.sweep_minutes),
            ("max_object_bytes", self.max_object_bytes),
        ] {
            if value == 0 {
                return Err(Unusable::Zero(key));
            }
        }
        for (key, value) in [
            ("unbundle_cache_mb", self.unbundle_cache_mb),
            ("free_space_reserve_mb", self.free_space_reserve_mb),
        ] {
            if value > u64::MAX >> 20 {
                return Err(Unusable::TooLarge(key));
            }
        }
        if self.internal_url.is_empty() && self.internal_listen.ip().is_unspecified() {
            return Err(Unusable::InternalUrl(self.internal_listen));
        }
        Ok(())
    }

    /// What stands before the path in tickets, given where the internal listener really is.
    pub(crate) fn internal_url(&self, bound: SocketAddr) -> String {
        match self.internal_url.trim_end_matches('/') {
            "" => format!("http://{bound}"),
            url => url.to_owned(),
        }
    }

    /// Bytes of the disk that stay free.
    pub(crate) fn reserve(&self) -> u64 {
        self.free_space_reserve_mb.saturating_mul(1 << 20)
    }

    /// How often to sweep.
    pub(crate) fn sweep_interval(&self) -> Duration {
        Duration::from_secs(self.sweep_minutes.saturating_mul(60))
    }

    /// How long a ticket is good.
    pub(crate) fn ticket_lifetime(&self) -> Duration {
        Duration::from_secs(self.ticket_minutes.saturating_mul(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used() {
        assert_eq!(Config::default().check(), Ok(()));
        let bound = SocketAddr::from(([127, 0, 0, 1], 5));
        assert_eq!(Config::default().internal_url(bound), "http://127.0.0.1:5");
    }

    #[test]
    fn values_that_cannot_be_used_are_refused_by_name() {
        let zero = Config { unbundle_flights: 0, ..Config::default() };
        assert_eq!(zero.check(), Err(Unusable::Zero("unbundle_flights")));
        let large = Config { unbundle_cache_mb: u64::MAX, ..Config::default() };
        assert_eq!(large.check(), Err(Unusable::TooLarge("unbundle_cache_mb")));
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 8776));
        let unreachable = Config { internal_listen: everywhere, ..Config::default() };
        assert_eq!(unreachable.check(), Err(Unusable::InternalUrl(everywhere)));
        let named = Config { internal_url: "http://w:8776/".into(), ..unreachable };
        assert_eq!(named.check(), Ok(()));
        assert_eq!(named.internal_url(everywhere), "http://w:8776");
    }
}
