//! Speaks with a living QEMU: the QMP protocol over the machine's socket.
//!
//! QEMU says a greeting, the client asks for its capabilities, then commands and their answers go
//! by id and events come in between:
//!
//! ```text
//!   connect ──greeting──► capabilities ──ok──► open ──┬─ command{id} ─► return{id} | error{id}
//!                                                     └─ event ─► Events
//! ```
//!
//! One task reads and writes; it ends, and with it the connection, when the [`Qmp`] is dropped or
//! QEMU closes. QEMU serves one client at a time, so a connection kept too long would shut out the
//! next agent. Nothing here waits for ever by itself: deadlines are the caller's.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// The socket's name in a machine's directory.
pub const SOCKET: &str = "qmp.sock";

/// The longest line that is read: nothing that is asked here has a longer answer.
const LINE: u64 = 1024 * 1024;

/// Why a conversation with QEMU failed.
#[derive(Debug, Error)]
pub enum QmpError {
    /// The socket cannot be reached or broke.
    #[error("{doing}: {source}")]
    Socket {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// QEMU closed the connection.
    #[error("QEMU closed the connection")]
    Closed,
    /// What came is not QMP.
    #[error("QEMU sent what is not QMP: {0}")]
    Foreign(String),
    /// QEMU refused a command.
    #[error("QEMU refused {command}: {text}")]
    Refused {
        /// The command.
        command: String,
        /// QEMU's sentence.
        text: String,
    },
}

/// Something that happened in the machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Event {
    /// QEMU's name for it, `SHUTDOWN`, `STOP`…
    pub event: String,
    /// What belongs to it.
    #[serde(default)]
    pub data: Value,
}

/// An open conversation.
#[derive(Debug)]
pub struct Qmp {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

/// What happens in the machine, in order; ends when the connection does. It must be read: the
/// conversation waits for room in it.
pub type Events = mpsc::Receiver<Event>;

#[derive(Debug)]
struct Command {
    name: String,
    arguments: Option<Value>,
    answer: oneshot::Sender<Result<Value, QmpError>>,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: Option<u64>,
    #[serde(rename = "return")]
    returned: Option<Value>,
    error: Option<Refusal>,
    event: Option<String>,
    #[serde(default)]
    data: Value,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    desc: String,
}

impl Qmp {
    /// Connects to the machine in a directory and shakes hands.
    ///
    /// # Errors
    /// If nothing listens there or what does is no QMP server.
    pub async fn connect(directory: &Path) -> Result<(Self, Events), QmpError> {
        let socket = |source| QmpError::Socket { doing: "connecting to the QMP socket", source };
        // Through the directory's descriptor, because a socket's path may have 108 bytes only.
        let opened = rustix::fs::open(
            directory,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|errno| socket(errno.into()))?;
        let path = format!("/proc/self/fd/{}/{SOCKET}", opened.as_raw_fd());
        Self::over(UnixStream::connect(path).await.map_err(socket)?).await
    }

    async fn over(stream: UnixStream) -> Result<(Self, Events), QmpError> {
        let (read, write) = stream.into_split();
        let mut wire = Wire { read: BufReader::new(read).take(LINE), write, line: Vec::new() };
        let greeting: Value = wire.next().await?;
        if greeting.get("QMP").is_none() {
            return Err(QmpError::Foreign(greeting.to_string()));
        }
        wire.send(&json!({ "execute": "qmp_capabilities", "id": 0 })).await?;
        let (commands, asked) = mpsc::channel(8);
        let (happened, events) = mpsc::channel(32);
        loop {
            // Events may come before the answer to the handshake and must not be lost.
            let line: Line = wire.next().await?;
            if let Some(event) = line.event {
                drop(happened.try_send(Event { event, data: line.data }));
            } else if let Some(error) = line.error {
                let command = "qmp_capabilities".to_owned();
                return Err(QmpError::Refused { command, text: error.desc });
            } else {
                break;
            }
        }
        let task = runtime::pool::spawn(converse(wire, asked, happened));
        Ok((Self { commands, task }, events))
    }

    /// Runs a command and returns what QEMU returns.
    ///
    /// # Errors
    /// If QEMU refuses it or goes away.
    pub async fn run(&self, name: &str, arguments: Option<Value>) -> Result<Value, QmpError> {
        let (answer, answered) = oneshot::channel();
        let command = Command { name: name.to_owned(), arguments, answer };
        self.commands.send(command).await.map_err(|_| QmpError::Closed)?;
        answered.await.map_err(|_| QmpError::Closed)?
    }

    /// Asks for the machine's run state: `running`, `shutdown`, `internal-error`…
    ///
    /// # Errors
    /// As [`Qmp::run`].
    pub async fn status(&self) -> Result<String, QmpError> {
        let answer = self.run("query-status", None).await?;
        match answer.get("status").and_then(Value::as_str) {
            Some(status) => Ok(status.to_owned()),
            None => Err(QmpError::Foreign(answer.to_string())),
        }
    }
}

impl Drop for Qmp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Wire {
    read: Take<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
    line: Vec<u8>,
}

impl Wire {
    /// Reads one line. Safe to be dropped half-way: what was read stays in `line`.
    async fn next<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T, QmpError> {
        let reading = |source| QmpError::Socket { doing: "reading from the QMP socket", source };
        self.read.read_until(b'\n', &mut self.line).await.map_err(reading)?;
        if self.line.last() != Some(&b'\n') {
            return Err(match self.read.limit() {
                0 => QmpError::Foreign("a line without end".to_owned()),
                _ => QmpError::Closed,
            });
        }
        let parsed = serde_json::from_slice(&self.line);
        let result = parsed.map_err(|_| {
            let text = String::from_utf8_lossy(&self.line);
            QmpError::Foreign(text.chars().take(200).collect())
        });
        self.line.clear();
        self.read.set_limit(LINE);
        result
    }

    async fn send(&mut self, command: &Value) -> Result<(), QmpError> {
        let writing = |source| QmpError::Socket { doing: "writing to the QMP socket", source };
        let mut line = command.to_string();
        line.push('\n');
        self.write.write_all(line.as_bytes()).await.map_err(writing)
    }
}

type Waiting = BTreeMap<u64, (String, oneshot::Sender<Result<Value, QmpError>>)>;

async fn converse(
    mut wire: Wire,
    mut commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
) {
    let mut waiting = Waiting::new();
    let mut last = 0;
    // Dropping `waiting` at the end answers everybody who still waits with `Closed`.
    loop {
        tokio::select! {
            command = commands.recv() => {
                let Some(Command { name, arguments, answer }) = command else { return };
                last += 1;
                let mut text = json!({ "execute": name, "id": last });
                if let Some(arguments) = arguments {
                    text["arguments"] = arguments;
                }
                waiting.insert(last, (name, answer));
                if let Err(error) = wire.send(&text).await {
                    tracing::debug!(%error, "a QMP command could not be sent");
                    return;
                }
            }
            line = wire.next::<Line>() => match line {
                Ok(line) => hear(line, &mut waiting, &events).await,
                Err(QmpError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "a QMP conversation broke");
                    return;
                }
            },
        }
    }
}

async fn hear(line: Line, waiting: &mut Waiting, events: &mpsc::Sender<Event>) {
    if let Some(event) = line.event {
        // Whoever dropped the events does not care for them.
        drop(events.send(Event { event, data: line.data }).await);
        return;
    }
    let Some((command, answer)) = line.id.and_then(|id| waiting.remove(&id)) else { return };
    let result = match (line.returned, line.error) {
        (_, Some(error)) => Err(QmpError::Refused { command, text: error.desc }),
        (Some(value), None) => Ok(value),
        (None, None) => Err(QmpError::Foreign(format!("an answer without content to {command}"))),
    };
    // Whoever gave up waiting does not care for the answer.
    drop(answer.send(result));
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn served(script: &'static [(&'static str, &'static str)]) -> UnixStream {
        let (ours, theirs) = UnixStream::pair().unwrap();
        tokio::task::spawn_local(async move {
            let (read, mut write) = theirs.into_split();
            let mut lines = BufReader::new(read).lines();
            for (expected, said) in script {
                if !expected.is_empty() {
                    let line = lines.next_line().await.unwrap().unwrap();
                    assert!(line.contains(expected), "{line}");
                }
                write.write_all(said.as_bytes()).await.unwrap();
            }
            drop(lines.next_line().await);
        });
        ours
    }

    const GREETING: (&str, &str) = ("", "{\"QMP\": {}}\r\n");

    fn local(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, test);
    }

    #[test]
    fn answers_find_their_commands_and_events_are_kept() {
        local(async {
            let stream = served(&[
                GREETING,
                ("qmp_capabilities", "{\"event\":\"RESUME\"}\n{\"return\":{},\"id\":0}\n"),
                ("query-status", "{\"event\":\"STOP\",\"data\":{\"a\":1}}\n"),
                ("", "{\"return\":{\"status\":\"shutdown\"},\"id\":1}\n"),
                ("frobnicate", "{\"error\":{\"class\":\"X\",\"desc\":\"no such\"},\"id\":2}\n"),
            ])
            .await;
            let (qmp, mut events) = Qmp::over(stream).await.unwrap();
            assert_eq!(qmp.status().await.unwrap(), "shutdown");
            assert_eq!(events.recv().await.unwrap().event, "RESUME");
            assert_eq!(events.recv().await.unwrap().data["a"], 1);
            let refused = qmp.run("frobnicate", Some(json!({}))).await.unwrap_err();
            assert_eq!(refused.to_string(), "QEMU refused frobnicate: no such");
        });
    }

    #[test]
    fn what_is_no_qmp_server_is_refused() {
        local(async {
            for said in ["SSH-2.0-x\n", "{}\n", ""] {
                let (ours, theirs) = UnixStream::pair().unwrap();
                let (_, mut write) = theirs.into_split();
                write.write_all(said.as_bytes()).await.unwrap();
                drop(write);
                assert!(Qmp::over(ours).await.is_err(), "{said}");
            }
        });
    }

    #[test]
    fn a_line_without_end_is_not_kept_in_memory() {
        local(async {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (read, mut write) = theirs.into_split();
            let writer = tokio::task::spawn_local(async move {
                let flood = vec![b' '; 64 * 1024];
                while write.write_all(&flood).await.is_ok() {}
                drop(read);
            });
            let error = Qmp::over(ours).await.unwrap_err();
            assert!(error.to_string().contains("a line without end"), "{error}");
            writer.await.unwrap();
        });
    }
}
