//! What an owner gives an instance along: bytes that nobody here understands.
//!
//! They travel and are kept as base64, because every dialect is text; the guest gets them as they
//! were. They may hold secrets: they are printed nowhere, not even by accident.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most that an instance may be given, in bytes.
pub const LIMIT: usize = 16 << 10;

/// User data, never empty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserData(String);

/// Why a text is no user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UserDataError {
    /// It cannot be decoded.
    #[error("it is not base64")]
    NotBase64,
    /// It is too much.
    #[error("it has {0} bytes, and at most 16384 are taken")]
    TooLarge(usize),
}

impl UserData {
    /// Reads base64, with line breaks or without. Nothing is `None`.
    ///
    /// # Errors
    /// If it is no base64, or more than [`LIMIT`] bytes.
    pub fn read(text: &str) -> Result<Option<Self>, UserDataError> {
        let packed: String = text.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(packed).map_err(|_| UserDataError::NotBase64)?;
        match bytes.len() {
            0 => Ok(None),
            1..=LIMIT => Ok(Some(Self(STANDARD.encode(bytes)))),
            more => Err(UserDataError::TooLarge(more)),
        }
    }

    /// As base64.
    pub fn base64(&self) -> &str {
        &self.0
    }

    /// As the guest gets it.
    pub fn bytes(&self) -> Vec<u8> {
        // Only what came out of an encoder is kept, so this is never empty.
        STANDARD.decode(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UserData({} characters)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_and_are_not_printed() {
        let all: Vec<u8> = (0..=255).collect();
        let text = STANDARD.encode(&all);
        let (head, tail) = text.split_at(76);
        let data = UserData::read(&format!("{head}\r\n{tail}\n")).unwrap().unwrap();
        assert_eq!(data.bytes(), all);
        assert_eq!(data.base64(), text);
        assert!(!format!("{data:?}").contains(&text[..8]));
    }

    #[test]
    fn nothing_is_none_and_too_much_is_refused() {
        assert_eq!(UserData::read("").unwrap(), None);
        assert!(UserData::read(&STANDARD.encode(vec![0; LIMIT])).unwrap().is_some());
        let more = UserData::read(&STANDARD.encode(vec![0; LIMIT + 1]));
        assert_eq!(more, Err(UserDataError::TooLarge(LIMIT + 1)));
        for text in ["%%%", "YQ", "a"] {
            assert_eq!(UserData::read(text), Err(UserDataError::NotBase64), "{text}");
        }
    }
}
