//! The order in which identity changed, by which others keep a copy of it.
//!
//! Each entity that permissions depend on stands once in the feed, at the number of its last
//! change; what is gone stays there as a name that leads to nothing. Whoever reads the feed from its
//! beginning has all of it; whoever goes on from where they were has what changed since.
//!
//! ```text
//!   identity-feed      00…042 → user/123456789012/taro
//!   identity-feed-of   user/123456789012/taro → 00…042
//!   identity-head      42, and the epoch: another one if the store is another one
//! ```

use std::collections::BTreeSet;

use common::error::ApiError;
use common::iam::EntityName;
use serde::{Deserialize, Serialize};
use store::{Batch, Seen};

use super::Records;
use super::record::record;
use crate::random;

/// The key of [`FeedHead`]: there is one.
pub const HEAD: &str = "head";

/// Where the feed ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedHead {
    /// Made at chance with the feed. A copy that was made of another epoch is worth nothing.
    pub epoch: u64,
    /// The number of the last change.
    pub version: u64,
}

record!(FeedHead, "identity-head", |_it| HEAD.to_owned());

/// Which entities a change of identity touches.
#[derive(Debug, Default)]
pub struct Touched(BTreeSet<EntityName>);

impl Touched {
    /// This one is made, changed or removed.
    pub fn note(&mut self, name: EntityName) {
        self.0.insert(name);
    }
}

impl Records {
    /// Changes identity in one commit, and says in the feed what was touched. `change` reads what
    /// it needs, fills the batch, and may run several times; whatever it read is still true when
    /// it is committed, if it touches anything. Blocks.
    ///
    /// # Errors
    /// Those of the change and of the store.
    pub fn change_identity<T>(
        &self,
        mut change: impl FnMut(&mut Batch, &mut Touched) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let (done, _) = store::transact(&*self.engine, |batch| {
            let mut touched = Touched::default();
            // Read first: any change of identity behind this line makes the commit a conflict.
            let head = self.feed_heads.get(HEAD)?;
            let done = change(batch, &mut touched)?;
            self.publish(batch, &touched, head)?;
            Ok::<_, ApiError>(done)
        })?;
        Ok(done)
    }

    /// Adds to a batch what the feed says of these entities.
    fn publish(
        &self,
        batch: &mut Batch,
        touched: &Touched,
        head: Option<Seen<FeedHead>>,
    ) -> Result<(), ApiError> {
        if touched.0.is_empty() {
            return Ok(());
        }
        let mut version = head.as_ref().map_or(0, |head| head.version);
        for name in &touched.0 {
            version += 1;
            let name = name.to_string();
            if let Some(before) = self.feed_of.get(&name)? {
                batch.unpoint(&self.feed, &before.value);
            }
            let at = format!("{version:020}");
            batch.point(&self.feed, &at, &name).point(&self.feed_of, &name, &at);
        }
        match head {
            Some(mut head) => {
                head.record.version = version;
                batch.replace(&head)?;
            }
            None => {
                let epoch = u64::from_be_bytes(random::bytes()?);
                batch.insert(&FeedHead { epoch, version })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use store::{After, EngineConfig};

    use super::*;

    #[test]
    fn each_entity_stands_once_at_its_last_change() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let account = "123456789012".parse().unwrap();
        let (one, two) = (EntityName::user(&account, "One"), EntityName::user(&account, "two"));
        for names in [vec![&one], vec![&two], vec![&two, &one], vec![]] {
            let touch = |_: &mut Batch, touched: &mut Touched| {
                names.iter().for_each(|name| touched.note((*name).clone()));
                Ok(())
            };
            records.change_identity(touch).unwrap();
        }
        let rows = records.feed.scan("", After::Start, 9).unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.value.as_str())).collect();
        let expected = [
            ("00000000000000000003", "user/123456789012/one"),
            ("00000000000000000004", "user/123456789012/two"),
        ];
        assert_eq!(told, expected);
        assert_eq!(records.feed_heads.get(HEAD).unwrap().unwrap().version, 4);
    }
}
