//! Pictures of numbers over time, as SVG that is part of a page: lines or areas, the span between the
//! least and the greatest where a point stands for several samples, gaps where nothing is known, axes
//! with round numbers; and the same numbers as a table for whoever cannot see them.
//!
//! Colours and type are the stylesheet's, by classes: nothing here needs a style of its own.

use std::fmt::Write as _;

use common::time::Timestamp;
use maud::{Markup, html};

use super::scale::{Unit, axis, times};
use crate::console::text::Words;
use crate::console::texts::pictures as say;
use crate::history::Cell;

/// Points of a line.
pub(super) const POINTS: u64 = 120;
/// Rows of the table.
const ROWS: usize = 12;
/// Where things are, in half pixels of a picture that is 440 wide: whole numbers make small pages.
const WIDE: f64 = 880.0;
const HIGH: f64 = 340.0;
const LEFT: f64 = 116.0;
const RIGHT: f64 = 864.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 296.0;

/// One of the things that a picture shows.
pub(super) struct Line {
    /// What it is.
    pub(super) name: String,
    /// What is known at each point.
    pub(super) cells: Vec<Option<Cell>>,
    /// Whether the space below it is filled.
    pub(super) filled: bool,
}

/// A picture.
pub(super) struct Chart {
    /// Its place on the page, for ids.
    pub(super) id: usize,
    /// What it shows.
    pub(super) title: String,
    /// Of what its numbers are.
    pub(super) unit: Unit,
    /// When its first point begins, in seconds since 1970.
    pub(super) from: u64,
    /// How long each point lasts, in seconds.
    pub(super) step: u64,
    /// What it shows.
    pub(super) lines: Vec<Line>,
}

fn x(place: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * place
}

/// A whole number of half pixels.
#[expect(clippy::cast_possible_truncation, reason = "a picture has less than a thousand of them")]
fn whole(number: f64) -> i32 {
    number.round() as i32
}

/// Adds a piece to a path: where it begins, and then how far each point is from the one before.
fn along_points(path: &mut String, points: &[(f64, f64)]) {
    let mut last: Option<(i32, i32)> = None;
    for (number, (across, up)) in points.iter().enumerate() {
        let now = (whole(*across), whole(*up));
        // Writing to a String does not fail.
        let _ = match last {
            None => write!(path, "M{} {}", now.0, now.1),
            Some(last) => {
                let letter = if number == 1 { "l" } else { " " };
                write!(path, "{letter}{} {}", now.0 - last.0, now.1 - last.1)
            }
        };
        last = Some(now);
    }
}

impl Chart {
    fn points(&self) -> usize {
        self.lines.iter().map(|line| line.cells.len()).max().unwrap_or_default()
    }

    fn until(&self) -> u64 {
        self.from + self.step * self.points() as u64
    }

    fn most(&self) -> f64 {
        let known = self.lines.iter().flat_map(|line| line.cells.iter().flatten());
        known.map(|cell| f64::from(cell.max)).fold(0.0, f64::max)
    }

    /// The middle of a point.
    fn across(&self, point: usize) -> f64 {
        x((point as f64 + 0.5) / self.points().max(1) as f64)
    }

    /// What is known at last.
    fn last(line: &Line) -> Option<Cell> {
        line.cells.iter().rev().flatten().next().copied()
    }

    /// Pieces of a line without gaps: from which point on, and what is known there.
    fn pieces(line: &Line) -> Vec<(usize, Vec<Cell>)> {
        let mut pieces: Vec<(usize, Vec<Cell>)> = Vec::new();
        let mut open = false;
        for (at, cell) in line.cells.iter().enumerate() {
            match (cell, pieces.last_mut()) {
                (None, _) => open = false,
                (Some(cell), Some((_, piece))) if open => piece.push(*cell),
                (Some(cell), _) => {
                    pieces.push((at, vec![*cell]));
                    open = true;
                }
            }
        }
        pieces
    }

    /// The paths of a line: the line itself, the span around it, and the space below it.
    fn paths(&self, line: &Line, up: &dyn Fn(f64) -> f64) -> [String; 3] {
        let [mut along, mut around, mut below] = [const { String::new() }; 3];
        let half = (x(1.0) - x(0.0)) / self.points().max(1) as f64 / 2.0;
        for (first, cells) in Self::pieces(line) {
            let across = |n: usize| self.across(first + n);
            let at = |across: f64, value: f32| (across, up(f64::from(value)));
            let (begin, end) = (across(0) - half, across(cells.len() - 1) + half);
            let mut points = vec![at(begin, cells[0].mean)];
            points.extend(cells.iter().enumerate().map(|(n, it)| at(across(n), it.mean)));
            points.push(at(end, cells[cells.len() - 1].mean));
            along_points(&mut along, &points);
            if line.filled {
                points.extend([at(end, 0.0), at(begin, 0.0)]);
                along_points(&mut below, &points);
                below.push('z');
            }
            if cells.iter().any(|cell| cell.max > cell.min) {
                let all = cells.iter().enumerate();
                let there = all.clone().map(|(n, it)| at(across(n), it.max));
                let back = all.rev().map(|(n, it)| at(across(n), it.min));
                along_points(&mut around, &there.chain(back).collect::<Vec<_>>());
                around.push('z');
            }
        }
        [along, around, below]
    }

    /// A sentence about what is seen.
    fn told(&self, words: Words) -> String {
        let told = |line: &Line| {
            let known: Vec<_> = line.cells.iter().flatten().collect();
            let Some(last) = Self::last(line) else {
                return words.fill(say::LINE_UNKNOWN, &[("name", &line.name)]);
            };
            let least = known.iter().map(|it| it.min).fold(f32::INFINITY, f32::min);
            let most = known.iter().map(|it| it.max).fold(f32::NEG_INFINITY, f32::max);
            let tell = |value: f32| self.unit.told(f64::from(value));
            let values = [
                ("name", line.name.as_str()),
                ("last", &*tell(last.mean)),
                ("least", &*tell(least)),
                ("most", &*tell(most)),
            ];
            words.fill(say::LINE_TOLD, &values)
        };
        self.lines.iter().map(told).collect::<Vec<_>>().join(" ")
    }

    /// The picture, its key, and its table.
    pub(super) fn draw(&self, words: Words) -> Markup {
        let known = self.lines.iter().any(|line| Self::last(line).is_some());
        html! {
            figure.chart {
                figcaption { (self.title) }
                @if known { (self.picture(words)) } @else { p.none { (words.t(say::NOTHING_KNOWN)) } }
                ul.legend {
                    @for (number, line) in self.lines.iter().enumerate() {
                        li { span class={ "swatch s" (number) } {} (line.name)
                            @if let Some(last) = Self::last(line) { " " strong { (self.unit.told(f64::from(last.mean))) } }
                        }
                    }
                }
                @if known { (self.table(words)) }
            }
        }
    }

    fn picture(&self, words: Words) -> Markup {
        let ticks = axis(self.unit, self.most());
        let top = ticks.last().map_or(1.0, |(value, _)| *value);
        let up = |value: f64| BOTTOM - (BOTTOM - TOP) * (value / top).clamp(0.0, 1.0);
        let (from, until) = (self.from as f64, self.until() as f64);
        let across = |at: u64| x((at as f64 - from) / (until - from).max(1.0));
        let (title, about) = (format!("c{}t", self.id), format!("c{}d", self.id));
        let one = |number: f64| format!("{number:.0}");
        html! {
            svg viewBox={ "0 0 " (WIDE) " " (HIGH) } role="img" aria-labelledby=(title) aria-describedby=(about) {
                title id=(title) { (self.title) }
                desc id=(about) { (self.told(words)) }
                g.grid {
                    @for (value, _) in &ticks { path d={ "M" (LEFT) " " (one(up(*value))) "H" (RIGHT) } {} }
                }
                g.up { @for (value, text) in &ticks { text x=(LEFT - 12.0) y=(one(up(*value) + 7.0)) { (text) } } }
                g.along {
                    @for (at, text) in times(self.from, self.until()) {
                        text x=(one(across(at).clamp(LEFT + 24.0, RIGHT - 28.0))) y=(HIGH - 12.0) { (text) }
                    }
                }
                @for (number, line) in self.lines.iter().enumerate() {
                    @let [along, around, below] = self.paths(line, &up);
                    g class={ "s" (number) } {
                        @if !below.is_empty() { path.below d=(below) {} }
                        @if !around.is_empty() { path.around d=(around) {} }
                        path.line d=(along) {}
                    }
                }
            }
        }
    }

    fn table(&self, words: Words) -> Markup {
        let each = self.points().div_ceil(ROWS).max(1);
        let mean = |line: &Line, at: usize| {
            let known = line.cells.iter().skip(at).take(each).flatten();
            let (sum, count) = known
                .fold((0.0, 0.0), |(sum, count), cell| (sum + f64::from(cell.mean), count + 1.0));
            (count > 0.0).then(|| sum / count)
        };
        html! {
            details {
                summary { (words.t(say::AS_TABLE)) span.unseen { ": " (self.title) } }
                div.scroll tabindex="0" role="region" aria-label=(self.title) {
                    table.figures {
                        thead { tr {
                            th scope="col" { (words.t(say::FROM_TIME)) }
                            @for line in &self.lines { th scope="col" { (line.name) } }
                        } }
                        tbody {
                            @for at in (0..self.points()).step_by(each) {
                                @let begin = self.from + self.step * at as u64;
                                tr {
                                    th scope="row" { (plainly(begin)) }
                                    @for line in &self.lines {
                                        td { @match mean(line, at) { Some(it) => (self.unit.told(it)), None => "–" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A moment of a table, of UTC.
fn plainly(at: u64) -> String {
    let iso = Timestamp::from_secs(i64::try_from(at).unwrap_or_default()).iso();
    format!("{} {}", iso.get(..10).unwrap_or(&iso), iso.get(11..16).unwrap_or(""))
}

/// A small picture of one line, beside a number that says the same.
pub(crate) fn spark(cells: &[Option<Cell>]) -> Markup {
    let most =
        cells.iter().flatten().map(|cell| f64::from(cell.mean)).fold(0.0, f64::max).max(1e-9);
    let mut path = String::new();
    let mut open = false;
    for (at, cell) in cells.iter().enumerate() {
        let Some(cell) = cell else {
            open = false;
            continue;
        };
        let across = 2.0 + 116.0 * at as f64 / (cells.len().max(2) - 1) as f64;
        let up = 26.0 - 24.0 * f64::from(cell.mean) / most;
        let letter = if open { 'L' } else { 'M' };
        // Writing to a String does not fail. A point alone is seen as one.
        let _ = write!(path, "{letter}{across:.1} {up:.1}");
        if !open {
            path.push_str("h.1");
        }
        open = true;
    }
    html! {
        svg.spark viewBox="0 0 120 28" aria-hidden="true" focusable="false" { g.s0 { path.line d=(path) {} } }
    }
}

#[cfg(test)]
mod tests {
    use common::wire::people::Language;

    use super::*;

    fn one(value: f32) -> Option<Cell> {
        Some(Cell { min: value, mean: value, max: value })
    }

    fn chart(cells: Vec<Option<Cell>>) -> Chart {
        let line = Line { name: "<b>".into(), cells, filled: true };
        Chart { id: 1, title: "T".into(), unit: Unit::Count, from: 0, step: 60, lines: vec![line] }
    }

    #[test]
    fn gaps_are_gaps_and_names_are_escaped() {
        let chart = chart(vec![one(1.0), one(2.0), None, None, one(3.0), None]);
        let drawn = chart.draw(Words(Language::En)).0;
        assert!(!drawn.contains("<b>") && drawn.contains("&lt;b&gt;"));
        assert!(!drawn.contains("style=") && drawn.contains("role=\"img\""));
        let line = drawn.split("class=\"line\" d=\"").nth(1).unwrap();
        let line = line.split('"').next().unwrap();
        assert_eq!(line.matches('M').count(), 2, "{line}");
        let pieces = Chart::pieces(&chart.lines[0]);
        assert_eq!(
            pieces.iter().map(|(at, it)| (*at, it.len())).collect::<Vec<_>>(),
            [(0, 2), (4, 1)]
        );
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"));
    }

    #[test]
    fn what_is_not_known_is_told_so() {
        let drawn = chart(vec![None; 5]).draw(Words(Language::Ja)).0;
        assert!(!drawn.contains("<svg") && drawn.contains("記録"), "{drawn}");
    }

    #[test]
    fn a_picture_of_full_length_is_small() {
        let cells = (0..POINTS).map(|n| {
            let mean = (n * 7919 % 1000) as f32;
            Some(Cell { min: mean / 2.0, mean, max: mean * 2.0 })
        });
        let drawn = chart(cells.collect()).draw(Words(Language::En)).0;
        assert!(drawn.len() < 6 << 10, "{}", drawn.len());
    }
}
