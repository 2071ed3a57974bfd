//! How a message between services is signed: with a key that both hosts hold, and dated.
//!
//! The text that is signed names the service, the message and its version, the time and a random
//! number, and the hash of the body; a message is good for a minute either way, and once: [`Seen`]
//! knows those that were accepted. A wish repeated is harmless, but not one that has been taken
//! back since (a user disabled, an instance ended). The hash travels beside the signature, so that
//! not a byte of a stranger's body is read. Who may send it is [`Sender`], a type of its own, so
//! that mutual TLS can take the key's place later without a change above.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// How far two hosts' clocks may be apart.
const SKEW: Duration = Duration::from_secs(60);

/// Who sent a message, as its transport proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Somebody who holds the peer key.
    KeyHolder,
}

/// The key that a pair of services share: 32 random bytes.
#[derive(Clone)]
pub struct PeerKey(Arc<[u8; 32]>);

/// Why a peer key file cannot be used.
#[derive(Debug, Error)]
pub enum PeerKeyError {
    /// It cannot be read.
    #[error("cannot read the peer key file {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Others than its owner may read it.
    #[error(
        "the peer key file {path} has mode {mode:o}; it must be readable by its owner only (chmod 600)"
    )]
    Mode {
        /// The file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// It is not 32 bytes.
    #[error("the peer key file {path} holds {length} bytes, not 32")]
    Length {
        /// The file.
        path: String,
        /// How many bytes it has.
        length: usize,
    },
}

impl PeerKey {
    /// A key from its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Arc::new(bytes))
    }

    /// Reads a key file, which must be readable by its owner only. Blocks.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, PeerKeyError> {
        use std::os::unix::fs::PermissionsExt as _;
        let name = path.display().to_string();
        let failed = |source| PeerKeyError::Read { path: name.clone(), source };
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(PeerKeyError::Mode { path: name, mode });
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let length = bytes.len();
        let bytes = bytes.try_into().map_err(|_| PeerKeyError::Length { path: name, length })?;
        Ok(Self::new(bytes))
    }
}

/// The headers that carry the signature.
pub(crate) const DATE: &str = "x-eucalypt-date";
pub(crate) const NONCE: &str = "x-eucalypt-nonce";
pub(crate) const DIGEST: &str = "x-eucalypt-body-sha256";
pub(crate) const SIGNATURE: &str = "x-eucalypt-signature";

/// The hash of a body as it is signed and sent.
pub(crate) fn digest_of(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// What a signature is made over.
pub(crate) struct Sealed<'a> {
    pub(crate) path: &'a str,
    pub(crate) date: &'a str,
    pub(crate) nonce: &'a str,
    /// [`digest_of`] the body.
    pub(crate) digest: &'a str,
}

impl Sealed<'_> {
    fn mac(&self, key: &PeerKey) -> Hmac<Sha256> {
        // HMAC takes keys of any length.
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(key.0.as_ref()).expect("any length will do");
        for line in [self.path, self.date, self.nonce, self.digest] {
            mac.update(line.as_bytes());
            mac.update(b"\n");
        }
        mac
    }

    pub(crate) fn sign(&self, key: &PeerKey) -> String {
        hex::encode(self.mac(key).finalize().into_bytes())
    }

    /// Checks signature and date.
    pub(crate) fn verify(
        &self,
        key: &PeerKey,
        signature: &str,
        now: Timestamp,
    ) -> Result<Sender, ApiError> {
        let refused = |text: &str| ApiError::new(ErrorCode::AuthFailure, text);
        let given = hex::decode(signature)
            .map_err(|_| refused("The message's signature cannot be read"))?;
        // Compares in constant time.
        self.mac(key)
            .verify_slice(&given)
            .map_err(|_| refused("The message is not signed with this service's peer key"))?;
        let sent = Timestamp::parse_basic(self.date)
            .map_err(|_| refused("The message's date cannot be read"))?;
        if sent.distance(now) > SKEW {
            let text = format!(
                "The message is dated {}, this host's clock says {}: set the clocks",
                sent.iso(),
                now.iso()
            );
            return Err(ApiError::new(ErrorCode::RequestExpired, text));
        }
        Ok(Sender::KeyHolder)
    }
}

/// The signatures of messages that were accepted, for as long as they could come again.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Generations>);

/// Two generations, each as long as a message is good: what is in neither is older than that.
#[derive(Default)]
struct Generations {
    since: Option<Timestamp>,
    young: HashSet<Vec<u8>>,
    old: HashSet<Vec<u8>>,
}

impl Seen {
    /// More than two thousand messages a second for as long as they are good; beyond that the
    /// oldest are forgotten. Only holders of the key come here.
    const MOST: usize = 1 << 18;

    /// Remembers the signature of a message that was verified at `now`; refuses one that has come
    /// before.
    pub(crate) fn accept(&self, signature: &str, now: Timestamp) -> Result<(), ApiError> {
        // Half of it is as good as the whole, and a digit may be written in either case.
        let mark = hex::decode(signature.get(..32).unwrap_or_default()).unwrap_or_default();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *seen.since.get_or_insert(now);
        if now.distance(since) > SKEW * 2 || seen.young.len() >= Self::MOST {
            seen.old = std::mem::take(&mut seen.young);
            seen.since = Some(now);
        }
        if seen.old.contains(&mark) || !seen.young.insert(mark) {
            let text = "The message has been received before";
            return Err(ApiError::new(ErrorCode::AuthFailure, text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_spoils_the_signature() {
        let key = PeerKey::new([7; 32]);
        let now = Timestamp::from_secs(1_800_000_000);
        let date = now.basic_iso();
        let (body, other) = (digest_of(b"{}"), digest_of(b"{ }"));
        let sealed = Sealed { path: "/peer/node/1/Run", date: &date, nonce: "n", digest: &body };
        let signature = sealed.sign(&key);
        assert!(sealed.verify(&key, &signature, now).is_ok());
        assert!(sealed.verify(&PeerKey::new([8; 32]), &signature, now).is_err());
        let changed = Sealed { digest: &other, ..sealed };
        assert!(changed.verify(&key, &signature, now).is_err());
        let later = now.plus(Duration::from_secs(61));
        let sealed = Sealed { digest: &body, ..changed };
        let error = sealed.verify(&key, &signature, later).unwrap_err();
        assert_eq!(error.code(), ErrorCode::RequestExpired);
        assert!(error.text().contains(&now.iso()), "{error}");
    }

    #[test]
    fn a_message_is_accepted_once_for_as_long_as_it_is_good() {
        let start = Timestamp::from_secs(1_800_000_000);
        let at = |secs| start.plus(Duration::from_secs(secs));
        let (first, second) = ("ab".repeat(32), "cd".repeat(32));
        let seen = Seen::default();
        assert!(seen.accept(&first, at(0)).is_ok());
        assert!(seen.accept(&first.to_uppercase(), at(0)).is_err());
        assert!(seen.accept(&second, at(119)).is_ok());
        for later in [121, 180, 239] {
            assert!(seen.accept(&second, at(later)).is_err(), "{later}");
        }
        // Nothing is kept for ever.
        assert!(seen.accept(&"ef".repeat(32), at(242)).is_ok());
        assert!(seen.accept(&"01".repeat(32), at(363)).is_ok());
        let left = seen.0.lock().unwrap();
        assert_eq!((left.young.len(), left.old.len()), (1, 1));
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("peer.key");
        std::fs::write(&path, [1; 32]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(PeerKey::read(&path), Err(PeerKeyError::Mode { mode: 0o644, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(PeerKey::read(&path).is_ok());
        std::fs::write(&path, [1; 31]).unwrap();
        assert!(matches!(PeerKey::read(&path), Err(PeerKeyError::Length { length: 31, .. })));
    }
}
