//! Single attributes of instances. A line says which, of what, and what it is:
//! `instanceType<TAB>i-0123abcd<TAB>m1.small`.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use common::ec2::attributes::{self, InstanceAttribute};

use super::{Context, Execute, Failure};
use crate::options::{Columns, Remote};
use crate::output::Rows;

/// Which attribute; as the old tools name them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The devices that it has
    #[arg(short, long)]
    block_device_mapping: bool,
    /// Whether it may be terminated
    #[arg(long)]
    disable_api_termination: bool,
    /// Whether its disk has a network of its own
    #[arg(long)]
    ebs_optimized: bool,
    /// Its security groups
    #[arg(short, long)]
    group_id: bool,
    /// What happens when its guest switches it off
    #[arg(long)]
    instance_initiated_shutdown_behavior: bool,
    /// Its type
    #[arg(short = 't', long)]
    instance_type: bool,
    /// The kernel it boots
    #[arg(long)]
    kernel: bool,
    /// Its product codes
    #[arg(short, long)]
    product_codes: bool,
    /// The ramdisk it boots
    #[arg(long)]
    ramdisk: bool,
    /// Its root device
    #[arg(long)]
    root_device_name: bool,
    /// Whether it sends under its own address only
    #[arg(long)]
    source_dest_check: bool,
    /// What it was given along, in base64
    #[arg(long)]
    user_data: bool,
}

impl Which {
    fn name(&self) -> &'static str {
        let rows = [
            (self.block_device_mapping, "blockDeviceMapping"),
            (self.disable_api_termination, "disableApiTermination"),
            (self.ebs_optimized, "ebsOptimized"),
            (self.group_id, "groupSet"),
            (self.instance_initiated_shutdown_behavior, "instanceInitiatedShutdownBehavior"),
            (self.instance_type, "instanceType"),
            (self.kernel, "kernel"),
            (self.product_codes, "productCodes"),
            (self.ramdisk, "ramdisk"),
            (self.root_device_name, "rootDeviceName"),
            (self.source_dest_check, "sourceDestCheck"),
        ];
        rows.into_iter().find(|(given, _)| *given).map_or("userData", |(_, name)| name)
    }
}

/// Options of `euca-describe-instance-attribute`.
#[derive(Debug, Args)]
pub(crate) struct DescribeInstanceAttribute {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    instance: String,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DescribeInstanceAttribute {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let name = self.which.name();
        let ask = attributes::DescribeInstanceAttribute {
            instance_id: self.instance,
            attribute: name.to_owned(),
        };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        print_attribute(&mut cx.rows(&self.columns), name, &answer)
    }
}

fn print_attribute(
    rows: &mut Rows<'_>,
    name: &str,
    answer: &InstanceAttribute,
) -> Result<(), Failure> {
    let id = answer.instance_id.to_string();
    let texts = [
        &answer.instance_type,
        &answer.kernel,
        &answer.ramdisk,
        &answer.user_data,
        &answer.instance_initiated_shutdown_behavior,
        &answer.root_device_name,
    ];
    let flags = [
        answer.disable_api_termination,
        answer.disable_api_stop,
        answer.source_dest_check,
        answer.ebs_optimized,
    ];
    let mut values: Vec<String> =
        texts.into_iter().flatten().filter_map(|it| it.value.clone()).collect();
    values.extend(flags.into_iter().flatten().map(|flag| flag.value.to_string()));
    let sets = answer.group_set.iter().flat_map(|set| &set.item);
    values.extend(sets.map(|group| group.group_id.clone()));
    let codes = answer.product_codes.iter().flat_map(|set| &set.item);
    values.extend(codes.map(|code| code.product_code.clone()));
    let devices = answer.block_device_mapping.iter().flat_map(|set| &set.item);
    values.extend(devices.map(|device| match &device.virtual_name {
        Some(name) => format!("{}: {name}", device.device_name),
        None => device.device_name.clone(),
    }));
    for value in values {
        rows.row(&[name, &id, &value])?;
    }
    Ok(())
}

/// What an attribute becomes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Becomes {
    /// Whether it may not be terminated: true or false
    #[arg(long, value_name = "BOOLEAN")]
    disable_api_termination: Option<String>,
    /// What happens when its guest switches it off: stop or terminate
    #[arg(long, value_name = "BEHAVIOR")]
    instance_initiated_shutdown_behavior: Option<String>,
    /// Its type; it must be stopped
    #[arg(short = 't', long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// The kernel it boots; it must be stopped
    #[arg(long, value_name = "IMAGE")]
    kernel: Option<String>,
    /// The ramdisk it boots; it must be stopped
    #[arg(long, value_name = "IMAGE")]
    ramdisk: Option<String>,
    /// What it is given along; it must be stopped
    #[arg(long, value_name = "DATA")]
    user_data: Option<String>,
    /// A file with what it is given along; it must be stopped
    #[arg(long, value_name = "FILE")]
    user_data_file: Option<PathBuf>,
}

/// Options of `euca-modify-instance-attribute`.
#[derive(Debug, Args)]
pub(crate) struct ModifyInstanceAttribute {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    instance: String,
    #[command(flatten)]
    becomes: Becomes,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for ModifyInstanceAttribute {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let it = self.becomes;
        let file = match it.user_data_file {
            Some(path) => Some(fs::read(&path).map_err(|error| {
                Failure::Client(format!("{} cannot be read: {error}", path.display()))
            })?),
            None => None,
        };
        let data = file.or(it.user_data.map(String::into_bytes)).map(|data| STANDARD.encode(data));
        let rows = [
            ("disableApiTermination", it.disable_api_termination),
            ("instanceInitiatedShutdownBehavior", it.instance_initiated_shutdown_behavior),
            ("instanceType", it.instance_type),
            ("kernel", it.kernel),
            ("ramdisk", it.ramdisk),
            ("userData", data),
        ];
        // One of them is given: the command line is not understood otherwise.
        for (name, value) in rows.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            let ask = attributes::ModifyInstanceAttribute {
                instance_id: self.instance.clone(),
                attribute: Some(name.to_owned()),
                value: Some(value.clone()),
                sent: 1,
            };
            cx.ec2(&self.remote)?.send(&ask)?;
            cx.rows(&self.columns).row(&[name, &self.instance, &value])?;
        }
        Ok(())
    }
}

/// Options of `euca-reset-instance-attribute`.
#[derive(Debug, Args)]
pub(crate) struct ResetInstanceAttribute {
    /// The instance, which must be stopped
    #[arg(value_name = "INSTANCE")]
    instance: String,
    /// Boot the kernel that its image or the cloud has for it
    #[arg(long, group = "attribute", required_unless_present = "ramdisk")]
    kernel: bool,
    /// Boot with the ramdisk that its image or the cloud has for it
    #[arg(long, group = "attribute")]
    ramdisk: bool,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for ResetInstanceAttribute {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let name = if self.kernel { "kernel" } else { "ramdisk" };
        let ask = attributes::ResetInstanceAttribute {
            instance_id: self.instance.clone(),
            attribute: name.to_owned(),
        };
        cx.ec2(&self.remote)?.send(&ask)?;
        cx.rows(&self.columns).row(&[name, &self.instance])?;
        Ok(())
    }
}
