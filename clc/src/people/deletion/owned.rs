//! What an account owns but itself, in words, as far as it is on record here. Blocks.

use common::error::ApiError;
use common::id::AccountId;

use crate::records::Records;

/// How many of a kind are named.
const NAMED: usize = 10;

/// What an account owns, a kind at a time.
///
/// # Errors
/// If the store fails.
pub fn owned(records: &Records, account: &AccountId) -> Result<Vec<String>, ApiError> {
    let prefix = format!("{account}/");
    let mut instances = Kind::default();
    for row in records.instances_of.rows(&prefix, None, 256) {
        let seen = records.instances.get(&row?.value)?;
        seen.iter().filter(|it| it.lives()).for_each(|it| instances.add(it.id.as_str()));
    }
    let mut images = Kind::default();
    for row in records.images_for.rows(&prefix, None, 256) {
        let seen = records.images.get(&row?.value)?;
        seen.iter().filter(|it| it.account == *account).for_each(|it| images.add(it.id.as_str()));
    }
    let mut tasks = Kind::default();
    for row in records.bundles_of.rows(&prefix, None, 256) {
        let seen = records.bundle_tasks.get(&row?.value)?;
        seen.iter().filter(|it| !it.is_over()).for_each(|it| tasks.add(it.id.as_str()));
    }
    let mut imports = Kind::default();
    for row in records.imports_of.rows(&prefix, None, 256) {
        let seen = records.imports.get(&row?.value)?;
        seen.iter().filter(|it| !it.is_over()).for_each(|it| imports.add(it.id.as_str()));
    }
    let mut keys = Kind::default();
    for seen in records.key_pairs.all(&prefix) {
        keys.add(&seen?.record.name);
    }
    let kinds = [
        ("instances", instances),
        ("images", images),
        ("bundle tasks", tasks),
        ("imports", imports),
        ("key pairs", keys),
    ];
    Ok(kinds.into_iter().filter_map(|(name, kind)| kind.told(name)).collect())
}

/// How many there are of a kind, and the names of the first.
#[derive(Default)]
struct Kind {
    count: usize,
    named: Vec<String>,
}

impl Kind {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(name.to_owned());
        }
    }

    fn told(self, kind: &str) -> Option<String> {
        let more = match self.count - self.named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (self.count > 0).then(|| format!("{kind}: {}{more}", self.named.join(", ")))
    }
}
