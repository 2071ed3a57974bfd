//! Keeps one dnsmasq running that tells every guest its address.
//!
//! The truth is the reservations, one small file per tap; dnsmasq keeps no leases, so none can
//! contradict an instance that got the address of an ended one. New files it reads at once, by
//! inotify; what it has read it forgets only when it starts anew, so giving a reservation back
//! restarts it, which takes milliseconds and no guest notices. A dnsmasq that dies is started
//! again, each time a little later; one that an agent left behind is found by its pid file, looked
//! at, and replaced.
//!
//! Its files lie in the run directory, where its own unprivileged user can read them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use common::wire::node::Subnet;
use runtime::pool;
use runtime::shutdown::Shutdown;
use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::METADATA_ADDRESS;
use super::names::Names;
use super::wanted::Port;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Whoever has lived so long did not die of what killed it before.
const STEADY: Duration = Duration::from_secs(60);
const START_LIMIT: Duration = Duration::from_secs(5);
const LINE_LIMIT: u64 = 64 << 10;

/// Why dnsmasq does not serve.
#[derive(Debug, Error)]
pub enum DhcpError {
    /// One of its files cannot be used.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// It does not start.
    #[error("dnsmasq does not start: {0}")]
    Start(String),
}

/// What dnsmasq is told.
#[derive(Debug, Clone)]
pub struct DhcpSettings {
    /// The program.
    pub program: PathBuf,
    /// The directory for its files, made if absent.
    pub directory: PathBuf,
    /// The agent's names.
    pub names: Names,
    /// The guests' network.
    pub subnet: Subnet,
    /// The resolvers that guests are told; none: they are told none.
    pub dns: Vec<Ipv4Addr>,
}

/// A dnsmasq that is kept running.
#[derive(Debug)]
pub struct Dhcp {
    hosts: PathBuf,
    directory: PathBuf,
    restart: Arc<Notify>,
    stop: Shutdown,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Dhcp {
    /// Writes its files, replaces a dnsmasq that was left behind, and starts one.
    ///
    /// # Errors
    /// If a file cannot be written, or dnsmasq refuses to run.
    pub async fn start(
        settings: DhcpSettings,
        reservations: BTreeMap<String, Port>,
    ) -> Result<Arc<Self>, DhcpError> {
        let directory = settings.directory.clone();
        let written = pool::block(move || write_all(&settings, &reservations).map(|()| settings));
        let settings = written.await.map_err(|broken| DhcpError::Start(broken.to_string()))??;
        let (program, place) = (settings.program.clone(), directory.clone());
        let started = pool::run(async move {
            replace_old(&place).await;
            spawn(&program, &place).await
        });
        let child = started.await.map_err(|broken| DhcpError::Start(broken.to_string()))??;
        let (restart, stop) = (Arc::new(Notify::new()), Shutdown::default());
        let keeper = Keeper {
            program: settings.program,
            directory: directory.clone(),
            restart: Arc::clone(&restart),
            stop: stop.clone(),
        };
        let keeper = Mutex::new(Some(pool::spawn(keeper.keep(child))));
        Ok(Arc::new(Self { hosts: directory.join("hosts"), directory, restart, stop, keeper }))
    }

    /// Reserves an address for a card. Blocking.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn reserve(&self, tap: &str, port: &Port) -> Result<(), DhcpError> {
        let path = self.hosts.join(tap);
        let line = reservation(port);
        let before = std::fs::read_to_string(&path).ok();
        if before.as_deref() == Some(&line) {
            return Ok(());
        }
        write(&path, &line)?;
        if before.is_some() {
            self.restart.notify_one();
        }
        Ok(())
    }

    /// Gives a reservation back. Blocking.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn release(&self, tap: &str) -> Result<(), DhcpError> {
        let path = self.hosts.join(tap);
        match std::fs::remove_file(&path) {
            Ok(()) => self.restart.notify_one(),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
            Err(why) => return Err(DhcpError::File { path, why }),
        }
        Ok(())
    }

    /// Ends dnsmasq. What guests were told stays good for hours.
    pub async fn stop(&self) {
        self.stop.raise();
        if let Some(keeper) = self.keeper.lock().await.take() {
            drop(keeper.await);
        }
    }

    /// Removes its files. Blocking; after [`Dhcp::stop`].
    pub fn remove_files(&self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// What dnsmasq reads at its start.
fn configuration(settings: &DhcpSettings) -> String {
    let (holder, taps) = (settings.names.holder(), settings.names.tap_prefix());
    let (subnet, gateway) = (settings.subnet, settings.subnet.gateway());
    let mask = Ipv4Addr::from(u32::MAX << (32 - u32::from(subnet.prefix)));
    let directory = settings.directory.display();
    // No server of an option's name switches the option off.
    let dns = settings.dns.iter().map(|server| format!(",{server}")).collect::<String>();
    // The pattern among the interfaces keeps dnsmasq from binding its socket to the holder alone.
    format!(
        "# Written by node-agent at each start.\n\
         port=0\n\
         no-ping\n\
         bind-dynamic\n\
         interface={holder}\n\
         interface={taps}*\n\
         except-interface=lo\n\
         bridge-interface={holder},{taps}*\n\
         leasefile-ro\n\
         dhcp-authoritative\n\
         dhcp-range={},static,{mask},24h\n\
         dhcp-hostsdir={directory}/hosts\n\
         dhcp-option=option:router,{gateway}\n\
         dhcp-option=option:classless-static-route,0.0.0.0/0,{gateway},{METADATA_ADDRESS}/32,{gateway}\n\
         dhcp-option=option:dns-server{dns}\n\
         log-facility=-\n\
         pid-file={directory}/dnsmasq.pid\n",
        subnet.network,
    )
}

fn reservation(port: &Port) -> String {
    format!("{},{}\n", port.mac, port.address)
}

fn write(path: &Path, text: &str) -> Result<(), DhcpError> {
    std::fs::write(path, text).map_err(|why| DhcpError::File { path: path.to_owned(), why })
}

fn write_all(
    settings: &DhcpSettings,
    reservations: &BTreeMap<String, Port>,
) -> Result<(), DhcpError> {
    let hosts = settings.directory.join("hosts");
    let file = |why| DhcpError::File { path: hosts.clone(), why };
    if hosts.exists() {
        std::fs::remove_dir_all(&hosts).map_err(file)?;
    }
    std::fs::create_dir_all(&hosts).map_err(file)?;
    for directory in [&settings.directory, &hosts] {
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(directory, open).map_err(file)?;
    }
    write(&settings.directory.join("dnsmasq.conf"), &configuration(settings))?;
    reservations.iter().try_for_each(|(tap, port)| write(&hosts.join(tap), &reservation(port)))
}

/// Keeps one running until told to stop.
struct Keeper {
    program: PathBuf,
    directory: PathBuf,
    restart: Arc<Notify>,
    stop: Shutdown,
}

impl Keeper {
    async fn keep(self, first: Child) {
        let mut running = Some(first);
        let mut pause = FIRST_PAUSE;
        loop {
            let began = tokio::time::Instant::now();
            if let Some(child) = running.take() {
                let Some(why) = self.watch(child).await else { return };
                if let Why::Died(how) = why {
                    tracing::warn!(how, "dnsmasq died: starting it again");
                    pause = if began.elapsed() > STEADY { FIRST_PAUSE } else { pause };
                    if !self.rest(&mut pause).await {
                        return;
                    }
                }
            }
            match spawn(&self.program, &self.directory).await {
                Ok(child) => running = Some(child),
                Err(error) => {
                    tracing::error!(%error, "guests get no addresses: trying again");
                    if !self.rest(&mut pause).await {
                        return;
                    }
                }
            }
        }
    }

    /// Waits a little longer each time; `false`: it is over.
    async fn rest(&self, pause: &mut Duration) -> bool {
        let wait = *pause;
        *pause = (wait * 2).min(LONGEST_PAUSE);
        tokio::select! { () = sleep(wait) => true, () = self.stop.raised() => false }
    }

    /// Waits until a dnsmasq has ended; `None`: because all is over.
    async fn watch(&self, mut child: Child) -> Option<Why> {
        let why = tokio::select! {
            status = child.wait() => {
                let how = status.map_or_else(|error| error.to_string(), |s| s.to_string());
                return Some(Why::Died(how));
            }
            () = self.restart.notified() => Some(Why::Restart),
            () = self.stop.raised() => None,
        };
        if let Err(error) = child.kill().await {
            tracing::warn!(%error, "dnsmasq cannot be ended");
        }
        why
    }
}

enum Why {
    Restart,
    Died(String),
}

/// Starts a dnsmasq and returns when it serves.
async fn spawn(program: &Path, directory: &Path) -> Result<Child, DhcpError> {
    let fail = |why: std::io::Error| DhcpError::Start(why.to_string());
    let mut child = Command::new(program)
        .arg("--keep-in-foreground")
        .arg(argument(directory))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    let pid = child.id().map(|pid| pid.to_string());
    let last = Arc::new(std::sync::Mutex::new(String::new()));
    if let Some(stderr) = child.stderr.take() {
        let last = Arc::clone(&last);
        pool::spawn(async move {
            let mut lines = BufReader::new(stderr);
            let mut line = Vec::new();
            // Whoever prints one endless line is cut, not believed.
            while (&mut lines)
                .take(LINE_LIMIT)
                .read_until(b'\n', &mut line)
                .await
                .is_ok_and(|n| n > 0)
            {
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                tracing::debug!(target: "dnsmasq", "{text}");
                *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = text;
                line.clear();
            }
        });
    }
    let pid_file = directory.join("dnsmasq.pid");
    let serving = async {
        // It writes its pid when its sockets are open and its files are read.
        while tokio::fs::read_to_string(&pid_file).await.ok().map(|text| text.trim().to_owned())
            != pid
        {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::select! {
        () = serving => return Ok(child),
        status = child.wait() => status.map_or_else(|error| error.to_string(), |s| s.to_string()),
        () = sleep(START_LIMIT) => "it does not come up".to_owned(),
    };
    drop(child.kill().await);
    let last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    Err(DhcpError::Start(if last.is_empty() { ended } else { last }))
}

fn argument(directory: &Path) -> String {
    format!("--conf-file={}/dnsmasq.conf", directory.display())
}

/// Ends the dnsmasq of an agent that was killed: the pid file says which, its command line
/// whether it still is one of ours.
async fn replace_old(directory: &Path) {
    let Ok(text) = tokio::fs::read_to_string(directory.join("dnsmasq.pid")).await else { return };
    let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) else { return };
    let command_line = PathBuf::from(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    let wanted = argument(directory);
    if !is_running(&command_line, &wanted).await {
        return;
    }
    tracing::info!(pid = pid.as_raw_nonzero(), "replacing the dnsmasq of an earlier agent");
    if let Err(error) = kill_process(pid, Signal::KILL) {
        tracing::warn!(%error, "the dnsmasq of an earlier agent cannot be ended");
    }
    let gone = async {
        while is_running(&command_line, &wanted).await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    drop(timeout(START_LIMIT, gone).await);
}

/// A process that has ended and that nobody has asked about has no command line any more.
async fn is_running(command_line: &Path, argument: &str) -> bool {
    let line = tokio::fs::read(command_line).await;
    line.is_ok_and(|line| line.split(|b| *b == 0).any(|word| word == argument.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dns: Vec<Ipv4Addr>) -> DhcpSettings {
        DhcpSettings {
            program: PathBuf::from("/usr/sbin/dnsmasq"),
            directory: PathBuf::from("/run/x"),
            names: Names::new("node-1"),
            subnet: Subnet { network: Ipv4Addr::new(10, 7, 0, 0), prefix: 20 },
            dns,
        }
    }

    #[test]
    fn dnsmasq_is_told_one_range_and_no_leases() {
        let text = configuration(&settings(vec![]));
        for line in [
            "dhcp-range=10.7.0.0,static,255.255.240.0,24h",
            "dhcp-option=option:router,10.7.0.1",
            "dhcp-option=option:dns-server",
            "leasefile-ro",
            "port=0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        let text = configuration(&settings(vec![[1, 1, 1, 1].into(), [9, 9, 9, 9].into()]));
        assert!(text.contains("dns-server,1.1.1.1,9.9.9.9\n"));
    }

    #[test]
    fn reservations_are_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(vec![]);
        settings.directory = folder.path().join("a/b");
        let port = Port { mac: "d0:0d:00:00:00:01".into(), address: [10, 7, 0, 5].into() };
        let all = BTreeMap::from([("tap-a".to_owned(), port)]);
        write_all(&settings, &all).unwrap();
        write_all(&settings, &BTreeMap::new()).unwrap();
        assert!(!settings.directory.join("hosts/tap-a").exists());
        write_all(&settings, &all).unwrap();
        let text = std::fs::read_to_string(settings.directory.join("hosts/tap-a")).unwrap();
        assert_eq!(text, "d0:0d:00:00:00:01,10.7.0.5\n");
    }
}
