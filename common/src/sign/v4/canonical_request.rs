//! The canonical request of version 4: what was sent, line by line, in a form both sides can make.
//!
//! Owns the forms in which clients make it; see the story of the parent module.

use super::super::canonical::{
    canonical_query, host_name, percent_encode_path, split_service_prefix,
};
use super::super::error::SignError;
use super::super::request::Request;

/// The parameter that holds a presigned URL's signature.
pub(super) const SIGNATURE: &str = "X-Amz-Signature";

/// Says what becomes of several blanks in a row inside a header's value.
#[derive(Clone, Copy)]
pub(super) enum Blanks {
    Collapsed,
    Kept,
}

/// Lists the canonical requests that the client may have signed, the likeliest first, each once.
///
/// `signed` are the names as the client lists them, `declared` what may stand for the body,
/// `required` the headers that must have been signed.
pub(super) fn canonical_requests(
    request: &Request<'_>,
    signed: &[&str],
    declared: &[&str],
    required: &[&str],
) -> Result<Vec<Vec<u8>>, SignError> {
    let host = request.host()?;
    let signs = |name: &str| signed.iter().any(|own| own.eq_ignore_ascii_case(name));
    if let Some(name) = ["host"].iter().chain(required).find(|name| !signs(name)) {
        return Err(SignError::UnsignedHeader((*name).to_owned()));
    }
    for name in signed {
        if request.headers.all(&name.to_ascii_lowercase()).next().is_none() {
            return Err(SignError::AbsentSignedHeader((*name).to_owned()));
        }
    }
    let mut all: Vec<Vec<u8>> = Vec::new();
    for hash in declared {
        for blanks in [Blanks::Collapsed, Blanks::Kept] {
            for (path, host) in readings(request, host, signed) {
                let canonical = canonical_request(request, &path, &host, signed, blanks, hash);
                if !all.contains(&canonical) {
                    all.push(canonical);
                }
            }
        }
    }
    Ok(all)
}

/// Lists path and host as the client may have signed them, the likeliest first.
///
/// boto 2 presigns its host with the port twice, and then asks for it with the port once.
/// A path encoded twice is what another path looks like encoded once, so that reading is tried
/// only for the client known to do it: it alone signs `accept`.
fn readings(request: &Request<'_>, host: &str, signed: &[&str]) -> Vec<(String, String)> {
    let path = request.path();
    let mut readings = vec![(path.to_owned(), host.to_owned())];
    if signed.iter().any(|name| name.eq_ignore_ascii_case("accept")) {
        readings.push((percent_encode_path(path), host.to_owned()));
    }
    let name = host_name(host);
    if request.queries_any(&[SIGNATURE]) && host.len() > name.len() {
        readings.push((path.to_owned(), format!("{host}{}", &host[name.len()..])));
    }
    if let Some((prefix, rest)) = split_service_prefix(path) {
        let rest = if rest.is_empty() { "/" } else { rest };
        readings.push((rest.to_owned(), format!("{host}{prefix}")));
    }
    readings
}

/// Writes the canonical request; `signed` are the names as the client lists them.
pub(super) fn canonical_request(
    request: &Request<'_>,
    path: &str,
    host: &str,
    signed: &[&str],
    blanks: Blanks,
    payload_hash: &str,
) -> Vec<u8> {
    let mut text = format!(
        "{}\n{path}\n{}\n",
        request.method,
        canonical_query(request.raw_query, Some(SIGNATURE))
    )
    .into_bytes();
    for name in signed {
        let lower = name.to_ascii_lowercase();
        let values: Vec<Vec<u8>> = match lower.as_str() {
            "host" => vec![host.as_bytes().to_vec()],
            lower => request.headers.all(lower).map(|value| header_value(value, blanks)).collect(),
        };
        text.extend_from_slice(lower.as_bytes());
        text.push(b':');
        text.extend_from_slice(&values.join(&b','));
        text.push(b'\n');
    }
    text.extend_from_slice(format!("\n{}\n{payload_hash}", signed.join(";")).as_bytes());
    text
}

fn header_value(value: &[u8], blanks: Blanks) -> Vec<u8> {
    let trimmed = value.trim_ascii();
    match blanks {
        Blanks::Kept => trimmed.to_vec(),
        Blanks::Collapsed => {
            let words: Vec<&[u8]> =
                trimmed.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
            words.join(&b' ')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::request::Headers;
    use super::*;

    #[test]
    fn blanks_in_header_values() {
        assert_eq!(header_value(b"  a \t b  ", Blanks::Collapsed), b"a b");
        assert_eq!(header_value(b"  a \t b  ", Blanks::Kept), b"a \t b");
    }

    #[test]
    fn readings_of_path_and_host() {
        let headers = Headers::new();
        let request = Request::new("GET", "/services/walrus/b/a%20b", "", &headers);
        let owned = |path: &str, host: &str| (path.to_owned(), host.to_owned());
        let (sent, twice, moved) = (
            owned("/services/walrus/b/a%20b", "h:1"),
            owned("/services/walrus/b/a%2520b", "h:1"),
            owned("/b/a%20b", "h:1/services/walrus"),
        );
        assert_eq!(readings(&request, "h:1", &["host"]), [sent.clone(), moved.clone()]);
        assert_eq!(readings(&request, "h:1", &["accept", "host"]), [sent, twice, moved]);
        let request = Request::new("GET", "/b", "X-Amz-Signature=0", &headers);
        let both = [owned("/b", "h:1"), owned("/b", "h:1:1")];
        assert_eq!(readings(&request, "h:1", &["host"]), both);
        assert_eq!(readings(&request, "h", &["host"]), [owned("/b", "h")]);
    }
}
