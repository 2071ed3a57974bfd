//! What can go wrong between this program and the cloud.

use std::error::Error;
use std::io;

/// Why a request to the cloud did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An endpoint that is no URL this program can use.
    #[error("the endpoint {url} cannot be used: {reason}")]
    Url {
        /// The endpoint as configured.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The request cannot be written or signed.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// Nobody answers at the endpoint: the request was certainly not carried out.
    #[error("cannot connect to {authority}: {reason}")]
    Connect {
        /// Host and port.
        authority: String,
        /// Why.
        reason: String,
    },
    /// The far end cannot show that it is who it should be: nothing was sent.
    #[error(
        "the certificate of {authority} cannot be believed: {reason}. Name a file of authorities in \
         AWS_CA_BUNDLE, or as ssl-ca in euca2ools.ini"
    )]
    Untrusted {
        /// Host and port.
        authority: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection broke: the request may or may not have been carried out.
    #[error("the connection to {authority} failed: {reason}")]
    Broken {
        /// Host and port.
        authority: String,
        /// Why.
        reason: String,
    },
    /// The cloud answered with an error.
    #[error("{code}: {message}")]
    Api {
        /// The HTTP status.
        status: u16,
        /// The API's code; the status if the answer names none.
        code: String,
        /// The API's sentence; the body or the status' name if there is none.
        message: String,
    },
    /// The answer is not what the action answers.
    #[error("the answer of {action} cannot be read: {reason}")]
    Answer {
        /// The action.
        action: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An object does not have the MD5 of what was sent or announced.
    #[error("{key} was damaged on its way: its MD5 is {found}, not {expected}")]
    Damaged {
        /// Bucket and key.
        key: String,
        /// The MD5 there should be.
        expected: String,
        /// The MD5 there is.
        found: String,
    },
    /// What was to be sent cannot be read, or what was received cannot be stored, on this machine.
    #[error("{what}: {source}")]
    Local {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl ClientError {
    /// The API's code, if the cloud answered with one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Api { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The HTTP status, if the cloud answered with an error.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the same request may be sent again, an answer of one of the `busy` statuses among the
    /// reasons. What is not `repeatable` is, unless it was certainly not carried out.
    pub(crate) fn worth_retrying(&self, repeatable: bool, busy: &[u16]) -> bool {
        match self {
            Self::Connect { .. } => true,
            Self::Broken { .. } | Self::Damaged { .. } => repeatable,
            Self::Api { status, .. } => repeatable && busy.contains(status),
            Self::Url { .. }
            | Self::Untrusted { .. }
            | Self::Request(_)
            | Self::Answer { .. }
            | Self::Local { .. } => false,
        }
    }
}

/// An error with all its causes as one sentence.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors repeat the text of their cause.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
