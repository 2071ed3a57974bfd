//! IAM: what its actions mean. One file a family, as in `common::euare`.

use std::sync::Arc;

use runtime::clock::Clock;

use crate::identity::credentials::Endpoints;
use crate::identity::directory::RecordedDirectory;
use crate::records::Records;

mod attachments;
mod authorization;
mod bearers;
mod change;
mod documents;
mod inline;
mod instance_profiles;
mod listing;
mod managed;
mod roles;
pub mod routes;
mod simulate;
mod simulation;
mod versions;

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
