//! A browser that can do what no browser would: every header, every byte. It keeps a connection as
//! long as the other side does, and holds each answer against what all answers must bear.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use common::sign::write_query;
use e2e::{Cloud, Service};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::net::TcpSocket;

/// The field that binds a form to whoever it was shown to.
pub(crate) const TOKEN: &str = "token_of_form";
/// The cookie of a session.
pub(crate) const SESSION: &str = "__Host-console";
/// How forms are sent.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Shown {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it is a page of the console.
    pub(crate) fn is_page(&self) -> bool {
        self.header("content-type").starts_with("text/html")
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.header("content-type").starts_with("text/event-stream")
    }

    /// What every answer of the console bears, whatever was asked.
    fn assert_guarded(&self, what: &str) {
        let policy: Vec<_> =
            self.headers.iter().filter(|(it, _)| it == "content-security-policy").collect();
        let strict = |(_, it): &&(String, String)| {
            it.starts_with("default-src 'none'; ")
                && it.contains("frame-ancestors 'none'")
                && it.contains("base-uri 'none'")
                && it.contains("form-action 'self'")
                && !it.contains("unsafe")
                && !it.contains("data:")
                && !it.contains('*')
        };
        assert!(policy.iter().any(strict), "{what}: {:?}", self.headers);
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(self.header(name), value, "{what}: {name}");
        }
        let kept = self.header("cache-control");
        assert!(kept == "no-store" || kept.contains("immutable"), "{what}: {kept}");
        let cookies = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        for (_, line) in cookies {
            assert!(line.starts_with("__Host-"), "{what}: {line}");
            for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(line.contains(part), "{what}: {line}");
            }
        }
        if self.status == 303 {
            let to = self.location();
            assert!(to.starts_with('/') && !to.starts_with("//"), "{what}: {to}");
        }
    }
}

type Line = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// A browser with its cookies.
pub(crate) struct Browser {
    address: SocketAddr,
    /// Where it sits, if that matters.
    from: Option<IpAddr>,
    config: Arc<ClientConfig>,
    line: Option<Line>,
    /// The token, and the cookies that it is bound to.
    token: Option<(BTreeMap<String, String>, String)>,
    pub(crate) cookies: BTreeMap<String, String>,
    /// What every request bears beside what it must.
    pub(crate) headers: Vec<(String, String)>,
}

impl Clone for Browser {
    fn clone(&self) -> Self {
        Self {
            address: self.address,
            from: self.from,
            config: Arc::clone(&self.config),
            line: None,
            token: None,
            cookies: self.cookies.clone(),
            headers: self.headers.clone(),
        }
    }
}

impl Browser {
    /// A new one, which believes the certificate that the console has made itself.
    pub(crate) fn new(cloud: &Cloud) -> Self {
        let file = cloud.data(Service::Clc).join("console/console.pem");
        let mut roots = RootCertStore::empty();
        let pem = std::fs::read(file).unwrap();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address: cloud.console(),
            from: None,
            config: Arc::new(config),
            line: None,
            token: None,
            cookies: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// Somebody else at the same browser: no cookies, nothing said.
    pub(crate) fn another(&self) -> Self {
        Self { cookies: BTreeMap::new(), headers: Vec::new(), ..self.clone() }
    }

    /// The same, that sits at another address of this host.
    pub(crate) fn from(self, address: &str) -> Self {
        Self { from: Some(address.parse().unwrap()), ..self }
    }

    fn reached(&self) -> TcpStream {
        let Some(from) = self.from else { return TcpStream::connect(self.address).unwrap() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let connected = runtime.block_on(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::new(from, 0)).unwrap();
            socket.connect(self.address).await.unwrap().into_std().unwrap()
        });
        connected.set_nonblocking(false).unwrap();
        connected
    }

    fn connect(&self) -> Line {
        let name = ServerName::from(self.address.ip());
        let connection = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        let tcp = self.reached();
        tcp.set_nodelay(true).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        BufReader::new(StreamOwned::new(connection, tcp))
    }

    /// Sends bytes on a connection of their own and reads what comes until its end.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut line = self.connect();
        let (mut answer, stream) = (Vec::new(), line.get_mut());
        // What is no whole request is waited for; nobody waits for an answer to it.
        stream.sock.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        // Who has heard enough may close before the end, and without a word.
        drop(stream.write_all(bytes));
        drop(stream.flush());
        drop(line.read_to_end(&mut answer));
        answer
    }

    /// Asks for something, with headers and a body of any kind.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Shown {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.address);
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            head.push_str(&format!("cookie: {}\r\n", pairs.join("; ")));
        }
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let what = format!("{method} {target}");
        let sent = [head.as_bytes(), body.unwrap_or_default()].concat();
        // A connection that was kept may have been closed meanwhile: then it is asked on another.
        let kept = self.line.take();
        let (line, shown) = kept
            .and_then(|line| exchange(line, &sent, method))
            .or_else(|| exchange(self.connect(), &sent, method))
            .unwrap_or_else(|| panic!("{what}: no answer"));
        self.line = line;
        shown.assert_guarded(&what);
        for (_, line) in shown.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        shown
    }

    pub(crate) fn get(&mut self, target: &str) -> Shown {
        self.ask("GET", target, &[], None)
    }

    /// Posts a form as it is.
    pub(crate) fn post(&mut self, target: &str, fields: &[(String, String)]) -> Shown {
        let body = write_query(fields);
        self.ask("POST", target, &[("content-type", FORM)], Some(body.as_bytes()))
    }

    /// The token by which forms are bound to this browser now.
    pub(crate) fn token(&mut self) -> String {
        if let Some((cookies, token)) = &self.token
            && *cookies == self.cookies
        {
            return token.clone();
        }
        let shown = self.get("/confirm").text();
        let begin = format!("name=\"{TOKEN}\" value=\"");
        let (_, behind) = shown.split_once(&begin).unwrap_or_else(|| panic!("{shown}"));
        let token = behind.split('"').next().unwrap().to_owned();
        self.token = Some((self.cookies.clone(), token.clone()));
        token
    }

    /// Posts fields, bound to this browser.
    pub(crate) fn submit(&mut self, target: &str, fields: &[(&str, &str)]) -> Shown {
        let token = self.token();
        let fields = fields.iter().copied().chain([(TOKEN, token.as_str())]);
        let fields: Vec<_> = fields.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        self.post(target, &fields)
    }
}

/// Sends a request and reads its answer; nothing if the connection ends before it. Gives the connection
/// back if it may be used again.
fn exchange(mut line: Line, sent: &[u8], method: &str) -> Option<(Option<Line>, Shown)> {
    // What is refused may be answered before it was taken whole.
    let written = line.get_mut().write_all(sent).and_then(|()| line.get_mut().flush());
    let (mut first, mut headers) = (String::new(), Vec::new());
    line.read_line(&mut first).ok()?;
    let status = first.split(' ').nth(1)?.parse().ok()?;
    loop {
        let mut text = String::new();
        line.read_line(&mut text).ok()?;
        let Some((name, value)) = text.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut shown = Shown { status, headers, body: Vec::new() };
    let length = shown.header("content-length").parse::<usize>();
    if method == "HEAD" || status == 304 {
    } else if shown.is_stream() {
        shown.body = event(&mut line);
        return Some((None, shown));
    } else if shown.header("transfer-encoding") == "chunked" {
        while let Some(mut chunk) = chunk(&mut line) {
            shown.body.append(&mut chunk);
        }
    } else if let Ok(length) = length {
        shown.body = vec![0; length];
        line.read_exact(&mut shown.body).ok()?;
    } else {
        drop(line.read_to_end(&mut shown.body));
        return Some((None, shown));
    }
    let again = written.is_ok() && !shown.header("connection").contains("close");
    Some((again.then_some(line), shown))
}

/// The next piece of a body that comes in pieces; nothing at its end.
fn chunk(line: &mut Line) -> Option<Vec<u8>> {
    let mut size = String::new();
    line.read_line(&mut size).ok()?;
    let size = usize::from_str_radix(size.trim(), 16).ok()?;
    let mut bytes = vec![0; size + 2];
    line.read_exact(&mut bytes).ok()?;
    bytes.truncate(size);
    (size > 0).then_some(bytes)
}

/// What the first event of a stream says.
fn event(line: &mut Line) -> Vec<u8> {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains("\n\n") {
        let Some(mut piece) = chunk(line) else { break };
        all.append(&mut piece);
    }
    let text = String::from_utf8_lossy(&all).into_owned();
    let first = text.split("\n\n").next().unwrap_or_default();
    let said = first.lines().filter_map(|line| line.strip_prefix("data:"));
    said.map(str::trim_start).collect::<Vec<_>>().join("\n").into_bytes()
}
