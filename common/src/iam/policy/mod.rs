//! Policies: read, checked, and asked.
//!
//! ```text
//!   text ──json──▶ Node ──reader──▶ Policy: statements ─┐
//!                                   action  resource    ├─ evaluator ──▶ Decision
//!                                   whom    condition   │
//!   principal, action, resource, Context ── Question ───┘
//! ```
//! Reading is strict and does all that can be done once: actions in lower case, patterns cut at their
//! wildcards, numbers, dates and networks parsed. Asking reads no clock and no store, and has a
//! fixed number of steps ([`STEPS`]): a question that takes more is refused, whatever policies,
//! names and context say. The language is that of AWS'
//! IAM, versions 2008-10-17 and 2012-10-17, with Eucalyptus' `Effect: Limit` for quotas.

mod action;
mod condition;
mod document;
mod error;
mod evaluator;
mod glob;
mod json;
mod kind;
mod known;
mod meter;
mod operator;
mod pattern;
mod question;
mod quota;
mod reader;
mod resource;
mod statement;
mod value;
mod whom;

pub use document::Policy;
pub use error::{PolicyError, Position, Span};
pub use evaluator::{evaluate, evaluate_assuming, limit, trusts_service};
pub use kind::{
    LARGEST_MANAGED, LARGEST_OF_GROUP, LARGEST_OF_ROLE, LARGEST_OF_USER, LARGEST_TRUST,
    LONGEST_OF_SESSION, PolicyKind, size,
};
pub use meter::STEPS;
pub use question::{Attached, Decision, Matched, Policies, Question, Source, Verdict};
pub use quota::QUOTAS;
