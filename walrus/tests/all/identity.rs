//! Walrus knows people by a copy of what the clc keeps: how soon it hears of a change, how long it
//! goes on alone, and what becomes of the copy when either of them is killed or brought back.

use std::time::{Duration, Instant};

use common::iam::EntityName;
use common::iam::entity::PolicySet;

use crate::world::{ALICE, Who, World, wait};

/// How somebody's list of buckets is answered: nothing if it is.
fn refusal(world: &World, who: Who) -> Option<(u16, String)> {
    let reply = world.get(who, "/");
    (reply.status != 200).then(|| reply.refusal())
}

fn unknown() -> Option<(u16, String)> {
    Some((403, "InvalidAccessKeyId".to_owned()))
}

fn unavailable() -> Option<(u16, String)> {
    Some((503, "ServiceUnavailable".to_owned()))
}

/// Makes a change and waits until it is seen; so long it may take at most.
fn within_seconds(world: &World, change: impl FnOnce(), seen: impl Fn() -> bool) {
    assert!(!seen(), "it is so already");
    let begun = Instant::now();
    change();
    wait("the change is seen", &seen);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(world.get(Who::Bob, "/").status == 200);
}

#[test]
fn whoever_is_put_out_is_out_at_once() {
    let world = World::program(|_| {});
    let (feed, out) = (world.feed(), || refusal(&world, Who::Alice) == unknown());
    within_seconds(&world, || feed.account(Who::Alice, false), out);
    within_seconds(&world, || feed.account(Who::Alice, true), || !out());
    within_seconds(&world, || feed.key(Who::Alice, false), out);
    within_seconds(&world, || feed.key(Who::Alice, true), || !out());
    within_seconds(&world, || feed.user(Who::Alice, PolicySet::default(), false), out);
    within_seconds(&world, || feed.user(Who::Alice, PolicySet::default(), true), || !out());
    let key = EntityName::AccessKey(Who::Alice.credentials().0);
    within_seconds(&world, || feed.change(key, None), out);
}

#[test]
fn a_key_is_good_for_the_next_request_after_it_was_made() {
    let world = World::program(|_| {});
    for round in 0..20 {
        let account = if round % 2 == 0 { Who::Carol } else { Who::Alice };
        world.feed().key(account, false);
        wait("the key is known to be off", || refusal(&world, account) == unknown());
        world.feed().user(account, PolicySet::default(), true);
        world.feed().key(account, true);
        assert_ne!(refusal(&world, account), unknown(), "round {round}");
    }
}

#[test]
fn s3_goes_on_without_the_clc_and_over_its_own_death() {
    let mut world = World::program(|_| {});
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    assert_eq!(world.put(Who::Alice, "/buck/key", b"bytes").status, 200);
    world.feed().key(Who::Bob, false);
    wait("Bob is out", || refusal(&world, Who::Bob) == unknown());
    world.end_clc();
    for _ in 0..200 {
        assert_eq!(world.get(Who::Alice, "/buck/key").body, b"bytes");
    }
    assert_eq!(refusal(&world, Who::Bob), unknown());
    // Killed, and started while there is no clc.
    world.stop();
    world.start();
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"bytes");
    assert_eq!(refusal(&world, Who::Bob), unknown());
    world.start_clc();
    world.feed().key(Who::Bob, true);
    wait("Bob is in", || refusal(&world, Who::Bob).is_none());
}

#[test]
fn what_was_copied_is_believed_only_so_long() {
    let mut world = World::program(|config| config.identity_trust_seconds = 2);
    assert_eq!(refusal(&world, Who::Alice), None);
    world.end_clc();
    wait("nobody is let in", || refusal(&world, Who::Alice) == unavailable());
    let reply = world.get(Who::Alice, "/");
    assert!(reply.text().contains("cloud controller has not been heard"), "{}", reply.text());
    // Whoever comes without a name needs nobody to know him.
    assert_eq!(world.get(Who::Nobody, "/buck").refusal().1, "NoSuchBucket");
    world.stop();
    world.start();
    assert_eq!(refusal(&world, Who::Alice), unavailable());
    world.start_clc();
    wait("they are let in again", || refusal(&world, Who::Alice).is_none());
}

#[test]
fn nobody_is_let_in_before_the_first_copy() {
    let mut world = World::program(|_| {});
    world.stop();
    world.end_clc();
    std::fs::remove_dir_all(world.data()).unwrap();
    world.start();
    assert_eq!(refusal(&world, Who::Alice), unavailable());
    world.start_clc();
    assert_eq!(refusal(&world, Who::Alice), None, "the first request waits for the copy");
}

#[test]
fn a_clc_that_was_brought_back_from_a_backup_is_noticed() {
    let mut world = World::program(|_| {});
    let backup = world.feed().backup();
    world.feed().user(Who::Carol, PolicySet::default(), true);
    world.feed().key(Who::Carol, true);
    wait("Carol is known", || refusal(&world, Who::Carol) != unknown());
    // Brought back, and changed further than it was before, while walrus did not hear.
    world.end_clc();
    world.feed().restore(backup);
    world.feed().account(Who::Bob, false);
    for _ in 0..5 {
        world.feed().account(Who::Root, true);
    }
    assert_ne!(refusal(&world, Who::Carol), unknown(), "walrus cannot know it yet");
    world.start_clc();
    wait("Carol is nobody", || refusal(&world, Who::Carol) == unknown());
    assert_eq!(refusal(&world, Who::Bob), unknown());
    assert_eq!(refusal(&world, Who::Alice), None);
    // Killed in between, it is as it was told last.
    world.stop();
    world.start();
    assert_eq!(refusal(&world, Who::Carol), unknown());
    assert_eq!(refusal(&world, Who::Alice), None);
}

#[test]
fn copying_goes_on_where_a_kill_cut_it() {
    let mut world = World::program(|_| {});
    let account = ALICE.parse().unwrap();
    for round in 0..6 {
        // Many pages; walrus is killed somewhere among them.
        for number in 0..40 {
            let policy = format!("arn:aws:iam::{ALICE}:policy/{number}-{round}");
            let entity = common::iam::Entity::Policy("{}".to_owned());
            world.feed().change(EntityName::Policy(policy), Some(entity));
        }
        world.feed().change(EntityName::group(&account, "g"), None);
        world.feed().key(Who::Bob, round % 2 == 0);
        world.stop();
        world.start();
        let expected = if round % 2 == 0 { None } else { unknown() };
        wait("all of it is there", || refusal(&world, Who::Bob) == expected);
        assert_eq!(refusal(&world, Who::Alice), None);
    }
}

#[test]
fn the_clc_is_told_whose_keys_were_used() {
    let mut world = World::new();
    world.put(Who::Alice, "/buck", b"");
    world.get(Who::Nobody, "/buck");
    assert_eq!(refusal(&world, Who::Carol), unknown());
    world.stop();
    assert_eq!(world.used_keys(), [Who::Alice.credentials().0]);
}
