//! The listener over a real socket: lengths, broken streams, bodies nobody reads.
#![expect(clippy::unwrap_used, reason = "a test may fail at once")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use runtime::boot::in_system;
use runtime::http::{App, Body, Head, Payload, Response};
use runtime::listen::{Limits, Listening, listen};
use runtime::pool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Sample;

impl App for Sample {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            match head.raw_path.as_str() {
                "/length" => Response::empty(200).with("content-length", "12345"),
                "/refuse" => Response::text(403, "text/plain", "no"),
                "/stream" | "/broken" => {
                    let (sender, pieces) = tokio::sync::mpsc::channel(2);
                    let broken = head.raw_path == "/broken";
                    drop(pool::spawn(async move {
                        for _ in 0..3 {
                            sender.send(Ok(Bytes::from_static(b"abcd"))).await.unwrap();
                        }
                        let last = if broken {
                            Err(std::io::Error::other("the disk failed"))
                        } else {
                            Ok(Bytes::from_static(b"efgh"))
                        };
                        sender.send(last).await.unwrap();
                    }));
                    let payload = Payload::Stream { length: 16, pieces };
                    Response { payload, ..Response::empty(200) }
                }
                path => {
                    let text = format!(
                        "{} {path} ?{} host={:?} {}",
                        head.method,
                        head.raw_query,
                        head.header("host"),
                        match body.read(1000).await {
                            Ok(body) => String::from_utf8_lossy(&body).into_owned(),
                            Err(error) => error.to_string(),
                        }
                    );
                    Response::text(200, "text/plain", text)
                }
            }
        })
    }
}

fn served() -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listen(listener, &Limits::default(), Arc::new(Sample)).unwrap()
}

async fn ask(listening: &Listening, request: &str) -> String {
    let mut stream = TcpStream::connect(listening.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A connection that is broken off on purpose may end in an error.
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn path_query_and_headers_arrive_as_they_were_sent() {
    in_system(async {
        let listening = served();
        let answer = ask(
            &listening,
            "POST /a%20b/../c%2Fd&e?x=%zz&&y HTTP/1.1\r\nHost: n:1:1\r\nConnection: close\r\n\
             Content-Length: 5\r\n\r\nhello",
        )
        .await;
        let expected = "POST /a%20b/../c%2Fd&e ?x=%zz&&y host=Some(\"n:1:1\") hello";
        assert!(answer.ends_with(expected), "{answer}");
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_head_tells_the_length_of_what_it_does_not_bring() {
    in_system(async {
        let listening = served();
        let answer =
            ask(&listening, "HEAD /length HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n").await;
        assert!(answer.contains("content-length: 12345\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_stream_states_its_length_and_a_broken_one_is_cut() {
    in_system(async {
        let listening = served();
        let get =
            |path: &str| format!("GET {path} HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n");
        let whole = ask(&listening, &get("/stream")).await;
        assert!(whole.contains("content-length: 16\r\n"), "{whole}");
        assert!(whole.ends_with("\r\n\r\nabcdabcdabcdefgh"), "{whole}");
        // What was buffered may be lost with it, but a part is never taken for the whole.
        let broken = ask(&listening, &get("/broken")).await;
        let body = broken.split("\r\n\r\n").nth(1).unwrap_or_default();
        assert!(body.len() < 16 && "abcdabcdabcd".starts_with(body), "{broken}");
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_refusal_does_not_wait_for_the_body() {
    in_system(async {
        let listening = served();
        let answer =
            ask(&listening, "PUT /refuse HTTP/1.1\r\nHost: n\r\nContent-Length: 1000000\r\n\r\nx");
        let answer = tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_body_over_its_limit_is_told() {
    in_system(async {
        let listening = served();
        let long = "x".repeat(2000);
        for head in [
            "Content-Length: 2000\r\n\r\n".to_owned() + &long,
            "Transfer-Encoding: chunked\r\n\r\n7d0\r\n".to_owned() + &long + "\r\n0\r\n\r\n",
        ] {
            let request = format!("PUT /x HTTP/1.1\r\nHost: n\r\nConnection: close\r\n{head}");
            let answer = ask(&listening, &request).await;
            assert!(answer.ends_with("the body is larger than 1000 bytes"), "{answer}");
        }
        listening.stop().await;
    })
    .unwrap();
}
