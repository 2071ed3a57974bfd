//! Waiting for what is to come: a condition with a name and a deadline, never a pause for luck.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take. Far more than it takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long the eyes are closed between two looks.
const BLINK: Duration = Duration::from_millis(5);

/// Looks until there is an `Ok`, and gives what it holds. An `Err` says how things stand meanwhile;
/// the last one is shown if the deadline passes.
///
/// # Panics
/// When the deadline has passed.
pub fn until<T, S: Debug>(what: &str, mut look: impl FnMut() -> Result<T, S>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(status) if begun.elapsed() > DEADLINE => {
                panic!("not within {DEADLINE:?}: {what}; at last: {status:?}")
            }
            Err(_) => std::thread::park_timeout(BLINK),
        }
    }
}
