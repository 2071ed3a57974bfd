//! A browser as a test needs it: https, cookies, forms, and nothing that could hide what was answered.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::world::World;

/// The field that binds a form to whoever it was shown to.
pub(crate) const TOKEN: &str = "token_of_form";

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Shown {
    /// The values of a header, in their order.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let named = lines.filter(|(it, _)| it.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.headers(name).into_iter().next().unwrap_or_default()
    }

    /// Where it leads on.
    pub(crate) fn location(&self) -> String {
        self.header("location")
    }

    /// The token of the first form on the page.
    pub(crate) fn token(&self) -> String {
        let begin = format!("name=\"{TOKEN}\" value=\"");
        let (_, behind) = self.body.split_once(&begin).unwrap_or_else(|| panic!("{self:?}"));
        behind.split('"').next().unwrap().to_owned()
    }

    /// The value of a field that the page holds.
    pub(crate) fn value(&self, name: &str) -> String {
        let begin = format!("name=\"{name}\" value=\"");
        let behind = self.body.split_once(&begin).map(|(_, behind)| behind).unwrap_or_default();
        behind.split('"').next().unwrap().to_owned()
    }
}

/// A browser with its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) headers: Vec<(String, String)>,
}

/// Whether an answer is there to the end that it tells itself.
fn is_whole(answer: &[u8]) -> bool {
    let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..at]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.is_some_and(|length| answer.len() >= at + 4 + length.trim().parse::<usize>().unwrap())
}

impl Browser {
    /// A new one, which believes the certificate that the console has made itself.
    pub(crate) fn new(world: &World) -> Self {
        let pem = std::fs::read(world.config.data_dir.join("console/console.pem")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            address: world.server().console_address(),
            config: Arc::new(config),
            cookies: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// Where the console is now.
    pub(crate) fn follow(&mut self, world: &World) {
        self.address = world.server().console_address();
    }

    /// A connection over which a request was sent.
    fn sent(&self, method: &str, path: &str, body: Option<&str>) -> impl std::io::Read + Send {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        let tcp = TcpStream::connect(self.address).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut stream = StreamOwned::new(connection, tcp);
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        head.push_str("connection: close\r\nuser-agent: test <script>alert(1)</script>\r\n");
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if !cookies.is_empty() {
            head.push_str(&format!("cookie: {}\r\n", cookies.join("; ")));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            let said = self.headers.iter().find(|(name, _)| name == "content-type");
            let kind = if said.is_some() { "x-said: above\r\n" } else { FORM };
            head.push_str(&format!("{kind}content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.unwrap_or_default().as_bytes()).unwrap();
        stream
    }

    async fn ask(&mut self, method: &str, path: &str, body: Option<String>) -> Shown {
        let (own, method, path) = (self.clone(), method.to_owned(), path.to_owned());
        let answered = runtime::pool::block(move || {
            let mut stream = own.sent(&method, &path, body.as_deref());
            let mut answer = Vec::new();
            let mut piece = [0; 16 << 10];
            // The other side may close without saying so, and later than its answer ends.
            while !is_whole(&answer) {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => answer.extend_from_slice(&piece[..length]),
                }
            }
            // What is kept as a file may be no text.
            String::from_utf8_lossy(&answer).into_owned()
        });
        let answer = answered.await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let shown = Shown { status, head: head.to_owned(), body: body.to_owned() };
        for line in shown.headers("set-cookie") {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match line.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        shown
    }

    /// Asks for a page.
    pub(crate) async fn get(&mut self, path: &str) -> Shown {
        self.ask("GET", path, None).await
    }

    /// Sends anything.
    pub(crate) async fn send(&mut self, method: &str, path: &str, body: Option<&str>) -> Shown {
        self.ask(method, path, body.map(str::to_owned)).await
    }

    /// Loads the page of a form, and posts its fields as it is bound.
    pub(crate) async fn submit(
        &mut self,
        page: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Shown {
        let token = self.get(page).await.token();
        self.post(action, &token, fields).await
    }

    /// Posts a form with a token.
    pub(crate) async fn post(
        &mut self,
        action: &str,
        token: &str,
        fields: &[(&str, &str)],
    ) -> Shown {
        let all: Vec<_> = fields.iter().copied().chain([(TOKEN, token)]).collect();
        let body = common::sign::write_query(&all);
        self.ask("POST", action, Some(body)).await
    }

    /// Signs in.
    pub(crate) async fn sign_in(&mut self, account: &str, password: &str) -> Shown {
        let fields = [("account", account), ("password", password)];
        self.submit("/sign-in", "/sign-in", &fields).await
    }

    /// Asks for something that has no end, tells when a text of it has come, and gives what comes until the
    /// other side ends it.
    pub(crate) async fn begun(
        &self,
        path: &str,
        begin: &'static str,
        told: tokio::sync::oneshot::Sender<()>,
    ) -> String {
        let (own, path) = (self.clone(), path.to_owned());
        let followed = runtime::pool::block(move || {
            let mut stream = own.sent("GET", &path, None);
            let (mut all, mut told) = (String::new(), Some(told));
            let mut piece = [0; 16 << 10];
            while let Ok(length @ 1..) = stream.read(&mut piece) {
                all.push_str(&String::from_utf8_lossy(&piece[..length]));
                if let Some(told) = told.take_if(|_| all.contains(begin)) {
                    told.send(()).unwrap();
                }
            }
            all
        });
        followed.await.unwrap()
    }

    /// Follows events, and gives what comes until a text has come, or the end.
    pub(crate) async fn events(
        &self,
        path: &str,
        until: &'static str,
        told: tokio::sync::oneshot::Sender<()>,
    ) -> String {
        let (own, path) = (self.clone(), path.to_owned());
        let followed = runtime::pool::block(move || {
            let mut stream = own.sent("GET", &path, None);
            let (mut all, mut told) = (String::new(), Some(told));
            let mut piece = [0; 16 << 10];
            while !all.contains(until) {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => all.push_str(&String::from_utf8_lossy(&piece[..length])),
                }
                if let Some(told) = told.take_if(|_| all.contains("event: part")) {
                    told.send(()).unwrap();
                }
            }
            all
        });
        followed.await.unwrap()
    }
}
