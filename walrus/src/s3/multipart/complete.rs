//! CompleteMultipartUpload: no byte is copied. One commit seals the upload, names it as the bytes
//! of the object, and removes the parts that the list leaves out.
//!
//! The plan is made from the upload and its parts as they are seen before; the commit holds only
//! if no part has come since, else a new plan is made. A repetition of a completion that was not
//! answered finds the object there and gets the same answer.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::conditions::WriteConditions;
use common::s3::multipart::complete::CompleteMultipartUpload;
use common::s3::multipart::terms::UploadName;
use common::time::Timestamp;
use runtime::http::Response;
use runtime::pool;
use store::Seen;

use super::super::access::{demand, may_write};
use super::super::commit;
use super::super::objects::Objects;
use super::super::service::{Operate, Scene};
use super::named;
use super::plan::{Plan, Planner};
use crate::content::Content;
use crate::parts::parts_prefix;
use crate::records::{Failed, Object, Parts};
use crate::upload::{Part, Stage, Upload, by_key_row};
use crate::usage::amount::Change;

/// How often a new plan is made because parts have come meanwhile.
const TRIES: usize = 16;

/// How many parts are read at once.
const PAGE: usize = 256;

/// What a look at the upload has shown.
enum Look {
    /// It may be completed so.
    Ready(Box<Ready>),
    /// It was completed by the same list before.
    Done(Box<Object>),
}

struct Ready {
    upload: Seen<Upload>,
    plan: Plan,
    unlisted: Vec<Seen<Part>>,
}

impl Operate for CompleteMultipartUpload {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let (content, name) = (state.content.clone(), self.upload.clone());
        let who = caller.clone();
        pool::block(move || named::admit(&content.records, who.as_ref(), &name)).await??;
        let mut tries = 0;
        let object = loop {
            tries += 1;
            let (content, asked) = (state.content.clone(), self.clone());
            let ready = match pool::block(move || look(&content, &asked)).await?? {
                Look::Done(object) => break *object,
                Look::Ready(ready) => ready,
            };
            ready.plan.check(&self)?;
            check_size(ready.plan.size, state.max_multipart_bytes)?;
            let conditions = self.conditions.clone();
            let (content, now, who) = (state.content.clone(), state.clock.now(), caller.clone());
            match complete(content, *ready, conditions, (who, now)).await {
                Err(error) if error.code() == ErrorCode::OperationAborted && tries < TRIES => {}
                other => break other?,
            }
        };
        let document = self.to_xml(&object.etag, object.checksum.as_ref());
        Ok(Response::text(200, "application/xml", document))
    }
}

fn check_size(size: u64, most: u64) -> Result<(), ApiError> {
    if size > most {
        let text = format!(
            "Your proposed upload of {size} bytes exceeds the maximum size of {most} bytes of an \
             object in parts"
        );
        return Err(ApiError::new(ErrorCode::EntityTooLarge, text));
    }
    Ok(())
}

/// Looks at the upload and its parts. Blocks.
fn look(content: &Content, asked: &CompleteMultipartUpload) -> Result<Look, Failed> {
    let upload = named::any(&content.records, &asked.upload)?;
    let (plan, unlisted) = match &upload.stage {
        Stage::Over => return Err(UploadName::absent().into()),
        Stage::Sealed(seal) => {
            // What stands under the key by now may be another object.
            let object = content.records.object(&asked.upload.bucket, asked.upload.key.as_str())?;
            let object = object.map(|seen| seen.record);
            let same = object.filter(|object| object.bytes() == Some(&upload.id));
            let object = same.ok_or_else(UploadName::absent)?;
            let (plan, _) = plan(content, &upload, asked)?;
            let repeated = plan.seal == *seal;
            return match repeated {
                true => Ok(Look::Done(Box::new(object))),
                false => Err(UploadName::absent().into()),
            };
        }
        Stage::Open => plan(content, &upload, asked)?,
    };
    Ok(Look::Ready(Box::new(Ready { upload, plan, unlisted })))
}

/// Walks through the parts. Blocks.
fn plan(
    content: &Content,
    upload: &Upload,
    asked: &CompleteMultipartUpload,
) -> Result<(Plan, Vec<Seen<Part>>), Failed> {
    let mut planner = Planner::new(upload, &asked.parts);
    let (mut unlisted, mut last) = (Vec::new(), None::<String>);
    loop {
        let records = &content.records;
        let page = records.parts.scan(&parts_prefix(&upload.id), last.as_deref(), PAGE)?;
        last = page.last().map(|part| part.key().to_owned());
        let ended = page.len() < PAGE;
        for part in page {
            if !planner.take(&part)? {
                unlisted.push(part);
            }
        }
        if ended {
            return Ok((planner.finish()?, unlisted));
        }
    }
}

/// Commits the plan.
async fn complete(
    content: Content,
    ready: Ready,
    conditions: WriteConditions,
    (caller, now): (Option<Caller>, Timestamp),
) -> Result<Object, ApiError> {
    let Ready { upload, plan, unlisted } = ready;
    let object = Object {
        bucket: upload.bucket.clone(),
        key: upload.key.clone(),
        owner: upload.owner.clone(),
        acl: upload.acl,
        size: plan.size,
        etag: plan.etag.clone(),
        blob: None,
        parts: Some(Parts { upload: upload.id.clone(), count: plan.count }),
        checksum: Some(plan.checksum.clone()),
        sha1: None,
        attributes: upload.attributes.clone(),
        modified: now,
    };
    let blobs: Vec<_> = unlisted.iter().filter_map(|part| part.blob.clone()).collect();
    let shelves = content.clone();
    commit::put(content.clone(), object.clone(), None, move |batch, found| {
        // The bucket may be another's by now.
        demand(may_write(caller.as_ref(), found.bucket))?;
        conditions.check(found.old.map(|old| old.etag.as_str()))?;
        let records = &shelves.records;
        let present = records.uploads.get(upload.key())?;
        if present.is_none_or(|present| present.rev() != upload.rev()) {
            let text = "The upload is being changed by another request, try again";
            return Err(ApiError::new(ErrorCode::OperationAborted, text).into());
        }
        let mut sealed = upload.clone();
        sealed.record.stage = Stage::Sealed(plan.seal.clone());
        sealed.record.parts = plan.count;
        sealed.record.bytes = plan.size;
        batch.replace(&sealed)?;
        unlisted.iter().for_each(|part| shelves.remove_part(batch, part));
        let row = by_key_row(&upload.bucket, upload.record.key.as_str(), upload.id.as_str());
        batch.unpoint(&records.upload_by_key, &row);
        found.charge.set(Change::upload_ends(upload.bytes));
        Ok(())
    })
    .await?;
    content.open.ended();
    pool::block(move || blobs.iter().for_each(|blob| content.let_go(blob))).await?;
    Ok(object)
}
