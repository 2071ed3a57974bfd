//! A whole disk on real QEMU: the BIOS starts what stands in its first sector.
//!
//! Runs with `EUCALYPT_TEST_QEMU=1` (scripts/test does where it has the right to).

#![cfg(test)]

use std::path::Path;
use std::time::{Duration, Instant};

use node_agent::hypervisor::driver::{Card, Disk, Driver as _, Launch, OVERLAY, UserCard};
use node_agent::hypervisor::qemu::args::Accelerator;
use node_agent::hypervisor::qemu::probe::{Probe, Programs};
use node_agent::hypervisor::qemu::qemu::Qemu;

/// A disk whose boot loader says one thing to the serial port itself and another to the BIOS, and
/// that has a partition.
fn disk() -> Vec<u8> {
    let mut code = vec![
        0x31, 0xc0, //       xor ax, ax
        0x8e, 0xd8, //       mov ds, ax
        0xfc, //             cld
        0xbe, 0x00, 0x00, // mov si, text      filled in below
        0xac, //             next: lodsb
        0x84, 0xc0, //       test al, al
        0x74, 0x06, //       jz more
        0xba, 0xf8, 0x03, // mov dx, 0x3f8     the first serial port
        0xee, //             out dx, al
        0xeb, 0xf5, //       jmp next
        0xac, //             more: lodsb
        0x84, 0xc0, //       test al, al
        0x74, 0x09, //       jz done
        0xb4, 0x0e, //       mov ah, 0x0e      the BIOS's teletype
        0xbb, 0x07, 0x00, // mov bx, 7
        0xcd, 0x10, //       int 0x10
        0xeb, 0xf2, //       jmp more
        0xfa, 0xf4, 0xeb, 0xfd, // done: cli; hlt; jmp to the hlt
    ];
    let text = 0x7c00 + u16::try_from(code.len()).unwrap();
    code[6..8].copy_from_slice(&text.to_le_bytes());
    code.extend(b"the disk boots\0 and the BIOS speaks.\0");
    let mut disk = vec![0; 1 << 20];
    disk[..code.len()].copy_from_slice(&code);
    // A partition from sector 64 on.
    disk[446..462].copy_from_slice(&[0x80, 0, 0, 0, 0x83, 0, 0, 0, 64, 0, 0, 0, 0x80, 7, 0, 0]);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

/// What a console shows when it shows this, or after a time that is long enough.
async fn until_shown(driver: &Qemu, directory: &Path, text: &str) -> String {
    let begun = Instant::now();
    loop {
        let bytes = driver.console(directory).await.unwrap().bytes;
        let said = String::from_utf8_lossy(&bytes).into_owned();
        if said.contains(text) || begun.elapsed() > Duration::from_secs(60) {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_whole_disk_boots_by_itself() {
    if std::env::var_os("EUCALYPT_TEST_QEMU").is_none_or(|v| v != "1") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (base, directory) = (folder.path().join("base"), folder.path().join("i-00000001"));
    std::fs::write(&base, disk()).unwrap();
    std::fs::create_dir(&directory).unwrap();
    let overlay = directory.join(OVERLAY);
    let launch = Launch {
        instance: "i-00000001".parse().unwrap(),
        directory: directory.clone(),
        cpus: 1,
        memory_mib: 32,
        mac: "d0:0d:00:00:00:01".to_owned(),
        overlay: overlay.clone(),
        disks: Vec::new(),
        kernel: None,
        ramdisk: None,
        card: Card::User(UserCard {
            address: [169, 254, 64, 2].into(),
            gateway: [169, 254, 64, 1].into(),
            metadata: vec!["cat".into()],
            // Whichever is free.
            ssh: 0,
            outside: false,
        }),
    };
    let (version, reason) = (String::new(), String::new());
    let probe = Probe { version, accelerator: Accelerator::Tcg, reason };
    let driver = Qemu::new(Programs::default(), &probe);
    // Larger than the image, as an instance type's disk is.
    driver.prepare(&Disk { overlay, base, size: 8 << 20 }).await.unwrap();
    driver.start(&launch).await.unwrap();
    let said = until_shown(&driver, &directory, "the BIOS speaks").await;
    driver.kill(&directory).await.unwrap();
    assert!(said.contains("the disk boots") && said.contains("the BIOS speaks"), "{said}");
}
