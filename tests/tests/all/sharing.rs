//! An image that its owner shares: run by who was given leave, though its bundle stays closed; with
//! a key of one's own and tags, all by euca.

use std::fs;

use e2e::{Cloud, Service, Shape, User};

use crate::path::{column, disk, registered, text};

const KEY: &str = include_str!("../../../clc/tests/data/rsa.pub");

/// The code that a command was refused with.
fn refused(user: &User, arguments: &[&str]) -> String {
    let said = user.euca(arguments);
    assert_eq!((said.status, said.out.as_str()), (1, ""), "{arguments:?}");
    let (_, rest) = said.err.split_once('(').unwrap();
    rest.split_once(')').unwrap().0.to_owned()
}

#[test]
fn a_shared_image_is_run_by_who_cannot_read_its_bundle() {
    let cloud = Cloud::raise(Shape { nodes: 1, ..Shape::default() });
    let (admin, folder) = (cloud.administrator(), cloud.scratch("bundles"));
    let file = cloud.scratch("files").join("vmlinuz");
    fs::write(&file, "vmlinuz".repeat(1000)).unwrap();
    let kernel = registered(&admin, &folder, &file, "boot", &["--kernel", "true"]);
    admin.image_becomes(&kernel, "available");
    let (taro, jiro) = (cloud.add_user("taro"), cloud.add_user("jiro"));
    let file = cloud.scratch("files").join("disk.img");
    fs::write(&file, disk(100_000)).unwrap();
    let image = registered(&taro, &folder, &file, "taros", &[]);
    taro.image_becomes(&image, "available");

    assert_eq!(refused(&jiro, &["run-instances", &image]), "InvalidAMIID.NotFound");
    let number = jiro.account.as_str();
    let said = taro.says(&["modify-image-attribute", &image, "-l", "-a", number]);
    assert_eq!(said, format!("launchPermission\t{image}\tADD\tUserId\t{number}\n"));
    let told = taro.says(&["describe-image-attribute", &image, "-l"]);
    assert_eq!(told, format!("launchPermission\t{image}\tuserId\t{number}\n"));
    assert_eq!(refused(&jiro, &["describe-image-attribute", &image, "-l"]), "AuthFailure");
    assert_eq!(refused(&jiro, &["reset-image-attribute", &image, "-l"]), "AuthFailure");
    assert_eq!(refused(&jiro, &["deregister", &image]), "AuthFailure");
    let closed = jiro.get("taros", "disk.img.manifest.xml").unwrap_err();
    assert_eq!(closed.code(), Some("AccessDenied"));

    let public = cloud.scratch("files").join("id.pub");
    fs::write(&public, KEY).unwrap();
    let said = jiro.says(&["import-keypair", "mine", "-f", text(&public)]);
    let print = "c2:8d:c6:33:25:ed:a3:ed:d5:71:41:f3:aa:48:81:aa";
    assert_eq!(said, format!("KEYPAIR\tmine\t{print}\n"));
    assert!(jiro.says(&["describe-images"]).contains(&image));
    let said = jiro.says(&["run-instances", "-k", "mine", &image]);
    let instance = column(&said, "INSTANCE").to_owned();
    jiro.instance_becomes(&instance, "running");
    let wish = cloud.data(Service::Node(0)).join("instances").join(&instance).join("spec.json");
    let wish: serde_json::Value = serde_json::from_slice(&fs::read(wish).unwrap()).unwrap();
    assert_eq!(wish["spec"]["metadata"]["key"]["openssh"], KEY.trim_end());

    // Each account has tags of its own on what both see.
    let tag = |user: &User, value: &str| {
        let said = user.says(&["create-tags", &image, "--tag", &format!("note={value}")]);
        assert_eq!(said, format!("TAG\timage\t{image}\tnote\t{value}\n"));
    };
    tag(&taro, "a");
    tag(&jiro, "b");
    jiro.says(&["create-tags", &instance, "--tag", "Name=web"]);
    let lines = taro.says(&["describe-images", &image]);
    assert!(lines.ends_with(&format!("TAG\timage\t{image}\tnote\ta\n")), "{lines}");
    let lines = jiro.says(&["describe-instances", "--filter", "tag:Name=w?b"]);
    assert!(lines.ends_with(&format!("TAG\tinstance\t{instance}\tName\tweb\n")), "{lines}");
    assert_eq!(jiro.says(&["describe-instances", "--filter", "tag:Name=db"]), "");
    let lines = jiro.says(&["describe-tags"]);
    let expected = format!("TAG\t{image}\timage\tnote\tb\nTAG\t{instance}\tinstance\tName\tweb\n");
    assert_eq!(lines, expected);
    jiro.says(&["delete-tags", &instance, "--tag", "Name="]);
    assert_eq!(jiro.says(&["describe-tags"]), expected);
    jiro.says(&["delete-tags", &instance, "--tag", "Name"]);

    let said = taro.says(&["reset-image-attribute", "-l", &image]);
    assert_eq!(said, format!("launchPermission\t{image}\tRESET\n"));
    assert_eq!(refused(&jiro, &["run-instances", &image]), "InvalidAMIID.NotFound");
    assert_eq!(jiro.says(&["describe-tags"]), "");
    assert!(taro.says(&["describe-tags"]).ends_with("\tnote\ta\n"));
    // What runs goes on.
    assert_eq!(jiro.instance(&instance).instance_state.name, "running");
    jiro.says(&["terminate-instances", &instance]);
    jiro.instance_becomes(&instance, "terminated");
    taro.says(&["deregister", &image]);
    assert_eq!(taro.says(&["describe-tags"]), "");
}
