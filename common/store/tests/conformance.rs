//! One suite over every engine: what `Engine` promises, asked of each body in turn.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;

use store::{After, Commit, Engine, EngineConfig, Rev, StoreError, open};
use tempfile::TempDir;

/// An engine and what must outlive it.
struct Body {
    engine: Arc<dyn Engine>,
    _dir: Option<TempDir>,
}

fn memory() -> Body {
    Body { engine: open(&EngineConfig::memory()).unwrap(), _dir: None }
}

fn sled() -> Body {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&EngineConfig::sled(dir.path().join("store"))).unwrap();
    Body { engine, _dir: Some(dir) }
}

macro_rules! suite {
    ($($case:ident),+ $(,)?) => {
        mod on_memory {
            $(#[test] fn $case() { super::$case(&super::memory().engine); })+
        }
        mod on_sled {
            $(#[test] fn $case() { super::$case(&super::sled().engine); })+
        }
    };
}

suite!(
    a_row_is_written_read_replaced_and_removed,
    an_expectation_that_fails_changes_nothing,
    removal_comes_before_writing_and_the_last_write_wins,
    a_scan_is_in_byte_order_within_its_prefix,
    a_scan_is_paged,
    a_scan_jumps_over_groups,
    a_page_shows_whole_commits,
    revisions_grow,
    values_come_back_as_they_were,
    limits_hold,
    contended_changes_are_all_counted,
    a_watch_wakes_for_its_prefix,
    a_watch_misses_nothing,
);

fn put(engine: &Arc<dyn Engine>, rows: &[(&str, &str)]) -> Rev {
    let put = rows.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    engine.commit(Commit { put: put.collect(), ..Commit::default() }).unwrap()
}

fn text(engine: &Arc<dyn Engine>, key: &str) -> Option<String> {
    engine.get(key).unwrap().map(|row| String::from_utf8(row.value).unwrap())
}

fn keys(engine: &Arc<dyn Engine>, prefix: &str, after: After<'_>, limit: usize) -> Vec<String> {
    engine.scan(prefix, after, limit).unwrap().into_iter().map(|row| row.key).collect()
}

fn a_row_is_written_read_replaced_and_removed(engine: &Arc<dyn Engine>) {
    assert_eq!(engine.get("image/emi-1").unwrap(), None);
    let first = put(engine, &[("image/emi-1", "one")]);
    let row = engine.get("image/emi-1").unwrap().unwrap();
    assert_eq!(
        (row.key.as_str(), row.rev, row.value.as_slice()),
        ("image/emi-1", first, &b"one"[..])
    );
    let expect = vec![("image/emi-1".to_owned(), first), ("image/emi-2".to_owned(), 0)];
    let replacement = vec![("image/emi-1".to_owned(), b"two".to_vec())];
    let second = engine.commit(Commit { expect, put: replacement, del: vec![] }).unwrap();
    assert_eq!(engine.get("image/emi-1").unwrap().unwrap().rev, second);
    assert_eq!(text(engine, "image/emi-1").unwrap(), "two");
    let del = vec!["image/emi-1".to_owned(), "image/never-there".to_owned()];
    engine.commit(Commit { del, ..Commit::default() }).unwrap();
    assert_eq!(engine.get("image/emi-1").unwrap(), None);
    assert!(keys(engine, "", After::Start, 9).is_empty());
}

fn an_expectation_that_fails_changes_nothing(engine: &Arc<dyn Engine>) {
    let rev = put(engine, &[("a", "1"), ("b", "1")]);
    for (key, expected) in [("a", 0), ("a", rev + 1), ("absent", rev)] {
        let refused = engine.commit(Commit {
            expect: vec![("b".into(), rev), (key.into(), expected)],
            put: vec![("c".into(), vec![])],
            del: vec!["a".into()],
        });
        match refused {
            Err(StoreError::Conflict { key: named }) => assert_eq!(named, key),
            other => panic!("{other:?}"),
        }
        assert_eq!(keys(engine, "", After::Start, 9), ["a", "b"]);
    }
    let only_check = Commit { expect: vec![("a".into(), rev)], ..Commit::default() };
    assert_eq!(engine.commit(only_check).unwrap(), rev, "checking allots no revision");
}

fn removal_comes_before_writing_and_the_last_write_wins(engine: &Arc<dyn Engine>) {
    put(engine, &[("a", "old")]);
    let put = vec![("a".into(), b"first".to_vec()), ("a".into(), b"last".to_vec())];
    engine.commit(Commit { expect: vec![], put, del: vec!["a".into()] }).unwrap();
    assert_eq!(text(engine, "a").unwrap(), "last");
}

fn a_scan_is_in_byte_order_within_its_prefix(engine: &Arc<dyn Engine>) {
    let sorted = [
        "image-x/a",
        "image/",
        "image/A",
        "image/a",
        "image/a/b",
        "image/a0",
        "image/ä",
        "image/\u{ffff}",
        "image/\u{10ffff}\u{10ffff}",
        "image0",
        "images/a",
    ];
    for key in sorted.iter().rev() {
        put(engine, &[(key, "")]);
    }
    assert_eq!(keys(engine, "", After::Start, 99), sorted);
    assert_eq!(keys(engine, "image/", After::Start, 99), sorted[1..9]);
    assert_eq!(keys(engine, "image-x/", After::Start, 99), sorted[..1]);
    assert_eq!(keys(engine, "image/a", After::Start, 99), sorted[3..6]);
    assert_eq!(keys(engine, "imag/", After::Start, 99), [""; 0]);
    assert_eq!(keys(engine, "image/", After::Start, 0), [""; 0]);
}

fn a_scan_is_paged(engine: &Arc<dyn Engine>) {
    let all: Vec<String> = (0..100).map(|at| format!("p/{at:03}")).collect();
    let rows: Vec<(&str, &str)> = all.iter().map(|key| (key.as_str(), "v")).collect();
    put(engine, &rows);
    put(engine, &[("o/zzz", ""), ("p0", "")]);
    for limit in [1, 7, 100, 101] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().map_or(After::Start, |key| After::Key(key));
            let page = keys(engine, "p/", after, limit);
            let last = page.len() < limit;
            found.extend(page);
            if last {
                break;
            }
        }
        assert_eq!(found, all, "limit {limit}");
    }
    assert_eq!(keys(engine, "p/", After::Key("p/0415"), 1), ["p/042"], "between two keys");
    assert_eq!(keys(engine, "p/", After::Key("a"), 1), ["p/000"], "before the prefix");
    assert!(keys(engine, "p/", After::Key("p0"), 1).is_empty(), "behind the prefix");
}

fn a_scan_jumps_over_groups(engine: &Arc<dyn Engine>) {
    let below = "b/photos/\u{10ffff}\u{10ffff}z";
    put(engine, &[("b/a", ""), ("b/photos/1", ""), (below, ""), ("b/photos0", ""), ("c/", "")]);
    assert_eq!(keys(engine, "b/", After::Prefix("b/photos/"), 9), ["b/photos0"]);
    assert!(keys(engine, "b/", After::Prefix("b/"), 9).is_empty());
    assert_eq!(keys(engine, "b/", After::Prefix("a"), 1), ["b/a"]);
}

fn a_page_shows_whole_commits(engine: &Arc<dyn Engine>) {
    put(engine, &[("pair/a", "0"), ("pair/b", "0")]);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 1..100 {
                let value = round.to_string();
                put(engine, &[("pair/a", &value), ("pair/b", &value)]);
            }
        });
        while !writer.is_finished() {
            let pair = engine.scan("pair/", After::Start, 9).unwrap();
            assert_eq!((pair.len(), pair[0].rev), (2, pair[1].rev));
            assert_eq!(pair[0].value, pair[1].value);
        }
    });
}

fn revisions_grow(engine: &Arc<dyn Engine>) {
    let revs = thread::scope(|scope| {
        let writers: Vec<_> = ["a", "b", "c", "d"]
            .map(|key| scope.spawn(move || (0..25).map(|_| put(engine, &[(key, "")])).collect()))
            .into();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<Vec<Rev>>>()
    });
    assert!(revs.iter().all(|revs| revs.is_sorted() && revs[0] > 0));
    assert_eq!(revs.iter().flatten().collect::<HashSet<_>>().len(), 100, "none is given twice");
    assert!(put(engine, &[("e", "")]) > *revs.iter().flatten().max().unwrap());
}

fn values_come_back_as_they_were(engine: &Arc<dyn Engine>) {
    let value =
        |size: usize| (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect::<Vec<_>>();
    let sizes = [0, 1, 300, 5_000, 70_000, 300_000, store::MAX_VALUE];
    for size in sizes {
        let put = vec![(format!("v/{size:07}"), value(size))];
        engine.commit(Commit { put, ..Commit::default() }).unwrap();
    }
    let found = engine.scan("v/", After::Start, 99).unwrap();
    assert_eq!(found.len(), sizes.len());
    for (row, size) in found.iter().zip(sizes) {
        assert!(row.value == value(size), "{size} bytes");
    }
}

fn limits_hold(engine: &Arc<dyn Engine>) {
    let refused = |commit| engine.commit(commit).unwrap_err();
    let key = |key: String| Commit { put: vec![(key, vec![])], ..Commit::default() };
    assert!(matches!(refused(key(String::new())), StoreError::BadKey { .. }));
    assert!(matches!(refused(key("k".repeat(store::MAX_KEY + 1))), StoreError::BadKey { .. }));
    let large = vec![("k".to_owned(), vec![0; store::MAX_VALUE + 1])];
    let large = refused(Commit { put: large, ..Commit::default() });
    assert!(matches!(large, StoreError::TooLarge { .. }));
    put(engine, &[("k".repeat(store::MAX_KEY).as_str(), "")]);
    assert_eq!(keys(engine, "", After::Start, 9).len(), 1);
}

fn contended_changes_are_all_counted(engine: &Arc<dyn Engine>) {
    let add_one = || loop {
        let row = engine.get("n").unwrap();
        let (rev, n) = row.map_or((0, 0), |row| {
            (row.rev, String::from_utf8(row.value).unwrap().parse::<u32>().unwrap())
        });
        let put = vec![("n".to_owned(), (n + 1).to_string().into_bytes())];
        match engine.commit(Commit { expect: vec![("n".into(), rev)], put, del: vec![] }) {
            Ok(_) => return,
            Err(StoreError::Conflict { key }) => assert_eq!(key, "n"),
            Err(error) => panic!("{error}"),
        }
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| add_one()));
        }
    });
    assert_eq!(text(engine, "n").unwrap(), "400");
}

fn a_watch_wakes_for_its_prefix(engine: &Arc<dyn Engine>) {
    put(engine, &[("image/a", "")]);
    let mut watch = engine.watch("image/");
    assert!(!watch.has_changed().unwrap(), "what was before is no change");
    put(engine, &[("image-x/a", "")]);
    let check = Commit { expect: vec![("image/b".into(), 0)], ..Commit::default() };
    engine.commit(check).unwrap();
    let failing = Commit {
        expect: vec![("image/a".into(), 0)],
        del: vec!["image/a".into()],
        ..Commit::default()
    };
    engine.commit(failing).unwrap_err();
    assert!(!watch.has_changed().unwrap(), "others' rows, checks and refusals are no change");
    let rev = put(engine, &[("other", ""), ("image/a", "")]);
    assert_eq!(*watch.borrow_and_update(), rev);
    engine.commit(Commit { del: vec!["image/a".into()], ..Commit::default() }).unwrap();
    assert!(watch.has_changed().unwrap(), "removal is a change");
}

fn a_watch_misses_nothing(engine: &Arc<dyn Engine>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=100 {
                put(engine, &[("n", &n.to_string())]);
            }
        });
        runtime.block_on(async {
            // Watch first, then read: a change is either read or wakes.
            let mut watch = engine.watch("n");
            while text(engine, "n").as_deref() != Some("100") {
                watch.changed().await.unwrap();
            }
        });
    });
}
