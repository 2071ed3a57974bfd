//! Speaks with the agent inside a guest, where there is one: it flushes the guest's file systems
//! and holds them still.
//!
//! The channel is a serial port of the guest whose other end is a socket in the machine's
//! directory. QEMU knows whether somebody in the guest has it open. What is said goes in lines of
//! JSON; at first both sides agree where a line begins, because of what an earlier conversation may
//! have left in the channel. A guest may lie, stay silent or answer for ever: every answer has its
//! time and its length, and nothing of it is believed but "frozen" and "thawed".

use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Take};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// The socket's name in a machine's directory.
pub const AGENT: &str = "agent.sock";

/// How long a guest may take to answer at all.
const GREETING: Duration = Duration::from_secs(3);

/// How long it may take to flush its file systems.
const FREEZE: Duration = Duration::from_secs(20);

/// How long it may take to let them go.
const THAW: Duration = Duration::from_secs(10);

/// The longest answer.
const LINE: u64 = 64 * 1024;

/// Begins a line for certain.
const MARK: u8 = 0xff;

/// A conversation with a guest's agent.
#[derive(Debug)]
pub struct Guest {
    read: Take<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

impl Guest {
    /// Begins a conversation with the agent of the machine in a directory.
    ///
    /// # Errors
    /// A sentence, if nobody answers in time.
    pub async fn greet(directory: &Path) -> Result<Self, String> {
        let stream = connect(directory).await.map_err(|error| error.to_string())?;
        Self::over(stream, GREETING).await
    }

    async fn over(stream: UnixStream, patience: Duration) -> Result<Self, String> {
        let (read, write) = stream.into_split();
        let mut guest = Self { read: BufReader::new(read).take(LINE), write };
        let number = i64::from(std::process::id());
        let ask = json!({ "execute": "guest-sync-delimited", "arguments": { "id": number } });
        let agree = async {
            guest.send(&[&[MARK], ask.to_string().as_bytes(), b"\n"].concat()).await?;
            loop {
                let mut skipped = Vec::new();
                let read = guest.read.read_until(MARK, &mut skipped).await;
                read.map_err(|error| error.to_string())?;
                if skipped.last() != Some(&MARK) {
                    return Err("it answers with nonsense".to_owned());
                }
                if guest.answer().await? == json!(number) {
                    return Ok(());
                }
            }
        };
        let agreed = tokio::time::timeout(patience, agree).await;
        agreed.map_err(|_| "it does not answer".to_owned()).flatten()?;
        Ok(guest)
    }

    /// Flushes the guest's file systems and holds them still. After an error they may be held all
    /// the same: they must be let go.
    ///
    /// # Errors
    /// A sentence.
    pub async fn freeze(&mut self) -> Result<(), String> {
        let held = self.ask("guest-fsfreeze-freeze", FREEZE).await?;
        match held.as_u64() {
            Some(1..) => Ok(()),
            _ => Err("it has no file system that can be held still".to_owned()),
        }
    }

    /// Lets them go.
    ///
    /// # Errors
    /// A sentence.
    pub async fn thaw(&mut self) -> Result<(), String> {
        self.ask("guest-fsfreeze-thaw", THAW).await.map(drop)
    }

    /// Whether they are held.
    ///
    /// # Errors
    /// A sentence.
    pub async fn is_frozen(&mut self) -> Result<bool, String> {
        Ok(self.ask("guest-fsfreeze-status", GREETING).await? == json!("frozen"))
    }

    async fn ask(&mut self, command: &str, patience: Duration) -> Result<Value, String> {
        let line = format!("{}\n", json!({ "execute": command }));
        let asked = async {
            self.send(line.as_bytes()).await?;
            self.answer().await
        };
        let answer = tokio::time::timeout(patience, asked).await;
        answer.unwrap_or_else(|_| Err(format!("no answer to {command} within {patience:?}")))
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.write.write_all(bytes).await.map_err(|error| error.to_string())
    }

    async fn answer(&mut self) -> Result<Value, String> {
        self.read.set_limit(LINE);
        let mut line = Vec::new();
        self.read.read_until(b'\n', &mut line).await.map_err(|error| error.to_string())?;
        let said: Value =
            serde_json::from_slice(&line).map_err(|_| "it answers with nonsense".to_owned())?;
        match (said.get("return"), said.pointer("/error/desc").and_then(Value::as_str)) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(why)) => Err(why.chars().take(200).collect()),
            (None, None) => Err("it answers with nonsense".to_owned()),
        }
    }
}

async fn connect(directory: &Path) -> std::io::Result<UnixStream> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory, flags, Mode::empty())?;
    // Through the descriptor, because a socket's path may have 108 bytes only.
    UnixStream::connect(format!("/proc/self/fd/{}/{AGENT}", opened.as_raw_fd())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays an agent that has something left to say, and then answers line by line.
    async fn plays(stream: UnixStream, answers: &'static [&'static str]) {
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let mut line = Vec::new();
        write.write_all(b"{\"return\": 7}\nhalf a li").await.unwrap();
        read.read_until(b'\n', &mut line).await.unwrap();
        assert_eq!(line.remove(0), MARK);
        let asked: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(asked["execute"], "guest-sync-delimited");
        let late = format!("{}\n", json!({ "return": 0 }));
        let agreed = format!("{}\n", json!({ "return": asked["arguments"]["id"] }));
        for said in [late, agreed] {
            write.write_all(&[&[MARK], said.as_bytes()].concat()).await.unwrap();
        }
        for answer in answers {
            line.clear();
            read.read_until(b'\n', &mut line).await.unwrap();
            write.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn file_systems_are_held_and_let_go() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let played = plays(
            theirs,
            &[
                "{\"return\": 2}\n",
                "{\"return\": \"frozen\"}\n",
                "{\"return\": 2}\n",
                "{\"return\": \"thawed\"}\n",
                "{\"return\": 0}\n",
                "{\"error\": {\"class\": \"X\", \"desc\": \"no such\"}}\n",
                "nonsense\n",
            ],
        );
        let asks = async {
            let mut guest = Guest::over(ours, GREETING).await.unwrap();
            guest.freeze().await.unwrap();
            assert!(guest.is_frozen().await.unwrap());
            guest.thaw().await.unwrap();
            assert!(!guest.is_frozen().await.unwrap());
            assert!(guest.freeze().await.is_err(), "nothing was held");
            assert_eq!(guest.freeze().await, Err("no such".to_owned()));
            assert!(guest.freeze().await.is_err());
        };
        tokio::join!(played, asks);
    }

    #[tokio::test]
    async fn nobody_is_waited_for_for_ever() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        assert_eq!(Guest::over(ours, Duration::ZERO).await.unwrap_err(), "it does not answer");
        drop(theirs);
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert!(Guest::over(ours, GREETING).await.is_err());
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let flood = async { while theirs.write_all(&[b' '; 4096]).await.is_ok() {} };
        let (_, refused) = tokio::join!(flood, Guest::over(ours, GREETING));
        assert!(refused.is_err());
    }
}
