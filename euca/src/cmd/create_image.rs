//! An instance saved and registered as an image by the cloud.

use clap::Args;
use common::ec2::create_image::{self, NamedDevice, Volume};

use super::{Context, Execute, Failure};
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
        let devices = self.block_device_mapping.iter().map(|text| device(text));
        let ask = create_image::CreateImage {
            instance_id: self.instance,
            name: Some(self.name),
            description: self.description,
            no_reboot: self.no_reboot.then_some(true),
            block_device_mapping: devices.collect::<Result<_, _>>()?,
            tag_specification: Vec::new(),
        };
        let made = cx.ec2(&self.remote)?.send(&ask)?;
        Ok(cx.rows(&self.columns).row(&["IMAGE", made.image_id.as_str()])?)
    }
}

/// Reads `DEVICE=ephemeralN`, `DEVICE=swap`, `DEVICE=none`, or `DEVICE=[SNAPSHOT]:[SIZE]:[DELETE]`,
/// which is a volume and the server's to judge.
fn device(text: &str) -> Result<NamedDevice, Failure> {
    let bad = || {
        let forms = "DEVICE=ephemeralN, DEVICE=swap or DEVICE=none";
        Failure::Usage(format!("argument -b/--block-device-mapping: '{text}' is not {forms}"))
    };
    let (device, mapped) = text.split_once('=').ok_or_else(bad)?;
    if device.is_empty() || mapped.is_empty() {
        return Err(bad());
    }
    let mut named = NamedDevice { device_name: Some(device.to_owned()), ..NamedDevice::default() };
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
    fn devices_of_an_image() {
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
