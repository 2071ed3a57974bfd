//! What is computed over an object's bytes while they come in, and what they must turn out to be.

use common::error::{ApiError, ErrorCode};
use common::s3::checksum::{Algorithm, Checksum, Given};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::crc::Crc;

/// What is kept of bytes for which no checksum was given, as S3 does.
const UNASKED: Algorithm = Algorithm::Crc64Nvme;

/// What the bytes of an upload must be, as far as the request says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// Their MD5.
    pub(crate) md5: Option<Vec<u8>>,
    /// Their SHA-256, as the signature covers it.
    pub(crate) signed_sha256: Option<[u8; 32]>,
    /// Their checksum, or that it follows them.
    pub(crate) given: Option<Given>,
    /// The algorithm of the checksum that is kept, if it is not that of the given one.
    pub(crate) kept: Option<Algorithm>,
}

/// What was computed over bytes that are what they must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digested {
    /// Their MD5, lower-case hex.
    pub(crate) md5: String,
    /// The checksum to be kept.
    pub(crate) checksum: Checksum,
}

/// A checksum in progress.
pub(crate) enum Hasher {
    /// One of the cyclic redundancy checks.
    Crc(Crc),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
}

impl Hasher {
    /// Begins one.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc(Crc::crc32()),
            Algorithm::Crc32c => Self::Crc(Crc::crc32c()),
            Algorithm::Crc64Nvme => Self::Crc(Crc::crc64_nvme()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Sha1(sha) => sha.update(bytes),
            Self::Sha256(sha) => sha.update(bytes),
        }
    }

    /// The value, most significant byte first.
    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(crc) => crc.finish(),
            Self::Sha1(sha) => sha.finalize().to_vec(),
            Self::Sha256(sha) => sha.finalize().to_vec(),
        }
    }
}

/// The digests of bytes that are coming in.
pub(crate) struct Digests {
    expected: Expected,
    md5: Md5,
    sha256: Option<Sha256>,
    /// The algorithm to be kept, and its check.
    kept: (Algorithm, Hasher),
    /// That of the given checksum, if it is another one.
    given: Option<Hasher>,
}

impl Digests {
    /// Computes the MD5, which becomes the ETag, the checksum to be kept, and what else is
    /// expected.
    pub(crate) fn new(expected: Expected) -> Self {
        let given = expected.given.as_ref().map(Given::algorithm);
        let kept = expected.kept.or(given).unwrap_or(UNASKED);
        let sha256 = expected.signed_sha256.map(|_| Sha256::new());
        let given = given.filter(|given| *given != kept).map(Hasher::new);
        Self { expected, md5: Md5::new(), sha256, kept: (kept, Hasher::new(kept)), given }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some(sha) = &mut self.sha256 {
            sha.update(bytes);
        }
        self.kept.1.update(bytes);
        if let Some(given) = &mut self.given {
            given.update(bytes);
        }
    }

    /// What came out, if all that was expected did. `trailer` is the value that followed the
    /// bytes.
    ///
    /// # Errors
    /// `BadDigest`, `XAmzContentSHA256Mismatch`, or `InvalidRequest` if a checksum was to follow
    /// and did not.
    pub(crate) fn finish(self, trailer: Option<Vec<u8>>) -> Result<Digested, ApiError> {
        let md5 = self.md5.finalize();
        if self.expected.md5.is_some_and(|expected| expected != md5.as_slice()) {
            let text = "The Content-MD5 you specified did not match what we received";
            return Err(ApiError::new(ErrorCode::BadDigest, text));
        }
        let sha256 = self.sha256.map(|sha| <[u8; 32]>::from(sha.finalize()));
        if sha256 != self.expected.signed_sha256 {
            let text = "The provided x-amz-content-sha256 header does not match what was computed";
            return Err(ApiError::new(ErrorCode::ContentSha256Mismatch, text));
        }
        let (algorithm, kept) = self.kept;
        let kept = kept.finish();
        if let Some(given) = self.expected.given {
            let algorithm = given.algorithm();
            let wanted = match given {
                Given::Value(_, value) => Some(value),
                Given::Trailer(_) => trailer,
            };
            let wanted = wanted.ok_or_else(|| {
                let text = format!("The trailer {} did not follow the body", algorithm.header());
                ApiError::new(ErrorCode::InvalidRequest, text)
            })?;
            let computed = self.given.map(Hasher::finish);
            if computed.as_ref().unwrap_or(&kept) != &wanted {
                return Err(algorithm.mismatch());
            }
        }
        Ok(Digested { md5: hex::encode(md5), checksum: Checksum::full(algorithm, kept) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "5d41402abc4b2a76b9719d911017c592";

    fn digest(expected: Expected, trailer: Option<Vec<u8>>) -> Result<Digested, ErrorCode> {
        let mut digests = Digests::new(expected);
        digests.update(b"hel");
        digests.update(b"lo");
        digests.finish(trailer).map_err(|error| error.code())
    }

    fn given(given: Given, kept: Option<Algorithm>) -> Expected {
        Expected { given: Some(given), kept, ..Expected::default() }
    }

    fn value(algorithm: Algorithm) -> Vec<u8> {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(b"hello");
        hasher.finish()
    }

    #[test]
    fn what_is_expected_is_compared() {
        let digested = digest(Expected::default(), None).unwrap();
        assert_eq!(digested.md5, MD5);
        assert_eq!(digested.checksum.algorithm, Algorithm::Crc64Nvme);
        let sha256: [u8; 32] = Sha256::digest(b"hello").into();
        let good = Expected {
            md5: Some(hex::decode(MD5).unwrap()),
            signed_sha256: Some(sha256),
            given: Some(Given::Value(Algorithm::Crc32, hex::decode("3610a686").unwrap())),
            kept: None,
        };
        let crc32 = Checksum::full(Algorithm::Crc32, hex::decode("3610a686").unwrap());
        assert_eq!(digest(good, None).unwrap().checksum, crc32);
        let md5 = Expected { md5: Some(vec![0; 16]), ..Expected::default() };
        assert_eq!(digest(md5, None), Err(ErrorCode::BadDigest));
        let sha = Expected { signed_sha256: Some([0; 32]), ..Expected::default() };
        assert_eq!(digest(sha, None), Err(ErrorCode::ContentSha256Mismatch));
    }

    #[test]
    fn each_checksum_is_compared_and_kept() {
        for algorithm in Algorithm::ALL {
            let right = value(algorithm);
            assert_eq!(right.len(), algorithm.size());
            let mut wrong = right.clone();
            wrong[0] ^= 1;
            let trailer = || given(Given::Trailer(algorithm), None);
            let header = |value: &Vec<u8>| given(Given::Value(algorithm, value.clone()), None);
            let kept = Checksum::full(algorithm, right.clone());
            assert_eq!(digest(header(&right), None).unwrap().checksum, kept);
            assert_eq!(digest(header(&wrong), None), Err(ErrorCode::BadDigest));
            assert_eq!(digest(trailer(), Some(right.clone())).unwrap().checksum, kept);
            assert_eq!(digest(trailer(), Some(wrong.clone())), Err(ErrorCode::BadDigest));
            assert_eq!(digest(trailer(), None), Err(ErrorCode::InvalidRequest));
            for other in Algorithm::ALL {
                let both =
                    |value: &Vec<u8>| given(Given::Value(algorithm, value.clone()), Some(other));
                let digested = digest(both(&right), None).unwrap();
                assert_eq!(digested.checksum, Checksum::full(other, value(other)));
                assert_eq!(digest(both(&wrong), None), Err(ErrorCode::BadDigest));
            }
        }
    }
}
