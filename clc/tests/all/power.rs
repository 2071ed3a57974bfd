//! Stop, start, reboot, attributes and the limits of launches, with a node that does as the test
//! says.

use std::time::Duration;

use common::ec2::attributes::{
    DescribeInstanceAttribute, ModifyInstanceAttribute, ResetInstanceAttribute,
};
use common::ec2::instances::{ChangedInstances, RunInstances, TerminateInstances};
use common::ec2::power::{RebootInstances, StartInstances, StopInstances};
use common::error::{ApiError, ErrorCode};
use common::id::{ImageKind, InstanceId};
use common::time::Timestamp;
use common::wire::node::MachineState;
use common::wire::spec::{OnShutdown, Power};
use runtime::clock::Clock;

use super::instances::launch;
use super::world::{World, code, until, world, world_at};

fn stop(id: &InstanceId) -> StopInstances {
    StopInstances { instance_id: vec![id.to_string()], ..StopInstances::default() }
}

fn start(id: &InstanceId) -> StartInstances {
    StartInstances { instance_id: vec![id.to_string()] }
}

fn reboot(id: &InstanceId) -> RebootInstances {
    RebootInstances { instance_id: vec![id.to_string()] }
}

fn end(id: &InstanceId) -> TerminateInstances {
    TerminateInstances { instance_id: vec![id.to_string()] }
}

fn states(changed: ChangedInstances) -> (String, String) {
    let changed = changed.instances_set.item.into_iter().next().unwrap();
    (changed.previous_state.name, changed.current_state.name)
}

fn are(before: &str, now: &str) -> (String, String) {
    (before.to_owned(), now.to_owned())
}

async fn runs(world: &World, ask: &RunInstances) -> InstanceId {
    let id = world.run(&world.admin, ask).await.remove(0);
    world.instance_is(&world.admin, &id, "running").await;
    id
}

async fn attribute(world: &World, id: &InstanceId, name: &str) -> String {
    let ask = [
        ("Action", "DescribeInstanceAttribute"),
        ("InstanceId", id.as_str()),
        ("Attribute", name),
        ("Version", "2016-11-15"),
    ];
    world.raw(&world.admin, &ask).await.unwrap()
}

fn modify(id: &InstanceId, attribute: &str, value: &str) -> ModifyInstanceAttribute {
    ModifyInstanceAttribute {
        instance_id: id.to_string(),
        attribute: Some(attribute.into()),
        value: Some(value.into()),
        sent: 1,
    }
}

#[test]
fn an_instance_is_stopped_started_and_rebooted() {
    world(&[1], |mut world| async move {
        let image = world.bootable().await;
        let id = runs(&world, &launch(&image)).await;
        let admin = world.admin.clone();
        let launched = world.described(&admin, &[id.as_str()]).await.remove(0);
        world.nodes[0].change(|state| state.quick = false);

        assert_eq!(
            states(world.call(&admin, &stop(&id)).await.unwrap()),
            are("running", "stopping")
        );
        assert_eq!(
            states(world.call(&admin, &stop(&id)).await.unwrap()),
            are("stopping", "stopping")
        );
        assert_eq!(code(world.call(&admin, &start(&id)).await), "IncorrectInstanceState");
        assert_eq!(code(world.call(&admin, &reboot(&id)).await), "IncorrectInstanceState");
        let told = until("the node is told", || async {
            world.nodes[0].state.lock().unwrap().adjusted.last().cloned()
        });
        let told = told.await;
        assert_eq!((told.generation, told.power.wanted), (2, Power::Off));
        let stopping = world.instance_is(&admin, &id, "stopping").await;
        assert_eq!(stopping.instance_state.code, 64);
        // Force comes after it.
        let force = StopInstances { force: Some(true), ..stop(&id) };
        world.call(&admin, &force).await.unwrap();
        until("the node is told of the force", || async {
            let state = world.nodes[0].state.lock().unwrap();
            (state.adjusted.last()?.power.wanted == Power::ForcedOff).then_some(())
        })
        .await;
        // The one processor is still its own.
        assert_eq!(code(world.call(&admin, &launch(&image)).await), "InsufficientInstanceCapacity");

        world.nodes[0].sees(&id, MachineState::Stopped, Some("stopped on request"));
        let stopped = world.instance_is(&admin, &id, "stopped").await;
        assert_eq!(stopped.instance_state.code, 80);
        assert_eq!(stopped.state_reason.unwrap().code, "Client.UserInitiatedShutdown");
        assert!(stopped.reason.unwrap().starts_with("User initiated ("));
        assert_eq!(stopped.private_ip_address, launched.private_ip_address, "its address stays");
        assert_eq!(
            states(world.call(&admin, &stop(&id)).await.unwrap()),
            are("stopped", "stopped")
        );

        // Its processor is anybody's now, also after a restart; and then there is none for it.
        world.restart().await;
        world.nodes[0].change(|state| state.quick = true);
        let other = runs(&world, &launch(&image)).await;
        let refused = world.call(&admin, &start(&id)).await;
        assert_eq!(code(refused), "InsufficientInstanceCapacity");
        world.instance_is(&admin, &id, "stopped").await;
        let seen = world.described(&admin, &[other.as_str()]).await.remove(0);
        assert_ne!(seen.private_ip_address, launched.private_ip_address);
        world.call(&admin, &end(&other)).await.unwrap();
        world.instance_is(&admin, &other, "terminated").await;

        let started =
            until("there is room", || async { world.call(&admin, &start(&id)).await.ok() });
        assert_eq!(states(started.await), are("stopped", "pending"));
        let running = world.instance_is(&admin, &id, "running").await;
        assert_eq!((running.state_reason, running.reason), (None, None));
        assert!(running.launch_time >= launched.launch_time);
        assert_eq!(running.private_ip_address, launched.private_ip_address);
        assert_eq!(
            states(world.call(&admin, &start(&id)).await.unwrap()),
            are("running", "running")
        );

        world.call(&admin, &reboot(&id)).await.unwrap();
        let told = until("the node is told of the reboot", || async {
            let state = world.nodes[0].state.lock().unwrap();
            state.adjusted.last().filter(|told| told.power.reboots == 1).cloned()
        });
        assert_eq!(told.await.power.wanted, Power::On);
        world.instance_is(&admin, &id, "running").await;

        world.call(&admin, &end(&id)).await.unwrap();
        world.instance_is(&admin, &id, "terminated").await;
        for refused in [
            code(world.call(&admin, &stop(&id)).await),
            code(world.call(&admin, &start(&id)).await),
            code(world.call(&admin, &reboot(&id)).await),
        ] {
            assert_eq!(refused, "IncorrectInstanceState");
        }
    });
}

#[test]
fn what_cannot_be_stopped_or_started_is_refused_and_nothing_is_done() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[4], |world| async move {
        let (image, admin) = (world.bootable().await, world.admin.clone());
        let id = runs(&world, &launch(&image)).await;
        let hibernate = StopInstances { hibernate: Some(true), ..stop(&id) };
        assert_eq!(code(world.call(&admin, &hibernate).await), "UnsupportedOperation");
        assert_eq!(code(world.call(&admin, &StopInstances::default()).await), "MissingParameter");
        let two = StopInstances {
            instance_id: vec![id.to_string(), "i-00000000".into()],
            ..StopInstances::default()
        };
        assert_eq!(code(world.call(&admin, &two).await), "InvalidInstanceID.NotFound");
        let taro = world.user("taro").await;
        for refused in [
            code(world.call(&taro, &stop(&id)).await),
            code(world.call(&taro, &start(&id)).await),
            code(world.call(&taro, &reboot(&id)).await),
        ] {
            assert_eq!(refused, "InvalidInstanceID.NotFound");
        }
        world.instance_is(&admin, &id, "running").await;
        world.nodes[0].change(|state| state.quick = false);
        let pending = world.run(&admin, &launch(&image)).await.remove(0);
        assert_eq!(code(world.call(&admin, &stop(&pending)).await), "IncorrectInstanceState");

        // A node that is away keeps its stopped instances, and starts none of them.
        world.call(&admin, &stop(&id)).await.unwrap();
        until("the node is told", || async {
            (!world.nodes[0].state.lock().unwrap().adjusted.is_empty()).then_some(())
        })
        .await;
        world.nodes[0].sees(&id, MachineState::Stopped, None);
        world.instance_is(&admin, &id, "stopped").await;
        world.nodes[0].change(|state| state.away = true);
        until("it is impaired", || async {
            world.clock.advance(Duration::from_secs(21));
            let seen = world.described(&admin, &[id.as_str()]).await.remove(0);
            seen.state_reason.filter(|reason| reason.code == "Server.Impaired")
        })
        .await;
        let (code, text) = world.call(&admin, &start(&id)).await.unwrap_err();
        assert_eq!(code, "InsufficientInstanceCapacity");
        assert!(text.contains("node a"), "{text}");
        world.nodes[0].change(|state| (state.away, state.quick) = (false, true));
        until("it can be started", || async { world.call(&admin, &start(&id)).await.ok() }).await;
        world.instance_is(&admin, &id, "running").await;
    });
}

#[test]
fn a_guest_that_switches_itself_off_is_followed() {
    world(&[4], |world| async move {
        let (image, admin) = (world.bootable().await, world.admin.clone());
        let id = runs(&world, &launch(&image)).await;
        let spec = world.nodes[0].runs().remove(0).spec;
        assert_eq!(spec.power.on_shutdown, OnShutdown::Stop);
        world.nodes[0].sees(&id, MachineState::Stopped, Some("the guest powered itself off"));
        let off = world.instance_is(&admin, &id, "stopped").await;
        assert_eq!(off.state_reason.unwrap().code, "Client.InstanceInitiatedShutdown");
        world.call(&admin, &start(&id)).await.unwrap();
        let running = world.instance_is(&admin, &id, "running").await;
        assert_eq!(running.state_reason, None);
        assert_eq!(world.nodes[0].runs().last().unwrap().spec.generation, 2);

        // Chosen otherwise while it runs, the node knows it at once.
        let ask = modify(&id, "instanceInitiatedShutdownBehavior", "terminate");
        world.call(&admin, &ask).await.unwrap();
        until("the node is told", || async {
            let state = world.nodes[0].state.lock().unwrap();
            (state.adjusted.last()?.power.on_shutdown == OnShutdown::Terminate).then_some(())
        })
        .await;
    });
}

#[test]
fn what_an_instance_is_given_along_reaches_its_node_and_its_owner() {
    world(&[4], |world| async move {
        let (image, admin) = (world.bootable().await, world.admin.clone());
        let ask = RunInstances { user_data: Some("/wAKJCU=".into()), ..launch(&image) };
        let id = runs(&world, &ask).await;
        let given = world.nodes[0].runs().remove(0).spec.metadata.user_data.unwrap();
        assert_eq!(given.bytes(), b"\xff\x00\n$%");
        let shown = attribute(&world, &id, "userData").await;
        assert!(shown.contains("<userData><value>/wAKJCU=</value></userData>"), "{shown}");

        let ask = RunInstances { user_data: Some(String::new()), ..launch(&image) };
        let without = runs(&world, &ask).await;
        let shown = attribute(&world, &without, "userData").await;
        assert!(shown.contains("<userData") && !shown.contains("value"), "{shown}");
        let most = |bytes: usize| "QUFB".repeat(bytes / 3) + &"QQ==".repeat(bytes % 3);
        assert_eq!(16 << 10, 3 * 5461 + 1);
        let ask = |bytes| RunInstances { user_data: Some(most(bytes)), ..launch(&image) };
        runs(&world, &ask(16 << 10)).await;
        for bad in [ask(16 << 10).user_data.unwrap().replace("QQ==", "QUE="), "no base64!".into()] {
            let ask = RunInstances { user_data: Some(bad), ..launch(&image) };
            let (code, text) = world.call(&admin, &ask).await.unwrap_err();
            assert_eq!(code, "InvalidParameterValue");
            assert!(text.contains("UserData") && text.len() < 200, "{text}");
        }
        for (name, value) in [("InstanceInitiatedShutdownBehavior", "sleep")] {
            let ask = [
                ("Action", "RunInstances"),
                ("ImageId", image.as_str()),
                (name, value),
                ("Version", "2016-11-15"),
            ];
            assert_eq!(world.raw(&admin, &ask).await.unwrap_err().0, "InvalidParameterValue");
        }
    });
}

#[test]
fn attributes_are_read_changed_when_stopped_and_heeded_at_the_next_start() {
    world(&[4], |world| async move {
        let (image, admin) = (world.bootable().await, world.admin.clone());
        let id = runs(&world, &launch(&image)).await;
        for (name, expected) in [
            ("instanceType", "<instanceType><value>m1.small</value></instanceType>"),
            ("disableApiTermination", "<disableApiTermination><value>false</value>"),
            ("disableApiStop", "<value>false</value>"),
            ("instanceInitiatedShutdownBehavior", "<value>stop</value>"),
            ("rootDeviceName", "<rootDeviceName><value>/dev/sda1</value>"),
            ("sourceDestCheck", "<value>true</value>"),
            ("kernel", "<kernel><value>eki-"),
            ("ramdisk", "<ramdisk><value>eri-"),
            ("groupSet", "<groupId>default</groupId>"),
            ("blockDeviceMapping", "<blockDeviceMapping"),
        ] {
            let shown = attribute(&world, &id, name).await;
            assert!(shown.contains(expected) && shown.contains(id.as_str()), "{shown}");
        }
        let ask = DescribeInstanceAttribute { instance_id: id.to_string(), attribute: "x".into() };
        assert_eq!(code(world.call(&admin, &ask).await), "InvalidParameterValue");

        // Not while it runs.
        for (name, value) in [("instanceType", "m1.large"), ("userData", "YQ==")] {
            let refused = code(world.call(&admin, &modify(&id, name, value)).await);
            assert_eq!(refused, "IncorrectInstanceState", "{name}");
        }
        world.call(&admin, &modify(&id, "disableApiTermination", "true")).await.unwrap();
        assert_eq!(code(world.call(&admin, &end(&id)).await), "OperationNotPermitted");
        world.call(&admin, &stop(&id)).await.unwrap();
        world.instance_is(&admin, &id, "stopped").await;

        let other = {
            world.walrus.bundle("k2/kernel", ImageKind::Kernel, 7, true);
            world.image(&world.admin, "k2/kernel").await.to_string()
        };
        for (name, value) in
            [("instanceType", "m1.large"), ("userData", "YQ=="), ("kernel", other.as_str())]
        {
            world.call(&admin, &modify(&id, name, value)).await.unwrap();
        }
        let wrong = modify(&id, "kernel", image.as_str());
        assert_eq!(code(world.call(&admin, &wrong).await), "InvalidParameterValue");
        let raw = [
            ("Action", "ModifyInstanceAttribute"),
            ("InstanceId", id.as_str()),
            ("GroupId.1", "sg-1"),
            ("Version", "2016-11-15"),
        ];
        assert_eq!(world.raw(&admin, &raw).await.unwrap_err().0, "UnsupportedOperation");
        world.call(&admin, &start(&id)).await.unwrap();
        let running = world.instance_is(&admin, &id, "running").await;
        assert_eq!(running.instance_type, "m1.large");
        let spec = world.nodes[0].runs().pop().unwrap().spec;
        assert_eq!((spec.cpus, spec.memory_mib, spec.root.size), (2, 512, 2 << 30));
        assert_eq!(spec.metadata.user_data.unwrap().bytes(), b"a");
        assert_eq!(spec.metadata.kernel.unwrap().to_string(), other);

        world.call(&admin, &stop(&id)).await.unwrap();
        world.instance_is(&admin, &id, "stopped").await;
        let reset =
            ResetInstanceAttribute { instance_id: id.to_string(), attribute: "kernel".into() };
        world.call(&admin, &reset).await.unwrap();
        assert!(!attribute(&world, &id, "kernel").await.contains(&other));
        world.call(&admin, &modify(&id, "disableApiTermination", "false")).await.unwrap();
        world.call(&admin, &end(&id)).await.unwrap();
        world.instance_is(&admin, &id, "terminated").await;
        let late = modify(&id, "disableApiTermination", "true");
        assert_eq!(code(world.call(&admin, &late).await), "IncorrectInstanceState");
    });
}

#[test]
fn a_launch_that_cannot_be_done_says_why_and_is_given_up_in_the_end() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[1], |world| async move {
        let (image, admin) = (world.bootable().await, world.admin.clone());
        world.nodes[0].change(|state| {
            state.refuse = Some(ApiError::new(ErrorCode::Unavailable, "its disk is being checked"));
        });
        let id = world.run(&admin, &launch(&image)).await.remove(0);
        until("it says why it is pending", || async {
            let seen = world.described(&admin, &[id.as_str()]).await.remove(0);
            assert_eq!(seen.instance_state.name, "pending");
            seen.state_reason.filter(|reason| reason.message.contains("being checked"))
        })
        .await;
        for _ in 0..350 {
            world.clock.advance(Duration::from_secs(10));
            world.nodes[0].change(|_| {});
        }
        assert_eq!(world.described(&admin, &[id.as_str()]).await[0].instance_state.name, "pending");
        // In strides that a message on its way outlives: one that is too old is refused for its date.
        let ended = until("it is given up", || async {
            world.clock.advance(Duration::from_secs(10));
            world.nodes[0].change(|_| {});
            let seen = world.described(&admin, &[id.as_str()]).await.remove(0);
            (seen.instance_state.name == "terminated").then_some(seen)
        })
        .await;
        let reason = ended.state_reason.unwrap();
        assert_eq!(reason.code, "Server.InternalError");
        assert!(reason.message.contains("being checked"), "{reason:?}");
        world.nodes[0].change(|state| state.refuse = None);
        until("its seat is free", || async { world.call(&admin, &launch(&image)).await.ok() })
            .await;
    });
}
