//! What an object put together from parts will be, pure: whether the list fits the parts that are
//! there, and size, ETag and checksum of the whole. Nothing is read but records of parts.

use common::error::{ApiError, ErrorCode};
use common::s3::checksum::{Checksum, Kind};
use common::s3::multipart::complete::{CompleteMultipartUpload, NamedPart, is_given};
use common::s3::multipart::terms::MIN_PART;
use md5::{Digest as _, Md5};

use super::part::kept_algorithm;
use crate::blob::combine::Combined;
use crate::blob::hash::Hasher;
use crate::upload::{Part, Seal, Upload};

/// What the object will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Its parts.
    pub(crate) seal: Seal,
    /// How many they are.
    pub(crate) count: u32,
    /// Its bytes.
    pub(crate) size: u64,
    /// Its ETag: the MD5 of the parts' MD5s, and how many they are.
    pub(crate) etag: String,
    /// Its checksum.
    pub(crate) checksum: Checksum,
}

/// Walks through a list of parts beside the parts that are there.
pub(crate) struct Planner<'a> {
    listed: std::iter::Peekable<std::slice::Iter<'a, NamedPart>>,
    /// The part before, until it is known that another follows.
    before: Option<&'a NamedPart>,
    before_size: u64,
    seal: Seal,
    count: u32,
    size: u64,
    md5: Md5,
    whole: Option<Combined>,
    hasher: Hasher,
    upload: &'a Upload,
}

fn invalid_part(number: u32) -> ApiError {
    let text = "One or more of the specified parts could not be found. The part may not have been \
                uploaded, or the specified entity tag may not match the part's entity tag";
    ApiError::new(ErrorCode::InvalidPart, text).showing("UploadPartNumber", number.to_string())
}

impl<'a> Planner<'a> {
    /// Begins.
    pub(crate) fn new(upload: &'a Upload, listed: &'a [NamedPart]) -> Self {
        let algorithm = kept_algorithm(upload);
        let full = upload.checksum.is_none_or(|wanted| wanted.full_object);
        Self {
            listed: listed.iter().peekable(),
            before: None,
            before_size: 0,
            seal: Seal::default(),
            count: 0,
            size: 0,
            md5: Md5::new(),
            whole: Combined::new(algorithm).filter(|_| full),
            hasher: Hasher::new(algorithm),
            upload,
        }
    }

    /// Takes the next part that is there, by number; tells whether the list names it.
    ///
    /// # Errors
    /// `InvalidPart`, `EntityTooSmall`.
    pub(crate) fn take(&mut self, part: &Part) -> Result<bool, ApiError> {
        let Some(listed) = self.listed.next_if(|listed| listed.number <= part.number) else {
            return Ok(false);
        };
        let same = listed.number == part.number && listed.etag == part.etag;
        let differs = |(algorithm, value): &(_, Vec<u8>)| {
            *algorithm == part.checksum.algorithm && *value != part.checksum.value
        };
        if !same || listed.checksums.iter().any(differs) {
            return Err(invalid_part(listed.number));
        }
        if let Some(before) = self.before
            && self.before_size < MIN_PART
        {
            let text = "Your proposed upload is smaller than the minimum allowed size";
            return Err(ApiError::new(ErrorCode::EntityTooSmall, text)
                .showing("ProposedSize", self.before_size.to_string())
                .showing("MinSizeAllowed", MIN_PART.to_string())
                .showing("PartNumber", before.number.to_string())
                .showing("ETag", before.etag.as_str()));
        }
        (self.before, self.before_size) = (Some(listed), part.size);
        self.seal.push(part.number, part.size);
        self.count += 1;
        self.size = self.size.saturating_add(part.size);
        self.md5.update(hex::decode(&part.etag).unwrap_or_default());
        match &mut self.whole {
            Some(whole) => whole.push(&part.checksum.value, part.size),
            None => self.hasher.update(&part.checksum.value),
        }
        Ok(true)
    }

    /// What the object will be, when all parts were taken.
    ///
    /// # Errors
    /// `InvalidPart` if the list names more.
    pub(crate) fn finish(mut self) -> Result<Plan, ApiError> {
        if let Some(missing) = self.listed.next() {
            return Err(invalid_part(missing.number));
        }
        let (value, kind) = match &self.whole {
            Some(whole) => (whole.finish(), Kind::FullObject),
            None => (self.hasher.finish(), Kind::Composite { parts: self.count }),
        };
        Ok(Plan {
            seal: self.seal,
            count: self.count,
            size: self.size,
            etag: format!("{}-{}", hex::encode(self.md5.finalize()), self.count),
            checksum: Checksum { algorithm: kept_algorithm(self.upload), value, kind },
        })
    }
}

impl Plan {
    /// Whether the object will be as the request says.
    ///
    /// # Errors
    /// `InvalidRequest` for another type or size, `BadDigest` for another checksum.
    pub(crate) fn check(&self, asked: &CompleteMultipartUpload) -> Result<(), ApiError> {
        let full = self.checksum.kind == Kind::FullObject;
        if asked.full_object.is_some_and(|wanted| wanted != full) {
            let text = format!(
                "Checksum Type mismatch occurred, the upload's checksum type is {}",
                self.checksum.kind.name()
            );
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
        if let Some(size) = asked.size.filter(|size| *size != self.size) {
            let text = format!(
                "The provided 'x-amz-mp-object-size' header value {size} does not match what was \
                 computed: {}",
                self.size
            );
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
        match &asked.checksum {
            Some((algorithm, _)) if *algorithm != self.checksum.algorithm => {
                let text = format!(
                    "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum \
                     Type: {}",
                    self.checksum.algorithm.name(),
                    algorithm.name()
                );
                Err(ApiError::new(ErrorCode::InvalidRequest, text))
            }
            Some(given) if !is_given(&self.checksum, given) => {
                Err(self.checksum.algorithm.mismatch())
            }
            _ => Ok(()),
        }
    }
}
