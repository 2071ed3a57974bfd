//! Amounts of bytes as people read them, in the units of 2.0: a MB has 2^20 bytes.

/// Bytes in the largest unit of which there is one.
pub(super) fn bytes(amount: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut scale = 1u64;
    while unit + 1 < UNITS.len() && amount / scale >= 1024 {
        scale <<= 10;
        unit += 1;
    }
    if unit == 0 {
        return format!("{amount} {}", UNITS[0]);
    }
    let tenths = u128::from(amount) * 10 / u128::from(scale);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A part of something in thousandths, at most all of it.
pub(super) fn thousandths(part: u64, whole: u64) -> u64 {
    let share = (u128::from(part) * 1000).checked_div(u128::from(whole)).unwrap_or(0);
    u64::try_from(share.min(1000)).unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        for (amount, expected) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KB"),
            (1_572_864, "1.5 MB"),
            (30_720 << 20, "30.0 GB"),
            (u64::MAX, "16777215.9 TB"),
        ] {
            assert_eq!(bytes(amount), expected);
        }
        assert_eq!((thousandths(1, 3), thousandths(9, 3), thousandths(1, 0)), (333, 1000, 0));
    }
}
