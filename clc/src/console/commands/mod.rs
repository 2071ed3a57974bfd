//! What was just done at the console, as a person would do it from a terminal or a program: the exact
//! lines of euca, of the AWS command line and of boto3.
//!
//! ```text
//!   an action succeeds ──▶ its name and parameters, without secrets ──▶ kept with the session
//!                                                                           │ page of lines
//!                            euca's table ◀── parameters ──▶ SDK's names ◀──┘
//! ```
//! A line is made of the action's own parameters, as they were serialised: nothing is written by hand
//! but the names under which clients know them. What a client has no word for has no line, rather than
//! a wrong one. Secrets never come in here: variables of the shell stand in their places. All of it is in
//! memory, bounded for each session and for all, and gone with a restart.

mod euca;
mod quote;
mod sdk;
mod value;

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use common::action::Action;
use common::time::Timestamp;
use serde_json::Value as Json;

use value::Fields;

/// How many things a session remembers.
const MOST: usize = 50;
/// How many bytes of them.
const BYTES: usize = 32 << 10;
/// How many bytes one of them may have.
const LARGEST: usize = 16 << 10;
/// How many sessions are remembered.
const SESSIONS: usize = 500;

/// Something that was done.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// What policies call its API: `ec2`, `iam`, `s3`.
    service: &'static str,
    /// The action.
    pub(crate) action: &'static str,
    /// When.
    pub(crate) at: Timestamp,
    /// The user who did it.
    user: String,
    fields: Fields,
    size: usize,
}

/// The lines of something that was done; a client that has no word for it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines {
    /// A line of euca.
    pub(crate) euca: Option<String>,
    /// A line of the AWS command line.
    pub(crate) aws: Option<String>,
    /// A line of Python.
    pub(crate) boto3: Option<String>,
}

impl Done {
    /// An action with its parameters; nothing for what is too large to be kept.
    pub(crate) fn of<A: Action>(
        service: &'static str,
        action: &A,
        user: &str,
        at: Timestamp,
    ) -> Option<Self> {
        Self::named(service, A::NAME, &serde_json::to_value(action).ok()?, user, at)
    }

    /// The same by name, with parameters as the API of that service has them.
    pub(crate) fn named(
        service: &'static str,
        action: &'static str,
        parameters: &Json,
        user: &str,
        at: Timestamp,
    ) -> Option<Self> {
        let fields = value::fields(action, parameters);
        let size = value::size(&fields) + user.len() + 100;
        (size <= LARGEST).then(|| Self { service, action, at, user: user.to_owned(), fields, size })
    }

    /// Its lines.
    pub(crate) fn lines(&self) -> Lines {
        let shaped = sdk::shaped(self.service, self.action, &self.fields);
        Lines {
            euca: euca::line(self.service, self.action, &self.user, &self.fields),
            aws: shaped.as_ref().and_then(|it| it.aws()),
            boto3: shaped.as_ref().and_then(|it| it.boto3()),
        }
    }
}

/// What was done lately, by session.
#[derive(Default)]
pub(crate) struct Deeds(Mutex<HashMap<String, VecDeque<Done>>>);

impl Deeds {
    /// Remembers something that a session did.
    pub(crate) fn keep(&self, session: &str, done: Done) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SESSIONS && !all.contains_key(session) {
            let last = |done: &VecDeque<Done>| done.back().map(|it| it.at);
            let oldest = all.iter().min_by_key(|(_, done)| last(done)).map(|(key, _)| key.clone());
            oldest.map(|oldest| all.remove(&oldest));
        }
        let own = all.entry(session.to_owned()).or_default();
        own.push_back(done);
        while own.len() > MOST || own.iter().map(|it| it.size).sum::<usize>() > BYTES {
            own.pop_front();
        }
    }

    /// What a session did, the last first.
    pub(crate) fn of(&self, session: &str) -> Vec<Done> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(session).map_or_else(Vec::new, |own| own.iter().rev().cloned().collect())
    }

    /// A session goes on under another name.
    pub(crate) fn renamed(&self, session: &str, to: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.remove(session) {
            all.insert(to.to_owned(), own);
        }
    }

    /// A session is over.
    pub(crate) fn forget(&self, session: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

/// Whether something of that name, which changes something, has a line for at least one client.
pub(super) fn is_told(service: &'static str, action: &'static str) -> bool {
    euca::has(service, action) || sdk::has(service, action)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::ec2::instances::TerminateInstances;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn done(text: &str, at: Timestamp) -> Done {
        Done::of("ec2", &TerminateInstances { instance_id: vec![text.into()] }, "admin", at)
            .unwrap()
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let kept = Deeds::default();
        for number in 0..MOST + 5 {
            kept.keep("a", done(&format!("i-{number:08x}"), NOW));
        }
        assert_eq!(kept.of("a").len(), MOST);
        let first = kept.of("a").remove(0).lines().euca.unwrap();
        assert_eq!(first, format!("euca-terminate-instances i-{:08x}", MOST + 4));
        for _ in 0..9 {
            kept.keep("b", done(&"x".repeat(8000), NOW));
        }
        assert!(kept.of("b").iter().map(|it| it.size).sum::<usize>() <= BYTES);
        assert!(
            Done::named("ec2", "X", &json!({ "A": "x".repeat(LARGEST) }), "admin", NOW).is_none()
        );
        kept.renamed("b", "c");
        assert!(kept.of("b").is_empty() && !kept.of("c").is_empty());
        for number in 0..SESSIONS {
            let later = NOW.plus(Duration::from_secs(1));
            kept.keep(&number.to_string(), done("i-1", later));
        }
        assert!(kept.of("a").is_empty() && !kept.of("7").is_empty());
        kept.forget("7");
        assert!(kept.of("7").is_empty());
    }

    /// What it looks like for each kind of action. Clients run these very lines against a cloud
    /// (`tests/clients/test_console_lines.py`).
    #[test]
    fn lines_are_those_of_the_table() {
        let table = include_str!("../../../../tests/data/console-lines.txt");
        let mut made = String::new();
        for block in table.split("\n\n") {
            let head = block.lines().next().unwrap_or_default();
            let Some((name, json)) = head.split_once(' ').filter(|_| !head.starts_with('#')) else {
                made.push_str(&format!("{}\n", block.trim_end()));
                continue;
            };
            let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
            let (service, action) = name.split_once(':').unwrap();
            let json = serde_json::from_str(json).unwrap_or_else(|error| panic!("{head}: {error}"));
            let done = Done::named(leak(service), leak(action), &json, "admin", NOW).unwrap();
            let Lines { euca, aws, boto3 } = done.lines();
            made.push_str(&format!("\n{head}\n"));
            for (at, line) in [("euca", euca), ("aws", aws), ("boto3", boto3)] {
                let line = line.map(|line| line.replace('\n', "\u{23ce}"));
                made.push_str(&line.map(|line| format!("{at} {line}\n")).unwrap_or_default());
            }
        }
        assert_eq!(made, table, "{made}");
    }
}
