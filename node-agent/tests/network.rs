//! Routed taps, DHCP, rules and metadata as guests meet them, in network namespaces of their own.
//!
//! Runs only as root with `EUCALYPT_TEST_NET=1`. The test starts itself again in a fresh
//! namespace that plays the host, so the machine's own network is never touched; guests are
//! namespaces whose card is wired to the real tap.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::node::Subnet;
use common::wire::role::InstanceRole;
use common::wire::spec::*;
use node_agent::metadata::serve::Metadata;
use node_agent::metadata::token::Tokens;
use node_agent::network::names::Names;
use node_agent::network::network::{Attach, Detach, Network, NetworkSettings, Stop};
use node_agent::network::tools::Tools;
use node_agent::network::wanted::Outbound;
use runtime::clock::Clock;

const SUBNET: Subnet = Subnet { network: Ipv4Addr::new(10, 77, 0, 0), prefix: 24 };
/// Names, to the test that was started again, the namespace it must find itself in.
const HOST: &str = "EUCALYPT_TEST_NET_HOST";

#[test]
fn instances_get_what_is_theirs_and_nothing_else() {
    if std::env::var_os("EUCALYPT_TEST_NET").is_none_or(|v| v != "1") {
        return;
    }
    match std::env::var_os(HOST) {
        Some(host) => on_a_host_of_its_own(&host.into_string().unwrap()),
        None => {
            let host = Namespace::new("h");
            let inside = Command::new("ip")
                .args(["netns", "exec", &host.0])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", "--nocapture", "instances_get_what_is_theirs_and_nothing_else"])
                .env(HOST, &host.0)
                .status()
                .unwrap();
            assert!(inside.success(), "see above");
        }
    }
}

fn on_a_host_of_its_own(host: &str) {
    let here = output("ip", &["netns", "identify"]);
    assert_eq!(here.trim(), host, "would change this machine's network");
    ok("ip", &["link", "set", "lo", "up"]);
    runtime::boot::in_system(scenario()).unwrap();
}

async fn scenario() {
    let folder = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .unwrap();
    let tools = Tools::find().unwrap();
    let settings = NetworkSettings {
        identity: format!("node-{}", std::process::id()),
        subnet: SUBNET,
        outbound: Outbound::None,
        dns: vec![],
        run_directory: folder.path().to_owned(),
    };
    let (a, b) = (spec(1), spec(2));
    let network = Network::start(settings.clone(), &tools, BTreeMap::new()).await.unwrap();
    let metadata = Metadata::new(Clock::system(), Tokens::new(&[7; 64]));

    let start = Instant::now();
    let mut taps = Vec::new();
    for spec in [&a, &b] {
        let (instance, network_spec) = (spec.instance.clone(), spec.network.clone());
        let attach = Attach { instance, spec: network_spec };
        let tap = network.send(attach.clone()).await.unwrap().unwrap();
        assert_eq!(network.send(attach).await.unwrap().unwrap(), tap);
        metadata.listen(&tap, spec).unwrap();
        taps.push(tap);
    }
    let each = start.elapsed() / 2;
    assert!(
        each < Duration::from_millis(500),
        "a launch may take a second, and this took {each:?}"
    );

    let guest_a = Guest::plug(&taps[0], &a, "a");
    let guest_b = Guest::plug(&taps[1], &b, "b");
    let tried = tokio::task::spawn_blocking(move || {
        addresses(&guest_a, &guest_b);
        identity(&guest_a, &guest_b);
        walls(&guest_a, &guest_b);
        (guest_a, guest_b)
    });
    let (guest_a, guest_b) = tried.await.unwrap();
    assert!(metadata.first_answers().values().all(Option::is_some));

    // An agent that comes back finds all as it is and changes nothing that is in use.
    let before = links();
    network.send(Stop { purge: false }).await.unwrap().unwrap();
    assert_eq!(links(), before);
    let known = [&a, &b].map(|s| (s.instance.clone(), s.network.clone()));
    let names = Names::new(&settings.identity);
    let network = Network::start(settings, &tools, known.into()).await.unwrap();
    assert_eq!(links(), before);
    // A dnsmasq that dies is started again.
    let pid_file = folder.path().join(names.directory()).join("dnsmasq.pid");
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    ok("kill", &["-9", pid.trim()]);
    let tried = tokio::task::spawn_blocking(move || {
        assert_eq!(guest_b.get("/latest/meta-data/instance-id"), guest_b.instance.as_str());
        guest_b.takes_its_address();
        assert_ne!(std::fs::read_to_string(&pid_file).unwrap(), pid);
        drop((guest_a, guest_b));
    });
    tried.await.unwrap();

    // The address of an ended instance is good for a new one at once.
    metadata.close(&a.instance);
    network.send(Detach { instance: a.instance.clone() }).await.unwrap().unwrap();
    network.send(Detach { instance: a.instance.clone() }).await.unwrap().unwrap();
    let mut c = spec(3);
    c.network.address = a.network.address;
    let attach = Attach { instance: c.instance.clone(), spec: c.network.clone() };
    let tap = network.send(attach).await.unwrap().unwrap();
    metadata.listen(&tap, &c).unwrap();
    let guest_c = Guest::plug(&tap, &c, "c");
    tokio::task::spawn_blocking(move || guest_c.takes_its_address()).await.unwrap();

    // Whoever has the port on all addresses is blamed, and not passed over.
    metadata.close_all();
    let squatter = until_free().await;
    let taken = metadata.listen(&tap, &c).unwrap_err().to_string();
    assert!(taken.contains("169.254.169.254:80") && taken.contains("another program"), "{taken}");
    drop(squatter);
    metadata.listen(&tap, &c).unwrap();
    metadata.close_all();
    network.send(Stop { purge: true }).await.unwrap().unwrap();
    assert_eq!(links().lines().count(), 1, "{}", links());
    assert_eq!(output("nft", &["list", "ruleset"]), "");
}

/// Takes port 80 of all addresses as soon as no listener that was closed holds it any more.
async fn until_free() -> std::net::TcpListener {
    let begun = Instant::now();
    loop {
        match std::net::TcpListener::bind(("0.0.0.0", 80)) {
            Ok(listener) => return listener,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(10), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn addresses(a: &Guest, b: &Guest) {
    for guest in [a, b] {
        guest.takes_its_address();
        assert!(guest.run("ip", &["-4", "addr"]).contains(&format!("{}/24", guest.address)));
    }
}

fn identity(a: &Guest, b: &Guest) {
    for guest in [a, b] {
        assert_eq!(guest.get("/latest/meta-data/instance-id"), guest.instance.as_str());
        assert_eq!(guest.get("/2009-04-04/meta-data/local-ipv4"), guest.address.to_string());
    }
    // Whoever says that he asks for another is answered what he is.
    let forged = ["-H", "X-Forwarded-For: 10.77.0.12", "-H", "Eucalyptus-Instance-Id: i-00000002"];
    assert_eq!(a.curl(&forged, "/latest/meta-data/instance-id"), "i-00000001");
    let status = ["-o", "/dev/null", "-w", "%{http_code}"];
    assert_eq!(a.curl(&[&status[..], &["-H", "Host: evil.example"]].concat(), "/latest/"), "403");
    assert_eq!(a.curl(&status, "/latest/user-data"), "404");
    assert_eq!(a.curl(&[&status[..], &["-X", "PUT"]].concat(), "/latest/api/token"), "400");
    tokens(a, b);
    assert_eq!(a.curl(&[&status[..], &["-I"]].concat(), "/latest/meta-data/"), "200");
    let page = a.get("/latest/meta-data/ramdisk-id");
    assert!(page.contains("404 - Not Found"), "{page}");
}

/// The second version of the protocol over a real wire: whose a token is, and how far it goes.
fn tokens(a: &Guest, b: &Guest) {
    let lifetime = ["-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60"];
    let token = a.curl(&lifetime, "/latest/api/token");
    let bearing = format!("X-aws-ec2-metadata-token: {token}");
    let path = "/latest/meta-data/instance-id";
    assert_eq!(a.curl(&["-H", &bearing], path), a.instance.as_str());
    let foreign = b.curl(&["-H", &bearing], path);
    assert!(foreign.contains("401 - Unauthorized"), "{foreign}");
    let proxied = [&lifetime[..], &["-H", "X-Forwarded-For: 10.77.0.11"]].concat();
    assert!(a.curl(&proxied, "/latest/api/token").contains("403"), "a proxy gets no token");
    // A guest that drops packets with less than two hops left is as one behind another hop.
    for (method, hops, expected) in
        [("GET", 2, "200"), ("PUT", 1, "200"), ("PUT", 2, "nothing"), ("GET", 60, "200")]
    {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hops.py");
        let said = a.run("python3", &[script, method, &hops.to_string()]);
        assert_eq!(said.trim(), expected, "{method} behind {hops} hops");
    }
}

fn walls(a: &Guest, b: &Guest) {
    // Guests reach each other, and their router's echo.
    assert!(a.pings(b.address) && b.pings(a.address) && a.pings(SUBNET.gateway()));
    // Of the host, nothing else: not what listens on the router's address, nor on all of them.
    let service = std::net::TcpListener::bind(("0.0.0.0", 8775)).unwrap();
    let host = std::net::TcpStream::connect((SUBNET.gateway(), 8775));
    assert!(host.is_ok(), "the host itself reaches it");
    for address in [SUBNET.gateway(), "169.254.169.254".parse().unwrap()] {
        assert!(!a.connects(address, 8775), "{address}");
    }
    drop(service);
    // The host has no metadata for itself.
    let own = std::net::TcpStream::connect(("169.254.169.254", 80));
    assert!(own.is_err(), "the host reaches a guest's metadata");

    // With its neighbour's address, or its neighbour's card, a guest is nobody.
    let (card, real) = (&a.card, a.address.to_string());
    a.run("ip", &["address", "flush", "dev", card]);
    a.run("ip", &["address", "add", &format!("{}/24", b.address), "dev", card]);
    a.run("ip", &["route", "replace", "default", "via", "10.77.0.1"]);
    assert_eq!(a.get("/latest/meta-data/instance-id"), "");
    assert!(!a.pings(SUBNET.gateway()));
    a.run("ip", &["address", "flush", "dev", card]);
    a.run("ip", &["address", "add", &format!("{real}/24"), "dev", card]);
    a.run("ip", &["route", "replace", "default", "via", "10.77.0.1"]);
    assert_eq!(a.get("/latest/meta-data/instance-id"), a.instance.as_str());
    a.run("ip", &["link", "set", card, "address", &b.mac]);
    assert_eq!(a.get("/latest/meta-data/instance-id"), "");
    a.run("ip", &["link", "set", card, "address", &a.mac]);
    a.run("ip", &["route", "replace", "default", "via", "10.77.0.1"]);
    assert_eq!(a.get("/latest/meta-data/instance-id"), a.instance.as_str());
    assert_eq!(b.get("/latest/meta-data/instance-id"), b.instance.as_str());
}

fn spec(number: u8) -> InstanceSpec {
    let image = |id: &str| ImageRef { image: id.parse().unwrap(), sha256: "0".repeat(64), size: 1 };
    InstanceSpec {
        instance: format!("i-0000000{number}").parse().unwrap(),
        generation: 1,
        account: "123456789012".parse().unwrap(),
        cpus: 1,
        memory_mib: 64,
        root: DiskSpec { image: image("emi-00000001"), size: 1 },
        disks: Vec::new(),
        boot: BootSpec { kernel: Some(image("eki-00000001")), ramdisk: None },
        network: NetworkSpec {
            mac: format!("d0:0d:00:00:00:0{number}"),
            address: [10, 77, 0, 10 + number].into(),
        },
        metadata: MetadataSpec {
            image: "emi-00000001".parse().unwrap(),
            manifest_path: "bucket/image.manifest.xml".to_owned(),
            kernel: None,
            ramdisk: None,
            ancestors: vec![],
            product_codes: vec![],
            reservation: "r-00000001".parse().unwrap(),
            launch_index: 0,
            instance_type: "m1.small".to_owned(),
            zone: "eucalyptus-1a".to_owned(),
            region: "eucalyptus".to_owned(),
            key: None,
            security_groups: vec!["default".to_owned()],
            launched: Timestamp::from_millis(0),
            user_data: None,
            role: InstanceRole::default(),
            options: MetadataOptions::default(),
        },
        power: Default::default(),
    }
}

/// A network namespace that is gone with its value.
struct Namespace(String);

impl Namespace {
    fn new(letter: &str) -> Self {
        let name = format!("euca{}{letter}", std::process::id());
        ok("ip", &["netns", "add", &name]);
        Self(name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        for process in output("ip", &["netns", "pids", &self.0]).split_whitespace() {
            drop(Command::new("kill").arg(process).status());
        }
        drop(Command::new("ip").args(["netns", "delete", &self.0]).status());
    }
}

/// A guest: a namespace whose card is wired to a tap.
struct Guest {
    namespace: Namespace,
    wire: Child,
    card: String,
    instance: InstanceId,
    address: Ipv4Addr,
    mac: String,
}

impl Guest {
    fn plug(tap: &str, spec: &InstanceSpec, letter: &str) -> Self {
        let namespace = Namespace::new(letter);
        let card = format!("card{letter}");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire.py");
        let mut wire = Command::new("python3")
            .args([script, tap, &card])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(wire.stdout.take().unwrap()).read_line(&mut line).unwrap();
        ok("ip", &["link", "set", &card, "netns", &namespace.0]);
        let (instance, address) = (spec.instance.clone(), spec.network.address);
        let guest =
            Self { namespace, wire, card, instance, address, mac: spec.network.mac.clone() };
        guest.run("ip", &["link", "set", &guest.card, "address", &guest.mac, "up"]);
        guest
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let all = [&["netns", "exec", &self.namespace.0, program], arguments].concat();
        let output = Command::new("ip").args(all).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn takes_its_address(&self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/udhcpc.sh");
        let said = self.run(
            "busybox",
            &["udhcpc", "-i", &self.card, "-n", "-q", "-f", "-O", "staticroutes", "-s", script],
        );
        assert!(said.contains(&format!("address {}", self.address)), "{said}");
        assert!(said.contains("routes 0.0.0.0/0 10.77.0.1 169.254.169.254/32 10.77.0.1"), "{said}");
    }

    fn curl(&self, arguments: &[&str], path: &str) -> String {
        let url = format!("http://169.254.169.254{path}");
        self.run("curl", &[&["-s", "-m", "1", "--noproxy", "*", &url], arguments].concat())
    }

    fn get(&self, path: &str) -> String {
        self.curl(&[], path)
    }

    fn pings(&self, address: Ipv4Addr) -> bool {
        let address = address.to_string();
        !self.run("busybox", &["ping", "-c", "2", "-W", "1", &address]).contains("100% packet loss")
    }

    fn connects(&self, address: Ipv4Addr, port: u16) -> bool {
        let url = format!("telnet://{address}:{port}");
        let said = self.run("curl", &["-s", "-m", "1", "-w", "%{time_connect}", &url]);
        !said.trim().starts_with("0.000000")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        drop(self.wire.kill());
        drop(self.wire.wait());
    }
}

fn links() -> String {
    output("ip", &["-brief", "link"]).replace("DOWN", "").replace("UNKNOWN", "").replace("UP", "")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn ok(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}
