//! What is computed over an object's bytes while they come in, and what they must turn out to be.

use common::error::{ApiError, ErrorCode};
use common::s3::checksum::{Algorithm, Checksum, Given};
use common::s3::form::FileBytes;
use common::s3::post_policy::Sizes;
use common::sign::Chain;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

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
    /// Whether their SHA-1 is wanted beside.
    pub(crate) sha1: bool,
    /// How they are wrapped, if they are.
    pub(crate) chunks: Option<Chunks>,
    /// The form they stand in, if they stand in one.
    pub(crate) form: Option<InForm>,
}

/// How bytes stand in a form: how many they are shows only at its end.
#[derive(Debug, Clone)]
pub(crate) struct InForm {
    /// Takes the form off.
    pub(crate) bytes: FileBytes,
    /// How many they may be; each holds.
    pub(crate) sizes: Vec<Sizes>,
}

/// How bytes are wrapped in chunks.
#[derive(Debug, Clone)]
pub(crate) struct Chunks {
    /// Whether headers may follow them.
    pub(crate) trailers: bool,
    /// The signatures of the chunks, if they are signed.
    pub(crate) chain: Option<Chain>,
}

/// What was computed over bytes that are what they must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digested {
    /// Their MD5, lower-case hex.
    pub(crate) md5: String,
    /// The checksum to be kept.
    pub(crate) checksum: Checksum,
    /// Their SHA-1, lower-case hex, if it was wanted.
    pub(crate) sha1: Option<String>,
}

/// A checksum in progress.
pub(crate) enum Hasher {
    /// One of the cyclic redundancy checks.
    Crc(Crc, Algorithm),
    /// SHA-1.
    Sha1(Sha1),
    /// SHA-256.
    Sha256(Sha256),
}

impl Hasher {
    /// Begins one.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc(Crc::new(CrcAlgorithm::Crc32IsoHdlc), algorithm),
            Algorithm::Crc32c => Self::Crc(Crc::new(CrcAlgorithm::Crc32Iscsi), algorithm),
            Algorithm::Crc64Nvme => Self::Crc(Crc::new(CrcAlgorithm::Crc64Nvme), algorithm),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc, _) => crc.update(bytes),
            Self::Sha1(sha) => sha.update(bytes),
            Self::Sha256(sha) => sha.update(bytes),
        }
    }

    /// The value, most significant byte first.
    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(crc, algorithm) => {
                let value = crc.finalize().to_be_bytes();
                value[value.len() - algorithm.size()..].to_vec()
            }
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
    /// The SHA-1, if it is wanted and is none of the others.
    sha1: Option<Sha1>,
}

impl Digests {
    /// Computes the MD5, which becomes the ETag, the checksum to be kept, and what else is
    /// expected.
    pub(crate) fn new(expected: Expected) -> Self {
        let given = expected.given.as_ref().map(Given::algorithm);
        let kept = expected.kept.or(given).unwrap_or(UNASKED);
        let sha256 = expected.signed_sha256.map(|_| Sha256::new());
        let sha1 = expected.sha1 && ![Some(kept), given].contains(&Some(Algorithm::Sha1));
        let sha1 = sha1.then(Sha1::new);
        let given = given.filter(|given| *given != kept).map(Hasher::new);
        Self { expected, md5: Md5::new(), sha256, kept: (kept, Hasher::new(kept)), given, sha1 }
    }

    /// The algorithm of the checksum that is to follow the bytes.
    pub(crate) fn trailer(&self) -> Option<Algorithm> {
        match self.expected.given {
            Some(Given::Trailer(algorithm)) => Some(algorithm),
            _ => None,
        }
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
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
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
        let mut sha1 = self.sha1.map(|sha1| sha1.finalize().to_vec());
        if self.expected.sha1 && algorithm == Algorithm::Sha1 {
            sha1 = Some(kept.clone());
        }
        if let Some(given) = self.expected.given {
            let algorithm = given.algorithm();
            let computed = self.given.map(Hasher::finish);
            if self.expected.sha1 && algorithm == Algorithm::Sha1 {
                sha1 = Some(computed.clone().unwrap_or_else(|| kept.clone()));
            }
            let wanted = match given {
                Given::Value(_, value) => Some(value),
                Given::Trailer(_) => trailer,
            };
            let wanted = wanted.ok_or_else(|| {
                let text = format!("The trailer {} did not follow the body", algorithm.header());
                ApiError::new(ErrorCode::InvalidRequest, text)
            })?;
            if computed.as_ref().unwrap_or(&kept) != &wanted {
                return Err(algorithm.mismatch());
            }
        }
        let (md5, sha1) = (hex::encode(md5), sha1.map(hex::encode));
        Ok(Digested { md5, checksum: Checksum::full(algorithm, kept), sha1 })
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
            ..Expected::default()
        };
        let crc32 = Checksum::full(Algorithm::Crc32, hex::decode("3610a686").unwrap());
        assert_eq!(digest(good, None).unwrap().checksum, crc32);
        let md5 = Expected { md5: Some(vec![0; 16]), ..Expected::default() };
        assert_eq!(digest(md5, None), Err(ErrorCode::BadDigest));
        let sha = Expected { signed_sha256: Some([0; 32]), ..Expected::default() };
        assert_eq!(digest(sha, None), Err(ErrorCode::ContentSha256Mismatch));
    }

    #[test]
    fn the_sha1_is_computed_once_whoever_wants_it() {
        let hello = hex::encode(value(Algorithm::Sha1));
        let sha1 = |expected: Expected| digest(expected, None).unwrap().sha1;
        assert_eq!(sha1(Expected::default()), None);
        assert_eq!(sha1(Expected { sha1: true, ..Expected::default() }), Some(hello.clone()));
        for (sent, kept) in [
            (Algorithm::Crc32, None),
            (Algorithm::Sha1, None),
            (Algorithm::Sha1, Some(Algorithm::Crc32)),
            (Algorithm::Crc32, Some(Algorithm::Sha1)),
        ] {
            let expected = given(Given::Value(sent, value(sent)), kept);
            assert_eq!(sha1(expected.clone()), None);
            let own = Digests::new(Expected { sha1: true, ..expected.clone() }).sha1.is_some();
            assert_eq!(own, ![Some(sent), kept].contains(&Some(Algorithm::Sha1)));
            assert_eq!(sha1(Expected { sha1: true, ..expected }), Some(hello.clone()));
        }
    }

    #[test]
    fn the_published_check_values_come_out() {
        for (algorithm, expected) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
        ] {
            let mut whole = Hasher::new(algorithm);
            whole.update(b"123456789");
            assert_eq!(hex::encode(whole.finish()), expected);
            let mut pieces = Hasher::new(algorithm);
            [&b"1234"[..], b"", b"56789"].into_iter().for_each(|piece| pieces.update(piece));
            assert_eq!(hex::encode(pieces.finish()), expected);
        }
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
