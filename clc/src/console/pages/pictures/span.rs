//! How far back a picture goes, and what it shows of what is kept.

use common::error::ApiError;
use common::time::Timestamp;
use maud::{Markup, html};

use super::chart::{Chart, Line, POINTS};
use super::scale::Unit;
use crate::console::text::{Text, Words};
use crate::console::texts::pictures as say;
use crate::console::visit::Visit;
use crate::history::{Cell, Family, History, Row, Subject};

/// How many rows of the history a picture is made of at most.
const MOST: u64 = 1500;

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Its name in addresses.
    pub(super) name: &'static str,
    /// In seconds.
    pub(super) seconds: u64,
    /// What people call it.
    text: Text,
}

/// All of them, the shortest first.
const SPANS: [Span; 6] = [
    Span { name: "hour", seconds: 3600, text: say::HOUR },
    Span { name: "day", seconds: 86_400, text: say::DAY },
    Span { name: "week", seconds: 7 * 86_400, text: say::WEEK },
    Span { name: "month", seconds: 30 * 86_400, text: say::MONTH },
    Span { name: "year", seconds: 365 * 86_400, text: say::YEAR },
    Span { name: "two-years", seconds: 730 * 86_400, text: say::TWO_YEARS },
];

impl Span {
    /// The one that is asked for; a day, if none is.
    pub(super) fn of(visit: &Visit) -> Self {
        let asked = visit.query.line("range");
        SPANS.into_iter().find(|span| span.name == asked).unwrap_or(SPANS[1])
    }

    /// The shortest.
    pub(crate) fn hour() -> Self {
        SPANS[0]
    }

    /// A day.
    pub(crate) fn day() -> Self {
        SPANS[1]
    }

    /// Whether it is short enough to be followed.
    pub(super) fn is_live(self) -> bool {
        self == SPANS[0]
    }

    /// Where it begins and ends.
    pub(super) fn around(self, now: Timestamp) -> (Timestamp, Timestamp) {
        let width = self.seconds / POINTS.min(self.seconds / 60);
        let end = u64::try_from(now.as_secs()).unwrap_or_default() / width * width + width;
        let at = |seconds: u64| Timestamp::from_secs(i64::try_from(seconds).unwrap_or_default());
        (at(end.saturating_sub(self.seconds)), at(end))
    }

    /// The choice between them, on a page of that path.
    pub(super) fn choice(self, words: Words, path: &str) -> Markup {
        html! {
            nav.ranges aria-label=(words.t(say::RANGE)) {
                @for span in SPANS {
                    a href={ (path) "?range=" (span.name) } aria-current=[(span == self).then_some("true")] {
                        (words.t(span.text))
                    }
                }
            }
        }
    }
}

/// What a picture shows: its title, of what its numbers are, and columns with their names; the first
/// is filled if it is said so.
pub(super) struct Shows {
    pub(super) title: Text,
    pub(super) unit: Unit,
    pub(super) filled: bool,
    pub(super) columns: &'static [(&'static str, Text)],
}

/// What is known of a subject, in points for pictures.
pub(crate) struct Seen {
    family: Family,
    from: u64,
    step: u64,
    /// The rows of each point. They are joined by columns, as these are asked for.
    points: Vec<Vec<Row>>,
}

impl Seen {
    /// Reads it.
    pub(crate) async fn read(
        history: &History,
        subject: &Subject,
        span: Span,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let (from, until) = span.around(now);
        let (row, rows) = history.read(subject, from, until, MOST).await?;
        let seconds = |at: Timestamp| u64::try_from(at.as_secs()).unwrap_or_default();
        let (from, until) = (seconds(from), seconds(until));
        let step = ((until - from) / POINTS).max(row).next_multiple_of(row.min(until - from));
        let mut points: Vec<Vec<Row>> =
            vec![Vec::new(); usize::try_from((until - from).div_ceil(step)).unwrap_or(1)];
        for row in rows {
            let place = usize::try_from(row.at.saturating_sub(from) / step).unwrap_or(usize::MAX);
            if let Some(point) = points.get_mut(place) {
                point.push(row);
            }
        }
        Ok(Self { family: subject.family, from, step, points })
    }

    /// Whether anything is known.
    pub(super) fn is_empty(&self) -> bool {
        self.points.iter().all(Vec::is_empty)
    }

    /// What is known of a column.
    pub(crate) fn cells(&self, column: &str) -> Vec<Option<Cell>> {
        let Some(place) = self.family.column(column) else { return Vec::new() };
        self.points.iter().map(|rows| Cell::joined(rows, place)).collect()
    }

    /// What is known of a column at last, and when that was.
    pub(crate) fn last(&self, column: &str) -> Option<(Timestamp, Cell)> {
        let cells = self.cells(column);
        let (place, cell) = cells.iter().enumerate().rev().find_map(|(n, it)| Some((n, (*it)?)))?;
        let at = self.from + self.step * place as u64;
        let at = self.points.get(place).and_then(|rows| rows.first()).map_or(at, |row| row.at);
        Some((Timestamp::from_secs(i64::try_from(at).unwrap_or_default()), cell))
    }

    /// A picture of it.
    pub(super) fn chart(&self, words: Words, id: usize, shows: &Shows) -> Chart {
        let line = |(number, (column, name)): (usize, &(&'static str, Text))| Line {
            name: words.t(*name).to_owned(),
            cells: self.cells(column),
            filled: shows.filled && number == 0,
        };
        Chart {
            id,
            title: words.t(shows.title).to_owned(),
            unit: shows.unit,
            from: self.from,
            step: self.step,
            lines: shows.columns.iter().enumerate().map(line).collect(),
        }
    }

    /// All of these pictures.
    pub(super) fn draw(&self, words: Words, shows: &[Shows]) -> Markup {
        html! {
            div.charts {
                @for (number, shows) in shows.iter().enumerate() {
                    (self.chart(words, number, shows).draw(words))
                }
            }
        }
    }
}
