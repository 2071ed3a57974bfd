//! Instances and the launches they came from.
//!
//! An instance is a wish and what was last seen of it; the reconciler makes the one the other.
//!
//! ```text
//!   wanted running:     pending ──▶ running ◀──────────────┐ (after pending)
//!                          │           │  stop, or its guest │ start
//!                          │           ▼                     │
//!   wanted stopped:        │        stopping ──▶ stopped ────┘
//!                          │           │            │
//!                          ▼           ▼            ▼
//!   wanted terminated:  shutting-down ──▶ terminated ──▶ (no record, an hour later)
//! ```
//!
//! A stopped instance keeps its disk, its node and its address; its processors and memory are
//! anybody's until it is started.

use std::net::Ipv4Addr;
use std::time::Duration;

use common::id::{AccountId, ImageId, InstanceId, ReservationId};
use common::time::Timestamp;
use common::user_data::UserData;
use common::wire::spec::{
    ImageRef, MetadataOptions, OnShutdown, Power, PowerSpec, PublicKey, Purpose,
};
use serde::{Deserialize, Serialize};

use super::record::record;

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// The launch it came from.
    pub reservation: ReservationId,
    /// Its number in that launch, from 0.
    pub index: u32,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner wants.
    pub wanted: Wanted,
    /// What was last seen of it.
    pub seen: SeenState,
    /// Since when it is seen so.
    pub since: Timestamp,
    /// Why it is in its state: why it ended, why it is stopped, what holds it up while it is
    /// pending.
    pub reason: Option<Reason>,
    /// Who brought it into its state, and when, for people.
    #[serde(default)]
    pub transition: Option<String>,
    /// Counts changes of the wish.
    pub generation: u64,
    /// The node it was placed on.
    pub node: String,
    /// That node's zone.
    pub zone: String,
    /// Whether the node may have heard of it. Set before it is told, so that a crash in between
    /// never leaves a machine that nobody remembers.
    pub told: bool,
    /// Since when the node answers but does not know it, though it was told.
    pub missing_since: Option<Timestamp>,
    /// Its address in the node's subnet.
    pub address: Ipv4Addr,
    /// Its card's address.
    pub mac: String,
    /// Its machine image.
    pub image: ImageId,
    /// The kernel it boots; none, if its disk boots by itself.
    pub kernel: Option<ImageId>,
    /// The ramdisk it boots.
    pub ramdisk: Option<ImageId>,
    /// Product codes of the image.
    pub product_codes: Vec<String>,
    /// The image's root device.
    pub root_device: String,
    /// The image's architecture.
    pub architecture: String,
    /// Its type.
    pub instance_type: String,
    /// Virtual processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disk in MiB: its further disks, and the root, which has the rest.
    pub disk_mib: u64,
    /// Its further disks, as its guest sees them after the root.
    #[serde(default)]
    pub disks: Vec<MappedDisk>,
    /// Virtual names and devices, as image and launch say together. `None`: it was launched before
    /// they were heeded, and its image says it.
    #[serde(default)]
    pub mapping: Option<Vec<(String, String)>>,
    /// The key pair as it was at the launch.
    pub key: Option<PublicKey>,
    /// Names of its security groups.
    pub groups: Vec<String>,
    /// When it was launched.
    pub launched: Timestamp,
    /// When it was started last after it had been stopped.
    #[serde(default)]
    pub started: Option<Timestamp>,
    /// The token of its launch.
    pub client_token: Option<String>,
    /// Its guest was seen running once: its disk may be the only copy of something.
    #[serde(default)]
    pub ran: bool,
    /// It is stopped, or shall be, without its guest being asked.
    #[serde(default)]
    pub forced: bool,
    /// How often it was to be rebooted.
    #[serde(default)]
    pub reboots: u64,
    /// What happens when its guest switches it off. Before this could be chosen it ended.
    #[serde(default)]
    pub on_shutdown: OnShutdown,
    /// TerminateInstances is refused.
    #[serde(default)]
    pub protected: bool,
    /// What its owner gave it along.
    #[serde(default)]
    pub user_data: Option<UserData>,
    /// Its images as the node was told them: with them it starts again even when nobody else has
    /// them any more.
    #[serde(default)]
    pub images: Vec<ImageRef>,
    /// Nobody named a kernel, and whether the image needs one was not known at the launch: its
    /// kernel and ramdisk are the cloud's default, and are dropped if it turns out a whole disk.
    #[serde(default)]
    pub default_boot: bool,
    /// How it may ask for its metadata.
    #[serde(default)]
    pub options: MetadataOptions,
    /// Who launched it, `user/NAME` or `role/NAME` in lower case; empty of before that was noted.
    #[serde(default)]
    pub maker: String,
    /// Its instance profile.
    #[serde(default)]
    pub profile: Option<Association>,
    /// Counts profiles that it was given and that were taken away.
    #[serde(default)]
    pub profile_revision: u64,
    /// When it ran lately, before it was seen as it is: for whoever adds up what is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
}

/// A time that an instance ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// From when on it was seen running.
    pub from: Timestamp,
    /// When it was seen otherwise.
    pub until: Timestamp,
}

/// How many runs are remembered, and for how long; they are added up every few minutes.
const RUNS: usize = 64;
const RUNS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// An instance's instance profile, as it was when it got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// `iip-assoc-…`.
    pub id: String,
    /// The profile's ARN.
    pub arn: String,
    /// `AIPA…`: another profile of the same name is another.
    pub profile: String,
    /// The profile's name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

record!(Instance, "instance", |it| it.id.to_string());

/// A disk beside the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedDisk {
    /// What it is for.
    pub purpose: Purpose,
    /// The device that its mapping names; the guest sees it by another name.
    pub device: String,
    /// Its size in MiB.
    pub mib: u64,
}

/// What the owner wants of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// That it runs.
    Running,
    /// That it is off and keeps its disk.
    Stopped,
    /// That nothing is left of it.
    Terminated,
}

/// What was last seen of an instance: the states of EC2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeenState {
    /// It does not run yet.
    Pending,
    /// Its guest runs.
    Running,
    /// It is being ended.
    ShuttingDown,
    /// Nothing is left of it.
    Terminated,
    /// It is being switched off.
    Stopping,
    /// It is off, and its disk is there.
    Stopped,
}

impl SeenState {
    /// EC2's number and name.
    pub fn ec2(self) -> (u16, &'static str) {
        match self {
            Self::Pending => (0, "pending"),
            Self::Running => (16, "running"),
            Self::ShuttingDown => (32, "shutting-down"),
            Self::Terminated => (48, "terminated"),
            Self::Stopping => (64, "stopping"),
            Self::Stopped => (80, "stopped"),
        }
    }
}

/// Why an instance is in its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// EC2's code, `Client.UserInitiatedShutdown`.
    pub code: String,
    /// A sentence.
    pub text: String,
}

impl Reason {
    /// Its owner ended or stopped it.
    pub fn by_user() -> Self {
        Self::new("Client.UserInitiatedShutdown", "User initiated shutdown")
    }

    /// A reason of this code.
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: text.into() }
    }
}

impl Instance {
    /// Whether it holds a place on its node.
    pub fn lives(&self) -> bool {
        self.seen != SeenState::Terminated
    }

    /// Its root disk in MiB.
    pub fn root_mib(&self) -> u64 {
        self.disks.iter().fold(self.disk_mib, |left, disk| left.saturating_sub(disk.mib))
    }

    /// How it is virtualized, by EC2's name: by a kernel from outside, or a disk that boots itself.
    pub fn virtualization(&self) -> &'static str {
        if self.kernel.is_some() { "paravirtual" } else { "hvm" }
    }

    /// Wishes it ended. Says whether that is news.
    pub fn end(&mut self, reason: Reason, now: Timestamp) -> bool {
        if self.wanted == Wanted::Terminated {
            return false;
        }
        self.wanted = Wanted::Terminated;
        self.generation += 1;
        self.reason = Some(reason);
        if self.lives() {
            self.see(SeenState::ShuttingDown, now);
        }
        true
    }

    /// Wishes it stopped. Says whether that is news.
    pub fn stop(&mut self, reason: Reason, force: bool, now: Timestamp) -> bool {
        let more = force && !self.forced && self.seen == SeenState::Stopping;
        match self.wanted {
            Wanted::Terminated => return false,
            Wanted::Stopped if !more => return false,
            Wanted::Stopped | Wanted::Running => {}
        }
        self.wanted = Wanted::Stopped;
        self.forced = force;
        self.generation += 1;
        self.reason = Some(reason);
        self.see(SeenState::Stopping, now);
        true
    }

    /// Wishes one that is stopped to run again. Says whether that is news.
    pub fn start(&mut self, now: Timestamp) -> bool {
        if self.wanted != Wanted::Stopped || self.seen != SeenState::Stopped {
            return false;
        }
        self.wanted = Wanted::Running;
        self.forced = false;
        self.generation += 1;
        (self.reason, self.transition) = (None, None);
        self.started = Some(now);
        // A start is given up by nobody but its owner: there is a disk.
        self.ran = true;
        self.see(SeenState::Pending, now);
        true
    }

    /// When it was launched, or started last.
    pub fn launch_time(&self) -> Timestamp {
        self.started.unwrap_or(self.launched)
    }

    /// What its node is told of whether it is on.
    pub fn power(&self) -> PowerSpec {
        let wanted = match self.wanted {
            Wanted::Stopped if self.forced => Power::ForcedOff,
            Wanted::Stopped => Power::Off,
            Wanted::Running | Wanted::Terminated => Power::On,
        };
        PowerSpec { wanted, reboots: self.reboots, on_shutdown: self.on_shutdown }
    }

    /// Gives it another profile, or none.
    pub fn associate(&mut self, association: Option<Association>) {
        self.profile = association;
        self.profile_revision += 1;
    }

    /// Notes what was seen.
    pub fn see(&mut self, state: SeenState, now: Timestamp) {
        if self.seen != state {
            if self.seen == SeenState::Running {
                let until = now.max(self.since);
                self.runs.push(Run { from: self.since, until });
                self.runs.retain(|run| now.since(run.until) <= RUNS_KEPT);
                let many = self.runs.len().saturating_sub(RUNS);
                self.runs.drain(..many);
            }
            self.seen = state;
            self.since = now;
        }
    }

    /// How long it ran from a moment to another, in milliseconds.
    pub fn ran_within(&self, from: Timestamp, until: Timestamp) -> u64 {
        let running = self.seen == SeenState::Running;
        let now = running.then_some(Run { from: self.since, until });
        let within = |run: &Run| {
            let span = run.until.min(until).since(run.from.max(from));
            u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
        };
        self.runs.iter().chain(now.iter()).map(within).sum()
    }
}

/// A launch that bore a client token: asked for again, it is answered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Whose it is.
    pub account: AccountId,
    /// The token.
    pub token: String,
    /// SHA-256 over the parameters, lower-case hex.
    pub parameters: String,
    /// What it made.
    pub reservation: ReservationId,
    /// The instances it made.
    pub instances: Vec<InstanceId>,
    /// Security groups of the launch.
    pub groups: Vec<String>,
    /// When.
    pub at: Timestamp,
}

record!(Launch, "launch", |it| Launch::key_of(&it.account, &it.token));

impl Launch {
    /// The key of an account's launch with that token.
    pub fn key_of(account: &AccountId, token: &str) -> String {
        format!("{account}/{token}")
    }
}
