//! Configurations that no bucket here has, and tags that no object has: read by the owner only, as
//! in S3.

use common::error::{ApiError, ErrorCode};
use common::s3::configuration::{GetConfiguration, no_tags_to_xml};
use common::s3::{BucketName, ObjectKey};
use runtime::http::Response;
use runtime::pool;

use super::access::{demand, may_write};
use super::buckets::Buckets;
use super::document::answer;
use super::service::{Operate, Scene};

impl Operate for GetConfiguration {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let Self { bucket, configuration } = self;
        let bucket = pool::block(move || state.records.bucket(&bucket)).await??;
        demand(may_write(caller.as_ref(), &bucket))?;
        configuration.answer().map(answer)
    }
}

/// Reads the tags of an object, which has none.
pub(crate) struct GetObjectTagging {
    /// The bucket.
    pub(crate) bucket: BucketName,
    /// The object.
    pub(crate) key: ObjectKey,
}

impl Operate for GetObjectTagging {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let found = pool::block(move || {
            let bucket = state.records.bucket(&self.bucket)?;
            demand(may_write(caller.as_ref(), &bucket))?;
            state.records.object(&self.bucket, self.key.as_str())
        });
        match found.await?? {
            Some(_) => Ok(answer(no_tags_to_xml())),
            None => Err(ApiError::new(ErrorCode::NoSuchKey, "The specified key does not exist")),
        }
    }
}
