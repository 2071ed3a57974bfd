//! Key pairs.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use common::ec2::keys;

use super::tags::print_tags;
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
        let fail = |path: &PathBuf, error: io::Error| {
            Failure::Client(format!("{} cannot be written: {error}", path.display()))
        };
        // The key is told once: whether there is a place for it has to be known before.
        let staged = match &self.filename {
            Some(path) => Some(Staged::create(path, 0o600).map_err(|e| fail(path, e))?),
            None => None,
        };
        let ask = keys::CreateKeyPair {
            key_name: self.name,
            key_type: self.key_type,
            key_format: None,
            tag_specification: Vec::new(),
        };
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

/// Options of `euca-import-keypair`.
#[derive(Debug, Args)]
pub(crate) struct ImportKeyPair {
    /// The name of the new key pair
    #[arg(value_name = "KEYPAIR")]
    name: String,
    /// The file with the public key; - for standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    public_key_file: PathBuf,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for ImportKeyPair {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let path = &self.public_key_file;
        let read = match path.as_os_str() == "-" {
            true => read_key(io::stdin().lock()),
            false => File::open(path).and_then(read_key),
        };
        let key = read.map_err(|error| {
            Failure::Client(format!("{} cannot be read: {error}", path.display()))
        })?;
        let ask = keys::ImportKeyPair {
            key_name: self.name,
            public_key_material: STANDARD.encode(key),
            tag_specification: Vec::new(),
        };
        let made = cx.ec2(&self.remote)?.send(&ask)?;
        let row = ["KEYPAIR", made.key_name.as_str(), made.key_fingerprint.as_str()];
        Ok(cx.rows(&self.columns).row(&row)?)
    }
}

/// Reads what may be a public key; a file that is none may be of any size.
fn read_key(from: impl Read) -> io::Result<Vec<u8>> {
    const MOST: u64 = 64 << 10;
    let mut key = Vec::new();
    from.take(MOST + 1).read_to_end(&mut key)?;
    if key.len() as u64 > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large for a public key"));
    }
    Ok(key)
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

const FILTERS: &[&str] =
    &["fingerprint", "key-name", "key-pair-id", "key-type", "tag-key", "tag-value", "tag:KEY"];

impl Execute for DescribeKeyPairs {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let filter = self.filters.named(FILTERS)?;
        let ask = keys::DescribeKeyPairs { key_name: self.names, filter, ..Default::default() };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        let mut rows = cx.rows(&self.columns);
        for pair in &answer.key_set.item {
            rows.row(&["KEYPAIR", &pair.key_name, &pair.key_fingerprint])?;
            print_tags(&mut rows, "key-pair", pair.key_pair_id.as_str(), &pair.tag_set.item)?;
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
