//! Receives a body into a file: half a mebibyte at a time to the pool, hashed on the way, compared
//! at the end, and only then given its place.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Addr;
use bytes::Bytes;
use common::error::{ApiError, ErrorCode, OrApiError as _};
use runtime::http::{Body, BodyError};
use runtime::pool;

use super::files::Files;
use super::hash::{Digested, Digests, Expected};
use super::pace::Pace;
use super::uploads::{Begin, Ticket, Uploads};
use super::wrapping::Wrapping;

/// How many bytes are collected before the pool writes them.
const BATCH: usize = 512 << 10;

/// How many pieces they may be: to keep one costs more than a byte that is in it.
const PIECES: usize = 4096;

/// What came in, on disk and in its place, but not yet named by any record.
pub(crate) struct Received {
    /// What was computed over the bytes.
    pub(crate) digested: Digested,
    /// How many they are.
    pub(crate) size: u64,
    /// The ticket of their file; none if there are no bytes.
    pub(crate) ticket: Option<Ticket>,
}

/// Where bodies are received.
#[derive(Clone)]
pub(crate) struct Receiver {
    /// The files.
    pub(crate) files: Arc<Files>,
    /// Who promises room.
    pub(crate) uploads: Addr<Uploads>,
}

impl Receiver {
    /// Promises room for a body of `length` bytes; none is needed for none.
    ///
    /// # Errors
    /// No room.
    pub(crate) async fn begin(&self, length: u64) -> Result<Option<Ticket>, ApiError> {
        if length == 0 {
            return Ok(None);
        }
        let ticket = self.uploads.send(Begin { size: length }).await;
        ticket.or_error(ErrorCode::ServiceUnavailable, "The service is stopping")?.map(Some)
    }

    /// Receives a body of `length` bytes, which must be what is expected of it, into the room that
    /// was promised for it. Of a form, `length` is not asked for.
    ///
    /// # Errors
    /// `IncompleteBody`, `RequestTimeout`, a digest or signature that does not fit. Nothing is
    /// left behind then.
    pub(crate) async fn receive(
        &self,
        body: Body,
        length: u64,
        mut expected: Expected,
        ticket: Option<Ticket>,
    ) -> Result<Received, ApiError> {
        let wrapping = match expected.form.take() {
            Some(form) => Wrapping::form(form),
            None => Wrapping::new(expected.chunks.take(), length),
        };
        let file = match &ticket {
            None => None,
            Some(ticket) => {
                let (files, id) = (Arc::clone(&self.files), ticket.id().clone());
                Some(pool::block(move || files.create(&id)).await?.map_err(unwritable)?)
            }
        };
        let mut receiving = Receiving {
            source: Source::new(body),
            wrapping,
            file,
            digests: Digests::new(expected),
        };
        loop {
            let batch = receiving.source.batch(receiving.wrapping.wanted()).await?;
            let last = batch.is_empty();
            receiving = receiving.write(batch).await?;
            if let Some(ticket) = &ticket {
                ticket.wrote(receiving.wrapping.came());
            }
            if last || receiving.wrapping.wanted() == Some(0) {
                break;
            }
        }
        let files = Arc::clone(&self.files);
        let id = ticket.as_ref().map(|ticket| ticket.id().clone());
        let Receiving { wrapping, file, digests, .. } = receiving;
        let size = wrapping.came();
        let digested = pool::block(move || {
            let trailer = wrapping.finish(digests.trailer())?;
            let digested = digests.finish(trailer)?;
            if let (Some(id), Some(file)) = (id, file) {
                files.land(&id, &file).map_err(unwritable)?;
            }
            Ok::<_, ApiError>(digested)
        })
        .await??;
        // The file of nothing is not needed and goes with its ticket.
        Ok(Received { digested, size, ticket: ticket.filter(|_| size > 0) })
    }
}

/// How much of an unwanted body is read past, in bytes, and for how long.
const PAST: (u64, Duration) = (32 << 20, Duration::from_secs(10));

/// Reads past the rest of a body that nobody wants: many clients write it to its end before they
/// look at the answer, and would see a broken connection instead of it. A client that waits for a
/// go-ahead is told nothing of the kind.
pub(crate) async fn read_past(body: &mut Body) {
    if body.is_held() {
        return;
    }
    let (limit, patience) = PAST;
    let read = async {
        let mut past = 0;
        while let Some(Ok(piece)) = body.next().await {
            past += piece.len() as u64;
            if past > limit {
                return;
            }
        }
    };
    drop(tokio::time::timeout(patience, read).await);
}

/// A file on its way in.
struct Receiving {
    source: Source,
    wrapping: Wrapping,
    /// None if there is nothing to be kept.
    file: Option<File>,
    digests: Digests,
}

impl Receiving {
    async fn write(mut self, batch: Vec<Bytes>) -> Result<Self, ApiError> {
        pool::block(move || {
            for data in self.wrapping.unwrap(batch)? {
                self.digests.update(&data);
                if let Some(file) = &mut self.file {
                    file.write_all(&data).map_err(unwritable)?;
                }
            }
            Ok(self)
        })
        .await?
    }
}

/// A body whose sender must not be too slow.
struct Source {
    body: Body,
    pace: Pace,
}

impl Source {
    fn new(body: Body) -> Self {
        Self { body, pace: Pace::default() }
    }

    /// The next pieces, together at least [`BATCH`] bytes unless the body ends before, no more
    /// than `wanted` are, or they are all too small.
    async fn batch(&mut self, wanted: Option<u64>) -> Result<Vec<Bytes>, ApiError> {
        let (mut batch, mut size) = (Vec::new(), 0);
        while size < BATCH
            && batch.len() < PIECES
            && wanted.is_none_or(|wanted| (size as u64) < wanted)
        {
            let Some(piece) = self.next().await? else { break };
            size += piece.len();
            batch.push(piece);
        }
        Ok(batch)
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let begun = Instant::now();
            let piece = tokio::time::timeout(self.pace.patience(), self.body.next()).await;
            let came = match &piece {
                Ok(Some(Ok(piece))) => piece.len() as u64,
                _ => 0,
            };
            let in_time = self.pace.note(begun.elapsed(), came);
            match piece {
                Ok(None) => return Ok(None),
                Ok(Some(Err(error @ (BodyError::Broken(_) | BodyError::TooLarge(_))))) => {
                    let text = "The body broke off before its end";
                    return Err(ApiError::new(ErrorCode::IncompleteBody, text).because(error));
                }
                Ok(Some(Ok(piece))) if in_time => return Ok(Some(piece)),
                Err(_) if in_time => {}
                Ok(Some(Ok(_))) | Err(_) => {
                    let text = "Your socket connection to the server was not written to fast \
                                enough to keep it open";
                    return Err(ApiError::new(ErrorCode::RequestTimeout, text));
                }
            }
        }
    }
}

fn unwritable(error: io::Error) -> ApiError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ApiError::new(ErrorCode::ServiceUnavailable, "The disk is full").because(error)
        }
        _ => ApiError::internal("The object could not be written", error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use runtime::boot::in_system;

    use super::*;
    use crate::blob::uploads::Held;

    fn receiver(dir: &Path) -> Receiver {
        let files = Arc::new(Files::open(dir).unwrap());
        let uploads = Uploads::start(Arc::clone(&files), 0);
        Receiver { files, uploads }
    }

    fn body(pieces: Vec<Result<Bytes, BodyError>>) -> Body {
        let (sender, body) = Body::channel(None);
        tokio::task::spawn_local(async move {
            for piece in pieces {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        body
    }

    async fn nothing_left(receiver: &Receiver, dir: &Path) {
        while !receiver.uploads.send(Held).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(std::fs::read_dir(dir.join("staging")).unwrap().count(), 0);
        for shelf in 0..=255 {
            assert!(receiver.files.on_shelf(shelf).unwrap().is_empty());
        }
    }

    async fn receive(
        receiver: &Receiver,
        pieces: Vec<Result<Bytes, BodyError>>,
        length: u64,
        expected: Expected,
    ) -> Result<Received, ApiError> {
        let ticket = receiver.begin(length).await?;
        receiver.receive(body(pieces), length, expected, ticket).await
    }

    #[test]
    fn a_body_arrives_in_one_file() {
        in_system(async {
            let dir = tempfile::tempdir().unwrap();
            let receiver = receiver(dir.path());
            let pieces = (0..40).map(|_| Ok(Bytes::from(vec![7; 50_000]))).collect();
            let received = receive(&receiver, pieces, 2_000_000, Expected::default()).await;
            let ticket = received.unwrap().ticket.unwrap();
            let file = receiver.files.open_blob(ticket.id()).unwrap();
            assert_eq!(file.metadata().unwrap().len(), 2_000_000);
            drop(ticket);
            nothing_left(&receiver, dir.path()).await;
        })
        .unwrap();
    }

    #[test]
    fn nothing_stays_of_what_did_not_arrive_whole() {
        in_system(async {
            let dir = tempfile::tempdir().unwrap();
            let receiver = receiver(dir.path());
            let hello = || Ok(Bytes::from_static(b"hello"));
            let broken = || Err(BodyError::Broken("gone".into()));
            let wrong = Expected { md5: Some(vec![0; 16]), ..Expected::default() };
            let table = [
                (vec![hello()], 6, Expected::default(), ErrorCode::IncompleteBody),
                (vec![hello(), broken()], 10, Expected::default(), ErrorCode::IncompleteBody),
                (vec![hello(), hello()], 8, Expected::default(), ErrorCode::IncompleteBody),
                (vec![hello()], 5, wrong.clone(), ErrorCode::BadDigest),
                (vec![], 0, wrong, ErrorCode::BadDigest),
            ];
            for (pieces, length, expected, code) in table {
                let error = receive(&receiver, pieces, length, expected).await.err().unwrap();
                assert_eq!(error.code(), code);
                nothing_left(&receiver, dir.path()).await;
            }
            let empty = receive(&receiver, vec![], 0, Expected::default()).await.unwrap();
            assert_eq!(empty.digested.md5, "d41d8cd98f00b204e9800998ecf8427e");
            assert!(empty.ticket.is_none());
        })
        .unwrap();
    }
}
