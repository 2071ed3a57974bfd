//! Login profiles: the passwords by which users come into the console.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;

use super::holders::{Named as _, OneUser};
use super::iam::line;
use crate::cmd::{Context, Execute, Failure};
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Create>(&["euare-useraddloginprofile"], "Give a user a password"),
    Row::of::<Describe>(&["euare-usergetloginprofile"], "Tell whether a user has a password"),
    Row::of::<Modify>(&["euare-usermodloginprofile"], "Change a user's password"),
    Row::of::<Delete>(&["euare-userdelloginprofile"], "Take a user's password away"),
];

/// A new password.
#[derive(Debug, Args)]
struct Password {
    /// The password; read from the terminal or a line of standard input if absent
    #[arg(short, long)]
    password: Option<String>,
}

impl Password {
    fn read(self, cx: &mut Context<'_>) -> Result<String, Failure> {
        if let Some(given) = self.password {
            return Ok(given);
        }
        let input = std::io::stdin();
        let hidden = input.is_terminal().then(Hidden::begin).flatten();
        let ask = |cx: &mut Context<'_>, prompt: &str| {
            if hidden.is_some() {
                // Nobody can be told that standard error is closed.
                let _ = write!(cx.err, "{prompt}: ").and_then(|()| cx.err.flush());
            }
            let mut text = String::new();
            input.lock().read_line(&mut text).map_err(|error| {
                Failure::Client(format!("the password cannot be read: {error}"))
            })?;
            if hidden.is_some() {
                let _ = writeln!(cx.err);
            }
            Ok::<_, Failure>(text.trim_end_matches(['\r', '\n']).to_owned())
        };
        let password = ask(cx, "New password")?;
        if hidden.is_some() && ask(cx, "Retype new password")? != password {
            return Err(Failure::Client("the passwords are not the same".to_owned()));
        }
        match password.as_str() {
            "" => Err(Failure::Usage("argument -p/--password: it is empty".to_owned())),
            _ => Ok(password),
        }
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(rustix::termios::Termios);

impl Hidden {
    fn begin() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Options of `euare-useraddloginprofile`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    user: OneUser,
    #[command(flatten)]
    password: Password,
}

impl Execute for Create {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.user.on.iam(cx)?;
        let password = self.password.read(cx)?;
        let asked = [("UserName", Some(self.user.name.as_str())), ("Password", Some(&*password))];
        iam.ask("CreateLoginProfile", &asked).map(drop)
    }
}

/// Options of `euare-usermodloginprofile`.
#[derive(Debug, Args)]
pub(crate) struct Modify {
    #[command(flatten)]
    user: OneUser,
    #[command(flatten)]
    password: Password,
}

impl Execute for Modify {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let iam = self.user.on.iam(cx)?;
        let password = self.password.read(cx)?;
        let asked = [("UserName", Some(self.user.name.as_str())), ("Password", Some(&*password))];
        iam.ask("UpdateLoginProfile", &asked).map(drop)
    }
}

/// Options of `euare-usergetloginprofile`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    #[command(flatten)]
    user: OneUser,
    /// Print when it was made and whether it must be changed
    #[arg(long)]
    verbose: bool,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("UserName", Some(self.user.name()))];
        let found = self.user.on.iam(cx)?.ask("GetLoginProfile", &named)?;
        let text = |path| found.text(path);
        let user = text("LoginProfile/UserName").unwrap_or(self.user.name());
        line(cx, &format!("Login Profile Exists for User {user}"))?;
        if !self.verbose {
            return Ok(());
        }
        for (about, path) in [
            ("Creation date", "LoginProfile/CreateDate"),
            ("Must change password", "LoginProfile/PasswordResetRequired"),
        ] {
            if let Some(value) = text(path) {
                line(cx, &format!("{about}: {value}"))?;
            }
        }
        Ok(())
    }
}

/// Options of `euare-userdelloginprofile`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    user: OneUser,
}

impl Execute for Delete {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let named = [("UserName", Some(self.user.name()))];
        self.user.on.iam(cx)?.ask("DeleteLoginProfile", &named).map(drop)
    }
}
