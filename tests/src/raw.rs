//! Requests that no client would send, byte for byte as a test wants them, each on a connection of
//! its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::dialect::xml::read_error;
use common::sign::{
    Credentials, Headers, PayloadCheck, QueryMac, Request, sign_ec2_v2, sign_ec2_v4, sign_s3_v2,
    sign_s3_v4, write_query,
};
use common::time::Timestamp;

use crate::user::{Refused, User};

/// The path of the EC2 API.
const EC2: &str = "/services/Eucalyptus";

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// How it refuses.
    ///
    /// # Panics
    /// If it does not, or not in the shape of its API.
    pub fn refused(&self) -> Refused {
        let text = self.text();
        let told = read_error(&text).unwrap_or_else(|| panic!("{}: {text}", self.status));
        Refused { status: self.status, code: told.code, message: told.message }
    }
}

/// Which signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Version 2.
    Two,
    /// Version 4.
    Four,
}

/// Who signs, how and when.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The access key's id.
    pub id: String,
    /// The secret.
    pub secret: String,
    /// How.
    pub version: Version,
    /// The time that the signature bears.
    pub at: Timestamp,
    /// The session token, of credentials for a while.
    pub token: Option<String>,
}

impl Signer {
    /// A user who signs at a time.
    pub fn of(user: &User, version: Version, at: Timestamp) -> Self {
        let (id, secret) =
            (user.credentials.access_key_id.clone(), user.credentials.secret.clone());
        Self { id, secret, version, at, token: None }
    }

    fn session(&self) -> Option<(String, String)> {
        let token = self.token.clone()?;
        Some(("x-amz-security-token".to_owned(), token))
    }

    fn key(&self) -> Credentials<'_> {
        Credentials { access_key_id: &self.id, secret: &self.secret }
    }

    /// Sends a POST of these parameters to the EC2 API.
    pub fn query(&self, to: SocketAddr, pairs: &[(&str, &str)]) -> Reply {
        self.query_at(EC2, to, pairs)
    }

    /// Sends a POST of these parameters to the API at a path.
    pub fn query_at(&self, path: &str, to: SocketAddr, pairs: &[(&str, &str)]) -> Reply {
        let own = |(n, v): &(&str, &str)| ((*n).to_owned(), (*v).to_owned());
        let mut pairs: Vec<_> = pairs.iter().map(own).collect();
        let host = to.to_string();
        let form = "application/x-www-form-urlencoded".to_owned();
        let mut headers =
            vec![("host".to_owned(), host.clone()), ("content-type".to_owned(), form)];
        if self.version == Version::Two {
            pairs
                .extend(self.token.iter().map(|token| ("SecurityToken".to_owned(), token.clone())));
            let mac = QueryMac::HmacSha256;
            pairs = sign_ec2_v2(self.key(), "POST", &host, path, &pairs, mac, self.at);
        }
        let body = write_query(&pairs);
        if self.version == Version::Four {
            headers.extend(self.session());
            let signed = headers_of(&headers);
            let request = Request::new("POST", path, "", &signed).with_body(body.as_bytes());
            let added = sign_ec2_v4(self.key(), &request, "eucalyptus", "ec2", self.at).unwrap();
            headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        send(to, "POST", path, &headers, body.as_bytes())
    }

    /// Sends an S3 request for a path, with a query or without.
    pub fn object(&self, to: SocketAddr, method: &str, path: &str, body: &[u8]) -> Reply {
        send(to, method, path, &self.object_headers(to, method, path), body)
    }

    /// Begins an S3 request with a body of that length; its bytes are the caller's to send.
    pub fn begin_object(&self, to: SocketAddr, method: &str, path: &str, length: usize) -> Begun {
        Begun(begin(to, method, path, &self.object_headers(to, method, path), length))
    }

    fn object_headers(&self, to: SocketAddr, method: &str, path: &str) -> Vec<(String, String)> {
        let mut headers = vec![("host".to_owned(), to.to_string())];
        headers.extend(self.session());
        let signed = headers_of(&headers);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request::new(method, path, query, &signed);
        let added = match self.version {
            Version::Two => sign_s3_v2(self.key(), &request, self.at),
            Version::Four => {
                let payload = PayloadCheck::Unsigned;
                sign_s3_v4(self.key(), &request, "eucalyptus", payload, self.at).unwrap()
            }
        };
        headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
        headers
    }
}

/// A request whose body is on its way.
pub struct Begun(TcpStream);

impl Begun {
    /// Sends more of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        // A server that has seen enough may have answered before the end.
        drop(self.0.write_all(bytes));
        drop(self.0.flush());
    }

    /// Reads the answer.
    pub fn answer(self) -> Reply {
        read(self.0)
    }
}

fn headers_of(pairs: &[(String, String)]) -> Headers {
    pairs.iter().map(|(name, value)| (name, value)).collect()
}

/// Sends a request and reads its answer to the end.
pub fn send(
    to: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Reply {
    let mut stream = begin(to, method, target, headers, body.len());
    // A server that has seen enough may have answered before the end.
    drop(stream.write_all(body));
    read(stream)
}

/// Sends the head of a request.
fn begin(
    to: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    length: usize,
) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    if method != "GET" || length > 0 {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn read(stream: TcpStream) -> Reply {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let first = lines.first().expect("there is an answer");
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut body = Vec::new();
    stream.read_to_end(&mut body).unwrap();
    Reply { status, headers, body }
}
