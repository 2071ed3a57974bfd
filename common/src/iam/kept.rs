//! What deciders keep between requests: policies as they were read, and what was found about the
//! holder of an access key as long as identity has not changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::Credential;
use super::policy::{Policy, PolicyError, PolicyKind};

/// How many holders of keys are kept.
const MOST_HOLDERS: usize = 4096;
/// How many bytes all that is kept of one kind may take together.
const MOST_BYTES: usize = 64 << 20;

/// About how many bytes a policy takes with its text, which is kept twice, and all that was read out
/// of it. What an allocation costs besides makes small ones dear.
fn weight(text: &str) -> usize {
    1024 + 8 * text.len()
}

/// Policies by their texts. A text always means the same, so nothing of it ages.
#[derive(Debug, Default)]
pub struct KeptPolicies(Mutex<Policies>);

#[derive(Debug, Default)]
struct Policies {
    by_text: HashMap<String, Arc<Policy>>,
    bytes: usize,
}

impl KeptPolicies {
    /// The policy of a text: as it was read before, or read now.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn read(&self, text: &str) -> Result<Arc<Policy>, PolicyError> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = lock().by_text.get(text) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(Policy::parse(text, PolicyKind::Identity)?);
        let mut kept = lock();
        if kept.bytes + weight(text) > MOST_BYTES {
            // Rare, and costs only that they are read again.
            *kept = Policies::default();
        }
        if kept.by_text.insert(text.to_owned(), Arc::clone(&policy)).is_none() {
            kept.bytes += weight(text);
        }
        Ok(policy)
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

/// Holders of keys, as they were found at one revision of identity; at a later one nothing is kept.
#[derive(Default)]
pub struct KeptCredentials(Mutex<Holders>);

#[derive(Default)]
struct Holders {
    revision: u64,
    by_key: HashMap<String, Credential>,
    bytes: usize,
}

/// About how many bytes the policies take that a holder keeps from being forgotten.
fn burden(found: &Credential) -> usize {
    let grants = found.authority.grants();
    let all = [&grants.identity, &grants.session, &grants.account];
    let policies = all.into_iter().flatten().chain(&grants.boundary);
    1024 + policies.map(|it| weight(it.policy.text())).sum::<usize>()
}

impl KeptCredentials {
    /// What was found of a key, if identity still is at the same revision.
    pub fn get(&self, now: u64, id: &str) -> Option<Credential> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.revision == now).then(|| kept.by_key.get(id).cloned()).flatten()
    }

    /// Keeps what was found; `then` is the revision as it was *before* anybody looked, so that what
    /// is kept is never older than its revision says.
    pub fn keep(&self, then: u64, found: &Credential) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let burden = burden(found);
        let full = kept.by_key.len() >= MOST_HOLDERS || kept.bytes + burden > MOST_BYTES;
        if kept.revision < then || full {
            *kept = Holders { revision: then.max(kept.revision), ..Holders::default() };
        }
        if kept.revision == then && kept.by_key.insert(found.id.clone(), found.clone()).is_none() {
            kept.bytes += burden;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::Authority;

    fn found(id: &str) -> Credential {
        let authority = Authority::owner(&"123456789012".parse().unwrap(), "admin");
        Credential { id: id.into(), secret: "s".into(), alias: "a".into(), authority, via: None }
    }

    #[test]
    fn policies_are_kept_by_what_they_weigh() {
        let kept = KeptPolicies::default();
        let text = |number: usize, blanks: usize| {
            let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
            format!(r#"{{"Id":"{number}",{}"Statement":{statement}}}"#, " ".repeat(blanks))
        };
        for number in 0..300 {
            let policy = kept.read(&text(number, 60_000)).unwrap();
            assert!(Arc::ptr_eq(&policy, &kept.read(&text(number, 60_000)).unwrap()));
            assert!(kept.bytes() <= MOST_BYTES, "{number}");
        }
        let large = kept.bytes();
        assert!(kept.read("{").is_err());
        assert_eq!(kept.bytes(), large, "what is no policy is not kept");
        for number in 0..5000 {
            kept.read(&text(number, 0)).unwrap();
        }
        // Many small ones find room.
        assert!(kept.bytes() > 5000 * 1024 && kept.bytes() <= MOST_BYTES);
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
