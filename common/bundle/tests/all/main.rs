//! The tests of whole bundles, in one binary: those of the old tools, our own, odd and hostile
//! ones, and the fuzz targets without a fuzzer.
//! `cfg(test)` is what tells the lints that functions beside the tests belong to them.

#[cfg(test)]
mod accepted;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod chunked;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod roundtrip;
#[cfg(test)]
#[path = "../../fuzz/src/script.rs"]
mod script;
#[cfg(test)]
mod support;
#[cfg(test)]
#[path = "../../fuzz/src/targets.rs"]
mod targets;
