//! The tests of whole bundles, in one binary: those of the old tools, our own, and hostile ones.
//! `cfg(test)` is what tells the lints that functions beside the tests belong to them.

#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod roundtrip;
#[cfg(test)]
mod support;
