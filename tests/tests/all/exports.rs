//! A cloud goes on from stores that were written to plain files and made anew of them.

use bundle::Kind;
use e2e::{Cloud, Service, Shape, User, bundles};
use store::{EngineConfig, export, import};

use crate::path::disk;

#[test]
fn a_cloud_goes_on_from_imported_stores() {
    let mut cloud = Cloud::raise(Shape::default());
    bundles::boot(&cloud.administrator());
    let user = cloud.add_user("taro");
    let image = bundles::registered(&user, "taros", "disk", Kind::Machine, &disk(100_000));
    user.put("taros", "note", b"kept");
    let instance = user.run(&User::launch(&image)).remove(0);
    let before = user.instance_becomes(&instance, "running");

    let services = [Service::Clc, Service::Walrus];
    services.iter().for_each(|&service| cloud.stop(service));
    for service in services {
        let store = EngineConfig::sled(cloud.data(service).join("store"));
        let file = cloud.scratch(&format!("{service:?}")).join("export");
        let rows = export(&store, &file).unwrap();
        std::fs::remove_dir_all(&store.path).unwrap();
        assert_eq!(import(&store, &file).unwrap(), rows);
    }
    services.iter().rev().for_each(|&service| cloud.start(service));

    let after = user.instance_becomes(&instance, "running");
    assert_eq!(after.private_ip_address, before.private_ip_address);
    assert_eq!(user.get("taros", "note").unwrap(), b"kept");
    let next = user.run(&User::launch(&image)).remove(0);
    user.instance_becomes(&next, "running");
}
