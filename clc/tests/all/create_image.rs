//! CreateImage: the image is there at once, pending; it becomes what its task becomes.

use std::time::Duration;

use common::ec2::bundle_tasks::CancelBundleTask;
use common::ec2::create_image::CreateImage;
use common::ec2::image_attributes::{ChangedPermission, ChangedPermissions, ModifyImageAttribute};
use common::ec2::images::{BlockDevice, DeregisterImage, Image};
use common::ec2::instances::TerminateInstances;
use common::ec2::tags::{NewTag, TagSpecification};
use common::error::ErrorCode;
use common::id::{BundleTaskId, ImageId, ImageKind, InstanceId};
use common::s3::CannedAcl;
use common::time::Timestamp;
use common::wire::bundling::{BundleState, Quiesce};
use runtime::clock::Clock;

use super::instances::launch;
use super::world::{World, code, until, world, world_at};

fn create(id: &InstanceId, name: &str) -> CreateImage {
    CreateImage { instance_id: id.to_string(), name: Some(name.into()), ..CreateImage::default() }
}

impl World {
    async fn one(&self) -> InstanceId {
        let image = self.bootable().await;
        let id = self.run(&self.admin, &launch(&image)).await.remove(0);
        self.instance_is(&self.admin, &id, "running").await;
        id
    }

    /// Makes an image of an instance; answers it with the task that saves it.
    async fn create(&self, ask: &CreateImage) -> (ImageId, BundleTaskId) {
        let image = self.call(&self.admin, ask).await.unwrap().image_id;
        let tasks = self.tasks(&self.admin, &[]).await;
        let task = tasks.into_iter().find(|it| it.storage.s3.prefix == image.as_str()).unwrap();
        self.begun(&task.bundle_id).await;
        (image, task.bundle_id)
    }

    async fn public(&self, image: &ImageId, public: bool) {
        let all = vec![ChangedPermission { group: Some("all".into()), ..Default::default() }];
        let (add, remove) = if public { (all, Vec::new()) } else { (Vec::new(), all) };
        let ask = ModifyImageAttribute {
            image_id: image.to_string(),
            launch_permission: Some(ChangedPermissions { add, remove }),
            ..Default::default()
        };
        self.call(&self.admin, &ask).await.unwrap();
    }

    fn location(&self, image: &ImageId) -> String {
        format!("images-{}/{image}.manifest.xml", self.admin.account)
    }

    async fn image_of_admin_is(&self, image: &ImageId, state: &str) -> Image {
        self.image_is(&self.admin, image, state).await
    }
}

#[test]
fn an_image_is_made_of_an_instance() {
    world(&[3], |mut world| async move {
        let id = world.one().await;
        let ask = CreateImage {
            description: Some("as it was".into()),
            block_device_mapping: vec![BlockDevice {
                device_name: Some("/dev/sdb".into()),
                virtual_name: Some("ephemeral0".into()),
                ..BlockDevice::default()
            }],
            tag_specification: TagSpecification::of(
                "image",
                vec![NewTag { key: "a".into(), value: Some("b".into()) }],
            ),
            ..create(&id, "copy")
        };
        let (image, task) = world.create(&ask).await;
        let spec = world.nodes[0].state.lock().unwrap().saved.started.remove(0).bundle;
        assert_eq!(spec.quiesce, Quiesce::Restart);
        assert_eq!(spec.place.location(), world.location(&image));
        assert!(spec.mappings.contains(&("ephemeral0".into(), "/dev/sdb".into())));
        let opened = world.walrus.state.lock().unwrap().saved.opened.pop().unwrap();
        assert_eq!(opened.acl, CannedAcl::AwsExecRead);

        let origin = world.described(&world.admin, &[id.as_str()]).await.remove(0);
        let pending = world.image_of_admin_is(&image, "pending").await;
        assert_eq!(pending.name.as_deref(), Some("copy"));
        assert_eq!(pending.description.as_deref(), Some("as it was"));
        assert_eq!(pending.image_location, world.location(&image));
        assert_eq!(pending.kernel_id, origin.kernel_id);
        assert!(pending.kernel_id.is_some());
        assert_eq!(pending.ramdisk_id, origin.ramdisk_id);
        assert_eq!(pending.architecture, "x86_64");
        assert_eq!(pending.root_device_name.as_deref(), Some("/dev/sda1"));
        assert_eq!(pending.tag_set.item[0].key, "a");
        assert!(!pending.is_public);
        assert!(pending.state_reason.unwrap().message.contains(task.as_str()));
        // A launch of it waits.
        let waiting = world.run(&world.admin, &launch(&image)).await.remove(0);

        let location = world.location(&image);
        world.walrus.bundle(&location, ImageKind::Machine, 1 << 20, false);
        world.restart().await;
        world.nodes[0].bundle_is(&task, BundleState::Complete);
        world.task_is(&task, "complete").await;
        world.image_of_admin_is(&image, "pending").await;
        let checks = world.walrus.state.lock().unwrap().checks.clone();
        let check = checks.iter().find(|it| it.location == location).unwrap();
        assert_eq!(check.account.to_string(), world.admin.account);
        assert!(!check.allow_unsigned);
        let ready = world.walrus.ready(&location, 1 << 20);
        world.walrus.becomes(&location, ready);
        world.image_of_admin_is(&image, "available").await;
        world.instance_is(&world.admin, &waiting, "running").await;
        let run = world.nodes[0].runs().pop().unwrap().spec;
        assert_eq!(run.metadata.ancestors.last().unwrap().as_str(), origin.image_id);
        // Nothing is left, and it can be done again.
        assert!(world.walrus.state.lock().unwrap().saved.dropped.is_empty());
        let live = CreateImage { no_reboot: Some(true), ..create(&id, "again") };
        world.create(&live).await;
        let spec = world.nodes[0].state.lock().unwrap().saved.started.pop().unwrap().bundle;
        assert_eq!(spec.quiesce, Quiesce::Live);
    });
}

#[test]
fn an_image_that_cannot_be_made_is_failed_and_says_why() {
    world(&[4], |world| async move {
        let id = world.one().await;
        let (image, task) = world.create(&create(&id, "first")).await;
        let refused = world.call(&world.admin, &create(&id, "second")).await;
        assert_eq!(code(refused), "BundlingInProgress");
        let full =
            BundleState::Failed { code: "QuotaExceeded".into(), reason: "it is full".into() };
        world.nodes[0].bundle_is(&task, full);
        let failed = world.image_of_admin_is(&image, "failed").await;
        let why = failed.state_reason.unwrap();
        assert_eq!((&*why.code, &*why.message), ("Client.QuotaExceeded", "it is full"));

        // Its manifest is not what it should be.
        let (image, task) = world.create(&create(&id, "second")).await;
        let bad = common::error::ApiError::new(ErrorCode::InvalidManifest, "a part is missing");
        let location = world.location(&image);
        world.walrus.state.lock().unwrap().bundles.insert(location, Err(bad));
        world.nodes[0].bundle_is(&task, BundleState::Complete);
        let failed = world.image_of_admin_is(&image, "failed").await;
        assert!(failed.state_reason.unwrap().message.contains("a part is missing"));
        world.task_is(&task, "failed").await;

        // Cancelled.
        let (image, task) = world.create(&create(&id, "third")).await;
        let cancel = CancelBundleTask { bundle_id: task.to_string() };
        world.call(&world.admin, &cancel).await.unwrap();
        let failed = world.image_of_admin_is(&image, "failed").await;
        assert!(failed.state_reason.unwrap().message.contains("cancelled"));
        // Its name is taken until it is deregistered.
        let taken = world.call(&world.admin, &create(&id, "third")).await;
        assert_eq!(code(taken), "InvalidAMIName.Duplicate");
        let drop = DeregisterImage { image_id: image.to_string() };
        world.call(&world.admin, &drop).await.unwrap();

        // Deregistered while it is saved.
        let (image, task) = world.create(&create(&id, "third")).await;
        let drop = DeregisterImage { image_id: image.to_string() };
        world.call(&world.admin, &drop).await.unwrap();
        let error = world.task_is(&task, "failed").await.error.unwrap();
        assert_eq!(error.code, "Client.Cancelled");
        until("it is dropped", || async {
            let state = world.walrus.state.lock().unwrap();
            state.saved.dropped.iter().any(|it| it.task == task).then_some(())
        })
        .await;
        assert!(world.walrus.state.lock().unwrap().forgotten.is_empty(), "there was no bundle");

        // Its instance ends.
        let (image, _) = world.create(&create(&id, "fourth")).await;
        let end = TerminateInstances { instance_id: vec![id.to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        let failed = world.image_of_admin_is(&image, "failed").await;
        let why = failed.state_reason.unwrap();
        assert_eq!(why.code, "Client.InstanceTerminated");
        assert!(why.message.contains("terminated"));
    });
}

#[test]
fn an_image_whose_manifest_was_removed_fails_after_a_while() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock.clone(), &[4], |world| async move {
        let id = world.one().await;
        let (image, task) = world.create(&create(&id, "copy")).await;
        // As walrus says it of what is not there, and as it says it to strangers.
        let absent = common::error::ApiError::new(ErrorCode::AuthFailure, "no such manifest");
        let location = world.location(&image);
        world.walrus.state.lock().unwrap().bundles.insert(location.clone(), Err(absent));
        world.nodes[0].bundle_is(&task, BundleState::Complete);
        until("it is looked for", || async {
            let state = world.walrus.state.lock().unwrap();
            state.checks.iter().any(|it| it.location == location).then_some(())
        })
        .await;
        world.image_of_admin_is(&image, "pending").await;
        clock.advance(Duration::from_secs(3601));
        world.nodes[0].bundle_is(&task, BundleState::Complete);
        let why = world.image_of_admin_is(&image, "failed").await.state_reason.unwrap();
        assert_eq!((&*why.code, &*why.message), ("Client.AuthFailure", "no such manifest"));
        assert_eq!(world.task_is(&task, "failed").await.error.unwrap().code, why.code);
    });
}

#[test]
fn what_cannot_be_an_image_is_refused() {
    world(&[4], |world| async move {
        let id = world.one().await;
        let taro = world.user("taro").await;
        let nameless = CreateImage { name: None, ..create(&id, "x") };
        for (ask, told) in [
            (nameless, "MissingParameter"),
            (create(&id, "a:b"), "InvalidAMIName.Malformed"),
            (
                CreateImage { description: Some("d".repeat(256)), ..create(&id, "abc") },
                "InvalidParameterValue",
            ),
            (create(&"i-00000000".parse().unwrap(), "abc"), "InvalidInstanceID.NotFound"),
        ] {
            assert_eq!(code(world.call(&world.admin, &ask).await), told);
        }
        // As clients send a volume.
        let pairs = [
            ("Action", "CreateImage"),
            ("Version", "2016-11-15"),
            ("InstanceId", id.as_str()),
            ("Name", "abc"),
            ("BlockDeviceMapping.1.DeviceName", "/dev/sdb"),
            ("BlockDeviceMapping.1.Ebs.VolumeSize", "1"),
        ];
        assert_eq!(world.raw(&world.admin, &pairs).await.unwrap_err().0, "UnsupportedOperation");
        assert_eq!(
            code(world.call(&taro, &create(&id, "abc")).await),
            "InvalidInstanceID.NotFound"
        );
        // What it boots must be there.
        let kernel = world.described(&world.admin, &[id.as_str()]).await.remove(0).kernel_id;
        let drop = DeregisterImage { image_id: kernel.unwrap() };
        world.call(&world.admin, &drop).await.unwrap();
        let gone = world.call(&world.admin, &create(&id, "abc")).await;
        assert_eq!(code(gone), "InvalidAMIID.NotFound");
        assert!(world.tasks(&world.admin, &[]).await.is_empty());
    });
}

#[test]
fn nobody_can_take_the_bucket_of_anothers_images() {
    world(&[9], |mut world| async move {
        let id = world.one().await;
        let usual = format!("images-{}", world.admin.account);
        world.walrus.state.lock().unwrap().saved.foreign.push(usual.clone());
        let mut buckets = Vec::new();
        for name in ["first", "second"] {
            let (image, task) = world.create(&create(&id, name)).await;
            let tasks = world.tasks(&world.admin, &[&task]).await;
            let bucket = tasks[0].storage.s3.bucket.clone();
            let shown = world.image_of_admin_is(&image, "pending").await.image_location;
            assert_eq!(shown, format!("{bucket}/{image}.manifest.xml"));
            world
                .call(&world.admin, &CancelBundleTask { bundle_id: task.to_string() })
                .await
                .unwrap();
            world.image_of_admin_is(&image, "failed").await;
            buckets.push(bucket);
            world.restart().await;
        }
        assert!(buckets[0].starts_with(&format!("{usual}-")), "{buckets:?}");
        assert_eq!(buckets[0], buckets[1], "it is the account's from now on");
        // A stranger who has heard of it is no hindrance either.
        world.walrus.state.lock().unwrap().saved.foreign.push(buckets[0].clone());
        let (image, _) = world.create(&create(&id, "third")).await;
        let third = world.image_of_admin_is(&image, "pending").await.image_location;
        assert!(third.starts_with(&format!("{usual}-")) && !third.starts_with(&buckets[0]));
        let denied = common::error::ApiError::new(ErrorCode::AccessDenied, "Access Denied");
        world.walrus.state.lock().unwrap().saved.refuse[0] = Some(denied);
        let other = world.run(&world.admin, &launch(&world.bootable().await)).await.remove(0);
        world.instance_is(&world.admin, &other, "running").await;
        let (code, text) = world.call(&world.admin, &create(&other, "fourth")).await.unwrap_err();
        assert_eq!(code, "OperationNotPermitted");
        assert!(text.contains(&usual) && text.contains("cloud.image_bucket"), "{text}");
    });
}

#[test]
fn what_an_image_boots_is_something_that_its_owner_may_run() {
    world(&[4], |world| async move {
        let machine = world.bootable().await;
        let taro = world.user("taro").await;
        world.public(&machine, true).await;
        let id = world.run(&taro, &launch(&machine)).await.remove(0);
        world.instance_is(&taro, &id, "running").await;
        let kernel = world.described(&taro, &[id.as_str()]).await.remove(0).kernel_id.unwrap();
        world.public(&kernel.parse().unwrap(), false).await;
        let refused = world.call(&taro, &create(&id, "abc")).await;
        assert_eq!(code(refused), "InvalidAMIID.NotFound");
        world.public(&kernel.parse().unwrap(), true).await;
        world.call(&taro, &create(&id, "abc")).await.unwrap();
    });
}
