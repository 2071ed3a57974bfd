//! A file of rings: samples of many subjects, each in a slot of its own, in a fixed number of bytes.
//!
//! ```text
//!   slot = head (name, epoch, last seen) │ finest level │ coarser level │ coarsest level
//!   row  = number of its span, weight, check, and of each column the value   (finest level)
//!                                                  least, mean and greatest  (the others)
//!          at number mod rows: what is too old is written over
//! ```
//! A row is known by the number of the span of time that it is about, and by a check that covers its
//! slot's epoch: what another subject left in a slot, or what a crash left half written, is no row, and
//! where there is no row there is a gap. With each sample the coarser rows above it are made anew from
//! the finer ones, so nothing that has to be remembered lies in memory, and a restart, a clock that was
//! set back and a day without samples all take the same way. It knows no meaning of what it keeps.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The bytes of a slot's head.
const HEAD: usize = 512;
/// The bytes of a row before its values.
const ROW: usize = 12;
/// The longest name of a subject, in bytes.
pub const LONGEST: usize = 255;
/// What a slot's head begins with.
const MAGIC: u32 = 0x7269_6e31;
/// How often it is noted when a subject was seen, in seconds.
const NOTED: u64 = 3600;

/// One resolution: how long a row's span is, and how many rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// In seconds. Of a coarser level: a multiple of the finer one's that its rows divide into.
    pub step: u64,
    /// How many rows.
    pub rows: u64,
}

impl Level {
    /// How far back it reaches, in seconds.
    pub fn reach(&self) -> u64 {
        self.step * self.rows
    }
}

/// What all subjects of a file have: resolutions, finest first, and columns.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Finest first.
    pub levels: &'static [Level],
    /// How many values a sample has.
    pub columns: usize,
}

impl Shape {
    fn row(&self, level: usize) -> usize {
        ROW + self.columns * if level == 0 { 4 } else { 12 }
    }

    fn region(&self, level: usize) -> u64 {
        self.row(level) as u64 * self.levels[level].rows
    }

    fn offset(&self, level: usize) -> u64 {
        HEAD as u64 + (0..level).map(|finer| self.region(finer)).sum::<u64>()
    }

    /// How many bytes a subject takes at most.
    pub fn slot(&self) -> u64 {
        self.offset(self.levels.len()).next_multiple_of(4096)
    }
}

/// What is known of a column in a span of time; nothing, if all are no numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// The least sample.
    pub min: f32,
    /// Their mean.
    pub mean: f32,
    /// The greatest.
    pub max: f32,
}

impl Cell {
    /// A cell of one sample.
    fn one(value: f32) -> Self {
        Self { min: value, mean: value, max: value }
    }

    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        !self.mean.is_nan()
    }
}

/// What is known of a span of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its begin, in seconds since 1970.
    pub at: u64,
    /// How many samples it is made of.
    pub weight: u32,
    /// One cell a column.
    pub cells: Vec<Cell>,
}

impl Cell {
    /// What a column has in several rows that lie side by side: the least, the mean by weight, the
    /// greatest. None if none of them knows.
    pub fn joined(rows: &[Row], column: usize) -> Option<Self> {
        let (mut weight, mut sum) = (0.0, 0.0);
        let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
        for row in rows {
            let Some(it) = row.cells.get(column).filter(|it| it.is_known()) else { continue };
            weight += f64::from(row.weight);
            sum += f64::from(row.weight) * f64::from(it.mean);
            (min, max) = (min.min(it.min), max.max(it.max));
        }
        (weight > 0.0).then(|| Self { min, mean: single(sum / weight), max })
    }
}

/// Makes one row of several.
fn joined(at: u64, columns: usize, rows: &[Row]) -> Row {
    let cell = |column| Cell::joined(rows, column).unwrap_or(Cell::one(f32::NAN));
    let weight = rows.iter().fold(0u32, |sum, row| sum.saturating_add(row.weight));
    Row { at, weight, cells: (0..columns).map(cell).collect() }
}

/// A number as it is kept: seven digits of it.
#[expect(clippy::cast_possible_truncation, reason = "pictures need seven digits and no more")]
pub fn single(value: f64) -> f32 {
    value as f32
}

/// FNV-1a: finds what is half written; nobody is kept from writing by it.
fn check(epoch: u32, bytes: &[u8]) -> u32 {
    let mut hash = 0x811c_9dc5u32;
    for byte in epoch.to_le_bytes().iter().chain(bytes) {
        hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    hash
}

fn number(bytes: &[u8]) -> u32 {
    bytes.get(..4).and_then(|it| it.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// A row as it lies in the file.
fn written(epoch: u32, span: u32, level: usize, row: &Row) -> Vec<u8> {
    let mut body = span.to_le_bytes().to_vec();
    body.extend(row.weight.to_le_bytes());
    for cell in &row.cells {
        let values = [cell.min, cell.mean, cell.max];
        let kept = if level == 0 { &values[..1] } else { &values[..] };
        kept.iter().for_each(|value| body.extend(value.to_le_bytes()));
    }
    let mut bytes = check(epoch, &body).to_le_bytes().to_vec();
    bytes.append(&mut body);
    bytes
}

/// The row that lies there, if one does.
fn read(epoch: u32, level: usize, step: u64, bytes: &[u8]) -> Option<Row> {
    let body = bytes.get(4..)?;
    let (span, weight) = (number(body), number(body.get(4..)?));
    if weight == 0 || check(epoch, body) != number(bytes) {
        return None;
    }
    let values: Vec<f32> =
        body.get(8..)?.chunks_exact(4).map(|it| f32::from_bits(number(it))).collect();
    let cells = match level {
        0 => values.iter().map(|value| Cell::one(*value)).collect(),
        _ => {
            values.chunks_exact(3).map(|it| Cell { min: it[0], mean: it[1], max: it[2] }).collect()
        }
    };
    Some(Row { at: u64::from(span) * step, weight, cells })
}

#[derive(Debug, Clone)]
struct Slot {
    at: u64,
    epoch: u32,
    seen: u64,
}

/// The file.
#[derive(Debug)]
pub struct Rings {
    file: File,
    shape: Shape,
    most: usize,
    slots: BTreeMap<String, Slot>,
    free: Vec<Slot>,
    end: u64,
}

impl Rings {
    /// Opens a file for at most so many subjects, and makes it if it is not there. Blocks.
    ///
    /// # Errors
    /// If it cannot be had.
    pub fn open(path: &Path, shape: Shape, most: usize) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let end = file.metadata()?.len() / shape.slot();
        let mut rings = Self { file, shape, most, slots: BTreeMap::new(), free: Vec::new(), end };
        for at in 0..end {
            let mut head = [0; HEAD];
            rings.file.read_exact_at(&mut head, at * shape.slot())?;
            match rings.known(&head, at) {
                Some((name, slot)) => drop(rings.slots.insert(name, slot)),
                // Its epoch may have been used: rows of it must not come back.
                None => {
                    let epoch = number(&head[8..]);
                    rings.free.push(Slot { at, epoch, seen: 0 });
                }
            }
        }
        Ok(rings)
    }

    /// What a head says, if it is one of this shape.
    fn known(&self, head: &[u8], at: u64) -> Option<(String, Slot)> {
        let body = head.get(4..)?;
        let length = usize::from(*body.get(20)?);
        let whole = number(body) == MAGIC
            && number(body.get(16..)?) == self.mark()
            && number(head) == check(0, body);
        let name = std::str::from_utf8(body.get(21..21 + length)?).ok()?;
        let seen = body.get(8..16)?.try_into().ok().map(u64::from_le_bytes)?;
        let slot = Slot { at, epoch: number(body.get(4..)?), seen };
        (whole && !name.is_empty()).then(|| (name.to_owned(), slot))
    }

    /// Says of which shape a slot is.
    fn mark(&self) -> u32 {
        let numbers = self.shape.levels.iter().flat_map(|level| [level.step, level.rows]);
        let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        check(u32::try_from(self.shape.columns).unwrap_or(u32::MAX), &bytes)
    }

    fn head(&self, name: &str, slot: &Slot) -> Vec<u8> {
        let mut body = MAGIC.to_le_bytes().to_vec();
        body.extend(slot.epoch.to_le_bytes());
        body.extend(slot.seen.to_le_bytes());
        body.extend(self.mark().to_le_bytes());
        body.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        body.extend(name.as_bytes());
        body.resize(HEAD - 4, 0);
        let mut head = check(0, &body).to_le_bytes().to_vec();
        head.append(&mut body);
        head
    }

    /// The subjects, and when each was seen last, to an hour.
    pub fn subjects(&self) -> impl Iterator<Item = (&str, u64)> {
        self.slots.iter().map(|(name, slot)| (name.as_str(), slot.seen))
    }

    /// Writes a sample of each of these subjects, and makes what is above it. When this is done it is
    /// on disk. A subject for which there is no slot is left out; says how many were. Blocks.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&mut self, at: u64, samples: &[(String, Vec<f32>)]) -> io::Result<usize> {
        let mut left_out = 0;
        for (name, values) in samples {
            match self.slot(name, at)? {
                Some(slot) => self.sample(&slot, at, values)?,
                None => left_out += 1,
            }
        }
        self.file.sync_data()?;
        Ok(left_out)
    }

    fn sample(&self, slot: &Slot, at: u64, values: &[f32]) -> io::Result<()> {
        let columns = self.shape.columns;
        let mut cells: Vec<_> = values.iter().take(columns).copied().map(Cell::one).collect();
        cells.resize(columns, Cell::one(f32::NAN));
        let step = self.shape.levels[0].step;
        self.write(slot, 0, &Row { at: at / step * step, weight: 1, cells })?;
        for level in 1..self.shape.levels.len() {
            let (finer, step) = (self.shape.levels[level - 1], self.shape.levels[level].step);
            let begin = at / step * step;
            let rows = self.rows(slot, level - 1, begin / finer.step, step / finer.step)?;
            let within: Vec<_> =
                rows.into_iter().filter(|row| (begin..begin + step).contains(&row.at)).collect();
            self.write(slot, level, &joined(begin, columns, &within))?;
        }
        Ok(())
    }

    fn write(&self, slot: &Slot, level: usize, row: &Row) -> io::Result<()> {
        let Level { step, rows } = self.shape.levels[level];
        let (span, size) = (row.at / step, self.shape.row(level) as u64);
        // Spans are minutes and more: their numbers fit for 8000 years.
        let bytes = written(slot.epoch, u32::try_from(span).unwrap_or(u32::MAX), level, row);
        let place = slot.at * self.shape.slot() + self.shape.offset(level) + span % rows * size;
        self.file.write_all_at(&bytes, place)
    }

    /// The rows that lie where those of `count` spans do, from the span of that number on. They lie
    /// side by side: the number of rows of a level is a multiple of those in a coarser row.
    fn rows(&self, slot: &Slot, level: usize, span: u64, count: u64) -> io::Result<Vec<Row>> {
        let (Level { step, rows }, size) = (self.shape.levels[level], self.shape.row(level));
        let first = span % rows;
        let count = usize::try_from(count.min(rows - first)).unwrap_or_default();
        let place = slot.at * self.shape.slot() + self.shape.offset(level) + first * size as u64;
        let mut bytes = vec![0; count * size];
        self.file.read_exact_at(&mut bytes, place)?;
        Ok(bytes.chunks_exact(size).filter_map(|it| read(slot.epoch, level, step, it)).collect())
    }

    /// What is known of a subject from a moment to another at a level, oldest first; spans of which
    /// nothing is known are left out. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self, name: &str, level: usize, from: u64, until: u64) -> io::Result<Vec<Row>> {
        let Some(slot) = self.slots.get(name) else { return Ok(Vec::new()) };
        let Level { step, rows } = self.shape.levels[level];
        let from = from.max(until.saturating_sub(step * rows));
        let mut all = self.rows(slot, level, 0, rows)?;
        all.retain(|row| row.at + step > from && row.at < until);
        all.sort_by_key(|row| row.at);
        Ok(all)
    }

    /// The slot of a subject; another one, if it has none: a free one, one at the end of the file, or
    /// that of the subject that is gone for longest.
    fn slot(&mut self, name: &str, at: u64) -> io::Result<Option<Slot>> {
        if let Some(slot) = self.slots.get(name) {
            let mut slot = slot.clone();
            if slot.seen.abs_diff(at) >= NOTED {
                slot.seen = at;
                self.keep(name, &slot)?;
            }
            return Ok(Some(slot));
        }
        if name.is_empty() || name.len() > LONGEST {
            return Ok(None);
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < self.most => {
                self.file.set_len((self.end + 1) * self.shape.slot())?;
                self.end += 1;
                Slot { at: self.end - 1, epoch: 0, seen: at }
            }
            None => {
                // Whoever was seen within the last hours is there still.
                let gone = self.slots.iter().filter(|(_, slot)| slot.seen + 2 * NOTED < at);
                let Some(oldest) = gone.min_by_key(|(_, slot)| slot.seen) else { return Ok(None) };
                let oldest = oldest.0.clone();
                let Some(slot) = self.slots.remove(&oldest) else { return Ok(None) };
                slot
            }
        };
        let slot = Slot { epoch: slot.epoch.wrapping_add(1).max(1), seen: at, ..slot };
        self.keep(name, &slot)?;
        Ok(Some(slot))
    }

    fn keep(&mut self, name: &str, slot: &Slot) -> io::Result<()> {
        let head = self.head(name, slot);
        self.file.write_all_at(&head, slot.at * self.shape.slot())?;
        self.slots.insert(name.to_owned(), slot.clone());
        Ok(())
    }

    /// Forgets subjects that were not seen since a moment: their slots are free. Blocks.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn forget(&mut self, before: u64) -> io::Result<usize> {
        let gone = self.slots.iter().filter(|(_, slot)| slot.seen < before);
        let gone: Vec<_> = gone.map(|(name, slot)| (name.clone(), slot.clone())).collect();
        for (name, slot) in &gone {
            let mut head = self.head("", slot);
            head[..4].fill(0);
            self.file.write_all_at(&head, slot.at * self.shape.slot())?;
            self.slots.remove(name);
            self.free.push(slot.clone());
        }
        Ok(gone.len())
    }

    /// How many bytes the file has.
    pub fn bytes(&self) -> u64 {
        self.end * self.shape.slot()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        levels: &[
            Level { step: 60, rows: 60 },
            Level { step: 600, rows: 24 },
            Level { step: 7200, rows: 4 },
        ],
        columns: 2,
    };

    fn rings(dir: &Path, most: usize) -> Rings {
        Rings::open(&dir.join("rings"), SHAPE, most).unwrap()
    }

    fn add(rings: &mut Rings, name: &str, at: u64, value: f32) {
        rings.add(at, &[(name.to_owned(), vec![value, f32::NAN])]).unwrap();
    }

    fn means(rings: &Rings, name: &str, level: usize) -> Vec<(u64, f32)> {
        let all = SHAPE.levels[level].rows;
        let mut rows = rings.rows(&rings.slots[name], level, 0, all).unwrap();
        rows.sort_by_key(|row| row.at);
        rows.iter().map(|row| (row.at, row.cells[0].mean)).collect()
    }

    #[test]
    fn samples_are_joined_and_gaps_stay_gaps() {
        let dir = tempfile::tempdir().unwrap();
        let mut rings = rings(dir.path(), 4);
        let day = 86_400;
        for minute in [0u64, 1, 2, 3, 4, 14, 15] {
            add(&mut rings, "a", day + minute * 60 + 7, minute as f32);
        }
        assert_eq!(means(&rings, "a", 0).len(), 7);
        assert_eq!(means(&rings, "a", 1), [(day, 2.0), (day + 600, 14.5)]);
        let coarse = rings.read("a", 2, 0, day + 7200).unwrap();
        let cell = coarse[0].cells[0];
        assert_eq!((coarse.len(), coarse[0].weight, cell.min, cell.max), (1, 7, 0.0, 15.0));
        let mean = (0.0 + 1.0 + 2.0 + 3.0 + 4.0 + 14.0 + 15.0) / 7.0;
        assert!((cell.mean - mean).abs() < 1e-5, "by weight: {}", cell.mean);
        assert!(!coarse[0].cells[1].is_known());
        // The same minute again is the same minute, not another.
        add(&mut rings, "a", day + 60 + 50, 1.0);
        assert_eq!(rings.read("a", 2, 0, day + 7200).unwrap()[0].weight, 7);
    }

    #[test]
    fn what_is_old_is_written_over_and_the_file_does_not_grow() {
        let dir = tempfile::tempdir().unwrap();
        let mut rings = rings(dir.path(), 1);
        for minute in 0..1000u64 {
            add(&mut rings, "a", minute * 60, minute as f32);
        }
        assert_eq!(rings.bytes(), SHAPE.slot());
        assert_eq!(std::fs::metadata(dir.path().join("rings")).unwrap().len(), SHAPE.slot());
        let until = 1000 * 60;
        let reach = |level: usize| rings.read("a", level, 0, until).unwrap().len();
        assert_eq!((reach(0), reach(1), reach(2)), (60, 24, 4));
        assert_eq!(rings.read("a", 0, until - 300, until).unwrap().len(), 5);
    }

    #[test]
    fn a_clock_that_is_set_back_writes_anew_and_hides_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut rings = rings(dir.path(), 1);
        add(&mut rings, "a", 10_000_000, 9.0);
        (0..20u64).for_each(|minute| add(&mut rings, "a", 7200 + minute * 60, 1.0));
        add(&mut rings, "a", 7200, 5.0);
        let seen = rings.read("a", 0, 0, 9000).unwrap();
        assert_eq!((seen.len(), seen[0].cells[0].mean, seen[1].cells[0].mean), (20, 5.0, 1.0));
        assert_eq!(rings.read("a", 1, 7200, 7800).unwrap()[0].cells[0].max, 5.0);
    }

    #[test]
    fn it_outlives_its_process_and_what_is_torn_is_a_gap() {
        let dir = tempfile::tempdir().unwrap();
        let mut before = rings(dir.path(), 2);
        (0..5u64).for_each(|minute| add(&mut before, "a", minute * 60, 1.0));
        drop(before);
        let after = rings(dir.path(), 2);
        assert_eq!(means(&after, "a", 0).len(), 5);
        let torn = SHAPE.offset(0) + SHAPE.row(0) as u64 * 2 + 9;
        after.file.write_all_at(&[0xff; 3], torn).unwrap();
        let left: Vec<_> = means(&after, "a", 0).iter().map(|row| row.0).collect();
        assert_eq!(left, [0, 60, 180, 240]);
        // A head that is torn is a free slot, whose rows are nobody's.
        after.file.write_all_at(&[0xff; 2], 30).unwrap();
        let mut again = rings(dir.path(), 1);
        assert_eq!(again.subjects().count(), 0);
        add(&mut again, "b", 600, 2.0);
        assert_eq!(means(&again, "b", 0), [(600, 2.0)]);
        assert_eq!(again.bytes(), SHAPE.slot());
    }

    #[test]
    fn subjects_are_bounded_and_slots_of_the_gone_are_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut rings = rings(dir.path(), 2);
        add(&mut rings, "a", 0, 1.0);
        add(&mut rings, "b", 60, 2.0);
        let third = |rings: &mut Rings, at| rings.add(at, &[("c".into(), vec![3.0])]).unwrap();
        assert_eq!(third(&mut rings, 120), 1, "nobody is sent away who is there");
        add(&mut rings, "b", 3 * NOTED, 2.0);
        assert_eq!(third(&mut rings, 3 * NOTED), 0);
        let left: Vec<_> = rings.subjects().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(left, ["b", "c"]);
        assert_eq!(means(&rings, "c", 0), [(3 * NOTED, 3.0)], "nothing of another subject");
        assert_eq!(rings.forget(3 * NOTED + 1).unwrap(), 2);
        assert_eq!((rings.subjects().count(), rings.bytes()), (0, 2 * SHAPE.slot()));
        assert_eq!(rings.add(9 * NOTED, &[("x".repeat(256), vec![1.0])]).unwrap(), 1);
    }
}
