//! GetSessionToken: credentials of the caller's own, which end by themselves.

use common::error::{ApiError, ErrorCode};
use common::iam::PrincipalKind;
use common::iam::session::Who;
use common::sts::sessions::{Credentials, GetSessionToken, SessionToken};
use runtime::actor::{Answer, Scene};

use super::{Tokens, factor};
use crate::identity::sessions::{self, Temporary, Wanted};

impl Answer<Tokens> for GetSessionToken {
    async fn answer(self, scene: &Scene<Tokens>) -> Result<SessionToken, ApiError> {
        let (life, shown) = (self.life()?, self.factor()?);
        let caller = scene.caller.authority.clone();
        let principal = caller.principal();
        // A session never begins another: who asks is a user, by a key of their own.
        if principal.kind == PrincipalKind::Role || caller.is_temporary() {
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
            second_factor: None,
            source_identity: None,
            origin: None,
            via: None,
        };
        let now = scene.clock.now();
        let made = scene.records.work(move |records| {
            let second_factor = factor::since(records, &caller, shown, now)?;
            sessions::begin(records, Wanted { second_factor, ..wanted }, now)
        });
        Ok(SessionToken { credentials: self::shown(made.await?) })
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
