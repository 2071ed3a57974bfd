//! Walrus' configuration. The limit of the unbundle cache is no configuration but a setting, kept
//! among the records; what stands here is only its first value.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use common::wire::quota::{Limit, Limits};
use runtime::audit::Terms;
use runtime::doors::TlsKeys;
use runtime::telemetry::LogFormat;
use serde::{Deserialize, Serialize};
use store::EngineConfig;
use thiserror::Error;

use crate::s3::domains::is_domain;
pub use crate::s3::trace::DataEvents;
use crate::usage::ledger::{Defaults, configured};

/// Everything that can be configured. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where buckets, images, records and keys lie. Default `/var/lib/eucalypt/walrus`.
    pub data_dir: PathBuf,
    /// Where S3 is served. Default `0.0.0.0:8774`.
    pub listen: SocketAddr,
    /// Where S3 is served by https, beside `listen`, which stays http. Not set (the default): with a
    /// certificate `listen` itself is https, without one there is none. Old clients know http only,
    /// and today's send checksums behind a body over https only, so a cloud that has a certificate
    /// serves all of them best with both. The clc's `[walrus] public_url` says which users get.
    pub tls_listen: Option<SocketAddr>,
    /// The certificate of https, PEM, with those between it and its authority behind it. It must
    /// name the host of the clc's `[walrus] public_url`, and `*.DOMAIN` for each of `domains`. A
    /// renewed file is noticed within seconds. Empty (the default): no https.
    pub tls_cert_file: PathBuf,
    /// The key of that certificate, PEM.
    pub tls_key_file: PathBuf,
    /// Names below which a host is a bucket: with `s3.example.org`, `http://BUCKET.s3.example.org/`
    /// is that bucket. Their DNS must lead here. None by default: buckets stand in the path.
    pub domains: Vec<String>,
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
    /// The largest object that comes in one piece, and the largest part, in bytes. Default
    /// 5368709120 (5 GiB).
    pub max_object_bytes: u64,
    /// The largest object that comes in parts, in bytes. Default 5497558138880 (5 TiB).
    pub max_multipart_bytes: u64,
    /// How old a multipart upload may become before it is aborted, in days; 0 (the default) for as
    /// old as it likes.
    pub multipart_days: u64,
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
    /// How long S3 goes on while the clc cannot be heard, in seconds: so long walrus believes what it
    /// has copied of users, keys and permissions. Whoever is disabled meanwhile is let in until then;
    /// after it nobody is, until the clc is heard again. Default 900.
    pub identity_trust_seconds: u64,
    /// How long records of what was asked of S3 are kept, in days. Default 90.
    pub audit_days: u64,
    /// How much of the disk they take at most, in MB of 2^20 bytes, a quarter of it those of reads;
    /// the oldest go first. At least 1. Default 1024.
    pub audit_mb: u64,
    /// Which operations on objects are recorded: `none` (the default), `write` for those that change
    /// something, or `all`. Those on buckets always are.
    pub audit_data_events: DataEvents,
    /// How much accounts and buckets may hold for which no administrator has set anything.
    pub quota: Quota,
    /// The cloud controller.
    pub clc: Clc,
}

/// Limits of accounts and buckets; 0 (the default of each) is none. An administrator's
/// `clc admin set-quota` wins over them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// Bytes of an account's objects and of the parts of its open uploads. Default 0.
    pub account_bytes: u64,
    /// Objects of an account. Default 0.
    pub account_objects: u64,
    /// Buckets of an account. Default 0.
    pub account_buckets: u64,
    /// Bytes of a bucket's objects and of the parts of its open uploads. Default 0.
    pub bucket_bytes: u64,
    /// Objects of a bucket. Default 0.
    pub bucket_objects: u64,
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
            tls_listen: None,
            tls_cert_file: PathBuf::new(),
            tls_key_file: PathBuf::new(),
            domains: Vec::new(),
            internal_listen: SocketAddr::from(([127, 0, 0, 1], 8776)),
            internal_url: String::new(),
            region: "eucalyptus".to_owned(),
            peer_key_file: PathBuf::from("/etc/eucalypt/peer.key"),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            max_object_bytes: 5 << 30,
            max_multipart_bytes: 5 << 40,
            multipart_days: 0,
            free_space_reserve_mb: 256,
            store_reserve_mb: 64,
            requests_at_once: 128,
            unbundle_cache_mb: 30720,
            unbundle_flights: 2,
            ticket_minutes: 60,
            sweep_minutes: 60,
            identity_trust_seconds: 900,
            audit_days: 90,
            audit_mb: 1024,
            audit_data_events: DataEvents::None,
            quota: Quota::default(),
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
    /// What is said of https makes no sense.
    #[error("{0}")]
    Tls(String),
    /// A name that can be no domain.
    #[error("domains: '{0}' is no name of a domain")]
    Domain(String),
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
            ("identity_trust_seconds", self.identity_trust_seconds),
            ("audit_days", self.audit_days),
            ("audit_mb", self.audit_mb),
            ("max_object_bytes", self.max_object_bytes),
            ("max_multipart_bytes", self.max_multipart_bytes),
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
        self.tls().check().map_err(|error| Unusable::Tls(error.to_string()))?;
        if let Some(name) = self.domains.iter().find(|name| !is_domain(name)) {
            return Err(Unusable::Domain(name.clone()));
        }
        if self.internal_url.is_empty() && self.internal_listen.ip().is_unspecified() {
            return Err(Unusable::InternalUrl(self.internal_listen));
        }
        Ok(())
    }

    /// What is said of https.
    pub(crate) fn tls(&self) -> TlsKeys<'_> {
        TlsKeys {
            listen: self.tls_listen,
            certificate: &self.tls_cert_file,
            key: &self.tls_key_file,
        }
    }

    /// What stands before the path in tickets, given where the internal listener really is.
    pub(crate) fn internal_url(&self, bound: SocketAddr) -> String {
        match self.internal_url.trim_end_matches('/') {
            "" => format!("http://{bound}"),
            url => url.to_owned(),
        }
    }

    /// The terms of the log of what was asked.
    pub fn audit(&self) -> Terms {
        Terms::new(self.data_dir.join("audit"), self.audit_days, self.audit_mb)
    }

    /// Bytes of the disk that stay free.
    pub(crate) fn reserve(&self) -> u64 {
        self.free_space_reserve_mb.saturating_mul(1 << 20)
    }

    /// The limits of those for whom none are set.
    pub(crate) fn quota_defaults(&self) -> Defaults {
        let Quota { account_bytes, account_objects, account_buckets, .. } = self.quota;
        Defaults {
            account: Limits {
                bytes: configured(account_bytes),
                objects: configured(account_objects),
                buckets: configured(account_buckets),
            },
            bucket: Limits {
                bytes: configured(self.quota.bucket_bytes),
                objects: configured(self.quota.bucket_objects),
                buckets: Limit::Unlimited,
            },
        }
    }

    /// How often to sweep.
    pub(crate) fn sweep_interval(&self) -> Duration {
        Duration::from_secs(self.sweep_minutes.saturating_mul(60))
    }

    /// How old a multipart upload may become, if that is bounded.
    pub(crate) fn oldest_upload(&self) -> Option<Duration> {
        let days = Some(self.multipart_days).filter(|days| *days > 0);
        days.map(|days| Duration::from_secs(days.saturating_mul(24 * 60 * 60)))
    }

    /// How long the copy of identity is believed.
    pub(crate) fn identity_trust(&self) -> Duration {
        Duration::from_secs(self.identity_trust_seconds)
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
        let named = Config { domains: vec!["s3.example.org:8774".into()], ..Config::default() };
        assert_eq!(named.check(), Err(Unusable::Domain("s3.example.org:8774".into())));
        let half = Config { tls_key_file: "/k.pem".into(), ..Config::default() };
        assert!(matches!(half.check(), Err(Unusable::Tls(_))));
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 8776));
        let unreachable = Config { internal_listen: everywhere, ..Config::default() };
        assert_eq!(unreachable.check(), Err(Unusable::InternalUrl(everywhere)));
        let named = Config { internal_url: "http://w:8776/".into(), ..unreachable };
        assert_eq!(named.check(), Ok(()));
        assert_eq!(named.internal_url(everywhere), "http://w:8776");
    }
}
