//! What the first start makes: the cloud's key, and the administrator's account with its
//! credentials directory.
//!
//! Files are written before the record that says they exist, so that a crash in between leaves
//! nothing that a second attempt does not replace. Later starts touch neither.

use std::io;
use std::path::{Path, PathBuf};

use common::error::ApiError;
use common::id::AccountId;
use common::name::CLOUD_ACCOUNT;
use common::time::Timestamp;
use store::After;
use thiserror::Error;

use super::accounts::{self, Issued};
use super::credentials::Endpoints;
use super::{certificates, folder, session_secrets};
use crate::records::accounts::CLOUD_KEY;
use crate::records::{Account, CloudKey, Records};

/// Why the first start could not be done.
#[derive(Debug, Error)]
pub enum FirstStartError {
    /// A file could not be written.
    #[error("cannot write {0}")]
    File(#[from] io::Error),
    /// A key could not be made or a record not be committed.
    #[error("cannot make the cloud's own account: {0}")]
    Record(#[from] ApiError),
    /// The store refused a commit.
    #[error("cannot record the cloud's own account: {0}")]
    Store(#[from] store::StoreError),
}

/// Where the private half of the cloud's certificate lies until walrus has it.
pub fn bundle_key_file(data_dir: &Path) -> PathBuf {
    data_dir.join("bundle-key.pem")
}

/// Makes what is not there yet. Blocks.
///
/// # Errors
/// Says what could not be made.
pub fn prepare(
    records: &Records,
    data_dir: &Path,
    admin_dir: &Path,
    endpoints: &Endpoints,
    now: Timestamp,
) -> Result<(), FirstStartError> {
    if records.cloud_keys.get(CLOUD_KEY)?.is_none() {
        let made = certificates::make("eucalyptus", "Eucalyptus", now)?;
        folder::write_file(&bundle_key_file(data_dir), &made.key_pkcs8()?, 0o600)?;
        records.cloud_keys.insert(CloudKey { certificate: made.certificate, delivered: false })?;
        tracing::info!("the cloud's certificate was made");
    }
    if records.session_secrets.scan("", After::Start, 1)?.is_empty() {
        records.change_identity(|batch, touched| session_secrets::make(batch, touched, now))?;
    }
    if records.accounts.get(AccountId::cloud().as_str())?.is_none() {
        let account = Account::new(AccountId::cloud(), CLOUD_ACCOUNT, now);
        let issued = Issued::make(account, now)?;
        let files = issued.files(&accounts::cloud_certificate(records)?, endpoints)?;
        let written = folder::write(admin_dir, &files.files)?;
        records.change_identity(|batch, touched| {
            Ok(accounts::insert(records, batch, touched, &issued)?)
        })?;
        tracing::info!(folder = %written.display(), "the administrator's credentials were written");
    }
    Ok(())
}
