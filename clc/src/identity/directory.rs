//! Identity as the records have it, told entity by entity.

use std::sync::Arc;

use common::error::ApiError;
use common::iam::directory::Directory;
use common::iam::entity::{
    AccessKeyEntity, AccountEntity, CertificateEntity, GroupEntity, RoleEntity, UserEntity,
};
use common::iam::kept::KeptPolicies;
use common::iam::policy::{Policy, PolicyError};
use common::iam::{Arn, Entity, EntityName};

use crate::records::{Account, Group, ManagedPolicy, Records, Role, User};

/// The records, as whoever decides about permissions sees them. All its functions block.
pub struct RecordedDirectory {
    records: Records,
    policies: KeptPolicies,
}

impl RecordedDirectory {
    /// A directory of these records.
    pub fn new(records: Records) -> Self {
        Self { records, policies: KeptPolicies::default() }
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
                holder: key.holder,
            })
        }),
        EntityName::SessionKey(id) => {
            records.session_secrets.get(id)?.map(|seen| Entity::SessionKey(seen.record.key))
        }
        EntityName::Certificate(account, id) => {
            let seen = records.certificates.get(&format!("{account}/{id}"))?;
            seen.map(|seen| {
                let (pem, created) = (seen.record.pem, seen.record.created);
                Entity::Certificate(CertificateEntity { pem, created })
            })
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
        self.policies.read(text)
    }
}
