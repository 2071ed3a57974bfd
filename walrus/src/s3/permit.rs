//! Whether policies let a caller do what is asked: decided before anybody looks whether there is
//! such a bucket or object, so that a refusal says nothing of either.
//!
//! What buckets and objects say themselves comes after it ([`super::access`]); both must allow. A
//! caller without a signature has no policies, and is held to the lists alone.

use std::sync::Arc;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::iam::Context;
use common::iam::directory::Credential;
use common::s3::permissions::Need;
use runtime::clock::Clock;
use runtime::http::Head;
use runtime::keyring::KeyRing as _;

use super::access::demand;
use super::refusal::Refusal;
use crate::identity::key_ring::CopiedKeyRing;
use crate::identity::key_uses::KeyUses;

/// What a request was signed with.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// The access key id.
    pub(super) id: String,
    /// The session token that came with it.
    pub(super) token: Option<String>,
}

/// Who knows the callers.
pub(crate) struct Doorkeeper {
    /// Who owns which access key.
    pub(crate) keys: Arc<CopiedKeyRing>,
    /// When they were used.
    pub(crate) uses: Arc<KeyUses>,
    /// The time.
    pub(crate) clock: Clock,
}

impl Doorkeeper {
    /// Notes that something was signed with a key, and truly so.
    pub(super) fn saw(&self, key: &Key) {
        self.uses.note(&key.id, self.clock.now());
    }

    /// Whose that access key is.
    pub(super) async fn credential(&self, key: &Key) -> Result<Credential, Refusal> {
        let found = self.keys.find(&key.id, key.token.as_deref()).await?;
        found.ok_or_else(|| {
            let text = "The AWS Access Key Id you provided does not exist in our records";
            let further = vec![("AWSAccessKeyId", key.id.clone())];
            let error = ApiError::new(ErrorCode::InvalidAccessKeyId, text);
            Refusal { error, further }
        })
    }

    /// The caller as the request makes him, if policies allow all that is needed. What `said` holds
    /// is known beside what is known of every request.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(super) async fn permit(
        &self,
        (caller, key): (Caller, &Key),
        head: &Head,
        needs: &[Need],
        said: &Context,
    ) -> Result<Caller, Refusal> {
        let known = head.context(self.clock.now()).and(said);
        let within = |mut caller: Caller| {
            caller.authority = caller.authority.within(&known);
            caller
        };
        let allowed = |caller: &Caller| needs.iter().all(|need| may(caller, need));
        let revision = self.keys.revision();
        let mut caller = within(caller);
        // A permission may have been given a moment ago.
        if !allowed(&caller) && self.keys.catch_up(revision).await {
            caller = within(Caller::from(self.credential(key).await?));
        }
        demand(allowed(&caller))?;
        Ok(caller)
    }
}

/// Whether policies let the caller do one thing.
fn may(caller: &Caller, need: &Need) -> bool {
    caller.authority.may(need.action, &need.resource, &Context::new())
}
