//! Nodes: room that is never promised twice, guests that cannot be run, a node that vanishes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bundle::Kind;
use common::ec2::instances::{Instance, RunInstances, TerminateInstances};
use common::ec2::power::StartInstances;
use e2e::{Cloud, Service, Shape, User, bundles, wait};
use node_agent::hypervisor::sim::SimStep;
use runtime::clock::Clock;

use crate::path::disk;

/// A cloud with an image that can be run; the image's id.
fn raise(shape: Shape) -> (Cloud, User, String) {
    let cloud = Cloud::raise(shape);
    let admin = cloud.administrator();
    bundles::boot(&admin);
    let image = bundles::registered(&admin, "images", "disk", Kind::Machine, &disk(50_000));
    (cloud, admin, image)
}

/// The node of an instance, as its address tells.
fn node_of(instance: &Instance) -> String {
    let address = instance.private_ip_address.as_deref().unwrap();
    address.split('.').nth(1).unwrap().to_owned()
}

#[test]
fn room_is_never_promised_twice_and_load_is_spread() {
    let (cloud, admin, image) = raise(Shape { nodes: 2, cpus: 3, ..Shape::default() });
    let launch = |min, max| RunInstances {
        min_count: Some(min),
        max_count: Some(max),
        ..User::launch(&image)
    };
    let refused = admin.refused(&launch(7, 9));
    assert_eq!(refused.code, "InsufficientInstanceCapacity");
    assert!(refused.message.contains('7') && refused.message.contains('6'), "{refused:?}");

    // Far more than there is room for, all at once: six seats, and nobody gets a seventh.
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = |n: u32| {
            let (admin, launch) = (&admin, launch(1, 1 + n % 3));
            move || admin.ask(&launch)
        };
        let askers: Vec<_> = (0..12).map(|n| scope.spawn(ask(n))).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });
    let mut seats = 0;
    for answer in answers {
        match answer {
            Ok(made) => seats += made.instances_set.item.len(),
            Err(error) => assert_eq!(error.code(), Some("InsufficientInstanceCapacity"), "{error}"),
        }
    }
    assert_eq!(seats, 6);
    let all = admin.instances();
    let all: Vec<_> =
        all.iter().map(|it| admin.instance_becomes(it.instance_id.as_str(), "running")).collect();
    let mut nodes = BTreeMap::new();
    for instance in &all {
        *nodes.entry(node_of(instance)).or_insert(0) += 1;
    }
    assert_eq!(nodes.into_values().collect::<Vec<_>>(), [3, 3]);
    let addresses: BTreeSet<_> = all.iter().map(|it| it.private_ip_address.clone()).collect();
    assert_eq!(addresses.len(), 6);

    // A restarted clc knows which seats are taken.
    let mut cloud = cloud;
    cloud.restart(&[Service::Clc]);
    let refused = admin.refused(&launch(1, 1));
    assert_eq!(refused.code, "InsufficientInstanceCapacity");
    assert!(refused.message.contains('0'), "{refused:?}");

    // A seat that is given back is a seat, on the node that has it.
    let gone = &all[4];
    let id = gone.instance_id.to_string();
    admin.send(&TerminateInstances { instance_id: vec![id.clone()] });
    admin.instance_becomes(&id, "terminated");
    let next = wait::until("the seat is free", || admin.ask(&launch(1, 6)));
    assert_eq!(next.instances_set.item.len(), 1);
    let next = admin.instance_becomes(next.instances_set.item[0].instance_id.as_str(), "running");
    assert_eq!(node_of(&next), node_of(gone));
}

#[test]
fn what_cannot_be_run_is_terminated_with_its_reason_and_leaves_nothing() {
    let (cloud, admin, image) = raise(Shape { cpus: 1, ..Shape::default() });
    for (step, why) in [(SimStep::Prepare, "the disk is full"), (SimStep::Start, "no such machine")]
    {
        cloud.guests(0).fail_next(step, why);
        let id = wait::until("its seat is free", || admin.ask(&User::launch(&image)));
        let id = id.instances_set.item[0].instance_id.to_string();
        let ended = admin.instance_becomes(&id, "terminated");
        let reason = ended.state_reason.expect("it says why");
        assert_eq!(reason.code, "Server.InternalError");
        assert!(reason.message.contains(why), "{reason:?}");
        assert_eq!((ended.private_ip_address, ended.dns_name.as_str()), (None, ""));
    }
    cloud.assert_nothing_left();
    let id = wait::until("the seat is free", || admin.ask(&User::launch(&image)));
    let id = id.instances_set.item[0].instance_id.clone();
    admin.instance_becomes(id.as_str(), "running");
    // A process that is lost is started again, but not for ever.
    for _ in 0..4 {
        wait::until("its process runs", || cloud.guests(0).crash(&id, "killed by its host"));
    }
    let stopped = admin.instance_becomes(id.as_str(), "stopped");
    let reason = stopped.state_reason.expect("it says why");
    assert_eq!(reason.code, "Server.InternalError");
    assert!(reason.message.contains("killed by its host"), "{reason:?}");
    // Its disk is there, and it starts again when its owner says so.
    admin.send(&StartInstances { instance_id: vec![id.to_string()] });
    assert_eq!(admin.instance_becomes(id.as_str(), "running").state_reason, None);
    admin.send(&TerminateInstances { instance_id: vec![id.to_string()] });
    admin.instance_becomes(id.as_str(), "terminated");
    cloud.assert_nothing_left();
}

#[test]
fn a_node_that_vanishes_leaves_its_instances_impaired_and_not_terminated() {
    let clock = Clock::manual(Clock::system().now());
    let (mut cloud, admin, image) = raise(Shape { clock: clock.clone(), ..Shape::default() });
    let id = admin.run(&User::launch(&image)).remove(0);
    let before = admin.instance_becomes(&id, "running");
    assert_eq!(before.state_reason, None);

    cloud.stop(Service::Node(0));
    let reason = wait::until("it is impaired", || {
        let instance = admin.instance(&id);
        assert_eq!(instance.instance_state.name, "running");
        // Not once and for all: the node's last answer may be on its way just now.
        clock.advance(Duration::from_secs(30));
        instance.state_reason.ok_or(instance.instance_state)
    });
    assert_eq!(reason.code, "Server.Impaired");
    assert!(reason.message.contains("node1 has not answered since"), "{reason:?}");
    let refused = admin.refused(&User::launch(&image));
    assert_eq!(refused.code, "InsufficientInstanceCapacity", "nothing is placed there");
    let console =
        admin.refused(&common::ec2::instances::GetConsoleOutput { instance_id: id.clone() });
    assert_eq!((console.status, console.code.as_str()), (503, "Unavailable"));

    cloud.start(Service::Node(0));
    let well = wait::until("it is well again", || {
        let instance = admin.instance(&id);
        if instance.state_reason.is_none() { Ok(instance) } else { Err(instance.state_reason) }
    });
    assert_eq!(well.instance_state.name, "running");
    assert_eq!(well.private_ip_address, before.private_ip_address);
    let second = wait::until("its node takes launches again", || admin.ask(&User::launch(&image)));
    admin.instance_becomes(second.instances_set.item[0].instance_id.as_str(), "running");
}

#[test]
fn an_instance_ended_while_its_node_is_away_ends_when_the_node_is_back() {
    let clock = Clock::manual(Clock::system().now());
    let (mut cloud, admin, image) = raise(Shape { clock: clock.clone(), ..Shape::default() });
    let id = admin.run(&User::launch(&image)).remove(0);
    admin.instance_becomes(&id, "running");
    cloud.stop(Service::Node(0));
    clock.advance(Duration::from_secs(300));
    let ended = admin.send(&TerminateInstances { instance_id: vec![id.clone()] });
    assert_eq!(ended.instances_set.item[0].current_state.name, "shutting-down");
    // The clc is away, too, and remembers.
    cloud.restart(&[Service::Clc]);
    assert_eq!(admin.instance(&id).instance_state.name, "shutting-down");
    cloud.start(Service::Node(0));
    admin.instance_becomes(&id, "terminated");
    cloud.assert_nothing_left();
}
