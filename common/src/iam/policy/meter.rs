//! What answering one question may cost.
//!
//! Who writes policies chooses patterns, who sends requests chooses texts, and both may mean harm.
//! Each comparison pays for the bytes that it looks at; when nothing is left to pay with, nothing
//! matches any more, and whoever asked is refused. Forty policies of the largest size, full of names
//! and patterns that mean something, can be paid.

use std::cell::Cell;

/// How many bytes all policies together may look at for one question.
pub const STEPS: u64 = 4_000_000;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Meter {
    left: Cell<u64>,
    empty: Cell<bool>,
}

impl Default for Meter {
    fn default() -> Self {
        Self { left: Cell::new(STEPS), empty: Cell::new(false) }
    }
}

impl Meter {
    /// Pays for steps; `false` if they cannot be paid, and from then on nothing can.
    pub(super) fn pay(&self, steps: usize) -> bool {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        match self.left.get().checked_sub(steps) {
            Some(left) if !self.empty.get() => {
                self.left.set(left);
                true
            }
            _ => {
                self.empty.set(true);
                false
            }
        }
    }

    /// Whether something could not be paid: what was said since means nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.empty.get()
    }

    /// What was paid; all there was, if that was not enough.
    pub(super) fn paid(&self) -> u64 {
        if self.empty.get() { STEPS } else { STEPS - self.left.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_paid_once_is_never_paid_again() {
        let meter = Meter::default();
        let all = usize::try_from(STEPS).unwrap();
        assert!(meter.pay(all - 1) && !meter.is_empty());
        assert_eq!(meter.paid(), STEPS - 1);
        assert!(!meter.pay(2) && meter.is_empty());
        assert!(!meter.pay(1) && !meter.pay(0));
        assert_eq!(meter.paid(), STEPS);
    }
}
