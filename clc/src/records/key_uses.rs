//! When access keys were used last.

use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// The last use of an access key, as far as it was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The access key.
    pub key: String,
    /// The service that it was used for: `ec2`.
    pub service: String,
    /// When.
    pub at: Timestamp,
}

record!(KeyUse, "access-key-use", |it| it.key.clone());
