//! Temporary credentials against a whole cloud: believed by both services, ended by both, and kept
//! over restarts, because nothing of them is kept.

use std::time::Duration;

use common::time::Timestamp;
use e2e::raw::{Signer, Version};
use e2e::user::Refused;
use e2e::{Cloud, Service, Shape, User, wait};
use runtime::clock::Clock;

const STS: &str = "/services/Tokens";
const KEYS: [(&str, &str); 2] = [("Action", "DescribeKeyPairs"), ("Version", "2016-11-15")];

fn element(answer: &str, name: &str) -> String {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let found = answer.split_once(&start).and_then(|(_, rest)| rest.split_once(&end));
    found.unwrap_or_else(|| panic!("{name} in {answer}")).0.to_owned()
}

/// Credentials of the user's own, for as long as is asked.
fn session(cloud: &Cloud, user: &User, version: Version, seconds: &str) -> Signer {
    let own = Signer::of(user, Version::Four, cloud.clock().now());
    let asked = [("Action", "GetSessionToken"), ("DurationSeconds", seconds)];
    let answer =
        own.query_at(STS, cloud.api(), &[&asked[..], &[("Version", "2011-06-15")]].concat());
    let answer = answer.text();
    Signer {
        id: element(&answer, "AccessKeyId"),
        secret: element(&answer, "SecretAccessKey"),
        token: Some(element(&answer, "SessionToken")),
        version,
        at: cloud.clock().now(),
    }
}

fn told(refused: &Refused) -> (u16, &str) {
    (refused.status, refused.code.as_str())
}

#[test]
fn sessions_are_believed_by_both_services_and_end_on_both() {
    let clock = Clock::manual(Clock::system().now());
    let mut cloud = Cloud::raise(Shape { nodes: 0, clock: clock.clone(), ..Shape::default() });
    let user = cloud.add_user("taro");
    user.make_bucket("taros");
    let at = |signer: &Signer, now: Timestamp| Signer { at: now, ..signer.clone() };
    let both = [Version::Two, Version::Four].map(|version| session(&cloud, &user, version, "900"));
    for mine in &both {
        let mine = at(mine, clock.now());
        assert_eq!(mine.query(cloud.api(), &KEYS).status, 200, "{:?}", mine.version);
        assert_eq!(mine.object(cloud.s3(), "PUT", "/taros/note", b"x").status, 200);
        assert_eq!(mine.object(cloud.s3(), "GET", "/taros/note", b"").body, b"x");
        for token in [None, Some("t".to_owned()), mine.token.as_ref().map(|it| it.to_uppercase())] {
            let wrong = Signer { token, ..mine.clone() };
            let refused = wrong.query(cloud.api(), &KEYS).refused();
            assert_eq!(told(&refused), (401, "AuthFailure"), "{refused:?}");
            let refused = wrong.object(cloud.s3(), "GET", "/taros/note", b"").refused();
            assert_eq!(told(&refused), (400, "InvalidToken"), "{refused:?}");
        }
    }

    // Walrus believes them while the clc is away, and both do after each has been started anew.
    let [two, four] = &both;
    cloud.stop(Service::Clc);
    clock.advance(Duration::from_secs(20));
    for mine in &both {
        let mine = at(mine, clock.now());
        assert_eq!(mine.object(cloud.s3(), "GET", "/taros/note", b"").status, 200);
    }
    cloud.start(Service::Clc);
    cloud.restart(&[Service::Walrus]);
    assert_eq!(at(two, clock.now()).query(cloud.api(), &KEYS).status, 200);
    wait::until("walrus knows the session", || {
        match at(four, clock.now()).object(cloud.s3(), "GET", "/taros/note", b"").status {
            200 => Ok(()),
            other => Err(other),
        }
    });

    // Whoever is disabled has no session either, on no service.
    cloud.enable("taro", false);
    let refused = at(four, clock.now()).query(cloud.api(), &KEYS).refused();
    assert_eq!(told(&refused), (403, "InvalidClientTokenId"), "{refused:?}");
    wait::until("walrus has heard of it", || {
        match at(four, clock.now()).object(cloud.s3(), "GET", "/taros/note", b"").status {
            403 => Ok(()),
            other => Err(other),
        }
    });
    cloud.enable("taro", true);
    wait::until("walrus has heard of that, too", || {
        match at(four, clock.now()).object(cloud.s3(), "GET", "/taros/note", b"").status {
            200 => Ok(()),
            other => Err(other),
        }
    });

    clock.advance(Duration::from_secs(900));
    for mine in &both {
        let mine = at(mine, clock.now());
        let refused = mine.query(cloud.api(), &KEYS).refused();
        assert_eq!(told(&refused), (400, "RequestExpired"), "{refused:?}");
        let refused = mine.object(cloud.s3(), "GET", "/taros/note", b"").refused();
        assert_eq!(told(&refused), (400, "ExpiredToken"), "{refused:?}");
    }
}

/// How both services answer a session.
fn believed(cloud: &Cloud, signer: &Signer) -> (u16, u16) {
    let now = Signer { at: cloud.clock().now(), ..signer.clone() };
    let s3 = now.object(cloud.s3(), "PUT", "/taros/note", b"x").status;
    (now.query(cloud.api(), &KEYS).status, s3)
}

#[test]
fn secrets_change_and_no_session_ends_before_its_time() {
    let begun = Clock::system().now();
    let clock = Clock::manual(begun);
    let mut cloud = Cloud::raise(Shape { nodes: 0, clock: clock.clone(), ..Shape::default() });
    let user = cloud.add_user("taro");
    user.make_bucket("taros");
    let sealed_by = |signer: &Signer| {
        let token = signer.token.clone().unwrap();
        token.split_once('.').unwrap().0.to_owned()
    };
    let long = session(&cloud, &user, Version::Four, "129600");
    assert_eq!(believed(&cloud, &long), (200, 200));

    // A day later there is another secret, of which walrus hears before it is used.
    clock.advance(Duration::from_secs(25 * 3600));
    let before = session(&cloud, &user, Version::Four, "900");
    assert_eq!(sealed_by(&before), sealed_by(&long));
    cloud.restart(&[Service::Clc]);
    let next = wait::until("sessions are sealed by another secret", || {
        clock.advance(Duration::from_secs(300));
        let next = session(&cloud, &user, Version::Four, "129600");
        if sealed_by(&next) == sealed_by(&long) { Err(sealed_by(&next)) } else { Ok(next) }
    });
    wait::until("both services know the session", || match believed(&cloud, &next) {
        (200, 200) => Ok(()),
        other => Err(other),
    });
    assert_eq!(believed(&cloud, &long), (200, 200), "the old one is good for the rest of its time");

    // It ends when it was to end, and the younger one goes on.
    let gone = clock.now().since(begun);
    clock.advance(Duration::from_secs(129_600) - gone);
    // After such a leap walrus says that it has not heard of the clc for hours, until it has.
    let refused =
        wait::until("both services refuse the session", || match believed(&cloud, &long) {
            (clc, 503) => Err((clc, 503)),
            other => Ok(other),
        });
    assert_eq!(refused, (400, 400));
    assert_eq!(believed(&cloud, &next), (200, 200));
    cloud.restart(&[Service::Clc, Service::Walrus]);
    wait::until("both services still know the session", || match believed(&cloud, &next) {
        (200, 200) => Ok(()),
        other => Err(other),
    });
}
