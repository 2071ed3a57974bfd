//! Acting in another account: `DelegateAccount`, which administrators of the cloud add to any action
//! of IAM's, as Eucalyptus' clients do by `--as-account`.
//!
//! The front turns the caller into one who stands in that account before the action is looked at, so
//! no action needs to know of it. What policies let the caller do stays what it was: it is asked
//! about the other account's resources.

use common::action::Caller;
use common::error::ApiError;
use futures_util::future::BoxFuture;

/// The parameter that names the account.
pub const PARAMETER: &str = "DelegateAccount";

/// Turns callers into those who stand in another account.
pub trait StandIn: Send + Sync + 'static {
    /// The caller, in the account of that name or number, as its owner.
    ///
    /// # Errors
    /// `AccessDenied` for whoever is no administrator of the cloud, whatever they name;
    /// `NoSuchEntity` if there is no such account.
    fn stand_in<'a>(
        &'a self,
        caller: Caller,
        account: &'a str,
    ) -> BoxFuture<'a, Result<Caller, ApiError>>;
}
