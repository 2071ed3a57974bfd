//! BundleInstance and its tasks: on record before the answer, followed to their end, over whatever
//! happens to clc, node and walrus meanwhile.

use std::time::Duration;

use common::ec2::bundle_tasks::{
    BundleInstance, BundleTask, CancelBundleTask, DescribeBundleTasks, S3Storage, Storage,
};
use common::ec2::image_attributes::ModifyImageAttribute;
use common::ec2::instances::TerminateInstances;
use common::ec2::power::StopInstances;
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use common::id::{BundleTaskId, InstanceId};
use common::s3::CannedAcl;
use common::s3::post_policy::for_bundle;
use common::sign::{Credentials, sign_policy_v2};
use common::time::Timestamp;
use common::wire::bundling::{BundleState, Quiesce};
use common::wire::node::MachineState;
use runtime::clock::Clock;

use super::instances::launch;
use super::world::{User, World, code, until, world, world_at};

pub(crate) fn bundle(id: &InstanceId, prefix: &str) -> BundleInstance {
    let (bucket, prefix) = (Some("buck".to_owned()), Some(prefix.to_owned()));
    let s3 = S3Storage { bucket, prefix, ..S3Storage::default() };
    BundleInstance { instance_id: id.to_string(), storage: Storage { s3 } }
}

fn cancel(task: &BundleTaskId) -> CancelBundleTask {
    CancelBundleTask { bundle_id: task.to_string() }
}

impl World {
    /// Has an instance saved, and waits until its node knows.
    pub(crate) async fn save(&self, user: &User, id: &InstanceId, prefix: &str) -> BundleTaskId {
        let made = self.call(user, &bundle(id, prefix)).await.unwrap();
        let task = made.bundle_instance_task.bundle_id;
        self.begun(&task).await;
        task
    }

    /// Waits until a node works on a task, and the clc has seen that.
    pub(crate) async fn begun(&self, task: &BundleTaskId) {
        until("the node works on it", || async {
            let seen = self.tasks(&self.admin, &[task]).await.remove(0);
            (seen.state != "pending").then_some(())
        })
        .await;
    }

    pub(crate) async fn tasks(&self, user: &User, ids: &[&BundleTaskId]) -> Vec<BundleTask> {
        let bundle_id = ids.iter().map(ToString::to_string).collect();
        let ask = DescribeBundleTasks { bundle_id, ..DescribeBundleTasks::default() };
        self.call(user, &ask).await.unwrap().bundle_instance_tasks_set.item
    }

    pub(crate) async fn task_is(&self, task: &BundleTaskId, state: &str) -> BundleTask {
        until(&format!("{task} is {state}"), || async {
            let found = self.tasks(&self.admin, &[task]).await.remove(0);
            (found.state == state).then_some(found)
        })
        .await
    }

    async fn running(&self, user: &User) -> InstanceId {
        let image = self.bootable().await;
        let share = ModifyImageAttribute {
            image_id: image.to_string(),
            attribute: Some("launchPermission".into()),
            operation_type: Some("add".into()),
            user_group: vec!["all".into()],
            ..ModifyImageAttribute::default()
        };
        self.call(&self.admin, &share).await.unwrap();
        let id = self.run(user, &launch(&image)).await.remove(0);
        self.instance_is(user, &id, "running").await;
        id
    }

    fn dropped(&self) -> Vec<BundleTaskId> {
        let state = self.walrus.state.lock().unwrap();
        state.saved.dropped.iter().map(|it| it.task.clone()).collect()
    }

    fn forgotten(&self, task: &BundleTaskId) -> bool {
        let state = self.nodes[0].state.lock().unwrap();
        !state.saved.views.contains_key(task)
    }

    async fn is_forgotten(&self, task: &BundleTaskId) {
        until("the node has forgotten it", || async { self.forgotten(task).then_some(()) }).await;
    }
}

#[test]
fn an_instance_is_saved() {
    world(&[1], |mut world| async move {
        let taro = world.user("taro").await;
        let id = world.running(&taro).await;
        let made = world.call(&taro, &bundle(&id, "dir/img")).await.unwrap().bundle_instance_task;
        assert_eq!((made.state.as_str(), made.progress.as_str()), ("pending", "0%"));
        assert_eq!((made.instance_id.clone(), made.error.clone()), (id.clone(), None));
        assert_eq!(made.storage.s3.bucket, "buck");
        assert_eq!(made.storage.s3.prefix, "dir/img");
        let task = made.bundle_id;
        world.begun(&task).await;

        let told = world.nodes[0].state.lock().unwrap().saved.started.remove(0);
        let spec = told.bundle;
        assert_eq!((spec.task.clone(), spec.quiesce), (task.clone(), Quiesce::Live));
        assert_eq!(spec.account.to_string(), taro.account);
        assert_eq!(spec.place.location(), "buck/dir/img.manifest.xml");
        assert_eq!(spec.architecture, "x86_64");
        let run = world.nodes[0].runs().remove(0).spec;
        assert_eq!(spec.kernel, run.metadata.kernel);
        assert!(spec.kernel.is_some());
        assert_eq!(spec.ancestry, [run.metadata.image.to_string()]);
        assert!(spec.cloud_certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(spec.user_certificate.unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        let opened = world.walrus.state.lock().unwrap().saved.opened.clone();
        assert_eq!((opened[0].rehearsal, opened[1].rehearsal), (true, false));
        assert_eq!(opened[1].owner.account.to_string(), taro.account);
        assert_eq!(
            (opened[1].owner.alias.as_str(), opened[1].acl),
            ("taro", CannedAcl::Ec2BundleRead)
        );
        assert_eq!(told.ticket.url, format!("http://walrus/bundles/{task}"));

        // One at a time; each sees their own.
        let again = world.call(&taro, &bundle(&id, "other")).await.unwrap_err();
        assert_eq!(again.0, "BundlingInProgress");
        assert!(again.1.contains(task.as_str()), "{again:?}");
        let jiro = world.user("jiro").await;
        assert!(world.tasks(&jiro, &[]).await.is_empty());
        for refused in [
            code(world.call(&jiro, &bundle(&id, "x")).await),
            code(world.call(&jiro, &bundle(&"i-00000000".parse().unwrap(), "x")).await),
        ] {
            assert_eq!(refused, "InvalidInstanceID.NotFound");
        }
        let by_admin = world.call(&world.admin, &bundle(&id, "x")).await;
        assert_eq!(code(by_admin), "OperationNotPermitted");
        for refused in [
            code(world.call(&jiro, &cancel(&task)).await),
            code(world.call(&taro, &cancel(&"bun-00000000".parse().unwrap())).await),
        ] {
            assert_eq!(refused, "InvalidBundleID.NotFound");
        }
        let bad = CancelBundleTask { bundle_id: "bun-x".into() };
        assert_eq!(code(world.call(&taro, &bad).await), "InvalidBundleID.Malformed");

        for (bundle, state, progress) in [
            (BundleState::Waiting, "waiting-for-shutdown", "0%"),
            (BundleState::Bundling { percent: 3 }, "bundling", "3%"),
            (BundleState::Bundling { percent: 42 }, "bundling", "42%"),
            (BundleState::Storing { percent: 7 }, "storing", "7%"),
        ] {
            world.nodes[0].bundle_is(&task, bundle);
            until(&format!("it is {state} {progress}"), || async {
                let seen = world.tasks(&taro, &[]).await.remove(0);
                (seen.state == state && seen.progress == progress).then_some(())
            })
            .await;
        }
        // A clc that was away goes on; a node that is away is waited for.
        world.restart().await;
        world.task_is(&task, "storing").await;
        world.nodes[0].change(|state| state.away = true);
        world.restart().await;
        assert_eq!(world.tasks(&taro, &[]).await[0].state, "storing");
        world.nodes[0].change(|state| state.away = false);
        world.nodes[0].bundle_is(&task, BundleState::Complete);
        let done = world.task_is(&task, "complete").await;
        assert_eq!((done.progress.as_str(), done.error), ("100%", None));
        assert_eq!(done.consistency.as_deref(), Some("paused"));
        world.is_forgotten(&task).await;
        assert!(world.dropped().is_empty());
        let over = world.call(&taro, &cancel(&task)).await;
        assert_eq!(code(over), "IncorrectState");

        // And again, of one that is off.
        let stop = StopInstances { instance_id: vec![id.to_string()], ..StopInstances::default() };
        world.call(&taro, &stop).await.unwrap();
        world.instance_is(&taro, &id, "stopped").await;
        let second = world.save(&taro, &id, "second").await;
        let all = world.tasks(&taro, &[]).await;
        assert_eq!([&all[0].bundle_id, &all[1].bundle_id], [&task, &second], "oldest first");
        for (name, value, expected) in [
            ("state", "complete", vec![&task]),
            ("state", "c*", vec![&task]),
            ("bundle-id", second.as_str(), vec![&second]),
            ("instance-id", id.as_str(), vec![&task, &second]),
            ("progress", "100%", vec![&task]),
            ("s3-bucket", "buck", vec![&task, &second]),
            ("s3-prefix", "second", vec![&second]),
            ("error-code", "*", vec![]),
            ("error-message", "*", vec![]),
            ("start-time", "2*", vec![&task, &second]),
            ("update-time", "2*", vec![&task, &second]),
        ] {
            let filter = vec![Filter { name: name.into(), value: vec![value.into()] }];
            let ask = DescribeBundleTasks { filter, ..DescribeBundleTasks::default() };
            let found = world.call(&taro, &ask).await.unwrap().bundle_instance_tasks_set.item;
            let ids: Vec<_> = found.iter().map(|it| &it.bundle_id).collect();
            assert_eq!(ids, expected, "{name}={value}");
        }
        let filter = vec![Filter { name: "colour".into(), value: vec!["red".into()] }];
        let ask = DescribeBundleTasks { filter, ..DescribeBundleTasks::default() };
        assert_eq!(code(world.call(&taro, &ask).await), "InvalidParameterValue");
    });
}

#[test]
fn what_cannot_be_saved_is_refused_and_leaves_nothing() {
    world(&[4], |world| async move {
        let admin = world.admin.clone();
        let id = world.running(&admin).await;
        let with = |change: fn(&mut S3Storage)| {
            let mut ask = bundle(&id, "img");
            change(&mut ask.storage.s3);
            ask
        };
        for (ask, told, name) in [
            (with(|s3| s3.bucket = None), "MissingParameter", "Storage.S3.Bucket"),
            (with(|s3| s3.prefix = None), "MissingParameter", "Storage.S3.Prefix"),
            (
                with(|s3| s3.bucket = Some("B!".into())),
                "InvalidParameterValue",
                "Storage.S3.Bucket",
            ),
            (
                with(|s3| s3.prefix = Some("a/".into())),
                "InvalidParameterValue",
                "Storage.S3.Prefix",
            ),
            (with(|s3| s3.upload_policy = Some("x".into())), "MissingParameter", "Signature"),
            (
                with(|s3| s3.upload_policy_signature = Some("x".into())),
                "MissingParameter",
                "UploadPolicy",
            ),
            (with(|s3| s3.access_key_id = Some("AKIX".into())), "AuthFailure", "UploadPolicy"),
            (
                BundleInstance { instance_id: "x".into(), ..bundle(&id, "x") },
                "InvalidInstanceID.Malformed",
                "x",
            ),
        ] {
            let (code, text) = world.call(&admin, &ask).await.unwrap_err();
            assert_eq!(code, told, "{text}");
            assert!(text.contains(name), "{text}");
        }
        // What walrus does not take is told at once.
        let denied = ApiError::new(ErrorCode::AccessDenied, "it is somebody else's");
        world.walrus.state.lock().unwrap().saved.refuse[0] = Some(denied);
        assert_eq!(code(world.call(&admin, &bundle(&id, "img")).await), "AccessDenied");
        world.walrus.state.lock().unwrap().saved.refuse[0] = None;

        world.nodes[0].change(|state| state.quick = false);
        let image = world.described(&admin, &[id.as_str()]).await.remove(0).image_id;
        let pending = world.run(&admin, &launch(&image.parse().unwrap())).await.remove(0);
        let early = world.call(&admin, &bundle(&pending, "img")).await;
        assert_eq!(code(early), "IncorrectInstanceState");
        let end = TerminateInstances { instance_id: vec![id.to_string()] };
        world.call(&admin, &end).await.unwrap();
        assert_eq!(code(world.call(&admin, &bundle(&id, "img")).await), "IncorrectInstanceState");
        assert!(world.tasks(&admin, &[]).await.is_empty());
    });
}

#[test]
fn a_policy_says_what_may_be_stored_where() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[4], |world| async move {
        let (taro, jiro) = (world.user("taro").await, world.user("jiro").await);
        let id = world.running(&taro).await;
        let later = world.clock.now().plus(Duration::from_secs(3600));
        let of = |signer: &User, policy: &str| {
            let credentials =
                Credentials { access_key_id: &signer.access_key, secret: &signer.secret };
            let mut ask = bundle(&id, "img");
            ask.storage.s3.access_key_id = Some(signer.access_key.clone());
            ask.storage.s3.upload_policy = Some(policy.to_owned());
            ask.storage.s3.upload_policy_signature = Some(sign_policy_v2(credentials, policy));
            ask
        };
        let bucket = "buck".parse().unwrap();
        let policy = |prefix: &str, until| for_bundle(&bucket, prefix, CannedAcl::Private, until);
        let good = policy("img", later);
        let mut forged = of(&jiro, &good);
        forged.storage.s3.access_key_id = Some(taro.access_key.clone());
        let mut unknown = of(&jiro, &good);
        unknown.storage.s3.access_key_id = Some("AKI0000000000000000X".into());
        let mut without = bundle(&id, "img");
        without.storage.s3.access_key_id = Some(jiro.access_key.clone());
        for (ask, told) in [
            (forged, "AuthFailure"),
            (unknown, "AuthFailure"),
            (without, "AuthFailure"),
            (of(&jiro, &policy("other", later)), "AccessDenied"),
            (of(&jiro, &policy("img", world.clock.now())), "AccessDenied"),
            (of(&jiro, "e30="), "InvalidPolicyDocument"),
        ] {
            assert_eq!(code(world.call(&taro, &ask).await), told);
        }
        assert!(world.walrus.state.lock().unwrap().saved.opened.is_empty());
        let made = world.call(&taro, &of(&jiro, &good)).await.unwrap().bundle_instance_task;
        world.begun(&made.bundle_id).await;
        let opened = world.walrus.state.lock().unwrap().saved.opened.pop().unwrap();
        assert_eq!(opened.owner.account.to_string(), jiro.account);
        assert_eq!(opened.account.to_string(), taro.account, "for whom the manifest is made");
        assert_eq!(opened.acl, CannedAcl::Private);
        assert!(world.tasks(&jiro, &[]).await.is_empty(), "the task is who asked for it");
    });
}

#[test]
fn a_task_is_cancelled_and_nothing_is_left() {
    world(&[2], |mut world| async move {
        let admin = world.admin.clone();
        let id = world.running(&admin).await;
        let task = world.save(&admin, &id, "img").await;
        world.nodes[0].change(|state| state.saved.stubborn = true);
        world.nodes[0].bundle_is(&task, BundleState::Storing { percent: 50 });
        let told = world.call(&admin, &cancel(&task)).await.unwrap().bundle_instance_task;
        assert_eq!(told.state, "cancelling");
        let again = world.call(&admin, &cancel(&task)).await.unwrap().bundle_instance_task;
        assert_eq!(again.state, "cancelling");
        assert_eq!(code(world.call(&admin, &bundle(&id, "img")).await), "BundlingInProgress");
        until("the node is told", || async {
            let state = world.nodes[0].state.lock().unwrap();
            state.saved.cancelled.contains(&task).then_some(())
        })
        .await;
        assert!(world.dropped().is_empty(), "it may still be stored");
        world.restart().await;
        world.nodes[0].bundle_is(&task, BundleState::Cancelled);
        let ended = world.task_is(&task, "failed").await;
        assert_eq!(ended.error.unwrap().code, "Client.Cancelled");
        until("it is dropped", || async { (world.dropped() == [task.clone()]).then_some(()) })
            .await;
        world.is_forgotten(&task).await;
        world.nodes[0].change(|state| state.saved.stubborn = false);
        // The next one is none of its business.
        let next = world.save(&admin, &id, "img").await;
        world.nodes[0].bundle_is(&next, BundleState::Complete);
        world.task_is(&next, "complete").await;
        // One that was completed while it was cancelled is cancelled all the same.
        world.is_forgotten(&next).await;
        let third = world.save(&admin, &id, "img").await;
        world.nodes[0].change(|state| state.saved.stubborn = true);
        world.call(&admin, &cancel(&third)).await.unwrap();
        world.nodes[0].bundle_is(&third, BundleState::Complete);
        world.task_is(&third, "failed").await;
        until("it is dropped", || async { world.dropped().contains(&third).then_some(()) }).await;
    });
}

#[test]
fn what_goes_wrong_is_told_and_nothing_is_left() {
    world(&[2], |world| async move {
        let admin = world.admin.clone();
        let id = world.running(&admin).await;
        let task = world.save(&admin, &id, "img").await;
        let full =
            BundleState::Failed { code: "QuotaExceeded".into(), reason: "it is full".into() };
        world.nodes[0].bundle_is(&task, full);
        let error = world.task_is(&task, "failed").await.error.unwrap();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("Client.QuotaExceeded", "it is full")
        );
        until("it is dropped", || async { (world.dropped() == [task.clone()]).then_some(()) })
            .await;
        world.is_forgotten(&task).await;

        // Walrus changes its mind before the node hears of it.
        let denied = ApiError::new(ErrorCode::NoSuchBucket, "it is gone");
        world.walrus.state.lock().unwrap().saved.refuse[1] = Some(denied);
        let made = world.call(&admin, &bundle(&id, "img")).await.unwrap();
        let task = made.bundle_instance_task.bundle_id;
        let error = world.task_is(&task, "failed").await.error.unwrap();
        assert_eq!(error.code, "Client.NoSuchBucket");
        world.walrus.state.lock().unwrap().saved.refuse[1] = None;

        // The node does not know the instance.
        let refused = ApiError::new(ErrorCode::InvalidInstanceIdNotFound, "unknown here");
        world.nodes[0].change(|state| state.saved.refuse = Some(refused));
        let made = world.call(&admin, &bundle(&id, "img")).await.unwrap();
        let task = made.bundle_instance_task.bundle_id;
        let error = world.task_is(&task, "failed").await.error.unwrap();
        assert_eq!(error.message, "unknown here");
        world.nodes[0].change(|state| state.saved.refuse = None);

        // What nobody has on record is ended.
        let stray: BundleTaskId = "bun-0000abcd".parse().unwrap();
        world.nodes[0].bundle_is(&stray, BundleState::Storing { percent: 1 });
        world.is_forgotten(&stray).await;

        // An instance that ends takes its task along.
        let task = world.save(&admin, &id, "img").await;
        let end = TerminateInstances { instance_id: vec![id.to_string()] };
        world.call(&admin, &end).await.unwrap();
        let error = world.task_is(&task, "failed").await.error.unwrap();
        assert_eq!(error.code, "Client.InstanceTerminated");
        until("it is dropped", || async { world.dropped().contains(&task).then_some(()) }).await;
        world.nodes[0].sees(&id, MachineState::Gone, None);
        world.instance_is(&admin, &id, "terminated").await;
    });
}

#[test]
fn nobody_waits_for_ever_and_old_tasks_go() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock, &[2], |mut world| async move {
        let admin = world.admin.clone();
        let id = world.running(&admin).await;
        world.walrus.state.lock().unwrap().saved.lifetime = Some(Duration::from_secs(100));
        let task = world.save(&admin, &id, "img").await;
        let starts = |world: &World| world.nodes[0].state.lock().unwrap().saved.started.len();
        assert_eq!(starts(&world), 1);
        // Its leave is renewed in time.
        world.clock.advance(Duration::from_secs(60));
        world.nodes[0].bundle_is(&task, BundleState::Bundling { percent: 1 });
        until("it is renewed", || async {
            world.nodes[0].change(|_| {});
            (starts(&world) > 1).then_some(())
        })
        .await;
        // The node is gone for good.
        world.nodes[0].change(|state| state.away = true);
        until("it is given up", || async {
            world.clock.advance(Duration::from_secs(600));
            let seen = world.tasks(&admin, &[&task]).await.remove(0);
            (seen.state == "failed").then_some(())
        })
        .await;
        until("it is dropped", || async { world.dropped().contains(&task).then_some(()) }).await;
        // It returns, and goes on: not for long.
        world.nodes[0].change(|state| state.away = false);
        world.is_forgotten(&task).await;

        // A node that is not configured any more.
        let second = world.save(&admin, &id, "img").await;
        let nodes = std::mem::take(&mut world.config.nodes);
        world.restart().await;
        let error = world.task_is(&second, "failed").await.error.unwrap();
        assert_eq!(error.code, "Server.InternalError");
        world.config.nodes = nodes;
        world.restart().await;
        world.is_forgotten(&second).await;
        until("it is dropped", || async { world.dropped().contains(&second).then_some(()) }).await;

        assert_eq!(world.tasks(&admin, &[]).await.len(), 2);
        world.clock.advance(Duration::from_secs(25 * 3600));
        world.restart().await;
        until("old tasks are gone", || async {
            world.tasks(&admin, &[]).await.is_empty().then_some(())
        })
        .await;
    });
}
