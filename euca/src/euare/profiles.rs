//! Instance profiles.

use clap::Args;
use common::dialect::answer::Answer;

use super::holders::{Named as _, On, OneProfile, OneRole};
use super::iam::{line, print, print_plan};
use super::roles;
use crate::cmd::{Context, Execute, Failure};
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-instanceprofilecreate"], "Make an instance profile"),
    Row::of::<Delete>(&["euare-instanceprofiledel"], "Remove an instance profile"),
    Row::of::<AddRole>(&["euare-instanceprofileaddrole"], "Put a role into an instance profile"),
    Row::of::<RemoveRole>(
        &["euare-instanceprofileremoverole"],
        "Take a role out of an instance profile",
    ),
    Row::of::<List>(&["euare-instanceprofilelistbypath"], "List instance profiles by their paths"),
    Row::of::<ListForRole>(
        &["euare-instanceprofilelistforrole"],
        "List the instance profiles that a role is in",
    ),
    Row::of::<Describe>(
        &["euare-instanceprofilegetattributes"],
        "Print an instance profile's ARN and id",
    ),
];

/// Options of `euare-instanceprofilecreate`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    profile: OneProfile,
    /// The profile's path
    #[arg(short, long)]
    path: Option<String>,
    /// Put this role into it
    #[arg(short = 'r', long, value_name = "ROLE", conflicts_with = "create_role")]
    add_role: Option<String>,
    /// Make a role of the same name and path that instances may take on, and put it into it
    #[arg(long)]
    create_role: bool,
    /// Print the profile's ARN and id
    #[arg(short, long)]
    verbose: bool,
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.profile.on.iam(cx)?;
        let (name, path) = (Some(self.profile.name()), self.path.as_deref());
        let asked = [("InstanceProfileName", name), ("Path", path)];
        let made = iam.ask("CreateInstanceProfile", &asked)?;
        let role = match self.create_role {
            true => {
                let trust = roles::trusting("ec2.amazonaws.com");
                let trust = Some(trust.as_str());
                let asked =
                    [("RoleName", name), ("Path", path), ("AssumeRolePolicyDocument", trust)];
                iam.ask("CreateRole", &asked)?;
                name
            }
            false => self.add_role.as_deref(),
        };
        if role.is_some() {
            let asked = [("InstanceProfileName", name), ("RoleName", role)];
            iam.ask("AddRoleToInstanceProfile", &asked)?;
        }
        match self.verbose {
            true => print(cx, &made, &["InstanceProfile/Arn", "InstanceProfile/InstanceProfileId"]),
            false => Ok(()),
        }
    }
}

fn roles_in(found: &Answer, text: &str) -> Vec<String> {
    let roles = found.members("InstanceProfile/Roles");
    roles.filter_map(|role| role.text(text)).map(str::to_owned).collect()
}

/// Options of `euare-instanceprofiledel`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    profile: OneProfile,
    /// Take its role out first
    #[arg(short, long)]
    recursive: bool,
    /// Print what would be taken out, and remove nothing
    #[arg(short, long)]
    pretend: bool,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.profile.on.iam(cx)?;
        let name = Some(self.profile.name());
        let named = &[("InstanceProfileName", name)];
        if self.pretend || self.recursive {
            let found = iam.ask("GetInstanceProfile", named)?;
            if self.pretend {
                return print_plan(cx, &[("roles", &roles_in(&found, "Arn"))]);
            }
            for role in roles_in(&found, "RoleName") {
                let asked = [("InstanceProfileName", name), ("RoleName", Some(role.as_str()))];
                iam.ask("RemoveRoleFromInstanceProfile", &asked)?;
            }
        }
        iam.ask("DeleteInstanceProfile", named).map(drop)
    }
}

/// A profile and a role.
#[derive(Debug, Args)]
struct Pair {
    #[command(flatten)]
    profile: OneProfile,
    /// The role
    #[arg(short, long, value_name = "ROLE")]
    role_name: String,
}

impl Pair {
    fn ask(&self, cx: &Context<'_>, action: &'static str) -> Result<(), Failure> {
        let asked = [
            ("InstanceProfileName", Some(self.profile.name())),
            ("RoleName", Some(self.role_name.as_str())),
        ];
        self.profile.on.iam(cx)?.ask(action, &asked).map(drop)
    }
}

/// Options of `euare-instanceprofileaddrole`.
#[derive(Debug, Args)]
pub(crate) struct AddRole {
    #[command(flatten)]
    pair: Pair,
}

impl Execute for AddRole {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.pair.ask(cx, "AddRoleToInstanceProfile")
    }
}

/// Options of `euare-instanceprofileremoverole`.
#[derive(Debug, Args)]
pub(crate) struct RemoveRole {
    #[command(flatten)]
    pair: Pair,
}

impl Execute for RemoveRole {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.pair.ask(cx, "RemoveRoleFromInstanceProfile")
    }
}

/// Options of `euare-instanceprofilelistbypath`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Show only those whose path begins with this
    #[arg(short, long, value_name = "PREFIX")]
    path_prefix: Option<String>,
    #[command(flatten)]
    on: On,
}

impl Execute for List {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let prefix = [("PathPrefix", self.path_prefix.as_deref())];
        let iam = self.on.iam(cx)?;
        let arns = iam.texts("ListInstanceProfiles", ("InstanceProfiles", "Arn"), &prefix)?;
        arns.iter().try_for_each(|arn| line(cx, arn))
    }
}

/// Options of `euare-instanceprofilelistforrole`.
#[derive(Debug, Args)]
pub(crate) struct ListForRole {
    #[command(flatten)]
    role: OneRole,
}

impl Execute for ListForRole {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("RoleName", Some(self.role.name()))];
        let iam = self.role.on.iam(cx)?;
        let arns = iam.texts("ListInstanceProfilesForRole", ("InstanceProfiles", "Arn"), &named)?;
        arns.iter().try_for_each(|arn| line(cx, arn))
    }
}

/// Options of `euare-instanceprofilegetattributes`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    #[command(flatten)]
    profile: OneProfile,
    /// Print the ARN of its role, too
    #[arg(short = 'r')]
    show_roles: bool,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("InstanceProfileName", Some(self.profile.name()))];
        let found = self.profile.on.iam(cx)?.ask("GetInstanceProfile", &named)?;
        print(cx, &found, &["InstanceProfile/Arn", "InstanceProfile/InstanceProfileId"])?;
        let roles = if self.show_roles { roles_in(&found, "Arn") } else { Vec::new() };
        roles.iter().try_for_each(|arn| line(cx, arn))
    }
}
