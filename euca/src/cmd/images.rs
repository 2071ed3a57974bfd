//! Images in the registry.

use std::collections::BTreeMap;

use clap::Args;
use common::ec2::images::{self, Image};

use super::tags::print_tags;
use super::{Context, Execute, Failure, block_devices};
use crate::options::{Columns, Filters, Remote};
use crate::output::{Rows, opt};

/// Options of `euca-register`.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Where the manifest is: BUCKET/KEY
    #[arg(value_name = "MANIFEST")]
    location: String,
    /// The image's name; made from the location if absent
    #[arg(short, long)]
    name: Option<String>,
    /// What it is
    #[arg(short, long, value_name = "DESC")]
    description: Option<String>,
    /// Its architecture, if not the manifest's
    #[arg(short, long, value_name = "ARCH", value_parser = ["i386", "x86_64", "armhf"])]
    architecture: Option<String>,
    /// The kernel to boot it with, if not the manifest's
    #[arg(long)]
    kernel: Option<String>,
    /// The ramdisk to boot it with, if not the manifest's
    #[arg(long)]
    ramdisk: Option<String>,
    /// Its root device
    #[arg(long, value_name = "DEVICE")]
    root_device_name: Option<String>,
    /// A device that its instances have: ephemeralN, swap, or none
    #[arg(short, long, value_name = "DEVICE=MAPPED")]
    block_device_mapping: Vec<String>,
    /// How it is booted
    #[arg(long, value_name = "TYPE", value_parser = ["paravirtual", "hvm"])]
    virtualization_type: Option<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Register {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = images::RegisterImage {
            image_location: Some(self.location),
            name: self.name,
            description: self.description,
            architecture: self.architecture,
            kernel_id: self.kernel,
            ramdisk_id: self.ramdisk,
            root_device_name: self.root_device_name,
            virtualization_type: self.virtualization_type,
            block_device_mapping: block_devices(&self.block_device_mapping)?,
            tag_specification: Vec::new(),
        };
        let made = cx.ec2(&self.remote)?.send(&ask)?;
        Ok(cx.rows(&self.columns).row(&["IMAGE", &made.image_id.to_string()])?)
    }
}

/// Options of `euca-deregister`.
#[derive(Debug, Args)]
pub(crate) struct Deregister {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Deregister {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = images::DeregisterImage { image_id: self.image.clone() };
        cx.ec2(&self.remote)?.send(&ask)?;
        Ok(cx.rows(&self.columns).row(&["IMAGE", &self.image])?)
    }
}

/// Options of `euca-describe-images`.
#[derive(Debug, Args)]
pub(crate) struct DescribeImages {
    /// Show these images only
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    /// Show all images that may be run
    #[arg(short, long, conflicts_with_all = ["owner", "executable_by"])]
    all: bool,
    /// Show images of this account; 'self' for one's own
    #[arg(short, long, value_name = "ACCOUNT")]
    owner: Vec<String>,
    /// Show images that this account was given leave to run; 'self' or 'all'
    #[arg(short = 'x', long, value_name = "ACCOUNT")]
    executable_by: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

const FILTERS: &[&str] = &[
    "architecture",
    "block-device-mapping.delete-on-termination",
    "block-device-mapping.device-name",
    "block-device-mapping.snapshot-id",
    "block-device-mapping.volume-size",
    "block-device-mapping.volume-type",
    "description",
    "hypervisor",
    "image-id",
    "image-type",
    "is-public",
    "kernel-id",
    "manifest-location",
    "name",
    "owner-alias",
    "owner-id",
    "platform",
    "product-code",
    "product-code.type",
    "ramdisk-id",
    "root-device-name",
    "root-device-type",
    "state",
    "state-reason-code",
    "state-reason-message",
    "tag-key",
    "tag-value",
    "tag:KEY",
    "virtualization-type",
];

impl Execute for DescribeImages {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let filter = self.filters.named(FILTERS)?;
        let named = !self.images.is_empty();
        let ask = images::DescribeImages {
            image_id: self.images,
            owner: self.owner,
            executable_by: self.executable_by,
            filter,
            ..Default::default()
        };
        let plain = ask.image_id.is_empty() && ask.owner.is_empty() && ask.executable_by.is_empty();
        let asked = match !self.all && plain {
            // One's own, and those that one was given leave to run: a union, hence two questions.
            true => vec![
                images::DescribeImages { owner: vec!["self".to_owned()], ..ask.clone() },
                images::DescribeImages { executable_by: vec!["self".to_owned()], ..ask },
            ],
            false => vec![ask],
        };
        let client = cx.ec2(&self.remote)?;
        let mut found = BTreeMap::new();
        for ask in asked {
            for image in client.send(&ask)?.images_set.item {
                found.insert(image.image_id.to_string(), image);
            }
        }
        let mut rows = cx.rows(&self.columns);
        for image in found.values() {
            print_image(&mut rows, image)?;
        }
        for image in found.values() {
            let state = &image.image_state;
            // How far an image is that is not there yet is told to whoever asks for that image.
            if let Some(reason) = &image.state_reason
                && (named || state != "pending")
            {
                cx.warn(&format!("{} is {state}: {}", image.image_id, reason.message));
            }
        }
        Ok(())
    }
}

fn print_image(rows: &mut Rows<'_>, image: &Image) -> Result<(), Failure> {
    let id = image.image_id.to_string();
    let location = match image.root_device_type.as_str() {
        "instance-store" => image.image_location.clone(),
        _ => format!("{}/{}", image.image_owner_id, opt(&image.name)),
    };
    let alias = opt(&image.image_owner_alias);
    rows.row(&[
        "IMAGE",
        &id,
        &location,
        if alias.is_empty() { &image.image_owner_id } else { alias },
        &image.image_state,
        if image.is_public { "public" } else { "private" },
        &image.architecture,
        &image.image_type,
        opt(&image.kernel_id),
        opt(&image.ramdisk_id),
        opt(&image.platform),
        &image.root_device_type,
        &image.virtualization_type,
        &image.hypervisor,
    ])?;
    for device in &image.block_device_mapping.item {
        if let Some(name) = &device.virtual_name {
            rows.row(&["BLOCKDEVICEMAPPING", "EPHEMERAL", &device.device_name, name])?;
        }
    }
    print_tags(rows, "image", &id, &image.tag_set.item)
}

#[cfg(test)]
mod tests {
    use common::dialect::xml::Set;
    use common::ec2::images::MappedDevice;
    use common::ec2::tags::Tag;

    use super::*;

    #[test]
    fn an_image_has_fourteen_columns() {
        let image = Image {
            image_id: "emi-0123abcd".parse().unwrap(),
            image_location: "b/i.manifest.xml".into(),
            image_state: "available".into(),
            image_owner_id: "000000000001".into(),
            image_owner_alias: Some("taro".into()),
            is_public: false,
            architecture: "x86_64".into(),
            image_type: "machine".into(),
            kernel_id: Some("eki-0123abcd".into()),
            ramdisk_id: None,
            platform: None,
            state_reason: None,
            name: Some("i".into()),
            description: None,
            root_device_type: "instance-store".into(),
            root_device_name: None,
            block_device_mapping: vec![MappedDevice {
                device_name: "/dev/sdb".into(),
                virtual_name: Some("ephemeral0".into()),
            }]
            .into(),
            image_size: None,
            virtualization_type: "paravirtual".into(),
            hypervisor: "kvm".into(),
            creation_date: None,
            product_codes: Set::default(),
            tag_set: vec![Tag { key: "os".into(), value: "a\tb".into() }].into(),
        };
        let mut out = Vec::new();
        print_image(&mut Rows::new(&mut out, false), &image).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "IMAGE\temi-0123abcd\tb/i.manifest.xml\ttaro\tavailable\tprivate\tx86_64\tmachine\t\
             eki-0123abcd\t\t\tinstance-store\tparavirtual\tkvm\n\
             BLOCKDEVICEMAPPING\tEPHEMERAL\t/dev/sdb\tephemeral0\n\
             TAG\timage\temi-0123abcd\tos\ta b\n"
        );
    }
}
