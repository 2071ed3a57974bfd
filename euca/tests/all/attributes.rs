//! Tags, attributes of images and imported keys against a server that answers what it is told.

use crate::program::call;
use crate::server::{Answer, Seen, Server};

const DONE: &str = "<R><requestId>r</requestId><return>true</return></R>";

fn server(answer: &'static str) -> Server {
    Server::start(move |_, _| Answer::xml(200, answer))
}

/// Calls a command that must succeed; gives what it printed and sent.
fn said(answer: &'static str, arguments: &[&str]) -> (String, Seen) {
    let server = server(answer);
    let called = call(arguments, &[("EC2_URL", &server.url)]);
    assert_eq!((called.status, called.err.as_str()), (0, ""), "{arguments:?}");
    (called.out, server.seen().remove(0))
}

fn assert_sent(seen: &Seen, expected: &[(&str, Option<&str>)]) {
    for (name, value) in expected {
        assert_eq!(seen.parameter(name).as_deref(), *value, "{name}");
    }
}

#[test]
fn tags_are_sent_and_printed_as_3_4_does() {
    let arguments =
        ["euca-create-tags", "i-00000001", "EMI-00000002", "--tag", "a=b=c", "--tag", "empty"];
    let (out, seen) = said(DONE, &arguments);
    assert_eq!(
        out,
        "TAG\tinstance\ti-00000001\ta\tb=c\nTAG\tinstance\ti-00000001\tempty\t\n\
         TAG\timage\tEMI-00000002\ta\tb=c\nTAG\timage\tEMI-00000002\tempty\t\n"
    );
    assert_sent(
        &seen,
        &[
            ("ResourceId.2", Some("EMI-00000002")),
            ("Tag.1.Key", Some("a")),
            ("Tag.1.Value", Some("b=c")),
            ("Tag.2.Value", Some("")),
        ],
    );

    let arguments = ["euca-delete-tags", "i-00000001", "--tag", "a", "--tag", "b=", "--tag", "c=d"];
    let (out, seen) = said(DONE, &arguments);
    assert_eq!(out, "");
    assert_sent(
        &seen,
        &[
            ("Tag.1.Key", Some("a")),
            ("Tag.1.Value", None),
            ("Tag.2.Value", Some("")),
            ("Tag.3.Value", Some("d")),
        ],
    );

    let answer = "<R><tagSet><item><resourceId>emi-00000001</resourceId>\
                  <resourceType>image</resourceType><key>a</key><value/></item></tagSet></R>";
    let (out, seen) = said(answer, &["euca-describe-tags", "--filter", "key=a"]);
    assert_eq!(out, "TAG\temi-00000001\timage\ta\t\n");
    assert_sent(&seen, &[("Filter.1.Name", Some("key")), ("Filter.1.Value.1", Some("a"))]);
}

#[test]
fn launch_permission_is_changed_told_and_reset() {
    let id = "emi-00000001";
    let arguments =
        ["euca-modify-image-attribute", id, "-l", "-a", "all", "-a", "000000000002", "-r", "3"];
    let (out, seen) = said(DONE, &arguments);
    assert_eq!(
        out,
        "launchPermission\temi-00000001\tADD\tGroup\tall\n\
         launchPermission\temi-00000001\tADD\tUserId\t000000000002\n\
         launchPermission\temi-00000001\tREMOVE\tUserId\t3\n"
    );
    assert_sent(
        &seen,
        &[
            ("LaunchPermission.Add.1.Group", Some("all")),
            ("LaunchPermission.Add.1.UserId", None),
            ("LaunchPermission.Add.2.UserId", Some("000000000002")),
            ("LaunchPermission.Remove.1.UserId", Some("3")),
            ("Description.Value", None),
        ],
    );
    let (out, seen) = said(DONE, &["euca-modify-image-attribute", id, "-p", "A", "-p", "B"]);
    assert_eq!(
        out,
        "productcodes\temi-00000001\tproductCode\tA\nproductcodes\temi-00000001\tproductCode\tB\n"
    );
    assert_sent(&seen, &[("ProductCode.2", Some("B"))]);
    let (out, seen) = said(DONE, &["euca-modify-image-attribute", id, "--description", "x"]);
    assert_eq!(out, "description\temi-00000001\t\tx\n");
    assert_sent(&seen, &[("Description.Value", Some("x"))]);

    let (out, seen) = said(DONE, &["euca-reset-image-attribute", "-l", id]);
    assert_eq!(out, "launchPermission\temi-00000001\tRESET\n");
    assert_sent(&seen, &[("Attribute", Some("launchPermission"))]);

    for (option, inner, lines) in [
        (
            "-l",
            "<launchPermission><item><group>all</group></item><item><userId>000000000002</userId>\
             </item></launchPermission>",
            "launchPermission\temi-00000001\tgroup\tall\n\
             launchPermission\temi-00000001\tuserId\t000000000002\n",
        ),
        ("--launch-permission", "<launchPermission/>", ""),
        (
            "--product-code",
            "<productCodes><item><productCode>A</productCode></item></productCodes>",
            "productCodes\temi-00000001\tproductCode\tA\n",
        ),
        (
            "-B",
            "<blockDeviceMapping><item><deviceName>sda1</deviceName><virtualName>emi</virtualName>\
             </item></blockDeviceMapping>",
            "blockDeviceMapping\temi-00000001\tblockDeviceMap\tsda1: emi\n",
        ),
        (
            "--kernel",
            "<kernel><value>eki-00000001</value></kernel>",
            "kernel\temi-00000001\t\teki-00000001\n",
        ),
        ("--ramdisk", "<ramdisk/>", ""),
        (
            "--description",
            "<description><value>x</value></description>",
            "description\temi-00000001\t\tx\n",
        ),
    ] {
        let answer = format!("<R><imageId>{id}</imageId>{inner}</R>");
        let server = Server::start(move |_, _| Answer::xml(200, answer.clone()));
        let arguments = ["euca-describe-image-attribute", id, option];
        let called = call(&arguments, &[("EC2_URL", &server.url)]);
        assert_eq!((called.status, called.out.as_str()), (0, lines), "{option}: {}", called.err);
    }
}

#[test]
fn wrong_calls_are_told_before_anything_is_sent() {
    let server = server(DONE);
    for arguments in [
        &["euca-create-tags", "--tag", "a"][..],
        &["euca-create-tags", "i-1"],
        &["euca-create-tags", "i-1", "--tag", "=x"],
        &["euca-delete-tags", "i-1"],
        &["euca-describe-tags", "--filter", "colour=red"],
        &["euca-modify-image-attribute", "emi-1"],
        &["euca-modify-image-attribute", "emi-1", "-l"],
        &["euca-modify-image-attribute", "emi-1", "-a", "all"],
        &["euca-modify-image-attribute", "emi-1", "-l", "-p", "A", "-a", "all"],
        &["euca-modify-image-attribute", "emi-1", "-p", "A", "-a", "all"],
        &["euca-describe-image-attribute", "emi-1"],
        &["euca-describe-image-attribute", "emi-1", "-l", "-p"],
        &["euca-reset-image-attribute", "emi-1"],
        &["euca-import-keypair", "k"],
    ] {
        let called = call(arguments, &[("EC2_URL", &server.url)]);
        assert_eq!((called.status, called.out.as_str()), (2, ""), "{arguments:?}: {}", called.err);
    }
    assert!(server.seen().is_empty());
}

#[test]
fn a_public_key_is_read_from_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("id.pub");
    std::fs::write(&file, "ssh-rsa AAAA x\n").unwrap();
    let answer = "<R><keyName>k</keyName><keyFingerprint>aa:bb</keyFingerprint>\
                  <keyPairId>key-00000001</keyPairId></R>";
    let arguments = ["euca-import-keypair", "k", "-f", file.to_str().unwrap()];
    let (out, seen) = said(answer, &arguments);
    assert_eq!(out, "KEYPAIR\tk\taa:bb\n");
    assert_sent(&seen, &[("PublicKeyMaterial", Some("c3NoLXJzYSBBQUFBIHgK"))]);

    std::fs::write(&file, "x".repeat(70_000)).unwrap();
    let absent = dir.path().join("absent");
    for path in [&file, &absent] {
        let arguments = ["euca-import-keypair", "k", "-f", path.to_str().unwrap()];
        let called = call(&arguments, &[("EC2_URL", "http://127.0.0.1:1/")]);
        assert_eq!(called.status, 1);
        assert!(called.err.contains(path.to_str().unwrap()), "{}", called.err);
    }
}
