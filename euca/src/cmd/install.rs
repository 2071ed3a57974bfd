//! `euca-install-image`: bundles, uploads and registers an image in one.

use clap::Args;
use common::ec2::images::RegisterImage;

use super::bundle_upload::BundleAndUpload;
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::options::{Columns, Remote};

/// Options of `euca-install-image`.
#[derive(Debug, Args)]
pub(crate) struct InstallImage {
    /// The image's name
    #[arg(short, long)]
    name: String,
    /// What it is
    #[arg(long, value_name = "DESC")]
    description: Option<String>,
    /// How it is booted
    #[arg(long, value_name = "TYPE", value_parser = ["paravirtual", "hvm"])]
    virtualization_type: Option<String>,
    #[arg(long, hide = true)]
    platform: Option<String>,
    /// The EC2 endpoint to register at; -U is that of the bucket
    #[arg(long, value_name = "URL")]
    ec2_url: Option<String>,
    #[command(flatten)]
    both: BundleAndUpload,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for InstallImage {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.platform.is_some() {
            return Err(Failure::Usage(
                "argument --platform: an image is registered without a platform; leave it out, \
                 images of Windows run as they are"
                    .to_owned(),
            ));
        }
        // What is missing for the last step is told before the first.
        let ec2 = cx.ec2(&Remote { url: self.ec2_url.clone(), ..self.remote.clone() })?;
        let settings = Settings::of(&self.remote, cx.environment)?;
        let made = self.both.run(&settings, None, cx)?;
        let ask = RegisterImage {
            image_location: Some(made.location.clone()),
            name: Some(self.name.clone()),
            description: self.description,
            architecture: Some(made.options.architecture),
            kernel_id: None,
            ramdisk_id: None,
            root_device_name: None,
            virtualization_type: self.virtualization_type,
            block_device_mapping: Vec::new(),
            tag_specification: Vec::new(),
        };
        let registered = ec2.send(&ask).map_err(|error| {
            let how = format!(
                "the bundle is in the bucket; to go on: euca-register {} -n '{}'; to give up: \
                 euca-delete-bundle",
                made.location, self.name
            );
            match Failure::from(error) {
                Failure::Api { code, message } => {
                    Failure::Api { code, message: format!("{message}; {how}") }
                }
                Failure::Client(text) => Failure::Client(format!("{text}; {how}")),
                other => other,
            }
        })?;
        Ok(cx.rows(&self.columns).row(&["IMAGE", &registered.image_id.to_string()])?)
    }
}
