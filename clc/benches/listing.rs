//! What it costs to list instances: one of a thousand, a page, a filtered page, all.
//!
//! A cloud controller on a real socket and a real store answers signed requests on one connection;
//! what is measured is the processor time of all threads but the asking one. The rival is in the
//! same run: a page must cost in proportion to all of them, or reading has gone past the page.

#![expect(clippy::unwrap_used, reason = "a bench ends at the first surprise")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use clc::config::{self, Config};
use clc::records::{Instance, Records};
use clc::server::{Listeners, Server};
use common::sign::{Credentials, Headers, Request, sign_ec2_v4, write_query};
use runtime::clock::Clock;
use serde_json::json;
use store::{Batch, EngineConfig};

/// How many instances there are.
const COUNT: u32 = 1000;

/// An instance of the cloud's own account; the node it was on is gone.
fn instance(number: u32) -> Instance {
    serde_json::from_value(json!({
        "id": format!("i-{:08x}", number.wrapping_mul(2_654_435_761)),
        "reservation": format!("r-{:08x}", number / 4), "index": number % 4,
        "account": "000000000001", "wanted": "running", "seen": "running", "since": 5,
        "reason": null, "generation": 1, "node": "a", "zone": "eucalyptus-1a", "told": true,
        "missing_since": null, "address": "10.0.0.2", "mac": "d0:0d:00:00:00:01",
        "image": "emi-00000001", "kernel": "eki-00000001", "ramdisk": "eri-00000001",
        "product_codes": [], "root_device": "/dev/sda1", "architecture": "x86_64",
        "instance_type": "m1.small", "cpus": 1, "memory_mib": 128, "disk_mib": 2048,
        "key": {"name": "mykey", "openssh": format!("ssh-rsa {} mykey", "A".repeat(372))},
        "groups": ["default"], "launched": 1_800_000_000_000u64 + u64::from(number / 4) * 1000,
        "client_token": null,
    }))
    .unwrap()
}

fn fill(store: &Path) {
    let records = Records::new(store::open(&EngineConfig::sled(store.to_owned())).unwrap());
    let mut batch = Batch::new();
    for number in 0..COUNT {
        let it = instance(number);
        batch.insert(&it).unwrap();
        records.point(&mut batch, &it);
    }
    batch.commit(&*records.engine).unwrap();
}

async fn start(config: &Config) -> Server {
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners = Listeners { api: bind(), internal: bind(), console: bind() };
    Server::start(config.clone(), listeners, Clock::system()).await.unwrap()
}

struct Client {
    stream: BufReader<TcpStream>,
    host: String,
    access_key: String,
    secret: String,
}

impl Client {
    fn new(address: SocketAddr, eucarc: &str) -> Self {
        let value = |name: &str| {
            let start = format!("export {name}='");
            let line = eucarc.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
            line.trim_end_matches('\'').to_owned()
        };
        Self {
            stream: BufReader::new(TcpStream::connect(address).unwrap()),
            host: address.to_string(),
            access_key: value("EC2_ACCESS_KEY"),
            secret: value("EC2_SECRET_KEY"),
        }
    }

    /// Asks, and answers how long the answer is.
    fn ask(&mut self, pairs: &[(&str, &str)]) -> usize {
        let body = write_query(pairs);
        let mut headers: Headers = [("host", self.host.clone())].into_iter().collect();
        let request = Request::new("POST", "/", "", &headers).with_body(body.as_bytes());
        let credentials = Credentials { access_key_id: &self.access_key, secret: &self.secret };
        let now = Clock::system().now();
        let added = sign_ec2_v4(credentials, &request, "eucalyptus", "ec2", now).unwrap();
        for (name, value) in added {
            headers.add(name, value);
        }
        let mut text = "POST / HTTP/1.1\r\n".to_owned();
        for (name, value) in headers.iter() {
            text += &format!("{name}: {}\r\n", String::from_utf8_lossy(value));
        }
        text += &format!("content-length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            assert!(!line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.1 200"), "{line}");
            let lower = line.to_ascii_lowercase();
            if let Some(text) = lower.strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        length
    }
}

/// Nanoseconds of processor time of a thread.
fn time_of(schedstat: &Path) -> u64 {
    let text = fs::read_to_string(schedstat).unwrap_or_default();
    text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Nanoseconds of processor time of all threads but this one.
fn others() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let all: u64 = tasks.map(|task| time_of(&task.unwrap().path().join("schedstat"))).sum();
    all.saturating_sub(time_of(Path::new("/proc/thread-self/schedstat")))
}

/// Waits until nothing is done that nobody asked for, like the keys that are made ahead.
async fn settle() {
    let mut before = others();
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = others();
        if now.saturating_sub(before) < 1_000_000 {
            return;
        }
        before = now;
    }
}

/// Milliseconds of processor time that an answer costs, and its length in KiB.
fn cost(client: &mut Client, pairs: &[(&str, &str)]) -> (f64, usize) {
    const TIMES: u32 = 60;
    let length = client.ask(pairs);
    let before = others();
    for _ in 0..TIMES {
        client.ask(pairs);
    }
    let spent = Duration::from_nanos(others().saturating_sub(before));
    (spent.as_secs_f64() * 1000.0 / f64::from(TIMES), length >> 10)
}

fn measure(address: SocketAddr, eucarc: &str) {
    let mut client = Client::new(address, eucarc);
    let list = ("Action", "DescribeInstances");
    let running = [("Filter.1.Name", "instance-state-name"), ("Filter.1.Value.1", "running")];
    let one = instance(500).id;
    let rows: [(&str, Vec<(&str, &str)>); 6] = [
        ("DescribeRegions (the floor)", vec![("Action", "DescribeRegions")]),
        ("one id", vec![list, ("InstanceId.1", one.as_str())]),
        ("a page of 5", vec![list, ("MaxResults", "5")]),
        ("a page of 100, running", vec![list, ("MaxResults", "100"), running[0], running[1]]),
        ("all", vec![list]),
        ("all, as of 2009-11-30", vec![list, ("Version", "2009-11-30")]),
    ];
    println!("{COUNT} instances; processor time of an answer");
    let costs = rows.map(|(name, pairs)| {
        let (spent, length) = cost(&mut client, &pairs);
        println!("{name:28} {spent:8.3} ms {length:6} KiB");
        spent
    });
    let (of_five, of_hundred) = (costs[2] / costs[4], costs[3] / costs[4]);
    println!("of all: a page of 5 {of_five:.3}, a page of 100 {of_hundred:.3}");
    assert!(of_five < 0.1 && of_hundred < 0.25, "a page costs more than what is on it");
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("peer.key");
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let config = Config {
        data_dir: dir.path().join("clc"),
        public_host: "127.0.0.1".into(),
        peer_key_file: key,
        walrus: config::Walrus {
            // Nobody listens there, and nobody is needed.
            url: "http://127.0.0.1:9".into(),
            public_url: String::new(),
        },
        nodes: Vec::new(),
        ..Config::default()
    };
    runtime::boot::in_system(async {
        let server = start(&config).await;
        let eucarc = fs::read_to_string(server.admin_dir().join("eucarc")).unwrap();
        server.stop().await;
        fill(&config.data_dir.join("store"));
        let server = start(&config).await;
        settle().await;
        let address = server.api_address();
        let asking = std::thread::spawn(move || measure(address, &eucarc));
        while !asking.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.stop().await;
        asking.join().unwrap();
    })
    .unwrap();
}
