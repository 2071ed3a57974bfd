//! Whose certificates sign for an account's bundles.

use std::sync::Arc;

use common::error::ApiError;
use common::wire::identity::{Certificates, FindCertificates, Identity};
use runtime::peer::Peer;
use runtime::pool;

use super::key_ring::CopiedKeyRing;

/// Who tells them.
#[derive(Clone)]
pub(crate) enum Certified {
    /// The copy, in a walrus that runs.
    Copied(Arc<CopiedKeyRing>),
    /// The clc, where nobody keeps the copy current.
    Asked(Peer<Identity>),
}

impl Certified {
    /// The certificates that are or were good for an account, which is what a manifest says.
    ///
    /// # Errors
    /// `ServiceUnavailable` if nobody can tell.
    pub(crate) async fn of(&self, account: &str) -> Result<Certificates, ApiError> {
        match self {
            Self::Asked(clc) => clc.call(FindCertificates { account: account.to_owned() }).await,
            Self::Copied(keys) => {
                let copy = keys.believed().await?;
                // It may have been made a moment ago.
                keys.catch_up(keys.revision()).await;
                let account = account.to_owned();
                pool::block(move || copy.certificates(&account)).await?
            }
        }
    }
}
