//! Where a request came from, as far as bounds are concerned. Pure.
//!
//! Whoever has one address of IPv6 has a network of them, and could count as a stranger anew with
//! each. So they are bounded by the first 64 bits, which is what one line is given at the least.

use std::net::{IpAddr, Ipv6Addr};

/// How many characters of what is no address are heeded.
const LONGEST: usize = 64;

/// What an address is counted as.
pub fn of(address: &str) -> String {
    let address = address.trim();
    let plain = address.trim_start_matches('[').trim_end_matches(']');
    match plain.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        Err(_) => address.chars().take(LONGEST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_counts_as_one() {
        for (address, counted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
            ("console", "console"),
        ] {
            assert_eq!(of(address), counted);
        }
        assert_eq!(of(&"x".repeat(9000)).len(), LONGEST);
    }
}
