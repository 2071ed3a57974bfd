//! The kernel's settings of an interface, in `/proc/sys/net`.
//!
//! In a container they may be there to be read only. A new interface begins with those named
//! `default`, so a container that was given the right defaults needs to write nothing: what is as it
//! must be is left alone.

use std::path::Path;

use thiserror::Error;

use super::plan::Role;

/// A setting could not be made.
#[derive(Debug, Error)]
#[error("cannot set {path}: {why}")]
pub struct Unset {
    /// The setting's file.
    pub path: String,
    /// What the system said.
    pub why: std::io::Error,
}

/// A setting: its folder in `/proc/sys/net`, its name, its value.
struct Setting(&'static str, &'static str, &'static str);

const FORWARDING: Setting = Setting("ipv4/conf", "forwarding", "1");
const PROXY_ARP: Setting = Setting("ipv4/conf", "proxy_arp", "1");
const NO_IPV6: Setting = Setting("ipv6/conf", "disable_ipv6", "1");
/// The kernel waits up to 0.8 s before it answers for others, to let a real neighbour be first; on
/// a tap there is none. That only costs time, and has no default within a network namespace: it is
/// set where it can be.
const AT_ONCE: Setting = Setting("ipv4/neigh", "proxy_delay", "0");

/// What taps cannot do without.
const TAP: [Setting; 3] = [FORWARDING, PROXY_ARP, NO_IPV6];

impl Setting {
    fn path(&self, interface: &str) -> String {
        format!("/proc/sys/net/{}/{interface}/{}", self.0, self.1)
    }

    /// Whether an interface has it; a kernel without IPv6 has nothing to switch off.
    fn holds(&self, interface: &str) -> bool {
        let path = self.path(interface);
        match std::fs::read_to_string(&path) {
            Ok(found) => found.trim() == self.2,
            Err(_) => self.0.starts_with("ipv6") && !Path::new(&path).exists(),
        }
    }

    fn set(&self, interface: &str) -> Result<(), Unset> {
        if self.holds(interface) {
            return Ok(());
        }
        let path = self.path(interface);
        std::fs::write(&path, self.2).map_err(|why| Unset { path, why })
    }
}

/// Sets what an interface needs for its role.
pub(super) fn tune(interface: &str, role: Role) -> Result<(), Unset> {
    match role {
        Role::Tap => {
            if let Err(error) = AT_ONCE.set(interface) {
                tracing::debug!(%error, "the first packets of a guest wait up to 0.8 s");
            }
            TAP.iter().try_for_each(|setting| setting.set(interface))
        }
        Role::Holder => NO_IPV6.set(interface),
        Role::Uplink => FORWARDING.set(interface),
    }
}

/// Why new taps would not get what they need: the settings can only be read, and are not right by
/// default either.
pub(super) fn unsettable() -> Option<String> {
    let why = std::fs::OpenOptions::new().write(true).open(FORWARDING.path("default")).err()?;
    let wrong = TAP.iter().find(|setting| !setting.holds("default"))?;
    let (path, value) = (wrong.path("default"), wrong.2);
    Some(format!("the kernel's settings cannot be set ({why}), and {path} is not {value}"))
}
