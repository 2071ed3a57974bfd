//! Looking: which records are there, and whether the log is as it was written. All of it blocks.

use std::io;
use std::sync::Arc;

use common::audit::chain::{Content, Head, Walk};
use common::audit::{Event, Filter};

use super::segment::Segment;
use super::writer::{Shared, locked};

/// Records that were looked for, the newest first, each with its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub events: Vec<(u64, Event)>,
    /// The number before which there may be more.
    pub before: Option<u64>,
}

/// How a log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The record behind which it begins.
    pub behind: Head,
    /// Its last record.
    pub head: Head,
    /// What is wrong first, if anything is.
    pub fault: Option<String>,
}

fn may_hold(segment: &Segment, filter: &Filter) -> bool {
    let sum = &segment.sum;
    let late = filter.since.is_some_and(|since| sum.to.is_none_or(|to| to < since));
    let early = filter.until.is_some_and(|until| sum.from.is_none_or(|from| from > until));
    !late && !early && filter.words().iter().all(|word| segment.words.may_hold(word))
}

/// Looks for records with numbers below `before`.
pub(super) fn find(
    shared: &Shared,
    filter: &Filter,
    before: Option<u64>,
    most: usize,
) -> io::Result<Page> {
    let segments = locked(&shared.segments).clone();
    let mut page = Page::default();
    for segment in segments.iter().rev() {
        let above = before.is_some_and(|before| segment.sum.first >= before);
        if above || !may_hold(segment, filter) {
            continue;
        }
        let mut found = Vec::new();
        let lines = match segment.lines() {
            Ok(lines) => lines,
            // It was removed in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        for line in lines {
            let Some(record) = Segment::record(&line?) else { continue };
            if before.is_some_and(|before| record.n >= before) {
                break;
            }
            if let Content::Event(event) = record.content
                && filter.admits(&event)
            {
                found.push((record.n, *event));
            }
        }
        for (n, event) in found.into_iter().rev() {
            if page.events.len() == most {
                page.before = page.events.last().map(|(n, _)| *n);
                return Ok(page);
            }
            page.events.push((n, event));
        }
    }
    Ok(page)
}

/// Reads the log from its beginning to where it ends now.
pub(super) fn verify(shared: &Shared) -> io::Result<State> {
    let _nothing_goes = locked(&shared.reading);
    let segments: Vec<Arc<Segment>> = locked(&shared.segments).clone();
    let behind = locked(&shared.anchor).behind.clone();
    let head = segments.last().map_or_else(Head::default, |last| last.sum.last.clone());
    let mut walk = Walk::behind(behind.clone());
    let state = |fault| State { behind, head: head.clone(), fault };
    for segment in &segments {
        let name = segment.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let lines = match segment.lines() {
            Ok(lines) => lines,
            Err(error) => return Ok(state(Some(format!("{name}: {error}")))),
        };
        for line in lines {
            if let Err(fault) = walk.step(&line?) {
                return Ok(state(Some(format!("{name}: {fault}"))));
            }
        }
    }
    let fault = walk.end(Some(&head)).err().map(|fault| fault.to_string());
    Ok(state(fault))
}
