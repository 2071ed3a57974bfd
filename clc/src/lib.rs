//! The cloud controller: who is who, what is registered, what runs where.
//!
//! It answers the EC2 API from its records, and makes the cloud equal to them: it commits a wish,
//! answers, and lets a reconciler take the next single step until what is seen is what is wanted.
//! It never touches an image's bytes and never asks a node for more than it reports.
//!
//! Floors, lowest first; a module uses only what stands above it in this list:
//! `random`, `config` · `records`, `settings` · `upgrade` · `identity` · `schedule` · `quota` ·
//! `cluster` · `history` · `reconcile` · `people`, `audit` · `iam`, `ec2`, `sts`, `admin` · `routes`, `services`,
//! `console` · `server`.

pub mod admin;
pub mod audit;
pub mod cluster;
pub mod config;
pub mod console;
pub mod ec2;
pub mod history;
pub mod iam;
pub mod identity;
pub mod people;
pub mod quota;
mod random;
pub mod reconcile;
pub mod records;
pub mod routes;
pub mod schedule;
pub mod server;
pub mod services;
pub mod settings;
pub mod sts;
mod upgrade;
