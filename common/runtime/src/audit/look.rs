//! Looking: which records are there, and whether the log is as it was written. All of it blocks.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use common::audit::chain::{Content, Head, Walk};
use common::audit::{Filter, Piece, Place};
use common::wire::audit::AuditState;

use super::segment::Segment;
use super::writer::{Shared, locked};

/// How many bytes of records one look-up tells, at most, but for the first.
const MOST_TOLD: usize = 4 << 20;
/// How many bytes of segments it reads before it lets whoever asks go on.
const MOST_READ: u64 = 64 << 20;

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

impl State {
    /// The same, as it is told.
    pub fn named(self, name: &str) -> AuditState {
        let (first, name) = (self.behind.n.saturating_add(1), name.to_owned());
        let Head { n: last, hash } = self.head;
        AuditState { name, first, last, hash, fault: self.fault }
    }
}

fn may_hold(segment: &Segment, filter: &Filter) -> bool {
    let sum = &segment.sum;
    let late = filter.since.is_some_and(|since| sum.to.is_none_or(|to| to < since));
    let early = filter.until.is_some_and(|until| sum.from.is_none_or(|from| from > until));
    !late && !early && filter.words().iter().all(|word| segment.words.may_hold(word))
}

/// Looks for records from that place down. Memory holds the newest of them only, and one segment is
/// read at a time, however much is there.
pub(super) fn find(
    shared: &Shared,
    filter: &Filter,
    place: Place,
    most: usize,
) -> io::Result<Piece> {
    let before = match place {
        Place::Top => None,
        Place::Below(n) => Some(n),
        Place::End => return Ok(Piece::default()),
    };
    let segments = locked(&shared.segments).clone();
    let mut piece = Piece::default();
    let (mut told, mut read) = (0, 0);
    for segment in segments.iter().rev() {
        let above = before.is_some_and(|before| segment.sum.first >= before);
        if above || !may_hold(segment, filter) {
            continue;
        }
        if read >= MOST_READ {
            piece.next = Place::Below(segment.sum.last.n.saturating_add(1));
            return Ok(piece);
        }
        read += segment.sum.bytes;
        let lines = match segment.lines() {
            Ok(lines) => lines,
            // It was removed in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        // One more than is told says whether there is more.
        let room = most.saturating_sub(piece.records.len()).saturating_add(1);
        let (mut found, mut bytes, mut cut) = (VecDeque::new(), told, false);
        for line in lines {
            let line = line?;
            let Some(record) = Segment::record(&line) else { continue };
            if before.is_some_and(|before| record.n >= before) {
                break;
            }
            let Content::Event(event) = record.content else { continue };
            if !filter.admits(&event) {
                continue;
            }
            bytes += line.len();
            found.push_back((record.n, line.len(), *event));
            while found.len() > room || (bytes > MOST_TOLD && found.len() > 1) {
                cut = true;
                let gone = found.pop_front().map_or(0, |(_, length, _)| length);
                bytes = bytes.saturating_sub(gone);
            }
        }
        told = bytes;
        piece.records.extend(found.into_iter().rev().map(|(n, _, event)| (n, event)));
        cut |= piece.records.len() > most;
        piece.records.truncate(most);
        if cut || told > MOST_TOLD {
            let last = piece.records.last().map(|(n, _)| *n);
            piece.next = last.or(before).map_or(Place::Top, Place::Below);
            return Ok(piece);
        }
    }
    Ok(piece)
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
