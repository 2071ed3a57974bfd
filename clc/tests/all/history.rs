//! The history's files when their process is killed at any moment: what was kept is there, and nothing
//! else.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use clc::history::{Family, History, Subject};
use common::time::Timestamp;

/// Where a process of its own keeps a history.
const PLACE: &str = "EUCALYPT_TEST_HISTORY";
/// 2026-11-23T00:00:00Z.
const BEGIN: i64 = 1_795_392_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_secs(BEGIN + 60 * minute)
}

/// What a sample says of a minute: every column another number, so that halves of two are seen.
fn values(minute: i64) -> Vec<f32> {
    (0..Family::Node.columns().len()).map(|column| (minute * 100) as f32 + column as f32).collect()
}

fn names() -> [String; 3] {
    ["a", "b", "c"].map(str::to_owned)
}

/// No test of its own: what the other test starts and kills. It tells of each minute once it is kept.
#[test]
fn keeps_minutes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(PLACE) else { return };
    let history = History::open(Path::new(&dir), 10).unwrap();
    let first: i64 = std::env::var("EUCALYPT_TEST_FIRST").unwrap().parse().unwrap();
    for minute in first.. {
        let samples = names().map(|name| (name, values(minute)));
        history.add(Family::Node, at(minute), &samples).unwrap();
        println!("kept {minute}");
    }
}

#[test]
fn what_was_kept_outlives_a_process_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut next = 0;
    let mut kills = Vec::new();
    for round in 0..6u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "history::keeps_minutes_until_it_is_killed", "--nocapture"])
            .env(PLACE, dir.path())
            .env("EUCALYPT_TEST_FIRST", next.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = |line: &str| line.rsplit_once("kept ").map(|(_, it)| it.parse::<i64>().unwrap());
        let enough = next + 7 + i64::try_from(round).unwrap();
        let mut last = -1;
        while last < enough {
            let line = lines.next().expect("it goes on until it is killed").unwrap();
            last = told(&line).unwrap_or(last);
        }
        // SIGKILL, wherever it is just now; what it had told by then is read to its end.
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        for line in lines.map_while(Result::ok) {
            last = told(&line).unwrap_or(last);
        }
        kills.push(last);
        next = last + 1;
    }
    let size = std::fs::metadata(dir.path().join("node.rings")).unwrap().len();
    assert_eq!(size, 3 * Family::Node.shape().slot(), "it does not grow by restarts");

    runtime::boot::in_system(async move {
        let history = History::open(dir.path(), 10).unwrap();
        let until = at(next + 2);
        for name in names() {
            let (step, rows) =
                history.read(&Subject::node(&name), at(0), until, 1500).await.unwrap();
            assert_eq!(step, 60);
            let seen: Vec<_> =
                rows.iter().map(|row| (i64::try_from(row.at).unwrap() - BEGIN) / 60).collect();
            // All that was told, and at most what was being written when the last one was killed.
            let kept: Vec<_> = (0..next).collect();
            assert!(seen.starts_with(&kept) && seen.len() <= kept.len() + 1, "{kills:?}: {seen:?}");
            for (minute, row) in seen.iter().zip(&rows) {
                let said: Vec<_> = row.cells.iter().map(|cell| cell.mean).collect();
                assert_eq!(said, values(*minute), "a row is whole");
            }
            // What is coarser says what the finer rows say.
            let (step, rows) = history.read(&Subject::node(&name), at(0), until, 20).await.unwrap();
            assert_eq!(step, 600);
            for row in rows {
                let first = (i64::try_from(row.at).unwrap() - BEGIN) / 60;
                let within: Vec<_> =
                    seen.iter().filter(|it| (first..first + 10).contains(*it)).collect();
                let whole = usize::try_from(row.weight).unwrap();
                assert!(whole == within.len() || whole + 1 == within.len(), "{kills:?}: {row:?}");
                assert_eq!(row.cells[0].min, (first * 100) as f32);
            }
        }
    })
    .unwrap();
}
