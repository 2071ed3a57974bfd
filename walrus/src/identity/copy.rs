//! The copy: pages go in, entities come out, and it is known how far it may be believed.
//!
//! ```text
//!   empty ──pages──▶ growing ──a page with nothing behind it──▶ current ──time──▶ old
//!     ▲                                                         ▲    │              │
//!     └────────────── a feed that is another ───────────────────┼────┘              │
//!                                                               └── clc heard again ┘
//! ```
//! One writes ([`super::follow`]), many read. Nothing here asks anybody or reads the clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::iam::directory::Directory;
use common::iam::kept::KeptPolicies;
use common::iam::policy::{Policy, PolicyError};
use common::iam::{Entity, EntityName};
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::identity::{Certificates, IdentityPage};
use serde::Serialize;
use store::{Batch, Engine, StoreError, Table};
use tokio::sync::watch;

use super::record::{Copied, CopyHead, HEAD, row};

/// How many rows of former copies go in one commit.
const PORTION: usize = 500;

/// How the copy stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct State {
    /// Changes with each change of the copy; nothing else can be said of it.
    pub(crate) revision: u64,
    /// Which copying this is.
    pub(crate) generation: u64,
    /// The epoch of the feed.
    pub(crate) epoch: u64,
    /// The number up to which the feed was applied.
    pub(crate) upto: u64,
    /// When it was known last that nothing was lacking; none before the first whole copy.
    pub(crate) current: Option<Timestamp>,
    /// Whether the clc answered when it was asked last.
    pub(crate) reachable: bool,
    /// How often it started anew since walrus did.
    pub(crate) anew: u64,
}

/// The copy.
pub(crate) struct IdentityCopy {
    engine: Arc<dyn Engine>,
    entities: Table<Copied>,
    heads: Table<CopyHead>,
    policies: KeptPolicies,
    trust: Duration,
    state: watch::Sender<State>,
    /// When the row that says how far the copy is was written last.
    written: Mutex<Option<Timestamp>>,
}

impl IdentityCopy {
    /// The copy in a store, believed for so long after the clc was heard. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn open(engine: Arc<dyn Engine>, trust: Duration) -> Result<Self, StoreError> {
        let heads: Table<CopyHead> = Table::new(Arc::clone(&engine));
        let head = heads.get(HEAD)?.map(|seen| seen.record).unwrap_or_default();
        let CopyHead { generation, epoch, upto, current } = head;
        let state = State { generation, epoch, upto, current, ..State::default() };
        Ok(Self {
            entities: Table::new(Arc::clone(&engine)),
            heads,
            engine,
            policies: KeptPolicies::default(),
            trust,
            state: watch::Sender::new(state),
            written: Mutex::new(current),
        })
    }

    /// What changes with each page that changes anything, and may be asked before and after something
    /// is looked up: a page is there before it is told of. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn place(&self) -> Result<(u64, CopyHead), ApiError> {
        let head = self.heads.get(HEAD).map_err(unreadable)?;
        let head = head.map(|seen| seen.record).unwrap_or_default();
        Ok((self.state().revision, CopyHead { current: None, ..head }))
    }

    /// How it stands.
    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// Tells each time that anything of that changes.
    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Refuses to tell anything if what was copied cannot be believed.
    ///
    /// # Errors
    /// `ServiceUnavailable`.
    pub(crate) fn believe(&self, now: Timestamp) -> Result<(), ApiError> {
        let text = match self.state().current {
            // Either way: a clock that was set back must not lengthen it.
            Some(current) if now.distance(current) <= self.trust => return Ok(()),
            Some(current) => format!(
                "The cloud controller has not been heard for {} seconds, so it is not known any \
                 more who may do what; please try again later",
                now.distance(current).as_secs()
            ),
            None => "The cloud controller has not told yet who may do what; please try again later"
                .to_owned(),
        };
        Err(ApiError::new(ErrorCode::ServiceUnavailable, text))
    }

    /// Applies a page that came at that moment. Blocks.
    ///
    /// # Errors
    /// If the store fails; then nothing of the page was applied.
    pub(crate) fn apply(&self, page: &IdentityPage, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        let moved = page.anew || !page.changes.is_empty();
        if page.anew {
            // Of what was copied of another feed nothing is believed, not for a moment.
            (state.generation, state.current) = (state.generation + 1, None);
            state.anew += 1;
        }
        (state.epoch, state.upto, state.reachable) = (page.epoch, page.upto, true);
        if !page.more {
            state.current = Some(now);
        }
        let before = self.state();
        let place = (before.generation, before.epoch, before.upto);
        let goes_on = place == (state.generation, state.epoch, state.upto);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        // That the clc was heard is not worth a commit each time; how long it is believed after a
        // restart is shorter by what is left out here.
        let fresh = written.is_some_and(|last| now.distance(last) <= self.trust / 10);
        if !(goes_on && fresh) {
            let mut batch = Batch::new();
            for change in &page.changes {
                self.put(&mut batch, state.generation, &change.name, change.entity.as_ref())?;
            }
            let State { generation, epoch, upto, current, .. } = state;
            let head = CopyHead { generation, epoch, upto, current };
            match self.heads.get(HEAD)? {
                Some(mut seen) => {
                    seen.record = head;
                    batch.replace(&seen)?;
                }
                None => drop(batch.insert(&head)?),
            }
            batch.commit(&*self.engine)?;
            *written = state.current;
        }
        drop(written);
        self.state.send_modify(|now| {
            *now = State { revision: now.revision + u64::from(moved), ..state };
        });
        Ok(())
    }

    fn put(
        &self,
        batch: &mut Batch,
        generation: u64,
        name: &EntityName,
        entity: Option<&Entity>,
    ) -> Result<(), StoreError> {
        let seen = self.entities.get(&row(generation, &name.to_string()))?;
        match (seen, entity) {
            (Some(mut seen), Some(entity)) => {
                seen.record.entity = entity.clone();
                batch.replace(&seen)?;
            }
            (None, Some(entity)) => {
                let (name, entity) = (name.clone(), entity.clone());
                batch.insert(&Copied { generation, name, entity })?;
            }
            (Some(seen), None) => {
                batch.remove(&seen);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Notes that the clc did not answer; says whether that is news.
    pub(crate) fn missed(&self) -> bool {
        self.state.send_if_modified(|state| std::mem::replace(&mut state.reachable, false))
    }

    /// Removes the rows of former copies. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn sweep(&self) -> Result<(), StoreError> {
        let generation = self.state().generation;
        loop {
            let mut former = self.entities.scan("", None, PORTION)?;
            former.retain(|seen| seen.generation < generation);
            if former.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new();
            for seen in &former {
                batch.remove(seen);
            }
            batch.commit(&*self.engine)?;
        }
    }

    /// The certificates of an account, which may be any text. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn certificates(&self, account: &str) -> Result<Certificates, ApiError> {
        let unknown = Certificates { known: false, pem: Vec::new() };
        let Ok(account) = account.parse::<AccountId>() else { return Ok(unknown) };
        let known = self.find(&EntityName::Account(account.clone()))?.is_some();
        let prefix = row(self.state().generation, &format!("certificate/{account}/"));
        let mut found = Vec::new();
        for seen in self.entities.all(&prefix) {
            if let Entity::Certificate(certificate) = seen.map_err(unreadable)?.record.entity {
                found.push(certificate);
            }
        }
        // Of an account that was deleted those stay that signed bundles which another has now.
        if !known && found.is_empty() {
            return Ok(unknown);
        }
        found.sort_by_key(|certificate| std::cmp::Reverse(certificate.created));
        Ok(Certificates { known: true, pem: found.into_iter().map(|one| one.pem).collect() })
    }
}

fn unreadable(error: StoreError) -> ApiError {
    ApiError::internal("The copy of identity cannot be read", error)
}

impl Directory for IdentityCopy {
    fn find(&self, name: &EntityName) -> Result<Option<Arc<Entity>>, ApiError> {
        let row = row(self.state().generation, &name.to_string());
        let seen = self.entities.get(&row).map_err(unreadable)?;
        Ok(seen.map(|seen| Arc::new(seen.record.entity)))
    }

    fn policy(&self, text: &str) -> Result<Arc<Policy>, PolicyError> {
        self.policies.read(text)
    }
}

#[cfg(test)]
mod tests {
    use common::iam::entity::CertificateEntity;
    use common::wire::identity::IdentityChange;
    use store::Memory;

    use super::*;

    const TRUST: Duration = Duration::from_secs(100);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn change(id: &str, secret: Option<u8>) -> IdentityChange {
        let entity = secret.map(|byte| Entity::SessionKey(vec![byte]));
        IdentityChange { name: EntityName::SessionKey(id.to_owned()), entity }
    }

    fn page(epoch: u64, upto: u64, changes: Vec<IdentityChange>) -> IdentityPage {
        IdentityPage { epoch, anew: false, changes, upto, more: false }
    }

    fn find(copy: &IdentityCopy, id: &str) -> Option<Entity> {
        let found = copy.find(&EntityName::SessionKey(id.to_owned())).unwrap();
        found.map(|entity| entity.as_ref().clone())
    }

    #[test]
    fn pages_are_applied_and_outlive_a_restart() {
        let engine: Arc<dyn Engine> = Arc::new(Memory::new());
        let copy = IdentityCopy::open(Arc::clone(&engine), TRUST).unwrap();
        assert_eq!(copy.believe(at(5)).unwrap_err().code(), ErrorCode::ServiceUnavailable);
        let first = page(7, 2, vec![change("a", Some(1)), change("b", Some(2))]);
        copy.apply(&IdentityPage { anew: true, more: true, ..first }, at(5)).unwrap();
        assert!(copy.believe(at(5)).is_err(), "there is more");
        copy.apply(&page(7, 4, vec![change("a", None), change("b", Some(3))]), at(6)).unwrap();
        assert!(copy.believe(at(106)).is_ok() && copy.believe(at(107)).is_err());
        let again = IdentityCopy::open(engine, TRUST).unwrap();
        for copy in [&copy, &again] {
            assert_eq!(find(copy, "a"), None);
            assert_eq!(find(copy, "b"), Some(Entity::SessionKey(vec![3])));
            let State { epoch, upto, current, .. } = copy.state();
            assert_eq!((epoch, upto, current), (7, 4, Some(at(6))));
        }
        // A clock that was set back makes nothing younger.
        assert!(again.believe(at(0)).is_ok() && again.believe(at(-95)).is_err());
    }

    #[test]
    fn only_what_changes_makes_another_revision() {
        let copy = IdentityCopy::open(Arc::new(Memory::new()), TRUST).unwrap();
        copy.apply(&IdentityPage { anew: true, ..page(7, 1, vec![change("a", Some(1))]) }, at(5))
            .unwrap();
        let revision = copy.state().revision;
        copy.apply(&page(7, 1, vec![]), at(50)).unwrap();
        assert_eq!((copy.state().revision, copy.state().current), (revision, Some(at(50))));
        assert!(copy.missed() && !copy.missed());
        assert!(!copy.state().reachable);
        copy.apply(&page(8, 1, vec![]), at(51)).unwrap();
        assert_eq!((copy.state().revision, copy.state().epoch), (revision, 8));
        copy.apply(&page(8, 2, vec![change("a", Some(2))]), at(52)).unwrap();
        assert!(copy.state().revision > revision && copy.state().reachable);
    }

    #[test]
    fn another_feed_is_copied_anew_and_the_old_rows_go() {
        let engine: Arc<dyn Engine> = Arc::new(Memory::new());
        let copy = IdentityCopy::open(Arc::clone(&engine), TRUST).unwrap();
        let many = (0..PORTION + 1).map(|number| change(&format!("{number}"), Some(1)));
        copy.apply(&IdentityPage { anew: true, ..page(7, 9, many.collect()) }, at(5)).unwrap();
        let other = page(9, 1, vec![change("x", Some(1))]);
        copy.apply(&IdentityPage { anew: true, more: true, ..other }, at(6)).unwrap();
        assert!(copy.believe(at(6)).is_err(), "the old is worth nothing, the new is not whole");
        assert!(find(&copy, "0").is_none() && find(&copy, "x").is_some());
        copy.apply(&page(9, 2, vec![change("y", Some(1))]), at(7)).unwrap();
        assert!(copy.believe(at(7)).is_ok());
        copy.sweep().unwrap();
        assert_eq!(Table::<Copied>::new(engine).all("").count(), 2);
        assert!(find(&copy, "x").is_some() && find(&copy, "y").is_some());
    }

    #[test]
    fn certificates_are_found_by_account_newest_first() {
        let copy = IdentityCopy::open(Arc::new(Memory::new()), TRUST).unwrap();
        let account: AccountId = "123456789012".parse().unwrap();
        let certificate = |id: &str, secs| IdentityChange {
            name: EntityName::Certificate(account.clone(), id.to_owned()),
            entity: Some(Entity::Certificate(CertificateEntity {
                pem: id.to_owned(),
                created: at(secs),
            })),
        };
        let itself = IdentityChange {
            name: EntityName::Account(account.clone()),
            entity: Some(Entity::Account(
                serde_json::from_value(serde_json::json!({
                    "number": account, "alias": "a", "enabled": false,
                }))
                .unwrap(),
            )),
        };
        let changes = vec![certificate("old", 1), certificate("new", 2), itself];
        copy.apply(&IdentityPage { anew: true, ..page(7, 3, changes) }, at(5)).unwrap();
        assert_eq!(copy.certificates("123456789012").unwrap().pem, ["new", "old"]);
        for nobody in ["999999999999", "", "../x"] {
            assert!(!copy.certificates(nobody).unwrap().known, "{nobody}");
        }
    }
}
