//! CopyObject: the copy names the same bytes as its source, so none are read or written, however
//! large it is; only another checksum than the known one has to be computed.
//!
//! The commit holds the source's record, which names the bytes at that moment; from then on they
//! stay as long as either object does.

use std::io::Read as _;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::Owner;
use common::s3::checksum::{Algorithm, Checksum, Kind};
use common::s3::copy::{CopyObject, copied_to_xml};
use runtime::http::Response;
use runtime::pool;
use store::Seen;

use super::access::{demand, may_write};
use super::objects::Objects;
use super::service::{Operate, Scene};
use super::{caps, commit, source};
use crate::blob::hash::Hasher;
use crate::content::Content;
use crate::records::{Failed, Object};

/// How often a source is looked for that changes again and again.
const TRIES: usize = 16;

/// How much is read at once to compute a checksum, in bytes.
const PIECE: usize = 1 << 20;

impl Operate for CopyObject {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let caller = scene.signed_caller()?;
        let state = scene.state();
        let owner = Owner { account: caller.account.clone(), alias: caller.alias.clone() };
        let mut tries = 0;
        let object = loop {
            tries += 1;
            let (content, asked, who) = (state.content.clone(), self.clone(), caller.clone());
            let most = state.max_bytes;
            let (source, checksum) = pool::block(move || {
                demand(may_write(Some(&who), &*content.records.bucket(&asked.bucket)?))?;
                let source = source::find(&content.records, Some(&who), &asked.source)?;
                check_size(source.size, most)?;
                let checksum = checksum(&content, &source, asked.checksum)?;
                Ok::<_, Failed>((source, checksum))
            })
            .await??;
            let object = Object {
                bucket: self.bucket.clone(),
                key: self.key.clone(),
                owner: owner.clone(),
                acl: self.acl,
                checksum,
                attributes: self.attributes.clone().unwrap_or_else(|| source.attributes.clone()),
                modified: state.clock.now(),
                ..source.record.clone()
            };
            match copy(state.content.clone(), object.clone(), source, caller.clone()).await {
                Err(error) if error.code() == ErrorCode::OperationAborted && tries < TRIES => {}
                other => {
                    other?;
                    break object;
                }
            }
        };
        let document = copied_to_xml(
            "CopyObjectResult",
            &object.etag,
            object.modified,
            object.checksum.as_ref(),
        );
        Ok(Response::text(200, "application/xml", document))
    }
}

async fn copy(
    content: Content,
    object: Object,
    source: Seen<Object>,
    caller: Caller,
) -> Result<(), ApiError> {
    let content = caps::content(&content, &caller, (&object.bucket, &object.key));
    let records = content.records.clone();
    commit::put(content, object, None, move |batch, found| {
        // The name may be another's bucket by now.
        demand(may_write(Some(&caller), found.bucket))?;
        source::hold(&records, batch, &source)
    })
    .await
}

/// Refuses a source that S3 would have copied in parts.
fn check_size(size: u64, most: u64) -> Result<(), ApiError> {
    if size > most {
        let text = format!(
            "The specified copy source is larger than the maximum allowable size for a copy \
             source: {most}"
        );
        return Err(ApiError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(())
}

/// The checksum of the copy: that of the source, unless another algorithm is asked for. Blocks.
fn checksum(
    content: &Content,
    source: &Object,
    wanted: Option<Algorithm>,
) -> Result<Option<Checksum>, Failed> {
    let fits = |known: &Checksum| {
        wanted.is_none_or(|wanted| known.algorithm == wanted && known.kind == Kind::FullObject)
    };
    let (Some(algorithm), false) = (wanted, source.checksum.as_ref().is_some_and(fits)) else {
        return Ok(source.checksum.clone());
    };
    let opened = content.open(&source.bucket, source.key.as_str())?;
    // Of another version than that which is copied it would be wrong; the commit refuses it then.
    let Some(opened) = opened else { return Ok(None) };
    let mut bytes = opened.bytes.read_from(0);
    let (mut hasher, mut piece) = (Hasher::new(algorithm), vec![0; PIECE]);
    loop {
        let read = bytes
            .read(&mut piece)
            .map_err(|error| ApiError::internal("The source cannot be read", error))?;
        if read == 0 {
            return Ok(Some(Checksum::full(algorithm, hasher.finish())));
        }
        hasher.update(&piece[..read]);
    }
}
