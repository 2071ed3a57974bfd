//! The front of a query API over a real socket: who may ask, what is told to whom.
#![expect(clippy::unwrap_used, reason = "a test may fail at once")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use common::actions;
use common::error::{ApiError, ErrorCode};
use common::iam::Authority;
use common::iam::directory::Credential;
use common::sign::{self, Credentials, Headers, QueryMac, sign_ec2_v2, sign_ec2_v4, write_query};
use futures_util::future::BoxFuture;
use runtime::actor::{Answer, Handle, Scene, ServiceActor};
use runtime::boot::in_system;
use runtime::clock::Clock;
use runtime::front::QueryApi;
use runtime::guard::PlainGuard;
use runtime::keyring::KeyRing;
use runtime::listen::{Limits, Listening, listen};
use runtime::router::Router;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Says what it was told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Echo {
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Echoed {
    text: String,
    owner: String,
}

/// Panics.
#[derive(Debug, Serialize, Deserialize)]
struct Fall {}

/// Waits until it is let go.
#[derive(Debug, Serialize, Deserialize)]
struct Hold {}

/// Changes something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ring {
    text: String,
}

actions! {
    Echo => Echoed, Read;
    Fall => Echoed, Read;
    Hold => Echoed, Read;
    Ring => Echoed, Write;
}

struct Gate(Semaphore);

impl Answer<Gate> for Echo {
    async fn answer(self, scene: &Scene<Gate>) -> Result<Echoed, ApiError> {
        Ok(Echoed { text: self.text, owner: scene.caller.account.to_string() })
    }
}

impl Answer<Gate> for Fall {
    async fn answer(self, _: &Scene<Gate>) -> Result<Echoed, ApiError> {
        panic!("a mistake of ours")
    }
}

impl Answer<Gate> for Hold {
    async fn answer(self, scene: &Scene<Gate>) -> Result<Echoed, ApiError> {
        drop(scene.0.acquire().await.unwrap());
        Ok(Echoed { text: "held".into(), owner: String::new() })
    }
}

/// Refused in its check for an odd text, and for one who may not; else adds a permit.
impl Handle<Gate> for Ring {
    type Checked = String;

    async fn check(self, _: &Scene<Gate>) -> Result<String, ApiError> {
        match self.text.as_str() {
            "odd" => Err(ApiError::invalid("Text", "it is odd")),
            "mine" => Err(ApiError::new(ErrorCode::OperationNotPermitted, "Not yours")),
            _ => Ok(self.text),
        }
    }

    async fn act(text: String, scene: &Scene<Gate>) -> Result<Echoed, ApiError> {
        scene.0.add_permits(1);
        Ok(Echoed { text, owner: String::new() })
    }
}

struct Keys;

impl KeyRing for Keys {
    fn find<'a>(
        &'a self,
        id: &'a str,
        _: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Credential>, ApiError>> {
        Box::pin(async move {
            Ok((id == "AKI1").then(|| Credential {
                id: id.to_owned(),
                secret: "secret".into(),
                alias: "a".into(),
                authority: Authority::owner(&"123456789012".parse().unwrap(), "admin"),
                via: None,
            }))
        })
    }
}

struct Served {
    listening: Listening,
    gate: Arc<Gate>,
    clock: Clock,
}

fn serve(permits: usize) -> Served {
    let gate = Arc::new(Gate(Semaphore::new(0)));
    let actor = ServiceActor::start(Arc::clone(&gate), permits);
    let router = Router::new().on::<Echo, _>(&actor).on::<Fall, _>(&actor).on::<Hold, _>(&actor);
    let router = router.on::<Ring, _>(&actor);
    let clock = Clock::system();
    let guard = Arc::new(PlainGuard { region: "eucalyptus".into() });
    let api = QueryApi::new(router, Arc::new(Keys), guard, clock.clone(), "2016-11-15");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listening = listen(listener, &Limits::default(), Arc::new(api)).unwrap();
    Served { listening, gate, clock }
}

impl Served {
    async fn raw(
        &self,
        method: &str,
        target: &str,
        headers: &Headers,
        body: &str,
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(self.listening.address()).await.unwrap();
        let mut text = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in headers.iter() {
            text += &format!("{name}: {}\r\n", String::from_utf8_lossy(value));
        }
        text += &format!("content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer[9..12].parse().unwrap();
        (status, answer)
    }

    fn host(&self) -> Headers {
        [("host", self.listening.address().to_string())].into_iter().collect()
    }

    /// Sends a form signed with version 4.
    async fn v4(&self, path: &str, secret: &str, pairs: &[(&str, &str)]) -> (u16, String) {
        self.v4_at(path, secret, pairs, self.clock.now()).await
    }

    async fn v4_at(
        &self,
        path: &str,
        secret: &str,
        pairs: &[(&str, &str)],
        now: common::time::Timestamp,
    ) -> (u16, String) {
        let body = write_query(pairs);
        let mut headers = self.host();
        let request = sign::Request::new("POST", path, "", &headers).with_body(body.as_bytes());
        let credentials = Credentials { access_key_id: "AKI1", secret };
        let added = sign_ec2_v4(credentials, &request, "any", "ec2", now).unwrap();
        for (name, value) in added {
            headers.add(name, value);
        }
        self.raw("POST", path, &headers, &body).await
    }
}

fn told(answer: &(u16, String), status: u16, code: ErrorCode) {
    assert_eq!(answer.0, status, "{}", answer.1);
    assert!(answer.1.contains(&format!("<Code>{}</Code>", code.wire())), "{}", answer.1);
    assert!(answer.1.contains("<RequestID>"), "{}", answer.1);
}

#[test]
fn every_path_of_old_and_new_clients_is_answered() {
    in_system(async {
        let served = serve(8);
        for path in ["/", "/services/Eucalyptus", "/services/Eucalyptus/", "/services/compute"] {
            let (status, answer) =
                served.v4(path, "secret", &[("Action", "Echo"), ("Text", "a&b <日本>")]).await;
            assert_eq!(status, 200, "{answer}");
            assert!(answer.contains("<text>a&amp;b &lt;日本"), "{answer}");
            assert!(answer.contains("<owner>123456789012</owner>"), "{answer}");
            assert!(answer.contains("xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\""));
        }
        told(
            &served.v4("/services/Else", "secret", &[]).await,
            404,
            ErrorCode::MalformedQueryString,
        );
        served.listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_query_signed_with_version_2_is_answered() {
    in_system(async {
        let served = serve(8);
        let host = served.listening.address().to_string();
        let pairs = [
            ("Action".to_owned(), "Echo".to_owned()),
            ("Text".to_owned(), "x y".to_owned()),
            ("Version".to_owned(), "2009-11-30".to_owned()),
        ];
        let credentials = Credentials { access_key_id: "AKI1", secret: "secret" };
        let path = "/services/Eucalyptus/";
        for mac in [QueryMac::HmacSha1, QueryMac::HmacSha256] {
            let now = served.clock.now();
            let signed = sign_ec2_v2(credentials, "GET", &host, path, &pairs, mac, now);
            let target = format!("{path}?{}", write_query(&signed));
            let (status, answer) = served.raw("GET", &target, &served.host(), "").await;
            assert_eq!(status, 200, "{answer}");
            assert!(answer.contains("doc/2009-11-30/"), "{answer}");
        }
        served.listening.stop().await;
    })
    .unwrap();
}

#[test]
fn what_is_wrong_is_told_in_ec2s_codes() {
    in_system(async {
        let served = serve(8);
        let echo = [("Action", "Echo"), ("Text", "x")];
        let unsigned = served.raw("GET", "/?Action=Echo", &served.host(), "").await;
        told(&unsigned, 403, ErrorCode::MissingAuthenticationToken);
        told(&served.v4("/", "wrong", &echo).await, 403, ErrorCode::SignatureDoesNotMatch);
        let late = served.clock.now().minus(Duration::from_secs(16 * 60));
        let answer = served.v4_at("/", "secret", &echo, late).await;
        told(&answer, 400, ErrorCode::RequestExpired);
        // Whoever's clock is wrong can see by how much.
        assert!(answer.1.contains(&late.iso()[..16]), "{}", answer.1);
        let answer = served.v4("/", "secret", &[("Action", "Sing")]).await;
        told(&answer, 400, ErrorCode::InvalidAction);
        assert!(answer.1.contains("Sing"));
        let answer = served.v4("/", "secret", &[("Text", "x")]).await;
        told(&answer, 400, ErrorCode::MissingParameter);
        let answer = served.v4("/", "secret", &[("Action", "Echo")]).await;
        told(&answer, 400, ErrorCode::MissingParameter);
        assert!(answer.1.contains("Text"));
        let answer =
            served.v4("/", "secret", &[("Action", "Echo"), ("Text.1", "x"), ("Text.2", "y")]).await;
        told(&answer, 400, ErrorCode::InvalidParameterValue);
        let long = "x".repeat(300 << 10);
        let answer = served.v4("/", "secret", &[("Action", "Echo"), ("Text", &long)]).await;
        told(&answer, 400, ErrorCode::InvalidParameterValue);
        served.listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_rehearsal_tells_what_would_be_and_does_nothing() {
    in_system(async {
        let served = serve(8);
        for (action, text, dry_run, status, code) in [
            ("Ring", "x", "true", 412, ErrorCode::DryRunOperation),
            ("Echo", "x", "true", 412, ErrorCode::DryRunOperation),
            ("Ring", "odd", "true", 400, ErrorCode::InvalidParameterValue),
            ("Ring", "mine", "true", 403, ErrorCode::UnauthorizedOperation),
            ("Ring", "mine", "false", 400, ErrorCode::OperationNotPermitted),
            ("Ring", "", "true", 400, ErrorCode::MissingParameter),
            ("Ring", "x", "perhaps", 400, ErrorCode::InvalidParameterValue),
        ] {
            let pairs = [("Action", action), ("Text", text), ("DryRun", dry_run)];
            told(&served.v4("/", "secret", &pairs).await, status, code);
        }
        assert_eq!(served.gate.0.available_permits(), 0);
        let done = [("Action", "Ring"), ("Text", "x"), ("DryRun", "false")];
        assert_eq!(served.v4("/", "secret", &done).await.0, 200);
        assert_eq!(served.gate.0.available_permits(), 1);
        served.listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_version_is_a_date() {
    in_system(async {
        let served = serve(8);
        let asked = async |version| {
            let pairs = [("Action", "Echo"), ("Text", "x"), ("Version", version)];
            served.v4("/", "secret", &pairs).await
        };
        for (version, meant) in [("2006-06-26", "2006-06-26"), ("2031-01-01", "2016-11-15")] {
            let answer = asked(version).await;
            assert!(answer.1.contains(&format!("doc/{meant}/")), "{}", answer.1);
        }
        told(&asked("eucalyptus").await, 400, ErrorCode::InvalidParameterValue);
        served.listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_panic_costs_one_answer() {
    in_system(async {
        let served = serve(8);
        let answer = served.v4("/", "secret", &[("Action", "Fall")]).await;
        told(&answer, 500, ErrorCode::InternalError);
        assert!(!answer.1.contains("mistake"), "{}", answer.1);
        let echo = [("Action", "Echo"), ("Text", "x")];
        assert_eq!(served.v4("/", "secret", &echo).await.0, 200);
        served.listening.stop().await;
    })
    .unwrap();
}

#[test]
fn whoever_comes_beyond_the_permits_is_told_so() {
    in_system(async {
        let served = serve(3);
        let hold = [("Action", "Hold")];
        let refused = std::sync::atomic::AtomicUsize::new(0);
        let asked = (0..8).map(|_| async {
            let answer = served.v4("/", "secret", &hold).await;
            // When the five that find no permit are back, the three that hold one are let go.
            let is_refusal = usize::from(answer.0 == 503);
            if refused.fetch_add(is_refusal, std::sync::atomic::Ordering::SeqCst) + is_refusal == 5
            {
                served.gate.0.add_permits(3);
            }
            answer
        });
        let all = futures_util::future::join_all(asked);
        let answers = tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
        let served_count = answers.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!(served_count, 3);
        for answer in answers.iter().filter(|(status, _)| *status != 200) {
            told(answer, 503, ErrorCode::RequestLimitExceeded);
        }
        served.listening.stop().await;
    })
    .unwrap();
}
