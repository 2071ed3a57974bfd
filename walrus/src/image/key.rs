//! The bundle key: the cloud's certificate and its private half, with which image keys are opened.
//!
//! It is handed over once by the clc and kept in a file of mode 0600, never in the store. Another
//! key than the one that is kept is refused: with it the images registered so far could no longer
//! be opened.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bundle::{Certificate, PrivateKey};
use common::error::{ApiError, ErrorCode};
use common::wire::walrus::InstallBundleKey;

use crate::blob::files::sync_dir;

const FILE: &str = "bundle-key.pem";

/// The key, ready for use.
pub(crate) struct BundleKey {
    /// The cloud's own certificate.
    pub(crate) certificate: Certificate,
    /// Its private half.
    pub(crate) private: PrivateKey,
    text: String,
}

/// Where the key is kept. Clones share it.
#[derive(Clone)]
pub(crate) struct KeyFile {
    path: PathBuf,
    loaded: Arc<RwLock<Option<Arc<BundleKey>>>>,
}

impl KeyFile {
    /// Reads the key that an earlier run was given, if there is one. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read, is open to others, or holds no key.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        let kept = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let key = match kept {
            None => None,
            Some(text) => {
                let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    let text = format!(
                        "the bundle key {} has mode {mode:o}; it must be readable by its owner \
                         only (chmod 600)",
                        path.display()
                    );
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
                }
                Some(Arc::new(read(text).map_err(io::Error::other)?))
            }
        };
        Ok(Self { path, loaded: Arc::new(RwLock::new(key)) })
    }

    /// The key.
    ///
    /// # Errors
    /// `Unavailable` as long as the clc has not handed it over.
    pub(crate) fn get(&self) -> Result<Arc<BundleKey>, ApiError> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.clone().ok_or_else(|| {
            let text = "Walrus has not been given the bundle key yet";
            ApiError::new(ErrorCode::Unavailable, text)
        })
    }

    /// Keeps the key; once more the same is no error. Blocks.
    ///
    /// # Errors
    /// `InvalidParameterValue` if it is none, `OperationNotPermitted` if another is kept.
    pub(crate) fn install(&self, message: &InstallBundleKey) -> Result<(), ApiError> {
        let text = format!("{}\n{}\n", message.certificate.trim(), message.private_key.trim());
        let key = read(text).map_err(|why| {
            ApiError::new(ErrorCode::InvalidParameterValue, format!("The bundle key is bad: {why}"))
        })?;
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = loaded.as_ref() {
            if kept.text == key.text {
                return Ok(());
            }
            let text = format!(
                "Walrus keeps another bundle key; to replace it, and lose the images registered \
                 with it, remove {} and start walrus anew",
                self.path.display()
            );
            return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
        }
        write_secret(&self.path, key.text.as_bytes())
            .map_err(|error| ApiError::internal("The bundle key could not be kept", error))?;
        *loaded = Some(Arc::new(key));
        Ok(())
    }
}

fn read(text: String) -> Result<BundleKey, String> {
    let certificate = Certificate::from_pem(text.as_bytes()).map_err(|error| error.to_string())?;
    let private = PrivateKey::from_pem(text.as_bytes()).map_err(|error| error.to_string())?;
    let probe = [7; 20];
    let signature = private.sign(&probe).map_err(|error| error.to_string())?;
    if !certificate.verifies(&probe, &signature) {
        return Err("the private key is not that of the certificate".to_owned());
    }
    Ok(BundleKey { certificate, private, text })
}

/// Writes a small file that nobody else may read, whole or not at all. Blocks.
///
/// # Errors
/// What the system says.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    drop(fs::remove_file(&partial));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}
