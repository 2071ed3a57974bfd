//! Reads manifests out of buckets: of whoever may read them, or of a bundle that was registered.

use bundle::{Limits, Manifest};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::wire::walrus::BundleRef;
use sha2::{Digest as _, Sha256};

use super::location::Location;
use crate::content::Content;

/// The longest manifest that is read, in bytes.
pub(crate) const MAX_MANIFEST: u64 = 5 << 20;

/// The error of a manifest that is not as it must be.
pub(crate) fn invalid(why: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::InvalidManifest, format!("The manifest is not valid: {why}"))
}

/// Reads the bytes of a manifest; with a reader named, only if they may read it. Blocks.
///
/// # Errors
/// `AuthFailure` if it is not there or not for that reader, `InvalidManifest` if it is too long.
pub(crate) fn open_manifest(
    content: &Content,
    location: &Location,
    reader: Option<(&AccountId, bool)>,
) -> Result<Vec<u8>, ApiError> {
    let opened = content.open(&location.bucket, location.key.as_str())?;
    // Who may not read it does not learn whether it is there.
    let opened = opened.filter(|opened| {
        reader.is_none_or(|(account, administrator)| {
            let object = &opened.object;
            administrator || object.owner.account == *account || object.acl.everybody_reads()
        })
    });
    let Some(opened) = opened else {
        let text = format!("There is no manifest {location}, or you may not read it");
        return Err(ApiError::new(ErrorCode::AuthFailure, text));
    };
    if opened.object.size > MAX_MANIFEST {
        let size = opened.object.size;
        return Err(invalid(format!("it has {size} bytes, of at most {MAX_MANIFEST}")));
    }
    let mut raw = Vec::new();
    std::io::Read::read_to_end(&mut opened.bytes.read_from(0), &mut raw)
        .map_err(|error| ApiError::internal("The manifest cannot be read", error))?;
    if raw.len() as u64 != opened.object.size {
        return Err(ApiError::internal("The manifest cannot be read", "its file has another size"));
    }
    Ok(raw)
}

/// Reads the manifest that a bundle names. Blocks.
///
/// # Errors
/// `AuthFailure` if it is not there, `InvalidManifest` if it is another one or none at all.
pub(crate) fn registered(content: &Content, bundle: &BundleRef) -> Result<Registered, ApiError> {
    let location = Location::parse(&bundle.location)?;
    let raw = open_manifest(content, &location, None).map_err(|error| match error.code() {
        ErrorCode::AuthFailure => {
            let text = format!("the manifest {location} is no longer there");
            ApiError::new(ErrorCode::AuthFailure, text)
        }
        _ => error,
    })?;
    if hex::encode(Sha256::digest(&raw)) != bundle.manifest_sha256 {
        let text = format!("the manifest {location} is not the one that was registered");
        return Err(ApiError::new(ErrorCode::InvalidManifest, text));
    }
    let manifest = Manifest::parse(&raw, &Limits::default()).map_err(invalid)?;
    Ok(Registered { location, manifest })
}

/// A manifest and where it lies.
pub(crate) struct Registered {
    /// Where.
    pub(crate) location: Location,
    /// What it says.
    pub(crate) manifest: Manifest,
}
