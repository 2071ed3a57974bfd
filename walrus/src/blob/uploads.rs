//! The actor that knows which files are being received, and whether there is room for another.
//!
//! Room is promised before the first byte: what is free on the disk, less what earlier promises
//! still have to write, less a reserve that is never touched. A [`Ticket`] is one promise; dropping
//! it removes the file unless it was kept, and then gives the promise back.
//!
//! It never touches bytes: whoever holds the ticket writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::{
    Actor, ActorFutureExt as _, Addr, Context, Handler, Message, MessageResult, ResponseActFuture,
    WrapFuture as _,
};
use common::error::{ApiError, ErrorCode};
use runtime::pool;

use super::files::{BlobId, Files};

/// A promise of room.
#[derive(Debug)]
struct Promise {
    size: u64,
    written: AtomicU64,
}

impl Promise {
    fn outstanding(&self) -> u64 {
        self.size.saturating_sub(self.written.load(Ordering::Relaxed))
    }
}

/// The actor.
pub(crate) struct Uploads {
    files: Arc<Files>,
    reserve: u64,
    held: BTreeMap<BlobId, Arc<Promise>>,
}

impl Uploads {
    /// Starts the actor; `reserve` bytes of the disk stay free.
    pub(crate) fn start(files: Arc<Files>, reserve: u64) -> Addr<Self> {
        Actor::start(Self { files, reserve, held: BTreeMap::new() })
    }

    fn promised(&self) -> u64 {
        self.held.values().fold(0, |sum, one| sum.saturating_add(one.outstanding()))
    }
}

impl Actor for Uploads {
    type Context = Context<Self>;
}

/// Promise room for a file of that many bytes.
pub(crate) struct Begin {
    /// Bytes that will come.
    pub(crate) size: u64,
}

impl Message for Begin {
    type Result = Result<Ticket, ApiError>;
}

impl Handler<Begin> for Uploads {
    type Result = ResponseActFuture<Self, Result<Ticket, ApiError>>;

    fn handle(&mut self, begin: Begin, ctx: &mut Context<Self>) -> Self::Result {
        let uploads = actix::AsyncContext::address(ctx);
        let files = Arc::clone(&self.files);
        let look = async move {
            let looked = pool::block(move || (BlobId::random(), free_space(files.root()))).await?;
            let id = looked.0.map_err(|error| ApiError::internal("No random bytes", error))?;
            let free = looked.1.map_err(|error| {
                ApiError::internal("The free space of the disk cannot be read", error)
            })?;
            Ok((id, free))
        };
        Box::pin(look.into_actor(self).map(move |looked: Result<_, ApiError>, actor, _| {
            let (id, free) = looked?;
            let wanted = actor.promised().saturating_add(begin.size).saturating_add(actor.reserve);
            if wanted > free {
                let text = format!("There is no room for another {} bytes", begin.size);
                return Err(ApiError::new(ErrorCode::ServiceUnavailable, text));
            }
            let promise = Arc::new(Promise { size: begin.size, written: AtomicU64::new(0) });
            actor.held.insert(id.clone(), Arc::clone(&promise));
            let files = Arc::clone(&actor.files);
            Ok(Ticket { id, promise, files, uploads, kept: false })
        }))
    }
}

/// Bytes that an ordinary user can still write on the file system of `path`. Blocks.
pub(crate) fn free_space(path: &std::path::Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// A promise is over.
struct End {
    id: BlobId,
}

impl Message for End {
    type Result = ();
}

impl Handler<End> for Uploads {
    type Result = ();
    fn handle(&mut self, end: End, _: &mut Context<Self>) {
        self.held.remove(&end.id);
    }
}

/// Which files belong to uploads that are not over.
pub(crate) struct Held;

impl Message for Held {
    type Result = BTreeSet<BlobId>;
}

impl Handler<Held> for Uploads {
    type Result = MessageResult<Held>;
    fn handle(&mut self, _: Held, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.held.keys().cloned().collect())
    }
}

/// Leave to write one file.
pub(crate) struct Ticket {
    id: BlobId,
    promise: Arc<Promise>,
    files: Arc<Files>,
    uploads: Addr<Uploads>,
    kept: bool,
}

impl Ticket {
    /// Under which name to write.
    pub(crate) fn id(&self) -> &BlobId {
        &self.id
    }

    /// Tells how far the writing has come, in bytes.
    pub(crate) fn wrote(&self, bytes: u64) {
        self.promise.written.store(bytes, Ordering::Relaxed);
    }

    /// Lets the file stay: a record names it, or may do so.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (id, files, uploads, kept) =
            (self.id.clone(), Arc::clone(&self.files), self.uploads.clone(), self.kept);
        pool::spawn(async move {
            if !kept {
                let unwanted = id.clone();
                drop(pool::block(move || files.remove(&unwanted)).await);
            }
            // An actor that is gone keeps no promises.
            let _ = uploads.send(End { id }).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use runtime::boot::in_system;

    use super::*;

    #[test]
    fn a_dropped_ticket_takes_its_file_along() {
        in_system(async {
            let dir = tempfile::tempdir().unwrap();
            let files = Arc::new(Files::open(dir.path()).unwrap());
            let uploads = Uploads::start(Arc::clone(&files), 0);
            let ticket = uploads.send(Begin { size: 10 }).await.unwrap().unwrap();
            let file = files.create(ticket.id()).unwrap();
            files.land(ticket.id(), &file).unwrap();
            assert_eq!(uploads.send(Held).await.unwrap().len(), 1);
            let id = ticket.id().clone();
            drop(ticket);
            while !uploads.send(Held).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(files.open_blob(&id).is_err());

            let kept = uploads.send(Begin { size: 10 }).await.unwrap().unwrap();
            let file = files.create(kept.id()).unwrap();
            files.land(kept.id(), &file).unwrap();
            let id = kept.id().clone();
            kept.keep();
            while !uploads.send(Held).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(files.open_blob(&id).is_ok());
        })
        .unwrap();
    }

    #[test]
    fn what_is_promised_is_not_promised_twice() {
        in_system(async {
            let dir = tempfile::tempdir().unwrap();
            let files = Arc::new(Files::open(dir.path()).unwrap());
            let free = free_space(files.root()).unwrap();
            let uploads = Uploads::start(files, 0);
            let most = uploads.send(Begin { size: free / 10 * 6 }).await.unwrap().unwrap();
            let refused = uploads.send(Begin { size: free / 10 * 6 }).await.unwrap();
            assert_eq!(refused.err().map(|e| e.code()), Some(ErrorCode::ServiceUnavailable));
            drop(most);
            while !uploads.send(Held).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            assert!(uploads.send(Begin { size: free / 10 * 6 }).await.unwrap().is_ok());
        })
        .unwrap();
    }

    #[test]
    fn the_reserve_stays_free() {
        in_system(async {
            let dir = tempfile::tempdir().unwrap();
            let files = Arc::new(Files::open(dir.path()).unwrap());
            let uploads = Uploads::start(files, u64::MAX / 2);
            assert!(uploads.send(Begin { size: 1 }).await.unwrap().is_err());
        })
        .unwrap();
    }
}
