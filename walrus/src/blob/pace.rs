//! How slow a sender may be: what came is weighed against the time we waited for it.
//!
//! Only time spent waiting for the sender counts, not what we take to write. In every minute of it
//! a certain amount must come, so that a body of a given size is over within a known time,
//! however the sender spreads its bytes.

use std::time::Duration;

/// How long a stretch of waiting is that is weighed.
const WINDOW: Duration = Duration::from_secs(60);

/// How many bytes must come in it: 8 KiB a second.
const LEAST: u64 = 60 * (8 << 10);

/// The present stretch.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    waited: Duration,
    came: u64,
}

impl Pace {
    /// How long may be waited for the next piece.
    pub(crate) fn patience(&self) -> Duration {
        WINDOW.saturating_sub(self.waited)
    }

    /// Notes that something came, or nothing (`0`), after `waited`; `false` if the sender is too
    /// slow.
    #[must_use]
    pub(crate) fn note(&mut self, waited: Duration, came: u64) -> bool {
        self.waited = self.waited.saturating_add(waited);
        self.came = self.came.saturating_add(came);
        if self.waited < WINDOW {
            return true;
        }
        let enough = self.came >= LEAST;
        *self = Self::default();
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn drops_do_not_keep_a_body_going() {
        let mut pace = Pace::default();
        let drips = (0..).take_while(|_| pace.note(SECOND, 1)).count();
        assert_eq!(drips, 59);
        let mut pace = Pace::default();
        assert!(!pace.note(WINDOW, 0), "silence");
    }

    #[test]
    fn a_slow_line_is_enough() {
        let mut pace = Pace::default();
        assert!((0..1000).all(|_| pace.note(SECOND, 8 << 10)));
        let mut pace = Pace::default();
        assert!(pace.note(WINDOW - SECOND, 0), "a pause");
        assert_eq!(pace.patience(), SECOND);
        assert!(pace.note(SECOND, LEAST));
        assert_eq!(pace.patience(), WINDOW);
    }

    #[test]
    fn waiting_for_our_own_disk_is_not_held_against_anyone() {
        let mut pace = Pace::default();
        assert!((0..100_000).all(|_| pace.note(Duration::ZERO, 1)));
    }
}
