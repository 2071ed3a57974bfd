//! What accounts used between two days, of what was added up.

use std::collections::BTreeMap;

use common::id::AccountId;
use store::StoreError;

use super::meter;
use crate::records::{Records, StoredUse, TypeUse, UsageDay};

/// What an account used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountUse {
    /// Whose.
    pub account: AccountId,
    /// The account's name as it was last.
    pub alias: String,
    /// Instances, by their type; `there` counts each once.
    pub types: BTreeMap<String, TypeUse>,
    /// What was stored.
    pub stored: StoredUse,
}

impl AccountUse {
    /// Instances of all types together.
    pub fn instances(&self) -> TypeUse {
        let mut sum = TypeUse::default();
        self.types.values().for_each(|it| sum.add(it));
        sum
    }

    /// Adds a day that is behind all that were added. An instance that was there on the first of
    /// several days is no other on the next: of these only what was launched is new.
    fn add(&mut self, day: &UsageDay) {
        for (name, used) in &day.types {
            let sum = self.types.entry(name.clone()).or_default();
            let begun = sum.there > 0;
            sum.add(&TypeUse { there: if begun { used.launched } else { used.there }, ..*used });
        }
        let (sum, stored) = (&mut self.stored, &day.stored);
        sum.known_s = sum.known_s.saturating_add(stored.known_s);
        sum.kib_s = sum.kib_s.saturating_add(stored.kib_s);
        (sum.bytes, sum.objects, sum.buckets) = (stored.bytes, stored.objects, stored.buckets);
        self.alias.clone_from(&day.alias);
    }
}

/// What was used from a day to another, both included, `2026-11-23`: by all accounts that used
/// something, or by one. Blocks.
///
/// # Errors
/// If the store fails.
pub fn between(
    records: &Records,
    whose: Option<&AccountId>,
    from: &str,
    until: &str,
) -> Result<Vec<AccountUse>, StoreError> {
    let mut all: BTreeMap<AccountId, AccountUse> = BTreeMap::new();
    let mut add = |day: UsageDay| {
        let new = || AccountUse {
            account: day.account.clone(),
            alias: day.alias.clone(),
            types: BTreeMap::new(),
            stored: StoredUse::default(),
        };
        all.entry(day.account.clone()).or_insert_with(new).add(&day);
    };
    match whose {
        Some(account) => {
            for day in meter::named_days(from, until) {
                let seen = records.usage_days.get(&format!("{day}/{account}"))?;
                seen.into_iter().for_each(|seen| add(seen.record));
            }
        }
        None => {
            for seen in records.usage_days.all_behind("", Some(from)) {
                let day = seen?.record;
                if day.day.as_str() > until {
                    break;
                }
                add(day);
            }
        }
    }
    Ok(all.into_values().collect())
}
