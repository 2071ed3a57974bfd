//! IAM: what its actions mean. One file a family, as in `common::euare`.

use std::sync::Arc;

use runtime::clock::Clock;

use crate::identity::credentials::Endpoints;
use crate::identity::directory::RecordedDirectory;
use crate::records::Records;

pub mod routes;

/// What IAM's actions work with.
pub struct Iam {
    /// The records.
    pub records: Records,
    /// Identity as it is asked when permissions are decided or explained.
    pub directory: Arc<RecordedDirectory>,
    /// Where the services are, as clients reach them.
    pub endpoints: Endpoints,
    /// The time.
    pub clock: Clock,
}
