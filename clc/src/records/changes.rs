//! Writing the feed of identity: every change of identity goes through here, and is told in the same
//! commit that makes it.

use common::error::ApiError;
use store::{Batch, Seen};

use super::Records;
use super::feed::{FORMER, FeedHead, HEAD, Touched};
use crate::random;

impl Records {
    /// Begins an epoch of the feed, as each start does. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn begin_epoch(&self) -> Result<(), ApiError> {
        self.begin_epoch_above(0)
    }

    /// Begins an epoch of the feed in which names that lead to nothing are taken out up to a number.
    /// Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn begin_epoch_above(&self, floor: u64) -> Result<(), ApiError> {
        let epoch = u64::from_be_bytes(random::bytes()?);
        store::transact(&*self.engine, |batch| {
            match self.feed_heads.get(HEAD)? {
                Some(mut head) => {
                    let former = (head.epoch, head.version);
                    head.record.former.insert(0, former);
                    head.record.former.truncate(FORMER);
                    head.record.epoch = epoch;
                    head.record.floor = head.record.floor.max(floor);
                    batch.replace(&head)?;
                }
                None => {
                    batch.insert(&FeedHead { epoch, floor, ..FeedHead::default() })?;
                }
            }
            Ok::<_, ApiError>(())
        })?;
        Ok(())
    }

    /// Notes that all there is stands in the feed. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn feed_is_whole(&self) -> Result<(), ApiError> {
        store::transact(&*self.engine, |batch| {
            if let Some(mut head) = self.feed_heads.get(HEAD)? {
                head.record.whole = true;
                batch.replace(&head)?;
            }
            Ok::<_, ApiError>(())
        })?;
        Ok(())
    }

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
                batch.insert(&FeedHead { epoch, version, ..FeedHead::default() })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use common::iam::EntityName;
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

    #[test]
    fn a_copy_of_what_a_restored_store_never_was_is_known() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let head = || records.feed_heads.get(HEAD).unwrap().unwrap().record;
        let change = |name: &str| {
            let name = EntityName::AccessKey(name.to_owned());
            let touch = |_: &mut Batch, touched: &mut Touched| {
                touched.note(name.clone());
                Ok(())
            };
            records.change_identity(touch).unwrap();
        };
        records.begin_epoch().unwrap();
        ["a", "b"].into_iter().for_each(change);
        let first = head();
        assert!(first.knows(first.epoch, 2) && first.knows(first.epoch, 0));
        assert!(!first.knows(first.epoch, 3) && !first.knows(first.epoch ^ 1, 0));
        // A backup from now on goes its own way: whoever saw a third change saw it elsewhere.
        records.begin_epoch().unwrap();
        ["c", "d"].into_iter().for_each(change);
        let second = head();
        assert!(second.knows(first.epoch, 2) && second.knows(second.epoch, 4));
        assert!(!second.knows(first.epoch, 3));
        for _ in 0..FORMER {
            records.begin_epoch().unwrap();
        }
        assert!(!head().knows(first.epoch, 2), "too long ago");
    }
}
