//! Users, as 2.0 counts them: accounts, and the administrators of the cloud.

use clap::Args;
use common::administration::accounts::{AddUser, DeleteUser, DescribeUsers, EnableUser, User};

use super::asking::{ACCOUNTS, OneUser, ask, done, listed, row};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;

/// Options of `euca-add-user`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    user: OneUser,
    /// The user's mail address
    #[arg(short, long)]
    email: Option<String>,
    /// Make the user an administrator of the cloud: a user of the account eucalyptus
    #[arg(short, long)]
    admin: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Add {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let admin = self.admin.then_some(true);
        let ask = AddUser { user_name: self.user.name(), email: self.email, admin };
        done(cx, &self.remote, ACCOUNTS, &ask)
    }
}

/// Options of `euca-delete-user`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    user: OneUser,
    /// What becomes of what the user owns: with "refuse" nobody is deleted who owns something, with
    /// "give" all of it becomes another user's, with "end" instances are terminated, images
    /// deregistered, key pairs, buckets and objects deleted
    #[arg(long, value_name = "WHAT", value_parser = ["refuse", "give", "end"])]
    belongings: Option<String>,
    /// Whose it becomes, with "give"
    #[arg(long, value_name = "USERNAME")]
    heir: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = DeleteUser {
            user_name: self.user.name(),
            belongings: self.belongings,
            heir: self.heir,
        };
        done(cx, &self.remote, ACCOUNTS, &ask)
    }
}

/// Options of `euca-enable-user`.
#[derive(Debug, Args)]
pub(crate) struct Enable {
    #[command(flatten)]
    user: OneUser,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Enable {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = EnableUser { user_name: self.user.name(), enabled: true };
        done(cx, &self.remote, ACCOUNTS, &ask)
    }
}

/// Options of `euca-disable-user`.
#[derive(Debug, Args)]
pub(crate) struct Disable {
    #[command(flatten)]
    user: OneUser,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Disable {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = EnableUser { user_name: self.user.name(), enabled: false };
        done(cx, &self.remote, ACCOUNTS, &ask)
    }
}

/// Options of `euca-describe-users`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Show these users only, and the secrets of their access keys, too
    #[arg(value_name = "USERNAME")]
    users: Vec<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = DescribeUsers { user_names: self.users };
        let found = ask(cx, &self.remote, ACCOUNTS, &asked)?;
        found.users.item.iter().try_for_each(|user| print(cx, user))
    }
}

fn print(cx: &mut Context<'_>, user: &User) -> Result<(), Failure> {
    let name = user.user_name.as_str();
    let state = if user.enabled { "ENABLED" } else { "DISABLED" };
    // 2.0 has a blank behind the mail address of whoever is no administrator.
    match user.admin {
        true => row(cx, &["USER", "", name, &user.email, "ADMIN", state])?,
        false => row(cx, &["USER", "", name, &format!("{} ", user.email), state])?,
    }
    if let Some(deletion) = &user.deletion {
        row(cx, &["USER-DELETION", name, deletion])?;
    }
    row(cx, &["USER-GROUP", name, &listed(&user.groups.entry)])?;
    row(cx, &["USER-CERT", name, &user.distinguished_name, &user.certificate_serial])?;
    for revoked in &user.revoked.entry {
        row(cx, &["USER-REVOKED", name, revoked])?;
    }
    row(cx, &["USER-KEYS", name, &user.access_key, &user.secret_key])?;
    row(cx, &["USER-CODE", name, &user.certificate_code])?;
    row(cx, &["USER-WEB ", name, &user.confirmation_code])
}
