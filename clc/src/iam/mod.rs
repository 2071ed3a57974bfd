//! IAM: what its actions mean. One file a family, as in `common::euare`.

use std::sync::Arc;

use common::wire::walrus::Walrus;
use runtime::clock::Clock;
use runtime::peer::Peer;

use crate::identity::credentials::Endpoints;
use crate::identity::directory::RecordedDirectory;
use crate::identity::key_uses::KeyUses;
use crate::people::People;
use crate::records::Records;

pub mod access_keys;
pub mod account_policies;
pub mod accounts;
pub mod aliases;
mod attachments;
mod authorization;
mod bearers;
pub mod belongings;
pub mod certificates;
pub mod change;
mod documents;
pub mod groups;
mod inline;
mod instance_profiles;
pub mod limits;
mod listing;
pub mod logins;
mod managed;
pub mod mfa;
mod mfa_shown;
mod roles;
pub mod routes;
mod simulate;
mod simulation;
pub mod users;
mod versions;
mod work;

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
    /// Whoever knows passwords and second factors.
    pub people: People,
    /// Who keeps buckets.
    pub walrus: Peer<Walrus>,
    /// The time.
    pub clock: Clock,
}
