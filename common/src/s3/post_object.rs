//! PostObject: an object written by a form, as a browser sends it.
//!
//! The fields of the form say what headers say elsewhere, under the same names but for `acl` and
//! `tagging`, and what is answered: a browser is led on, a program gets a document.
//!
//! | `success_action_redirect` | `success_action_status` | answer |
//! |---|---|---|
//! | a URL | – | 303 to it, with bucket, key and etag |
//! | – | 200 | 200 |
//! | – | 201 | 201 and a document |
//! | – | anything else | 204 |

use super::address::Address;
use super::buckets::acl_of;
use super::checksum::Given;
use super::incoming::content_md5;
use super::objects::Attributes;
use super::post_policy::{Fields, Sizes, brief};
use super::request::{Query, Request};
use super::types::{BucketName, CannedAcl, ObjectKey};
use super::xml::Writer;
use crate::error::{ApiError, ErrorCode};
use crate::sign::{percent_encode, percent_encode_path};

/// Fields that are called otherwise than the header of their meaning.
const RENAMED: [(&str, &str); 2] = [("acl", "x-amz-acl"), ("tagging", "x-amz-tagging")];

/// Fields that are no headers: of the signature, and those read here.
const NO_HEADERS: [&str; 14] = [
    "awsaccesskeyid",
    "bucket",
    "content-length",
    "key",
    "policy",
    "redirect",
    "signature",
    "success_action_redirect",
    "success_action_status",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
];

/// Writes an object by a form.
#[derive(Debug, Clone)]
pub struct PostObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Who may read it.
    pub acl: CannedAcl,
    /// How many bytes the file may have, as the policy says.
    pub sizes: Option<Sizes>,
    /// The MD5 that the file must have, if the form says.
    pub md5: Option<Vec<u8>>,
    /// The checksum that the file must have, if the form says.
    pub checksum: Option<Given>,
    /// What is kept with its bytes.
    pub attributes: Attributes,
    success: Success,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Success {
    Redirect(String),
    Status(u16),
}

/// How a form is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// Where the client is to go, or where the object is.
    pub location: String,
    /// The document, if there is one.
    pub document: Option<String>,
}

impl PostObject {
    /// Reads the operation from the form's fields.
    ///
    /// # Errors
    /// `InvalidArgument` for a form without key, or for another bucket than its address;
    /// `NotImplemented` for a field that asks for what is not offered; as PutObject's headers.
    pub fn read(
        bucket: BucketName,
        fields: &Fields,
        sizes: Option<Sizes>,
    ) -> Result<Self, ApiError> {
        let invalid = |text: String| ApiError::new(ErrorCode::InvalidArgument, text);
        if let Some(other) = fields.get("bucket").filter(|name| *name != bucket.as_str()) {
            let other = brief(other);
            return Err(invalid(format!("The form is for the bucket '{other}', not for this one")));
        }
        let key = fields.get("key").ok_or_else(|| {
            let text = "Bucket POST must contain a field named 'key'. If it is specified, please \
                        check the order of the fields";
            invalid(text.to_owned())
        })?;
        let key = key.parse()?;
        let mut headers = Vec::new();
        for (name, value) in fields.pairs() {
            if NO_HEADERS.contains(&name.as_str()) || name.starts_with("x-ignore-") {
                continue;
            }
            let renamed = RENAMED.iter().find(|(field, _)| field == name);
            let header = renamed.map_or(name.as_str(), |(_, header)| *header);
            // What is kept is answered as a header: it must be able to be one.
            let token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte);
            if header.is_empty()
                || !header.bytes().all(token)
                || value.chars().any(|letter| letter.is_ascii_control())
            {
                return Err(invalid(format!(
                    "The field '{}' can be no header",
                    brief(name).escape_debug()
                )));
            }
            headers.push((header.to_owned(), value.clone()));
        }
        let (address, query) = (Address::Bucket(bucket.clone()), Query::default());
        let request = Request { address: &address, query: &query, headers: &headers };
        request.refuse_unknown_wishes(&[])?;
        Ok(Self {
            bucket,
            key,
            acl: acl_of(&request)?,
            sizes,
            md5: content_md5(&request)?,
            checksum: Given::read(&request)?,
            attributes: Attributes::read(&request)?,
            success: Success::read(fields),
        })
    }

    /// The answer once the object is there; `base` is the URL of its bucket, without a slash at
    /// its end.
    pub fn answer(&self, base: &str, etag: &str) -> Posted {
        let (bucket, key) = (self.bucket.as_str(), self.key.as_str());
        let etag = format!("\"{etag}\"");
        let location = format!("{base}/{}", percent_encode_path(key));
        match &self.success {
            Success::Redirect(url) => {
                let (url, fragment) = match url.split_once('#') {
                    Some((url, fragment)) => (url, format!("#{fragment}")),
                    None => (url.as_str(), String::new()),
                };
                let joint = if url.contains('?') { '&' } else { '?' };
                let [bucket, key, etag] = [bucket, key, &etag].map(percent_encode);
                let location =
                    format!("{url}{joint}bucket={bucket}&key={key}&etag={etag}{fragment}");
                Posted { status: 303, location, document: None }
            }
            Success::Status(201) => {
                let document = Writer::bare_document("PostResponse", |to| {
                    to.leaf("Location", &location);
                    to.leaf("Bucket", bucket);
                    to.leaf("Key", key);
                    to.leaf("ETag", &etag);
                });
                Posted { status: 201, location, document: Some(document) }
            }
            Success::Status(status) => Posted { status: *status, location, document: None },
        }
    }
}

impl Success {
    /// As in S3, what cannot be done here is as if it were not there: the object is what counts.
    fn read(fields: &Fields) -> Self {
        let url = fields.get("success_action_redirect").or(fields.get("redirect"));
        if let Some(url) = url.map(str::trim).filter(|url| is_url(url)) {
            return Self::Redirect(url.to_owned());
        }
        Self::Status(match fields.get("success_action_status").map(str::trim) {
            Some("200") => 200,
            Some("201") => 201,
            _ => 204,
        })
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or(text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        !rest.starts_with('/')
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<PostObject, ApiError> {
        let mut fields = Fields::default();
        pairs.iter().for_each(|(name, value)| fields.add(name, *value).unwrap());
        PostObject::read("buck".parse().unwrap(), &fields, None)
    }

    #[test]
    fn fields_say_what_headers_say() {
        let post = read(&[
            ("key", "a/b c"),
            ("bucket", "buck"),
            ("ACL", "ec2-bundle-read"),
            ("Content-Type", "text/plain"),
            ("Cache-Control", "no-store"),
            ("x-amz-meta-Tag", "é"),
            ("x-amz-storage-class", "STANDARD"),
            ("x-amz-checksum-crc32", "NhCmhg=="),
            ("x-ignore-me\r\n", "\0"),
            ("policy", "a\r\nb"),
            ("submit", "go"),
        ])
        .unwrap();
        assert_eq!((post.key.as_str(), post.acl), ("a/b c", CannedAcl::Ec2BundleRead));
        assert!(post.checksum.is_some());
        assert_eq!(
            post.attributes.to_headers(),
            [
                ("content-type", "text/plain"),
                ("cache-control", "no-store"),
                ("x-amz-meta-tag", "é")
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(read(&[("key", "k")]).unwrap().acl, CannedAcl::Private);
    }

    #[test]
    fn what_is_not_honoured_is_refused() {
        for (name, value, code) in [
            ("bucket", "other", ErrorCode::InvalidArgument),
            ("acl", "public-read-write", ErrorCode::NotImplemented),
            ("acl", "nonsense", ErrorCode::InvalidArgument),
            ("tagging", "<Tagging/>", ErrorCode::NotImplemented),
            ("x-amz-server-side-encryption", "AES256", ErrorCode::NotImplemented),
            ("x-amz-storage-class", "GLACIER", ErrorCode::NotImplemented),
            ("x-amz-website-redirect-location", "/", ErrorCode::NotImplemented),
            ("x-amz-checksum-crc32", "x", ErrorCode::InvalidRequest),
            ("Content-MD5", "x", ErrorCode::InvalidDigest),
            ("x-amz-meta-a", "b\r\nset-cookie: c", ErrorCode::InvalidArgument),
            ("x-amz-meta-a b", "c", ErrorCode::InvalidArgument),
            ("x-amz-meta-a", &"b".repeat(3000), ErrorCode::MetadataTooLarge),
        ] {
            let error = read(&[("key", "k"), (name, value)]).unwrap_err();
            assert_eq!(error.code(), code, "{name}={value}");
        }
        assert_eq!(read(&[]).unwrap_err().code(), ErrorCode::InvalidArgument);
        for (name, value) in [("bucket", "b".repeat(20_000)), (&*"\0".repeat(20_000), "".into())] {
            let error = read(&[("key", "k"), (name, &value)]).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            assert!(error.text().len() < 500, "{} bytes are told", error.text().len());
        }
        assert_eq!(read(&[("key", &"k".repeat(1025))]).unwrap_err().code(), ErrorCode::KeyTooLong);
    }

    #[test]
    fn answers() {
        let answer = |pairs: &[(&str, &str)]| {
            let pairs = [&[("key", "a/b c")], pairs].concat();
            read(&pairs).unwrap().answer("http://s3/buck", "0f")
        };
        let plain =
            |status| Posted { status, location: "http://s3/buck/a/b%20c".into(), document: None };
        for (status, answered) in
            [("200", 200), ("204", 204), ("404", 204), ("", 204), (" 200 ", 200)]
        {
            assert_eq!(answer(&[("success_action_status", status)]), plain(answered), "{status}");
        }
        assert_eq!(answer(&[]), plain(204));
        let created = answer(&[("success_action_status", "201")]);
        let document = created.document.unwrap();
        assert!(document.contains("<PostResponse><Location>http://s3/buck/a/b%20c</Location>"));
        assert!(document.contains("<Bucket>buck</Bucket><Key>a/b c</Key><ETag>&quot;0f&quot;"));
        let query = "bucket=buck&key=a%2Fb%20c&etag=%220f%22";
        for (url, location) in [
            ("http://h/p", format!("http://h/p?{query}")),
            ("https://h/p?a=b#c", format!("https://h/p?a=b&{query}#c")),
        ] {
            for field in ["success_action_redirect", "redirect"] {
                let led = answer(&[(field, url), ("success_action_status", "200")]);
                assert_eq!((led.status, led.location.as_str()), (303, location.as_str()));
            }
        }
        for url in ["", "/p", "javascript:x", "http://", "http:///p", "http://h/a b", "http://h/é"]
        {
            assert_eq!(answer(&[("success_action_redirect", url)]), plain(204), "{url}");
        }
    }
}
