//! Who is who and may do what, as walrus knows it: a copy of what the clc keeps, so that S3 is
//! answered while the clc is away.
//!
//! ```text
//!   clc ◀──FollowIdentity── follow ──page──▶ copy ── rows in walrus' own store
//!        (waits for news)                     │
//!   S3 front ──access key──▶ key_ring ────────┤  signatures and permissions
//!   image door ──account──▶ certified ────────┘  certificates of bundles
//!   clc ◀──NoteKeyUse── key_uses                   when keys were used
//! ```
//! Every page becomes one commit together with how far the copy has come, so a crash of either side
//! leaves a copy as it once was, which goes on from there. A feed that is not the one that was
//! copied (the clc was brought back from a backup) is copied anew beside the old rows, which nobody
//! reads any more from that moment.
//!
//! What was copied is believed as long as the clc has told lately that it is all there is; how long
//! is configured. After that nobody is let in, because nobody can say who was put out meanwhile.
//! Walrus changes nothing of identity, and asks for nothing that it was not told.

pub(crate) mod certified;
pub(crate) mod copy;
pub(crate) mod follow;
pub(crate) mod key_ring;
pub(crate) mod key_uses;
pub(crate) mod record;
