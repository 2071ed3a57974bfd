//! Options that many commands have: where to go, as whom, and which of the answers to show.

use std::path::PathBuf;

use clap::Args;
use common::ec2::types::Filter;

/// A filter that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    /// It is not `NAME=VALUE`.
    #[error("argument --filter: '{0}' is not NAME=VALUE")]
    Form(String),
    /// The things asked for have no filter of that name.
    #[error("argument --filter: there is no filter '{name}', but {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// Options of commands that stay on this machine and need certificates or keys.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Local {
    /// Use this user and region of euca2ools.ini
    #[arg(long, value_name = "USER@REGION")]
    pub(crate) region: Option<String>,
    /// Run this eucarc and use what it sets
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Options of commands that ask the cloud.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Remote {
    /// The endpoint to ask
    #[arg(short = 'U', long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The access key
    #[arg(short = 'I', short_alias = 'A', long, alias = "access-key", value_name = "KEY_ID")]
    pub(crate) access_key_id: Option<String>,
    /// The secret key
    #[arg(short = 'S', long, value_name = "KEY")]
    pub(crate) secret_key: Option<String>,
    /// The session token that goes with a temporary access key
    #[arg(long, value_name = "TOKEN")]
    pub(crate) security_token: Option<String>,
    /// Show requests and answers on standard error, without secrets
    #[arg(long)]
    pub(crate) debug: bool,
    #[command(flatten)]
    pub(crate) local: Local,
}

/// Options of commands that print lines of columns.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Columns {
    /// Print (nil) for empty columns
    #[arg(long)]
    pub(crate) show_empty_fields: bool,
}

/// Which of the things described are shown.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Filters {
    /// Show only what matches; values of one name are alternatives
    #[arg(long = "filter", value_name = "NAME=VALUE")]
    given: Vec<String>,
}

impl Filters {
    /// The filters as they are sent, each name once, if all names are `known` (`tag:KEY` stands for
    /// any key).
    pub(crate) fn named(&self, known: &[&str]) -> Result<Vec<Filter>, FilterError> {
        let mut filters: Vec<Filter> = Vec::new();
        for given in &self.given {
            let (name, value) =
                given.split_once('=').ok_or_else(|| FilterError::Form(given.clone()))?;
            let tag = name.strip_prefix("tag:").filter(|key| !key.is_empty() && *key != "KEY");
            let looked_for = if tag.is_some() { "tag:KEY" } else { name };
            if name == "tag:KEY" || !known.contains(&looked_for) {
                let (name, known) = (name.to_owned(), known.join(", "));
                return Err(FilterError::Unknown { name, known });
            }
            match filters.iter_mut().find(|filter| filter.name == name) {
                Some(filter) => filter.value.push(value.to_owned()),
                None => {
                    filters.push(Filter { name: name.to_owned(), value: vec![value.to_owned()] });
                }
            }
        }
        Ok(filters)
    }
}

/// How much is done at a time by commands that fetch or delete several objects.
#[derive(Debug, Clone, Args)]
pub(crate) struct Jobs {
    /// How many objects are on their way at a time
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: u8,
}

impl Jobs {
    /// The number.
    pub(crate) fn number(&self) -> usize {
        usize::from(self.jobs)
    }
}

/// Whether a progress bar is shown: after a second on a terminal, at once, or never; or lines for
/// programs in its place.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ShowProgress {
    /// Show the progress bar at once, not only after a second
    #[arg(long, overrides_with = "no_progress")]
    pub(crate) progress: bool,
    /// Show no progress bar
    #[arg(long, overrides_with = "progress")]
    pub(crate) no_progress: bool,
    /// Write how far it is as lines of text on standard error, for programs
    #[arg(long, hide = true)]
    pub(crate) porcelain: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_one_name_are_one_filter() {
        let given = ["state=a", "tag:x=1", "state=b=c", "state="].map(str::to_owned).to_vec();
        let filters = Filters { given }.named(&["state", "tag:KEY"]).unwrap();
        assert_eq!(filters.len(), 2);
        assert_eq!(
            (filters[0].name.as_str(), &filters[0].value[..]),
            ("state", &["a".to_owned(), "b=c".to_owned(), String::new()][..])
        );
        assert_eq!(filters[1].name, "tag:x");
        for bad in ["state", "colour=red", "tag:=1", "tag:KEY"] {
            let given = vec![bad.to_owned()];
            assert!(Filters { given }.named(&["state", "tag:KEY"]).is_err(), "{bad}");
        }
    }
}
