//! RunInstances: what is refused, room, contention, tokens.

use std::collections::BTreeSet;

use common::ec2::images::DeregisterImage;
use common::ec2::instances::{Placement, RunInstances, TerminateInstances};
use common::id::ImageKind;

use crate::instances::launch;
use crate::world::{code, world};

#[test]
fn what_cannot_be_launched_is_refused_by_code() {
    world(&[4], |world| async move {
        world.walrus.bundle("m/m", ImageKind::Machine, 5 << 30, true);
        let image = world.image(&world.admin, "m/m").await;
        world.image_is(&world.admin, &image, "available").await;
        let big = RunInstances { instance_type: Some("m1.large".into()), ..launch(&image) };
        let (code_, text) = world.call(&world.admin, &big).await.unwrap_err();
        assert_eq!(code_, "MissingParameter", "{text}");
        assert!(text.contains("kernel"), "{text}");
        world.walrus.bundle("m/k", ImageKind::Kernel, 5, true);
        let kernel = world.image(&world.admin, "m/k").await;
        world.image_is(&world.admin, &image, "available").await;

        let with = |change: fn(&mut RunInstances)| {
            let mut ask = launch(&image);
            change(&mut ask);
            ask
        };
        let table = [
            (with(|it| it.image_id = "emi-00000000".into()), "InvalidAMIID.NotFound"),
            (with(|it| it.image_id = "image".into()), "InvalidAMIID.Malformed"),
            (with(|_| {}), "InvalidParameterCombination"),
            (with(|it| it.instance_type = Some("huge".into())), "InvalidParameterValue"),
            (with(|it| it.min_count = Some(0)), "InvalidParameterValue"),
            (with(|it| it.key_name = Some("nokey".into())), "InvalidParameterCombination"),
            (with(|it| it.user_data = Some("%".into())), "InvalidParameterValue"),
            (with(|it| it.security_group = vec!["web".into()]), "InvalidParameterValue"),
            (
                with(|it| {
                    it.placement = Some(Placement { availability_zone: Some("mars-1a".into()) });
                }),
                "InvalidParameterValue",
            ),
        ];
        for (ask, expected) in table {
            assert_eq!(code(world.call(&world.admin, &ask).await), expected, "{ask:?}");
        }
        let large = |change: fn(&mut RunInstances)| {
            let mut ask = big.clone();
            change(&mut ask);
            ask
        };
        let unknown = large(|it| it.key_name = Some("nokey".into()));
        let (code_, text) = world.call(&world.admin, &unknown).await.unwrap_err();
        assert_eq!(code_, "InvalidKeyPair.NotFound");
        assert!(text.contains("nokey"), "{text}");
        let kernel_as_image = RunInstances { image_id: kernel.to_string(), ..big.clone() };
        assert_eq!(code(world.call(&world.admin, &kernel_as_image).await), "InvalidParameterValue");
        let gone = large(|it| it.kernel_id = Some("eki-00000000".into()));
        assert_eq!(code(world.call(&world.admin, &gone).await), "InvalidAMIID.NotFound");
        for (pair, expected) in [
            (("SubnetId", "subnet-1"), "UnsupportedOperation"),
            (("MinCount", "many"), "InvalidParameterValue"),
        ] {
            let pairs = [("Action", "RunInstances"), ("ImageId", image.as_str()), pair];
            let (code_, text) = world.raw(&world.admin, &pairs).await.unwrap_err();
            assert_eq!(code_, expected);
            assert!(text.contains(pair.0), "{text}");
        }
        let missing = world.raw(&world.admin, &[("Action", "RunInstances")]).await;
        assert!(missing.unwrap_err().1.contains("ImageId"));
        // None of these left anything.
        assert!(world.described(&world.admin, &[]).await.is_empty());
        world.run(&world.admin, &big).await;
        world.call(&world.admin, &DeregisterImage { image_id: image.to_string() }).await.unwrap();
        assert_eq!(code(world.call(&world.admin, &big).await), "InvalidAMIID.NotFound");
    });
}

#[test]
fn room_is_never_promised_twice() {
    world(&[3, 2], |world| async move {
        let image = world.bootable().await;
        let (code_, text) = world
            .call(&world.admin, &RunInstances { min_count: Some(6), ..launch(&image) })
            .await
            .unwrap_err();
        assert_eq!(code_, "InsufficientInstanceCapacity");
        assert!(text.contains('6') && text.contains('5'), "{text}");
        // Ten at once for five seats.
        let ask = launch(&image);
        let launches = (0..10).map(|_| world.call(&world.admin, &ask));
        let answers = futures_util::future::join_all(launches).await;
        let ran = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(ran, 5);
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(refused.0, "InsufficientInstanceCapacity");
        }
        let seen = world.described(&world.admin, &[]).await;
        let addresses: BTreeSet<_> = seen.iter().map(|it| it.private_ip_address.clone()).collect();
        assert_eq!((seen.len(), addresses.len()), (5, 5));
        // What ends makes room again.
        let first = seen[0].instance_id.clone();
        let end = TerminateInstances { instance_id: vec![first.to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        world.instance_is(&world.admin, &first, "terminated").await;
        let some = RunInstances { max_count: Some(9), ..launch(&image) };
        let made = crate::world::until("the seat is free", || async {
            world.call(&world.admin, &some).await.ok()
        })
        .await;
        assert_eq!(made.instances_set.item.len(), 1);
    });
}

#[test]
fn a_token_makes_a_launch_happen_once() {
    world(&[8], |world| async move {
        let image = world.bootable().await;
        let ask = RunInstances {
            client_token: Some("token-1".into()),
            max_count: Some(2),
            ..launch(&image)
        };
        let asked = (0..6).map(|_| world.call(&world.admin, &ask));
        let mut answers: Vec<_> = futures_util::future::join_all(asked)
            .await
            .into_iter()
            .map(|answer| answer.unwrap().reservation_id)
            .collect();
        answers.dedup();
        assert_eq!(answers.len(), 1);
        assert_eq!(world.described(&world.admin, &[]).await.len(), 2);
        let other = RunInstances { max_count: Some(3), ..ask.clone() };
        assert_eq!(code(world.call(&world.admin, &other).await), "IdempotentParameterMismatch");
        // The seats of those that came second were given back.
        let rest = RunInstances { min_count: Some(6), ..launch(&image) };
        crate::world::until("six seats are free", || async {
            world.call(&world.admin, &rest).await.ok()
        })
        .await;
    });
}
