//! What the listings have in common: which keys are wanted, a page of them, how names are written.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::request::Request;
use super::super::types::{BucketName, Owner};
use super::super::xml::Writer;
use crate::error::{ApiError, ErrorCode};
use crate::time::Timestamp;

/// The most entries of one page of a listing.
pub const MAX_KEYS: usize = 1000;

/// Which keys of a bucket are wanted, and how they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share everything up to this text behind the prefix are shown as one; never empty.
    pub delimiter: Option<String>,
    /// The most entries, keys and common prefixes together; at most [`MAX_KEYS`].
    pub max_keys: usize,
    /// Whether keys are to be answered percent-encoded.
    pub url_encoding: bool,
}

impl Filter {
    /// Reads it from the query.
    ///
    /// # Errors
    /// `InvalidArgument` for a max-keys that is no number, for another encoding than `url`, and for
    /// optional attributes that no object has.
    pub fn read(bucket: BucketName, request: &Request<'_>) -> Result<Self, ApiError> {
        let max_keys = match request.query.get("max-keys").unwrap_or_default() {
            "" => MAX_KEYS,
            text => text
                .parse::<u32>()
                .ok()
                .filter(|n| i32::try_from(*n).is_ok())
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| {
                    invalid(format!("max-keys: '{text}' is no number from 0 to 2147483647"))
                })?
                .min(MAX_KEYS),
        };
        let url_encoding = match request.query.get("encoding-type").unwrap_or_default() {
            "" => false,
            "url" => true,
            other => return Err(invalid(format!("encoding-type: '{other}' is not 'url'"))),
        };
        // Only archived objects have a state of restoration, and none is archived here.
        let wished = request.header("x-amz-optional-object-attributes").unwrap_or_default();
        let mut wished = wished.split(',').map(str::trim).filter(|one| !one.is_empty());
        if let Some(odd) = wished.find(|one| *one != "RestoreStatus") {
            let why = format!("x-amz-optional-object-attributes: there is no attribute '{odd}'");
            return Err(invalid(why));
        }
        let delimiter = text(request, "delimiter");
        Ok(Self {
            bucket,
            prefix: text(request, "prefix"),
            delimiter: Some(delimiter).filter(|text| !text.is_empty()),
            max_keys,
            url_encoding,
        })
    }

    /// A name as the document shows it.
    pub(super) fn name<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.url_encoding {
            true => utf8_percent_encode(text, KEY).into(),
            false => Cow::Borrowed(text),
        }
    }

    /// Delimiter, MaxKeys and EncodingType.
    pub(super) fn write(&self, to: &mut Writer) {
        to.leaf("MaxKeys", &self.max_keys.to_string());
        if let Some(delimiter) = &self.delimiter {
            to.leaf("Delimiter", &self.name(delimiter));
        }
        if self.url_encoding {
            to.leaf("EncodingType", "url");
        }
    }
}

/// What is escaped in a key when a listing is asked for with `encoding-type=url`.
pub(crate) const KEY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'*');

/// A value of the query; empty if there is none.
pub(super) fn text(request: &Request<'_>, name: &str) -> String {
    request.query.get(name).unwrap_or_default().to_owned()
}

/// `InvalidArgument`.
pub(super) fn invalid(why: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidArgument, why)
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// When it was written.
    pub modified: Timestamp,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whose it is.
    pub owner: Owner,
}

impl ListedObject {
    /// What every listing tells of an object, between its key and its owner.
    pub(super) fn write(&self, to: &mut Writer) {
        to.leaf("LastModified", &self.modified.iso());
        to.leaf("ETag", &format!("\"{}\"", self.etag));
        to.leaf("Size", &self.size.to_string());
    }
}

/// The last entry of a page that is not the last page: the next begins behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Behind this key.
    Key(String),
    /// Behind all keys of this common prefix.
    Prefix(String),
}

impl Next {
    /// The key or prefix itself.
    pub fn name(&self) -> &str {
        match self {
            Self::Key(name) | Self::Prefix(name) => name,
        }
    }
}

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its keys.
    pub objects: Vec<ListedObject>,
    /// Its common prefixes, the asked prefix included.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<Next>,
}

impl Page {
    /// Keys and common prefixes together.
    pub fn entries(&self) -> usize {
        self.objects.len() + self.common_prefixes.len()
    }

    /// IsTruncated.
    pub(super) fn write_truncated(&self, to: &mut Writer) {
        to.leaf("IsTruncated", if self.next.is_some() { "true" } else { "false" });
    }

    /// The common prefixes.
    pub(super) fn write_prefixes(&self, filter: &Filter, to: &mut Writer) {
        for prefix in &self.common_prefixes {
            to.element("CommonPrefixes", |to| to.leaf("Prefix", &filter.name(prefix)));
        }
    }
}

/// An `<Owner>`.
pub(crate) fn owner_to(to: &mut Writer, owner: &Owner) {
    to.element("Owner", |to| {
        to.leaf("ID", owner.account.as_str());
        to.leaf("DisplayName", &owner.alias);
    });
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::address::Address;
    use super::super::super::request::Query;
    use super::*;

    /// Reads a request from its query and one header.
    pub(in super::super) fn read<T>(
        query: &str,
        header: (&str, &str),
        read: fn(BucketName, &Request<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let query = Query::parse(query)?;
        let headers = [(header.0.to_owned(), header.1.to_owned())];
        let request = Request { address: &Address::Service, query: &query, headers: &headers };
        read("buck".parse()?, &request)
    }

    /// A page of one object and two prefixes.
    pub(in super::super) fn page() -> Page {
        let owner = Owner { account: "000000000001".parse().unwrap(), alias: "a&b".into() };
        let object = ListedObject {
            key: "x/a b<".into(),
            modified: Timestamp::from_millis(0),
            etag: "0cc1".into(),
            size: 3,
            owner,
        };
        Page {
            objects: vec![object],
            common_prefixes: vec!["x/b/".into(), "x/c/".into()],
            next: Some(Next::Prefix("x/c/".into())),
        }
    }

    #[test]
    fn filters_are_read_with_their_defaults() {
        let filter = |query| read(query, ("", ""), Filter::read);
        let plain = filter("&").unwrap();
        assert_eq!((plain.max_keys, plain.url_encoding, plain.delimiter), (1000, false, None));
        let full = filter("prefix=a%2F&delimiter=%2F%2F&max-keys=7&encoding-type=url").unwrap();
        assert_eq!((full.prefix.as_str(), full.delimiter.as_deref()), ("a/", Some("//")));
        assert_eq!((full.max_keys, full.url_encoding), (7, true));
        assert_eq!(filter("&max-keys=0").unwrap().max_keys, 0);
        assert_eq!(filter("max-keys=2147483647").unwrap().max_keys, 1000);
        for bad in ["max-keys=-1", "max-keys=x", "max-keys=2147483648", "encoding-type=base64"] {
            assert_eq!(filter(bad).unwrap_err().code(), ErrorCode::InvalidArgument, "{bad}");
        }
        let wish = |value| read("", ("x-amz-optional-object-attributes", value), Filter::read);
        assert!(wish("RestoreStatus").is_ok() && wish("").is_ok());
        assert_eq!(wish("RestoreStatus, Odd").unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}
