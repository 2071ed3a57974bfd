//! Instances.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use common::ec2::instance_profiles::ProfileName;
use common::ec2::instances::{self, Instance, Placement, Reservation};
use common::ec2::metadata_options::MetadataRequest;

use super::power::print_changed;
use super::tags::print_tags;
use super::{Context, Execute, Failure, block_devices};
use crate::options::{Columns, Filters, Remote};
use crate::output::{Rows, opt};
use crate::staged::chance;

/// Options of `euca-run-instances`.
#[derive(Debug, Args)]
pub(crate) struct RunInstances {
    /// The image to run
    #[arg(value_name = "IMAGE")]
    image: String,
    /// How many: MIN-MAX runs as many of MAX as there is room for, but no fewer than MIN
    #[arg(short = 'n', long, value_name = "MIN[-MAX]", default_value = "1")]
    instance_count: String,
    /// A security group
    #[arg(short, long)]
    group: Vec<String>,
    /// The key pair to log in with
    #[arg(short, long, value_name = "KEYPAIR")]
    key: Option<String>,
    /// User data for the guest
    #[arg(short = 'd', long, value_name = "DATA", group = "data")]
    user_data: Option<String>,
    /// User data for the guest, even if there is a file of that name
    #[arg(long, value_name = "DATA", group = "data")]
    user_data_force: Option<String>,
    /// A file with user data for the guest; - for standard input
    #[arg(short = 'f', long, value_name = "FILE", group = "data")]
    user_data_file: Option<PathBuf>,
    /// The type of the instances
    #[arg(short = 't', long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// The zone to run in
    #[arg(short = 'z', long, value_name = "ZONE")]
    availability_zone: Option<String>,
    /// The kernel to boot with, if not the image's
    #[arg(long)]
    kernel: Option<String>,
    /// The ramdisk to boot with, if not the image's
    #[arg(long)]
    ramdisk: Option<String>,
    /// A device that the instances have: ephemeralN, swap, or none
    #[arg(short, long, value_name = "DEVICE=MAPPED")]
    block_device_mapping: Vec<String>,
    /// What happens when a guest switches its instance off
    #[arg(long, value_name = "BEHAVIOR", value_parser = ["stop", "terminate"])]
    instance_initiated_shutdown_behavior: Option<String>,
    /// Refuse to terminate the instances until that is taken back
    #[arg(long)]
    disable_api_termination: bool,
    /// The instance profile whose role the instances have: its name or its ARN
    #[arg(short = 'p', long, value_name = "IPROFILE")]
    iam_profile: Option<String>,
    /// A token with which the same launch happens only once
    #[arg(long, value_name = "TOKEN")]
    client_token: Option<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for RunInstances {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let (min, max) = count(&self.instance_count)?;
        let user_data = self.user_data()?.map(|data| STANDARD.encode(data));
        // A token makes it safe to ask again when the answer is lost.
        let token = match self.client_token {
            Some(token) => token,
            None => format!("euca-{}{}", chance()?, chance()?),
        };
        let ask = instances::RunInstances {
            image_id: self.image,
            min_count: Some(min),
            max_count: Some(max),
            key_name: self.key,
            instance_type: self.instance_type,
            kernel_id: self.kernel,
            ramdisk_id: self.ramdisk,
            placement: self
                .availability_zone
                .map(|zone| Placement { availability_zone: Some(zone) }),
            client_token: Some(token),
            security_group: self.group,
            user_data,
            block_device_mapping: block_devices(&self.block_device_mapping)?,
            metadata_options: MetadataRequest::default(),
            tag_specification: Vec::new(),
            disable_api_termination: self.disable_api_termination.then_some(true),
            instance_initiated_shutdown_behavior: self.instance_initiated_shutdown_behavior,
            iam_instance_profile: self.iam_profile.as_deref().map(ProfileName::of),
            unsupported: Vec::new(),
        };
        let reservation = cx.ec2(&self.remote)?.send(&ask)?;
        print_reservation(&mut cx.rows(&self.columns), &reservation)
    }
}

impl RunInstances {
    fn user_data(&self) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(data) = &self.user_data {
            if Path::new(data).is_file() {
                return Err(Failure::Usage(format!(
                    "argument -d: '{data}' is a file; -f sends what is in it, --user-data-force \
                     its name"
                )));
            }
            return Ok(Some(data.clone().into_bytes()));
        }
        if let Some(data) = &self.user_data_force {
            return Ok(Some(data.clone().into_bytes()));
        }
        let Some(path) = &self.user_data_file else { return Ok(None) };
        let read = match path.as_os_str() == "-" {
            true => {
                let mut data = Vec::new();
                std::io::stdin().lock().read_to_end(&mut data).map(|_| data)
            }
            false => fs::read(path),
        };
        let fail = |error| Failure::Client(format!("{} cannot be read: {error}", path.display()));
        Ok(Some(read.map_err(fail)?))
    }
}

fn count(text: &str) -> Result<(u32, u32), Failure> {
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    match (min.parse(), max.parse()) {
        (Ok(min), Ok(max)) if 0 < min && min <= max => Ok((min, max)),
        _ => Err(Failure::Usage(format!("argument -n: '{text}' is not MIN or MIN-MAX"))),
    }
}

/// Options of `euca-describe-instances`.
#[derive(Debug, Args)]
pub(crate) struct DescribeInstances {
    /// Show these instances only
    #[arg(value_name = "INSTANCE")]
    instances: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

const FILTERS: &[&str] = &[
    "architecture",
    "association.allocation-id",
    "association.association-id",
    "association.ip-owner-id",
    "association.public-ip",
    "availability-zone",
    "block-device-mapping.attach-time",
    "block-device-mapping.delete-on-termination",
    "block-device-mapping.device-name",
    "block-device-mapping.status",
    "block-device-mapping.volume-id",
    "client-token",
    "dns-name",
    "group-id",
    "group-name",
    "hypervisor",
    "iam-instance-profile.arn",
    "image-id",
    "instance.group-id",
    "instance.group-name",
    "instance-id",
    "instance-lifecycle",
    "instance-state-code",
    "instance-state-name",
    "instance-type",
    "ip-address",
    "kernel-id",
    "key-name",
    "launch-index",
    "launch-time",
    "monitoring-state",
    "network-interface.addresses.association.ip-owner-id",
    "network-interface.addresses.association.public-ip",
    "network-interface.addresses.primary",
    "network-interface.addresses.private-ip-address",
    "network-interface.attachment.device-index",
    "network-interface.attachment.attach-time",
    "network-interface.attachment.attachment-id",
    "network-interface.attachment.delete-on-termination",
    "network-interface.attachment.instance-owner-id",
    "network-interface.attachment.status",
    "network-interface.availability-zone",
    "network-interface.description",
    "network-interface.group-id",
    "network-interface.group-name",
    "network-interface.mac-address",
    "network-interface.network-interface.id",
    "network-interface.owner-id",
    "network-interface.private-dns-name",
    "network-interface.requester-id",
    "network-interface.requester-managed",
    "network-interface.source-destination-check",
    "network-interface.status",
    "network-interface.subnet-id",
    "network-interface.vpc-id",
    "owner-id",
    "placement-group-name",
    "platform",
    "private-dns-name",
    "private-ip-address",
    "product-code",
    "product-code.type",
    "ramdisk-id",
    "reason",
    "requester-id",
    "reservation-id",
    "root-device-name",
    "root-device-type",
    "spot-instance-request-id",
    "state-reason-code",
    "state-reason-message",
    "subnet-id",
    "tag-key",
    "tag-value",
    "tag:KEY",
    "virtualization-type",
    "vpc-id",
];

impl Execute for DescribeInstances {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let filter = self.filters.named(FILTERS)?;
        let ask = instances::DescribeInstances {
            instance_id: self.instances,
            filter,
            ..Default::default()
        };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        let mut rows = cx.rows(&self.columns);
        answer.reservation_set.item.iter().try_for_each(|one| print_reservation(&mut rows, one))
    }
}

fn print_reservation(rows: &mut Rows<'_>, reservation: &Reservation) -> Result<(), Failure> {
    let groups: Vec<&str> =
        reservation.group_set.item.iter().map(|group| group.group_name.as_str()).collect();
    let (id, groups) = (reservation.reservation_id.to_string(), groups.join(", "));
    let mut row = vec!["RESERVATION", &id, &reservation.owner_id];
    if !groups.is_empty() {
        row.push(&groups);
    }
    rows.row(&row)?;
    let mut instances: Vec<&Instance> = reservation.instances_set.item.iter().collect();
    instances.sort_by_key(|instance| instance.launch_time);
    instances.into_iter().try_for_each(|instance| print_instance(rows, instance))
}

fn print_instance(rows: &mut Rows<'_>, instance: &Instance) -> Result<(), Failure> {
    let codes: Vec<&str> =
        instance.product_codes.item.iter().map(|code| code.product_code.as_str()).collect();
    let groups: Vec<&str> =
        instance.group_set.item.iter().map(|group| group.group_id.as_str()).collect();
    let id = instance.instance_id.to_string();
    let profile = instance.iam_instance_profile.as_ref().map_or("", |profile| &profile.arn);
    rows.row(&[
        "INSTANCE",
        &id,
        &instance.image_id,
        &instance.dns_name,
        &instance.private_dns_name,
        &instance.instance_state.name,
        opt(&instance.key_name),
        &instance.ami_launch_index.to_string(),
        &codes.join(","),
        &instance.instance_type,
        &instance.launch_time.0.iso(),
        &instance.placement.availability_zone,
        opt(&instance.kernel_id),
        opt(&instance.ramdisk_id),
        "", // platform
        &format!("monitoring-{}", instance.monitoring.state),
        opt(&instance.ip_address),
        opt(&instance.private_ip_address),
        "", // vpc
        "", // subnet
        &instance.root_device_type,
        "", // lifecycle
        "", // spot request
        "", // license
        "", // placement group
        &instance.virtualization_type,
        &instance.hypervisor,
        opt(&instance.client_token),
        &groups.join(","),
        &instance.placement.tenancy,
        "", // optimized for EBS
        profile,
        &instance.architecture,
    ])?;
    print_tags(rows, "instance", &id, &instance.tag_set.item)
}

/// Options of `euca-terminate-instances`.
#[derive(Debug, Args)]
pub(crate) struct TerminateInstances {
    /// The instances to end
    #[arg(value_name = "INSTANCE", required = true)]
    instances: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for TerminateInstances {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = instances::TerminateInstances { instance_id: self.instances };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        print_changed(&mut cx.rows(&self.columns), &answer)
    }
}

/// Options of `euca-get-console-output`.
#[derive(Debug, Args)]
pub(crate) struct GetConsoleOutput {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    instance: String,
    /// Print control characters as they are, not as ^X
    #[arg(short, long)]
    raw_console_output: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for GetConsoleOutput {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let ask = instances::GetConsoleOutput { instance_id: self.instance };
        let answer = cx.ec2(&self.remote)?.send(&ask)?;
        // Some write base64 in lines.
        let packed: String = answer.output.split_ascii_whitespace().collect();
        let log = STANDARD.decode(packed).map_err(|error| {
            Failure::Client(format!("the console output cannot be read: {error}"))
        })?;
        writeln!(cx.out, "{}\n{}", answer.instance_id, answer.timestamp.0.iso())?;
        match self.raw_console_output {
            true => cx.out.write_all(&log)?,
            false => cx.out.write_all(visible(&String::from_utf8_lossy(&log)).as_bytes())?,
        }
        Ok(writeln!(cx.out)?)
    }
}

/// A console log without what a terminal would take for a command.
fn visible(log: &str) -> String {
    let mut text = String::with_capacity(log.len());
    for c in log.chars() {
        match c {
            '\n' | '\r' | '\t' => text.push(c),
            '\u{7f}' => text.push_str("^?"),
            c if c.is_ascii_control() => {
                text.push('^');
                text.extend(char::from_u32(u32::from(c) + 0x40));
            }
            c if c.is_control() => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use common::dialect::xml::Set;
    use common::ec2::instance_profiles::ProfileView;
    use common::ec2::instances::{Group, Monitoring, Placed, State};
    use common::ec2::tags::Tag;
    use common::ec2::types::IsoTime;
    use common::time::Timestamp;

    use super::*;

    fn instance(id: &str, launched: i64) -> Instance {
        Instance {
            instance_id: id.parse().unwrap(),
            image_id: "emi-0123abcd".into(),
            instance_state: State { code: 16, name: "running".into() },
            private_dns_name: "10.0.0.2".into(),
            dns_name: "192.0.2.2".into(),
            reason: None,
            key_name: Some("mykey".into()),
            ami_launch_index: 0,
            product_codes: Set::default(),
            instance_type: "m1.small".into(),
            launch_time: IsoTime(Timestamp::from_secs(launched)),
            placement: Placed {
                availability_zone: "eucalyptus-1a".into(),
                tenancy: "default".into(),
            },
            kernel_id: Some("eki-0123abcd".into()),
            ramdisk_id: Some("eri-0123abcd".into()),
            monitoring: Monitoring { state: "disabled".into() },
            private_ip_address: Some("10.0.0.2".into()),
            ip_address: Some("192.0.2.2".into()),
            state_reason: None,
            architecture: "x86_64".into(),
            root_device_type: "instance-store".into(),
            root_device_name: "/dev/sda1".into(),
            block_device_mapping: Set::default(),
            virtualization_type: "paravirtual".into(),
            client_token: None,
            hypervisor: "kvm".into(),
            iam_instance_profile: Some(ProfileView { arn: "arn:x".into(), id: "AIPA1".into() }),
            metadata_options: None,
            group_set: vec![Group { group_id: "sg-1".into(), group_name: "default".into() }].into(),
            tag_set: vec![Tag { key: "Name".into(), value: "web".into() }].into(),
        }
    }

    #[test]
    fn an_instance_has_33_columns_in_the_order_of_launch() {
        let reservation = Reservation {
            reservation_id: "r-0123abcd".parse().unwrap(),
            owner_id: "000000000001".into(),
            group_set: vec![Group { group_id: "sg-1".into(), group_name: "default".into() }].into(),
            instances_set: vec![instance("i-00000002", 20), instance("i-00000001", 10)].into(),
        };
        let mut out = Vec::new();
        print_reservation(&mut Rows::new(&mut out, false), &reservation).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "RESERVATION\tr-0123abcd\t000000000001\tdefault");
        let columns: Vec<&str> = lines[1].split('\t').collect();
        assert_eq!(columns.len(), 33);
        for (index, expected) in [
            (1, "i-00000001"),
            (3, "192.0.2.2"),
            (4, "10.0.0.2"),
            (5, "running"),
            (7, "0"),
            (10, "1970-01-01T00:00:10.000Z"),
            (11, "eucalyptus-1a"),
            (15, "monitoring-disabled"),
            (16, "192.0.2.2"),
            (17, "10.0.0.2"),
            (20, "instance-store"),
            (25, "paravirtual"),
            (26, "kvm"),
            (28, "sg-1"),
            (29, "default"),
            (31, "arn:x"),
            (32, "x86_64"),
        ] {
            assert_eq!(columns[index], expected, "column {index}");
        }
        assert_eq!(lines[2], "TAG\tinstance\ti-00000001\tName\tweb");
        assert!(lines[3].starts_with("INSTANCE\ti-00000002\t"));
    }

    #[test]
    fn counts() {
        for (text, expected) in [("1", (1, 1)), ("3", (3, 3)), ("2-5", (2, 5))] {
            assert_eq!(count(text).unwrap(), expected);
        }
        for bad in ["", "0", "-1", "5-2", "a", "1-", "99999999999"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_terminal_takes_no_commands_from_a_guest() {
        assert_eq!(visible("a\x1b[31mb\r\n\tc\x00\x7f\u{9b}é"), "a^[[31mb\r\n\tc^@^?\u{fffd}é");
    }
}
