//! How administration is asked, and what is printed of its answers.

use clap::Args;
use common::action::Action;
use common::administration::Done;
use common::administration::lines::line;

use crate::cmd::{Context, Failure};
use crate::config::{Service, Settings};
use crate::options::Remote;

/// The paths of administration.
pub(super) const ACCOUNTS: &str = "/services/Accounts";
pub(super) const CONFIGURATION: &str = "/services/Configuration";
pub(super) const PROPERTIES: &str = "/services/Properties";

/// Has the cloud perform an action of administration at one of its paths.
pub(super) fn ask<A: Action>(
    cx: &Context<'_>,
    remote: &Remote,
    path: &'static str,
    action: &A,
) -> Result<A::Output, Failure> {
    let settings = Settings::of(remote, cx.environment)?;
    Ok(settings.query(Service::Administration(path))?.send(action)?)
}

/// Has something done and says so as 2.0 does.
pub(super) fn done<A: Action<Output = Done>>(
    cx: &mut Context<'_>,
    remote: &Remote,
    path: &'static str,
    action: &A,
) -> Result<(), Failure> {
    ask(cx, remote, path, action)?;
    Ok(writeln!(cx.out, "RESPONSE true")?)
}

/// Prints columns parted by tabs, in which nothing controls a terminal.
pub(super) fn row(cx: &mut Context<'_>, columns: &[&str]) -> Result<(), Failure> {
    Ok(writeln!(cx.out, "{}", line(columns))?)
}

/// Prints lines.
pub(super) fn lines(cx: &mut Context<'_>, lines: &[String]) -> Result<(), Failure> {
    lines.iter().try_for_each(|line| Ok(writeln!(cx.out, "{line}")?))
}

/// Texts as 2.0 prints a list: a blank before each.
pub(super) fn listed(entries: &[String]) -> String {
    entries.iter().map(|entry| format!(" {entry}")).collect()
}

/// A user, by operand or, as earlier tools have it, by `-n`.
#[derive(Debug, Args)]
pub(super) struct OneUser {
    /// The user's name
    #[arg(value_name = "USERNAME", required_unless_present = "named")]
    user: Option<String>,
    #[arg(short = 'n', long = "name", id = "named", hide = true, conflicts_with = "user")]
    named: Option<String>,
}

impl OneUser {
    /// The name.
    pub(super) fn name(&self) -> String {
        self.user.clone().or_else(|| self.named.clone()).unwrap_or_default()
    }
}
