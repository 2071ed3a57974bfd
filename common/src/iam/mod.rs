//! Who may do what: the language of identities and permissions, and the one evaluator of both services.
//!
//! ```text
//!   access key, token ──directory──▶ Principal + Grants = Authority ──decide──▶ Decision
//!                         │                                 ▲
//!              Entity by EntityName                  action, resource, Context
//! ```
//! A [`directory`] tells entities by name: the clc's from its records, walrus' from its copy of them.
//! What is found about a principal is his [`Authority`]; it goes with him through a request, and is
//! asked wherever something is about to be done. Nothing here looks anything up by itself, reads a
//! clock or decides by anything but its arguments.

pub mod arn;
pub mod authority;
pub mod context;
pub mod directory;
pub mod entity;
pub mod kept;
pub mod managed;
pub mod policy;
pub mod principal;
pub mod session;
pub mod subject;

pub use arn::{Arn, ArnError};
pub use authority::{Authority, Barred, Grants};
pub use context::Context;
pub use entity::{Entity, EntityName};
pub use principal::{Principal, PrincipalKind};
pub use subject::{Resource, Subject};
