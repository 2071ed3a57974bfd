//! The second version of the listing: pages by a token that only the server understands.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest as _, Sha256};

use super::super::request::Request;
use super::super::types::{BucketName, MAX_KEY};
use super::super::xml::Writer;
use super::page::{Filter, Next, Page, invalid, owner_to, text};
use crate::error::ApiError;

/// A page of a bucket's objects, second version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjectsV2 {
    /// Which keys.
    pub filter: Filter,
    /// The token of the page before, as it was sent, and what it says.
    pub token: Option<(String, Next)>,
    /// Without a token: only keys behind this one.
    pub start_after: String,
    /// Whether each object's owner is told.
    pub fetch_owner: bool,
}

impl ListObjectsV2 {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for another list-type, a token that this bucket's listing never gave, a
    /// fetch-owner that is no truth value; else as [`Filter::read`].
    pub fn read(bucket: BucketName, request: &Request<'_>) -> Result<Self, ApiError> {
        let version = request.query.get("list-type").unwrap_or_default();
        if version != "2" {
            return Err(invalid(format!("list-type: there is no version '{version}'")));
        }
        let fetch_owner = match request.query.get("fetch-owner").unwrap_or_default() {
            "true" => true,
            "" | "false" => false,
            odd => return Err(invalid(format!("fetch-owner: '{odd}' is not 'true' or 'false'"))),
        };
        let token = match request.query.get("continuation-token") {
            None => None,
            Some(token) => {
                let next = read_token(&bucket, token).ok_or_else(|| {
                    invalid("continuation-token: no listing of this bucket gave that token")
                })?;
                Some((token.to_owned(), next))
            }
        };
        let filter = Filter::read(bucket, request)?;
        Ok(Self { filter, token, start_after: text(request, "start-after"), fetch_owner })
    }

    /// The answer.
    pub fn to_xml(&self, page: &Page) -> String {
        let filter = &self.filter;
        Writer::document("ListBucketResult", |to| {
            to.leaf("Name", filter.bucket.as_str());
            to.leaf("Prefix", &filter.name(&filter.prefix));
            if let Some((token, _)) = &self.token {
                to.leaf("ContinuationToken", token);
            }
            if let Some(next) = &page.next {
                to.leaf("NextContinuationToken", &token_of(&filter.bucket, next));
            }
            if !self.start_after.is_empty() {
                to.leaf("StartAfter", &filter.name(&self.start_after));
            }
            to.leaf("KeyCount", &page.entries().to_string());
            filter.write(to);
            page.write_truncated(to);
            for object in &page.objects {
                to.element("Contents", |to| {
                    to.leaf("Key", &filter.name(&object.key));
                    object.write(to);
                    if self.fetch_owner {
                        owner_to(to, &object.owner);
                    }
                    to.leaf("StorageClass", "STANDARD");
                });
            }
            page.write_prefixes(filter, to);
        })
    }
}

/// Bytes of a token's check. It tells a token that was cut off, or that belongs to another
/// bucket, from one of ours; it keeps no secret, because a token says only what a marker says.
const CHECK: usize = 8;

fn check(bucket: &BucketName, said: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::new()
        .chain_update(b"continuation 1\0")
        .chain_update(bucket.as_str())
        .chain_update(b"\0")
        .chain_update(said)
        .finalize();
    std::array::from_fn(|at| hash[at])
}

/// The token that says where the next page begins.
fn token_of(bucket: &BucketName, next: &Next) -> String {
    let kind = match next {
        Next::Key(_) => b'k',
        Next::Prefix(_) => b'p',
    };
    let said = [&[kind], next.name().as_bytes()].concat();
    BASE64.encode([check(bucket, &said).as_slice(), &said].concat())
}

/// What a token says, if it is one of this bucket's.
fn read_token(bucket: &BucketName, token: &str) -> Option<Next> {
    let bytes = BASE64.decode(token).ok().filter(|bytes| bytes.len() <= CHECK + 1 + MAX_KEY)?;
    let (checked, said) = bytes.split_at_checked(CHECK)?;
    if checked != check(bucket, said) {
        return None;
    }
    let (kind, name) = said.split_first()?;
    let name = std::str::from_utf8(name).ok()?.to_owned();
    match kind {
        b'k' => Some(Next::Key(name)),
        b'p' => Some(Next::Prefix(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::{page, read};
    use super::*;
    use crate::error::ErrorCode;

    fn list(query: &str) -> Result<ListObjectsV2, ApiError> {
        read(&format!("list-type=2&{query}"), ("", ""), ListObjectsV2::read)
    }

    #[test]
    fn tokens_are_opaque_and_checked() {
        let bucket: BucketName = "buck".parse().unwrap();
        let other: BucketName = "bucket".parse().unwrap();
        let longest = "日".repeat(341);
        for next in [Next::Key("a b/日".into()), Next::Prefix("a/".into()), Next::Key(longest)] {
            let token = token_of(&bucket, &next);
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            assert_eq!(read_token(&bucket, &token), Some(next.clone()));
            assert_eq!(
                list(&format!("continuation-token={token}")).unwrap().token.unwrap().1,
                next
            );
            assert_eq!(read_token(&other, &token), None);
            assert_eq!(read_token(&bucket, &token[..token.len() - 2]), None);
            assert_eq!(read_token(&bucket, &format!("A{}", &token[1..])), None);
        }
        for bad in ["", "a", "nonsense", "%FF", "a/1", &"A".repeat(5000)] {
            let error = list(&format!("continuation-token={bad}")).err();
            let code = error.map(|error| error.code());
            let expected = [Some(ErrorCode::InvalidArgument), Some(ErrorCode::InvalidUri)];
            assert!(expected.contains(&code), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in ["fetch-owner=perhaps", "max-keys=x", "list-type=1"] {
            let asked = if bad.starts_with("list") {
                read(bad, ("", ""), ListObjectsV2::read)
            } else {
                list(bad)
            };
            assert_eq!(asked.unwrap_err().code(), ErrorCode::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn the_answer_counts_and_tells_owners_when_asked() {
        let text = list("delimiter=/&start-after=%20&encoding-type=url").unwrap().to_xml(&page());
        assert!(text.contains("<StartAfter>%20</StartAfter><KeyCount>3</KeyCount>"), "{text}");
        assert!(text.contains("<NextContinuationToken>") && !text.contains("<Owner>"), "{text}");
        assert!(!text.contains("<ContinuationToken>"), "{text}");
        let token = text.split("<NextContinuationToken>").nth(1).unwrap();
        let token = token.split('<').next().unwrap();
        let next = list(&format!("continuation-token={token}&fetch-owner=true")).unwrap();
        let text = next.to_xml(&Page { next: None, ..page() });
        assert!(text.contains(&format!("<ContinuationToken>{token}</ContinuationToken>")));
        assert!(text.contains("<Owner><ID>000000000001</ID>"), "{text}");
        assert!(!text.contains("NextContinuationToken"), "{text}");
    }
}
