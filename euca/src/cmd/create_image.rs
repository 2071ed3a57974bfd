//! An instance saved and registered as an image by the cloud.

use clap::Args;
use common::ec2::create_image;

use super::{Context, Execute, Failure, block_devices};
use crate::options::{Columns, Remote};

/// Options of `euca-create-image`.
#[derive(Debug, Args)]
pub(crate) struct CreateImage {
    /// The instance to make an image of
    #[arg(value_name = "INSTANCE")]
    instance: String,
    /// The image's name
    #[arg(short, long)]
    name: String,
    /// What it is
    #[arg(short, long, value_name = "DESC")]
    description: Option<String>,
    /// Let the instance run on meanwhile
    #[arg(long)]
    no_reboot: bool,
    /// A device that the image names: ephemeralN, swap, or none
    #[arg(short, long, value_name = "DEVICE=MAPPED")]
    block_device_mapping: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for CreateImage {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = create_image::CreateImage {
            instance_id: self.instance,
            name: Some(self.name),
            description: self.description,
            no_reboot: self.no_reboot.then_some(true),
            block_device_mapping: block_devices(&self.block_device_mapping)?,
            tag_specification: Vec::new(),
        };
        let made = cx.ec2(&self.remote)?.send(&ask)?;
        Ok(cx.rows(&self.columns).row(&["IMAGE", made.image_id.as_str()])?)
    }
}
