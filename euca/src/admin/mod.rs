//! Administration of the cloud from anywhere, with an administrator's keys: the commands that 2.0
//! had on the host of its controller, one file a family.
//!
//! Options and lines are 2.0's; where its tools printed Python's `None`, there is nothing. Errors
//! and exit statuses are those of all other commands here.

mod asking;
mod audit;
mod cache;
mod components;
mod credentials;
mod groups;
mod nodes;
mod properties;
mod types;
mod users;

use crate::row::Row;

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
    Row::of::<audit::Audit>(&["audit"], "List what was asked of the cloud, and by whom")
        .administration(),
    Row::of::<cache::Describe>(&["describe-image-cache"], "Show what lies in the unbundle cache")
        .administration(),
    Row::of::<cache::Evict>(&["evict-images"], "Remove images from the unbundle cache now")
        .administration(),
    Row::of::<components::Nodes>(&["describe-nodes"], "List nodes and what runs on them")
        .administration(),
    Row::of::<types::Modify>(&["modify-instance-type"], "Change the size of an instance type")
        .administration(),
    Row::of::<nodes::Drain>(&["drain-node"], "Have a node get no new instances").administration(),
    Row::of::<nodes::Enable>(&["enable-node"], "Have a node get instances again").administration(),
    Row::of::<nodes::GiveUp>(
        &["give-up-node"],
        "Give up a node that is lost: its instances are declared terminated",
    )
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
