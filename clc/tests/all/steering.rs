//! `clc admin` looks after nodes, instance types and the cache; a node that is lost is given up, and what
//! becomes of it and of what was on it.

use std::time::Duration;

use common::administration::cache::{DescribeImageCache, EvictImages};
use common::administration::configuration::{DescribeNodes, GiveUpNode, ModifyNode};
use common::administration::types::{ModifyInstanceTypes, TypeChange};
use common::error::ErrorCode;
use common::time::Timestamp;
use common::wire::cached::{HeldImage, HeldState};
use common::wire::node::MachineState;
use runtime::clock::Clock;

use crate::console::recorded;
use crate::instances::launch;
use crate::world::{code, until, world, world_at};

fn say(name: &str, state: &str) -> ModifyNode {
    ModifyNode { name: name.to_owned(), state: state.to_owned() }
}

#[test]
fn the_host_does_what_the_paths_do_and_it_is_on_record() {
    world(&[4], |world| async move {
        let host = world.administration();
        let nodes = host.call(DescribeNodes::default()).await.unwrap();
        assert_eq!(nodes.lines(), ["NODE\ta\teucalyptus-1a"]);
        assert_eq!(host.call(say("a", "draining")).await.unwrap().line(), "NODE\ta\tdraining");
        let told = host.call(DescribeNodes::default()).await.unwrap().registered.item.remove(0);
        assert_eq!((&*told.rule, &*told.rule_by), ("draining", "eucalyptus/host"));
        let image = world.bootable().await;
        let full = world.call(&world.admin, &launch(&image)).await;
        assert_eq!(code(full), "InsufficientInstanceCapacity");
        let refused = host.call(GiveUpNode { name: "a".into() }).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::IncorrectState);
        assert_eq!(host.call(say("a", "enabled")).await.unwrap().line(), "NODE\ta\tenabled");
        assert!(host.call(say("<script>", "enabled")).await.is_err());

        let wish = |memory| ModifyInstanceTypes {
            instance_type: vec![TypeChange {
                name: "m1.small".into(),
                memory: Some(memory),
                ..TypeChange::default()
            }],
        };
        let types = host.call(wish(200)).await.unwrap();
        assert_eq!(types.lines("m1.small"), ["INSTANCETYPE\tm1.small\t1\t200\t2"]);
        assert!(host.call(wish(0)).await.is_err());

        let manifest_sha256 = "a".repeat(64);
        let held = HeldImage {
            manifest_sha256: manifest_sha256.clone(),
            size: 1 << 20,
            state: HeldState::Here,
            used: None,
            hits: 3,
            pins: 0,
            expected: 0,
            waiting: 0,
            done: 0,
            total: 0,
        };
        let cached = world.walrus.state.lock().unwrap().cached.clone();
        *cached.lock().unwrap() = vec![held];
        let lines = host.call(DescribeImageCache {}).await.unwrap().lines();
        assert!(lines[1].starts_with(&format!("CACHED\t{manifest_sha256}\t\there\t1048576")));
        let evicted = host.call(EvictImages { image: None }).await.unwrap();
        assert_eq!(evicted.line(), "EVICTED\t1\t1048576");

        let events = recorded(&world, "ModifyNode").await;
        let own: Vec<_> = events.iter().filter(|it| it.source == "host").collect();
        assert!(own.iter().any(|it| it.failure.is_none() && it.resources == ["a"]), "{own:?}");
        assert!(own.iter().any(|it| it.failure.is_some()), "a refusal, too");
    });
}

#[test]
fn a_node_that_is_lost_is_given_up_and_gets_nothing_before_it_is_empty_again() {
    let clock = Clock::manual(Timestamp::from_secs(1_795_392_030));
    world_at(clock.clone(), &[4], |mut world| async move {
        let image = world.bootable().await;
        let admin = world.admin.clone();
        let id = world.run(&admin, &launch(&image)).await.remove(0);
        world.instance_is(&admin, &id, "running").await;
        world.nodes[0].change(|state| state.away = true);
        let host = world.administration();
        // An answer that was under way is still heard, whatever the hour: time passes until it was the last.
        let told = until("the node counts as lost", || async {
            clock.advance(Duration::from_secs(5));
            world.nodes[0].change(|_| ());
            host.call(GiveUpNode { name: "a".into() }).await.ok()
        })
        .await;
        assert_eq!((told.rule.as_str(), told.instances.entry.len()), ("given-up", 1));
        world.instance_is(&admin, &id, "terminated").await;
        let refused = host.call(say("a", "enabled")).await.unwrap_err();
        assert!(refused.text().contains("does not answer"), "{refused}");
        let refused = host.call(say("a", "draining")).await.unwrap_err();
        assert!(refused.text().contains("enable it first"), "{refused}");

        // It is on record; and the node comes back with what was on it, which does not end at once.
        world.restart().await;
        let host = world.administration();
        let known = host.call(DescribeNodes::default()).await.unwrap().registered.item.remove(0);
        assert_eq!(known.rule, "given-up");
        world.nodes[0].change(|state| state.away = false);
        until("it is told to end what it came back with", || async {
            world.nodes[0].state.lock().unwrap().ended.contains(&id).then_some(())
        })
        .await;
        world.nodes[0].sees(&id, MachineState::Stopping, None);
        until("it is not used while something is on it", || async {
            let refused = host.call(say("a", "enabled")).await.err()?;
            refused.text().contains("is being ended (1)").then_some(())
        })
        .await;
        world.nodes[0].sees(&id, MachineState::Gone, None);
        until("it is used again", || async { host.call(say("a", "enabled")).await.ok() }).await;
        world.run(&admin, &launch(&image)).await;
    });
}
