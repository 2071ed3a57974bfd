//! The states of a registration, as a table: what may happen in each, and what comes of it. Pure.

use common::wire::people::Standing;
use thiserror::Error;

/// What can happen to a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An administrator agrees.
    Approve,
    /// An administrator turns it down.
    Reject,
    /// Its user has followed the link.
    Confirm,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It stands so now, and did not before.
    Becomes(Standing),
    /// It stood so already: nothing is to be done again.
    Is,
    /// Nothing of it stays.
    Gone,
}

/// Why it cannot happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// Whoever was approved is no applicant any more.
    #[error("was approved already: disable or delete the user instead")]
    TooLate,
    /// Nobody confirms what nobody has agreed to.
    #[error("has not been approved yet")]
    TooEarly,
}

/// What an event does to a registration.
///
/// # Errors
/// If it cannot happen to one that stands so.
pub fn next(standing: Standing, event: Event) -> Result<Next, Refused> {
    match (standing, event) {
        (Standing::Applied, Event::Approve) => Ok(Next::Becomes(Standing::Approved)),
        (Standing::Applied, Event::Reject) => Ok(Next::Gone),
        (Standing::Applied, Event::Confirm) => Err(Refused::TooEarly),
        (Standing::Approved, Event::Confirm) => Ok(Next::Becomes(Standing::Confirmed)),
        (Standing::Approved | Standing::Confirmed, Event::Approve)
        | (Standing::Confirmed, Event::Confirm) => Ok(Next::Is),
        (Standing::Approved | Standing::Confirmed, Event::Reject) => Err(Refused::TooLate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Event::{Approve, Confirm, Reject};
        use Standing::{Applied, Approved, Confirmed};
        for (standing, event, expected) in [
            (Applied, Approve, Ok(Next::Becomes(Approved))),
            (Applied, Reject, Ok(Next::Gone)),
            (Applied, Confirm, Err(Refused::TooEarly)),
            (Approved, Approve, Ok(Next::Is)),
            (Approved, Reject, Err(Refused::TooLate)),
            (Approved, Confirm, Ok(Next::Becomes(Confirmed))),
            (Confirmed, Approve, Ok(Next::Is)),
            (Confirmed, Reject, Err(Refused::TooLate)),
            (Confirmed, Confirm, Ok(Next::Is)),
        ] {
            assert_eq!(next(standing, event), expected, "{standing:?} {event:?}");
        }
    }

    #[test]
    fn nobody_is_confirmed_whom_nobody_approved() {
        let mut reached = vec![Standing::Applied];
        let events = [Event::Confirm, Event::Reject];
        for event in events {
            if let Ok(Next::Becomes(standing)) = next(Standing::Applied, event) {
                reached.push(standing);
            }
        }
        assert_eq!(reached, [Standing::Applied]);
    }
}
