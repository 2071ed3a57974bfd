//! What an operator does with a store whose service is stopped: `clc store export FILE` and the
//! like. Every service that has a store offers these; this file only says in a sentence what was
//! done.

use std::path::PathBuf;

use clap::Subcommand;

use crate::archive::{check, export, import};
use crate::error::StoreError;
use crate::open::EngineConfig;

/// What can be done with a store while its service is stopped.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Write every record to a new plain file of JSON lines; it holds secrets
    Export {
        /// The file to make
        file: PathBuf,
    },
    /// Make the store of such a file; there must be none
    Import {
        /// The file to read
        file: PathBuf,
    },
    /// Read every record once, to see whether any is damaged
    Check,
}

impl StoreCommand {
    /// Does it, and answers what was done, a line without its end. Blocks.
    ///
    /// # Errors
    /// Those of [`export`], [`import`] and [`check`].
    pub fn run(&self, config: &EngineConfig) -> Result<String, StoreError> {
        let store = config.path.display();
        Ok(match self {
            Self::Export { file } => {
                let rows = export(config, file)?;
                format!("exported {rows} rows of {store} to {}", file.display())
            }
            Self::Import { file } => {
                let rows = import(config, file)?;
                format!("imported {rows} rows of {} into {store}", file.display())
            }
            Self::Check => {
                format!("all {} rows of {store} are as they were written", check(config)?)
            }
        })
    }
}
