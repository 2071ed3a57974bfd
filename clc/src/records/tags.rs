//! Tags: one record for what one account wrote on one resource.
//!
//! An account may tag whatever it sees, for itself: two accounts' tags on a shared image know
//! nothing of each other. A resource takes all tags along when it goes. So that none is left
//! behind by somebody who tags it at that very moment, whoever writes tags also writes the
//! resource's record anew: one of the two commits then sees the other.

use std::collections::BTreeMap;

use common::error::ApiError;
use common::id::AccountId;
use serde::{Deserialize, Serialize};
use store::{After, Batch, Seen, StoreError};

use super::Records;
use super::record::record;

/// Keys and their values.
pub type TagMap = BTreeMap<String, String>;

/// What an account wrote on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// Who wrote it.
    pub account: AccountId,
    /// The resource's id.
    pub resource: String,
    /// What it is.
    pub kind: ResourceKind,
    /// The tags; never empty.
    pub tags: TagMap,
}

record!(Tags, "tag", |it| Tags::key_of(&it.account, &it.resource));

/// What can be tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// A machine image, kernel or ramdisk.
    Image,
    /// An instance.
    Instance,
    /// A key pair.
    KeyPair,
}

impl ResourceKind {
    /// EC2's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Instance => "instance",
            Self::KeyPair => "key-pair",
        }
    }
}

impl Tags {
    /// The key of an account's tags on a resource.
    pub fn key_of(account: &AccountId, resource: &str) -> String {
        format!("{account}/{resource}")
    }
}

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
        for row in self.tags_of.scan(&format!("{resource}/"), After::Start, usize::MAX)? {
            if let Some(seen) = self.tags.get(&row.value)? {
                batch.remove(&seen);
            }
            batch.unpoint(&self.tags_of, &row.key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

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
