//! Users.

use clap::Args;
use common::dialect::answer::Answer;

use super::holders::{AnyUser, Named as _, On, OneUser};
use super::iam::{Iam, line, print, print_plan};
use super::keys::{self, Config};
use crate::cmd::{Context, Execute, Failure};
use crate::output::Rows;
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-usercreate"], "Make a user"),
    Row::of::<Delete>(&["euare-userdel"], "Remove a user"),
    Row::of::<List>(&["euare-userlistbypath"], "List users by their paths"),
    Row::of::<Describe>(&["euare-usergetattributes"], "Print a user's ARN and id"),
    Row::of::<Info>(&["euare-usergetinfo"], "Print what is noted of a user"),
    Row::of::<Modify>(&["euare-usermod"], "Rename, move, enable or disable a user"),
    Row::of::<Groups>(&["euare-userlistgroups"], "List the groups that a user is in"),
];

/// Options of `euare-usercreate`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    user: OneUser,
    /// The user's path
    #[arg(short, long)]
    path: Option<String>,
    /// Put the user into this group
    #[arg(short, long, value_name = "GROUP")]
    group_name: Option<String>,
    /// Make no user if there is no such group
    #[arg(long)]
    verify: bool,
    /// Make an access key for the user and print it
    #[arg(short = 'k', long)]
    create_accesskey: bool,
    /// Print the user's ARN and id
    #[arg(short, long, conflicts_with = "write_config")]
    verbose: bool,
    #[command(flatten)]
    config: Config,
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.user.on.iam(cx)?;
        let user = Some(self.user.name.as_str());
        let group = self.group_name.as_deref();
        if self.verify && group.is_some() {
            iam.ask("GetGroup", &[("GroupName", group), ("MaxItems", Some("1"))])?;
        }
        let made = iam.ask("CreateUser", &[("UserName", user), ("Path", self.path.as_deref())])?;
        if group.is_some() {
            iam.ask("AddUserToGroup", &[("GroupName", group), ("UserName", user)])?;
        }
        if self.verbose {
            print(cx, &made, &["User/Arn", "User/UserId"])?;
        }
        match self.create_accesskey || self.config.write_config {
            true => keys::create(cx, &iam, &self.user.on.remote, user, &self.config),
            false => Ok(()),
        }
    }
}

/// Options of `euare-userdel`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    user: OneUser,
    /// Remove what the user has first: keys, certificates, policies, the password, memberships
    #[arg(short, long)]
    recursive: bool,
    #[arg(short = 'R', long, hide = true)]
    recursive_euca: bool,
    /// Print what would be removed with the user, and remove nothing
    #[arg(short, long)]
    pretend: bool,
}

/// What a user has.
struct Belongings {
    keys: Vec<String>,
    policies: Vec<String>,
    certificates: Vec<String>,
    /// Names and ARNs.
    groups: Vec<(String, String)>,
    attached: Vec<String>,
    login: bool,
}

impl Belongings {
    fn of(iam: &Iam, user: Option<&str>) -> Result<Self, Failure> {
        let named = &[("UserName", user)];
        let keys = iam.texts("ListAccessKeys", ("AccessKeyMetadata", "AccessKeyId"), named)?;
        let policies = iam.texts("ListUserPolicies", ("PolicyNames", ""), named)?;
        let certificates =
            iam.texts("ListSigningCertificates", ("Certificates", "CertificateId"), named)?;
        let (groups, _) = iam.list("ListGroupsForUser", "Groups", named)?;
        let text = |group: &Answer, path| group.text(path).unwrap_or_default().to_owned();
        let groups = groups.iter().map(|it| (text(it, "GroupName"), text(it, "Arn"))).collect();
        let attached =
            iam.texts("ListAttachedUserPolicies", ("AttachedPolicies", "PolicyArn"), named)?;
        let login = match iam.ask("GetLoginProfile", named) {
            Ok(_) => true,
            Err(Failure::Api { code, .. }) if code == "NoSuchEntity" => false,
            Err(other) => return Err(other),
        };
        Ok(Self { keys, policies, certificates, groups, attached, login })
    }

    fn remove(self, iam: &Iam, user: Option<&str>) -> Result<(), Failure> {
        let each = |action, parameter, names: &[String]| {
            names.iter().try_for_each(|name| {
                iam.ask(action, &[("UserName", user), (parameter, Some(name.as_str()))]).map(drop)
            })
        };
        each("DeleteAccessKey", "AccessKeyId", &self.keys)?;
        each("DeleteUserPolicy", "PolicyName", &self.policies)?;
        each("DetachUserPolicy", "PolicyArn", &self.attached)?;
        each("DeleteSigningCertificate", "CertificateId", &self.certificates)?;
        let groups: Vec<String> = self.groups.into_iter().map(|(name, _)| name).collect();
        each("RemoveUserFromGroup", "GroupName", &groups)?;
        if self.login {
            iam.ask("DeleteLoginProfile", &[("UserName", user)])?;
        }
        Ok(())
    }
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.user.on.iam(cx)?;
        let user = Some(self.user.name());
        if self.pretend || self.recursive {
            let all = Belongings::of(&iam, user)?;
            if self.pretend {
                let groups: Vec<String> = all.groups.iter().map(|(_, arn)| arn.clone()).collect();
                let policies: Vec<String> =
                    all.policies.iter().chain(&all.attached).cloned().collect();
                let plan: &[(&str, &[String])] = &[
                    ("accesskeys", &all.keys),
                    ("policies", &policies),
                    ("certificates", &all.certificates),
                    ("groups", &groups),
                ];
                return print_plan(cx, plan);
            }
            all.remove(&iam, user)?;
        }
        let recursive = self.recursive_euca.then_some("true");
        iam.ask("DeleteUser", &[("UserName", user), ("IsRecursive", recursive)])?;
        Ok(())
    }
}

/// Options of `euare-userlistbypath`.
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
        let arns = self.on.iam(cx)?.texts("ListUsers", ("Users", "Arn"), &prefix)?;
        arns.iter().try_for_each(|arn| line(cx, arn))
    }
}

/// Options of `euare-usergetattributes`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    #[command(flatten)]
    user: AnyUser,
    /// Print when the user was made and whether it is enabled, too
    #[arg(long)]
    show_extra: bool,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let extra = self.show_extra.then_some("true");
        let asked = [("UserName", self.user.name.as_deref()), ("ShowExtra", extra)];
        let found = self.user.on.iam(cx)?.ask("GetUser", &asked)?;
        print(cx, &found, &["User/Arn", "User/UserId"])?;
        match self.show_extra {
            true => print(
                cx,
                &found,
                &["User/CreateDate", "User/Enabled", "User/RegStatus", "User/PasswordExpiration"],
            ),
            false => Ok(()),
        }
    }
}

/// Options of `euare-usergetinfo`.
#[derive(Debug, Args)]
pub(crate) struct Info {
    #[command(flatten)]
    user: AnyUser,
    /// Print this piece only
    #[arg(short = 'k', long, value_name = "KEY")]
    info_key: Option<String>,
}

impl Execute for Info {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.user.on.iam(cx)?;
        let (found, _) =
            iam.list("ListUserTags", "Tags", &[("UserName", self.user.name.as_deref())])?;
        for tag in &found {
            let key = tag.text("Key").unwrap_or_default();
            if self.info_key.as_deref().is_none_or(|wanted| wanted == key) {
                let value = tag.text("Value").unwrap_or_default();
                Rows::new(cx.out, false).row(&[key, value])?;
            }
        }
        Ok(())
    }
}

/// Options of `euare-usermod`.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    #[command(flatten)]
    user: OneUser,
    /// The user's new name
    #[arg(short, long, value_name = "USER")]
    new_user_name: Option<String>,
    /// The user's new path
    #[arg(short = 'p', long, value_name = "PATH")]
    new_path: Option<String>,
    /// Whether the user may use anything
    #[arg(long, value_name = "ENABLED", value_parser = ["true", "false"])]
    enabled: Option<String>,
    /// When the password expires
    #[arg(long, value_name = "YYYY-MM-DDThh:mm:ssZ")]
    pwd_expires: Option<String>,
    /// How far the registration is
    #[arg(long, value_name = "STATUS", value_parser = ["REGISTERED", "APPROVED", "CONFIRMED"])]
    reg_status: Option<String>,
}

impl Execute for Modify {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = [
            ("UserName", Some(self.user.name())),
            ("NewUserName", self.new_user_name.as_deref()),
            ("NewPath", self.new_path.as_deref()),
            ("Enabled", self.enabled.as_deref()),
            ("PasswordExpiration", self.pwd_expires.as_deref()),
            ("RegStatus", self.reg_status.as_deref()),
        ];
        self.user.on.iam(cx)?.ask("UpdateUser", &asked)?;
        Ok(())
    }
}

/// Options of `euare-userlistgroups`.
#[derive(Debug, Args)]
pub(crate) struct Groups {
    #[command(flatten)]
    user: OneUser,
}

impl Execute for Groups {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("UserName", Some(self.user.name()))];
        let arns = self.user.on.iam(cx)?.texts("ListGroupsForUser", ("Groups", "Arn"), &named)?;
        arns.iter().try_for_each(|arn| line(cx, arn))
    }
}
