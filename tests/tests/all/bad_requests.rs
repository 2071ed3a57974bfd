//! Requests that are refused, each with the API's own code, and what they leave: nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use bundle::Kind;
use common::action::{Access, Action};
use common::ec2::account::DescribeAccountAttributes;
use common::ec2::addresses::DescribeAddresses;
use common::ec2::attributes::{
    DescribeInstanceAttribute, ModifyInstanceAttribute, ResetInstanceAttribute,
};
use common::ec2::bundle_tasks::{
    BundleInstance, CancelBundleTask, DescribeBundleTasks, S3Storage, Storage,
};
use common::ec2::create_image::CreateImage;
use common::ec2::image_attributes::{
    DescribeImageAttribute, ModifyImageAttribute, ResetImageAttribute,
};
use common::ec2::images::{DeregisterImage, DescribeImages, RegisterImage};
use common::ec2::import_image::{
    CancelImportTask, DescribeImportImageTasks, DiskContainer, ImportImage, UserBucket,
};
use common::ec2::instance_profiles::{
    AssociateIamInstanceProfile, DescribeIamInstanceProfileAssociations,
    DisassociateIamInstanceProfile, ProfileName, ReplaceIamInstanceProfileAssociation,
};
use common::ec2::instance_types::{DescribeInstanceTypeOfferings, DescribeInstanceTypes};
use common::ec2::instances::{
    DescribeInstances, GetConsoleOutput, RunInstances, TerminateInstances,
};
use common::ec2::keys::{CreateKeyPair, DeleteKeyPair, DescribeKeyPairs, ImportKeyPair};
use common::ec2::metadata_options::ModifyInstanceMetadataOptions;
use common::ec2::power::{RebootInstances, StartInstances, StopInstances};
use common::ec2::status::DescribeInstanceStatus;
use common::ec2::tags::{CreateTags, DeleteTags, DescribeTags, NewTag};
use common::ec2::zones::{DescribeAvailabilityZones, DescribeRegions};
use common::time::Timestamp;
use e2e::raw::{Signer, Version};
use e2e::user::Refused;
use e2e::{Cloud, Service, Shape, User, bundles, cloud, raw};
use runtime::clock::Clock;

use crate::path::disk;

const BOTH: [Version; 2] = [Version::Two, Version::Four];
const REGIONS: [(&str, &str); 2] = [("Action", "DescribeRegions"), ("Version", "2016-11-15")];

fn told(refused: &Refused) -> (u16, &str) {
    (refused.status, refused.code.as_str())
}

#[test]
fn who_cannot_prove_who_they_are_is_refused_by_both_apis() {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let (user, now) = (cloud.add_user("taro"), cloud.clock().now());
    user.make_bucket("taros");
    for version in BOTH {
        let true_one = Signer::of(&user, version, now);
        assert_eq!(true_one.query(cloud.api(), &REGIONS).status, 200, "{version:?}");
        assert_eq!(true_one.object(cloud.s3(), "PUT", "/taros/fine", b"x").status, 200);

        let liar = Signer { secret: "wrong".into(), ..true_one.clone() };
        let nobody = Signer { id: "AKI0000000000000000X".into(), ..true_one.clone() };
        let skew = Duration::from_secs(16 * 60);
        let late = Signer { at: now.minus(skew), ..true_one.clone() };
        let early = Signer { at: now.plus(skew), ..true_one.clone() };
        for (signer, of_ec2, of_s3) in [
            (&liar, (403, "SignatureDoesNotMatch"), (403, "SignatureDoesNotMatch")),
            (&nobody, (403, "InvalidClientTokenId"), (403, "InvalidAccessKeyId")),
            (&late, (400, "RequestExpired"), (403, "RequestTimeTooSkewed")),
            (&early, (400, "RequestExpired"), (403, "RequestTimeTooSkewed")),
        ] {
            let refused = signer.query(cloud.api(), &REGIONS).refused();
            assert_eq!(told(&refused), of_ec2, "{version:?}: {refused:?}");
            let refused = signer.object(cloud.s3(), "PUT", "/taros/bad", b"x").refused();
            assert_eq!(told(&refused), of_s3, "{version:?}: {refused:?}");
        }
    }
    let host = |to: std::net::SocketAddr| vec![("host".to_owned(), to.to_string())];
    let bare = b"Action=DescribeRegions&Version=2016-11-15";
    let unsigned = raw::send(cloud.api(), "POST", "/services/Eucalyptus", &host(cloud.api()), bare);
    assert_eq!(told(&unsigned.refused()), (403, "MissingAuthenticationToken"));
    let unsigned = raw::send(cloud.s3(), "PUT", "/taros/bad", &host(cloud.s3()), b"x");
    assert_eq!(told(&unsigned.refused()), (403, "AccessDenied"));
    assert_eq!(user.get("taros", "bad").unwrap_err().code(), Some("NoSuchKey"));
    cloud.assert_nothing_left();
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let cloud = Cloud::raise(Shape { max_object_bytes: 1 << 20, ..Shape::default() });
    let user = cloud.add_user("taro");
    let signer = Signer::of(&user, Version::Two, cloud.clock().now());
    let long = "x".repeat(300 << 10);
    let run = ("Action", "RunInstances");
    let image = ("ImageId", "emi-00000000");
    let table = [
        (&[("Action", "Frobnicate")][..], "InvalidAction", "Frobnicate"),
        (&[("Action", "DescribeVpcs")], "InvalidAction", "DescribeVpcs"),
        (&[("Version", "2016-11-15")], "MissingParameter", "Action"),
        (&[run], "MissingParameter", "ImageId"),
        (&[("Action", "CreateKeyPair")], "MissingParameter", "KeyName"),
        (&[("Action", "RegisterImage")], "MissingParameter", "ImageLocation"),
        (&[run, image, ("MinCount", "many")], "InvalidParameterValue", "MinCount"),
        (&[run, image, ("MinCount", "2"), ("MaxCount", "1")], "InvalidParameterValue", "MaxCount"),
        (&[run, image, ("DryRun", "true")], "InvalidAMIID.NotFound", "emi-00000000"),
        (&[run, image, ("DryRun", "perhaps")], "InvalidParameterValue", "DryRun"),
        (&[run, image, ("Version", "eucalyptus")], "InvalidParameterValue", "Version"),
        (
            &[("Action", "RegisterImage"), ("ImageLocation", "bucket")],
            "InvalidParameterValue",
            "ImageLocation",
        ),
        (&[run, image], "InvalidAMIID.NotFound", "emi-00000000"),
        (&[run, ("ImageId", "nonsense")], "InvalidAMIID.Malformed", "nonsense"),
        (&[("Action", "DeregisterImage"), image], "InvalidAMIID.NotFound", "emi-00000000"),
        (
            &[("Action", "DescribeInstances"), ("InstanceId.1", "i-00000000")],
            "InvalidInstanceID.NotFound",
            "i-00000000",
        ),
        (
            &[("Action", "TerminateInstances"), ("InstanceId.1", "x")],
            "InvalidInstanceID.Malformed",
            "x",
        ),
        (
            &[("Action", "GetConsoleOutput"), ("InstanceId", "i-00000000")],
            "InvalidInstanceID.NotFound",
            "i-00000000",
        ),
        (
            &[("Action", "DescribeKeyPairs"), ("KeyName.1", "nokey")],
            "InvalidKeyPair.NotFound",
            "nokey",
        ),
        (
            &[("Action", "CreateKeyPair"), ("KeyName", &long)],
            "InvalidParameterValue",
            "larger than",
        ),
    ];
    for (pairs, code, name) in table {
        let what: Vec<_> = pairs.iter().map(|(n, v)| (n, &v[..v.len().min(20)])).collect();
        let refused = signer.query(cloud.api(), pairs).refused();
        assert_eq!(told(&refused), (400, code), "{what:?}: {refused:?}");
        assert!(refused.message.contains(name), "{what:?}: {refused:?}");
    }

    // An unknown key pair is told when there is an image to run.
    let admin = cloud.administrator();
    bundles::boot(&admin);
    let own = bundles::registered(&user, "taros", "disk", Kind::Machine, &disk(1000));
    let launch = RunInstances { key_name: Some("nokey".into()), ..User::launch(&own) };
    let refused = user.refused(&launch);
    assert_eq!(told(&refused), (400, "InvalidKeyPair.NotFound"), "{refused:?}");

    let blobs = || cloud::files(&cloud.data(Service::Walrus).join("objects")).len();
    let before = blobs();
    let oversize = vec![0; (1 << 20) + 1];
    let refused = signer.object(cloud.s3(), "PUT", "/taros/big", &oversize).refused();
    assert_eq!(told(&refused), (400, "EntityTooLarge"), "{refused:?}");
    let refused = signer.object(cloud.s3(), "PUT", "/nobucket/key", b"x").refused();
    assert_eq!(told(&refused), (404, "NoSuchBucket"), "{refused:?}");
    let refused = signer.object(cloud.s3(), "GET", "/taros/nokey", b"").refused();
    assert_eq!(told(&refused), (404, "NoSuchKey"), "{refused:?}");
    assert_eq!(blobs(), before, "what was refused left no bytes");
    assert!(user.instances().is_empty());
    assert!(user.send(&DescribeKeyPairs::default()).key_set.is_empty());
    cloud.assert_nothing_left();
}

/// Every action with whether it changes anything.
fn actions() -> BTreeMap<&'static str, Access> {
    fn of<A: Action>() -> (&'static str, Access) {
        (A::NAME, A::ACCESS)
    }
    let actions = BTreeMap::from([
        of::<RegisterImage>(),
        of::<DescribeImages>(),
        of::<DeregisterImage>(),
        of::<RunInstances>(),
        of::<DescribeInstances>(),
        of::<TerminateInstances>(),
        of::<ModifyInstanceMetadataOptions>(),
        of::<AssociateIamInstanceProfile>(),
        of::<DescribeIamInstanceProfileAssociations>(),
        of::<DisassociateIamInstanceProfile>(),
        of::<ReplaceIamInstanceProfileAssociation>(),
        of::<GetConsoleOutput>(),
        of::<StopInstances>(),
        of::<StartInstances>(),
        of::<RebootInstances>(),
        of::<DescribeInstanceAttribute>(),
        of::<ModifyInstanceAttribute>(),
        of::<ResetInstanceAttribute>(),
        of::<CreateKeyPair>(),
        of::<DescribeKeyPairs>(),
        of::<DeleteKeyPair>(),
        of::<DescribeRegions>(),
        of::<DescribeAvailabilityZones>(),
        of::<DescribeAccountAttributes>(),
        of::<DescribeAddresses>(),
        of::<DescribeInstanceStatus>(),
        of::<DescribeInstanceTypeOfferings>(),
        of::<DescribeInstanceTypes>(),
        of::<CreateTags>(),
        of::<DeleteTags>(),
        of::<DescribeTags>(),
        of::<ImportKeyPair>(),
        of::<DescribeImageAttribute>(),
        of::<ModifyImageAttribute>(),
        of::<ResetImageAttribute>(),
        of::<BundleInstance>(),
        of::<CancelBundleTask>(),
        of::<DescribeBundleTasks>(),
        of::<CreateImage>(),
        of::<ImportImage>(),
        of::<DescribeImportImageTasks>(),
        of::<CancelImportTask>(),
    ]);
    let mut names: Vec<_> = common::ec2::names().collect();
    names.sort_unstable();
    assert_eq!(actions.keys().copied().collect::<Vec<_>>(), names, "an action is missing here");
    actions
}

#[test]
fn a_disabled_user_can_use_nothing() {
    let clock = Clock::manual(Clock::system().now());
    let cloud = Cloud::raise(Shape { nodes: 0, clock: clock.clone(), ..Shape::default() });
    let user = cloud.add_user("taro");
    user.make_bucket("taros");
    user.put("taros", "note", b"kept");
    let signer = |at: Timestamp| Signer::of(&user, Version::Two, at);
    cloud.enable("taro", false);
    for action in actions().into_keys() {
        let refused = signer(clock.now()).query(cloud.api(), &[("Action", action)]).refused();
        assert_eq!(told(&refused), (403, "InvalidClientTokenId"), "{action}: {refused:?}");
    }
    // S3 believes for some seconds whom it has just asked about.
    clock.advance(Duration::from_secs(6));
    for (method, path) in [
        ("GET", "/"),
        ("PUT", "/another"),
        ("GET", "/taros"),
        ("PUT", "/taros/note"),
        ("GET", "/taros/note"),
        ("DELETE", "/taros/note"),
        ("DELETE", "/taros"),
    ] {
        let refused = signer(clock.now()).object(cloud.s3(), method, path, b"").refused();
        assert_eq!(told(&refused), (403, "InvalidAccessKeyId"), "{method} {path}: {refused:?}");
    }
    cloud.enable("taro", true);
    assert_eq!(user.get("taros", "note").unwrap(), b"kept");
    user.send(&DescribeRegions::default());
}

/// What bears the mark of ext2 and nothing else.
fn file_system() -> Vec<u8> {
    let mut bytes = vec![0; 1 << 20];
    bytes[1024 + 56..][..2].copy_from_slice(b"\x53\xef");
    bytes
}

#[test]
fn every_action_that_changes_something_is_refused_to_the_unprivileged() {
    let cloud = Cloud::raise(Shape::default());
    let (admin, owner, other) =
        (cloud.administrator(), cloud.add_user("taro"), cloud.add_user("hanako"));
    let (kernel, _) = bundles::boot(&admin);
    let location =
        bundles::make(&owner, "disk", Kind::Machine, &disk(1000)).upload(&owner, "taros");
    let image = owner.register(&location);
    owner.image_becomes(&image, "available");
    let instance = owner.run(&User::launch(&image)).remove(0);
    owner.instance_becomes(&instance, "running");
    let pair = CreateKeyPair { key_name: "mine".into(), ..CreateKeyPair::default() };
    owner.send(&pair);

    let mut refusals = BTreeMap::new();
    let mut refused = |name: &'static str, refused: Refused| {
        refusals.entry(name).or_insert_with(Vec::new).push(refused.code);
    };
    refused("RegisterImage", other.refused(&User::registration(&location)));
    refused("DeregisterImage", other.refused(&DeregisterImage { image_id: image.clone() }));
    refused("DeregisterImage", other.refused(&DeregisterImage { image_id: kernel.clone() }));
    refused("RunInstances", other.refused(&User::launch(&image)));
    let end = TerminateInstances { instance_id: vec![instance.clone()] };
    refused("TerminateInstances", other.refused(&end));
    for id in [&image, &kernel] {
        let launch_permission = "launchPermission".to_owned();
        let share = ModifyImageAttribute {
            image_id: id.clone(),
            attribute: Some(launch_permission.clone()),
            operation_type: Some("add".into()),
            user_group: vec!["all".into()],
            ..ModifyImageAttribute::default()
        };
        refused("ModifyImageAttribute", other.refused(&share));
        let reset = ResetImageAttribute { image_id: id.clone(), attribute: launch_permission };
        refused("ResetImageAttribute", other.refused(&reset));
    }
    for id in [&image, &instance] {
        let tag = vec![NewTag { key: "mine".into(), value: None }];
        let set = CreateTags { resource_id: vec![id.clone()], tag };
        refused("CreateTags", other.refused(&set));
        let gone = DeleteTags { resource_id: vec![id.clone()], tag: Vec::new() };
        refused("DeleteTags", other.refused(&gone));
    }
    let ids = || vec![instance.clone()];
    let stop = StopInstances { instance_id: ids(), ..StopInstances::default() };
    refused("StopInstances", other.refused(&stop));
    refused("StartInstances", other.refused(&StartInstances { instance_id: ids() }));
    refused("RebootInstances", other.refused(&RebootInstances { instance_id: ids() }));
    let modify = ModifyInstanceAttribute {
        instance_id: instance.clone(),
        attribute: Some("disableApiTermination".into()),
        value: Some("true".into()),
        sent: 1,
    };
    refused("ModifyInstanceAttribute", other.refused(&modify));
    let attribute = "kernel".to_owned();
    let reset = ResetInstanceAttribute { instance_id: instance.clone(), attribute };
    refused("ResetInstanceAttribute", other.refused(&reset));
    let modify = ModifyInstanceMetadataOptions {
        instance_id: instance.clone(),
        http_tokens: Some("required".into()),
        http_put_response_hop_limit: None,
        http_endpoint: None,
        http_protocol_ipv6: None,
        instance_metadata_tags: None,
    };
    refused("ModifyInstanceMetadataOptions", other.refused(&modify));
    let web = || ProfileName::of("web");
    let associate =
        AssociateIamInstanceProfile { instance_id: instance.clone(), iam_instance_profile: web() };
    refused("AssociateIamInstanceProfile", other.refused(&associate));
    let association_id = "iip-assoc-00000000000000000".to_owned();
    let replace = ReplaceIamInstanceProfileAssociation {
        association_id: association_id.clone(),
        iam_instance_profile: web(),
    };
    refused("ReplaceIamInstanceProfileAssociation", other.refused(&replace));
    let end = DisassociateIamInstanceProfile { association_id };
    refused("DisassociateIamInstanceProfile", other.refused(&end));
    let place = |bucket: &str| Storage {
        s3: S3Storage {
            bucket: Some(bucket.into()),
            prefix: Some("saved".into()),
            ..S3Storage::default()
        },
    };
    let save = |id: &str, bucket: &str| BundleInstance {
        instance_id: id.to_owned(),
        storage: place(bucket),
    };
    refused("BundleInstance", other.refused(&save(&instance, "others")));
    let create = |id: &str| CreateImage {
        instance_id: id.to_owned(),
        name: Some("theirs".into()),
        ..CreateImage::default()
    };
    refused("CreateImage", other.refused(&create(&instance)));
    let task = owner.send(&save(&instance, "taros")).bundle_instance_task.bundle_id;
    let cancel = CancelBundleTask { bundle_id: task.to_string() };
    refused("CancelBundleTask", other.refused(&cancel));
    owner.send(&cancel);
    owner.put("taros", "disk.img", &file_system());
    let import = ImportImage {
        disk_container: vec![DiskContainer {
            format: Some("raw".into()),
            user_bucket: Some(UserBucket {
                bucket: Some("taros".into()),
                key: Some("disk.img".into()),
            }),
            ..DiskContainer::default()
        }],
        ..ImportImage::default()
    };
    refused("ImportImage", other.refused(&import));
    let task = owner.send(&import).import_task_id;
    let cancel = CancelImportTask { import_task_id: Some(task), ..CancelImportTask::default() };
    refused("CancelImportTask", other.refused(&cancel));

    let expected: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("RegisterImage", &["AuthFailure"][..]),
        ("DeregisterImage", &["InvalidAMIID.NotFound", "AuthFailure"]),
        ("RunInstances", &["InvalidAMIID.NotFound"]),
        ("TerminateInstances", &["InvalidInstanceID.NotFound"]),
        ("ModifyImageAttribute", &["InvalidAMIID.NotFound", "AuthFailure"]),
        ("ResetImageAttribute", &["InvalidAMIID.NotFound", "AuthFailure"]),
        ("CreateTags", &["InvalidAMIID.NotFound", "InvalidInstanceID.NotFound"]),
        ("DeleteTags", &["InvalidAMIID.NotFound", "InvalidInstanceID.NotFound"]),
        ("StopInstances", &["InvalidInstanceID.NotFound"]),
        ("StartInstances", &["InvalidInstanceID.NotFound"]),
        ("RebootInstances", &["InvalidInstanceID.NotFound"]),
        ("ModifyInstanceAttribute", &["InvalidInstanceID.NotFound"]),
        ("ResetInstanceAttribute", &["InvalidInstanceID.NotFound"]),
        ("ModifyInstanceMetadataOptions", &["InvalidInstanceID.NotFound"]),
        ("AssociateIamInstanceProfile", &["InvalidInstanceID.NotFound"]),
        ("ReplaceIamInstanceProfileAssociation", &["InvalidAssociationID.NotFound"]),
        ("DisassociateIamInstanceProfile", &["InvalidAssociationID.NotFound"]),
        ("BundleInstance", &["InvalidInstanceID.NotFound"]),
        ("CreateImage", &["InvalidInstanceID.NotFound"]),
        ("CancelBundleTask", &["InvalidBundleID.NotFound"]),
        ("ImportImage", &["AuthFailure"]),
        ("CancelImportTask", &["InvalidConversionTaskId"]),
    ]);
    // Each account has its own key pairs: nobody can so much as name another's.
    let own = ["CreateKeyPair", "DeleteKeyPair", "ImportKeyPair"];
    for (name, access) in actions() {
        let codes = refusals.remove(name).unwrap_or_default();
        assert_eq!(codes, expected.get(name).copied().unwrap_or_default(), "{name}");
        let tried = !codes.is_empty() || own.contains(&name);
        assert_eq!(access != Access::Read, tried, "{name} lacks a refusal");
    }
    let by_name = DeleteKeyPair { key_name: Some("mine".into()), key_pair_id: None };
    let id = owner.send(&DescribeKeyPairs::default()).key_set.item[0].key_pair_id.clone();
    let by_id = DeleteKeyPair { key_name: None, key_pair_id: Some(id.clone()) };
    for delete in [&by_name, &by_id] {
        other.send(delete);
    }
    other.send(&pair);
    other.send(&by_name);
    let look = DescribeKeyPairs { key_pair_id: vec![id], ..DescribeKeyPairs::default() };
    assert_eq!(other.refused(&look).code, "InvalidKeyPair.NotFound");
    let console = other.refused(&GetConsoleOutput { instance_id: instance.clone() });
    assert_eq!(console.code, "InvalidInstanceID.NotFound");
    let attribute = "userData".to_owned();
    let look = DescribeInstanceAttribute { instance_id: instance.clone(), attribute };
    assert_eq!(other.refused(&look).code, "InvalidInstanceID.NotFound");
    assert!(other.instances().is_empty());
    for key in ["disk.manifest.xml", "disk.part.0"] {
        assert_eq!(other.get("taros", key).unwrap_err().code(), Some("AccessDenied"), "{key}");
        let put = other.try_put(("taros", key), None, b"mine now").unwrap_err();
        assert_eq!(put.code(), Some("AccessDenied"), "{key}");
    }

    // All is as it was.
    assert_eq!(owner.image(&image).image_state, "available");
    assert_eq!(owner.instance(&instance).instance_state.name, "running");
    assert_eq!(owner.send(&DescribeKeyPairs::default()).key_set.item.len(), 1);
}
