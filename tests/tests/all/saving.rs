//! Instances saved from outside: what their guests wrote is in the bundle and in the image, whoever
//! is away meanwhile; and of what was not to be saved nothing is left.

use std::fs;

use bundle::Kind;
use common::ec2::bundle_tasks::{
    BundleInstance, BundleTask, CancelBundleTask, DescribeBundleTasks, S3Storage, Storage,
};
use common::ec2::create_image::CreateImage;
use common::ec2::instances::TerminateInstances;
use common::ec2::power::StopInstances;
use common::wire::quota::{Limit, Scope, SetQuota};
use e2e::{Cloud, Service, Shape, User, bundles, wait};

use crate::path::disk as noise;

const ALL: [Service; 3] = [Service::Clc, Service::Walrus, Service::Node(0)];

/// What a guest writes, and where: a block of its disk.
const NOTE: (u64, [u8; 4096]) = (3, [b'x'; 4096]);

/// Bytes of the disk that its file system claims.
const CLAIMED: usize = 64 << 10;

/// A disk that says of itself, as ext2 does, how far it reaches: what is behind that is not saved.
fn disk() -> Vec<u8> {
    let mut disk = noise(CLAIMED);
    let blocks = u32::try_from(CLAIMED / 1024).unwrap();
    for (at, bytes) in
        [(4, blocks.to_le_bytes()), (24, [0; 4]), (56, [0x53, 0xef, 0, 0]), (96, [0; 4])]
    {
        disk[1024 + at..1024 + at + 4].copy_from_slice(&bytes);
    }
    disk
}

fn raise() -> (Cloud, User, String) {
    let cloud = Cloud::raise(Shape::default());
    bundles::boot(&cloud.administrator());
    let user = cloud.add_user("taro");
    let image = bundles::registered(&user, "images", "disk", Kind::Machine, &disk());
    let id = user.run(&User::launch(&image)).remove(0);
    user.instance_becomes(&id, "running");
    cloud.guests(0).write(&id.parse().unwrap(), NOTE.0, &NOTE.1).unwrap();
    (cloud, user, id)
}

fn save(id: &str, prefix: &str) -> BundleInstance {
    let (bucket, prefix) = (Some("saved".to_owned()), Some(prefix.to_owned()));
    let s3 = S3Storage { bucket, prefix, ..S3Storage::default() };
    BundleInstance { instance_id: id.to_owned(), storage: Storage { s3 } }
}

fn begin(user: &User, id: &str, prefix: &str) -> String {
    user.send(&save(id, prefix)).bundle_instance_task.bundle_id.to_string()
}

fn task(user: &User, id: &str) -> BundleTask {
    let ask = DescribeBundleTasks { bundle_id: vec![id.to_owned()], ..Default::default() };
    user.send(&ask).bundle_instance_tasks_set.item.remove(0)
}

fn becomes(user: &User, id: &str, state: &str) -> BundleTask {
    wait::until(&format!("the task {id} is {state}"), || {
        let task = task(user, id);
        if task.state == state { Ok(task) } else { Err(Box::new(task)) }
    })
}

/// Whether a node has begun with a task, as far as it can be seen from outside.
fn is_begun(user: &User, id: &str) {
    wait::until("the node has begun", || {
        let task = task(user, id);
        if task.state == "pending" { Err(Box::new(task)) } else { Ok(()) }
    });
}

fn keys(user: &User, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for number in 0.. {
        let key = format!("{prefix}.part.{number}");
        if user.get("saved", &key).is_err() {
            break;
        }
        found.push(key);
    }
    let manifest = format!("{prefix}.manifest.xml");
    found.extend(user.get("saved", &manifest).is_ok().then_some(manifest));
    found
}

/// The bytes of a bundle's image, by its owner's own key.
fn unbundled(cloud: &Cloud, user: &User, prefix: &str) -> Vec<u8> {
    let folder = cloud.scratch(&prefix.replace('/', "-"));
    for key in keys(user, prefix) {
        let name = key.rsplit('/').next().unwrap();
        fs::write(folder.join(name), user.get("saved", &key).unwrap()).unwrap();
    }
    let name = prefix.rsplit('/').next().unwrap();
    let manifest = folder.join(format!("{name}.manifest.xml"));
    let (manifest, folder) = (manifest.to_str().unwrap(), folder.to_str().unwrap());
    user.says(&["unbundle", "-m", manifest, "-s", folder, "-d", folder]);
    fs::read(format!("{folder}/{name}")).unwrap()
}

/// Whether an image begins as the first one did, with what its guest wrote since.
fn has_the_note(image: &[u8]) {
    let at = usize::try_from(NOTE.0).unwrap() * NOTE.1.len();
    assert_eq!(&image[at..at + NOTE.1.len()], &NOTE.1);
    assert_eq!(image.len(), CLAIMED);
    assert_eq!(&image[..at], &disk()[..at]);
}

#[test]
fn what_a_guest_wrote_is_in_the_bundle() {
    let (cloud, user, id) = raise();
    let running = begin(&user, &id, "deep/running");
    let done = becomes(&user, &running, "complete");
    assert_eq!((done.progress.as_str(), done.error), ("100%", None));
    assert_eq!(done.consistency.as_deref(), Some("paused"));
    has_the_note(&unbundled(&cloud, &user, "deep/running"));
    assert_eq!(user.instance(&id).instance_state.name, "running");
    // The cloud's signature is as good as the owner's.
    let image = user.register("saved/deep/running.manifest.xml");
    user.image_becomes(&image, "available");

    let stop = StopInstances { instance_id: vec![id.clone()], ..StopInstances::default() };
    user.send(&stop);
    user.instance_becomes(&id, "stopped");
    let off = begin(&user, &id, "off");
    assert_eq!(becomes(&user, &off, "complete").consistency.as_deref(), Some("off"));
    has_the_note(&unbundled(&cloud, &user, "off"));

    let copy = user.run(&User::launch(&image)).remove(0);
    user.instance_becomes(&copy, "running");
    cloud.guests(0).agent(true);
    let twice = begin(&user, &copy, "twice");
    assert_eq!(becomes(&user, &twice, "complete").consistency.as_deref(), Some("flushed"));
    has_the_note(&unbundled(&cloud, &user, "twice"));
    user.send(&TerminateInstances { instance_id: vec![id, copy] });
    wait::until("all have ended", || {
        let left: Vec<_> = user.instances().into_iter().map(|it| it.instance_state.name).collect();
        if left.iter().all(|state| state == "terminated") { Ok(()) } else { Err(left) }
    });
    cloud.assert_nothing_left();
}

#[test]
fn an_image_is_made_in_one_call() {
    let (cloud, user, id) = raise();
    for (name, no_reboot) in [("live", Some(true)), ("rebooted", None)] {
        let ask = CreateImage {
            instance_id: id.clone(),
            name: Some(name.into()),
            no_reboot,
            ..CreateImage::default()
        };
        let image = user.send(&ask).image_id.to_string();
        let pending = user.image(&image);
        assert_eq!(pending.name.as_deref(), Some(name));
        assert!(pending.image_location.starts_with(&format!("images-{}/", user.account)));
        let made = user.image_becomes(&image, "available");
        assert_eq!(made.kernel_id, user.instance(&id).kernel_id);
        user.instance_becomes(&id, "running");
        let copy = user.run(&User::launch(&image)).remove(0);
        user.instance_becomes(&copy, "running");
        let task = begin(&user, &copy, name);
        becomes(&user, &task, "complete");
        has_the_note(&unbundled(&cloud, &user, name));
    }
    assert_eq!(user.instance(&id).state_reason, None);
}

#[test]
fn a_task_outlives_each_service() {
    let (mut cloud, user, id) = raise();
    for (round, restarted) in [&ALL[..1], &ALL[1..2], &ALL[2..], &ALL[..]].into_iter().enumerate() {
        let prefix = format!("round-{round}");
        cloud.guests(0).hold_copies(true);
        let task = begin(&user, &id, &prefix);
        is_begun(&user, &task);
        cloud.restart(restarted);
        cloud.guests(0).hold_copies(false);
        let ended = wait::until("it has ended", || {
            let now = self::task(&user, &task);
            if ["complete", "failed"].contains(&now.state.as_str()) {
                Ok(now)
            } else {
                Err(Box::new(now))
            }
        });
        match ended.state.as_str() {
            "complete" => has_the_note(&unbundled(&cloud, &user, &prefix)),
            _ => {
                // Only a node that was away itself may give it up, and says so.
                assert!(restarted.contains(&Service::Node(0)), "{ended:?}");
                assert!(!ended.error.unwrap().message.is_empty());
                wait::until("nothing is left", || match keys(&user, &prefix) {
                    left if left.is_empty() => Ok(()),
                    left => Err(left),
                });
            }
        }
        user.instance_becomes(&id, "running");
    }
}

#[test]
fn of_what_was_cancelled_or_could_not_be_stored_nothing_is_left() {
    let (cloud, user, id) = raise();
    user.make_bucket("saved");
    user.put("saved", "img.part.0", b"somebody else's");
    cloud.guests(0).hold_copies(true);
    let task = begin(&user, &id, "cancelled");
    is_begun(&user, &task);
    let told = user.send(&CancelBundleTask { bundle_id: task.clone() }).bundle_instance_task;
    assert_eq!(told.state, "cancelling");
    cloud.guests(0).hold_copies(false);
    let ended = becomes(&user, &task, "failed");
    assert_eq!(ended.error.unwrap().code, "Client.Cancelled");
    let gone = |prefix: &str| {
        wait::until("nothing is left", || match keys(&user, prefix) {
            left if left.is_empty() => Ok(()),
            left => Err(left),
        });
    };
    gone("cancelled");

    // The bucket is another's.
    let other = cloud.add_user("hanako");
    other.make_bucket("hers");
    let mut ask = save(&id, "img");
    ask.storage.s3.bucket = Some("hers".into());
    assert_eq!(user.refused(&ask).code, "AccessDenied");

    // There is no room for it.
    let scope = Scope::Account(user.account.parse().unwrap());
    let little = |bytes| SetQuota { scope: scope.clone(), bytes, objects: None, buckets: None };
    cloud.ask_walrus(little(Some(Limit::AtMost(90_000)))).unwrap();
    let task = begin(&user, &id, "large");
    let ended = becomes(&user, &task, "failed");
    assert_eq!(ended.error.unwrap().code, "Client.QuotaExceeded");
    gone("large");
    assert_eq!(user.get("saved", "img.part.0").unwrap(), b"somebody else's");
    cloud.ask_walrus(little(Some(Limit::Default))).unwrap();

    // Its instance ends.
    cloud.guests(0).hold_copies(true);
    let task = begin(&user, &id, "ended");
    is_begun(&user, &task);
    user.send(&TerminateInstances { instance_id: vec![id.clone()] });
    let ended = becomes(&user, &task, "failed");
    assert_eq!(ended.error.unwrap().code, "Client.InstanceTerminated");
    cloud.guests(0).hold_copies(false);
    user.instance_becomes(&id, "terminated");
    gone("ended");
    cloud.assert_nothing_left();
}
