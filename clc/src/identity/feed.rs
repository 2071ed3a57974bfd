//! The feed of identity as it is told to those who keep a copy, page by page.
//!
//! A question is answered from the present: a page names what changed, and of each what it is now.
//! An entity that changes while a page is read may be told as it is after that change; it stands
//! behind the page once more.

use std::time::Duration;

use common::error::ApiError;
use common::iam::EntityName;
use common::wire::identity::{FollowIdentity, IdentityChange, IdentityPage};

use store::{Batch, IndexRow};

use super::directory::entity;
use crate::records::Records;
use crate::records::feed::HEAD;

/// The most changes on a page: most pages of a first copy are as large as they may be in bytes.
const PAGE: usize = 4096;

/// How many of the newest changes keep the names that lead to nothing.
const NEWEST: u64 = 10_000;

/// How large a page may become before it ends, in bytes of what it tells.
const PAGE_BYTES: usize = 1 << 20;

/// Answers when there is something to tell, or when the asker would wait no longer.
///
/// # Errors
/// If the store fails.
pub async fn follow(records: &Records, ask: FollowIdentity) -> Result<IdentityPage, ApiError> {
    let wait = Duration::from_millis(ask.wait_ms.min(FollowIdentity::LONGEST_MS));
    let until = tokio::time::Instant::now() + wait;
    // Before the first look, so that no change falls between.
    let mut changed = records.feed.watch();
    loop {
        changed.mark_unchanged();
        let asked = ask.clone();
        let found = records.work(move |records| page(records, &asked)).await?;
        let news = !found.changes.is_empty() || found.anew || found.epoch != ask.epoch;
        if news || tokio::time::timeout_at(until, changed.changed()).await.is_err() {
            return Ok(found);
        }
    }
}

/// The page behind a place. Blocks.
///
/// # Errors
/// If the store fails.
pub fn page(records: &Records, ask: &FollowIdentity) -> Result<IdentityPage, ApiError> {
    // Read before the rows are: there are none up to here that the rows do not show.
    let head = records.feed_heads.get(HEAD)?;
    let (epoch, last) = head.as_ref().map_or((0, 0), |head| (head.epoch, head.version));
    let anew = !head.is_some_and(|head| head.knows(ask.epoch, ask.after));
    let mut upto = if anew { 0 } else { ask.after };
    let rows = records.feed.scan("", format!("{upto:020}").as_str(), PAGE + 1)?;
    let (mut changes, mut size) = (Vec::new(), 0);
    for row in rows.iter().take(PAGE) {
        if size >= PAGE_BYTES {
            break;
        }
        let name = row.value.parse().map_err(|error| broken(&row.key, &error))?;
        let entity = entity(records, &name)?;
        let written = serde_json::to_string(&entity).map_err(|error| broken(&row.key, &error))?;
        size += row.value.len() + written.len();
        upto = row.key.parse().map_err(|error| broken(&row.key, &error))?;
        changes.push(IdentityChange { name, entity });
    }
    let more = changes.len() < rows.len();
    if !more {
        upto = upto.max(last);
    }
    Ok(IdentityPage { epoch, anew, changes, upto, more })
}

/// Takes names that lead to nothing out of the feed, if there may be many: all but those of the
/// newest changes, so that whoever follows closely need not start anew. Blocks.
///
/// # Errors
/// If the store fails; the next one goes on.
pub fn sweep(records: &Records) -> Result<(), ApiError> {
    let Some(head) = records.feed_heads.get(HEAD)? else { return Ok(()) };
    let floor = head.version.saturating_sub(NEWEST);
    if floor < head.floor + NEWEST {
        return Ok(());
    }
    // Told before it is done: what is lacking must not be believed to be there.
    records.begin_epoch_above(floor)?;
    let mut after = String::new();
    loop {
        let mut rows = records.feed.scan("", after.as_str(), PAGE)?;
        rows.retain(|row| row.key <= format!("{floor:020}"));
        let Some(last) = rows.last() else { return Ok(()) };
        after.clone_from(&last.key);
        let mut gone = Vec::new();
        for row in rows {
            let name: EntityName = row.value.parse().map_err(|error| broken(&row.key, &error))?;
            if entity(records, &name)?.is_none() {
                gone.push((row, name));
            }
        }
        if !gone.is_empty() {
            store::transact(&*records.engine, |batch| forget(records, batch, &gone))?;
        }
    }
}

/// Adds to a batch: these rows go, where they still lead to nothing.
fn forget(
    records: &Records,
    batch: &mut Batch,
    gone: &[(IndexRow, EntityName)],
) -> Result<(), ApiError> {
    // Any change of identity behind this line makes the commit a conflict.
    if let Some(head) = records.feed_heads.get(HEAD)? {
        batch.hold(&head);
    }
    for (row, name) in gone {
        let stands = records.feed_of.get(&row.value)?.is_some_and(|it| it.value == row.key);
        if stands && entity(records, name)?.is_none() {
            batch.unpoint(&records.feed, &row.key).unpoint(&records.feed_of, &row.value);
        }
    }
    Ok(())
}

fn broken(row: &str, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::internal("The feed of identity cannot be read", format!("row {row}: {error}"))
}

#[cfg(test)]
mod tests {
    use store::{After, EngineConfig};

    use super::*;
    use crate::records::SessionSecret;

    fn secret(records: &Records, id: &str) {
        let secret = SessionSecret {
            id: id.to_owned(),
            key: vec![1; 32],
            created: common::time::Timestamp::from_secs(1),
        };
        let change = |batch: &mut Batch, touched: &mut crate::records::Touched| {
            batch.insert(&secret)?;
            touched.note(EntityName::SessionKey(secret.id.clone()));
            Ok(())
        };
        records.change_identity(change).unwrap();
    }

    fn names(page: &IdentityPage) -> Vec<String> {
        page.changes.iter().map(|change| change.name.to_string()).collect()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        records.begin_epoch().unwrap();
        let ids: Vec<String> = (0..PAGE + 2).map(|number| format!("{number:04}")).collect();
        ids.iter().for_each(|id| secret(&records, id));
        let ask = |epoch, after| page(&records, &FollowIdentity { epoch, after, wait_ms: 0 });
        let first = ask(0, 0).unwrap();
        assert!(first.anew && first.more);
        assert_eq!((first.changes.len(), first.upto), (PAGE, PAGE as u64));
        let second = ask(first.epoch, first.upto).unwrap();
        assert!(!second.anew && !second.more);
        assert_eq!(
            names(&second),
            [format!("session-key/{}", ids[PAGE]), format!("session-key/{}", ids[PAGE + 1])]
        );
        assert!(ask(first.epoch, second.upto).unwrap().changes.is_empty());
        assert!(ask(first.epoch, second.upto + 1).unwrap().anew, "ahead of the feed");
        assert!(ask(first.epoch ^ 1, 5).unwrap().anew, "another feed");
        // What is gone is told as a name.
        let gone = EntityName::SessionKey(ids[0].clone());
        let change = |batch: &mut Batch, touched: &mut crate::records::Touched| {
            batch.remove(&records.session_secrets.get(&ids[0])?.unwrap());
            touched.note(gone.clone());
            Ok(())
        };
        records.change_identity(change).unwrap();
        let third = ask(first.epoch, second.upto).unwrap();
        assert_eq!(third.changes.len(), 1);
        assert!(third.changes[0].entity.is_none());
    }

    #[test]
    fn names_that_lead_to_nothing_do_not_stay_for_ever() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        records.begin_epoch().unwrap();
        let head = || records.feed_heads.get(HEAD).unwrap().unwrap().record;
        secret(&records, "old");
        let many = |from: u64, to: u64| {
            let touch = |_: &mut Batch, touched: &mut crate::records::Touched| {
                (from..to).for_each(|it| touched.note(EntityName::AccessKey(format!("{it:06}"))));
                Ok(())
            };
            records.change_identity(touch).unwrap();
        };
        many(0, 2 * NEWEST - 2);
        let before = head();
        sweep(&records).unwrap();
        assert_eq!(head(), before, "there are few");
        many(2 * NEWEST, 2 * NEWEST + 1);
        let close = head();
        sweep(&records).unwrap();
        let rows = records.feed.scan("", After::Start, usize::MAX).unwrap();
        let kept = usize::try_from(NEWEST).unwrap();
        assert_eq!(rows.len(), kept + 1);
        assert_eq!(records.feed_of.scan("", After::Start, usize::MAX).unwrap().len(), kept + 1);
        assert_eq!(rows[0].value, "session-key/old");
        let after = head();
        assert!(after.knows(close.epoch, close.version), "it goes on");
        assert!(after.knows(close.epoch, NEWEST) && !after.knows(close.epoch, NEWEST - 1));
        // Whoever starts anew comes to the end.
        assert!(after.knows(after.epoch, 1));
        sweep(&records).unwrap();
        assert_eq!(head(), after);
    }

    #[tokio::test]
    async fn a_question_waits_for_a_change_and_for_nothing_longer() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        records.begin_epoch().unwrap();
        secret(&records, "a");
        let start = follow(&records, FollowIdentity { epoch: 0, after: 0, wait_ms: 60_000 });
        let start = start.await.unwrap();
        let ask = |wait_ms| FollowIdentity { epoch: start.epoch, after: start.upto, wait_ms };
        assert!(follow(&records, ask(1)).await.unwrap().changes.is_empty());
        let waiting = follow(&records, ask(20_000));
        let change = async { secret(&records, "b") };
        let (told, ()) = tokio::join!(waiting, change);
        assert_eq!(names(&told.unwrap()), ["session-key/b"]);
    }
}
