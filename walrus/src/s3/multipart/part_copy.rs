//! UploadPartCopy.
//!
//! A part that is the whole of an object in one file names that file, and nothing is read. In every
//! other case the bytes are read, hashed and written as if they had come in.

use bytes::Bytes;
use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::checksum::Kind;
use common::s3::copy::{UploadPartCopy, copied_to_xml};
use runtime::http::{Body, BodyError, Payload, Response};
use runtime::pool;
use store::Seen;

use super::super::caps;
use super::super::objects::Objects;
use super::super::service::{Operate, Scene};
use super::super::source;
use super::part::{check_size, kept_algorithm};
use super::{named, record};
use crate::blob::hash::{Digested, Expected};
use crate::blob::receive::Received;
use crate::blob::stream::stream;
use crate::content::Content;
use crate::records::{Failed, Object};
use crate::upload::{Part, Upload};

/// How often a source is looked for that changes again and again.
const TRIES: usize = 16;

/// What is to be copied.
struct Found {
    upload: Upload,
    source: Seen<Object>,
    start: u64,
    size: u64,
}

impl Operate for UploadPartCopy {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let caller = scene.signed_caller()?;
        let state = scene.state();
        let place = (&self.upload.bucket, &self.upload.key);
        let capped = caps::content(&state.content, &caller, place);
        let mut tries = 0;
        let part = loop {
            tries += 1;
            let (content, asked, who) = (capped.clone(), self.clone(), caller.clone());
            let found = pool::block(move || {
                named::admit(&content.records, Some(&who), &asked.upload)?;
                let upload = named::open(&content.records, &asked.upload)?.record;
                let source = source::find(&content.records, Some(&who), &asked.source)?;
                let (start, size) = span(asked.range, source.size)?;
                let bucket = content.records.bucket(&asked.upload.bucket)?;
                record::foresee(&content.records, &bucket, (&upload.id, asked.number), size)?;
                Ok::<_, Failed>(Found { upload, source, start, size })
            })
            .await??;
            check_size(found.size, state.max_bytes)?;
            let done = match shared(&found, self.number) {
                Some(part) => share(&self, (&state, &capped, &caller), found, part).await,
                None => read(&self, (&state, &capped, &caller), found).await,
            };
            match done {
                Err(error) if error.code() == ErrorCode::OperationAborted && tries < TRIES => {}
                other => break other?,
            }
        };
        let document =
            copied_to_xml("CopyPartResult", &part.etag, part.modified, Some(&part.checksum));
        Ok(Response::text(200, "application/xml", document))
    }
}

/// Lets the part name the source's file.
async fn share(
    asked: &UploadPartCopy,
    (state, content, caller): (&Objects, &Content, &Caller),
    found: Found,
    part: Part,
) -> Result<Part, ApiError> {
    let part = Part { modified: state.clock.now(), ..part };
    let records = content.records.clone();
    let source = found.source;
    let (name, upload, caller) = (asked.upload.clone(), asked.upload.clone(), caller.clone());
    record::put(content.clone(), name, part.clone(), None, move |batch| {
        named::admit(&records, Some(&caller), &upload)?;
        source::hold(&records, batch, &source)
    })
    .await?;
    Ok(part)
}

/// Reads the source and writes the part.
async fn read(
    asked: &UploadPartCopy,
    (state, content, caller): (&Objects, &Content, &Caller),
    found: Found,
) -> Result<Part, ApiError> {
    let ticket = state.receiver.begin(found.size).await?;
    let expected = Expected { kept: Some(kept_algorithm(&found.upload)), ..Expected::default() };
    let body = bytes_of(content.clone(), &found).await?;
    let received = state.receiver.receive(body, found.size, expected, ticket).await?;
    let Received { digested: Digested { md5: etag, checksum, .. }, ticket, .. } = received;
    let part = Part {
        upload: found.upload.id,
        number: asked.number,
        size: found.size,
        etag,
        blob: ticket.as_ref().map(|ticket| ticket.id().clone()),
        checksum,
        modified: state.clock.now(),
    };
    let (name, upload, caller) = (asked.upload.clone(), asked.upload.clone(), caller.clone());
    let records = content.records.clone();
    record::put(content.clone(), name, part.clone(), ticket, move |_| {
        named::admit(&records, Some(&caller), &upload)
    })
    .await?;
    Ok(part)
}

/// The first byte and how many follow.
fn span(range: Option<(u64, u64)>, size: u64) -> Result<(u64, u64), ApiError> {
    match range {
        None => Ok((0, size)),
        Some((first, last)) if last < size => Ok((first, last - first + 1)),
        Some(_) => {
            let text = format!("Range specified is not valid for source object of size: {size}");
            Err(ApiError::new(ErrorCode::InvalidRange, text))
        }
    }
}

/// The part, if it can name the file of its source: then the digests are known, too.
fn shared(found: &Found, number: u32) -> Option<Part> {
    let source = &found.source;
    let checksum = source.checksum.as_ref().filter(|checksum| {
        checksum.kind == Kind::FullObject && checksum.algorithm == kept_algorithm(&found.upload)
    })?;
    (source.blob.is_some() && found.size == source.size).then(|| Part {
        upload: found.upload.id.clone(),
        number,
        size: found.size,
        etag: source.etag.clone(),
        blob: source.blob.clone(),
        checksum: checksum.clone(),
        modified: source.modified,
    })
}

/// The bytes to be copied, as a body that comes in.
async fn bytes_of(content: Content, found: &Found) -> Result<Body, ApiError> {
    let (source, start, size) = (found.source.clone(), found.start, found.size);
    let opened = pool::block(move || {
        let opened = content.open(&source.bucket, source.record.key.as_str())?;
        // Its tag and time say whether it is the one that was allowed.
        let same = opened.filter(|opened| {
            opened.object.etag == source.etag && opened.object.modified == source.modified
        });
        same.ok_or_else(|| {
            let text = "The source was changed by another request, try again";
            Failed::from(ApiError::new(ErrorCode::OperationAborted, text))
        })
    })
    .await??;
    let (sender, body) = Body::channel(Some(size));
    if let Payload::Stream { mut pieces, .. } = stream(opened.bytes.read_from(start), size, ()) {
        pool::spawn(async move {
            while let Some(piece) = pieces.recv().await {
                let piece: Result<Bytes, _> = piece.map_err(|e| BodyError::Broken(e.to_string()));
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(body)
}
