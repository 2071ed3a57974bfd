//! What lasts. The store keeps the records of the cloud controller and the object index of
//! Walrus: it reads rows, pages through them in byte order, changes many of them in one commit
//! or none, and says when something changed.
//!
//! ```text
//!   Table<R>   Index   Batch        records, index rows, one commit over several of both
//!        \       |      /
//!         dyn Engine                get · scan · commit · watch
//!        /          \
//!    Memory         Sled            tests and trials · one machine's disk
//! ```
//!
//! What lasts in one engine can be taken to another: [`export`] writes every row to a plain file
//! of JSON lines, [`import`] makes a store of one, [`check`] reads every row once.
//!
//! Nothing outside this crate names an engine: services call [`open`] with their configuration.
//! All calls **block** (a commit waits for the disk); on an actor or in a handler they belong
//! into `runtime::pool::block`. The store keeps no cache of records, starts no thread and never
//! reads the clock.

mod archive;
mod batch;
mod command;
mod directory;
mod engine;
mod error;
mod group;
mod index;
mod mark;
mod memory;
mod open;
mod record;
mod row;
mod schema;
mod sled;
mod table;
mod watch;

pub use archive::{check, export, import};
pub use batch::{ATTEMPTS, Batch, transact};
pub use command::StoreCommand;
pub use directory::is_held;
pub use engine::{After, Commit, Engine, MAX_KEY, MAX_VALUE, Rev, Row};
pub use error::StoreError;
pub use index::{Index, IndexRow, Rows};
pub use memory::Memory;
pub use open::{DEFAULT_CACHE_BYTES, DEFAULT_RESERVE_BYTES, EngineConfig, EngineKind, open};
pub use record::{NoPrevious, Older, Record, Seen};
pub use schema::Schema;
pub use sled::Sled;
pub use table::{Pages, Table};
