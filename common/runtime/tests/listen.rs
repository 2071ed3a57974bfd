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

#[derive(Default)]
struct Sample {
    ended: Arc<tokio::sync::Notify>,
}

impl App for Sample {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            match head.raw_path.as_str() {
                "/length" => Response::empty(200).with("content-length", "12345"),
                "/refuse" => Response::text(403, "text/plain", "no"),
                "/full" => Response::text(200, "text/plain", "sixteen bytes it"),
                "/204" => Response::empty(204),
                "/304" => Response::empty(304).with("etag", "\"e\""),
                "/endless" => {
                    let (sender, pieces) = tokio::sync::mpsc::channel(1);
                    let ended = Arc::clone(&self.ended);
                    drop(pool::spawn(async move {
                        while sender.send(Ok(Bytes::from_static(&[0; 1 << 16]))).await.is_ok() {}
                        ended.notify_one();
                    }));
                    let payload = Payload::Stream { length: 1 << 40, pieces };
                    Response { payload, ..Response::empty(200) }
                }
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
    listen(listener, &Limits::default(), Arc::new(Sample::default())).unwrap()
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

#[test]
fn what_brings_no_bytes_is_framed_so_that_the_next_answer_is_understood() {
    in_system(async {
        let listening = served();
        let next = "GET /last HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n";
        for (line, status, has, has_not) in [
            ("HEAD /full", "200", "content-length: 16\r\n", "sixteen"),
            ("HEAD /stream", "200", "content-length: 16\r\n", "abcd"),
            ("HEAD /refuse", "403", "content-length: 2\r\n", "\r\n\r\nno"),
            ("GET /204", "204", "HTTP/1.1 204", "chunked"),
            ("GET /304", "304", "etag: \"e\"\r\n", "chunked"),
            ("DELETE /204", "204", "HTTP/1.1 204", "chunked"),
        ] {
            let mut stream = TcpStream::connect(listening.address()).await.unwrap();
            let request = format!("{line} HTTP/1.1\r\nHost: n\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answers = Vec::new();
            while !answers.ends_with(b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut answers).await.unwrap(), 0, "{line}");
            }
            stream.write_all(next.as_bytes()).await.unwrap();
            stream.read_to_end(&mut answers).await.unwrap();
            let answers = String::from_utf8(answers).unwrap();
            let second = answers.rfind("HTTP/1.1 200").unwrap();
            let (first, second) = answers.split_at(second);
            assert!(first.starts_with(&format!("HTTP/1.1 {status}")), "{line}: {answers}");
            assert!(first.contains(has) && !first.contains(has_not), "{line}: {answers}");
            assert!(
                first.ends_with("\r\n\r\n") && second.contains("GET /last"),
                "{line}: {answers}"
            );
        }
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_head_brings_no_bytes_even_if_the_next_request_waits_behind_it() {
    in_system(async {
        let listening = served();
        let answers = ask(
            &listening,
            "HEAD /stream HTTP/1.1\r\nHost: n\r\n\r\n\
             GET /last HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(
            answers.contains("content-length: 16\r\n") && !answers.contains("abcd"),
            "{answers}"
        );
        assert!(answers.contains("GET /last"), "{answers}");
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_body_that_nobody_read_is_never_taken_for_a_request() {
    in_system(async {
        let listening = served();
        let get = |path| format!("GET /{path} HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n");
        let (inner, last) = (get("smuggled"), get("last"));
        let length = inner.len();
        for body in [
            format!("Content-Length: {length}\r\n\r\n{inner}"),
            format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"),
        ] {
            let request = format!("PUT /refuse HTTP/1.1\r\nHost: n\r\n{body}{last}");
            let answers = ask(&listening, &request).await;
            // Whether the connection goes on after it or not.
            assert!(answers.starts_with("HTTP/1.1 403"), "{answers}");
            assert!(!answers.contains("smuggled"), "{answers}");
        }
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_client_that_writes_all_before_it_reads_sees_the_refusal() {
    in_system(async {
        let listening = served();
        let body = vec![b'x'; 30 << 20];
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        let head =
            format!("PUT /refuse HTTP/1.1\r\nHost: n\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 403");
        drop(stream);
        listening.stop().await;
    })
    .unwrap();
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    in_system(async {
        let ended = Arc::new(tokio::sync::Notify::new());
        let app = Sample { ended: Arc::clone(&ended) };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let limits = Limits { stall: Duration::from_millis(300), ..Limits::default() };
        let listening = listen(listener, &limits, Arc::new(app)).unwrap();
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        stream.write_all(b"GET /endless HTTP/1.1\r\nHost: n\r\n\r\n").await.unwrap();
        tokio::time::timeout(Duration::from_secs(20), ended.notified()).await.unwrap();
        listening.stop().await;
    })
    .unwrap();
}

async fn line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let byte = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await;
        line.push(byte.unwrap().unwrap());
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

#[test]
fn a_go_ahead_comes_when_the_body_is_wanted_and_not_before() {
    in_system(async {
        let listening = served();
        let head = |path: &str, framing: &str| {
            format!("PUT {path} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\n{framing}\r\n\r\n")
        };
        let chunked = "transfer-encoding: chunked";
        for framing in ["content-length: 5", chunked] {
            let refused = ask(&listening, &head("/refuse", framing)).await;
            assert!(refused.starts_with("HTTP/1.1 403"), "{framing}: {refused}");
            assert!(refused.to_lowercase().contains("connection: close"), "{refused}");
            assert!(refused.ends_with("no"));
        }
        // Both on one connection, which goes on afterwards.
        let mut stream = TcpStream::connect(listening.address()).await.unwrap();
        for (framing, body) in
            [("content-length: 5", "hello"), (chunked, "5\r\nhello\r\n0\r\n\r\n")]
        {
            stream.write_all(head("/echo", framing).as_bytes()).await.unwrap();
            assert_eq!(line(&mut stream).await, "HTTP/1.1 100 Continue");
            assert_eq!(line(&mut stream).await, "");
            stream.write_all(body.as_bytes()).await.unwrap();
            assert_eq!(line(&mut stream).await, "HTTP/1.1 200 OK");
            while !line(&mut stream).await.is_empty() {}
            let mut answer = vec![0; "PUT /echo ? host=Some(\"h\") hello".len()];
            stream.read_exact(&mut answer).await.unwrap();
            assert!(answer.ends_with(b"hello"), "{}", String::from_utf8_lossy(&answer));
        }
        // Without a body there is nothing to wait for.
        let none = ask(&listening, &head("/echo", "connection: close")).await;
        assert!(none.contains("200 OK"), "{none}");
        // And who does not wait is answered all the same.
        let eager = head("/echo", "connection: close\r\ncontent-length: 5") + "hello";
        assert!(ask(&listening, &eager).await.ends_with("hello"));
        listening.stop().await;
    })
    .unwrap();
}
