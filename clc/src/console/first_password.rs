//! The administrator's first password for the console: made once, when nobody can have one, and written
//! where the administrator's credentials are.
//!
//! ```text
//!   (no record) ──start──▶ waits, `console-password` lies there ──first-time configuration──▶ done
//!        └── the administrator has a password already ─────────────────────────────────────────▲
//! ```
//! The file is written before the record, so that a crash in between leaves nothing that the next start
//! does not replace.

use std::fs;
use std::path::{Path, PathBuf};

use common::error::ApiError;
use common::id::AccountId;

use crate::identity::folder;
use crate::people::{People, passwords};
use crate::random;
use crate::records::Login;
use crate::records::accounts::FIRST_USER;
use crate::settings;

/// Where it lies.
pub fn file(admin_dir: &Path) -> PathBuf {
    admin_dir.join("console-password")
}

/// Makes it if nobody can have one. Blocks.
///
/// # Errors
/// If it cannot be written or recorded.
pub fn prepare(people: &People, admin_dir: &Path) -> Result<(), ApiError> {
    let (records, now) = (&people.records, people.now());
    if settings::on_record(records, settings::FIRST_TIME)?.is_some() {
        return Ok(());
    }
    let account = AccountId::cloud();
    let known = records.logins.get(&Login::key_of(&account, FIRST_USER))?.is_some();
    let login = match known {
        true => None,
        false => {
            let password = random::password()?;
            let hash = passwords::hash(people, &password)?;
            let at = file(admin_dir);
            fs::create_dir_all(admin_dir)
                .and_then(|()| folder::write_file(&at, &format!("{password}\n"), 0o600))
                .map_err(|error| {
                    ApiError::internal("The first password cannot be written", error)
                })?;
            tracing::info!(file = %at.display(), "the administrator's first password was written");
            Some(Login::new(account, FIRST_USER, hash, true, now))
        }
    };
    let state = if known { settings::FIRST_TIME_DONE } else { settings::FIRST_TIME_WAITS };
    store::transact(&*records.engine, |batch| {
        if let Some(login) = &login {
            batch.insert(login)?;
        }
        settings::put(records, batch, settings::FIRST_TIME, state)
    })?;
    Ok(())
}

/// Notes that the cloud was configured: the file is of no use any more. Blocks.
///
/// # Errors
/// If it cannot be recorded.
pub fn used(people: &People, admin_dir: &Path) -> Result<(), ApiError> {
    let records = &people.records;
    store::transact(&*records.engine, |batch| {
        settings::put(records, batch, settings::FIRST_TIME, settings::FIRST_TIME_DONE)
    })?;
    if let Err(error) = fs::remove_file(file(admin_dir)) {
        tracing::warn!(%error, "the file of the first password could not be removed");
    }
    Ok(())
}
