//! The log on disk: what a killed process leaves, what goes with time, what a full disk does.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use common::audit::{Event, Filter, Place};
use common::time::Timestamp;
use runtime::audit::{AuditLog, State, Terms, check};
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
        signed: None,
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
    AuditLog::open(Terms::new(dir.to_owned(), 90, 1), Clock::system()).unwrap()
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = entry.map(|it| (it.path(), to.join(it.file_name()))).unwrap();
        match from.is_dir() {
            true => copied(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

const TOP: [Place; 2] = [Place::Top; 2];

/// The changes that fit.
async fn found(log: &AuditLog, filter: Filter) -> Vec<(u64, Event)> {
    let [changes, _] = log.find(filter, TOP, 10_000).await.unwrap();
    changes.records
}

async fn count(log: &AuditLog, filter: Filter) -> usize {
    found(log, filter).await.len()
}

/// How the chains of changes and of reads stand.
async fn states(log: &AuditLog) -> [State; 2] {
    log.verify().await.unwrap()
}

async fn fault(log: &AuditLog) -> Option<String> {
    let [changes, reads] = states(log).await;
    changes.fault.or(reads.fault)
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
        let path = ["audit-00000002.log", "audit-00000001.log"].map(|name| left.join(name));
        let path = path.into_iter().find(|path| path.exists()).unwrap();
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(&b"00ff {\"n\":"[..usize::try_from(round).unwrap() % 10]);
        fs::write(&path, text).unwrap();
        let again = open(&left);
        let kept = count(&again, Filter::default()).await;
        assert_eq!(kept, usize::try_from(round + 1).unwrap() * 8);
        assert_eq!(fault(&again).await, None);
        again.keep(event(7777, false)).await.unwrap();
        again.close().await;
        assert_eq!(fault(&again).await, None);
        let states = check(&left).unwrap();
        assert!(states.iter().all(|state| state.fault.is_none()), "{states:?}");
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
    let [state, _] = states(&log).await;
    assert_eq!(state.fault, None);
    assert_eq!(check(dir.path()).unwrap()[0], state);
    assert!(state.behind.n > 1000, "{state:?}");
    let last = Filter { access_key: Some("AKI3999".into()), ..Filter::default() };
    assert_eq!(count(&log, last.clone()).await, 1);
    let first = Filter { access_key: Some("AKI1".into()), ..Filter::default() };
    assert_eq!(count(&log, first).await, 0);
    log.close().await;
    let again = open(dir.path());
    assert_eq!(fault(&again).await, None);
    assert_eq!(count(&again, last).await, 1);

    // Pages meet without a gap and without a record twice.
    let (mut seen, mut places) = (Vec::new(), TOP);
    while places[0] != Place::End {
        let [page, _] = again.find(Filter::default(), places, 97).await.unwrap();
        seen.extend(page.records.iter().map(|(n, _)| *n));
        places[0] = page.next;
    }
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(seen.len(), count(&again, Filter::default()).await);
    again.close().await;

    // A segment that somebody removed is missed.
    let mut logs: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|end| end == "log"));
    logs.sort();
    fs::remove_file(&logs[1]).unwrap();
    let told = check(dir.path()).unwrap()[0].fault.clone().unwrap();
    assert!(told.contains("is missing"), "{told}");
    let told = fault(&open(dir.path())).await.unwrap();
    assert!(told.contains("is missing"), "{told}");
}

#[tokio::test]
async fn however_much_is_read_no_change_is_forgotten_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..20 {
        log.keep(event(n, false)).await.unwrap();
    }
    for n in 0..6000 {
        log.keep(event(n, true)).await.unwrap();
    }
    log.close().await;
    let [changes, reads] = states(&log).await;
    assert_eq!((changes.behind.n, changes.fault, reads.fault), (0, None, None));
    assert!(reads.behind.n > 1000, "{:?}", reads.behind);
    assert_eq!(count(&log, Filter::default()).await, 20);
    let only = |read| Filter { read_only: Some(read), ..Filter::default() };
    let [changes, reads] = log.find(only(true), TOP, 10).await.unwrap();
    assert_eq!((changes.records.len(), changes.next, reads.records.len()), (0, Place::End, 10));
    let [changes, reads] = log.find(only(false), TOP, 10).await.unwrap();
    assert_eq!((changes.records.len(), reads.next), (10, Place::End));
    let taken = |dir: &Path| -> u64 {
        let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let logs = all.filter(|path| path.extension().is_some_and(|end| end == "log"));
        logs.map(|path| path.metadata().unwrap().len()).sum()
    };
    assert!(taken(&dir.path().join("reads")) < (512 << 10));
}

#[tokio::test]
async fn a_look_up_holds_few_records_and_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let terms = Terms::new(dir.path().to_owned(), 90, 64);
    let log = AuditLog::open(terms, Clock::system()).unwrap();
    let large = |n: u64| {
        let resources = (0..1000).map(|key| format!("arn:aws:s3:::b/{key:01000}")).collect();
        Event { resources, ..event(n, false) }
    };
    for n in 0..9 {
        log.keep(large(n)).await.unwrap();
    }
    let (mut told, mut pages, mut places) = (Vec::new(), 0, TOP);
    while places[0] != Place::End {
        let [page, _] = log.find(Filter::default(), places, 500).await.unwrap();
        assert!(page.records.len() <= 4, "{}", page.records.len());
        told.extend(page.records.into_iter().map(|(_, event)| event.request_id));
        places[0] = page.next;
        pages += 1;
    }
    let expected: Vec<_> = (0..9).rev().map(|n| format!("r-{n}")).collect();
    assert_eq!((told, pages >= 3), (expected, true));
}

#[tokio::test]
async fn what_is_old_goes() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    let terms = Terms::new(dir.path().to_owned(), 3, 100);
    let log = AuditLog::open(terms, clock.clone()).unwrap();
    for day in 0..6 {
        let told = Event { at: clock.now(), ..event(day, false) };
        log.keep(told).await.unwrap();
        clock.advance(DAY);
    }
    let left = found(&log, Filter::default()).await;
    assert!(left.iter().all(|(_, event)| event.request_id != "r-0"), "{left:?}");
    assert!(left.iter().any(|(_, event)| event.request_id == "r-5"), "{left:?}");
    assert_eq!(fault(&log).await, None);
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_moment_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let open = |clock: Clock| {
        let terms = Terms::new(dir.path().to_owned(), 30, 100);
        AuditLog::open(terms, clock).unwrap()
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
    let found = found(&log, Filter { until, ..Filter::default() }).await;
    let ids: Vec<_> = found.iter().rev().map(|(_, it)| it.request_id.as_str()).collect();
    assert_eq!(ids, ["r-0", "r-1", "r-2", "r-3", "r-4", "r-5", "r-9"]);
    assert_eq!(fault(&log).await, None);
}

#[tokio::test]
async fn a_disk_without_room_lets_nothing_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let terms = Terms { reserve_bytes: u64::MAX, ..Terms::new(dir.path().to_owned(), 90, 1) };
    let log = AuditLog::open(terms, Clock::system()).unwrap();
    log.keep(event(1, false)).await.unwrap();
    assert!(log.ready().is_err(), "there is no room for the next one");
    log.close().await;
}
