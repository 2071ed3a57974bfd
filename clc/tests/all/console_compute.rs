//! Instances and key pairs at the console, as far as a browser need not be started for it: a launch that is
//! sent twice happens once, what is refused is told beside its field, and nobody touches what is another's.

use common::ec2::instances::DescribeInstances;
use common::ec2::keys::DescribeKeyPairs;
use common::id::ImageKind;
use common::wire::admin::GetCredentials;
use futures_util::future::join_all;

use crate::browser::Browser;
use crate::console::{OWN, signed_in};
use crate::instances::launch;
use crate::world::{User, World, world};

const SCRIPT: &str = "<script>alert(1)</script>";

async fn owner(world: &World, name: &str) -> (Browser, User) {
    let browser = signed_in(world, name).await;
    let files = world.administration().call(GetCredentials { name: name.into() }).await;
    (browser, User::from_files(&files.unwrap()))
}

/// An image that everybody may run.
async fn everybodys(world: &World) -> String {
    let image = world.bootable().await.to_string();
    let share = [
        ("Action", "ModifyImageAttribute"),
        ("ImageId", image.as_str()),
        ("LaunchPermission.Add.1.Group", "all"),
        ("Version", "2016-11-15"),
    ];
    world.raw(&world.admin, &share).await.unwrap();
    image
}

async fn instances(world: &World, user: &User) -> usize {
    let all = world.call(user, &DescribeInstances::default()).await.unwrap();
    all.reservation_set.item.iter().map(|it| it.instances_set.item.len()).sum()
}

#[test]
fn a_launch_that_is_sent_twice_happens_once() {
    world(&[4], |world| async move {
        let (mut browser, taro) = owner(&world, "taro").await;
        let image = everybodys(&world).await;
        assert!(browser.get("/launch").await.body.contains(&image));
        let shown = browser.get(&format!("/launch?image={image}")).await;
        let (bound, token) = (shown.token(), shown.value("token"));
        assert_eq!((shown.status, token.len()), (200, 43));
        let fields = [
            ("image", image.as_str()),
            ("token", &token),
            ("name", SCRIPT),
            ("type", "m1.small"),
            ("count", "1"),
            ("data", "#!/bin/sh\r\necho hello\r\n"),
            ("tags", "Team=<b>blue</b>"),
            ("shutdown", "stop"),
            ("metadata", "required"),
            ("hops", "2"),
        ];
        let shown = browser.post("/launch/review", &bound, &fields).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        assert!(
            shown.body.contains("Nothing has been launched yet") && !shown.body.contains(SCRIPT)
        );
        assert_eq!(shown.value("token"), token);
        assert_eq!(instances(&world, &taro).await, 0, "a summary launches nothing");
        let first = browser.post("/launch", &bound, &fields).await;
        let second = browser.post("/launch", &bound, &fields).await;
        assert_eq!(first.status, 303, "{first:?}");
        assert_eq!(first.location(), second.location());
        assert_eq!(instances(&world, &taro).await, 1);
        let page = first.location();
        let shown = browser.get(&page).await;
        assert!(
            shown.body.contains("is being launched") && !shown.body.contains(SCRIPT),
            "{shown:?}"
        );
        assert!(shown.body.contains("Team") && shown.body.contains("&lt;b&gt;blue"));
        let all = world.call(&taro, &DescribeInstances::default()).await.unwrap();
        let it = &all.reservation_set.item[0].instances_set.item[0];
        let options = it.metadata_options.as_ref().unwrap();
        assert_eq!((&*options.http_tokens, options.http_put_response_hop_limit), ("required", 2));
        // The same form with something else in it is another launch, and says that the first is done.
        let other =
            fields.map(|(name, value)| if name == "count" { (name, "2") } else { (name, value) });
        let shown = browser.post("/launch", &bound, &other).await;
        assert!(shown.body.contains("was used before"), "{shown:?}");
        assert_ne!(shown.value("token"), token);
    });
}

#[test]
fn what_a_launch_is_refused_for_stands_beside_its_field() {
    world(&[2], |world| async move {
        let (mut browser, taro) = owner(&world, "taro").await;
        let image = everybodys(&world).await;
        let shown = browser.get(&format!("/launch?image={image}")).await;
        let (bound, token) = (shown.token(), shown.value("token"));
        let large = "x".repeat(16_385);
        for (field, value, at, told) in [
            ("count", "many", "count", "is no number"),
            ("count", "300", "count", "at most 256"),
            ("least", "5", "least", "less than MinCount"),
            ("data", &large, "data", "16385 bytes"),
            ("key", "nobody's", "key", "does not exist"),
            ("type", "t9.tiny", "type", "t9.tiny"),
            ("kernel", &image, "kernel", "is not a kernel"),
            ("hops", "99", "hops", "from 1 to 64"),
            ("devices", "nonsense", "devices", "not of the form"),
            ("devices", "/dev/sdb=floppy", "devices", "floppy"),
            ("tags", "aws:x=y", "tags", "reserved"),
            ("profile", "none-such", "profile", "none-such"),
            ("zone", "z", "zone", "no availability zone"),
        ] {
            let base = [
                ("image", image.as_str()),
                ("token", &token),
                ("count", "1"),
                ("type", "m1.small"),
            ];
            let mut all: Vec<_> = base.into_iter().filter(|(name, _)| *name != field).collect();
            all.push((field, value));
            let shown = browser.post("/launch/review", &bound, &all).await;
            assert!((400..500).contains(&shown.status), "{field}={value}: {shown:?}");
            let begin = format!("id=\"f-{at}-wrong\">");
            let (_, behind) =
                shown.body.split_once(&begin).unwrap_or_else(|| panic!("{field} {shown:?}"));
            let sentence = behind.split("</p>").next().unwrap();
            assert!(sentence.contains(told), "{field}: {sentence}");
        }
        // More than there is room for is found out by launching.
        let many =
            [("image", image.as_str()), ("token", &token), ("count", "9"), ("type", "m1.small")];
        let shown = browser.post("/launch", &bound, &many).await;
        assert!(shown.status >= 400, "{shown:?}");
        assert!(shown.body.contains("There is not enough room: 9 instances"), "{shown:?}");
        browser.headers = vec![("accept-language".into(), "ja".into())];
        let shown = browser.post("/launch", &bound, &many).await;
        assert!(shown.body.contains("空きが足りません。"), "{shown:?}");
        assert_eq!(instances(&world, &taro).await, 0);
    });
}

#[test]
fn a_private_key_is_answered_once_and_recorded_nowhere() {
    world(&[], |world| async move {
        let (mut browser, taro) = owner(&world, "taro").await;
        let bound = browser.get("/key-pairs/new").await.token();
        let named = [("name", SCRIPT), ("kind", "ed25519")];
        let shown = browser.post("/key-pairs/new", &bound, &named).await;
        assert_eq!(shown.status, 200);
        assert_eq!(shown.header("cache-control"), "no-store");
        assert!(!shown.body.contains(SCRIPT));
        let key = shown.value("material");
        assert!(key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        let fields = [("name", "a/../b"), ("material", key.as_str())];
        let file = browser.post("/key-pairs/file", &bound, &fields).await;
        assert_eq!((file.status, file.body.as_str()), (200, key.as_str()));
        assert!(file.header("content-disposition").ends_with("a_.._b.pem"), "{file:?}");
        assert_eq!(file.header("cache-control"), "no-store");
        let other = [("name", "x"), ("material", "<html>")];
        assert_eq!(browser.post("/key-pairs/file", &bound, &other).await.status, 400);
        for page in ["/key-pairs", "/key-pairs/new"] {
            assert!(!browser.get(page).await.body.contains("PRIVATE KEY"), "{page}");
        }
        let again = browser.post("/key-pairs/new", &bound, &named).await;
        assert!(again.status == 400 && again.body.contains("already exists"), "{again:?}");
        let keys = world.call(&taro, &DescribeKeyPairs::default()).await.unwrap();
        assert_eq!(keys.key_set.item[0].key_name, SCRIPT);

        // On the way through a launch, what was filled in goes along.
        let image = everybodys(&world).await;
        let fields =
            [("image", image.as_str()), ("new_key", "fresh"), ("count", "7"), ("token", "t")];
        let shown = browser.post("/launch/key", &bound, &fields).await;
        assert!(shown.body.contains("PRIVATE KEY") && shown.value("count") == "7", "{shown:?}");
        assert_eq!(shown.value("key"), "fresh");
        let none = [("image", image.as_str()), ("token", "t"), ("count", "1")];
        let shown = browser.post("/launch/key", &bound, &none).await;
        assert!(shown.status == 400 && shown.body.contains("f-new_key-wrong"), "{shown:?}");
    });
}

#[test]
fn nobody_touches_what_is_anothers() {
    world(&[4], |world| async move {
        let (mut browser, taro) = owner(&world, "taro").await;
        let image = world.bootable().await;
        let foreign = world.run(&world.admin, &launch(&image)).await.remove(0);
        world.instance_is(&world.admin, &foreign, "running").await;
        let page = format!("/instances/{foreign}");
        for path in ["", "/console", "/output", "/save", "/events", "/metadata", "/settings"] {
            let shown = browser.get(&format!("{page}{path}")).await;
            assert!(
                shown.status == 400 && shown.body.contains("does not exist"),
                "{path}: {shown:?}"
            );
        }
        let bound = browser.get("/instances").await.token();
        for path in ["start", "stop", "reboot", "terminate"] {
            let path = format!("/instances/{path}");
            let shown = browser.post(&path, &bound, &[("id", foreign.as_str())]).await;
            assert!(
                shown.status == 400 && shown.body.contains("does not exist"),
                "{path}: {shown:?}"
            );
            let shown = browser.post(&path, &bound, &[]).await;
            assert_eq!(shown.status, 400, "{path}");
        }
        for (path, fields) in
            [("name", [("name", "mine")]), ("tag", [("key", "mine")]), ("save", [("name", "mine")])]
        {
            let shown = browser.post(&format!("{page}/{path}"), &bound, &fields).await;
            assert_eq!(shown.status, 400, "{path}: {shown:?}");
        }
        world.instance_is(&world.admin, &foreign, "running").await;

        // Whom no policy lets is told so, by a page.
        world.iam(&taro, "CreateUser", &[("UserName", "jiro")]).await.unwrap();
        let login = [("UserName", "jiro"), ("Password", OWN)];
        world.iam(&taro, "CreateLoginProfile", &login).await.unwrap();
        let mut jiro = Browser::new(&world);
        let fields = [("account", "taro"), ("user", "jiro"), ("password", OWN)];
        jiro.submit("/sign-in", "/sign-in", &fields).await;
        let bound = jiro.get("/key-pairs/new").await.token();
        for (path, fields) in [
            ("/key-pairs/new", [("name", "x")]),
            ("/key-pairs/delete", [("name", "x")]),
            ("/launch", [("image", "emi-00000000")]),
            ("/instances/terminate", [("id", "i-00000000")]),
        ] {
            let shown = jiro.post(path, &bound, &fields).await;
            assert!(
                shown.status == 403 && shown.body.contains("not authorized"),
                "{path}: {shown:?}"
            );
        }
    });
}

#[test]
fn what_an_instance_writes_is_followed_as_text() {
    world(&[4], |world| async move {
        let (mut browser, taro) = owner(&world, "taro").await;
        let image = everybodys(&world).await.parse().unwrap();
        let id = world.run(&taro, &launch(&image)).await.remove(0);
        world.instance_is(&taro, &id, "running").await;
        let page = format!("/instances/{id}/console");
        assert!(browser.get(&page).await.body.contains("hello"));
        let (told, first) = tokio::sync::oneshot::channel();
        let live = format!("{page}/live");
        let events = browser.events(&live, "booted", told);
        let writes = async {
            first.await.unwrap();
            let text = format!("\u{1b}[32m{SCRIPT}\u{1b}[0m\r\nbooted\r\n");
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(text);
            world.nodes[0].state.lock().unwrap().wrote = Some(text);
        };
        let (followed, ()) = futures_util::future::join(events, writes).await;
        assert!(followed.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{followed}");
        assert!(!followed.contains(SCRIPT) && !followed.contains('\u{1b}'), "{followed}");
        // A node that does not answer is told of; the page is there all the same.
        world.nodes[0].state.lock().unwrap().away = true;
        let shown = browser.get(&page).await;
        assert!(shown.status == 200 && shown.body.contains("cannot be shown"), "{shown:?}");
    });
}

#[test]
fn a_search_that_has_not_looked_at_all_images_says_so_and_goes_on() {
    world(&[], |world| async move {
        let (mut browser, taro) = owner(&world, "taro").await;
        let places: Vec<_> = (0..520).map(|number| format!("many/{number}")).collect();
        for place in &places {
            world.walrus.bundle(place, ImageKind::Machine, 1, false);
        }
        for some in places.chunks(40) {
            join_all(some.iter().map(|place| world.image(&taro, place))).await;
        }
        let shown = browser.get("/launch?q=none-has-this").await;
        assert!(shown.body.contains("on the next page"), "{shown:?}");
        let (_, rest) = shown.body.split_once("page=").unwrap();
        let next = rest.split('"').next().unwrap().replace("&amp;", "&");
        let last = browser.get(&format!("/launch?q=none-has-this&page={next}")).await;
        assert!(last.body.contains("No image matches"), "{last:?}");
    });
}
