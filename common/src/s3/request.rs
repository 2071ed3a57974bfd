//! A request as the operations read it: where, with which query and which headers.

use super::address::{Address, decode};
use crate::error::{ApiError, ErrorCode};
use crate::sign::{self, Scheme};

/// The decoded query in the order it was sent. Empty items (`?&max-keys=0`) are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what followed the `?`.
    ///
    /// # Errors
    /// `InvalidURI` if an escape is broken or the text is not UTF-8.
    pub fn parse(raw: &str) -> Result<Self, ApiError> {
        let mut pairs = Vec::new();
        for item in raw.split('&').filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            // In a query, unlike in a path, '+' is a blank.
            pairs.push((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?));
        }
        Ok(Self(pairs))
    }

    /// The first value of that name; empty if there is only the name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// What remains of a presigned URL's query without its signature. Headers that its client has
    /// moved into it (see [`sign::moved_headers`]) take the place of those that came.
    ///
    /// Checksums are left out with the signature: SDKs put that of an empty body there, because
    /// they presign before there is a body.
    #[must_use]
    pub fn without_signature(
        mut self,
        scheme: Scheme,
        headers: &mut Vec<(String, String)>,
    ) -> Self {
        let moved = sign::moved_headers(&self.0);
        headers.retain(|(name, _)| moved.iter().all(|(own, _)| own != name));
        headers.extend(moved);
        let of_v2 = ["AWSAccessKeyId", "Expires", "Signature"];
        self.0.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            let header =
                name.starts_with("x-amz-") || name == "content-md5" || name == "content-type";
            let of_v2 = scheme == Scheme::PresignedV2
                && of_v2.iter().any(|own| own.eq_ignore_ascii_case(&name));
            !header && !of_v2
        });
        self
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// What an operation is read from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What it is about.
    pub address: &'a Address,
    /// The query.
    pub query: &'a Query,
    /// The headers, names in lower case.
    pub headers: &'a [(String, String)],
}

impl<'a> Request<'a> {
    /// The first header of that lower-case name, without blanks around it.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim())
    }

    /// Refuses headers that would change what is done and are not honoured: answering as if they
    /// had been would lose somebody's data or lie about its protection. `honoured` are those that
    /// the operation does honour.
    ///
    /// # Errors
    /// `NotImplemented`, with the header's name.
    pub fn refuse_unknown_wishes(&self, honoured: &[&str]) -> Result<(), ApiError> {
        let refused = self.headers.iter().find(|(name, value)| {
            let name = name.as_str();
            if honoured.contains(&name) {
                return false;
            }
            let exact = REFUSED_HEADERS.contains(&name);
            let family = REFUSED_FAMILIES.iter().any(|family| name.starts_with(family));
            let class = name == "x-amz-storage-class" && value.trim() != "STANDARD";
            exact || family || class
        });
        match refused {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::new(
                ErrorCode::NotImplemented,
                format!("A header you provided implies functionality that is not offered: {name}"),
            )),
        }
    }
}

/// Headers that are refused because they are not honoured.
const REFUSED_HEADERS: [&str; 12] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "x-amz-expected-bucket-owner",
    "x-amz-object-ownership",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-trailer",
    "x-amz-mfa",
];

/// Beginnings of headers that are refused because they are not honoured.
const REFUSED_FAMILIES: [&str; 6] = [
    "x-amz-server-side-encryption",
    "x-amz-object-lock-",
    "x-amz-copy-source",
    "x-amz-source-",
    "x-amz-grant-",
    "x-amz-if-match-",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_may_hold_empty_items() {
        let query = Query::parse("&max-keys=0&&prefix=a%20b%2Bc+d&acl&x==").unwrap();
        assert_eq!(query.get("max-keys"), Some("0"));
        assert_eq!(query.get("prefix"), Some("a b+c d"));
        assert_eq!(query.get("acl"), Some(""));
        assert_eq!(query.get("x"), Some("="));
        assert_eq!(query.get("y"), None);
        assert!(Query::parse("a=%").is_err());
        assert_eq!(Query::parse("").unwrap(), Query::default());
    }

    #[test]
    fn a_presigned_query_is_what_it_would_be_with_headers() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let raw = "x-id=PutObject&X-Amz-Algorithm=a&X-Amz-Signature=s&x-amz-acl=private\
                   &x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32\
                   &content-type=text%2Fx&Expires=1";
        let mut headers = vec![pair("content-type", "form"), pair("x-amz-meta-a", "b")];
        let query = Query::parse(raw).unwrap();
        let left = query.without_signature(Scheme::PresignedV4, &mut headers);
        assert_eq!(left, Query::parse("x-id=PutObject&Expires=1").unwrap());
        assert_eq!(
            headers,
            [
                pair("x-amz-meta-a", "b"),
                pair("x-amz-acl", "private"),
                pair("content-type", "text/x")
            ]
        );
        let query = Query::parse("acl&AWSAccessKeyId=a&Expires=1&Signature=s").unwrap();
        let left = query.without_signature(Scheme::PresignedV2, &mut headers);
        assert_eq!(left, Query::parse("acl").unwrap());
    }

    #[test]
    fn wishes_that_are_not_honoured_are_refused_by_name() {
        let check = |name: &str, value: &str| {
            let headers = [(name.to_owned(), value.to_owned())];
            let (address, query) = (Address::Service, Query::default());
            Request { address: &address, query: &query, headers: &headers }
                .refuse_unknown_wishes(&["if-unmodified-since"])
        };
        for name in [
            "if-none-match",
            "if-match",
            "x-amz-server-side-encryption-customer-key",
            "x-amz-object-lock-mode",
            "x-amz-copy-source",
            "x-amz-copy-source-range",
            "x-amz-grant-read",
        ] {
            let error = check(name, "*").unwrap_err();
            assert_eq!(error.code(), ErrorCode::NotImplemented);
            assert!(error.text().contains(name));
        }
        assert!(check("x-amz-storage-class", "GLACIER").is_err());
        assert!(check("x-amz-storage-class", "STANDARD").is_ok());
        assert!(check("x-amz-meta-if-match", "x").is_ok());
        assert!(check("if-unmodified-since", "x").is_ok());
    }
}
