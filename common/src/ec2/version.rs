//! The versions of the EC2 API that clients speak, from the first to the one of today's clients.

use std::fmt;

use crate::error::ApiError;

/// Every version that was published, oldest first.
const PUBLISHED: [&str; 52] = [
    "2006-06-26",
    "2006-10-01",
    "2007-01-03",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2008-02-01",
    "2008-05-05",
    "2008-08-08",
    "2008-12-01",
    "2009-03-01",
    "2009-04-04",
    "2009-07-15",
    "2009-08-15",
    "2009-10-31",
    "2009-11-30",
    "2010-06-15",
    "2010-08-31",
    "2010-11-15",
    "2011-01-01",
    "2011-02-28",
    "2011-05-15",
    "2011-07-15",
    "2011-11-01",
    "2011-12-01",
    "2011-12-15",
    "2012-03-01",
    "2012-04-01",
    "2012-05-01",
    "2012-06-01",
    "2012-06-15",
    "2012-07-20",
    "2012-08-15",
    "2012-10-01",
    "2012-12-01",
    "2013-02-01",
    "2013-06-15",
    "2013-07-15",
    "2013-08-15",
    "2013-10-01",
    "2013-10-15",
    "2014-02-01",
    "2014-05-01",
    "2014-06-15",
    "2014-09-01",
    "2014-10-01",
    "2015-03-01",
    "2015-04-15",
    "2015-10-01",
    "2016-04-01",
    "2016-09-15",
    "2016-11-15",
];

/// A version of the API: whose names and shapes an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(&'static str);

impl Version {
    /// The version that a request means. A date at which none was published means the last one
    /// before it, and one before the first means the first.
    ///
    /// # Errors
    /// `InvalidParameterValue` for what is no date.
    pub fn find(text: &str) -> Result<Self, ApiError> {
        if !is_date(text) {
            return Err(ApiError::invalid("Version", format!("'{text}' is no date, 2016-11-15")));
        }
        let last = PUBLISHED.iter().rev().find(|known| **known <= text);
        Ok(Self(last.unwrap_or(&PUBLISHED[0])))
    }

    /// The date, `2016-11-15`.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether its clients know what came with `since`, a date.
    pub fn knows(self, since: &str) -> bool {
        self.0 >= since
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// Whether a text has the form of a date, `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let in_form = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10
        && text.bytes().enumerate().all(in_form)
        && ("01"..="12").contains(&&text[5..7])
        && ("01"..="31").contains(&&text[8..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_the_last_version_before_it() {
        assert!(PUBLISHED.is_sorted() && PUBLISHED.iter().all(|date| is_date(date)));
        for (asked, meant) in [
            ("2006-06-26", "2006-06-26"),
            ("2009-11-30", "2009-11-30"),
            ("2016-11-15", "2016-11-15"),
            ("1999-12-31", "2006-06-26"),
            ("2010-01-01", "2009-11-30"),
            ("2030-01-01", "2016-11-15"),
        ] {
            assert_eq!(Version::find(asked).unwrap().as_str(), meant, "{asked}");
        }
        for bad in ["1", "eucalyptus", "2016-13-01", "2016-11-32", "2016-11-1x", "2016/11/15", ""] {
            assert!(Version::find(bad).unwrap_err().text().contains("Version"), "{bad}");
        }
    }
}
