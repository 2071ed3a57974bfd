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

#[cfg(test)]
mod tests {
    use common::s3::checksum::Algorithm;
    use common::s3::objects::Attributes;
    use common::s3::{CannedAcl, Owner};
    use common::time::Timestamp;

    use super::*;
    use crate::blob::files::BlobId;
    use crate::upload::{Stage, Wanted};

    fn upload(checksum: Option<Wanted>) -> Upload {
        let begun = Timestamp::from_millis(1);
        Upload {
            id: BlobId::at(begun).unwrap(),
            bucket: "buck".parse().unwrap(),
            key: "key".parse().unwrap(),
            owner: Owner { account: "111111111111".parse().unwrap(), alias: "a".into() },
            acl: CannedAcl::Private,
            checksum,
            attributes: Attributes::default(),
            begun,
            parts: 0,
            bytes: 0,
            stage: Stage::Open,
        }
    }

    fn part(upload: &Upload, number: u32, size: u64) -> Part {
        let algorithm = kept_algorithm(upload);
        Part {
            upload: upload.id.clone(),
            number,
            size,
            etag: format!("{number:032x}"),
            blob: Some(upload.id.clone()),
            checksum: Checksum::full(algorithm, vec![7; algorithm.size()]),
            modified: upload.begun,
        }
    }

    fn named(part: &Part) -> NamedPart {
        NamedPart { number: part.number, etag: part.etag.clone(), checksums: Vec::new() }
    }

    #[test]
    fn the_most_parts_of_one_size_are_told_in_one_stretch() {
        for full_object in [true, false] {
            let upload = upload(Some(Wanted { algorithm: Algorithm::Crc32c, full_object }));
            let parts: Vec<_> = (1..=10_000).map(|n| part(&upload, n, 5 << 30)).collect();
            let listed: Vec<_> = parts.iter().map(named).collect();
            let mut planner = Planner::new(&upload, &listed);
            for part in &parts {
                assert!(planner.take(part).unwrap());
            }
            let plan = planner.finish().unwrap();
            assert_eq!(
                (plan.count, plan.size, plan.seal.runs.len()),
                (10_000, 10_000 * (5 << 30), 1)
            );
            assert!(plan.etag.ends_with("-10000"));
            let parts = 10_000;
            let kind = if full_object { Kind::FullObject } else { Kind::Composite { parts } };
            assert_eq!(plan.checksum.kind, kind);
        }
    }

    #[test]
    fn what_is_listed_must_be_there_and_large_enough() {
        let upload = upload(None);
        let parts = [part(&upload, 2, MIN_PART), part(&upload, 5, 1), part(&upload, 7, 0)];
        let try_plan = |listed: &[NamedPart]| {
            let mut planner = Planner::new(&upload, listed);
            let taken: Result<Vec<_>, _> = parts.iter().map(|part| planner.take(part)).collect();
            Ok((taken?, planner.finish()?.size))
        };
        let plan = |listed: &[NamedPart]| try_plan(listed).map_err(|error: ApiError| error.code());
        let [two, five, seven] = [&parts[0], &parts[1], &parts[2]].map(named);
        let one = NamedPart { number: 1, ..two.clone() };
        let other = NamedPart { etag: "0".into(), ..two.clone() };
        let wrong =
            NamedPart { checksums: vec![(Algorithm::Crc64Nvme, vec![0; 8])], ..two.clone() };
        let right =
            NamedPart { checksums: vec![(Algorithm::Crc64Nvme, vec![7; 8])], ..two.clone() };
        let missing = Err(ErrorCode::InvalidPart);
        let table = [
            (vec![two.clone(), five.clone()], Ok((vec![true, true, false], MIN_PART + 1))),
            (vec![two.clone(), seven.clone()], Ok((vec![true, false, true], MIN_PART))),
            (vec![five.clone()], Ok((vec![false, true, false], 1))),
            (vec![right], Ok((vec![true, false, false], MIN_PART))),
            (vec![five, seven.clone()], Err(ErrorCode::EntityTooSmall)),
            (vec![one], missing.clone()),
            (vec![NamedPart { number: 3, ..two.clone() }], missing.clone()),
            (vec![NamedPart { number: 9, ..two.clone() }], missing.clone()),
            (vec![other], missing.clone()),
            (vec![wrong], missing),
        ];
        for (listed, expected) in table {
            assert_eq!(plan(&listed), expected, "{listed:?}");
        }
    }
}
