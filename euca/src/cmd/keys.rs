//! Key pairs.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use common::ec2::keys;

use super::{Context, Execute, Failure};
use crate::options::{Columns, Filters, Remote};
use crate::output::Rows;
use crate::staged::Staged;

/// Options of `euca-create-keypair`.
#[derive(Debug, Args)]
pub(crate) struct CreateKeyPair {
    /// The name of the new key pair
    #[arg(value_name = "KEYPAIR")]
    name: String,
    /// Write the private key to this file, readable by its owner only, instead of printing it
    #[arg(short, long, value_name = "FILE")]
    filename: Option<PathBuf>,
    /// The kind of key
    #[arg(long, value_name = "TYPE", value_parser = ["rsa", "ed25519"])]
    key_type: Option<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for CreateKeyPair {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let client = cx.ec2(&self.remote)?;
        let fail = |path: &PathBuf, error: std::io::Error| {
            Failure::Client(format!("{} cannot be written: {error}", path.display()))
        };
        // The key is told once: whether there is a place for it has to be known before.
        let staged = match &self.filename {
            Some(path) => Some(Staged::create(path, 0o600).map_err(|e| fail(path, e))?),
            None => None,
        };
        let ask =
            keys::CreateKeyPair { key_name: self.name, key_type: self.key_type, key_format: None };
        let made = client.send(&ask)?;
        let material = format!("{}\n", made.key_material.trim_end());
        let row = ["KEYPAIR", made.key_name.as_str(), made.key_fingerprint.as_str()];
        if let (Some(path), Some(staged)) = (&self.filename, staged) {
            let written = staged.file().and_then(|mut file| {
                file.write_all(material.as_bytes())?;
                file.sync_all()
            });
            written.and_then(|()| staged.commit()).map_err(|e| fail(path, e))?;
            return Ok(cx.rows(&self.columns).row(&row)?);
        }
        // ssh reads a PEM file with a line before it, but not a file of its own form.
        match material.contains("OPENSSH PRIVATE KEY") {
            true => Rows::new(cx.err, self.columns.show_empty_fields).row(&row)?,
            false => cx.rows(&self.columns).row(&row)?,
        }
        Ok(cx.out.write_all(material.as_bytes())?)
    }
}

/// Options of `euca-describe-keypairs`.
#[derive(Debug, Args)]
pub(crate) struct DescribeKeyPairs {
    /// Show these key pairs only
    #[arg(value_name = "KEYPAIR")]
    names: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeKeyPairs {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let filter = self.filters.named(&["fingerprint", "key-name", "key-pair-id"])?;
        let ask = keys::DescribeKeyPairs { key_name: self.names, filter, ..Default::default() };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        let mut rows = cx.rows(&self.columns);
        for pair in &answer.key_set.item {
            rows.row(&["KEYPAIR", &pair.key_name, &pair.key_fingerprint])?;
        }
        Ok(())
    }
}

/// Options of `euca-delete-keypair`.
#[derive(Debug, Args)]
pub(crate) struct DeleteKeyPair {
    /// The key pair to remove
    #[arg(value_name = "KEYPAIR")]
    name: String,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DeleteKeyPair {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = keys::DeleteKeyPair { key_name: Some(self.name.clone()), key_pair_id: None };
        cx.ec2(&self.remote)?.send(&ask)?;
        Ok(cx.rows(&self.columns).row(&["KEYPAIR", &self.name])?)
    }
}
