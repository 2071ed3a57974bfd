//! A bar for whatever takes longer than a second, on a terminal only; or, for programs that read it,
//! a line `LABEL DONE/TOTAL` on standard error several times a second.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::crew::hold;
use crate::environment::Environment;
use crate::options::ShowProgress;

/// How long something may take before a bar appears.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long nothing is written after a line for programs.
const BETWEEN: Duration = Duration::from_millis(100);

/// Writes lines for programs.
struct Lines {
    label: &'static str,
    total: u64,
    /// When the last one was written, and what it told.
    last: Mutex<Option<(Instant, u64)>>,
}

impl Lines {
    /// Writes a line, unless it would come too soon or tell nothing new.
    fn at(&self, done: u64, out: &mut dyn Write) {
        let mut last = hold(&self.last);
        let soon = |(at, told): (Instant, u64)| {
            told == done || (done < self.total && at.elapsed() < BETWEEN)
        };
        if !last.is_some_and(soon) {
            *last = Some((Instant::now(), done));
            // Nobody may be reading any more, which does not end the work.
            let _ = writeln!(out, "{} {done}/{}", self.label, self.total);
        }
    }
}

/// A bar that counts bytes and goes away when it is dropped.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    lines: Option<Lines>,
    started: Instant,
    patience: Duration,
    /// What all shares have done.
    shared: AtomicU64,
}

impl Progress {
    /// Begins something of `total` bytes; `label` is what is being done.
    pub(crate) fn new(
        label: &'static str,
        total: u64,
        options: &ShowProgress,
        environment: &Environment,
    ) -> Self {
        let lines = options.porcelain.then(|| Lines { label, total, last: Mutex::default() });
        let wanted = environment.terminal() && !options.no_progress && !options.porcelain;
        let bar = wanted.then(|| {
            let style = "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
            match ProgressStyle::with_template(style) {
                Ok(style) => bar.with_style(style.progress_chars("=> ")).with_prefix(label),
                Err(_) => bar,
            }
        });
        let patience = if options.progress { Duration::ZERO } else { PATIENCE };
        Self { bar, lines, started: Instant::now(), patience, shared: AtomicU64::new(0) }
    }

    /// Says how many bytes are done.
    pub(crate) fn at(&self, done: u64) {
        if let Some(lines) = &self.lines {
            lines.at(done, &mut io::stderr());
        }
        let Some(bar) = &self.bar else { return };
        if bar.is_hidden() && self.started.elapsed() >= self.patience {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(done);
    }

    /// A share of the work, for one of several who do it together.
    pub(crate) fn share(&self) -> Share<'_> {
        Share { whole: self, done: Cell::new(0) }
    }
}

/// What one of several workers does; its bytes count together with those of the others.
pub(crate) struct Share<'a> {
    whole: &'a Progress,
    done: Cell<u64>,
}

impl Share<'_> {
    /// Says how many bytes of this share are done; fewer than before if it began anew.
    pub(crate) fn at(&self, done: u64) {
        let change = done.wrapping_sub(self.done.replace(done));
        let before = self.whole.shared.fetch_add(change, Ordering::Relaxed);
        self.whole.at(before.wrapping_add(change));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_few_and_the_last_one_is_told() {
        let lines = Lines { label: "Bundling", total: 9, last: Mutex::default() };
        let mut out = Vec::new();
        for done in [0, 1, 2, 9, 9] {
            lines.at(done, &mut out);
        }
        assert_eq!(String::from_utf8(out).unwrap(), "Bundling 0/9\nBundling 9/9\n");
    }
}
