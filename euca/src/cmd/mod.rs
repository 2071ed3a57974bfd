//! The commands, one file per family: each reads its options, does its work, prints its lines.

pub(crate) mod attributes;
pub(crate) mod bundle;
pub(crate) mod bundle_tasks;
pub(crate) mod bundle_upload;
pub(crate) mod bundle_vol;
pub(crate) mod check_bundle;
pub(crate) mod create_image;
pub(crate) mod delete_bundle;
pub(crate) mod download;
pub(crate) mod download_unbundle;
pub(crate) mod image_attributes;
pub(crate) mod images;
pub(crate) mod install;
pub(crate) mod instance_status;
pub(crate) mod instance_types;
pub(crate) mod instances;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod policy;
pub(crate) mod power;
pub(crate) mod store;
pub(crate) mod stored;
pub(crate) mod tags;
pub(crate) mod unbundle;
pub(crate) mod unbundle_stream;
pub(crate) mod upload;
pub(crate) mod zones;

use std::io::{self, Write};

use common::ec2::images::{BlockDevice, Volume};

use crate::client::Client;
use crate::config::{ConfigError, Service, Settings};
use crate::environment::Environment;
use crate::error::{ClientError, chain};
use crate::options::{Columns, FilterError, Remote};
use crate::output::Rows;
use crate::pages::Page;

/// What a command is given besides its options.
pub(crate) struct Context<'a> {
    /// The name it is called by, for its messages.
    pub(crate) program: &'a str,
    /// All names that this program has links for.
    pub(crate) links: &'a [String],
    /// Makes the man pages and completions of all commands.
    pub(crate) pages: fn() -> Vec<Page>,
    pub(crate) environment: &'a Environment,
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
}

impl Context<'_> {
    /// A client of the EC2 endpoint that the options mean.
    pub(crate) fn ec2(&self, remote: &Remote) -> Result<Client, Failure> {
        Ok(Settings::of(remote, self.environment)?.ec2()?)
    }

    /// A client of the IAM endpoint that the options mean.
    pub(crate) fn iam(&self, remote: &Remote) -> Result<Client, Failure> {
        Ok(Settings::of(remote, self.environment)?.query(Service::Iam)?)
    }

    /// A client of the STS endpoint that the options mean.
    pub(crate) fn sts(&self, remote: &Remote) -> Result<Client, Failure> {
        Ok(Settings::of(remote, self.environment)?.query(Service::Sts)?)
    }

    /// The output as rows of columns.
    pub(crate) fn rows(&mut self, columns: &Columns) -> Rows<'_> {
        Rows::new(self.out, columns.show_empty_fields)
    }

    /// Says something that is no failure on standard error.
    pub(crate) fn warn(&mut self, text: &str) {
        // Nobody can be told that standard error is closed.
        let _ = writeln!(self.err, "{}: warning: {text}", self.program);
    }
}

/// A command: its options, parsed, and what it does with them.
pub(crate) trait Execute: clap::Args {
    /// Does it.
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure>;
}

/// Why a command did not succeed, in the ways in which that is told.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Called wrongly: status 2.
    Usage(String),
    /// Refused by the cloud: status 1.
    Api { code: String, message: String },
    /// Failed here or on the way: status 1.
    Client(String),
    /// The output cannot be written.
    Output(io::Error),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Api { code, message, .. } => Self::Api { code, message },
            other => Self::Client(chain(&other)),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Client(chain(&error))
    }
}

impl From<FilterError> for Failure {
    fn from(error: FilterError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Reads devices of a launch, a registration or an image.
pub(crate) fn block_devices(given: &[String]) -> Result<Vec<BlockDevice>, Failure> {
    given.iter().map(|text| device(text)).collect()
}

/// Reads `DEVICE=ephemeralN`, `DEVICE=swap`, `DEVICE=none`, or `DEVICE=[SNAPSHOT]:[SIZE]:[DELETE]`,
/// which is a volume and the server's to judge.
fn device(text: &str) -> Result<BlockDevice, Failure> {
    let bad = || {
        let forms = "DEVICE=ephemeralN, DEVICE=swap or DEVICE=none";
        Failure::Usage(format!("argument -b/--block-device-mapping: '{text}' is not {forms}"))
    };
    let (device, mapped) = text.split_once('=').ok_or_else(bad)?;
    if device.is_empty() || mapped.is_empty() {
        return Err(bad());
    }
    let mut named = BlockDevice { device_name: Some(device.to_owned()), ..BlockDevice::default() };
    match mapped {
        "none" => named.no_device = Some("true".to_owned()),
        name if name == "swap" || name.starts_with("ephemeral") => {
            named.virtual_name = Some(name.to_owned());
        }
        volume if volume.contains(':') || volume.starts_with("snap-") => {
            let mut fields = volume.split(':').map(|it| (!it.is_empty()).then(|| it.to_owned()));
            let mut next = || fields.next().flatten();
            named.ebs = Some(Volume {
                snapshot_id: next(),
                volume_size: next(),
                delete_on_termination: next(),
            });
        }
        _ => return Err(bad()),
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_launches_and_images() {
        let name = |text: &str| device(text).unwrap().virtual_name;
        assert_eq!(name("/dev/sdb=ephemeral0").as_deref(), Some("ephemeral0"));
        assert_eq!(name("sda3=swap").as_deref(), Some("swap"));
        assert_eq!(device("sda3=none").unwrap().no_device.as_deref(), Some("true"));
        let volume = device("sdb=:5:true").unwrap().ebs.unwrap();
        assert_eq!((volume.snapshot_id, volume.volume_size.as_deref()), (None, Some("5")));
        for bad in ["sdb", "=swap", "sdb=", "sdb=disk"] {
            assert!(device(bad).is_err(), "{bad}");
        }
    }
}
