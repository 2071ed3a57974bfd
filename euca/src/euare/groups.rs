//! Groups.

use clap::Args;

use super::holders::{Named as _, On, OneGroup};
use super::iam::{line, print, print_plan};
use crate::cmd::{Context, Execute, Failure};
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-groupcreate"], "Make a group"),
    Row::of::<Delete>(&["euare-groupdel"], "Remove a group"),
    Row::of::<Modify>(&["euare-groupmod"], "Rename or move a group"),
    Row::of::<List>(&["euare-grouplistbypath"], "List groups by their paths"),
    Row::of::<Members>(&["euare-grouplistusers"], "List the users of a group"),
    Row::of::<Add>(&["euare-groupadduser"], "Put users into a group"),
    Row::of::<Remove>(&["euare-groupremoveuser"], "Take users out of a group"),
];

/// Options of `euare-groupcreate`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    group: OneGroup,
    /// The group's path
    #[arg(short, long)]
    path: Option<String>,
    /// Print the group's ARN and id
    #[arg(short, long)]
    verbose: bool,
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = [("GroupName", Some(self.group.name())), ("Path", self.path.as_deref())];
        let made = self.group.on.iam(cx)?.ask("CreateGroup", &asked)?;
        match self.verbose {
            true => print(cx, &made, &["Group/Arn", "Group/GroupId"]),
            false => Ok(()),
        }
    }
}

/// Options of `euare-groupdel`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    group: OneGroup,
    /// Take its users out and its policies off first
    #[arg(short, long)]
    recursive: bool,
    #[arg(short = 'R', long, hide = true)]
    recursive_euca: bool,
    /// Print what would be taken out and off, and remove nothing
    #[arg(short, long)]
    pretend: bool,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.group.on.iam(cx)?;
        let name = Some(self.group.name());
        let named = &[("GroupName", name)];
        if self.pretend || self.recursive {
            let (users, _) = iam.list("GetGroup", "Users", named)?;
            let text = |path: &str| {
                users.iter().filter_map(|it| it.text(path)).map(str::to_owned).collect()
            };
            let (names, arns): (Vec<String>, Vec<String>) = (text("UserName"), text("Arn"));
            let policies = iam.texts("ListGroupPolicies", ("PolicyNames", ""), named)?;
            let attached =
                iam.texts("ListAttachedGroupPolicies", ("AttachedPolicies", "PolicyArn"), named)?;
            if self.pretend {
                let policies: Vec<String> = policies.into_iter().chain(attached).collect();
                return print_plan(cx, &[("users", &arns), ("policies", &policies)]);
            }
            let each = |action, parameter, all: &[String]| {
                all.iter().try_for_each(|it| {
                    iam.ask(action, &[("GroupName", name), (parameter, Some(it.as_str()))])
                        .map(drop)
                })
            };
            each("RemoveUserFromGroup", "UserName", &names)?;
            each("DeleteGroupPolicy", "PolicyName", &policies)?;
            each("DetachGroupPolicy", "PolicyArn", &attached)?;
        }
        let recursive = self.recursive_euca.then_some("true");
        iam.ask("DeleteGroup", &[("GroupName", name), ("IsRecursive", recursive)]).map(drop)
    }
}

/// Options of `euare-groupmod`.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    #[command(flatten)]
    group: OneGroup,
    /// The group's new name
    #[arg(short, long, value_name = "GROUP")]
    new_group_name: Option<String>,
    /// The group's new path
    #[arg(short = 'p', long, value_name = "PATH")]
    new_path: Option<String>,
}

impl Execute for Modify {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = [
            ("GroupName", Some(self.group.name())),
            ("NewGroupName", self.new_group_name.as_deref()),
            ("NewPath", self.new_path.as_deref()),
        ];
        self.group.on.iam(cx)?.ask("UpdateGroup", &asked).map(drop)
    }
}

/// Options of `euare-grouplistbypath`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Show only those whose path begins with this
    #[arg(short, long, value_name = "PATH")]
    path_prefix: Option<String>,
    #[command(flatten)]
    on: On,
}

impl Execute for List {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let prefix = [("PathPrefix", self.path_prefix.as_deref())];
        let arns = self.on.iam(cx)?.texts("ListGroups", ("Groups", "Arn"), &prefix)?;
        line(cx, "groups")?;
        arns.iter().try_for_each(|arn| line(cx, &format!("   {arn}")))
    }
}

/// Options of `euare-grouplistusers`.
#[derive(Debug, Args)]
pub(crate) struct Members {
    #[command(flatten)]
    group: OneGroup,
}

impl Execute for Members {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("GroupName", Some(self.group.name()))];
        let (users, last) = self.group.on.iam(cx)?.list("GetGroup", "Users", &named)?;
        print(cx, &last, &["Group/Arn"])?;
        line(cx, "   users")?;
        let arns = users.iter().map(|user| user.text("Arn").unwrap_or_default());
        arns.into_iter().try_for_each(|arn| line(cx, &format!("   {arn}")))
    }
}

/// A group and some users.
#[derive(Debug, Args)]
struct Membership {
    #[command(flatten)]
    group: OneGroup,
}

impl Membership {
    fn ask(&self, cx: &Context<'_>, action: &'static str, users: &[String]) -> Result<(), Failure> {
        let iam = self.group.on.iam(cx)?;
        users.iter().try_for_each(|user| {
            let asked = [("GroupName", Some(self.group.name())), ("UserName", Some(user.as_str()))];
            iam.ask(action, &asked).map(drop)
        })
    }
}

/// Options of `euare-groupadduser`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    of: Membership,
    /// A user to put into it
    #[arg(short, long = "user-name", value_name = "USER", required = true)]
    user_name: Vec<String>,
}

impl Execute for Add {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.of.ask(cx, "AddUserToGroup", &self.user_name)
    }
}

/// Options of `euare-groupremoveuser`.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    of: Membership,
    /// A user to take out of it
    #[arg(short, long = "user-name", value_name = "USER", required = true)]
    user_name: Vec<String>,
}

impl Execute for Remove {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.of.ask(cx, "RemoveUserFromGroup", &self.user_name)
    }
}
