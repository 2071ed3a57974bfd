//! Administration on the clc's own host: what it answers, and the command that asks.

pub mod answers;
pub mod audit;
pub mod command;
pub mod quotas;
pub mod registered;
