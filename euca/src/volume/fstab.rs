//! The table of file systems that a machine of the image mounts at its start.
//!
//! Pure.

use bundle::Mapping;

use super::superblock::{Identity, uuid_text};

/// A table for an image whose file system is called so: its root, what the kernel makes up, and
/// the further disks that the mappings promise.
pub(crate) fn generate(root: &Identity, mappings: &[Mapping]) -> String {
    let uuid = format!("UUID={}", uuid_text(&root.uuid));
    let mut rows = vec![
        [uuid.as_str(), "/", root.kind.name(), "defaults", "0", "1"].map(str::to_owned),
        ["proc", "/proc", "proc", "defaults", "0", "0"].map(str::to_owned),
        ["sysfs", "/sys", "sysfs", "defaults", "0", "0"].map(str::to_owned),
        ["devpts", "/dev/pts", "devpts", "gid=5,mode=620", "0", "0"].map(str::to_owned),
    ];
    for mapping in mappings {
        let device = match mapping.device.strip_prefix("/dev/") {
            Some(name) => format!("/dev/{name}"),
            None => format!("/dev/{}", mapping.device),
        };
        // A machine type without such a disk starts all the same.
        let row = match mapping.virtual_name.as_str() {
            "swap" => [device.as_str(), "none", "swap", "sw,nofail", "0", "0"],
            "ephemeral0" => [device.as_str(), "/mnt", "auto", "defaults,nofail", "0", "2"],
            _ => continue,
        };
        rows.push(row.map(str::to_owned));
    }
    rows.iter().map(|row| format!("{}\n", row.join("\t"))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::superblock::Kind;
    use super::*;

    #[test]
    fn the_root_is_named_by_what_it_keeps() {
        let root = Identity { kind: Kind::Ext4, label: String::new(), uuid: [0x11; 16] };
        let mapping =
            |name: &str, device: &str| Mapping { virtual_name: name.into(), device: device.into() };
        let mappings =
            [mapping("ami", "sda1"), mapping("ephemeral0", "sda2"), mapping("swap", "/dev/sda3")];
        assert_eq!(
            generate(&root, &mappings),
            "UUID=11111111-1111-1111-1111-111111111111\t/\text4\tdefaults\t0\t1\n\
             proc\t/proc\tproc\tdefaults\t0\t0\n\
             sysfs\t/sys\tsysfs\tdefaults\t0\t0\n\
             devpts\t/dev/pts\tdevpts\tgid=5,mode=620\t0\t0\n\
             /dev/sda2\t/mnt\tauto\tdefaults,nofail\t0\t2\n\
             /dev/sda3\tnone\tswap\tsw,nofail\t0\t0\n"
        );
    }
}
