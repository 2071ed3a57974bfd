//! The console as browsers meet it: signing in and out, sessions, forms, headers, and who may not.

use std::time::Duration;

use clc::console::{Method, Who, lines};
use common::audit::Filter;
use common::ec2::tags::{CreateTags, NewTag};
use common::wire::admin::{ChangeSetting, EnableUser, GetCredentials, RegisterUser, SetPassword};
use common::wire::audit::{AuditPage, LookAudit};
use common::wire::people::Contact;
use runtime::clock::Clock;

use crate::browser::{Browser, TOKEN};
use crate::instances::launch;
use crate::world::{User, World, world, world_at};

pub(crate) const SESSION: &str = "__Host-console";
pub(crate) const FIRST: &str = "korrekt Pferd 1";
pub(crate) const OWN: &str = "batterie Klammer 2";

/// Registers a user who has set a password of their own, and is signed in.
pub(crate) async fn signed_in(world: &World, name: &str) -> Browser {
    register(world, name).await;
    let mut browser = Browser::new(world);
    let shown = browser.sign_in(name, FIRST).await;
    assert_eq!((shown.status, shown.location().as_str()), (303, "/"), "{shown:?}");
    let fields = [("password", OWN), ("again", OWN)];
    let shown = browser.submit("/password/new", "/password/new", &fields).await;
    assert_eq!((shown.status, shown.location().as_str()), (303, "/"), "{shown:?}");
    browser
}

async fn register(world: &World, name: &str) -> User {
    let ask = RegisterUser {
        name: name.into(),
        contact: Contact::default(),
        language: None,
        password: Some(FIRST.into()),
        by_mail: false,
    };
    User::from_files(&world.administration().call(ask).await.unwrap())
}

pub(crate) async fn recorded(world: &World, action: &str) -> Vec<common::audit::Event> {
    let filter = Filter { action: Some(action.into()), ..Filter::default() };
    let ask = LookAudit { filter, next: None, most: 100 };
    let page: AuditPage = world.administration().call(ask).await.unwrap();
    page.events
}

#[test]
fn every_answer_is_guarded_and_assets_are_kept() {
    world(&[], |world| async move {
        let mut browser = Browser::new(&world);
        let shown = browser.get("/sign-in").await;
        assert_eq!(shown.status, 200);
        let policy = shown.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("content-language", "en"),
            // A certificate that no browser believes must not be insisted on.
            ("strict-transport-security", ""),
        ] {
            assert_eq!(shown.header(name), value, "{name}");
        }
        for line in shown.headers("set-cookie") {
            assert!(line.starts_with("__Host-"), "{line}");
            for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(line.contains(part), "{line}");
            }
        }
        assert!(!shown.body.contains(" style=") && !shown.body.contains("<style"));
        assert!(!shown.body.contains("onclick") && !shown.body.contains("<script>"));
        for kind in ["css", "js", "svg"] {
            let end = format!(".{kind}\"");
            let (before, _) = shown.body.split_once(&end).unwrap();
            let path = format!("{}.{kind}", before.rsplit('"').next().unwrap());
            let asset = browser.get(&path).await;
            assert_eq!(asset.status, 200, "{path}");
            assert!(asset.header("cache-control").contains("immutable"));
        }
        assert_eq!(browser.get("/assets/console.css").await.status, 404);
        assert_eq!(browser.get("/nothing").await.status, 404);
        assert_eq!(browser.send("PUT", "/sign-in", None).await.status, 405);
        assert_eq!(browser.send("GET", "/sign-out", None).await.status, 405);
        browser.headers = vec![("accept-language".into(), "ja, en;q=0.5".into())];
        let shown = browser.get("/sign-in").await;
        assert!(shown.body.contains("<html lang=\"ja\">") && shown.body.contains("サインイン"));
        let fields = [("language", "en"), ("back", "/recover/ask?x=1")];
        let shown = browser.submit("/sign-in", "/language", &fields).await;
        assert_eq!(shown.location(), "/recover/ask?x=1");
        assert_eq!(browser.get("/sign-in").await.header("content-language"), "en");
        let fields = [("language", "ja"), ("back", "//evil.example/")];
        assert_eq!(browser.submit("/sign-in", "/language", &fields).await.location(), "/");
    });
}

#[test]
fn plain_http_is_told_the_way() {
    world(&[], |world| async move {
        let address = world.server().console_address();
        let ask = |head: String| async move {
            runtime::pool::block(move || {
                use std::io::{Read as _, Write as _};
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(head.as_bytes()).unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            })
            .await
            .unwrap()
        };
        let head = |host: &str| {
            format!("GET /instances?q=a HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
        };
        let told = ask(head(&address.to_string())).await;
        assert!(told.starts_with("HTTP/1.1 308 "), "{told}");
        let location = format!("location: https://{address}/instances?q=a\r\n");
        assert!(told.contains(&location), "{told}");
        let told = ask(head("evil\"><script>")).await;
        assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
        let told = ask(head("cloud")).await;
        let location = format!("location: https://cloud:{}/instances?q=a\r\n", address.port());
        assert!(told.contains(&location), "{told}");
    });
}

#[test]
fn the_first_time_is_configured_before_anything_else() {
    world(&[], |mut world| async move {
        let file = world.server().admin_dir().join("console-password");
        let first = std::fs::read_to_string(&file).unwrap().trim().to_owned();
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let mut browser = Browser::new(&world);
        assert_eq!(browser.sign_in("eucalyptus", &first).await.location(), "/");
        let held = browser.cookies[SESSION].clone();
        for page in ["/", "/instances", "/password", "/sessions", "/instances/live"] {
            assert_eq!(browser.get(page).await.location(), "/first-time", "{page}");
        }
        world.restart().await;
        browser.follow(&world);
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), first, "made once");
        let fields = |password, host| {
            [("password", password), ("again", OWN), ("email", "root@example.com"), ("host", host)]
        };
        for (password, host, told) in [
            ("another 1", "cloud.example.com", "not the same"),
            (OWN, "no host", "host name or an address"),
        ] {
            let shown = browser.submit("/first-time", "/first-time", &fields(password, host)).await;
            assert_eq!(shown.status, 400);
            assert!(shown.body.contains(told) && shown.body.contains("root@example.com"));
        }
        let fields = fields(OWN, "cloud.example.com");
        let shown = browser.submit("/first-time", "/first-time", &fields).await;
        assert_eq!((shown.status, shown.location().as_str()), (303, "/"), "{shown:?}");
        assert_ne!(browser.cookies[SESSION], held, "a new session for a new password");
        assert!(!file.exists());
        assert_eq!(browser.get("/").await.status, 200);
        assert_eq!(browser.get("/first-time").await.location(), "/");
        world.restart().await;
        assert!(!file.exists());
        // What was said holds.
        let told = world.administration();
        let made = told.call(GetCredentials { name: "eucalyptus".into() }).await.unwrap();
        let eucarc = &made.files.iter().find(|file| file.name == "eucarc").unwrap().text;
        assert!(eucarc.contains("EC2_URL='http://cloud.example.com:"), "{eucarc}");
        let changed = recorded(&world, "ModifyPropertyValue").await;
        assert_eq!(changed.len(), 4, "{changed:?}");
        assert!(changed.iter().all(|it| it.agent.starts_with("console ") && it.secure));
        let set = recorded(&world, "SetOwnPassword").await;
        assert_eq!((set[0].service.as_str(), set[0].source.as_str()), ("console", "127.0.0.1"));
        let all = format!("{set:?}{changed:?}");
        assert!(!all.contains(OWN) && !all.contains(&first));
    });
}

#[test]
fn names_that_are_known_are_answered_as_those_that_are_not() {
    world(&[], |world| async move {
        register(&world, "taro").await;
        let mut browser = Browser::new(&world);
        let known = browser.sign_in("taro", "wrong password").await;
        let unknown = browser.sign_in("hanako", "wrong password").await;
        assert_eq!((known.status, unknown.status), (403, 403));
        let plain = |shown: &crate::browser::Shown, name| {
            shown.body.replace(&shown.token(), "").replace(name, "")
        };
        assert_eq!(plain(&known, "taro"), plain(&unknown, "hanako"));
        let ask = |name: &'static str| [("name", name)];
        for name in ["taro", "hanako"] {
            let shown = browser.submit("/recover/ask", "/recover/ask", &ask(name)).await;
            assert!(shown.body.contains("sends no mails"), "{shown:?}");
        }
        let shown = browser.sign_in("<script>alert(1)</script>", "x").await;
        assert!(shown.body.contains("&lt;script&gt;alert(1)") && !shown.body.contains("<script>"));
    });
}

#[test]
fn a_session_is_new_at_each_sign_in_and_over_when_it_is_left() {
    world(&[], |mut world| async move {
        let mut browser = signed_in(&world, "taro").await;
        assert_eq!(browser.get("/").await.status, 200);
        let first = browser.cookies[SESSION].clone();
        assert_eq!(first.len(), 43);

        // A session that somebody else has put there is not taken on.
        let mut victim = Browser::new(&world);
        victim.cookies.insert(SESSION.into(), "A".repeat(43));
        assert_eq!(victim.sign_in("taro", OWN).await.location(), "/");
        assert_ne!(victim.cookies[SESSION], "A".repeat(43));
        assert_ne!(victim.cookies[SESSION], first);
        let mut attacker = Browser::new(&world);
        attacker.cookies.insert(SESSION.into(), "A".repeat(43));
        assert_eq!(attacker.get("/").await.location(), "/sign-in");

        // Nothing of the id is in the store.
        let token = browser.get("/sessions").await.token();
        assert_ne!(token, first);
        world.restart().await;
        browser.follow(&world);
        victim.follow(&world);
        assert_eq!(browser.get("/instances").await.status, 200, "it survives a restart");
        let shown = browser.post("/sign-out", &token, &[]).await;
        assert_eq!(shown.location(), "/sign-in?out=1", "forms do, too");
        let mut left = browser.clone();
        left.cookies.insert(SESSION.into(), first);
        assert_eq!(
            left.get("/instances?q=a").await.location(),
            "/sign-in?next=%2Finstances%3Fq%3Da"
        );
        assert_eq!(victim.get("/").await.status, 200, "others stay");
        let out = recorded(&world, "SignOut").await;
        assert_eq!(out[0].actor.as_ref().unwrap().alias, "taro");

        // Who comes from another site, whose link keeps the cookie back, is let in by a page of ours.
        let mut linked = Browser::new(&world);
        linked.headers = ["site: cross-site", "mode: navigate"]
            .map(|it| it.split_once(": ").unwrap())
            .map(|(name, value)| (format!("sec-fetch-{name}"), value.to_owned()))
            .to_vec();
        let shown = linked.get("/instances?q=a").await;
        assert!(shown.body.contains("data-onward=\"/instances?q=a\""), "{shown:?}");
        linked.headers.clear();
        assert!(linked.get("/instances?q=a").await.location().starts_with("/sign-in?next="));

        // One comes back to where one wanted to go, and nowhere else.
        let fields = |next| [("account", "taro"), ("password", OWN), ("next", next)];
        for (next, to) in
            [("/instances?q=a", "/instances?q=a"), ("https://evil/", "/"), ("//e", "/")]
        {
            let mut browser = Browser::new(&world);
            let shown = browser.submit("/sign-in", "/sign-in", &fields(next)).await;
            assert_eq!(shown.location(), to);
        }
    });
}

#[test]
fn sessions_are_listed_and_ended() {
    world(&[], |world| async move {
        let mut one = signed_in(&world, "taro").await;
        let (mut two, mut three) = (Browser::new(&world), Browser::new(&world));
        two.sign_in("taro", OWN).await;
        three.sign_in("taro", OWN).await;
        let shown = one.get("/sessions").await;
        assert_eq!(shown.body.matches("<tr>").count(), 1 + 3);
        assert!(shown.body.contains("test &lt;script&gt;") && !shown.body.contains("<script>"));
        let wanted = shown.value("session");
        let ended = one.post("/sessions/end", &shown.token(), &[("session", &wanted)]).await;
        assert_eq!(ended.location(), "/sessions?done=one");
        let open = [two.get("/").await.status, three.get("/").await.status];
        assert!(open == [200, 303] || open == [303, 200], "{open:?}");
        let shown = one.get("/sessions").await;
        one.post("/sessions/end-others", &shown.token(), &[]).await;
        assert_eq!((two.get("/").await.status, three.get("/").await.status), (303, 303));
        assert_eq!(one.get("/").await.status, 200);

        // Nobody ends another's.
        let mut hanako = signed_in(&world, "hanako").await;
        let all = hanako.get("/sessions").await;
        let foreign = one.cookies[SESSION].clone();
        let kept = digest(&foreign);
        hanako.post("/sessions/end", &all.token(), &[("session", &kept[..16])]).await;
        assert_eq!(one.get("/").await.status, 200);
    });
}

fn digest(id: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(id.as_bytes()))
}

#[test]
fn another_password_or_a_switched_off_account_ends_sessions() {
    world(&[], |world| async move {
        let mut one = signed_in(&world, "taro").await;
        let mut two = Browser::new(&world);
        two.sign_in("taro", OWN).await;
        let new = "ganz Neues 3";
        let change = |old| [("old", old), ("password", new), ("again", new)];
        let shown = one.submit("/password", "/password", &change("wrong one")).await;
        assert_eq!(shown.status, 403);
        let before = one.cookies[SESSION].clone();
        let shown = one.submit("/password", "/password", &change(OWN)).await;
        assert_eq!(shown.location(), "/password?done=1", "{shown:?}");
        assert_ne!(one.cookies[SESSION], before);
        assert_eq!((one.get("/").await.status, two.get("/").await.status), (200, 303));

        let switch = |enabled| EnableUser { name: "taro".into(), enabled };
        world.administration().call(switch(false)).await.unwrap();
        assert_eq!(one.get("/").await.location(), "/sign-in");
        world.administration().call(switch(true)).await.unwrap();
        assert_eq!(one.get("/").await.location(), "/sign-in", "it does not come back");
        assert_eq!(one.sign_in("taro", new).await.location(), "/");
        let set = SetPassword { name: "taro".into(), password: FIRST.into() };
        world.administration().call(set).await.unwrap();
        assert_eq!(one.get("/").await.location(), "/sign-in");
        one.sign_in("taro", FIRST).await;
        for page in ["/", "/instances", "/sessions", "/password"] {
            assert_eq!(one.get(page).await.location(), "/password/new", "{page}");
        }
        assert_eq!(one.get("/first-time").await.location(), "/");
    });
}

#[test]
fn sessions_end_when_they_are_idle_and_when_they_are_old() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut browser = signed_in(&world, "taro").await;
        let minutes = |count: u64| Duration::from_secs(60 * count);
        clock.advance(minutes(29));
        assert_eq!(browser.get("/").await.status, 200);
        clock.advance(minutes(29));
        assert_eq!(browser.get("/").await.status, 200, "it was used meanwhile");
        clock.advance(minutes(32));
        assert_eq!(browser.get("/").await.status, 303);
        browser.sign_in("taro", OWN).await;
        for _ in 0..25 {
            assert_eq!(browser.get("/").await.status, 200);
            clock.advance(minutes(29));
        }
        assert_eq!(browser.get("/").await.status, 303, "twelve hours are over");
        let (name, value) = ("console.session_idle_minutes".into(), "1".into());
        world.administration().call(ChangeSetting { name, value }).await.unwrap();
        browser.sign_in("taro", OWN).await;
        clock.advance(minutes(3));
        assert_eq!(browser.get("/").await.status, 303);
    });
}

#[test]
fn no_form_is_taken_that_is_not_ours() {
    world(&[], |world| async move {
        // More is sent here than one may send in a minute.
        let (name, value) = ("console.changes_per_minute".into(), "1000000".into());
        world.administration().call(ChangeSetting { name, value }).await.unwrap();
        let mut taro = signed_in(&world, "taro").await;
        let own = taro.get("/sessions").await.token();
        let mut hanako = signed_in(&world, "hanako").await;
        let other = hanako.get("/sessions").await.token();
        let mut stranger = Browser::new(&world);
        let anonymous = stranger.get("/sign-in").await.token();
        let mut unread = false;
        for line in lines().into_iter().filter(|line| line.method == Method::Post) {
            let path = line.path.replace("{id}", "x");
            for token in ["", "x", &other, &anonymous] {
                let before = taro.cookies.clone();
                let shown = taro.post(&path, token, &[("language", "ja")]).await;
                assert_eq!(shown.status, 403, "{path}");
                assert_eq!(taro.cookies, before, "{path}");
            }
            // Begun by another site; no form at all; more than a form.
            taro.headers = vec![("sec-fetch-site".into(), "cross-site".into())];
            assert_eq!(taro.post(&path, &own, &[]).await.status, 403, "{path}");
            taro.headers = Vec::new();
            let json = taro.send("POST", &path, None).await;
            assert!([403, 415].contains(&json.status), "{path}");
            // Where bytes are taken there is no form that could be too large.
            if line.streams {
                continue;
            }
            // Of what is not theirs nothing is read: one of those is enough, since its connection is
            // held for a while, so that the answer arrives.
            let closed = line.who == Who::Administrator;
            if closed && std::mem::replace(&mut unread, true) {
                continue;
            }
            let much = "x".repeat(70_000);
            let most = taro.post(&path, &own, &[("x", &much)]).await;
            assert_eq!(most.status, if closed { 403 } else { 413 }, "{path}");
        }
        assert_eq!(taro.get("/sessions").await.status, 200);
        // A cookie that nobody was given binds nothing.
        let mut bare = Browser::new(&world);
        let shown =
            bare.post("/sign-in", &anonymous, &[("account", "taro"), ("password", OWN)]).await;
        assert_eq!(shown.status, 403);
    });
}

#[test]
fn nobody_comes_where_they_may_not() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let token = taro.get("/sessions").await.token();
        let mut stranger = Browser::new(&world);
        let anonymous = stranger.get("/sign-in").await.token();
        for line in lines() {
            let path = line.path.replace("{id}", "i-00000000");
            let mut taro = taro.clone();
            let (unknown, known) = match line.method {
                // A list that is followed has no end.
                Method::Get if path.ends_with("/live") && line.who != Who::Administrator => {
                    let unknown = stranger.get(&path).await;
                    (unknown.clone(), unknown)
                }
                Method::Get => (stranger.get(&path).await, taro.get(&path).await),
                Method::Post => {
                    let unknown = stranger.post(&path, &anonymous, &[]).await;
                    // What taro may do is not done for the sake of this.
                    let own = if line.who == Who::Administrator { &token } else { "none" };
                    (unknown, taro.post(&path, own, &[]).await)
                }
            };
            match line.who {
                Who::Anyone => assert!(unknown.status < 500, "{path}"),
                _ => assert!(unknown.location().starts_with("/sign-in"), "{path}: {unknown:?}"),
            }
            match line.who {
                Who::Administrator => assert_eq!(known.status, 403, "{path}"),
                _ => assert!(known.status < 500, "{path}: {known:?}"),
            }
        }
    });
}

#[test]
fn a_list_shows_what_one_may_see_and_follows_what_happens() {
    world(&[4], |world| async move {
        let mut browser = signed_in(&world, "taro").await;
        let files = world.administration().call(GetCredentials { name: "taro".into() }).await;
        let taro = User::from_files(&files.unwrap());
        assert!(browser.get("/instances").await.body.contains("There are no instances."));
        let image = world.bootable().await;
        let foreign = world.run(&world.admin, &launch(&image)).await.remove(0);
        let share = [
            ("Action", "ModifyImageAttribute"),
            ("ImageId", image.as_str()),
            ("LaunchPermission.Add.1.Group", "all"),
            ("Version", "2016-11-15"),
        ];
        world.raw(&world.admin, &share).await.unwrap();
        let id = world.run(&taro, &launch(&image)).await.remove(0);
        world.instance_is(&taro, &id, "running").await;
        let name = "<script>alert(1)</script>";
        let tag = NewTag { key: "Name".into(), value: Some(name.into()) };
        let tags = CreateTags { resource_id: vec![id.to_string()], tag: vec![tag] };
        world.call(&taro, &tags).await.unwrap();

        let shown = browser.get("/instances").await;
        assert!(shown.body.contains(id.as_str()) && !shown.body.contains(foreign.as_str()));
        assert!(shown.body.contains("&lt;script&gt;alert(1)") && !shown.body.contains("<script>"));
        assert!(browser.get("/").await.body.contains("?state=running"));
        for (query, found) in [("q=alert", true), ("q=nobody", false), ("state=stopped", false)] {
            let shown = browser.get(&format!("/instances?{query}")).await;
            assert_eq!(shown.body.contains(id.as_str()), found, "{query}");
        }
        let page = format!("/instances/{id}");
        assert_eq!(browser.get(&page).await.status, 200);
        let shown = browser.get(&format!("{page}/console")).await;
        assert!(shown.status == 200 && shown.body.contains("hello"), "{shown:?}");
        assert_eq!(browser.get(&format!("/instances/{foreign}")).await.status, 400);
        let kept = browser.get(&format!("{page}/output")).await;
        assert_eq!(kept.body, "hello");
        assert!(kept.header("content-disposition").starts_with("attachment;"));

        let before = recorded(&world, "DescribeInstances").await.len();
        let (told, first) = tokio::sync::oneshot::channel();
        let events = browser.events("/instances/live", "terminated", told);
        let ends = async {
            first.await.unwrap();
            let ask =
                common::ec2::instances::TerminateInstances { instance_id: vec![id.to_string()] };
            world.call(&taro, &ask).await.unwrap();
        };
        let (followed, ()) = futures_util::future::join(events, ends).await;
        assert!(followed.contains("content-type: text/event-stream"), "{followed}");
        assert!(followed.contains("terminated"), "{followed}");
        // Whoever comes back after a break and has what there is, is not told it again.
        let id = followed.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap();
        browser.headers = vec![("last-event-id".into(), id.trim().into())];
        let (told, _) = tokio::sync::oneshot::channel();
        let again = browser.events("/instances/live", "\n: \n", told).await;
        assert!(!again.contains("event: part"), "{again}");
        browser.headers.clear();
        let after = recorded(&world, "DescribeInstances").await;
        let console = after.iter().filter(|it| it.agent.starts_with("console "));
        assert!(console.count() > 0 && after.len() - before < 3, "looking again is not recorded");
    });
}

#[test]
fn what_policies_forbid_is_not_shown() {
    world(&[], |world| async move {
        signed_in(&world, "taro").await;
        let files = world.administration().call(GetCredentials { name: "taro".into() }).await;
        let taro = User::from_files(&files.unwrap());
        world.iam(&taro, "CreateUser", &[("UserName", "jiro")]).await.unwrap();
        let login = [("UserName", "jiro"), ("Password", OWN)];
        world.iam(&taro, "CreateLoginProfile", &login).await.unwrap();
        let mut jiro = Browser::new(&world);
        let fields = [("account", "taro"), ("user", "jiro"), ("password", OWN)];
        let shown = jiro.submit("/sign-in", "/sign-in", &fields).await;
        assert_eq!(shown.location(), "/");
        let shown = jiro.get("/").await;
        assert!(shown.status == 200 && shown.body.contains("You may not see this."), "{shown:?}");
        let shown = jiro.get("/instances").await;
        assert_eq!(shown.status, 403);
        assert!(shown.body.contains("not authorized"), "{}", shown.body);
        jiro.headers = vec![("accept-language".into(), "ja".into())];
        assert!(jiro.get("/instances").await.body.contains("権限がありません"));
        assert!(!shown.body.contains(TOKEN) || shown.status == 403);
    });
}
