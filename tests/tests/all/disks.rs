//! Disks beside the root: mapped by manifest, registration and launch, made by the node, kept as
//! long as the root is.

use std::fs;
use std::path::PathBuf;

use bundle::{BundleOptions, Mapping};
use e2e::bundles::{self, cloud_certificate, make_with, signer};
use e2e::{Cloud, Service, Shape, User, wait};

use crate::path::disk;

const MIB: u64 = 1 << 20;

fn folder(cloud: &Cloud, instance: &str) -> PathBuf {
    cloud.data(Service::Node(0)).join("instances").join(instance)
}

/// The further disks of an instance, with their sizes in MiB.
fn made(cloud: &Cloud, instance: &str) -> Vec<(String, u64)> {
    let mut made: Vec<_> = fs::read_dir(folder(cloud, instance))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "raw"))
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, entry.metadata().unwrap().len() / MIB)
        })
        .collect();
    made.sort();
    made
}

/// Runs one instance by the command line; gives its id.
fn run(user: &User, image: &str, options: &[&str]) -> String {
    let said = user.says(&[&["run-instances", image][..], options].concat());
    let line = said.lines().find(|line| line.starts_with("INSTANCE")).unwrap();
    let id = line.split('\t').nth(1).unwrap().to_owned();
    user.instance_becomes(&id, "running");
    id
}

#[test]
fn mapped_disks_are_made_kept_and_removed_with_their_instance() {
    let mut cloud = Cloud::raise(Shape { nodes: 1, ..Shape::default() });
    bundles::boot(&cloud.administrator());
    let taro = cloud.add_user("taro");
    let mapping = |virtual_name: &str, device: &str| Mapping {
        virtual_name: virtual_name.into(),
        device: device.into(),
    };
    let options = BundleOptions {
        mappings: vec![
            mapping("ami", "sda1"),
            mapping("root", "/dev/sda1"),
            mapping("ephemeral0", "sda2"),
            mapping("swap", "sda3"),
        ],
        ..BundleOptions::new("disk", "x86_64", &taro.account)
    };
    let bundle = make_with(options, &cloud_certificate(&taro), Some(&signer(&taro)), &disk(50_000));
    let location = bundle.upload(&taro, "taros");
    let both = taro.register(&location);
    let said = taro.says(&["register", &location, "-b", "sdb=ephemeral0", "-b", "sda3=none"]);
    let one = said.split_whitespace().nth(1).unwrap().to_owned();
    for image in [&both, &one] {
        taro.image_becomes(image, "available");
    }
    let said = taro.says(&["describe-images", &one]);
    assert!(said.contains("BLOCKDEVICEMAPPING\tEPHEMERAL\tsdb\tephemeral0"), "{said}");
    assert!(!said.contains("swap"), "{said}");

    let all = |ephemeral: u64, swap: u64| {
        let both = [("ephemeral0.raw", ephemeral), ("swap.raw", swap)];
        let there = both.into_iter().filter(|(_, size)| *size > 0);
        there.map(|(name, size)| (name.to_owned(), size)).collect::<Vec<_>>()
    };
    let first = run(&taro, &both, &[]);
    assert_eq!(made(&cloud, &first), all(1535, 512));
    let told = taro.says(&["get-console-output", &first]);
    assert!(told.contains("disk vdb 1535 MiB\r\ndisk vdc 512 MiB"), "{told}");
    let said = taro.says(&["describe-instance-attribute", "--block-device-mapping", &first]);
    assert!(said.contains("sda2: ephemeral0") && said.contains("sda3: swap"), "{said}");
    for (image, options, expected) in [
        (&one, &[][..], all(2047, 0)),
        (&one, &["-b", "sdc=swap"][..], all(1535, 512)),
        (&both, &["-b", "sda2=none"][..], all(0, 512)),
        (&both, &["-b", "sda2=none", "-b", "sda3=none"][..], all(0, 0)),
    ] {
        let id = run(&taro, image, options);
        assert_eq!(made(&cloud, &id), expected, "{options:?}");
        taro.says(&["terminate-instances", &id]);
        taro.instance_becomes(&id, "terminated");
    }
    let said = taro.euca(&["run-instances", &one, "-b", "sda1=swap"]);
    assert!(said.status != 0 && said.err.contains("BlockDeviceMapping.1.DeviceName"), "{said:?}");

    // What its guest writes there stays, as on its root.
    let swap = folder(&cloud, &first).join("swap.raw");
    let page = fs::read(&swap).unwrap()[..4096].to_vec();
    assert_eq!(page[4086..], *b"SWAPSPACE2");
    let file = folder(&cloud, &first).join("ephemeral0.raw");
    fs::write(&file, b"the guest's").unwrap();
    taro.says(&["stop-instances", &first]);
    taro.instance_becomes(&first, "stopped");
    cloud.restart(&[Service::Node(0), Service::Clc]);
    wait::until("it starts again", || match taro.euca(&["start-instances", &first]) {
        said if said.status == 0 => Ok(()),
        said => Err(said),
    });
    taro.instance_becomes(&first, "running");
    assert_eq!(fs::read(&file).unwrap(), b"the guest's");
    assert_eq!(fs::read(&swap).unwrap()[..4096], page);
    taro.says(&["terminate-instances", &first]);
    taro.instance_becomes(&first, "terminated");
    cloud.assert_nothing_left();
}
