//! The check of a whole from those of its parts, for the checks that allow it.
//!
//! A cyclic redundancy check is a remainder modulo a polynomial over GF(2). Bytes that follow shift
//! what stands before them: that is a multiplication by `x` to the number of their bits, which
//! needs no more steps than that number has binary digits. The two inversions cancel out.

use common::s3::checksum::Algorithm;

/// Checks that can be put together. Values are reflected: the highest bit is `x⁰`.
#[derive(Debug, Clone, Copy)]
struct Ring {
    polynomial: u64,
    one: u64,
}

impl Ring {
    fn of(algorithm: Algorithm) -> Option<Self> {
        let (polynomial, bits) = match algorithm {
            Algorithm::Crc32 => (0xedb8_8320, 32),
            Algorithm::Crc32c => (0x82f6_3b78, 32),
            Algorithm::Crc64Nvme => (0x9a6c_9329_ac4b_c9b5, 64),
            Algorithm::Sha1 | Algorithm::Sha256 => return None,
        };
        Some(Self { polynomial, one: 1 << (bits - 1) })
    }

    fn times(self, left: u64, mut right: u64) -> u64 {
        let (mut product, mut power) = (0, self.one);
        while power != 0 {
            if left & power != 0 {
                product ^= right;
            }
            power >>= 1;
            right = if right & 1 == 1 { (right >> 1) ^ self.polynomial } else { right >> 1 };
        }
        product
    }

    /// `x` to the number of bits in that many bytes.
    fn shift(self, mut bytes: u64) -> u64 {
        let (mut shift, mut square) = (self.one, self.one >> 8);
        while bytes > 0 {
            if bytes & 1 == 1 {
                shift = self.times(shift, square);
            }
            square = self.times(square, square);
            bytes >>= 1;
        }
        shift
    }
}

/// The check of bytes whose parts are told one after another.
#[derive(Debug)]
pub(crate) struct Combined {
    ring: Ring,
    bytes: usize,
    value: u64,
    /// The size of the last part and what follows from it: most parts are of one size.
    last: (u64, u64),
}

impl Combined {
    /// Begins with nothing; `None` if the algorithm does not allow it.
    pub(crate) fn new(algorithm: Algorithm) -> Option<Self> {
        let ring = Ring::of(algorithm)?;
        Some(Self { ring, bytes: algorithm.size(), value: 0, last: (0, ring.one) })
    }

    /// Appends a part of `size` bytes with that check, most significant byte first.
    pub(crate) fn push(&mut self, check: &[u8], size: u64) {
        if self.last.0 != size {
            self.last = (size, self.ring.shift(size));
        }
        let check = check.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte));
        self.value = self.ring.times(self.value, self.last.1) ^ check;
    }

    /// The check of all of it, most significant byte first.
    pub(crate) fn finish(&self) -> Vec<u8> {
        self.value.to_be_bytes()[8 - self.bytes..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::Hasher;
    use super::*;

    fn check(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn parts_make_the_whole() {
        let bytes: Vec<u8> =
            (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            for sizes in
                [vec![100_000], vec![1, 99_999], vec![40_000, 40_000, 20_000], vec![0, 100_000, 0]]
            {
                let mut combined = Combined::new(algorithm).unwrap();
                let mut at = 0;
                for size in sizes {
                    let part = &bytes[at..at + size];
                    combined.push(&check(algorithm, part), part.len() as u64);
                    at += size;
                }
                assert_eq!(combined.finish(), check(algorithm, &bytes), "{algorithm:?}");
            }
            assert_eq!(Combined::new(algorithm).unwrap().finish(), check(algorithm, b""));
        }
        assert!(Combined::new(Algorithm::Sha256).is_none());
    }
}
