//! GetSessionToken: credentials of the caller's own, which end by themselves.

use common::error::{ApiError, ErrorCode};
use common::iam::PrincipalKind;
use common::iam::session::Who;
use common::sts::sessions::{Credentials, GetSessionToken, SessionToken};
use runtime::actor::{Answer, Scene};

use super::Tokens;
use crate::identity::sessions::{self, Temporary, Wanted};

impl Answer<Tokens> for GetSessionToken {
    async fn answer(self, scene: &Scene<Tokens>) -> Result<SessionToken, ApiError> {
        let life = self.life()?;
        if self.factor()?.is_some() {
            return Err(no_device());
        }
        let principal = scene.caller.authority.principal();
        // A session never begins another: who asks is a user, by a key of their own.
        if principal.kind == PrincipalKind::Role || scene.caller.authority.is_temporary() {
            let text = "Cannot call GetSessionToken with session credentials";
            return Err(ApiError::new(ErrorCode::AccessDenied, text));
        }
        let wanted = Wanted {
            account: principal.account.clone(),
            who: Who::User(principal.name.clone()),
            holder: principal.id.clone(),
            life,
            policies: Vec::new(),
            policy_arns: Vec::new(),
            second_factor: false,
            source_identity: None,
            origin: None,
        };
        let now = scene.clock.now();
        let made = scene.records.work(move |records| sessions::begin(records, wanted, now)).await?;
        Ok(SessionToken { credentials: shown(made) })
    }
}

/// Credentials as STS shows them.
pub(super) fn shown(made: Temporary) -> Credentials {
    Credentials {
        access_key_id: made.access_key,
        secret_access_key: made.secret,
        session_token: made.token,
        expiration: made.expires.iso().replace(".000Z", "Z"),
    }
}

/// What whoever shows a second factor is told that is none of theirs.
pub(super) fn no_device() -> ApiError {
    let text = "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your \
                MFA serial number is valid and associated with this user.";
    ApiError::new(ErrorCode::AccessDenied, text)
}
