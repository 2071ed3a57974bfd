//! The table by examples: each rule of it, and each mistake that its ancestor made.

use super::*;

/// A waiter by number; odd ones have given up.
impl Waiter for u32 {
    fn listens(&self) -> bool {
        self.is_multiple_of(2)
    }

    /// From a thousand on.
    fn reads(&self) -> bool {
        *self >= 1000
    }
}

type Effects = Vec<Effect<u32>>;

fn table(limit: u64) -> Table<u32> {
    Table::new(limit, 2)
}

fn start(key: &str) -> Effect<u32> {
    Effect::Start(key.into())
}

fn remove(key: &str) -> Effect<u32> {
    Effect::Remove(key.into())
}

fn here(waiters: &[u32]) -> Effect<u32> {
    Effect::Tell(waiters.to_vec(), Outcome::Here)
}

fn broken() -> Failure {
    Failure { reason: "part x.part.1 is damaged".into(), retryable: false }
}

/// Wants an image and lands it.
fn fill(table: &mut Table<u32>, key: &str, bytes: u64) -> Effects {
    let mut effects = table.want(key, bytes, 0);
    effects.extend(table.landed(key));
    effects
}

#[test]
fn many_wishes_are_one_flight_and_all_hear_of_it() {
    let mut table = table(100);
    assert_eq!(table.want("a", 60, 2), [start("a")]);
    assert_eq!(table.want("a", 60, 4), []);
    assert_eq!(table.want("a", 60, 6), []);
    assert_eq!(table.landed("a"), [here(&[2, 4, 6])]);
    assert_eq!(table.want("a", 60, 8), [here(&[8])]);
    let figures = table.figures();
    assert_eq!((figures.misses, figures.hits, figures.used, figures.images), (1, 1, 60, 1));
}

#[test]
fn room_is_reserved_before_the_work_starts() {
    let mut table = table(100);
    assert_eq!(table.want("a", 60, 2), [start("a")]);
    assert_eq!(table.figures().reserved, 60);
    assert_eq!(table.want("b", 60, 4), [], "waits: both would not fit");
    assert_eq!(table.landed("a"), [here(&[2]), remove("a"), start("b")]);
    assert_eq!(table.figures().reserved, 60);
}

#[test]
fn a_hit_counts_as_a_use_and_the_least_recently_used_goes() {
    let mut table = table(100);
    for key in ["a", "b", "c"] {
        fill(&mut table, key, 30);
    }
    table.want("a", 30, 2);
    assert!(table.pin("b"));
    assert_eq!(table.unpin("b"), []);
    assert_eq!(table.want("d", 30, 4), [remove("c"), start("d")]);
    assert_eq!(table.landed("d"), [here(&[4])]);
    assert_eq!(table.want("e", 30, 6), [remove("a"), start("e")]);
}

#[test]
fn no_more_is_evicted_than_is_needed() {
    let mut table = table(100);
    fill(&mut table, "a", 10);
    fill(&mut table, "b", 40);
    fill(&mut table, "c", 40);
    assert_eq!(table.want("d", 20, 2), [remove("a"), start("d")]);
    assert_eq!(table.figures().evictions, 1);
}

#[test]
fn one_that_is_read_stays_and_whoever_needs_its_room_waits_for_the_reader() {
    let mut table = table(100);
    fill(&mut table, "a", 80);
    assert!(table.pin("a") && table.pin("a"));
    assert_eq!(table.want("b", 50, 2), []);
    assert_eq!(table.unpin("a"), []);
    assert_eq!(table.unpin("a"), [remove("a"), start("b")]);
    assert!(!table.pin("a"));
}

#[test]
fn an_image_larger_than_the_limit_is_refused_at_once() {
    let mut table = table(100);
    fill(&mut table, "a", 80);
    let effects = table.want("b", 101, 2);
    let [Effect::Tell(waiters, Outcome::Failed(failure)), Effect::Discard(_)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(waiters, &[2]);
    assert!(failure.reason.contains("101 bytes is larger than the 100 bytes"));
    assert_eq!(table.figures().used, 80, "and nothing is evicted for it");
    assert!(table.is_absent("b"));
}

#[test]
fn a_failed_flight_clears_itself_and_its_waiters_hear_at_once() {
    let mut table = table(100);
    table.want("a", 60, 2);
    table.want("a", 60, 4);
    let told = Effect::Tell(vec![2, 4], Outcome::Failed(broken()));
    assert_eq!(table.failed("a", broken()), [told]);
    assert_eq!(table.figures().reserved, 0);
    assert_eq!(table.want("a", 60, 6), [start("a")], "the next wish starts anew");
    assert_eq!(table.landed("a"), [here(&[6])]);
    assert_eq!(table.forget("a"), [remove("a")]);
}

#[test]
fn a_failure_that_nobody_heard_is_told_once() {
    let mut table = table(100);
    table.want("a", 60, 1);
    assert_eq!(table.failed("a", broken()), []);
    assert!(table.is_absent("a"));
    let told = Effect::Tell(vec![2], Outcome::Failed(broken()));
    assert_eq!(table.want("a", 60, 2), [told, Effect::Discard("a".into())]);
    assert_eq!(table.want("a", 60, 4), [start("a")]);
}

#[test]
fn a_bundle_found_good_clears_an_old_failure_and_nothing_else() {
    let mut table = table(100);
    table.want("a", 60, 1);
    table.failed("a", broken());
    table.found_good("a");
    assert_eq!(table.want("a", 60, 2), [start("a")]);
    table.found_good("a");
    assert_eq!(table.landed("a"), [here(&[2])], "a flight goes on");
    table.found_good("a");
    assert_eq!(table.want("a", 60, 4), [here(&[4])], "an image stays");
    table.found_good("absent");
    assert!(table.is_absent("absent"));
}

#[test]
fn a_withdrawn_image_may_be_asked_for_again() {
    let mut table = table(100);
    table.want("flying", 60, 2);
    table.want("queued", 60, 4);
    let queued = table.forget("queued");
    assert_eq!(table.forget("flying"), []);
    let flown = table.landed("flying");
    for (effects, waiter) in [(queued, 4), (flown, 2)] {
        let told = effects.iter().any(|effect| {
            matches!(effect, Effect::Tell(waiters, Outcome::Failed(failure))
                if waiters == &[waiter] && failure.retryable)
        });
        assert!(told, "{effects:?}");
    }
}

#[test]
fn a_failed_flight_makes_room_for_the_next() {
    let mut table = table(100);
    table.want("a", 80, 2);
    table.want("b", 80, 4);
    let told = Effect::Tell(vec![2], Outcome::Failed(broken()));
    assert_eq!(table.failed("a", broken()), [told, start("b")]);
}

#[test]
fn a_thousand_different_images_pass_through_one_after_another() {
    let mut table = table(100);
    for n in 0..1000 {
        let key = format!("k{n}");
        let effects = fill(&mut table, &key, 60);
        assert!(effects.contains(&start(&key)) && effects.contains(&here(&[0])), "{n}");
    }
    assert_eq!((table.figures().images, table.figures().evictions), (1, 999));
}

#[test]
fn flights_are_bounded_and_the_queue_keeps_its_order() {
    let mut table = table(100);
    assert_eq!(table.want("a", 10, 2), [start("a")]);
    assert_eq!(table.want("b", 10, 2), [start("b")]);
    assert_eq!(table.want("z", 10, 2), []);
    assert_eq!(table.want("c", 10, 2), []);
    assert_eq!(table.landed("b"), [here(&[2]), start("z")]);
    assert_eq!(table.failed("a", broken()).pop(), Some(start("c")));
}

#[test]
fn a_lower_limit_evicts_at_once() {
    let mut table = table(100);
    for key in ["a", "b", "c"] {
        fill(&mut table, key, 30);
    }
    table.pin("a");
    assert_eq!(table.set_limit(60), [remove("b")]);
    assert_eq!(table.set_limit(20), [remove("c")], "what is read stays until it is read");
    assert_eq!(table.unpin("a"), [remove("a")]);
    assert_eq!(table.figures().used, 0);
}

#[test]
fn a_lower_limit_ends_hopeless_wishes() {
    let mut table = table(100);
    table.want("a", 90, 2);
    table.want("b", 50, 4);
    let effects = table.set_limit(40);
    let refused = |e: &Effect<u32>| matches!(e, Effect::Tell(w, Outcome::Failed(_)) if w == &[4]);
    assert!(effects.iter().any(refused), "{effects:?}");
    let effects = table.landed("a");
    assert_eq!(effects[0], remove("a"));
    assert!(matches!(&effects[1], Effect::Tell(w, Outcome::Failed(_)) if w == &[2]));
    assert_eq!(table.figures(), Figures { limit: 40, misses: 2, ..Figures::default() });
}

#[test]
fn forgetting_waits_for_readers_and_flights() {
    let mut table = table(100);
    fill(&mut table, "a", 30);
    table.pin("a");
    assert_eq!(table.forget("a"), []);
    assert!(!table.pin("a"), "nobody new reads what is going");
    assert_eq!(table.unpin("a"), [remove("a")]);

    table.want("b", 30, 1);
    assert_eq!(table.forget("b"), []);
    assert_eq!(table.landed("b")[0], remove("b"));

    table.want("c", 30, 1);
    table.forget("c");
    table.want("c", 30, 2);
    assert_eq!(table.landed("c"), [here(&[2])], "wanted again meanwhile; one had given up");

    assert_eq!(table.forget("absent"), []);
}

#[test]
fn what_was_found_on_disk_is_fitted_into_the_limit() {
    let mut table = table(100);
    for key in ["old", "middle", "new"] {
        table.found(key.into(), 40);
    }
    assert_eq!(table.settle_found(), [remove("old")]);
    assert_eq!(table.want("new", 40, 2), [here(&[2])]);
}

#[test]
fn what_was_told_to_a_reader_is_held_against_the_queue_but_not_against_the_limit() {
    let mut table = table(100);
    assert_eq!(table.want("a", 60, 1000), [start("a")]);
    assert_eq!(table.want("a", 60, 1002), []);
    assert_eq!(table.want("b", 60, 1004), []);
    let [Effect::Hold(held, first), told] = &table.landed("a")[..] else { panic!("not held") };
    assert_eq!((held.as_str(), told), ("a", &here(&[1000, 1002])), "b waits until a was read");
    assert_eq!(table.want("a", 60, 1006), [here(&[1006])], "and a is not held anew before that");
    assert!(table.pin("a"));
    assert_eq!(table.unpin("a"), [], "another was told of it and has not begun");
    assert!(table.pin("a"));
    assert_eq!(
        table.unpin("a"),
        [remove("a"), start("b")],
        "all have begun: nothing is waited for"
    );
    let [Effect::Hold(_, second), ..] = table.landed("b")[..] else { panic!("not held") };
    let [Effect::Hold(_, third), ..] = table.want("b", 60, 1008)[..] else { panic!("not held") };
    assert_eq!(table.want("c", 60, 1010), []);
    assert_eq!(table.lapsed("b", *first), [], "of a moment that is over");
    assert_eq!(table.lapsed("b", second), []);
    assert_eq!(table.lapsed("b", third), [remove("b"), start("c")]);
    let [Effect::Hold(_, last), ..] = table.landed("c")[..] else { panic!("not held") };
    assert_eq!(table.set_limit(10), [remove("c")]);
    assert_eq!(table.lapsed("c", last), [], "of what has gone meanwhile");
}

#[test]
fn an_administrator_evicts_what_nobody_uses_and_nothing_else() {
    let mut table = table(100);
    for key in ["idle", "read", "told"] {
        fill(&mut table, key, 20);
    }
    assert!(table.pin("read"));
    table.want("told", 20, 1000);
    table.want("flying", 20, 2);
    assert_eq!(table.evict_one("read"), Err(Kept::Read));
    assert_eq!(table.evict_one("told"), Err(Kept::Read));
    assert_eq!(table.evict_one("flying"), Err(Kept::UnderWay));
    assert_eq!(table.evict_one("nothing"), Err(Kept::Absent));
    table.want("queued", 90, 4);
    assert_eq!(table.evict_one("queued"), Err(Kept::UnderWay));
    assert_eq!(table.evict_one("idle"), Ok(vec![remove("idle")]));
    assert_eq!(table.evict_one("idle"), Err(Kept::Absent));
    let seen = |key: &str| table.entries().into_iter().find(|it| it.key == key).unwrap();
    assert_eq!((seen("read").pins, seen("read").place), (1, Place::Here));
    assert_eq!((seen("told").expected, seen("told").hits), (1, 1));
    assert_eq!((seen("flying").place, seen("flying").waiting), (Place::Flying, 1));
    assert_eq!((seen("queued").place, seen("queued").bytes), (Place::Queued, 90));
    assert_eq!(table.figures().evictions, 1);
}
