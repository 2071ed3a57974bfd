//! GetObjectAttributes: for whoever may read the object.

use common::error::ApiError;
use common::s3::attributes::{GetObjectAttributes, Known, KnownPart, KnownParts};
use runtime::http::Response;
use runtime::pool;

use super::document::answer;
use super::objects::{Objects, open};
use super::service::{Operate, Scene};
use crate::content::{Bytes, Opened};
use crate::records::Failed;

impl Operate for GetObjectAttributes {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        self.version.demand()?;
        let (caller, state) = (scene.caller.clone(), scene.state());
        let (text, modified) = pool::block(move || {
            let opened = open(&state.content, caller.as_ref(), &self.bucket, &self.key)?;
            let modified = opened.object.modified;
            Ok::<_, Failed>((known(&self, opened)?.to_xml(&self), modified))
        })
        .await??;
        Ok(answer(text).with("last-modified", modified.http_date()))
    }
}

/// What is known of the object. Its parts stay while they are read. Blocks.
fn known(asked: &GetObjectAttributes, opened: Opened) -> Result<Known, ApiError> {
    let Opened { object, bytes } = opened;
    let parts = match bytes {
        Bytes::None | Bytes::File(_) => None,
        Bytes::Parts(bytes) => {
            let runs = bytes.seal.runs.iter();
            let numbers = runs.flat_map(|run| run.first..run.first + run.count);
            let mut numbers = numbers.skip_while(|number| *number <= asked.marker);
            let mut parts = Vec::new();
            for number in numbers.by_ref().take(asked.max_parts) {
                let part = bytes.part(number);
                let part =
                    part.map_err(|error| ApiError::internal("The part cannot be read", error))?;
                parts.push(KnownPart { number, size: part.size, checksum: part.checksum });
            }
            let count = object.parts.as_ref().map_or(0, |parts| parts.count);
            Some(KnownParts { count, parts, truncated: numbers.next().is_some() })
        }
    };
    Ok(Known { etag: object.etag, checksum: object.checksum, parts, size: object.size })
}
