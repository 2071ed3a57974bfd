//! A store whose files were cut, put back or lost is refused with a sentence that says what is
//! wrong; one whose disk is full refuses commits and goes on when there is room.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::path::Path;

use store::{
    Commit, DEFAULT_CACHE_BYTES, Engine, EngineConfig, Rev, Sled, StoreError, check, export,
    import, open,
};

fn put(engine: &dyn Engine, key: &str) -> Result<Rev, StoreError> {
    let put = vec![(key.to_owned(), vec![b'v'; 1000])];
    engine.commit(Commit { put, ..Commit::default() })
}

/// A closed store of many rows.
fn store(dir: &Path) -> EngineConfig {
    let config = EngineConfig::sled(dir.join("store"));
    let engine = open(&config).unwrap();
    for at in 0..2000 {
        put(&*engine, &format!("row/{at:05}")).unwrap();
    }
    config
}

#[test]
fn a_store_that_lost_what_was_on_disk_is_refused() {
    type Harm = fn(&Path);
    let table: [(&str, Harm, &str); 5] = [
        ("the log was cut in half", |store| cut(&store.join("db"), 2), "damaged"),
        ("the log was emptied", |store| cut(&store.join("db"), 1 << 40), "damaged"),
        ("the log is gone", |store| fs::remove_file(store.join("db")).unwrap(), "its log is gone"),
        ("the mark holds rubbish", |store| fs::write(store.join("mark"), "?").unwrap(), "damaged"),
        (
            "something foreign lies there",
            |store| fs::write(store.join("letter"), "dear").unwrap(),
            "which no store makes",
        ),
    ];
    for (what, harm, said) in table {
        let dir = tempfile::tempdir().unwrap();
        let config = store(dir.path());
        harm(&config.path);
        let refused = open(&config).map(|_| ()).expect_err(what).to_string();
        assert!(refused.contains(said), "{what}: {refused}");
        assert!(refused.contains(&config.path.display().to_string()), "{what}: {refused}");
        // Nothing was made anew in its place.
        open(&config).map(|_| ()).expect_err(what);
    }
}

fn cut(file: &Path, by: u64) {
    let log = fs::OpenOptions::new().write(true).open(file).unwrap();
    let length = log.metadata().unwrap().len();
    log.set_len(length / by).unwrap();
}

#[test]
fn an_older_copy_of_the_log_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let config = EngineConfig::sled(dir.path().join("store"));
    put(&*open(&config).unwrap(), "first").unwrap();
    let log = config.path.join("db");
    let copy = fs::read(&log).unwrap();
    put(&*open(&config).unwrap(), "second").unwrap();
    fs::write(&log, copy).unwrap();
    let refused = open(&config).map(|_| ()).unwrap_err().to_string();
    assert!(refused.ends_with("commit 2 was on disk, but its log ends with 1"), "{refused}");
}

#[test]
fn a_full_disk_refuses_commits_and_is_forgotten_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = EngineConfig::sled(dir.path().join("store"));
    put(&*open(&config).unwrap(), "before").unwrap();
    config.reserve_bytes = u64::MAX;
    let engine = open(&config).unwrap();
    let refused = put(&*engine, "k").unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused}");
    let removal = Commit { del: vec!["before".to_owned()], ..Commit::default() };
    assert!(matches!(engine.commit(removal), Err(StoreError::Full { .. })));
    assert!(engine.get("before").unwrap().is_some());
    assert_eq!(engine.commit(Commit::default()).unwrap(), 1, "looking needs no room");
    drop(engine);
    config.reserve_bytes = 0;
    put(&*open(&config).unwrap(), "k").unwrap();
}

#[test]
fn a_store_moves_through_a_plain_file() {
    let dir = tempfile::tempdir().unwrap();
    let config = store(dir.path());
    let file = dir.path().join("export");
    assert_eq!(export(&config, &file).unwrap(), 2000);
    assert!(export(&config, &file).is_err(), "an export is never overwritten");
    let full = import(&config, &file).unwrap_err();
    assert!(full.to_string().ends_with("a store is imported into a new directory"));

    let other = EngineConfig::sled(dir.path().join("other"));
    // What an import that was killed has left behind is in nobody's way.
    fs::create_dir(dir.path().join("other.importing")).unwrap();
    fs::write(dir.path().join("other.importing/db"), "half").unwrap();
    assert_eq!(import(&other, &file).unwrap(), 2000);
    assert_eq!(check(&other).unwrap(), 2000);
    let back = dir.path().join("back");
    export(&other, &back).unwrap();
    assert_eq!(fs::read(&file).unwrap(), fs::read(&back).unwrap());
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["back", "export", "other", "store"]);
}

#[test]
fn a_store_in_use_is_not_exported() {
    let dir = tempfile::tempdir().unwrap();
    let config = EngineConfig::sled(dir.path().join("store"));
    let held = Sled::open(&config.path, DEFAULT_CACHE_BYTES).unwrap();
    let file = dir.path().join("export");
    assert!(matches!(export(&config, &file), Err(StoreError::Locked { .. })));
    assert!(!file.exists());
    drop(held);
    let absent = EngineConfig::sled(dir.path().join("absent"));
    assert!(export(&absent, &file).is_err() && !absent.path.exists());
}
