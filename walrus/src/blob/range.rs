//! One range of bytes, as a Range header asks for it.
//!
//! Several ranges in one header and texts that are no range are answered with the whole, as
//! RFC 9110 allows.

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// Everything, status 200.
    Whole,
    /// A part, status 206.
    Part {
        /// The first byte.
        start: u64,
        /// How many; never 0.
        length: u64,
    },
    /// Nothing of what exists, status 416.
    Beyond,
}

impl Span {
    /// Reads a Range header for `size` bytes.
    pub(crate) fn of(header: Option<&str>, size: u64) -> Self {
        let Some(header) = header else { return Self::Whole };
        let Some((unit, range)) = header.split_once('=') else { return Self::Whole };
        let Some((first, last)) = range.trim().split_once('-') else { return Self::Whole };
        if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
            return Self::Whole;
        }
        match (number(first), number(last)) {
            (Ok(Some(first)), Ok(last)) => {
                if last.is_some_and(|last| last < first) {
                    return Self::Whole;
                }
                if first >= size {
                    return Self::Beyond;
                }
                let last = last.unwrap_or(u64::MAX).min(size - 1);
                Self::Part { start: first, length: last - first + 1 }
            }
            (Ok(None), Ok(Some(suffix))) => {
                let length = suffix.min(size);
                if length == 0 {
                    return Self::Beyond;
                }
                Self::Part { start: size - length, length }
            }
            _ => Self::Whole,
        }
    }

    /// The first byte and how many follow, of `size` bytes.
    pub(crate) fn bounds(self, size: u64) -> (u64, u64) {
        match self {
            Self::Whole => (0, size),
            Self::Part { start, length } => (start, length),
            Self::Beyond => (0, 0),
        }
    }

    /// The status, and the value of Content-Range where there is one.
    pub(crate) fn head(self, size: u64) -> (u16, Option<String>) {
        match self {
            Self::Whole => (200, None),
            Self::Part { start, length } => {
                (206, Some(format!("bytes {start}-{}/{size}", start + length - 1)))
            }
            Self::Beyond => (416, Some(format!("bytes */{size}"))),
        }
    }
}

/// Nothing, a number (the greatest one if it is greater), or no number at all.
fn number(text: &str) -> Result<Option<u64>, ()> {
    let text = text.trim();
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(());
    }
    Ok((!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let part = |start, length| Span::Part { start, length };
        let table = [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-5", part(2, 4)),
            ("bytes=2-", part(2, 8)),
            ("Bytes = 2-99", part(2, 8)),
            ("bytes=9-99999999999999999999999", part(9, 1)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-99", part(0, 10)),
            ("bytes=10-", Span::Beyond),
            ("bytes=10-20", Span::Beyond),
            ("bytes=-0", Span::Beyond),
            ("bytes=5-2", Span::Whole),
            ("bytes=-", Span::Whole),
            ("bytes=a-b", Span::Whole),
            ("bytes=--3", Span::Whole),
            ("bytes=1-2,4-5", Span::Whole),
            ("lines=1-2", Span::Whole),
            ("bytes", Span::Whole),
        ];
        for (header, expected) in table {
            assert_eq!(Span::of(Some(header), 10), expected, "{header}");
        }
        assert_eq!(Span::of(None, 10), Span::Whole);
        assert_eq!(Span::of(Some("bytes=0-"), 0), Span::Beyond);
        assert_eq!(Span::of(Some("bytes=-1"), 0), Span::Beyond);
    }

    #[test]
    fn heads_tell_the_unit_and_the_inclusive_end() {
        let span = Span::of(Some("bytes=2-5"), 10);
        assert_eq!(span.head(10), (206, Some("bytes 2-5/10".into())));
        assert_eq!(span.bounds(10), (2, 4));
        assert_eq!(Span::Beyond.head(10), (416, Some("bytes */10".into())));
        assert_eq!(Span::Whole.head(10), (200, None));
    }
}
