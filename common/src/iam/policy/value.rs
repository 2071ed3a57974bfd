//! What values of conditions are, besides text: decimal numbers, moments, networks.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::time::Timestamp;

/// A decimal number of any length: no rounding decides about a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Without zeros in front.
    whole: String,
    /// Without zeros at the end.
    fraction: String,
}

impl Decimal {
    /// Reads `12`, `-0.5`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (digits, ""),
        };
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole, fraction })
    }

    /// The number, if it is a whole one that is not negative.
    pub(super) fn count(&self) -> Option<u64> {
        match (self.negative, self.whole.as_str(), self.fraction.as_str()) {
            (false, "", "") => Some(0),
            (false, whole, "") => whole.parse().ok(),
            _ => None,
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |it: &Self, other: &Self| {
            let length = it.whole.len().cmp(&other.whole.len());
            length.then_with(|| (&it.whole, &it.fraction).cmp(&(&other.whole, &other.fraction)))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads a moment: ISO 8601 from the day to fractions of a second, or seconds since 1970.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Timestamp::from_secs(seconds));
    }
    if let Some((seconds, fraction)) = text.split_once('.') {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits(seconds) && digits(fraction) {
            let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
            let millis = seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(millis)?;
            return Some(Timestamp::from_millis(millis));
        }
    }
    if let Ok(moment) = Timestamp::parse_iso(text) {
        return Some(moment);
    }
    // The day alone, or no seconds.
    let with_more = match (text.len(), text.get(..16)) {
        (10, _) => format!("{text}T00:00:00Z"),
        (_, Some(minutes)) => format!("{minutes}:00{}", &text[16..]),
        _ => return None,
    };
    Timestamp::parse_iso(&with_more).ok()
}

/// Addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().ok()?;
        let width = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits {
            None => width(written),
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
        };
        if bits > width(written) {
            return None;
        }
        let address = written.to_canonical();
        match (address == written, bits.checked_sub(96)) {
            (true, _) => Some(Self { address, bits }),
            // An address of IPv4 in the form of IPv6's.
            (false, Some(bits)) => Some(Self { address, bits }),
            (false, None) => Some(Self { address: written, bits }),
        }
    }

    /// Whether an address is in it.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_exactly() {
        let ordered = [
            "-100000000000000000000.5",
            "-12",
            "-2",
            "-0.75",
            "-0.5",
            "0",
            "0.05",
            "0.5",
            "2",
            "10",
            "9007199254740992",
            "9007199254740993",
            "100000000000000000000.25",
            "100000000000000000000.3",
        ];
        let read = |text: &str| Decimal::read(text).unwrap();
        for (at, one) in ordered.iter().enumerate() {
            for (to, other) in ordered.iter().enumerate() {
                assert_eq!(read(one).cmp(&read(other)), at.cmp(&to), "{one} {other}");
            }
        }
        assert!(read("007.50") == read("+7.5") && read("-0.0") == read("0"));
        for text in ["", "-", "+", ".", "1.", ".5", "1e3", "0x1", " 1", "1 ", "1,5", "--1", "１"] {
            assert_eq!(Decimal::read(text), None, "{text:?}");
        }
        let counts =
            [("0", Some(0)), ("16", Some(16)), ("-1", None), ("1.5", None), ("1.0", Some(1))];
        for (text, count) in counts {
            assert_eq!(read(text).count(), count, "{text}");
        }
        assert_eq!(read("99999999999999999999").count(), None);
    }

    #[test]
    fn moments_are_read_in_all_their_forms() {
        let forms = [
            "2026-11-23T00:00:00Z",
            "2026-11-23T00:00:00.000Z",
            "2026-11-23T01:00:00+01:00",
            "2026-11-23",
            "2026-11-23T00:00Z",
            "2026-11-23T01:00+01:00",
            "1795392000",
            "1795392000.0",
        ];
        for form in forms {
            assert_eq!(moment(form), Some(Timestamp::from_secs(1_795_392_000)), "{form}");
        }
        assert_eq!(moment("0.5"), Some(Timestamp::from_millis(500)));
        for text in [
            "",
            "x",
            "2026",
            "2026-13-01",
            "2026-11",
            "1.",
            ".5",
            "日本語日本語日本語日本語",
            "1.é",
        ] {
            assert_ne!(moment(text), moment("2026-11-23"), "{text}");
        }
        assert_eq!(moment("2026-13-01"), None);
        assert_eq!(moment("99999999999999999999.5"), None);
    }

    #[test]
    fn networks_hold_their_addresses() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3/24", "10.1.2.200", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("::/0", "1.2.3.4", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true),
        ];
        for (network, address, expected) in cases {
            let network = Network::read(network).unwrap();
            assert_eq!(network.holds(address.parse().unwrap()), expected, "{network:?} {address}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "a/8",
            "010.0.0.1",
        ] {
            assert_eq!(Network::read(text), None, "{text}");
        }
    }
}
