//! Temporary credentials, printed as what a shell runs.

use std::path::PathBuf;

use clap::Args;

use super::iam::{file_text, line};
use crate::clock;
use crate::cmd::{Context, Execute, Failure};
use crate::config::Settings;
use crate::options::Remote;
use crate::row::Row;

pub(super) const ROWS: &[Row] = &[
    Row::of::<Assume>(&["euare-assumerole"], "Take on a role: eval `euare-assumerole ROLE`"),
    Row::of::<Release>(&["euare-releaserole"], "Put a role down: eval `euare-releaserole`"),
    Row::of::<Caller>(&["euare-getcallerid"], "Print who you are to the cloud"),
];

/// The variables that a role sets.
const VARIABLES: [&str; 11] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "EC2_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "EC2_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "EC2_USER_ID",
    "AWS_CREDENTIAL_FILE",
];

/// Which shell is spoken to.
#[derive(Debug, Args)]
struct Shell {
    /// Print commands of the C shell: as if SHELL were one
    #[arg(short = 'c', conflicts_with = "sh")]
    csh: bool,
    /// Print commands of the Bourne shell and its kin
    #[arg(short = 's')]
    sh: bool,
}

impl Shell {
    fn is_csh(&self, cx: &Context<'_>) -> bool {
        let usual = || cx.environment.get("SHELL").is_some_and(|shell| shell.ends_with("csh"));
        self.csh || (!self.sh && usual())
    }
}

/// The command that sets a variable, or removes it.
fn setting(csh: bool, name: &str, value: Option<&str>) -> String {
    // What the cloud answers is run by a shell: nothing in it may be more than a word.
    let word = |value: &str| match value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "+/=_:.,-".contains(c))
    {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', "'\\''").replace(char::is_control, "")),
    };
    match (csh, value) {
        (true, Some(value)) => format!("setenv {name} {};", word(value)),
        (true, None) => format!("unsetenv {name};"),
        (false, Some(value)) => format!("{name}={}; export {name};", word(value)),
        (false, None) => format!("unset {name};"),
    }
}

/// Options of `euare-assumerole`.
#[derive(Debug, Args)]
pub(crate) struct Assume {
    /// The role: its name with or without path, ACCOUNT:NAME, or its ARN
    #[arg(value_name = "ROLE")]
    role: String,
    /// How many seconds the credentials are good
    #[arg(short, long, value_name = "SECONDS", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(900..=43200))]
    duration: u32,
    /// What the session is called
    #[arg(long, value_name = "NAME")]
    session_name: Option<String>,
    #[command(flatten)]
    shell: Shell,
    /// A policy beyond which the credentials are good for nothing
    #[arg(long, value_name = "POLICY_CONTENT", conflicts_with = "policy_document")]
    policy_content: Option<String>,
    /// A file with such a policy; - for standard input
    #[arg(long, value_name = "FILE")]
    policy_document: Option<PathBuf>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "STR")]
    external_id: Option<String>,
    /// The serial number of the second factor
    #[arg(long, value_name = "MFA")]
    mfa_serial: Option<String>,
    /// What the second factor shows
    #[arg(long, value_name = "CODE")]
    mfa_code: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// The ARN of a role of which as much is said as is needed.
fn role_arn(said: &str, account: impl FnOnce() -> Option<String>) -> Option<String> {
    let mut arn = said.to_owned();
    if arn.matches(':').count() == 1 && !arn.contains('/') {
        arn = arn.replacen(':', ":role/", 1);
    }
    if !arn.contains(':') {
        let name = arn.strip_prefix("role/").unwrap_or(&arn);
        arn = format!("{}:role/{name}", account()?);
    }
    for (colons, before) in [(1, ":"), (2, "iam:"), (3, "aws:"), (4, "arn:")] {
        if arn.matches(':').count() == colons {
            arn.insert_str(0, before);
        }
    }
    Some(arn)
}

impl Execute for Assume {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::of(&self.remote, cx.environment)?;
        let client = cx.sts(&self.remote)?;
        let arn = role_arn(&self.role, || settings.account()).ok_or_else(|| {
            Failure::Client(
                "it is not clear which account the role is in: name it, set EC2_USER_ID, or say \
                 account-id in euca2ools.ini"
                    .to_owned(),
            )
        })?;
        let session = match &self.session_name {
            Some(name) => name.clone(),
            None => format!("euca-{}", clock::now().basic_iso()),
        };
        let policy = match (&self.policy_content, &self.policy_document) {
            (Some(content), _) => Some(content.clone()),
            (None, Some(path)) => Some(file_text(path)?),
            (None, None) => None,
        };
        let duration = self.duration.to_string();
        let asked = [
            ("RoleArn", Some(arn.as_str())),
            ("RoleSessionName", Some(session.as_str())),
            ("DurationSeconds", Some(duration.as_str())),
            ("Policy", policy.as_deref()),
            ("ExternalId", self.external_id.as_deref()),
            ("SerialNumber", self.mfa_serial.as_deref()),
            ("TokenCode", self.mfa_code.as_deref()),
        ];
        let found = client.ask("AssumeRole", &asked)?;
        let text = |path: &str| found.text(&format!("Credentials/{path}"));
        let (id, secret, token) =
            (text("AccessKeyId"), text("SecretAccessKey"), text("SessionToken"));
        let account = arn.split(':').nth(4);
        let values =
            [id, id, id, secret, secret, secret, token, token, text("Expiration"), account, None];
        let csh = self.shell.is_csh(cx);
        for (name, value) in VARIABLES.iter().zip(values) {
            writeln!(cx.out, "{}", setting(csh, name, value))?;
        }
        writeln!(cx.out, "\n# If you can read this, run it with eval:")?;
        Ok(writeln!(
            cx.out,
            "#     eval `{} {}`",
            cx.program,
            self.role.replace(char::is_control, "")
        )?)
    }
}

/// Options of `euare-releaserole`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    shell: Shell,
}

impl Execute for Release {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let csh = self.shell.is_csh(cx);
        for name in VARIABLES {
            writeln!(cx.out, "{}", setting(csh, name, None))?;
        }
        writeln!(cx.out, "\n# If you can read this, run it with eval:")?;
        Ok(writeln!(cx.out, "#     eval `{}`", cx.program)?)
    }
}

/// Options of `euare-getcallerid`.
#[derive(Debug, Args)]
pub(crate) struct Caller {
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Caller {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let found = cx.sts(&self.remote)?.ask("GetCallerIdentity", &[])?;
        let key = Settings::of(&self.remote, cx.environment)?.access_key_id()?;
        for (name, value) in [
            ("account", found.text("Account")),
            ("arn", found.text("Arn")),
            ("key-id", Some(key.as_str())),
            ("user-id", found.text("UserId")),
        ] {
            line(cx, &format!("{name} = {}", value.unwrap_or_default()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_in_several_ways() {
        let own = || Some("123456789012".to_owned());
        let whole = "arn:aws:iam::123456789012:role/d/r";
        for said in [
            "d/r",
            "role/d/r",
            "123456789012:role/d/r",
            ":123456789012:role/d/r",
            "iam::123456789012:role/d/r",
            "aws:iam::123456789012:role/d/r",
            whole,
        ] {
            assert_eq!(role_arn(said, own).as_deref(), Some(whole), "{said}");
        }
        let other = role_arn("000000000001:r", || None);
        assert_eq!(other.as_deref(), Some("arn:aws:iam::000000000001:role/r"));
        assert_eq!(role_arn("r", || None), None);
    }

    #[test]
    fn what_a_shell_runs_is_words() {
        assert_eq!(setting(false, "A", Some("x/+=")), "A=x/+=; export A;");
        assert_eq!(setting(true, "A", Some("x")), "setenv A x;");
        assert_eq!(setting(false, "A", None), "unset A;");
        assert_eq!(setting(true, "A", None), "unsetenv A;");
        assert_eq!(setting(false, "A", Some("x; rm y")), "A='x; rm y'; export A;");
        assert_eq!(setting(false, "A", Some("'`x`\n")), "A=''\\''`x`'; export A;");
    }
}
