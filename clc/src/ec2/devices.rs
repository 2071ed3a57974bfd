//! Block device mappings: what is at which device beside the root.
//!
//! What a manifest says, a registration overrides, and a launch overrides that; types add nothing
//! of their own. A later mapping takes the place of whatever had its device or its virtual name, or
//! takes a device away. The disk of the type is shared out: what the image needs is the root's,
//! then swap is had if it fits, and `ephemeral0` is what is left; without it that is the root's
//! too. Whatever is mapped, an instance takes no more than its type's disk.
//!
//! What a manifest or a registration maps and this type has no room for is left out, so that an
//! image serves large types and small ones. What a launch itself asks for is had or refused.

use common::ec2::images::BlockDevice;
use common::error::{ApiError, ErrorCode};
use common::wire::spec::Purpose;

use super::types::InstanceType;
use crate::records::MappedDisk;

/// Size of the swap disk in MiB.
const SWAP_MIB: u64 = 512;

/// What a caller wants at a device: a virtual name, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The parameter, `BlockDeviceMapping.1`.
    parameter: String,
    device: String,
    name: Option<String>,
}

/// What BlockDeviceMapping says.
///
/// # Errors
/// Names the parameter that cannot be heeded, and why.
pub fn read(asked: &[BlockDevice]) -> Result<Vec<Device>, ApiError> {
    let mut devices: Vec<Device> = Vec::new();
    for (at, it) in asked.iter().enumerate() {
        let parameter = format!("BlockDeviceMapping.{}", at + 1);
        let part = |name: &str| format!("{parameter}.{name}");
        if it.ebs.is_some() {
            let text = format!("The parameter {} is not supported: no volumes", part("Ebs"));
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
        }
        let device = it.device_name.clone();
        let device = device.ok_or_else(|| ApiError::missing(&part("DeviceName")))?;
        if !is_device(&device) {
            let why = format!("'{device}' is not the name of a disk, as /dev/sdb is");
            return Err(ApiError::invalid(&part("DeviceName"), why));
        }
        if devices.iter().any(|known| plain(&known.device) == plain(&device)) {
            let why = format!("'{device}' is named twice");
            return Err(ApiError::invalid(&part("DeviceName"), why));
        }
        let name = match (&it.virtual_name, it.no_device.is_some()) {
            (Some(name), false) if !is_virtual(name) => {
                let why = format!("'{name}' is neither swap nor ephemeral with a number");
                return Err(ApiError::invalid(&part("VirtualName"), why));
            }
            (Some(name), false)
                if devices.iter().any(|known| known.name.as_ref() == Some(name)) =>
            {
                let why = format!("'{name}' is mapped twice");
                return Err(ApiError::invalid(&part("VirtualName"), why));
            }
            (Some(name), false) => Some(name.clone()),
            (None, true) => None,
            (None, false) => return Err(ApiError::missing(&part("VirtualName"))),
            (Some(_), true) => {
                let text = format!(
                    "The parameter {} cannot be used with the parameter {}",
                    part("VirtualName"),
                    part("NoDevice")
                );
                return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
            }
        };
        devices.push(Device { parameter, device, name });
    }
    Ok(devices)
}

fn plain(device: &str) -> &str {
    device.strip_prefix("/dev/").unwrap_or(device)
}

/// `sdb`, `vdb`, `xvdb` or `hdb`, or a partition of it, with or without `/dev/`.
fn is_device(name: &str) -> bool {
    let name = plain(name);
    let disk = ["sd", "vd", "xvd", "hd"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let Some((letter, number)) = disk.and_then(|disk| disk.split_at_checked(1)) else {
        return false;
    };
    let is_number = number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    letter.bytes().all(|byte| byte.is_ascii_lowercase()) && is_number && !number.starts_with('0')
}

/// What can be at a device beside the root: the manifest's words for it.
pub fn is_virtual(name: &str) -> bool {
    let number = name.strip_prefix("ephemeral");
    let number = number.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|number| number.parse::<u8>().ok());
    name == "swap" || number.is_some_and(|number| number < 24)
}

/// What a manifest maps. The oldest clouds told their guests of `ephemeral0` as `ephemeral`, and so
/// did those who saved them; it is the same disk.
pub fn of_manifest(mapping: &[(String, String)]) -> Vec<(String, String)> {
    let known = mapping.iter().any(|(name, _)| name == Purpose::Ephemeral0.name());
    let told = mapping.iter().filter(|(name, _)| !known || name != "ephemeral");
    let name =
        |name: &str| if name == "ephemeral" { Purpose::Ephemeral0.name() } else { name }.to_owned();
    told.map(|(virtual_name, device)| (name(virtual_name), device.clone())).collect()
}

/// Puts what was asked for in the place of what is mapped: each device and each virtual name is
/// there once. What a manifest says of the root stays.
///
/// # Errors
/// `InvalidParameterValue` if the root's device is asked for.
pub fn merge(
    mapping: &mut Vec<(String, String)>,
    devices: &[Device],
    root: &str,
) -> Result<(), ApiError> {
    for it in devices {
        let roots = mapping.iter().filter(|(name, _)| is_root(name)).map(|(_, device)| &**device);
        if roots.chain([root]).any(|root| plain(root) == plain(&it.device)) {
            let why = format!("'{}' is the root's", it.device);
            return Err(ApiError::invalid(&format!("{}.DeviceName", it.parameter), why));
        }
        mapping.retain(|(name, device)| {
            let same = plain(device) == plain(&it.device) || Some(name) == it.name.as_ref();
            is_root(name) || !same
        });
        mapping.extend(it.name.iter().map(|name| (name.clone(), it.device.clone())));
    }
    Ok(())
}

fn is_root(name: &str) -> bool {
    matches!(name, "ami" | "emi" | "root")
}

/// The disks that instances of a type have beside their root, in the guest's order. `asked` is
/// what the launch itself says, `size` the image's in bytes.
///
/// # Errors
/// Names what the launch asks for and the type does not have.
pub fn disks(
    mapping: &[(String, String)],
    asked: &[Device],
    kind: InstanceType,
    size: u64,
) -> Result<Vec<MappedDisk>, ApiError> {
    let device = |wanted: Purpose| {
        let found = mapping.iter().find(|(name, _)| name == wanted.name());
        found.map(|(_, device)| device.clone())
    };
    let mut left = (kind.disk_gib << 10).saturating_sub(size.div_ceil(1 << 20));
    let swap = device(Purpose::Swap).filter(|_| left >= SWAP_MIB);
    let swap = swap.map(|device| MappedDisk { purpose: Purpose::Swap, device, mib: SWAP_MIB });
    left -= swap.as_ref().map_or(0, |swap| swap.mib);
    let first = device(Purpose::Ephemeral0).filter(|_| left > 0);
    let first = first.map(|device| MappedDisk { purpose: Purpose::Ephemeral0, device, mib: left });
    let disks: Vec<_> = first.into_iter().chain(swap).collect();
    for it in asked {
        let Some(name) = &it.name else { continue };
        let parameter = format!("{}.VirtualName", it.parameter);
        if ![Purpose::Ephemeral0, Purpose::Swap].iter().any(|known| known.name() == name) {
            let why = format!("instances of type {} have no {name}, only ephemeral0", kind.name);
            return Err(ApiError::invalid(&parameter, why));
        }
        if !disks.iter().any(|disk| disk.purpose.name() == name) {
            let text = format!(
                "The disk of an instance of type {} has no room for {parameter}, {name}, beside \
                 the image",
                kind.name
            );
            return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
        }
    }
    Ok(disks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(device: &str, name: Option<&str>) -> BlockDevice {
        BlockDevice {
            device_name: Some(device.into()),
            virtual_name: name.map(str::to_owned),
            no_device: name.is_none().then(String::new),
            ebs: None,
        }
    }

    fn mapping(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, device)| ((*name).into(), (*device).into())).collect()
    }

    const CLASSIC: [(&str, &str); 4] =
        [("ami", "sda1"), ("root", "/dev/sda1"), ("ephemeral0", "sda2"), ("swap", "sda3")];

    #[test]
    fn devices_are_added_replaced_and_taken_away() {
        for (given, expected) in [
            (vec![], vec!["ephemeral0=sda2", "swap=sda3"]),
            (vec![asked("/dev/sdb", Some("ephemeral0"))], vec!["swap=sda3", "ephemeral0=/dev/sdb"]),
            (vec![asked("/dev/sda3", None)], vec!["ephemeral0=sda2"]),
            (vec![asked("sda3", Some("ephemeral1"))], vec!["ephemeral0=sda2", "ephemeral1=sda3"]),
            (vec![asked("sdb", None)], vec!["ephemeral0=sda2", "swap=sda3"]),
        ] {
            let mut all = mapping(&CLASSIC);
            merge(&mut all, &read(&given).unwrap(), "/dev/sda1").unwrap();
            let told: Vec<_> = all.iter().map(|(n, d)| format!("{n}={d}")).collect();
            assert_eq!(told[..2], ["ami=sda1", "root=/dev/sda1"], "{given:?}");
            assert_eq!(told[2..], expected, "{given:?}");
        }
        for (given, root) in [("sda1", "/dev/vda"), ("/dev/vda", "/dev/vda"), ("vda", "/dev/vda")] {
            for name in [None, Some("swap")] {
                let devices = read(&[asked(given, name)]).unwrap();
                let error = merge(&mut mapping(&CLASSIC), &devices, root).unwrap_err();
                assert!(error.text().contains("BlockDeviceMapping.1.DeviceName"), "{error}");
            }
        }
    }

    #[test]
    fn old_manifests_call_the_first_disk_otherwise() {
        let both = [("root", "/dev/vda"), ("ephemeral", "vdb"), ("ephemeral0", "vdb")];
        for (told, expected) in [
            (&both[..], mapping(&[both[0], both[2]])),
            (&both[..2], mapping(&[both[0], both[2]])),
            (&CLASSIC[..], mapping(&CLASSIC)),
        ] {
            assert_eq!(of_manifest(&mapping(told)), expected);
        }
    }

    #[test]
    fn what_cannot_be_heeded_is_refused_by_name() {
        use ErrorCode::{
            InvalidParameterCombination, InvalidParameterValue, MissingParameter,
            UnsupportedOperation,
        };
        let both = BlockDevice { no_device: Some(String::new()), ..asked("sdb", Some("swap")) };
        let nothing = BlockDevice { no_device: None, ..asked("sdb", None) };
        let nowhere = BlockDevice { device_name: None, ..asked("sdb", None) };
        let volume = BlockDevice { ebs: Some(Default::default()), ..asked("sdb", Some("swap")) };
        let twice = vec![asked("sdb", None), asked("/dev/sdb", Some("swap"))];
        let same = vec![asked("sdb", Some("swap")), asked("sdc", Some("swap"))];
        for (given, code, name) in [
            (vec![both], InvalidParameterCombination, "1.NoDevice"),
            (vec![nothing], MissingParameter, "1.VirtualName"),
            (vec![nowhere], MissingParameter, "1.DeviceName"),
            (vec![volume], UnsupportedOperation, "1.Ebs"),
            (twice, InvalidParameterValue, "2.DeviceName"),
            (same, InvalidParameterValue, "2.VirtualName"),
            (vec![asked("sdb", Some("root"))], InvalidParameterValue, "1.VirtualName"),
            (vec![asked("sdb", Some("ephemeralx"))], InvalidParameterValue, "ephemeralx"),
            (vec![asked("sdb", Some("ephemeral+1"))], InvalidParameterValue, "ephemeral+1"),
            (vec![asked("sdb", Some("ephemeral24"))], InvalidParameterValue, "ephemeral24"),
            (vec![asked("sd", Some("swap"))], InvalidParameterValue, "1.DeviceName"),
            (vec![asked("sdB", Some("swap"))], InvalidParameterValue, "1.DeviceName"),
            (vec![asked("/dev/loop0", None)], InvalidParameterValue, "1.DeviceName"),
            (vec![asked("sdb01", None)], InvalidParameterValue, "1.DeviceName"),
            (vec![asked("sd日", None)], InvalidParameterValue, "1.DeviceName"),
        ] {
            let error = read(&given).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.text().contains(name), "{error}");
        }
        for good in ["sdb", "/dev/sdz", "/dev/vdb", "xvdc", "sda2", "hdb15"] {
            assert!(read(&[asked(good, Some("ephemeral23"))]).is_ok(), "{good}");
        }
    }

    #[test]
    fn the_disk_of_a_type_is_shared_out() {
        let small = crate::ec2::types::DEFAULTS[0];
        let mib = 1 << 20;
        for (pairs, size, expected) in [
            (&CLASSIC[..2], mib, vec![]),
            (&CLASSIC[..], 1024 * mib, vec![("ephemeral0", 512), ("swap", 512)]),
            (&CLASSIC[..], 1024 * mib - 1, vec![("ephemeral0", 512), ("swap", 512)]),
            (&CLASSIC[..3], 1024 * mib + 1, vec![("ephemeral0", 1023)]),
            (&CLASSIC[3..], mib, vec![("swap", 512)]),
            // If swap does not fit there is none; ephemeral0 only if room is left.
            (&CLASSIC[..], 1536 * mib, vec![("swap", 512)]),
            (&CLASSIC[..], 1537 * mib, vec![("ephemeral0", 511)]),
            (&CLASSIC[..], 2048 * mib, vec![]),
            (&[("ephemeral1", "sdc"), ("ebs1", "sdd")][..], mib, vec![]),
        ] {
            let found = disks(&mapping(pairs), &[], small, size).unwrap();
            let told: Vec<_> = found.iter().map(|it| (it.purpose.name(), it.mib)).collect();
            assert_eq!(told, expected, "{pairs:?} {size}");
            let all: u64 = found.iter().map(|it| it.mib).sum();
            assert!(size.div_ceil(mib) + all <= 2048);
        }
    }

    #[test]
    fn what_a_launch_asks_for_is_had_or_refused() {
        let small = crate::ec2::types::DEFAULTS[0];
        let full = 2048 << 20;
        let ask = |name: &str, size| {
            let devices = read(&[asked("sdb", Some(name))]).unwrap();
            let mut all = Vec::new();
            merge(&mut all, &devices, "/dev/sda1").unwrap();
            disks(&all, &devices, small, size).map_err(|error| error.code())
        };
        assert_eq!(ask("ephemeral0", 1 << 20).unwrap()[0].device, "sdb");
        assert_eq!(ask("ephemeral0", full), Err(ErrorCode::InvalidParameterCombination));
        assert_eq!(ask("swap", full), Err(ErrorCode::InvalidParameterCombination));
        assert_eq!(ask("ephemeral1", 1 << 20), Err(ErrorCode::InvalidParameterValue));
    }
}
