//! The clc is stopped and started: nothing that was answered is lost, what was under way goes on.

use common::ec2::images::DescribeImages;
use common::ec2::instances::{RunInstances, TerminateInstances};
use common::id::ImageKind;
use common::wire::node::MachineState;

use crate::instances::launch;
use crate::world::{code, world};

#[test]
fn everything_is_there_after_a_restart_and_goes_on() {
    world(&[4], |mut world| async move {
        let image = world.bootable().await;
        let taro = world.user("taro").await;
        let ask = RunInstances { client_token: Some("t".into()), ..launch(&image) };
        let running = world.run(&world.admin, &ask).await.remove(0);
        let before = world.instance_is(&world.admin, &running, "running").await;
        world.walrus.bundle("m/slow", ImageKind::Machine, 7, false);
        let slow = world.image(&world.admin, "m/slow").await;
        let waiting = world.run(&world.admin, &launch(&slow)).await.remove(0);
        let ending = world.run(&world.admin, &launch(&image)).await.remove(0);
        world.instance_is(&world.admin, &ending, "running").await;

        // While it is away, one instance ends by itself and an image becomes whole.
        let end = TerminateInstances { instance_id: vec![ending.to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        world.stop().await;
        world.nodes[0].sees(&ending, MachineState::Gone, None);
        world.walrus.becomes("m/slow", world.walrus.ready("m/slow", 7));
        world.restart().await;

        let after = world.described(&world.admin, &[running.as_str()]).await.remove(0);
        assert_eq!(after, before);
        world.instance_is(&world.admin, &waiting, "running").await;
        world.instance_is(&world.admin, &ending, "terminated").await;
        world.image_is(&world.admin, &slow, "available").await;
        assert_eq!(world.run(&world.admin, &ask).await.remove(0), running);
        world.call(&taro, &DescribeImages::default()).await.unwrap();

        // The seats that are held are still held, and their addresses still theirs.
        let more = RunInstances { min_count: Some(3), ..launch(&image) };
        assert_eq!(code(world.call(&world.admin, &more).await), "InsufficientInstanceCapacity");
        let last = RunInstances { min_count: Some(2), ..launch(&image) };
        let ids = world.run(&world.admin, &last).await;
        let mut addresses = Vec::new();
        for id in ids.iter().chain([&running, &waiting]) {
            let seen = world.instance_is(&world.admin, id, "running").await;
            addresses.push(seen.private_ip_address.unwrap());
        }
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 4);
    });
}
