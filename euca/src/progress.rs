//! A bar for whatever takes longer than a second, on a terminal only.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::environment::Environment;
use crate::options::ShowProgress;

/// How long something may take before a bar appears.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that counts bytes and goes away when it is dropped.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
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
        let wanted = environment.terminal() && !options.no_progress;
        let bar = wanted.then(|| {
            let style = "{prefix} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
            match ProgressStyle::with_template(style) {
                Ok(style) => bar.with_style(style.progress_chars("=> ")).with_prefix(label),
                Err(_) => bar,
            }
        });
        let patience = if options.progress { Duration::ZERO } else { PATIENCE };
        Self { bar, started: Instant::now(), patience, shared: AtomicU64::new(0) }
    }

    /// Says how many bytes are done.
    pub(crate) fn at(&self, done: u64) {
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
