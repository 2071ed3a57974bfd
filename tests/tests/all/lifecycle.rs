//! Instances stopped, started and rebooted by people, over restarts of each service in between.

use bundle::Kind;
use common::ec2::instances::{RunInstances, TerminateInstances};
use common::ec2::power::{RebootInstances, StartInstances, StopInstances};
use e2e::{Cloud, Service, Shape, User, bundles, wait};

use crate::path::disk;

const ALL: [Service; 3] = [Service::Clc, Service::Walrus, Service::Node(0)];

fn raise() -> (Cloud, User, String) {
    let cloud = Cloud::raise(Shape::default());
    let admin = cloud.administrator();
    bundles::boot(&admin);
    let image = bundles::registered(&admin, "images", "disk", Kind::Machine, &disk(50_000));
    (cloud, admin, image)
}

fn stop(id: &str) -> StopInstances {
    StopInstances { instance_id: vec![id.to_owned()], ..StopInstances::default() }
}

fn start(id: &str) -> StartInstances {
    StartInstances { instance_id: vec![id.to_owned()] }
}

fn boots(user: &User, id: &str) -> usize {
    user.says(&["get-console-output", id]).matches("simulated machine").count()
}

#[test]
fn a_stop_and_a_start_outlive_each_service_at_each_step() {
    let (mut cloud, admin, image) = raise();
    let id = admin.run(&User::launch(&image)).remove(0);
    let before = admin.instance_becomes(&id, "running");
    for (round, restarted) in [&ALL[..1], &ALL[1..2], &ALL[2..], &ALL[..]].into_iter().enumerate() {
        let changed = admin.send(&stop(&id)).instances_set.item.remove(0);
        assert_eq!(changed.previous_state.name, "running");
        assert_eq!(changed.current_state.name, "stopping");
        cloud.restart(restarted);
        let stopped = admin.instance_becomes(&id, "stopped");
        assert_eq!(stopped.state_reason.unwrap().code, "Client.UserInitiatedShutdown");
        assert_eq!(boots(&admin, &id), round + 1, "the console can be read while it is off");
        cloud.restart(restarted);
        admin.instance_becomes(&id, "stopped");
        // Its node may be met again only after a while.
        wait::until("it can be started", || admin.ask(&start(&id)).map(drop));
        cloud.restart(restarted);
        let running = admin.instance_becomes(&id, "running");
        assert_eq!(running.private_ip_address, before.private_ip_address, "{restarted:?}");
        assert!(running.launch_time > before.launch_time);
        assert_eq!(boots(&admin, &id), round + 2, "from the same folder");
    }
    // It has rebooted once, whoever was away meanwhile.
    let reboot = RebootInstances { instance_id: vec![id.clone()] };
    admin.send(&reboot);
    cloud.restart(&ALL[..1]);
    wait::until("it has rebooted", || match boots(&admin, &id) {
        6 => Ok(()),
        other => Err(other),
    });
    cloud.restart(&ALL[2..]);
    assert_eq!(admin.instance_becomes(&id, "running").state_reason, None);

    // Stopped, it can be ended like any other.
    admin.send(&stop(&id));
    admin.instance_becomes(&id, "stopped");
    cloud.restart(&ALL[..1]);
    admin.send(&TerminateInstances { instance_id: vec![id.clone()] });
    cloud.restart(&ALL[2..]);
    admin.instance_becomes(&id, "terminated");
    cloud.assert_nothing_left();
}

#[test]
fn an_image_that_is_gone_everywhere_does_not_keep_an_instance_from_starting() {
    let (mut cloud, admin, image) = raise();
    let id = admin.run(&User::launch(&image)).remove(0);
    admin.instance_becomes(&id, "running");
    admin.send(&stop(&id));
    admin.instance_becomes(&id, "stopped");
    admin.says(&["deregister", &image]);
    cloud.stop(Service::Walrus);
    admin.send(&start(&id));
    admin.instance_becomes(&id, "running");
    cloud.start(Service::Walrus);
}

#[test]
fn people_do_it_with_euca() {
    let (cloud, admin, image) = raise();
    let image_line = admin.says(&[
        "run-instances",
        &image,
        "-d",
        "hello\nguest",
        "--instance-initiated-shutdown-behavior",
        "terminate",
    ]);
    let id = image_line.lines().nth(1).unwrap().split('\t').nth(1).unwrap().to_owned();
    admin.instance_becomes(&id, "running");
    let attribute = |flag: &str| admin.says(&["describe-instance-attribute", flag, &id]);
    assert_eq!(attribute("--user-data"), format!("userData\t{id}\taGVsbG8KZ3Vlc3Q=\n"));
    assert_eq!(
        attribute("--instance-initiated-shutdown-behavior"),
        format!("instanceInitiatedShutdownBehavior\t{id}\tterminate\n")
    );
    assert_eq!(admin.says(&["reboot-instances", &id]), "");
    wait::until("it has rebooted", || match boots(&admin, &id) {
        2 => Ok(()),
        other => Err(other),
    });
    admin.instance_becomes(&id, "running");
    cloud.guests(0).deaf(true);
    let stopped = admin.says(&["stop-instances", "--force", &id]);
    assert_eq!(stopped, format!("INSTANCE\t{id}\trunning\tstopping\n"));
    admin.instance_becomes(&id, "stopped");
    let modified = admin.says(&["modify-instance-attribute", "-t", "c1.medium", &id]);
    assert_eq!(modified, format!("instanceType\t{id}\tc1.medium\n"));
    assert_eq!(attribute("-t"), format!("instanceType\t{id}\tc1.medium\n"));
    let started = admin.says(&["start-instances", &id]);
    assert_eq!(started, format!("INSTANCE\t{id}\tstopped\tpending\n"));
    assert_eq!(admin.instance_becomes(&id, "running").instance_type, "c1.medium");
    admin.says(&["modify-instance-attribute", "--disable-api-termination", "true", &id]);
    let refused = admin.euca(&["terminate-instances", &id]);
    assert!(refused.err.contains("OperationNotPermitted"), "{}", refused.err);
    admin.says(&["modify-instance-attribute", "--disable-api-termination", "false", &id]);

    // Its guest's own shutdown means its end.
    cloud.guests(0).power_off(&id.parse().unwrap()).unwrap();
    let ended = admin.instance_becomes(&id, "terminated");
    assert_eq!(ended.state_reason.unwrap().code, "Client.InstanceInitiatedShutdown");
    cloud.assert_nothing_left();
}

#[test]
fn a_node_that_is_full_starts_nothing_until_there_is_room() {
    let cloud = Cloud::raise(Shape { cpus: 1, ..Shape::default() });
    let admin = cloud.administrator();
    bundles::boot(&admin);
    let image = bundles::registered(&admin, "images", "disk", Kind::Machine, &disk(50_000));
    let first = admin.run(&User::launch(&image)).remove(0);
    admin.instance_becomes(&first, "running");
    let launch = RunInstances { max_count: Some(1), ..User::launch(&image) };
    assert_eq!(admin.refused(&launch).code, "InsufficientInstanceCapacity");
    admin.send(&stop(&first));
    admin.instance_becomes(&first, "stopped");
    let second = admin.run(&launch).remove(0);
    admin.instance_becomes(&second, "running");
    assert_eq!(admin.refused(&start(&first)).code, "InsufficientInstanceCapacity");
    assert_eq!(admin.instance(&first).instance_state.name, "stopped");
    admin.send(&TerminateInstances { instance_id: vec![second.clone()] });
    wait::until("there is room", || admin.ask(&start(&first)).map(drop));
    admin.instance_becomes(&first, "running");
}
