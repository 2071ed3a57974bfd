//! `clc admin audit`: what was asked of the cloud, and whether the log of it is as it was written.

use clap::Args;
use common::audit::{Event, Filter, Line};
use common::time::Timestamp;

/// How many records are asked for at once.
pub const PAGE: usize = 200;

/// What only a look-up understands.
const LOOKING: [&str; 10] = [
    "since",
    "until",
    "account",
    "user",
    "action",
    "service",
    "resource",
    "access_key",
    "limit",
    "json",
];

/// What is looked for. Times are written `2026-11-22T10:50:32Z`.
#[derive(Debug, Args)]
pub struct AuditCommand {
    /// Not before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Not after this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Done in this account, by its number
    #[arg(long, value_name = "NUMBER")]
    account: Option<String>,
    /// Done by a user or role of that name, or by that ARN
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The action, as RunInstances
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// The API: ec2, s3, iam, sts, cloudtrail, eucalypt, clc for what was done on the host, console
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Done to this resource: its ARN or id
    #[arg(long, value_name = "NAME")]
    resource: Option<String>,
    /// Asked with this access key
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,
    /// How many at most, the newest first
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
    /// Print whole records, a line of JSON each
    #[arg(long)]
    pub json: bool,
    /// Read the whole log and tell the first record that is wrong or missing
    #[arg(long, conflicts_with_all = LOOKING)]
    pub verify: bool,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| error.to_string())
}

impl AuditCommand {
    /// What it looks for.
    pub fn filter(&self) -> Filter {
        Filter {
            since: self.since,
            until: self.until,
            account: self.account.clone(),
            user: self.user.clone(),
            action: self.action.clone(),
            service: self.service.clone(),
            resource: self.resource.clone(),
            access_key: self.access_key.clone(),
            request_id: None,
            read_only: None,
        }
    }

    /// A record as it is printed.
    pub fn line(&self, event: &Event) -> String {
        if self.json {
            // A record that was read can be written.
            return serde_json::to_string(event).unwrap_or_default();
        }
        Line::of(event).to_string()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    /// As the clc's own command line has it: with options of the whole program.
    #[derive(Debug, Parser)]
    struct Program {
        #[arg(long, global = true)]
        config: Option<std::path::PathBuf>,
        #[command(flatten)]
        audit: AuditCommand,
    }

    #[test]
    fn the_log_is_verified_whole_wherever_the_configuration_is() {
        let parse = |words: &[&str]| Program::try_parse_from([&["audit"], words].concat());
        let told = parse(&["--verify", "--config", "clc.toml"]).unwrap();
        assert!(told.audit.verify && told.config.is_some());
        for option in LOOKING {
            let option = format!("--{}", option.replace('_', "-"));
            let value: &[&str] = if option == "--json" { &[] } else { &["1"] };
            let value = if ["--since", "--until"].contains(&option.as_str()) {
                &["2026-11-22T10:50:32Z"]
            } else {
                value
            };
            let words = [&["--verify", &option], value].concat();
            let refused = parse(&words).unwrap_err();
            assert_eq!(refused.kind(), clap::error::ErrorKind::ArgumentConflict, "{option}");
        }
    }
}
