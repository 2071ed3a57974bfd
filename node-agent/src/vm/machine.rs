//! Where one machine stands and what comes next: pure.
//!
//! ```text
//!            wish is on disk              lost: again from its overlay
//!                  │            ┌───────────────────────────────────────────┐
//!                  ▼            ▼                                           │
//!  refused ┌── Preparing ──prepared──► Starting ──started──► Running ───────┤
//!     │    │    │  ▲ ▲              refused │                │ │ │ │       │ too often
//!     │    │  due  │ └─────────────┐        ▼     stop, reboot │ │ │ powered│off
//!     │    │    │  │    started    │     Waiting             ▼ │ │ │        │
//!     │    ▼    │  │               │     (it ran)      Halting │ │ │        │
//!     │ Cancelling │               │            over-│due │ended │ │        │
//!     │    │       │               │ by force        ▼    ▼    │ │ │        │
//!     │    │       │               ├──────────── Killing ──────┼─┘ │        │
//!     │    │       │  run          │   reboot      │    │      │   │        │
//!     │    │       └──── Parked ◄──parked── Parking ◄───┴──────┼───┴────────┘
//!     │    │ terminate      │ terminate      terminate         │ to terminate
//!     ▼    ▼                ▼                   ▼              ▼
//!   Sweeping ◄─────────────────────────────────────────────────┘
//!       │ swept
//!       ▼
//!   Over: Gone or Failed
//! ```
//!
//! - *Preparing*: images, disk and network are made; each of them may be there already.
//! - *Cancelling*: the same, but something else is wanted as soon as that is over.
//! - *Starting*: the driver starts it; another wish waits for the answer, which is near.
//! - *Waiting*: it ran once and was refused now; soon it is prepared again.
//! - *Running*: its guest runs, as far as can be known from outside.
//! - *Halting*: its guest was asked to shut down and has a while to do so. A guest that does not
//!   listen to such a request is killed when its time is over.
//! - *Killing*: its process is being ended.
//! - *Parking*: its end is certain and its disk stays; its network is given back.
//! - *Parked*: it is off. Its directory, its disk and its hold on its images stay.
//! - *Sweeping*: its end is certain; network, images and disk are given back.
//! - *Over*: nothing is left but the note.
//!
//! Where something is under way the wish that came last waits as the *goal*. A terminate is
//! possible everywhere, never refused, and not taken back. A reboot is a shutdown with the goal of
//! running: the guest is asked, killed if it does not listen, and started from its disk, so that
//! no state of the old process is left and a crash of the agent half-way is a start like any
//! other.
//!
//! A guest that switches itself off is off like one that was stopped, or gone with its disk, as
//! its owner chose. A machine whose process is lost while it is still wanted starts again from its
//! overlay, but not for ever: at the fourth loss without a steady time in between it stays off,
//! and says so. What happens outside the order drawn here (an answer that comes late) changes
//! nothing.
//!
//! A machine that is refused fails, if it never ran: there is nothing to lose, and another host
//! may do better. The overlay of one that ran may be the only copy of what its guest wrote, and
//! what refuses it (a port that is held, a host that is busy with its own start) may pass: such a
//! machine is tried again with growing pauses for as long as it is wanted, and it reports why.

use std::time::Duration;

use common::time::Timestamp;
use common::wire::node::MachineState;
use common::wire::spec::OnShutdown;
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

/// What shall become of a machine when what is under way is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// It runs.
    On,
    /// It is off, with its disk.
    Off,
    /// Nothing is left of it.
    Gone,
}

/// Why a machine is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// It is wanted so.
    Wished,
    /// Its guest switched it off.
    ByGuest,
    /// It could not be kept running.
    Broken(String),
}

/// How a guest that was asked to shut down went off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// By itself.
    Clean,
    /// It did not in time, or was lost on the way: its disk is as after a loss of power.
    Hard,
}

/// Where a machine stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its images, disk and network are made.
    Preparing(Past),
    /// They are made, and something else is wanted meanwhile.
    Cancelling {
        /// What it has behind it.
        past: Past,
        /// What is wanted.
        goal: Goal,
    },
    /// The driver starts it.
    Starting {
        /// What it has behind it.
        past: Past,
        /// What shall become of it when it has started.
        goal: Goal,
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
    /// Its guest was asked to shut down; what comes then.
    Halting(Goal),
    /// It is being killed; what comes then.
    Killing(Goal),
    /// Its network is given back.
    Parking {
        /// What comes then.
        goal: Goal,
        /// Why it is off.
        rest: Rest,
    },
    /// It is off.
    Parked(Rest),
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
    /// Its guest had its time to shut down.
    Overdue,
    /// Its process was killed.
    Killed,
    /// Its network was given back.
    Parked,
    /// It is wanted to run.
    Run,
    /// It is wanted off.
    Stop {
        /// Its guest is not asked.
        force: bool,
    },
    /// It is to reboot.
    Reboot,
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
    /// Let so much time pass, more or less: `Due`.
    Pause(Duration),
    /// Wait for its end: `Ended`.
    Watch,
    /// Make its network and hold its images again, as often as it takes. No event.
    Rewire,
    /// Ask its guest to shut down, and let it have that much time: `Overdue`.
    Ask(Duration),
    /// Kill it, as often as it takes: `Killed`.
    Kill,
    /// Write down why it is off, see that nothing of it runs and give its network back, as often
    /// as it takes: `Parked`.
    Park(Rest),
    /// Write the note and give everything back, as often as it takes: `Swept`.
    Sweep(End),
    /// Remove the note when it is old enough, and then be no more. No event.
    Expire,
}

/// What the agent found of a machine when it came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Its process lives.
    Alive(Wanted),
    /// No process of it lives: it is new, or the host was restarted.
    Lifeless {
        /// What is wanted of it.
        wanted: Wanted,
        /// Its overlay is there, and its guest may have written to it.
        ran: bool,
    },
    /// Its note.
    Note(End),
}

/// What the wish on disk says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// That it runs.
    On {
        /// And reboots.
        reboot: bool,
    },
    /// That it is off.
    Off {
        /// And why.
        rest: Rest,
        /// Its guest is not asked.
        force: bool,
    },
    /// That nothing is left of it.
    Gone,
}

/// What an event is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The time.
    pub now: Timestamp,
    /// What happens when the guest switches itself off.
    pub on_shutdown: OnShutdown,
    /// How long a guest has to shut down.
    pub grace: Duration,
}

/// Why a machine that was terminated is gone.
fn on_request() -> End {
    End::Gone("terminated on request".to_owned())
}

/// Where a machine's way begins.
pub fn begin(found: Found, given: Given) -> (State, Vec<Effect>) {
    let Given { now, grace, .. } = given;
    match found {
        Found::Lifeless { wanted: Wanted::On { .. }, ran } => {
            (State::Preparing(Past { ran, ..Past::default() }), vec![Effect::Prepare])
        }
        Found::Lifeless { wanted: Wanted::Gone, .. } => sweep(on_request()),
        Found::Alive(Wanted::On { reboot: false }) => {
            (State::Running { losses: 0, since: now }, vec![Effect::Watch, Effect::Rewire])
        }
        Found::Alive(Wanted::On { reboot: true }) => {
            let effects = vec![Effect::Watch, Effect::Rewire, Effect::Ask(grace)];
            (State::Halting(Goal::On), effects)
        }
        Found::Alive(Wanted::Off { rest: Rest::Wished, force: false }) => {
            (State::Halting(Goal::Off), vec![Effect::Watch, Effect::Rewire, Effect::Ask(grace)])
        }
        // It is off already, or shall be at once: that it still lives is only left over.
        Found::Alive(Wanted::Off { rest, .. })
        | Found::Lifeless { wanted: Wanted::Off { rest, .. }, .. } => park(rest),
        Found::Alive(Wanted::Gone) => kill(Goal::Gone),
        // It may have been written just before the agent died, with the rest still there.
        Found::Note(end) => (State::Over(end.clone()), vec![Effect::Sweep(end)]),
    }
}

/// What an event makes of a machine.
pub fn step(state: State, event: Event, given: Given) -> (State, Vec<Effect>) {
    let Given { now, grace, .. } = given;
    match (state, event) {
        (State::Preparing(past), Event::Prepared) => {
            (State::Starting { past, goal: Goal::On }, vec![Effect::Start])
        }
        (
            State::Preparing(past) | State::Starting { past, goal: Goal::On },
            Event::Refused(why),
        ) => refused(past, why),
        (State::Preparing(past), Event::Terminate) => cancel(past, Goal::Gone),
        (State::Preparing(past), Event::Stop { .. }) => cancel(past, Goal::Off),
        (State::Cancelling { past, goal }, Event::Prepared | Event::Refused(_)) => {
            after(goal, past)
        }

        (State::Waiting(past), Event::Due) => (State::Preparing(past), vec![Effect::Prepare]),
        (State::Waiting(_) | State::Parked(_), Event::Terminate) => sweep(on_request()),
        (State::Waiting(_), Event::Stop { .. }) => park(Rest::Wished),

        (State::Starting { past, goal: Goal::On }, Event::Started) => {
            (State::Running { losses: past.losses, since: now }, vec![Effect::Watch])
        }
        // A guest that has only begun would not hear that it shall end.
        (State::Starting { goal, .. }, Event::Started) => kill(goal),
        (State::Starting { past, goal }, Event::Refused(_)) => after(goal, past),

        (State::Running { .. } | State::Halting(_), Event::Terminate) => kill(Goal::Gone),
        (State::Running { .. } | State::Halting(_), Event::Stop { force: true }) => kill(Goal::Off),
        (State::Running { .. }, Event::Stop { force: false }) => {
            (State::Halting(Goal::Off), vec![Effect::Ask(grace)])
        }
        (State::Running { .. }, Event::Reboot) => {
            (State::Halting(Goal::On), vec![Effect::Ask(grace)])
        }
        (State::Running { .. }, Event::Ended(Ended::PoweredOff)) => match given.on_shutdown {
            OnShutdown::Stop => park(Rest::ByGuest),
            OnShutdown::Terminate => sweep(End::Gone("the guest powered itself off".to_owned())),
        },
        (State::Running { losses, since }, Event::Ended(Ended::Lost(why))) => {
            lost(losses, since, why, now)
        }
        // Nobody here killed it, so its disk is not touched.
        (State::Running { losses, since }, Event::Ended(Ended::Killed)) => {
            lost(losses, since, "it was killed".to_owned(), now)
        }

        (State::Halting(goal), Event::Ended(_) | Event::Overdue) => kill(goal),
        (State::Killing(goal), Event::Killed) => after(goal, ran()),
        (State::Parking { goal: Goal::Off, rest }, Event::Parked) => (State::Parked(rest), vec![]),
        (State::Parking { goal, .. }, Event::Parked) => after(goal, ran()),
        (State::Parked(_), Event::Run) => (State::Preparing(ran()), vec![Effect::Prepare]),

        (State::Sweeping(end) | State::Over(end), Event::Swept) => {
            (State::Over(end), vec![Effect::Expire])
        }
        (state, event) => (aim(state, &event), vec![]),
    }
}

/// A wish that comes while something is under way is what comes then.
fn aim(mut state: State, event: &Event) -> State {
    let goal = match event {
        Event::Run => Goal::On,
        Event::Stop { .. } => Goal::Off,
        Event::Terminate => Goal::Gone,
        _ => return state,
    };
    match &mut state {
        State::Cancelling { goal: now, .. }
        | State::Starting { goal: now, .. }
        | State::Halting(now)
        | State::Killing(now)
        | State::Parking { goal: now, .. }
            if *now != Goal::Gone =>
        {
            *now = goal;
        }
        _ => {}
    }
    state
}

/// What a goal makes of a machine of which nothing runs.
fn after(goal: Goal, past: Past) -> (State, Vec<Effect>) {
    match goal {
        Goal::On => (State::Preparing(past), vec![Effect::Prepare]),
        Goal::Off => park(Rest::Wished),
        Goal::Gone => sweep(on_request()),
    }
}

fn ran() -> Past {
    Past { ran: true, ..Past::default() }
}

fn cancel(past: Past, goal: Goal) -> (State, Vec<Effect>) {
    (State::Cancelling { past, goal }, vec![Effect::Abandon])
}

fn kill(goal: Goal) -> (State, Vec<Effect>) {
    (State::Killing(goal), vec![Effect::Kill])
}

fn park(rest: Rest) -> (State, Vec<Effect>) {
    (State::Parking { goal: Goal::Off, rest: rest.clone() }, vec![Effect::Park(rest)])
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
        let why = format!("its process was lost {losses} times in a row: {why}");
        return park(Rest::Broken(why));
    }
    let past = Past { losses, ran: true, ..Past::default() };
    (State::Preparing(past), vec![Effect::Prepare])
}

impl Rest {
    /// The sentence that belongs to it.
    pub fn why(&self) -> &str {
        match self {
            Self::Wished => "stopped on request",
            Self::ByGuest => "the guest powered itself off",
            Self::Broken(why) => why,
        }
    }
}

impl State {
    /// How its guest goes off by this event, if it was asked to.
    pub fn halt(&self, event: &Event) -> Option<Halt> {
        match (self, event) {
            (Self::Halting(_), Event::Ended(Ended::PoweredOff)) => Some(Halt::Clean),
            (Self::Halting(_), Event::Ended(_) | Event::Overdue | Event::Terminate)
            | (Self::Halting(_), Event::Stop { force: true }) => Some(Halt::Hard),
            _ => None,
        }
    }

    /// What a report says of it.
    pub fn reported(&self) -> MachineState {
        match self {
            Self::Preparing(_)
            | Self::Waiting(_)
            | Self::Starting { goal: Goal::On, .. }
            | Self::Cancelling { goal: Goal::On, .. }
            | Self::Parking { goal: Goal::On, .. } => MachineState::Preparing,
            // A machine that reboots runs, as its owner sees it.
            Self::Running { .. } | Self::Halting(Goal::On) | Self::Killing(Goal::On) => {
                MachineState::Running
            }
            Self::Cancelling { goal: Goal::Off, .. }
            | Self::Starting { goal: Goal::Off, .. }
            | Self::Halting(Goal::Off)
            | Self::Killing(Goal::Off)
            | Self::Parking { goal: Goal::Off, .. } => MachineState::Halting,
            Self::Parked(_) => MachineState::Stopped,
            Self::Cancelling { goal: Goal::Gone, .. }
            | Self::Starting { goal: Goal::Gone, .. }
            | Self::Halting(Goal::Gone)
            | Self::Killing(Goal::Gone)
            | Self::Parking { goal: Goal::Gone, .. }
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
            Self::Parked(rest) => Some(rest.why()),
            _ => None,
        }
    }

    /// Whether its guest ran once, so that its disk may be the only copy of something.
    pub fn has_run(&self) -> bool {
        match self {
            Self::Preparing(past)
            | Self::Waiting(past)
            | Self::Starting { past, .. }
            | Self::Cancelling { past, .. } => past.ran,
            Self::Sweeping(_) | Self::Over(_) => false,
            _ => true,
        }
    }

    /// Whether it is off because it could not be kept running.
    pub fn broke(&self) -> bool {
        matches!(self, Self::Parked(Rest::Broken(_)))
    }
}

#[cfg(test)]
mod tests;
