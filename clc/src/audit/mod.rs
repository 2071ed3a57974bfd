//! The record of what was asked of the clc: who may look it up, and how it is shown.
//!
//! The log itself is `runtime::audit`'s, its lines and their chain are `common::audit`'s.
//! Calls of S3 are in walrus' log, which [`trail`] reads as well. [`lookup`] answers CloudTrail's LookupEvents, [`shown`] writes a record as CloudTrail does,
//! [`host`] records and answers what the administrator on the host asks.

use std::sync::Arc;

use actix::Addr;
use common::cloudtrail::LookupEvents;
use runtime::actor::ServiceActor;
use runtime::router::Router;

pub mod host;
mod lookup;
mod persons;
mod shown;
mod trail;

pub use trail::Trail;

/// How many look-ups read the log at once: each reads a segment.
const PERMITS: usize = 4;

/// The table of CloudTrail's actions.
pub fn router(trail: &Trail) -> Router {
    let trail: Addr<ServiceActor<Trail>> = ServiceActor::start(Arc::new(trail.clone()), PERMITS);
    Router::new().on::<LookupEvents, _>(&trail)
}
