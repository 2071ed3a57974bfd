//! The main path, typed by a person: bundle, upload, register, key pair, run, describe, console,
//! terminate; with two nodes, so that the two instances part.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use e2e::{Cloud, Service, Shape, User};

/// Bytes that hardly compress, with a hole in them.
pub(crate) fn disk(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut bytes: Vec<u8> = (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    bytes[length / 4..length / 2].fill(0);
    bytes
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The second column of a line that begins with this word.
pub(crate) fn column<'a>(out: &'a str, word: &str) -> &'a str {
    let mut lines = out.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix('\t'));
    let line = lines.next().unwrap_or_else(|| panic!("no {word} in {out}"));
    line.split('\t').next().unwrap()
}

/// Bundles, uploads and registers a file with euca; gives the image's id.
pub(crate) fn registered(
    user: &User,
    folder: &Path,
    file: &Path,
    bucket: &str,
    options: &[&str],
) -> String {
    let bundling = [&["bundle-image", "-i", text(file), "-d", text(folder)], options].concat();
    let out = user.says(&bundling);
    let manifest = out.trim_end().strip_prefix("Wrote manifest ").unwrap();
    let out = user.says(&["upload-bundle", "-b", bucket, "-m", manifest]);
    let location = out.trim_end().strip_prefix("Uploaded ").unwrap();
    column(&user.says(&["register", location]), "IMAGE").to_owned()
}

#[test]
fn an_image_becomes_two_machines_by_euca_alone() {
    let cloud = Cloud::raise(Shape { nodes: 2, ..Shape::default() });
    let (admin, folder) = (cloud.administrator(), cloud.scratch("bundles"));
    let mut boot = Vec::new();
    for (name, option) in [("vmlinuz", "--kernel"), ("initrd", "--ramdisk")] {
        let file = cloud.scratch("files").join(name);
        fs::write(&file, name.repeat(1000)).unwrap();
        let id = registered(&admin, &folder, &file, "boot", &[option, "true"]);
        admin.image_becomes(&id, "available");
        boot.push(id);
    }
    let user = cloud.add_user("taro");
    let file = cloud.scratch("files").join("disk 日本.img");
    fs::write(&file, disk(700_000)).unwrap();
    let options = ["--part-size", "200000", "-p", "disk"];
    let image = registered(&user, &folder, &file, "taros/deep", &options);
    let described = user.image_becomes(&image, "available");
    assert_eq!(described.image_location, "taros/deep/disk.manifest.xml");
    assert_eq!((described.is_public, described.architecture.as_str()), (false, "x86_64"));
    let listed = user.says(&["describe-images", "-a"]);
    for id in [&image, &boot[0], &boot[1]] {
        assert!(listed.contains(&format!("IMAGE\t{id}\t")), "{listed}");
    }

    let out = user.says(&["add-keypair", "鍵 1"]);
    assert_eq!(column(&out, "KEYPAIR"), "鍵 1");
    assert!(out.contains("-----BEGIN RSA PRIVATE KEY-----"), "{out}");

    let out = user.says(&["run-instances", "-k", "鍵 1", "-n", "2", &image]);
    let reservation = column(&out, "RESERVATION").to_owned();
    let lines = out.lines().filter(|line| line.starts_with("INSTANCE\t"));
    let ids: Vec<_> = lines.map(|line| column(line, "INSTANCE").to_owned()).collect();
    assert_eq!(ids.len(), 2, "{out}");
    let running: Vec<_> = ids.iter().map(|id| user.instance_becomes(id, "running")).collect();

    // As it is described, so it is wished, and so the nodes have it.
    let mut nodes = BTreeSet::new();
    for (index, instance) in running.iter().enumerate() {
        assert_eq!(instance.kernel_id.as_ref(), Some(&boot[0]), "the default kernel");
        assert_eq!(instance.ramdisk_id.as_ref(), Some(&boot[1]), "the default ramdisk");
        assert_eq!(
            (instance.ami_launch_index as usize, instance.image_id.as_str()),
            (index, image.as_str())
        );
        let address = instance.private_ip_address.clone().unwrap();
        let mut wishes = (0..2).filter_map(|node| {
            let path = cloud.data(Service::Node(node)).join("instances");
            let wish = fs::read(path.join(instance.instance_id.as_str()).join("spec.json")).ok()?;
            Some((node, serde_json::from_slice::<serde_json::Value>(&wish).unwrap()))
        });
        let (node, wish) = wishes.next().expect("a node has it");
        assert!(address.starts_with(&format!("10.{}.", 111 + node)), "{address} on {node}");
        let (spec, id) = (&wish["spec"], instance.instance_id.as_str());
        let mac = format!("d0:0d:{}:{}:{}:{}", &id[2..4], &id[4..6], &id[6..8], &id[8..10]);
        assert_eq!(spec["network"]["address"], address);
        assert_eq!(spec["network"]["mac"], mac);
        let metadata = &spec["metadata"];
        assert_eq!(metadata["manifest_path"], described.image_location);
        assert_eq!(metadata["reservation"], reservation);
        assert_eq!(metadata["launch_index"], index);
        assert_eq!(metadata["key"]["name"], "鍵 1");
        assert!(metadata["key"]["openssh"].as_str().unwrap().starts_with("ssh-rsa "));
        let plain = cloud.data(Service::Node(node)).join("images");
        let plain = plain.join(spec["root"]["image"]["sha256"].as_str().unwrap());
        assert!(fs::read(plain).unwrap() == disk(700_000), "the node has the image, bit by bit");
        nodes.insert(node);
    }
    assert_eq!(nodes.len(), 2, "load is spread");

    let out = user.says(&["describe-instances", &ids[0]]);
    assert!(out.contains(&format!("INSTANCE\t{}\t{image}\t", ids[0])), "{out}");
    let out = user.says(&["get-console-output", &ids[0]]);
    assert!(out.contains(&format!("simulated machine {} ", ids[0])), "{out}");

    let out = user.says(&["terminate-instances", &ids[0], &ids[1]]);
    assert!(out.contains(&format!("INSTANCE\t{}\trunning\tshutting-down", ids[0])), "{out}");
    ids.iter().for_each(|id| drop(user.instance_becomes(id, "terminated")));
    user.says(&["deregister", &image]);
    user.says(&["delete-keypair", "鍵 1"]);
    assert_eq!(user.says(&["describe-keypairs"]), "");
    assert!(!user.says(&["describe-images"]).contains(&image));
    cloud.assert_nothing_left();
}

#[test]
fn eucas_own_bundle_reads_back_for_its_owner() {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let user = cloud.add_user("hanako");
    let (folder, back) = (cloud.scratch("bundle"), cloud.scratch("back"));
    let file = cloud.scratch("files").join("disk.img");
    for length in [0, 1, 300_001] {
        let bytes = disk(length.max(4))[..length].to_vec();
        fs::write(&file, &bytes).unwrap();
        let options = ["-d", text(&folder), "--part-size", "100000"];
        user.says(&[&["bundle-image", "-i", text(&file)], &options[..]].concat());
        let manifest = folder.join("disk.img.manifest.xml");
        let to = ["-s", text(&folder), "-d", text(&back)];
        user.says(&[&["unbundle", "-m", text(&manifest)], &to[..]].concat());
        assert!(fs::read(back.join("disk.img")).unwrap() == bytes, "{length} bytes");
        let names = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
        names.for_each(|path| fs::remove_file(path).unwrap());
        fs::remove_file(back.join("disk.img")).unwrap();
    }
}
