//! Credentials of an account's owner, as files for a directory and as a zip; any number of times,
//! and never at the cost of those that were made before.
//!
//! No private key is kept, so each time a new certificate is made beside the old ones; beyond
//! [`MOST_CERTIFICATES`](crate::identity::accounts::MOST_CERTIFICATES) the oldest is no longer shown.
//! The access key is the newest that may be used; one is made if there is none.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::ApiError;
use common::wire::admin::CredentialFiles;
use common::wire::people::{Zip, ZipKind};

use super::People;
use crate::identity::accounts;
use crate::identity::credentials::place;
use zip::{Member, zipped};

mod zip;

/// The files of an account's credentials. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user.
pub fn files(people: &People, name: &str, kind: ZipKind) -> Result<CredentialFiles, ApiError> {
    let account = accounts::find(&people.records, name)?;
    let certified = kind == ZipKind::Whole;
    accounts::issue(&people.records, &people.endpoints()?, account, certified, people.now())
}

/// The same as a zip. Blocks.
///
/// # Errors
/// As [`files`].
pub fn zip(people: &People, name: &str, kind: ZipKind) -> Result<Zip, ApiError> {
    let alias = accounts::find(&people.records, name)?.alias;
    let made = files(people, name, kind)?;
    // Where it will be unpacked is not known: eucarc finds out, euca2ools.ini says "here".
    let here = Path::new(".");
    let members: Vec<_> = made
        .files
        .iter()
        .map(|file| Member { name: &file.name, text: place(file, here), secret: file.secret })
        .collect();
    let bytes = zipped(&members, people.now())?;
    Ok(Zip { file_name: kind.file_name(&alias), base64: STANDARD.encode(bytes) })
}
