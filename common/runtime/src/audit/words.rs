//! Which words a segment knows, told by a filter of fixed size: it may say yes in error, never no.

use sha2::{Digest as _, Sha256};

/// Bits of a filter: 64 KiB.
const BITS: usize = 1 << 19;

/// The words of a segment.
#[derive(Clone)]
pub(super) struct Words(Vec<u8>);

impl Default for Words {
    fn default() -> Self {
        Self(vec![0; BITS / 8])
    }
}

impl Words {
    pub(super) fn add(&mut self, word: &str) {
        for bit in bits(word) {
            self.0[bit / 8] |= 1 << (bit % 8);
        }
    }

    pub(super) fn may_hold(&self, word: &str) -> bool {
        bits(word).into_iter().all(|bit| self.0[bit / 8] & (1 << (bit % 8)) != 0)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == BITS / 8).then(|| Self(bytes.to_vec()))
    }
}

fn bits(word: &str) -> [usize; 3] {
    let hash = Sha256::digest(word.as_bytes());
    [0, 4, 8].map(|at| {
        let four = [hash[at], hash[at + 1], hash[at + 2], hash[at + 3]];
        usize::try_from(u32::from_be_bytes(four)).unwrap_or(0) % BITS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_and_little_else() {
        let mut words = Words::default();
        (0..20_000).for_each(|n| words.add(&format!("w{n}")));
        assert!((0..20_000).all(|n| words.may_hold(&format!("w{n}"))));
        let wrong = (0..10_000).filter(|n| words.may_hold(&format!("x{n}"))).count();
        assert!(wrong < 200, "{wrong}");
        let again = Words::of(words.bytes()).unwrap();
        assert!(again.may_hold("w7"));
        assert!(Words::of(b"short").is_none());
    }
}
