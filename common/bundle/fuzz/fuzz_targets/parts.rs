//! Runs the target `parts`; what it asserts is told there.
#![no_main]

#[path = "../src/script.rs"]
mod script;
#[path = "../src/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::parts(data));
