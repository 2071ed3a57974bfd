//! Tags on images, instances and key pairs: set, found, shown, filtered by, and gone with what
//! they were on.

use std::collections::BTreeMap;
use std::time::Duration;

use common::ec2::images::{DeregisterImage, DescribeImages, RegisterImage};
use common::ec2::instances::{DescribeInstances, RunInstances, TerminateInstances};
use common::ec2::keys::{CreateKeyPair, DeleteKeyPair, DescribeKeyPairs, ImportKeyPair};
use common::ec2::tags::{
    CreateTags, DeleteTags, DescribeTags, NewTag, OldTag, Tag, TagSpecification,
};
use common::ec2::types::Filter;
use runtime::clock::Clock;

use crate::images::register;
use crate::instances::launch;
use crate::world::{Refused, User, World, code, until, world, world_at};

fn new(pairs: &[(&str, &str)]) -> Vec<NewTag> {
    let tag = |(key, value): &(&str, &str)| NewTag {
        key: (*key).to_owned(),
        value: Some((*value).to_owned()),
    };
    pairs.iter().map(tag).collect()
}

fn shown(tags: &[Tag]) -> String {
    let pairs: Vec<_> = tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect();
    pairs.join(" ")
}

fn filter(name: &str, values: &[&str]) -> Vec<Filter> {
    let value = values.iter().map(|value| (*value).to_owned()).collect();
    vec![Filter { name: name.to_owned(), value }]
}

impl World {
    pub(crate) async fn tag(
        &self,
        user: &User,
        ids: &[&str],
        pairs: &[(&str, &str)],
    ) -> Result<(), Refused> {
        let resource_id = ids.iter().map(|id| (*id).to_owned()).collect();
        let ask = CreateTags { resource_id, tag: new(pairs) };
        self.call(user, &ask).await.map(|done| assert!(done.done))
    }

    async fn untag(&self, user: &User, id: &str, tags: Vec<OldTag>) -> Result<(), Refused> {
        let ask = DeleteTags { resource_id: vec![id.to_owned()], tag: tags };
        self.call(user, &ask).await.map(|_| ())
    }

    /// All tags of an account that pass, as `RESOURCE KEY=VALUE`.
    async fn tags(&self, user: &User, filter: Vec<Filter>) -> Vec<String> {
        let ask = DescribeTags { filter, ..DescribeTags::default() };
        let found = self.call(user, &ask).await.unwrap().tag_set.item;
        found
            .into_iter()
            .map(|it| format!("{} {} {}={}", it.resource_type, it.resource_id, it.key, it.value))
            .collect()
    }
}

#[test]
fn tags_are_set_changed_taken_off_and_everywhere_shown() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let admin = &world.admin;
        let key = CreateKeyPair { key_name: "k".into(), ..CreateKeyPair::default() };
        let key = world.call(admin, &key).await.unwrap().key_pair_id;
        let instance = world.run(admin, &launch(&image)).await.remove(0);
        let all = [image.as_str(), instance.as_str(), key.as_str()];
        world
            .tag(admin, &all, &[("Name", "one"), ("empty", ""), ("日本/語", "<&>")])
            .await
            .unwrap();
        world.tag(admin, &[image.as_str()], &[("Name", "two")]).await.unwrap();
        let expected = "Name=two empty= 日本/語=<&>";

        let ask = DescribeImages { image_id: vec![image.to_string()], ..Default::default() };
        let found = world.call(admin, &ask).await.unwrap().images_set.item.remove(0);
        assert_eq!(shown(&found.tag_set.item), expected);
        let expected = expected.replace("two", "one");
        let found = world.described(admin, &[instance.as_str()]).await.remove(0);
        assert_eq!(shown(&found.tag_set.item), expected);
        let found = world.call(admin, &DescribeKeyPairs::default()).await.unwrap().key_set.item;
        assert_eq!(shown(&found[0].tag_set.item), expected);

        let rows = world.tags(admin, Vec::new()).await;
        assert_eq!(rows.len(), 9, "{rows:?}");
        for (by, count) in [
            (filter("key", &["Name", "empty"]), 6),
            (filter("value", &["two"]), 1),
            (filter("value", &[""]), 3),
            (filter("resource-type", &["inst*", "key-pair"]), 6),
            (filter("resource-id", &[image.as_str()]), 3),
            (filter("tag:Name", &["o*"]), 2),
            ([filter("key", &["Name"]), filter("value", &["one"])].concat(), 2),
        ] {
            assert_eq!(world.tags(admin, by.clone()).await.len(), count, "{by:?}");
        }
        let paged = DescribeTags { max_results: Some(5), ..DescribeTags::default() };
        let first = world.call(admin, &paged).await.unwrap();
        let next = DescribeTags { next_token: first.next_token, ..paged };
        let second = world.call(admin, &next).await.unwrap();
        assert_eq!((first.tag_set.item.len(), second.tag_set.item.len()), (5, 4));
        assert!(second.next_token.is_none());
        let both = first.tag_set.item.into_iter().chain(second.tag_set.item);
        let both: Vec<_> =
            both.map(|it| format!("{} {}={}", it.resource_id, it.key, it.value)).collect();
        assert!(rows.iter().zip(&both).all(|(row, it)| row.ends_with(it.as_str())), "{both:?}");

        let old = |key: &str, value: Option<&str>| {
            vec![OldTag { key: key.into(), value: value.map(Into::into) }]
        };
        let id = instance.as_str();
        world.untag(admin, id, old("Name", Some("other"))).await.unwrap();
        world.untag(admin, id, old("Name", Some(""))).await.unwrap();
        world.untag(admin, id, old("absent", None)).await.unwrap();
        assert_eq!(world.tags(admin, filter("resource-id", &[id])).await.len(), 3);
        world.untag(admin, id, old("Name", Some("one"))).await.unwrap();
        world.untag(admin, id, old("empty", Some(""))).await.unwrap();
        assert_eq!(world.tags(admin, filter("resource-id", &[id])).await.len(), 1);
        world.untag(admin, id, Vec::new()).await.unwrap();
        assert!(world.described(admin, &[id]).await[0].tag_set.is_empty());
    });
}

#[test]
fn what_cannot_be_tagged_is_refused_and_then_nothing_is() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let taro = world.user("taro").await;
        let ours = world.run(&world.admin, &launch(&image)).await.remove(0);
        let ids: Vec<_> = (0..51).map(|n| format!("k{n}")).collect();
        let many: Vec<_> = ids.iter().map(|key| (key.as_str(), "")).collect();
        let long = "v".repeat(257);
        for (ids, tags, expected) in [
            (vec!["i-00000000"], &[("a", "b")][..], "InvalidInstanceID.NotFound"),
            (vec!["i-x"], &[("a", "b")], "InvalidInstanceID.Malformed"),
            (vec!["emi-00000000"], &[("a", "b")], "InvalidAMIID.NotFound"),
            (vec!["emi-x"], &[("a", "b")], "InvalidAMIID.Malformed"),
            (vec!["key-00000000"], &[("a", "b")], "InvalidKeyPair.NotFound"),
            (vec!["vol-00000000"], &[("a", "b")], "InvalidID"),
            (vec![], &[("a", "b")], "MissingParameter"),
            (vec![image.as_str()], &[], "MissingParameter"),
            (vec![image.as_str(), "eki-00000000"], &[("a", "b")], "InvalidAMIID.NotFound"),
            (vec![image.as_str()], &[("aws:a", "b")], "InvalidParameterValue"),
            (vec![image.as_str()], &[("euca:a", "b")], "InvalidParameterValue"),
            (vec![image.as_str()], &[("a", &long)], "InvalidParameterValue"),
            (vec![image.as_str()], &many, "TagLimitExceeded"),
        ] {
            let refused = world.tag(&world.admin, &ids, tags).await;
            assert_eq!(code(refused), expected, "{ids:?} {tags:?}");
        }
        assert!(world.tags(&world.admin, Vec::new()).await.is_empty());
        world.tag(&world.admin, &[image.as_str()], &many[..50]).await.unwrap();
        world.tag(&world.admin, &[image.as_str()], &[("k7", "again")]).await.unwrap();
        let over = world.tag(&world.admin, &[ours.as_str(), image.as_str()], &[("more", "")]).await;
        assert_eq!(code(over), "TagLimitExceeded");
        assert_eq!(world.tags(&world.admin, Vec::new()).await.len(), 50);

        // What one does not see one cannot tag, and others' tags are theirs.
        for id in [ours.as_str(), image.as_str()] {
            let refused = code(world.tag(&taro, &[id], &[("a", "b")]).await);
            assert!(refused.ends_with(".NotFound"), "{refused}");
        }
        assert!(world.tags(&taro, Vec::new()).await.is_empty());
        let unknown = DescribeTags { filter: filter("colour", &["x"]), ..Default::default() };
        assert_eq!(code(world.call(&taro, &unknown).await), "InvalidParameterValue");
        let gone = DeleteTags { resource_id: vec!["i-00000000".into()], tag: Vec::new() };
        assert_eq!(code(world.call(&taro, &gone).await), "InvalidInstanceID.NotFound");
    });
}

#[test]
fn what_is_made_may_have_tags_from_the_start() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let admin = &world.admin;
        let of = |kind: &str| TagSpecification::of(kind, new(&[("Name", "born")]));
        let ask = RunInstances {
            tag_specification: of("instance"),
            max_count: Some(2),
            client_token: Some("once".into()),
            ..launch(&image)
        };
        for _ in 0..2 {
            let made = world.call(admin, &ask).await.unwrap().instances_set.item;
            assert!(made.iter().all(|it| shown(&it.tag_set.item) == "Name=born"));
        }
        let other = RunInstances {
            tag_specification: TagSpecification::of("instance", new(&[("Name", "other")])),
            ..ask.clone()
        };
        assert_eq!(code(world.call(admin, &other).await), "IdempotentParameterMismatch");
        let ask = RegisterImage { tag_specification: of("image"), ..register("m/machine") };
        let second = world.call(admin, &ask).await.unwrap().image_id;
        let ask = CreateKeyPair {
            key_name: "made".into(),
            tag_specification: of("key-pair"),
            ..CreateKeyPair::default()
        };
        assert_eq!(shown(&world.call(admin, &ask).await.unwrap().tag_set.item), "Name=born");
        let ask = ImportKeyPair {
            key_name: "known".into(),
            public_key_material: crate::keys::material(crate::keys::ED25519),
            tag_specification: of("key-pair"),
        };
        assert_eq!(shown(&world.call(admin, &ask).await.unwrap().tag_set.item), "Name=born");
        assert_eq!(world.tags(admin, filter("key", &["Name"])).await.len(), 5);

        let by = filter("tag:Name", &["b?rn"]);
        let images = DescribeImages { filter: by.clone(), ..Default::default() };
        let images = world.call(admin, &images).await.unwrap().images_set.item;
        assert_eq!((images.len(), &images[0].image_id), (1, &second));
        let instances = DescribeInstances { filter: by.clone(), ..Default::default() };
        let found = world.call(admin, &instances).await.unwrap().reservation_set.item;
        assert_eq!(found[0].instances_set.item.len(), 2);
        let keys = DescribeKeyPairs { filter: by, ..Default::default() };
        assert_eq!(world.call(admin, &keys).await.unwrap().key_set.item.len(), 2);

        for ask in [
            RunInstances { tag_specification: of("volume"), ..launch(&image) },
            RunInstances {
                tag_specification: TagSpecification::of("instance", new(&[("aws:x", "")])),
                ..launch(&image)
            },
        ] {
            assert_eq!(code(world.call(admin, &ask).await), "InvalidParameterValue");
        }
    });
}

#[test]
fn tags_go_with_what_they_were_on() {
    let clock = Clock::manual(common::time::Timestamp::from_secs(1_800_000_000));
    let hand = clock.clone();
    world_at(clock, &[4], |mut world| async move {
        let image = world.bootable().await;
        let admin = world.admin.clone();
        let made = CreateKeyPair { key_name: "k".into(), ..CreateKeyPair::default() };
        let key = world.call(&admin, &made).await.unwrap().key_pair_id;
        let instance = world.run(&admin, &launch(&image)).await.remove(0);
        world.instance_is(&admin, &instance, "running").await;
        let ids = [image.as_str(), instance.as_str(), key.as_str()];
        world.tag(&admin, &ids, &[("a", "b")]).await.unwrap();
        world.restart().await;
        assert_eq!(world.tags(&admin, Vec::new()).await.len(), 3);

        let drop = DeleteKeyPair { key_name: Some("k".into()), key_pair_id: None };
        world.call(&admin, &drop).await.unwrap();
        // A key pair of that name made again is another one.
        world.call(&admin, &made).await.unwrap();
        assert_eq!(world.tags(&admin, Vec::new()).await.len(), 2);
        world.call(&admin, &DeregisterImage { image_id: image.to_string() }).await.unwrap();
        let left = world.tags(&admin, Vec::new()).await;
        assert_eq!(left, [format!("instance {instance} a=b")]);

        let end = TerminateInstances { instance_id: vec![instance.to_string()] };
        world.call(&admin, &end).await.unwrap();
        let ended = world.instance_is(&admin, &instance, "terminated").await;
        assert_eq!(shown(&ended.tag_set.item), "a=b");
        hand.advance(Duration::from_secs(3700));
        world.restart().await;
        until("the tags of the instance go with it", || async {
            world.tags(&admin, Vec::new()).await.is_empty().then_some(())
        })
        .await;
    });
}

#[test]
fn many_at_once_do_not_exceed_the_limit() {
    world(&[], |world| async move {
        let admin = &world.admin;
        let made = CreateKeyPair { key_name: "k".into(), ..CreateKeyPair::default() };
        let key = world.call(admin, &made).await.unwrap().key_pair_id;
        let keys: Vec<_> = (0..60).map(|n| format!("k{n}")).collect();
        let tags = keys.iter().map(|name| {
            let (world, id) = (&world, key.as_str());
            async move { world.tag(admin, &[id], &[(name, "")]).await }
        });
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for done in futures_util::future::join_all(tags).await {
            *told.entry(done.err().map_or_else(String::new, |refused| refused.0)).or_default() += 1;
        }
        assert_eq!(told, BTreeMap::from([(String::new(), 50), ("TagLimitExceeded".into(), 10)]));
        assert_eq!(world.tags(admin, Vec::new()).await.len(), 50);
    });
}
