//! DescribeInstanceStatus: who fares how, and since when.

use std::time::Duration;

use common::ec2::instances::{RunInstances, TerminateInstances};
use common::ec2::status::{DescribeInstanceStatus, InstanceStatus};
use common::ec2::types::Filter;
use common::time::Timestamp;
use runtime::clock::Clock;

use crate::instances::launch;
use crate::world::{World, code, until, world, world_at};

impl World {
    async fn statuses(&self, ask: &DescribeInstanceStatus) -> Vec<InstanceStatus> {
        self.call(&self.admin, ask).await.unwrap().instance_status_set.item
    }
}

fn told(it: &InstanceStatus) -> (&str, &str) {
    (&it.system_status.status, &it.instance_status.status)
}

#[test]
fn those_that_run_are_told_of_and_the_others_if_they_are_asked_for() {
    world(&[9], |world| async move {
        let image = world.bootable().await;
        let ask = RunInstances { max_count: Some(6), ..launch(&image) };
        let ids = world.run(&world.admin, &ask).await;
        for id in &ids {
            world.instance_is(&world.admin, id, "running").await;
        }
        world.nodes[0].change(|state| state.quick = false);
        let pending = world.run(&world.admin, &launch(&image)).await.remove(0);
        let end = TerminateInstances { instance_id: vec![ids[5].to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        world.instance_is(&world.admin, &ids[5], "terminated").await;

        let running = world.statuses(&DescribeInstanceStatus::default()).await;
        let shown: Vec<_> = running.iter().map(|it| it.instance_id.clone()).collect();
        assert_eq!(shown, ids[..5]);
        assert!(running.iter().all(|it| told(it) == ("ok", "ok")), "{running:?}");
        assert_eq!(running[0].availability_zone, "eucalyptus-1a");
        assert_eq!(running[0].system_status.details.item[0].status, "passed");

        let everything = DescribeInstanceStatus {
            include_all_instances: true,
            max_results: Some(5),
            ..DescribeInstanceStatus::default()
        };
        let first = world.call(&world.admin, &everything).await.unwrap();
        assert_eq!(first.instance_status_set.item.len(), 5);
        let next = DescribeInstanceStatus { next_token: first.next_token, ..everything };
        let rest = world.statuses(&next).await;
        assert_eq!(rest.iter().map(|it| &it.instance_id).collect::<Vec<_>>(), [&ids[5], &pending]);
        assert_eq!(told(&rest[0]), ("not-applicable", "not-applicable"));
        assert_eq!(told(&rest[1]), ("initializing", "initializing"));

        let named = |id: &str, all| DescribeInstanceStatus {
            instance_id: vec![id.to_owned()],
            include_all_instances: all,
            ..DescribeInstanceStatus::default()
        };
        assert_eq!(world.statuses(&named(ids[5].as_str(), false)).await, []);
        assert_eq!(world.statuses(&named(ids[5].as_str(), true)).await.len(), 1);
        let absent = world.call(&world.admin, &named("i-00000000", true)).await;
        assert_eq!(code(absent), "InvalidInstanceID.NotFound");
        let taro = world.user("taro").await;
        let others = world.call(&taro, &named(ids[0].as_str(), true)).await;
        assert_eq!(code(others), "InvalidInstanceID.NotFound");

        let filtered = |name: &str, value: &str| DescribeInstanceStatus {
            filter: vec![Filter { name: name.into(), value: vec![value.into()] }],
            include_all_instances: true,
            ..DescribeInstanceStatus::default()
        };
        for (name, value, count) in [
            ("instance-state-name", "running", 5),
            ("instance-state-code", "48", 1),
            ("system-status.status", "initializing", 1),
            ("instance-status.reachability", "passed", 5),
            ("event.code", "*", 0),
        ] {
            assert_eq!(world.statuses(&filtered(name, value)).await.len(), count, "{name}");
        }
        let unknown = world.call(&world.admin, &filtered("colour", "red")).await;
        assert_eq!(code(unknown), "InvalidParameterValue");
    });
}

#[test]
fn a_node_that_is_away_impairs_the_system_since_it_was_last_heard() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[4], |world| async move {
        let image = world.bootable().await;
        let id = world.run(&world.admin, &launch(&image)).await.remove(0);
        world.instance_is(&world.admin, &id, "running").await;
        let before = world.clock.now();
        world.nodes[0].change(|state| state.away = true);
        let away = until("it is impaired", || async {
            world.clock.advance(Duration::from_secs(21));
            let seen = world.statuses(&DescribeInstanceStatus::default()).await.remove(0);
            (seen.system_status.status == "impaired").then_some(seen)
        })
        .await;
        assert_eq!(away.instance_status.status, "insufficient-data");
        let detail = &away.system_status.details.item[0];
        assert_eq!(detail.status, "failed");
        let since = detail.impaired_since.unwrap().0;
        assert!(before <= since && since < world.clock.now(), "{since:?}");

        world.nodes[0].change(|state| state.away = false);
        until("it is well again", || async {
            let seen = world.statuses(&DescribeInstanceStatus::default()).await.remove(0);
            (told(&seen) == ("ok", "ok")).then_some(())
        })
        .await;
        // A node that answers but has lost the machine is no fault of the system's.
        world.nodes[0].change(|state| {
            state.views.clear();
            state.session += 1;
        });
        until("it is missed", || async {
            let seen = world.statuses(&DescribeInstanceStatus::default()).await.remove(0);
            (told(&seen) == ("ok", "impaired")).then_some(())
        })
        .await;
    });
}
