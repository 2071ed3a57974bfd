//! The picture that a camera reads a second factor's secret from: a QR code, written as PNG, or as the
//! outline that SVG fills.
//!
//! The text in it is the one that all such devices know:
//! `otpauth://totp/DEVICE@ACCOUNT?secret=BASE32&issuer=ISSUER`.

use common::error::{ApiError, ErrorCode, OrApiError as _};
use common::sign::percent_encode;
use qrcodegen::{QrCode, QrCodeEcc};

/// Who devices show that their codes are for.
pub const ISSUER: &str = "Eucalypt";
/// How many dots a module of the code is wide and high.
const DOTS: i32 = 4;
/// How many modules must be left blank around it.
const QUIET: i32 = 4;

/// What a device reads.
pub fn address(device: &str, account: &str, secret: &str, issuer: &str) -> String {
    let (device, account) = (percent_encode(device), percent_encode(account));
    format!("otpauth://totp/{device}@{account}?secret={secret}&issuer={}", percent_encode(issuer))
}

/// A QR code as SVG has it.
pub struct Outline {
    /// How wide and high it is.
    pub side: i32,
    /// What is dark of it, the `d` of a path.
    pub path: String,
}

/// A text as the outline of a QR code, one unit a module.
///
/// # Errors
/// If it is longer than such a code can be.
pub fn outline(text: &str) -> Result<Outline, ApiError> {
    let code = encoded(text)?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let from = x;
            while code.get_module(x, y) {
                x += 1;
            }
            if x > from {
                let (at, down) = (from + QUIET, y + QUIET);
                path.push_str(&format!("M{at} {down}h{0}v1h-{0}z", x - from));
            }
            x += 1;
        }
    }
    Ok(Outline { side: code.size() + 2 * QUIET, path })
}

fn encoded(text: &str) -> Result<QrCode, ApiError> {
    QrCode::encode_text(text, QrCodeEcc::Medium)
        .or_error(ErrorCode::InternalError, "The text is too long for a QR code")
}

/// A text as the PNG of a QR code.
///
/// # Errors
/// If it is longer than such a code can be.
pub fn png(text: &str) -> Result<Vec<u8>, ApiError> {
    let code = encoded(text)?;
    let side = (code.size() + 2 * QUIET) * DOTS;
    let mut dots = Vec::new();
    for y in 0..side {
        // Each line begins with how it was filtered: not at all.
        dots.push(0);
        for byte in 0..(side + 7) / 8 {
            let white = |bit: i32| {
                let x = byte * 8 + bit;
                x >= side || !code.get_module(x / DOTS - QUIET, y / DOTS - QUIET)
            };
            dots.push((0..8).fold(0, |sum, bit| sum << 1 | u8::from(white(bit))));
        }
    }
    let broken = "The picture could not be written";
    let side = u32::try_from(side).or_error(ErrorCode::InternalError, broken)?.to_be_bytes();
    let mut head = [side, side].concat();
    // One bit a dot, grey, and of all else the only kind there is.
    head.extend([1, 0, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, bytes) in [(b"IHDR", head), (b"IDAT", unpacked(&dots)), (b"IEND", Vec::new())] {
        let size = u32::try_from(bytes.len()).or_error(ErrorCode::InternalError, broken)?;
        let chunk = [&name[..], &bytes].concat();
        png.extend(size.to_be_bytes());
        png.extend(&chunk);
        png.extend(crc(&chunk).to_be_bytes());
    }
    Ok(png)
}

/// Bytes in the form of zlib, as they are: a few kilobytes are not worth packing.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0x8000).peekable();
    while let Some(block) = blocks.next() {
        stream.push(u8::from(blocks.peek().is_none()));
        // A block is of 32 KiB at most.
        let size = u16::try_from(block.len()).unwrap_or_default();
        stream.extend(size.to_le_bytes());
        stream.extend((!size).to_le_bytes());
        stream.extend(block);
    }
    let (one, two) = bytes.iter().fold((1u32, 0u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    stream.extend((two << 16 | one).to_be_bytes());
    stream
}

/// The checksum of PNG's chunks, CRC-32.
fn crc(bytes: &[u8]) -> u32 {
    let turn = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| turn(sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc(b"IEND"), 0xae42_6082);
        let stream = unpacked(b"Wikipedia");
        assert_eq!(stream[..7], [0x78, 1, 1, 9, 0, 0xf6, 0xff]);
        assert_eq!(stream[stream.len() - 4..], 0x11e6_0398u32.to_be_bytes());
        let long = unpacked(&vec![7; 0x8001]);
        assert_eq!((long[2], long[7 + 0x8000]), (0, 1), "the second block is the last");
    }

    #[test]
    fn the_picture_shows_the_code() {
        let text = address("my phone", "taro", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "a&b");
        let told = "otpauth://totp/my%20phone@taro?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                    &issuer=a%26b";
        assert_eq!(text, told);
        let png = png(&text).unwrap();
        assert_eq!(&png[..16], b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR");
        let side = u32::from_be_bytes(png[16..20].try_into().unwrap());
        let code = QrCode::encode_text(&text, QrCodeEcc::Medium).unwrap();
        assert_eq!(i32::try_from(side).unwrap(), (code.size() + 2 * QUIET) * DOTS);
        let size = usize::try_from(u32::from_be_bytes(png[33..37].try_into().unwrap())).unwrap();
        // One block, behind the heads of stream and block, before the checksum.
        let dots = &png[41 + 7..41 + size - 4];
        let line = usize::try_from(side).unwrap().div_ceil(8) + 1;
        assert_eq!(dots.len(), line * usize::try_from(side).unwrap());
        let dark = |x: i32, y: i32| {
            let (x, y) = (usize::try_from(x).unwrap(), usize::try_from(y).unwrap());
            dots[y * line + 1 + x / 8] >> (7 - x % 8) & 1 == 0
        };
        for y in 0..code.size() {
            for x in 0..code.size() {
                let at = |place: i32| (place + QUIET) * DOTS + DOTS / 2;
                assert_eq!(dark(at(x), at(y)), code.get_module(x, y), "{x} {y}");
            }
        }
        assert!(!dark(0, 0) && !dark(QUIET * DOTS - 1, QUIET * DOTS));
        assert!(super::png(&"x".repeat(5000)).is_err());

        let drawn = outline(&text).unwrap();
        assert_eq!(drawn.side, code.size() + 2 * QUIET);
        let mut dark = std::collections::BTreeSet::new();
        for run in drawn.path.split('M').skip(1) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y): (i32, i32) = (x.parse().unwrap(), y.parse().unwrap());
            let wide: i32 = rest.split('v').next().unwrap().parse().unwrap();
            dark.extend((x..x + wide).map(|x| (x - QUIET, y - QUIET)));
        }
        for y in 0..code.size() {
            for x in 0..code.size() {
                assert_eq!(dark.contains(&(x, y)), code.get_module(x, y), "{x} {y}");
            }
        }
    }
}
