//! IAM: what its actions mean. One file a family, as in `common::euare`.

use std::sync::Arc;

use runtime::clock::Clock;

use crate::identity::credentials::Endpoints;
use crate::identity::directory::RecordedDirectory;
use crate::identity::key_uses::KeyUses;
use crate::records::Records;

mod access_keys;
mod account_policies;
mod accounts;
mod aliases;
mod belongings;
mod certificates;
mod change;
mod groups;
mod limits;
pub mod routes;
mod users;

/// What IAM's actions work with.
pub struct Iam {
    /// The records.
    pub records: Records,
    /// Identity as it is asked when permissions are decided or explained.
    pub directory: Arc<RecordedDirectory>,
    /// When access keys were used last.
    pub key_uses: KeyUses,
    /// Where the services are, as clients reach them.
    pub endpoints: Endpoints,
    /// The time.
    pub clock: Clock,
}
