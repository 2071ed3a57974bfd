//! Verifying the files of a log, whether or not a process writes them just now. All of it blocks.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use common::audit::chain::{Fault, Head, Walk};

use super::look::State;
use super::segment::{numbers, path};
use super::writer::{Anchor, READS, read_json};

/// How often the reading is begun anew, because old segments were removed meanwhile.
const TRIES: u32 = 5;

/// Tells whether the log in a folder is as it was written: its chain of changes, and that of reads.
///
/// # Errors
/// If there is no log, or a file cannot be read.
pub fn check(dir: &Path) -> io::Result<[State; 2]> {
    Ok([chain(dir)?, chain(&dir.join(READS))?])
}

fn chain(dir: &Path) -> io::Result<State> {
    let mut tries = 0;
    loop {
        tries += 1;
        let anchor = read_json::<Anchor>(&dir.join("anchor"))?.unwrap_or_default();
        let walked = walk(dir, &anchor);
        let now = read_json::<Anchor>(&dir.join("anchor"))?.unwrap_or_default();
        if now == anchor || tries == TRIES {
            return walked;
        }
    }
}

fn walk(dir: &Path, anchor: &Anchor) -> io::Result<State> {
    // The head is read first: the log may grow meanwhile, and never falls short of it.
    let known = read_json::<Head>(&dir.join("head"))?;
    let mut walk = Walk::behind(anchor.behind.clone());
    let mut there = numbers(dir)?;
    there.retain(|number| *number >= anchor.segment);
    let mut fault = None;
    for number in &there {
        let path = path(dir, *number);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let told = segment(&path, &mut walk, Some(number) == there.last())?;
        fault = told.map(|fault| format!("{name}: {fault}"));
        if fault.is_some() {
            break;
        }
    }
    let fault = fault.or_else(|| walk.end(known.as_ref()).err().map(|fault| fault.to_string()));
    Ok(State { behind: anchor.behind.clone(), head: walk.head().clone(), fault })
}

/// Walks the lines of a file. What follows the last whole line of the last one is being written, or
/// was torn by the end of its process.
fn segment(path: &Path, walk: &mut Walk, last: bool) -> io::Result<Option<Fault>> {
    let mut lines = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let Some(b'\n') = line.pop() else {
            let n = walk.head().n + 1;
            let torn = Fault::Changed { n, why: "its line has no end" };
            return Ok(Some(torn).filter(|_| !last));
        };
        // What was changed into no text is no line of ours.
        let text = std::str::from_utf8(&line).unwrap_or_default();
        if let Err(fault) = walk.step(text) {
            return Ok(Some(fault));
        }
    }
}
