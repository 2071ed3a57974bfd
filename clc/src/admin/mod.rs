//! Administration: on the clc's own host, what it answers and the command that asks; and from
//! anywhere, by the paths of 2.0.

pub mod answers;
pub mod asking;
pub mod audit;
pub mod command;
pub mod paths;
pub mod people;
pub mod quotas;
pub mod registered;
pub mod registrar;
pub mod registrations;
pub mod steering;
