//! Bodies that are documents: read as a whole within a bound, compared with every digest that the
//! request gives of them, and never looked into before.

use bytes::Bytes;
use common::error::{ApiError, ErrorCode, OrApiError as _};
use common::s3::integrity::Integrity;
use runtime::http::{Body, Response};

use crate::blob::hash::{Digests, Expected};

/// Reads a document of at most `limit` bytes.
///
/// # Errors
/// `MalformedXML` if it is longer or breaks off; a digest that does not fit.
pub(crate) async fn read(
    body: Body,
    limit: usize,
    integrity: Integrity,
    signed_sha256: Option<[u8; 32]>,
) -> Result<Bytes, ApiError> {
    let document = body.read(limit as u64).await.or_error(
        ErrorCode::MalformedXml,
        format!("The body is broken or larger than {limit} bytes"),
    )?;
    let Integrity { md5, checksum: given } = integrity;
    let mut digests = Digests::new(Expected { md5, signed_sha256, given, ..Expected::default() });
    digests.update(&document);
    digests.finish(None)?;
    Ok(document)
}

/// Answers a document.
pub(crate) fn answer(text: String) -> Response {
    Response::text(200, "application/xml", text)
}
