//! Whoever bears policies: a user, a group or a role, looked up and written back alike.

use common::error::{ApiError, ErrorCode};
use common::euare::names::{EXISTING, check_name};
use common::iam::EntityName;
use common::iam::entity::PolicySet;
use common::id::AccountId;
use store::{Batch, Seen, StoreError};

use super::limits;

use crate::records::attachments::Use;
use crate::records::{Group, Records, Role, Touched, User};

/// What kind of bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// How the index calls what is attached to it.
    pub(super) fn attached(self) -> Use {
        match self {
            Self::User => Use::User,
            Self::Group => Use::Group,
            Self::Role => Use::Role,
        }
    }

    /// How many characters its own policies have together at most.
    pub(super) fn most_inline(self) -> usize {
        match self {
            Self::User => limits::USER_POLICY_SIZE,
            Self::Group => limits::GROUP_POLICY_SIZE,
            Self::Role => limits::ROLE_POLICY_SIZE,
        }
    }

    /// The parameter that names it.
    fn parameter(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "groupName",
            Self::Role => "roleName",
        }
    }
}

/// A user, group or role as it was read.
#[derive(Debug, Clone)]
pub(super) enum Bearer {
    User(Seen<User>),
    Group(Seen<Group>),
    Role(Seen<Role>),
}

/// The bearer of that name. Blocks.
///
/// # Errors
/// `NoSuchEntity`, `ValidationError`.
pub(super) fn find(
    records: &Records,
    kind: Kind,
    account: &AccountId,
    name: &str,
) -> Result<Bearer, ApiError> {
    check_name(kind.parameter(), name, EXISTING)?;
    let found = at(records, kind, &User::key_of(account, name))?;
    found.ok_or_else(|| {
        let text = format!("The {} with name {name} cannot be found.", kind.word());
        ApiError::new(ErrorCode::NoSuchEntity, text)
    })
}

/// The bearer of a key, which all kinds make alike of account and name. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn at(records: &Records, kind: Kind, key: &str) -> Result<Option<Bearer>, StoreError> {
    Ok(match kind {
        Kind::User => records.users.get(key)?.map(Bearer::User),
        Kind::Group => records.groups.get(key)?.map(Bearer::Group),
        Kind::Role => records.roles.get(key)?.map(Bearer::Role),
    })
}

/// The role of that name. Blocks.
///
/// # Errors
/// `NoSuchEntity`, `ValidationError`.
pub(super) fn role(
    records: &Records,
    account: &AccountId,
    name: &str,
) -> Result<Seen<Role>, ApiError> {
    match find(records, Kind::Role, account, name)? {
        Bearer::Role(role) => Ok(role),
        Bearer::User(_) | Bearer::Group(_) => {
            Err(ApiError::internal("The role could not be read", "another kind was found"))
        }
    }
}

impl Bearer {
    /// Its name as it was given.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::User(it) => &it.name,
            Self::Group(it) => &it.name,
            Self::Role(it) => &it.name,
        }
    }

    /// The key of its record.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::User(it) => it.key(),
            Self::Group(it) => it.key(),
            Self::Role(it) => it.key(),
        }
    }

    /// Its path.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::User(it) => &it.path,
            Self::Group(it) => &it.path,
            Self::Role(it) => &it.path,
        }
    }

    /// Its id.
    pub(super) fn id(&self) -> String {
        match self {
            Self::User(it) => it.unique_id(),
            Self::Group(it) => it.id.clone(),
            Self::Role(it) => it.id.clone(),
        }
    }

    /// Its policies.
    pub(super) fn policies(&self) -> &PolicySet {
        match self {
            Self::User(it) => &it.policies,
            Self::Group(it) => &it.policies,
            Self::Role(it) => &it.policies,
        }
    }

    /// Its policies, to be changed.
    pub(super) fn policies_mut(&mut self) -> &mut PolicySet {
        match self {
            Self::User(it) => &mut it.record.policies,
            Self::Group(it) => &mut it.record.policies,
            Self::Role(it) => &mut it.record.policies,
        }
    }

    /// Adds to a batch: it is as it is now.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self, batch: &mut Batch, touched: &mut Touched) -> Result<(), ApiError> {
        match self {
            Self::User(it) => {
                batch.replace(it)?;
                touched.note(EntityName::user(&it.account, &it.name));
            }
            Self::Group(it) => {
                batch.replace(it)?;
                touched.note(EntityName::group(&it.account, &it.name));
            }
            Self::Role(it) => {
                batch.replace(it)?;
                touched.note(EntityName::role(&it.account, &it.name));
            }
        }
        Ok(())
    }
}
