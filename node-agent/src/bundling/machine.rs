//! Where one task stands and what comes next: pure.
//!
//! ```text
//!  found half-way                        copied before the agent died
//!     │            ┌──────────────────────────────────────────────────────────────┐
//!     ▼            │                                                              ▼
//!  Clearing ──cleared──► Waiting ──turn──► Copying ──copied──► Storing ◄──turn── Waiting
//!     │                     │                 │                   │
//!     │ cancel              │ cancel          │ cancel            │ cancel
//!     │                     └─────────────────┼───────────────────┤
//!     │                                       ▼                   │ stored
//!     │                  failed            Leaving                │
//!     │                 (anywhere)            │ whatever was      │
//!     │                     │                 │ under way ended   │
//!     ▼                     ▼                 ▼                   ▼
//!  Clearing, to end ◄─────────────────────────────────────────────┘
//!     │ cleared
//!     ▼
//!  Concluding ──written──► Over: Complete, Cancelled or Failed
//! ```
//!
//! - *Clearing*: no copy is left and no guest is held; then it begins, or it ends.
//! - *Waiting*: others have their turn.
//! - *Copying*: the disk is brought to rest and copied.
//! - *Storing*: the copy is packed, and parts go to walrus.
//! - *Leaving*: what is under way was told to end; as soon as it has, nothing goes to walrus any
//!   more.
//! - *Concluding*: its end is being written down.
//!
//! A cancel is possible everywhere before the end is certain, and not taken back. One that comes
//! after the manifest was stored, but before that was heard of, wins: whoever cancelled removes
//! what is there. A task
//! that four agents worked on, and ended while they did, is not begun again.

use common::wire::bundling::{BundleState, Rest};
use serde::{Deserialize, Serialize};

/// How many agents work on a task, one after the other.
const TRIES: u32 = 4;

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// All is stored.
    Complete,
    /// It was cancelled.
    Cancelled,
    /// It could not be done.
    Failed(Failure),
}

impl End {
    /// What is told of it.
    pub fn shown(&self) -> BundleState {
        match self.clone() {
            Self::Complete => BundleState::Complete,
            Self::Cancelled => BundleState::Cancelled,
            Self::Failed(Failure { code, reason }) => BundleState::Failed { code, reason },
        }
    }
}

/// Why a task could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// EC2's or S3's code.
    pub code: String,
    /// A sentence.
    pub reason: String,
}

impl Failure {
    /// A failure of the node's own.
    pub fn internal(reason: impl std::fmt::Display) -> Self {
        Self { code: "InternalError".to_owned(), reason: reason.to_string() }
    }

    /// A failure of the node's own, whose cause is told only if it names no path: the owner of the
    /// instance reads it, and where the node keeps things is the node's business. The log has all.
    pub fn of(what: &str, cause: impl std::fmt::Display) -> Self {
        let cause = cause.to_string();
        tracing::warn!(what, cause, "a bundle task cannot go on");
        // What QEMU or the system said stands last.
        let last = cause.rsplit(": ").next().unwrap_or_default();
        match last.contains('/') || last.is_empty() {
            true => Self::internal(what),
            false => Self::internal(format!("{what}: {last}")),
        }
    }
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its leftovers are removed; then it begins, or ends like this.
    Clearing(Option<End>),
    /// It waits for its turn. With a rest: its copy is there.
    Waiting(Option<Rest>),
    /// The disk is copied.
    Copying,
    /// The copy is packed and sent.
    Storing,
    /// What is under way ends; then it ends like this.
    Leaving(End),
    /// Its end is written down.
    Concluding(End),
    /// It has ended.
    Over(End),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Nothing of a copy is left.
    Cleared,
    /// It is its turn.
    Turn,
    /// The disk is copied, and that is written down.
    Copied,
    /// Parts and manifest are stored.
    Stored,
    /// What was under way cannot be done.
    Refused(Failure),
    /// It is no longer wanted.
    Cancel,
    /// Its end is written down.
    Concluded,
}

/// What is to be done. Each effect answers with one event unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Remove copies, and have a guest go on that was held for one, as often as it takes: `Cleared`.
    Clear,
    /// Wait for the turn: `Turn` or `Refused`.
    Queue,
    /// Copy the disk: `Copied` or `Refused`.
    Copy,
    /// Pack the copy and send it: `Stored` or `Refused`.
    Store,
    /// Give up what is under way, which answers soon. No event of its own.
    Abandon,
    /// Write down the end, as often as it takes: `Concluded`.
    Conclude(End),
}

/// What the agent found of a task when it came back, or what it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many agents have worked on it before.
    pub tries: u32,
    /// Its copy is there; how the disk was brought to rest.
    pub copied: Option<Rest>,
    /// It was cancelled.
    pub cancelled: bool,
    /// It has ended.
    pub end: Option<End>,
}

/// Where a task's way begins.
pub fn begin(found: Found) -> (State, Vec<Effect>) {
    match found {
        Found { end: Some(end), .. } => (State::Over(end), vec![]),
        Found { cancelled: true, .. } => clear(Some(End::Cancelled)),
        Found { tries, .. } if tries >= TRIES => {
            let reason = format!("the node agent ended {tries} times while it was under way");
            clear(Some(End::Failed(Failure::internal(reason))))
        }
        Found { copied: Some(rest), .. } => (State::Waiting(Some(rest)), vec![Effect::Queue]),
        Found { tries: 0, .. } => (State::Waiting(None), vec![Effect::Queue]),
        Found { .. } => clear(None),
    }
}

/// What an event makes of a task.
pub fn step(state: State, event: Event) -> (State, Vec<Effect>) {
    match (state, event) {
        (State::Clearing(None), Event::Cleared) => (State::Waiting(None), vec![Effect::Queue]),
        (State::Clearing(Some(end)), Event::Cleared) => {
            (State::Concluding(end.clone()), vec![Effect::Conclude(end)])
        }
        (State::Clearing(None), Event::Cancel) => (State::Clearing(Some(End::Cancelled)), vec![]),

        (State::Waiting(None), Event::Turn) => (State::Copying, vec![Effect::Copy]),
        (State::Waiting(Some(_)), Event::Turn) | (State::Copying, Event::Copied) => {
            (State::Storing, vec![Effect::Store])
        }
        (State::Storing, Event::Stored) => clear(Some(End::Complete)),
        (State::Waiting(_) | State::Copying | State::Storing, Event::Refused(why)) => {
            clear(Some(End::Failed(why)))
        }
        (State::Waiting(_) | State::Copying | State::Storing, Event::Cancel) => {
            (State::Leaving(End::Cancelled), vec![Effect::Abandon])
        }

        (State::Leaving(end), Event::Turn | Event::Copied | Event::Stored | Event::Refused(_)) => {
            clear(Some(end))
        }
        (State::Concluding(end), Event::Concluded) => (State::Over(end), vec![]),
        (state, _) => (state, vec![]),
    }
}

fn clear(end: Option<End>) -> (State, Vec<Effect>) {
    (State::Clearing(end), vec![Effect::Clear])
}

impl State {
    /// Whether the disk, or its copy, is still needed.
    pub fn is_under_way(&self) -> bool {
        !matches!(self, Self::Concluding(_) | Self::Over(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Found {
        Found { tries: 0, copied: None, cancelled: false, end: None }
    }

    fn failed(reason: &str) -> End {
        End::Failed(Failure::internal(reason))
    }

    /// Where a series of events leads, and the effects on the way.
    fn led(found: Found, events: &[Event]) -> (State, Vec<Effect>) {
        let (mut state, mut effects) = begin(found);
        for event in events {
            let (next, more) = step(state, event.clone());
            state = next;
            effects.extend(more);
        }
        (state, effects)
    }

    #[test]
    fn a_task_goes_its_way() {
        use Effect::{Clear, Conclude, Copy, Queue, Store};
        let events = [Event::Turn, Event::Copied, Event::Stored, Event::Cleared, Event::Concluded];
        let (state, effects) = led(fresh(), &events);
        assert_eq!(state, State::Over(End::Complete));
        assert_eq!(effects, [Queue, Copy, Store, Clear, Conclude(End::Complete)]);

        let kept = Found { tries: 1, copied: Some(Rest::Paused), ..fresh() };
        let (state, effects) = led(kept, &[Event::Turn, Event::Stored]);
        assert_eq!(state, State::Clearing(Some(End::Complete)));
        assert_eq!(effects, [Queue, Store, Clear], "the copy is not taken again");

        let half = Found { tries: 1, ..fresh() };
        let (state, effects) = led(half, &[Event::Cleared, Event::Turn]);
        assert_eq!((state, effects), (State::Copying, vec![Clear, Queue, Copy]));
    }

    #[test]
    fn owners_are_told_no_paths() {
        for (cause, reason) in [
            ("/srv/node/x: No space left on device", "copying failed: No space left on device"),
            ("in /srv: Could not open '/srv/x'", "copying failed"),
            ("", "copying failed"),
        ] {
            assert_eq!(Failure::of("copying failed", cause), Failure::internal(reason));
        }
    }

    #[test]
    fn it_is_not_begun_for_ever() {
        let tired = Found { tries: TRIES, copied: Some(Rest::Off), ..fresh() };
        let (state, effects) = begin(tired);
        let State::Clearing(Some(End::Failed(why))) = state else { panic!("{state:?}") };
        assert!(why.reason.contains("4 times"));
        assert_eq!(effects, [Effect::Clear]);
        let over = Found { tries: 9, end: Some(End::Cancelled), cancelled: true, ..fresh() };
        assert_eq!(begin(over), (State::Over(End::Cancelled), vec![]));
        let unclear = Found { tries: 1, cancelled: true, ..fresh() };
        assert_eq!(begin(unclear), (State::Clearing(Some(End::Cancelled)), vec![Effect::Clear]));
    }

    #[test]
    fn a_cancel_waits_for_what_is_under_way_and_wins() {
        let refused = Event::Refused(Failure::internal("given up"));
        for (before, answer) in [
            (vec![], Event::Turn),
            (vec![], refused.clone()),
            (vec![Event::Turn], Event::Copied),
            (vec![Event::Turn, Event::Copied], Event::Stored),
            (vec![Event::Turn, Event::Copied], refused),
        ] {
            let mut events = before;
            events.extend([Event::Cancel, Event::Cancel]);
            let (state, effects) = led(fresh(), &events);
            assert_eq!(state, State::Leaving(End::Cancelled));
            assert_eq!(effects.last(), Some(&Effect::Abandon));
            events.extend([answer, Event::Cleared]);
            let (state, _) = led(fresh(), &events);
            assert_eq!(state, State::Concluding(End::Cancelled));
        }
        let half = Found { tries: 1, ..fresh() };
        let (state, effects) = led(half, &[Event::Cancel, Event::Cleared]);
        assert_eq!(state, State::Concluding(End::Cancelled));
        assert_eq!(effects, [Effect::Clear, Effect::Conclude(End::Cancelled)]);
    }

    #[test]
    fn what_cannot_be_done_is_cleared_away_and_nothing_changes_an_end() {
        for before in [vec![], vec![Event::Turn], vec![Event::Turn, Event::Copied]] {
            let mut events = before;
            events.push(Event::Refused(Failure::internal("x")));
            assert_eq!(led(fresh(), &events).0, State::Clearing(Some(failed("x"))));
            events.extend([Event::Cancel, Event::Cleared, Event::Cancel, Event::Concluded]);
            let (mut state, _) = led(fresh(), &events);
            assert_eq!(state, State::Over(failed("x")));
            for event in [Event::Cancel, Event::Turn, Event::Cleared, Event::Stored] {
                let (next, effects) = step(state, event);
                assert_eq!((&next, effects), (&State::Over(failed("x")), vec![]));
                state = next;
            }
        }
    }
}
