//! What a small body must be, as its request's headers say: Content-MD5 and `x-amz-checksum-*`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::checksum::Given;
use super::request::Request;
use crate::error::{ApiError, ErrorCode};

/// The digests that a request gives of its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Integrity {
    /// The MD5.
    pub md5: Option<Vec<u8>>,
    /// The checksum.
    pub checksum: Option<Given>,
}

impl Integrity {
    /// Reads the headers.
    ///
    /// # Errors
    /// `InvalidDigest` and `InvalidRequest` for what is no such digest.
    pub fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let md5 = request.header("content-md5").map(|text| {
            BASE64.decode(text).ok().filter(|md5| md5.len() == 16).ok_or_else(|| {
                let text = format!("The Content-MD5 you specified is not valid: '{text}'");
                ApiError::new(ErrorCode::InvalidDigest, text)
            })
        });
        Ok(Self { md5: md5.transpose()?, checksum: Given::read(request)? })
    }

    /// Refuses a body of which nothing is told: what is to be removed must not be read from a
    /// body that was changed on its way.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn demand(&self) -> Result<(), ApiError> {
        if self.md5.is_some() || self.checksum.is_some() {
            return Ok(());
        }
        let text = "This request needs a Content-MD5 or an x-amz-checksum of its body";
        Err(ApiError::new(ErrorCode::InvalidRequest, text))
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::request::Query;
    use super::*;

    #[test]
    fn one_digest_is_enough_and_a_broken_one_is_not() {
        let read = |name: &str, value: &str| {
            let headers = [(name.to_owned(), value.to_owned())];
            let query = Query::default();
            let request = Request { address: &Address::Service, query: &query, headers: &headers };
            Integrity::read(&request).and_then(|read| read.demand()).map_err(|error| error.code())
        };
        assert_eq!(read("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="), Ok(()));
        assert_eq!(read("x-amz-checksum-crc32", "NhCmhg=="), Ok(()));
        assert_eq!(read("x-amz-sdk-checksum-algorithm", "CRC32"), Err(ErrorCode::InvalidRequest));
        assert_eq!(read("content-md5", "NhCmhg=="), Err(ErrorCode::InvalidDigest));
        assert_eq!(read("x-amz-checksum-crc32", "NhCm"), Err(ErrorCode::InvalidRequest));
    }
}
