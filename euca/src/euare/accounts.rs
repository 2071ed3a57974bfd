//! Accounts, their aliases, and how much is in one.

use clap::Args;
use common::dialect::answer::Answer;

use super::holders::{On, OneAccount};
use super::iam::{Iam, line};
use super::keys::{self, Config};
use crate::cmd::{Context, Execute, Failure};
use crate::options::{Columns, Remote};
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-accountcreate"], "Make an account; for administrators of the cloud"),
    Row::of::<Delete>(&["euare-accountdel"], "Remove an account; for administrators of the cloud"),
    Row::of::<List>(&["euare-accountlist"], "List accounts"),
    Row::of::<CreateAlias>(&["euare-accountaliascreate"], "Give your account another name"),
    Row::of::<DeleteAlias>(&["euare-accountaliasdelete"], "Take a name of your account away"),
    Row::of::<ListAliases>(&["euare-accountaliaslist"], "List the names of your account"),
    Row::of::<Summary>(&["euare-accountgetsummary"], "Print how much is in your account"),
];

/// Options of `euare-accountcreate`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The account's name
    #[arg(value_name = "ACCOUNT")]
    name: Option<String>,
    #[arg(short = 'a', long = "account-name", hide = true)]
    _flag: bool,
    /// Make an access key for the account's owner and print it
    #[arg(short = 'k', long)]
    create_accesskey: bool,
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = Iam::of(cx, &self.remote, None)?;
        let made = iam.ask("CreateAccount", &[("AccountName", self.name.as_deref())])?;
        let text = |path| made.text(path).unwrap_or_default();
        let number = text("Account/AccountId");
        if !self.config.write_config {
            cx.rows(&self.columns).row(&[text("Account/AccountName"), number])?;
        }
        match self.create_accesskey || self.config.write_config {
            true => {
                let own = Iam::of(cx, &self.remote, Some(number))?;
                keys::create(cx, &own, &self.remote, Some("admin"), &self.config)
            }
            false => Ok(()),
        }
    }
}

/// Options of `euare-accountdel`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    account: OneAccount,
    /// Remove what is in it, too
    #[arg(short, long)]
    recursive: bool,
    /// What becomes of what it owns: "refuse" (the default), "give" to another account, "end"
    #[arg(long, value_name = "WHAT", value_parser = ["refuse", "give", "end"])]
    belongings: Option<String>,
    /// The account that gets it, with "give"
    #[arg(long, value_name = "ACCOUNT")]
    heir: Option<String>,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let recursive = self.recursive.then_some("true");
        let asked = [
            ("AccountName", Some(self.account.name.as_str())),
            ("Recursive", recursive),
            ("Belongings", self.belongings.as_deref()),
            ("Heir", self.heir.as_deref()),
        ];
        Iam::of(cx, &self.account.remote, None)?.ask("DeleteAccount", &asked).map(drop)
    }
}

/// Options of `euare-accountlist`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for List {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = Iam::of(cx, &self.remote, None)?;
        let (accounts, _) = iam.list("ListAccounts", "Accounts", &[])?;
        for account in &accounts {
            let text = |path| account.text(path).unwrap_or_default();
            cx.rows(&self.columns).row(&[text("AccountName"), text("AccountId")])?;
        }
        Ok(())
    }
}

/// A name of an account.
#[derive(Debug, Args)]
struct Alias {
    /// The name
    #[arg(value_name = "ACCOUNT")]
    alias: String,
    #[arg(short = 'a', long = "account-alias", hide = true)]
    _flag: bool,
    #[command(flatten)]
    on: On,
}

impl Alias {
    fn ask(&self, cx: &Context<'_>, action: &'static str) -> Result<(), Failure> {
        self.on.iam(cx)?.ask(action, &[("AccountAlias", Some(self.alias.as_str()))]).map(drop)
    }
}

/// Options of `euare-accountaliascreate`.
#[derive(Debug, Args)]
pub(crate) struct CreateAlias {
    #[command(flatten)]
    alias: Alias,
}

impl Execute for CreateAlias {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.alias.ask(cx, "CreateAccountAlias")
    }
}

/// Options of `euare-accountaliasdelete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteAlias {
    #[command(flatten)]
    alias: Alias,
}

impl Execute for DeleteAlias {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        self.alias.ask(cx, "DeleteAccountAlias")
    }
}

/// Options of `euare-accountaliaslist`.
#[derive(Debug, Args)]
pub(crate) struct ListAliases {
    #[command(flatten)]
    on: On,
}

impl Execute for ListAliases {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let names = self.on.iam(cx)?.texts("ListAccountAliases", ("AccountAliases", ""), &[])?;
        names.iter().try_for_each(|name| line(cx, &format!("Alias: {name}")))
    }
}

/// Options of `euare-accountgetsummary`.
#[derive(Debug, Args)]
pub(crate) struct Summary {
    #[command(flatten)]
    on: On,
}

impl Execute for Summary {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let found = self.on.iam(cx)?.ask("GetAccountSummary", &[])?;
        let text = |it: &Answer, path| it.text(path).unwrap_or_default().to_owned();
        let entries = found.members("SummaryMap");
        let mut lines: Vec<String> =
            entries.map(|it| format!("{}: {}", text(it, "key"), text(it, "value"))).collect();
        lines.sort();
        lines.iter().try_for_each(|entry| line(cx, entry))
    }
}
