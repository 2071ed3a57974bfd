//! Index rows that earlier versions of the cloud did not write, written when it starts. Whatever
//! is there already is left alone, so a start that was cut short is made good by the next.

use common::error::ApiError;
use store::{After, Batch, Index};

use super::Records;

/// How many records one commit is about.
const PORTION: usize = 256;

/// Writes the index rows that are missing. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn upgrade(records: &Records) -> Result<(), ApiError> {
    let mut batch = Portions::new(records);
    for seen in records.instances.all("") {
        let it = seen?.record;
        if records.instances_of.get(&Records::instance_key(&it))?.is_none() {
            records.point(&mut batch.open, &it);
            batch.more()?;
        }
    }
    for seen in records.images.all("") {
        let it = seen?.record;
        for key in Records::image_keys(&it) {
            if records.images_for.get(&key)?.is_none() {
                batch.open.point(&records.images_for, &key, it.id.as_str());
                batch.more()?;
            }
        }
    }
    // What instances_of was before launches had an order.
    let unordered = Index::new(records.engine.clone(), "instance-by-account");
    for row in unordered.scan("", After::Start, usize::MAX)? {
        batch.open.unpoint(&unordered, &row.key);
        batch.more()?;
    }
    batch.commit()
}

/// Commits of bounded size.
struct Portions<'a> {
    records: &'a Records,
    open: Batch,
    size: usize,
}

impl<'a> Portions<'a> {
    fn new(records: &'a Records) -> Self {
        Self { records, open: Batch::new(), size: 0 }
    }

    fn more(&mut self) -> Result<(), ApiError> {
        self.size += 1;
        if self.size < PORTION {
            return Ok(());
        }
        self.size = 0;
        std::mem::take(&mut self.open).commit(&*self.records.engine)?;
        Ok(())
    }

    fn commit(self) -> Result<(), ApiError> {
        if !self.open.is_empty() {
            self.open.commit(&*self.records.engine)?;
        }
        Ok(())
    }
}
