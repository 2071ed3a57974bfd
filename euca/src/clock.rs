//! The one place where time is read and waited for.

use std::time::{Duration, SystemTime};

use common::time::Timestamp;

/// Reads the system's clock. A clock before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is where the program gets its time from")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus(since)
}

/// Waits before the next attempt.
#[expect(clippy::disallowed_methods, reason = "a blocking program without an arbiter to block")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}
