//! Attributes of images, and that they are heeded wherever an image is seen or run.

use common::ec2::image_attributes::{
    ChangedPermission, ChangedPermissions, DescribeImageAttribute, ImageAttribute,
    ModifyImageAttribute, NewValue, ResetImageAttribute,
};
use common::ec2::images::DescribeImages;
use common::id::{ImageId, ImageKind};

use crate::instances::launch;
use crate::world::{User, World, code, world};

fn classic(
    image: &ImageId,
    operation: &str,
    users: &[&str],
    groups: &[&str],
) -> ModifyImageAttribute {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    ModifyImageAttribute {
        image_id: image.to_string(),
        attribute: Some("launchPermission".into()),
        operation_type: Some(operation.to_owned()),
        user_id: own(users),
        user_group: own(groups),
        ..Default::default()
    }
}

fn modern(image: &ImageId, add: &[&str], remove: &[&str]) -> ModifyImageAttribute {
    let one = |who: &&str| match *who {
        "all" => ChangedPermission { group: Some("all".into()), ..Default::default() },
        user => ChangedPermission { user_id: Some(user.to_owned()), ..Default::default() },
    };
    let list = |texts: &[&str]| texts.iter().map(one).collect();
    ModifyImageAttribute {
        image_id: image.to_string(),
        launch_permission: Some(ChangedPermissions { add: list(add), remove: list(remove) }),
        ..Default::default()
    }
}

impl World {
    async fn attribute(&self, user: &User, image: &ImageId, attribute: &str) -> ImageAttribute {
        let ask =
            DescribeImageAttribute { image_id: image.to_string(), attribute: attribute.to_owned() };
        self.call(user, &ask).await.unwrap()
    }

    /// Who may run an image, as its owner is told.
    async fn permitted(&self, user: &User, image: &ImageId) -> String {
        let found = self.attribute(user, image, "launchPermission").await.launch_permission;
        let who = found.unwrap().item.into_iter().map(|it| it.group.or(it.user_id).unwrap());
        who.collect::<Vec<_>>().join(" ")
    }

    async fn seen(&self, user: &User, ask: DescribeImages) -> String {
        let found = self.call(user, &ask).await.unwrap().images_set.item;
        found.iter().map(|it| it.image_id.as_str()).collect::<Vec<_>>().join(" ")
    }
}

fn by(executor: &str) -> DescribeImages {
    DescribeImages { executable_by: vec![executor.to_owned()], ..Default::default() }
}

#[test]
fn an_image_is_seen_and_run_by_those_who_were_given_leave() {
    world(&[8], |mut world| async move {
        world.bootable().await;
        let (taro, jiro, saburo) =
            (world.user("taro").await, world.user("jiro").await, world.user("saburo").await);
        world.walrus.bundle("t/m", ImageKind::Machine, 1 << 30, true);
        let image = world.image(&taro, "t/m").await;
        world.image_is(&taro, &image, "available").await;
        let mine = DescribeImages { image_id: vec![image.to_string()], ..Default::default() };
        assert_eq!(world.permitted(&taro, &image).await, "");
        for stranger in [&jiro, &saburo] {
            assert_eq!(code(world.call(stranger, &launch(&image)).await), "InvalidAMIID.NotFound");
        }

        world.call(&taro, &classic(&image, "add", &[&jiro.account], &[])).await.unwrap();
        // What was done is still so after a restart, also in the listings.
        world.restart().await;
        assert_eq!(world.permitted(&taro, &image).await, jiro.account);
        assert_eq!(world.seen(&jiro, mine.clone()).await, image.to_string());
        assert!(world.seen(&jiro, DescribeImages::default()).await.contains(image.as_str()));
        assert_eq!(world.seen(&jiro, by("self")).await, image.to_string());
        assert_eq!(world.seen(&jiro, by(&jiro.account)).await, image.to_string());
        assert_eq!(world.seen(&taro, by(&jiro.account)).await, image.to_string());
        assert_eq!(world.seen(&jiro, by(&taro.account)).await, "");
        assert_eq!(code(world.call(&saburo, &mine).await), "InvalidAMIID.NotFound");
        assert!(!world.seen(&saburo, DescribeImages::default()).await.contains(image.as_str()));
        let ids = world.run(&jiro, &launch(&image)).await;
        world.instance_is(&jiro, &ids[0], "running").await;
        assert_eq!(code(world.call(&saburo, &launch(&image)).await), "InvalidAMIID.NotFound");

        // Who may run it may not decide who else may, nor learn it.
        let again = modern(&image, &[&saburo.account], &[]);
        assert_eq!(code(world.call(&jiro, &again).await), "AuthFailure");
        assert_eq!(code(world.call(&saburo, &again).await), "InvalidAMIID.NotFound");
        let ask = DescribeImageAttribute {
            image_id: image.to_string(),
            attribute: "launchPermission".into(),
        };
        assert_eq!(code(world.call(&jiro, &ask).await), "AuthFailure");

        world.call(&taro, &modern(&image, &["all"], &[&jiro.account])).await.unwrap();
        assert_eq!(world.permitted(&taro, &image).await, "all");
        assert!(world.seen(&saburo, by("all")).await.contains(image.as_str()));
        assert_eq!(world.seen(&jiro, by("self")).await, "");
        world.run(&saburo, &launch(&image)).await;
        world.call(&world.admin, &classic(&image, "remove", &[], &["all"])).await.unwrap();
        assert_eq!(code(world.call(&saburo, &launch(&image)).await), "InvalidAMIID.NotFound");

        world.call(&taro, &modern(&image, &[&jiro.account, "all"], &[])).await.unwrap();
        let reset = ResetImageAttribute {
            image_id: image.to_string(),
            attribute: "launchPermission".into(),
        };
        assert_eq!(code(world.call(&jiro, &reset).await), "AuthFailure");
        world.call(&taro, &reset).await.unwrap();
        assert_eq!(world.permitted(&taro, &image).await, "");
        assert_eq!(code(world.call(&jiro, &mine).await), "InvalidAMIID.NotFound");
        assert_eq!(world.seen(&jiro, by("self")).await, "");
    });
}

#[test]
fn leave_that_is_withdrawn_before_the_launch_is_withdrawn() {
    world(&[4], |world| async move {
        world.bootable().await;
        let (taro, jiro) = (world.user("taro").await, world.user("jiro").await);
        world.walrus.bundle("t/m", ImageKind::Machine, 1 << 30, false);
        let image = world.image(&taro, "t/m").await;
        world.call(&taro, &modern(&image, &[&jiro.account], &[])).await.unwrap();
        let id = world.run(&jiro, &launch(&image)).await.remove(0);
        let own = world.run(&taro, &launch(&image)).await.remove(0);
        world.call(&taro, &modern(&image, &[], &[&jiro.account])).await.unwrap();
        world.walrus.becomes("t/m", world.walrus.ready("t/m", 1 << 30));
        let ended = world.instance_is(&jiro, &id, "terminated").await;
        assert!(ended.state_reason.unwrap().message.contains("withdrawn"), "{:?}", ended.reason);
        world.instance_is(&taro, &own, "running").await;
        let ran = world.nodes[0].runs();
        assert!(ran.iter().all(|run| run.spec.instance == own));
    });
}

#[test]
fn kernels_are_everybodys_until_an_administrator_says_otherwise() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let taro = world.user("taro").await;
        let everything = DescribeImages::default();
        let listed = world.seen(&taro, everything.clone()).await;
        let kernel: ImageId =
            listed.split(' ').find(|id| id.starts_with("eki-")).unwrap().parse().unwrap();
        assert_eq!(world.permitted(&world.admin, &kernel).await, "all");
        let close = modern(&kernel, &[], &["all"]);
        assert_eq!(code(world.call(&taro, &close).await), "AuthFailure");
        world.call(&world.admin, &modern(&image, &["all"], &[])).await.unwrap();
        world.call(&world.admin, &close).await.unwrap();
        assert!(!world.seen(&taro, everything).await.contains("eki-"));
        assert_eq!(code(world.call(&taro, &launch(&image)).await), "InvalidAMIID.NotFound");
        let reset = ResetImageAttribute {
            image_id: kernel.to_string(),
            attribute: "launchPermission".into(),
        };
        world.call(&world.admin, &reset).await.unwrap();
        world.run(&taro, &launch(&image)).await;
    });
}

/// Makes a request one that is refused.
type Spoil = fn(&mut ModifyImageAttribute);

#[test]
fn every_attribute_is_told_and_those_that_may_be_are_changed() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.walrus.bundle("b/k", ImageKind::Kernel, 5, true);
        world.walrus.bundle("b/m", ImageKind::Machine, 5, true);
        let kernel = world.image(&world.admin, "b/k").await;
        world.walrus.names_kernel("b/m", kernel.as_str());
        let image = world.image(&taro, "b/m").await;
        let value = |it: Option<common::ec2::image_attributes::AttributeValue>| it.unwrap().value;
        let found = world.attribute(&taro, &image, "kernel").await;
        assert_eq!(value(found.kernel.clone()), Some(kernel.to_string()));
        assert!(found.ramdisk.is_none() && found.launch_permission.is_none());
        assert_eq!(value(world.attribute(&taro, &image, "ramdisk").await.ramdisk), None);
        let found = world.attribute(&taro, &image, "blockDeviceMapping").await;
        let devices = found.block_device_mapping.unwrap().item;
        assert_eq!(devices[0].virtual_name.as_deref(), Some("root"));

        let change = |change: fn(&mut ModifyImageAttribute)| {
            let mut ask =
                ModifyImageAttribute { image_id: image.to_string(), ..Default::default() };
            change(&mut ask);
            ask
        };
        let say = change(|it| {
            it.description = Some(NewValue { value: Some("my & disk".into()) });
        });
        world.call(&taro, &say).await.unwrap();
        let found = world.attribute(&taro, &image, "description").await;
        assert_eq!(value(found.description).as_deref(), Some("my & disk"));
        let silent = change(|it| it.description = Some(NewValue { value: Some(String::new()) }));
        world.call(&taro, &silent).await.unwrap();
        assert_eq!(value(world.attribute(&taro, &image, "description").await.description), None);
        let say = change(|it| {
            (it.attribute, it.value) = (Some("description".into()), Some("as of old".into()));
        });
        world.call(&taro, &say).await.unwrap();
        let found = world.attribute(&taro, &image, "description").await;
        assert_eq!(value(found.description).as_deref(), Some("as of old"));

        for _ in 0..2 {
            let codes = change(|it| it.product_code = vec!["AAA".into(), "BBB".into()]);
            world.call(&taro, &codes).await.unwrap();
        }
        let codes = world.attribute(&taro, &image, "productCodes").await.product_codes.unwrap();
        let codes: Vec<_> = codes.item.into_iter().map(|it| it.product_code).collect();
        assert_eq!(codes, ["AAA", "BBB"]);

        let both = |it: &mut ModifyImageAttribute| {
            it.product_code = vec!["C".into()];
            it.user_group = vec!["all".into()];
        };
        let table: Vec<(Spoil, &str)> = vec![
            (|it| it.image_id = "emi-00000000".into(), "MissingParameter"),
            (|it| it.attribute = Some("kernel".into()), "InvalidParameterValue"),
            (|it| it.user_group = vec!["all".into()], "MissingParameter"),
            (both, "InvalidParameterCombination"),
            (
                |it| {
                    it.operation_type = Some("remove".into());
                    it.product_code = vec!["AAA".into()];
                },
                "InvalidParameterValue",
            ),
            (
                |it| {
                    it.operation_type = Some("replace".into());
                    it.user_group = vec!["all".into()];
                },
                "InvalidParameterValue",
            ),
            (
                |it| {
                    it.operation_type = Some("add".into());
                    it.user_group = vec!["friends".into()];
                },
                "InvalidAMIAttributeItemValue",
            ),
            (
                |it| {
                    it.operation_type = Some("add".into());
                    it.user_id = vec!["none-of-this-name".into()];
                },
                "InvalidAMIAttributeItemValue",
            ),
            (
                |it| {
                    it.operation_type = Some("add".into());
                    it.user_id = vec!["123456789012".into()];
                },
                "InvalidAMIAttributeItemValue",
            ),
            (|it| it.product_code = vec!["a\u{e9}".into()], "InvalidAMIAttributeItemValue"),
            (|it| it.organization_arn = vec!["arn".into()], "UnsupportedOperation"),
            (
                |it| it.description = Some(NewValue { value: Some("d".repeat(256)) }),
                "InvalidParameterValue",
            ),
        ];
        for (number, (make, expected)) in table.into_iter().enumerate() {
            assert_eq!(code(world.call(&taro, &change(make)).await), expected, "row {number}");
        }
        let one = taro.account.as_str();
        let twice = modern(&image, &[one], &[one]);
        assert_eq!(code(world.call(&taro, &twice).await), "InvalidParameterCombination");
        let unknown =
            DescribeImageAttribute { image_id: image.to_string(), attribute: "colour".into() };
        assert_eq!(code(world.call(&taro, &unknown).await), "InvalidParameterValue");
        assert_eq!(world.permitted(&taro, &image).await, "");
        // What is asked in the words of old clients.
        let old = [
            ("Action", "ModifyImageAttribute"),
            ("Version", "2009-11-30"),
            ("ImageId", image.as_str()),
            ("Attribute", "launchPermission"),
            ("OperationType", "add"),
            ("UserGroup.1", "all"),
        ];
        world.raw(&taro, &old).await.unwrap();
        let old = [
            ("Action", "DescribeImageAttribute"),
            ("ImageId", image.as_str()),
            ("Attribute", "launchPermission"),
        ];
        let xml = world.raw(&taro, &old).await.unwrap();
        assert!(
            xml.contains("<launchPermission><item><group>all</group></item></launchPermission>"),
            "{xml}"
        );
    });
}
