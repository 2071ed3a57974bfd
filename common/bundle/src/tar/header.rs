//! The header block: fields, numbers, checksum.

use super::{BLOCK, TarError};

/// One block of a tar stream.
pub(super) type Block = [u8; BLOCK];

/// The magic of old GNU tar, version included.
pub(super) const GNU_MAGIC: &[u8; 8] = b"ustar  \0";

const CHECKSUM: std::ops::Range<usize> = 148..156;

/// A header block whose checksum was right.
#[derive(Clone)]
pub(super) struct Header(Block);

impl Header {
    pub(super) fn parse(block: Block) -> Result<Self, TarError> {
        let stated = number(&block[CHECKSUM]).ok_or(TarError::Checksum)?;
        // Some old writers summed the bytes as signed; both are accepted, as tar does.
        let (unsigned, signed) = sums(&block);
        let right = stated == unsigned || i64::try_from(stated) == Ok(signed);
        right.then_some(Self(block)).ok_or(TarError::Checksum)
    }

    pub(super) fn kind(&self) -> u8 {
        self.0[156]
    }

    /// The name field, with the prefix that POSIX puts in front of it.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[..100]);
        let prefix = text(&self.0[345..500]);
        // Where GNU's magic stands the prefix field holds other things.
        if &self.0[257..263] != b"ustar\0" || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    /// Bytes that follow the header.
    pub(super) fn size(&self) -> Result<u64, TarError> {
        number(&self.0[124..136]).ok_or(TarError::Number("size"))
    }

    pub(super) fn block(&self) -> &Block {
        &self.0
    }
}

/// A field up to its first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// A number field: octal digits between blanks, or base-256 if its first byte is 0x80. An empty
/// field is zero; a negative number is none.
pub(super) fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, rest)) = field.split_first().map(|(first, rest)| (*first, rest)) {
        return rest
            .iter()
            .try_fold(0_u64, |value, &byte| value.checked_mul(256)?.checked_add(u64::from(byte)));
    }
    text(field).trim_ascii().iter().try_fold(0_u64, |value, &byte| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// The sum of a block with blanks for the checksum itself, over unsigned and signed bytes.
fn sums(block: &Block) -> (u64, i64) {
    block.iter().enumerate().fold((0, 0), |(unsigned, signed), (at, &byte)| {
        let byte = if CHECKSUM.contains(&at) { b' ' } else { byte };
        (unsigned + u64::from(byte), signed + i64::from(byte.cast_signed()))
    })
}

/// Writes the header of a regular file or pseudo member: mode 0644 for `'0'`, everything that
/// would tell who made it, and when, zero.
pub(super) fn encode(name: &[u8], kind: u8, size: u64) -> Block {
    let mut block = [0_u8; BLOCK];
    let length = name.len().min(100);
    block[..length].copy_from_slice(&name[..length]);
    let mode = if kind == b'0' { b"0000644" } else { b"0000000" };
    block[100..107].copy_from_slice(mode);
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    encode_size(&mut block[124..136], size);
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = kind;
    block[257..265].copy_from_slice(GNU_MAGIC);
    // Device numbers: zero as text, as the last of the old tools wrote them.
    block[329..336].copy_from_slice(b"0000000");
    block[337..344].copy_from_slice(b"0000000");
    let sum = format!("{:06o}\0 ", sums(&block).0);
    block[CHECKSUM].copy_from_slice(sum.as_bytes());
    block
}

/// 11 octal digits and NUL below 8 GiB, base-256 from there.
fn encode_size(field: &mut [u8], size: u64) {
    if size < 1 << 33 {
        field[..11].copy_from_slice(format!("{size:011o}").as_bytes());
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let cases: &[(&[u8], Option<u64>)] = &[
            (b"00000000017\0", Some(15)),
            (b"     17 \0   ", Some(15)),
            (b"\0\0\0\0", Some(0)),
            (b"777777777777", Some((1 << 36) - 1)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(1 << 33)),
            (b"\x80\x01\0\0\0\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff", None),
            (b"0000008", None),
            (b"-1", None),
        ];
        for (field, expected) in cases {
            assert_eq!(number(field), *expected, "{field:?}");
        }
    }

    #[test]
    fn what_is_encoded_parses() {
        for size in [0, 1, (1 << 33) - 1, 1 << 33, 1 << 40] {
            let header = Header::parse(encode(b"image", b'0', size)).unwrap();
            assert_eq!((header.size().unwrap(), header.kind()), (size, b'0'));
            assert_eq!(header.name(), b"image");
        }
        let mut block = encode(b"image", b'0', 5);
        block[3] ^= 1;
        assert!(matches!(Header::parse(block), Err(TarError::Checksum)));
    }
}
