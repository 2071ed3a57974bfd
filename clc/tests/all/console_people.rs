//! People come in by the console: applying, confirming, recovering, with a second factor. Mails go to a
//! server that speaks SMTP over a real socket.

use std::time::Duration;

use clc::people::totp;
use common::wire::admin::{ChangeSetting, DecideRegistration, Decision, GetCredentials};
use runtime::clock::Clock;

use crate::browser::Browser;
use crate::console::{OWN, SESSION, signed_in};
use crate::iam_logins::secret;
use crate::people::{Mailbox, with_mail};
use crate::world::{User, texts, until, world_at, world_with};

const PASSWORD: &str = "korrekt Pferd 1";
const MAIL: &str = "hanako@example.com";

#[test]
fn one_applies_is_approved_confirms_and_recovers() {
    let (mailbox, port) = Mailbox::start();
    world_with(Clock::system(), &[], with_mail(port), |world| async move {
        let mut browser = Browser::new(&world);
        assert!(!browser.get("/sign-in").await.body.contains("href=\"/apply\""));
        let fields = |again| {
            [
                ("name", "hanako"),
                ("email", MAIL),
                ("password", PASSWORD),
                ("again", again),
                ("full_name", "<script>alert(1)</script>"),
                ("administrator", "true"),
                ("standing", "confirmed"),
                ("enabled", "true"),
            ]
        };
        let shown = browser.submit("/apply", "/apply", &fields(PASSWORD)).await;
        assert!(shown.status == 400 && shown.body.contains("takes no applications"), "{shown:?}");
        let (name, value) = ("people.signup_address".into(), "root@example.com".into());
        world.administration().call(ChangeSetting { name, value }).await.unwrap();
        assert!(browser.get("/sign-in").await.body.contains("href=\"/apply\""));
        let shown = browser.submit("/apply", "/apply", &fields("another")).await;
        assert!(shown.body.contains("are not the same") && shown.body.contains(MAIL));
        assert!(!shown.body.contains("<script>") && !shown.body.contains(PASSWORD));
        let shown = browser.submit("/apply", "/apply", &fields(PASSWORD)).await;
        assert_eq!(shown.location(), "/apply?done=1", "{shown:?}");
        mailbox.nth("root@example.com", 1).await;
        let shown = browser.sign_in("hanako", PASSWORD).await;
        assert!(shown.body.contains("not been approved"), "no field of the form approves anybody");

        let (name, decision) = ("hanako".into(), Decision::Approve);
        let approve = DecideRegistration { name, decision, reason: None };
        world.administration().call(approve).await.unwrap();
        let mail = mailbox.nth(MAIL, 1).await;
        let code = mail.token("confirm", "hanako");
        assert_eq!(browser.get("/confirm").await.status, 200, "looking at a link uses nothing up");
        let fields = |code| [("name", "hanako"), ("code", code)];
        let shown = browser.submit("/confirm", "/confirm", &fields("wrong")).await;
        assert!(shown.status == 400 && shown.body.contains("not good any more"), "{shown:?}");
        let shown = browser.submit("/confirm", "/confirm", &fields(&code)).await;
        assert_eq!(shown.location(), "/confirm?done=1", "{shown:?}");
        let shown = browser.submit("/confirm", "/confirm", &fields(&code)).await;
        assert_eq!(shown.status, 400, "once");
        let shown = browser.sign_in("hanako", PASSWORD).await;
        assert_eq!((shown.status, shown.location().as_str()), (303, "/"));
        let shown = browser.get("/").await;
        assert!(shown.status == 200 && !shown.body.contains("Administrator"));

        // Whoever forgets it has the sessions of before ended.
        let mut elsewhere = Browser::new(&world);
        let ask = [("name", "hanako")];
        let shown = elsewhere.submit("/recover/ask", "/recover/ask", &ask).await;
        assert_eq!(shown.location(), "/recover/ask?done=1");
        let code = mailbox.nth(MAIL, 2).await.token("recover", "hanako");
        let fields =
            |new| [("name", "hanako"), ("code", code.as_str()), ("password", new), ("again", new)];
        let shown = elsewhere.submit("/recover", "/recover", &fields("hanako")).await;
        assert_eq!(shown.status, 400);
        assert_eq!(browser.get("/").await.status, 200);
        let shown = elsewhere.submit("/recover", "/recover", &fields(OWN)).await;
        assert_eq!(shown.location(), "/recover?done=1", "{shown:?}");
        assert_eq!(browser.get("/").await.status, 303);
        let shown = elsewhere.submit("/recover", "/recover", &fields("another one 3")).await;
        assert_eq!(shown.status, 400, "once");
        assert_eq!(elsewhere.sign_in("hanako", OWN).await.location(), "/");
    });
}

#[test]
fn a_second_factor_is_asked_for() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut browser = signed_in(&world, "taro").await;
        let files = world.administration().call(GetCredentials { name: "taro".into() }).await;
        let taro = User::from_files(&files.unwrap());
        let made = [("VirtualMFADeviceName", "phone")];
        let made = world.iam(&taro, "CreateVirtualMFADevice", &made).await.unwrap();
        let (serial, seed) = (texts(&made, "SerialNumber"), texts(&made, "Base32StringSeed"));
        let secret = secret(&seed[0]);
        let shown_at = |ahead: u64| totp::code(&secret, totp::step(clock.now()) + ahead);
        let (one, two) = (shown_at(0), shown_at(1));
        let enable = [
            ("UserName", "admin"),
            ("SerialNumber", serial[0].as_str()),
            ("AuthenticationCode1", &one),
            ("AuthenticationCode2", &two),
        ];
        world.iam(&taro, "EnableMFADevice", &enable).await.unwrap();
        clock.advance(Duration::from_secs(120));

        let mut other = Browser::new(&world);
        assert_eq!(other.get("/sign-in/code").await.location(), "/sign-in?late=1");
        assert_eq!(other.sign_in("taro", "wrong password").await.status, 403);
        assert_eq!(other.sign_in("taro", OWN).await.location(), "/sign-in/code");
        assert!(!other.cookies.contains_key(SESSION), "half is not in");
        assert_eq!(other.get("/").await.location(), "/sign-in");
        let page = other.get("/sign-in/code").await;
        assert!(page.status == 200 && !page.body.contains(OWN));
        let shown = other.post("/sign-in/code", &page.token(), &[("code", "000000")]).await;
        assert!(shown.status == 403 && shown.body.contains("wrong or was used"), "{shown:?}");
        let code = shown_at(0);
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        let shown = other.post("/sign-in/code", &page.token(), &[("code", &spaced)]).await;
        assert_eq!(shown.location(), "/", "{shown:?}");
        assert!(other.get("/sessions").await.body.contains("with a second factor"));
        // Each code is good once.
        let mut third = Browser::new(&world);
        third.sign_in("taro", OWN).await;
        let page = third.get("/sign-in/code").await;
        let shown = third.post("/sign-in/code", &page.token(), &[("code", &code)]).await;
        assert_eq!(shown.status, 403);
        clock.advance(Duration::from_secs(301));
        let shown = third.post("/sign-in/code", &page.token(), &[("code", &shown_at(0))]).await;
        assert_eq!(shown.location(), "/sign-in?late=1", "the password is not kept for long");
        assert_eq!(browser.get("/").await.status, 200);
    });
}

#[test]
fn too_many_wrong_passwords_shut_the_door_for_a_while() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        signed_in(&world, "taro").await;
        let mut browser = Browser::new(&world);
        browser.headers = vec![("accept-language".into(), "ja".into())];
        for _ in 0..6 {
            browser.sign_in("taro", "wrong password").await;
        }
        let shown = browser.sign_in("taro", OWN).await;
        assert_eq!(shown.status, 429, "{shown:?}");
        assert!(shown.body.contains("秒後にもう一度"), "{shown:?}");
        clock.advance(Duration::from_secs(3700));
        let shown = until("the door is open", || async {
            Some(browser.clone().sign_in("taro", OWN).await)
        });
        assert_eq!(shown.await.location(), "/");
    });
}
