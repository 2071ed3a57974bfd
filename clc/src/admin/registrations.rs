//! What an administrator on the host can do about users and zone groups: the commands, and the lines
//! that they print.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use common::wire::admin::{
    Belongings, ChangeContact, ChangeZoneGroup, DecideRegistration, Decision, DeleteUser, Deleted,
    DescribeMails, DescribeRegistrations, DescribeZoneGroups, GetCredentialsZip, GroupChange,
    MailView, SetPassword, ZoneGroupView,
};
use common::wire::people::{Contact, ContactChange, Language, Registered, ZipKind};

use super::asking::{Clc, CommandError};
use crate::identity::folder;

/// What can be done about users, groups and mails.
#[derive(Debug, Subcommand)]
pub enum PeopleCommand {
    /// List users: name, account number, enabled or disabled, how far the registration is, mail
    DescribeUsers {
        /// Only this user, with all that is known
        name: Option<String>,
    },
    /// Delete a user
    DeleteUser {
        /// The user's name
        name: String,
        /// What becomes of what the user owns
        #[arg(long, value_name = "WHAT", default_value = "refuse")]
        belongings: BelongingsOption,
        /// The user who gets it all, with `--belongings give`
        #[arg(long, value_name = "NAME")]
        heir: Option<String>,
    },
    /// Agree to a user's application; a mail asks for confirmation
    Approve {
        /// The user's name
        name: String,
    },
    /// Turn a user's application down
    Reject {
        /// The user's name
        name: String,
        /// Why; it stands in the mail
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Confirm an approved user without a mail
    Confirm {
        /// The user's name
        name: String,
    },
    /// Set a first password for the console, which the user has to change; read from standard input
    /// unless a file is named
    SetPassword {
        /// The user's name
        name: String,
        /// The file with the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Change what is known of who stands behind an account; what is not named stays as it is
    ModifyUser {
        /// The user's name
        name: String,
        /// What is changed
        #[command(flatten)]
        contact: ContactChanges,
    },
    /// Make credentials and write them as a zip; old ones stay good
    GetCredentialsZip {
        /// The user's name
        name: String,
        /// The file, which must not be there already [default: ./euca2-NAME-x509.zip]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Only access keys, no certificate
        #[arg(long)]
        keys_only: bool,
    },
    /// List zone groups: which users may use which availability zones
    DescribeUserGroups {
        /// Only this one
        group: Option<String>,
    },
    /// Make a zone group
    AddUserGroup {
        /// Its name
        group: String,
    },
    /// Remove a zone group
    DeleteUserGroup {
        /// Its name
        group: String,
    },
    /// Put a user into a zone group
    AddGroupMembership(Membership),
    /// Take a user out of a zone group
    RemoveGroupMembership(Membership),
    /// Let a zone group use an availability zone
    GrantZonePermission(Permission),
    /// Let a zone group use an availability zone no more
    RevokeZonePermission(Permission),
    /// List mails that are on their way or were given up
    DescribeMails,
}

/// A group and a user.
#[derive(Debug, Args)]
pub struct Membership {
    /// The group's name
    group: String,
    /// The user's name
    user: String,
}

/// A group and a zone.
#[derive(Debug, Args)]
pub struct Permission {
    /// The group's name
    group: String,
    /// The zone's name
    zone: String,
}

/// A language of mails.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LanguageOption {
    /// English
    En,
    /// Japanese
    Ja,
}

impl From<LanguageOption> for Language {
    fn from(option: LanguageOption) -> Self {
        match option {
            LanguageOption::En => Self::En,
            LanguageOption::Ja => Self::Ja,
        }
    }
}

/// What becomes of what a user owns who is deleted.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum BelongingsOption {
    /// Nobody is deleted who owns something
    Refuse,
    /// All of it becomes another user's
    Give,
    /// Instances are terminated, bundle tasks cancelled, images deregistered, key pairs, buckets
    /// and objects deleted
    End,
}

/// Who stands behind an account.
#[derive(Debug, Default, Args)]
pub struct ContactOptions {
    /// The mail address
    #[arg(long, short, default_value = "")]
    email: String,
    /// The full name
    #[arg(long, default_value = "")]
    full_name: String,
    /// The telephone number
    #[arg(long, default_value = "")]
    telephone: String,
    /// The affiliation
    #[arg(long, default_value = "")]
    affiliation: String,
    /// The project's leader
    #[arg(long, default_value = "")]
    project_leader: String,
    /// What the project is about
    #[arg(long, default_value = "")]
    project_description: String,
}

impl From<ContactOptions> for Contact {
    fn from(it: ContactOptions) -> Self {
        Self {
            email: it.email,
            full_name: it.full_name,
            telephone: it.telephone,
            affiliation: it.affiliation,
            project_leader: it.project_leader,
            project_description: it.project_description,
        }
    }
}

/// What is changed of who stands behind an account; an empty text takes it away.
#[derive(Debug, Default, Args)]
pub struct ContactChanges {
    /// The mail address
    #[arg(long, short)]
    email: Option<String>,
    /// The full name
    #[arg(long)]
    full_name: Option<String>,
    /// The telephone number
    #[arg(long)]
    telephone: Option<String>,
    /// The affiliation
    #[arg(long)]
    affiliation: Option<String>,
    /// The project's leader
    #[arg(long)]
    project_leader: Option<String>,
    /// What the project is about
    #[arg(long)]
    project_description: Option<String>,
}

impl From<ContactChanges> for ContactChange {
    fn from(it: ContactChanges) -> Self {
        Self {
            email: it.email,
            full_name: it.full_name,
            telephone: it.telephone,
            affiliation: it.affiliation,
            project_leader: it.project_leader,
            project_description: it.project_description,
        }
    }
}

/// Reads a password: the first line of a file, or of standard input. Blocks.
///
/// # Errors
/// If it cannot be read.
pub fn password(file: Option<&Path>) -> Result<String, CommandError> {
    let mut text = String::new();
    match file {
        Some(path) => {
            text = std::fs::read_to_string(path)
                .map_err(|error| CommandError::Unreadable(path.to_owned(), error))?;
        }
        None => {
            io::stdin().take(4096).read_to_string(&mut text)?;
        }
    }
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

impl PeopleCommand {
    /// Does it and prints its result.
    ///
    /// # Errors
    /// Says what to do about it.
    pub(super) async fn run(
        self,
        clc: &Clc,
        out: &mut (dyn Write + Send),
    ) -> Result<(), CommandError> {
        match self {
            Self::DescribeUsers { name } => {
                let whole = name.is_some();
                for user in clc.ask(DescribeRegistrations { name }).await? {
                    write!(out, "{}", user_lines(&user, whole))?;
                }
                Ok(())
            }
            Self::DeleteUser { name, belongings, heir } => {
                let word = match belongings {
                    BelongingsOption::Refuse => "refuse",
                    BelongingsOption::Give => "give",
                    BelongingsOption::End => "end",
                };
                let asked = (("--belongings", Some(word)), ("--heir", heir.as_deref()));
                let belongings = Belongings::read(asked.0, asked.1)
                    .map_err(|error| CommandError::Refused(error.text().to_owned()))?;
                let said = match clc.ask(DeleteUser { name: name.clone(), belongings }).await? {
                    Deleted::Gone => "deleted".to_owned(),
                    Deleted::Leaving(why) => format!("leaving\t{why}"),
                };
                Ok(writeln!(out, "USER\t{name}\t{said}")?)
            }
            Self::Approve { name } => decide(clc, out, name, Decision::Approve, None).await,
            Self::Reject { name, reason } => decide(clc, out, name, Decision::Reject, reason).await,
            Self::Confirm { name } => decide(clc, out, name, Decision::Confirm, None).await,
            Self::SetPassword { name, password_file } => {
                let password = password(password_file.as_deref())?;
                clc.ask(SetPassword { name: name.clone(), password }).await?;
                Ok(writeln!(out, "USER\t{name}\tpassword set")?)
            }
            Self::ModifyUser { name, contact } => {
                let contact = contact.into();
                clc.ask(ChangeContact { name: name.clone(), contact }).await?;
                Ok(writeln!(out, "USER\t{name}\tmodified")?)
            }
            Self::GetCredentialsZip { name, file, keys_only } => {
                let kind = if keys_only { ZipKind::Keys } else { ZipKind::Whole };
                let file = file.unwrap_or_else(|| PathBuf::from(kind.file_name(&name)));
                if file.exists() {
                    return Err(CommandError::Exists(file));
                }
                // Each zip is another certificate: none is made that could not be kept.
                let place = folder::Place::new(&file, 0o600).map_err(CommandError::Unmade)?;
                let zip = clc.ask(GetCredentialsZip { name: name.clone(), kind }).await?;
                let bytes = STANDARD.decode(&zip.base64).map_err(io::Error::other)?;
                place.fill(&bytes).map_err(CommandError::Unmade)?;
                Ok(writeln!(out, "USER\t{name}\t{}", file.display())?)
            }
            Self::DescribeUserGroups { group } => {
                for group in clc.ask(DescribeZoneGroups { group }).await? {
                    write!(out, "{}", group_lines(&group))?;
                }
                Ok(())
            }
            Self::AddUserGroup { group } => change(clc, out, group, GroupChange::Add).await,
            Self::DeleteUserGroup { group } => change(clc, out, group, GroupChange::Delete).await,
            Self::AddGroupMembership(it) => {
                change(clc, out, it.group, GroupChange::Join(it.user)).await
            }
            Self::RemoveGroupMembership(it) => {
                change(clc, out, it.group, GroupChange::Leave(it.user)).await
            }
            Self::GrantZonePermission(it) => {
                change(clc, out, it.group, GroupChange::Grant(it.zone)).await
            }
            Self::RevokeZonePermission(it) => {
                change(clc, out, it.group, GroupChange::Revoke(it.zone)).await
            }
            Self::DescribeMails => {
                for mail in clc.ask(DescribeMails {}).await? {
                    writeln!(out, "{}", mail_line(&mail))?;
                }
                Ok(())
            }
        }
    }
}

async fn decide(
    clc: &Clc,
    out: &mut (dyn Write + Send),
    name: String,
    decision: Decision,
    reason: Option<String>,
) -> Result<(), CommandError> {
    let besides = clc.ask(DecideRegistration { name: name.clone(), decision, reason }).await?;
    let said = match decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
        Decision::Confirm => "confirmed",
    };
    writeln!(out, "USER\t{name}\t{said}")?;
    match besides {
        Some(besides) => Ok(writeln!(out, "USER-NOTE\t{name}\t{besides}")?),
        None => Ok(()),
    }
}

async fn change(
    clc: &Clc,
    out: &mut (dyn Write + Send),
    group: String,
    change: GroupChange,
) -> Result<(), CommandError> {
    let gone = change == GroupChange::Delete;
    clc.ask(ChangeZoneGroup { group: group.clone(), change }).await?;
    if gone {
        return Ok(writeln!(out, "GROUP\t{group}\tdeleted")?);
    }
    for group in clc.ask(DescribeZoneGroups { group: Some(group) }).await? {
        write!(out, "{}", group_lines(&group))?;
    }
    Ok(())
}

fn user_lines(user: &Registered, whole: bool) -> String {
    let Registered { name, account, standing, contact, .. } = user;
    let state = if user.enabled { "enabled" } else { "disabled" };
    let standing = user.leaving.as_ref().map_or(standing.to_string(), |_| "leaving".to_owned());
    let mut lines = format!("USER\t{name}\t{account}\t{state}\t{standing}\t{}\n", contact.email);
    if !whole {
        return lines;
    }
    let description = contact.project_description.replace('\n', " ");
    let facts = [
        ("FULL-NAME", contact.full_name.as_str()),
        ("TELEPHONE", &contact.telephone),
        ("AFFILIATION", &contact.affiliation),
        ("PROJECT-LEADER", &contact.project_leader),
        ("PROJECT", &description),
        ("LEAVING", user.leaving.as_deref().unwrap_or_default()),
        ("HEIR", user.deletion.as_ref().and_then(|it| it.heir.as_deref()).unwrap_or_default()),
        (
            "FAILURE",
            user.deletion.as_ref().and_then(|it| it.failure.as_deref()).unwrap_or_default(),
        ),
    ];
    let mut add = |kind: &str, value: &str| {
        if !value.is_empty() {
            lines.push_str(&format!("USER-{kind}\t{name}\t{value}\n"));
        }
    };
    for (kind, value) in facts {
        add(kind, value);
    }
    for group in &user.zone_groups {
        add("GROUP", group);
    }
    for (kind, at) in
        [("APPLIED", user.applied), ("APPROVED", user.approved), ("CONFIRMED", user.confirmed)]
    {
        add(kind, &at.map(|at| at.iso()).unwrap_or_default());
    }
    lines
}

fn group_lines(group: &ZoneGroupView) -> String {
    let mut lines = format!("GROUP\t{}\n", group.name);
    for zone in &group.zones {
        lines.push_str(&format!("GROUP-ZONE\t{}\t{zone}\n", group.name));
    }
    for member in &group.members {
        lines.push_str(&format!("GROUP-USER\t{}\t{member}\n", group.name));
    }
    lines
}

fn mail_line(mail: &MailView) -> String {
    let state = if mail.given_up { "given-up" } else { "waiting" };
    let error = mail.error.as_deref().unwrap_or_default();
    format!("MAIL\t{}\t{state}\t{}\t{}\t{}\t{error}", mail.id, mail.to, mail.subject, mail.tries)
}

#[cfg(test)]
mod tests {
    use common::time::Timestamp;
    use common::wire::people::Standing;

    use super::*;

    #[test]
    fn lines_tell_what_is_known_and_nothing_else() {
        let mut user = Registered {
            name: "taro".into(),
            account: "123456789012".parse().unwrap(),
            enabled: true,
            standing: Standing::Applied,
            contact: Contact { email: "t@x".into(), affiliation: "A".into(), ..Contact::default() },
            applied: Some(Timestamp::EPOCH),
            approved: None,
            confirmed: None,
            zone_groups: vec!["default".into()],
            leaving: None,
            deletion: None,
        };
        let short = "USER\ttaro\t123456789012\tenabled\tapplied\tt@x\n";
        assert_eq!(user_lines(&user, false), short);
        let long = "USER-AFFILIATION\ttaro\tA\nUSER-GROUP\ttaro\tdefault\n\
                    USER-APPLIED\ttaro\t1970-01-01T00:00:00.000Z\n";
        assert_eq!(user_lines(&user, true), format!("{short}{long}"));
        user.leaving = Some("instances".into());
        assert!(user_lines(&user, false).contains("\tleaving\t"));
        let group = ZoneGroupView {
            name: "g".into(),
            zones: vec!["z".into()],
            members: vec!["taro".into()],
        };
        assert_eq!(group_lines(&group), "GROUP\tg\nGROUP-ZONE\tg\tz\nGROUP-USER\tg\ttaro\n");
    }
}
