//! What lives: actors, the pool they hand their work to, listeners, and messages between services.
//!
//! Floors, lowest first; a module uses only what stands above it in this list:
//! `clock`, `shutdown`, `warnings`, `telemetry`, `config`, `metrics`, `http`, `memory` · `pool` · `tls` · `edge`, `either` · `listen`,
//! `envelope` ·
//! `roster`, `transport`, `exchange`, `dispatcher` · `peer`, `actor`, `reconcile` · `keyring`, `witness`, `stand_in`, `router`,
//! `endpoint` · `replay`, `service`, `auditor`, `json` · `audit` · `front`, `doors`, `boot`.

pub mod actor;
pub mod audit;
pub mod auditor;
pub mod boot;
pub mod clock;
pub mod config;
pub mod dispatcher;
pub mod doors;
mod edge;
mod either;
pub mod endpoint;
pub mod envelope;
pub mod exchange;
pub mod front;
pub mod guard;
pub mod host;
pub mod http;
mod json;
pub mod keyring;
pub mod listen;
mod memory;
pub mod metrics;
pub mod peer;
pub mod pool;
pub mod reconcile;
pub mod replay;
pub mod roster;
pub mod router;
pub mod service;
pub mod shutdown;
pub mod stand_in;
pub mod telemetry;
pub mod tls;
pub mod transport;
pub mod warnings;
pub mod witness;
