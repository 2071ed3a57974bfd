//! The common ground of all signature versions: percent-encoding as AWS wants it, query strings,
//! hashes, and the comparison that takes the same time whether right or wrong.
//!
//! Owns no knowledge of any one scheme.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Everything except the characters that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The same, leaving the slashes of a path alone.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// The path prefixes under which Walrus is reached beside the root, in lower case.
const SERVICE_PREFIXES: [&str; 2] = ["/services/walrus", "/services/objectstorage"];

/// Encodes all but `A-Z a-z 0-9 - _ . ~` as `%XX`, in upper-case hexadecimal.
pub fn percent_encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, RESERVED).to_string()
}

/// Encodes like [`percent_encode`] but keeps `/`.
pub fn percent_encode_path(path: &str) -> String {
    percent_encoding::utf8_percent_encode(path, RESERVED_IN_PATH).to_string()
}

/// Decodes `%XX`; a `+` stays a plus, bytes that are no UTF-8 become U+FFFD.
pub fn percent_decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Splits a query string or a form body into decoded names and values, in their order.
///
/// A `+` is a blank, a name without `=` has an empty value, empty items (`?&max-keys=0`) are
/// skipped.
pub fn parse_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode(&text.replace('+', "%20"));
    query
        .split('&')
        .filter(|item| !item.is_empty())
        .map(|item| item.split_once('=').unwrap_or((item, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Writes names and values as a query string or a form body, in the order given.
pub fn write_query<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let items: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            format!("{}={}", percent_encode(name.as_ref()), percent_encode(value.as_ref()))
        })
        .collect();
    items.join("&")
}

/// Splits `/services/Walrus/bucket/key` into the prefix, as sent, and `/bucket/key`.
///
/// The prefix is known in any case; what follows it is empty or begins with a slash. A path that
/// does not begin with a prefix gives `None`.
pub fn split_service_prefix(raw_path: &str) -> Option<(&str, &str)> {
    SERVICE_PREFIXES.iter().find_map(|prefix| {
        let head = raw_path.get(..prefix.len())?;
        let rest = &raw_path[prefix.len()..];
        let whole = head.eq_ignore_ascii_case(prefix) && (rest.is_empty() || rest.starts_with('/'));
        whole.then_some((head, rest))
    })
}

/// Gives the name or address in a `Host` header without its port, however often it stands there
/// (boto 2 writes `name:8773:8773`); brackets of an IPv6 address stay.
pub fn host_name(host: &str) -> &str {
    let end = match host.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(inner) => inner + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    &host[..end]
}

/// Writes the query string of a canonical request: encoded afresh, sorted by encoded name and
/// then by encoded value. A parameter named `without`, in any case, is left out: a signature does
/// not cover itself.
pub(super) fn canonical_query(raw_query: &str, without: Option<&str>) -> String {
    let left_out = |name: &str| without.is_some_and(|own| own.eq_ignore_ascii_case(name));
    let mut pairs: Vec<(String, String)> = parse_query(raw_query)
        .iter()
        .filter(|(name, _)| !left_out(name))
        .map(|(name, value)| (percent_encode(name), percent_encode(value)))
        .collect();
    pairs.sort();
    let items: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    items.join("&")
}

/// Hashes with SHA-256.
pub(super) fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// Authenticates `parts`, one after the other, with HMAC-SHA1.
pub(super) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// Authenticates `parts`, one after the other, with HMAC-SHA256.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// Compares without telling by its time where the first difference lies.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn encodes_what_rfc_3986_reserves() {
        assert_eq!(percent_encode("aZ9-_.~"), "aZ9-_.~");
        assert_eq!(percent_encode("a b/c+d*%é"), "a%20b%2Fc%2Bd%2A%25%C3%A9");
        assert_eq!(percent_encode_path("/a b/c%20d"), "/a%20b/c%2520d");
        assert_eq!(percent_decode("a%20b+c%2"), "a b+c%2");
    }

    #[test]
    fn reads_queries_as_sent() {
        for (query, pairs) in [
            ("", &[][..]),
            ("&max-keys=0", &[("max-keys", "0")]),
            ("a=1&&b", &[("a", "1"), ("b", "")]),
            ("a=b=c&d=", &[("a", "b=c"), ("d", "")]),
            ("a=x+y%2Bz%20", &[("a", "x y+z ")]),
            ("Signature=a/b%3D", &[("Signature", "a/b=")]),
            ("k=%FF", &[("k", "\u{fffd}")]),
        ] {
            assert_eq!(parse_query(query), owned(pairs), "{query}");
        }
    }

    #[test]
    fn queries_read_back() {
        let pairs = owned(&[("a b", "c&d=é"), ("e", ""), ("a b", "+")]);
        assert_eq!(parse_query(&write_query(&pairs)), pairs);
    }

    #[test]
    fn canonical_queries_are_sorted_by_encoded_text() {
        assert_eq!(canonical_query("b=2&a=2&a=1&acl&&a-=x", None), "a=1&a=2&a-=x&acl=&b=2");
        assert_eq!(canonical_query("prefix=a/b&marker=x+y", Some("Prefix")), "marker=x%20y");
    }

    #[test]
    fn finds_the_prefix_in_any_case() {
        for (path, split) in [
            ("/services/Walrus/b/k", Some(("/services/Walrus", "/b/k"))),
            ("/services/walrus", Some(("/services/walrus", ""))),
            ("/SERVICES/ObjectStorage/", Some(("/SERVICES/ObjectStorage", "/"))),
            ("/services/walruses/b", None),
            ("/services", None),
            ("/b/services/Walrus", None),
        ] {
            assert_eq!(split_service_prefix(path), split, "{path}");
        }
    }

    #[test]
    fn takes_the_port_off_a_host() {
        for (host, name) in [
            ("cloud.example", "cloud.example"),
            ("cloud.example:8773", "cloud.example"),
            ("cloud.example:8773:8773", "cloud.example"),
            ("[::1]:8773", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host_name(host), name, "{host}");
        }
    }

    /// RFC 2202 case 2 and RFC 4231 case 2.
    #[test]
    fn macs_are_the_published_ones() {
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        assert_eq!(
            hex::encode(hmac_sha1(b"Jefe", &parts)),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
        assert_eq!(
            hex::encode(hmac_sha256(b"Jefe", &parts)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
    }
}
