//! The cyclic redundancy checks that S3 clients send: CRC-32, CRC-32C and CRC-64/NVME.
//!
//! All three are reflected, begin with all ones and end inverted, so one table-driven loop over
//! 64-bit registers, eight bytes at a time, does for all.

/// A polynomial with its tables.
struct Family {
    tables: [[u64; 256]; 8],
    /// All ones in the width of the check.
    ones: u64,
    /// Bytes of the check.
    bytes: usize,
}

static CRC32: Family = Family::new(0xedb8_8320, 4);
static CRC32C: Family = Family::new(0x82f6_3b78, 4);
static CRC64_NVME: Family = Family::new(0x9a6c_9329_ac4b_c9b5, 8);

impl Family {
    const fn new(polynomial: u64, bytes: usize) -> Self {
        let mut tables = [[0; 256]; 8];
        let mut index: usize = 0;
        while index < 256 {
            let mut value = index as u64;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { (value >> 1) ^ polynomial } else { value >> 1 };
                bit += 1;
            }
            tables[0][index] = value;
            index += 1;
        }
        let mut level = 1;
        while level < 8 {
            let mut index = 0;
            while index < 256 {
                let before = tables[level - 1][index];
                tables[level][index] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
                index += 1;
            }
            level += 1;
        }
        Self { tables, ones: u64::MAX >> (64 - 8 * bytes), bytes }
    }
}

/// A check in progress.
pub(crate) struct Crc {
    family: &'static Family,
    register: u64,
}

impl Crc {
    /// CRC-32 as in gzip.
    pub(crate) fn crc32() -> Self {
        Self::of(&CRC32)
    }

    /// CRC-32 with Castagnoli's polynomial.
    pub(crate) fn crc32c() -> Self {
        Self::of(&CRC32C)
    }

    /// CRC-64/NVME.
    pub(crate) fn crc64_nvme() -> Self {
        Self::of(&CRC64_NVME)
    }

    fn of(family: &'static Family) -> Self {
        Self { family, register: family.ones }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let tables = &self.family.tables;
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            let mixed = (self.register ^ u64::from_le_bytes(*eight)).to_le_bytes();
            self.register = (0..8)
                .map(|at| tables[7 - at][usize::from(mixed[at])])
                .fold(0, |sum, value| sum ^ value);
        }
        for byte in rest {
            let index = usize::from(self.register.to_le_bytes()[0] ^ byte);
            self.register = (self.register >> 8) ^ tables[0][index];
        }
    }

    /// The check, most significant byte first.
    pub(crate) fn finish(&self) -> Vec<u8> {
        let value = (self.register ^ self.family.ones).to_be_bytes();
        value[8 - self.family.bytes..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_values_come_out() {
        type Make = fn() -> Crc;
        let table: [(Make, &str); 3] = [
            (Crc::crc32, "cbf43926"),
            (Crc::crc32c, "e3069283"),
            (Crc::crc64_nvme, "ae8b14860a799888"),
        ];
        for (make, expected) in table {
            let mut whole = make();
            whole.update(b"123456789");
            assert_eq!(hex::encode(whole.finish()), expected);
            let mut pieces = make();
            pieces.update(b"1234");
            pieces.update(b"");
            pieces.update(b"56789");
            assert_eq!(pieces.finish(), whole.finish());
        }
    }
}
