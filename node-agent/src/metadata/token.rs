//! Tokens of the second version of the protocol: made by the service, kept by nobody.
//!
//! A token says until when it is good, and bears a seal over that and over the instance it was
//! given to, by a key that lives as long as the agent. So nothing is stored, a token is of no use
//! to another instance, and one that was made before the agent came up is refused: clients then
//! ask for a new one.
//!
//! ```text
//!   base64url( expires: 8 bytes, ms since 1970 ‖ HMAC-SHA256(key, expires ‖ instance id) )
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::id::InstanceId;
use common::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The longest life of a token, in seconds: six hours.
pub const LONGEST: u32 = 21_600;

/// Makes and checks tokens. Clones are the same.
#[derive(Clone)]
pub struct Tokens(Hmac<Sha256>);

impl Tokens {
    /// Tokens under this key.
    pub fn new(key: &[u8; 64]) -> Self {
        Self(Hmac::new(key.into()))
    }

    /// Makes a token for an instance, good for so many seconds.
    pub fn issue(&self, instance: &InstanceId, seconds: u32, now: Timestamp) -> String {
        let expires = now.as_millis().saturating_add(i64::from(seconds) * 1000).to_be_bytes();
        let mut token = expires.to_vec();
        token.extend_from_slice(&self.seal(instance, &expires).finalize().into_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Whether a token was made for this instance by this agent and is still good.
    pub fn admits(&self, token: &str, instance: &InstanceId, now: Timestamp) -> bool {
        let Ok(token) = URL_SAFE_NO_PAD.decode(token) else { return false };
        let Some((expires, seal)) = token.split_first_chunk::<8>() else { return false };
        // In constant time, so that a seal cannot be felt out byte by byte.
        self.seal(instance, expires).verify_slice(seal).is_ok()
            && i64::from_be_bytes(*expires) > now.as_millis()
    }

    fn seal(&self, instance: &InstanceId, expires: &[u8; 8]) -> Hmac<Sha256> {
        let mut seal = self.0.clone();
        seal.update(expires);
        seal.update(instance.as_str().as_bytes());
        seal
    }
}

/// The seconds that the header of a request for a token asks for, if it may.
pub fn lifetime(header: &str) -> Option<u32> {
    let digits = !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit());
    header.parse().ok().filter(|seconds| digits && (1..=LONGEST).contains(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_instance_its_time_and_its_agent() {
        let tokens = Tokens::new(&[7; 64]);
        let (one, other) = ("i-00000001".parse().unwrap(), "i-00000002".parse().unwrap());
        let token = tokens.issue(&one, 60, Timestamp::from_secs(1000));
        assert!(token.len() <= 70 && token.is_ascii(), "{token}");
        let at = |second| tokens.admits(&token, &one, Timestamp::from_secs(second));
        assert_eq!([at(1000), at(1059), at(1060), at(2000)], [true, true, false, false]);
        let now = Timestamp::from_secs(1000);
        assert!(!tokens.admits(&token, &other, now));
        assert!(!Tokens::new(&[8; 64]).admits(&token, &one, now));
        for place in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(!tokens.admits(&forged, &one, now), "{forged}");
        }
        for odd in ["", "AAAA", "no base64!", &token[1..], &format!("{token}A"), &"A".repeat(9999)]
        {
            assert!(!tokens.admits(odd, &one, now), "{odd}");
        }
    }

    #[test]
    fn a_lifetime_is_a_number_within_bounds() {
        for (text, expected) in [
            ("1", Some(1)),
            ("21600", Some(21_600)),
            ("0", None),
            ("21601", None),
            ("99999999999999999999", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            (" 1", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(lifetime(text), expected, "{text}");
        }
    }
}
