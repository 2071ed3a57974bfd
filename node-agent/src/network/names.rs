//! Names of what an agent makes on its host.
//!
//! They are derived, so that an agent finds its own after a restart and several agents on one host
//! never meet. Interface names have at most 15 characters: `et`, five hex digits of the agent's
//! identity, eight of the instance's id. The holder begins otherwise, so that `et12345*` is the taps
//! and nothing else.

use common::id::InstanceId;
use sha2::{Digest as _, Sha256};

/// The names of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    tag: String,
}

impl Names {
    /// The names of the agent of this identity.
    pub fn new(identity: &str) -> Self {
        Self { tag: digest(identity, 5) }
    }

    /// What the name of every tap begins with.
    pub fn tap_prefix(&self) -> String {
        format!("et{}", self.tag)
    }

    /// The interface that carries the router's and the metadata service's addresses.
    pub fn holder(&self) -> String {
        format!("eg{}", self.tag)
    }

    /// The nftables tables, one of each family that is needed.
    pub fn table(&self) -> String {
        format!("eucalypt_{}", self.tag)
    }

    /// The directory below the run directory.
    pub fn directory(&self) -> &str {
        &self.tag
    }

    /// The tap of an instance. Ids of eight digits can be read in it.
    pub fn tap(&self, instance: &InstanceId) -> String {
        let digits = instance.as_str().trim_start_matches(InstanceId::PREFIX);
        let short = if digits.len() == 8 { digits.to_owned() } else { digest(digits, 8) };
        format!("{}{short}", self.tap_prefix())
    }
}

fn digest(text: &str, digits: usize) -> String {
    let mut hex = hex::encode(Sha256::digest(text.as_bytes()));
    hex.truncate(digits);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_the_kernel_and_belong_to_one_node() {
        let (one, two) = (Names::new("node-1"), Names::new("node-2"));
        for id in ["i-0123abcd", "i-0123456789abcdef0"] {
            let id: InstanceId = id.parse().unwrap();
            let tap = one.tap(&id);
            assert_eq!(tap.len(), 15, "{tap}");
            assert!(tap.starts_with(&one.tap_prefix()));
            assert_ne!(tap, two.tap(&id));
        }
        assert!(one.tap(&"i-0123abcd".parse().unwrap()).ends_with("0123abcd"));
        assert!(!one.holder().starts_with(&one.tap_prefix()));
    }
}
