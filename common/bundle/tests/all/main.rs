//! The tests of whole bundles, in one binary: those of the old tools, our own, and hostile ones.

mod golden;
mod hostile;
mod roundtrip;
mod support;
