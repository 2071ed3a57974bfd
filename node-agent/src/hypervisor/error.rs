//! Why what runs guests could not do what it was asked.

use std::path::PathBuf;

use thiserror::Error;

/// Why a driver could not do what it was asked.
#[derive(Debug, Error)]
pub enum DriverError {
    /// A program that must be installed is not.
    #[error("{program} cannot be found: install the package {package}")]
    Absent {
        /// The program's name.
        program: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// A program ran and refused.
    #[error("{what}: {why}")]
    Refused {
        /// What was tried.
        what: String,
        /// What the program said.
        why: String,
    },
    /// A file of the machine cannot be used.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DriverError {
    /// Names the path that an error of the system is about.
    pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// What was tried and what was said to it.
    pub fn refused(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Refused { what: what.into(), why: why.to_string() }
    }
}
