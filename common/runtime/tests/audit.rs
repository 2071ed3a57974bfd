//! The log on disk: what a killed process leaves, what goes with time, what a full disk does.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::audit::{Event, Filter};
use common::time::Timestamp;
use runtime::audit::{AuditLog, Terms};
use runtime::auditor::Auditor as _;
use runtime::clock::Clock;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn event(n: u64, read_only: bool) -> Event {
    Event {
        at: Timestamp::from_secs(1_800_000_000),
        request_id: format!("r-{n}"),
        service: "ec2".into(),
        action: format!("Action{}", n % 10),
        read_only,
        data: false,
        actor: None,
        access_key: format!("AKI{n}"),
        resources: vec![format!("i-{n}")],
        parameters: [("Long".to_owned(), "x".repeat(500))].into(),
        source: "10.0.0.1".into(),
        agent: String::new(),
        secure: false,
        failure: None,
        unrecorded: 0,
    }
}

fn open(dir: &Path) -> AuditLog {
    AuditLog::open(Terms::new(dir.to_owned(), 90, 1), "r", Clock::system()).unwrap()
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

async fn count(log: &AuditLog, filter: Filter) -> usize {
    log.find(filter, None, 10_000).await.unwrap().events.len()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("log"));
    for round in 0..20u64 {
        let many = (0..8).map(|n| log.keep(event(round * 8 + n, false)));
        for done in futures_util::future::join_all(many).await {
            done.unwrap();
        }
        // What a kill would leave just now: the files as they are, with or without a torn line.
        let left = dir.path().join(format!("left-{round}"));
        copied(&dir.path().join("log"), &left);
        let path = left.join("audit-00000001.log");
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(&b"00ff {\"n\":"[..usize::try_from(round).unwrap() % 10]);
        fs::write(&path, text).unwrap();
        let again = open(&left);
        let found = again.find(Filter::default(), None, 1000).await.unwrap().events;
        assert_eq!(found.len(), usize::try_from(round + 1).unwrap() * 8);
        assert_eq!(again.verify().await.unwrap().fault, None);
        again.keep(event(7777, false)).await.unwrap();
        again.close().await;
        assert_eq!(again.verify().await.unwrap().fault, None);
        assert!(again.keep(event(1, false)).await.is_err(), "it is closed");
    }
}

#[tokio::test]
async fn what_is_too_much_goes_in_whole_segments_and_the_rest_is_still_sound() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for round in 0..40u64 {
        let many = (0..100).map(|n| log.keep(event(round * 100 + n, false)));
        for done in futures_util::future::join_all(many).await {
            done.unwrap();
        }
    }
    let size = || -> u64 {
        let all = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap());
        let logs = all.filter(|entry| entry.path().extension().is_some_and(|end| end == "log"));
        logs.map(|entry| entry.metadata().unwrap().len()).sum()
    };
    assert!(size() < (1 << 20) + (512 << 10), "{}", size());
    let state = log.verify().await.unwrap();
    assert_eq!(state.fault, None);
    assert!(state.behind.n > 1000, "{state:?}");
    let last = Filter { access_key: Some("AKI3999".into()), ..Filter::default() };
    assert_eq!(count(&log, last.clone()).await, 1);
    let first = Filter { access_key: Some("AKI1".into()), ..Filter::default() };
    assert_eq!(count(&log, first).await, 0);
    log.close().await;
    let again = open(dir.path());
    assert_eq!(again.verify().await.unwrap().fault, None);
    assert_eq!(count(&again, last).await, 1);

    // Pages meet without a gap and without a record twice.
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = again.find(Filter::default(), before, 97).await.unwrap();
        seen.extend(page.events.iter().map(|(n, _)| *n));
        before = page.before;
        if before.is_none() {
            break;
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(seen.len(), count(&again, Filter::default()).await);
    again.close().await;

    // A segment that somebody removed is missed.
    let mut logs: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|end| end == "log"));
    logs.sort();
    fs::remove_file(&logs[1]).unwrap();
    let fault = open(dir.path()).verify().await.unwrap().fault.unwrap();
    assert!(fault.contains("is missing"), "{fault}");
}

#[tokio::test]
async fn what_is_old_goes() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let terms = Terms::new(dir.path().to_owned(), 3, 100);
    let log = AuditLog::open(terms, "r", clock.clone()).unwrap();
    for day in 0..6 {
        let told = Event { at: clock.now(), ..event(day, false) };
        log.keep(told).await.unwrap();
        clock.advance(DAY);
    }
    let left = log.find(Filter::default(), None, 100).await.unwrap().events;
    assert!(left.iter().all(|(_, event)| event.request_id != "r-0"), "{left:?}");
    assert!(left.iter().any(|(_, event)| event.request_id == "r-5"), "{left:?}");
    assert_eq!(log.verify().await.unwrap().fault, None);
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_moment_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let open = |clock: Clock| {
        let terms = Terms::new(dir.path().to_owned(), 30, 100);
        AuditLog::open(terms, "r", clock).unwrap()
    };
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let log = open(clock.clone());
    for day in 0..6 {
        log.keep(Event { at: clock.now(), ..event(day, false) }).await.unwrap();
        clock.advance(DAY);
    }
    log.close().await;
    for _ in 0..3 {
        let ahead = Clock::manual(clock.now().plus(DAY * 3650));
        let log = open(ahead.clone());
        log.keep(Event { at: ahead.now(), ..event(8, false) }).await.unwrap();
        log.close().await;
    }
    let log = open(clock.clone());
    log.keep(Event { at: clock.now(), ..event(9, false) }).await.unwrap();
    let until = Some(clock.now());
    let found = log.find(Filter { until, ..Filter::default() }, None, 100).await.unwrap().events;
    let ids: Vec<_> = found.iter().rev().map(|(_, it)| it.request_id.as_str()).collect();
    assert_eq!(ids, ["r-0", "r-1", "r-2", "r-3", "r-4", "r-5", "r-9"]);
    assert_eq!(log.verify().await.unwrap().fault, None);
}

#[tokio::test]
async fn a_disk_without_room_lets_nothing_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let terms = Terms { reserve_bytes: u64::MAX, ..Terms::new(dir.path().to_owned(), 90, 1) };
    let log = AuditLog::open(terms, "r", Clock::system()).unwrap();
    log.keep(event(1, false)).await.unwrap();
    assert!(log.ready().is_err(), "there is no room for the next one");
    log.close().await;
}
