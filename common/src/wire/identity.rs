//! Who is who: asked of the clc, which keeps accounts, users and their credentials.

use serde::{Deserialize, Serialize};

use super::Service;
use crate::iam::{Entity, EntityName};
use crate::id::AccountId;
use crate::messages;
use crate::time::Timestamp;

/// The keeper of accounts.
pub struct Identity;

impl Service for Identity {
    const NAME: &'static str = "identity";
    const VERSION: u32 = 2;
}

/// What has changed of identity behind a place in its feed, for whoever keeps a copy. Answered when
/// there is something, at the latest after `wait_ms`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowIdentity {
    /// The epoch of the page that the copy has last; 0 if it has none.
    pub epoch: u64,
    /// How far the copy has come: [`IdentityPage::upto`] of that page, or 0.
    pub after: u64,
    /// How long to wait for a change if there is none, in milliseconds; at most
    /// [`FollowIdentity::LONGEST_MS`] count.
    #[serde(default)]
    pub wait_ms: u64,
}

impl FollowIdentity {
    /// The longest that a question waits for a change, in milliseconds.
    pub const LONGEST_MS: u64 = 20_000;
}

/// A page of the feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdentityPage {
    /// The epoch that the feed is in: another one after each start of its keeper.
    pub epoch: u64,
    /// Whether the page stands at the beginning, because the copy is not one of this feed, or is
    /// ahead of it: whatever was copied before is worth nothing.
    pub anew: bool,
    /// What changed, each entity once, in order. Empty if nothing did.
    pub changes: Vec<IdentityChange>,
    /// How far a copy is that has applied the page.
    pub upto: u64,
    /// Whether there is more behind it already.
    pub more: bool,
}

/// A change of an entity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IdentityChange {
    /// Which.
    pub name: EntityName,
    /// What it is now; none if it is gone.
    pub entity: Option<Entity>,
}

/// Find the owner and secret of an access key: asked by a walrus of the version before, which keeps no
/// copy and knows no policies. `None`: there is no such key, its owner is disabled, or policies say
/// what they may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindAccessKey {
    /// The access key id.
    pub id: String,
}

/// An access key with all that the version before needs to check a signature.
#[derive(Clone, Serialize, Deserialize)]
pub struct Holder {
    /// The access key id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// The account's name.
    pub alias: String,
    /// The user inside the account.
    pub user: String,
    /// Whether the account is the cloud's own.
    pub administrator: bool,
}

/// The certificates that are or were valid for an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindCertificates {
    /// The account number as a manifest's `<user>` gives it; it may be nobody's.
    pub account: String,
}

/// Certificates in PEM, and whether the account exists at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Certificates {
    /// Whether there is such an account.
    pub known: bool,
    /// Its certificates, newest first.
    pub pem: Vec<String>,
}

/// Says when access keys were used in another service, which tells it now and then and not at each
/// use. What is older than what is known changes nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NoteKeyUse {
    /// The last use of each key.
    pub uses: Vec<KeyUse>,
}

/// When and for what an access key was used last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The access key id.
    pub id: String,
    /// The service: `s3`.
    pub service: String,
    /// When.
    pub at: Timestamp,
}

messages! {
    Identity:
    FollowIdentity => IdentityPage, true;
    FindAccessKey => Option<Holder>, true;
    FindCertificates => Certificates, true;
    NoteKeyUse => (), true;
}
