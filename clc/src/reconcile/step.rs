//! The next single step for one instance, from its record and what its node says. Pure.
//!
//! ```text
//!   wanted running     node says      step
//!   pending            nothing        launch (telling twice is telling once)
//!   pending            preparing      wait; launch again when its tickets have grown old
//!   pending            running        see running
//!   running            nothing        note that it is missing; after a minute, lost
//!   any                stopping       see shutting-down
//!   any                gone, failed   finish: it ended by itself, or could not be run
//!
//!   wanted terminated  node says      step
//!   never told         –              finish
//!   told               nothing        terminate, look again, finish if it is still unknown
//!   told               alive          terminate
//!   told               gone, failed   finish
//! ```
//!
//! A node that cannot be reached changes nothing: its instances may well be running.

use std::time::Duration;

use common::time::Timestamp;
use common::wire::node::{InstanceView, MachineState};

use crate::records::{Instance, Reason, SeenState, Wanted};

/// How long a node may answer without knowing an instance that ran there, before it is lost: a
/// node that just came up may not have found all its machines yet.
pub const LOST_AFTER: Duration = Duration::from_secs(60);

/// How old the tickets of a launch may grow before it is told anew: below any ticket's life.
pub const TELL_AGAIN: Duration = Duration::from_secs(60);

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, now.
    Nothing,
    /// It is as it is wanted.
    Settled,
    /// Get its images and tell the node to run it.
    Launch,
    /// Record that it is seen so.
    See(SeenState),
    /// Record since when the node does not know it, or that it does again.
    Miss(Option<Timestamp>),
    /// Tell the node how its guest may ask for its metadata.
    SetOptions,
    /// Tell the node to end it.
    Terminate,
    /// Tell the node to end it, and if it then does not know it, finish.
    TerminateUnknown,
    /// Record that nothing is left of it.
    Finish(Reason),
}

/// Says what is to be done next.
pub fn next(
    instance: &Instance,
    view: Option<&InstanceView>,
    reachable: bool,
    now: Timestamp,
) -> Step {
    let state = view.map(|view| view.state);
    let alive = matches!(state, Some(MachineState::Preparing | MachineState::Running));
    if instance.seen == SeenState::Terminated {
        // Given up while its node was away, and now the node is back with it.
        return if alive && reachable { Step::Terminate } else { Step::Settled };
    }
    match instance.wanted {
        Wanted::Terminated => ending(instance, state, alive, reachable),
        Wanted::Running if !reachable => Step::Nothing,
        Wanted::Running => match running(instance, view, now) {
            Step::Settled | Step::Nothing if is_behind(instance, view) => Step::SetOptions,
            step => step,
        },
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

fn running(instance: &Instance, view: Option<&InstanceView>, now: Timestamp) -> Step {
    let Some(view) = view else {
        if instance.seen == SeenState::Pending {
            return Step::Launch;
        }
        return match instance.missing_since {
            None => Step::Miss(Some(now)),
            Some(since) if now.since(since) > LOST_AFTER => {
                let text = format!("The node {} no longer has the instance", instance.node);
                Step::Finish(Reason::new("Server.InternalError", text))
            }
            Some(_) => Step::Nothing,
        };
    };
    if instance.missing_since.is_some() {
        return Step::Miss(None);
    }
    let said = |otherwise: &str| view.reason.clone().unwrap_or_else(|| otherwise.to_owned());
    match view.state {
        // One that ran and is prepared again, after its host's restart, may need tickets as well.
        MachineState::Preparing if now.since(view.since) > TELL_AGAIN => Step::Launch,
        MachineState::Preparing => Step::Nothing,
        MachineState::Running if instance.seen == SeenState::Running => Step::Settled,
        MachineState::Running => Step::See(SeenState::Running),
        MachineState::Stopping if instance.seen == SeenState::ShuttingDown => Step::Nothing,
        MachineState::Stopping => Step::See(SeenState::ShuttingDown),
        MachineState::Gone => Step::Finish(Reason::new(
            "Client.InstanceInitiatedShutdown",
            said("The instance ended by itself"),
        )),
        MachineState::Failed => {
            Step::Finish(Reason::new("Server.InternalError", said("The instance could not be run")))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::Ipv4Addr;

    use common::id::{AccountId, ImageId, ImageKind, InstanceId, ReservationId};
    use common::wire::spec::MetadataOptions;

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
            key: None,
            groups: vec!["default".into()],
            launched: Timestamp::EPOCH,
            client_token: None,
            default_boot: false,
            options: MetadataOptions::default(),
        }
    }

    fn view(state: MachineState) -> InstanceView {
        InstanceView {
            instance: InstanceId::from_random([1; 4]),
            generation: 1,
            state,
            reason: None,
            since: Timestamp::EPOCH,
            options: 0,
        }
    }

    fn step(wanted: Wanted, seen: SeenState, state: Option<MachineState>) -> Step {
        next(&sample(wanted, seen), state.map(view).as_ref(), true, Timestamp::EPOCH)
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
        assert_eq!(next(&never, None, false, Timestamp::EPOCH), finish);
    }

    #[test]
    fn a_node_that_cannot_be_reached_changes_nothing() {
        let later = Timestamp::from_secs(100_000);
        for wanted in [Wanted::Running, Wanted::Terminated] {
            for seen in [SeenState::Pending, SeenState::Running, SeenState::ShuttingDown] {
                for seen_there in [None, Some(view(MachineState::Gone))] {
                    let step = next(&sample(wanted, seen), seen_there.as_ref(), false, later);
                    assert_eq!(step, Step::Nothing, "{wanted:?} {seen:?}");
                }
            }
        }
    }

    #[test]
    fn a_missing_instance_is_lost_after_a_minute_and_found_before_it() {
        let mut instance = sample(Wanted::Running, SeenState::Running);
        instance.missing_since = Some(Timestamp::EPOCH);
        let at = |seconds| Timestamp::from_secs(seconds);
        assert_eq!(next(&instance, None, true, at(60)), Step::Nothing);
        assert!(matches!(next(&instance, None, true, at(61)), Step::Finish(_)));
        let found = view(MachineState::Running);
        assert_eq!(next(&instance, Some(&found), true, at(61)), Step::Miss(None));
    }

    #[test]
    fn a_node_is_told_metadata_options_until_it_has_them_and_other_steps_come_first() {
        let mut instance = sample(Wanted::Running, SeenState::Running);
        instance.options.revision = 2;
        let at = |instance: &Instance, state, options| {
            let view = InstanceView { options, ..view(state) };
            next(instance, Some(&view), true, Timestamp::EPOCH)
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
        let at = |seconds| next(&instance, Some(&preparing), true, Timestamp::from_secs(seconds));
        assert_eq!(at(60), Step::Nothing);
        assert_eq!(at(61), Step::Launch);
        let ran = sample(Wanted::Running, SeenState::Running);
        let at = |seconds| next(&ran, Some(&preparing), true, Timestamp::from_secs(seconds));
        assert_eq!((at(60), at(61)), (Step::Nothing, Step::Launch));
    }
}
