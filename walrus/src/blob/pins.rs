//! Which bytes are being read at the moment, so that they are not cleared away under a reader.
//!
//! A single file needs no pin: whoever has it open reads on after its removal. An object in parts
//! is read file by file and does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::files::BlobId;

/// Who is being read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pins(Arc<Mutex<BTreeMap<BlobId, Pinned>>>);

#[derive(Debug, Default)]
struct Pinned {
    readers: usize,
    unwanted: bool,
}

impl Pins {
    /// Counts one more reader.
    pub(crate) fn pin(&self, id: &BlobId) {
        self.table().entry(id.clone()).or_default().readers += 1;
    }

    /// Counts one less; tells whether it was the last one of what nobody wants any more.
    pub(crate) fn unpin(&self, id: &BlobId) -> bool {
        let mut table = self.table();
        let Some(pinned) = table.get_mut(id) else { return false };
        pinned.readers = pinned.readers.saturating_sub(1);
        if pinned.readers > 0 {
            return false;
        }
        table.remove(id).is_some_and(|pinned| pinned.unwanted)
    }

    /// Tells whether nobody reads it. If somebody does, the last of them will hear of it.
    pub(crate) fn is_free(&self, id: &BlobId) -> bool {
        match self.table().get_mut(id) {
            None => true,
            Some(pinned) => {
                pinned.unwanted = true;
                false
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<BlobId, Pinned>> {
        // Nothing in here can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reader_of_what_is_unwanted_hears_of_it() {
        let (pins, id) = (Pins::default(), BlobId::random().unwrap());
        assert!(pins.is_free(&id));
        pins.pin(&id);
        pins.pin(&id);
        assert!(!pins.is_free(&id));
        assert!(!pins.unpin(&id));
        assert!(pins.unpin(&id));
        assert!(pins.is_free(&id));
        pins.pin(&id);
        assert!(!pins.unpin(&id), "a new reader of something else");
        assert!(!pins.unpin(&id));
    }
}
