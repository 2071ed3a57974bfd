//! Administration of the cloud from anywhere, with an administrator's keys: the commands that 2.0
//! had on the host of its controller, one file a family.
//!
//! Options and lines are 2.0's; where its tools printed Python's `None`, there is nothing. Errors
//! and exit statuses are those of all other commands here.

mod components;
mod credentials;
mod groups;
mod properties;
mod users;

use clap::Args;
use common::action::Action;
use common::administration::Done;

use crate::cmd::{Context, Failure};
use crate::config::{Service, Settings};
use crate::options::Remote;
use crate::row::Row;

/// The paths of administration.
const ACCOUNTS: &str = "/services/Accounts";
const CONFIGURATION: &str = "/services/Configuration";
const PROPERTIES: &str = "/services/Properties";

/// The commands.
pub(crate) const ROWS: &[Row] = &[
    Row::of::<users::Add>(&["add-user"], "Register a user").administration(),
    Row::of::<users::Delete>(&["delete-user"], "Delete a user").administration(),
    Row::of::<users::Describe>(&["describe-users"], "List users").administration(),
    Row::of::<users::Enable>(&["enable-user"], "Let a user use the cloud again").administration(),
    Row::of::<users::Disable>(
        &["disable-user"],
        "Let a user use nothing: neither the APIs nor S3 nor the console",
    )
    .administration(),
    Row::of::<credentials::Get>(
        &["get-credentials"],
        "Make a user's credentials, as a zip or in a directory",
    )
    .administration(),
    Row::of::<groups::Add>(&["add-user-group"], "Make a group of users").administration(),
    Row::of::<groups::Delete>(&["delete-user-group"], "Delete a group of users").administration(),
    Row::of::<groups::Describe>(
        &["describe-user-groups"],
        "List groups of users and the zones that they may use",
    )
    .administration(),
    Row::of::<groups::AddMember>(&["add-group-membership"], "Put a user into a group")
        .administration(),
    Row::of::<groups::RemoveMember>(&["remove-group-membership"], "Take a user out of a group")
        .administration(),
    Row::of::<groups::Grant>(&["grant-zone-permission"], "Let a group use a zone").administration(),
    Row::of::<groups::Revoke>(&["revoke-zone-permission"], "Let a group use a zone no longer")
        .administration(),
    Row::of::<properties::Describe>(
        &["describe-properties"],
        "List what can be changed while the cloud runs",
    )
    .administration(),
    Row::of::<properties::Modify>(&["modify-property"], "Change properties").administration(),
    Row::of::<components::Nodes>(&["describe-nodes"], "List nodes and what runs on them")
        .administration(),
    Row::of::<components::Clusters>(&["describe-clusters"], "List availability zones")
        .administration(),
    Row::of::<components::Walruses>(&["describe-walruses"], "List where objects are kept")
        .administration(),
    Row::of::<components::StorageControllers>(
        &["describe-storage-controllers"],
        "List storage controllers",
    )
    .administration(),
    Row::of::<components::All>(&["describe-components"], "List all components").administration(),
    Row::of::<components::Register<components::Cluster>>(
        &["register-cluster"],
        "Told how a zone is added: by the configuration",
    )
    .administration(),
    Row::of::<components::Deregister<components::Cluster>>(
        &["deregister-cluster"],
        "Told how a zone is removed: by the configuration",
    )
    .administration(),
    Row::of::<components::Register<components::Walrus>>(
        &["register-walrus"],
        "Told how a walrus is added: by the configuration",
    )
    .administration(),
    Row::of::<components::Deregister<components::Walrus>>(
        &["deregister-walrus"],
        "Told how a walrus is removed: by the configuration",
    )
    .administration(),
    Row::of::<components::Register<components::StorageController>>(
        &["register-storage-controller"],
        "Told that there are none",
    )
    .administration(),
    Row::of::<components::Deregister<components::StorageController>>(
        &["deregister-storage-controller"],
        "Told that there are none",
    )
    .administration(),
];

/// Has the cloud perform an action of administration at one of its paths.
fn ask<A: Action>(
    cx: &Context<'_>,
    remote: &Remote,
    path: &'static str,
    action: &A,
) -> Result<A::Output, Failure> {
    let settings = Settings::of(remote, cx.environment)?;
    Ok(settings.query(Service::Administration(path))?.send(action)?)
}

/// Has something done and says so as 2.0 does.
fn done<A: Action<Output = Done>>(
    cx: &mut Context<'_>,
    remote: &Remote,
    path: &'static str,
    action: &A,
) -> Result<(), Failure> {
    ask(cx, remote, path, action)?;
    Ok(writeln!(cx.out, "RESPONSE true")?)
}

/// Prints columns parted by tabs, in which nothing controls a terminal.
fn row(cx: &mut Context<'_>, columns: &[&str]) -> Result<(), Failure> {
    let columns: Vec<String> =
        columns.iter().map(|column| column.replace(|c: char| c.is_control(), " ")).collect();
    Ok(writeln!(cx.out, "{}", columns.join("\t"))?)
}

/// Texts as 2.0 prints a list: a blank before each.
fn listed(entries: &[String]) -> String {
    entries.iter().map(|entry| format!(" {entry}")).collect()
}

/// A user, by operand or, as earlier tools have it, by `-n`.
#[derive(Debug, Args)]
struct OneUser {
    /// The user's name
    #[arg(value_name = "USERNAME", required_unless_present = "named")]
    user: Option<String>,
    #[arg(short = 'n', long = "name", id = "named", hide = true, conflicts_with = "user")]
    named: Option<String>,
}

impl OneUser {
    fn name(&self) -> String {
        self.user.clone().or_else(|| self.named.clone()).unwrap_or_default()
    }
}
