//! Saves the disks of instances as bundles, while their guests go on.
//!
//! ```text
//!   bundles (the actor) ── machine (pure: what comes next) ── notes (what lasts)
//!      │
//!   work ──▶ rest: when may the disk be copied, and how ── room: whether there is any for it
//!        ──▶ disk: overlay's copy over image, as one image with holes ── claim: how much of it counts
//!        ──▶ pack: bundled as one stream ──▶ send: parts and manifest to walrus, by ticket
//! ```
//! A task costs what the guest has written: the overlay is copied, the image below is read where it
//! lies. Nothing of the bundle is ever on this host's disk; parts go to walrus as they are made, and
//! a few of them are in memory. The image key is made here, for the cloud and for the owner; the
//! node has no key of either, and the manifest goes unsigned.

pub mod bundles;
pub mod claim;
pub mod disk;
pub mod machine;
pub mod notes;
pub mod pack;
pub mod rest;
pub mod room;
pub mod send;
pub mod work;
