//! Numbers as pictures show them: axes that end at round numbers, units, and times.

use common::time::Timestamp;

/// What a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things: processors, instances, calls.
    Count,
    /// Bytes.
    Bytes,
    /// MiB, as memory and disks of nodes are told.
    Mebibytes,
}

const SIZES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

impl Unit {
    /// How many of what it is shown as one of its own is.
    fn factor(self) -> f64 {
        if self == Self::Mebibytes { 1_048_576.0 } else { 1.0 }
    }

    /// In what a number of this size is shown: its name, and how much that is.
    fn shown_in(self, most: f64) -> (&'static str, f64) {
        if self == Self::Count {
            return ("", 1.0);
        }
        let (mut size, mut at) = (1.0, 0);
        while most * self.factor() >= size * 1024.0 && at + 1 < SIZES.len() {
            (size, at) = (size * 1024.0, at + 1);
        }
        (SIZES[at], size / self.factor())
    }

    /// A number with its unit.
    pub(crate) fn told(self, value: f64) -> String {
        let (name, size) = self.shown_in(value.abs());
        let digits = plain(value / size);
        if name.is_empty() { digits } else { format!("{digits} {name}") }
    }
}

/// A number with three digits or more, and no more behind the point than tell something.
pub(super) fn plain(value: f64) -> String {
    if value > 0.0 && value < 0.005 {
        return "<0.01".to_owned();
    }
    let digits = match value.abs() {
        it if it >= 100.0 || (it - it.round()).abs() < 1e-6 => 0,
        it if it >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// Where the lines of an axis are, from 0 to the end of it, with what stands at each.
pub(super) fn axis(unit: Unit, most: f64) -> Vec<(f64, String)> {
    let most = if most > 0.0 { most } else { 1.0 };
    let (name, size) = unit.shown_in(most);
    let wanted = most / size / 4.0;
    let power = 10f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|it| it * power).find(|it| *it >= wanted);
    let mut step = step.unwrap_or(power * 10.0);
    // There is no half of an instance.
    if unit == Unit::Count {
        step = step.max(1.0);
    }
    let mut lines = Vec::new();
    let mut at = 0.0;
    while lines.len() < 9 {
        let text = plain(at);
        let told = if at > 0.0 && !name.is_empty() { format!("{text} {name}") } else { text };
        lines.push((at * size, told));
        if at * size >= most {
            break;
        }
        at += step;
    }
    lines
}

/// Where times are told below a picture, and what stands there: hours, days or months, of UTC.
pub(super) fn times(from: u64, until: u64) -> Vec<(u64, String)> {
    let iso = |at: u64| Timestamp::from_secs(i64::try_from(at).unwrap_or_default()).iso();
    let part = |at: u64, a: usize, b: usize| iso(at).get(a..b).unwrap_or_default().to_owned();
    let span = until.saturating_sub(from);
    let day = 86_400;
    let every = |step: u64, a: usize, b: usize| {
        let first = from.next_multiple_of(step);
        let all = (first..=until).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        all.map(|at| (at, part(at, a, b))).collect()
    };
    match span {
        0..=7200 => every(900, 11, 16),
        7201..=172_800 => every(4 * 3600, 11, 16),
        172_801..=864_000 => every(day, 5, 10),
        864_001..=4_000_000 => every(5 * day, 5, 10),
        _ => {
            let months = if span > 400 * day { 4 } else { 2 };
            let first = from.next_multiple_of(day);
            let days = (first..=until).step_by(86_400);
            let begins = |at: &u64| {
                let month: u64 = part(*at, 5, 7).parse().unwrap_or_default();
                part(*at, 8, 10) == "01" && month % months == 1
            };
            days.filter(begins).map(|at| (at, part(at, 0, 7))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_with_their_units() {
        for (unit, value, told) in [
            (Unit::Count, 0.0, "0"),
            (Unit::Count, 3.0, "3"),
            (Unit::Count, 2.5, "2.5"),
            (Unit::Count, 0.003, "<0.01"),
            (Unit::Count, 0.006, "0.01"),
            (Unit::Count, 1234.56, "1235"),
            (Unit::Bytes, 512.0, "512 B"),
            (Unit::Bytes, 1536.0, "1.5 KiB"),
            (Unit::Bytes, 1_610_612_736.0, "1.5 GiB"),
            (Unit::Mebibytes, 512.0, "512 MiB"),
            (Unit::Mebibytes, 262_144.0, "256 GiB"),
        ] {
            assert_eq!(unit.told(value), told);
        }
    }

    #[test]
    fn axes_begin_at_nothing_and_end_at_a_round_number_above_all() {
        let texts = |unit, most| axis(unit, most).into_iter().map(|(_, it)| it).collect::<Vec<_>>();
        assert_eq!(texts(Unit::Count, 4.0), ["0", "1", "2", "3", "4"]);
        assert_eq!(texts(Unit::Count, 0.0), ["0", "1"]);
        assert_eq!(texts(Unit::Count, 37.0), ["0", "10", "20", "30", "40"]);
        assert_eq!(texts(Unit::Mebibytes, 3000.0), ["0", "1 GiB", "2 GiB", "3 GiB"]);
        for most in [0.3, 1.0, 7.0, 99.0, 1e4, 3.3e9, 8e17] {
            for unit in [Unit::Count, Unit::Bytes, Unit::Mebibytes] {
                let lines = axis(unit, most);
                assert!((2..=7).contains(&lines.len()), "{unit:?} {most}: {lines:?}");
                assert!(lines.last().unwrap().0 >= most, "{unit:?} {most}: {lines:?}");
            }
        }
    }

    #[test]
    fn times_are_told_as_the_span_needs_it() {
        // 2026-11-23T16:43:37Z
        let now = 1_795_452_217;
        let told = |span: u64| times(now - span, now).into_iter().map(|(_, it)| it);
        assert!(told(3600).all(|it| it.len() == 5 && it.contains(':')));
        assert_eq!(told(3600).count(), 4);
        assert_eq!(told(86_400).count(), 6);
        assert_eq!(told(7 * 86_400).count(), 7);
        assert_eq!(told(30 * 86_400).count(), 6);
        let months: Vec<_> = told(365 * 86_400).collect();
        assert!(months.iter().all(|it| it.len() == 7), "{months:?}");
        assert!((5..=7).contains(&months.len()) && told(730 * 86_400).count() >= 5);
    }
}
