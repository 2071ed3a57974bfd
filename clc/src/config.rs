//! The clc's configuration. What may be changed while it runs is no configuration but a setting
//! ([`crate::settings`]).

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;

use common::name::is_mail_address;
use runtime::audit::Terms;
use runtime::doors::TlsKeys;
use runtime::telemetry::LogFormat;
use serde::{Deserialize, Serialize};
use store::EngineConfig;
use thiserror::Error;

/// Everything that can be configured. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the clc keeps its records. Default `/var/lib/eucalypt/clc`.
    pub data_dir: PathBuf,
    /// Free space of the disk, in MB of 2^20 bytes, below which the records take no change that
    /// needs room, so that they go on when there is room again. Default 64.
    pub store_reserve_mb: u64,
    /// Where the first start writes the administrator's credentials. Empty (the default): `admin`
    /// in the data directory.
    pub admin_dir: PathBuf,
    /// Where the API listens. Default `0.0.0.0:8773`.
    pub listen: SocketAddr,
    /// Where the API listens by https, beside `listen`, which stays http. Not set (the default):
    /// with a certificate `listen` itself is https, without one there is none. Old clients know
    /// http only, and today's send checksums behind a body over https only, so a cloud that has a
    /// certificate serves all of them best with both.
    pub tls_listen: Option<SocketAddr>,
    /// The certificate of https, PEM, with those between it and its authority behind it. It must
    /// name `public_host`. A renewed file is noticed within seconds. Empty (the default): no https.
    pub tls_cert_file: PathBuf,
    /// The key of that certificate, PEM.
    pub tls_key_file: PathBuf,
    /// The certificate of the authority that signed it, PEM, if it is none that clients know. It is
    /// put among the credentials, and eucarc points to it. Empty (the default): none is.
    pub tls_ca_file: PathBuf,
    /// How many signatures of changes are remembered, so that none is carried out twice, about 100
    /// bytes each for 15 minutes; one access key may have a quarter of them. Default 200000.
    pub remembered_signatures: usize,
    /// Where messages of other services, `clc admin`, /healthz and /metrics are answered. Default
    /// `127.0.0.1:8772`.
    pub internal_listen: SocketAddr,
    /// The name or address under which users reach this host; it stands in eucarc and in
    /// DescribeRegions, unless the property `cloud.public_host` says another. Empty (the default): the address of the default route.
    pub public_host: String,
    /// The region's name. Default `eucalyptus`.
    pub region: String,
    /// The key that the services share: 32 random bytes, mode 0600. Default
    /// `/etc/eucalypt/peer.key`.
    pub peer_key_file: PathBuf,
    /// Where the console listens: https by the certificate of `tls_cert_file`, or one that it makes
    /// itself; whoever speaks plain http there is sent to https. Default `0.0.0.0:8443`.
    pub console_listen: SocketAddr,
    /// Where the console is, as links in mails begin. Empty (the default): `https://`, the public
    /// host, port 8443.
    pub console_url: String,
    /// How long a launch may be pending, in seconds, before it is given up; one that ever ran is
    /// given up by its owner alone. 60 to 604800. Default 3600.
    pub launch_patience_seconds: u64,
    /// How long records of what was asked are kept, in days. Default 90.
    pub audit_days: u64,
    /// How much of the disk they take at most, in MB of 2^20 bytes, a quarter of it those of reads;
    /// the oldest go first. At least 1. Default 1024.
    pub audit_mb: u64,
    /// Of how many accounts the console's pictures have a history of their own, about 190 KiB of disk
    /// each; of more, those that come first. Reports know all. Default 1000.
    pub history_accounts: usize,
    /// For how many days reports know what each account used. Default 731.
    pub report_days: u64,
    /// What is logged: a level, or levels by module. Default `info`.
    pub log: String,
    /// How it is logged: `text` (the default) or `json`.
    pub log_format: LogFormat,
    /// The keeper of buckets and images.
    pub walrus: Walrus,
    /// The server that takes mails.
    pub mail: Mail,
    /// The hosts that run instances.
    pub nodes: Vec<Node>,
}

/// Where walrus is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Walrus {
    /// Its internal listener. Default `http://127.0.0.1:8776`.
    pub url: String,
    /// The URL that users get. Empty (the default): `http://`, port 8774 of the public host, and the
    /// path `/services/Walrus`; to be set when walrus is to be asked by https.
    pub public_url: String,
}

/// The server that takes mails. Without one nobody can apply by themselves or recover a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Its name or address. Empty (the default): no mails are sent.
    pub server: String,
    /// Its port. 0 (the default): 25 for `none`, 587 for `starttls`, 465 for `tls`.
    pub port: u16,
    /// How the connection is kept secret: `starttls` (the default), `tls` from its beginning, or
    /// `none`, for a server on this host.
    pub security: MailSecurity,
    /// The certificate of the authority by which the server is to be believed, PEM, if it is none
    /// of the public ones. Empty (the default): only those are believed.
    pub ca_file: PathBuf,
    /// The user as whom mails are handed in. Empty (the default): as nobody.
    pub user: String,
    /// The file with that user's password, mode 0600.
    pub password_file: PathBuf,
    /// The address that mails come from. It must be set if `server` is.
    pub from: String,
}

/// How the connection to a mail server is kept secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// Not at all.
    None,
    /// It begins open and must become TLS before anything is said.
    #[default]
    Starttls,
    /// It is TLS from its beginning.
    Tls,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            server: String::new(),
            port: 0,
            security: MailSecurity::default(),
            ca_file: PathBuf::new(),
            user: String::new(),
            password_file: PathBuf::new(),
            from: String::new(),
        }
    }
}

impl Mail {
    /// Refuses what could send no mail.
    fn check(&self) -> Result<(), Unusable> {
        let refuse = |text: &str| Err(Unusable::Mail(text.to_owned()));
        if self.server.is_empty() {
            let rest = Self { security: self.security, ..Self::default() };
            return if *self == rest { Ok(()) } else { refuse("mail.server must be set, too") };
        }
        if !is_mail_address(&self.from) {
            return refuse("mail.from must be the mail address that mails come from");
        }
        let password = !self.password_file.as_os_str().is_empty();
        if password == self.user.is_empty() {
            return refuse("mail.user and mail.password_file must be set together");
        }
        if password && self.security == MailSecurity::None {
            return refuse("mail.security = 'none' would tell the password to everybody");
        }
        Ok(())
    }
}

/// A host that runs instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name, as its own configuration says it.
    pub name: String,
    /// Its internal listener, `http://HOST:8775`.
    pub url: String,
    /// Its availability zone, which ends in a letter. Default `eucalyptus-1a`.
    #[serde(default = "default_zone")]
    pub zone: String,
}

fn default_zone() -> String {
    "eucalyptus-1a".to_owned()
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/eucalypt/clc"),
            admin_dir: PathBuf::new(),
            store_reserve_mb: 64,
            listen: SocketAddr::from(([0, 0, 0, 0], 8773)),
            tls_listen: None,
            tls_cert_file: PathBuf::new(),
            tls_key_file: PathBuf::new(),
            tls_ca_file: PathBuf::new(),
            remembered_signatures: runtime::replay::DEFAULT_CAPACITY,
            internal_listen: SocketAddr::from(([127, 0, 0, 1], 8772)),
            public_host: String::new(),
            region: "eucalyptus".to_owned(),
            peer_key_file: PathBuf::from("/etc/eucalypt/peer.key"),
            console_listen: SocketAddr::from(([0, 0, 0, 0], 8443)),
            console_url: String::new(),
            launch_patience_seconds: 3600,
            audit_days: 90,
            audit_mb: 1024,
            history_accounts: 1000,
            report_days: 731,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            walrus: Walrus::default(),
            mail: Mail::default(),
            nodes: Vec::new(),
        }
    }
}

impl Default for Walrus {
    fn default() -> Self {
        Self { url: "http://127.0.0.1:8776".to_owned(), public_url: String::new() }
    }
}

/// The longest name, in bytes.
const LONGEST_NAME: usize = 255;

/// Why a configuration makes no sense, though each of its keys is one.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// A name that is missing or has characters that no name has.
    #[error("{key}: '{name}' is no name: letters, digits, '-', '.' and '_' make one")]
    Name {
        /// The key it stands under.
        key: &'static str,
        /// What stands there.
        name: String,
    },
    /// A zone that could not be told from a region.
    #[error("nodes.zone: '{0}' does not end in a letter, as zones do")]
    Zone(String),
    /// What is said of https makes no sense.
    #[error("{0}")]
    Tls(String),
    /// A number that must not be zero is.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    /// A time that nobody could mean.
    #[error("launch_patience_seconds: {0} is not from 60 to 604800")]
    Patience(u64),
    /// What is said of mails makes no sense.
    #[error("{0}")]
    Mail(String),
    /// Two nodes of one name.
    #[error("nodes.name: '{0}' is the name of two nodes")]
    Twice(String),
}

impl Config {
    /// Refuses names that nobody could use.
    ///
    /// # Errors
    /// Names the first key at fault.
    pub fn check(&self) -> Result<(), Unusable> {
        let named = |key, name: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            // A browser takes dots alone for a way in a path.
            let dots = name.chars().all(|c| c == '.');
            if dots || name.len() > LONGEST_NAME || !name.chars().all(plain) {
                return Err(Unusable::Name { key, name: name.to_owned() });
            }
            Ok(())
        };
        named("region", &self.region)?;
        let tls = self.tls().check().map_err(|error| Unusable::Tls(error.to_string()))?;
        if !tls && !self.tls_ca_file.as_os_str().is_empty() {
            let text = "tls_ca_file is of no use without tls_cert_file and tls_key_file";
            return Err(Unusable::Tls(text.to_owned()));
        }
        if self.remembered_signatures == 0 {
            return Err(Unusable::Zero("remembered_signatures"));
        }
        for (key, value) in [
            ("audit_days", self.audit_days),
            ("audit_mb", self.audit_mb),
            ("report_days", self.report_days),
        ] {
            if value == 0 {
                return Err(Unusable::Zero(key));
            }
        }
        if !(60..=604_800).contains(&self.launch_patience_seconds) {
            return Err(Unusable::Patience(self.launch_patience_seconds));
        }
        self.mail.check()?;
        for (at, node) in self.nodes.iter().enumerate() {
            named("nodes.name", &node.name)?;
            named("nodes.zone", &node.zone)?;
            if !node.zone.ends_with(|c: char| c.is_ascii_alphabetic()) {
                return Err(Unusable::Zone(node.zone.clone()));
            }
            if self.nodes[..at].iter().any(|other| other.name == node.name) {
                return Err(Unusable::Twice(node.name.clone()));
            }
        }
        Ok(())
    }

    /// Where the records last.
    pub fn store(&self) -> EngineConfig {
        EngineConfig {
            reserve_bytes: self.store_reserve_mb.saturating_mul(1 << 20),
            ..EngineConfig::sled(self.data_dir.join("store"))
        }
    }

    /// Where and how long what was asked is recorded.
    pub fn audit(&self) -> Terms {
        Terms::new(self.data_dir.join("audit"), self.audit_days, self.audit_mb)
    }

    /// What is said of https.
    pub fn tls(&self) -> TlsKeys<'_> {
        TlsKeys {
            listen: self.tls_listen,
            certificate: &self.tls_cert_file,
            key: &self.tls_key_file,
        }
    }

    /// The administrator's credentials directory.
    pub fn admin_dir(&self) -> PathBuf {
        if self.admin_dir.as_os_str().is_empty() {
            return self.data_dir.join("admin");
        }
        self.admin_dir.clone()
    }

    /// The availability zones there are, by name.
    pub fn zones(&self) -> Vec<String> {
        let mut zones: Vec<_> = self.nodes.iter().map(|node| node.zone.clone()).collect();
        zones.sort();
        zones.dedup();
        zones
    }

    /// Where the console is, without a path.
    pub fn console(&self) -> String {
        match self.console_url.trim_end_matches('/') {
            "" => format!("https://{}:8443", self.public_host()),
            url => url.to_owned(),
        }
    }

    /// The name or address under which users reach this host.
    pub fn public_host(&self) -> String {
        if self.public_host.is_empty() { default_address() } else { self.public_host.clone() }
    }
}

/// The address that this host uses towards the world; sends nothing.
fn default_address() -> String {
    let asked = || {
        let socket = UdpSocket::bind(("0.0.0.0", 0))?;
        // Connecting a datagram socket only chooses the route. The address is one of those set
        // aside for documentation: nobody's.
        socket.connect(("192.0.2.1", 9))?;
        Ok::<_, std::io::Error>(socket.local_addr()?.ip().to_string())
    };
    asked().unwrap_or_else(|_| "127.0.0.1".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use runtime::config::{Sources, load};

    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("clc.toml");
        std::fs::write(&file, text).unwrap();
        let file: Option<&Path> = Some(&file);
        // No variable of a real environment begins so.
        let from =
            Sources { program: "clc", environment: "NO_SUCH_CLC__", file, flags: Vec::new() };
        load(&from).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_covers_the_defaults_and_unknown_keys_are_refused() {
        let config = read(
            "data_dir = '/d'\npublic_host = 'cloud'\n[walrus]\nurl = 'http://w:1'\n\
             [[nodes]]\nname = 'a'\nurl = 'http://a:1'\n",
        )
        .unwrap();
        assert_eq!(config.nodes[0].zone, "eucalyptus-1a");
        assert_eq!(config.admin_dir(), Path::new("/d/admin"));
        assert_eq!(config.public_host(), "cloud");
        assert_eq!(config.check(), Ok(()));
        for (text, key) in [
            ("datadir = '/d'", "datadir"),
            ("[walrus]\nuri = 'x'", "uri"),
            ("[[nodes]]\nname = 'a'", "url"),
            ("listen = 'everywhere'", "listen"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn names_that_cannot_be_used_are_refused() {
        let node = |name: &str, zone: &str| Node {
            name: name.into(),
            url: "http://n".into(),
            zone: zone.into(),
        };
        let check = |nodes| Config { nodes, ..Config::default() }.check();
        for odd in ["a/b", "", "..", "ノード", "<script>", "a b", &"n".repeat(256)] {
            let refused = matches!(check(vec![node(odd, "z")]), Err(Unusable::Name { .. }));
            assert!(refused, "{odd}");
        }
        assert!(check(vec![node(&"n".repeat(255), "z")]).is_ok());
        assert!(matches!(check(vec![node("a", "")]), Err(Unusable::Name { .. })));
        assert!(matches!(check(vec![node("a", "z1")]), Err(Unusable::Zone(_))));
        assert!(matches!(check(vec![node("a", "z"), node("a", "z")]), Err(Unusable::Twice(_))));
        let hasty = Config { launch_patience_seconds: 59, ..Config::default() };
        assert_eq!(hasty.check(), Err(Unusable::Patience(59)));
        assert!(Config { region: String::new(), ..Config::default() }.check().is_err());
        let half = Config { tls_cert_file: "/c.pem".into(), ..Config::default() };
        let told = half.check().unwrap_err().to_string();
        assert!(told.starts_with("tls_key_file must be set"), "{told}");
        let alone = Config { tls_ca_file: "/ca.pem".into(), ..Config::default() };
        assert!(matches!(alone.check(), Err(Unusable::Tls(_))));
        let zero = Config { remembered_signatures: 0, ..Config::default() };
        assert_eq!(zero.check(), Err(Unusable::Zero("remembered_signatures")));
        assert!(!Config::default().public_host().is_empty());
    }

    #[test]
    fn a_mail_server_is_told_whole_or_not_at_all() {
        let good = Mail { server: "m".into(), from: "cloud@example.com".into(), ..Mail::default() };
        let login = Mail { user: "u".into(), password_file: "/p".into(), ..good.clone() };
        for mail in [Mail::default(), good.clone(), login.clone()] {
            assert_eq!(Config { mail, ..Config::default() }.check(), Ok(()));
        }
        for (mail, named) in [
            (Mail { server: String::new(), ..good.clone() }, "mail.server"),
            (Mail { from: "cloud".into(), ..good.clone() }, "mail.from"),
            (Mail { user: "u".into(), ..good.clone() }, "mail.user"),
            (Mail { password_file: "/p".into(), ..good }, "mail.password_file"),
            (Mail { security: MailSecurity::None, ..login }, "mail.security"),
        ] {
            let told = Config { mail, ..Config::default() }.check().unwrap_err().to_string();
            assert!(told.contains(named), "{told}");
        }
        assert_eq!(read("[mail]\nsecurity = 'tls'").unwrap().mail.security, MailSecurity::Tls);
        assert!(read("[mail]\nsecurity = 'ssl'").is_err());
    }
}
