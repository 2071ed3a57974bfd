//! Of what there is a history: the cloud, each node, each account; and what a sample of each says.

use super::rings::{Level, Shape};

/// Kinds of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The cloud as a whole.
    Cloud,
    /// Nodes, by their names.
    Node,
    /// Accounts, by their numbers.
    Account,
}

/// One subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its kind.
    pub family: Family,
    /// Its name among its kind.
    pub name: String,
}

/// What a sample of the cloud says. Requests, failures and what the cache did are those of the last
/// minute; the rest is as it was at that moment.
pub const CLOUD: [&str; 26] = [
    "cpus_used",
    "cpus",
    "memory_used_mib",
    "memory_mib",
    "disk_used_mib",
    "disk_mib",
    "nodes",
    "nodes_answering",
    "pending",
    "running",
    "stopping",
    "stopped",
    "shutting_down",
    "cache_used_bytes",
    "cache_limit_bytes",
    "cache_hits_per_minute",
    "cache_misses_per_minute",
    "cache_evictions_per_minute",
    "stored_bytes",
    "objects",
    "ec2_requests_per_minute",
    "ec2_errors_per_minute",
    "iam_requests_per_minute",
    "iam_errors_per_minute",
    "s3_requests_per_minute",
    "s3_errors_per_minute",
];

/// What a sample of a node says; nothing while it does not answer. The last three are the host's own,
/// whatever runs there: how many processes ran or waited to in the mean of a minute, and what is in use.
pub const NODE: [&str; 10] = [
    "cpus_used",
    "cpus",
    "memory_used_mib",
    "memory_mib",
    "disk_used_mib",
    "disk_mib",
    "instances",
    "load",
    "host_memory_used_mib",
    "host_disk_used_mib",
];

/// What a sample of an account says. Requests are those of the last ten minutes, each minute in the mean.
pub const ACCOUNT: [&str; 9] = [
    "running",
    "cpus",
    "memory_mib",
    "stored_bytes",
    "objects",
    "buckets",
    "ec2_requests_per_minute",
    "iam_requests_per_minute",
    "s3_requests_per_minute",
];

const MINUTES: Level = Level { step: 60, rows: 1440 };
const TEN_MINUTES: Level = Level { step: 600, rows: 2016 };
const TWO_HOURS: Level = Level { step: 7200, rows: 8784 };
const DAYS: Level = Level { step: 86_400, rows: 732 };

impl Family {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Node => "node",
            Self::Account => "account",
        }
    }

    /// What its samples say.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Cloud => &CLOUD,
            Self::Node => &NODE,
            Self::Account => &ACCOUNT,
        }
    }

    /// How its samples are kept: the cloud's and nodes' a minute for a day, ten minutes for two weeks
    /// and two hours for two years; accounts' ten minutes for two weeks and a day for two years.
    pub fn shape(self) -> Shape {
        let levels: &[Level] = match self {
            Self::Cloud | Self::Node => &[MINUTES, TEN_MINUTES, TWO_HOURS],
            Self::Account => &[TEN_MINUTES, DAYS],
        };
        Shape { levels, columns: self.columns().len() }
    }

    /// The place of a column.
    pub fn column(self, name: &str) -> Option<usize> {
        self.columns().iter().position(|known| *known == name)
    }
}

impl Subject {
    /// The cloud.
    pub fn cloud() -> Self {
        Self { family: Family::Cloud, name: "cloud".to_owned() }
    }

    /// A node.
    pub fn node(name: &str) -> Self {
        Self { family: Family::Node, name: name.to_owned() }
    }

    /// An account.
    pub fn account(number: &str) -> Self {
        Self { family: Family::Account, name: number.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finer_rows_lie_side_by_side_below_a_coarser_one_and_a_history_has_its_size() {
        for (family, most) in
            [(Family::Cloud, 4 << 20), (Family::Node, 3 << 19), (Family::Account, 190 << 10)]
        {
            let shape = family.shape();
            for pair in shape.levels.windows(2) {
                let ratio = pair[1].step / pair[0].step;
                assert_eq!((pair[1].step % pair[0].step, pair[0].rows % ratio), (0, 0));
            }
            assert!(shape.slot() <= most, "{family:?}: {}", shape.slot());
        }
    }
}
