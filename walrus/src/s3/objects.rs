//! Operations on objects: the `Objects` actor's.
//!
//! Writing ends with one commit that names the new bytes and forgets the old ones (see
//! [`super::commit`]); only then the old file goes, and who is reading it reads on. Reading opens
//! the file while the record says so, and needs nothing afterwards.

use std::sync::Arc;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::conditions::WriteConditions;
use common::s3::objects::{Attributes, DeleteObject, GetObject, HeadObject, PutObject};
use common::s3::overrides::Version;
use common::s3::{BucketName, CannedAcl, ObjectKey, Owner};
use runtime::clock::Clock;
use runtime::http::{Payload, Response};
use runtime::pool;

use super::access::{demand, denied, may_miss, may_read, may_write};
use super::service::{Operate, Scene};
use super::{answer, caps, commit};
use crate::arrival::{Arrivals, may_be_part};
use crate::blob::hash::{Digested, Expected};
use crate::blob::range::Span;
use crate::blob::receive::{Received, Receiver, read_past};
use crate::blob::stream::stream;
use crate::blob::uploads::Ticket;
use crate::content::{Content, Opened};
use crate::records::{Failed, Object, Records};
use crate::usage::amount::Change;

/// What the `Objects` actor shares among its operations.
pub(crate) struct Objects {
    /// Records and files.
    pub(crate) content: Content,
    /// Where bodies are received.
    pub(crate) receiver: Receiver,
    /// The time.
    pub(crate) clock: Clock,
    /// The largest object that comes in one piece, and the largest part, in bytes.
    pub(crate) max_bytes: u64,
    /// The largest object in parts, in bytes.
    pub(crate) max_multipart_bytes: u64,
    /// Who looks at parts of bundles.
    pub(crate) arrivals: Arrivals,
}

impl Operate for PutObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, expected, ticket) = match admit(&self, &scene).await {
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
        let Scene { body, permit, .. } = scene;
        let received = state.receiver.receive(body, self.incoming.length, expected, ticket).await?;
        let wanted = Wanted {
            bucket: self.bucket,
            key: self.key,
            acl: self.acl,
            conditions: self.conditions,
            attributes: self.attributes,
        };
        let Digested { md5: etag, checksum, .. } = keep(state, caller, wanted, received).await?;
        drop(permit);
        let mut response = Response::empty(200).with("etag", format!("\"{etag}\""));
        response.headers.extend(checksum.to_headers());
        Ok(response)
    }
}

/// What is wanted of bytes that have come in.
pub(super) struct Wanted {
    /// Where they are to be.
    pub(super) bucket: BucketName,
    /// Under which key.
    pub(super) key: ObjectKey,
    /// Who may read them.
    pub(super) acl: CannedAcl,
    /// What must be there or not.
    pub(super) conditions: WriteConditions,
    /// What is kept with them.
    pub(super) attributes: Attributes,
}

/// Makes an object of what came in, if the caller still may; gives what was computed over it.
pub(super) async fn keep(
    state: Arc<Objects>,
    caller: Caller,
    wanted: Wanted,
    received: Received,
) -> Result<Digested, ApiError> {
    let Received { digested, size, ticket } = received;
    let Wanted { bucket, key, acl, conditions, attributes } = wanted;
    let part = digested.sha1.clone().map(|sha1| (bucket.clone(), key.clone(), sha1));
    let object = Object {
        bucket,
        key,
        owner: Owner { account: caller.account.clone(), alias: caller.alias.clone() },
        acl,
        size,
        etag: digested.md5.clone(),
        blob: ticket.as_ref().map(|ticket| ticket.id().clone()),
        checksum: Some(digested.checksum.clone()),
        parts: None,
        sha1: digested.sha1.clone(),
        attributes,
        modified: state.clock.now(),
    };
    let content = caps::content(&state.content, &caller, (&object.bucket, &object.key));
    commit::put(content, object, ticket, move |_, found| {
        // The name may be another's bucket by now.
        demand(may_write(Some(&caller), found.bucket))?;
        let etag = found.old.map(|old| old.etag.as_str());
        Ok(conditions.check(etag)?)
    })
    .await?;
    if let Some((bucket, key, sha1)) = part {
        // The object is there, whatever comes of this.
        let looked = pool::block(move || state.arrivals.look(&bucket, &key, &sha1)).await;
        if let Err(error) = looked {
            tracing::warn!(%error, "a part was not held against its manifest");
        }
    }
    Ok(digested)
}

/// All that can be refused before the first byte.
async fn admit(
    put: &PutObject,
    scene: &Scene<Objects>,
) -> Result<(Caller, Expected, Option<Ticket>), ApiError> {
    let caller = scene.signed_caller()?;
    let expected = scene.expected(&put.incoming)?;
    let expected = Expected { sha1: may_be_part(&put.key), ..expected };
    let length = put.incoming.length;
    let (name, key, who) = (put.bucket.clone(), put.key.clone(), caller.clone());
    let (conditions, state) = (put.conditions.clone(), scene.state());
    pool::block(move || foresee(&state.content.records, &who, (&name, &key), &conditions, length))
        .await??;
    if length > scene.max_bytes {
        let text = format!(
            "Your proposed upload of {length} bytes exceeds the maximum object size of {} bytes",
            scene.max_bytes
        );
        return Err(ApiError::new(ErrorCode::EntityTooLarge, text)
            .showing("ProposedSize", length.to_string())
            .showing("MaxSizeAllowed", scene.max_bytes.to_string()));
    }
    Ok((caller, expected, scene.receiver.begin(length).await?))
}

/// Whether the caller may write so many bytes there, as it looks now: what counts is what is there
/// when the bytes are; but why wait for them in vain? Blocks.
///
/// # Errors
/// `NoSuchBucket`, `AccessDenied`, a condition that does not hold, a quota.
pub(super) fn foresee(
    records: &Records,
    caller: &Caller,
    (name, key): (&BucketName, &ObjectKey),
    conditions: &WriteConditions,
    length: u64,
) -> Result<(), Failed> {
    let bucket = records.bucket(name)?;
    demand(may_write(Some(caller), &bucket))?;
    let old = records.object(name, key.as_str())?;
    conditions.check(old.as_ref().map(|old| old.etag.as_str()))?;
    let change = Change::write(old.map(|old| old.size), length);
    let records = caps::records(records, caller, (name, key));
    Ok(records.ledger.foresee(name, &bucket.owner.account, change)?)
}

/// Opens an object that the caller may read. Blocks.
pub(super) fn open(
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
        None if may_miss(caller, &bucket) => {
            Err(ApiError::new(ErrorCode::NoSuchKey, "The specified key does not exist").into())
        }
        None => Err(denied().into()),
    }
}

/// Finds what is to be sent: the object, which part of it if any, and the answer's head.
async fn prepare(
    asked: GetObject,
    scene: &Scene<Objects>,
) -> Result<(Opened, Option<Span>, Response), ApiError> {
    let (caller, state) = (scene.caller.clone(), scene.state());
    pool::block(move || {
        let opened = open(&state.content, caller.as_ref(), &asked.bucket, &asked.key)?;
        asked.version.demand()?;
        let (span, response) = answer::head(&asked, caller.is_some(), &opened)?;
        Ok::<_, Failed>((opened, span, response))
    })
    .await?
    .map_err(ApiError::from)
}

impl Operate for GetObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (opened, span, mut response) = prepare(self, &scene).await?;
        if let Some(span) = span {
            let (start, length) = span.bounds(opened.object.size);
            response.payload = stream(opened.bytes.read_from(start), length, scene.permit);
        }
        Ok(response)
    }
}

impl Operate for HeadObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (opened, span, mut response) = prepare(self.0, &scene).await?;
        response.payload = Payload::Empty;
        Ok(match span {
            Some(span) => {
                let (_, length) = span.bounds(opened.object.size);
                response.with("content-length", length.to_string())
            }
            None => response,
        })
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
            // A version that there is not is removed already.
            if self.version == Version::Unknown {
                return Ok(());
            }
            commit::remove(&state.content, &self.bucket, &self.key, |_, found| {
                // The name may be another's bucket by now.
                demand(may_write(caller.as_ref(), found.bucket))?;
                let etag = found.old.map(|old| old.etag.as_str());
                Ok(self.conditions.check(etag)?)
            })?;
            Ok::<_, Failed>(())
        })
        .await??;
        Ok(Response::empty(204))
    }
}
