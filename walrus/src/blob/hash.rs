//! What is computed over an object's bytes while they come in, and what they must turn out to be.

use common::error::{ApiError, ErrorCode};
use common::s3::objects::ChecksumKind;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::crc::Crc;

/// What the bytes of an upload must be, as far as the request says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// Their MD5.
    pub(crate) md5: Option<Vec<u8>>,
    /// Their SHA-256, as the signature covers it.
    pub(crate) signed_sha256: Option<[u8; 32]>,
    /// Further checksums.
    pub(crate) checksums: Vec<(ChecksumKind, Vec<u8>)>,
}

enum Check {
    Crc(Crc),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Check {
    fn new(kind: ChecksumKind) -> Self {
        match kind {
            ChecksumKind::Crc32 => Self::Crc(Crc::crc32()),
            ChecksumKind::Crc32c => Self::Crc(Crc::crc32c()),
            ChecksumKind::Crc64Nvme => Self::Crc(Crc::crc64_nvme()),
            ChecksumKind::Sha1 => Self::Sha1(Sha1::new()),
            ChecksumKind::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Sha1(sha) => sha.update(bytes),
            Self::Sha256(sha) => sha.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
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
    checks: Vec<(ChecksumKind, Check)>,
}

impl Digests {
    /// Computes only what is expected, and the MD5, which becomes the ETag.
    pub(crate) fn new(expected: Expected) -> Self {
        let checks =
            expected.checksums.iter().map(|(kind, _)| (*kind, Check::new(*kind))).collect();
        let sha256 = expected.signed_sha256.map(|_| Sha256::new());
        Self { expected, md5: Md5::new(), sha256, checks }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some(sha) = &mut self.sha256 {
            sha.update(bytes);
        }
        self.checks.iter_mut().for_each(|(_, check)| check.update(bytes));
    }

    /// The MD5 in lower-case hex, if all that was expected came out.
    ///
    /// # Errors
    /// `BadDigest` or `XAmzContentSHA256Mismatch`.
    pub(crate) fn finish(self) -> Result<String, ApiError> {
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
        for ((kind, check), (_, expected)) in self.checks.into_iter().zip(self.expected.checksums) {
            if check.finish() != expected {
                let text = format!("The {kind:?} you specified did not match what we received");
                return Err(ApiError::new(ErrorCode::BadDigest, text));
            }
        }
        Ok(hex::encode(md5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(expected: Expected) -> Result<String, ErrorCode> {
        let mut digests = Digests::new(expected);
        digests.update(b"hel");
        digests.update(b"lo");
        digests.finish().map_err(|error| error.code())
    }

    #[test]
    fn what_is_expected_is_compared() {
        let md5 = "5d41402abc4b2a76b9719d911017c592";
        assert_eq!(digest(Expected::default()).unwrap(), md5);
        let sha256: [u8; 32] = Sha256::digest(b"hello").into();
        let good = Expected {
            md5: Some(hex::decode(md5).unwrap()),
            signed_sha256: Some(sha256),
            checksums: vec![
                (ChecksumKind::Crc32, hex::decode("3610a686").unwrap()),
                (ChecksumKind::Sha1, Sha1::digest(b"hello").to_vec()),
                (ChecksumKind::Sha256, sha256.to_vec()),
            ],
        };
        assert_eq!(digest(good).unwrap(), md5);
        let md5 = Expected { md5: Some(vec![0; 16]), ..Expected::default() };
        assert_eq!(digest(md5), Err(ErrorCode::BadDigest));
        let sha = Expected { signed_sha256: Some([0; 32]), ..Expected::default() };
        assert_eq!(digest(sha), Err(ErrorCode::ContentSha256Mismatch));
        for kind in [ChecksumKind::Crc32c, ChecksumKind::Crc64Nvme, ChecksumKind::Sha256] {
            let expected = Expected { checksums: vec![(kind, vec![0; 4])], ..Expected::default() };
            assert_eq!(digest(expected), Err(ErrorCode::BadDigest));
        }
    }
}
