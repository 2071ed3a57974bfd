//! Instance types in both shapes, where they are offered, and what holds for accounts.

use common::ec2::account::DescribeAccountAttributes;
use common::ec2::instance_types::{DescribeInstanceTypeOfferings, DescribeInstanceTypes};
use common::ec2::types::Filter;

use crate::world::{code, until, world};

fn filter(name: &str, value: &str) -> Vec<Filter> {
    vec![Filter { name: name.into(), value: vec![value.into()] }]
}

#[test]
fn types_are_told_in_both_shapes() {
    world(&[4], |world| async move {
        let taro = world.user("taro").await;
        let all = DescribeInstanceTypes::default();
        let told = world.call(&taro, &all).await.unwrap();
        let names: Vec<_> =
            told.instance_type_set.item.iter().map(|it| it.instance_type.as_str()).collect();
        assert_eq!(names, ["m1.small", "c1.medium", "m1.large", "m1.xlarge", "c1.xlarge"]);
        let details: Vec<_> = told.instance_type_details.item.iter().map(|it| &it.name).collect();
        assert_eq!(details, names);
        let large = &told.instance_type_set.item[2];
        assert_eq!((large.v_cpu_info.default_vcpus, large.memory_info.size_in_mib), (2, 512));
        assert!(!large.burstable_performance_supported);
        let large = &told.instance_type_details.item[2];
        assert_eq!((large.cpu, large.memory, large.disk), (2, 512, 10));
        assert!(large.availability.is_empty());

        let raw = [("Action", "DescribeInstanceTypes")];
        let xml = world.raw(&taro, &raw).await.unwrap();
        for text in [
            "<vCpuInfo><defaultVCpus>1</defaultVCpus>",
            "<memoryInfo><sizeInMiB>128</sizeInMiB>",
            "<totalSizeInGB>2</totalSizeInGB>",
            "<supportedUsageClasses><item>on-demand</item></supportedUsageClasses>",
        ] {
            assert!(xml.contains(text), "{text}: {xml}");
        }
        // boto 2 would take each nested item for a type.
        let old = [raw[0], ("Version", "2014-10-01")];
        let xml = world.raw(&taro, &old).await.unwrap();
        assert!(!xml.contains("instanceTypeSet"), "{xml}");
        assert_eq!(xml.matches("<item>").count(), 5);
    });
}

#[test]
fn types_are_found_by_name_filter_and_page() {
    world(&[], |world| async move {
        let with = |change: fn(&mut DescribeInstanceTypes)| {
            let mut ask = DescribeInstanceTypes::default();
            change(&mut ask);
            ask
        };
        for (ask, count) in [
            (with(|it| it.instance_type = vec!["m1.large".into(), "m1.small".into()]), 2),
            (with(|it| it.filter = filter("vcpu-info.default-vcpus", "2")), 2),
            (with(|it| it.filter = filter("instance-type", "c1.*")), 2),
            (with(|it| it.filter = filter("bare-metal", "true")), 0),
            (with(|it| it.max_results = Some(5)), 5),
        ] {
            let told = world.call(&world.admin, &ask).await.unwrap();
            assert_eq!(told.instance_type_set.item.len(), count, "{ask:?}");
            assert_eq!(told.instance_type_details.item.len(), count, "{ask:?}");
            assert_eq!(told.next_token, None);
        }
        for (ask, expected) in [
            (with(|it| it.instance_type = vec!["t9.tiny".into()]), "InvalidInstanceType"),
            (with(|it| it.filter = filter("colour", "red")), "InvalidParameterValue"),
            (with(|it| it.max_results = Some(4)), "InvalidParameterValue"),
            (
                with(|it| {
                    it.max_results = Some(5);
                    it.instance_type = vec!["m1.small".into()];
                }),
                "InvalidParameterCombination",
            ),
        ] {
            assert_eq!(code(world.call(&world.admin, &ask).await), expected, "{ask:?}");
        }
    });
}

#[test]
fn an_administrator_sees_the_room_of_each_type() {
    world(&[4, 2], |world| async move {
        let ask = DescribeInstanceTypes { availability: true, ..Default::default() };
        let rooms = until("both nodes are known", || async {
            let told = world.call(&world.admin, &ask).await.unwrap();
            let small = told.instance_type_details.item[0].availability.item[0].clone();
            (small.max == 6).then_some(told)
        })
        .await;
        let xlarge = &rooms.instance_type_details.item[4].availability.item[0];
        assert_eq!((xlarge.zone_name.as_str(), xlarge.max), ("eucalyptus-1a", 1));
        assert_eq!(xlarge.available, 1);
        let taro = world.user("taro").await;
        assert_eq!(code(world.call(&taro, &ask).await), "OperationNotPermitted");

        let told = world.call(&taro, &DescribeAccountAttributes::default()).await.unwrap();
        let value = |name: &str| {
            let mut all = told.account_attribute_set.item.iter();
            let found = all.find(|it| it.attribute_name == name).unwrap();
            found.attribute_value_set.item[0].attribute_value.clone()
        };
        assert_eq!(value("supported-platforms"), "EC2");
        assert_eq!(value("default-vpc"), "none");
        assert_eq!(value("max-instances"), "6");
        let one = |name: &str| DescribeAccountAttributes { attribute_name: vec![name.into()] };
        let told = world.call(&taro, &one("default-vpc")).await.unwrap();
        assert_eq!(told.account_attribute_set.item.len(), 1);
        assert_eq!(code(world.call(&taro, &one("colour")).await), "InvalidParameterValue");
    });
}

#[test]
fn every_type_is_offered_everywhere() {
    world(&[1], |world| async move {
        let offered = async |kind: Option<&str>, filter| {
            let ask = DescribeInstanceTypeOfferings {
                location_type: kind.map(str::to_owned),
                filter,
                ..Default::default()
            };
            let told = world.call(&world.admin, &ask).await?;
            Ok(told.instance_type_offering_set.item)
        };
        let region = offered(None, Vec::new()).await.unwrap();
        assert_eq!((region.len(), region[0].location.as_str()), (5, "eucalyptus"));
        let small = filter("instance-type", "m1.small");
        let zones = offered(Some("availability-zone"), small).await.unwrap();
        assert_eq!((zones.len(), zones[0].location.as_str()), (1, "eucalyptus-1a"));
        assert_eq!(code(offered(Some("outpost"), Vec::new()).await), "InvalidParameterValue");
    });
}
