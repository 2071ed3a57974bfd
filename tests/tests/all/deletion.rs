//! Accounts deleted from outside, with instances that run, images, buckets of thousands of objects,
//! an open upload and a bundle task under way: what they own is given to another or ends, whichever
//! service is restarted meanwhile, and nothing is left over that is theirs.

use std::fs;
use std::path::Path;
use std::thread;

use bundle::Kind;
use common::ec2::bundle_tasks::{BundleInstance, DescribeBundleTasks, S3Storage, Storage};
use common::ec2::instances::{RunInstances, TerminateInstances};
use common::ec2::keys::{CreateKeyPair, DescribeKeyPairs};
use common::error::{ApiError, ErrorCode};
use common::wire::admin::{Belongings, DeleteUser, Deleted, DescribeRegistrations};
use common::wire::people::Registered;
use common::wire::quota::{DescribeQuotas, Limit, QuotaView, Scope, SetQuota};
use e2e::raw::{Signer, Version};
use e2e::{Cloud, Service, Shape, User, bundles, cloud, wait};
use store::{EngineConfig, export};

use crate::path::disk;

/// How many objects there are in the large bucket: more than one portion of any work.
const MANY: usize = 2_500;

/// An account with something of everything.
struct Estate {
    cloud: Cloud,
    taro: User,
    hanako: User,
    image: String,
    instance: String,
    task: String,
    upload: String,
}

fn key(number: usize) -> String {
    format!("folder/{number:05}")
}

fn bytes(number: usize) -> Vec<u8> {
    format!("object {number}").into_bytes()
}

fn signer(user: &User, cloud: &Cloud) -> Signer {
    Signer::of(user, Version::Four, cloud.clock().now())
}

fn delete(cloud: &Cloud, belongings: Belongings) -> Result<Deleted, ApiError> {
    cloud.ask_clc(DeleteUser { name: "taro".to_owned(), belongings })
}

fn registered(cloud: &Cloud, name: &str) -> Option<Registered> {
    let all = cloud.ask_clc(DescribeRegistrations { name: None });
    all.ok()?.into_iter().find(|it| it.name == name)
}

fn is_gone(cloud: &Cloud) {
    wait::until("taro is gone", || match cloud.ask_clc(DescribeRegistrations { name: None }) {
        Ok(all) if all.iter().all(|it| it.name != "taro") => Ok(()),
        Ok(_) => Err(format!("{:?}", registered(cloud, "taro"))),
        Err(error) => Err(error.to_string()),
    });
}

fn pair(name: &str) -> CreateKeyPair {
    CreateKeyPair { key_name: name.to_owned(), ..CreateKeyPair::default() }
}

fn objects(cloud: &Cloud) -> usize {
    cloud::files(&cloud.data(Service::Walrus).join("objects")).len()
}

impl Estate {
    fn raise() -> Self {
        let cloud = Cloud::raise(Shape::default());
        bundles::boot(&cloud.administrator());
        let (taro, hanako) = (cloud.add_user("taro"), cloud.add_user("hanako"));
        let image = bundles::registered(&taro, "taros", "disk", Kind::Machine, &disk(100_000));
        taro.send(&pair("web"));
        hanako.send(&pair("web"));
        let launch = RunInstances { key_name: Some("web".to_owned()), ..User::launch(&image) };
        let instance = taro.run(&launch).remove(0);
        taro.instance_becomes(&instance, "running");

        taro.make_bucket("empty");
        taro.make_bucket("many");
        thread::scope(|scope| {
            for first in 0..8 {
                let taro = &taro;
                scope.spawn(move || {
                    for number in (first..MANY).step_by(8) {
                        taro.put("many", &key(number), &bytes(number));
                    }
                });
            }
        });
        let signer = signer(&taro, &cloud);
        let begun = signer.object(cloud.s3(), "POST", "/many/in-parts?uploads=", b"").text();
        let upload = begun.split("<UploadId>").nth(1).unwrap();
        let upload = upload.split('<').next().unwrap().to_owned();
        let part = format!("/many/in-parts?partNumber=1&uploadId={upload}");
        assert_eq!(signer.object(cloud.s3(), "PUT", &part, b"part").status, 200);

        // Its copy is held, so that the task is under way as long as the test wants.
        cloud.guests(0).hold_copies(true);
        let s3 = S3Storage {
            bucket: Some("saved".to_owned()),
            prefix: Some("disk".to_owned()),
            ..S3Storage::default()
        };
        let save = BundleInstance { instance_id: instance.clone(), storage: Storage { s3 } };
        let task = taro.send(&save).bundle_instance_task.bundle_id.to_string();
        wait::until("the node has begun", || {
            let ask = DescribeBundleTasks { bundle_id: vec![task.clone()], ..Default::default() };
            let seen = taro.send(&ask).bundle_instance_tasks_set.item.remove(0);
            if seen.state == "pending" { Err(seen.state) } else { Ok(()) }
        });
        Self { cloud, taro, hanako, image, instance, task, upload }
    }

    /// Nobody can use the account, at once and everywhere.
    fn is_out(&self) {
        let refused = self.taro.refused(&DescribeKeyPairs::default());
        assert!(matches!(refused.status, 401 | 403), "{refused:?}");
        wait::until("S3 refuses, too", || match self.taro.get("many", &key(0)) {
            Ok(_) => Err("it still answers"),
            Err(_) => Ok(()),
        });
    }

    fn quota(&self, account: &str) -> Option<QuotaView> {
        let all = self.cloud.ask_walrus(DescribeQuotas { after: None }).unwrap();
        let scope = Scope::Account(account.parse().unwrap());
        all.into_iter().find(|quota| quota.scope == scope)
    }

    /// What both stores hold, as text, when the services have stopped.
    fn stores(&mut self) -> Vec<(Service, Vec<String>)> {
        let services = [Service::Clc, Service::Walrus];
        services.iter().for_each(|&service| self.cloud.stop(service));
        let rows = services.map(|service| {
            let store = EngineConfig::sled(self.cloud.data(service).join("store"));
            let file = self.cloud.scratch(&format!("{service:?}")).join("export");
            export(&store, &file).unwrap();
            (service, lines(&file))
        });
        services.iter().rev().for_each(|&service| self.cloud.start(service));
        rows.into()
    }
}

fn lines(file: &Path) -> Vec<String> {
    let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn who_owns_something_is_not_deleted_and_told_what_it_is() {
    let estate = Estate::raise();
    let refused = delete(&estate.cloud, Belongings::Refuse).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DeleteConflict);
    for told in [
        format!("instances: {}", estate.instance),
        format!("images: {}", estate.image),
        format!("bundle tasks: {}", estate.task),
        "key pairs: web".to_owned(),
        "buckets: 4".to_owned(),
    ] {
        assert!(refused.text().contains(&told), "{told}: {refused}");
    }
    // Neither is it given to whose quota does not allow it, or to whom it cannot be given.
    let scope = Scope::Account(estate.hanako.account.parse().unwrap());
    let (bytes, objects) = (None, Some(Limit::AtMost(100)));
    estate.cloud.ask_walrus(SetQuota { scope, bytes, objects, buckets: None }).unwrap();
    let refused = delete(&estate.cloud, Belongings::Give("hanako".into())).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded, "{refused}");
    estate.cloud.add_user("jiro");
    estate.cloud.enable("jiro", false);
    for nobody in ["jiro", "taro", "nobody"] {
        let refused = delete(&estate.cloud, Belongings::Give(nobody.into())).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidParameterValue, "{nobody}: {refused}");
    }
    assert_eq!(estate.taro.get("many", &key(7)).unwrap(), self::bytes(7));
    assert_eq!(estate.taro.instance(&estate.instance).instance_state.name, "running");
}

#[test]
fn an_heir_gets_everything_whoever_is_restarted_meanwhile() {
    let mut estate = Estate::raise();
    let address = estate.taro.instance(&estate.instance).private_ip_address;
    let left = delete(&estate.cloud, Belongings::Give("hanako".into())).unwrap();
    assert_eq!(left, Deleted::Leaving("bundle tasks that end first: 1".to_owned()));
    estate.is_out();
    let heir =
        estate.cloud.ask_clc(DeleteUser { name: "hanako".into(), belongings: Belongings::End });
    assert_eq!(heir.unwrap_err().code(), ErrorCode::DeleteConflict, "she inherits just now");
    let shown = registered(&estate.cloud, "taro").unwrap().deletion.unwrap();
    assert_eq!(shown.heir.as_deref(), Some("hanako"));

    estate.cloud.restart(&[Service::Clc]);
    estate.cloud.guests(0).hold_copies(false);
    for service in [Service::Walrus, Service::Clc, Service::Walrus, Service::Clc] {
        estate.cloud.restart(&[service]);
    }
    is_gone(&estate.cloud);

    let hanako = &estate.hanako;
    for number in 0..MANY {
        assert_eq!(hanako.get("many", &key(number)).unwrap(), bytes(number), "{number}");
    }
    let signer = signer(hanako, &estate.cloud);
    let s3 = estate.cloud.s3();
    let number = hanako.account.as_str();
    for path in ["/many?acl=", &format!("/many/{}?acl=", key(3)), "/empty?acl="] {
        let acl = signer.object(s3, "GET", path, b"").text();
        assert_eq!(acl.matches(number).count(), 2, "{path}: {acl}");
        assert!(!acl.contains(&estate.taro.account), "{path}: {acl}");
    }
    // The upload goes on where it stood.
    let path = format!("/many/in-parts?partNumber=2&uploadId={}", estate.upload);
    let part = signer.object(s3, "PUT", &path, b"end");
    assert_eq!(part.status, 200, "{}", part.text());
    let etag = part.headers.iter().find(|(name, _)| name == "etag").unwrap().1.clone();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>{etag}</ETag></Part>\
         </CompleteMultipartUpload>"
    );
    let path = format!("/many/in-parts?uploadId={}", estate.upload);
    let done = signer.object(s3, "POST", &path, list.as_bytes());
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(hanako.get("many", "in-parts").unwrap(), b"end");

    let running = hanako.instance_becomes(&estate.instance, "running");
    assert_eq!(running.private_ip_address, address, "it goes on where it is");
    assert_eq!(hanako.image(&estate.image).image_state, "available");
    let copy = hanako.run(&User::launch(&estate.image)).remove(0);
    hanako.instance_becomes(&copy, "running");
    let pairs = hanako.send(&DescribeKeyPairs::default()).key_set.item;
    let names: Vec<_> = pairs.iter().map(|pair| pair.key_name.as_str()).collect();
    assert_eq!(names, ["web", "web-taro"]);
    // What the task saved is there, and is as good as before; its account is no more, so that an
    // administrator has to register it.
    let administrator = estate.cloud.administrator();
    let saved = administrator.register("saved/disk.manifest.xml");
    administrator.image_becomes(&saved, "available");
    assert!(hanako.get("saved", "disk.part.0").is_ok());

    // Everything is counted once, and for the heir.
    assert_eq!(estate.quota(&estate.taro.account), None);
    let used = estate.quota(number).unwrap().used;
    assert_eq!((used.buckets, used.uploading), (4, 0));
    assert!(used.objects > MANY as u64 + 1, "{used:?}");

    let ids: Vec<_> = hanako.instances().iter().map(|it| it.instance_id.to_string()).collect();
    hanako.send(&TerminateInstances { instance_id: ids.clone() });
    ids.iter().for_each(|id| drop(hanako.instance_becomes(id, "terminated")));
    // Of him there are but the certificates of his bundles, the days that reports are made of, and the marks that
    // he is gone.
    let taro = estate.taro.account.clone();
    for (service, rows) in estate.stores() {
        let left: Vec<_> = rows
            .iter()
            .filter(|row| row.contains(&taro))
            .filter(|row| {
                ![
                    "certificate",
                    "identity-feed",
                    "closed-account",
                    "bundle-task",
                    "bundle-by",
                    "usage-day",
                ]
                .iter()
                .any(|kept| row.contains(kept))
            })
            .collect();
        assert!(left.is_empty(), "{service:?}: {left:#?}");
    }
}

#[test]
fn what_ends_leaves_nothing_behind_whoever_is_restarted_meanwhile() {
    let mut estate = Estate::raise();
    // One is being unpacked, and one is launched, at that very moment.
    let bundle = bundles::make(&estate.taro, "late", Kind::Machine, &disk(3_000_000));
    let location = bundle.upload(&estate.taro, "taros");
    let image = estate.taro.register(&location);
    estate.taro.run(&User::launch(&image));
    let left = delete(&estate.cloud, Belongings::End).unwrap();
    assert!(matches!(left, Deleted::Leaving(_)), "{left:?}");
    estate.is_out();
    for service in [Service::Walrus, Service::Clc, Service::Node(0), Service::Walrus] {
        estate.cloud.restart(&[service]);
    }
    estate.cloud.guests(0).hold_copies(false);
    is_gone(&estate.cloud);

    // Names are free, seats are free, and no byte is left but of others.
    for bucket in ["taros", "many", "empty", "saved"] {
        estate.hanako.try_make_bucket(bucket, None).unwrap();
    }
    assert_eq!(estate.quota(&estate.taro.account), None);
    estate.cloud.assert_nothing_left();
    let boot = 2 * 2;
    wait::until("the files of his objects are gone", || match objects(&estate.cloud) {
        few if few <= boot => Ok(()),
        more => Err(more),
    });
    let again = estate.cloud.add_user("taro");
    assert_ne!(again.account, estate.taro.account);
    assert!(again.instances().is_empty());
    let taro = estate.taro.account.clone();
    for (service, rows) in estate.stores() {
        let left: Vec<_> = rows
            .iter()
            .filter(|row| row.contains(&taro))
            .filter(|row| {
                // What has ended is listed for an hour or a day, and reported for as long as days are kept.
                ![
                    "identity-feed",
                    "closed-account",
                    "instance",
                    "bundle-task",
                    "bundle-by",
                    "usage-day",
                ]
                .iter()
                .any(|kept| row.contains(kept))
            })
            .collect();
        assert!(left.is_empty(), "{service:?}: {left:#?}");
    }
}

#[test]
fn what_is_under_way_when_its_account_goes_does_not_come_behind_it() {
    for belongings in [Belongings::End, Belongings::Give("hanako".into())] {
        let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
        let (taro, hanako) = (cloud.add_user("taro"), cloud.add_user("hanako"));
        taro.make_bucket("files");
        taro.put("files", "there", b"before");
        let signer = signer(&taro, &cloud);
        let begun = signer.object(cloud.s3(), "POST", "/files/parts?uploads=", b"").text();
        let upload = begun.split("<UploadId>").nth(1).unwrap().split('<').next().unwrap();
        let part = format!("/files/parts?partNumber=1&uploadId={upload}");
        let mut under_way: Vec<_> = ["/files/late", "/files/there", part.as_str()]
            .iter()
            .map(|path| signer.begin_object(cloud.s3(), "PUT", path, 10))
            .collect();
        under_way.iter_mut().for_each(|request| request.push(b"hello"));
        wait::until("all of them are being received", || {
            match cloud::files(&cloud.data(Service::Walrus).join("objects/staging")).len() {
                3 => Ok(()),
                other => Err(other),
            }
        });
        delete(&cloud, belongings.clone()).unwrap();
        is_gone(&cloud);
        for mut request in under_way {
            request.push(b"world");
            let refused = request.answer();
            assert!(matches!(refused.status, 403 | 404), "{}", refused.text());
        }
        match &belongings {
            Belongings::End => hanako.try_make_bucket("files", None).unwrap(),
            _ => assert_eq!(hanako.get("files", "there").unwrap(), b"before"),
        }
        assert!(hanako.get("files", "late").is_err());
        let refused = taro.try_make_bucket("later", None).unwrap_err();
        assert!(refused.code().is_some(), "{refused}");
        cloud.assert_nothing_left();
    }
}
