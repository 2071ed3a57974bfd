//! Chance: ids, access keys, secrets. All of it comes from the operating system's generator.

use common::error::ApiError;

/// An access key id: `AKI` and 17 upper-case letters and digits.
///
/// # Errors
/// If the system has no random bytes.
pub(crate) fn access_key_id() -> Result<String, ApiError> {
    Ok(format!("AKI{}", text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 17)?))
}

/// A secret access key: 40 letters and digits.
///
/// # Errors
/// If the system has no random bytes.
pub(crate) fn secret_key() -> Result<String, ApiError> {
    text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 40)
}

/// A password that is easily copied by hand: 20 characters of which none looks like another.
///
/// # Errors
/// If the system has no random bytes.
pub(crate) fn password() -> Result<String, ApiError> {
    text(b"abcdefghjkmnpqrstuvwxyz23456789", 20)
}

/// `N` random bytes.
///
/// # Errors
/// If the system has no random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], ApiError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| ApiError::internal("No random bytes could be had", error))?;
    Ok(bytes)
}

/// Characters of an alphabet, each as likely as the others.
fn text(alphabet: &[u8], length: usize) -> Result<String, ApiError> {
    // Bytes beyond the last whole multiple would favour the alphabet's beginning.
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in bytes::<64>()? {
            let byte = usize::from(byte);
            if byte < fair && text.len() < length {
                text.push(char::from(alphabet[byte % alphabet.len()]));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_form() {
        let id = access_key_id().unwrap();
        assert_eq!(id.len(), 20);
        assert!(id.starts_with("AKI"));
        assert!(id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{id}");
        let secret = secret_key().unwrap();
        assert_eq!(secret.len(), 40);
        assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric()), "{secret}");
        assert_ne!(secret, secret_key().unwrap());
    }
}
