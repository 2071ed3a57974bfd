//! The last warnings and errors of this process, beside its log: so many at most, each of bounded
//! length, gone with the process. What may stand in the log may be told to administrators.

use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::wire::told::Warning;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::clock::Clock;

/// How many are remembered.
const MOST: usize = 200;
/// How long each is at most, in bytes.
const LONGEST: usize = 1000;

static LAST: Mutex<VecDeque<Warning>> = Mutex::new(VecDeque::new());

fn last() -> MutexGuard<'static, VecDeque<Warning>> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last warnings and errors, newest first.
pub fn recent() -> Vec<Warning> {
    last().iter().rev().cloned().collect()
}

/// Remembers what is logged.
pub(crate) struct Remember;

impl<S: Subscriber> Layer<S> for Remember {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::WARN {
            return;
        }
        let mut said = Said::default();
        event.record(&mut said);
        let mut text = said.message + &said.fields;
        let end = (0..=text.len().min(LONGEST)).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
        let (at, part) = (Clock::system().now(), event.metadata().target().to_owned());
        let mut all = last();
        all.push_back(Warning { at, error: level == Level::ERROR, part, text });
        while all.len() > MOST {
            all.pop_front();
        }
    }
}

/// What an event says.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if self.fields.len() > LONGEST {
            return;
        }
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn warnings_are_remembered_the_last_of_them_and_not_too_long() {
        let log = tracing_subscriber::registry().with(Remember);
        tracing::subscriber::with_default(log, || {
            tracing::info!("of no account");
            tracing::warn!(node = "a", "does not answer");
            tracing::error!("{}", "ö".repeat(LONGEST));
        });
        let all = recent();
        let texts: Vec<_> = all.iter().map(|it| it.text.as_str()).collect();
        assert!(texts.contains(&"does not answer node=\"a\""), "{texts:?}");
        assert!(!texts.contains(&"of no account"));
        assert!(all.iter().any(|it| it.error) && all.iter().all(|it| it.text.len() <= LONGEST));
        let log = tracing_subscriber::registry().with(Remember);
        tracing::subscriber::with_default(log, || {
            (0..300).for_each(|number| tracing::warn!(number, "again"));
        });
        let all = recent();
        assert_eq!((all.len(), all[0].text.as_str()), (MOST, "again number=299"));
    }
}
