//! Administration on the clc's own host: what it answers, and the command that asks.

pub mod answers;
pub mod asking;
pub mod command;
pub mod people;
pub mod quotas;
pub mod registered;
pub mod registrations;
