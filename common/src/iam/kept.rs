//! What deciders keep between requests: policies as they were read, and what was found about the
//! holder of an access key as long as identity has not changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::Credential;
use super::policy::{Policy, PolicyError, PolicyKind};

/// How many policies, and how many holders of keys, are kept.
const MOST: usize = 4096;

/// Policies by their texts. A text always means the same, so nothing of it ages.
#[derive(Debug, Default)]
pub struct KeptPolicies(Mutex<HashMap<String, Arc<Policy>>>);

impl KeptPolicies {
    /// The policy of a text: as it was read before, or read now.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn read(&self, text: &str) -> Result<Arc<Policy>, PolicyError> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = lock().get(text) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(Policy::parse(text, PolicyKind::Identity)?);
        let mut kept = lock();
        if kept.len() >= MOST {
            // Rare, and costs only that they are read again.
            kept.clear();
        }
        kept.insert(text.to_owned(), Arc::clone(&policy));
        Ok(policy)
    }
}

/// Holders of keys, as they were found at one revision of identity; at a later one nothing is kept.
#[derive(Default)]
pub struct KeptCredentials(Mutex<(u64, HashMap<String, Credential>)>);

impl KeptCredentials {
    /// What was found of a key, if identity still is at the same revision.
    pub fn get(&self, now: u64, id: &str) -> Option<Credential> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.0 == now).then(|| kept.1.get(id).cloned()).flatten()
    }

    /// Keeps what was found; `then` is the revision as it was *before* anybody looked, so that what
    /// is kept is never older than its revision says.
    pub fn keep(&self, then: u64, found: &Credential) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 < then || kept.1.len() >= MOST {
            *kept = (then.max(kept.0), HashMap::new());
        }
        if kept.0 == then {
            kept.1.insert(found.id.clone(), found.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::Authority;

    fn found(id: &str) -> Credential {
        let authority = Authority::owner(&"123456789012".parse().unwrap(), "admin");
        Credential { id: id.into(), secret: "s".into(), alias: "a".into(), authority }
    }

    #[test]
    fn holders_are_kept_until_identity_changes() {
        let kept = KeptCredentials::default();
        kept.keep(3, &found("AKI1"));
        assert!(kept.get(3, "AKI1").is_some());
        assert!(kept.get(3, "AKI2").is_none() && kept.get(4, "AKI1").is_none());
        kept.keep(4, &found("AKI2"));
        assert!(kept.get(4, "AKI1").is_none() && kept.get(4, "AKI2").is_some());
        // Somebody who looked long ago comes late.
        kept.keep(3, &found("AKI1"));
        assert!(kept.get(3, "AKI1").is_none() && kept.get(4, "AKI1").is_none());
    }
}
