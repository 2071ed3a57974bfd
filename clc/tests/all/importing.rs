//! ImportImage: the image is there at once, pending; it becomes what its import becomes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::ec2::images::DeregisterImage;
use common::ec2::import_image::{
    CancelImportTask, DescribeImportImageTasks, DiskContainer, ImportImage, ImportImageTask,
    UserBucket,
};
use common::error::{ApiError, ErrorCode};
use common::id::{BundleTaskId, ImageId, ImageKind};
use common::wire::importing::{
    CheckDisk, CheckedDisk, DescribeImports, DiskRef, DropDisk, ImportDisk, ImportState,
    ImportView, StopImport,
};
use common::wire::walrus::{Layout, Walrus};
use runtime::dispatcher::Dispatcher;
use tokio::sync::watch;

use super::world::{Refused, User, WalrusState, World, code, until, world};

/// What the walrus of a test knows of imports.
#[derive(Default)]
pub(crate) struct Imports {
    /// How each stands, and how those that are new do.
    pub(crate) states: BTreeMap<BundleTaskId, ImportState>,
    pub(crate) asked: Vec<ImportDisk>,
    pub(crate) stopped: Vec<BundleTaskId>,
    pub(crate) gone: Vec<String>,
}

/// Adds what walrus answers about imports: whatever is called `good.img` is a disk, `bare.img` a file
/// system, `odd.img` nothing of which an image could be made.
pub(crate) fn answer(
    to: Dispatcher<Walrus>,
    state: &Arc<Mutex<WalrusState>>,
    changed: &watch::Sender<u64>,
) -> Dispatcher<Walrus> {
    let with = || Arc::clone(state);
    let waits = changed.clone();
    let (import, all, stop, gone) = (with(), with(), with(), with());
    to.with(|ask: CheckDisk| async move {
        let odd = || ApiError::new(ErrorCode::InvalidParameterValue, "No image: it is odd");
        let absent = || ApiError::new(ErrorCode::AuthFailure, "There is no disk");
        let layout = match ask.key.as_str() {
            "good.img" => Layout::Disk,
            "bare.img" => Layout::Bare,
            "odd.img" => return Err(odd()),
            _ => return Err(absent()),
        };
        let bucket = ask.bucket.parse()?;
        let disk = DiskRef { bucket, key: ask.key, etag: "e".into(), size: 1 << 20 };
        Ok(CheckedDisk { disk, layout })
    })
    .with(move |ask: ImportDisk| {
        let (state, mut changed) = (Arc::clone(&import), waits.subscribe());
        async move {
            let (task, wait) = (ask.task.clone(), Duration::from_millis(ask.wait_ms));
            let find = || {
                let mut state = state.lock().unwrap();
                state.imports.states.entry(task.clone()).or_insert(ImportState::Waiting).clone()
            };
            state.lock().unwrap().imports.asked.push(ask);
            let done = tokio::time::timeout(wait, async {
                while matches!(find(), ImportState::Waiting | ImportState::Bundling { .. }) {
                    changed.changed().await.unwrap();
                }
            });
            drop(done.await);
            Ok(find())
        }
    })
    .with(move |_: DescribeImports| {
        let state = all.lock().unwrap();
        let view = |(task, state): (&BundleTaskId, &ImportState)| ImportView {
            task: task.clone(),
            state: state.clone(),
        };
        let all: Vec<_> = state.imports.states.iter().map(view).collect();
        async move { Ok(all) }
    })
    .with(move |ask: StopImport| {
        stop.lock().unwrap().imports.stopped.push(ask.task);
        async { Ok(()) }
    })
    .with(move |ask: DropDisk| {
        gone.lock().unwrap().imports.gone.push(ask.disk.key);
        async { Ok(()) }
    })
}

impl World {
    fn import_of(key: &str) -> ImportImage {
        let bucket = UserBucket { bucket: Some("disks".into()), key: Some(key.into()) };
        ImportImage {
            disk_container: vec![DiskContainer {
                format: Some("raw".into()),
                user_bucket: Some(bucket),
                ..DiskContainer::default()
            }],
            ..ImportImage::default()
        }
    }

    /// Imports a disk, under that name if one is given; answers the task.
    pub(crate) async fn import(
        &self,
        user: &User,
        key: &str,
        name: &[&str],
    ) -> Result<String, Refused> {
        let name = name.first().map(|name| (*name).to_owned());
        let ask = ImportImage { name, delete_source: Some(true), ..Self::import_of(key) };
        Ok(self.call(user, &ask).await?.import_task_id)
    }

    async fn import_task(&self, user: &User, id: &str) -> ImportImageTask {
        let import_task_id = vec![id.to_owned()];
        let ask = DescribeImportImageTasks { import_task_id, ..Default::default() };
        self.call(user, &ask).await.unwrap().import_image_task_set.item.remove(0)
    }

    async fn import_is(
        &self,
        user: &User,
        id: &str,
        status: &str,
        message: &str,
    ) -> ImportImageTask {
        until(&format!("{id} is {status}: {message}"), || async {
            let task = self.import_task(user, id).await;
            let told = task.status_message.as_deref().unwrap_or_default();
            (task.status == status && told == message).then_some(task)
        })
        .await
    }

    /// The work that walrus was asked for, of that task's image.
    async fn work_of(&self, image: &str) -> BundleTaskId {
        until("walrus is asked", || async {
            let state = self.walrus.state.lock().unwrap();
            let asked = state.imports.asked.iter().find(|it| it.place.prefix == image);
            asked.map(|it| it.task.clone())
        })
        .await
    }

    fn import_becomes(&self, work: &BundleTaskId, now: ImportState) {
        self.walrus.state.lock().unwrap().imports.states.insert(work.clone(), now);
        self.walrus.stir();
    }
}

#[test]
fn an_import_is_followed_to_its_end() {
    world(&[1], |mut world| async move {
        let admin = world.user("importer").await;
        let id = world.import(&admin, "bare.img", &["server"]).await.unwrap();
        let image = world.import_task(&admin, &id).await.image_id.unwrap();
        let work = world.work_of(&image).await;
        let pending = world.import_is(&admin, &id, "active", "pending").await;
        assert_eq!(pending.progress.as_deref(), Some("0"));
        world.import_becomes(&work, ImportState::Bundling { done: 1 << 19 });
        let half = world.import_is(&admin, &id, "active", "converting").await;
        assert_eq!(half.progress.as_deref(), Some("30"));
        assert_eq!(half.snapshot_detail_set.item[0].progress.as_deref(), Some("50"));
        // A clc that comes back goes on with it.
        world.restart().await;
        let location = format!("images-{}/{image}.manifest.xml", admin.account);
        world.walrus.bundle(&location, ImageKind::Machine, 1 << 20, false);
        world.import_becomes(&work, ImportState::Complete);
        world.import_is(&admin, &id, "active", "preparing ami").await;
        let size = world.walrus.ready(&location, 1 << 20);
        world.walrus.becomes(&location, size);
        world.import_is(&admin, &id, "completed", "").await;
        let image: ImageId = image.parse().unwrap();
        world.image_is(&admin, &image, "available").await;
        until("the disk has gone", || async {
            let state = world.walrus.state.lock().unwrap();
            (state.imports.gone == ["bare.img"]).then_some(())
        })
        .await;
        assert!(world.walrus.state.lock().unwrap().saved.dropped.is_empty());
        // Its name is taken now.
        let again = world.import(&admin, "good.img", &["server"]).await;
        assert_eq!(code(again), "InvalidAMIName.Duplicate");
        assert_eq!(code(world.import(&admin, "odd.img", &[]).await), "InvalidParameterValue");
        assert_eq!(code(world.import(&admin, "no.img", &[]).await), "AuthFailure");
        let kernel = Some("eki-00000000".to_owned());
        let boots = ImportImage { kernel_id: kernel, ..World::import_of("good.img") };
        assert_eq!(code(world.call(&admin, &boots).await), "InvalidParameterCombination");
        let bare = ImportImage { kernel_id: boots.kernel_id, ..World::import_of("bare.img") };
        assert_eq!(code(world.call(&admin, &bare).await), "InvalidAMIID.NotFound");
    });
}

#[test]
fn nothing_is_left_of_an_import_that_does_not_end_well() {
    world(&[1], |world| async move {
        let taro = world.user("taro").await;
        let begun = async || {
            let id = world.import(&taro, "good.img", &["one"]).await.unwrap();
            let image = world.import_task(&taro, &id).await.image_id.unwrap();
            let work = world.work_of(&image).await;
            (id, image, work)
        };
        let cleared = async |work: &BundleTaskId| {
            until("what was stored is dropped", || async {
                let state = world.walrus.state.lock().unwrap();
                let dropped = state.saved.dropped.iter().any(|it| it.task == *work);
                (dropped && state.imports.stopped.contains(work)).then_some(())
            })
            .await;
        };
        // Refused for good: the reason is told, and the disk stays.
        let (id, image, work) = begun().await;
        let failed = |retryable| ImportState::Failed {
            code: "QuotaExceeded".into(),
            reason: "there is no room".into(),
            retryable,
        };
        world.import_becomes(&work, failed(true));
        world.import_is(&taro, &id, "active", "pending").await;
        world.import_becomes(&work, failed(false));
        let task = world.import_is(&taro, &id, "deleted", "there is no room").await;
        assert_eq!((task.image_id, task.progress), (None, None));
        cleared(&work).await;
        let look =
            common::ec2::images::DescribeImages { image_id: vec![image], ..Default::default() };
        assert_eq!(code(world.call(&taro, &look).await), "InvalidAMIID.NotFound");
        assert!(world.walrus.state.lock().unwrap().imports.gone.is_empty());
        // Cancelled, by its owner alone; the name is free again.
        let (id, _, work) = begun().await;
        let cancel = CancelImportTask {
            import_task_id: Some(id.clone()),
            cancel_reason: Some("no more".into()),
        };
        let hanako = world.user("hanako").await;
        assert_eq!(code(world.call(&hanako, &cancel).await), "InvalidConversionTaskId");
        let told = world.call(&taro, &cancel).await.unwrap();
        assert_eq!((told.previous_state.as_str(), told.state.as_str()), ("active", "deleting"));
        world.import_is(&taro, &id, "deleted", "no more").await;
        cleared(&work).await;
        assert_eq!(code(world.call(&taro, &cancel).await), "IncorrectState");
        // An image that is taken back takes its import along.
        let (id, image, work) = begun().await;
        world.call(&taro, &DeregisterImage { image_id: image }).await.unwrap();
        let gone = "The image was deregistered before it was imported";
        world.import_is(&taro, &id, "deleted", gone).await;
        cleared(&work).await;
        // However it ended, nobody has to upload the disk again.
        assert!(world.walrus.state.lock().unwrap().imports.gone.is_empty());
    });
}
