//! The keys that the clc's own API checks signatures with: its records.

use common::error::ApiError;
use common::wire::identity::Credential;
use futures_util::future::BoxFuture;
use runtime::keyring::KeyRing;

use super::accounts;
use crate::records::Records;

/// Looks into the records each time, so that a disabled user is out at once.
pub struct RecordedKeyRing(pub Records);

impl KeyRing for RecordedKeyRing {
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Credential>, ApiError>> {
        let id = id.to_owned();
        Box::pin(self.0.work(move |records| accounts::credential(records, &id)))
    }
}
