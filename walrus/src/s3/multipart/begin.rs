//! CreateMultipartUpload.

use common::error::{ApiError, ErrorCode};
use common::s3::Owner;
use common::s3::multipart::begin::CreateMultipartUpload;
use runtime::http::Response;
use runtime::pool;
use store::{MAX_KEY, transact};

use super::super::access::{demand, may_write};
use super::super::caps;
use super::super::commit::open_bucket;
use super::super::objects::Objects;
use super::super::service::{Operate, Scene};
use crate::blob::files::BlobId;
use crate::records::Failed;
use crate::upload::{Stage, Upload, Wanted, by_key_row};
use crate::usage::amount::Change;

/// What an index row's key may be long, its index's name left out.
const LONGEST_ROW: usize = MAX_KEY - 64;

impl Operate for CreateMultipartUpload {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let caller = scene.signed_caller()?;
        let state = scene.state();
        let (upload, asked) = pool::block(move || {
            let records =
                &caps::records(&state.content.records, &caller, (&self.bucket, &self.key));
            demand(may_write(Some(&caller), &*records.bucket(&self.bucket)?))?;
            let now = state.clock.now();
            let id = BlobId::at(now);
            let id = id.map_err(|error| ApiError::internal("No random bytes", error))?;
            let upload = Upload {
                id,
                bucket: self.bucket.clone(),
                key: self.key.clone(),
                owner: Owner { account: caller.account.clone(), alias: caller.alias.clone() },
                acl: self.acl,
                checksum: self.checksum.map(|wanted| Wanted {
                    algorithm: wanted.algorithm,
                    full_object: wanted.full_object,
                }),
                attributes: self.attributes.clone(),
                begun: now,
                parts: 0,
                bytes: 0,
                stage: Stage::Open,
            };
            let row = by_key_row(&upload.bucket, upload.key.as_str(), upload.id.as_str());
            if row.len() > LONGEST_ROW {
                let text = "Your key holds too many control characters";
                return Err(ApiError::new(ErrorCode::KeyTooLong, text).into());
            }
            transact(records.engine(), |batch| {
                let bucket = open_bucket(records, &upload.bucket)?;
                // The name may be another's bucket by now.
                demand(may_write(Some(&caller), &bucket))?;
                batch.hold(&bucket);
                batch.insert(&upload)?.point(&records.upload_by_key, &row, "");
                let change = Change::upload_begins();
                records.ledger.charge(batch, &bucket.name, &bucket.owner.account, change)?;
                Ok::<_, Failed>(())
            })?;
            records.ledger.committed(Change::upload_begins());
            state.content.open.begun();
            Ok::<_, Failed>((upload, self))
        })
        .await??;
        let document = asked.to_xml(upload.id.as_str());
        let mut response = Response::text(200, "application/xml", document);
        let wanted = asked.checksum.map(|wanted| wanted.to_headers());
        response.headers.extend(wanted.into_iter().flatten());
        Ok(response)
    }
}
