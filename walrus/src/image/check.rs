//! Whether a bundle may be registered: everything that can be said without reading its parts
//! through.
//!
//! In this order, so that nobody learns anything of what they may not read: the manifest is
//! readable by whoever registers it; it is a manifest; its account exists, and is theirs; it is
//! signed by that account or by the cloud; the image key opens; every part is there and their
//! sizes add up.

use bundle::{Certificate, Limits, Manifest, Signed};
use common::error::{ApiError, ErrorCode};
use common::id::ImageKind;
use common::wire::identity::Certificates;
use common::wire::upkeep::CheckManifest;
use common::wire::walrus::{BundleRef, CheckBundle, CheckedBundle};
use runtime::pool;
use sha2::{Digest as _, Sha256};

use super::key::{BundleKey, KeyFile};
use super::location::Location;
use super::manifest::{invalid, open_manifest, registered};
use crate::cache::unbundle::find_part;
use crate::content::Content;
use crate::identity::certified::Certified;

/// What a check needs.
#[derive(Clone)]
pub(crate) struct Checker {
    /// Buckets, objects, files.
    pub(crate) content: Content,
    /// Who knows the accounts' certificates.
    pub(crate) certified: Certified,
    /// The bundle key.
    pub(crate) key: KeyFile,
}

impl Checker {
    /// Checks a bundle.
    ///
    /// # Errors
    /// The first thing that is wrong with it, by name.
    pub(crate) async fn check(&self, asked: CheckBundle) -> Result<CheckedBundle, ApiError> {
        let location = Location::parse(&asked.location)?;
        let key = self.key.get()?;
        let (content, place) = (self.content.clone(), location.clone());
        let (account, administrator) = (asked.account.clone(), asked.administrator);
        let (manifest, digest) = pool::block(move || {
            let raw = open_manifest(&content, &place, Some((&account, administrator)))?;
            let manifest = Manifest::parse(&raw, &Limits::default()).map_err(invalid)?;
            Ok::<_, ApiError>((manifest, hex::encode(Sha256::digest(&raw))))
        })
        .await??;
        let owner = self.certified.of(&manifest.user).await?;
        let content = self.content.clone();
        pool::block(move || {
            check_owner(&manifest, &owner, &asked)?;
            check_signature(&manifest, &owner, &key, asked.allow_unsigned)?;
            open_key(&manifest, &key)?;
            check_parts(&content, &location, &manifest)?;
            Ok(describe(&location, &manifest, digest))
        })
        .await?
    }
}

impl Checker {
    /// Checks the manifest of a registered bundle once more.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub(crate) async fn check_again(&self, asked: CheckManifest) -> Result<(), ApiError> {
        let key = self.key.get()?;
        let content = self.content.clone();
        let registered = pool::block(move || registered(&content, &asked.bundle)).await??;
        let manifest = registered.manifest;
        let owner = self.certified.of(&manifest.user).await?;
        pool::block(move || {
            known(&manifest, &owner)?;
            check_signature(&manifest, &owner, &key, asked.allow_unsigned)?;
            open_key(&manifest, &key).map(drop)
        })
        .await?
    }
}

fn check_owner(
    manifest: &Manifest,
    owner: &Certificates,
    asked: &CheckBundle,
) -> Result<(), ApiError> {
    known(manifest, owner)?;
    let user = &manifest.user;
    if !asked.administrator && *user != asked.account.as_str() {
        let text = format!("The bundle was made for the account {user}, not for yours");
        return Err(ApiError::new(ErrorCode::AuthFailure, text));
    }
    Ok(())
}

fn known(manifest: &Manifest, owner: &Certificates) -> Result<(), ApiError> {
    let user = &manifest.user;
    if !owner.known {
        return Err(invalid(format!("there is no account {user}, which it names in <user>")));
    }
    Ok(())
}

fn check_signature(
    manifest: &Manifest,
    owner: &Certificates,
    key: &BundleKey,
    allow_unsigned: bool,
) -> Result<(), ApiError> {
    let mut certificates = Vec::new();
    for pem in &owner.pem {
        match Certificate::from_pem(pem.as_bytes()) {
            Ok(certificate) => certificates.push(certificate),
            Err(error) => tracing::warn!(%error, user = manifest.user, "a certificate is unusable"),
        }
    }
    certificates.push(key.certificate.clone());
    match manifest.verify(&certificates) {
        Signed::By(_) => Ok(()),
        Signed::Unsigned if allow_unsigned => Ok(()),
        Signed::Unsigned => Err(invalid("it is not signed")),
        Signed::No => Err(invalid(format!(
            "its signature was made by none of the certificates of account {}, nor by the cloud",
            manifest.user
        ))),
    }
}

/// Opens the image key.
///
/// # Errors
/// `InvalidManifest`, the same whatever was wrong.
pub(crate) fn open_key(
    manifest: &Manifest,
    key: &BundleKey,
) -> Result<bundle::SymmetricKey, ApiError> {
    manifest.symmetric_key(bundle::Recipient::Cloud, &key.private).map_err(|error| {
        invalid("the image key in it does not decrypt with this cloud's key").because(error)
    })
}

fn check_parts(
    content: &Content,
    location: &Location,
    manifest: &Manifest,
) -> Result<(), ApiError> {
    let mut sum: u64 = 0;
    for part in &manifest.parts {
        let name = &part.filename;
        let found = find_part(content, &location.bucket, location.prefix(), name)?;
        let Some(opened) = found else {
            let bucket = &location.bucket;
            return Err(invalid(format!("its part {name} is not in the bucket {bucket}")));
        };
        sum = sum.saturating_add(opened.object.size);
    }
    if sum != manifest.bundled_size {
        return Err(invalid(format!(
            "its parts have {sum} bytes together, its bundled_size says {}",
            manifest.bundled_size
        )));
    }
    Ok(())
}

fn describe(location: &Location, manifest: &Manifest, manifest_sha256: String) -> CheckedBundle {
    // Windows bundles bear that word where others name their kernel.
    let says_windows = |id: &str| id.eq_ignore_ascii_case("windows");
    let windows = manifest.name.to_ascii_lowercase().starts_with("windows")
        || manifest.kernel().is_some_and(says_windows);
    let kernel_id = manifest.kernel().filter(|id| !says_windows(id)).map(str::to_owned);
    CheckedBundle {
        bundle: BundleRef { location: location.to_string(), manifest_sha256 },
        kind: match manifest.kind(location.key.as_str()) {
            bundle::Kind::Machine => ImageKind::Machine,
            bundle::Kind::Kernel => ImageKind::Kernel,
            bundle::Kind::Ramdisk => ImageKind::Ramdisk,
        },
        architecture: manifest.architecture.clone(),
        kernel_id,
        ramdisk_id: manifest.ramdisk().map(str::to_owned),
        name: manifest.name.clone(),
        size: manifest.size,
        block_device_mapping: manifest
            .block_device_mapping
            .iter()
            .map(|mapping| (mapping.virtual_name.clone(), mapping.device.clone()))
            .collect(),
        product_codes: manifest.product_codes.clone(),
        ancestors: manifest.ancestry.clone(),
        windows,
    }
}
