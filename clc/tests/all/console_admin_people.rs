//! Administrators at the pages of users: applications decided about, users added, helped, switched off
//! and deleted; and what nobody else can do there.

use std::time::Duration;

use common::wire::admin::{DescribeRegistrations, GetCredentials};
use common::wire::people::{Registered, Standing};
use runtime::clock::Clock;

use crate::browser::{Browser, Shown};
use crate::console::{FIRST, OWN, signed_in};
use crate::people::{Mailbox, with_mail};
use crate::world::{User, World, until, world, world_with};

const SCRIPT: &str = "<script>alert(1)</script>";
const USER: &str = "/people/user";

/// The cloud's first administrator, who has configured it.
pub(crate) async fn administrator(world: &World) -> Browser {
    let file = world.server().admin_dir().join("console-password");
    let first = std::fs::read_to_string(file).unwrap();
    let mut browser = Browser::new(world);
    browser.sign_in("eucalyptus", first.trim()).await;
    let fields =
        [("password", OWN), ("again", OWN), ("email", "root@example.com"), ("host", "127.0.0.1")];
    let shown = browser.submit("/first-time", "/first-time", &fields).await;
    assert_eq!(shown.location(), "/", "{shown:?}");
    browser
}

fn page(path: &str, name: &str) -> String {
    format!("{path}?name={name}")
}

impl Browser {
    /// Does something about a user, from the user's page.
    async fn step(&mut self, step: &str, name: &str, more: &[(&str, &str)]) -> Shown {
        let fields: Vec<_> = [("name", name)].into_iter().chain(more.iter().copied()).collect();
        self.submit(&page(USER, name), &format!("{USER}/{step}"), &fields).await
    }
}

async fn registered(world: &World, name: &str) -> Option<Registered> {
    let ask = DescribeRegistrations { name: Some(name.into()) };
    world.administration().call(ask).await.ok().map(|mut found| found.remove(0))
}

async fn apply(world: &World, name: &str) {
    let mail = format!("{name}@example.com");
    let fields = [
        ("name", name),
        ("email", &mail),
        ("password", FIRST),
        ("again", FIRST),
        ("full_name", SCRIPT),
        ("telephone", SCRIPT),
        ("affiliation", SCRIPT),
        ("project_leader", SCRIPT),
        ("project_description", SCRIPT),
        ("administrator", "true"),
        ("standing", "confirmed"),
    ];
    let shown = Browser::new(world).submit("/apply", "/apply", &fields).await;
    assert_eq!(shown.location(), "/apply?done=1", "{shown:?}");
    until("the application", || async { registered(world, name).await }).await;
}

#[test]
fn applications_are_approved_by_the_link_of_a_mail() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[], with_mail(port), |world| async move {
        let mut admin = administrator(&world).await;
        assert!(admin.get("/people/waiting").await.body.contains("Nobody waits"));
        apply(&world, "hanako").await;
        // The first one asks the administrator to confirm that address.
        let told = mailbox.nth("root@example.com", 2).await;
        assert!(told.body.contains("https://127.0.0.1:8443/approve#hanako"), "{}", told.body);
        // Nothing that was written becomes a part of a page.
        for path in ["/people/waiting", "/people", "/people/user?name=hanako"]
            .map(str::to_owned)
            .into_iter()
            .chain([page("/people/user/reject", "hanako"), page("/people/user/edit", "hanako")])
        {
            let shown = admin.get(&path).await;
            assert_eq!(shown.status, 200, "{path}");
            assert!(shown.body.contains("&lt;script&gt;alert(1)"), "{path}");
            assert!(!shown.body.contains(SCRIPT), "{path}");
        }
        assert!(admin.get("/").await.body.contains("1 application waits"));
        // Looking at the link decides nothing, and whoever is not signed in has to be first.
        let stranger = Browser::new(&world).get("/approve").await;
        assert_eq!(stranger.location(), "/sign-in?next=%2Fapprove");
        assert_eq!(admin.get("/approve").await.status, 200);
        let shown = admin.submit("/approve", "/approve", &[("name", "nobody")]).await;
        assert!(shown.status == 400 && shown.body.contains("there is no user"), "{shown:?}");
        let shown = admin.submit("/approve", "/approve", &[("name", "hanako")]).await;
        assert_eq!(shown.location(), "/people/user?name=hanako");
        let found = registered(&world, "hanako").await.unwrap();
        assert_eq!(found.standing, Standing::Applied);
        let shown = admin.step("approve", "hanako", &[]).await;
        assert_eq!(shown.location(), "/people/user?name=hanako&done=approved", "{shown:?}");
        let shown = admin.submit("/approve", "/approve", &[("name", "hanako")]).await;
        assert!(shown.location().ends_with("done=decided"), "{shown:?}");
        let shown = admin.step("reject", "hanako", &[("reason", "too late")]).await;
        assert!(shown.status >= 400, "{shown:?}");

        let mut hanako = Browser::new(&world);
        let code = mailbox.nth("hanako@example.com", 1).await.token("confirm", "hanako");
        let fields = [("name", "hanako"), ("code", code.as_str())];
        // What would be ignored is refused: there is a password already.
        let another = [("password", OWN), ("again", OWN)];
        let shown = hanako.submit("/confirm", "/confirm", &[fields, another].concat()).await;
        let told = "one was chosen with the application";
        assert!(shown.status == 400 && shown.body.contains(told), "{shown:?}");
        let shown = hanako.submit("/confirm", "/confirm", &fields).await;
        assert_eq!(shown.location(), "/confirm?done=1", "{shown:?}");
        assert_eq!(hanako.sign_in("hanako", FIRST).await.location(), "/");
        assert_eq!(hanako.get("/people").await.status, 403, "no field of a form promotes anybody");
    });
}

#[test]
fn applications_are_turned_down_with_a_reason() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[], with_mail(port), |world| async move {
        let mut admin = administrator(&world).await;
        apply(&world, "jiro").await;
        let shown = admin.submit("/reject", "/reject", &[("name", "jiro")]).await;
        assert_eq!(shown.location(), "/people/user/reject?name=jiro");
        let long = "x".repeat(4001);
        let shown = admin.step("reject", "jiro", &[("reason", &long)]).await;
        assert!(shown.status == 400 && shown.body.contains("more than 4000"), "{}", shown.status);
        let reason = "No room.\n\nTo go on: https://evil.example/";
        let shown = admin.step("reject", "jiro", &[("reason", reason)]).await;
        assert_eq!(shown.location(), "/people/waiting?name=jiro&done=rejected", "{shown:?}");
        let mail = mailbox.nth("jiro@example.com", 1).await;
        assert!(mail.body.contains("The reason:\n\n    | No room.\n"), "{}", mail.body);
        assert!(mail.body.contains("    | To go on: https://evil.example/"), "{}", mail.body);
        assert!(registered(&world, "jiro").await.is_none(), "nothing of it stays");
        let token = admin.get("/people").await.token();
        let shown = admin.post("/people/user/reject", &token, &[("name", "jiro")]).await;
        assert_eq!(shown.status, 400, "once");
        admin.headers = vec![("accept-language".into(), "ja".into())];
        let shown = admin.post("/people/user/approve", &token, &[("name", "jiro")]).await;
        assert!(shown.body.contains("ユーザー jiro は存在しません"), "{shown:?}");
    });
}

#[test]
fn users_are_added_at_once_or_after_confirming() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[], with_mail(port), |world| async move {
        let mut admin = administrator(&world).await;
        let shown = admin.get("/people/add").await;
        let (_, made) = shown.body.split_once("name=\"password\" type=\"text\" value=\"").unwrap();
        let made = made.split('"').next().unwrap().to_owned();
        assert_eq!(made.len(), 20);
        let add = |name, how, password| {
            [("name", name), ("how", how), ("password", password), ("email", "t@example.com")]
        };
        for (name, password, told) in [
            ("eucalyptus", made.as_str(), "reserved"),
            ("a b", &made, "letters, digits"),
            (SCRIPT, &made, "letters, digits"),
            ("taro", "taro", "The password cannot be used"),
        ] {
            let fields = add(name, "once", password);
            let shown = admin.submit("/people/add", "/people/add", &fields).await;
            assert!(shown.status == 400 && shown.body.contains(told), "{name}: {shown:?}");
            assert!(shown.body.contains("t@example.com") && !shown.body.contains(SCRIPT));
        }
        let fields = add("taro", "once", &made);
        let shown = admin.submit("/people/add", "/people/add", &fields).await;
        assert_eq!(shown.location(), "/people/user?name=taro&done=added", "{shown:?}");
        let shown = admin.get(&shown.location()).await;
        assert!(shown.body.contains("taro was added") && !shown.body.contains(&made));
        let mut taro = Browser::new(&world);
        taro.sign_in("taro", &made).await;
        assert_eq!(taro.get("/").await.location(), "/password/new");

        let fields = add("hanako", "mail", "");
        let shown = admin.submit("/people/add", "/people/add", &fields).await;
        assert_eq!(shown.location(), "/people/user?name=hanako&done=mailed", "{shown:?}");
        let mail = mailbox.nth("t@example.com", 1).await;
        let code = mail.token("confirm", "hanako");
        let fields =
            [("name", "hanako"), ("code", code.as_str()), ("password", OWN), ("again", OWN)];
        let mut hanako = Browser::new(&world);
        let shown = hanako.submit("/confirm", "/confirm", &fields).await;
        assert_eq!(shown.location(), "/confirm?done=1", "{shown:?}");
        assert_eq!(hanako.sign_in("hanako", OWN).await.location(), "/");
        // One who lost the mail is let in without.
        admin.submit("/people/add", "/people/add", &add("saburo", "mail", "")).await;
        let shown = admin.step("approve", "saburo", &[]).await;
        assert!(shown.location().ends_with("done=approved"), "the mail goes out once more");
        mailbox.nth("t@example.com", 3).await;
        let shown = admin.step("confirm", "saburo", &[]).await;
        assert!(shown.location().ends_with("done=confirmed"), "{shown:?}");
        let found = registered(&world, "saburo").await.unwrap();
        assert_eq!(found.standing, Standing::Confirmed);
    });
}

#[test]
fn users_are_helped_switched_off_and_found() {
    world(&[], |world| async move {
        let mut admin = administrator(&world).await;
        let mut taro = signed_in(&world, "taro").await;
        let number = registered(&world, "taro").await.unwrap().account;
        for (query, found) in [("q=tar", true), ("q=x&state=active", false), ("state=active", true)]
        {
            let shown = admin.get(&format!("/people?{query}")).await;
            assert_eq!(shown.body.contains(number.as_str()), found, "{query}");
        }
        let shown = admin.get(&page(USER, "taro")).await;
        assert!(shown.body.contains(number.as_str()) && shown.body.contains("AKI"), "{shown:?}");
        assert!(!shown.body.contains("Take the second factor away"));

        let edit = [("email", "taro@example.com"), ("enabled", "false"), ("account", "000")];
        let shown = admin.step("edit", "taro", &edit).await;
        assert!(shown.location().ends_with("done=saved"), "{shown:?}");
        let found = registered(&world, "taro").await.unwrap();
        assert_eq!((found.contact.email.as_str(), found.enabled), ("taro@example.com", true));
        let shown = admin.step("edit", "taro", &[("email", "no address")]).await;
        assert!(shown.status == 400 && shown.body.contains("no mail address"), "{shown:?}");

        assert_eq!(taro.get("/").await.status, 200);
        admin.step("end-sessions", "taro", &[]).await;
        assert_eq!(taro.get("/").await.location(), "/sign-in");
        taro.sign_in("taro", OWN).await;
        let shown = admin.step("password", "taro", &[("password", "anders und neu 4")]).await;
        assert!(shown.location().ends_with("done=password"), "{shown:?}");
        assert_eq!(taro.get("/").await.location(), "/sign-in");
        taro.sign_in("taro", "anders und neu 4").await;
        assert_eq!(taro.get("/").await.location(), "/password/new");
        let shown = admin.step("disable", "taro", &[]).await;
        assert!(shown.location().ends_with("done=disabled"), "{shown:?}");
        assert_eq!(taro.get("/").await.location(), "/sign-in", "at once");
        assert!(admin.get("/people?state=disabled").await.body.contains(number.as_str()));
        admin.step("enable", "taro", &[]).await;
        let zip = admin.step("credentials", "taro", &[("kind", "keys")]).await;
        let name = zip.header("content-disposition");
        assert!(zip.status == 200 && name.contains("euca2-taro-keys.zip"), "{}", zip.head);

        // The cloud's own account is changed on other pages, or not at all.
        let cloud = registered(&world, "eucalyptus").await.unwrap().account.to_string();
        for named in ["eucalyptus", &cloud] {
            for step in ["disable", "delete", "password", "edit", "end-sessions"] {
                let more = [("password", "anders und neu 4"), ("again", named)];
                let shown = admin.step(step, named, &more).await;
                assert!((400..500).contains(&shown.status), "{step} {named}: {shown:?}");
            }
        }
        assert_eq!(admin.get("/").await.status, 200);
    });
}

#[test]
fn users_go_with_a_choice_of_what_becomes_of_what_they_own() {
    world(&[], |world| async move {
        let mut admin = administrator(&world).await;
        let mut taro = signed_in(&world, "taro").await;
        signed_in(&world, "hanako").await;
        let files = world.administration().call(GetCredentials { name: "taro".into() }).await;
        let user = User::from_files(&files.unwrap());
        let key = [("Action", "CreateKeyPair"), ("KeyName", SCRIPT), ("Version", "2016-11-15")];
        world.raw(&user, &key).await.unwrap();
        let shown = admin.get(&page("/people/user/delete", "taro")).await;
        assert!(shown.body.contains("key pairs: &lt;script&gt;") && !shown.body.contains(SCRIPT));
        let delete = |again, what, heir| [("again", again), ("belongings", what), ("heir", heir)];
        for (fields, told) in [
            (delete("hanako", "end", ""), "two names are not the same"),
            (delete("taro", "refuse", ""), "owns key pairs"),
            (delete("taro", "give", ""), "must contain the parameter"),
            (delete("taro", "give", "nobody"), "there is no user"),
            (delete("taro", "burn", ""), "none of refuse, give and end"),
        ] {
            let shown = admin.step("delete", "taro", &fields).await;
            assert!((400..500).contains(&shown.status), "{told}");
            assert!(shown.body.contains(told), "{told}: {}", shown.body);
        }
        assert_eq!(taro.get("/").await.status, 200);
        let shown = admin.step("delete", "taro", &delete("taro", "give", "hanako")).await;
        assert_eq!(shown.status, 303, "{shown:?}");
        assert_eq!(taro.get("/").await.location(), "/sign-in");
        let gone = || async { registered(&world, "taro").await.is_none().then_some(()) };
        tokio::time::timeout(Duration::from_secs(30), until("taro is gone", gone)).await.unwrap();
        assert_eq!(admin.get(&page(USER, "taro")).await.status, 400);
        let shown = admin.get("/people?name=taro&done=deleted").await;
        assert!(shown.body.contains("taro was deleted"));
        let shown = admin.get(&page("/people/user/delete", "hanako")).await;
        assert!(shown.body.contains("key pairs: &lt;script&gt;"), "hanako has it now");
    });
}

#[test]
fn nobody_else_does_any_of_it() {
    world(&[], |world| async move {
        let mut admin = administrator(&world).await;
        let mut taro = signed_in(&world, "taro").await;
        let mut mallory = signed_in(&world, "mallory").await;
        let token = mallory.get("/sessions").await.token();
        for step in ["disable", "delete", "password", "edit", "end-sessions", "credentials"] {
            let fields = [
                ("name", "taro"),
                ("again", "taro"),
                ("belongings", "end"),
                ("password", "anders und neu 4"),
                ("administrator", "true"),
            ];
            let shown = mallory.post(&format!("{USER}/{step}"), &token, &fields).await;
            assert_eq!(shown.status, 403, "{step}");
        }
        assert_eq!(taro.get("/").await.status, 200);
        // A form of an administrator's is taken of nobody else.
        let foreign = admin.get("/people/add").await.token();
        let fields = [("name", "eve"), ("how", "once"), ("password", "anders und neu 4")];
        assert_eq!(mallory.post("/people/add", &foreign, &fields).await.status, 403);
        assert_eq!(admin.post("/people/add", &token, &fields).await.status, 403);
        assert!(registered(&world, "eve").await.is_none());
        // What an administrator's policies forbid is forbidden here, too.
        let deny = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"*","Resource":"*"},
            {"Effect":"Deny","Action":"eucalypt:AddUser","Resource":"*"}]}"#;
        let (name, password) = (("UserName", "clerk"), ("Password", OWN));
        world.iam(&world.admin, "CreateUser", &[name]).await.unwrap();
        world.iam(&world.admin, "CreateLoginProfile", &[name, password]).await.unwrap();
        let policy = [name, ("PolicyName", "p"), ("PolicyDocument", deny)];
        world.iam(&world.admin, "PutUserPolicy", &policy).await.unwrap();
        let mut clerk = Browser::new(&world);
        let fields = [("account", "eucalyptus"), ("user", "clerk"), ("password", OWN)];
        assert_eq!(clerk.submit("/sign-in", "/sign-in", &fields).await.location(), "/");
        assert_eq!(clerk.get("/people").await.status, 200);
        let fields = [("name", "eve"), ("how", "once"), ("password", "anders und neu 4")];
        let shown = clerk.submit("/people/add", "/people/add", &fields).await;
        assert!(shown.status == 403 && shown.body.contains("may not do eucalypt:AddUser"));
        // Nobody becomes the owner of the cloud by its mail address or password.
        for step in ["edit", "password"] {
            let more = [("email", "clerk@example.com"), ("password", "anders und neu 4")];
            let shown = clerk.step(step, "eucalyptus", &more).await;
            assert_eq!(shown.status, 403, "{step}");
        }
    });
}

#[test]
fn groups_say_who_may_use_which_zone() {
    world(&[1], |world| async move {
        let mut admin = administrator(&world).await;
        signed_in(&world, "taro").await;
        let shown = admin.submit("/groups", "/groups", &[("name", SCRIPT)]).await;
        assert!(shown.status == 400 && !shown.body.contains(SCRIPT), "{shown:?}");
        let shown = admin.submit("/groups", "/groups", &[("name", "lab")]).await;
        assert_eq!(shown.location(), "/groups/group?name=lab&done=added", "{shown:?}");
        let path = page("/groups/group", "lab");
        assert!(admin.get(&path).await.body.contains("Nobody is in it"));
        let user = [("name", "lab"), ("user", "nobody")];
        let shown = admin.submit(&path, "/groups/group/join", &user).await;
        assert!(shown.status == 400 && shown.body.contains("there is no user"), "{shown:?}");
        let user = [("name", "lab"), ("user", "taro")];
        assert_eq!(admin.submit(&path, "/groups/group/join", &user).await.status, 303);
        let zone = [("name", "lab"), ("zone", "eucalyptus-1a")];
        assert_eq!(admin.submit(&path, "/groups/group/grant", &zone).await.status, 303);
        let found = registered(&world, "taro").await.unwrap();
        assert!(found.zone_groups.contains(&"lab".to_owned()), "{found:?}");
        let shown = admin.get(&path).await;
        assert!(shown.body.contains("may be used") && shown.body.contains(">taro<"), "{shown:?}");
        admin.submit(&path, "/groups/group/revoke", &zone).await;
        assert!(admin.get(&path).await.body.contains("may not be used"));
        admin.submit(&path, "/groups/group/leave", &user).await;
        let found = registered(&world, "taro").await.unwrap();
        assert!(!found.zone_groups.contains(&"lab".to_owned()), "{found:?}");
        let shown = admin.submit(&path, "/groups/group/delete", &[("name", "lab")]).await;
        assert_eq!(shown.location(), "/groups?done=1");
        let fixed = [("name", "default")];
        let shown = admin.submit("/groups", "/groups/group/delete", &fixed).await;
        assert!((400..500).contains(&shown.status), "{shown:?}");
    });
}

#[test]
fn the_log_is_looked_up_kept_and_verified() {
    world(&[], |world| async move {
        let mut admin = administrator(&world).await;
        let mut taro = signed_in(&world, "taro").await;
        let number = registered(&world, "taro").await.unwrap().account;
        let shown = admin.step("disable", "taro", &[]).await;
        assert_eq!(shown.status, 303);
        assert_eq!(taro.get("/").await.location(), "/sign-in");
        admin.step("enable", "taro", &[]).await;
        taro.sign_in("taro", OWN).await;
        let shown = admin.get("/audit?event=EnableUser&service=eucalypt").await;
        assert_eq!(shown.body.matches("/audit/event?id=").count(), 2, "{}", shown.body);
        let (_, id) = shown.body.split_once("/audit/event?id=").unwrap();
        let id = id.split('"').next().unwrap();
        let shown = admin.get(&format!("/audit/event?id={id}")).await;
        assert!(shown.body.contains("UserName") && shown.body.contains("taro"), "{}", shown.body);
        let cloud = admin.get("/audit?event=EnableUser&user=nobody").await;
        assert!(cloud.body.contains("Nothing that matches"), "{}", cloud.body);
        let wrong = admin.get("/audit?since=soon").await;
        assert!(wrong.status == 400 && wrong.body.contains("neither seconds"), "{}", wrong.status);
        for (kind, told) in [("csv", "\"EnableUser\""), ("json", "\"eventName\":\"EnableUser\"")] {
            let kept = admin.get(&format!("/audit/keep?event=EnableUser&as={kind}")).await;
            assert!(kept.body.contains(told), "{}", kept.body);
            assert!(kept.header("content-disposition").contains(kind));
        }
        let shown = admin.submit("/audit", "/audit/verify", &[]).await;
        assert!(shown.status == 200 && shown.body.contains("clc-reads"), "{shown:?}");
        assert!(shown.body.contains("as they were written"), "{}", shown.body);

        // Others see their own account's, whatever they ask for.
        assert_eq!(taro.get("/audit").await.status, 403);
        let own = taro.get("/activity").await;
        assert!(own.status == 200 && own.body.contains("LogIn"), "{}", own.body);
        for query in ["event=EnableUser", "account=000000000001&event=EnableUser"] {
            let shown = taro.get(&format!("/activity?{query}")).await;
            assert!(!shown.body.contains("/activity/event?id="), "{query}");
        }
        let shown = taro.get(&format!("/activity/event?id={id}")).await;
        assert_eq!(shown.status, 404);
        let mine = admin.get(&format!("/activity?account={number}&event=LogIn")).await;
        assert!(!mine.body.contains("taro / admin"), "one's own, of administrators as well");
    });
}

#[test]
fn quotas_are_set_and_hold() {
    world(&[1], |world| async move {
        let mut admin = administrator(&world).await;
        let mut taro = signed_in(&world, "taro").await;
        let path = page("/quotas/account", "taro");
        let none = admin.get(&path).await;
        assert!(none.status == 200 && none.body.contains("There are no others."), "{none:?}");
        let set = |most| [("name", "taro"), ("iam:quota-usernumber", most)];
        let shown = admin.submit(&path, "/quotas/account/limits", &set("many")).await;
        assert!(shown.status == 400 && shown.body.contains("no whole number"), "{shown:?}");
        let shown = admin.submit(&path, "/quotas/account/limits", &set("1")).await;
        assert_eq!(shown.location(), "/quotas/account?name=taro&done=saved", "{shown:?}");
        assert!(admin.get(&path).await.body.contains("In use: 1. At most now: 1."));
        let files = world.administration().call(GetCredentials { name: "taro".into() }).await;
        let user = User::from_files(&files.unwrap());
        let one = [("UserName", "jiro")];
        let refused = world.iam(&user, "CreateUser", &one).await.unwrap_err();
        assert_eq!(refused.0, "LimitExceeded");
        // Whoever has the quota does not lift it.
        let token = taro.get("/sessions").await.token();
        let shown = taro.post("/quotas/account/limits", &token, &set("99")).await;
        assert_eq!(shown.status, 403);
        admin.submit(&path, "/quotas/account/limits", &set("")).await;
        world.iam(&user, "CreateUser", &one).await.unwrap();

        let policy = |text| [("name", "taro"), ("policy", "more"), ("document", text)];
        let allow = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        for text in [allow, "{", SCRIPT] {
            let shown = admin.submit(&path, "/quotas/account/policy", &policy(text)).await;
            assert!(shown.status == 400 && !shown.body.contains(SCRIPT), "{text}: {shown:?}");
        }
        let limit = r#"{"Statement":{"Effect":"Limit","Action":"ec2:RunInstances","Resource":"*",
            "Condition":{"NumericLessThanEquals":{"ec2:quota-vminstancenumber":"3"}}}}"#;
        let shown = admin.submit(&path, "/quotas/account/policy", &policy(limit)).await;
        assert_eq!(shown.status, 303, "{shown:?}");
        assert!(admin.get(&path).await.body.contains("<h3>more</h3>"));
        let fields = [("name", "taro"), ("policy", "more")];
        admin.submit(&path, "/quotas/account/policy/delete", &fields).await;
        assert!(admin.get(&path).await.body.contains("There are no others."));

        let s3 = |bytes| {
            [("name", "taro"), ("bytes", bytes), ("objects", "unlimited"), ("buckets", "default")]
        };
        let shown = admin.submit(&path, "/quotas/account", &s3("many")).await;
        assert!(shown.status == 400 && shown.body.contains("neither a number"), "{shown:?}");
        let shown = admin.submit(&path, "/quotas/account", &s3("1000")).await;
        assert_eq!(shown.status, 303, "{shown:?}");
        assert_eq!(admin.get("/quotas/bucket?name=photos").await.status, 200);
    });
}

/// Fields of a form with what the form tells that they were, which another page may have told.
pub(crate) fn begun_with<'a>(page: &Shown, fields: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    let was = |(name, _): &(&str, &str)| {
        let name = format!("was/{name}");
        let value = page.value(&name);
        (name, value)
    };
    let beside = fields.iter().map(was).filter(|(_, value)| !value.is_empty());
    let own = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    own.chain(beside).collect()
}

impl Browser {
    /// Sends a form of a page that was loaded some time ago.
    pub(crate) async fn send_old(
        &mut self,
        page: &Shown,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Shown {
        let all = begun_with(page, fields);
        let all: Vec<_> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(action, &page.token(), &all).await
    }
}

#[test]
fn two_administrators_do_not_undo_each_others_changes() {
    world(&[1], |world| async move {
        let mut admin = administrator(&world).await;
        let _taro = signed_in(&world, "taro").await;
        let meanwhile = "was changed by somebody else meanwhile";

        // Who stands behind an account.
        let (path, edit) = (page("/people/user/edit", "taro"), "/people/user/edit");
        let old = admin.get(&path).await;
        let contact = |full_name, telephone| {
            [("name", "taro"), ("full_name", full_name), ("telephone", telephone)]
        };
        let other = admin.submit(&path, edit, &contact("Taro", "1")).await;
        assert_eq!(other.status, 303, "{other:?}");
        let shown = admin.send_old(&old, edit, &contact("", "2")).await;
        let told = format!("telephone {meanwhile}, to '1'");
        assert!(shown.status == 409 && shown.body.contains(&told), "{shown:?}");
        assert!(shown.body.contains("value=\"Taro\"") && shown.body.contains("value=\"2\""));
        let done = admin.send_old(&shown, edit, &contact("Taro", "2")).await;
        assert_eq!(done.status, 303, "{done:?}");
        let known = registered(&world, "taro").await.unwrap().contact;
        assert_eq!((known.full_name.as_str(), known.telephone.as_str()), ("Taro", "2"));

        // Limits of S3, and of EC2 and IAM.
        let path = page("/quotas/account", "taro");
        let old = admin.get(&path).await;
        let s3 = |bytes, objects| {
            [("name", "taro"), ("bytes", bytes), ("objects", objects), ("buckets", "default")]
        };
        admin.submit(&path, "/quotas/account", &s3("1000", "unlimited")).await;
        let shown = admin.send_old(&old, "/quotas/account", &s3("2000", "default")).await;
        assert!(shown.status == 409 && shown.body.contains(meanwhile), "{shown:?}");
        let shown = admin.send_old(&old, "/quotas/account", &s3("default", "default")).await;
        assert_eq!(shown.status, 303, "nothing of it was touched: {shown:?}");
        let now = admin.get(&path).await;
        assert!(now.body.contains("value=\"1000\"") && now.body.contains("value=\"unlimited\""));
        let (users, groups) = ("iam:quota-usernumber", "iam:quota-groupnumber");
        let limits = |first, second| [("name", "taro"), (users, first), (groups, second)];
        admin.submit(&path, "/quotas/account/limits", &limits("5", "")).await;
        let shown = admin.send_old(&now, "/quotas/account/limits", &limits("6", "")).await;
        assert!(shown.status == 409 && shown.body.contains(meanwhile), "{shown:?}");
        let shown = admin.send_old(&now, "/quotas/account/limits", &limits("", "7")).await;
        assert_eq!(shown.status, 303, "{shown:?}");
        let now = admin.get(&path).await;
        assert!(now.body.contains("value=\"5\"") && now.body.contains("value=\"7\""), "{now:?}");

        // Policies, and one of a name that there is already.
        let policy = |most: &str| {
            format!(
                r#"{{"Statement":{{"Effect":"Limit","Action":"ec2:RunInstances","Resource":"*",
                "Condition":{{"NumericLessThanEquals":{{"ec2:quota-vminstancenumber":"{most}"}}}}}}}}"#
            )
        };
        let put = "/quotas/account/policy";
        let (three, four) = (policy("3"), policy("4"));
        let fields = |text| [("name", "taro"), ("policy", "more"), ("document", text)];
        assert_eq!(admin.send_old(&now, put, &fields(&three)).await.status, 303);
        let shown = admin.send_old(&now, put, &fields(&four)).await;
        let other = "The policy 'more' is another one than this page began with";
        assert!(shown.status == 409 && shown.body.contains(other), "{shown:?}");
        assert!(admin.get(&path).await.body.contains("&quot;3&quot;"));
        assert_eq!(admin.send_old(&shown, put, &fields(&four)).await.status, 303);
        assert!(admin.get(&path).await.body.contains("&quot;4&quot;"));
    });
}
