//! Every line of the table is reached by whoever follows links, or stands in a list that says how else;
//! no link leads to nothing; and whoever only looks changes nothing. Tells what each page costs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;

use clc::console::{Method, Who, lines};

use crate::crawl::{Crawl, closed, line_of, name, sound};
use crate::site::Site;

/// Lines to which no page leads, and how one comes to them.
const ELSEWHERE: &[(&str, &str)] = &[
    ("GET /first-time", "whoever has the first password of the cloud is sent there"),
    ("POST /first-time", "its form"),
    ("GET /password/new", "whoever has a first password is sent there"),
    ("POST /password/new", "its form"),
    ("GET /sign-in/code", "whoever has a second factor is sent there"),
    ("POST /sign-in/code", "its form"),
    ("GET /confirm", "a link in a mail"),
    ("POST /confirm", "its form"),
    ("GET /confirm-address", "a link in a mail"),
    ("POST /confirm-address", "its form"),
    ("GET /recover", "a link in a mail"),
    ("POST /recover", "its form"),
    ("GET /recover/ask", "where there is a mail server"),
    ("POST /recover/ask", "its form"),
    ("GET /apply", "where there is a mail server"),
    ("POST /apply", "its form"),
    ("GET /uploads/open", "the script that uploads"),
    ("GET /uploads/parts", "the script that uploads"),
    ("POST /images/upload/look", "the script that uploads"),
    ("POST /uploads/begin", "the script that uploads"),
    ("POST /uploads/part", "the script that uploads"),
    ("POST /uploads/whole", "the script that uploads"),
    ("POST /uploads/finish", "the script that uploads"),
    ("POST /uploads/abort", "the script that uploads, and where one was left open"),
    ("POST /key-pairs/file", "the page of a key pair that was just made"),
    ("POST /second-factor/on", "the page of a second factor that was just begun"),
    ("POST /second-factor/off", "whoever has a second factor"),
    ("GET /approve", "a link in a mail"),
    ("POST /approve", "its form"),
    ("GET /reject", "a link in a mail"),
    ("POST /reject", "its form"),
    ("GET /people/waiting", "where somebody has applied"),
    ("GET /people/user/reject", "where somebody has applied"),
    ("POST /people/user/reject", "its form"),
    ("POST /people/user/approve", "where somebody has applied"),
    ("POST /people/user/confirm", "where somebody was approved"),
    ("POST /people/user/enable", "where somebody is disabled"),
    ("POST /people/user/reset-factor", "where somebody has a second factor"),
    ("POST /groups/group/delete", "where there is a group"),
    ("POST /quotas/account/policy/delete", "where a policy was set"),
    ("GET /history/accounts/{number}", "where an account has used something for an hour"),
    ("GET /history/accounts/{number}/csv", "the same"),
    ("GET /reports/instances-csv", "the same"),
    ("GET /reports/storage-csv", "the same"),
    ("GET /usage/instances-csv", "the same"),
    ("GET /usage/storage-csv", "the same"),
    ("POST /buckets/{id}/delete", "where a bucket is empty"),
    ("POST /cloud/nodes/{name}/enable", "where a node is drained"),
    ("GET /cloud/nodes/{name}/give-up", "where a node is gone"),
    ("POST /cloud/nodes/{name}/give-up", "its form"),
    ("POST /cloud/properties/{name}/reset", "where a property is not as it was"),
    ("POST /instances/start", "where an instance is stopped"),
    ("POST /launch", "the page that shows once more what is launched"),
    ("POST /launch/form", "the same"),
    ("POST /sessions/end", "where somebody has another session"),
    ("GET /iam/role", "where there is a role"),
    ("POST /iam/role/delete", "the same"),
    ("GET /images/upload/file", "where an upload was begun"),
    ("POST /images/imports/cancel", "where an import is under way"),
    ("GET /reports/messages/csv", "where there are messages"),
    ("POST /iam/detach", "where a policy is attached"),
    ("POST /iam/policy/delete", "where there is a policy"),
    ("POST /iam/group/leave", "where somebody is in a group"),
    ("POST /iam/user/leave", "the same"),
    ("POST /iam/user/enable", "where a user is disabled"),
    ("POST /sessions/end-others", "where somebody has another session"),
];

type Costs = BTreeMap<&'static str, (u64, usize)>;

/// What pages cost: at least so long for somebody, at most so many bytes for anybody.
fn add(costs: &mut Costs, more: Costs) {
    for (path, (took, size)) in more {
        let cost = costs.entry(path).or_insert((took, size));
        *cost = (cost.0.min(took), cost.1.max(size));
    }
}

#[test]
fn every_line_is_reached_no_link_is_dead_and_looking_changes_nothing() {
    let site = Site::raise();
    let before = site.mark();
    let people = [&site.administrator, &site.taro, &site.jiro, &site.hanako];
    let mut reached = BTreeSet::new();
    let mut costs = Costs::new();
    for person in people {
        let mut browser = person.browser.clone();
        let crawl = Crawl::of(&mut browser, &["/"]);
        let may_nothing = person.user == "jiro";
        assert!(may_nothing || crawl.dead.is_empty(), "{}: {:#?}", person.account, crawl.dead);
        reached.extend(crawl.reached);
        add(&mut costs, crawl.costs);
    }
    let mut stranger = site.taro.browser.another();
    let crawl = Crawl::of(&mut stranger, &["/"]);
    reached.extend(crawl.reached);
    add(&mut costs, crawl.costs);
    let mut table = "| page | server, ms | KiB |\n|---|---|---|\n".to_owned();
    for (path, (took, size)) in &costs {
        let tenths = size * 10 / 1024;
        writeln!(table, "| {path} | {took} | {}.{} |", tenths / 10, tenths % 10).unwrap();
    }
    std::io::stderr().write_all(table.as_bytes()).unwrap();
    let large: Vec<_> = costs.iter().filter(|(_, (_, size))| *size > 60 << 10).collect();
    assert!(large.is_empty(), "with what they load too much: {large:?}");

    let known: BTreeSet<_> = ELSEWHERE.iter().map(|(line, _)| (*line).to_owned()).collect();
    let all: BTreeSet<_> = lines().iter().map(name).collect();
    let missed: Vec<_> = all.difference(&reached).filter(|it| !known.contains(*it)).collect();
    assert!(missed.is_empty(), "no page leads there: {missed:#?}");
    let gone: Vec<_> = known.difference(&all).collect();
    assert!(gone.is_empty(), "not in the table any more: {gone:?}");

    // All lines, found or not, by everybody, as they are and as what is posted.
    for person in people {
        let mut browser = person.browser.clone();
        for line in lines() {
            let target = closed(line.path);
            let shown = browser.get(&target);
            sound(&target, &shown);
            if line.method == Method::Post && line.who != Who::Anyone {
                let is_page =
                    lines().iter().any(|it| it.method == Method::Get && it.path == line.path);
                let of_another = line_of(Method::Get, &target).is_some();
                assert!(is_page || of_another || shown.status == 405, "{target}: {}", shown.status);
            }
            browser.ask("HEAD", &target, &[], None);
        }
    }
    let changed = site.changes(&before);
    assert!(changed.is_empty(), "{changed:#?}");
}
