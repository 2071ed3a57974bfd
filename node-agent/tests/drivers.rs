//! One suite for every body of the driver.
//!
//! `sim` is always run. QEMU is run with TCG when `EUCALYPT_TEST_QEMU=1` says so (scripts/test
//! does where it has the right to); its guests are kernels of a few dozen bytes that are made
//! here. Whatever happens, no process and no file is left behind: the host's guard kills every
//! machine whose pid file lies below its directory.

#![cfg(test)]

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::id::InstanceId;
use common::wire::bundling::Rest;
use node_agent::hypervisor::driver::{Card, Disk, Driver, Ended, Launch, OVERLAY, UserCard};
use node_agent::hypervisor::error::DriverError;
use node_agent::hypervisor::layer::{COPY, Place};
use node_agent::hypervisor::qemu::args::Accelerator;
use node_agent::hypervisor::qemu::probe::{Probe, Programs, probe};
use node_agent::hypervisor::qemu::process::Process;
use node_agent::hypervisor::qemu::qemu::Qemu;
use node_agent::hypervisor::qemu::qmp::Qmp;
use node_agent::hypervisor::sim::{Sim, SimMode, SimStep};
use tempfile::TempDir;
use tokio::sync::watch;

/// What the guest says on its serial port.
const HELLO: &str = "the guest speaks";

/// Bounds every wait; nothing that works needs a tenth of it.
const DEADLINE: Duration = Duration::from_secs(60);

/// How a guest comes to switch itself off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guest {
    Stays,
    SwitchesOff,
    /// When its power button is pressed.
    Listens,
}

/// One body of the driver, as the suite needs it.
trait Body {
    /// A driver as a new agent makes it.
    fn open(&mut self) -> Box<dyn Driver>;
    /// What the console shows after a start.
    fn greeting(&self) -> &'static str;
    /// Lets a guest of the kind that switches itself off do so.
    fn switch_off(&self, instance: &InstanceId);
    /// Lets guests hear, or not, what they are asked.
    fn deaf(&self, deaf: bool);
    /// Takes the process away without the guest's doing.
    fn crash(&self, directory: &Path);
    /// Writes blocks of 4096 bytes to a disk that nobody uses, as a guest would have.
    fn write(&self, overlay: &Path, block: u64, bytes: &[u8]);
}

#[derive(Default)]
struct Played(Sim);

impl Body for Played {
    fn open(&mut self) -> Box<dyn Driver> {
        self.0 = Sim::new(SimMode::Automatic);
        Box::new(self.0.clone())
    }
    fn greeting(&self) -> &'static str {
        "simulated machine"
    }
    fn switch_off(&self, instance: &InstanceId) {
        self.0.control().power_off(instance).unwrap();
    }
    fn deaf(&self, deaf: bool) {
        self.0.control().deaf(deaf);
    }
    fn crash(&self, directory: &Path) {
        let name = directory.file_name().and_then(|name| name.to_str()).unwrap();
        self.0.control().crash(&name.parse().unwrap(), "crashed").unwrap();
    }
    fn write(&self, overlay: &Path, block: u64, bytes: &[u8]) {
        let file = std::fs::File::options().write(true).open(overlay).unwrap();
        file.write_all_at(bytes, block * 4096).unwrap();
    }
}

struct Real;

impl Body for Real {
    fn open(&mut self) -> Box<dyn Driver> {
        let (version, reason) = (String::new(), String::new());
        let tcg = Probe { version, accelerator: Accelerator::Tcg, reason };
        Box::new(Qemu::new(Programs::default(), &tcg))
    }
    fn greeting(&self) -> &'static str {
        HELLO
    }
    fn switch_off(&self, _: &InstanceId) {}
    fn deaf(&self, _: bool) {}
    fn crash(&self, directory: &Path) {
        Process::find(directory).unwrap().unwrap().kill().unwrap();
    }
    fn write(&self, overlay: &Path, block: u64, bytes: &[u8]) {
        let mut from = tempfile::NamedTempFile::new().unwrap();
        from.write_all(bytes).unwrap();
        let command =
            format!("write -s {} {} {}", from.path().display(), block * 4096, bytes.len(),);
        // QEMU's tool takes no commas in a name.
        let folder = overlay.parent().unwrap();
        let mut tool = std::process::Command::new("qemu-io");
        tool.current_dir(folder).args(["-f", "qcow2", "-c", &command, OVERLAY]);
        assert!(tool.output().unwrap().status.success());
    }
}

/// A directory with instances and images, and nothing of it left afterwards.
struct Host(TempDir);

impl Drop for Host {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.instances()).into_iter().flatten().flatten() {
            if let Ok(Some(process)) = Process::find(&entry.path()) {
                drop(process.kill());
            }
        }
    }
}

impl Host {
    fn new() -> Self {
        // Longer than a socket's path may be, and with a comma in it.
        let mut builder = tempfile::Builder::new();
        let host = Self(builder.prefix(&format!("a,{}", "long".repeat(25))).tempdir().unwrap());
        std::fs::create_dir(host.instances()).unwrap();
        host
    }

    fn instances(&self) -> PathBuf {
        self.0.path().join("instances")
    }

    fn launch(&self, number: u32, guest: Guest) -> (Disk, Launch) {
        let instance = InstanceId::from_random(number.to_be_bytes());
        let directory = self.instances().join(instance.as_str());
        std::fs::create_dir(&directory).unwrap();
        let (base, kernel) = (self.0.path().join("disk"), self.0.path().join(format!("k{number}")));
        // A size that is no multiple of anything.
        std::fs::write(&base, vec![b'x'; 100_001]).unwrap();
        std::fs::write(&kernel, kernel_of(guest)).unwrap();
        let overlay = directory.join(OVERLAY);
        let disk = Disk { overlay: overlay.clone(), base, size: 1_000_001 };
        let launch = Launch {
            instance,
            directory,
            cpus: 2,
            memory_mib: 32,
            mac: "d0:0d:00:00:00:01".to_owned(),
            overlay,
            disks: Vec::new(),
            kernel: Some(kernel),
            ramdisk: None,
            card: Card::User(UserCard {
                address: [169, 254, 64, 2].into(),
                gateway: [169, 254, 64, 1].into(),
                metadata: vec!["cat".into()],
                // Whichever is free.
                ssh: 0,
                outside: false,
            }),
        };
        (disk, launch)
    }
}

/// A kernel for the oldest boot protocol: one sector of header, then code that runs in real mode.
fn kernel_of(guest: Guest) -> Vec<u8> {
    let mut code = vec![0xfa]; // cli
    if guest == Guest::Listens {
        // Before it speaks: whoever hears it may press the button at once.
        code.extend([
            0xba, 0x02, 0x06, // mov dx, 0x602     ACPI's events that are wanted
            0xb8, 0x00, 0x01, // mov ax, 0x100     the power button
            0xef, //             out dx, ax
        ]);
    }
    let text = code.len() + 4;
    code.extend([
        0xfc, //             cld
        0x0e, 0x1f, //       push cs; pop ds
        0xbe, 0x00, 0x00, // mov si, text      filled in below
        0xac, //             next: lodsb
        0x84, 0xc0, //       test al, al
        0x74, 0x06, //       jz done
        0xba, 0xf8, 0x03, // mov dx, 0x3f8     the first serial port
        0xee, //             out dx, al
        0xeb, 0xf5, //       jmp next
    ]);
    if guest == Guest::SwitchesOff {
        code.extend([
            0xba, 0x04, 0x06, // mov dx, 0x604     ACPI's power control
            0xb8, 0x00, 0x20, // mov ax, 0x2000    sleep, off
            0xef, //             out dx, ax
        ]);
    }
    if guest == Guest::Listens {
        code.extend([
            0xba, 0x00, 0x06, // mov dx, 0x600     and those that happened
            0xed, //             wait: in ax, dx
            0xf6, 0xc4, 0x01, // test ah, 1
            0x74, 0xfa, //       jz wait
            0xba, 0x04, 0x06, // mov dx, 0x604
            0xb8, 0x00, 0x20, // mov ax, 0x2000
            0xef, //             out dx, ax
        ]);
    }
    code.extend([0xf4, 0xeb, 0xfd]); // hlt; jmp to the hlt
    code[text] = u8::try_from(code.len()).unwrap();
    code.extend(HELLO.bytes());
    code.push(0);
    let mut kernel = vec![0; 1536];
    kernel[0x1f1] = 1; // sectors of code
    kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    kernel[0x200..0x200 + code.len()].copy_from_slice(&code);
    kernel
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|_| panic!("{what}: no end"))
}

async fn until_booted(driver: &dyn Driver, directory: &Path, greeting: &str, times: usize) {
    within("boot", async {
        loop {
            let tail = driver.console(directory).await.unwrap();
            if String::from_utf8_lossy(&tail.bytes).matches(greeting).count() == times {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

async fn until_shown(driver: &dyn Driver, directory: &Path, text: &str) {
    within(text, async {
        loop {
            let tail = driver.console(directory).await.unwrap();
            if String::from_utf8_lossy(&tail.bytes).contains(text) {
                assert!(tail.at.is_some());
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

async fn started(driver: &dyn Driver, host: &Host, number: u32, guest: Guest) -> Launch {
    let (disk, launch) = host.launch(number, guest);
    driver.prepare(&disk).await.unwrap();
    driver.start(&launch).await.unwrap();
    launch
}

async fn starts_and_speaks(body: &mut dyn Body) {
    let host = Host::new();
    let driver = body.open();
    let (disk, launch) = host.launch(1, Guest::Stays);
    assert_eq!(driver.console(&launch.directory).await.unwrap().at, None);
    let begun = Instant::now();
    driver.prepare(&disk).await.unwrap();
    let prepared = begun.elapsed();
    driver.start(&launch).await.unwrap();
    let ours = begun.elapsed();
    until_shown(&*driver, &launch.directory, body.greeting()).await;
    let (name, spoke) = (driver.name(), begun.elapsed());
    say(&format!("{name}: prepared after {prepared:?}, running {ours:?}, heard {spoke:?}"));

    let again = driver.start(&launch).await.unwrap_err();
    assert!(again.to_string().ends_with("it runs already"), "{again}");

    within("kill", driver.kill(&launch.directory)).await.unwrap();
    within("kill again", driver.kill(&launch.directory)).await.unwrap();
    assert_eq!(driver.find(&host.instances()).await.unwrap(), Vec::<PathBuf>::new());
    assert!(Process::find(&launch.directory).unwrap().is_none());
}

async fn tells_how_a_machine_ended(body: &mut dyn Body) {
    let host = Host::new();
    let driver = body.open();
    let off = started(&*driver, &host, 1, Guest::SwitchesOff).await;
    until_shown(&*driver, &off.directory, body.greeting()).await;
    body.switch_off(&off.instance);
    assert_eq!(within("power off", driver.ended(&off.directory)).await, Ended::PoweredOff);
    // Until it is killed it can be told again.
    assert_eq!(driver.find(&host.instances()).await.unwrap(), std::slice::from_ref(&off.directory));
    driver.kill(&off.directory).await.unwrap();
    assert!(driver.find(&host.instances()).await.unwrap().is_empty());

    let killed = started(&*driver, &host, 2, Guest::Stays).await;
    let (ended, kill) =
        tokio::join!(driver.ended(&killed.directory), driver.kill(&killed.directory));
    kill.unwrap();
    assert_eq!(ended, Ended::Killed);

    let lost = started(&*driver, &host, 3, Guest::Stays).await;
    body.crash(&lost.directory);
    assert!(matches!(within("crash", driver.ended(&lost.directory)).await, Ended::Lost(_)));

    // A lost one starts again from what it wrote.
    driver.start(&lost).await.unwrap();
    assert_eq!(
        driver.find(&host.instances()).await.unwrap(),
        std::slice::from_ref(&lost.directory)
    );
    driver.kill(&lost.directory).await.unwrap();
}

async fn adopts_what_outlived_its_agent(body: &mut dyn Body) {
    let host = Host::new();
    let driver = body.open();
    let stays = started(&*driver, &host, 1, Guest::Stays).await;
    until_shown(&*driver, &stays.directory, body.greeting()).await;
    drop(driver);

    let driver = body.open();
    std::fs::create_dir(host.instances().join("i-0000000f")).unwrap();
    std::fs::write(host.instances().join("stray"), "").unwrap();
    assert_eq!(
        driver.find(&host.instances()).await.unwrap(),
        std::slice::from_ref(&stays.directory)
    );
    assert_eq!(
        driver.find(&host.instances()).await.unwrap(),
        std::slice::from_ref(&stays.directory)
    );
    until_shown(&*driver, &stays.directory, body.greeting()).await;
    let (ended, kill) = tokio::join!(driver.ended(&stays.directory), driver.kill(&stays.directory));
    kill.unwrap();
    assert_eq!(ended, Ended::Killed);
    assert!(driver.find(&host.instances()).await.unwrap().is_empty());
}

/// Stopped, started and rebooted are asked, killed and started: what a machine goes through.
async fn asks_guests_to_shut_down(body: &mut dyn Body) {
    let host = Host::new();
    let driver = body.open();
    let launch = started(&*driver, &host, 1, Guest::Listens).await;
    for boots in 1..=3 {
        until_booted(&*driver, &launch.directory, body.greeting(), boots).await;
        let (ended, asked) =
            tokio::join!(driver.ended(&launch.directory), driver.ask_off(&launch.directory));
        asked.unwrap();
        assert_eq!(ended, Ended::PoweredOff);
        driver.kill(&launch.directory).await.unwrap();
        let written = std::fs::read(&launch.overlay).unwrap();
        assert!(driver.ask_off(&launch.directory).await.is_err(), "nobody is there");
        driver.start(&launch).await.unwrap();
        assert_eq!(std::fs::read(&launch.overlay).unwrap().len(), written.len());
    }
    driver.kill(&launch.directory).await.unwrap();

    // One that does not listen stays as it is, and can be killed.
    body.deaf(true);
    let deaf = started(&*driver, &host, 2, Guest::Stays).await;
    until_shown(&*driver, &deaf.directory, body.greeting()).await;
    driver.ask_off(&deaf.directory).await.unwrap();
    driver.ask_off(&deaf.directory).await.unwrap();
    let found = driver.find(&host.instances()).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&deaf.directory));
    let (ended, kill) = tokio::join!(driver.ended(&deaf.directory), driver.kill(&deaf.directory));
    kill.unwrap();
    assert_eq!(ended, Ended::Killed);
}

async fn leaves_nothing_of_a_failed_start(body: &mut dyn Body) {
    let host = Host::new();
    let driver = body.open();
    let (disk, launch) = host.launch(1, Guest::Stays);
    let missing = Disk { base: host.0.path().join("missing"), ..disk.clone() };
    assert!(driver.prepare(&missing).await.is_err());
    assert!(!disk.overlay.exists());
    driver.prepare(&disk).await.unwrap();
    let before = std::fs::read(&disk.overlay).unwrap();
    driver.prepare(&disk).await.unwrap();
    assert_eq!(std::fs::read(&disk.overlay).unwrap(), before, "a disk is made once");
    assert!(matches!(driver.ended(&launch.directory).await, Ended::Lost(_)));
}

/// The whole disk, as its copy and its image say.
fn composed(driver: &dyn Driver, disk: &Disk) -> Vec<u8> {
    let copy = disk.overlay.with_file_name(COPY);
    let mut layer = driver.open_copy(&copy).unwrap();
    let mut bytes = std::fs::read(&disk.base).unwrap();
    bytes.resize(usize::try_from(disk.size).unwrap(), 0);
    let mut at = 0;
    while at < bytes.len() {
        let (place, length) = layer.place(at as u64).unwrap();
        let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(at).min(bytes.len());
        match place {
            Place::Below => {}
            Place::Zero => bytes[at..end].fill(0),
            Place::At(from) => layer.file().read_exact_at(&mut bytes[at..end], from).unwrap(),
        }
        at = end;
    }
    bytes
}

async fn until_there(path: &Path) {
    while !path.exists() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn copies_the_disk_of_a_machine(body: &mut dyn Body) {
    let host = Host::new();
    let driver = body.open();
    let (disk, launch) = host.launch(1, Guest::Listens);
    // Whole blocks: what a guest sees.
    let disk = Disk { size: 1_003_520, ..disk };
    driver.prepare(&disk).await.unwrap();
    body.write(&disk.overlay, 3, &[b'y'; 8192]);
    body.write(&disk.overlay, 200, &[b'z'; 4096]);
    let mut expected = std::fs::read(&disk.base).unwrap();
    expected.resize(usize::try_from(disk.size).unwrap(), 0);
    expected[3 * 4096..5 * 4096].fill(b'y');
    expected[200 * 4096..201 * 4096].fill(b'z');
    let copy = launch.directory.join(COPY);
    let done = watch::Sender::new(0);

    let rest = within("copy off", driver.copy(&disk, &done)).await.unwrap();
    assert_eq!((rest, composed(&*driver, &disk) == expected), (Rest::Off, true));
    driver.uncopy(&launch.directory).await.unwrap();
    driver.uncopy(&launch.directory).await.unwrap();
    assert!(!copy.exists());

    driver.start(&launch).await.unwrap();
    until_booted(&*driver, &launch.directory, body.greeting(), 1).await;
    for _ in 0..2 {
        let rest = within("copy live", driver.copy(&disk, &done)).await.unwrap();
        assert_eq!((rest, composed(&*driver, &disk) == expected), (Rest::Paused, true));
        driver.uncopy(&launch.directory).await.unwrap();
    }
    // Given up at once, and again by an agent that finds it half-way. QEMU speaks with one only.
    drop(driver);
    for adopted in [false, true] {
        let driver = body.open();
        assert_eq!(driver.find(&host.instances()).await.unwrap().len(), 1);
        tokio::select! {
            biased;
            copied = driver.copy(&disk, &done) => drop(copied.unwrap()),
            () = until_there(&copy) => {}
        }
        let driver = if adopted {
            drop(driver);
            let driver = body.open();
            assert_eq!(driver.find(&host.instances()).await.unwrap().len(), 1);
            driver
        } else {
            driver
        };
        within("give up", driver.uncopy(&launch.directory)).await.unwrap();
        assert!(!copy.exists());
        within("copy again", driver.copy(&disk, &done)).await.unwrap();
        assert!(composed(&*driver, &disk) == expected);
        driver.uncopy(&launch.directory).await.unwrap();
        // It goes on: it hears what it is asked.
        if adopted {
            let (ended, asked) =
                tokio::join!(driver.ended(&launch.directory), driver.ask_off(&launch.directory));
            asked.unwrap();
            assert_eq!(ended, Ended::PoweredOff);
            assert!(driver.copy(&disk, &done).await.is_err(), "it is just ending");
            driver.uncopy(&launch.directory).await.unwrap();
            driver.kill(&launch.directory).await.unwrap();
            driver.uncopy(&launch.directory).await.unwrap();
            assert_eq!(driver.copy(&disk, &done).await.unwrap(), Rest::Off);
            assert!(composed(&*driver, &disk) == expected);
        }
    }
}

#[expect(clippy::print_stderr, reason = "for whoever measures: cargo test -- --nocapture")]
fn say(text: &str) {
    eprintln!("{text}");
}

fn both(test: impl AsyncFn(&mut dyn Body)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        test(&mut Played::default()).await;
        if with_qemu() {
            test(&mut Real).await;
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "the switch of a test, not configuration")]
fn with_qemu() -> bool {
    std::env::var("EUCALYPT_TEST_QEMU").is_ok_and(|value| value == "1")
}

#[test]
fn a_machine_starts_speaks_and_is_killed() {
    both(starts_and_speaks);
}

#[test]
fn how_a_machine_ended_is_told() {
    both(tells_how_a_machine_ended);
}

#[test]
fn a_new_agent_adopts_what_runs() {
    both(adopts_what_outlived_its_agent);
}

#[test]
fn a_guest_is_asked_to_shut_down_and_starts_again() {
    both(asks_guests_to_shut_down);
}

#[test]
fn a_disk_is_copied_while_its_guest_goes_on() {
    both(copies_the_disk_of_a_machine);
}

#[test]
fn a_failed_start_leaves_nothing() {
    both(leaves_nothing_of_a_failed_start);
}

#[tokio::test]
async fn a_played_machine_is_moved_by_hand() {
    let host = Host::new();
    let sim = Sim::new(SimMode::ByHand);
    let control = sim.control();
    let (disk, launch) = host.launch(1, Guest::Stays);
    let id = launch.instance.clone();

    control.fail_next(SimStep::Prepare, "no room");
    control.fail_next(SimStep::Start, "no luck");
    assert!(sim.prepare(&disk).await.unwrap_err().to_string().ends_with("no room"));
    sim.prepare(&disk).await.unwrap();
    assert!(sim.start(&launch).await.unwrap_err().to_string().ends_with("no luck"));

    assert!(!control.release(&id));
    assert!(control.print(&id, "x").is_err());
    let (result, ()) = tokio::join!(sim.start(&launch), async {
        while !control.release(&id) {
            tokio::task::yield_now().await;
        }
    });
    result.unwrap();
    control.print(&id, "by hand").unwrap();
    until_shown(&sim, &launch.directory, "by hand").await;

    // What happens while no agent is there is known to the next one.
    control.power_off(&id).unwrap();
    let sim = Sim::new(SimMode::Automatic);
    assert_eq!(sim.find(&host.instances()).await.unwrap(), std::slice::from_ref(&launch.directory));
    assert_eq!(sim.ended(&launch.directory).await, Ended::PoweredOff);
}

#[tokio::test]
async fn qemu_says_why_it_does_not_start() {
    if !with_qemu() {
        return;
    }
    let host = Host::new();
    let driver = Real.open();
    let (disk, launch) = host.launch(1, Guest::Stays);
    driver.prepare(&disk).await.unwrap();
    let tap = Card::Tap { name: "no-such-tap/x".to_owned() };
    for (launch, expected) in [
        (Launch { kernel: Some(PathBuf::from("/nonexistent")), ..launch.clone() }, "/nonexistent"),
        (Launch { overlay: PathBuf::from("/nonexistent"), ..launch.clone() }, "/nonexistent"),
        (Launch { card: tap, ..launch.clone() }, "tap"),
    ] {
        // What the program said, and not that it was waited for in vain.
        let error = driver.start(&launch).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(Process::find(&launch.directory).unwrap().is_none());
    }
}

#[tokio::test]
async fn a_guest_that_switched_off_unseen_is_told_from_a_crash() {
    if !with_qemu() {
        return;
    }
    let host = Host::new();
    let driver = Real.open();
    let launch = started(&*driver, &host, 1, Guest::SwitchesOff).await;
    // The driver goes before its guest has spoken.
    drop(driver);
    let driver = Real.open();
    until_shown(&*driver, &launch.directory, HELLO).await;
    assert_eq!(
        driver.find(&host.instances()).await.unwrap(),
        std::slice::from_ref(&launch.directory)
    );
    assert_eq!(within("power off", driver.ended(&launch.directory)).await, Ended::PoweredOff);
}

#[tokio::test]
async fn a_guest_that_was_paused_for_a_copy_goes_on() {
    if !with_qemu() {
        return;
    }
    let host = Host::new();
    let driver = Real.open();
    let launch = started(&*driver, &host, 1, Guest::Listens).await;
    until_shown(&*driver, &launch.directory, HELLO).await;
    drop(driver);
    // An agent dies between the pause and its end.
    let (qmp, _events) = Qmp::connect(&launch.directory).await.unwrap();
    qmp.run("stop", None).await.unwrap();
    assert_eq!(qmp.status().await.unwrap(), "paused");
    drop((qmp, _events));
    let driver = Real.open();
    assert_eq!(driver.find(&host.instances()).await.unwrap().len(), 1);
    driver.uncopy(&launch.directory).await.unwrap();
    let (ended, asked) =
        tokio::join!(driver.ended(&launch.directory), driver.ask_off(&launch.directory));
    asked.unwrap();
    assert_eq!(ended, Ended::PoweredOff, "it heard what it was asked");
    driver.kill(&launch.directory).await.unwrap();
}

/// A tap of its own, gone afterwards.
struct Tap(String);

impl Tap {
    fn new() -> Self {
        let tap = Self(format!("ectest{}", std::process::id()));
        tap.ip(&["tuntap", "add", "mode", "tap", "dev", &tap.0]);
        tap.ip(&["link", "set", &tap.0, "up"]);
        tap
    }

    fn ip(&self, args: &[&str]) {
        assert!(std::process::Command::new("ip").args(args).status().unwrap().success());
    }

    fn plugged(&self) -> bool {
        let carrier = std::fs::read_to_string(format!("/sys/class/net/{}/carrier", self.0));
        carrier.unwrap().trim() == "1"
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.ip(&["link", "del", &self.0]);
    }
}

#[tokio::test]
async fn a_card_is_plugged_into_its_tap() {
    if !with_qemu() {
        return;
    }
    let (host, tap) = (Host::new(), Tap::new());
    let driver = Real.open();
    let (disk, launch) = host.launch(1, Guest::Stays);
    let launch = Launch { card: Card::Tap { name: tap.0.clone() }, ..launch };
    driver.prepare(&disk).await.unwrap();
    assert!(!tap.plugged());
    driver.start(&launch).await.unwrap();
    assert!(tap.plugged());
    until_shown(&*driver, &launch.directory, HELLO).await;
    driver.kill(&launch.directory).await.unwrap();
    assert!(!tap.plugged());
}

#[tokio::test]
async fn the_probe_chooses_what_works() {
    if !with_qemu() {
        return;
    }
    let host = Host::new();
    let begun = Instant::now();
    let found = probe(&Programs::default(), host.0.path()).await.unwrap();
    say(&format!("{found} ({:?})", begun.elapsed()));
    assert!(found.version.contains("QEMU"), "{}", found.version);
    assert!(!found.reason.is_empty());
    let absent = Programs { qemu_img: PathBuf::from("/nonexistent"), ..Programs::default() };
    let error = probe(&absent, host.0.path()).await.unwrap_err();
    assert!(matches!(error, DriverError::Absent { program: "qemu-img", .. }), "{error}");
}
