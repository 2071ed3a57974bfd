//! Operations on objects: the `Objects` actor's.
//!
//! Writing ends with one commit that names the new bytes and forgets the old ones (see
//! [`super::commit`]); only then the old file goes, and who is reading it reads on. Reading opens
//! the file while the record says so, and needs nothing afterwards.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::objects::{DeleteObject, GetObject, HeadObject, PutObject};
use common::s3::{BucketName, ObjectKey, Owner};
use runtime::clock::Clock;
use runtime::http::{Payload, Response};
use runtime::pool;

use super::access::{demand, denied, may_list, may_read, may_write};
use super::commit;
use super::service::{Operate, Scene};
use crate::blob::hash::{Digested, Expected};
use crate::blob::range::Span;
use crate::blob::receive::{Received, Receiver, read_past};
use crate::blob::stream::stream;
use crate::blob::uploads::Ticket;
use crate::content::{Content, Opened};
use crate::records::{Failed, Object};

/// What the `Objects` actor shares among its operations.
pub(crate) struct Objects {
    /// Records and files.
    pub(crate) content: Content,
    /// Where bodies are received.
    pub(crate) receiver: Receiver,
    /// The time.
    pub(crate) clock: Clock,
    /// The largest object, in bytes.
    pub(crate) max_bytes: u64,
}

impl Operate for PutObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, ticket) = match admit(&self, &scene).await {
            Ok(admitted) => admitted,
            Err(error) => {
                let Scene { mut body, permit, .. } = scene;
                // Whoever was refused must not keep others out for as long as they like to send.
                drop(permit);
                read_past(&mut body).await;
                return Err(error);
            }
        };
        let state = scene.state();
        let expected = Expected {
            md5: self.md5,
            signed_sha256: scene.signed_sha256,
            given: self.checksum,
            kept: None,
        };
        let Scene { body, permit, .. } = scene;
        let received = state.receiver.receive(body, self.length, expected, ticket).await?;
        let Received { digested: Digested { md5: etag, checksum }, ticket } = received;
        let object = Object {
            bucket: self.bucket,
            key: self.key,
            owner: Owner { account: caller.account, alias: caller.alias },
            acl: self.acl,
            size: self.length,
            etag: etag.clone(),
            blob: ticket.as_ref().map(|ticket| ticket.id().clone()),
            checksum: Some(checksum.clone()),
            parts: None,
            attributes: self.attributes,
            modified: state.clock.now(),
        };
        commit::put(state.content.clone(), object, ticket, |_, _| Ok(())).await?;
        drop(permit);
        let mut response = Response::empty(200).with("etag", format!("\"{etag}\""));
        response.headers.extend(checksum.to_headers());
        Ok(response)
    }
}

/// All that can be refused before the first byte.
async fn admit(
    put: &PutObject,
    scene: &Scene<Objects>,
) -> Result<(Caller, Option<Ticket>), ApiError> {
    let caller = scene.signed_caller()?;
    let (name, who, state) = (put.bucket.clone(), caller.clone(), scene.state());
    pool::block(move || {
        let bucket = state.content.records.bucket(&name)?;
        demand(may_write(Some(&who), &bucket)).map_err(Failed::from)
    })
    .await??;
    if put.length > scene.max_bytes {
        let text = format!(
            "Your proposed upload of {} bytes exceeds the maximum object size of {} bytes",
            put.length, scene.max_bytes
        );
        return Err(ApiError::new(ErrorCode::EntityTooLarge, text));
    }
    Ok((caller, scene.receiver.begin(put.length).await?))
}

/// Opens an object that the caller may read. Blocks.
fn open(
    content: &Content,
    caller: Option<&Caller>,
    bucket: &BucketName,
    key: &ObjectKey,
) -> Result<Opened, Failed> {
    let bucket = content.records.bucket(bucket)?;
    match content.open(&bucket.name, key.as_str())? {
        Some(opened) => {
            demand(may_read(caller, &bucket, &opened.object))?;
            Ok(opened)
        }
        // Whoever may not list does not learn either what is missing.
        None if may_list(caller, &bucket) => {
            Err(ApiError::new(ErrorCode::NoSuchKey, "The specified key does not exist").into())
        }
        None => Err(denied().into()),
    }
}

/// Finds what is to be sent: the object, which part of it, and the answer's head.
async fn prepare(
    asked: GetObject,
    scene: &Scene<Objects>,
) -> Result<(Opened, Span, Response), ApiError> {
    let (caller, state) = (scene.caller.clone(), scene.state());
    let (range, if_range) = (asked.range, asked.if_range);
    let opened =
        pool::block(move || open(&state.content, caller.as_ref(), &asked.bucket, &asked.key))
            .await??;
    let object = &opened.object;
    let etag = format!("\"{}\"", object.etag);
    // A range of another version is not wanted; a date in If-Range never matches either.
    let same = if_range.is_none_or(|known| known == etag);
    let span = Span::of(range.as_deref().filter(|_| same), object.size);
    let (status, content_range) = span.head(object.size);
    if span == Span::Beyond {
        let text = format!("The requested range is not satisfiable of {} bytes", object.size);
        return Err(ApiError::new(ErrorCode::InvalidRange, text));
    }
    let mut response = Response::empty(status)
        .with("etag", etag)
        .with("last-modified", object.modified.http_date())
        .with("accept-ranges", "bytes");
    response.headers.extend(object.attributes.to_headers());
    if let Some(content_range) = content_range {
        response = response.with("content-range", content_range);
    }
    Ok((opened, span, response))
}

impl Operate for GetObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (opened, span, mut response) = prepare(self, &scene).await?;
        if let Some(file) = opened.file {
            let (start, length) = span.bounds(opened.object.size);
            response.payload = stream(file, start, length, scene.permit);
        }
        Ok(response)
    }
}

impl Operate for HeadObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (opened, span, mut response) = prepare(self.0, &scene).await?;
        let (_, length) = span.bounds(opened.object.size);
        response.payload = Payload::Empty;
        Ok(response.with("content-length", length.to_string()))
    }
}

impl Operate for DeleteObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        pool::block(move || {
            let records = &state.content.records;
            let bucket = records.bucket(&self.bucket)?;
            demand(may_write(caller.as_ref(), &bucket))?;
            commit::remove(&state.content, &self.bucket, &self.key, |_, _| Ok(()))?;
            Ok::<_, Failed>(())
        })
        .await??;
        Ok(Response::empty(204))
    }
}
