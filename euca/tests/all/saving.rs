//! Instances saved by the cloud, against a server that answers what it is told.

use common::s3::post_policy::{Fields, Policy};
use common::sign::PolicyClaim;

use crate::program::call;
use crate::server::{Answer, Seen, Server};

const TASK: &str = "<bundleInstanceTask><instanceId>i-00000001</instanceId>\
    <bundleId>bun-00000002</bundleId><state>bundling</state>\
    <startTime>2026-11-23T06:00:00.000Z</startTime>\
    <updateTime>2026-11-23T06:01:00.000Z</updateTime><progress>42%</progress>\
    <storage><S3><bucket>b</bucket><prefix>p</prefix></S3></storage></bundleInstanceTask>";
const LINE: &str = "BUNDLE\tbun-00000002\ti-00000001\tb\tp\t2026-11-23T06:00:00.000Z\t\
    2026-11-23T06:01:00.000Z\tbundling\t42%\tb/p.manifest.xml\n";

fn server(answer: String) -> Server {
    Server::start(move |_, _| Answer::xml(200, answer.clone()))
}

fn said(arguments: &[&str]) -> (String, Seen) {
    let server = server(format!("<R><requestId>r</requestId>{TASK}</R>"));
    let called = call(arguments, &[("EC2_URL", &server.url)]);
    assert_eq!((called.status, called.err.as_str()), (0, ""), "{arguments:?}");
    (called.out, server.seen().remove(0))
}

fn policy(seen: &Seen) -> (PolicyClaim, Policy) {
    let text = |name: &str| seen.parameter(&format!("Storage.S3.{name}")).unwrap();
    let policy = text("UploadPolicy");
    let claim =
        PolicyClaim::v2(&text("AWSAccessKeyId"), &policy, &text("UploadPolicySignature")).unwrap();
    (claim, Policy::read(&policy).unwrap())
}

fn admits(policy: &Policy, bucket: &str, key: &str) -> bool {
    let mut fields = Fields::default();
    for (name, value) in [("bucket", bucket), ("key", key), ("acl", "ec2-bundle-read")] {
        fields.add(name, value).unwrap();
    }
    policy.check(&fields, common::time::Timestamp::EPOCH).is_ok()
}

#[test]
fn an_instance_is_saved_with_a_policy_of_the_owner() {
    let (out, seen) = said(&["euca-bundle-instance", "i-00000001", "-b", "b1b", "-p", "p/q"]);
    assert_eq!(out, LINE);
    assert_eq!(seen.parameter("Storage.S3.Bucket").as_deref(), Some("b1b"));
    assert_eq!(seen.parameter("Storage.S3.Prefix").as_deref(), Some("p/q"));
    let (_, own) = policy(&seen);
    assert!(
        admits(&own, "b1b", "p/q.part.0") && !admits(&own, "b1b", "q") && !admits(&own, "c", "p/q")
    );

    for arguments in [
        ["-o", "AKX", "-w", "SEC"],
        ["--owner-akid", "AKX", "--owner-sak", "SEC"],
        ["--user-access-key", "AKX", "--user-secret-key", "SEC"],
        ["--user-access-key-id", "AKX", "--user-secret-key", "SEC"],
    ] {
        let all =
            [&["euca-bundle-instance", "i-1", "-b", "b1b", "-p", "p"][..], &arguments].concat();
        let (_, seen) = said(&all);
        let (claim, _) = policy(&seen);
        assert_eq!(claim.access_key_id(), "AKX");
        assert!(claim.verify("SEC").is_ok(), "{arguments:?}");
        assert!(!seen.body.windows(3).any(|it| it == b"SEC"), "the secret is not sent");
    }
    // A policy of one's own making; its signature may be there already.
    let given = policy(&seen).0.policy().to_owned();
    let base = ["euca-bundle-instance", "i-1", "-b", "b1b", "-p", "p", "-o", "AKX", "-c", &given];
    let (_, seen) = said(&[&base[..], &["-w", "SEC", "-x", "0.5"]].concat());
    assert!(policy(&seen).0.verify("SEC").is_ok());
    let (_, seen) = said(&[&base[..], &["-s", "c2lnbmVk"]].concat());
    assert_eq!(seen.parameter("Storage.S3.UploadPolicySignature").as_deref(), Some("c2lnbmVk"));
    assert_eq!(seen.parameter("Storage.S3.UploadPolicy").as_deref(), Some(given.as_str()));

    let server = server(String::new());
    for wrong in [
        &["-o", "AKX"][..],
        &["-w", "SEC"],
        &["-s", "c2lnbmVk"],
        &["-x", "0"],
        &["-x", "-1"],
        &["-x", "nan"],
    ] {
        let all = [&["euca-bundle-instance", "i-1", "-b", "b1b", "-p", "p"][..], wrong].concat();
        let called = call(&all, &[("EC2_URL", &server.url)]);
        assert_eq!((called.status, called.out.as_str()), (2, ""), "{wrong:?}: {}", called.err);
    }
    assert!(server.seen().is_empty());
}

#[test]
fn tasks_are_listed_and_cancelled() {
    let (out, seen) = said(&["euca-cancel-bundle-task", "bun-00000002"]);
    assert_eq!((out.as_str(), seen.parameter("BundleId").as_deref()), (LINE, Some("bun-00000002")));

    let rest = "</storage><consistency>flushed</consistency>";
    let item = TASK.replace("bundleInstanceTask>", "item>").replace("</storage>", rest);
    let failed = item.replace(
        "</item>",
        "<error><code>Client.Cancelled</code><message>as asked</message></error></item>",
    );
    let set = format!("<R><bundleInstanceTasksSet>{item}{failed}</bundleInstanceTasksSet></R>");
    let server = server(set);
    let arguments = ["euca-describe-bundle-tasks", "bun-00000002", "--filter", "state=bundling"];
    let called = call(&arguments, &[("EC2_URL", &server.url)]);
    assert_eq!((called.status, called.out), (0, LINE.repeat(2)));
    assert!(called.err.contains("bun-00000002 is bundling: as asked (Client.Cancelled)"));
    let verbose = call(&["euca-describe-bundle-tasks", "-v"], &[("EC2_URL", &server.url)]);
    assert_eq!(verbose.out, format!("{LINE}CONSISTENCY\tbun-00000002\tflushed\n").repeat(2));
    let seen = server.seen().remove(0);
    assert_eq!(seen.parameter("BundleId.1").as_deref(), Some("bun-00000002"));
    assert_eq!(seen.parameter("Filter.1.Name").as_deref(), Some("state"));
}

#[test]
fn an_image_is_made() {
    let server = server("<R><imageId>emi-00000003</imageId></R>".to_owned());
    let arguments = [
        "euca-create-image",
        "i-00000001",
        "-n",
        "copy",
        "-d",
        "as it was",
        "--no-reboot",
        "-b",
        "sdb=ephemeral0",
        "-b",
        "sdc=none",
    ];
    let called = call(&arguments, &[("EC2_URL", &server.url)]);
    assert_eq!((called.status, called.out.as_str()), (0, "IMAGE\temi-00000003\n"));
    let seen = server.seen().remove(0);
    for (name, value) in [
        ("InstanceId", "i-00000001"),
        ("Name", "copy"),
        ("Description", "as it was"),
        ("NoReboot", "true"),
        ("BlockDeviceMapping.1.VirtualName", "ephemeral0"),
        ("BlockDeviceMapping.2.NoDevice", "true"),
    ] {
        assert_eq!(seen.parameter(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(call(&["euca-create-image", "i-1"], &[("EC2_URL", &server.url)]).status, 2);
}
