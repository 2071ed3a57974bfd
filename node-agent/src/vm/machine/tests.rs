//! The ways of a machine, each as a table.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const GRACE: Duration = Duration::from_secs(30);

fn given(on_shutdown: OnShutdown) -> Given {
    Given { now: NOW, on_shutdown, grace: GRACE }
}

fn next(state: State, event: Event) -> (State, Vec<Effect>) {
    step(state, event, given(OnShutdown::Stop))
}

fn gone(why: &str) -> End {
    End::Gone(why.to_owned())
}

fn new() -> Past {
    Past::default()
}

fn lost_before(losses: u32) -> Past {
    Past { losses, ..ran() }
}

fn swept(end: End) -> (State, Vec<Effect>) {
    (State::Sweeping(end.clone()), vec![Effect::Sweep(end)])
}

fn requested() -> (State, Vec<Effect>) {
    swept(gone("terminated on request"))
}

fn prepared(past: Past) -> (State, Vec<Effect>) {
    (State::Preparing(past), vec![Effect::Prepare])
}

const STOP: Event = Event::Stop { force: false };
const FORCE: Event = Event::Stop { force: true };

#[test]
fn the_ways_of_a_machine_that_shall_run_or_be_gone() {
    let preparing = State::Preparing(lost_before(1));
    let starting = |goal| State::Starting { past: lost_before(1), goal };
    let cancelling = |past, goal| State::Cancelling { past, goal };
    let once = Past { refusals: 1, refused: Some("no".to_owned()), ..lost_before(1) };
    let waiting = State::Waiting(once.clone());
    let pause = || (waiting.clone(), vec![Effect::Pause(Duration::from_secs(1))]);
    let running = State::Running { losses: 1, since: NOW };
    let no = || Event::Refused("no".to_owned());
    let lost = || Event::Ended(Ended::Lost("x".to_owned()));
    let failed = || swept(End::Failed("no".to_owned()));
    let over = || (State::Over(gone("x")), vec![Effect::Expire]);
    let abandon = |goal| (cancelling(lost_before(1), goal), vec![Effect::Abandon]);
    for (state, event, expected) in [
        (preparing.clone(), Event::Prepared, (starting(Goal::On), vec![Effect::Start])),
        (State::Preparing(new()), no(), failed()),
        (preparing.clone(), no(), pause()),
        (preparing.clone(), Event::Terminate, abandon(Goal::Gone)),
        (cancelling(new(), Goal::Gone), Event::Prepared, requested()),
        (cancelling(new(), Goal::Gone), no(), requested()),
        (starting(Goal::On), Event::Started, (running.clone(), vec![Effect::Watch])),
        (State::Starting { past: new(), goal: Goal::On }, no(), failed()),
        (starting(Goal::On), no(), pause()),
        (waiting.clone(), Event::Due, prepared(once)),
        (waiting.clone(), Event::Terminate, requested()),
        (starting(Goal::On), Event::Terminate, (starting(Goal::Gone), vec![])),
        (starting(Goal::Gone), Event::Started, kill(Goal::Gone)),
        (starting(Goal::Gone), no(), requested()),
        (running.clone(), Event::Terminate, kill(Goal::Gone)),
        (running.clone(), lost(), prepared(lost_before(2))),
        (running.clone(), Event::Ended(Ended::Killed), prepared(lost_before(2))),
        (State::Killing(Goal::Gone), Event::Killed, requested()),
        (State::Sweeping(gone("x")), Event::Swept, over()),
        (State::Over(gone("x")), Event::Swept, over()),
    ] {
        assert_eq!(next(state.clone(), event.clone()), expected, "{state:?} {event:?}");
    }
}

#[test]
fn how_a_guest_went_off_that_was_asked_to() {
    let lost = Event::Ended(Ended::Lost("x".to_owned()));
    let off = Event::Ended(Ended::PoweredOff);
    for goal in [Goal::On, Goal::Off] {
        for (event, halt) in [
            (off.clone(), Some(Halt::Clean)),
            (Event::Overdue, Some(Halt::Hard)),
            (lost.clone(), Some(Halt::Hard)),
            (FORCE, Some(Halt::Hard)),
            (Event::Run, None),
            (STOP, None),
        ] {
            assert_eq!(State::Halting(goal).halt(&event), halt, "{event:?}");
            let running = State::Running { losses: 0, since: NOW };
            assert_eq!(running.halt(&event), None, "nobody asked it");
        }
    }
}

#[test]
fn the_ways_of_a_machine_that_is_stopped_started_and_rebooted() {
    let running = State::Running { losses: 1, since: NOW };
    let waiting = State::Waiting(ran());
    let ask = |goal| (State::Halting(goal), vec![Effect::Ask(GRACE)]);
    let parking = |goal| State::Parking { goal, rest: Rest::Wished };
    let off = Event::Ended(Ended::PoweredOff);
    for (state, event, expected) in [
        // A stop asks, waits, and kills; the disk stays.
        (running.clone(), STOP, ask(Goal::Off)),
        (running.clone(), FORCE, kill(Goal::Off)),
        (State::Halting(Goal::Off), off.clone(), kill(Goal::Off)),
        (State::Halting(Goal::Off), Event::Overdue, kill(Goal::Off)),
        (State::Halting(Goal::Off), FORCE, kill(Goal::Off)),
        (State::Halting(Goal::Off), Event::Terminate, kill(Goal::Gone)),
        (State::Halting(Goal::Off), Event::Run, (State::Halting(Goal::On), vec![])),
        (State::Killing(Goal::Off), Event::Killed, park(Rest::Wished)),
        (parking(Goal::Off), Event::Parked, (State::Parked(Rest::Wished), vec![])),
        (waiting, STOP, park(Rest::Wished)),
        (
            State::Preparing(ran()),
            STOP,
            (State::Cancelling { past: ran(), goal: Goal::Off }, vec![Effect::Abandon]),
        ),
        (State::Cancelling { past: ran(), goal: Goal::Off }, Event::Prepared, park(Rest::Wished)),
        (State::Cancelling { past: ran(), goal: Goal::On }, Event::Prepared, prepared(ran())),
        (State::Starting { past: ran(), goal: Goal::Off }, Event::Started, kill(Goal::Off)),
        // A start is a preparation like any other.
        (State::Parked(Rest::Wished), Event::Run, prepared(ran())),
        (parking(Goal::Off), Event::Run, (parking(Goal::On), vec![])),
        (parking(Goal::On), Event::Parked, prepared(ran())),
        (State::Parked(Rest::Wished), Event::Terminate, requested()),
        (parking(Goal::Gone), Event::Parked, requested()),
        // A reboot is both.
        (running.clone(), Event::Reboot, ask(Goal::On)),
        (State::Halting(Goal::On), off.clone(), kill(Goal::On)),
        (State::Halting(Goal::On), Event::Overdue, kill(Goal::On)),
        (State::Halting(Goal::On), STOP, (State::Halting(Goal::Off), vec![])),
        (State::Killing(Goal::On), Event::Killed, prepared(ran())),
        // A guest that switches itself off.
        (running.clone(), off.clone(), park(Rest::ByGuest)),
    ] {
        assert_eq!(next(state.clone(), event.clone()), expected, "{state:?} {event:?}");
    }
    let ended = step(running, off, given(OnShutdown::Terminate));
    assert_eq!(ended, swept(gone("the guest powered itself off")));
}

#[test]
fn what_comes_late_or_twice_changes_nothing() {
    let over = State::Over(gone("x"));
    let sweeping = State::Sweeping(gone("x"));
    let parked = State::Parked(Rest::ByGuest);
    let running = State::Running { losses: 0, since: NOW };
    for (state, event) in [
        (over.clone(), Event::Terminate),
        (over.clone(), Event::Run),
        (over, Event::Ended(Ended::Killed)),
        (sweeping.clone(), Event::Terminate),
        (sweeping.clone(), STOP),
        (sweeping.clone(), Event::Ended(Ended::PoweredOff)),
        (sweeping.clone(), Event::Refused("x".to_owned())),
        (sweeping, Event::Due),
        (State::Killing(Goal::Gone), Event::Terminate),
        (State::Killing(Goal::Gone), Event::Run),
        (State::Killing(Goal::Off), Event::Ended(Ended::Killed)),
        (State::Killing(Goal::On), Event::Overdue),
        (State::Cancelling { past: new(), goal: Goal::Gone }, STOP),
        (State::Preparing(new()), Event::Ended(Ended::Killed)),
        (State::Preparing(new()), Event::Reboot),
        (running.clone(), Event::Run),
        (running.clone(), Event::Overdue),
        (running, Event::Killed),
        (parked.clone(), STOP),
        (parked.clone(), FORCE),
        (parked.clone(), Event::Reboot),
        (parked, Event::Due),
    ] {
        assert_eq!(next(state.clone(), event), (state, vec![]));
    }
}

#[test]
fn a_machine_that_ran_is_tried_again_with_growing_pauses_for_as_long_as_it_is_refused() {
    let mut state = State::Preparing(lost_before(3));
    let mut pauses = Vec::new();
    for turn in 0..40 {
        // Now this step refuses, now that one.
        if turn % 2 == 1 {
            state = next(state, Event::Prepared).0;
        }
        let (waiting, effects) = next(state, Event::Refused(format!("no {turn}")));
        assert_eq!(waiting.reported(), MachineState::Preparing);
        assert_eq!(waiting.reason(), Some(format!("no {turn}").as_str()));
        let [Effect::Pause(pause)] = effects[..] else { panic!("{effects:?}") };
        pauses.push(pause.as_secs());
        let (preparing, effects) = next(waiting, Event::Due);
        assert_eq!(effects, [Effect::Prepare]);
        assert_eq!(preparing.reason(), Some(format!("no {turn}").as_str()));
        state = preparing;
    }
    assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
    assert!(pauses[8..].iter().all(|pause| *pause == 60));

    // Once it runs all that is forgotten, but not how often it was lost.
    let starting = next(state, Event::Prepared).0;
    let running = next(starting, Event::Started).0;
    assert_eq!(running, State::Running { losses: 3, since: NOW });
    assert_eq!(running.reason(), None);
}

#[test]
fn a_machine_that_is_lost_again_and_again_is_left_off_and_a_steady_one_is_not() {
    let lost = |losses, millis| {
        let state = State::Running { losses, since: NOW };
        let now = Timestamp::from_millis(NOW.as_millis() + millis);
        let given = Given { now, ..given(OnShutdown::Terminate) };
        step(state, Event::Ended(Ended::Lost("why".to_owned())), given)
    };
    for (losses, millis, expected) in [
        (0, 0, prepared(lost_before(1))),
        (2, 599_999, prepared(lost_before(3))),
        (3, 600_000, prepared(lost_before(1))),
        // A clock that was set back is no steady time.
        (2, -1, prepared(lost_before(3))),
        (3, 0, park(Rest::Broken("its process was lost 4 times in a row: why".to_owned()))),
    ] {
        assert_eq!(lost(losses, millis), expected, "{losses} {millis}");
    }
}

#[test]
fn where_a_machine_begins_depends_on_what_is_found() {
    let running = State::Running { losses: 0, since: NOW };
    let noted = End::Failed("x".to_owned());
    let on = |reboot| Wanted::On { reboot };
    let off = |rest, force| Wanted::Off { rest, force };
    let lifeless = |wanted, ran| Found::Lifeless { wanted, ran };
    let asked = |goal| {
        let effects = vec![Effect::Watch, Effect::Rewire, Effect::Ask(GRACE)];
        (State::Halting(goal), effects)
    };
    for (found, expected) in [
        (lifeless(on(false), false), prepared(new())),
        (lifeless(on(true), true), prepared(ran())),
        (lifeless(Wanted::Gone, true), requested()),
        (lifeless(off(Rest::Wished, false), true), park(Rest::Wished)),
        (lifeless(off(Rest::ByGuest, false), true), park(Rest::ByGuest)),
        (Found::Alive(on(false)), (running, vec![Effect::Watch, Effect::Rewire])),
        (Found::Alive(on(true)), asked(Goal::On)),
        (Found::Alive(off(Rest::Wished, false)), asked(Goal::Off)),
        (Found::Alive(off(Rest::Wished, true)), park(Rest::Wished)),
        (Found::Alive(off(Rest::ByGuest, false)), park(Rest::ByGuest)),
        (Found::Alive(Wanted::Gone), kill(Goal::Gone)),
        (Found::Note(noted.clone()), (State::Over(noted.clone()), vec![Effect::Sweep(noted)])),
    ] {
        assert_eq!(begin(found.clone(), given(OnShutdown::Stop)), expected, "{found:?}");
    }
}

#[test]
fn reports_say_what_people_need() {
    use MachineState as M;
    let starting = |goal| State::Starting { past: new(), goal };
    for (state, expected, has_run) in [
        (State::Preparing(ran()), M::Preparing, true),
        (State::Preparing(new()), M::Preparing, false),
        (State::Waiting(ran()), M::Preparing, true),
        (State::Cancelling { past: new(), goal: Goal::Gone }, M::Stopping, false),
        (State::Cancelling { past: ran(), goal: Goal::Off }, M::Halting, true),
        (starting(Goal::On), M::Preparing, false),
        (starting(Goal::Gone), M::Stopping, false),
        (State::Running { losses: 0, since: NOW }, M::Running, true),
        (State::Halting(Goal::On), M::Running, true),
        (State::Halting(Goal::Off), M::Halting, true),
        (State::Killing(Goal::On), M::Running, true),
        (State::Killing(Goal::Off), M::Halting, true),
        (State::Killing(Goal::Gone), M::Stopping, true),
        (State::Parking { goal: Goal::Off, rest: Rest::Wished }, M::Halting, true),
        (State::Parking { goal: Goal::On, rest: Rest::Wished }, M::Preparing, true),
        (State::Parked(Rest::Wished), M::Stopped, true),
        (State::Sweeping(gone("x")), M::Stopping, false),
        (State::Over(gone("x")), M::Gone, false),
        (State::Over(End::Failed("x".to_owned())), M::Failed, false),
    ] {
        assert_eq!((state.reported(), state.has_run()), (expected, has_run), "{state:?}");
    }
    assert_eq!(State::Over(gone("x")).reason(), Some("x"));
    assert_eq!(State::Killing(Goal::Gone).reason(), None);
    let broken = State::Parked(Rest::Broken("x".to_owned()));
    assert_eq!((broken.reason(), broken.broke()), (Some("x"), true));
    assert!(!State::Parked(Rest::ByGuest).broke());
}
