//! Listing what is being uploaded: the parts of an upload, and the open uploads of a bucket.

use super::super::buckets::{MAX_KEYS, owner_to};
use super::super::checksum::Checksum;
use super::super::request::Request;
use super::super::types::{BucketName, Owner};
use super::super::xml::Writer;
use super::terms::{UploadName, Wanted, checksum_to, name, url_encoding};
use crate::error::{ApiError, ErrorCode};
use crate::time::Timestamp;

/// A number from the query, or what stands for nothing.
fn number(request: &Request<'_>, name: &str, default: usize) -> Result<usize, ApiError> {
    let text = request.query.get(name).unwrap_or_default();
    if text.is_empty() {
        return Ok(default);
    }
    let number = text.parse::<u32>().ok().filter(|number| i32::try_from(*number).is_ok());
    number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
        let text = format!("{name}: '{text}' is no number from 0 to 2147483647");
        ApiError::new(ErrorCode::InvalidArgument, text)
    })
}

/// A page of an upload's parts.
#[derive(Debug, Clone)]
pub struct ListParts {
    /// Which upload.
    pub upload: UploadName,
    /// Only parts behind this number.
    pub marker: usize,
    /// The most parts; at most [`MAX_KEYS`].
    pub max_parts: usize,
    /// Whether the key is to be answered percent-encoded.
    pub url_encoding: bool,
}

impl ListParts {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no number, and for another encoding than `url`.
    pub fn read(upload: UploadName, request: &Request<'_>) -> Result<Self, ApiError> {
        Ok(Self {
            upload,
            marker: number(request, "part-number-marker", 0)?,
            max_parts: number(request, "max-parts", MAX_KEYS)?.min(MAX_KEYS),
            url_encoding: url_encoding(request)?,
        })
    }
}

/// A part in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPart {
    /// Its number.
    pub number: u32,
    /// When it came.
    pub modified: Timestamp,
    /// The MD5 of its bytes, lower-case hex.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum, if the upload was begun with one.
    pub checksum: Option<Checksum>,
}

/// The answer to [`ListParts`].
#[derive(Debug, Clone)]
pub struct PartList {
    /// What was asked.
    pub request: ListParts,
    /// Who began the upload, and will own the object.
    pub owner: Owner,
    /// The checksum the upload was begun with.
    pub wanted: Option<Wanted>,
    /// The parts of this page.
    pub parts: Vec<ListedPart>,
    /// Whether more follow.
    pub truncated: bool,
}

impl PartList {
    /// The document.
    pub fn to_xml(&self) -> String {
        let asked = &self.request;
        Writer::document("ListPartsResult", |to| {
            to.leaf("Bucket", asked.upload.bucket.as_str());
            to.leaf("Key", &name(asked.upload.key.as_str(), asked.url_encoding));
            to.leaf("UploadId", &asked.upload.id);
            if asked.url_encoding {
                to.leaf("EncodingType", "url");
            }
            initiator_to(to, &self.owner);
            owner_to(to, &self.owner);
            to.leaf("StorageClass", "STANDARD");
            to.leaf("PartNumberMarker", &asked.marker.to_string());
            let last = self.parts.last().map_or(0, |part| part.number);
            to.leaf("NextPartNumberMarker", &last.to_string());
            to.leaf("MaxParts", &asked.max_parts.to_string());
            to.leaf("IsTruncated", if self.truncated { "true" } else { "false" });
            wanted_to(to, self.wanted);
            for part in &self.parts {
                to.element("Part", |to| {
                    to.leaf("PartNumber", &part.number.to_string());
                    to.leaf("LastModified", &part.modified.iso());
                    to.leaf("ETag", &format!("\"{}\"", part.etag));
                    to.leaf("Size", &part.size.to_string());
                    if let Some(checksum) = &part.checksum {
                        checksum_to(to, checksum);
                    }
                });
            }
        })
    }
}

fn initiator_to(to: &mut Writer, owner: &Owner) {
    to.element("Initiator", |to| {
        to.leaf("ID", owner.account.as_str());
        to.leaf("DisplayName", &owner.alias);
    });
}

fn wanted_to(to: &mut Writer, wanted: Option<Wanted>) {
    if let Some(wanted) = wanted {
        to.leaf("ChecksumAlgorithm", wanted.algorithm.name());
        to.leaf("ChecksumType", wanted.type_name());
    }
}

/// A page of a bucket's open uploads, by key and then by the time they were begun.
#[derive(Debug, Clone)]
pub struct ListMultipartUploads {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share everything up to this text behind the prefix are shown as one; never empty.
    pub delimiter: Option<String>,
    /// Only keys behind this one; with an id, also uploads of this key behind that id.
    pub key_marker: String,
    /// That id; means nothing without a key.
    pub id_marker: String,
    /// The most entries, uploads and common prefixes together; at most [`MAX_KEYS`].
    pub max_uploads: usize,
    /// Whether keys are to be answered percent-encoded.
    pub url_encoding: bool,
}

impl ListMultipartUploads {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no number, and for another encoding than `url`.
    pub fn read(bucket: BucketName, request: &Request<'_>) -> Result<Self, ApiError> {
        let text = |name: &str| request.query.get(name).unwrap_or_default().to_owned();
        Ok(Self {
            bucket,
            prefix: text("prefix"),
            delimiter: Some(text("delimiter")).filter(|text| !text.is_empty()),
            key_marker: text("key-marker"),
            id_marker: text("upload-id-marker"),
            max_uploads: number(request, "max-uploads", MAX_KEYS)?.min(MAX_KEYS),
            url_encoding: url_encoding(request)?,
        })
    }
}

/// An upload in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUpload {
    /// Its key.
    pub key: String,
    /// Its id.
    pub id: String,
    /// Who began it.
    pub owner: Owner,
    /// When.
    pub begun: Timestamp,
    /// The checksum it was begun with.
    pub wanted: Option<Wanted>,
}

/// The answer to [`ListMultipartUploads`].
#[derive(Debug, Clone)]
pub struct UploadList {
    /// What was asked.
    pub request: ListMultipartUploads,
    /// The uploads of this page.
    pub uploads: Vec<ListedUpload>,
    /// The common prefixes of this page, the asked prefix included.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins, if there is one: a key or common prefix, and an id.
    pub next: Option<(String, String)>,
}

impl UploadList {
    /// The document.
    pub fn to_xml(&self) -> String {
        let asked = &self.request;
        let name = |text: &str| name(text, asked.url_encoding);
        Writer::document("ListMultipartUploadsResult", |to| {
            to.leaf("Bucket", asked.bucket.as_str());
            to.leaf("KeyMarker", &name(&asked.key_marker));
            to.leaf("UploadIdMarker", &asked.id_marker);
            if let Some((key, id)) = &self.next {
                to.leaf("NextKeyMarker", &name(key));
                to.leaf("NextUploadIdMarker", id);
            }
            to.leaf("Prefix", &name(&asked.prefix));
            if let Some(delimiter) = &asked.delimiter {
                to.leaf("Delimiter", &name(delimiter));
            }
            if asked.url_encoding {
                to.leaf("EncodingType", "url");
            }
            to.leaf("MaxUploads", &asked.max_uploads.to_string());
            to.leaf("IsTruncated", if self.next.is_some() { "true" } else { "false" });
            for upload in &self.uploads {
                to.element("Upload", |to| {
                    to.leaf("Key", &name(&upload.key));
                    to.leaf("UploadId", &upload.id);
                    initiator_to(to, &upload.owner);
                    owner_to(to, &upload.owner);
                    to.leaf("StorageClass", "STANDARD");
                    to.leaf("Initiated", &upload.begun.iso());
                    wanted_to(to, upload.wanted);
                });
            }
            for prefix in &self.common_prefixes {
                to.element("CommonPrefixes", |to| to.leaf("Prefix", &name(prefix)));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::address::Address;
    use super::super::super::checksum::Algorithm;
    use super::super::super::request::Query;
    use super::*;

    fn owner() -> Owner {
        Owner { account: "000000000001".parse().unwrap(), alias: "a&b".into() }
    }

    #[test]
    fn parts_are_listed() {
        let read = |query: &str| {
            let query = Query::parse(query).unwrap();
            let request = Request { address: &Address::Service, query: &query, headers: &[] };
            let upload =
                UploadName::read("buck".parse().unwrap(), "a b".parse().unwrap(), &request);
            ListParts::read(upload, &request).map_err(|error| error.code())
        };
        let asked = read("uploadId=x&max-parts=2&part-number-marker=7&encoding-type=url").unwrap();
        assert_eq!((asked.marker, asked.max_parts), (7, 2));
        assert_eq!(read("uploadId=x&max-parts=5000").unwrap().max_parts, 1000);
        for bad in ["max-parts=x", "part-number-marker=-1", "encoding-type=b"] {
            assert_eq!(read(bad).unwrap_err(), ErrorCode::InvalidArgument, "{bad}");
        }
        let part = ListedPart {
            number: 9,
            modified: Timestamp::from_millis(0),
            etag: "ab".into(),
            size: 3,
            checksum: Some(Checksum::full(Algorithm::Crc32, vec![0; 4])),
        };
        let wanted = Some(Wanted { algorithm: Algorithm::Crc32, full_object: false });
        let list =
            PartList { request: asked, owner: owner(), wanted, parts: vec![part], truncated: true };
        let text = list.to_xml();
        for piece in [
            "<Key>a%20b</Key><UploadId>x</UploadId><EncodingType>url</EncodingType>",
            "<Initiator><ID>000000000001</ID><DisplayName>a&amp;b</DisplayName></Initiator>",
            "<PartNumberMarker>7</PartNumberMarker><NextPartNumberMarker>9</NextPartNumberMarker>",
            "<MaxParts>2</MaxParts><IsTruncated>true</IsTruncated>",
            "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType>",
            "<Part><PartNumber>9</PartNumber><LastModified>1970-01-01T00:00:00.000Z</LastModified>",
            "<ETag>&quot;ab&quot;</ETag><Size>3</Size><ChecksumCRC32>AAAAAA==</ChecksumCRC32>",
        ] {
            assert!(text.contains(piece), "{piece} in {text}");
        }
    }

    #[test]
    fn uploads_are_listed() {
        let query = Query::parse("uploads&prefix=a&delimiter=/&key-marker=b&upload-id-marker=c");
        let query = query.unwrap();
        let request = Request { address: &Address::Service, query: &query, headers: &[] };
        let asked = ListMultipartUploads::read("buck".parse().unwrap(), &request).unwrap();
        let upload = ListedUpload {
            key: "a<".into(),
            id: "id".into(),
            owner: owner(),
            begun: Timestamp::from_millis(0),
            wanted: None,
        };
        let list = UploadList {
            request: asked,
            uploads: vec![upload],
            common_prefixes: vec!["a/".into()],
            next: Some(("a/".into(), String::new())),
        };
        let text = list.to_xml();
        for piece in [
            "<KeyMarker>b</KeyMarker><UploadIdMarker>c</UploadIdMarker>",
            "<NextKeyMarker>a/</NextKeyMarker><NextUploadIdMarker></NextUploadIdMarker>",
            "<Prefix>a</Prefix><Delimiter>/</Delimiter><MaxUploads>1000</MaxUploads>",
            "<Upload><Key>a&lt;</Key><UploadId>id</UploadId>",
            "<Initiated>1970-01-01T00:00:00.000Z</Initiated></Upload>",
            "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>",
        ] {
            assert!(text.contains(piece), "{piece} in {text}");
        }
    }
}
