//! Groups of users, and the zones that they may use.

use clap::Args;
use common::administration::groups::{
    AddGroup, AddGroupMember, DeleteGroup, DescribeGroups, GrantGroupAuthorization,
    RemoveGroupMember, RevokeGroupAuthorization,
};

use super::asking::{ACCOUNTS, ask, done, listed, row};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;

/// A group.
#[derive(Debug, Args)]
struct OneGroup {
    /// The group's name
    #[arg(value_name = "GROUPNAME")]
    group: String,
    #[command(flatten)]
    remote: Remote,
}

/// Options of `euca-add-user-group`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    of: OneGroup,
}

impl Execute for Add {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        done(cx, &self.of.remote, ACCOUNTS, &AddGroup { group_name: self.of.group })
    }
}

/// Options of `euca-delete-user-group`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    of: OneGroup,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        done(cx, &self.of.remote, ACCOUNTS, &DeleteGroup { group_name: self.of.group })
    }
}

/// Options of `euca-describe-user-groups`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Show these groups only
    #[arg(value_name = "GROUP")]
    groups: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeGroups { group_names: self.groups };
        for group in &ask(cx, &self.remote, ACCOUNTS, &asked)?.groups.item {
            let name = group.group_name.as_str();
            row(cx, &["GROUP      ", name, ""])?;
            row(cx, &["USERS", name, &listed(&group.users.entry)])?;
            row(cx, &["AUTH", name, &listed(&group.authorizations.entry)])?;
        }
        Ok(())
    }
}

/// Options of `euca-add-group-membership`.
#[derive(Debug, Args)]
pub(crate) struct AddMember {
    #[command(flatten)]
    of: OneGroup,
    /// The user
    #[arg(short, long, value_name = "USERNAME")]
    user: String,
}

impl Execute for AddMember {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = AddGroupMember { group_name: self.of.group, user_name: self.user };
        done(cx, &self.of.remote, ACCOUNTS, &ask)
    }
}

/// Options of `euca-remove-group-membership`.
#[derive(Debug, Args)]
pub(crate) struct RemoveMember {
    #[command(flatten)]
    of: OneGroup,
    /// The user
    #[arg(short, long, value_name = "USERNAME")]
    user: String,
}

impl Execute for RemoveMember {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = RemoveGroupMember { group_name: self.of.group, user_name: self.user };
        done(cx, &self.of.remote, ACCOUNTS, &ask)
    }
}

/// Options of `euca-grant-zone-permission`.
#[derive(Debug, Args)]
pub(crate) struct Grant {
    #[command(flatten)]
    of: OneGroup,
    /// The zone
    #[arg(short, long)]
    zone: String,
}

impl Execute for Grant {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = GrantGroupAuthorization { group_name: self.of.group, zone_name: self.zone };
        done(cx, &self.of.remote, ACCOUNTS, &ask)
    }
}

/// Options of `euca-revoke-zone-permission`.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    of: OneGroup,
    /// The zone
    #[arg(short, long)]
    zone: String,
}

impl Execute for Revoke {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = RevokeGroupAuthorization { group_name: self.of.group, zone_name: self.zone };
        done(cx, &self.of.remote, ACCOUNTS, &ask)
    }
}
