//! Beginning an upload, sending its parts, giving it up.

use super::super::buckets::acl_of;
use super::super::incoming::Incoming;
use super::super::objects::Attributes;
use super::super::request::Request;
use super::super::types::{BucketName, CannedAcl, ObjectKey, part_number};
use super::super::xml::Writer;
use super::terms::{UploadName, Wanted, name, url_encoding};
use crate::error::ApiError;

/// Begins an upload.
#[derive(Debug, Clone)]
pub struct CreateMultipartUpload {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Who may read the object.
    pub acl: CannedAcl,
    /// The checksum it is to have, if the request says.
    pub checksum: Option<Wanted>,
    /// What is kept with it.
    pub attributes: Attributes,
    /// Whether the key is to be answered percent-encoded.
    pub url_encoding: bool,
}

impl CreateMultipartUpload {
    /// Reads the operation from the request's headers.
    ///
    /// # Errors
    /// `InvalidRequest`, `MetadataTooLarge`, or an unknown canned access control list.
    pub fn read(
        bucket: BucketName,
        key: ObjectKey,
        request: &Request<'_>,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            bucket,
            key,
            acl: acl_of(request)?,
            checksum: Wanted::read(request)?,
            attributes: Attributes::read(request)?,
            url_encoding: url_encoding(request)?,
        })
    }

    /// The answer.
    pub fn to_xml(&self, id: &str) -> String {
        Writer::document("InitiateMultipartUploadResult", |to| {
            to.leaf("Bucket", self.bucket.as_str());
            to.leaf("Key", &name(self.key.as_str(), self.url_encoding));
            to.leaf("UploadId", id);
        })
    }
}

/// Sends a part. A part of that number that is there already is replaced.
#[derive(Debug, Clone)]
pub struct UploadPart {
    /// The upload.
    pub upload: UploadName,
    /// The part's number.
    pub number: u32,
    /// Its bytes.
    pub incoming: Incoming,
}

impl UploadPart {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for the number, or what [`Incoming::read`] refuses.
    pub fn read(upload: UploadName, request: &Request<'_>) -> Result<Self, ApiError> {
        let number = part_number(request.query.get("partNumber").unwrap_or_default())?;
        Ok(Self { upload, number, incoming: Incoming::read(request)? })
    }
}

/// Gives an upload up, and its parts with it.
#[derive(Debug, Clone)]
pub struct AbortMultipartUpload(pub UploadName);

#[cfg(test)]
mod tests {
    use super::super::super::address::Address;
    use super::super::super::checksum::Algorithm;
    use super::super::super::request::Query;
    use super::*;
    use crate::error::ErrorCode;

    fn create(headers: &[(&str, &str)]) -> Result<CreateMultipartUpload, ErrorCode> {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let query = Query::parse("uploads").unwrap();
        let request = Request { address: &Address::Service, query: &query, headers: &headers };
        let (bucket, key) = ("buck".parse().unwrap(), "a<b".parse().unwrap());
        CreateMultipartUpload::read(bucket, key, &request).map_err(|error| error.code())
    }

    #[test]
    fn the_checksum_of_an_upload_is_asked_for_when_it_begins() {
        let wanted = |algorithm, full_object| Ok(Some(Wanted { algorithm, full_object }));
        let bad = Err(ErrorCode::InvalidRequest);
        let table = [
            ("", "", Ok(None)),
            ("CRC32", "", wanted(Algorithm::Crc32, false)),
            ("crc32c", "FULL_OBJECT", wanted(Algorithm::Crc32c, true)),
            ("CRC32C", "COMPOSITE", wanted(Algorithm::Crc32c, false)),
            ("CRC64NVME", "", wanted(Algorithm::Crc64Nvme, true)),
            ("CRC64NVME", "COMPOSITE", bad),
            ("SHA256", "", wanted(Algorithm::Sha256, false)),
            ("SHA256", "FULL_OBJECT", bad),
            ("SHA1", "full_object", bad),
            ("MD5", "", bad),
            ("", "FULL_OBJECT", bad),
            ("CRC32", "WHOLE", bad),
        ];
        for (algorithm, kind, expected) in table {
            let headers = [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind)];
            let headers: Vec<_> = headers.into_iter().filter(|(_, v)| !v.is_empty()).collect();
            assert_eq!(create(&headers).map(|read| read.checksum), expected, "{algorithm} {kind}");
        }
    }

    #[test]
    fn an_upload_is_answered_by_its_id() {
        let text = create(&[("x-amz-acl", "public-read")]).unwrap().to_xml("id");
        assert!(text.contains("<Bucket>buck</Bucket><Key>a&lt;b</Key><UploadId>id</UploadId>"));
    }
}
