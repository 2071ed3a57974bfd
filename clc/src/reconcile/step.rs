//! The next single step for one instance, from its record and what its node says. Pure.
//!
//! ```text
//!   wanted running     node says           step
//!   pending            nothing             launch (telling twice is telling once)
//!   pending, ran       nothing             as running: its disk was there
//!   pending            preparing           wait; launch again when its tickets have grown old
//!   pending, too long  nothing, preparing  give up, unless it ever ran
//!   pending            running             see running
//!   running            nothing             note that it is missing; after a minute, lost
//!   any, newer wish    stopped, halting    launch: it starts
//!   any, newer wish    running, preparing  adjust: it reboots, or another thing of its power
//!   any                stopped             rest: it went off by itself
//!   any                stopping            see shutting-down
//!   any                gone, failed        finish: it ended by itself, or could not be run
//!
//!   wanted stopped     node says           step
//!   any, newer wish    anything alive      adjust
//!   stopping           stopped             see stopped
//!   any                nothing             as for one that runs
//!   any                gone, failed        finish
//!
//!   wanted terminated  node says           step
//!   never told         –                   finish
//!   told               nothing             terminate, look again, finish if it is still unknown
//!   told               alive               terminate
//!   told               gone, failed        finish
//! ```
//!
//! A node that cannot be reached changes nothing: its instances may well be running. Only a launch
//! that it never heard of is given up when its time is over. When an administrator gives the node
//! itself up, whatever is on record there finishes; should it come back, it is told to end them.

use std::time::Duration;

use common::time::Timestamp;
use common::wire::node::{InstanceView, MachineState};
use common::wire::role::InstanceRole;

use crate::records::{Instance, Reason, SeenState, Wanted};

/// How long a node may answer without knowing an instance that ran there, before it is lost: a
/// node that just came up may not have found all its machines yet.
pub const LOST_AFTER: Duration = Duration::from_secs(60);

/// How old the tickets of a launch may grow before it is told anew: below any ticket's life.
pub const TELL_AGAIN: Duration = Duration::from_secs(60);

/// What a look is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// The time.
    pub now: Timestamp,
    /// Whether the node answered lately.
    pub reachable: bool,
    /// How long a launch may be pending.
    pub patience: Duration,
    /// Since when there was somebody to look after launches.
    pub since: Timestamp,
    /// Whether an administrator has given the node up.
    pub given_up: bool,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, now.
    Nothing,
    /// It is as it is wanted.
    Settled,
    /// Get its images and tell the node to run it.
    Launch,
    /// Tell the node whether it is on.
    Adjust,
    /// Record that it is seen so.
    See(SeenState),
    /// Record what holds it up, or that nothing does any more.
    Note(Option<Reason>),
    /// Record since when the node does not know it, or that it does again.
    Miss(Option<Timestamp>),
    /// Record that it is off, as it is wanted.
    Stopped,
    /// Record that it is off though it was wanted to run under the wish of this generation.
    Rest(u64, Reason),
    /// Record that it is no longer wanted, because it cannot be made to run.
    GiveUp(Reason),
    /// Tell the node how its guest may ask for its metadata.
    SetOptions,
    /// Tell the node what its guest is by its instance profile.
    SetRole(Box<InstanceRole>),
    /// Tell the node to end it.
    Terminate,
    /// Tell the node to end it, and if it then does not know it, finish.
    TerminateUnknown,
    /// Record that nothing is left of it.
    Finish(Reason),
}

/// Says what is to be done next.
pub fn next(instance: &Instance, view: Option<&InstanceView>, given: Given) -> Step {
    let state = view.map(|view| view.state);
    let alive = matches!(
        state,
        Some(
            MachineState::Preparing
                | MachineState::Running
                | MachineState::Halting
                | MachineState::Stopped
        )
    );
    if instance.seen == SeenState::Terminated {
        // Given up while its node was away, and now the node is back with it.
        return if alive && given.reachable { Step::Terminate } else { Step::Settled };
    }
    if given.given_up {
        return Step::Finish(lost());
    }
    match instance.wanted {
        Wanted::Terminated => ending(instance, state, alive, given.reachable),
        Wanted::Running if !given.reachable => away(instance, given),
        Wanted::Running => with_options(instance, view, running(instance, view, given)),
        Wanted::Stopped if !given.reachable => match instance.seen {
            SeenState::Stopped => Step::Settled,
            _ => Step::Nothing,
        },
        Wanted::Stopped => with_options(instance, view, stopping(instance, view, given.now)),
    }
}

/// Why an instance has ended whose node was given up.
fn lost() -> Reason {
    Reason::new("Server.NodeGivenUp", "The node was lost, and an administrator has given it up")
}

/// A step, or in its place that the node is told newer metadata options: all else comes first.
fn with_options(instance: &Instance, view: Option<&InstanceView>, step: Step) -> Step {
    match step {
        Step::Settled | Step::Nothing if is_behind(instance, view) => Step::SetOptions,
        step => step,
    }
}

/// Whether a machine's node does not know its metadata options yet.
fn is_behind(instance: &Instance, view: Option<&InstanceView>) -> bool {
    view.is_some_and(|view| view.options < instance.options.revision)
}

fn ending(instance: &Instance, state: Option<MachineState>, alive: bool, reachable: bool) -> Step {
    let finish = || Step::Finish(instance.reason.clone().unwrap_or_else(Reason::by_user));
    match state {
        _ if !instance.told => finish(),
        _ if !reachable => Step::Nothing,
        _ if alive => Step::Terminate,
        Some(MachineState::Gone | MachineState::Failed) => finish(),
        None => Step::TerminateUnknown,
        Some(_) => Step::Nothing,
    }
}

/// A launch that its node, which is away, never heard of.
fn away(instance: &Instance, given: Given) -> Step {
    if instance.told || !is_late(instance, given) {
        return Step::Nothing;
    }
    let text = format!("The node {} did not answer in time", instance.node);
    Step::GiveUp(Reason::new("Server.InsufficientInstanceCapacity", text))
}

fn is_late(instance: &Instance, given: Given) -> bool {
    let since = instance.since.max(given.since);
    instance.seen == SeenState::Pending && !instance.ran && given.now.since(since) > given.patience
}

fn too_late(instance: &Instance) -> Step {
    let text = match &instance.reason {
        Some(reason) => format!("It could not be run in time: {}", reason.text),
        None => "It could not be run in time".to_owned(),
    };
    Step::GiveUp(Reason::new("Server.InternalError", text))
}

/// The node answers and does not know an instance that was there.
fn missing(instance: &Instance, now: Timestamp) -> Step {
    match instance.missing_since {
        None => Step::Miss(Some(now)),
        Some(since) if now.since(since) > LOST_AFTER => {
            let text = format!("The node {} no longer has the instance", instance.node);
            Step::Finish(Reason::new("Server.InternalError", text))
        }
        Some(_) => Step::Nothing,
    }
}

fn over(view: &InstanceView) -> Option<Step> {
    let said = |otherwise: &str| view.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    match view.state {
        MachineState::Gone => Some(Step::Finish(Reason::new(
            "Client.InstanceInitiatedShutdown",
            said("The instance ended by itself"),
        ))),
        MachineState::Failed => Some(Step::Finish(Reason::new(
            "Server.InternalError",
            said("The instance could not be run"),
        ))),
        _ => None,
    }
}

fn running(instance: &Instance, view: Option<&InstanceView>, given: Given) -> Step {
    let now = given.now;
    let Some(view) = view else {
        return match instance.seen {
            SeenState::Pending if is_late(instance, given) => too_late(instance),
            SeenState::Pending if !instance.ran => Step::Launch,
            _ => missing(instance, now),
        };
    };
    if instance.missing_since.is_some() {
        return Step::Miss(None);
    }
    if let Some(step) = over(view) {
        return step;
    }
    let newer = view.generation < instance.generation;
    let held_up = |text: &String| Some(Reason::new("Server.InternalError", text.clone()));
    match view.state {
        MachineState::Stopped | MachineState::Halting if newer => Step::Launch,
        MachineState::Running | MachineState::Preparing if newer => Step::Adjust,
        MachineState::Preparing if !view.ran && is_late(instance, given) => too_late(instance),
        MachineState::Preparing
            if view.reason.is_some()
                && view.reason.as_ref() != instance.reason.as_ref().map(|it| &it.text) =>
        {
            Step::Note(view.reason.as_ref().and_then(held_up))
        }
        // One that ran and is prepared again, after its host's restart, may need tickets as well.
        MachineState::Preparing if now.since(view.since) > TELL_AGAIN => Step::Launch,
        MachineState::Preparing | MachineState::Halting => Step::Nothing,
        MachineState::Running if instance.seen != SeenState::Running => {
            Step::See(SeenState::Running)
        }
        MachineState::Running if instance.reason.is_some() => Step::Note(None),
        MachineState::Running => Step::Settled,
        MachineState::Stopped => Step::Rest(instance.generation, by_itself(view)),
        MachineState::Stopping if instance.seen == SeenState::ShuttingDown => Step::Nothing,
        MachineState::Stopping => Step::See(SeenState::ShuttingDown),
        MachineState::Gone | MachineState::Failed => Step::Nothing,
    }
}

/// Why an instance that nobody stopped is off.
fn by_itself(view: &InstanceView) -> Reason {
    let said = |otherwise: &str| view.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    match view.broke {
        true => Reason::new("Server.InternalError", said("It could not be kept running")),
        false => {
            Reason::new("Client.InstanceInitiatedShutdown", said("The guest powered itself off"))
        }
    }
}

fn stopping(instance: &Instance, view: Option<&InstanceView>, now: Timestamp) -> Step {
    let Some(view) = view else { return missing(instance, now) };
    if instance.missing_since.is_some() {
        return Step::Miss(None);
    }
    if let Some(step) = over(view) {
        return step;
    }
    match view.state {
        _ if view.generation < instance.generation => Step::Adjust,
        MachineState::Stopped if instance.seen == SeenState::Stopped => Step::Settled,
        MachineState::Stopped => Step::Stopped,
        _ => Step::Nothing,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::Ipv4Addr;

    use common::id::{AccountId, ImageId, ImageKind, InstanceId, ReservationId};
    use common::wire::role::RoleView;
    use common::wire::spec::{MetadataOptions, OnShutdown};

    use super::*;

    pub(crate) fn sample(wanted: Wanted, seen: SeenState) -> Instance {
        Instance {
            id: InstanceId::from_random([1; 4]),
            reservation: ReservationId::from_random([2; 4]),
            index: 0,
            account: AccountId::cloud(),
            wanted,
            seen,
            since: Timestamp::EPOCH,
            reason: None,
            generation: 1,
            node: "a".into(),
            zone: "z".into(),
            told: true,
            missing_since: None,
            address: Ipv4Addr::new(10, 0, 0, 2),
            mac: String::new(),
            image: ImageId::from_random(ImageKind::Machine, [3; 4]),
            kernel: Some(ImageId::from_random(ImageKind::Kernel, [4; 4])),
            ramdisk: None,
            product_codes: Vec::new(),
            root_device: "/dev/sda1".into(),
            architecture: "x86_64".into(),
            instance_type: "m1.small".into(),
            cpus: 1,
            memory_mib: 128,
            disk_mib: 2048,
            disks: Vec::new(),
            mapping: None,
            key: None,
            groups: vec!["default".into()],
            launched: Timestamp::EPOCH,
            started: None,
            client_token: None,
            transition: None,
            ran: false,
            forced: false,
            reboots: 0,
            on_shutdown: OnShutdown::Stop,
            protected: false,
            user_data: None,
            images: Vec::new(),
            default_boot: false,
            options: MetadataOptions::default(),
            maker: String::new(),
            profile: None,
            profile_revision: 0,
            runs: Vec::new(),
        }
    }

    fn view(state: MachineState) -> InstanceView {
        InstanceView {
            instance: InstanceId::from_random([1; 4]),
            generation: 1,
            state,
            reason: None,
            since: Timestamp::EPOCH,
            ran: false,
            broke: false,
            options: 0,
            role: RoleView::default(),
        }
    }

    const PATIENCE: Duration = Duration::from_secs(3600);

    fn given(reachable: bool, now: Timestamp) -> Given {
        let (patience, since, given_up) = (PATIENCE, Timestamp::EPOCH, false);
        Given { now, reachable, patience, since, given_up }
    }

    fn there(instance: &Instance, view: Option<&InstanceView>, seconds: i64) -> Step {
        next(instance, view, given(true, Timestamp::from_secs(seconds)))
    }

    fn step(wanted: Wanted, seen: SeenState, state: Option<MachineState>) -> Step {
        there(&sample(wanted, seen), state.map(view).as_ref(), 0)
    }

    #[test]
    fn the_table_of_what_is_wanted_to_run() {
        use MachineState::{Failed, Gone, Preparing, Running, Stopping};
        use SeenState as S;
        let run = |seen, state| step(Wanted::Running, seen, state);
        for (seen, state, expected) in [
            (S::Pending, None, Step::Launch),
            (S::Pending, Some(Preparing), Step::Nothing),
            (S::Pending, Some(Running), Step::See(S::Running)),
            (S::Running, Some(Running), Step::Settled),
            (S::Running, Some(Preparing), Step::Nothing),
            (S::Running, Some(Stopping), Step::See(S::ShuttingDown)),
            (S::ShuttingDown, Some(Stopping), Step::Nothing),
            (S::Running, None, Step::Miss(Some(Timestamp::EPOCH))),
        ] {
            assert_eq!(run(seen, state), expected, "{seen:?} {state:?}");
        }
        for (state, code) in
            [(Gone, "Client.InstanceInitiatedShutdown"), (Failed, "Server.InternalError")]
        {
            let Step::Finish(reason) = run(S::Running, Some(state)) else { panic!("{state:?}") };
            assert_eq!(reason.code, code);
        }
    }

    #[test]
    fn the_table_of_what_is_wanted_gone() {
        use MachineState::{Failed, Gone, Preparing, Running, Stopping};
        let end = |state| step(Wanted::Terminated, SeenState::ShuttingDown, state);
        for (state, expected) in [
            (Some(Preparing), Step::Terminate),
            (Some(Running), Step::Terminate),
            (Some(MachineState::Halting), Step::Terminate),
            (Some(MachineState::Stopped), Step::Terminate),
            (Some(Stopping), Step::Nothing),
            (Some(Gone), Step::Finish(Reason::by_user())),
            (Some(Failed), Step::Finish(Reason::by_user())),
            (None, Step::TerminateUnknown),
        ] {
            assert_eq!(end(state), expected, "{state:?}");
        }
        let over = |state| step(Wanted::Terminated, SeenState::Terminated, state);
        assert_eq!(over(Some(Running)), Step::Terminate);
        assert_eq!(over(Some(Gone)), Step::Settled);
        assert_eq!(over(None), Step::Settled);
        let mut never = sample(Wanted::Terminated, SeenState::ShuttingDown);
        never.told = false;
        let finish = Step::Finish(Reason::by_user());
        assert_eq!(next(&never, None, given(false, Timestamp::EPOCH)), finish);
    }

    #[test]
    fn a_node_that_cannot_be_reached_changes_nothing() {
        let later = Timestamp::from_secs(100_000);
        for wanted in [Wanted::Running, Wanted::Stopped, Wanted::Terminated] {
            for seen in [SeenState::Pending, SeenState::Running, SeenState::ShuttingDown] {
                for seen_there in [None, Some(view(MachineState::Gone))] {
                    let instance = sample(wanted, seen);
                    let step = next(&instance, seen_there.as_ref(), given(false, later));
                    assert_eq!(step, Step::Nothing, "{wanted:?} {seen:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_on_a_node_that_was_given_up_has_ended_and_ends_when_it_comes_back() {
        let lost = |reachable| Given { given_up: true, ..given(reachable, Timestamp::EPOCH) };
        for wanted in [Wanted::Running, Wanted::Stopped, Wanted::Terminated] {
            for seen in [SeenState::Pending, SeenState::Running, SeenState::Stopped] {
                for reachable in [false, true] {
                    let step = next(&sample(wanted, seen), None, lost(reachable));
                    let Step::Finish(reason) = step else { panic!("{wanted:?} {seen:?}") };
                    assert_eq!(reason.code, "Server.NodeGivenUp");
                }
            }
        }
        let over = sample(Wanted::Terminated, SeenState::Terminated);
        let back = view(MachineState::Running);
        assert_eq!(next(&over, Some(&back), lost(true)), Step::Terminate);
        assert_eq!(next(&over, Some(&back), lost(false)), Step::Settled);
    }

    #[test]
    fn a_missing_instance_is_lost_after_a_minute_and_found_before_it() {
        let mut instance = sample(Wanted::Running, SeenState::Running);
        instance.missing_since = Some(Timestamp::EPOCH);
        let again = Instance { seen: SeenState::Pending, ran: true, ..instance.clone() };
        let off = Instance { wanted: Wanted::Stopped, seen: SeenState::Stopped, ..again.clone() };
        for instance in [instance, again, off] {
            assert_eq!(there(&instance, None, 60), Step::Nothing);
            assert!(matches!(there(&instance, None, 61), Step::Finish(_)));
            let found = view(MachineState::Running);
            assert_eq!(there(&instance, Some(&found), 61), Step::Miss(None));
        }
    }

    #[test]
    fn the_table_of_what_is_wanted_off() {
        use MachineState::{Halting, Preparing, Running, Stopped};
        let stop = |seen, state| step(Wanted::Stopped, seen, state);
        for (seen, state, expected) in [
            (SeenState::Stopping, Some(Running), Step::Nothing),
            (SeenState::Stopping, Some(Halting), Step::Nothing),
            (SeenState::Stopping, Some(Preparing), Step::Nothing),
            (SeenState::Stopping, Some(Stopped), Step::Stopped),
            (SeenState::Stopped, Some(Stopped), Step::Settled),
            (SeenState::Stopping, None, Step::Miss(Some(Timestamp::EPOCH))),
        ] {
            assert_eq!(stop(seen, state), expected, "{seen:?} {state:?}");
        }
        assert!(matches!(
            stop(SeenState::Stopped, Some(MachineState::Failed)),
            Step::Finish(Reason { .. })
        ));
        let off = sample(Wanted::Stopped, SeenState::Stopped);
        assert_eq!(next(&off, None, given(false, Timestamp::EPOCH)), Step::Settled);
    }

    #[test]
    fn a_node_is_told_a_newer_wish() {
        use MachineState::{Halting, Preparing, Running, Stopped};
        let newer = |wanted, seen, state| {
            let instance = Instance { generation: 2, ran: true, ..sample(wanted, seen) };
            there(&instance, Some(&view(state)), 0)
        };
        for (wanted, seen, state, expected) in [
            (Wanted::Stopped, SeenState::Stopping, Running, Step::Adjust),
            (Wanted::Stopped, SeenState::Stopping, Preparing, Step::Adjust),
            (Wanted::Stopped, SeenState::Stopping, Halting, Step::Adjust),
            // It went off by itself just before it was told to.
            (Wanted::Stopped, SeenState::Stopping, Stopped, Step::Adjust),
            (Wanted::Running, SeenState::Pending, Stopped, Step::Launch),
            (Wanted::Running, SeenState::Pending, Halting, Step::Launch),
            (Wanted::Running, SeenState::Running, Running, Step::Adjust),
            (Wanted::Running, SeenState::Running, Preparing, Step::Adjust),
        ] {
            assert_eq!(newer(wanted, seen, state), expected, "{wanted:?} {seen:?} {state:?}");
        }
    }

    #[test]
    fn what_goes_off_by_itself_rests_and_says_why() {
        let instance = sample(Wanted::Running, SeenState::Running);
        for (broke, code) in
            [(false, "Client.InstanceInitiatedShutdown"), (true, "Server.InternalError")]
        {
            let view = InstanceView { broke, ..view(MachineState::Stopped) };
            let Step::Rest(1, reason) = there(&instance, Some(&view), 0) else { panic!("{broke}") };
            assert_eq!(reason.code, code);
        }
        assert_eq!(
            step(Wanted::Running, SeenState::Running, Some(MachineState::Halting)),
            Step::Nothing
        );
    }

    #[test]
    fn a_launch_has_its_time_unless_it_ever_ran() {
        let pending = sample(Wanted::Running, SeenState::Pending);
        let untold = Instance { told: false, ..pending.clone() };
        let ran = Instance { ran: true, ..pending.clone() };
        let preparing = view(MachineState::Preparing);
        let wrote = InstanceView { ran: true, ..preparing.clone() };
        let given_up = |step| matches!(step, Step::GiveUp(_));
        for (instance, view, expected) in [
            (&pending, None, true),
            (&pending, Some(&preparing), true),
            (&pending, Some(&wrote), false),
            (&ran, Some(&preparing), false),
            (&ran, None, false),
        ] {
            assert_eq!(given_up(there(instance, view, 3601)), expected, "{view:?}");
            assert!(!given_up(there(instance, view, 3600)));
        }
        let away = |instance, seconds| {
            let given = given(false, Timestamp::from_secs(seconds));
            next(instance, None, given)
        };
        assert!(given_up(away(&untold, 3601)));
        assert_eq!(away(&untold, 3600), Step::Nothing);
        assert_eq!(away(&pending, 3601), Step::Nothing);
        // Whoever looks after it was away for most of the time.
        let late =
            Given { since: Timestamp::from_secs(3000), ..given(true, Timestamp::from_secs(3601)) };
        assert_eq!(next(&pending, None, late), Step::Launch);
    }

    #[test]
    fn what_holds_an_instance_up_is_told() {
        let mut instance = sample(Wanted::Running, SeenState::Pending);
        let refused =
            InstanceView { reason: Some("no tap".into()), ..view(MachineState::Preparing) };
        let Step::Note(Some(reason)) = there(&instance, Some(&refused), 0) else { panic!() };
        assert_eq!(reason.text, "no tap");
        instance.reason = Some(reason);
        assert_eq!(there(&instance, Some(&refused), 0), Step::Nothing);
        instance.seen = SeenState::Running;
        let running = view(MachineState::Running);
        assert_eq!(there(&instance, Some(&running), 0), Step::Note(None));
    }

    #[test]
    fn a_node_is_told_metadata_options_until_it_has_them_and_other_steps_come_first() {
        let mut instance = sample(Wanted::Running, SeenState::Running);
        instance.options.revision = 2;
        let at = |instance: &Instance, state, options| {
            let view = InstanceView { options, ..view(state) };
            there(instance, Some(&view), 0)
        };
        assert_eq!(at(&instance, MachineState::Running, 1), Step::SetOptions);
        assert_eq!(at(&instance, MachineState::Preparing, 0), Step::SetOptions);
        assert_eq!(at(&instance, MachineState::Running, 2), Step::Settled);
        let stopping = Step::See(SeenState::ShuttingDown);
        assert_eq!(at(&instance, MachineState::Stopping, 1), stopping);
        instance.wanted = Wanted::Terminated;
        assert_eq!(at(&instance, MachineState::Running, 1), Step::Terminate);
    }

    #[test]
    fn a_long_preparation_gets_new_tickets() {
        let instance = sample(Wanted::Running, SeenState::Pending);
        let preparing = view(MachineState::Preparing);
        let at = |seconds| there(&instance, Some(&preparing), seconds);
        assert_eq!(at(60), Step::Nothing);
        assert_eq!(at(61), Step::Launch);
        let ran = sample(Wanted::Running, SeenState::Running);
        let at = |seconds| there(&ran, Some(&preparing), seconds);
        assert_eq!((at(60), at(61)), (Step::Nothing, Step::Launch));
    }
}
