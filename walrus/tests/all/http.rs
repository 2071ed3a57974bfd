//! A client of HTTP/1.1 that sends exactly what it is told, on one connection a request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of an element of the answer's document.
    pub(crate) fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let rest = text.split_once(&format!("<{name}>"))?.1;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    }

    /// Status and S3 error code.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.element("Code").unwrap_or_default())
    }
}

/// A request whose head was sent.
pub(crate) struct Sent {
    pub(crate) stream: BufReader<TcpStream>,
    head: bool,
}

/// Sends a request's head.
pub(crate) fn send(
    to: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
) -> Sent {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    Sent { stream: BufReader::new(stream), head: method == "HEAD" }
}

impl Sent {
    /// Sends bytes of the body; an answer may have come before them.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        drop(self.stream.get_mut().write_all(bytes));
    }

    /// Reads status and headers.
    pub(crate) fn read_head(&mut self) -> Reply {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Reply { status, headers, body: Vec::new() }
    }

    /// Reads the whole answer.
    pub(crate) fn read(mut self) -> Reply {
        let mut reply = self.read_head();
        while reply.status == 100 {
            reply = self.read_head();
        }
        if !self.head {
            self.stream.read_to_end(&mut reply.body).unwrap();
            if let Some(length) = reply.header("content-length") {
                assert_eq!(reply.body.len().to_string(), length, "the body broke off");
            }
        }
        reply
    }
}

/// GETs a URL of a walrus that may end at any moment: status and body, if the body came whole.
pub(crate) fn fetched(to: SocketAddr, url: &str) -> Option<(u16, Vec<u8>)> {
    let target = url.strip_prefix(&format!("http://{to}"))?;
    let mut stream = TcpStream::connect(to).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let head = format!("GET {target} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).ok()?;
    let end = all.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (String::from_utf8_lossy(&all[..end]).into_owned(), all.split_off(end + 4));
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    (length?.ok()? == body.len()).then_some((status, body))
}
