//! Roles.

use std::path::PathBuf;

use clap::Args;
use common::dialect::answer::Answer;
use common::sign::percent_decode;
use serde_json::json;

use super::holders::{Named as _, On, OneRole};
use super::iam::{block, file_text, line, print, print_plan};
use crate::cmd::{Context, Execute, Failure};
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-rolecreate"], "Make a role"),
    Row::of::<Delete>(&["euare-roledel"], "Remove a role"),
    Row::of::<List>(&["euare-rolelistbypath"], "List roles by their paths"),
    Row::of::<Describe>(&["euare-rolegetattributes"], "Print a role's ARN, id and trust policy"),
    Row::of::<Trust>(&["euare-roleupdateassumepolicy"], "Say who may take on a role"),
];

/// Who may take on a role.
#[derive(Debug, Args)]
pub(super) struct Trusted {
    /// The file with the policy that says who may take it on; - for standard input
    #[arg(short = 'f', value_name = "FILE", group = "trusted")]
    file: Option<PathBuf>,
    /// The service that may take it on: ec2.amazonaws.com for instances
    #[arg(
        short,
        long,
        alias = "service_",
        value_name = "SERVICE",
        group = "trusted",
        required = true
    )]
    service: Option<String>,
}

impl Trusted {
    fn document(&self) -> Result<String, Failure> {
        match (&self.service, &self.file) {
            (Some(service), _) => Ok(trusting(service)),
            (None, Some(path)) => file_text(path),
            (None, None) => Err(Failure::Usage("-f or -s is needed".to_owned())),
        }
    }
}

/// The policy by which a service may take on a role.
pub(super) fn trusting(service: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": [service]},
            "Action": ["sts:AssumeRole"],
        }],
    })
    .to_string()
}

fn describe(cx: &mut Context<'_>, found: &Answer) -> Result<(), Failure> {
    print(cx, found, &["Role/Arn", "Role/RoleId"])?;
    block(cx, &percent_decode(found.text("Role/AssumeRolePolicyDocument").unwrap_or_default()))
}

/// Options of `euare-rolecreate`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    role: OneRole,
    /// The role's path
    #[arg(short, long)]
    path: Option<String>,
    #[command(flatten)]
    trusted: Trusted,
    /// Print the role's ARN, id and trust policy
    #[arg(short, long)]
    verbose: bool,
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let document = self.trusted.document()?;
        let asked = [
            ("RoleName", Some(self.role.name())),
            ("Path", self.path.as_deref()),
            ("AssumeRolePolicyDocument", Some(&*document)),
        ];
        let made = self.role.on.iam(cx)?.ask("CreateRole", &asked)?;
        if self.verbose { describe(cx, &made) } else { Ok(()) }
    }
}

/// Options of `euare-roledel`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    role: OneRole,
    /// Take it out of instance profiles and its policies off first
    #[arg(short = 'c', long)]
    recursive: bool,
    /// Print what it would be taken out of and what off, and remove nothing
    #[arg(short, long)]
    pretend: bool,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.role.on.iam(cx)?;
        let name = Some(self.role.name());
        let named = &[("RoleName", name)];
        if self.pretend || self.recursive {
            let (profiles, _) =
                iam.list("ListInstanceProfilesForRole", "InstanceProfiles", named)?;
            let text = |path: &str| -> Vec<String> {
                profiles.iter().filter_map(|it| it.text(path)).map(str::to_owned).collect()
            };
            let policies = iam.texts("ListRolePolicies", ("PolicyNames", ""), named)?;
            let attached =
                iam.texts("ListAttachedRolePolicies", ("AttachedPolicies", "PolicyArn"), named)?;
            if self.pretend {
                let policies: Vec<String> = policies.into_iter().chain(attached).collect();
                let arns = text("Arn");
                return print_plan(cx, &[("instance profiles", &arns), ("policies", &policies)]);
            }
            let each = |action, parameter, all: &[String]| {
                all.iter().try_for_each(|it| {
                    iam.ask(action, &[("RoleName", name), (parameter, Some(it.as_str()))]).map(drop)
                })
            };
            let profiles = text("InstanceProfileName");
            each("RemoveRoleFromInstanceProfile", "InstanceProfileName", &profiles)?;
            each("DeleteRolePolicy", "PolicyName", &policies)?;
            each("DetachRolePolicy", "PolicyArn", &attached)?;
        }
        iam.ask("DeleteRole", named).map(drop)
    }
}

/// Options of `euare-rolelistbypath`.
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
        let arns = self.on.iam(cx)?.texts("ListRoles", ("Roles", "Arn"), &prefix)?;
        arns.iter().try_for_each(|arn| line(cx, arn))
    }
}

/// Options of `euare-rolegetattributes`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    #[command(flatten)]
    role: OneRole,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("RoleName", Some(self.role.name()))];
        let found = self.role.on.iam(cx)?.ask("GetRole", &named)?;
        describe(cx, &found)
    }
}

/// Options of `euare-roleupdateassumepolicy`.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    #[command(flatten)]
    role: OneRole,
    #[command(flatten)]
    trusted: Trusted,
    /// Print the role's new policy
    #[arg(short = 'o')]
    output: bool,
}

impl Execute for Trust {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let document = self.trusted.document()?;
        let asked = [("RoleName", Some(self.role.name())), ("PolicyDocument", Some(&*document))];
        self.role.on.iam(cx)?.ask("UpdateAssumeRolePolicy", &asked)?;
        if self.output { block(cx, &document) } else { Ok(()) }
    }
}
