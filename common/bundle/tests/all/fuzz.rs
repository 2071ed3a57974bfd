//! The fuzz targets without a fuzzer: their corpus, and some seconds of changed inputs.
//!
//! The seed of the changes is printed; `EUCALYPT_FUZZ_SEED` throws the same dice again,
//! `EUCALYPT_FUZZ_SECONDS` says for how long each target is run. How to run them with a fuzzer:
//! docs/testing.md.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::targets::{TARGETS, Target};

/// How long each target is run on changed inputs unless asked otherwise.
const SECONDS: u64 = 1;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{}", folder.display());
    inputs
}

fn holds(target: Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| target(input))).is_ok()
}

#[test]
fn the_corpus_holds() {
    for (name, target) in TARGETS {
        for (path, input) in corpus(name) {
            assert!(holds(target, &input), "{}", path.display());
        }
    }
}

#[test]
fn the_corpus_is_small() {
    let bytes: usize =
        TARGETS.iter().flat_map(|(name, _)| corpus(name)).map(|(_, input)| input.len()).sum();
    assert!(bytes < 512 * 1024, "{bytes} bytes");
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }

    fn byte(&mut self) -> u8 {
        let byte = u8::try_from(self.below(256)).unwrap();
        [byte, byte, 0, 0xff, b'0', b'<'][self.below(6)]
    }
}

fn change(input: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len() + 1);
        let to = (at + dice.below(64)).min(input.len());
        match dice.below(7) {
            0 | 1 if at < input.len() => input[at] = dice.byte(),
            2 if at < input.len() => input[at] ^= 1 << dice.below(8),
            3 => drop(input.drain(at..to)),
            4 => {
                let copy = input[at..to].to_vec();
                let into = dice.below(input.len() + 1);
                drop(input.splice(into..into, copy));
            }
            5 => {
                let bytes: Vec<u8> = (0..dice.below(8)).map(|_| dice.byte()).collect();
                drop(input.splice(at..at, bytes));
            }
            _ => {
                let from = dice.below(other.len());
                let piece = &other[from..(from + dice.below(256)).min(other.len())];
                drop(input.splice(at..to, piece.iter().copied()));
            }
        }
    }
    input.truncate(256 * 1024);
}

fn number(variable: &str) -> Option<u64> {
    env::vars().find(|(name, _)| name == variable).map(|(_, value)| value.parse().unwrap())
}

#[test]
fn changed_inputs_hold() {
    let seed = number("EUCALYPT_FUZZ_SEED");
    let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let seconds = Duration::from_secs(number("EUCALYPT_FUZZ_SECONDS").unwrap_or(SECONDS));
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        let mut dice = Dice(seed);
        let began = Instant::now();
        let mut runs = 0_u64;
        while began.elapsed() < seconds {
            let [mut input, other] = [(); 2].map(|()| inputs[dice.below(inputs.len())].1.clone());
            change(&mut input, &other, &mut dice);
            runs += 1;
            let before = format!("EUCALYPT_FUZZ_SEED={seed}, {name}, run {runs}");
            if !holds(target, &input) {
                let kept = env::temp_dir().join(format!("eucalypt-{name}-{seed}"));
                fs::write(&kept, &input).unwrap();
                panic!("{before}: see {}", kept.display());
            }
        }
        // Shown when a test fails, and by --nocapture.
        #[expect(clippy::print_stdout, reason = "a random run tells what it did")]
        {
            println!("{name}: {runs} inputs, EUCALYPT_FUZZ_SEED={seed}");
        }
    }
}
