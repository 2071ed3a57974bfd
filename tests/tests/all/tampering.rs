//! What is changed in a bucket after its registration is noticed when the image is next unpacked.

use bundle::Kind;
use common::ec2::instances::Instance;
use common::wire::walrus::{BundleRef, DescribeCache, ForgetImage};
use e2e::bundles::{self, Bundle, make};
use e2e::{Cloud, Shape, User, wait};
use sha2::{Digest as _, Sha256};

use crate::path::disk;

/// Registers a bundle, lets walrus forget its plain image, spoils it, and runs it; gives what
/// became of the instance.
fn run_spoiled(
    cloud: &Cloud,
    user: &User,
    prefix: &str,
    spoil: impl FnOnce(&mut Bundle),
) -> Instance {
    let mut bundle = make(user, prefix, Kind::Machine, &disk(40_000));
    let location = bundle.upload(user, "taros");
    let image = user.register(&location);
    user.image_becomes(&image, "available");
    let before = cloud.ask_walrus(DescribeCache {}).unwrap().images;
    let manifest_sha256 = hex::encode(Sha256::digest(&bundle.manifest));
    let bundle_ref = BundleRef { location, manifest_sha256 };
    cloud.ask_walrus(ForgetImage { bundle: bundle_ref }).unwrap();
    wait::until("the plain image has gone", || match cloud.ask_walrus(DescribeCache {}).unwrap() {
        cache if cache.images + 1 == before => Ok(()),
        cache => Err(cache),
    });
    spoil(&mut bundle);
    bundle.upload(user, "taros");
    let id = user.run(&User::launch(&image)).remove(0);
    user.instance_becomes(&id, "terminated")
}

#[test]
fn tampering_after_registration_is_noticed_at_the_next_use() {
    let cloud = Cloud::raise(Shape::default());
    bundles::boot(&cloud.administrator());
    let user = cloud.add_user("taro");
    let reason = |instance: Instance| {
        let reason = instance.state_reason.expect("it says why");
        assert_eq!(reason.code, "Client.InvalidImage", "{reason:?}");
        reason.message
    };
    let flipped = run_spoiled(&cloud, &user, "flip", |bundle| bundle.parts[1].1[77] ^= 1);
    assert!(reason(flipped).contains("part flip.part.1 is damaged"));
    let longer = run_spoiled(&cloud, &user, "longer", |bundle| bundle.parts[2].1.push(0));
    let longer = reason(longer);
    assert!(longer.contains("longer.part.2"), "{longer}");
    let other = run_spoiled(&cloud, &user, "other", |bundle| {
        *bundle = make(&user, "other", Kind::Machine, b"something else");
    });
    let other = reason(other);
    assert!(
        other.contains("taros/other.manifest.xml is not the one that was registered"),
        "{other}"
    );
    cloud.assert_nothing_left();
}

#[test]
fn an_image_that_was_evicted_is_unpacked_again() {
    let cloud = Cloud::raise(Shape::default());
    let admin = cloud.administrator();
    bundles::boot(&admin);
    let image = bundles::registered(&admin, "images", "disk", Kind::Machine, &disk(900 << 10));
    cloud.set("walrus.storagemaxcachesizeinmb", "1");
    let other = bundles::registered(&admin, "images", "next", Kind::Machine, &disk(800 << 10));
    assert!(cloud.ask_walrus(DescribeCache {}).unwrap().evictions > 0);
    for image in [image, other] {
        let id = admin.run(&User::launch(&image)).remove(0);
        admin.instance_becomes(&id, "running");
    }
}
