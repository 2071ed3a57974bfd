//! `clc admin …`: works on the clc's own host, for whoever can read the peer key (root and the
//! service's user), without credentials. It asks the running clc and prints what it answers.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use common::wire::admin::{
    ChangeSetting, CredentialFiles, DescribeSettings, EnableUser, GetCredentials, RegisterUser,
};
use common::wire::audit::{LookAudit, VerifyAudit};
use common::wire::quota::ListQuotas;

use super::asking::{Clc, CommandError};
use super::audit::{self, AuditCommand};
use super::quotas::{Asked, QuotaCommand, line};
use super::registrations::{self, ContactOptions, LanguageOption, PeopleCommand};
use super::steering::SteeringCommand;
use crate::config::Config;
use crate::identity::credentials::EUCARC;
use crate::identity::folder;

/// What an administrator on the host can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a user and write the credentials into a directory
    AddUser(NewUser),
    /// Make new credentials for a user and write them into a directory; old ones stay good
    GetCredentials(Named),
    /// Let a user use the cloud again
    EnableUser {
        /// The user's name
        name: String,
    },
    /// Let a user use nothing: neither the APIs nor S3
    DisableUser {
        /// The user's name
        name: String,
    },
    /// List the properties that can be changed while the cloud runs
    DescribeProperties,
    /// Change a property
    ModifyProperty {
        /// What it shall be
        #[arg(short = 'p', long = "property", value_name = "NAME=VALUE")]
        property: String,
    },
    /// List what was asked of the cloud, the newest first, or verify the log of it
    Audit(AuditCommand),
    /// Quotas of accounts and buckets
    #[command(flatten)]
    Quota(QuotaCommand),
    /// Users, groups and mails
    #[command(flatten)]
    People(PeopleCommand),
    /// Nodes, instance types and the unbundle cache
    #[command(flatten)]
    Steering(SteeringCommand),
}

/// A user who is added.
#[derive(Debug, Args)]
pub struct NewUser {
    /// The name, and where the credentials go
    #[command(flatten)]
    named: Named,
    /// Who stands behind it
    #[command(flatten)]
    contact: ContactOptions,
    /// The language of mails to the user
    #[arg(long, value_enum)]
    language: Option<LanguageOption>,
    /// The file with a first password for the console, which the user has to change
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Have the user confirm by the link of a mail first; credentials are fetched afterwards
    #[arg(long, requires = "email")]
    by_mail: bool,
}

/// A user, and where the credentials go.
#[derive(Debug, Args)]
pub struct Named {
    /// The user's name: 1 to 30 letters, digits and '-', '.', '@', '_'
    name: String,
    /// The directory for the credentials; it must not hold others already [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Does a command and prints its result.
///
/// # Errors
/// Says what to do about it.
pub async fn run(
    command: Command,
    config: &Config,
    out: &mut (dyn Write + Send),
) -> Result<(), CommandError> {
    let clc = Clc::find(config)?;
    match command {
        Command::AddUser(new) => {
            let NewUser { named, contact, language, password_file, by_mail } = new;
            let dir = named.folder()?;
            let password = password_file.as_deref();
            let register = RegisterUser {
                name: named.name.clone(),
                contact: contact.into(),
                language: language.map(Into::into),
                password: password.map(|path| registrations::password(Some(path))).transpose()?,
                by_mail,
            };
            let files = clc.ask(register).await?;
            if by_mail {
                let (name, account) = (&named.name, &files.account);
                return Ok(writeln!(out, "USER\t{name}\t{account}\tapproved")?);
            }
            named.write(&dir, &files, out)
        }
        Command::GetCredentials(named) => {
            let dir = named.folder()?;
            let files = clc.ask(GetCredentials { name: named.name.clone() }).await?;
            named.write(&dir, &files, out)
        }
        Command::People(command) => command.run(&clc, out).await,
        Command::Steering(command) => command.run(&clc, out).await,
        Command::EnableUser { name } => {
            clc.ask(EnableUser { name: name.clone(), enabled: true }).await?;
            Ok(writeln!(out, "USER\t{name}\tenabled")?)
        }
        Command::DisableUser { name } => {
            clc.ask(EnableUser { name: name.clone(), enabled: false }).await?;
            Ok(writeln!(out, "USER\t{name}\tdisabled")?)
        }
        Command::DescribeProperties => {
            for it in clc.ask(DescribeSettings {}).await? {
                writeln!(out, "PROPERTY\t{}\t{}\t{}", it.name, it.value, it.meaning)?;
            }
            Ok(())
        }
        Command::ModifyProperty { property } => {
            let (name, value) = property
                .split_once('=')
                .ok_or_else(|| CommandError::NoAssignment(property.clone()))?;
            let (name, value) = (name.trim().to_owned(), value.to_owned());
            clc.ask(ChangeSetting { name: name.clone(), value: value.clone() }).await?;
            Ok(writeln!(out, "PROPERTY\t{name}\t{value}")?)
        }
        Command::Audit(command) => listed(&clc, &command, out).await,
        Command::Quota(command) => match command.asked() {
            Asked::Change(change) => Ok(writeln!(out, "{}", line(&clc.ask(change).await?))?),
            Asked::List => {
                let mut after = None;
                loop {
                    let page = clc.ask(ListQuotas { after }).await?;
                    let Some(last) = page.last() else { return Ok(()) };
                    after = Some(last.quota.scope.clone());
                    for quota in &page {
                        writeln!(out, "{}", line(quota))?;
                    }
                }
            }
        },
    }
}

/// Prints records, or how the log stands.
async fn listed(
    clc: &Clc,
    command: &AuditCommand,
    out: &mut (dyn Write + Send),
) -> Result<(), CommandError> {
    if command.verify {
        let states = clc.ask(VerifyAudit {}).await?;
        for state in &states {
            writeln!(out, "{state}")?;
        }
        let sound = states.iter().all(|state| state.fault.is_none());
        return if sound { Ok(()) } else { Err(CommandError::Tampered) };
    }
    let (filter, mut next, mut left) = (command.filter(), None, command.limit);
    while left > 0 {
        let most = left.min(audit::PAGE);
        let page = clc.ask(LookAudit { filter: filter.clone(), next, most }).await?;
        for event in &page.events {
            writeln!(out, "{}", command.line(event))?;
        }
        left -= page.events.len().min(left);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok(())
}

impl Named {
    /// Where the credentials go; checked before anything is made.
    fn folder(&self) -> Result<PathBuf, CommandError> {
        let dir = match &self.dir {
            Some(dir) => dir.clone(),
            // A user may be called `..`, but a directory of that name is somebody else's.
            None if self.name.is_empty() || matches!(self.name.as_str(), "." | "..") => {
                return Err(CommandError::NoFolder(self.name.clone()));
            }
            None if self.name.contains('/') => {
                return Err(CommandError::NoFolder(self.name.clone()));
            }
            None => Path::new(".").join(&self.name),
        };
        if dir.join(EUCARC).exists() {
            return Err(CommandError::Occupied(dir));
        }
        Ok(dir)
    }

    fn write(
        &self,
        dir: &Path,
        files: &CredentialFiles,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CommandError> {
        let written = folder::write(dir, &files.files)
            .map_err(|error| CommandError::Unwritten(error, self.name.clone()))?;
        writeln!(out, "USER\t{}\t{}\t{}", self.name, files.account, written.display())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_land_where_nobody_expects_them() {
        let dir = tempfile::tempdir().unwrap();
        let named =
            |name: &str, dir: Option<&Path>| Named { name: name.into(), dir: dir.map(Into::into) };
        for name in ["", ".", "..", "a/b", "/etc"] {
            assert!(matches!(named(name, None).folder(), Err(CommandError::NoFolder(_))), "{name}");
        }
        assert_eq!(named("taro", None).folder().unwrap(), Path::new("./taro"));
        assert!(named("..", Some(dir.path())).folder().is_ok());
        std::fs::write(dir.path().join(EUCARC), "").unwrap();
        assert!(matches!(named("x", Some(dir.path())).folder(), Err(CommandError::Occupied(_))));
    }
}
