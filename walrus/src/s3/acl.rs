//! Access control lists of buckets and objects: read and changed by whoever may write into the
//! bucket, and by whoever wrote the object.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::acl::{GetAcl, PutAcl, to_xml};
use common::s3::integrity::Integrity;
use common::s3::xml::MAX_DOCUMENT;
use common::s3::{BucketName, ObjectKey, Owner};
use runtime::http::Response;
use runtime::pool;
use store::Seen;

use super::access::{demand, may_write};
use super::buckets::Buckets;
use super::document::{self, answer};
use super::service::{Operate, Scene};
use super::trace::Noted;
use crate::blob::receive::read_past;
use crate::records::{Bucket, Failed, Object, Records, object_key};

/// What has a list.
enum Subject {
    Bucket(Seen<Bucket>),
    Object(Box<Seen<Object>>),
}

impl Subject {
    /// Finds it, if the caller may see and change its list. Blocks.
    fn find(
        records: &Records,
        caller: Option<&Caller>,
        bucket: &BucketName,
        key: Option<&ObjectKey>,
    ) -> Result<Self, Failed> {
        let bucket = records.bucket(bucket)?;
        let owns_bucket = may_write(caller, &bucket);
        let Some(key) = key else {
            demand(owns_bucket)?;
            return Ok(Self::Bucket(bucket));
        };
        let found = records.object(&bucket.name, key.as_str())?;
        let owns =
            |object: &Object| caller.is_some_and(|who| who.may_change(&object.owner.account));
        demand(owns_bucket || found.as_ref().is_some_and(|object| owns(object)))?;
        let missing = || ApiError::new(ErrorCode::NoSuchKey, "The specified key does not exist");
        Ok(Self::Object(Box::new(found.ok_or_else(missing)?)))
    }

    fn owner(&self) -> &Owner {
        match self {
            Self::Bucket(bucket) => &bucket.owner,
            Self::Object(object) => &object.owner,
        }
    }
}

impl Operate for GetAcl {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let found = pool::block(move || {
            Subject::find(&state.records, caller.as_ref(), &self.bucket, self.key.as_ref())
        });
        let found = found.await??;
        let acl = match &found {
            Subject::Bucket(bucket) => bucket.acl,
            Subject::Object(object) => object.acl,
        };
        Ok(answer(to_xml(acl, found.owner())))
    }
}

/// Changes a list, by a head that was read and a body that was not.
pub(crate) struct ChangeAcl {
    /// What the head says.
    pub(crate) put: PutAcl,
    /// What the body must be.
    pub(crate) integrity: Integrity,
    /// For the record.
    pub(crate) noted: Noted,
}

impl Operate for ChangeAcl {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let (put, state) = (self.put, scene.state());
        let Scene { mut body, caller, signed_sha256, .. } = scene;
        let (who, asked) = (caller.clone(), put.clone());
        let found = pool::block(move || {
            Subject::find(&state.records, who.as_ref(), &asked.bucket, asked.key.as_ref())
                .map(|found| (found, state))
        });
        let (found, state) = match found.await? {
            Ok(found) => found,
            Err(refused) => {
                read_past(&mut body).await;
                return Err(refused.into());
            }
        };
        let document = document::read(body, MAX_DOCUMENT, self.integrity, signed_sha256).await?;
        pool::block(move || {
            let acl = put.wanted(&document, found.owner())?;
            self.noted.acl(acl.as_str());
            match found {
                Subject::Bucket(bucket) => {
                    state.records.buckets.update(bucket.key(), |bucket| {
                        demand(may_write(caller.as_ref(), bucket))?;
                        bucket.acl = acl;
                        Ok::<_, Failed>(())
                    })?;
                }
                Subject::Object(object) => {
                    let row = object_key(&object.bucket, object.key.as_str());
                    state.records.objects.update(&row, |now| {
                        if now.owner.account != object.owner.account {
                            let text = "The object was written anew, try again";
                            return Err(ApiError::new(ErrorCode::OperationAborted, text).into());
                        }
                        now.acl = acl;
                        Ok::<_, Failed>(())
                    })?;
                }
            }
            Ok::<_, Failed>(())
        })
        .await??;
        Ok(Response::empty(200))
    }
}
