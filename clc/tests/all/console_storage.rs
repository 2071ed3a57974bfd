//! Storage at the console: what reaches S3 and in whose name, what does not, and that nothing of
//! somebody's is ever a page of ours.

use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::error::{ApiError, ErrorCode};
use common::iam::session::{Session, Who};
use common::s3::xml;
use common::sign::Claim;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::http::{App, Body, Head, Payload, Response};

use crate::browser::Browser;
use crate::console::{OWN, signed_in};
use crate::world::{until, world, world_at};

/// An S3 that keeps what it was asked, and has one bucket and whatever object is asked for.
#[derive(Default)]
pub(crate) struct StubS3 {
    asked: Mutex<Vec<(Head, Vec<u8>)>>,
}

impl StubS3 {
    fn take(&self) -> Vec<(Head, Vec<u8>)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    async fn answer(&self, head: Head, body: Body) -> Response {
        let said = body.read(1 << 20).await.map(|body| body.to_vec()).unwrap_or_default();
        self.asked.lock().unwrap().push((head.clone(), said));
        let path = head.raw_path.as_str();
        let buckets = "<ListAllMyBucketsResult><Buckets><Bucket><Name>bucket&lt;b&gt;</Name>\
            <CreationDate>2026-11-23T10:00:00.000Z</CreationDate></Bucket></Buckets>\
            </ListAllMyBucketsResult>";
        match (head.method.as_str(), path) {
            ("GET", "/services/Walrus/") => Response::text(200, "application/xml", buckets),
            // It begins, and goes on for ever.
            ("GET", "/services/Walrus/known/endless") => {
                let (sender, pieces) = tokio::sync::mpsc::channel(1);
                runtime::pool::spawn(async move {
                    if sender.send(Ok("begun".into())).await.is_ok() {
                        sender.closed().await;
                    }
                });
                let payload = Payload::Stream { length: 1 << 30, pieces };
                Response { status: 200, headers: Vec::new(), payload }
            }
            ("GET", path) if path.starts_with("/services/Walrus/known/") => {
                Response::text(200, "text/html", "<script>alert(1)</script>")
                    .with("etag", "\"e\"")
                    .with("x-amz-meta-secret", "kept")
            }
            ("PUT", _) => Response::empty(200),
            _ => {
                let error = ApiError::new(ErrorCode::AccessDenied, "Access <b>Denied</b>");
                Response::text(403, "application/xml", xml::error(&error, path, "id", &[]))
            }
        }
    }
}

impl App for StubS3 {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(head, body))
    }
}

/// What a session token says, whoever has sealed it.
fn said(token: &str) -> Session {
    let session = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(session).unwrap()).unwrap()
}

#[test]
fn s3_hears_who_asks_and_from_where_by_a_session_that_is_nobody_elses() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let shown = taro.get("/buckets").await;
        assert_eq!(shown.status, 200);
        assert!(shown.body.contains("bucket&lt;b&gt;") && !shown.body.contains("<b>"));
        let token = shown.token();
        taro.headers = vec![
            ("x-form-token".into(), token),
            ("content-type".into(), "text/plain".into()),
            ("x-part-sha256".into(), "c3Vt".into()),
        ];
        let path = "/uploads/whole?bucket=known&key=a%2F..%2Fb%20%25";
        let sent = taro.send("POST", path, Some("hello")).await;
        assert_eq!((sent.status, sent.body.as_str()), (200, "{}"));
        let asked = world.walrus.s3.take();
        let (head, body) = &asked[1];
        assert_eq!(head.raw_path, "/services/Walrus/known/a/../b%20%25");
        assert_eq!((body.as_slice(), head.header("content-length")), (&b"hello"[..], Some("5")));
        assert_eq!(head.header("content-type"), Some("text/plain"));
        assert_eq!(head.header("x-amz-checksum-sha256"), Some("c3Vt"));
        let session = said(head.header("x-amz-security-token").unwrap());
        assert_eq!(session.who, Who::User("admin".into()));
        assert_eq!(session.expires.since(session.issued).as_secs(), 900);
        assert!(session.holder.starts_with("AIDA") && !session.second_factor);
        let via = session.via.unwrap();
        assert_eq!((via.source.as_str(), via.secure), ("127.0.0.1", true));
        assert_eq!(via.agent, "console test <script>alert(1)</script>");
        let claim = Claim::s3(&head.signed(None)).unwrap().unwrap();
        assert_eq!(claim.access_key_id(), session.access_key);
        assert!(claim.verify("another secret", world.clock.now()).is_err());
        // Every request has a session of its own.
        let first = said(asked[0].0.header("x-amz-security-token").unwrap());
        assert_ne!(first.access_key, session.access_key);
    });
}

#[test]
fn no_bytes_reach_s3_that_no_page_of_ours_has_sent() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let token = taro.get("/buckets").await.token();
        let other = signed_in(&world, "hanako").await.get("/buckets").await.token();
        world.walrus.s3.take();
        let own = ("x-form-token".to_owned(), token.clone());
        let kind = |kind: &str| ("content-type".to_owned(), kind.to_owned());
        let elsewhere = ("sec-fetch-site".to_owned(), "cross-site".to_owned());
        let forged = |token: &str| {
            format!(
                "--B\r\nContent-Disposition: form-data; name=\"token_of_form\"\r\n\r\n{token}\r\n\
                 --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n\
                 --B--\r\n"
            )
        };
        let form = kind("multipart/form-data; boundary=B");
        for path in ["/uploads/whole?bucket=known&key=x", "/buckets/known/upload"] {
            for (headers, body) in [
                (vec![kind("text/plain")], "x".to_owned()),
                (vec![kind("text/plain"), ("x-form-token".into(), other.clone())], "x".to_owned()),
                (vec![kind("text/plain"), own.clone(), elsewhere.clone()], "x".to_owned()),
                (vec![form.clone()], forged(&other)),
                (vec![form.clone(), own.clone()], forged("")),
                (vec![form.clone(), elsewhere.clone()], forged(&token)),
            ] {
                taro.headers = headers;
                let shown = taro.send("POST", path, Some(&body)).await;
                assert_eq!(shown.status, 403, "{path} {body}");
            }
        }
        assert!(world.walrus.s3.take().is_empty());
        taro.headers = vec![form];
        let shown =
            taro.send("POST", "/buckets/known/upload?prefix=a/", Some(&forged(&token))).await;
        assert_eq!((shown.status, shown.location().as_str()), (303, "/buckets/known/objects"));
        let asked = world.walrus.s3.take();
        assert_eq!(
            (asked[0].0.raw_path.as_str(), &asked[0].1[..]),
            ("/services/Walrus/known/a/f", &b"x"[..])
        );
        // Without a name the bucket would be meant.
        taro.headers = vec![own, kind("text/plain")];
        let shown = taro.send("POST", "/uploads/whole?bucket=known&key=", Some("x")).await;
        assert_eq!(shown.status, 400);
        assert!(world.walrus.s3.take().is_empty());
    });
}

#[test]
fn what_is_downloaded_is_kept_and_what_is_refused_is_told_as_text() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let path = "/buckets/known/download?key=a%2Fpage%22%0Aset-cookie%3A%20x.html";
        let shown = taro.get(path).await;
        assert_eq!((shown.status, shown.body.as_str()), (200, "<script>alert(1)</script>"));
        assert_eq!(shown.headers("content-type"), ["application/octet-stream"]);
        assert_eq!(
            shown.header("content-disposition"),
            "attachment; filename*=UTF-8''page%22%0Aset-cookie%3A%20x.html"
        );
        let policies = shown.headers("content-security-policy");
        assert!(policies.iter().any(|it| it == "sandbox") && policies.len() == 2, "{policies:?}");
        assert_eq!(shown.header("x-content-type-options"), "nosniff");
        assert_eq!(
            (shown.header("etag").as_str(), shown.headers("x-amz-meta-secret").len()),
            ("\"e\"", 0)
        );
        let shown = taro.get("/buckets/foreign/objects").await;
        assert_eq!(shown.status, 403);
        assert!(shown.body.contains("Access &lt;b&gt;Denied") && !shown.body.contains("<b>"));
    });
}

#[test]
fn what_is_on_its_way_ends_with_the_session() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let mut owner = Browser::new(&world);
        owner.sign_in("taro", OWN).await;
        let token = taro.get("/buckets").await.token();
        let (told, begun) = tokio::sync::oneshot::channel();
        let down = taro.clone();
        let down =
            async move { down.begun("/buckets/known/download?key=endless", "begun", told).await };
        let mut up = taro.clone();
        up.headers = vec![
            ("x-form-token".into(), token),
            ("content-type".into(), "text/plain".into()),
            ("content-length".into(), "1000".into()),
        ];
        // Nothing of what was said to come comes.
        let up = async move { up.send("POST", "/uploads/whole?bucket=known&key=x", None).await };
        let end = async {
            begun.await.unwrap();
            let ended = owner.submit("/sessions", "/sessions/end-others", &[]).await;
            assert_eq!(ended.location(), "/sessions?done=others");
        };
        let (down, up, ()) = futures_util::future::join3(down, up, end).await;
        assert!(down.ends_with("begun") && down.starts_with("HTTP/1.1 200 "), "{down}");
        assert!(up.status == 403 && up.body.contains("The session is over"), "{up:?}");
        assert_eq!(owner.get("/sessions").await.status, 200);
    });
}

#[test]
fn what_is_on_its_way_goes_on_when_somebody_proves_who_they_are_and_is_a_use() {
    let clock = Clock::manual(Clock::system().now());
    world_at(clock.clone(), &[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let mut owner = Browser::new(&world);
        owner.sign_in("taro", OWN).await;
        let (told, begun) = tokio::sync::oneshot::channel();
        let down = taro.clone();
        let path = "/buckets/known/download?key=endless";
        let down = async move { down.begun(path, "begun", told).await };
        let work = async {
            begun.await.unwrap();
            clock.advance(Duration::from_secs(11 * 60));
            let proven = [("proof_password", OWN)];
            let shown = taro.submit("/access-keys", "/access-keys/create", &proven).await;
            assert!(shown.body.contains("was made"), "{shown:?}");
            // Nobody asks for anything in that session any more, and time goes by.
            for minutes in [2, 20, 20, 20] {
                clock.advance(Duration::from_secs(minutes * 60));
                let now = clock.now().iso();
                let used = || async {
                    let page = owner.clone().get("/sessions").await;
                    (page.body.matches(&now).count() == 2).then_some(())
                };
                until("the download is a use of its session", used).await;
            }
            assert_eq!(
                taro.submit("/sessions", "/sign-out", &[]).await.location(),
                "/sign-in?out=1"
            );
        };
        let (down, ()) = futures_util::future::join(down, work).await;
        assert!(down.ends_with("begun"), "{down}");
    });
}
