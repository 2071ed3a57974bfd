//! Receives a body into a file: half a mebibyte at a time to the pool, hashed on the way, compared
//! at the end, and only then given its place.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use bytes::Bytes;
use common::error::{ApiError, ErrorCode, OrApiError as _};
use runtime::http::{Body, BodyError};
use runtime::pool;

use super::files::Files;
use super::hash::{Digested, Digests, Expected};
use super::uploads::{Begin, Ticket, Uploads};

/// How many bytes are collected before the pool writes them.
const BATCH: usize = 512 << 10;

/// How long a sender may pause.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came in, on disk and in its place, but not yet named by any record.
pub(crate) struct Received {
    /// What was computed over the bytes.
    pub(crate) digested: Digested,
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
    /// was promised for it.
    ///
    /// # Errors
    /// `IncompleteBody`, a digest that does not fit. Nothing is left behind then.
    pub(crate) async fn receive(
        &self,
        body: Body,
        length: u64,
        expected: Expected,
        ticket: Option<Ticket>,
    ) -> Result<Received, ApiError> {
        let digests = Digests::new(expected);
        let Some(ticket) = ticket else {
            return Ok(Received { digested: digests.finish(None)?, ticket: None });
        };
        let (files, id) = (Arc::clone(&self.files), ticket.id().clone());
        let file = pool::block(move || files.create(&id)).await?.map_err(unwritable)?;
        let mut receiving = Receiving { body, length, file, digests };
        let mut written = 0;
        while written < length {
            let batch = receiving.batch(written).await?;
            written += batch.iter().map(|piece| piece.len() as u64).sum::<u64>();
            receiving = receiving.write(batch).await?;
            ticket.wrote(written);
        }
        let (files, id) = (Arc::clone(&self.files), ticket.id().clone());
        let Receiving { file, digests, .. } = receiving;
        let digested = pool::block(move || {
            let digested = digests.finish(None)?;
            files.land(&id, &file).map_err(unwritable)?;
            Ok::<_, ApiError>(digested)
        })
        .await??;
        Ok(Received { digested, ticket: Some(ticket) })
    }
}

/// How much of an unwanted body is read past, in bytes, and for how long.
const PAST: (u64, Duration) = (32 << 20, Duration::from_secs(10));

/// Reads past the rest of a body that nobody wants: many clients write it to its end before they
/// look at the answer, and would see a broken connection instead of it.
pub(crate) async fn read_past(body: &mut Body) {
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
    body: Body,
    length: u64,
    file: File,
    digests: Digests,
}

impl Receiving {
    /// The next pieces, together at least [`BATCH`] bytes unless the body ends before.
    async fn batch(&mut self, before: u64) -> Result<Vec<Bytes>, ApiError> {
        let (mut batch, mut size) = (Vec::new(), 0);
        while size < BATCH && before + (size as u64) < self.length {
            let piece = next(&mut self.body).await?;
            let Some(piece) = piece else {
                return Err(incomplete(before + size as u64, self.length));
            };
            size += piece.len();
            batch.push(piece);
        }
        if before + size as u64 > self.length {
            let text = "The body holds more bytes than its Content-Length says";
            return Err(ApiError::new(ErrorCode::IncompleteBody, text));
        }
        Ok(batch)
    }

    async fn write(mut self, batch: Vec<Bytes>) -> Result<Self, ApiError> {
        pool::block(move || {
            for piece in batch {
                self.digests.update(&piece);
                self.file.write_all(&piece).map_err(unwritable)?;
            }
            Ok(self)
        })
        .await?
    }
}

/// The next piece of a body; `None` at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    match tokio::time::timeout(PATIENCE, body.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(error @ (BodyError::Broken(_) | BodyError::TooLarge(_))))) => {
            let text = "The body broke off before the number of bytes of its Content-Length";
            Err(ApiError::new(ErrorCode::IncompleteBody, text).because(error))
        }
        Err(_) => {
            let text = format!("No byte of the body came for {} seconds", PATIENCE.as_secs());
            Err(ApiError::new(ErrorCode::IncompleteBody, text))
        }
    }
}

fn incomplete(came: u64, length: u64) -> ApiError {
    let text = format!("The body ended after {came} of the {length} bytes of its Content-Length");
    ApiError::new(ErrorCode::IncompleteBody, text)
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
