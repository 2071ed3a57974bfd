//! Which node gets the next instance: the one with the most room for its like, so that load is
//! spread; of equals the first by name, so that the choice can be foretold. Pure.

use std::collections::BTreeMap;

use super::ledger::{Demand, Room};

/// Too little room: how many were needed at least, and how many would have found a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// How many had to be placed.
    pub needed: u64,
    /// How many could have been.
    pub free: u64,
}

/// Chooses a node for each of at most `max` instances.
///
/// # Errors
/// If fewer than `min` find a place; then none gets one.
pub fn spread<'a>(
    rooms: impl IntoIterator<Item = &'a Room>,
    demand: Demand,
    min: usize,
    max: usize,
) -> Result<Vec<&'a str>, Shortage> {
    let mut left: BTreeMap<&str, u64> =
        rooms.into_iter().map(|room| (room.node.as_str(), room.fits(demand))).collect();
    let free = left.values().sum();
    if free < min as u64 {
        return Err(Shortage { needed: min as u64, free });
    }
    let mut chosen = Vec::new();
    while chosen.len() < max {
        // Of equals `max_by_key` takes the last, so names are compared backwards.
        let most = left.iter_mut().max_by_key(|(name, fits)| (**fits, std::cmp::Reverse(**name)));
        match most {
            Some((name, fits)) if *fits > 0 => {
                *fits -= 1;
                chosen.push(*name);
            }
            _ => break,
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use common::time::Timestamp;
    use common::wire::node::Capacity;

    use super::*;

    const ONE: Demand = Demand { cpus: 1, memory_mib: 100, disk_mib: 100 };

    fn room(node: &str, cpus: u32, addresses: u64) -> Room {
        let free = Capacity { cpus, memory_mib: 10_000, disk_mib: 10_000 };
        Room {
            node: node.into(),
            zone: "z".into(),
            free,
            addresses,
            total: free,
            answered: Timestamp::EPOCH,
            closed: false,
        }
    }

    #[test]
    fn load_is_spread_by_the_most_room() {
        let rooms = [room("a", 2, 99), room("b", 4, 99), room("c", 9, 1)];
        let table: [(usize, usize, &[&str]); 4] = [
            (1, 1, &["b"]),
            (1, 4, &["b", "b", "a", "b"]),
            (7, 7, &["b", "b", "a", "b", "a", "b", "c"]),
            (1, 99, &["b", "b", "a", "b", "a", "b", "c"]),
        ];
        for (min, max, expected) in table {
            assert_eq!(spread(&rooms, ONE, min, max).unwrap(), expected, "{min}..{max}");
        }
    }

    #[test]
    fn all_that_are_needed_or_none() {
        let rooms = [room("a", 2, 99)];
        assert_eq!(spread(&rooms, ONE, 3, 5), Err(Shortage { needed: 3, free: 2 }));
        assert_eq!(spread(&[], ONE, 1, 1), Err(Shortage { needed: 1, free: 0 }));
    }
}
