//! CreateImage: the image is there at once, pending; it becomes what its task becomes.

use common::ec2::bundle_tasks::CancelBundleTask;
use common::ec2::create_image::CreateImage;
use common::ec2::images::{BlockDevice, DeregisterImage, Image};
use common::ec2::instances::TerminateInstances;
use common::ec2::tags::{NewTag, TagSpecification};
use common::error::ErrorCode;
use common::id::{BundleTaskId, ImageId, ImageKind, InstanceId};
use common::s3::CannedAcl;
use common::wire::bundling::{BundleState, Quiesce};

use super::instances::launch;
use super::world::{World, code, until, world};

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
        assert_eq!(failed.state_reason.unwrap().message, "it is full");

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
        assert!(failed.state_reason.unwrap().message.contains("terminated"));
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
