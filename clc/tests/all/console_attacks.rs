//! What somebody may try who means harm: on every line of the console's table.

use clc::console::{Line, Method, Who, is_told, lines};
use common::wire::admin::{DescribeRegistrations, SetPassword};

use crate::browser::{Browser, Shown, TOKEN};
use crate::console::{OWN, SESSION, signed_in};
use crate::world::{World, world};

const SCRIPT: &str =
    "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E";
/// What pages read behind the `?`, and a few that none reads.
const PARAMETERS: [&str; 14] = [
    "q", "state", "page", "next", "done", "out", "late", "name", "user", "account", "tab", "sort",
    "prefix", "language",
];

fn path(line: &Line, part: &str) -> String {
    let parts = line.path.split('/').map(|it| if it.starts_with('{') { part } else { it });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether a path is one of a line's.
fn fits(line: &Line, path: &str) -> bool {
    let (mut own, mut asked) = (line.path.split('/'), path.split('/'));
    loop {
        match (own.next(), asked.next()) {
            (None, None) => return true,
            (Some(own), Some(asked)) if own == asked || own.starts_with('{') => {}
            _ => return false,
        }
    }
}

fn shown_lines() -> impl Iterator<Item = Line> {
    lines().into_iter().filter(|it| it.method == Method::Get)
}

/// Lines that are shown whole: what is followed has no end.
fn shown() -> impl Iterator<Item = Line> {
    lines().into_iter().filter(|it| it.method == Method::Get && !it.path.ends_with("/live"))
}

fn guarded(shown: &Shown, at: &str) {
    let policy = shown.header("content-security-policy");
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"),
        "{at}"
    );
    assert!(!policy.contains("unsafe") && policy.contains("base-uri 'none'"), "{at}");
    assert_eq!(shown.header("x-frame-options"), "DENY", "{at}");
    assert_eq!(shown.header("x-content-type-options"), "nosniff", "{at}");
    assert_eq!(shown.header("referrer-policy"), "no-referrer", "{at}");
    for line in shown.headers("set-cookie") {
        assert!(line.starts_with("__Host-") && line.contains("HttpOnly"), "{at}: {line}");
    }
    if shown.header("content-type").starts_with("text/html") {
        for odd in ["<script>", "<img src=x", " style=\"", "onclick=", "javascript:"] {
            assert!(!shown.body.contains(odd), "{at}: {odd} in {}", shown.body);
        }
    }
}

#[test]
fn every_line_is_guarded_and_shows_a_script_as_text() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let mut stranger = Browser::new(&world);
        let query: Vec<_> = PARAMETERS.iter().map(|it| format!("{it}={SCRIPT}")).collect();
        let query = query.join("&");
        for line in shown() {
            for part in ["x", SCRIPT] {
                let path = format!("{}?{query}", path(&line, part));
                for browser in [&mut taro, &mut stranger] {
                    let shown = browser.get(&path).await;
                    // Nobody keeps objects in this cloud.
                    assert!(shown.status < 500 || shown.status == 503, "{path}: {shown:?}");
                    guarded(&shown, &path);
                }
            }
        }
        // What leads on leads nowhere else, and errors and files are guarded as pages are.
        let elsewhere = "/sign-in?next=https%3A%2F%2Fevil.example%2F";
        let page = stranger.get(elsewhere).await;
        let next = page.value("next");
        let fields = [("account", "taro"), ("password", OWN), ("next", next.as_str())];
        let entered = stranger.clone().post("/sign-in", &page.token(), &fields).await;
        assert_eq!(entered.location(), "/");
        let asset = page.body.split('"').find(|it| it.ends_with(".js")).unwrap().to_owned();
        for path in [asset.as_str(), "/no/such/page", "/assets/none.css", "/%00", "/%3Cscript%3E"] {
            guarded(&stranger.get(path).await, path);
        }
        guarded(&stranger.send("DELETE", "/", None).await, "DELETE");
        guarded(&stranger.send("GET", "/sign-out", None).await, "405");
    });
}

#[test]
fn a_token_is_good_in_its_session_and_in_a_form_alone() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let mut other = Browser::new(&world);
        other.sign_in("taro", OWN).await;
        let (own, others) =
            (taro.get("/sessions").await.token(), other.get("/sessions").await.token());
        assert_ne!(own, others);
        for line in lines().into_iter().filter(|it| it.method == Method::Post) {
            let path = path(&line, "x");
            // In the address, in a header, or of another session of the same user: none.
            let asked = format!("{path}?{TOKEN}={own}");
            assert_eq!(taro.post(&asked, "", &[]).await.status, 403, "{path}");
            taro.headers = vec![("x-csrf-token".into(), own.clone())];
            assert_eq!(taro.post(&path, "", &[]).await.status, 403, "{path}");
            taro.headers.clear();
            assert_eq!(taro.post(&path, &others, &[]).await.status, 403, "{path}");
            // Twice in a form counts once, the first.
            let twice = format!("{TOKEN}=x&{TOKEN}={own}");
            assert_eq!(taro.send("POST", &path, Some(&twice)).await.status, 403, "{path}");
            // What is posted is not done by asking for it.
            let got = taro.get(&format!("{path}?{TOKEN}={own}")).await.status;
            let has_page = shown_lines().any(|it| fits(&it, &path));
            assert!(got == 405 || has_page, "{path}: {got}");
        }
        assert_eq!(taro.get("/sessions").await.status, 200);
        assert_eq!(taro.get("/sessions").await.body.matches("<tr>").count(), 1 + 2);
    });
}

#[test]
fn a_session_is_never_taken_on_from_somebody_else() {
    world(&[], |world| async move {
        signed_in(&world, "taro").await;
        // An attacker's own session, put into the victim's browser, is not what they go on with.
        let attacker = signed_in(&world, "mallory").await;
        let planted = attacker.cookies[SESSION].clone();
        let mut victim = Browser::new(&world);
        victim.cookies.insert(SESSION.into(), planted.clone());
        // Whoever is signed in already is not asked; as soon as they sign out and in, it is over.
        let token = victim.get("/sessions").await.token();
        victim.post("/sign-out", &token, &[]).await;
        assert_eq!(victim.sign_in("taro", OWN).await.location(), "/");
        assert_ne!(victim.cookies[SESSION], planted);
        assert!(victim.get("/").await.body.contains("<strong>taro</strong>"));
        assert!(attacker.clone().get("/").await.location().starts_with("/sign-in"));
        // Two cookies of one name are none.
        let mut two = Browser::new(&world);
        let own = victim.cookies[SESSION].clone();
        two.headers = vec![("cookie".into(), format!("{SESSION}={own}; {SESSION}={planted}"))];
        assert!(two.get("/").await.location().starts_with("/sign-in"));
    });
}

#[test]
fn nobody_becomes_more_by_fields_that_no_form_has() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let more = [
            ("administrator", "true"),
            ("admin", "true"),
            ("account", "eucalyptus"),
            ("alias", "eucalyptus"),
            ("name", "eucalyptus"),
            ("user", "admin"),
            ("by.account", "000000000000"),
            ("standing", "confirmed"),
            ("full_name", "Taro"),
            ("kind", "keys"),
            ("password_set", "0"),
            ("must_change", "false"),
        ];
        for page in ["/contact", "/credentials/zip", "/access-keys/create", "/certificates/create"]
        {
            let token = taro.get("/sessions").await.token();
            let shown = taro.post(page, &token, &more).await;
            assert!(shown.status < 500, "{page}: {shown:?}");
        }
        let shown = taro.get("/").await;
        assert!(shown.body.contains("<strong>taro</strong>"));
        assert!(!shown.body.contains("Administrator"), "{shown:?}");
        let ask = DescribeRegistrations { name: Some("eucalyptus".into()) };
        let known = world.administration().call(ask).await.unwrap();
        assert_eq!(known[0].contact.full_name, "");
        for line in lines().into_iter().filter(|it| it.who == Who::Administrator) {
            let path = path(&line, "x");
            let status = match line.method {
                Method::Get => taro.get(&path).await.status,
                Method::Post => {
                    let token = taro.get("/sessions").await.token();
                    taro.post(&path, &token, &more).await.status
                }
            };
            assert_eq!(status, 403, "{path}");
        }
    });
}

#[test]
fn known_and_unknown_names_cost_the_same_and_answer_the_same() {
    world(&[], |world| async move {
        signed_in(&world, "taro").await;
        let mut browser = Browser::new(&world);
        let plain = |shown: &Shown, name: &str| {
            let body = shown.body.replace(&shown.token(), "").replace(name, "");
            let head = shown.head.lines().filter(|line| {
                !["date", "server-timing", "set-cookie", "content-length"]
                    .iter()
                    .any(|it| line.to_ascii_lowercase().starts_with(it))
            });
            format!("{}\n{body}", head.collect::<Vec<_>>().join("\n"))
        };
        let mut told = Vec::new();
        for name in ["taro", "jiro"] {
            let mut own = browser.clone();
            let shown = own.sign_in(name, "wrong password").await;
            told.push(plain(&shown, name));
            let shown = own.submit("/confirm", "/confirm", &[("name", name), ("code", "x")]).await;
            told.push(plain(&shown, name));
            let fields = [("name", name), ("code", "x"), ("password", OWN), ("again", OWN)];
            let shown = own.submit("/recover", "/recover", &fields).await;
            told.push(plain(&shown, name));
        }
        assert_eq!(told[..3], told[3..]);
        // A user who has to change the password is told nothing before it is right.
        let first = SetPassword { name: "taro".into(), password: "korrekt Pferd 9".into() };
        world.administration().call(first).await.unwrap();
        let shown = browser.sign_in("taro", "wrong password").await;
        assert_eq!(plain(&shown, "taro"), told[0]);
    });
}

#[test]
fn whatever_changes_something_can_be_told_as_a_line() {
    world(&[], |world: World| async move {
        // Reads, and what is about being another or about what no client does any more.
        let reads = ["Describe", "Get", "List", "Lookup", "Simulate"];
        let other = [
            "AssumeRole",
            "BundleInstance",
            "DeregisterCluster",
            "DeregisterStorageController",
            "DeregisterWalrus",
            "GenerateCredentialReport",
            "RegisterCluster",
            "RegisterStorageController",
            "RegisterWalrus",
            // What is reset is what its default says, and clients set values alone.
            "ResetPropertyValue",
        ];
        for (service, action) in world.server().actions() {
            let changes = !reads.iter().any(|start| action.starts_with(start));
            if changes && !other.contains(action) {
                assert!(is_told(service, action), "{service}:{action} has no line of any client");
            }
        }
    });
}
