//! Listings in pages, walked while others come and go.

use common::ec2::images::{DeregisterImage, DescribeImages};
use common::ec2::instances::{DescribeInstances, RunInstances, TerminateInstances};
use common::ec2::types::Filter;
use common::id::{ImageKind, InstanceId};

use crate::instances::launch;
use crate::world::{User, World, code, world};

impl World {
    /// A page of instances, and the token of the next.
    async fn page(
        &self,
        user: &User,
        filter: &[Filter],
        token: Option<String>,
    ) -> (Vec<InstanceId>, Option<String>) {
        let ask = DescribeInstances {
            filter: filter.to_vec(),
            max_results: Some(5),
            next_token: token,
            ..DescribeInstances::default()
        };
        let found = self.call(user, &ask).await.unwrap();
        let launches = found.reservation_set.item.into_iter();
        let ids = launches.flat_map(|it| it.instances_set.item).map(|it| it.instance_id);
        (ids.collect(), found.next_token)
    }

    async fn walk(&self, user: &User, filter: &[Filter]) -> Vec<Vec<InstanceId>> {
        let (mut pages, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = self.page(user, filter, token).await;
            pages.push(page);
            token = next;
            if token.is_none() {
                return pages;
            }
        }
    }
}

#[test]
fn instances_are_listed_in_pages_oldest_launch_first() {
    world(&[40], |world| async move {
        let image = world.bootable().await;
        let taro = world.user("taro").await;
        let ask = |count| RunInstances { max_count: Some(count), ..launch(&image) };
        let mut all = world.run(&world.admin, &ask(3)).await;
        world.walrus.bundle("m/taros", ImageKind::Machine, 5, true);
        let taros = world.image(&taro, "m/taros").await;
        world.run(&taro, &RunInstances { max_count: Some(2), ..launch(&taros) }).await;
        all.extend(world.run(&world.admin, &ask(9)).await);

        let pages = world.walk(&world.admin, &[]).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 2]);
        assert_eq!(pages.concat(), all);
        let everything = world.described(&world.admin, &[]).await;
        assert_eq!(everything.len(), 12, "who asks for no page gets all");
        assert_eq!(world.walk(&taro, &[]).await.concat().len(), 2);

        // What ends stays listed, and what is launched comes last.
        let (first, token) = world.page(&world.admin, &[], None).await;
        let end = TerminateInstances { instance_id: vec![first[4].to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        all.extend(world.run(&world.admin, &ask(1)).await);
        let (second, token) = world.page(&world.admin, &[], token).await;
        let (third, token) = world.page(&world.admin, &[], token).await;
        assert_eq!(([first, second, third].concat(), token), (all.clone(), None));

        let index =
            |value: &str| [Filter { name: "launch-index".into(), value: vec![value.into()] }];
        let found = world.walk(&world.admin, &index("?")).await;
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 3]);
        assert_eq!(world.walk(&world.admin, &index("8")).await.concat(), [all[11].clone()]);
    });
}

#[test]
fn what_is_no_page_is_refused() {
    world(&[9], |world| async move {
        let image = world.bootable().await;
        let ask = RunInstances { max_count: Some(6), ..launch(&image) };
        let ids = world.run(&world.admin, &ask).await;
        let (_, token) = world.page(&world.admin, &[], None).await;
        let token = token.unwrap();
        let taro = world.user("taro").await;
        for (user, pairs, expected) in [
            (&world.admin, vec![("MaxResults", "4")], "InvalidParameterValue"),
            (&world.admin, vec![("MaxResults", "1001")], "InvalidParameterValue"),
            (&world.admin, vec![("MaxResults", "many")], "InvalidParameterValue"),
            (&world.admin, vec![("NextToken", "AAAA")], "InvalidParameterValue"),
            (&taro, vec![("NextToken", token.as_str())], "InvalidParameterValue"),
            (
                &world.admin,
                vec![
                    ("NextToken", token.as_str()),
                    ("Filter.1.Name", "launch-index"),
                    ("Filter.1.Value.1", "0"),
                ],
                "InvalidParameterValue",
            ),
            (
                &world.admin,
                vec![("MaxResults", "5"), ("InstanceId.1", ids[0].as_str())],
                "InvalidParameterCombination",
            ),
        ] {
            let mut sent = vec![("Action", "DescribeInstances")];
            sent.extend(pairs);
            assert_eq!(code(world.raw(user, &sent).await), expected, "{sent:?}");
        }
        let rest = [("Action", "DescribeInstances"), ("NextToken", token.as_str())];
        let rest = world.raw(&world.admin, &rest).await.unwrap();
        assert!(rest.contains(ids[5].as_str()) && !rest.contains("nextToken"), "{rest}");
    });
}

#[test]
fn images_are_listed_in_pages_each_once() {
    world(&[], |mut world| async move {
        let taro = world.user("taro").await;
        let mut own = Vec::new();
        for number in 0..7 {
            let location = format!("m/{number}");
            world.walrus.bundle(&location, ImageKind::Machine, 5, true);
            own.push(world.image(&taro, &location).await);
        }
        for (location, kind) in [("m/k", ImageKind::Kernel), ("m/r", ImageKind::Ramdisk)] {
            world.walrus.bundle(location, kind, 5, true);
            own.push(world.image(&world.admin, location).await);
        }
        own.sort_by_key(ToString::to_string);
        // What an index leads to outlives a restart, which looks after it.
        world.restart().await;
        let page = async |user: &User, token: Option<String>| {
            let ask = DescribeImages {
                max_results: Some(5),
                next_token: token,
                ..DescribeImages::default()
            };
            let found = world.call(user, &ask).await.unwrap();
            let ids: Vec<_> = found.images_set.item.into_iter().map(|it| it.image_id).collect();
            (ids, found.next_token)
        };
        let (first, token) = page(&taro, None).await;
        let (second, token) = page(&taro, token).await;
        assert_eq!(([first, second.clone()].concat(), token), (own.clone(), None));
        assert_eq!(page(&world.admin, None).await.0.len(), 2, "others' machine images are theirs");

        let gone = own.remove(0);
        let user = if gone.kind() == ImageKind::Machine { &taro } else { &world.admin };
        world.call(user, &DeregisterImage { image_id: gone.to_string() }).await.unwrap();
        let (first, token) = page(&taro, None).await;
        let (second, _) = page(&taro, token).await;
        assert_eq!([first, second].concat(), own);
    });
}
