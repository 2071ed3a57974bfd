//! That an account is open: whatever an account is to own is committed only while it is there and is
//! not being deleted, however long its request has been under way. So nothing comes behind those
//! who give away or end what it owns.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use store::Batch;

use super::Records;

impl Records {
    /// Adds to a batch that makes something an account owns: the account is open. Blocks.
    ///
    /// # Errors
    /// `AuthFailure` if it is not.
    pub fn hold_open(&self, batch: &mut Batch, account: &AccountId) -> Result<(), ApiError> {
        let seen = self.accounts.get(account.as_str())?;
        match seen.filter(|seen| seen.registration.leaving.is_none()) {
            Some(seen) => {
                batch.hold(&seen);
                Ok(())
            }
            None => {
                let text = "The account is being deleted: nothing can be made in it";
                Err(ApiError::new(ErrorCode::AuthFailure, text))
            }
        }
    }
}
