//! Messages between services: one suite, answered here and answered over a socket.
#![expect(clippy::unwrap_used, reason = "a test may fail at once")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use common::wire::identity::{Certificates, FindCertificates, FollowIdentity, Identity};
use runtime::boot::in_system;
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::endpoint::Endpoint;
use runtime::envelope::PeerKey;
use runtime::listen::{Limits, Listening, listen};
use runtime::metrics::Metrics;
use runtime::peer::Peer;
use runtime::roster::Roster;
use runtime::transport::Transport;

fn dispatcher() -> Arc<Dispatcher<Identity>> {
    Arc::new(Dispatcher::new().with(|ask: FindCertificates| async move {
        match ask.account.as_str() {
            "one" => Ok(Certificates { known: true, pem: vec!["p".into()] }),
            "refused" => Err(ApiError::new(ErrorCode::InvalidClientTokenId, "no").on("k")),
            "panic" => panic!("boom"),
            _ => Ok(Certificates { known: false, pem: Vec::new() }),
        }
    }))
}

fn served(key: PeerKey) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::new(key, Clock::system(), Roster::default(), Metrics::default())
        .service(dispatcher());
    listen(listener, &Limits::default(), Arc::new(endpoint)).unwrap()
}

fn there(listening: &Listening, key: PeerKey, clock: Clock) -> Peer<Identity> {
    Peer::there(Transport::new(&format!("http://{}", listening.address()), key, clock))
}

async fn suite(peer: Peer<Identity>) {
    let ask = |account: &str| peer.call(FindCertificates { account: account.into() });
    assert_eq!(ask("one").await.unwrap().pem, ["p"]);
    assert!(!ask("two").await.unwrap().known);
    let refused = ask("refused").await.err().unwrap();
    assert_eq!((refused.code(), refused.resource()), (ErrorCode::InvalidClientTokenId, Some("k")));
    let unknown = peer.call(FollowIdentity { epoch: 0, after: 0, wait_ms: 0 });
    let unknown = unknown.await.err().unwrap();
    assert_eq!(unknown.code(), ErrorCode::InvalidAction);
}

#[test]
fn the_same_answers_here_and_there() {
    in_system(async {
        suite(Peer::here(dispatcher())).await;
        let key = PeerKey::new([3; 32]);
        let listening = served(key.clone());
        suite(there(&listening, key, Clock::system())).await;
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_panic_over_there_is_an_internal_error_here() {
    in_system(async {
        let key = PeerKey::new([3; 32]);
        let listening = served(key.clone());
        let peer = there(&listening, key, Clock::system());
        let error = peer.call(FindCertificates { account: "panic".into() }).await.err().unwrap();
        assert!(error.code().retryable(), "{error}");
        assert!(peer.call(FindCertificates { account: "one".into() }).await.is_ok());
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_wrong_key_and_a_wrong_clock_are_refused() {
    in_system(async {
        let key = PeerKey::new([3; 32]);
        let listening = served(key.clone());
        let stranger = there(&listening, PeerKey::new([4; 32]), Clock::system());
        let error = stranger.call(FindCertificates { account: "one".into() }).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::AuthFailure);
        let late = Clock::manual(Timestamp::from_secs(1_000_000_000));
        let error =
            there(&listening, key, late).call(FindCertificates { account: "one".into() }).await;
        assert_eq!(error.err().unwrap().code(), ErrorCode::RequestExpired);
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_peer_that_is_not_there_is_unavailable() {
    in_system(async {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{gone}");
        let peer = Peer::there(Transport::new(&url, PeerKey::new([3; 32]), Clock::system()));
        let ask = peer.call(FindCertificates { account: "one".into() });
        let error = tokio::time::timeout(Duration::from_secs(10), ask).await.unwrap();
        let error = error.err().unwrap();
        assert_eq!(error.code(), ErrorCode::Unavailable);
        assert!(error.text().contains(&url), "{error}");
    })
    .unwrap();
}

/// A newer caller's message, to see that versions are told apart.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Newer {}

struct NewerIdentity;

impl common::wire::Service for NewerIdentity {
    const NAME: &'static str = "identity";
    const VERSION: u32 = 99;
}

impl actix::Message for Newer {
    type Result = Result<(), ApiError>;
}

impl common::wire::Message for Newer {
    type Service = NewerIdentity;
    type Reply = ();
    const NAME: &'static str = "Newer";
    const IDEMPOTENT: bool = true;
}

#[test]
fn another_version_is_told_clearly() {
    in_system(async {
        let key = PeerKey::new([3; 32]);
        let listening = served(key.clone());
        let url = format!("http://{}", listening.address());
        let peer: Peer<NewerIdentity> = Peer::there(Transport::new(&url, key, Clock::system()));
        let error = peer.call(Newer {}).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::UnsupportedOperation);
        assert!(error.text().contains("99"), "{error}");
        listening.stop().await;
    })
    .unwrap();
}
