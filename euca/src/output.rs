//! Lines of columns, the way both generations print them.

use std::io::{self, Write};

/// Prints rows whose columns are parted by tabs.
pub(crate) struct Rows<'a> {
    out: &'a mut dyn Write,
    empty: &'static str,
}

impl<'a> Rows<'a> {
    /// Prints to `out`; empty columns are `(nil)` if they are to be seen, else nothing.
    pub(crate) fn new(out: &'a mut dyn Write, show_empty: bool) -> Self {
        Self { out, empty: if show_empty { "(nil)" } else { "" } }
    }

    /// Prints a row. Control characters become blanks: a name that holds a tab or a line break is
    /// still one column of one line.
    pub(crate) fn row(&mut self, columns: &[&str]) -> io::Result<()> {
        let columns: Vec<String> = columns
            .iter()
            .map(|column| if column.is_empty() { self.empty } else { *column })
            .map(|column| column.replace(char::is_control, " "))
            .collect();
        writeln!(self.out, "{}", columns.join("\t"))
    }
}

/// The text of a value that may be absent.
pub(crate) fn opt(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_where_they_are() {
        for (show_empty, expected) in [(false, "A\t\tb c\t\n"), (true, "A\t(nil)\tb c\t(nil)\n")] {
            let mut out = Vec::new();
            Rows::new(&mut out, show_empty).row(&["A", "", "b\tc", ""]).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
