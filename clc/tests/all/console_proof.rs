//! Proving again who one is, before what is dangerous; and how much one may have in a minute.

use std::time::Duration;

use clc::console::{Method, Who, lines};
use clc::people::totp;
use common::wire::admin::{ChangeSetting, GetCredentials, SetPassword};
use runtime::clock::Clock;

use crate::browser::{Browser, Shown};
use crate::console::{OWN, SESSION, recorded, signed_in};
use crate::console_admin_people::administrator;
use crate::iam_logins::secret;
use crate::world::{User, World, texts, world, world_at};

const LATER: Duration = Duration::from_secs(11 * 60);

/// Whether a page asks who somebody is.
fn asks(shown: &Shown) -> bool {
    shown.body.contains("name=\"proof_password\"")
}

async fn owner(world: &World, name: &str) -> User {
    let files = world.administration().call(GetCredentials { name: name.into() }).await;
    User::from_files(&files.unwrap())
}

async fn keys(world: &World, user: &User) -> usize {
    let listed = world.iam(user, "ListAccessKeys", &[]).await.unwrap();
    texts(&listed, "AccessKeyId").len()
}

async fn set(world: &World, name: &str, value: &str) {
    let (name, value) = (name.into(), value.into());
    world.administration().call(ChangeSetting { name, value }).await.unwrap();
}

#[test]
fn what_is_dangerous_is_posted_by_somebody_who_has_just_said_who_they_are() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let all: Vec<_> = lines().into_iter().filter(|line| line.dangerous).collect();
        assert!(all.len() >= 9, "{all:?}");
        assert!(all.iter().all(|line| line.method == Method::Post && line.who != Who::Anyone));
        let mut taro = signed_in(&world, "taro").await;
        clock.advance(LATER);
        let token = taro.get("/sessions").await.token();
        for line in all.iter().filter(|line| line.who == Who::SignedIn) {
            let path = line.path.replace("{id}", "x").replace("{name}", "x");
            let shown = taro.post(&path, &token, &[("name", "<b>\"x\"")]).await;
            assert!(shown.status == 200 && asks(&shown), "{path}: {shown:?}");
            assert!(shown.body.contains("value=\"&lt;b&gt;&quot;x&quot;\""), "{path}: {shown:?}");
        }
        assert_eq!(taro.get("/access-keys").await.body.matches("<tr>").count(), 1 + 1);
    });
}

#[test]
fn a_proof_does_what_was_asked_once_and_renews_the_session() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let user = owner(&world, "taro").await;
        let before = keys(&world, &user).await;
        clock.advance(LATER);
        let shown = taro.submit("/access-keys", "/access-keys/create", &[]).await;
        assert!(asks(&shown), "{shown:?}");
        assert_eq!(keys(&world, &user).await, before, "nothing is done before the proof");

        // A wrong password is told, is on record, and nothing is done.
        let wrong = [("proof_password", "wrong one")];
        let told = taro.post("/access-keys/create", &shown.token(), &wrong).await;
        assert!(told.status == 403 && asks(&told), "{told:?}");
        assert_eq!(keys(&world, &user).await, before);

        // The right one does it, under another id.
        let (old, token) = (taro.clone(), told.token());
        let right = [("proof_password", OWN)];
        let made = taro.post("/access-keys/create", &token, &right).await;
        assert!(made.status == 200 && made.body.contains("was made"), "{made:?}");
        assert_eq!(keys(&world, &user).await, before + 1);
        assert_ne!(taro.cookies[SESSION], old.cookies[SESSION]);

        // Neither the old id nor the old form is good for anything any more.
        let mut thief = old.clone();
        assert!(thief.get("/access-keys").await.location().starts_with("/sign-in"));
        let again = old.clone().post("/access-keys/create", &token, &right).await;
        assert!(again.location().starts_with("/sign-in"), "{again:?}");
        let again = taro.post("/access-keys/create", &token, &right).await;
        assert_eq!(again.status, 403, "{again:?}");
        assert_eq!(keys(&world, &user).await, before + 1);

        // For a while it is not asked again; other sessions of the same user are not spared.
        let id = taro.get("/access-keys").await.value("id");
        let shown = taro.submit("/access-keys", "/access-keys/delete", &[("id", &id)]).await;
        assert_eq!(shown.location(), "/access-keys?done=deleted", "{shown:?}");
        let mut other = Browser::new(&world);
        other.sign_in("taro", OWN).await;
        clock.advance(LATER);
        assert!(asks(&other.submit("/access-keys", "/access-keys/create", &[]).await));
        let shown = other.submit("/access-keys", "/access-keys/create", &right).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        assert!(asks(&taro.submit("/access-keys", "/access-keys/create", &[]).await));

        let proofs = recorded(&world, "ProveAgain").await;
        let failed = proofs.iter().filter(|it| it.failure.is_some()).count();
        assert_eq!((proofs.len(), failed), (3, 1), "{proofs:?}");
        let all = format!("{proofs:?}");
        assert!(all.contains("taro") && !all.contains(OWN) && !all.contains("wrong one"), "{all}");
    });
}

#[test]
fn wrong_proofs_count_with_wrong_sign_ins() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        clock.advance(LATER);
        let wrong = [("proof_password", "wrong one")];
        let mut last = 0;
        for _ in 0..7 {
            last = taro.submit("/access-keys", "/access-keys/create", &wrong).await.status;
        }
        assert_eq!(last, 429);
        let shown = Browser::new(&world).sign_in("taro", OWN).await;
        assert_eq!(shown.status, 429, "{shown:?}");
        let right = [("proof_password", OWN)];
        let shown = taro.submit("/access-keys", "/access-keys/create", &right).await;
        assert_eq!(shown.status, 429, "{shown:?}");
        clock.advance(Duration::from_secs(3600));
        // It was used too little to be good still.
        assert_eq!(taro.get("/access-keys").await.status, 303);
    });
}

#[test]
fn how_long_a_proof_holds_is_a_setting_and_a_restart_changes_nothing() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |mut world| async move {
        let mut taro = signed_in(&world, "taro").await;
        set(&world, "console.reauthenticate_minutes", "0").await;
        assert!(asks(&taro.submit("/access-keys", "/access-keys/create", &[]).await));
        let right = [("proof_password", OWN)];
        let shown = taro.submit("/access-keys", "/access-keys/create", &right).await;
        assert!(shown.body.contains("was made"), "{shown:?}");
        assert!(asks(&taro.submit("/access-keys", "/access-keys/create", &[]).await));
        set(&world, "console.reauthenticate_minutes", "20").await;
        clock.advance(LATER);
        let id = taro.get("/access-keys").await.value("id");
        world.restart().await;
        taro.follow(&world);
        let shown = taro.submit("/access-keys", "/access-keys/delete", &[("id", &id)]).await;
        assert_eq!(shown.location(), "/access-keys?done=deleted", "{shown:?}");
    });
}

#[test]
fn secrets_of_a_form_are_not_written_into_the_page_and_arrive() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let begun = taro.submit("/second-factor", "/second-factor/begin", &[]).await;
        let (seed, serial) = (typed(&begun), begun.value("serial"));
        clock.advance(LATER);
        let show =
            |steps: i64| totp::code(&seed, totp::step(clock.now()).saturating_add_signed(steps));
        let (one, two) = (show(-1), show(0));
        let fields = [("serial", serial.as_str()), ("first_code", &one), ("second_code", &two)];
        let shown = taro.submit("/second-factor", "/second-factor/on", &fields).await;
        assert!(asks(&shown), "{shown:?}");
        assert!(!shown.body.contains(&one) && !shown.body.contains(&two), "{shown:?}");
        let (held, kept) = (shown.value("proof_held"), shown.value("serial"));
        assert_eq!((held.len(), kept.as_str()), (43, serial.as_str()));

        // What is kept for one session is nothing to another, of the same user as well.
        let mut other = Browser::new(&world);
        other.sign_in("taro", OWN).await;
        let stolen = [("serial", serial.as_str()), ("proof_held", &held)];
        let told = other.submit("/second-factor", "/second-factor/on", &stolen).await;
        assert!(told.status == 400 && told.body.contains("Nothing was done"), "{told:?}");

        let all = [("serial", serial.as_str()), ("proof_held", &held), ("proof_password", OWN)];
        let done = taro.post("/second-factor/on", &shown.token(), &all).await;
        assert_eq!(done.location(), "/second-factor?done=on", "{done:?}");

        // From now on a proof takes a code, too; each code once.
        clock.advance(LATER);
        let shown =
            taro.submit("/second-factor", "/second-factor/off", &[("serial", &serial)]).await;
        assert!(shown.body.contains("name=\"proof_code\""), "{shown:?}");
        let now = totp::code(&seed, totp::step(clock.now()));
        let with =
            |code| [("serial", serial.as_str()), ("proof_password", OWN), ("proof_code", code)];
        let told = taro.post("/second-factor/off", &shown.token(), &with("")).await;
        assert!(told.status == 400 && asks(&told), "{told:?}");
        let told = taro.post("/second-factor/off", &told.token(), &with("000000")).await;
        assert!(told.status == 403 && asks(&told), "{told:?}");
        let done = taro.post("/second-factor/off", &told.token(), &with(&now)).await;
        assert_eq!(done.location(), "/second-factor?done=off", "{done:?}");
        let mut plain = Browser::new(&world);
        assert_eq!(plain.sign_in("taro", OWN).await.location(), "/");
    });
}

#[test]
fn another_password_takes_a_code_where_there_is_a_second_factor() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        assert!(!taro.get("/password").await.body.contains("name=\"code\""));
        let begun = taro.submit("/second-factor", "/second-factor/begin", &[]).await;
        let (seed, serial) = (typed(&begun), begun.value("serial"));
        let show =
            |steps: i64| totp::code(&seed, totp::step(clock.now()).saturating_add_signed(steps));
        let (one, two) = (show(-1), show(0));
        let fields = [("serial", serial.as_str()), ("first_code", &one), ("second_code", &two)];
        taro.submit("/second-factor", "/second-factor/on", &fields).await;
        clock.advance(LATER);

        let (path, new) = ("/password", "ganz Neues 3");
        assert!(taro.get(path).await.body.contains("name=\"code\""));
        let fields = |code| [("old", OWN), ("password", new), ("again", new), ("code", code)];
        for (code, status) in [("", 400), ("000000", 403), (two.as_str(), 403)] {
            let shown = taro.submit(path, path, &fields(code)).await;
            assert_eq!(shown.status, status, "{code}: {shown:?}");
            assert!(shown.body.contains("name=\"code\""), "{shown:?}");
        }
        let now = show(0);
        let shown = taro.submit(path, path, &fields(&now)).await;
        assert_eq!(shown.location(), "/password?done=1", "{shown:?}");
        let mut other = Browser::new(&world);
        assert_eq!(other.sign_in("taro", new).await.location(), "/sign-in/code");
    });
}

/// The secret that a page shows for typing.
pub(crate) fn typed(shown: &Shown) -> Vec<u8> {
    use base64::Engine as _;
    let code = shown.body.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    secret(&base64::engine::general_purpose::STANDARD.encode(code.replace(' ', "")))
}

#[test]
fn a_file_that_needs_a_proof_stands_in_the_page_that_comes_of_it() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let kind = [("kind", "keys")];
        let kept = taro.submit("/credentials", "/credentials/zip", &kind).await;
        assert!(
            kept.header("content-disposition").contains("euca2-taro-keys.zip"),
            "{}",
            kept.head
        );
        clock.advance(LATER);
        assert!(asks(&taro.submit("/credentials", "/credentials/zip", &kind).await));
        let proven = [("kind", "whole"), ("proof_password", OWN)];
        let shown = taro.submit("/credentials", "/credentials/zip", &proven).await;
        let link = "download=\"euca2-taro-x509.zip\" href=\"data:application/zip;base64,UEsDB";
        assert!(shown.body.contains(link), "{shown:?}");
        let zips = recorded(&world, "GetZip").await;
        assert!(zips.len() == 2 && zips.iter().all(|it| it.failure.is_none()), "{zips:?}");
        let who = zips[0].actor.as_ref().unwrap();
        assert_eq!((who.alias.as_str(), zips[0].source.as_str()), ("taro", "127.0.0.1"));
    });
}

#[test]
fn nothing_is_done_without_what_was_typed_and_is_gone() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        clock.advance(LATER);
        let shown = taro.submit("/iam", "/iam", &[("name", "jiro"), ("password", OWN)]).await;
        assert!(asks(&shown) && !shown.body.contains(OWN), "{shown:?}");
        let held = shown.value("proof_held");
        clock.advance(Duration::from_secs(301));
        let proven = [("name", "jiro"), ("proof_held", held.as_str()), ("proof_password", OWN)];
        let told = taro.post("/iam", &shown.token(), &proven).await;
        assert!(told.status == 400 && told.body.contains("Nothing was done"), "{told:?}");
        assert!(told.body.contains("href=\"/iam?name=jiro\""), "{told:?}");
        // A user without the password that was typed would be another one.
        assert_eq!(taro.get("/iam/user?name=jiro").await.status, 404);
    });
}

#[test]
fn whoever_does_not_do_it_comes_back_to_whom_it_was_about() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut admin = administrator(&world).await;
        signed_in(&world, "taro").await;
        clock.advance(LATER);
        let token = admin.get("/people").await.token();
        for (path, name, back) in [
            ("/people/user/disable", "taro", "/people/user?name=taro"),
            ("/people/user/reset-factor", "taro", "/people/user?name=taro"),
            ("/people/user/edit", "taro", "/people/user/edit?name=taro"),
            ("/quotas/account/policy", "taro", "/quotas/account?name=taro"),
            ("/groups/group/delete", "a b", "/groups/group?name=a%20b"),
            ("/iam/user/disable", "jiro", "/iam/user?name=jiro"),
            ("/iam/group/join", "staff", "/iam/group?name=staff"),
            ("/iam/user/delete", "//evil", "/iam/user?name=%2F%2Fevil"),
            ("/iam/policy", "staff", "/iam/group?name=staff"),
            ("/contact", "", "/contact"),
            ("/access-keys/create", "", "/access-keys"),
            ("/buckets/b/access", "", "/buckets/b/access"),
            ("/images/emi-1/deregister", "", "/images/emi-1/deregister"),
        ] {
            let fields =
                [("name", name), ("kind", if path == "/iam/policy" { "group" } else { "" })];
            let shown = admin.post(path, &token, &fields).await;
            assert!(asks(&shown), "{path}: {shown:?}");
            let link = format!("<a href=\"{back}\">Do not do it</a>");
            assert!(shown.body.contains(&link), "{path}: {shown:?}");
        }
        let page = admin.get("/people/user?name=taro").await;
        assert!(page.status == 200 && page.body.contains(">active<"), "{page:?}");
    });
}

#[test]
fn another_password_proves_nothing_for_others() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let shown = taro.submit("/contact", "/contact", &[("full_name", "太郎 <b>")]).await;
        assert_eq!(shown.location(), "/contact?done=saved", "{shown:?}");
        let shown = taro.get("/contact").await;
        assert!(shown.body.contains("value=\"太郎 &lt;b&gt;\""), "{shown:?}");
        let shown = taro.submit("/contact", "/contact", &[("email", "no address")]).await;
        assert!(shown.status == 400 && shown.body.contains("no address"), "{shown:?}");
        let token = taro.get("/contact").await.token();
        let first = SetPassword { name: "taro".into(), password: "korrekt Pferd 9".into() };
        world.administration().call(first).await.unwrap();
        let shown = taro.post("/contact", &token, &[("full_name", "x")]).await;
        assert!(shown.location().starts_with("/sign-in"), "{shown:?}");
    });
}

#[test]
fn who_asks_too_often_waits_and_nobody_else() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let (mut taro, mut hanako) =
            (signed_in(&world, "taro").await, signed_in(&world, "hanako").await);
        set(&world, "console.pages_per_minute", "10").await;
        clock.advance(Duration::from_secs(120));
        let mut stranger = Browser::new(&world);
        for _ in 0..10 {
            assert_eq!(stranger.get("/sign-in").await.status, 200);
        }
        let shown = stranger.get("/sign-in").await;
        assert_eq!((shown.status, shown.header("retry-after").as_str()), (429, "7"));
        assert!(shown.body.contains("Too many requests: try again in 7 seconds"), "{shown:?}");
        assert!(shown.header("content-security-policy").contains("frame-ancestors 'none'"));
        // Nobody who is signed in behind the same address is kept out by a stranger, nor by another.
        for _ in 0..10 {
            assert_eq!(taro.get("/sessions").await.status, 200);
        }
        assert_eq!(taro.get("/sessions").await.status, 429);
        assert_eq!(taro.get("/no/such/page").await.status, 429);
        assert_eq!(hanako.get("/sessions").await.status, 200);
        // Changes are counted apart, and files that pages load not at all.
        let token = {
            clock.advance(Duration::from_secs(60));
            taro.get("/sessions").await.token()
        };
        for _ in 0..12 {
            let shown = taro.post("/language", &token, &[("language", "en")]).await;
            assert_eq!(shown.status, 303);
        }
        set(&world, "console.sign_ins_per_minute", "3").await;
        clock.advance(Duration::from_secs(60));
        let fields = [("account", "taro"), ("password", "wrong")];
        let token = stranger.get("/sign-in").await.token();
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(stranger.post("/sign-in", &token, &fields).await.status);
        }
        assert_eq!(told, [403, 403, 403, 429]);
        assert_eq!(stranger.get("/recover/ask").await.status, 200);
    });
}
