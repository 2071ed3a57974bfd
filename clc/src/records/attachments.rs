//! What managed policies are attached to, as rows of an index: `POLICY-ARN|KIND/ACCOUNT/NAME`.
//!
//! A row is written in the commit that writes the ARN into a user, group or role, and goes with it.
//! Policies that every account finds have rows of all accounts.

use common::id::AccountId;
use store::{After, Batch, StoreError};

use super::Records;

/// How a managed policy is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Attached to a group.
    Group,
    /// Attached to a user.
    User,
    /// Attached to a role.
    Role,
    /// The boundary of a user.
    UserBoundary,
    /// The boundary of a role.
    RoleBoundary,
}

impl Use {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Group, Self::User, Self::Role, Self::UserBoundary, Self::RoleBoundary];

    /// The word in the index.
    pub fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::User => "user",
            Self::Role => "role",
            Self::UserBoundary => "boundary-user",
            Self::RoleBoundary => "boundary-role",
        }
    }

    /// Whether it is the boundary of somebody.
    pub fn is_boundary(self) -> bool {
        matches!(self, Self::UserBoundary | Self::RoleBoundary)
    }
}

impl Records {
    /// Adds to the batch that writes whoever bears a policy: the row that leads to them. `bearer` is
    /// the key of the user, group or role.
    pub fn attach(&self, batch: &mut Batch, arn: &str, how: Use, bearer: &str) {
        batch.point(&self.attachments, &row(arn, how, bearer), how.word());
    }

    /// Adds to the batch that writes whoever bore a policy: the row goes.
    pub fn detach(&self, batch: &mut Batch, arn: &str, how: Use, bearer: &str) {
        batch.unpoint(&self.attachments, &row(arn, how, bearer));
    }

    /// The keys of an account's users, groups or roles that have a policy in that way. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn bearers(
        &self,
        account: &AccountId,
        arn: &str,
        how: Use,
    ) -> Result<Vec<String>, StoreError> {
        let prefix = row(arn, how, &format!("{account}/"));
        let begin = prefix.len() - account.as_str().len() - 1;
        let rows = self.attachments.scan(&prefix, After::Start, usize::MAX)?;
        Ok(rows.into_iter().filter_map(|row| row.key.get(begin..).map(str::to_owned)).collect())
    }

    /// How many of an account's users, groups and roles have a policy, and for how many it is the
    /// boundary. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn uses(&self, account: &AccountId, arn: &str) -> Result<(usize, usize), StoreError> {
        let (mut attached, mut bounded) = (0, 0);
        for how in Use::ALL {
            let bearers = self.bearers(account, arn, how)?.len();
            *(if how.is_boundary() { &mut bounded } else { &mut attached }) += bearers;
        }
        Ok((attached, bounded))
    }
}

fn row(arn: &str, how: Use, bearer: &str) -> String {
    format!("{arn}|{}/{bearer}", how.word())
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;

    #[test]
    fn each_account_sees_its_own_bearers() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let (one, two) = (AccountId::from_random([1; 8]), AccountId::from_random([2; 8]));
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        let mut batch = Batch::new();
        for (how, account, name) in [
            (Use::User, &one, "a"),
            (Use::User, &two, "b"),
            (Use::Role, &one, "c"),
            (Use::UserBoundary, &one, "a"),
        ] {
            records.attach(&mut batch, arn, how, &format!("{account}/{name}"));
        }
        records.attach(&mut batch, &format!("{arn}More"), Use::User, &format!("{one}/z"));
        batch.commit(&*records.engine).unwrap();
        assert_eq!(records.bearers(&one, arn, Use::User).unwrap(), [format!("{one}/a")]);
        assert_eq!(records.uses(&one, arn).unwrap(), (2, 1));
        assert_eq!(records.uses(&two, arn).unwrap(), (1, 0));
        let mut batch = Batch::new();
        records.detach(&mut batch, arn, Use::User, &format!("{one}/a"));
        batch.commit(&*records.engine).unwrap();
        assert_eq!(records.uses(&one, arn).unwrap(), (1, 1));
    }
}
