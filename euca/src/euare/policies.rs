//! Policies that users, groups, roles and accounts hold themselves: the same five commands for each.

use std::path::PathBuf;

use clap::Args;
use common::sign::percent_decode;
use serde_json::{Value, json};

use super::holders::{Holder, NamedAccount, OneAccount, OneGroup, OneRole, OneUser};
use super::iam::{Iam, block, file_text, line};
use crate::cmd::{Context, Execute, Failure};
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Add<OneUser, Resources>>(&["euare-useraddpolicy"], "Give a user a simple policy"),
    Row::of::<Upload<OneUser>>(&["euare-useruploadpolicy"], "Give a user a policy"),
    Row::of::<List<OneUser>>(&["euare-userlistpolicies"], "List the policies of a user"),
    Row::of::<Show<OneUser>>(&["euare-usergetpolicy"], "Print a policy of a user"),
    Row::of::<Delete<OneUser>>(&["euare-userdelpolicy"], "Remove a policy of a user"),
    Row::of::<Add<OneGroup, Resources>>(&["euare-groupaddpolicy"], "Give a group a simple policy"),
    Row::of::<Upload<OneGroup>>(&["euare-groupuploadpolicy"], "Give a group a policy"),
    Row::of::<List<OneGroup>>(&["euare-grouplistpolicies"], "List the policies of a group"),
    Row::of::<Show<OneGroup>>(&["euare-groupgetpolicy"], "Print a policy of a group"),
    Row::of::<Delete<OneGroup>>(&["euare-groupdelpolicy"], "Remove a policy of a group"),
    Row::of::<Add<OneRole, RoleResources>>(&["euare-roleaddpolicy"], "Give a role a simple policy"),
    Row::of::<Upload<OneRole>>(&["euare-roleuploadpolicy"], "Give a role a policy"),
    Row::of::<List<OneRole>>(&["euare-rolelistpolicies"], "List the policies of a role"),
    Row::of::<Show<OneRole>>(&["euare-rolegetpolicy"], "Print a policy of a role"),
    Row::of::<Delete<OneRole>>(&["euare-roledelpolicy"], "Remove a policy of a role"),
    Row::of::<Add<NamedAccount, Resources>>(
        &["euare-accountaddpolicy"],
        "Give an account a simple policy",
    ),
    Row::of::<Upload<OneAccount>>(&["euare-accountuploadpolicy"], "Give an account a policy"),
    Row::of::<List<OneAccount>>(&["euare-accountlistpolicies"], "List the policies of an account"),
    Row::of::<Show<OneAccount>>(&["euare-accountgetpolicy"], "Print a policy of an account"),
    Row::of::<Delete<OneAccount>>(&["euare-accountdelpolicy"], "Remove a policy of an account"),
];

/// The resources of a new policy, as `-r`.
#[derive(Debug, Args)]
pub(crate) struct Resources {
    /// A resource it is about
    #[arg(short, long, value_name = "RESOURCE", required = true)]
    resource: Vec<String>,
}

/// The same where `-r` stands for something else.
#[derive(Debug, Args)]
pub(crate) struct RoleResources {
    /// A resource it is about
    #[arg(short = 'c', long, value_name = "RESOURCE", required = true)]
    resource: Vec<String>,
}

/// Resources, by whichever option.
pub(crate) trait About: Args {
    /// The resources.
    fn resources(&self) -> &[String];
}

impl About for Resources {
    fn resources(&self) -> &[String] {
        &self.resource
    }
}

impl About for RoleResources {
    fn resources(&self) -> &[String] {
        &self.resource
    }
}

/// The name of a policy.
#[derive(Debug, Args)]
struct Policy {
    /// The policy's name
    #[arg(short, long, value_name = "POLICY")]
    policy_name: String,
}

/// How the text of a policy is printed.
#[derive(Debug, Clone, Copy, Args)]
struct Form {
    /// Print policies so that they are easier to read
    #[arg(long)]
    pretty_print: bool,
}

/// Puts a policy on its holder.
fn put<H: Holder>(iam: &Iam, holder: &H, policy: &str, document: &str) -> Result<(), Failure> {
    let asked = [
        (H::PARAMETER, Some(holder.held_by())),
        ("PolicyName", Some(policy)),
        ("PolicyDocument", Some(document)),
    ];
    iam.ask(H::ACTIONS[0], &asked).map(drop)
}

/// Prints a policy of a holder.
fn show<H: Holder>(
    cx: &mut Context<'_>,
    iam: &Iam,
    holder: &H,
    policy: &str,
    form: Form,
) -> Result<(), Failure> {
    let asked = [(H::PARAMETER, Some(holder.held_by())), ("PolicyName", Some(policy))];
    let found = iam.ask(H::ACTIONS[1], &asked)?;
    let text = percent_decode(found.text("PolicyDocument").unwrap_or_default());
    if !form.pretty_print {
        return block(cx, &text);
    }
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::Client(format!("the policy '{policy}' is no JSON: {error}")))?;
    block(cx, &format!("{value:#}"))
}

/// Options of `euare-useraddpolicy` and its like.
#[derive(Debug, Args)]
pub(crate) struct Add<H: Holder, R: About> {
    #[command(flatten)]
    holder: H,
    #[command(flatten)]
    policy: Policy,
    /// What it does
    #[arg(short, long, value_name = "EFFECT", value_parser = ["Allow", "Deny"])]
    effect: String,
    /// An action it is about
    #[arg(short, long, value_name = "ACTION", required = true)]
    action: Vec<String>,
    #[command(flatten)]
    about: R,
    /// Print the policy
    #[arg(short, long)]
    output: bool,
}

impl<H: Holder, R: About> Execute for Add<H, R> {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": self.effect,
                "Action": self.action,
                "Resource": self.about.resources(),
            }],
        })
        .to_string();
        put(&self.holder.iam(cx)?, &self.holder, &self.policy.policy_name, &document)?;
        match self.output {
            true => block(cx, &document),
            false => Ok(()),
        }
    }
}

/// Options of `euare-useruploadpolicy` and its like.
#[derive(Debug, Args)]
pub(crate) struct Upload<H: Holder> {
    #[command(flatten)]
    holder: H,
    #[command(flatten)]
    policy: Policy,
    /// The policy itself
    #[arg(short = 'o', long, value_name = "POLICY_CONTENT", group = "document")]
    policy_content: Option<String>,
    /// The file with the policy; - for standard input
    #[arg(short = 'f', long, value_name = "FILE", group = "document", required = true)]
    policy_document: Option<PathBuf>,
}

impl<H: Holder> Execute for Upload<H> {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let document = match (self.policy_content, &self.policy_document) {
            (Some(content), _) => content,
            (None, Some(path)) => file_text(path)?,
            (None, None) => return Err(Failure::Usage("-o or -f is needed".to_owned())),
        };
        put(&self.holder.iam(cx)?, &self.holder, &self.policy.policy_name, &document)
    }
}

/// Options of `euare-userlistpolicies` and its like.
#[derive(Debug, Args)]
pub(crate) struct List<H: Holder> {
    #[command(flatten)]
    holder: H,
    /// Show this policy only
    #[arg(short, long, value_name = "POLICY")]
    policy_name: Option<String>,
    /// Print the policies themselves, too
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    form: Form,
}

impl<H: Holder> Execute for List<H> {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.holder.iam(cx)?;
        let named = [(H::PARAMETER, Some(self.holder.held_by()))];
        let names = iam.texts(H::ACTIONS[2], ("PolicyNames", ""), &named)?;
        let wanted = self.policy_name.as_deref();
        for name in names.iter().filter(|name| wanted.is_none_or(|it| it == name.as_str())) {
            // One that is asked for by name and to be shown is shown alone.
            if wanted.is_none() || !self.verbose {
                line(cx, name)?;
            }
            if self.verbose {
                show(cx, &iam, &self.holder, name, self.form)?;
            }
        }
        // Accounts' policies have no such line in 3.4, either.
        match H::PARAMETER {
            "AccountName" => Ok(()),
            _ => line(cx, "IsTruncated: false"),
        }
    }
}

/// Options of `euare-usergetpolicy` and its like.
#[derive(Debug, Args)]
pub(crate) struct Show<H: Holder> {
    #[command(flatten)]
    holder: H,
    #[command(flatten)]
    policy: Policy,
    #[command(flatten)]
    form: Form,
}

impl<H: Holder> Execute for Show<H> {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.holder.iam(cx)?;
        show(cx, &iam, &self.holder, &self.policy.policy_name, self.form)
    }
}

/// Options of `euare-userdelpolicy` and its like.
#[derive(Debug, Args)]
pub(crate) struct Delete<H: Holder> {
    #[command(flatten)]
    holder: H,
    #[command(flatten)]
    policy: Policy,
}

impl<H: Holder> Execute for Delete<H> {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let asked = [
            (H::PARAMETER, Some(self.holder.held_by())),
            ("PolicyName", Some(self.policy.policy_name.as_str())),
        ];
        self.holder.iam(cx)?.ask(H::ACTIONS[3], &asked).map(drop)
    }
}
