//! The language that the services speak to each other and to the world.
//!
//! Types, dialects, errors, signatures and messages. This crate opens no socket and no file and
//! reads no clock; it may be used by all and uses none of ours.
//!
//! Floors, lowest first; a module uses only what stands above it in this list:
//! `time`, `id`, `name`, `user_data` · `error` · `iam` · `action`, `sign` · `dialect` · `ec2`, `s3`, `sts`, `euare`,
//! `administration`, `cloudtrail` · `audit` · `wire`.

pub mod action;
pub mod administration;
pub mod audit;
pub mod cloudtrail;
pub mod dialect;
pub mod ec2;
pub mod error;
pub mod euare;
pub mod iam;
pub mod id;
pub mod name;
pub mod s3;
pub mod sign;
pub mod sts;
pub mod time;
pub mod user_data;
pub mod wire;
