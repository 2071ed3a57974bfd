//! The command line of the cloud: one program with a name for each command.
//!
//! ```text
//! argv ── names (one table) ──┬─ cmd/… ──┬── client ── EC2, typed by common's actions
//!            │                ├─ euare/… │             IAM and STS, asked by name
//!            │                └─ admin/… │             administration, typed again
//!            │                           ├── s3 ────── buckets and objects
//!            │ options                   └── bundle ── files on this machine only
//!            └── config ── flags, environment, euca2ools.ini
//! ```
//!
//! The same binary is `euca run-instances …` and, by a link of that name, `euca-run-instances …`;
//! options, output columns and exit codes are those of euca2ools 3.4, and what 1.3 called
//! differently is understood where it does not clash. [`client::Client`] and [`s3::S3`] are of use
//! without the command line, too.
//!
//! Everything here blocks; nothing here reads the environment but [`environment`], the clock but
//! [`clock`], or writes to a stream it was not given, except for progress bars and `--debug`, which
//! belong to the terminal.

mod admin;
pub mod client;
pub mod clock;
mod cmd;
pub mod config;
mod crew;
mod disk;
pub mod environment;
pub mod error;
mod euare;
mod fetch;
mod http;
mod ini;
mod metadata;
mod names;
mod options;
mod outbox;
mod output;
mod pages;
mod progress;
mod row;
pub mod s3;
mod staged;
pub mod trust;
mod volume;

pub use names::run;
