//! Figures for Prometheus: each service declares them in one place, each is a function that is
//! asked when somebody looks, or a counter that is added to.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A number that only grows.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds to it.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// Its value.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

type Read = Box<dyn Fn() -> u64 + Send + Sync>;

struct Figure {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    read: Read,
}

/// The figures of a process. Clones are the same figures.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Vec<Figure>>>);

impl Metrics {
    /// Declares a counter, `eucalypt_…_total`.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        let counter = Counter::default();
        let read = counter.clone();
        self.declare(name, "counter", help, Box::new(move || read.value()));
        counter
    }

    /// Declares a figure that is read when somebody looks.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.declare(name, "gauge", help, Box::new(read));
    }

    fn declare(&self, name: &'static str, kind: &'static str, help: &'static str, read: Read) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        figures.push(Figure { name, kind, help, read });
    }

    /// The figures in Prometheus' text form.
    pub fn render(&self) -> String {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for Figure { name, kind, help, read } in figures.iter() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}", read());
        }
        text
    }
}
