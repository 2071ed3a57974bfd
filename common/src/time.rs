//! Points in time, and the texts in which AWS protocols write them.
//!
//! Owns [`Timestamp`], a number of milliseconds since 1970 that is stored, sent and compared
//! everywhere, and the four texts it is written in. Reading is lenient where real clients differ:
//! ISO 8601 with and without `Z`, fraction or offset, its basic form, and HTTP dates with a zone
//! name or a numeric offset.
//!
//! It never reads a clock: whoever needs "now" is handed one.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Is a point in time: milliseconds since 1970-01-01T00:00:00 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Says that a text is no date that this house understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a date of the form {form}")]
pub struct InvalidTime {
    /// The text as it was given.
    pub text: String,
    /// The form that was looked for, by example.
    pub form: &'static str,
}

impl Timestamp {
    /// Is 1970-01-01T00:00:00 UTC.
    pub const EPOCH: Timestamp = Timestamp(0);

    /// Makes a point in time from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// Makes a point in time from seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Timestamp {
        Timestamp(secs.saturating_mul(1000))
    }

    /// Gives the milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Gives the whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Gives the point in time that lies `span` later.
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(millis(span)))
    }

    /// Gives the point in time that lies `span` earlier.
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(millis(span)))
    }

    /// Gives the time gone by since `earlier`; zero if `earlier` lies in the future.
    pub fn since(self, earlier: Timestamp) -> Duration {
        let gone = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(gone).unwrap_or(0))
    }

    /// Gives the distance to another point in time, whichever is earlier.
    pub fn distance(self, other: Timestamp) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }

    /// Writes `2026-11-22T10:50:32.000Z`, the form of API answers.
    pub fn iso(self) -> String {
        let (date, time) = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }

    /// Writes `Sun, 22 Nov 2026 10:51:30 GMT`, the form of HTTP headers.
    pub fn http_date(self) -> String {
        let (date, time) = self.civil();
        format!(
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
            DAYS[usize::from(date.weekday().number_days_from_monday())],
            date.day(),
            MONTHS[usize::from(u8::from(date.month())) - 1],
            date.year(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }

    /// Writes `20261122T105130Z`, the form of `X-Amz-Date`.
    pub fn basic_iso(self) -> String {
        let (_, time) = self.civil();
        format!("{}T{:02}{:02}{:02}Z", self.date(), time.hour(), time.minute(), time.second())
    }

    /// Writes `20261122`, the form of a signature's scope.
    pub fn date(self) -> String {
        let (date, _) = self.civil();
        format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())
    }

    /// Reads ISO 8601: `2026-11-22T10:50:32`, with or without a fraction, `Z` or an offset.
    pub fn parse_iso(text: &str) -> Result<Timestamp, InvalidTime> {
        let wrong = || InvalidTime { text: text.to_owned(), form: "2026-11-22T10:50:32Z" };
        let mut rest = Scanner(text.trim());
        let moment = rest.extended().ok_or_else(wrong)?;
        rest.end(moment).ok_or_else(wrong)
    }

    /// Reads the basic form of ISO 8601: `20261122T105130Z`, the `Z` being optional.
    pub fn parse_basic(text: &str) -> Result<Timestamp, InvalidTime> {
        let wrong = || InvalidTime { text: text.to_owned(), form: "20261122T105130Z" };
        let mut rest = Scanner(text.trim());
        let moment = rest.basic().ok_or_else(wrong)?;
        rest.end(moment).ok_or_else(wrong)
    }

    /// Reads an HTTP date, `Sun, 22 Nov 2026 10:51:30 GMT`; the weekday may be absent, the zone
    /// may be `UTC`, `UT`, `Z` or an offset such as `-0000`.
    pub fn parse_http(text: &str) -> Result<Timestamp, InvalidTime> {
        let wrong = || InvalidTime { text: text.to_owned(), form: "Sun, 22 Nov 2026 10:51:30 GMT" };
        let mut rest = Scanner(text.trim());
        let moment = rest.http().ok_or_else(wrong)?;
        rest.end(moment).ok_or_else(wrong)
    }

    /// Reads any of the three forms above.
    pub fn parse(text: &str) -> Result<Timestamp, InvalidTime> {
        Timestamp::parse_iso(text)
            .or_else(|_| Timestamp::parse_basic(text))
            .or_else(|_| Timestamp::parse_http(text))
            .map_err(|_| InvalidTime {
                text: text.to_owned(),
                form: "2026-11-22T10:50:32Z, 20261122T105032Z or Sun, 22 Nov 2026 10:50:32 GMT",
            })
    }

    /// Splits into date and time of day; what lies outside the years 0 to 9999 is shown as the
    /// nearest moment inside, since the texts have four digits.
    fn civil(self) -> (Date, Time) {
        let first = PrimitiveDateTime::new(
            Date::from_calendar_date(0, Month::January, 1).unwrap_or(Date::MIN),
            Time::MIDNIGHT,
        );
        let last = PrimitiveDateTime::new(Date::MAX, Time::MIDNIGHT);
        let low = first.assume_utc().unix_timestamp() * 1000;
        let high = last.assume_utc().unix_timestamp() * 1000;
        let nanos = i128::from(self.0.clamp(low, high)) * 1_000_000;
        let moment =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        (moment.date(), moment.time())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Eats a text from its front; `None` is "not of this form".
struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    fn extended(&mut self) -> Option<PrimitiveDateTime> {
        let year = self.digits(4)?;
        self.literal("-")?;
        let month = self.digits(2)?;
        self.literal("-")?;
        let day = self.digits(2)?;
        self.literal("T").or_else(|| self.literal(" "))?;
        let moment = civil(year, month, day, self.clock()?)?;
        self.fraction(moment)
    }

    fn basic(&mut self) -> Option<PrimitiveDateTime> {
        let (year, month, day) = (self.digits(4)?, self.digits(2)?, self.digits(2)?);
        self.literal("T")?;
        let clock = (self.digits(2)?, self.digits(2)?, self.digits(2)?);
        civil(year, month, day, clock)
    }

    fn http(&mut self) -> Option<PrimitiveDateTime> {
        if let Some((weekday, rest)) = self.0.split_once(',') {
            DAYS.iter().find(|day| day.eq_ignore_ascii_case(weekday.trim()))?;
            self.0 = rest.trim_start();
        }
        let day = self.digits(2).or_else(|| self.digits(1))?;
        self.literal(" ")?;
        let name = self.0.get(..3)?;
        let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
        self.0 = &self.0[3..];
        self.literal(" ")?;
        let year = self.digits(4)?;
        self.literal(" ")?;
        let moment = civil(year, u32::try_from(month).ok()? + 1, day, self.clock()?)?;
        self.literal(" ")?;
        if self.0.is_empty() { None } else { Some(moment) }
    }

    fn clock(&mut self) -> Option<(u32, u32, u32)> {
        let hour = self.digits(2)?;
        self.literal(":")?;
        let minute = self.digits(2)?;
        self.literal(":")?;
        Some((hour, minute, self.digits(2)?))
    }

    fn fraction(&mut self, moment: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
        if self.literal(".").or_else(|| self.literal(",")).is_none() {
            return Some(moment);
        }
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        let kept = &digits[..count.min(3)];
        let millis = kept.parse::<u16>().ok()? * [100, 10, 1][kept.len() - 1];
        self.0 = rest;
        moment.replace_millisecond(millis).ok()
    }

    /// Reads what follows the seconds, a zone or nothing, and with it the moment.
    fn end(&mut self, moment: PrimitiveDateTime) -> Option<Timestamp> {
        let sign = match self.0 {
            "" | "Z" | "z" | "GMT" | "UTC" | "UT" => 0,
            offset if offset.starts_with('+') => 1,
            offset if offset.starts_with('-') => -1,
            _ => return None,
        };
        let mut minutes = 0;
        if sign != 0 {
            self.0 = &self.0[1..];
            let hours = self.digits(2)?;
            self.literal(":");
            let rest = self.digits(2)?;
            if hours > 23 || rest > 59 || !self.0.is_empty() {
                return None;
            }
            minutes = i64::from(hours * 60 + rest);
        }
        let nanos = moment.assume_utc().unix_timestamp_nanos();
        let millis = i64::try_from(nanos / 1_000_000).ok()?;
        Some(Timestamp(millis - sign * minutes * 60_000))
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let digits = self.0.get(..count)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = &self.0[count..];
        digits.parse().ok()
    }

    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }
}

fn civil(
    year: u32,
    month: u32,
    day: u32,
    (hour, minute, second): (u32, u32, u32),
) -> Option<PrimitiveDateTime> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date =
        Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let [hour, minute, second] = [hour, minute, second].map(|part| u8::try_from(part).ok());
    Some(PrimitiveDateTime::new(date, Time::from_hms(hour?, minute?, second?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:50:32Z
    const MOMENT: Timestamp = Timestamp::from_secs(1_795_344_632);

    #[test]
    fn writes_each_form() {
        assert_eq!(MOMENT.iso(), "2026-11-22T10:50:32.000Z");
        assert_eq!(MOMENT.plus(Duration::from_millis(7)).iso(), "2026-11-22T10:50:32.007Z");
        assert_eq!(MOMENT.http_date(), "Sun, 22 Nov 2026 10:50:32 GMT");
        assert_eq!(MOMENT.basic_iso(), "20261122T105032Z");
        assert_eq!(MOMENT.date(), "20261122");
        assert_eq!(Timestamp::EPOCH.http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(Timestamp::from_millis(-1).iso(), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(-1).as_secs(), -1);
    }

    #[test]
    fn writes_something_for_any_number() {
        assert_eq!(Timestamp::from_millis(i64::MAX).date(), "99991231");
        assert_eq!(Timestamp::from_millis(i64::MIN).date(), "00000101");
    }

    #[test]
    fn reads_what_clients_send() {
        for text in [
            "2026-11-22T10:50:32",
            "2026-11-22T10:50:32Z",
            "2026-11-22T10:50:32.000Z",
            "2026-11-22T10:50:32.0",
            "2026-11-22T10:50:32+00:00",
            "2026-11-22T11:50:32+01:00",
            "2026-11-22T05:20:32-0530",
            "20261122T105032Z",
            "20261122T105032",
            "Sun, 22 Nov 2026 10:50:32 GMT",
            "Sun, 22 Nov 2026 10:50:32 -0000",
            "Sun, 22 Nov 2026 10:50:32 +0000",
            "Sun, 22 Nov 2026 12:50:32 +0200",
            "22 Nov 2026 10:50:32 UTC",
        ] {
            assert_eq!(Timestamp::parse(text), Ok(MOMENT), "{text}");
        }
        let first = Timestamp::parse("Sun, 1 Nov 2026 00:00:00 GMT").unwrap();
        assert_eq!(first.date(), "20261101");
        let fine = Timestamp::parse_iso("2026-11-22T10:50:32.1239999Z").unwrap();
        assert_eq!(fine, MOMENT.plus(Duration::from_millis(123)));
        let tenth = Timestamp::parse_iso("2026-11-22T10:50:32.5").unwrap();
        assert_eq!(tenth, MOMENT.plus(Duration::from_millis(500)));
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "now",
            "2026-11-22",
            "2026-13-22T10:50:32Z",
            "2026-02-30T10:50:32Z",
            "2026-11-22T24:50:32Z",
            "2026-11-22T10:50:32.Z",
            "2026-11-22T10:50:32X",
            "2026-11-22T10:50:32+1",
            "2026-11-22T10:50:32+00:00Z",
            "20261122T105032.5Z",
            "Sun, 22 Nov 2026 10:50:32",
            "Son, 22 Nov 2026 10:50:32 GMT",
            "Sun, 22 Növ 2026 10:50:32 GMT",
            "Sun, 22 Nov 2026 10:50:32 CET",
            "日本",
        ] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_form_reads_back() {
        for secs in (-2_000_000_000..4_000_000_000).step_by(12_345_679) {
            let moment = Timestamp::from_secs(secs);
            assert_eq!(Timestamp::parse_iso(&moment.iso()), Ok(moment));
            assert_eq!(Timestamp::parse_basic(&moment.basic_iso()), Ok(moment));
            assert_eq!(Timestamp::parse_http(&moment.http_date()), Ok(moment));
        }
    }

    #[test]
    fn counts_spans() {
        let minute = Duration::from_secs(60);
        let later = MOMENT.plus(minute);
        assert_eq!(later.since(MOMENT), minute);
        assert_eq!(MOMENT.since(later), Duration::ZERO);
        assert_eq!(MOMENT.distance(later), minute);
        assert_eq!(later.minus(minute), MOMENT);
        assert_eq!(MOMENT.plus(Duration::MAX).as_millis(), i64::MAX);
    }

    #[test]
    fn is_a_bare_number_in_json() {
        assert_eq!(serde_json::to_string(&MOMENT).unwrap(), "1795344632000");
        assert_eq!(serde_json::from_str::<Timestamp>("1795344632000").unwrap(), MOMENT);
    }
}
