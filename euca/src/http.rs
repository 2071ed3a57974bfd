//! HTTP exchanges as both APIs need them: one attempt, and several.
//!
//! Nothing is followed or decoded behind anybody's back: signatures cover what is sent, byte for
//! byte. Statuses are no errors here but answers. `--debug` sees everything except secrets.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use common::dialect::xml::read_error;
use ureq::config::ConfigBuilder;
use ureq::http::{Request, Response, Uri};
use ureq::typestate::AgentScope;
use ureq::{Agent, Body, SendBody};

use crate::clock;
use crate::error::ClientError;
use crate::trust::{self, Trust};

/// Is told what goes over the wire, without secrets.
pub type Trace = Arc<dyn Fn(&str) + Send + Sync>;

/// How long the cloud may be silent, and how long a query may take altogether.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The most of an answer that is read into memory, beyond which it is no answer of ours.
const ANSWER_LIMIT: u64 = 64 << 20;

/// An endpoint taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Url {
    /// Whether it is asked by https.
    pub(crate) tls: bool,
    /// Host and, unless it is the scheme's own, port: the `Host` header.
    pub(crate) authority: String,
    /// The path, `/` if there is none.
    pub(crate) path: String,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, ClientError> {
        let fail = |reason| ClientError::Url { url: text.to_owned(), reason };
        let uri: Uri = text.trim().parse().map_err(|_| fail("it is not a URL"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(fail("it begins with neither http:// nor https://")),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| fail("no host"))?;
        if uri.query().is_some() || uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err(fail("it must be a host, a port and a path only"));
        }
        let authority = match uri.port_u16() {
            None => host.to_owned(),
            Some(port) if port == if tls { 443 } else { 80 } => host.to_owned(),
            Some(port) => format!("{host}:{port}"),
        };
        Ok(Self { tls, authority, path: uri.path().to_owned() })
    }
}

/// What is sent.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: &'a Url,
    /// The path in the form in which it was signed.
    pub(crate) path: &'a str,
    /// The query in the form in which it was signed, without the question mark.
    pub(crate) query: &'a str,
    /// The headers, `host` among them.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// A body of known length.
pub(crate) struct Outgoing<'a> {
    pub(crate) reader: &'a mut dyn Read,
    pub(crate) length: u64,
}

/// Sends requests and decides which are sent again.
#[derive(Clone)]
pub(crate) struct Http {
    agent: Agent,
    trace: Option<Trace>,
    waits: Vec<Duration>,
    /// Statuses after which the same may succeed.
    busy: &'static [u16],
}

impl Http {
    /// Sends queries: all of one exchange within [`TIMEOUT`], each over a connection of its own, so
    /// that one which the cloud has closed meanwhile is not taken for a failure.
    pub(crate) fn for_queries(trust: &Trust) -> Self {
        let all = builder(trust).timeout_global(Some(TIMEOUT)).max_idle_connections(0);
        Self::with(all, &[500, 503])
    }

    /// Sends and receives objects, which may take as long as they are long as long as they move.
    pub(crate) fn for_objects(trust: &Trust) -> Self {
        let moving = builder(trust).timeout_connect(Some(TIMEOUT)).timeout_per_write(Some(TIMEOUT));
        // The far end makes an object durable before it answers.
        let moving =
            moving.timeout_recv_response(Some(4 * TIMEOUT)).timeout_per_read(Some(4 * TIMEOUT));
        // A gateway in between loses long answers more often than short ones.
        Self::with(moving, &[500, 502, 503, 504])
    }

    fn with(config: ConfigBuilder<AgentScope>, busy: &'static [u16]) -> Self {
        Self { agent: config.build().new_agent(), trace: None, waits: waits(2), busy }
    }

    pub(crate) fn set_trace(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    pub(crate) fn set_waits(&mut self, waits: Vec<Duration>) {
        self.waits = waits;
    }

    /// Makes one attempt. Whatever the status, there is an answer.
    pub(crate) fn exchange(
        &self,
        exchange: &Exchange<'_>,
        body: Option<Outgoing<'_>>,
    ) -> Result<Response<Body>, ClientError> {
        let authority = &exchange.url.authority;
        let query = if exchange.query.is_empty() { "" } else { "?" };
        let scheme = if exchange.url.tls { "https" } else { "http" };
        let target = format!("{scheme}://{authority}{}{query}{}", exchange.path, exchange.query);
        self.tell(|| shown_request(exchange, &target));
        let mut request = Request::builder().method(exchange.method).uri(&target);
        for (name, value) in &exchange.headers {
            request = request.header(*name, value);
        }
        let invalid = |error: ureq::http::Error| ClientError::Request(error.to_string());
        let answer = match body {
            None => self.agent.run(request.body(()).map_err(invalid)?),
            Some(Outgoing { reader, length }) => {
                let mut body = Watched { reader, failure: None };
                request = request.header("content-length", length);
                let sent = request
                    .body(SendBody::from_reader(&mut body))
                    .map_err(invalid)
                    .map(|request| self.agent.run(request))?;
                if let Some(source) = body.failure {
                    return Err(ClientError::Local { what: "what is sent".to_owned(), source });
                }
                sent
            }
        };
        let answer = answer.map_err(|error| failure(authority, &error))?;
        self.tell(|| shown_answer(&answer));
        Ok(answer)
    }

    /// Reads an answer into memory.
    pub(crate) fn text(
        &self,
        authority: &str,
        answer: Response<Body>,
    ) -> Result<String, ClientError> {
        let mut body = answer.into_body().into_with_config().limit(ANSWER_LIMIT).reader();
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).map_err(|error| ClientError::Broken {
            authority: authority.to_owned(),
            reason: error.to_string(),
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.tell(|| format!("< {}", without_secrets(&text)));
        Ok(text)
    }

    /// Turns an answer that is an error into one.
    pub(crate) fn refusal(&self, authority: &str, answer: Response<Body>) -> ClientError {
        let status = answer.status();
        let text = match self.text(authority, answer) {
            Ok(text) => text,
            Err(error) => return error,
        };
        if let Some(told) = read_error(&text) {
            return ClientError::Api {
                status: status.as_u16(),
                code: told.code,
                message: told.message,
            };
        }
        let reason = status.canonical_reason().unwrap_or("error").to_owned();
        let plain = text.trim();
        let message =
            if plain.is_empty() || plain.starts_with('<') { reason } else { plain.to_owned() };
        ClientError::Api { status: status.as_u16(), code: status.as_str().to_owned(), message }
    }

    /// Makes attempts until one succeeds, fails for good, or was the last.
    pub(crate) fn retrying<T>(
        &self,
        repeatable: bool,
        mut attempt: impl FnMut() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut failures = 0;
        loop {
            match attempt() {
                Err(error) if self.worth_retrying(&error, repeatable) => {
                    self.again(error, &mut failures)?;
                }
                other => return other,
            }
        }
    }

    pub(crate) fn worth_retrying(&self, error: &ClientError, repeatable: bool) -> bool {
        error.worth_retrying(repeatable, self.busy)
    }

    /// Waits before the next attempt after as many `failures`, which are one more then; gives the
    /// error back if the last attempt was the last.
    pub(crate) fn again(
        &self,
        error: ClientError,
        failures: &mut usize,
    ) -> Result<(), ClientError> {
        let Some(wait) = self.waits.get(*failures) else { return Err(error) };
        *failures += 1;
        self.tell(|| format!("* {error}; trying again"));
        clock::pause(jittered(*wait));
        Ok(())
    }

    fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace(&line());
        }
    }
}

fn builder(trust: &Trust) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .tls_config(trust.config())
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .accept("")
        .accept_encoding("")
        .user_agent(concat!("euca/", env!("CARGO_PKG_VERSION")))
}

/// The waits between `retries` and the first attempt: a second, then twice as long each, up to
/// eight.
pub(crate) fn waits(retries: u32) -> Vec<Duration> {
    (0..retries).map(|retry| Duration::from_secs(1 << retry.min(3))).collect()
}

/// Up to twice the wait, so that many who fail together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without random bytes everybody waits the same time, which is no reason to fail.
    let _ = getrandom::fill(&mut byte);
    wait + wait.mul_f64(f64::from(byte[0]) / 255.0)
}

fn failure(authority: &str, error: &ureq::Error) -> ClientError {
    let (authority, reason) = (authority.to_owned(), error.to_string());
    if let Some(reason) = trust::refusal(error) {
        return ClientError::Untrusted { authority, reason };
    }
    match error {
        ureq::Error::Io(cause) if cause.kind() == io::ErrorKind::ConnectionRefused => {
            ClientError::Connect { authority, reason: "connection refused".to_owned() }
        }
        ureq::Error::HostNotFound => ClientError::Connect { authority, reason },
        _ => ClientError::Broken { authority, reason },
    }
}

/// Remembers why a body could not be read: to the HTTP client it looks like a broken connection.
struct Watched<'a> {
    reader: &'a mut dyn Read,
    failure: Option<io::Error>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf).map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            self.failure = Some(error);
            told
        })
    }
}

fn shown_request(exchange: &Exchange<'_>, target: &str) -> String {
    let mut text = format!("> {} {target}", exchange.method);
    for (name, value) in &exchange.headers {
        let value = match value.split_once("Signature=") {
            Some((scope, _)) => format!("{scope}Signature=…"),
            None if *name == "x-amz-security-token" => "…".to_owned(),
            None => value.clone(),
        };
        text.push_str(&format!("\n> {name}: {value}"));
    }
    text
}

fn shown_answer(answer: &Response<Body>) -> String {
    let mut text = format!("< {}", answer.status());
    for (name, value) in answer.headers() {
        text.push_str(&format!("\n< {name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    text
}

/// The elements of answers that hold secrets.
const SECRET: &[&str] = &[
    "keyMaterial",
    "SecretAccessKey",
    "SessionToken",
    "PrivateKey",
    "Base32StringSeed",
    "QRCodePNG",
    "euca:secretKey",
    "euca:base64",
    "euca:text",
];

/// The text of an answer without the secrets that some of them hold.
fn without_secrets(text: &str) -> String {
    let mut shown = text.to_owned();
    for name in SECRET {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let mut from = 0;
        while let Some(at) = shown[from..].find(&open).map(|at| from + at + open.len()) {
            let Some(end) = shown[at..].find(&close).map(|end| at + end) else {
                // It goes on behind what was received.
                shown.truncate(at);
                break;
            };
            shown.replace_range(at..end, "…");
            from = at;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_taken_apart() {
        for (text, authority, path) in [
            (
                "http://cloud.example:8773/services/Eucalyptus",
                "cloud.example:8773",
                "/services/Eucalyptus",
            ),
            ("http://127.0.0.1:8774", "127.0.0.1:8774", "/"),
            ("http://host:80/", "host", "/"),
            ("http://[::1]:8773/x/", "[::1]:8773", "/x/"),
            ("https://host:443/", "host", "/"),
            ("https://host:80/", "host:80", "/"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.authority.as_str(), url.path.as_str()), (authority, path), "{text}");
        }
        for bad in ["", "cloud.example", "ftp://h/", "http:///x", "http://a@h/", "http://h/?q"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let xml = "<R><keyName>k</keyName><keyMaterial>PRIVATE</keyMaterial></R>";
        assert_eq!(without_secrets(xml), "<R><keyName>k</keyName><keyMaterial>…</keyMaterial></R>");
        let xml = "<R><euca:secretKey>A</euca:secretKey><x/><euca:secretKey>B</euca:secretKey>\
                   <SessionToken>C";
        assert_eq!(
            without_secrets(xml),
            "<R><euca:secretKey>…</euca:secretKey><x/><euca:secretKey>…</euca:secretKey>\
             <SessionToken>"
        );
        let url = Url::parse("http://h/").unwrap();
        let headers = vec![("authorization", "AWS4 Credential=AK/x, Signature=abc".to_owned())];
        let exchange = Exchange { method: "GET", url: &url, path: "/", query: "", headers };
        let shown = shown_request(&exchange, "http://h/");
        assert!(
            shown.contains("Credential=AK/x, Signature=…") && !shown.contains("abc"),
            "{shown}"
        );
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        let seconds: Vec<u64> = waits(6).iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 8, 8]);
        let wait = jittered(Duration::from_secs(1));
        assert!((1.0..=2.0).contains(&wait.as_secs_f64()));
    }
}
