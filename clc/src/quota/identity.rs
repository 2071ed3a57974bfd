//! How many users, groups, roles, instance profiles and managed policies an account may have. All
//! limits on these count the whole account, whoever made them.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use store::Batch;

use super::{Quota, Whose, bounds, take_turns};
use crate::records::Records;

/// What IAM keeps and quotas count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Users, the owner included.
    User,
    /// Groups.
    Group,
    /// Roles.
    Role,
    /// Instance profiles.
    InstanceProfile,
    /// Managed policies.
    Policy,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::User, Self::Group, Self::Role, Self::InstanceProfile, Self::Policy];

    /// What limits it.
    pub(super) fn quota(self) -> Quota {
        let (key, actions, what): (_, &[&str], _) = match self {
            Self::User => ("iam:quota-usernumber", &["iam:CreateUser"], "users"),
            Self::Group => ("iam:quota-groupnumber", &["iam:CreateGroup"], "groups"),
            Self::Role => ("iam:quota-rolenumber", &["iam:CreateRole"], "roles"),
            Self::InstanceProfile => (
                "iam:quota-instanceprofilenumber",
                &["iam:CreateInstanceProfile"],
                "instance profiles",
            ),
            Self::Policy => ("iam:quota-policynumber", &["iam:CreatePolicy"], "managed policies"),
        };
        Quota { key, actions, what, unit: 1 }
    }

    /// How many there are whose keys begin so. Blocks.
    pub(super) fn count(self, records: &Records, prefix: &str) -> Result<u64, ApiError> {
        fn all<T, E: Into<ApiError>>(
            rows: impl Iterator<Item = Result<T, E>>,
        ) -> Result<u64, ApiError> {
            let mut count = 0;
            for row in rows {
                row.map_err(Into::into)?;
                count += 1;
            }
            Ok(count)
        }
        match self {
            Self::User => all(records.users.all(prefix)),
            Self::Group => all(records.groups.all(prefix)),
            Self::Role => all(records.roles.all(prefix)),
            Self::InstanceProfile => all(records.profiles.all(prefix)),
            Self::Policy => all(records.policies.all(prefix)),
        }
    }
}

/// Finds out whether an account may have one more, and adds it to the batch that makes it. Blocks.
///
/// # Errors
/// `LimitExceeded`.
pub fn admit(
    records: &Records,
    batch: &mut Batch,
    caller: &Caller,
    kind: Kind,
) -> Result<(), ApiError> {
    let mut bounds = bounds(caller, [kind.quota()]);
    if bounds.is_empty() {
        return Ok(());
    }
    bounds.iter_mut().for_each(|bound| bound.whose = Whose::Account);
    take_turns(records, batch, caller, &bounds)?;
    let used = kind.count(records, &format!("{}/", caller.account))?;
    match bounds.into_iter().find(|bound| bound.left(used) == 0) {
        Some(bound) => Err(bound.exceeded(ErrorCode::LimitExceeded, used)),
        None => Ok(()),
    }
}
