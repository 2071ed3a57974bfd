//! The record of what was asked of the clc: who may look it up, and how it is shown.
//!
//! The log itself is `runtime::audit`'s, its lines and their chain are `common::audit`'s.
//! [`lookup`] answers CloudTrail's LookupEvents, [`shown`] writes a record as CloudTrail does,
//! [`host`] records and answers what the administrator on the host asks.

use std::sync::Arc;

use actix::Addr;
use common::cloudtrail::LookupEvents;
use runtime::actor::ServiceActor;
use runtime::audit::AuditLog;
use runtime::router::Router;

pub mod host;
mod lookup;
mod persons;
mod shown;

/// How many look-ups read the log at once: each reads a segment.
const PERMITS: usize = 4;

/// What look-ups work with.
pub struct Trail {
    /// The log.
    pub log: AuditLog,
}

/// The table of CloudTrail's actions.
pub fn router(log: &AuditLog) -> Router {
    let trail: Addr<ServiceActor<Trail>> =
        ServiceActor::start(Arc::new(Trail { log: log.clone() }), PERMITS);
    Router::new().on::<LookupEvents, _>(&trail)
}
