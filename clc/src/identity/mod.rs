//! Who is who: accounts, users, access keys and certificates, and the files people get of them.
//!
//! Administration (`clc admin`) and the questions of peers (walrus asks whose a key is) end here.

pub mod accounts;
pub mod certificates;
pub mod credentials;
pub mod directory;
pub mod feed;
pub mod first_start;
pub mod folder;
pub mod guard;
pub mod key_uses;
pub mod keyring;
pub mod session_secrets;
pub mod sessions;
pub mod stand_in;
pub mod trust;
pub mod uploaded;
pub mod validity;
