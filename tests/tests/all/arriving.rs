//! Parts of bundles are looked at while they arrive: registration knows what became of them.

use std::fs;

use bundle::Kind;
use e2e::bundles::make;
use e2e::{Cloud, Service, Shape, cloud};

use crate::path::disk;

/// The file of walrus in which these bytes lie.
fn stored(cloud: &Cloud, bytes: &[u8]) -> std::path::PathBuf {
    let objects = cloud.data(Service::Walrus).join("objects");
    let mut found = cloud::files(&objects).into_iter();
    found.find(|file| fs::read(file).is_ok_and(|read| read == bytes)).expect("it is stored")
}

#[test]
fn a_part_that_arrived_damaged_fails_its_image_before_any_is_read() {
    let mut cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let user = cloud.add_user("taro");
    let mut bundle = make(&user, "disk", Kind::Machine, &disk(60_000));
    let (name, good) = bundle.parts[2].clone();
    bundle.parts[2].1[9] ^= 1;
    let location = bundle.upload(&user, "taros");
    assert_eq!(user.get("taros", &name).unwrap(), bundle.parts[2].1, "stored as it was sent");
    cloud.restart(&[Service::Walrus]);
    // Were the first part read, it would be the one to blame.
    let first = stored(&cloud, &bundle.parts[0].1);
    fs::write(&first, b"").unwrap();
    let image = user.register(&location);
    let failed = user.image_becomes(&image, "failed");
    let reason = failed.state_reason.expect("a failed image has a reason").message;
    assert!(reason.contains(&format!("part {name} is damaged: its SHA-1 is")), "{reason}");
    user.says(&["deregister", &image]);
    // The right one takes its place, and what was remembered of the other goes with it.
    fs::write(&first, &bundle.parts[0].1).unwrap();
    user.put("taros", &name, &good);
    let image = user.register(&location);
    user.image_becomes(&image, "available");
}
