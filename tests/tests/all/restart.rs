//! Instances, objects and images outlive every service; what was begun is brought to its end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bundle::Kind;
use common::wire::node::Report;
use common::wire::walrus::{BundleRef, DescribeCache, WantImage, WantedImage};
use e2e::{Cloud, Service, Shape, User, bundles, wait};
use node_agent::hypervisor::sim::SimMode;
use sha2::{Digest as _, Sha256};

use crate::path::disk;

const ALL: [Service; 3] = [Service::Clc, Service::Walrus, Service::Node(0)];

fn console(user: &User, id: &str) -> String {
    user.says(&["get-console-output", id])
}

#[test]
fn instances_objects_and_images_outlive_each_service_and_all_at_once() {
    let mut cloud = Cloud::raise(Shape::default());
    bundles::boot(&cloud.administrator());
    let user = cloud.add_user("taro");
    let image = bundles::registered(&user, "taros", "disk", Kind::Machine, &disk(100_000));
    user.put("taros", "note", b"kept");
    let first = user.run(&User::launch(&image)).remove(0);
    let before = user.instance_becomes(&first, "running");

    for stopped in [&ALL[..1], &ALL[1..2], &ALL[2..], &ALL[..]] {
        cloud.restart(stopped);
        let after = user.instance(&first);
        assert_eq!(after.instance_state.name, "running", "{stopped:?}: {after:?}");
        assert_eq!(after.private_ip_address, before.private_ip_address, "{stopped:?}");
        assert_eq!(after.launch_time, before.launch_time, "{stopped:?}");
        wait::until("nothing is wrong with it", || match user.instance(&first).state_reason {
            None => Ok(()),
            wrong => Err(wrong),
        });
        assert!(console(&user, &first).contains(&first), "{stopped:?}");
        assert_eq!(user.get("taros", "note").unwrap(), b"kept", "{stopped:?}");
        assert_eq!(user.image(&image).image_state, "available", "{stopped:?}");
        // Its seat and its address are still taken; another one runs beside it.
        let next = user.run(&User::launch(&image)).remove(0);
        let next = user.instance_becomes(&next, "running");
        assert_ne!(next.private_ip_address, before.private_ip_address, "{stopped:?}");
    }
    // It is still the same machine, and it still ends.
    let ids: Vec<_> = user.instances().iter().map(|it| it.instance_id.to_string()).collect();
    assert_eq!(ids.len(), 5);
    let ending = common::ec2::instances::TerminateInstances { instance_id: ids.clone() };
    user.send(&ending);
    ids.iter().for_each(|id| drop(user.instance_becomes(id, "terminated")));
    cloud.assert_nothing_left();
}

#[test]
fn a_guest_that_ends_while_its_node_is_away_is_seen_so_when_the_node_is_back() {
    let mut cloud = Cloud::raise(Shape::default());
    let admin = cloud.administrator();
    bundles::boot(&admin);
    let image = bundles::registered(&admin, "images", "disk", Kind::Machine, &disk(50_000));
    let ids = user_runs(&admin, &image, 2);
    let ends = common::ec2::instances::RunInstances {
        instance_initiated_shutdown_behavior: Some("terminate".into()),
        ..User::launch(&image)
    };
    let ends = admin.run(&ends).remove(0);
    admin.instance_becomes(&ends, "running");
    let guests = cloud.guests(0);
    cloud.stop(Service::Node(0));
    for id in [&ids[0], &ends] {
        guests.power_off(&id.parse().unwrap()).unwrap();
    }
    cloud.start(Service::Node(0));
    for (id, state) in [(&ids[0], "stopped"), (&ends, "terminated")] {
        let ended = admin.instance_becomes(id, state);
        assert_eq!(ended.state_reason.unwrap().code, "Client.InstanceInitiatedShutdown");
    }
    assert_eq!(admin.instance(&ids[1]).instance_state.name, "running");
}

fn user_runs(user: &User, image: &str, count: u32) -> Vec<String> {
    let launch =
        common::ec2::instances::RunInstances { min_count: Some(count), ..User::launch(image) };
    let ids = user.run(&launch);
    ids.iter().for_each(|id| drop(user.instance_becomes(id, "running")));
    ids
}

#[test]
fn a_launch_that_waits_for_its_image_goes_on_after_a_restart() {
    let mut cloud = Cloud::raise(Shape::default());
    let admin = cloud.administrator();
    bundles::boot(&admin);
    // An image that is being read cannot be evicted; beside it there is no room for another.
    let (large, megabytes) = (vec![0; 24 << 20], 25);
    let bundle = bundles::make(&admin, "large", Kind::Machine, &large);
    let location = bundle.upload(&admin, "images");
    let large = admin.register(&location);
    admin.image_becomes(&large, "available");
    let reader = reader(&cloud, &location, &bundle.manifest);
    cloud.set("walrus.storagemaxcachesizeinmb", &megabytes.to_string());
    wait::until("walrus has the limit", || match cloud.ask_walrus(DescribeCache {}).unwrap() {
        cache if cache.limit == megabytes << 20 => Ok(()),
        other => Err(other),
    });

    let disk = bundles::make(&admin, "disk", Kind::Machine, &disk(2 << 20));
    let image = admin.register(&disk.upload(&admin, "images"));
    let id = admin.run(&User::launch(&image)).remove(0);
    cloud.restart(&[Service::Clc]);
    cloud.restart(&[Service::Node(0)]);
    assert_eq!(admin.image(&image).image_state, "pending");
    let waiting = admin.instance(&id);
    assert_eq!(waiting.instance_state.name, "pending", "{waiting:?}");

    drop(reader);
    admin.image_becomes(&image, "available");
    let running = admin.instance_becomes(&id, "running");
    assert_eq!(running.private_ip_address, waiting.private_ip_address);
}

/// Begins to read an image as a node does, and reads no further than the answer's first bytes.
fn reader(cloud: &Cloud, location: &str, manifest: &[u8]) -> TcpStream {
    let bundle = BundleRef {
        location: location.to_owned(),
        manifest_sha256: hex::encode(Sha256::digest(manifest)),
    };
    let wanted = cloud.ask_walrus(WantImage { bundle, wait_ms: 0, reads: true }).unwrap();
    let WantedImage::Ready(ticket) = wanted else { panic!("{wanted:?}") };
    let (host, path) = ticket.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[test]
fn a_launch_that_a_node_has_begun_goes_on_after_restarts() {
    let mut cloud = Cloud::raise(Shape { guests: SimMode::ByHand, ..Shape::default() });
    let admin = cloud.administrator();
    bundles::boot(&admin);
    let image = bundles::registered(&admin, "images", "disk", Kind::Machine, &disk(50_000));
    let id = admin.run(&User::launch(&image)).remove(0);
    let instance = id.parse().unwrap();
    let ask = || Report { session: String::new(), since: 0, wait_ms: 0 };
    wait::until("the node has it", || match cloud.ask_node(0, ask()).unwrap().instances {
        none if none.is_empty() => Err("it does not"),
        _ => Ok(()),
    });
    cloud.restart(&[Service::Clc, Service::Walrus]);
    assert_eq!(admin.instance(&id).instance_state.name, "pending");
    wait::until("its guest is let go", || match cloud.guests(0).release(&instance) {
        true => Ok(()),
        false => Err("it is not held yet"),
    });
    admin.instance_becomes(&id, "running");
}
