//! The clock rules: how old, or how far ahead of the server, a signed request may be.
//!
//! A request that is signed to be sent at once is good for a quarter of an hour and no longer,
//! whatever it says about itself, so that little is stolen with it. One that is signed to be handed
//! on (a presigned URL) is good until the moment it names: within a week of its signing in version
//! 4, without a bound in version 2, as on AWS.

use std::time::Duration;

use super::error::SignError;
use crate::time::Timestamp;

/// The greatest difference between a request's date and the server's clock, in either direction,
/// and the longest time that `Expires` may lie ahead.
pub const MAX_SKEW: Duration = Duration::from_secs(15 * 60);

/// The longest life of a URL presigned with version 4.
pub const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Says when a request was made, until when it is good, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dated {
    pub(super) at: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    /// Whether it was made to be handed on: `until` alone ends it then.
    pub(super) presigned: bool,
}

impl Dated {
    /// Is a request made at `moment`.
    pub(super) fn at(moment: Timestamp) -> Dated {
        Dated { at: Some(moment), until: None, presigned: false }
    }

    /// Is a presigned request that is good until `until`; made at `at`, if it says so.
    pub(super) fn presigned(at: Option<Timestamp>, until: Timestamp) -> Dated {
        Dated { at, until: Some(until), presigned: true }
    }

    /// Refuses what is not good at `now`; otherwise tells from when on it will be refused.
    pub(super) fn check(&self, now: Timestamp) -> Result<Timestamp, SignError> {
        let allowed = MAX_SKEW;
        if let (true, Some(expires)) = (self.presigned, self.until) {
            if let Some(from) = self.at.filter(|at| *at > now.plus(allowed)) {
                return Err(SignError::NotYetValid { from, server: now });
            }
            return match expires <= now {
                true => Err(SignError::RequestExpired { expires, server: now }),
                false => Ok(expires),
            };
        }
        if let Some(request) = self.at
            && request.distance(now) > allowed
        {
            return Err(SignError::RequestTimeTooSkewed { request, server: now, allowed });
        }
        if let Some(expires) = self.until {
            if expires <= now {
                return Err(SignError::RequestExpired { expires, server: now });
            }
            if expires.since(now) > allowed {
                return Err(SignError::ExpiresTooLate { expires, server: now, allowed });
            }
        }
        let aged = self.at.map(|moment| moment.plus(allowed));
        Ok(aged.into_iter().chain(self.until).min().unwrap_or(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_quarter_of_an_hour_in_both_directions() {
        let second = Duration::from_secs(1);
        assert_eq!(Dated::at(NOW.minus(MAX_SKEW)).check(NOW), Ok(NOW));
        assert_eq!(Dated::at(NOW.plus(MAX_SKEW)).check(NOW), Ok(NOW.plus(MAX_SKEW + MAX_SKEW)));
        for far in [NOW.minus(MAX_SKEW + second), NOW.plus(MAX_SKEW + second)] {
            let refused = Dated::at(far).check(NOW);
            let wanted =
                SignError::RequestTimeTooSkewed { request: far, server: NOW, allowed: MAX_SKEW };
            assert_eq!(refused, Err(wanted.clone()));
            let text = wanted.to_string();
            assert!(text.contains(&far.iso()) && text.contains(&NOW.iso()), "{text}");
        }
    }

    #[test]
    fn expires_lies_ahead_but_not_far() {
        let until = |moment| Dated { at: None, until: Some(moment), presigned: false };
        assert_eq!(until(NOW.plus(MAX_SKEW)).check(NOW), Ok(NOW.plus(MAX_SKEW)));
        assert!(matches!(until(NOW).check(NOW), Err(SignError::RequestExpired { .. })));
        let far = until(NOW.plus(MAX_SKEW * 2));
        assert!(matches!(far.check(NOW), Err(SignError::ExpiresTooLate { .. })));
    }

    #[test]
    fn both_dates_bind() {
        let minute = Duration::from_secs(60);
        let both = Dated { at: Some(NOW), until: Some(NOW.plus(minute)), presigned: false };
        assert_eq!(both.check(NOW), Ok(NOW.plus(minute)));
        assert!(both.check(NOW.plus(minute)).is_err());
    }

    #[test]
    fn a_presigned_request_lives_until_its_end() {
        let day = Duration::from_secs(24 * 3600);
        let dated = Dated::presigned(Some(NOW), NOW.plus(day));
        let end = NOW.plus(day);
        assert_eq!(dated.check(NOW.plus(day / 2)), Ok(end));
        assert_eq!(dated.check(NOW.minus(MAX_SKEW)), Ok(end));
        let early = NOW.minus(MAX_SKEW * 2);
        let wanted = SignError::NotYetValid { from: NOW, server: early };
        assert_eq!(dated.check(early), Err(wanted));
        let wanted = SignError::RequestExpired { expires: end, server: end };
        assert_eq!(dated.check(end), Err(wanted));
        let undated = Dated::presigned(None, NOW.plus(day * 365));
        assert_eq!(undated.check(NOW), Ok(NOW.plus(day * 365)));
    }
}
