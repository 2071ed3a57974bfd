//! Stores what a node brings: parts as they are made, and at last the manifest.
//!
//! A part bears its SHA-1 (`x-amz-checksum-sha1`), so what broke on its way is refused, and what
//! the manifest says of it later can be compared without reading it again. So does the manifest as
//! it comes: nothing is signed that is not what was sent. Everything may come
//! twice: a part that comes again replaces itself. The manifest is signed and stored when, and only
//! when, all that it names lies there as it says; parts of an earlier try that it does not name go.
//! What comes for a task that was dropped is refused, even if it was on its way before.

use std::sync::Arc;

use bundle::manifest::sign::sign;
use bundle::{Limits, Manifest};
use bytes::Bytes;
use common::error::{ApiError, ErrorCode};
use common::s3::checksum::{Algorithm, Given};
use common::s3::objects::Attributes;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::http::{App, Body, Head, Response};
use runtime::pool;

use super::door::{MARK, as_caller, demand_wanted, drop_stored, is_of};
use super::ticket::{Claims, Piece};
use crate::blob::hash::{Digested, Expected};
use crate::blob::receive::{Received, Receiver, read_past};
use crate::content::Content;
use crate::dropped::DroppedTask;
use crate::image::key::{BundleKey, KeyFile};
use crate::image::manifest::{MAX_MANIFEST, invalid};
use crate::image::ticket::Tickets;
use crate::records::{Failed, Object};
use crate::s3::access::{demand, may_write};
use crate::s3::commit::{self, open_bucket};
use crate::usage::amount::Change;

/// The largest part, in bytes: many times what nodes make.
const MAX_PART: u64 = 1 << 30;

/// The app below `/bundles/` on the internal listener.
pub(crate) struct BundleStore {
    /// Records and files.
    pub(crate) content: Content,
    /// Where bodies are received.
    pub(crate) receiver: Receiver,
    /// Who may store what.
    pub(crate) tickets: Tickets,
    /// What manifests are signed with.
    pub(crate) key: KeyFile,
    /// The time.
    pub(crate) clock: Clock,
}

impl App for BundleStore {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(async move {
            match self.answer(&head, body).await {
                Ok(()) => Response::empty(200),
                Err(error) => refusal(&error),
            }
        })
    }
}

fn refusal(error: &ApiError) -> Response {
    let status = error.code().status();
    if status >= 500 {
        let cause = error.source_text().unwrap_or_default();
        tracing::warn!(%error, cause, "a piece of a bundle could not be stored");
    }
    let body = serde_json::to_vec(error).unwrap_or_default();
    Response::text(status, "application/json", body)
}

impl BundleStore {
    async fn answer(&self, head: &Head, mut body: Body) -> Result<(), ApiError> {
        let (claims, piece, length) = match self.admit(head).await {
            Ok(admitted) => admitted,
            Err(error) => {
                read_past(&mut body).await;
                return Err(error);
            }
        };
        let given = Algorithm::Sha1.read(head.header(Algorithm::Sha1.header()).unwrap_or_default());
        match piece {
            Piece::Part(index) => {
                let key = claims.place.part(index);
                let given = Given::Value(Algorithm::Sha1, given?);
                self.put(&claims, key, body, length, given).await
            }
            Piece::Manifest => {
                let raw = body.read(MAX_MANIFEST).await.map_err(|error| {
                    ApiError::new(ErrorCode::IncompleteBody, error.to_string()).because(error)
                })?;
                self.finish(claims, raw, given?).await
            }
        }
    }

    /// All that can be refused before the first byte.
    async fn admit(&self, head: &Head) -> Result<(Claims, Piece, u64), ApiError> {
        if head.method != "PUT" {
            let text = "bundles are stored here and nothing else";
            return Err(ApiError::new(ErrorCode::MethodNotAllowed, text));
        }
        let (claims, piece) = Claims::read(&self.tickets, &head.raw_path, self.clock.now())?;
        let length = head.header("content-length").and_then(|length| length.parse::<u64>().ok());
        let length = length.ok_or_else(|| {
            ApiError::new(ErrorCode::MissingContentLength, "The piece does not say its length")
        })?;
        let most = if piece == Piece::Manifest { MAX_MANIFEST } else { MAX_PART };
        if length > most {
            let text = format!("The piece has {length} bytes, of at most {most}");
            return Err(ApiError::new(ErrorCode::EntityTooLarge, text));
        }
        self.fits(&claims, piece, length).await?;
        Ok((claims, piece, length))
    }

    /// Whether a piece of that length may be stored: it is wanted, in a bucket of the owner's, and
    /// there is room.
    async fn fits(&self, claims: &Claims, piece: Piece, length: u64) -> Result<(), ApiError> {
        let (content, asked) = (self.content.clone(), claims.clone());
        pool::block(move || {
            let records = &content.records;
            demand_wanted(records, &asked.task)?;
            let bucket = open_bucket(records, &asked.place.bucket)?;
            demand(may_write(Some(&as_caller(&asked.owner)), &bucket))?;
            let key = match piece {
                Piece::Part(index) => asked.place.part(index),
                Piece::Manifest => asked.place.manifest(),
            };
            let old = records.object(&bucket.name, &key)?;
            let change = Change::write(old.map(|old| old.size), length);
            Ok::<_, Failed>(records.ledger.foresee(&bucket.name, &bucket.owner.account, change)?)
        })
        .await??;
        Ok(())
    }

    /// Stores a part that was made here.
    ///
    /// # Errors
    /// That nobody wants it, a quota, no room.
    pub(crate) async fn part(
        &self,
        claims: &Claims,
        index: usize,
        bytes: Bytes,
        sha1: Vec<u8>,
    ) -> Result<(), ApiError> {
        let length = bytes.len() as u64;
        self.fits(claims, Piece::Part(index), length).await?;
        let given = Given::Value(Algorithm::Sha1, sha1);
        self.put(claims, claims.place.part(index), Body::full(bytes), length, given).await
    }

    /// Stores an object in the owner's name.
    async fn put(
        &self,
        claims: &Claims,
        key: String,
        body: Body,
        size: u64,
        given: Given,
    ) -> Result<(), ApiError> {
        let ticket = self.receiver.begin(size).await?;
        let expected = Expected { given: Some(given), sha1: true, ..Expected::default() };
        let received = self.receiver.receive(body, size, expected, ticket).await?;
        let Received { digested: Digested { md5: etag, checksum, sha1 }, size, ticket } = received;
        let attributes = Attributes {
            content_type: Some("application/octet-stream".to_owned()),
            headers: Vec::new(),
            metadata: vec![(MARK.to_owned(), claims.task.as_str().to_owned())],
        };
        let object = Object {
            bucket: claims.place.bucket.clone(),
            key: key.parse()?,
            owner: claims.owner.clone(),
            acl: claims.acl,
            size,
            etag,
            blob: ticket.as_ref().map(|ticket| ticket.id().clone()),
            checksum: Some(checksum),
            sha1,
            parts: None,
            attributes,
            modified: self.clock.now(),
        };
        let (owner, task) = (as_caller(&claims.owner), claims.task.clone());
        let records = self.content.records.clone();
        commit::put(self.content.clone(), object, ticket, move |batch, found| {
            demand_wanted(&records, &task)?;
            batch.hold_absent::<DroppedTask>(task.as_str());
            // The name may be another's bucket by now.
            Ok(demand(may_write(Some(&owner), found.bucket))?)
        })
        .await
    }

    /// Checks, signs and stores the manifest.
    ///
    /// # Errors
    /// What is wrong with it, or what keeps it from being stored.
    pub(crate) async fn finish(
        &self,
        claims: Claims,
        raw: Bytes,
        sha1: Vec<u8>,
    ) -> Result<(), ApiError> {
        let key = self.key.get()?;
        let (content, asked) = (self.content.clone(), claims.clone());
        let signed = pool::block(move || {
            if digest(&raw) != sha1 {
                let text = "The manifest is not what was sent: its SHA-1 is another";
                return Err(ApiError::new(ErrorCode::BadDigest, text));
            }
            let manifest = Manifest::parse(&raw, &Limits::default()).map_err(invalid)?;
            check(&content, &asked, &manifest)?;
            drop_stored(&content, &asked.task, &asked.place, manifest.parts.len())?;
            signed(&raw, &key)
        })
        .await??;
        let size = signed.len() as u64;
        let sha1 = Given::Value(Algorithm::Sha1, digest(&signed));
        let place = claims.place.manifest();
        self.put(&claims, place, Body::full(Bytes::from(signed)), size, sha1).await
    }
}

fn digest(bytes: &[u8]) -> Vec<u8> {
    use sha1::Digest as _;
    sha1::Sha1::digest(bytes).to_vec()
}

fn signed(raw: &[u8], key: &Arc<BundleKey>) -> Result<Vec<u8>, ApiError> {
    sign(raw, &key.private, &Limits::default())
        .map_err(|error| ApiError::internal("The manifest cannot be signed", error))
}

/// Whether the manifest is the ticket's, and all that it names is there as it says. Blocks.
fn check(content: &Content, claims: &Claims, manifest: &Manifest) -> Result<(), ApiError> {
    let place = &claims.place;
    if manifest.user != claims.account.as_str() {
        return Err(invalid(format!("it is made for the account {}", manifest.user)));
    }
    let mut sum: u64 = 0;
    for part in &manifest.parts {
        let key = place.part(part.index);
        if key.rsplit('/').next() != Some(part.filename.as_str()) {
            return Err(invalid(format!("its part {} has the name {}", part.index, part.filename)));
        }
        let object = content.records.object(&place.bucket, &key)?;
        let stored = object.filter(|object| {
            let sha1 = object.checksum.as_ref().is_some_and(|known| {
                known.algorithm == Algorithm::Sha1 && known.value == part.digest
            });
            sha1 && is_of(object, &claims.task)
        });
        let Some(object) = stored else {
            return Err(invalid(format!("its part {key} was not stored as it says")));
        };
        sum = sum.saturating_add(object.size);
    }
    if sum != manifest.bundled_size {
        return Err(invalid(format!(
            "its parts have {sum} bytes together, its bundled_size says {}",
            manifest.bundled_size
        )));
    }
    Ok(())
}
