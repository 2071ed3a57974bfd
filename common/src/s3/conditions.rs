//! Conditions of a request: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since.
//!
//! ```text
//!   If-Match ──absent──▶ If-Unmodified-Since        fails → 412
//!      └─holds─▶ If-None-Match ──absent──▶ If-Modified-Since     fails → 304 when reading
//! ```
//! As RFC 9110 §13.2.2 orders them: a tag decides where there is one, a date only where there is
//! none. Pure: what the object is now is told by whoever asks, who must see to it that it stays so.

use super::request::Request;
use crate::error::{ApiError, ErrorCode};
use crate::time::Timestamp;

/// The conditions of a request that reads, or of the source of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// One of these tags, or any.
    pub if_match: Option<String>,
    /// None of these tags.
    pub if_none_match: Option<String>,
    /// Changed after that.
    pub if_modified_since: Option<Timestamp>,
    /// Not changed after that.
    pub if_unmodified_since: Option<Timestamp>,
}

/// What follows from conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They hold.
    Holds,
    /// The reader has it already: 304 for GET and HEAD, a failure for others.
    Known(&'static str),
    /// The one of that name does not hold.
    Fails(&'static str),
}

impl Conditions {
    /// Reads the headers of that lower-case prefix: empty, or `x-amz-copy-source-`. A date that is
    /// none is no condition.
    pub fn read(request: &Request<'_>, prefix: &str) -> Self {
        let text = |name: &str| request.header(&format!("{prefix}{name}"));
        let date = |name: &str| text(name).and_then(|text| Timestamp::parse_http(text).ok());
        Self {
            if_match: text("if-match").map(str::to_owned),
            if_none_match: text("if-none-match").map(str::to_owned),
            if_modified_since: date("if-modified-since"),
            if_unmodified_since: date("if-unmodified-since"),
        }
    }

    /// Whether they hold of an object with that tag (without quotes), changed at that time.
    pub fn verdict(&self, etag: &str, modified: Timestamp) -> Verdict {
        // HTTP knows whole seconds only.
        let after = |since: Timestamp| modified.as_secs() > since.as_secs();
        match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !names(tags, etag, Weak::Differs) => {
                return Verdict::Fails("If-Match");
            }
            (None, Some(since)) if after(since) => return Verdict::Fails("If-Unmodified-Since"),
            _ => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if names(tags, etag, Weak::Same) => Verdict::Known("If-None-Match"),
            (None, Some(since)) if !after(since) => Verdict::Known("If-Modified-Since"),
            _ => Verdict::Holds,
        }
    }
}

/// The conditions of a request that writes or removes an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteConditions {
    /// Only over an object with this tag, or over any for `*`.
    pub if_match: Option<String>,
    /// Only if there is none.
    pub if_absent: bool,
}

impl WriteConditions {
    /// Reads the headers.
    ///
    /// # Errors
    /// `NotImplemented` for an If-None-Match other than `*`, as S3 has it.
    pub fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let if_absent = match request.header("if-none-match") {
            None => false,
            Some("*") => true,
            Some(_) => {
                let text = "A header you provided implies functionality that is not offered: \
                            If-None-Match with anything but *";
                return Err(ApiError::new(ErrorCode::NotImplemented, text));
            }
        };
        Ok(Self { if_match: request.header("if-match").map(str::to_owned), if_absent })
    }

    /// Whether the object as it is now may be written over or removed; `etag` is its tag without
    /// quotes, `None` if there is no object.
    ///
    /// # Errors
    /// `PreconditionFailed`, or `NoSuchKey` if a tag is wanted where there is no object.
    pub fn check(&self, etag: Option<&str>) -> Result<(), ApiError> {
        match (&self.if_match, etag) {
            (Some(_), None) => {
                return Err(ApiError::new(
                    ErrorCode::NoSuchKey,
                    "The specified key does not exist",
                ));
            }
            (Some(tags), Some(etag)) if !names(tags, etag, Weak::Differs) => {
                return Err(failed("If-Match"));
            }
            _ => {}
        }
        match self.if_absent && etag.is_some() {
            true => Err(failed("If-None-Match")),
            false => Ok(()),
        }
    }
}

/// The error of a condition that does not hold.
pub fn failed(condition: &'static str) -> ApiError {
    let text = "At least one of the pre-conditions you specified did not hold";
    ApiError::new(ErrorCode::PreconditionFailed, text).showing("Condition", condition)
}

/// Whether If-Range wants the range: it names the present version by its tag or its date.
pub fn range_is_wanted(if_range: &str, etag: &str, modified: Timestamp) -> bool {
    match Timestamp::parse_http(if_range) {
        Ok(date) => date.as_secs() == modified.as_secs(),
        Err(_) => names(if_range, etag, Weak::Differs) && if_range.trim() != "*",
    }
}

/// What a weak tag is to one of ours, which are all strong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weak {
    Same,
    Differs,
}

/// Whether one of the tags is this one. Tags without quotes are taken, as S3 does.
fn names(tags: &str, etag: &str, weak: Weak) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let (tag, is_weak) = match tag.strip_prefix("W/") {
            Some(rest) => (rest, true),
            None => (tag, false),
        };
        let bare = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
        tag == "*" || (bare == etag && (!is_weak || weak == Weak::Same))
    })
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::request::Query;
    use super::*;

    const ETAG: &str = "0cc175b9c0f1b6a831c399e269772661";
    const MODIFIED: Timestamp = Timestamp::from_millis(784_111_777_400);
    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const QUOTED: &str = "\"0cc175b9c0f1b6a831c399e269772661\"";

    fn with<T>(headers: &[(&str, &str)], read: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let (address, query) = (Address::Service, Query::default());
        read(&Request { address: &address, query: &query, headers: &headers })
    }

    #[test]
    fn tags_come_before_dates() {
        let (match_, none, since, unless) =
            ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since");
        let weak = format!("W/{QUOTED}");
        let many = format!("\"a\", {QUOTED}");
        let table: &[(&[(&str, &str)], Verdict)] = &[
            (&[], Verdict::Holds),
            (&[(match_, QUOTED)], Verdict::Holds),
            (&[(match_, ETAG)], Verdict::Holds),
            (&[(match_, "*")], Verdict::Holds),
            (&[(match_, &many)], Verdict::Holds),
            (&[(match_, &weak)], Verdict::Fails("If-Match")),
            (&[(match_, "\"other\"")], Verdict::Fails("If-Match")),
            (&[(none, QUOTED)], Verdict::Known("If-None-Match")),
            (&[(none, &weak)], Verdict::Known("If-None-Match")),
            (&[(none, "*")], Verdict::Known("If-None-Match")),
            (&[(none, "\"other\"")], Verdict::Holds),
            (&[(since, BEFORE)], Verdict::Holds),
            (&[(since, THEN)], Verdict::Known("If-Modified-Since")),
            (&[(since, LATER)], Verdict::Known("If-Modified-Since")),
            (&[(since, "soon")], Verdict::Holds),
            (&[(unless, BEFORE)], Verdict::Fails("If-Unmodified-Since")),
            (&[(unless, THEN)], Verdict::Holds),
            (&[(unless, LATER)], Verdict::Holds),
            (&[(unless, "soon")], Verdict::Holds),
            (&[(match_, QUOTED), (unless, BEFORE)], Verdict::Holds),
            (&[(match_, "\"other\""), (unless, LATER)], Verdict::Fails("If-Match")),
            (&[(none, "\"other\""), (since, LATER)], Verdict::Holds),
            (&[(none, QUOTED), (since, BEFORE)], Verdict::Known("If-None-Match")),
            (&[(match_, QUOTED), (none, QUOTED)], Verdict::Known("If-None-Match")),
            (&[(match_, "\"other\""), (none, QUOTED)], Verdict::Fails("If-Match")),
        ];
        for (headers, expected) in table {
            let verdict = with(headers, |r| Conditions::read(r, "")).verdict(ETAG, MODIFIED);
            assert_eq!(verdict, *expected, "{headers:?}");
        }
        let copy = [("x-amz-copy-source-if-match", "\"other\""), ("if-match", QUOTED)];
        let read = with(&copy, |r| Conditions::read(r, "x-amz-copy-source-"));
        assert_eq!(read.verdict(ETAG, MODIFIED), Verdict::Fails("If-Match"));
    }

    #[test]
    fn writing_depends_on_what_is_there() {
        let check = |headers: &[(&str, &str)], etag| {
            let read = with(headers, WriteConditions::read)?;
            read.check(etag).map_err(|error: ApiError| error)
        };
        let code = |headers: &[(&str, &str)], etag| {
            check(headers, etag).map_err(|error: ApiError| error.code())
        };
        assert_eq!(code(&[], None), Ok(()));
        assert_eq!(code(&[], Some(ETAG)), Ok(()));
        assert_eq!(code(&[("if-none-match", "*")], None), Ok(()));
        let failed = Err(ErrorCode::PreconditionFailed);
        assert_eq!(code(&[("if-none-match", "*")], Some(ETAG)), failed);
        assert_eq!(code(&[("if-none-match", QUOTED)], None), Err(ErrorCode::NotImplemented));
        assert_eq!(code(&[("if-match", QUOTED)], Some(ETAG)), Ok(()));
        assert_eq!(code(&[("if-match", "*")], Some(ETAG)), Ok(()));
        assert_eq!(code(&[("if-match", "\"other\"")], Some(ETAG)), failed);
        assert_eq!(code(&[("if-match", QUOTED)], None), Err(ErrorCode::NoSuchKey));
        let error = check(&[("if-none-match", "*")], Some(ETAG)).unwrap_err();
        assert_eq!(error.shown(), [("Condition", "If-None-Match".to_owned())]);
    }

    #[test]
    fn ranges_are_of_one_version() {
        let table = [
            (QUOTED, true),
            (ETAG, true),
            ("\"other\"", false),
            ("*", false),
            (THEN, true),
            (BEFORE, false),
            (LATER, false),
        ];
        for (if_range, wanted) in table {
            assert_eq!(range_is_wanted(if_range, ETAG, MODIFIED), wanted, "{if_range}");
        }
    }
}
