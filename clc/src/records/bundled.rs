//! How bundle tasks and the rows that lead to them are written and go.

use store::{Batch, Seen, StoreError};

use super::{BundleTask, Records};

impl Records {
    /// Adds to a batch: a new task, the only one of its instance that has not ended.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add_bundle_task(&self, batch: &mut Batch, task: &BundleTask) -> Result<(), StoreError> {
        let id = task.id.as_str();
        batch.insert(task)?;
        batch.claim(&self.bundling, task.instance.as_str(), id);
        batch.point(&self.bundles_of, &task.key_of_account(), id);
        batch.point(&self.bundles_on, &task.key_on_node(), id);
        Ok(())
    }

    /// Adds to a batch that ends a task: its instance may be saved again.
    pub fn end_bundle_task(&self, batch: &mut Batch, task: &BundleTask) {
        batch.unpoint(&self.bundling, task.instance.as_str());
    }

    /// Adds to a batch: a task that has ended goes, with all that leads to it.
    pub fn remove_bundle_task(&self, batch: &mut Batch, task: &Seen<BundleTask>) {
        batch.remove(task);
        batch.unpoint(&self.bundles_of, &task.key_of_account());
        batch.unpoint(&self.bundles_on, &task.key_on_node());
    }
}
