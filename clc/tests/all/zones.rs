//! Regions, zones and the lines of capacity.

use std::time::Duration;

use common::ec2::addresses::DescribeAddresses;
use common::ec2::types::Filter;
use common::ec2::zones::{DescribeAvailabilityZones, DescribeRegions};
use common::time::Timestamp;
use runtime::clock::Clock;

use crate::world::{code, until, world, world_at};

#[test]
fn regions_and_zones_are_told() {
    world(&[4, 2], |world| async move {
        let regions = world.call(&world.admin, &DescribeRegions::default()).await.unwrap();
        let region = &regions.region_info.item[0];
        assert_eq!(region.region_name, "eucalyptus");
        let expected =
            format!("http://127.0.0.1:{}/services/Eucalyptus", world.server().api_address().port());
        assert_eq!(region.region_endpoint, expected);
        let other = DescribeRegions { region_name: vec!["mars".into()], ..Default::default() };
        assert_eq!(code(world.call(&world.admin, &other).await), "InvalidParameterValue");

        let zones = |names: &[&str]| DescribeAvailabilityZones {
            zone_name: names.iter().map(|name| (*name).to_owned()).collect(),
            filter: Vec::new(),
        };
        let taro = world.user("taro").await;
        let told = world.call(&taro, &zones(&[])).await.unwrap().availability_zone_info.item;
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].zone_name.as_str(), told[0].zone_state.as_str()),
            ("eucalyptus-1a", "available")
        );
        assert_eq!(code(world.call(&taro, &zones(&["mars-1a"])).await), "InvalidParameterValue");
        assert_eq!(code(world.call(&taro, &zones(&["verbose"])).await), "OperationNotPermitted");
        let rows = world.call(&world.admin, &zones(&["verbose"])).await.unwrap();
        let rows = rows.availability_zone_info.item;
        let row = |at: usize| (rows[at].zone_name.as_str(), rows[at].zone_state.as_str());
        assert_eq!(rows.len(), 7);
        assert_eq!(row(1), ("|- vm types", "free / max   cpu   ram  disk"));
        assert_eq!(row(2), ("|- m1.small", "0006 / 0006   1    128     2"));
        assert_eq!(row(6), ("|- c1.xlarge", "0001 / 0001   4   2048    20"));
        let filter = vec![Filter { name: "state".into(), value: vec!["unavailable".into()] }];
        let none = DescribeAvailabilityZones { zone_name: Vec::new(), filter };
        let none = world.call(&taro, &none).await.unwrap();
        assert!(none.availability_zone_info.is_empty());
    });
}

#[test]
fn a_zone_whose_nodes_are_away_is_unavailable() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[1], |world| async move {
        world.nodes[0].change(|state| state.away = true);
        let ask = DescribeAvailabilityZones::default();
        let zone = until("the zone is unavailable", || async {
            world.clock.advance(Duration::from_secs(21));
            let told = world.call(&world.admin, &ask).await.unwrap();
            let zone = told.availability_zone_info.item.into_iter().next().unwrap();
            (zone.zone_state == "unavailable").then_some(zone)
        })
        .await;
        assert!(zone.message_set.item[0].message.contains("node a"));
    });
}

#[test]
fn there_are_no_elastic_addresses() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let filter = |name: &str| vec![Filter { name: name.into(), value: vec!["i-1".into()] }];
        for filter in [vec![], filter("instance-id"), filter("tag:a")] {
            let ask = DescribeAddresses { filter, ..Default::default() };
            assert!(world.call(&taro, &ask).await.unwrap().addresses_set.is_empty());
        }
        let by_ip =
            |ip: &str| DescribeAddresses { public_ip: vec![ip.into()], ..Default::default() };
        let id = vec!["eipalloc-1".into()];
        let by_id = DescribeAddresses { allocation_id: id, ..Default::default() };
        let odd = DescribeAddresses { filter: filter("colour"), ..Default::default() };
        for (ask, expected) in [
            (by_ip("10.0.0.1"), "InvalidAddress.NotFound"),
            (by_ip("ten"), "InvalidParameterValue"),
            (by_id, "InvalidAllocationID.NotFound"),
            (odd, "InvalidParameterValue"),
        ] {
            assert_eq!(code(world.call(&taro, &ask).await), expected);
        }
    });
}
