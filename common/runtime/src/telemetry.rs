//! The log: structured, to stderr, one line an event.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::warnings::Remember;

/// Starts logging. `format` is `text` or `json`; `level` is a filter as `info` or
/// `info,walrus=debug`. A second call in one process changes nothing.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => log.with_ansi(false).finish().with(Remember).try_init(),
        LogFormat::Json => log.json().finish().with(Remember).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}
