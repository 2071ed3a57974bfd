//! Copies the overlay of a machine while its guest goes on.
//!
//! ```text
//!   empty copy ── node added ── held or paused ── job begun ── let go ── job done ── node removed
//!                              └───────── one window, never left half-way ────┘
//! ```
//! The copy is what the overlay held at the moment when the job began: before the guest writes
//! over a cluster that is not copied yet, QEMU copies it. Only what the guest has written is
//! copied; the image below never changes and is not touched. The window runs to its end whoever
//! stops waiting for it, so that no guest stays held or paused; an agent that dies within it is
//! followed by one that calls [`undo`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::wire::bundling::Rest;
use runtime::pool;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use super::guest::Guest;
use super::qmp::{Qmp, QmpError};
use crate::hypervisor::error::DriverError;
use crate::hypervisor::layer::COPY;

/// What the job and the copy's node are called in QEMU.
const NAME: &str = "copy";

/// How long QEMU may take for one command. A pause waits for what the guest has given to the disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How often a guest's agent is asked to let its file systems go.
const THAWS: u32 = 3;

/// A machine whose overlay is copied.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// Speaks with it.
    pub(super) qmp: Arc<Qmp>,
    /// Held by whoever holds or pauses its guest.
    pub(super) still: Arc<Mutex<()>>,
}

/// Copies to [`COPY`] in the machine's directory, where an empty copy stands.
pub(super) async fn take(
    subject: &Subject,
    directory: &Path,
    done: &watch::Sender<u8>,
) -> Result<Rest, DriverError> {
    let failed = |why: &dyn std::fmt::Display| {
        DriverError::refused(format!("copying the disk in {}", directory.display()), why)
    };
    let (begun, at) = (subject.clone(), directory.to_owned());
    let window = pool::run(async move {
        let _still = begun.still.lock().await;
        begin(&begun.qmp, &at).await
    });
    let rest = window.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    loop {
        let job = job(&subject.qmp).await.map_err(|error| failed(&error))?;
        let Some(job) = job else { return Err(failed(&"QEMU has forgotten it")) };
        if job.status == "concluded" {
            match job.error {
                Some(why) => return Err(failed(&why)),
                None => break,
            }
        }
        done.send_if_modified(|known| {
            let news = job.percent > *known;
            *known = job.percent.max(*known);
            news
        });
        tokio::time::sleep(LOOK).await;
    }
    end(&subject.qmp).await.map_err(|error| failed(&error))?;
    Ok(rest)
}

async fn run(qmp: &Qmp, name: &str, arguments: Option<Value>) -> Result<Value, QmpError> {
    tokio::time::timeout(PATIENCE, qmp.run(name, arguments)).await.unwrap_or(Err(QmpError::Closed))
}

/// The window: from the moment when the guest is still until it goes on.
async fn begin(qmp: &Qmp, directory: &Path) -> Result<Rest, String> {
    let said = |error: QmpError| error.to_string();
    let node = json!({
        "driver": "qcow2",
        "node-name": NAME,
        "file": { "driver": "file", "filename": directory.join(COPY) },
    });
    run(qmp, "blockdev-add", Some(node)).await.map_err(said)?;
    let job = || async {
        let job = json!({
            "job-id": NAME, "device": "overlay", "target": NAME, "sync": "top",
            "auto-dismiss": false,
        });
        run(qmp, "blockdev-backup", Some(job)).await.map_err(said)
    };
    if has_agent(qmp).await.map_err(said)? {
        match hold(directory).await {
            Ok(mut guest) => {
                let begun = job().await;
                if guest.thaw().await.is_err() {
                    let_go(directory).await;
                }
                return begun.map(|_| Rest::Flushed);
            }
            Err(why) => {
                let directory = directory.display();
                tracing::warn!(%directory, why, "the guest's agent does not help; it is paused");
            }
        }
    }
    let status = qmp.status().await.map_err(said)?;
    if status != "running" {
        return Err(format!("the machine is '{status}'"));
    }
    let paused = run(qmp, "stop", None).await.map_err(said);
    let begun = match paused {
        Ok(_) => job().await,
        Err(why) => Err(why),
    };
    run(qmp, "cont", None).await.map_err(said)?;
    begun.map(|_| Rest::Paused)
}

/// Whether somebody in the guest listens at the agent's port.
async fn has_agent(qmp: &Qmp) -> Result<bool, QmpError> {
    let ports = run(qmp, "query-chardev", None).await?;
    let ports = ports.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(ports.iter().any(|port| port["label"] == "agent" && port["frontend-open"] == true))
}

async fn hold(directory: &Path) -> Result<Guest, String> {
    let mut guest = Guest::greet(directory).await?;
    match guest.freeze().await {
        Ok(()) => Ok(guest),
        Err(why) => {
            // It may hold some of them all the same.
            if guest.thaw().await.is_err() {
                let_go(directory).await;
            }
            Err(why)
        }
    }
}

/// Has a guest let its file systems go, in new conversations.
async fn let_go(directory: &Path) {
    for _ in 0..THAWS {
        let thawed = async { Guest::greet(directory).await?.thaw().await };
        match thawed.await {
            Ok(()) => return,
            Err(why) => {
                let directory = directory.display();
                tracing::error!(%directory, why, "the guest does not let its file systems go");
            }
        }
    }
}

struct Job {
    status: String,
    percent: u8,
    error: Option<String>,
}

async fn job(qmp: &Qmp) -> Result<Option<Job>, QmpError> {
    let jobs = run(qmp, "query-jobs", None).await?;
    let jobs = jobs.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(job) = jobs.iter().find(|job| job["id"] == NAME) else { return Ok(None) };
    let text = |name: &str| job[name].as_str().map(str::to_owned);
    let number = |name: &str| job[name].as_u64().unwrap_or_default();
    let percent = number("current-progress").saturating_mul(100) / number("total-progress").max(1);
    Ok(Some(Job {
        status: text("status").unwrap_or_default(),
        percent: u8::try_from(percent.min(100)).unwrap_or(100),
        error: text("error"),
    }))
}

/// Has QEMU let go of the copy.
async fn end(qmp: &Qmp) -> Result<(), QmpError> {
    run(qmp, "job-dismiss", Some(json!({ "id": NAME }))).await?;
    run(qmp, "blockdev-del", Some(json!({ "node-name": NAME }))).await?;
    Ok(())
}

/// Ends a copy, wherever it stands, and has the guest go on.
pub(super) async fn undo(subject: &Subject, directory: &Path) -> Result<(), QmpError> {
    let _still = subject.still.lock().await;
    let qmp = &subject.qmp;
    let mut asked = false;
    while let Some(job) = job(qmp).await? {
        if job.status == "concluded" {
            run(qmp, "job-dismiss", Some(json!({ "id": NAME }))).await?;
        } else if !asked {
            // One that is just ending refuses, which is as good.
            drop(run(qmp, "job-cancel", Some(json!({ "id": NAME, "force": true }))).await);
            asked = true;
        } else {
            tokio::time::sleep(LOOK).await;
        }
    }
    let nodes = run(qmp, "query-named-block-nodes", Some(json!({ "flat": true }))).await?;
    if nodes.as_array().is_some_and(|all| all.iter().any(|node| node["node-name"] == NAME)) {
        run(qmp, "blockdev-del", Some(json!({ "node-name": NAME }))).await?;
    }
    // Nobody else pauses a machine.
    if qmp.status().await? == "paused" {
        run(qmp, "cont", None).await?;
    }
    if has_agent(qmp).await? {
        let frozen = async { Guest::greet(directory).await?.is_frozen().await };
        if frozen.await.unwrap_or(false) {
            let_go(directory).await;
        }
    }
    Ok(())
}
