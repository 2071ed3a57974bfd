//! Bundle tasks whose bundles were dropped: what still comes for them is refused.
//!
//! ```text
//!   dropped-bundle-task/TASK     from DropBundle on, until every ticket of the task has expired
//! ```
//! A node that has been told to stop may have a request under way; its ticket is still good then.
//! The record comes before the objects go, and whatever is stored for a task is committed only if
//! there is none: so nothing can come behind the removal.

use std::time::Duration;

use common::id::BundleTaskId;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{NoPrevious, Record, StoreError, Table, transact};

/// That the bundle of a task was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DroppedTask {
    /// The task.
    pub(crate) task: BundleTaskId,
    /// Until when something could come for it.
    pub(crate) until: Timestamp,
}

impl Record for DroppedTask {
    const TABLE: &'static str = "dropped-bundle-task";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        self.task.as_str().to_owned()
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// Beyond the life of a ticket: one may be made just while its task is dropped.
const MARGIN: Duration = Duration::from_secs(3600);

/// Notes that a task's bundle is dropped now, `lifetime` being that of its tickets. One that is
/// noted stays as it is: no ticket was made since. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn note(
    tasks: &Table<DroppedTask>,
    task: &BundleTaskId,
    now: Timestamp,
    lifetime: Duration,
) -> Result<(), StoreError> {
    let until = now.plus(lifetime).plus(MARGIN);
    let noted = transact(&**tasks.engine(), |batch| {
        if tasks.get(task.as_str())?.is_none() {
            batch.insert(&DroppedTask { task: task.clone(), until })?;
        }
        Ok::<_, StoreError>(())
    });
    noted.map(drop)
}

/// Forgets the tasks for which nothing can come any more. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn forget(tasks: &Table<DroppedTask>, now: Timestamp) -> Result<(), StoreError> {
    for seen in tasks.all("") {
        let seen = seen?;
        if seen.until <= now {
            tasks.remove(seen.key())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::Memory;

    use super::*;

    #[test]
    fn a_dropped_task_is_remembered_as_long_as_its_tickets_are_good() {
        let tasks = Table::<DroppedTask>::new(Arc::new(Memory::new()));
        let (now, day) = (Timestamp::from_secs(1_800_000_000), Duration::from_secs(24 * 3600));
        let task: BundleTaskId = "bun-0a1b2c3d".parse().unwrap();
        let is_noted = || tasks.get(task.as_str()).unwrap().is_some();
        note(&tasks, &task, now, day).unwrap();
        note(&tasks, &task, now.plus(day), day).unwrap();
        forget(&tasks, now.plus(day)).unwrap();
        assert!(is_noted());
        forget(&tasks, now.plus(day).plus(MARGIN)).unwrap();
        assert!(!is_noted());
        forget(&tasks, now).unwrap();
    }
}
