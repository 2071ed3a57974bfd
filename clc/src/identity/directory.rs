//! Identity as the records have it, told entity by entity.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::error::ApiError;
use common::iam::directory::Directory;
use common::iam::entity::{AccessKeyEntity, AccountEntity, GroupEntity, RoleEntity, UserEntity};
use common::iam::policy::{Policy, PolicyError, PolicyKind};
use common::iam::{Arn, Entity, EntityName};

use crate::records::{Account, Group, ManagedPolicy, Records, Role, User};

/// How many policies are kept as they were read.
const KEPT: usize = 4096;

/// The records, as whoever decides about permissions sees them. All its functions block.
pub struct RecordedDirectory {
    records: Records,
    policies: Mutex<HashMap<String, Arc<Policy>>>,
}

impl RecordedDirectory {
    /// A directory of these records.
    pub fn new(records: Records) -> Self {
        Self { records, policies: Mutex::default() }
    }

    /// The records.
    pub fn records(&self) -> &Records {
        &self.records
    }
}

/// The entity of a name as it is on record. Blocks.
///
/// # Errors
/// If the store fails.
pub fn entity(records: &Records, name: &EntityName) -> Result<Option<Entity>, ApiError> {
    Ok(match name {
        EntityName::Account(number) => records.accounts.get(number.as_str())?.map(|seen| {
            let enabled = seen.is_usable();
            let Account { number, alias, policies, .. } = seen.record;
            Entity::Account(AccountEntity { number, alias, enabled, policies })
        }),
        EntityName::User(account, name) => {
            let seen = records.users.get(&User::key_of(account, name))?;
            seen.map(|seen| {
                let (id, owner, user) = (seen.unique_id(), seen.is_owner(), seen.record);
                Entity::User(UserEntity {
                    name: user.name,
                    path: user.path,
                    id,
                    owner,
                    enabled: user.enabled,
                    groups: user.groups.into_iter().collect(),
                    policies: user.policies,
                    boundary: user.boundary,
                })
            })
        }
        EntityName::Group(account, name) => {
            let seen = records.groups.get(&Group::key_of(account, name))?;
            seen.map(|seen| {
                let Group { name, policies, .. } = seen.record;
                Entity::Group(GroupEntity { name, policies })
            })
        }
        EntityName::Policy(arn) => {
            policy(records, arn)?.map(|policy| Entity::Policy(policy.document().to_owned()))
        }
        EntityName::Role(account, name) => {
            let seen = records.roles.get(&Role::key_of(account, name))?;
            seen.map(|seen| {
                let Role { name, path, id, policies, boundary, .. } = seen.record;
                Entity::Role(RoleEntity { name, path, id, policies, boundary })
            })
        }
        EntityName::AccessKey(id) => records.access_keys.get(id)?.map(|seen| {
            let key = seen.record;
            Entity::AccessKey(AccessKeyEntity {
                secret: key.secret,
                account: key.account,
                user: key.user,
                active: key.active,
            })
        }),
        EntityName::SessionKey(id) => {
            records.session_secrets.get(id)?.map(|seen| Entity::SessionKey(seen.record.key))
        }
    })
}

/// The managed policy of an ARN, if it is an account's. Blocks.
///
/// # Errors
/// If the store fails.
pub fn policy(records: &Records, arn: &str) -> Result<Option<ManagedPolicy>, ApiError> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(None) };
    let Ok(account) = parsed.account.parse() else { return Ok(None) };
    let Some((_, name)) = parsed.resource.rsplit_once('/') else { return Ok(None) };
    let seen = records.policies.get(&ManagedPolicy::key_of(&account, name))?;
    Ok(seen.map(|seen| seen.record).filter(|policy| policy.arn() == arn))
}

impl Directory for RecordedDirectory {
    fn find(&self, name: &EntityName) -> Result<Option<Arc<Entity>>, ApiError> {
        Ok(entity(&self.records, name)?.map(Arc::new))
    }

    fn policy(&self, text: &str) -> Result<Arc<Policy>, PolicyError> {
        let mut kept = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = kept.get(text) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(Policy::parse(text, PolicyKind::Identity)?);
        if kept.len() >= KEPT {
            // Rare, and costs only that they are read again.
            kept.clear();
        }
        kept.insert(text.to_owned(), Arc::clone(&policy));
        Ok(policy)
    }
}
