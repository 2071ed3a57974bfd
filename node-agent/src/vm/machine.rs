//! Where one machine stands and what comes next: pure.
//!
//! ```text
//!            wish is on disk              lost: again from its overlay
//!                  │            ┌───────────────────────────────────────────┐
//!                  ▼            ▼                                           │
//!  refused ┌── Preparing ──prepared──► Starting ──started──► Running ───────┤
//!     │    │    │  ▲ │ terminate         │    │ refused ▲       │            │ too often
//!     │    │    │  │ ▼                   │    │         │       │ terminate  │
//!     │    │    │  │ Cancelling          │    │   alive when    ▼            │
//!     │    │    │  │ │ prepared, refused │    │   the agent  Stopping        │
//!     │    │    │  │ │                   │    │   came back     │ ended      │
//!     │    ▼    │  │ ▼                   │    ▼                 ▼            ▼
//!     └─────────┼──┼─┴───────────────────┼──► Sweeping ◄──── powered off ─────┘
//!               │  │ due                 │       │   ▲
//!               ▼  │                     │       │   │ terminate
//!              Waiting ◄─────────────────┘       │   │
//!               │    refused, but it ran         │   │
//!               └────────────────────────────────┼───┘
//!                                                │ swept
//!                                                ▼
//!                                     Over: Gone or Failed
//! ```
//!
//! - *Preparing*: images, disk and network are made; each of them may be there already.
//! - *Starting*: the driver starts it; a wish to end it waits for the answer, which is near.
//! - *Waiting*: it ran once and was refused now; soon it is prepared again.
//! - *Running*: its guest runs, as far as can be known from outside.
//! - *Stopping*: it is being killed.
//! - *Sweeping*: its end is certain; network, images and disk are given back.
//! - *Over*: nothing is left but the note.
//!
//! A terminate is possible everywhere and never refused. A guest that switches itself off is gone
//! with its disk: these are instance-store machines. A machine whose process is lost while it is
//! still wanted starts again from its overlay, but not for ever: the fourth loss without a steady
//! time in between makes it fail. What happens outside the order drawn here (an answer that comes
//! late) changes nothing.
//!
//! A machine that is refused fails, if it never ran: there is nothing to lose, and another host
//! may do better. The overlay of one that ran may be the only copy of what its guest wrote, and
//! what refuses it (a port that is held, a host that is busy with its own start) may pass: such a
//! machine is tried again with growing pauses for as long as it is wanted, and it reports why. An
//! overlay that the agent finds when it comes back counts as one that was written to.

use std::time::Duration;

use common::time::Timestamp;
use common::wire::node::MachineState;
use serde::{Deserialize, Serialize};

use crate::hypervisor::driver::Ended;

/// How often in a row a machine is started again after its process was lost.
const LOSSES: u32 = 3;

/// A machine that ran this long is not one that is lost again and again.
const STEADY: Duration = Duration::from_secs(600);

/// The first pause before a machine that ran and was refused is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What a machine that is to run has behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// How often its process was lost in a row.
    pub losses: u32,
    /// Its guest may have written to its disk, which is kept whatever refuses it.
    pub ran: bool,
    /// How often it was refused in a row; counted for machines that ran.
    pub refusals: u32,
    /// What was said the last time.
    pub refused: Option<String>,
}

/// Where a machine stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its images, disk and network are made.
    Preparing(Past),
    /// It shall end while it is being prepared.
    Cancelling,
    /// The driver starts it.
    Starting {
        /// What it has behind it.
        past: Past,
        /// It shall end as soon as it has started.
        ending: bool,
    },
    /// It is tried again after a pause.
    Waiting(Past),
    /// Its guest runs.
    Running {
        /// How often its process was lost in a row.
        losses: u32,
        /// Since when.
        since: Timestamp,
    },
    /// It is being killed.
    Stopping,
    /// What it had is given back.
    Sweeping(End),
    /// Nothing is left but a note.
    Over(End),
}

/// How a machine's life ended, with a sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// As it was wanted, or by its guest.
    Gone(String),
    /// It could not be made to run.
    Failed(String),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Images, disk and network are there.
    Prepared,
    /// They cannot be had, or the driver refused to start.
    Refused(String),
    /// The pause is over.
    Due,
    /// Its guest runs.
    Started,
    /// Its process has ended.
    Ended(Ended),
    /// It is no longer wanted.
    Terminate,
    /// All was given back.
    Swept,
}

/// What is to be done. Each effect answers with one event unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Get images, make disk and network: `Prepared` or `Refused`.
    Prepare,
    /// Give up preparing; the running `Prepare` answers soon. No event of its own.
    Abandon,
    /// Start it: `Started` or `Refused`.
    Start,
    /// Let so much time pass: `Due`.
    Pause(Duration),
    /// Wait for its end: `Ended`.
    Watch,
    /// Make its network and hold its images again, as often as it takes. No event.
    Rewire,
    /// Kill it, as often as it takes: `Ended`.
    Kill,
    /// Write the note and give everything back, as often as it takes: `Swept`.
    Sweep(End),
    /// Remove the note when it is old enough, and then be no more. No event.
    Expire,
}

/// What the agent found of a machine when it came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Its process lives.
    Alive {
        /// Its end was wished for.
        ending: bool,
    },
    /// No process of it lives: it is new, or the host was restarted.
    Lifeless {
        /// Its end was wished for.
        ending: bool,
        /// Its overlay is there.
        disk: bool,
    },
    /// Its note.
    Note(End),
}

/// Why a machine that was terminated is gone.
fn on_request() -> End {
    End::Gone("terminated on request".to_owned())
}

/// Where a machine's way begins.
pub fn begin(found: Found, now: Timestamp) -> (State, Vec<Effect>) {
    match found {
        Found::Lifeless { ending: false, disk } => {
            let past = Past { ran: disk, ..Past::default() };
            (State::Preparing(past), vec![Effect::Prepare])
        }
        Found::Lifeless { ending: true, .. } => sweep(on_request()),
        Found::Alive { ending: false } => {
            (State::Running { losses: 0, since: now }, vec![Effect::Watch, Effect::Rewire])
        }
        Found::Alive { ending: true } => (State::Stopping, vec![Effect::Kill]),
        // It may have been written just before the agent died, with the rest still there.
        Found::Note(end) => (State::Over(end.clone()), vec![Effect::Sweep(end)]),
    }
}

/// What an event makes of a machine.
pub fn step(state: State, event: Event, now: Timestamp) -> (State, Vec<Effect>) {
    match (state, event) {
        (State::Preparing(past), Event::Prepared) => {
            (State::Starting { past, ending: false }, vec![Effect::Start])
        }
        (State::Preparing(past) | State::Starting { past, ending: false }, Event::Refused(why)) => {
            refused(past, why)
        }
        (State::Preparing(_), Event::Terminate) => (State::Cancelling, vec![Effect::Abandon]),
        (State::Waiting(past), Event::Due) => (State::Preparing(past), vec![Effect::Prepare]),
        (State::Waiting(_), Event::Terminate) => sweep(on_request()),
        (State::Cancelling, Event::Prepared | Event::Refused(_)) => sweep(on_request()),

        (State::Starting { past, .. }, Event::Terminate) => {
            (State::Starting { past, ending: true }, vec![])
        }
        (State::Starting { past, ending: false }, Event::Started) => {
            (State::Running { losses: past.losses, since: now }, vec![Effect::Watch])
        }
        (State::Starting { ending: true, .. }, Event::Started) => {
            (State::Stopping, vec![Effect::Kill])
        }
        (State::Starting { ending: true, .. }, Event::Refused(_)) => sweep(on_request()),

        (State::Running { .. }, Event::Terminate) => (State::Stopping, vec![Effect::Kill]),
        (State::Running { .. }, Event::Ended(Ended::PoweredOff)) => {
            sweep(End::Gone("the guest powered itself off".to_owned()))
        }
        (State::Running { .. }, Event::Ended(Ended::Killed)) => sweep(on_request()),
        (State::Running { losses, since }, Event::Ended(Ended::Lost(why))) => {
            lost(losses, since, why, now)
        }

        (State::Stopping, Event::Ended(_)) => sweep(on_request()),
        (State::Sweeping(end) | State::Over(end), Event::Swept) => {
            (State::Over(end), vec![Effect::Expire])
        }
        (state, _) => (state, vec![]),
    }
}

fn sweep(end: End) -> (State, Vec<Effect>) {
    (State::Sweeping(end.clone()), vec![Effect::Sweep(end)])
}

fn refused(past: Past, why: String) -> (State, Vec<Effect>) {
    if !past.ran {
        return sweep(End::Failed(why));
    }
    let (first, longest) = PAUSES;
    let pause = longest.min(first.saturating_mul(2u32.saturating_pow(past.refusals)));
    let refusals = past.refusals.saturating_add(1);
    (State::Waiting(Past { refusals, refused: Some(why), ..past }), vec![Effect::Pause(pause)])
}

fn lost(losses: u32, since: Timestamp, why: String, now: Timestamp) -> (State, Vec<Effect>) {
    let ran = now.as_millis().saturating_sub(since.as_millis());
    let steady = i64::try_from(STEADY.as_millis()).is_ok_and(|steady| ran >= steady);
    let losses = if steady { 1 } else { losses + 1 };
    if losses > LOSSES {
        return sweep(End::Failed(format!("its process was lost {losses} times in a row: {why}")));
    }
    let past = Past { losses, ran: true, ..Past::default() };
    (State::Preparing(past), vec![Effect::Prepare])
}

impl State {
    /// What a report says of it.
    pub fn reported(&self) -> MachineState {
        match self {
            Self::Preparing(_) | Self::Waiting(_) | Self::Starting { ending: false, .. } => {
                MachineState::Preparing
            }
            Self::Running { .. } => MachineState::Running,
            Self::Cancelling
            | Self::Starting { ending: true, .. }
            | Self::Stopping
            | Self::Sweeping(_) => MachineState::Stopping,
            Self::Over(End::Gone(_)) => MachineState::Gone,
            Self::Over(End::Failed(_)) => MachineState::Failed,
        }
    }

    /// The sentence that belongs to it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Sweeping(End::Gone(why) | End::Failed(why))
            | Self::Over(End::Gone(why) | End::Failed(why)) => Some(why),
            Self::Preparing(past) | Self::Waiting(past) | Self::Starting { past, .. } => {
                past.refused.as_deref()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn gone(why: &str) -> End {
        End::Gone(why.to_owned())
    }

    fn new() -> Past {
        Past::default()
    }

    fn ran(losses: u32) -> Past {
        Past { losses, ran: true, ..Past::default() }
    }

    fn swept(end: End) -> (State, Vec<Effect>) {
        (State::Sweeping(end.clone()), vec![Effect::Sweep(end)])
    }

    #[test]
    fn the_ways_of_a_machine() {
        let preparing = State::Preparing(ran(1));
        let starting = State::Starting { past: ran(1), ending: false };
        let ending = State::Starting { past: ran(1), ending: true };
        let once = Past { refusals: 1, refused: Some("no".to_owned()), ..ran(1) };
        let waiting = State::Waiting(once.clone());
        let pause = || (waiting.clone(), vec![Effect::Pause(Duration::from_secs(1))]);
        let running = State::Running { losses: 1, since: NOW };
        let no = || Event::Refused("no".to_owned());
        let lost = || Event::Ended(Ended::Lost("x".to_owned()));
        let requested = || swept(gone("terminated on request"));
        let failed = || swept(End::Failed("no".to_owned()));
        let over = || (State::Over(gone("x")), vec![Effect::Expire]);
        let off = || swept(gone("the guest powered itself off"));
        for (state, event, expected) in [
            (preparing.clone(), Event::Prepared, (starting.clone(), vec![Effect::Start])),
            (State::Preparing(new()), no(), failed()),
            (preparing.clone(), no(), pause()),
            (preparing.clone(), Event::Terminate, (State::Cancelling, vec![Effect::Abandon])),
            (State::Cancelling, Event::Prepared, requested()),
            (State::Cancelling, no(), requested()),
            (starting.clone(), Event::Started, (running.clone(), vec![Effect::Watch])),
            (State::Starting { past: new(), ending: false }, no(), failed()),
            (starting.clone(), no(), pause()),
            (waiting.clone(), Event::Due, (State::Preparing(once), vec![Effect::Prepare])),
            (waiting.clone(), Event::Terminate, requested()),
            (starting, Event::Terminate, (ending.clone(), vec![])),
            (ending.clone(), Event::Started, (State::Stopping, vec![Effect::Kill])),
            (ending, no(), requested()),
            (running.clone(), Event::Terminate, (State::Stopping, vec![Effect::Kill])),
            (running.clone(), Event::Ended(Ended::PoweredOff), off()),
            (running.clone(), Event::Ended(Ended::Killed), requested()),
            (running.clone(), lost(), (State::Preparing(ran(2)), vec![Effect::Prepare])),
            (State::Stopping, Event::Ended(Ended::Killed), requested()),
            (State::Stopping, lost(), requested()),
            (State::Sweeping(gone("x")), Event::Swept, over()),
            (State::Over(gone("x")), Event::Swept, over()),
        ] {
            assert_eq!(step(state.clone(), event.clone(), NOW), expected, "{state:?} {event:?}");
        }
    }

    #[test]
    fn what_comes_late_or_twice_changes_nothing() {
        let over = State::Over(gone("x"));
        let sweeping = State::Sweeping(gone("x"));
        for (state, event) in [
            (over.clone(), Event::Terminate),
            (over, Event::Ended(Ended::Killed)),
            (sweeping.clone(), Event::Terminate),
            (sweeping.clone(), Event::Ended(Ended::PoweredOff)),
            (sweeping.clone(), Event::Refused("x".to_owned())),
            (sweeping, Event::Due),
            (State::Stopping, Event::Terminate),
            (State::Cancelling, Event::Terminate),
            (State::Preparing(new()), Event::Ended(Ended::Killed)),
        ] {
            assert_eq!(step(state.clone(), event, NOW), (state, vec![]));
        }
    }

    #[test]
    fn a_machine_that_ran_is_tried_again_with_growing_pauses_for_as_long_as_it_is_refused() {
        let mut state = State::Preparing(ran(3));
        let mut pauses = Vec::new();
        for turn in 0..40 {
            // Now this step refuses, now that one.
            if turn % 2 == 1 {
                state = step(state, Event::Prepared, NOW).0;
            }
            let (waiting, effects) = step(state, Event::Refused(format!("no {turn}")), NOW);
            assert_eq!(waiting.reported(), MachineState::Preparing);
            assert_eq!(waiting.reason(), Some(format!("no {turn}").as_str()));
            let [Effect::Pause(pause)] = effects[..] else { panic!("{effects:?}") };
            pauses.push(pause.as_secs());
            let (preparing, effects) = step(waiting, Event::Due, NOW);
            assert_eq!(effects, [Effect::Prepare]);
            assert_eq!(preparing.reason(), Some(format!("no {turn}").as_str()));
            state = preparing;
        }
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(pauses[8..].iter().all(|pause| *pause == 60));

        // Once it runs all that is forgotten, but not how often it was lost.
        let starting = step(state, Event::Prepared, NOW).0;
        let running = step(starting, Event::Started, NOW).0;
        assert_eq!(running, State::Running { losses: 3, since: NOW });
        assert_eq!(running.reason(), None);
    }

    #[test]
    fn a_machine_that_is_lost_again_and_again_fails_and_a_steady_one_does_not() {
        let lost = |losses, millis| {
            let state = State::Running { losses, since: NOW };
            let now = Timestamp::from_millis(NOW.as_millis() + millis);
            step(state, Event::Ended(Ended::Lost("why".to_owned())), now).0
        };
        for (losses, millis, expected) in [
            (0, 0, State::Preparing(ran(1))),
            (2, 599_999, State::Preparing(ran(3))),
            (3, 600_000, State::Preparing(ran(1))),
            // A clock that was set back is no steady time.
            (2, -1, State::Preparing(ran(3))),
        ] {
            assert_eq!(lost(losses, millis), expected, "{losses} {millis}");
        }
        let State::Sweeping(End::Failed(why)) = lost(3, 0) else { panic!("not failed") };
        assert_eq!(why, "its process was lost 4 times in a row: why");
    }

    #[test]
    fn where_a_machine_begins_depends_on_what_is_found() {
        let running = State::Running { losses: 0, since: NOW };
        let requested = gone("terminated on request");
        let noted = End::Failed("x".to_owned());
        for (found, expected) in [
            (
                Found::Lifeless { ending: false, disk: false },
                (State::Preparing(new()), vec![Effect::Prepare]),
            ),
            (
                Found::Lifeless { ending: false, disk: true },
                (State::Preparing(ran(0)), vec![Effect::Prepare]),
            ),
            (Found::Lifeless { ending: true, disk: true }, swept(requested)),
            (Found::Alive { ending: false }, (running, vec![Effect::Watch, Effect::Rewire])),
            (Found::Alive { ending: true }, (State::Stopping, vec![Effect::Kill])),
            (Found::Note(noted.clone()), (State::Over(noted.clone()), vec![Effect::Sweep(noted)])),
        ] {
            assert_eq!(begin(found.clone(), NOW), expected, "{found:?}");
        }
    }

    #[test]
    fn reports_say_what_people_need() {
        for (state, expected) in [
            (State::Preparing(ran(3)), MachineState::Preparing),
            (State::Waiting(ran(3)), MachineState::Preparing),
            (State::Cancelling, MachineState::Stopping),
            (State::Starting { past: new(), ending: false }, MachineState::Preparing),
            (State::Starting { past: new(), ending: true }, MachineState::Stopping),
            (State::Running { losses: 0, since: NOW }, MachineState::Running),
            (State::Stopping, MachineState::Stopping),
            (State::Sweeping(gone("x")), MachineState::Stopping),
            (State::Over(gone("x")), MachineState::Gone),
            (State::Over(End::Failed("x".to_owned())), MachineState::Failed),
        ] {
            assert_eq!(state.reported(), expected, "{state:?}");
        }
        assert_eq!(State::Over(gone("x")).reason(), Some("x"));
        assert_eq!(State::Stopping.reason(), None);
    }
}
