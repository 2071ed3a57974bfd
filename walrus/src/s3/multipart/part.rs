//! UploadPart.

use common::error::{ApiError, ErrorCode};
use common::s3::checksum::Algorithm;
use common::s3::multipart::begin::UploadPart;
use runtime::http::Response;
use runtime::pool;

use super::super::caps;
use super::super::objects::Objects;
use super::super::service::{Operate, Scene};
use super::{named, record};
use crate::blob::hash::{Digested, Expected};
use crate::blob::receive::{Received, read_past};
use crate::blob::uploads::Ticket;
use crate::content::Content;
use crate::records::Failed;
use crate::upload::{Part, Upload};

/// The algorithm of the checksum that is kept of each part: that of the upload, or, where none was
/// asked for, the one from which that of the whole follows.
pub(crate) fn kept_algorithm(upload: &Upload) -> Algorithm {
    upload.checksum.map_or(Algorithm::Crc64Nvme, |wanted| wanted.algorithm)
}

/// Refuses a part that is too large.
///
/// # Errors
/// `EntityTooLarge`.
pub(crate) fn check_size(size: u64, most: u64) -> Result<(), ApiError> {
    if size > most {
        let text = format!(
            "Your proposed upload of {size} bytes exceeds the maximum part size of {most} bytes"
        );
        return Err(ApiError::new(ErrorCode::EntityTooLarge, text));
    }
    Ok(())
}

impl Operate for UploadPart {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let caller = scene.signed_caller()?;
        let (content, upload, expected, ticket) = match admit(&self, &scene).await {
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
        let name = self.upload;
        let Scene { body, permit, .. } = scene;
        let size = self.incoming.length;
        let received = state.receiver.receive(body, size, expected, ticket).await?;
        let Received { digested: Digested { md5: etag, checksum, .. }, ticket, .. } = received;
        let part = Part {
            upload: upload.id,
            number: self.number,
            size,
            etag: etag.clone(),
            blob: ticket.as_ref().map(|ticket| ticket.id().clone()),
            checksum: checksum.clone(),
            modified: state.clock.now(),
        };
        let (records, upload) = (content.records.clone(), name.clone());
        record::put(content, name, part, ticket, move |_| {
            // The bucket may be another's by now.
            named::admit(&records, Some(&caller), &upload)
        })
        .await?;
        drop(permit);
        let response = Response::empty(200).with("etag", format!("\"{etag}\""));
        Ok(response.with(checksum.algorithm.header(), checksum.text()))
    }
}

/// All that can be refused before the first byte.
async fn admit(
    part: &UploadPart,
    scene: &Scene<Objects>,
) -> Result<(Content, Upload, Expected, Option<Ticket>), ApiError> {
    let caller = scene.signed_caller()?;
    let expected = scene.expected(&part.incoming)?;
    let (name, state) = (part.upload.clone(), scene.state());
    let (number, length) = (part.number, part.incoming.length);
    let (content, upload) = pool::block(move || {
        let content = caps::content(&state.content, &caller, (&name.bucket, &name.key));
        let records = &content.records;
        named::admit(records, Some(&caller), &name)?;
        let upload = named::open(records, &name)?.record;
        let bucket = records.bucket(&name.bucket)?;
        record::foresee(records, &bucket, (&upload.id, number), length)?;
        Ok::<_, Failed>((content, upload))
    })
    .await??;
    check_size(length, scene.max_bytes)?;
    let expected = Expected { kept: Some(kept_algorithm(&upload)), ..expected };
    Ok((content, upload, expected, scene.receiver.begin(length).await?))
}
