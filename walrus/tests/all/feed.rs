//! The feed of identity as a clc tells it: who there is, and what changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::error::ApiError;
use common::iam::entity::{
    AccessKeyEntity, AccountEntity, CertificateEntity, PolicySet, UserEntity,
};
use common::iam::{Entity, EntityName};
use common::time::Timestamp;
use common::wire::identity::{FollowIdentity, IdentityChange, IdentityPage};
use tokio::sync::watch;

use crate::world::{ALICE, BOB, NEWER, ROOT, Who, golden_key};

/// How many changes a page has at most: few, so that there are several.
const PAGE: usize = 3;

#[derive(Clone, Default)]
struct Told {
    epoch: u64,
    version: u64,
    entities: BTreeMap<EntityName, (u64, Option<Entity>)>,
}

/// The feed. Clones are the same.
#[derive(Clone)]
pub(crate) struct Feed {
    told: Arc<Mutex<Told>>,
    changed: Arc<watch::Sender<u64>>,
}

/// A backup of a feed.
pub(crate) struct Backup(Told);

impl Feed {
    /// Three accounts with their owners.
    pub(crate) fn new() -> Self {
        let told = Arc::new(Mutex::new(Told { epoch: 1, ..Told::default() }));
        let feed = Self { told, changed: Arc::new(watch::Sender::new(0)) };
        for who in [Who::Root, Who::Alice, Who::Bob] {
            feed.account(who, true);
            feed.user(who, PolicySet::default(), true);
            feed.key(who, true);
        }
        // Bob has no certificate of his own, and Alice a newer one than that she signs with.
        for (account, id, pem, created) in [
            (ROOT, "1", golden_key("user-cert.pem"), 1),
            (ALICE, "1", golden_key("user-cert.pem"), 1),
            (ALICE, "2", NEWER.to_owned(), 2),
        ] {
            let name = EntityName::Certificate(account.parse().unwrap(), id.to_owned());
            let created = Timestamp::from_secs(created);
            feed.change(name, Some(Entity::Certificate(CertificateEntity { pem, created })));
        }
        assert!([ROOT, ALICE, BOB].iter().all(|account| account.len() == 12));
        feed
    }

    /// Tells that an entity is so now, or is gone.
    pub(crate) fn change(&self, name: EntityName, entity: Option<Entity>) {
        let mut told = self.told.lock().unwrap();
        told.version += 1;
        let version = told.version;
        told.entities.insert(name, (version, entity));
        drop(told);
        self.changed.send_modify(|changes| *changes += 1);
    }

    /// Somebody's account.
    pub(crate) fn account(&self, who: Who, enabled: bool) {
        let number: common::id::AccountId = who.account().parse().unwrap();
        let alias = who.alias();
        let name = EntityName::Account(number.clone());
        let account = serde_json::json!({ "number": number, "alias": alias, "enabled": enabled });
        let account: AccountEntity = serde_json::from_value(account).unwrap();
        self.change(name, Some(Entity::Account(account)));
    }

    /// Somebody, with these policies.
    pub(crate) fn user(&self, who: Who, policies: PolicySet, enabled: bool) {
        let account = who.account().parse().unwrap();
        let user = UserEntity {
            name: who.user().to_owned(),
            path: "/".to_owned(),
            id: format!("AIDA{}", who.user()),
            owner: who.user() == "admin",
            enabled,
            groups: Vec::new(),
            policies,
            boundary: None,
        };
        self.change(EntityName::user(&account, who.user()), Some(Entity::User(user)));
    }

    /// Somebody's access key.
    pub(crate) fn key(&self, who: Who, active: bool) {
        let (id, secret) = who.credentials();
        let account = who.account().parse().unwrap();
        let user = who.user().to_owned();
        let key = AccessKeyEntity { secret, account, user, active, holder: String::new() };
        self.change(EntityName::AccessKey(id), Some(Entity::AccessKey(key)));
    }

    /// Lets somebody do what one policy says, and nothing else.
    pub(crate) fn allow(&self, who: Who, policy: &str) {
        let inline = [("p".to_owned(), policy.to_owned())].into_iter().collect();
        self.user(who, PolicySet { inline, ..PolicySet::default() }, true);
    }

    /// What it is now.
    pub(crate) fn backup(&self) -> Backup {
        Backup(self.told.lock().unwrap().clone())
    }

    /// Goes back to a backup, as a clc that was restored and started: in another epoch.
    pub(crate) fn restore(&self, backup: Backup) {
        let mut told = self.told.lock().unwrap();
        let epoch = told.epoch + 1;
        *told = Told { epoch, ..backup.0 };
        drop(told);
        self.changed.send_modify(|changes| *changes += 1);
    }

    /// Answers as the clc does.
    pub(crate) async fn follow(&self, ask: FollowIdentity) -> Result<IdentityPage, ApiError> {
        let mut changed = self.changed.subscribe();
        let page = self.page(&ask);
        if page.anew || !page.changes.is_empty() {
            return Ok(page);
        }
        let wait = Duration::from_millis(ask.wait_ms);
        // Without a change in time there is nothing to tell.
        let _ = tokio::time::timeout(wait, changed.changed()).await;
        Ok(self.page(&ask))
    }

    fn page(&self, ask: &FollowIdentity) -> IdentityPage {
        let told = self.told.lock().unwrap();
        let anew = ask.epoch != told.epoch || ask.after > told.version;
        let after = if anew { 0 } else { ask.after };
        let behind = told.entities.iter().filter(|(_, (number, _))| *number > after);
        let mut rows: Vec<_> = behind.collect();
        rows.sort_by_key(|(_, (number, _))| *number);
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let upto = rows.last().filter(|_| more).map_or(told.version, |(_, (number, _))| *number);
        let change = |(name, (_, entity)): (&EntityName, &(u64, Option<Entity>))| IdentityChange {
            name: name.clone(),
            entity: entity.clone(),
        };
        let changes = rows.into_iter().map(change).collect();
        IdentityPage { epoch: told.epoch, anew, changes, upto, more }
    }
}
