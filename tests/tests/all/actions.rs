//! The list of actions in docs/actions.md is what the cloud answers: no more, no less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::s3::routes::{BY_SOURCE, ROUTES};
use e2e::raw::{Signer, Version};
use e2e::{Cloud, Shape};

/// The tables of the document: heading → first column → second column.
fn document() -> BTreeMap<String, BTreeMap<String, String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/actions.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut tables, mut heading) = (BTreeMap::new(), String::new());
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut heading);
        }
        let Some(row) = line.strip_prefix("| `") else { continue };
        let (name, meaning) = row.split_once("` | ").unwrap_or_else(|| panic!("{line}"));
        let table: &mut BTreeMap<_, _> = tables.entry(heading.clone()).or_default();
        let meaning = meaning.trim_end_matches(" |").to_owned();
        assert!(!meaning.is_empty(), "{name} has no meaning");
        assert!(table.insert(name.to_owned(), meaning).is_none(), "{name} stands there twice");
    }
    tables
}

fn names(table: &BTreeMap<String, String>) -> BTreeSet<&str> {
    table.keys().map(String::as_str).collect()
}

#[test]
fn the_document_is_what_is_answered() {
    let document = document();
    let (offered, not_offered) = (&document["EC2: offered"], &document["EC2: not offered"]);
    assert_eq!(names(offered), common::ec2::names().collect());

    // Everything typed is routed: the table's own text says so.
    let routes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clc/src/routes.rs");
    let routes = std::fs::read_to_string(routes).unwrap();
    let routed = routes.lines().filter_map(|line| line.trim().strip_prefix(".on::<"));
    let routed: BTreeSet<_> = routed.filter_map(|rest| rest.split(',').next()).collect();
    assert_eq!(names(offered), routed);

    // And so does a cloud.
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let signer = Signer::of(&cloud.administrator(), Version::Four, cloud.clock().now());
    let code = |action: &str| {
        let reply = signer.query(cloud.api(), &[("Action", action), ("Version", "2016-11-15")]);
        if reply.status == 200 { String::new() } else { reply.refused().code }
    };
    for action in offered.keys() {
        assert_ne!(code(action), "InvalidAction", "{action}");
    }
    for action in not_offered.keys() {
        assert_eq!(code(action), "InvalidAction", "{action}");
    }

    let (offered, not_offered) = (&document["STS: offered"], &document["STS: not offered"]);
    assert_eq!(names(offered), common::sts::names().collect());
    let unknown = |action: &str| {
        let pairs = [("Action", action), ("Version", common::sts::VERSION)];
        let reply = signer.query_at("/services/Tokens", cloud.api(), &pairs);
        reply.status != 200 && reply.refused().code == "InvalidAction"
    };
    assert!(!offered.keys().any(|action| unknown(action)));
    assert!(not_offered.keys().all(|action| unknown(action)));
}

#[test]
fn the_document_has_the_actions_of_iam_and_cloudtrail() {
    let document = document();
    assert_eq!(names(&document["CloudTrail: offered"]), common::cloudtrail::names().collect());
    assert_eq!(names(&document["IAM: offered"]), common::euare::names().collect());
    let routes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clc/src/iam/routes.rs");
    let routes = std::fs::read_to_string(routes).unwrap();
    let routed = routes.lines().filter_map(|line| line.trim().strip_prefix(".on::<"));
    let routed: BTreeSet<_> = routed.filter_map(|rest| rest.split(',').next()).collect();
    assert_eq!(names(&document["IAM: offered"]), routed);
}

#[test]
fn the_document_has_the_actions_of_administration() {
    let document = document();
    let (offered, not_offered) =
        (&document["Administration: offered"], &document["Administration: not offered"]);
    assert_eq!(names(offered), common::administration::names().collect());
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let signer = Signer::of(&cloud.administrator(), Version::Four, cloud.clock().now());
    for (action, is_offered) in
        offered.keys().map(|it| (it, true)).chain(not_offered.keys().map(|it| (it, false)))
    {
        let pairs = [("Action", action.as_str()), ("Version", common::administration::VERSION)];
        let reply = signer.query_at("/services/Accounts", cloud.api(), &pairs);
        let told = reply.status == 200 || reply.refused().code != "InvalidAction";
        assert_eq!(told, is_offered, "{action}");
    }
}

#[test]
fn the_document_has_the_operations_of_s3() {
    let document = document();
    let rows = ROUTES.iter().filter(|route| route.operation.is_some()).map(|route| route.name);
    let offered: BTreeSet<_> = rows.chain(BY_SOURCE).collect();
    assert_eq!(names(&document["S3: offered"]), offered);
    let known: BTreeSet<_> = ROUTES.iter().map(|route| route.name).collect();
    for name in names(&document["S3: not offered"]) {
        assert!(known.contains(name) && !offered.contains(name), "{name}");
    }
}
