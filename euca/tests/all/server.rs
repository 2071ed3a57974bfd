//! A small HTTP server on a port of chance: it checks every signature and answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use common::sign::{self, Claim, Headers};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// A parameter of the form in the body.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let form = String::from_utf8(self.body.clone()).unwrap();
        sign::parse_query(&form).into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }
}

/// What is answered.
pub(crate) enum Answer {
    /// Status, headers, body.
    Http(u16, Vec<(String, String)>, String),
    /// The same with a body that is no text.
    Bytes(u16, Vec<(String, String)>, Vec<u8>),
    /// The beginning of such an answer, of which so many bytes come before the connection breaks.
    Broken(Vec<(String, String)>, Vec<u8>, usize),
    /// The connection is closed without a word.
    Nothing,
}

impl Answer {
    pub(crate) fn xml(status: u16, body: impl Into<String>) -> Self {
        Self::Http(status, Vec::new(), body.into())
    }
}

/// The server; it stops when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server; `answer` is given the number of the request, from 0, and the request.
    pub(crate) fn start(mut answer: impl FnMut(usize, &Seen) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (all, stopped) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                serve(stream.unwrap(), &all, &mut answer);
            }
        });
        Self { url, seen, stop, thread: Some(thread) }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server failed");
        }
    }
}

/// Answers one request and closes the connection.
fn serve(
    stream: TcpStream,
    all: &Mutex<Vec<Seen>>,
    answer: &mut impl FnMut(usize, &Seen) -> Answer,
) {
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = Headers::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.add(name, value.trim());
    }
    let length = headers.text("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let seen = Seen { method, path: path.to_owned(), query: query.to_owned(), headers, body };
    verify(&seen);
    let number = {
        let mut all = all.lock().unwrap();
        all.push(seen.clone());
        all.len() - 1
    };
    let (status, own, body, most) = match answer(number, &seen) {
        Answer::Http(status, own, text) => (status, own, text.into_bytes(), usize::MAX),
        Answer::Bytes(status, own, body) => (status, own, body, usize::MAX),
        Answer::Broken(own, body, most) => (200, own, body, most),
        Answer::Nothing => return,
    };
    let mut head = format!(
        "HTTP/1.1 {status} Status\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in own {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut answer = format!("{head}\r\n").into_bytes();
    if seen.method != "HEAD" {
        answer.extend_from_slice(&body[..body.len().min(most)]);
    }
    let mut stream = &stream;
    // A client may go away without its answer.
    let _ = stream.write_all(&answer);
}

fn verify(seen: &Seen) {
    // A form has its signature among its fields.
    if seen.headers.text("content-type").is_some_and(|kind| kind.starts_with("multipart/")) {
        assert!(seen.headers.text("authorization").is_none());
        return;
    }
    let request = sign::Request::new(&seen.method, &seen.path, &seen.query, &seen.headers);
    let claim = match seen.headers.text("x-amz-content-sha256") {
        Some(_) => Claim::s3(&request).unwrap().unwrap(),
        None => Claim::ec2(&request.with_body(&seen.body)).unwrap(),
    };
    assert_eq!(claim.access_key_id(), crate::program::KEY.0);
    claim.verify(crate::program::KEY.1, euca::clock::now()).unwrap();
}
