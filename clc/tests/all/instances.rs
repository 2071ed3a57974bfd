//! Instances: run, seen, described, ended; nodes that fail, vanish and forget.

use std::time::Duration;

use common::ec2::instances::{
    DescribeInstances, GetConsoleOutput, Instance, RunInstances, TerminateInstances,
};
use common::ec2::keys::CreateKeyPair;
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use common::id::{ImageId, ImageKind, InstanceId};
use common::time::Timestamp;
use common::wire::node::MachineState;
use runtime::clock::Clock;

use crate::world::{User, World, code, until, world, world_at};

pub(crate) fn launch(image: &ImageId) -> RunInstances {
    RunInstances { image_id: image.to_string(), ..RunInstances::default() }
}

impl World {
    /// Runs instances and answers their ids.
    pub(crate) async fn run(&self, user: &User, ask: &RunInstances) -> Vec<InstanceId> {
        let made = self.call(user, ask).await.unwrap();
        made.instances_set.item.into_iter().map(|it| it.instance_id).collect()
    }

    pub(crate) async fn described(&self, user: &User, ids: &[&str]) -> Vec<Instance> {
        let instance_id = ids.iter().map(|id| (*id).to_owned()).collect();
        let ask = DescribeInstances { instance_id, ..DescribeInstances::default() };
        let found = self.call(user, &ask).await.unwrap();
        found.reservation_set.item.into_iter().flat_map(|it| it.instances_set.item).collect()
    }

    pub(crate) async fn instance_is(&self, user: &User, id: &InstanceId, state: &str) -> Instance {
        until(&format!("{id} is {state}"), || async {
            let found = self.described(user, &[id.as_str()]).await.remove(0);
            (found.instance_state.name == state).then_some(found)
        })
        .await
    }
}

#[test]
fn an_instance_runs_is_described_and_ends() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let key = CreateKeyPair { key_name: "mykey".into(), ..CreateKeyPair::default() };
        world.call(&world.admin, &key).await.unwrap();
        let ask = RunInstances {
            key_name: Some("mykey".into()),
            max_count: Some(2),
            security_group: vec!["default".into()],
            ..launch(&image)
        };
        let ids = world.run(&world.admin, &ask).await;
        assert_eq!(ids.len(), 2);
        for (index, id) in (0..).zip(&ids) {
            let seen = world.instance_is(&world.admin, id, "running").await;
            assert_eq!(seen.instance_state.code, 16);
            assert_eq!((seen.ami_launch_index, seen.instance_type.as_str()), (index, "m1.small"));
            assert_eq!(seen.key_name.as_deref(), Some("mykey"));
            assert_eq!(seen.private_ip_address.unwrap(), format!("10.1.0.{}", index + 2));
            assert!(seen.kernel_id.is_some() && seen.ramdisk_id.is_some());
        }
        let runs = world.nodes[0].runs();
        assert_eq!(runs.len(), 2);
        let run = runs.iter().find(|run| run.spec.instance == ids[0]).unwrap();
        assert_eq!(run.tickets.len(), 3);
        assert_eq!(run.spec.root.size, 2 << 30);
        assert_eq!(run.spec.metadata.manifest_path, "m/machine");
        assert!(run.spec.network.mac.starts_with("d0:0d:"));
        assert!(run.spec.metadata.key.as_ref().unwrap().openssh.starts_with("ssh-rsa "));

        let console = GetConsoleOutput { instance_id: ids[0].to_string().to_uppercase() };
        assert_eq!(world.call(&world.admin, &console).await.unwrap().output, "aGVsbG8=");

        let end = TerminateInstances { instance_id: vec![ids[0].to_string()] };
        let changed = world.call(&world.admin, &end).await.unwrap().instances_set.item.remove(0);
        assert_eq!(changed.previous_state.name, "running");
        assert_eq!(changed.current_state.name, "shutting-down");
        let ended = world.instance_is(&world.admin, &ids[0], "terminated").await;
        assert_eq!(ended.state_reason.unwrap().code, "Client.UserInitiatedShutdown");
        assert_eq!(ended.private_ip_address, None);
        // Again: nothing changes.
        let changed = world.call(&world.admin, &end).await.unwrap().instances_set.item.remove(0);
        assert_eq!(changed.current_state.name, "terminated");
        world.instance_is(&world.admin, &ids[1], "running").await;
        let filter = vec![Filter {
            name: "instance-state-name".into(),
            value: vec!["running".into(), "pending".into()],
        }];
        let ask = DescribeInstances { filter, ..DescribeInstances::default() };
        let found = world.call(&world.admin, &ask).await.unwrap().reservation_set.item;
        assert_eq!((found.len(), found[0].instances_set.item.len()), (1, 1));
    });
}

#[test]
fn a_pending_image_is_waited_for_and_a_failed_one_ends_its_launch() {
    world(&[4], |world| async move {
        world.bootable().await;
        for location in ["m/slow", "m/bad"] {
            world.walrus.bundle(location, ImageKind::Machine, 7, false);
        }
        let slow = world.image(&world.admin, "m/slow").await;
        let bad = world.image(&world.admin, "m/bad").await;
        let waits = world.run(&world.admin, &launch(&slow)).await.remove(0);
        let fails = world.run(&world.admin, &launch(&bad)).await.remove(0);
        let seen = world.described(&world.admin, &[waits.as_str()]).await.remove(0);
        assert_eq!(seen.instance_state.name, "pending");
        let console = GetConsoleOutput { instance_id: waits.to_string() };
        assert_eq!(world.call(&world.admin, &console).await.unwrap().output, "");
        world.walrus.becomes("m/slow", world.walrus.ready("m/slow", 7));
        world.instance_is(&world.admin, &waits, "running").await;
        let reason = "part 0 is not the one that was signed".to_owned();
        let failed = common::wire::walrus::WantedImage::Failed { reason, retryable: false };
        world.walrus.becomes("m/bad", failed);
        let ended = world.instance_is(&world.admin, &fails, "terminated").await;
        assert!(ended.state_reason.unwrap().message.contains("part 0"));
        assert!(world.nodes[0].runs().iter().all(|run| run.spec.instance != fails));
        let refused = world.call(&world.admin, &launch(&bad)).await;
        assert_eq!(code(refused), "InvalidAMIID.Unavailable");
    });
}

#[test]
fn somebody_elses_instances_are_not_there() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let taro = world.user("taro").await;
        assert_eq!(code(world.call(&taro, &launch(&image)).await), "InvalidAMIID.NotFound");
        let id = world.run(&world.admin, &launch(&image)).await.remove(0);
        world.instance_is(&world.admin, &id, "running").await;
        let end = |ids: &[&str]| TerminateInstances {
            instance_id: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let describe = |id: &str| DescribeInstances {
            instance_id: vec![id.into()],
            ..DescribeInstances::default()
        };
        let console = |id: &str| GetConsoleOutput { instance_id: id.into() };
        for (given, expected) in [
            (id.as_str(), "InvalidInstanceID.NotFound"),
            ("i-00000000", "InvalidInstanceID.NotFound"),
            ("i-1", "InvalidInstanceID.Malformed"),
            ("verbose", "InvalidInstanceID.Malformed"),
        ] {
            assert_eq!(code(world.call(&taro, &end(&[given])).await), expected);
            assert_eq!(code(world.call(&taro, &describe(given)).await), expected);
            assert_eq!(code(world.call(&taro, &console(given)).await), expected);
        }
        assert_eq!(world.described(&taro, &[]).await, []);
        assert_eq!(code(world.call(&taro, &end(&[])).await), "MissingParameter");
        // All or none: the one that is there keeps running.
        let refused = world.call(&world.admin, &end(&[id.as_str(), "i-00000000"])).await;
        let (code, text) = refused.unwrap_err();
        assert_eq!(code, "InvalidInstanceID.NotFound");
        assert!(text.contains("i-00000000") && !text.contains(id.as_str()), "{text}");
        world.instance_is(&world.admin, &id, "running").await;
        assert_eq!(world.described(&world.admin, &["verbose"]).await.len(), 1);
    });
}

#[test]
fn what_happens_on_a_node_is_seen() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let node = &world.nodes[0];
        let ids =
            world.run(&world.admin, &RunInstances { max_count: Some(3), ..launch(&image) }).await;
        for id in &ids {
            world.instance_is(&world.admin, id, "running").await;
        }
        node.sees(&ids[0], MachineState::Gone, Some("the guest powered itself off"));
        node.sees(&ids[1], MachineState::Failed, Some("QEMU ended with status 1"));
        node.sees(&ids[2], MachineState::Stopping, None);
        let gone = world.instance_is(&world.admin, &ids[0], "terminated").await;
        assert_eq!(gone.reason.as_deref(), Some("the guest powered itself off"));
        let failed = world.instance_is(&world.admin, &ids[1], "terminated").await;
        let reason = failed.state_reason.unwrap();
        assert_eq!(
            (reason.code.as_str(), reason.message.as_str()),
            ("Server.InternalError", "QEMU ended with status 1")
        );
        world.instance_is(&world.admin, &ids[2], "shutting-down").await;
        node.sees(&ids[2], MachineState::Gone, None);
        world.instance_is(&world.admin, &ids[2], "terminated").await;

        // A node that refuses a wish for good ends the launch and says why.
        node.change(|state| {
            state.refuse = Some(ApiError::new(ErrorCode::UnsupportedOperation, "no such machine"));
        });
        let id = world.run(&world.admin, &launch(&image)).await.remove(0);
        let refused = world.instance_is(&world.admin, &id, "terminated").await;
        assert!(refused.reason.unwrap().contains("no such machine"));
    });
}

#[test]
fn an_instance_that_its_node_forgot_is_lost_after_a_minute() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[4], |world| async move {
        let image = world.bootable().await;
        let id = world.run(&world.admin, &launch(&image)).await.remove(0);
        world.instance_is(&world.admin, &id, "running").await;
        let node = &world.nodes[0];
        node.change(|state| {
            state.views.clear();
            state.session += 1;
        });
        until("it is missing", || async {
            let seen = world.described(&world.admin, &[id.as_str()]).await.remove(0);
            seen.state_reason.filter(|reason| reason.code == "Server.Impaired")
        })
        .await;
        world.clock.advance(Duration::from_secs(59));
        node.change(|_| {});
        world.instance_is(&world.admin, &id, "running").await;
        world.clock.advance(Duration::from_secs(2));
        node.change(|_| {});
        let lost = world.instance_is(&world.admin, &id, "terminated").await;
        assert!(lost.reason.unwrap().contains("no longer has the instance"));
        // And should it turn up after all, it is ended.
        node.sees(&id, MachineState::Running, None);
        until("the node is told to end it", || async {
            node.state.lock().unwrap().ended.contains(&id).then_some(())
        })
        .await;
    });
}

#[test]
fn a_node_that_is_away_impairs_its_instances_and_ends_none() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[4], |world| async move {
        let image = world.bootable().await;
        let ids =
            world.run(&world.admin, &RunInstances { max_count: Some(2), ..launch(&image) }).await;
        for id in &ids {
            world.instance_is(&world.admin, id, "running").await;
        }
        world.nodes[0].change(|state| state.away = true);
        for id in &ids {
            until("it is impaired", || async {
                world.clock.advance(Duration::from_secs(21));
                let seen = world.described(&world.admin, &[id.as_str()]).await.remove(0);
                assert_eq!(seen.instance_state.name, "running");
                seen.state_reason.filter(|reason| reason.code == "Server.Impaired")
            })
            .await;
        }
        assert_eq!(
            code(world.call(&world.admin, &launch(&image)).await),
            "InsufficientInstanceCapacity"
        );
        let console = GetConsoleOutput { instance_id: ids[0].to_string() };
        let (code, text) = world.call(&world.admin, &console).await.unwrap_err();
        assert_eq!(code, "Unavailable");
        assert!(text.contains("node a"), "{text}");
        // A wish is noted while the node is away, and done when it returns.
        let end = TerminateInstances { instance_id: vec![ids[0].to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        world.instance_is(&world.admin, &ids[0], "shutting-down").await;
        world.nodes[0].change(|state| state.away = false);
        world.instance_is(&world.admin, &ids[0], "terminated").await;
        let seen = world.instance_is(&world.admin, &ids[1], "running").await;
        assert_eq!(seen.state_reason, None);
    });
}
