//! GetObjectAttributes: what is known of an object, as a document of the asked elements.

use super::checksum::Checksum;
use super::listing::page::MAX_KEYS;
use super::overrides::Version;
use super::request::Request;
use super::types::{BucketName, ObjectKey};
use super::xml::Writer;
use crate::error::{ApiError, ErrorCode};

/// Something that is known of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The entity tag.
    ETag,
    /// The checksum.
    Checksum,
    /// The parts.
    ObjectParts,
    /// The storage class.
    StorageClass,
    /// The size.
    ObjectSize,
}

impl Attribute {
    const ALL: [(&'static str, Self); 5] = [
        ("ETag", Self::ETag),
        ("Checksum", Self::Checksum),
        ("ObjectParts", Self::ObjectParts),
        ("StorageClass", Self::StorageClass),
        ("ObjectSize", Self::ObjectSize),
    ];
}

/// Reads what is known of an object.
#[derive(Debug, Clone)]
pub struct GetObjectAttributes {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Which version.
    pub version: Version,
    /// What is asked for.
    pub attributes: Vec<Attribute>,
    /// Only parts behind this number.
    pub marker: u32,
    /// The most parts; at most 1000.
    pub max_parts: usize,
}

impl GetObjectAttributes {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` unless at least one attribute is named and all are known, and for what is
    /// no number.
    pub fn read(
        bucket: BucketName,
        key: ObjectKey,
        request: &Request<'_>,
    ) -> Result<Self, ApiError> {
        let invalid = |why: String| ApiError::new(ErrorCode::InvalidArgument, why);
        let mut attributes = Vec::new();
        // Some clients send one header for each, others one for all.
        let named = request.headers.iter().filter(|(name, _)| name == "x-amz-object-attributes");
        for one in named.flat_map(|(_, value)| value.split(',')).map(str::trim) {
            let known = Attribute::ALL.into_iter().find(|(name, _)| *name == one);
            let known = known.ok_or_else(|| {
                invalid(format!("x-amz-object-attributes: there is no attribute '{one}'"))
            })?;
            attributes.push(known.1);
        }
        if attributes.is_empty() {
            return Err(invalid("x-amz-object-attributes: it names no attribute".to_owned()));
        }
        let number = |name: &str, default: u32| match request.header(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| invalid(format!("{name}: '{text}' is no number")))
            }
        };
        let max_parts = number("x-amz-max-parts", u32::MAX)?;
        Ok(Self {
            bucket,
            key,
            version: Version::read(request)?,
            attributes,
            marker: number("x-amz-part-number-marker", 0)?,
            max_parts: usize::try_from(max_parts).unwrap_or(MAX_KEYS).min(MAX_KEYS),
        })
    }
}

/// A part of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPart {
    /// Its number.
    pub number: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum.
    pub checksum: Checksum,
}

/// A page of an object's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownParts {
    /// How many parts the object has.
    pub count: u32,
    /// Those of this page.
    pub parts: Vec<KnownPart>,
    /// Whether more follow.
    pub truncated: bool,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The entity tag, without quotes.
    pub etag: String,
    /// The checksum, if one is known.
    pub checksum: Option<Checksum>,
    /// The parts, if the object came in parts.
    pub parts: Option<KnownParts>,
    /// The size in bytes.
    pub size: u64,
}

impl Known {
    /// The document: only what is asked for.
    pub fn to_xml(&self, asked: &GetObjectAttributes) -> String {
        let wanted = |one| asked.attributes.contains(&one);
        Writer::document("GetObjectAttributesResponse", |to| {
            if wanted(Attribute::ETag) {
                to.leaf("ETag", &self.etag);
            }
            if let Some(checksum) = self.checksum.as_ref().filter(|_| wanted(Attribute::Checksum)) {
                to.element("Checksum", |to| {
                    to.leaf(checksum.algorithm.element(), &checksum.text());
                    to.leaf("ChecksumType", checksum.kind.name());
                });
            }
            if let Some(parts) = self.parts.as_ref().filter(|_| wanted(Attribute::ObjectParts)) {
                to.element("ObjectParts", |to| parts.write(asked, to));
            }
            if wanted(Attribute::StorageClass) {
                to.leaf("StorageClass", "STANDARD");
            }
            if wanted(Attribute::ObjectSize) {
                to.leaf("ObjectSize", &self.size.to_string());
            }
        })
    }
}

impl KnownParts {
    fn write(&self, asked: &GetObjectAttributes, to: &mut Writer) {
        to.leaf("PartsCount", &self.count.to_string());
        to.leaf("PartNumberMarker", &asked.marker.to_string());
        let last = self.parts.last().map_or(0, |part| part.number);
        to.leaf("NextPartNumberMarker", &last.to_string());
        to.leaf("MaxParts", &asked.max_parts.to_string());
        to.leaf("IsTruncated", if self.truncated { "true" } else { "false" });
        for part in &self.parts {
            to.element("Part", |to| {
                to.leaf("PartNumber", &part.number.to_string());
                to.leaf("Size", &part.size.to_string());
                to.leaf(part.checksum.algorithm.element(), &part.checksum.text());
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::checksum::Algorithm;
    use super::super::request::Query;
    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<GetObjectAttributes, ErrorCode> {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let query = Query::default();
        let request = Request { address: &Address::Service, query: &query, headers: &headers };
        GetObjectAttributes::read("buck".parse().unwrap(), "key".parse().unwrap(), &request)
            .map_err(|error| error.code())
    }

    #[test]
    fn only_what_is_asked_for_is_told() {
        let checksum = Checksum::full(Algorithm::Crc32, vec![0; 4]);
        let part = KnownPart { number: 1, size: 7, checksum: checksum.clone() };
        let parts = KnownParts { count: 2, parts: vec![part], truncated: true };
        let known =
            Known { etag: "e-2".into(), checksum: Some(checksum), parts: Some(parts), size: 9 };
        let name = "x-amz-object-attributes";
        let text = known.to_xml(&read(&[(name, "ETag,ObjectSize")]).unwrap());
        assert!(text.ends_with(
            "><ETag>e-2</ETag><ObjectSize>9</ObjectSize></GetObjectAttributesResponse>"
        ));
        let asked = read(&[(name, "Checksum"), (name, "ObjectParts"), ("x-amz-max-parts", "1")]);
        let text = known.to_xml(&asked.unwrap());
        assert!(text.contains("<ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumType>FULL_OBJECT<"));
        assert!(text.contains(
            "<PartsCount>2</PartsCount><PartNumberMarker>0</PartNumberMarker>\
             <NextPartNumberMarker>1</NextPartNumberMarker><MaxParts>1</MaxParts>\
             <IsTruncated>true</IsTruncated><Part><PartNumber>1</PartNumber><Size>7</Size>"
        ));
        for bad in
            [&[][..], &[(name, "")], &[(name, "Odd")], &[(name, "ETag"), ("x-amz-max-parts", "x")]]
        {
            assert_eq!(read(bad).unwrap_err(), ErrorCode::InvalidArgument, "{bad:?}");
        }
    }
}
