//! AbortMultipartUpload.

use common::error::ApiError;
use common::s3::multipart::begin::AbortMultipartUpload;
use runtime::http::Response;
use runtime::pool;

use super::super::objects::Objects;
use super::super::service::{Operate, Scene};
use super::named;
use crate::records::Failed;
use common::s3::multipart::terms::UploadName;

impl Operate for AbortMultipartUpload {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        pool::block(move || {
            let records = &state.content.records;
            named::admit(records, caller.as_ref(), &self.0)?;
            let upload = named::open(records, &self.0)?;
            // It may have been completed in the meantime.
            match state.content.give_up(&upload.id)? {
                true => Ok::<_, Failed>(()),
                false => Err(UploadName::absent().into()),
            }
        })
        .await??;
        Ok(Response::empty(204))
    }
}
