//! STS: who a caller is, and credentials for a while. One file a family, as in `common::sts`.
//!
//! ```text
//!   AssumeRole ──▶ the role's trust policy, the caller's own ──▶ sealed session ──▶ credentials
//!   GetSessionToken ──▶ the caller ───────────────────────────┘
//! ```
//! Nothing here is recorded, see `identity::sessions`, but that a second factor's code was used.

use std::sync::Arc;

use runtime::clock::Clock;

use crate::identity::directory::RecordedDirectory;
use crate::records::Records;

mod assume_role;
mod caller;
mod factor;
pub mod routes;
mod session_token;

/// What STS works with.
pub struct Tokens {
    /// The records.
    pub records: Records,
    /// Identity as it is asked when permissions are decided.
    pub directory: Arc<RecordedDirectory>,
    /// The time.
    pub clock: Clock,
}
