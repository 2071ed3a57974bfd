//! The second factor that a caller shows: serial number and code of the device, looked at before
//! anything else is decided.
//!
//! ```text
//!   none shown ──▶ what the caller's own session was begun with, if it is a user's
//!   shown ── too many wrong ones lately, not theirs, wrong or used ──▶ AccessDenied
//!         └─ right ──▶ used up, and known to conditions from now on
//! ```
//! A code that was right is used up even if what it was shown for is refused. What is known of one
//! role's session goes into no other's, as on AWS.

use common::error::{ApiError, ErrorCode};
use common::iam::{Authority, Context, PrincipalKind, directory};
use common::time::Timestamp;

use crate::people::second_factor::{self, Untaken};
use crate::records::Records;

/// When the caller has shown the second factor with which their session begins. Blocks.
///
/// # Errors
/// `AccessDenied` for one that does not count; if the store fails.
pub(super) fn since(
    records: &Records,
    caller: &Authority,
    shown: Option<(String, String)>,
    now: Timestamp,
) -> Result<Option<Timestamp>, ApiError> {
    let principal = caller.principal();
    let Some((serial, code)) = shown else { return Ok(before(caller, now)) };
    if principal.kind == PrincipalKind::Role {
        return Err(denied(Untaken::NotTheirs));
    }
    let whose = (&principal.account, principal.name.as_str());
    second_factor::prove(records, whose, (&serial, &code), now)?.map_err(denied)?;
    Ok(Some(now))
}

/// What conditions know of a second factor that was shown then.
pub(super) fn context(since: Option<Timestamp>, now: Timestamp) -> Context {
    let Some(since) = since else { return Context::new() };
    Context::new()
        .with("aws:MultiFactorAuthPresent", "true")
        .with("aws:MultiFactorAuthAge", directory::age(since, now))
}

/// When the one was shown that the session of a user was begun with.
fn before(caller: &Authority, now: Timestamp) -> Option<Timestamp> {
    if caller.principal().kind == PrincipalKind::Role {
        return None;
    }
    let age = caller.context().get("aws:multifactorauthage")?.first()?;
    Some(now.minus(std::time::Duration::from_secs(age.parse().ok()?)))
}

fn denied(why: Untaken) -> ApiError {
    let text = match why {
        Untaken::NotTheirs => "unable to validate MFA code. Please verify your MFA serial number \
                               is valid and associated with this user."
            .to_owned(),
        Untaken::Wrong => "with invalid MFA one time pass code.".to_owned(),
        Untaken::Closed(seconds) => {
            format!("after too many wrong codes: try again in {seconds} seconds.")
        }
    };
    let comma = if why == Untaken::NotTheirs { "," } else { "" };
    let text = format!("MultiFactorAuthentication failed{comma} {text}");
    ApiError::new(ErrorCode::AccessDenied, text)
}
