//! Who owns an access key: asked for at every signed request.

use common::error::ApiError;
use common::iam::directory::Credential;
use futures_util::future::BoxFuture;

/// Finds the owner and secret of an access key.
pub trait KeyRing: Send + Sync + 'static {
    /// `token` is the session token that came with the key. `None`: there is no such key, or its
    /// owner is disabled.
    fn find<'a>(
        &'a self,
        id: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Credential>, ApiError>>;
}
