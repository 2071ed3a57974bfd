//! How imports and the rows that lead to them are written and go.

use store::{Batch, Seen, StoreError};

use super::{ImportTask, Records};

impl Records {
    /// Adds to a batch: a new import.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add_import(&self, batch: &mut Batch, task: &ImportTask) -> Result<(), StoreError> {
        batch.insert(task)?;
        batch.point(&self.imports_of, &task.key_of_account(), task.id.as_str());
        if let Some((token, _)) = &task.token {
            let key = ImportTask::token_key(&task.account, token);
            batch.claim(&self.import_tokens, &key, task.id.as_str());
        }
        Ok(())
    }

    /// Adds to a batch: an import that has ended goes, with all that leads to it.
    pub fn remove_import(&self, batch: &mut Batch, task: &Seen<ImportTask>) {
        batch.remove(task);
        batch.unpoint(&self.imports_of, &task.key_of_account());
        if let Some((token, _)) = &task.token {
            batch.unpoint(&self.import_tokens, &ImportTask::token_key(&task.account, token));
        }
    }
}
