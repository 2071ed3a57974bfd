//! Whole disks: they boot by themselves, whatever the cloud's default kernel is.

use common::ec2::images::{DescribeImages, RegisterImage};
use common::ec2::instances::RunInstances;
use common::ec2::types::Filter;
use common::id::{ImageId, ImageKind};

use crate::instances::launch;
use crate::world::{User, World, code, world};

fn register(location: &str, kind: Option<&str>) -> RegisterImage {
    RegisterImage {
        image_location: Some(location.to_owned()),
        name: None,
        description: None,
        architecture: None,
        kernel_id: None,
        ramdisk_id: None,
        root_device_name: None,
        virtualization_type: kind.map(str::to_owned),
        block_device_mapping: Vec::new(),
        tag_specification: Vec::new(),
    }
}

async fn registered(world: &World, user: &User, location: &str, kind: Option<&str>) -> ImageId {
    world.call(user, &register(location, kind)).await.unwrap().image_id
}

#[test]
fn a_disk_boots_by_itself_and_nothing_else_does() {
    world(&[8], |world| async move {
        let admin = &world.admin;
        let bare = world.bootable().await;
        world.walrus.bundle("m/whole", ImageKind::Machine, 1 << 30, true);
        let whole = registered(&world, admin, "m/whole", None).await;
        let seen = world.image_is(admin, &whole, "available").await;
        assert_eq!((&*seen.virtualization_type, seen.kernel_id), ("hvm", None));
        let filter = Filter { name: "virtualization-type".into(), value: vec!["hvm".into()] };
        let ask = DescribeImages { filter: vec![filter], ..DescribeImages::default() };
        let found = world.call(admin, &ask).await.unwrap().images_set.item;
        assert_eq!(found.iter().map(|it| &it.image_id).collect::<Vec<_>>(), [&whole]);

        for (image, kernel, kind) in [(&whole, false, "hvm"), (&bare, true, "paravirtual")] {
            let id = world.run(admin, &launch(image)).await.remove(0);
            let seen = world.instance_is(admin, &id, "running").await;
            assert_eq!((seen.kernel_id.is_some(), seen.ramdisk_id.is_some()), (kernel, kernel));
            assert_eq!(seen.virtualization_type, kind);
            let runs = world.nodes[0].runs();
            let run = runs.iter().find(|run| run.spec.instance == id).unwrap();
            assert_eq!(run.spec.boot.kernel.is_some(), kernel);
            assert_eq!(run.spec.metadata.kernel.is_some(), kernel);
            assert_eq!(run.tickets.len(), if kernel { 3 } else { 1 });
            // The disk is the type's, not the image's.
            assert_eq!(run.spec.root.size, 2 << 30);
        }
        let asked = DescribeImages::default();
        let all = world.call(admin, &asked).await.unwrap().images_set.item;
        let eki = all.iter().find(|it| it.image_type == "kernel").unwrap().image_id.to_string();
        let ask = RunInstances { kernel_id: Some(eki.clone()), ..launch(&whole) };
        let (code_, text) = world.call(admin, &ask).await.unwrap_err();
        assert_eq!(code_, "InvalidParameterCombination");
        assert!(text.contains("KernelId"), "{text}");

        // What its owner says of it is heeded, or refused when it is not so.
        let with_kernel =
            RegisterImage { kernel_id: Some(eki), ..register("m/whole", Some("hvm")) };
        assert_eq!(code(world.call(admin, &with_kernel).await), "InvalidParameterCombination");
        let odd = register("m/whole", Some("xen"));
        assert_eq!(code(world.call(admin, &odd).await), "InvalidParameterValue");
        world.walrus.bundle("m/bare", ImageKind::Machine, 1 << 20, true);
        let wrong = registered(&world, admin, "m/bare", Some("hvm")).await;
        let failed = world.image_is(admin, &wrong, "failed").await;
        assert!(failed.state_reason.unwrap().message.contains("partition table"));
        world.walrus.bundle("p/whole", ImageKind::Machine, 1 << 20, true);
        let old = registered(&world, admin, "p/whole", Some("paravirtual")).await;
        world.image_is(admin, &old, "available").await;
        let id = world.run(admin, &launch(&old)).await.remove(0);
        assert!(world.instance_is(admin, &id, "running").await.kernel_id.is_some());
    });
}

#[test]
fn a_launch_that_came_first_boots_what_the_image_turns_out_to_be() {
    world(&[8], |world| async move {
        let admin = &world.admin;
        // Without any kernel in the cloud.
        world.walrus.bundle("a/whole", ImageKind::Machine, 5, false);
        world.walrus.bundle("a/bare", ImageKind::Machine, 5, false);
        let mut waiting = Vec::new();
        for location in ["a/whole", "a/bare"] {
            let image = registered(&world, admin, location, None).await;
            waiting.push(world.run(admin, &launch(&image)).await.remove(0));
            world.walrus.becomes(location, world.walrus.ready(location, 5));
        }
        let seen = world.instance_is(admin, &waiting[0], "running").await;
        assert_eq!((seen.kernel_id, &*seen.virtualization_type), (None, "hvm"));
        let seen = world.instance_is(admin, &waiting[1], "terminated").await;
        assert!(seen.state_reason.unwrap().message.contains("No kernel"));

        // And with a default, which is dropped where it is not needed.
        world.bootable().await;
        world.walrus.bundle("b/whole", ImageKind::Machine, 5, false);
        world.walrus.bundle("b/bare", ImageKind::Machine, 5, false);
        for (location, kernel) in [("b/whole", false), ("b/bare", true)] {
            let image = registered(&world, admin, location, None).await;
            let id = world.run(admin, &launch(&image)).await.remove(0);
            world.walrus.becomes(location, world.walrus.ready(location, 5));
            let seen = world.instance_is(admin, &id, "running").await;
            assert_eq!((seen.kernel_id.is_some(), seen.ramdisk_id.is_some()), (kernel, kernel));
            let runs = world.nodes[0].runs();
            let run = runs.iter().find(|run| run.spec.instance == id).unwrap();
            assert_eq!(run.spec.boot.kernel.is_some(), kernel, "{location}");
        }
    });
}
