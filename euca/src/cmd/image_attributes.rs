//! Attributes of images.

use clap::{ArgGroup, Args};
use common::ec2::image_attributes::{
    self as attributes, ChangedPermission, ChangedPermissions, ImageAttribute, NewValue,
};

use super::{Context, Execute, Failure};
use crate::options::{Columns, Remote};
use crate::output::{Rows, opt};

const LAUNCH_PERMISSION: &str = "launchPermission";

/// Options of `euca-describe-image-attribute`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("attribute").required(true))]
pub(crate) struct DescribeImageAttribute {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Show who may run it
    #[arg(short, long, group = "attribute")]
    launch_permission: bool,
    /// Show its product codes
    #[arg(short, long, group = "attribute")]
    product_codes: bool,
    /// Show its devices
    #[arg(short = 'B', long, group = "attribute")]
    block_device_mapping: bool,
    /// Show the kernel it boots
    #[arg(long, group = "attribute")]
    kernel: bool,
    /// Show the ramdisk it boots
    #[arg(long, group = "attribute")]
    ramdisk: bool,
    /// Show its description
    #[arg(long, group = "attribute")]
    description: bool,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeImageAttribute {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let rows = [
            (self.launch_permission, LAUNCH_PERMISSION),
            (self.product_codes, "productCodes"),
            (self.block_device_mapping, "blockDeviceMapping"),
            (self.kernel, "kernel"),
            (self.ramdisk, "ramdisk"),
        ];
        let attribute = rows.iter().find(|(asked, _)| *asked).map_or("description", |row| row.1);
        let ask = attributes::DescribeImageAttribute {
            image_id: self.image,
            attribute: attribute.to_owned(),
        };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        print_attribute(&mut cx.rows(&self.columns), &answer)
    }
}

fn print_attribute(rows: &mut Rows<'_>, answer: &ImageAttribute) -> Result<(), Failure> {
    let id = answer.image_id.to_string();
    for permission in answer.launch_permission.iter().flat_map(|set| &set.item) {
        for (kind, who) in [("group", &permission.group), ("userId", &permission.user_id)] {
            if let Some(who) = who {
                rows.row(&[LAUNCH_PERMISSION, &id, kind, who])?;
            }
        }
    }
    for code in answer.product_codes.iter().flat_map(|set| &set.item) {
        rows.row(&["productCodes", &id, "productCode", &code.product_code])?;
    }
    for device in answer.block_device_mapping.iter().flat_map(|set| &set.item) {
        let mapped = format!("{}: {}", device.device_name, opt(&device.virtual_name));
        rows.row(&["blockDeviceMapping", &id, "blockDeviceMap", &mapped])?;
    }
    let values = [
        ("kernel", &answer.kernel),
        ("ramdisk", &answer.ramdisk),
        ("description", &answer.description),
    ];
    for (name, value) in values {
        // One that the image does not have is no row, as in 3.4.
        if let Some(value) = value.as_ref().map(|it| opt(&it.value)).filter(|it| !it.is_empty()) {
            rows.row(&[name, &id, "", value])?;
        }
    }
    Ok(())
}

/// Options of `euca-modify-image-attribute`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("attribute").required(true))]
pub(crate) struct ModifyImageAttribute {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Describe it so
    #[arg(long, value_name = "DESC", group = "attribute")]
    description: Option<String>,
    /// Add a product code
    #[arg(short, long, value_name = "CODE", group = "attribute")]
    product_code: Vec<String>,
    /// Change who may run it, with -a and -r
    #[arg(short, long, group = "attribute")]
    launch_permission: bool,
    /// An account that may run it from now on, or 'all'
    #[arg(short, long, value_name = "ENTITY")]
    add: Vec<String>,
    /// An account that may no longer run it, or 'all'
    #[arg(short, long, value_name = "ENTITY")]
    remove: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for ModifyImageAttribute {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let wrong = match (self.launch_permission, self.add.is_empty() && self.remove.is_empty()) {
            (true, true) => Some("whom -l is about has to be said with -a or -r"),
            (false, false) => Some("-a and -r are for -l only"),
            (true, false) | (false, true) => None,
        };
        if let Some(text) = wrong {
            return Err(Failure::Usage(text.to_owned()));
        }
        let list = |given: &[String]| given.iter().map(|entity| permission(entity)).collect();
        let ask = attributes::ModifyImageAttribute {
            image_id: self.image.clone(),
            product_code: self.product_code.clone(),
            launch_permission: self
                .launch_permission
                .then(|| ChangedPermissions { add: list(&self.add), remove: list(&self.remove) }),
            description: self.description.clone().map(|text| NewValue { value: Some(text) }),
            ..Default::default()
        };
        cx.ec2(&self.remote)?.send(&ask)?;
        let mut rows = cx.rows(&self.columns);
        if let Some(text) = self.description.as_ref().filter(|text| !text.is_empty()) {
            rows.row(&["description", &self.image, "", text])?;
        }
        for code in &self.product_code {
            rows.row(&["productcodes", &self.image, "productCode", code])?;
        }
        for (what, entities) in [("ADD", &self.add), ("REMOVE", &self.remove)] {
            for entity in entities {
                let kind = if entity == "all" { "Group" } else { "UserId" };
                rows.row(&[LAUNCH_PERMISSION, &self.image, what, kind, entity])?;
            }
        }
        Ok(())
    }
}

fn permission(entity: &str) -> ChangedPermission {
    let named = Some(entity.to_owned());
    match entity {
        "all" => ChangedPermission { group: named, ..Default::default() },
        _ => ChangedPermission { user_id: named, ..Default::default() },
    }
}

/// Options of `euca-reset-image-attribute`.
#[derive(Debug, Args)]
pub(crate) struct ResetImageAttribute {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Let those run it who might at first
    #[arg(short, long, required = true)]
    launch_permission: bool,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for ResetImageAttribute {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let attribute = LAUNCH_PERMISSION.to_owned();
        let ask = attributes::ResetImageAttribute { image_id: self.image.clone(), attribute };
        cx.ec2(&self.remote)?.send(&ask)?;
        Ok(cx.rows(&self.columns).row(&[LAUNCH_PERMISSION, &self.image, "RESET"])?)
    }
}
