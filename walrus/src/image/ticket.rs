//! Tickets: leave to read one plain image until a moment, as a URL.
//!
//! `/images/KEY?expires=MILLIS&signature=HEX`, the signature being HMAC-SHA256 over key and
//! expiry with a random key that only this walrus knows. Whoever holds the URL may read; nodes get
//! it from the clc.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::key::write_secret;
use crate::cache::disk::is_digest;

const FILE: &str = "ticket.key";

/// Below which path images are served.
pub(crate) const PATH: &str = "/images/";

/// Stands where a ticket for an image has the image's digest.
const SEALED: &str = "sealed";

/// Makes and checks tickets.
#[derive(Clone)]
pub(crate) struct Tickets {
    secret: Arc<[u8; 32]>,
    lifetime: Duration,
}

impl Tickets {
    /// Reads the key, or makes it. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read or written, or is not 32 bytes long.
    pub(crate) fn open(dir: &Path, lifetime: Duration) -> io::Result<Self> {
        let path = dir.join(FILE);
        let kept = match fs::read(&path) {
            Ok(kept) => kept,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut made = vec![0; 32];
                getrandom::fill(&mut made).map_err(io::Error::other)?;
                write_secret(&path, &made)?;
                made
            }
            Err(error) => return Err(error),
        };
        let secret: [u8; 32] = kept.try_into().map_err(|_| {
            io::Error::other(format!("{} does not hold 32 bytes: remove it", path.display()))
        })?;
        Ok(Self { secret: Arc::new(secret), lifetime })
    }

    /// Path and query of a ticket, and until when it is good.
    pub(crate) fn issue(&self, key: &str, now: Timestamp) -> (String, Timestamp) {
        let expires = now.plus(self.lifetime);
        let millis = expires.as_millis().to_string();
        let signature = hex::encode(self.mac(key, &millis).finalize().into_bytes());
        (format!("{PATH}{key}?expires={millis}&signature={signature}"), expires)
    }

    /// The image that a path and query give leave to read; `None` if they do not, or no longer.
    pub(crate) fn check<'a>(&self, path: &'a str, query: &str, now: Timestamp) -> Option<&'a str> {
        let key = path.strip_prefix(PATH).filter(|key| is_digest(key))?;
        let value = |name: &str| {
            query.split('&').find_map(|item| item.strip_prefix(name)?.strip_prefix('='))
        };
        let (millis, signature) = (value("expires")?, value("signature")?);
        let signature = hex::decode(signature).ok()?;
        // Compares in constant time.
        self.mac(key, millis).verify_slice(&signature).ok()?;
        let expires: i64 = millis.parse().ok()?;
        (now < Timestamp::from_millis(expires)).then_some(key)
    }

    /// A signature over the words of another kind of ticket; no image's is ever taken for one, nor
    /// the other way round.
    pub(crate) fn seal(&self, words: &str) -> String {
        hex::encode(self.mac(SEALED, words).finalize().into_bytes())
    }

    /// Whether a signature was made by [`Tickets::seal`] over these words.
    pub(crate) fn is_seal(&self, words: &str, signature: &str) -> bool {
        // Compares in constant time.
        hex::decode(signature)
            .is_ok_and(|given| self.mac(SEALED, words).verify_slice(&given).is_ok())
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac(&self, key: &str, millis: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_ref())
            .expect("HMAC takes keys of any length");
        mac.update(format!("{key}\n{millis}").as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_ticket_is_good_for_one_image_until_it_expires() {
        let dir = tempfile::tempdir().unwrap();
        let tickets = Tickets::open(dir.path(), Duration::from_secs(60)).unwrap();
        let now = Timestamp::from_secs(1_000_000);
        let key = "ab".repeat(32);
        let (url, expires) = tickets.issue(&key, now);
        assert_eq!(expires, now.plus(Duration::from_secs(60)));
        let (path, query) = url.split_once('?').unwrap();
        assert_eq!(tickets.check(path, query, now), Some(key.as_str()));
        let again = Tickets::open(dir.path(), Duration::from_secs(60)).unwrap();
        assert_eq!(again.check(path, query, now), Some(key.as_str()), "also after a restart");

        assert_eq!(tickets.check(path, query, expires), None);
        let other = format!("{PATH}{}", "cd".repeat(32));
        assert_eq!(tickets.check(&other, query, now), None);
        let later = query.replace("expires=1", "expires=9");
        assert_eq!(tickets.check(path, &later, now), None);
        assert_eq!(tickets.check(path, "", now), None);
        assert_eq!(tickets.check("/images/../x", query, now), None);
        let cut = &query[..query.len() - 2];
        assert_eq!(tickets.check(path, cut, now), None);
    }

    #[test]
    fn the_key_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        Tickets::open(dir.path(), Duration::ZERO).unwrap();
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(dir.path().join(FILE), b"short").unwrap();
        assert!(Tickets::open(dir.path(), Duration::ZERO).is_err());
    }
}
