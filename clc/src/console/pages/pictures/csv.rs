//! Tables as files that spreadsheets read: a line a row, values parted by commas, quoted where they
//! must be. A text that a spreadsheet would take for a formula is made a text by a `'` before it.

use common::time::Timestamp;

/// A file that grows.
pub(super) struct Csv(String);

impl Csv {
    /// One with a line that names its columns.
    pub(super) fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        // Excel takes a file for UTF-8 if it begins with this.
        let mut own = Self("\u{feff}".to_owned());
        own.line(columns.into_iter().map(str::to_owned));
        own
    }

    /// Adds a line of values that are put as they are: numbers, times, and what [`text`] made.
    pub(super) fn line(&mut self, values: impl IntoIterator<Item = String>) {
        for (number, value) in values.into_iter().enumerate() {
            if number > 0 {
                self.0.push(',');
            }
            self.0.push_str(&value);
        }
        self.0.push_str("\r\n");
    }

    /// Its bytes.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// What its type is.
pub(super) const TYPE: &str = "text/csv; charset=utf-8";

/// A text as a value.
pub(super) fn text(text: &str) -> String {
    // Spreadsheets that speak Japanese take the wide signs, too.
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let safe = if formula { format!("'{text}") } else { text.to_owned() };
    let quoted = safe.contains([',', '"', '\n', '\r', ' ', ';', '\'']);
    if quoted { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

/// A moment as a value.
pub(super) fn moment(at: Timestamp) -> String {
    let iso = at.iso();
    format!("{}Z", iso.get(..19).unwrap_or(&iso))
}

/// A number as a value; nothing, if it is not known.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_and_no_formula_is_made() {
        for (value, written) in [
            ("taro", "taro"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("＝1+1", "\"'＝1+1\""),
            ("\tx", "\"'\tx\""),
            ("a\r\nb", "\"a\r\nb\""),
        ] {
            assert_eq!(text(value), written, "{value:?}");
        }
        assert_eq!(number(1.5), "1.5");
        assert_eq!((number(3.0).as_str(), number(f64::NAN).as_str()), ("3", ""));
        assert_eq!(moment(Timestamp::from_secs(0)), "1970-01-01T00:00:00Z");
        let mut csv = Csv::new(["a", "b"]);
        csv.line([text("x y"), number(0.25)]);
        let read = String::from_utf8(csv.bytes()).unwrap();
        assert_eq!(read, "\u{feff}a,b\r\n\"x y\",0.25\r\n");
    }
}
