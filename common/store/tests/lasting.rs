//! What the store on disk promises beyond the suite: it lasts, also when killed, it notices
//! damage, and it refuses what is not its own.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use store::{After, Commit, DEFAULT_CACHE_BYTES, Engine, Rev, Sled, StoreError};

const CHILD_DIR: &str = "STORE_TEST_CHILD_DIR";
const CHILD_ROUND: &str = "STORE_TEST_CHILD_ROUND";
const ACKNOWLEDGED: &str = "acknowledged";

fn open(path: &Path) -> Sled {
    Sled::open(path, DEFAULT_CACHE_BYTES).unwrap()
}

fn put(engine: &Sled, key: &str, value: &[u8]) -> Rev {
    let put = vec![(key.to_owned(), value.to_vec())];
    engine.commit(Commit { put, ..Commit::default() }).unwrap()
}

#[test]
fn everything_is_there_when_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..3_u8 {
        let engine = open(dir.path());
        for at in 0..100_u8 {
            let rev = put(&engine, &format!("r/{round}/{at:03}"), &[at; 2000]);
            assert!(rev > last, "revisions grow across restarts");
            last = rev;
        }
        let rows = engine.scan("", After::Start, 1000).unwrap();
        assert_eq!(rows.len(), 100 * (usize::from(round) + 1));
        assert!(rows.iter().zip((0..100).cycle()).all(|(row, at)| row.value == [at; 2000]));
    }
    assert_eq!(last, 300);
}

#[test]
fn a_second_opening_is_refused_and_possible_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let refused = Sled::open(dir.path(), DEFAULT_CACHE_BYTES).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }));
    assert!(refused.to_string().ends_with("is in use by another process"));
    put(&engine, "k", b"v");
    drop(engine);
    assert!(open(dir.path()).get("k").unwrap().is_some());
}

/// Changes a closed store below the engine's feet.
fn tamper(path: &Path, change: impl FnOnce(&sled::Db)) {
    drop(open(path));
    let db = sled::open(path).unwrap();
    change(&db);
    db.flush().unwrap();
}

#[test]
fn a_damaged_row_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let rev = put(&engine, "image/good", b"value");
    put(&engine, "image/bad", b"value");
    drop(engine);
    tamper(dir.path(), |db| {
        let mut row = db.get("image/bad").unwrap().unwrap().to_vec();
        *row.last_mut().unwrap() ^= 1;
        db.insert("image/bad", row).unwrap();
    });
    let engine = open(dir.path());
    let expect = vec![("image/bad".to_owned(), rev + 1)];
    let errors = [
        engine.get("image/bad").unwrap_err(),
        engine.scan("image/", After::Start, 9).unwrap_err(),
        engine.commit(Commit { expect, ..Commit::default() }).unwrap_err(),
    ];
    for error in errors {
        let expected = r#"row "image/bad" is damaged: its checksum does not match"#;
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(engine.get("image/good").unwrap().unwrap().value, b"value");
    put(&engine, "image/bad", b"mended");
    assert_eq!(engine.scan("image/", After::Start, 9).unwrap().len(), 2);
}

#[test]
fn what_is_no_store_or_newer_is_refused() {
    let refusal = |change: &dyn Fn(&sled::Db)| {
        let dir = tempfile::tempdir().unwrap();
        tamper(dir.path(), change);
        let error = Sled::open(dir.path(), DEFAULT_CACHE_BYTES).unwrap_err();
        assert!(error.to_string().contains(&dir.path().display().to_string()));
        error
    };
    let newer = refusal(&|db| drop(db.insert(b"\xffformat", "eucalypt store 2").unwrap()));
    assert!(matches!(newer, StoreError::NewerFormat { found: 2, known: 1, .. }));
    assert!(newer.to_string().ends_with("has format 2, newer than format 1 of this program"));
    let other = refusal(&|db| drop(db.insert(b"\xffformat", "shopping list").unwrap()));
    assert!(matches!(other, StoreError::NotAStore { .. }));
    let unmarked = refusal(&|db| drop(db.remove(b"\xffformat").unwrap()));
    assert!(matches!(unmarked, StoreError::NotAStore { .. }));
    let trees = refusal(&|db| drop(db.open_tree("other").unwrap()));
    assert!(matches!(trees, StoreError::NotAStore { .. }));
    let headless = refusal(&|db| drop(db.remove(b"\xffrevision").unwrap()));
    assert!(matches!(headless, StoreError::Damaged { .. }));
}

/// Not a test of its own: the process that [`nothing_acknowledged_is_lost_by_a_kill`] kills. Four
/// threads commit batches of three rows and say what was acknowledged.
#[test]
fn child_that_is_killed() {
    let Some(dir) = env::var_os(CHILD_DIR) else { return };
    let round = env::var_os(CHILD_ROUND).unwrap().into_string().unwrap();
    let engine = open(Path::new(&dir));
    thread::scope(|scope| {
        for writer in 0..4 {
            let (engine, round) = (&engine, &round);
            scope.spawn(move || {
                // Large enough that pages outgrow the log's segments and become blobs.
                let filler = "x".repeat(if writer == 0 { 20_000 } else { 200 });
                for n in 0_u32.. {
                    let batch = format!("{round}-{writer}-{n}");
                    let row =
                        |part| (format!("b/{batch}/{part}"), format!("{batch} {filler}").into());
                    let put = ["a", "b", "c"].map(row).into();
                    // Every batch replaces its forerunner's mark.
                    let del = vec![format!("m/{round}-{writer}-{}", n.wrapping_sub(1))];
                    let mark = (format!("m/{batch}"), Vec::new());
                    let put = [put, vec![mark]].concat();
                    let rev = engine.commit(Commit { put, del, ..Commit::default() }).unwrap();
                    writeln!(std::io::stdout(), "\n{ACKNOWLEDGED} {batch} {rev}").unwrap();
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: HashMap<String, Rev> = HashMap::new();
    for round in 0..4 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["child_that_is_killed", "--exact", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .env(CHILD_ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let kill_after = 20 + RandomState::new().hash_one(round) % 200;
        let mut seen = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            // What comes after the kill was acknowledged, too.
            let line = line.unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            let [ACKNOWLEDGED, batch, rev] = words[..] else { continue };
            acknowledged.insert(batch.to_owned(), rev.parse().unwrap());
            seen += 1;
            if seen == kill_after {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= kill_after, "the child ended by itself after {seen} commits");
        verify(&open(dir.path()), &acknowledged);
    }
}

/// All that was acknowledged is there, and of nothing is there a half.
fn verify(engine: &Sled, acknowledged: &HashMap<String, Rev>) {
    let mut batches: BTreeMap<String, Vec<(String, Rev)>> = BTreeMap::new();
    for row in engine.scan("b/", After::Start, usize::MAX).unwrap() {
        let [_, batch, part] = row.key.split('/').collect::<Vec<_>>()[..] else { panic!() };
        assert!(row.value.starts_with(format!("{batch} ").as_bytes()));
        batches.entry(batch.to_owned()).or_default().push((part.to_owned(), row.rev));
    }
    for (batch, rev) in acknowledged {
        assert!(batches.get(batch).is_some_and(|rows| rows[0].1 == *rev), "{batch} is lost");
    }
    let mut newest: HashMap<&str, u32> = HashMap::new();
    for (batch, rows) in &batches {
        let whole = rows.len() == 3 && rows.iter().all(|(_, rev)| *rev == rows[0].1);
        assert!(whole, "{batch} is not whole: {rows:?}");
        let (writer, n) = batch.rsplit_once('-').unwrap();
        let n: u32 = n.parse().unwrap();
        let top = newest.entry(writer).or_default();
        *top = n.max(*top);
    }
    let marks: Vec<String> =
        engine.scan("m/", After::Start, 999).unwrap().into_iter().map(|row| row.key).collect();
    let mut expected: Vec<_> = newest.iter().map(|(writer, n)| format!("m/{writer}-{n}")).collect();
    expected.sort_unstable();
    assert_eq!(marks, expected, "marks move with their batches");
}
