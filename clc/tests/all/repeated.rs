//! Requests that come again as they were: reads are answered, changes are not made twice.

use crate::world::{User, World, world};

type Pairs = Vec<(String, String)>;

fn pairs(pairs: &[(&str, &str)]) -> Pairs {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Sends what has one signature as long as the clock stands still.
async fn again(world: &World, user: &User, what: &Pairs) -> Result<String, (String, String)> {
    world.send_as_is(user, what.clone()).await
}

#[test]
fn a_change_is_made_once_for_a_signature() {
    let clock = runtime::clock::Clock::manual(common::time::Timestamp::from_secs(1_800_000_000));
    crate::world::world_at(clock, &[4], |mut world| async move {
        let taro = world.user("taro").await;
        let read = pairs(&[("Action", "DescribeKeyPairs")]);
        let make = pairs(&[("Action", "CreateKeyPair"), ("KeyName", "k")]);
        let other = pairs(&[("Action", "CreateKeyPair"), ("KeyName", "other")]);
        for _ in 0..3 {
            again(&world, &taro, &read).await.unwrap();
        }
        again(&world, &taro, &make).await.unwrap();
        let (code, text) = again(&world, &taro, &make).await.unwrap_err();
        assert_eq!(code, "RequestLimitExceeded");
        assert!(text.contains("carried out already"), "{text}");
        // What was refused changed nothing: it is refused again for its own reason.
        let broken = pairs(&[("Action", "DeleteKeyPair")]);
        for _ in 0..2 {
            let (code, _) = again(&world, &taro, &broken).await.unwrap_err();
            assert_eq!(code, "MissingParameter");
        }
        again(&world, &taro, &other).await.unwrap();
        // Somebody else's equal request has another signature.
        again(&world, &world.admin, &make).await.unwrap();

        // The memory outlives the process, so a restart opens no gap.
        let remove = pairs(&[("Action", "DeleteKeyPair"), ("KeyName", "k")]);
        again(&world, &taro, &remove).await.unwrap();
        let address = world.server().api_address();
        world.restart_at(address).await;
        let (code, _) = again(&world, &taro, &make).await.unwrap_err();
        assert_eq!(code, "RequestLimitExceeded");
        let keys = again(&world, &taro, &read).await.unwrap();
        assert!(keys.contains("other") && !keys.contains("<keyName>k<"), "{keys}");

        // A second later it is another request.
        world.clock.advance(std::time::Duration::from_secs(1));
        again(&world, &taro, &make).await.unwrap();
    });
}

#[test]
fn what_bears_a_client_token_may_come_again() {
    world(&[4], |world| async move {
        let launch = pairs(&[
            ("Action", "RunInstances"),
            ("ImageId", "emi-00000000"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("ClientToken", "t"),
        ]);
        for _ in 0..2 {
            let (code, _) = again(&world, &world.admin, &launch).await.unwrap_err();
            assert_eq!(code, "InvalidAMIID.NotFound");
        }
    });
}

#[test]
fn a_token_that_means_nothing_to_an_action_excuses_nothing() {
    let clock = runtime::clock::Clock::manual(common::time::Timestamp::from_secs(1_800_000_000));
    crate::world::world_at(clock, &[], |world| async move {
        let make = pairs(&[("Action", "CreateKeyPair"), ("KeyName", "k"), ("ClientToken", "t")]);
        again(&world, &world.admin, &make).await.unwrap();
        let (code, _) = again(&world, &world.admin, &make).await.unwrap_err();
        assert_eq!(code, "RequestLimitExceeded");
    });
}

#[test]
fn of_many_that_come_at_once_one_is_carried_out() {
    let clock = runtime::clock::Clock::manual(common::time::Timestamp::from_secs(1_800_000_000));
    crate::world::world_at(clock, &[], |world| async move {
        let make = pairs(&[("Action", "CreateKeyPair"), ("KeyName", "k")]);
        let all = (0..8).map(|_| again(&world, &world.admin, &make));
        let answers = futures_util::future::join_all(all).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for (code, _) in answers.into_iter().filter_map(Result::err) {
            assert_eq!(code, "RequestLimitExceeded");
        }
    });
}
