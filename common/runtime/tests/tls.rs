//! https listeners over real sockets: what is spoken, what is refused, what a renewal changes.
#![expect(clippy::unwrap_used, reason = "a test may fail at once")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use runtime::boot::in_system;
use runtime::doors::{Doors, Doorway, TlsKeys};
use runtime::http::{App, Body, Head, Payload, Response};
use runtime::listen::Limits;
use runtime::pool;
use runtime::shutdown::Shutdown;
use runtime::tls::{Certificate, TlsError};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use tokio::sync::Notify;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/tls").join(name)
}

/// Answers the method, the Host and the body that came.
#[derive(Default)]
struct Echo {
    ended: Arc<Notify>,
}

impl App for Echo {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            if head.raw_path == "/endless" {
                return endless(Arc::clone(&self.ended));
            }
            let body = body.read(1 << 24).await.unwrap();
            let host = head.header("host").unwrap_or_default();
            let text = format!("{} {host} {} {}", head.method, head.raw_query, body.len());
            Response::text(200, "text/plain", text)
        })
    }
}

fn endless(ended: Arc<Notify>) -> Response {
    let (sender, pieces) = tokio::sync::mpsc::channel(2);
    drop(pool::spawn(async move {
        while sender.send(Ok(Bytes::from_static(&[0; 1 << 16]))).await.is_ok() {}
        ended.notify_one();
    }));
    let payload = Payload::Stream { length: 1 << 40, pieces };
    Response { payload, ..Response::empty(200) }
}

async fn doors(tls_listen: Option<SocketAddr>, limits: &Limits, shutdown: &Shutdown) -> Doors {
    serving(Echo::default(), tls_listen, limits, shutdown).await
}

async fn serving(
    app: Echo,
    tls_listen: Option<SocketAddr>,
    limits: &Limits,
    shutdown: &Shutdown,
) -> Doors {
    let (certificate, key) = (data("server.pem"), data("server-key.pem"));
    let keys = TlsKeys { listen: tls_listen, certificate: &certificate, key: &key };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let doorway = Doorway::build(listener, keys).await.unwrap();
    doorway.open(limits, Arc::new(app), shutdown).unwrap()
}

type Client = StreamOwned<ClientConnection, TcpStream>;

fn connect(
    to: SocketAddr,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> std::io::Result<Client> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data("ca.pem")).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn ask(client: &mut Client, text: &str) -> std::io::Result<String> {
    client.write_all(text.as_bytes())?;
    let mut answer = String::new();
    client.read_to_string(&mut answer)?;
    Ok(answer)
}

const LATEST: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[test]
fn both_versions_of_tls_speak_http_1_1_whatever_is_offered() {
    in_system(async {
        let shutdown = Shutdown::default();
        let doors = doors(None, &Limits::default(), &shutdown).await;
        let to = doors.tls_address().unwrap();
        assert_eq!(to, doors.address());
        blocking(move || {
            for versions in [&[&rustls::version::TLS12][..], LATEST] {
                for protocols in [&[][..], &[b"h2".as_slice(), b"http/1.1"], &[b"http/1.1"]] {
                    let mut client = connect(to, versions, protocols).unwrap();
                    assert_ne!(client.conn.alpn_protocol(), Some(b"h2".as_slice()));
                    let request = "POST /p?q=1 HTTP/1.1\r\nhost: h:1\r\nconnection: close\r\n\
                                   content-length: 3\r\n\r\nabc";
                    let answer = ask(&mut client, request).unwrap();
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    assert!(answer.ends_with("POST h:1 q=1 3"), "{answer}");
                }
            }
            let chunked = "PUT / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\
                           transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
            let answer = ask(&mut connect(to, LATEST, &[]).unwrap(), chunked).unwrap();
            assert!(answer.ends_with("PUT h  5"), "{answer}");
        })
        .await;
        shutdown.raise();
        doors.stop().await;
    })
    .unwrap();
}

#[test]
fn one_service_speaks_both_and_stops_at_once() {
    in_system(async {
        let shutdown = Shutdown::default();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let doors = doors(Some(any), &Limits::default(), &shutdown).await;
        let (plain, tls) = (doors.address(), doors.tls_address().unwrap());
        assert_ne!(plain, tls);
        let request = "GET / HTTP/1.1\r\nhost: h\r\n";
        let idle = blocking(move || {
            let mut stream = TcpStream::connect(plain).unwrap();
            let closing = format!("{request}connection: close\r\n\r\n");
            stream.write_all(closing.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.ends_with("GET h  0"), "{answer}");
            // http where https is spoken is no request.
            let mut stream = TcpStream::connect(tls).unwrap();
            stream.write_all(closing.as_bytes()).unwrap();
            let mut answer = Vec::new();
            // The server may reset what it does not understand.
            drop(stream.read_to_end(&mut answer));
            assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
            // A connection that is kept alive must not hold a stop up.
            let mut client = connect(tls, LATEST, &[]).unwrap();
            client.write_all(format!("{request}\r\n").as_bytes()).unwrap();
            let mut first = [0; 12];
            client.read_exact(&mut first).unwrap();
            client
        })
        .await;
        let begun = Instant::now();
        shutdown.raise();
        doors.stop().await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        drop(idle);
    })
    .unwrap();
}

#[test]
fn neither_a_slow_handshake_nor_an_untaken_answer_holds_a_connection() {
    in_system(async {
        let shutdown = Shutdown::default();
        let limits = Limits { stall: Duration::from_millis(300), ..Limits::default() };
        let app = Echo::default();
        let ended = Arc::clone(&app.ended);
        let doors = serving(app, None, &limits, &shutdown).await;
        let to = doors.address();
        let client = blocking(move || {
            let mut silent = TcpStream::connect(to).unwrap();
            silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut byte = [0; 1];
            let read = silent.read(&mut byte).map_err(|error| error.kind());
            assert_ne!(read, Err(std::io::ErrorKind::WouldBlock), "the handshake is waited for");
            let mut client = connect(to, LATEST, &[]).unwrap();
            client.write_all(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
            client.flush().unwrap();
            client
        })
        .await;
        // Nothing is read, and still the answer ends.
        tokio::time::timeout(Duration::from_secs(20), ended.notified()).await.unwrap();
        drop(client);
        shutdown.raise();
        doors.stop().await;
    })
    .unwrap();
}

#[test]
fn a_renewed_certificate_is_used_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let put = |name: &str| {
        std::fs::copy(data(&format!("{name}.pem")), &certificate).unwrap();
        std::fs::copy(data(&format!("{name}-key.pem")), &key).unwrap();
    };
    put("server");
    in_system(async {
        let loaded = Certificate::load(&certificate, &key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let limits = Limits::default();
        let server = loaded.server().unwrap();
        let listening =
            runtime::listen::listen_tls(listener, &limits, server, Arc::new(Echo::default()))
                .unwrap();
        let to = listening.address();
        let shown = move || {
            let client = connect(to, LATEST, &[]).unwrap();
            client.conn.peer_certificates().unwrap()[0].to_vec()
        };
        let der = |name: &str| CertificateDer::from_pem_file(data(name)).unwrap().to_vec();
        assert_eq!(blocking(shown).await, der("server.pem"));
        // Half a renewal changes nothing.
        std::fs::copy(data("renewed.pem"), &certificate).unwrap();
        loaded.reload();
        assert_eq!(blocking(shown).await, der("server.pem"));
        put("renewed");
        loaded.reload();
        assert_eq!(blocking(shown).await, der("renewed.pem"));
        // And by itself, when the files change.
        let shutdown = Shutdown::default();
        loaded.follow(Duration::from_millis(10), shutdown.clone());
        let deadline = Instant::now() + Duration::from_secs(20);
        while blocking(shown).await != der("server.pem") {
            assert!(Instant::now() < deadline, "the change is not noticed");
            put("server");
        }
        shutdown.raise();
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn what_cannot_be_used_is_told_by_file() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    let broken = dir.path().join("broken.pem");
    let text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    std::fs::write(&broken, text).unwrap();
    let refused = |certificate: &Path, key: &Path| Certificate::load(certificate, key).unwrap_err();
    let (good, good_key) = (data("server.pem"), data("server-key.pem"));
    assert!(matches!(refused(&good, &data("renewed-key.pem")), TlsError::Mismatch { .. }));
    for (certificate, key, named) in [
        (data("absent.pem"), good_key.clone(), "tls_cert_file"),
        (empty.clone(), good_key.clone(), "no certificate"),
        (broken, good_key, "tls_cert_file"),
        (good.clone(), data("absent.pem"), "tls_key_file"),
        (good.clone(), empty, "no private key"),
        (good.clone(), good, "no private key"),
    ] {
        let told = refused(&certificate, &key).to_string();
        assert!(told.contains(named), "{told}");
    }
}
