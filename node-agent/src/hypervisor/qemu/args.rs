//! A machine as QEMU's command line: pure, so that the whole of it can be read in a golden file.
//!
//! What is chosen, and why:
//! - `pc`, not `q35`: its firmware has less to look for (some 15 ms less until a kernel's first
//!   instruction under TCG), its virtio devices are transitional, and any kernel since 2006 knows
//!   it.
//! - `cache writeback` (no `cache.direct`): guests' flushes reach the disk either way; the page
//!   cache holds an image once for all machines that read through to it.
//! - Errors of the disk are reported to the guest; the default would stop the whole machine until
//!   somebody tells it to go on.
//! - `-no-shutdown`: a guest that switches itself off leaves a stopped QEMU behind, so that this
//!   can be told from a crash also by an agent that was away.
//! - No `-daemonize`: it cannot be had together with the sandbox that forbids QEMU to start
//!   programs. The process stands in a group of its own and outlives the agent all the same.
//! - The QMP socket comes in as standard input, already listening: no moment when it is not there
//!   yet, and no limit of 108 bytes for its path.
//! - The UUID comes from the instance's id, so it survives a restart from the same disk. It begins
//!   with `ec2` and is the serial number, too: by that cloud-init knows the platform, in whatever
//!   image it comes; older ones want both. A kernel that is given is told `ci.ds=Ec2` besides.
//! - A machine without a kernel boots from its disk by the BIOS. It has no screen, so the BIOS
//!   shows what loaders print on the serial port (`graphics=off`).
//! - A serial port for the agent inside the guest, if there is one, so that its file systems can be
//!   held still for a moment. Its socket is named from the machine's directory, in which QEMU is
//!   started: a socket's path may have 108 bytes only.
//! - Further disks come after every other device: the root stays the first disk, and the card where
//!   it is without them. They are plain files, which give back what the guest discards.
//! - QEMU's own network has no rights to need, but must start a program for each connection to
//!   the metadata service: the one thing for which its sandbox is opened.

use std::ffi::{OsStr, OsString};
use std::net::Ipv4Addr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use common::id::InstanceId;
use sha2::{Digest, Sha256};

use super::guest::AGENT;
use crate::hypervisor::console::CONSOLE;
use crate::hypervisor::driver::{Card, Launch, UserCard};

/// The pid file's name in a machine's directory.
pub const PID: &str = "pid";

/// What the kernel is told. The image is a bare file system, so the whole disk is the root.
const KERNEL_COMMAND: &str = "root=/dev/vda console=ttyS0 ci.ds=Ec2";

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor itself.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

impl Accelerator {
    /// QEMU's options for it.
    pub fn args(self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Tcg => ["-accel", "tcg,thread=multi", "-cpu", "max"],
        }
    }
}

/// The arguments for one machine, without the program's name.
pub fn args(launch: &Launch, accelerator: Accelerator) -> Vec<OsString> {
    let mut args = Args(Vec::with_capacity(64));
    let uuid = uuid(&launch.instance);
    args.pair("-name", format!("guest={},debug-threads=on", launch.instance));
    args.pair("-uuid", &uuid);
    args.pair("-smbios", format!("type=1,manufacturer=Eucalypt,product=Instance,serial={uuid}"));
    args.pair("-sandbox", sandbox(&launch.card));
    args.flag("-no-user-config");
    args.flag("-nodefaults");
    args.flag("-no-shutdown");
    args.pair("-display", "none");
    let boots_itself = launch.kernel.is_none();
    args.pair(
        "-machine",
        if boots_itself { "pc,vmport=off,graphics=off" } else { "pc,vmport=off" },
    );
    args.0.extend(accelerator.args().map(OsString::from));
    args.pair("-smp", launch.cpus.to_string());
    args.pair("-m", format!("{}M", launch.memory_mib));
    if let Some(kernel) = &launch.kernel {
        args.pair("-kernel", kernel.as_os_str());
        if let Some(ramdisk) = &launch.ramdisk {
            args.pair("-initrd", ramdisk.as_os_str());
        }
        args.pair("-append", KERNEL_COMMAND);
    }
    args.pair(
        "-blockdev",
        with_path("driver=file,node-name=overlay-file,discard=unmap,filename=", &launch.overlay),
    );
    args.pair(
        "-blockdev",
        "driver=qcow2,node-name=overlay,file=overlay-file,discard=unmap,detect-zeroes=unmap",
    );
    args.pair("-device", "virtio-blk-pci,drive=overlay,werror=report,rerror=report");
    args.pair("-netdev", netdev(&launch.card));
    args.pair("-device", format!("virtio-net-pci,netdev=card,mac={},romfile=", launch.mac));
    args.pair("-device", "virtio-rng-pci");
    args.pair(
        "-chardev",
        with_path("file,id=console,append=on,path=", &launch.directory.join(CONSOLE)),
    );
    args.pair("-serial", "chardev:console");
    args.pair("-chardev", "socket,id=qmp,fd=0,server=on,wait=off");
    args.pair("-mon", "chardev=qmp,mode=control");
    args.pair("-device", "virtio-serial-pci");
    args.pair("-chardev", format!("socket,id=agent,path={AGENT},server=on,wait=off"));
    args.pair("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0");
    for (number, disk) in launch.disks.iter().enumerate() {
        let file = format!("driver=file,node-name=disk{number}-file,discard=unmap,filename=");
        args.pair("-blockdev", with_path(&file, disk));
        args.pair(
            "-blockdev",
            format!(
                "driver=raw,node-name=disk{number},file=disk{number}-file,discard=unmap,\
                 detect-zeroes=unmap"
            ),
        );
        let device = format!("virtio-blk-pci,drive=disk{number},werror=report,rerror=report");
        args.pair("-device", device);
    }
    args.pair("-pidfile", launch.directory.join(PID).as_os_str());
    args.0
}

struct Args(Vec<OsString>);

impl Args {
    fn flag(&mut self, name: &str) {
        self.0.push(name.into());
    }

    fn pair(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.0.push(name.into());
        self.0.push(value.as_ref().to_owned());
    }
}

/// A user-mode network must start a command for each connection to the metadata address, in a
/// session of its own, which `elevateprivileges` would count among what it denies. Nothing gains
/// rights by that: without them a filter can only be had together with the kernel's promise that
/// no program that is started gets more.
fn sandbox(card: &Card) -> String {
    let starts = match card {
        Card::Tap { .. } => "deny",
        Card::User(_) => "allow",
    };
    format!("on,obsolete=deny,elevateprivileges={starts},resourcecontrol=deny,spawn={starts}")
}

/// The resolver in QEMU's own network, for guests that reach the outside.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);

fn netdev(card: &Card) -> OsString {
    match card {
        Card::Tap { name } => {
            let mut value = with_value("tap,id=card,ifname=", name.as_bytes());
            value.push(",script=no,downscript=no");
            value
        }
        // The network must contain the address that is forwarded, or QEMU refuses to start.
        Card::User(UserCard { address, gateway, metadata, ssh, outside }) => {
            let restrict = if *outside { "off" } else { "on" };
            let before = format!(
                "user,id=card,ipv6=off,restrict={restrict},net=169.254.0.0/16,host={gateway},\
                 dns={RESOLVER},dhcpstart={address},hostfwd=tcp:127.0.0.1:{ssh}-{address}:22,\
                 guestfwd=tcp:169.254.169.254:80-cmd:"
            );
            let words: Vec<_> = metadata.iter().map(|word| quoted(word)).collect();
            with_value(&before, &words.join(&b' '))
        }
    }
}

/// A word as a shell would read it back: QEMU takes the command apart as one does.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut bytes = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => bytes.extend_from_slice(b"'\\''"),
            _ => bytes.push(*byte),
        }
    }
    bytes.push(b'\'');
    bytes
}

fn with_path(before: &str, path: &Path) -> OsString {
    with_value(before, path.as_os_str().as_bytes())
}

/// A comma ends a value in QEMU's options; two of them are one.
fn with_value(before: &str, value: &[u8]) -> OsString {
    let mut bytes = before.as_bytes().to_vec();
    for byte in value {
        bytes.push(*byte);
        if *byte == b',' {
            bytes.push(b',');
        }
    }
    OsString::from_vec(bytes)
}

/// A UUID of its own for every instance id, the same each time. It begins with `ec2`.
pub fn uuid(instance: &InstanceId) -> String {
    let digest = Sha256::digest(instance.as_str().as_bytes());
    let hex = hex::encode(&digest[..14]);
    let rest = (&hex[5..9], &hex[9..12], &hex[12..15], &hex[15..27]);
    format!("ec2{}-{}-4{}-8{}-{}", &hex[..5], rest.0, rest.1, rest.2, rest.3)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn launch() -> Launch {
        Launch {
            instance: "i-0a1b2c3d".parse().unwrap(),
            directory: PathBuf::from("/srv/a,b/instances/i-0a1b2c3d"),
            cpus: 2,
            memory_mib: 512,
            mac: "d0:0d:0a:1b:2c:3d".to_owned(),
            overlay: PathBuf::from("/srv/a,b/instances/i-0a1b2c3d/overlay.qcow2"),
            disks: Vec::new(),
            kernel: Some(PathBuf::from("/srv/a,b/images/kernel")),
            ramdisk: Some(PathBuf::from("/srv/a,b/images/ramdisk")),
            card: Card::Tap { name: "tap-0a1b2c3d".to_owned() },
        }
    }

    fn text(launch: &Launch, accelerator: Accelerator) -> String {
        let words = args(launch, accelerator).into_iter().map(|a| a.into_string().unwrap());
        words.fold(String::new(), |text, word| match word.starts_with('-') {
            true if text.is_empty() => word,
            true => format!("{text}\n{word}"),
            false => format!("{text} {word}"),
        })
    }

    const GOLDEN: &str = "\
-name guest=i-0a1b2c3d,debug-threads=on
-uuid UUID
-smbios type=1,manufacturer=Eucalypt,product=Instance,serial=UUID
-sandbox on,obsolete=deny,elevateprivileges=deny,resourcecontrol=deny,spawn=deny
-no-user-config
-nodefaults
-no-shutdown
-display none
-machine pc,vmport=off
-accel tcg,thread=multi
-cpu max
-smp 2
-m 512M
-kernel /srv/a,b/images/kernel
-initrd /srv/a,b/images/ramdisk
-append root=/dev/vda console=ttyS0 ci.ds=Ec2
-blockdev driver=file,node-name=overlay-file,discard=unmap,filename=/srv/a,,b/instances/i-0a1b2c3d/overlay.qcow2
-blockdev driver=qcow2,node-name=overlay,file=overlay-file,discard=unmap,detect-zeroes=unmap
-device virtio-blk-pci,drive=overlay,werror=report,rerror=report
-netdev tap,id=card,ifname=tap-0a1b2c3d,script=no,downscript=no
-device virtio-net-pci,netdev=card,mac=d0:0d:0a:1b:2c:3d,romfile=
-device virtio-rng-pci
-chardev file,id=console,append=on,path=/srv/a,,b/instances/i-0a1b2c3d/console.log
-serial chardev:console
-chardev socket,id=qmp,fd=0,server=on,wait=off
-mon chardev=qmp,mode=control
-device virtio-serial-pci
-chardev socket,id=agent,path=agent.sock,server=on,wait=off
-device virtserialport,chardev=agent,name=org.qemu.guest_agent.0
-pidfile /srv/a,b/instances/i-0a1b2c3d/pid";

    #[test]
    fn the_command_line_of_a_machine_with_kernel_and_ramdisk() {
        let launch = launch();
        let golden = GOLDEN.replace("UUID", &uuid(&launch.instance));
        assert_eq!(text(&launch, Accelerator::Tcg), golden);
    }

    #[test]
    fn what_differs_for_other_launches() {
        let plain = text(&launch(), Accelerator::Tcg);
        let differing = |launch: &Launch, accelerator| {
            let text = text(launch, accelerator);
            let lines = text.lines().filter(|line| !plain.lines().any(|known| known == *line));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(differing(&launch(), Accelerator::Kvm), ["-accel kvm", "-cpu host"]);

        let without = Launch { ramdisk: None, ..launch() };
        assert_eq!(differing(&without, Accelerator::Tcg), Vec::<String>::new());
        assert!(!text(&without, Accelerator::Tcg).contains("-initrd"));

        let disk = Launch { kernel: None, ramdisk: None, ..launch() };
        assert_eq!(differing(&disk, Accelerator::Tcg), ["-machine pc,vmport=off,graphics=off"]);
        for absent in ["-kernel", "-initrd", "-append"] {
            assert!(!text(&disk, Accelerator::Tcg).contains(absent));
        }

        let disks = vec![PathBuf::from("/srv/a,b/swap.raw"), PathBuf::from("/srv/two")];
        let more = Launch { disks, ..launch() };
        assert_eq!(
            differing(&more, Accelerator::Tcg),
            [
                "-blockdev driver=file,node-name=disk0-file,discard=unmap,\
                 filename=/srv/a,,b/swap.raw",
                "-blockdev driver=raw,node-name=disk0,file=disk0-file,discard=unmap,\
                 detect-zeroes=unmap",
                "-device virtio-blk-pci,drive=disk0,werror=report,rerror=report",
                "-blockdev driver=file,node-name=disk1-file,discard=unmap,filename=/srv/two",
                "-blockdev driver=raw,node-name=disk1,file=disk1-file,discard=unmap,\
                 detect-zeroes=unmap",
                "-device virtio-blk-pci,drive=disk1,werror=report,rerror=report",
            ]
        );

        let card = UserCard {
            address: [169, 254, 64, 2].into(),
            gateway: [169, 254, 64, 1].into(),
            metadata: ["/a b/it's", "--x", "a,b"].map(OsString::from).into(),
            ssh: 20002,
            outside: false,
        };
        let user = Launch { card: Card::User(card.clone()), ..launch() };
        let sandbox =
            "-sandbox on,obsolete=deny,elevateprivileges=allow,resourcecontrol=deny,spawn=allow";
        let network = "-netdev user,id=card,ipv6=off,restrict=on,net=169.254.0.0/16,\
                       host=169.254.64.1,dns=169.254.169.253,dhcpstart=169.254.64.2,\
                       hostfwd=tcp:127.0.0.1:20002-169.254.64.2:22,\
                       guestfwd=tcp:169.254.169.254:80-cmd:'/a b/it'\\''s' '--x' 'a,,b'";
        assert_eq!(differing(&user, Accelerator::Tcg), [sandbox, network]);
        let card = UserCard { outside: true, ..card };
        let free = Launch { card: Card::User(card), ..launch() };
        let open = network.replace("restrict=on", "restrict=off");
        assert_eq!(differing(&free, Accelerator::Tcg), [sandbox, &open]);
    }

    #[test]
    fn uuids_belong_to_instances() {
        let one = uuid(&"i-00000001".parse().unwrap());
        assert!(one.len() == 36 && one.starts_with("ec2"), "{one}");
        assert_eq!(one, uuid(&"I-00000001".parse().unwrap()));
        assert_ne!(one, uuid(&"i-00000002".parse().unwrap()));
        assert!(one.split('-').map(str::len).eq([8, 4, 4, 4, 12]));
    }
}
