//! What policies let a user do: each operation is refused without its permissions, done with exactly
//! these, and refused with all but one of them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::iam::entity::PolicySet;
use common::s3::routes::{BY_SOURCE, ROUTES};
use common::sign::{Credentials, sign_policy_v2};
use md5::{Digest as _, Md5};
use runtime::clock::Clock;

use crate::http::Reply;
use crate::world::{Who, World, wait};

/// An operation as a client asks for it, and what it must be allowed: actions and ARNs without
/// their beginnings.
struct Row {
    name: &'static str,
    method: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    needs: &'static [(&'static str, &'static str)],
}

const fn row(
    name: &'static str,
    (method, target): (&'static str, &'static str),
    needs: &'static [(&'static str, &'static str)],
) -> Row {
    Row { name, method, target, headers: &[], body: "", needs }
}

const fn with(
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    row: Row,
) -> Row {
    Row { headers, body, ..row }
}

const READ: &[(&str, &str)] = &[("GetObject", "buck/key")];
const WRITE: &[(&str, &str)] = &[("PutObject", "buck/new")];
const COPY: &[(&str, &str)] = &[("GetObject", "buck/key"), ("PutObject", "buck/new")];
const SOURCE: &[(&str, &str)] = &[("x-amz-copy-source", "/buck/key")];
const PUBLIC: &[(&str, &str)] = &[("x-amz-acl", "public-read")];
const LIST: &str = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"x\"</ETag>\
                    </Part></CompleteMultipartUpload>";

/// Every operation but those whose needs stand in their body. `UPLOAD` is an open upload of `new`.
const OPERATIONS: &[Row] = &[
    row("ListBuckets", ("GET", "/"), &[("ListAllMyBuckets", "*")]),
    row("CreateBucket", ("PUT", "/fresh"), &[("CreateBucket", "fresh")]),
    with(
        PUBLIC,
        "",
        row(
            "CreateBucket",
            ("PUT", "/open"),
            &[("CreateBucket", "open"), ("PutBucketAcl", "open")],
        ),
    ),
    row("HeadBucket", ("HEAD", "/buck"), &[("ListBucket", "buck")]),
    row("DeleteBucket", ("DELETE", "/empty"), &[("DeleteBucket", "empty")]),
    row("GetBucketLocation", ("GET", "/buck?location"), &[("GetBucketLocation", "buck")]),
    row("ListObjects", ("GET", "/buck?prefix=k"), &[("ListBucket", "buck")]),
    row("ListObjectsV2", ("GET", "/buck?list-type=2"), &[("ListBucket", "buck")]),
    row("ListObjectVersions", ("GET", "/buck?versions"), &[("ListBucketVersions", "buck")]),
    row(
        "ListMultipartUploads",
        ("GET", "/buck?uploads"),
        &[("ListBucketMultipartUploads", "buck")],
    ),
    row("GetBucketAcl", ("GET", "/buck?acl"), &[("GetBucketAcl", "buck")]),
    with(PUBLIC, "", row("PutBucketAcl", ("PUT", "/open?acl"), &[("PutBucketAcl", "open")])),
    row("GetBucketPolicy", ("GET", "/buck?policy"), &[("GetBucketPolicy", "buck")]),
    row(
        "GetBucketPolicyStatus",
        ("GET", "/buck?policyStatus"),
        &[("GetBucketPolicyStatus", "buck")],
    ),
    row(
        "GetPublicAccessBlock",
        ("GET", "/buck?publicAccessBlock"),
        &[("GetBucketPublicAccessBlock", "buck")],
    ),
    row(
        "GetBucketOwnershipControls",
        ("GET", "/buck?ownershipControls"),
        &[("GetBucketOwnershipControls", "buck")],
    ),
    row("GetBucketVersioning", ("GET", "/buck?versioning"), &[("GetBucketVersioning", "buck")]),
    row(
        "GetObjectLockConfiguration",
        ("GET", "/buck?object-lock"),
        &[("GetBucketObjectLockConfiguration", "buck")],
    ),
    row("GetBucketTagging", ("GET", "/buck?tagging"), &[("GetBucketTagging", "buck")]),
    row(
        "GetBucketLifecycleConfiguration",
        ("GET", "/buck?lifecycle"),
        &[("GetLifecycleConfiguration", "buck")],
    ),
    row(
        "GetBucketEncryption",
        ("GET", "/buck?encryption"),
        &[("GetEncryptionConfiguration", "buck")],
    ),
    row("GetBucketCors", ("GET", "/buck?cors"), &[("GetBucketCORS", "buck")]),
    row("GetBucketWebsite", ("GET", "/buck?website"), &[("GetBucketWebsite", "buck")]),
    row(
        "GetBucketNotificationConfiguration",
        ("GET", "/buck?notification"),
        &[("GetBucketNotification", "buck")],
    ),
    row("GetBucketLogging", ("GET", "/buck?logging"), &[("GetBucketLogging", "buck")]),
    row(
        "GetBucketReplication",
        ("GET", "/buck?replication"),
        &[("GetReplicationConfiguration", "buck")],
    ),
    row(
        "GetBucketRequestPayment",
        ("GET", "/buck?requestPayment"),
        &[("GetBucketRequestPayment", "buck")],
    ),
    row(
        "GetBucketAccelerateConfiguration",
        ("GET", "/buck?accelerate"),
        &[("GetAccelerateConfiguration", "buck")],
    ),
    row("GetObject", ("GET", "/buck/key"), READ),
    row("GetObject", ("GET", "/buck/key?versionId=null"), &[("GetObjectVersion", "buck/key")]),
    row("HeadObject", ("HEAD", "/buck/key"), READ),
    row("GetObjectAcl", ("GET", "/buck/key?acl"), &[("GetObjectAcl", "buck/key")]),
    with(
        PUBLIC,
        "",
        row("PutObjectAcl", ("PUT", "/buck/key?acl"), &[("PutObjectAcl", "buck/key")]),
    ),
    row("GetObjectTagging", ("GET", "/buck/key?tagging"), &[("GetObjectTagging", "buck/key")]),
    with(
        &[("x-amz-object-attributes", "ETag")],
        "",
        row(
            "GetObjectAttributes",
            ("GET", "/buck/key?attributes"),
            &[("GetObject", "buck/key"), ("GetObjectAttributes", "buck/key")],
        ),
    ),
    with(&[], "bytes", row("PutObject", ("PUT", "/buck/new"), WRITE)),
    with(
        PUBLIC,
        "bytes",
        row(
            "PutObject",
            ("PUT", "/buck/new"),
            &[("PutObject", "buck/new"), ("PutObjectAcl", "buck/new")],
        ),
    ),
    with(SOURCE, "", row("CopyObject", ("PUT", "/buck/new"), COPY)),
    row("DeleteObject", ("DELETE", "/buck/gone"), &[("DeleteObject", "buck/gone")]),
    row("CreateMultipartUpload", ("POST", "/buck/new?uploads"), WRITE),
    with(&[], "bytes", row("UploadPart", ("PUT", "/buck/new?partNumber=1&uploadId=UPLOAD"), WRITE)),
    with(
        SOURCE,
        "",
        row("UploadPartCopy", ("PUT", "/buck/new?partNumber=2&uploadId=UPLOAD"), COPY),
    ),
    row(
        "ListParts",
        ("GET", "/buck/new?uploadId=UPLOAD"),
        &[("ListMultipartUploadParts", "buck/new")],
    ),
    with(&[], LIST, row("CompleteMultipartUpload", ("POST", "/buck/new?uploadId=UPLOAD"), WRITE)),
    row(
        "AbortMultipartUpload",
        ("DELETE", "/buck/new?uploadId=UPLOAD"),
        &[("AbortMultipartUpload", "buck/new")],
    ),
];

fn statement(needs: &[(&str, &str)]) -> String {
    let statement = |(action, resource): &(&str, &str)| {
        format!(
            r#"{{"Effect":"Allow","Action":"s3:{action}","Resource":"arn:aws:s3:::{resource}"}}"#
        )
    };
    let statements: Vec<String> = needs.iter().map(statement).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// Lets Carol do what these say, from the next request on.
fn allow(world: &World, needs: &[(&str, &str)]) {
    match needs {
        [] => world.feed().user(Who::Carol, PolicySet::default(), true),
        needs => world.feed().allow(Who::Carol, &statement(needs)),
    }
    // What was taken away is gone when what is told behind it is there.
    let (id, _) = Who::Bob.credentials();
    world.feed().key(Who::Bob, false);
    let unknown = (403, "InvalidAccessKeyId".to_owned());
    wait(&format!("{id} is off"), || world.get(Who::Bob, "/").refusal() == unknown);
    world.feed().key(Who::Bob, true);
}

fn world() -> World {
    let world = World::new();
    for bucket in ["/buck", "/empty"] {
        assert_eq!(world.put(Who::Alice, bucket, b"").status, 200);
    }
    for key in ["/buck/key", "/buck/other"] {
        assert_eq!(world.put(Who::Alice, key, b"bytes").status, 200);
    }
    world.feed().key(Who::Carol, true);
    world
}

fn denied(reply: &Reply) -> bool {
    // HEAD has no document.
    reply.status == 403 && (reply.body.is_empty() || reply.refusal().1 == "AccessDenied")
}

#[test]
fn every_operation_is_refused_without_its_permissions_and_done_with_them() {
    let world = world();
    let begun = world.call(Who::Alice, "POST", "/buck/new?uploads", &[], b"");
    let upload = begun.element("UploadId").unwrap();
    let ask = |row: &Row| {
        let target = row.target.replace("UPLOAD", &upload);
        world.call(Who::Carol, row.method, &target, row.headers, row.body.as_bytes())
    };
    allow(&world, &[]);
    for row in OPERATIONS {
        assert!(denied(&ask(row)), "{} without any permission", row.name);
    }
    let mut list = String::new();
    for row in OPERATIONS {
        let needs: Vec<_> =
            row.needs.iter().map(|(what, on)| format!("s3:{what} on arn:aws:s3:::{on}")).collect();
        list += &format!("{} {}: {}\n", row.name, row.target, needs.join(", "));
        if row.needs.len() > 1 {
            for left in 0..row.needs.len() {
                let mut fewer = row.needs.to_vec();
                let without = fewer.remove(left);
                allow(&world, &fewer);
                assert!(denied(&ask(row)), "{} without {without:?}", row.name);
            }
        }
        allow(&world, row.needs);
        let reply = ask(row);
        // What a bucket never had is told as such, and the part that is listed was never sent so.
        let told = ["InvalidPart"].contains(&reply.refusal().1.as_str()) || reply.status == 404;
        assert!(reply.status < 300 || told, "{}: {} {}", row.name, reply.status, reply.text());
        assert!(!denied(&reply), "{} with its permissions", row.name);
    }
    // Nothing is left out.
    let mut all: BTreeSet<&str> =
        ROUTES.iter().filter(|route| route.operation.is_some()).map(|route| route.name).collect();
    all.extend(BY_SOURCE);
    let tried = OPERATIONS.iter().map(|row| row.name).chain(["DeleteObjects", "PostObject"]);
    assert_eq!(all, tried.collect::<BTreeSet<_>>());
    list += "DeleteObjects, PostObject: s3:DeleteObject, s3:PutObject on each key\n";
    std::io::stderr().write_all(list.as_bytes()).unwrap();
}

#[test]
fn many_objects_are_removed_one_by_one_permission() {
    let world = world();
    allow(&world, &[("DeleteObject", "buck/key"), ("DeleteObject", "buck/never")]);
    let document = "<Delete><Object><Key>key</Key></Object><Object><Key>other</Key></Object>\
                    <Object><Key>never</Key></Object></Delete>";
    let md5 = BASE64.encode(Md5::digest(document));
    let headers = [("content-md5", md5.as_str())];
    let gone = world.call(Who::Carol, "POST", "/buck?delete", &headers, document.as_bytes());
    let text = gone.text();
    assert_eq!((gone.status, text.matches("<Deleted>").count()), (200, 2), "{text}");
    assert!(text.contains("<Key>other</Key><Code>AccessDenied</Code>"), "{text}");
    assert_eq!(world.get(Who::Alice, "/buck/key").status, 404);
    assert_eq!(world.get(Who::Alice, "/buck/other").status, 200);
}

#[test]
fn a_form_is_its_signers() {
    let world = world();
    let (id, secret) = Who::Carol.credentials();
    let post = |acl: &str| {
        let expiration = Clock::system().now().plus(Duration::from_secs(600)).iso();
        let lists = if acl.is_empty() { "" } else { r#",["starts-with","$acl",""]"# };
        let policy = format!(
            r#"{{"expiration":"{expiration}","conditions":[{{"bucket":"buck"}},
               ["starts-with","$key",""]{lists}]}}"#
        );
        let policy = BASE64.encode(policy);
        let credentials = Credentials { access_key_id: &id, secret: &secret };
        let signature = sign_policy_v2(credentials, &policy);
        let fields = [
            ("key", "form"),
            ("acl", acl),
            ("AWSAccessKeyId", &id),
            ("Policy", &policy),
            ("Signature", &signature),
        ];
        let mut body = String::new();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            body += &format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        body += "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
        body += "bytes\r\n--edge--\r\n";
        let headers = [("content-type", "multipart/form-data; boundary=edge")];
        world.call(Who::Nobody, "POST", "/buck", &headers, body.as_bytes())
    };
    allow(&world, &[("PutObject", "buck/else")]);
    assert!(denied(&post("")));
    allow(&world, &[("PutObject", "buck/form")]);
    assert_eq!(post("").status, 204);
    assert!(denied(&post("public-read")));
    allow(&world, &[("PutObject", "buck/form"), ("PutObjectAcl", "buck/form")]);
    assert_eq!(post("public-read").status, 204);
}

#[test]
fn a_refusal_does_not_say_what_there_is() {
    let world = world();
    allow(&world, &[("GetObject", "buck/*")]);
    // Without the list's permission what is missing looks like what is forbidden.
    assert!(denied(&world.get(Who::Carol, "/buck/missing")));
    assert_eq!(world.get(Who::Carol, "/buck/key").status, 200);
    for target in ["/empty/missing", "/nowhere/key", "/nowhere"] {
        let (there, nowhere) = (world.get(Who::Carol, "/empty/key"), world.get(Who::Carol, target));
        assert_eq!((there.status, there.refusal()), (nowhere.status, nowhere.refusal()));
    }
    allow(&world, &[("GetObject", "buck/*"), ("ListBucket", "buck")]);
    assert_eq!(world.get(Who::Carol, "/buck/missing").refusal().1, "NoSuchKey");
    // Another account's bucket stays closed, whatever policies say.
    world.put(Who::Bob, "/bobs", b"");
    world.put(Who::Bob, "/bobs/key", b"bytes");
    allow(&world, &[("*", "*")]);
    assert!(denied(&world.get(Who::Carol, "/bobs/key")));
    assert!(denied(&world.get(Who::Carol, "/bobs")));
}

#[test]
fn conditions_see_the_request() {
    let world = world();
    let conditional = |action: &str, resource: &str, condition: &str| {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:{action}",
               "Resource":"arn:aws:s3:::{resource}","Condition":{condition}}}]}}"#
        );
        allow(&world, &[]);
        world.feed().allow(Who::Carol, &policy);
    };
    let get = |target: &str| world.get(Who::Carol, target).status;
    conditional("ListBucket", "buck", r#"{"StringLike":{"s3:prefix":"home/${aws:username}/*"}}"#);
    assert_eq!(
        [get("/buck?prefix=home/carol/x"), get("/buck?prefix=home/"), get("/buck")],
        [200, 403, 403]
    );
    conditional("GetObject", "buck/*", r#"{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#);
    assert_eq!(get("/buck/key"), 200);
    conditional("GetObject", "buck/*", r#"{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}"#);
    assert_eq!(get("/buck/key"), 403);
    conditional(
        "GetObject",
        "buck/*",
        r#"{"StringEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}}"#,
    );
    assert_eq!(get("/buck/key"), 403, "version 2");
    let now = Clock::system().now();
    assert_eq!(world.call_v4(Who::Carol, ("GET", "/buck/key"), b"", None, now).status, 200);
    conditional("PutObject*", "buck/*", r#"{"StringEquals":{"s3:x-amz-acl":"private"}}"#);
    let put = |acl: &[(&str, &str)]| world.call(Who::Carol, "PUT", "/buck/new", acl, b"b").status;
    assert_eq!([put(&[("x-amz-acl", "private")]), put(PUBLIC), put(&[])], [200, 403, 403]);
    conditional("*Object", "buck/*", r#"{"StringLike":{"s3:x-amz-copy-source":"buck/k*"}}"#);
    assert!(denied(&world.call(
        Who::Carol,
        "PUT",
        "/buck/copy",
        &[("x-amz-copy-source", "buck/other")],
        b""
    )));
    assert_eq!(world.call(Who::Carol, "PUT", "/buck/copy", SOURCE, b"").status, 200);
}

#[test]
fn limits_of_policies_hold_beside_those_that_are_set() {
    let world = world();
    let limit = |action: &str, key: &str, most: u64| {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[
               {{"Effect":"Allow","Action":"s3:*","Resource":"*"}},
               {{"Effect":"Limit","Action":"s3:{action}","Resource":"*",
                 "Condition":{{"NumericLessThanEquals":{{"s3:{key}":"{most}"}}}}}}]}}"#
        );
        allow(&world, &[]);
        world.feed().allow(Who::Carol, &policy);
    };
    let put = |who, target: &str, bytes: &[u8]| {
        let reply = world.put(who, target, bytes);
        if reply.status == 200 { String::new() } else { reply.refusal().1 }
    };
    // There are two buckets; two objects of five bytes in the first.
    limit("CreateBucket", "quota-bucketnumber", 3);
    assert_eq!(put(Who::Carol, "/third", b""), "");
    assert_eq!(put(Who::Carol, "/fourth", b""), "TooManyBuckets");
    assert_eq!(put(Who::Alice, "/fourth", b""), "", "the account itself is not limited");
    limit("PutObject", "quota-bucketobjectnumber", 2);
    assert_eq!(put(Who::Carol, "/buck/new", b"1"), "QuotaExceeded");
    assert_eq!(put(Who::Carol, "/empty/new", b"1"), "");
    // Sizes are in MB of 2^20 bytes: what is there takes ten bytes of the first.
    let room = vec![b'x'; (1 << 20) - 10];
    limit("PutObject", "quota-bucketsize", 1);
    assert_eq!(put(Who::Carol, "/buck/new", &[&room[..], b"1"].concat()), "QuotaExceeded");
    assert_eq!(put(Who::Carol, "/buck/new", &room), "");
    let begun = world.call(Who::Carol, "POST", "/buck/parts?uploads", &[], b"");
    let upload = begun.element("UploadId").unwrap();
    let part = format!("/buck/parts?partNumber=1&uploadId={upload}");
    assert_eq!(put(Who::Carol, &part, b"1"), "QuotaExceeded");
    limit("PutObject", "quota-buckettotalsize", 2);
    let rest = vec![b'x'; (1 << 20) - 1];
    assert_eq!(put(Who::Carol, "/third/new", &[&rest[..], b"1"].concat()), "QuotaExceeded");
    assert_eq!(put(Who::Carol, "/third/new", &rest), "");
    let copy = [("x-amz-copy-source", "buck/key")];
    let copied = world.call(Who::Carol, "PUT", "/third/copy", &copy, b"");
    assert_eq!(copied.refusal().1, "QuotaExceeded");
    assert_eq!(put(Who::Alice, "/third/new", b"12345"), "");
}
