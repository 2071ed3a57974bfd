//! Images: registered, unpacked, listed, deregistered; and all that is refused.

use common::ec2::image_attributes::ModifyImageAttribute;
use common::ec2::images::{DeregisterImage, DescribeImages, Image, RegisterImage};
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use common::id::{ImageId, ImageKind};
use common::wire::upkeep::Unpacking;
use common::wire::walrus::WantedImage;

use crate::world::{Refused, User, World, code, manifest_sha256, unpacking, until, world};

/// A request that names nothing but the manifest.
pub(crate) fn register(location: &str) -> RegisterImage {
    RegisterImage { image_location: Some(location.into()), ..RegisterImage::default() }
}

impl World {
    /// Registers a bundle that walrus has.
    pub(crate) async fn image(&self, user: &User, location: &str) -> ImageId {
        self.call(user, &register(location)).await.unwrap().image_id
    }

    async fn list(&self, user: &User, ask: DescribeImages) -> Result<Vec<Image>, Refused> {
        Ok(self.call(user, &ask).await?.images_set.item)
    }

    /// Waits until an image is in a state.
    pub(crate) async fn image_is(&self, user: &User, id: &ImageId, state: &str) -> Image {
        until(&format!("{id} is {state}"), || async {
            let ask = DescribeImages { image_id: vec![id.to_string()], ..Default::default() };
            let found = self.list(user, ask).await.unwrap().remove(0);
            (found.image_state == state).then_some(found)
        })
        .await
    }

    /// Registers kernel, ramdisk and a machine image that walrus has whole.
    pub(crate) async fn bootable(&self) -> ImageId {
        self.walrus.bundle("k/kernel", ImageKind::Kernel, 10, true);
        self.walrus.bundle("k/ramdisk", ImageKind::Ramdisk, 20, true);
        self.walrus.bundle("m/machine", ImageKind::Machine, 1 << 30, true);
        self.image(&self.admin, "k/kernel").await;
        self.image(&self.admin, "k/ramdisk").await;
        let id = self.image(&self.admin, "m/machine").await;
        self.image_is(&self.admin, &id, "available").await;
        id
    }
}

#[test]
fn an_image_is_pending_until_walrus_has_read_it_through() {
    world(&[], |world| async move {
        world.walrus.bundle("b/disk", ImageKind::Machine, 5, false);
        let id = world.image(&world.admin, "b/disk").await;
        let seen = world.image_is(&world.admin, &id, "pending").await;
        assert_eq!(seen.name.as_deref(), Some("b/disk"));
        assert_eq!((seen.image_location.as_str(), seen.is_public), ("b/disk", false));
        assert_eq!(seen.root_device_name.as_deref(), Some("/dev/sda1"));
        world.walrus.becomes("b/disk", world.walrus.ready("b/disk", 5));
        world.image_is(&world.admin, &id, "available").await;

        world.walrus.bundle("b/bad", ImageKind::Machine, 5, false);
        let id = world.image(&world.admin, "b/bad").await;
        let reason = "part 3 has another SHA-1 than the manifest says".to_owned();
        world.walrus.becomes("b/bad", WantedImage::Failed { reason, retryable: false });
        let failed = world.image_is(&world.admin, &id, "failed").await;
        assert!(failed.state_reason.unwrap().message.contains("part 3"));
    });
}

#[test]
fn a_registration_that_is_refused_leaves_nothing_behind() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.walrus.bundle("b/kernel", ImageKind::Kernel, 5, true);
        world.walrus.bundle("b/disk", ImageKind::Machine, 5, true);
        let refuse = |location: &str, code, text: &str| {
            let mut state = world.walrus.state.lock().unwrap();
            state.bundles.insert(location.into(), Err(ApiError::new(code, text)));
        };
        refuse("b/entities", ErrorCode::InvalidManifest, "the manifest has a document type");
        refuse("private/disk", ErrorCode::InvalidManifest, "the manifest cannot be read");
        let ask = |change: fn(&mut RegisterImage), location: &str| {
            let mut ask = register(location);
            change(&mut ask);
            ask
        };
        let table = [
            (ask(|_| {}, "b/kernel"), "OperationNotPermitted"),
            (ask(|_| {}, "b/entities"), "InvalidManifest"),
            (ask(|_| {}, "private/disk"), "InvalidManifest"),
            (ask(|_| {}, "b/absent"), "InvalidManifest"),
            (ask(|_| {}, "nothing"), "InvalidParameterValue"),
            (ask(|_| {}, "b/"), "InvalidParameterValue"),
            (ask(|it| it.image_location = None, ""), "MissingParameter"),
            (ask(|it| it.name = Some("ab".into()), "b/disk"), "InvalidAMIName.Malformed"),
            (
                ask(|it| it.kernel_id = Some("eki-00000000".into()), "b/disk"),
                "InvalidAMIID.NotFound",
            ),
            (ask(|it| it.kernel_id = Some("kernel".into()), "b/disk"), "InvalidAMIID.Malformed"),
            (
                ask(|it| it.ramdisk_id = Some("eri-00000000".into()), "b/disk"),
                "InvalidAMIID.NotFound",
            ),
            (ask(|it| it.architecture = Some("vax".into()), "b/disk"), "InvalidParameterValue"),
            (
                ask(|it| it.virtualization_type = Some("xen".into()), "b/disk"),
                "InvalidParameterValue",
            ),
        ];
        for (ask, expected) in table {
            assert_eq!(code(world.call(&taro, &ask).await), expected, "{ask:?}");
        }
        // What the manifest names must exist, too.
        world.walrus.names_kernel("b/disk", "aki-12345678");
        let (code, text) = world.call(&taro, &register("b/disk")).await.unwrap_err();
        assert_eq!(code, "InvalidAMIID.NotFound");
        assert!(text.contains("aki-12345678"), "{text}");
        let everything =
            DescribeImages { image_id: vec!["verbose".into()], ..DescribeImages::default() };
        assert_eq!(world.list(&world.admin, everything).await.unwrap(), []);
        assert!(world.walrus.state.lock().unwrap().checks.iter().all(|ask| !ask.administrator));
    });
}

#[test]
fn images_are_seen_by_those_who_may_run_them() {
    world(&[], |world| async move {
        let (taro, jiro) = (world.user("taro").await, world.user("jiro").await);
        for (location, kind) in [("b/k", ImageKind::Kernel), ("b/m", ImageKind::Machine)] {
            world.walrus.bundle(location, kind, 5, true);
        }
        let kernel = world.image(&world.admin, "b/k").await;
        let mine = world.image(&taro, "b/m").await;
        world.image_is(&taro, &mine, "available").await;
        let list = async |user: &User, ask: DescribeImages| {
            let found = world.list(user, ask).await.unwrap();
            let ids: Vec<_> = found.iter().map(|image| image.image_id.as_str()).collect();
            ids.join(" ")
        };
        let owner =
            |owner: &str| DescribeImages { owner: vec![owner.into()], ..Default::default() };
        let by =
            |who: &str| DescribeImages { executable_by: vec![who.into()], ..Default::default() };
        let filter = |name: &str, value: &str| DescribeImages {
            filter: vec![Filter { name: name.into(), value: vec![value.into()] }],
            ..Default::default()
        };
        let both = format!("{kernel} {mine}");
        assert_eq!(list(&taro, DescribeImages::default()).await, both);
        assert_eq!(list(&jiro, DescribeImages::default()).await, kernel.to_string());
        assert_eq!(list(&taro, owner("self")).await, mine.to_string());
        assert_eq!(list(&taro, owner("000000000001")).await, kernel.to_string());
        assert_eq!(list(&taro, by("all")).await, kernel.to_string());
        assert_eq!(list(&taro, by("self")).await, mine.to_string());
        assert_eq!(list(&taro, filter("image-type", "mach*")).await, mine.to_string());
        assert_eq!(
            code(world.call(&taro, &filter("colour", "red")).await),
            "InvalidParameterValue"
        );
        let named = |id: &str| DescribeImages { image_id: vec![id.into()], ..Default::default() };
        let upper = mine.to_string().to_uppercase();
        assert_eq!(list(&taro, named(&upper)).await, mine.to_string());
        for (user, id, expected) in [
            (&jiro, mine.as_str(), "InvalidAMIID.NotFound"),
            (&taro, "emi-00000000", "InvalidAMIID.NotFound"),
            (&taro, "nonsense", "InvalidAMIID.Malformed"),
            (&taro, "verbose", "InvalidAMIID.Malformed"),
        ] {
            assert_eq!(code(world.call(user, &named(id)).await), expected, "{id}");
        }

        let drop = |id: &str| DeregisterImage { image_id: id.into() };
        assert_eq!(code(world.call(&jiro, &drop(mine.as_str())).await), "InvalidAMIID.NotFound");
        assert_eq!(code(world.call(&taro, &drop(kernel.as_str())).await), "AuthFailure");
        world.call(&taro, &drop(mine.as_str())).await.unwrap();
        assert_eq!(code(world.call(&taro, &drop(mine.as_str())).await), "InvalidAMIID.NotFound");
        assert_eq!(list(&taro, owner("self")).await, "");
        until("walrus may forget it", || async {
            let state = world.walrus.state.lock().unwrap();
            (state.forgotten == ["b/m"]).then_some(())
        })
        .await;
    });
}

#[test]
fn names_are_unique_and_the_first_kernel_is_the_default() {
    world(&[], |world| async move {
        world.walrus.bundle("b/k", ImageKind::Kernel, 5, true);
        world.walrus.bundle("b/m", ImageKind::Machine, 5, true);
        let first = world.image(&world.admin, "b/k").await;
        let second = world.image(&world.admin, "b/k").await;
        assert_ne!(first, second);
        let default = async || {
            let all = world
                .administration()
                .call(common::wire::admin::DescribeSettings {})
                .await
                .unwrap();
            all.into_iter().find(|it| it.name == "cloud.default_kernel").unwrap().value
        };
        assert_eq!(default().await, first.to_string());
        world.call(&world.admin, &DeregisterImage { image_id: first.to_string() }).await.unwrap();
        assert_eq!(default().await, "");

        let named = RegisterImage { name: Some("my image".into()), ..register("b/m") };
        let id = world.call(&world.admin, &named).await.unwrap().image_id;
        let again = world.call(&world.admin, &named).await;
        assert_eq!(code(again), "InvalidAMIName.Duplicate");
        // Another account has its own names, and a name is free again when its image has gone.
        let taro = world.user("taro").await;
        world.call(&taro, &named).await.unwrap();
        world.call(&world.admin, &DeregisterImage { image_id: id.to_string() }).await.unwrap();
        world.call(&world.admin, &named).await.unwrap();
        world.walrus.becomes("b/m", unpacking());
    });
}

#[test]
fn a_pending_image_says_how_far_it_is() {
    world(&[], |world| async move {
        world.walrus.bundle("b/disk", ImageKind::Machine, 5, false);
        let id = world.image(&world.admin, "b/disk").await;
        let told = async |reason: Option<&str>| {
            until(&format!("it says {reason:?}"), || async {
                let ask = DescribeImages { image_id: vec![id.to_string()], ..Default::default() };
                let found = world.list(&world.admin, ask).await.unwrap().remove(0);
                let said = found.state_reason.map(|it| (it.code, it.message));
                let wanted = reason.map(|text| ("pending".to_owned(), text.to_owned()));
                (said == wanted).then_some(())
            })
            .await;
        };
        let says = |done, waiting| {
            let manifest_sha256 = manifest_sha256("b/disk");
            let unpacking = Unpacking { manifest_sha256, done, total: 1000, waiting };
            world.walrus.state.lock().unwrap().under_way = vec![unpacking];
        };
        says(0, true);
        told(Some("It waits to be unpacked")).await;
        for (done, percent) in [(0, 0), (379, 37), (1000, 99)] {
            says(done, false);
            told(Some(&format!("It is being unpacked, {percent}% are done"))).await;
        }
        let filter = |name: &str, value: &str| DescribeImages {
            filter: vec![Filter { name: name.into(), value: vec![value.into()] }],
            ..Default::default()
        };
        let count = async |ask| world.list(&world.admin, ask).await.unwrap().len();
        assert_eq!(count(filter("state-reason-code", "pending")).await, 1);
        assert_eq!(count(filter("state-reason-message", "*99%*")).await, 1);
        world.walrus.state.lock().unwrap().under_way.clear();
        told(Some("It is to be unpacked")).await;
        world.walrus.becomes("b/disk", world.walrus.ready("b/disk", 5));
        told(None).await;
        // One that could not be unpacked just now says why.
        world.walrus.bundle("b/full", ImageKind::Machine, 5, true);
        let reason = "there is no room left".to_owned();
        world.walrus.becomes("b/full", WantedImage::Failed { reason, retryable: true });
        let full = world.image(&world.admin, "b/full").await;
        until("it says what is in its way", || async {
            let image = world.image_is(&world.admin, &full, "pending").await;
            image
                .state_reason
                .unwrap()
                .message
                .ends_with("again: there is no room left")
                .then_some(())
        })
        .await;
    });
}

#[test]
fn what_an_image_names_must_be_its_owners_to_run() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.walrus.bundle("b/k", ImageKind::Kernel, 5, true);
        world.walrus.bundle("b/m", ImageKind::Machine, 5, true);
        let kernel = world.image(&world.admin, "b/k").await;
        let with_kernel = |name: &str| RegisterImage {
            kernel_id: Some(kernel.to_string()),
            name: Some(name.into()),
            ..register("b/m")
        };
        world.call(&taro, &with_kernel("while it is everybody's")).await.unwrap();
        let ask = ModifyImageAttribute {
            image_id: kernel.to_string(),
            attribute: Some("launchPermission".into()),
            operation_type: Some("remove".into()),
            user_group: vec!["all".into()],
            ..Default::default()
        };
        world.call(&world.admin, &ask).await.unwrap();
        let (code, text) = world.call(&taro, &with_kernel("no more")).await.unwrap_err();
        assert_eq!(code, "InvalidAMIID.NotFound");
        assert!(text.contains(kernel.as_str()), "{text}");
        world.walrus.names_kernel("b/m", kernel.as_str());
        assert!(world.call(&taro, &register("b/m")).await.is_err(), "the manifest names it");
        world.call(&world.admin, &with_kernel("an administrator's")).await.unwrap();
    });
}

#[test]
fn two_registrations_of_one_manifest_are_two_images_of_one_plain_image() {
    world(&[], |world| async move {
        world.walrus.bundle("b/m", ImageKind::Machine, 5, true);
        let (one, two) =
            (world.image(&world.admin, "b/m").await, world.image(&world.admin, "b/m").await);
        assert_ne!(one, two);
        for id in [&one, &two] {
            world.image_is(&world.admin, id, "available").await;
        }
        let drop = async |id: &ImageId| {
            world.call(&world.admin, &DeregisterImage { image_id: id.to_string() }).await.unwrap();
        };
        drop(&one).await;
        let gone = |id: &ImageId| {
            let ask = DescribeImages { image_id: vec![id.to_string()], ..Default::default() };
            let world = &world;
            async move { world.list(&world.admin, ask).await.is_err() }
        };
        assert!(gone(&one).await && !gone(&two).await);
        world.image_is(&world.admin, &two, "available").await;
        drop(&two).await;
        until("walrus may forget it, and was told so once", || async {
            let state = world.walrus.state.lock().unwrap();
            (state.forgotten == ["b/m"]).then_some(())
        })
        .await;
    });
}
