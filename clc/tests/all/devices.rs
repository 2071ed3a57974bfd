//! Block device mappings: of a manifest, a registration and a launch, until they reach a node.

use common::ec2::attributes::DescribeInstanceAttribute;
use common::ec2::create_image::CreateImage;
use common::ec2::image_attributes::DescribeImageAttribute;
use common::ec2::images::{BlockDevice, DescribeImages, RegisterImage};
use common::ec2::instance_types::DescribeInstanceTypes;
use common::ec2::instances::RunInstances;
use common::ec2::power::{StartInstances, StopInstances};
use common::ec2::types::Filter;
use common::id::{ImageId, ImageKind, InstanceId};
use common::wire::spec::{BlankDisk, Purpose};

use crate::instances::launch;
use crate::world::{Refused, User, World, code, world};

const CLASSIC: [(&str, &str); 4] =
    [("ami", "sda1"), ("root", "/dev/sda1"), ("ephemeral0", "sda2"), ("swap", "sda3")];

fn at(device: &str, name: &str) -> BlockDevice {
    BlockDevice {
        device_name: Some(device.into()),
        virtual_name: Some(name.into()),
        ..BlockDevice::default()
    }
}

fn nothing(device: &str) -> BlockDevice {
    BlockDevice {
        device_name: Some(device.into()),
        no_device: Some(String::new()),
        ..BlockDevice::default()
    }
}

fn of(location: &str) -> RegisterImage {
    RegisterImage { image_location: Some(location.into()), ..RegisterImage::default() }
}

/// What is at which device.
type Told = Vec<(String, String)>;

fn pairs(told: &[(&str, &str)]) -> Told {
    told.iter().map(|(device, name)| ((*device).into(), (*name).into())).collect()
}

impl World {
    async fn mapped(&self, user: &User, location: &str, devices: Vec<BlockDevice>) -> ImageId {
        let ask = RegisterImage { block_device_mapping: devices, ..of(location) };
        let image = self.call(user, &ask).await.unwrap().image_id;
        self.image_is(user, &image, "available").await;
        image
    }

    async fn described_devices(&self, user: &User, image: &ImageId) -> Told {
        let ask = DescribeImages { image_id: vec![image.to_string()], ..Default::default() };
        let found = self.call(user, &ask).await.unwrap().images_set.item.remove(0);
        let devices = found.block_device_mapping.item.into_iter();
        devices.map(|it| (it.device_name, it.virtual_name.unwrap())).collect()
    }

    async fn instance_devices(&self, user: &User, id: &InstanceId) -> Told {
        let attribute = "blockDeviceMapping".into();
        let ask = DescribeInstanceAttribute { instance_id: id.to_string(), attribute };
        let devices = self.call(user, &ask).await.unwrap().block_device_mapping.unwrap().item;
        devices.into_iter().map(|it| (it.device_name, it.virtual_name.unwrap())).collect()
    }

    /// The root's and the further disks of an instance as its node was told last.
    fn told_disks(&self, id: &InstanceId) -> (u64, Vec<BlankDisk>) {
        let runs = self.nodes[0].runs();
        let run = runs.iter().rfind(|run| run.spec.instance == *id).unwrap();
        (run.spec.root.size, run.spec.disks.clone())
    }

    /// How many more instances of the smallest type there is room for.
    async fn room(&self) -> u64 {
        let ask = DescribeInstanceTypes { availability: true, ..Default::default() };
        let told = self.call(&self.admin, &ask).await.unwrap();
        told.instance_type_details.item[0].availability.item[0].available
    }

    async fn run_with(
        &self,
        image: &ImageId,
        devices: Vec<BlockDevice>,
    ) -> Result<InstanceId, Refused> {
        let ask = RunInstances { block_device_mapping: devices, ..launch(image) };
        let made = self.call(&self.admin, &ask).await?;
        let id = made.instances_set.item[0].instance_id.clone();
        self.instance_is(&self.admin, &id, "running").await;
        Ok(id)
    }
}

const MIB: u64 = 1 << 20;

#[test]
fn a_launch_overrides_the_registration_and_that_the_manifest() {
    world(&[8], |world| async move {
        let admin = world.admin.clone();
        let plain = world.bootable().await;
        world.walrus.bundle("m/mapped", ImageKind::Machine, 1024 * MIB, true);
        world.walrus.maps("m/mapped", &CLASSIC);
        let manifests = world.mapped(&admin, "m/mapped", Vec::new()).await;
        let moved =
            vec![at("/dev/sdb", "ephemeral0"), nothing("/dev/sda3"), at("sdc", "ephemeral1")];
        let own = world.mapped(&admin, "m/mapped", moved).await;

        let classic = pairs(&[("sda2", "ephemeral0"), ("sda3", "swap")]);
        assert_eq!(world.described_devices(&admin, &manifests).await, classic);
        let moved = pairs(&[("/dev/sdb", "ephemeral0"), ("sdc", "ephemeral1")]);
        assert_eq!(world.described_devices(&admin, &own).await, moved);
        assert!(world.described_devices(&admin, &plain).await.is_empty());
        let attribute = "blockDeviceMapping".into();
        let ask = DescribeImageAttribute { image_id: own.to_string(), attribute };
        let devices = world.call(&admin, &ask).await.unwrap().block_device_mapping.unwrap();
        assert_eq!(devices.item[0].virtual_name.as_deref(), Some("ami"));
        let named =
            Filter { name: "block-device-mapping.device-name".into(), value: vec!["sdc".into()] };
        let ask = DescribeImages { filter: vec![named], ..DescribeImages::default() };
        let found = world.call(&admin, &ask).await.unwrap().images_set.item;
        assert_eq!(found.iter().map(|it| &it.image_id).collect::<Vec<_>>(), [&own]);

        let first = BlankDisk { purpose: Purpose::Ephemeral0, size: 512 * MIB };
        let swap = BlankDisk { purpose: Purpose::Swap, size: 512 * MIB };
        let all = BlankDisk { purpose: Purpose::Ephemeral0, size: 1024 * MIB };
        // Each takes the room of one, however its disk is shared out.
        let room = world.room().await;
        for (number, image, devices, expected, seen) in [
            (1, &plain, vec![], (2048, vec![]), vec![]),
            (2, &plain, vec![at("vdb", "swap")], (1536, vec![swap]), vec![("vdb", "swap")]),
            (
                3,
                &manifests,
                vec![],
                (1024, vec![first, swap]),
                vec![("sda2", "ephemeral0"), ("sda3", "swap")],
            ),
            (
                4,
                &manifests,
                vec![nothing("/dev/sda2"), nothing("sda3"), nothing("sdz")],
                (2048, vec![]),
                vec![],
            ),
            // What the type has no second of is left out when it is the image that names it.
            (5, &own, vec![], (1024, vec![all]), vec![("/dev/sdb", "ephemeral0")]),
        ] {
            let id = world.run_with(image, devices).await.unwrap();
            let (root, disks) = world.told_disks(&id);
            assert_eq!((root / MIB, disks), expected, "{number}");
            assert_eq!(world.instance_devices(&admin, &id).await, pairs(&seen), "{number}");
            assert_eq!(world.room().await, room - number);
            // Clients take what is listed with an instance for volumes.
            let shown = world.described(&admin, &[id.as_str()]).await.remove(0);
            assert!(shown.block_device_mapping.item.is_empty());
        }
    });
}

#[test]
fn the_disks_stay_over_a_stop_and_an_image_inherits_the_mapping() {
    world(&[8], |world| async move {
        let admin = world.admin.clone();
        world.bootable().await;
        world.walrus.bundle("m/mapped", ImageKind::Machine, 1024 * MIB, true);
        world.walrus.maps("m/mapped", &CLASSIC);
        let image = world.mapped(&admin, "m/mapped", Vec::new()).await;
        let id = world.run_with(&image, vec![at("sdb", "ephemeral0")]).await.unwrap();
        let before = world.told_disks(&id);
        assert_eq!(before.1.len(), 2);
        let stop = StopInstances { instance_id: vec![id.to_string()], ..Default::default() };
        world.call(&admin, &stop).await.unwrap();
        world.instance_is(&admin, &id, "stopped").await;
        let start = StartInstances { instance_id: vec![id.to_string()] };
        world.call(&admin, &start).await.unwrap();
        world.instance_is(&admin, &id, "running").await;
        assert_eq!(world.told_disks(&id), before);

        let ask = CreateImage {
            instance_id: id.to_string(),
            name: Some("copy".into()),
            block_device_mapping: vec![nothing("sda3")],
            ..CreateImage::default()
        };
        let root = CreateImage {
            name: Some("other".into()),
            block_device_mapping: vec![nothing("/dev/sda1")],
            ..ask.clone()
        };
        assert_eq!(code(world.call(&admin, &root).await), "InvalidParameterValue");
        let copy = world.call(&admin, &ask).await.unwrap().image_id;
        let kept = pairs(&[("sdb", "ephemeral0")]);
        assert_eq!(world.described_devices(&admin, &copy).await, kept);
    });
}

#[test]
fn what_cannot_be_had_is_refused_by_name() {
    world(&[8], |world| async move {
        let admin = world.admin.clone();
        let image = world.bootable().await;
        world.walrus.bundle("m/full", ImageKind::Machine, 2048 * MIB, true);
        let full = world.mapped(&admin, "m/full", Vec::new()).await;
        for (image, device, expected, part) in [
            (&image, at("/dev/sda1", "swap"), "InvalidParameterValue", "1.DeviceName"),
            (&image, nothing("sda1"), "InvalidParameterValue", "1.DeviceName"),
            (&image, at("floppy", "swap"), "InvalidParameterValue", "1.DeviceName"),
            (&image, at("sdb", "ephemeral1"), "InvalidParameterValue", "1.VirtualName"),
            (&image, at("sdb", "disk"), "InvalidParameterValue", "1.VirtualName"),
            (&full, at("sdb", "swap"), "InvalidParameterCombination", "1.VirtualName"),
            (&full, at("sdb", "ephemeral0"), "InvalidParameterCombination", "1.VirtualName"),
        ] {
            let (code, text) = world.run_with(image, vec![device]).await.unwrap_err();
            assert_eq!(code, expected, "{text}");
            assert!(text.contains(&format!("BlockDeviceMapping.{part}")), "{text}");
        }
        let volume = [
            ("Version", "2016-11-15"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/sdb"),
            ("BlockDeviceMapping.1.Ebs.SnapshotId", "snap-12345678"),
        ];
        for own in [
            [("Action", "RunInstances"), ("ImageId", image.as_str())],
            [("Action", "RegisterImage"), ("ImageLocation", "m/full")],
        ] {
            let refused = world.raw(&admin, &[&own[..], &volume[..]].concat()).await.unwrap_err();
            assert_eq!(refused.0, "UnsupportedOperation");
            assert!(refused.1.contains("BlockDeviceMapping.1.Ebs"), "{}", refused.1);
        }
        let devices = |devices| RegisterImage { block_device_mapping: devices, ..of("m/full") };
        let root = world.call(&admin, &devices(vec![at("/dev/sda1", "swap")])).await;
        assert_eq!(code(root), "InvalidParameterValue");
        world.walrus.bundle("k/more", ImageKind::Kernel, 7, true);
        let kernel = RegisterImage {
            image_location: Some("k/more".into()),
            ..devices(vec![at("/dev/sdb", "swap")])
        };
        assert_eq!(code(world.call(&admin, &kernel).await), "InvalidParameterCombination");
    });
}
