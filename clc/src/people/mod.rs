//! People: how they come in, prove who they are, and go. What the article calls a user is an
//! account; this is its life, the same for all three ways in.
//!
//! ```text
//!   applies ──▶ request ──▶ applied ──approve──▶ approved ──link of the mail──▶ confirmed
//!               │ the name     │ reject              ▲                              ▲
//!               ▼ is taken     ▼                     │ wanted confirmed by mail     │ else
//!             (mail)       (gone, mail)              └── added by an administrator ─┘
//!
//!   enabled ◀──▶ disabled          an administrator's switch, beside all of the above
//!   any ──delete──▶ leaving ──▶ (gone)    as soon as nothing is left that it owned
//! ```
//!
//! An account that is not confirmed, not enabled or leaving can use nothing: the directory tells
//! everybody that it is disabled ([`crate::records::Account::is_usable`]).
//!
//! All records are made here out of fields that were checked; a caller says who somebody is and
//! never what they may do. Everything is on record before it is answered. What a stranger may ask
//! (apply, recover) is answered after one record was written, the same for names that are known and
//! that are not; [`requests`] looks at it afterwards. Links are good once and for a while; only the
//! digests of their tokens are kept.
//!
//! The functions here block. They are called on the pool, by `clc admin`'s messages, by the
//! administration paths and by the console alike.

pub mod acting;
pub mod confirming;
pub mod contact;
pub mod credentials;
pub mod deletion;
pub mod gate;
pub mod groups;
pub mod links;
pub mod lockout;
pub mod logging_in;
pub mod mail_server;
pub mod mails;
pub mod origin;
pub mod outgoing;
pub mod own_contact;
pub mod passwords;
pub mod picture;
pub mod post;
pub mod registering;
pub mod registrar;
pub mod requests;
pub mod rules;
pub mod second_factor;
pub mod standing;
pub mod strangers;
pub mod throttle;
pub mod totp;

use std::sync::{Arc, Mutex};

use common::error::ApiError;
use common::time::Timestamp;
use runtime::clock::Clock;
use runtime::pool;
use runtime::reconcile::Waker;

use crate::identity::credentials::Endpoints;
use crate::reconcile::Wakers;
use crate::records::Records;
use gate::Gate;
use throttle::Throttle;

/// What all of it works with. Cheap to clone.
#[derive(Clone)]
pub struct People {
    /// The records.
    pub records: Records,
    /// What stands in credentials.
    pub endpoints: Endpoints,
    /// Where the console is, without a path: what links in mails begin with.
    pub console: String,
    /// The availability zones there are.
    pub zones: Arc<[String]>,
    /// Whether there is a mail server.
    pub mails: bool,
    /// The time.
    pub clock: Clock,
    /// Wakes whoever looks after requests and mails.
    pub post: Waker,
    /// Wakes whoever looks after accounts that leave.
    pub leaving: Waker,
    /// Wakes those who look after what accounts own.
    pub wakers: Wakers,
    /// Where hashes of passwords are made, a few at a time.
    pub gate: Arc<Gate>,
    /// How often strangers have asked.
    pub throttle: Arc<Mutex<Throttle>>,
}

impl People {
    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What stands in credentials, under the host that an administrator has said. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn endpoints(&self) -> Result<Endpoints, ApiError> {
        self.endpoints.now(&self.records)
    }

    /// The name or address under which users reach the cloud. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn public_host(&self) -> Result<String, ApiError> {
        Ok(self.endpoints()?.host)
    }

    /// What links in mails begin with, under that host. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn console(&self) -> Result<String, ApiError> {
        Ok(self.endpoints.under(&self.console, &self.public_host()?))
    }

    /// Does work with all of this on a thread that may wait.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let people = self.clone();
        pool::block(move || work(&people)).await?
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use store::EngineConfig;

    use super::*;

    /// People in memory, of a cloud with one zone that sends mails.
    pub(crate) fn people() -> People {
        People {
            records: Records::new(store::open(&EngineConfig::memory()).unwrap()),
            endpoints: Endpoints {
                clc: "http://c:8773".into(),
                walrus: "http://c:8774/services/Walrus".into(),
                region: "eucalyptus".into(),
                authority: None,
                host: "c".into(),
            },
            console: "https://c:8443".into(),
            zones: ["eucalyptus-1a".to_owned()].into(),
            mails: true,
            clock: Clock::manual(Timestamp::from_secs(1_800_000_000)),
            post: Waker::new(),
            leaving: Waker::new(),
            wakers: Wakers::new(std::iter::empty()),
            gate: Arc::new(Gate::new(2)),
            throttle: Arc::default(),
        }
    }
}
