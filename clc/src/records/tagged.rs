//! How tags are read, written and gone.
//!
//! A resource takes all tags along when it goes. So that none is left behind by somebody who tags
//! it at that very moment, whoever writes tags also writes the resource's record anew: one of the
//! two commits then sees the other.

use std::collections::BTreeMap;

use common::error::ApiError;
use common::id::AccountId;
use store::{After, Batch, Seen, StoreError};

use super::{Records, TagMap, Tags};

impl Records {
    /// What an account wrote on a resource. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn tags_on(&self, account: &AccountId, resource: &str) -> Result<TagMap, StoreError> {
        let seen = self.tags.get(&Tags::key_of(account, resource))?;
        Ok(seen.map(|seen| seen.record.tags).unwrap_or_default())
    }

    /// Adds to a batch: these are now all tags that an account has on a resource. The resource's
    /// own record must be written in the same batch. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn write_tags(
        &self,
        batch: &mut Batch,
        before: Option<&Seen<Tags>>,
        now: &Tags,
    ) -> Result<(), ApiError> {
        let row = format!("{}/{}", now.resource, now.account);
        match before {
            Some(seen) if now.tags.is_empty() => {
                batch.remove(seen).unpoint(&self.tags_of, &row);
            }
            Some(seen) => {
                let mut seen = seen.clone();
                seen.record = now.clone();
                batch.replace(&seen)?;
            }
            None if now.tags.is_empty() => {}
            None => {
                batch.insert(now)?;
                batch.point(&self.tags_of, &row, &Tags::key_of(&now.account, &now.resource));
            }
        }
        Ok(())
    }

    /// Adds to a batch that changes or removes a resource's own record: everybody's tags on it go.
    /// Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn drop_tags(&self, batch: &mut Batch, resource: &str) -> Result<(), ApiError> {
        self.drop_tags_but(batch, resource, |_| false)
    }

    /// Adds to a batch that changes a resource's own record: the tags on it go but those of
    /// accounts that may keep theirs. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn drop_tags_but(
        &self,
        batch: &mut Batch,
        resource: &str,
        keeps: impl Fn(&AccountId) -> bool,
    ) -> Result<(), ApiError> {
        for row in self.tags_of.scan(&format!("{resource}/"), After::Start, usize::MAX)? {
            let seen = self.tags.get(&row.value)?;
            if seen.as_ref().is_some_and(|seen| keeps(&seen.account)) {
                continue;
            }
            if let Some(seen) = &seen {
                batch.remove(seen);
            }
            batch.unpoint(&self.tags_of, &row.key);
        }
        Ok(())
    }
}

/// Two keys that differ in case only, if there are any.
pub fn alike(tags: &TagMap) -> Option<(&str, &str)> {
    let mut known = BTreeMap::new();
    tags.keys().find_map(|key| {
        let before = known.insert(key.to_ascii_lowercase(), key.as_str());
        before.map(|before| (before, key.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::super::ResourceKind;
    use super::*;

    fn tags(account: &AccountId, resource: &str, pairs: &[(&str, &str)]) -> Tags {
        let tags = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Tags {
            account: account.clone(),
            resource: resource.to_owned(),
            kind: ResourceKind::Image,
            tags,
        }
    }

    #[test]
    fn a_resource_takes_everybodys_tags_along_and_nobody_elses() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let (one, two) = (AccountId::from_random([1; 8]), AccountId::from_random([2; 8]));
        let mut batch = Batch::new();
        for (account, id) in [(&one, "emi-1"), (&two, "emi-1"), (&one, "emi-12")] {
            let now = tags(account, id, &[("a/b", "x"), ("c", "")]);
            records.write_tags(&mut batch, None, &now).unwrap();
        }
        batch.commit(&*records.engine).unwrap();
        let on = |account: &AccountId, id: &str| records.tags_on(account, id).unwrap();
        assert_eq!((on(&one, "emi-1")["a/b"].as_str(), on(&two, "emi-1").len()), ("x", 2));

        let before = records.tags.get(&Tags::key_of(&two, "emi-1")).unwrap();
        let mut batch = Batch::new();
        records.write_tags(&mut batch, before.as_ref(), &tags(&two, "emi-1", &[])).unwrap();
        batch.commit(&*records.engine).unwrap();
        assert!(on(&two, "emi-1").is_empty());

        let mut batch = Batch::new();
        records.drop_tags(&mut batch, "emi-1").unwrap();
        batch.commit(&*records.engine).unwrap();
        assert!(on(&one, "emi-1").is_empty());
        assert_eq!(on(&one, "emi-12").len(), 2);
        assert_eq!(records.tags_of.scan("", After::Start, 9).unwrap().len(), 1);
    }
}
