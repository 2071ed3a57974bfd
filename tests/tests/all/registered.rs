//! The registered image: what its manifest and its registration say reaches its instances, and it
//! stays what was verified, whatever becomes of its bundle, its registration and its owner's keys.

use std::fs;

use bundle::{BundleOptions, Kind, Mapping};
use common::ec2::images::{DeregisterImage, RegisterImage};
use common::wire::walrus::{BundleRef, DescribeCache, ForgetImage};
use e2e::bundles::{self, Bundle, cloud_certificate, make, make_with, signer};
use e2e::{Cloud, Service, Shape, User, wait};
use sha2::{Digest as _, Sha256};

use crate::path::disk;

fn raise() -> (Cloud, User) {
    let cloud = Cloud::raise(Shape { nodes: 1, ..Shape::default() });
    bundles::boot(&cloud.administrator());
    let user = cloud.add_user("taro");
    (cloud, user)
}

/// What a node was told of an instance's metadata.
fn metadata(cloud: &Cloud, instance: &str) -> serde_json::Value {
    let wish = cloud.data(Service::Node(0)).join("instances").join(instance).join("spec.json");
    let wish: serde_json::Value = serde_json::from_slice(&fs::read(wish).unwrap()).unwrap();
    wish["spec"]["metadata"].clone()
}

fn running(user: &User, image: &str) -> String {
    let id = user.run(&User::launch(image)).remove(0);
    user.instance_becomes(&id, "running");
    id
}

fn codes(user: &User, instance: &str) -> Vec<String> {
    user.instance(instance).product_codes.item.into_iter().map(|it| it.product_code).collect()
}

/// Walrus keeps no plain image of a bundle any more.
fn forgotten(cloud: &Cloud, location: &str, bundle: &Bundle) {
    let before = cloud.ask_walrus(DescribeCache {}).unwrap().images;
    let manifest_sha256 = hex::encode(Sha256::digest(&bundle.manifest));
    let bundle = BundleRef { location: location.to_owned(), manifest_sha256 };
    cloud.ask_walrus(ForgetImage { bundle }).unwrap();
    wait::until("the plain image has gone", || match cloud.ask_walrus(DescribeCache {}).unwrap() {
        cache if cache.images < before => Ok(()),
        cache => Err(cache),
    });
}

#[test]
fn what_manifest_and_registration_say_reaches_instances_and_their_metadata() {
    let (cloud, taro) = raise();
    let mapping = |virtual_name: &str, device: &str| Mapping {
        virtual_name: virtual_name.into(),
        device: device.into(),
    };
    let options = BundleOptions {
        mappings: vec![mapping("ami", "sda1"), mapping("root", "/dev/sdz1")],
        product_codes: vec!["from-manifest".into(), "other".into()],
        ancestry: vec!["emi-0000000a".into(), "emi-0000000b".into()],
        ..BundleOptions::new("disk", "i386", &taro.account)
    };
    let image = disk(50_000);
    let bundle = make_with(options, &cloud_certificate(&taro), Some(&signer(&taro)), &image);
    let location = bundle.upload(&taro, "taros");
    let manifests = taro.register(&location);
    let own = RegisterImage {
        name: Some("of its registration".into()),
        description: Some("what it is".into()),
        architecture: Some("x86_64".into()),
        root_device_name: Some("/dev/vda1".into()),
        ..User::registration(&location)
    };
    let asked = taro.send(&own).image_id.to_string();
    let seen = |id: &str| {
        let image = taro.image_becomes(id, "available");
        (image.architecture, image.root_device_name.unwrap(), image.description)
    };
    // What is asked for wins over what the manifest says.
    assert_eq!(seen(&manifests), ("i386".into(), "/dev/sdz1".into(), None));
    assert_eq!(seen(&asked), ("x86_64".into(), "/dev/vda1".into(), Some("what it is".into())));
    let said = taro.says(&["describe-image-attribute", "-B", &manifests]);
    assert!(said.contains("ami\tsda1") || said.contains("sda1"), "{said}");

    let first = running(&taro, &manifests);
    assert_eq!(codes(&taro, &first), ["from-manifest", "other"]);
    let told = metadata(&cloud, &first);
    assert_eq!(told["product_codes"], serde_json::json!(["from-manifest", "other"]));
    assert_eq!(told["ancestors"], serde_json::json!(["emi-0000000a", "emi-0000000b"]));
    assert_eq!(told["manifest_path"], location);
    assert_eq!(taro.instance(&first).root_device_name, "/dev/sdz1");
    // One more, from now on: what runs keeps what it was launched with, over a stop and a start.
    taro.says(&["modify-image-attribute", &manifests, "-p", "later"]);
    taro.says(&["modify-image-attribute", &manifests, "--description", "another"]);
    assert_eq!(taro.image(&manifests).description.as_deref(), Some("another"));
    let second = running(&taro, &manifests);
    assert_eq!(codes(&taro, &second), ["from-manifest", "other", "later"]);
    assert_eq!(metadata(&cloud, &second)["product_codes"][2], "later");
    taro.says(&["stop-instances", &first]);
    taro.instance_becomes(&first, "stopped");
    taro.says(&["start-instances", &first]);
    taro.instance_becomes(&first, "running");
    assert_eq!(codes(&taro, &first), ["from-manifest", "other"]);
}

#[test]
fn a_bundle_lies_below_a_prefix_and_is_older_than_the_newest_certificate() {
    let (cloud, taro) = raise();
    // Both are bundled and signed before there are new credentials.
    let (beside, bare) = (
        make(&taro, "beside", Kind::Machine, &disk(50_000)),
        make(&taro, "bare", Kind::Machine, &disk(60_000)),
    );
    let renewed = cloud.renew("taro");
    assert!(renewed.file("-pk.pem") != taro.file("-pk.pem"), "it is another key");
    let newest = cloud.renew("taro");
    let beside = beside.upload_below(&newest, "taros", ("a/b/", "a/b/"));
    let bare = bare.upload_below(&newest, "taros", ("a/", ""));
    assert_eq!(
        (beside.as_str(), bare.as_str()),
        ("taros/a/b/beside.manifest.xml", "taros/a/bare.manifest.xml")
    );
    for location in [beside, format!("/{bare}")] {
        let image = newest.register(&location);
        newest.image_becomes(&image, "available");
        let instance = running(&newest, &image);
        let path = metadata(&cloud, &instance)["manifest_path"].clone();
        assert_eq!(path, location.trim_start_matches('/'));
    }
    // And what the newest key signs, of course.
    let fresh = make(&newest, "fresh", Kind::Machine, &disk(50_000)).upload(&newest, "taros");
    let fresh = newest.register(&fresh);
    newest.image_becomes(&fresh, "available");
}

#[test]
fn an_image_stays_what_was_verified() {
    let (cloud, taro) = raise();
    let bundle = make(&taro, "disk", Kind::Machine, &disk(200_000));
    let location = bundle.upload(&taro, "taros");
    let image = taro.register(&location);
    taro.image_becomes(&image, "available");
    // A part is overwritten, but what was verified is still there.
    let other = make(&taro, "disk", Kind::Machine, &vec![1; 200_000]);
    taro.put("taros", &bundle.parts[0].0, &other.parts[0].1);
    let instance = running(&taro, &image);
    taro.says(&["terminate-instances", &instance]);
    // When it has to be unpacked again it is noticed, by name.
    let reason = |instance: &str| {
        taro.instance_becomes(instance, "terminated").state_reason.unwrap().message
    };
    forgotten(&cloud, &location, &bundle);
    let id = taro.run(&User::launch(&image)).remove(0);
    let why = reason(&id);
    assert!(why.contains("part disk.part.0 is damaged"), "{why}");
    // Put right, it is the image that was registered.
    taro.put("taros", &bundle.parts[0].0, &bundle.parts[0].1);
    let id = running(&taro, &image);
    taro.says(&["terminate-instances", &id]);
    // Uploaded anew as a whole under the same name it is another image, and has to be registered.
    other.upload(&taro, "taros");
    let id = taro.run(&User::launch(&image)).remove(0);
    let why = reason(&id);
    assert!(why.contains("is not the one that was registered"), "{why}");
    let anew = taro.register(&location);
    assert_ne!(anew, image);
    taro.image_becomes(&anew, "available");
    running(&taro, &anew);
}

#[test]
fn instances_outlive_the_registration_and_a_second_one_is_another_image() {
    let (cloud, taro) = raise();
    let bundle = make(&taro, "disk", Kind::Machine, &disk(100_000));
    let location = bundle.upload(&taro, "taros");
    let first = taro.register(&location);
    taro.image_becomes(&first, "available");
    let unpacked = cloud.ask_walrus(DescribeCache {}).unwrap().misses;
    let second = taro.register(&location);
    assert_ne!(first, second);
    let named = |id: &str| taro.image(id).name.unwrap();
    assert_ne!(named(&first), named(&second));
    taro.image_becomes(&second, "available");
    // One plain image serves both.
    assert_eq!(cloud.ask_walrus(DescribeCache {}).unwrap().misses, unpacked);
    let instance = running(&taro, &first);
    taro.send(&DeregisterImage { image_id: first.clone() });
    let refused = taro.refused(&User::launch(&first));
    assert_eq!(refused.code, "InvalidAMIID.NotFound");
    assert_eq!(taro.instance(&instance).image_id.to_string(), first);
    taro.says(&["stop-instances", &instance]);
    taro.instance_becomes(&instance, "stopped");
    taro.says(&["start-instances", &instance]);
    taro.instance_becomes(&instance, "running");
    // The other registration of the manifest has lost nothing.
    running(&taro, &second);
    assert_eq!(cloud.ask_walrus(DescribeCache {}).unwrap().misses, unpacked);
}
