//! Commands against a server that answers what it is told: requests, lines and exit statuses.

use std::os::unix::fs::PermissionsExt;

use crate::program::call;
use crate::server::{Answer, Server};

const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----";

fn key_pair(pem: &str) -> String {
    format!(
        "<CreateKeyPairResponse><keyName>k</keyName><keyFingerprint>aa:bb</keyFingerprint>\
         <keyMaterial>{pem}</keyMaterial><keyPairId>key-0123456789abcdef0</keyPairId>\
         </CreateKeyPairResponse>"
    )
}

#[test]
fn a_new_key_is_printed_after_its_line_or_written_to_a_file() {
    let server = Server::start(|_, _| Answer::xml(200, key_pair(PEM)));
    let variables = [("EC2_URL", server.url.as_str())];
    let printed = call(&["euca-add-keypair", "k"], &variables);
    assert_eq!((printed.status, printed.err.as_str()), (0, ""));
    assert_eq!(printed.out, format!("KEYPAIR\tk\taa:bb\n{PEM}\n"));

    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k.pem");
    let arguments = ["euca-create-keypair", "k", "-f", file.to_str().unwrap()];
    let written = call(&arguments, &variables);
    assert_eq!((written.status, written.out.as_str()), (0, "KEYPAIR\tk\taa:bb\n"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{PEM}\n"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let nowhere = dir.path().join("absent/k.pem");
    let arguments = ["euca-create-keypair", "k", "-f", nowhere.to_str().unwrap()];
    assert_eq!(call(&arguments, &variables).status, 1);
    assert_eq!(server.seen().len(), 2, "no key is made that cannot be kept");
}

#[test]
fn the_line_before_an_ed25519_key_goes_to_standard_error() {
    let pem = PEM.replace("RSA", "OPENSSH");
    let answer = key_pair(&pem);
    let server = Server::start(move |_, _| Answer::xml(200, answer.clone()));
    let arguments = ["euca-create-keypair", "k", "--key-type", "ed25519"];
    let called = call(&arguments, &[("EC2_URL", &server.url)]);
    assert_eq!((called.status, called.err.as_str()), (0, "KEYPAIR\tk\taa:bb\n"));
    assert_eq!(called.out, format!("{pem}\n"));
    assert_eq!(server.seen()[0].parameter("KeyType").as_deref(), Some("ed25519"));
}

#[test]
fn api_errors_exit_with_1_and_name_the_command() {
    let server = Server::start(|_, _| {
        Answer::xml(
            400,
            "<Response><Errors><Error><Code>InvalidKeyPair.Duplicate</Code>\
             <Message>there is one</Message></Error></Errors><RequestID>r</RequestID></Response>",
        )
    });
    let called = call(&["euca", "add-keypair", "k", "-U", &server.url], &[]);
    assert_eq!((called.status, called.out.as_str()), (1, ""));
    assert_eq!(called.err, "euca-add-keypair: error (InvalidKeyPair.Duplicate): there is one\n");
}

#[test]
fn run_instances_sends_what_it_was_given_and_a_token() {
    let server = Server::start(|_, _| Answer::xml(400, ""));
    let arguments = [
        "euca-run-instances",
        "emi-12345678",
        "-k",
        "mykey",
        "-n",
        "1-3",
        "-t",
        "m1.large",
        "-z",
        "eucalyptus-1a",
        "-g",
        "one",
        "-g",
        "two",
        "-d",
        "hello",
        "-b",
        "/dev/sdb=ephemeral0",
        "--kernel",
        "eki-12345678",
    ];
    assert_eq!(call(&arguments, &[("EC2_URL", &server.url)]).status, 1);
    let seen = server.seen();
    for (name, value) in [
        ("ImageId", "emi-12345678"),
        ("KeyName", "mykey"),
        ("MinCount", "1"),
        ("MaxCount", "3"),
        ("InstanceType", "m1.large"),
        ("Placement.AvailabilityZone", "eucalyptus-1a"),
        ("SecurityGroup.1", "one"),
        ("SecurityGroup.2", "two"),
        ("UserData", "aGVsbG8="),
        ("BlockDeviceMapping.1.DeviceName", "/dev/sdb"),
        ("BlockDeviceMapping.1.VirtualName", "ephemeral0"),
        ("KernelId", "eki-12345678"),
    ] {
        assert_eq!(seen[0].parameter(name).as_deref(), Some(value), "{name}");
    }
    assert!(seen[0].parameter("ClientToken").unwrap().len() >= 16);
    assert_eq!(seen[0].parameter("RamdiskId"), None);
}

#[test]
fn images_are_asked_for_twice_by_default_and_shown_once() {
    let image = |id: &str| {
        format!(
            "<item><imageId>{id}</imageId><imageLocation>b/{id}.xml</imageLocation>\
             <imageState>failed</imageState><imageOwnerId>000000000001</imageOwnerId>\
             <isPublic>true</isPublic><architecture>i386</architecture>\
             <imageType>machine</imageType><stateReason><code>Client.InvalidManifest</code>\
             <message>part 3</message></stateReason><rootDeviceType>instance-store</rootDeviceType>\
             <virtualizationType>paravirtual</virtualizationType><hypervisor>kvm</hypervisor></item>"
        )
    };
    let set = |items: String| {
        format!("<DescribeImagesResponse><imagesSet>{items}</imagesSet></DescribeImagesResponse>")
    };
    let server = Server::start(move |_, seen| {
        let own = seen.parameter("Owner.1").is_some();
        let items = image("emi-00000002");
        Answer::xml(200, set(if own { items } else { items + &image("emi-00000001") }))
    });
    let called = call(&["euca-describe-images"], &[("EC2_URL", &server.url)]);
    let line = |n| {
        format!(
            "IMAGE\temi-0000000{n}\tb/emi-0000000{n}.xml\t000000000001\tfailed\tpublic\ti386\t\
             machine\t\t\t\tinstance-store\tparavirtual\tkvm\n"
        )
    };
    assert_eq!(called.out, line(1) + &line(2));
    assert!(called.err.contains("warning: emi-00000001 is failed: part 3\n"), "{}", called.err);
    let seen = server.seen();
    assert_eq!(seen[1].parameter("ExecutableBy.1").as_deref(), Some("self"));
    call(&["euca-describe-images", "-a", "--filter", "state=failed"], &[("EC2_URL", &server.url)]);
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2].parameter("Owner.1"), None);
    assert_eq!(seen[2].parameter("Filter.1.Value.1").as_deref(), Some("failed"));
}

#[test]
fn console_output_is_unpacked() {
    let server = Server::start(|_, _| {
        Answer::xml(
            200,
            "<GetConsoleOutputResponse><instanceId>i-00000001</instanceId>\
             <timestamp>2026-11-22T10:50:32.000Z</timestamp><output>YhtbMQo=</output>\
             </GetConsoleOutputResponse>",
        )
    });
    let variables = [("EC2_URL", server.url.as_str())];
    let head = "i-00000001\n2026-11-22T10:50:32.000Z\n";
    let shown = call(&["euca-get-console-output", "i-00000001"], &variables);
    assert_eq!(shown.out, format!("{head}b^[[1\n\n"));
    let raw = call(&["euca-get-console-output", "-r", "i-00000001"], &variables);
    assert_eq!(raw.out, format!("{head}b\x1b[1\n\n"));
}
