//! What an agent must have before it may touch the network: rights, programs, the tap device.
//!
//! All that is missing is said at once, with the Debian package that brings it.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::kernel::unsettable;

/// What is missing, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the network of instances cannot be made on this host: {}", .0.join("; "))]
pub struct Missing(pub Vec<String>);

/// The programs, by their paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// `ip` of iproute2.
    pub ip: PathBuf,
    /// `nft` of nftables.
    pub nft: PathBuf,
    /// `dnsmasq`.
    pub dnsmasq: PathBuf,
}

const RIGHTS: [(&str, u32); 3] =
    [("CAP_NET_ADMIN", 12), ("CAP_NET_RAW", 13), ("CAP_NET_BIND_SERVICE", 10)];

impl Tools {
    /// Looks for rights, device and programs.
    ///
    /// # Errors
    /// Names everything that is missing.
    pub fn find() -> Result<Self, Missing> {
        let mut missing = Vec::new();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let absent = absent_rights(&status);
        if !absent.is_empty() {
            let rights = absent.join(", ");
            missing.push(format!("rights are missing: {rights} (run the agent as root)"));
        } else {
            // These say little to somebody who has no rights at all.
            if let Err(why) = open_tun() {
                missing.push(format!("/dev/net/tun cannot be opened: {why} (modprobe tun)"));
            }
            if let Some(why) = unsettable() {
                missing.push(why);
            }
        }
        let mut program = |name: &str, package: &str| {
            let found = search(name);
            if found.is_none() {
                let text = format!("the program {name} is missing (install the package {package})");
                missing.push(text);
            }
            found.unwrap_or_default()
        };
        let tools = Self {
            ip: program("ip", "iproute2"),
            nft: program("nft", "nftables"),
            dnsmasq: program("dnsmasq", "dnsmasq-base"),
        };
        if missing.is_empty() { Ok(tools) } else { Err(Missing(missing)) }
    }
}

fn open_tun() -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun")
}

fn absent_rights(status: &str) -> Vec<&'static str> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    RIGHTS.iter().filter(|(_, bit)| held >> bit & 1 == 0).map(|(name, _)| *name).collect()
}

/// Finds a program in PATH, and where system programs lie even if PATH forgets it.
fn search(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut folders = std::env::split_paths(&path).chain(system);
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| is_program(file)))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_from_the_kernels_mask() {
        assert_eq!(absent_rights("Name:\tx\nCapEff:\t000001ffffffffff\n"), Vec::<&str>::new());
        assert_eq!(
            absent_rights("CapEff:\t0000000000001000\n"),
            ["CAP_NET_RAW", "CAP_NET_BIND_SERVICE"]
        );
        assert_eq!(absent_rights("").len(), 3);
    }

    #[test]
    fn programs_are_found_where_they_are() {
        assert!(search("sh").is_some());
        assert!(search("no-such-program-here").is_none());
        let missing = Missing(vec!["a is missing".to_owned(), "b is missing".to_owned()]);
        assert!(missing.to_string().ends_with("a is missing; b is missing"));
    }
}
