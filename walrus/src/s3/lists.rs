//! The three listings as operations: who may, where to begin, which document.

use common::action::Caller;
use common::error::ApiError;
use common::s3::listing::{Filter, ListObjectVersions, ListObjects, ListObjectsV2, Page};
use runtime::http::Response;
use runtime::pool;

use super::access::{demand, may_list};
use super::buckets::Buckets;
use super::document::answer;
use super::listing::{self, Begin};
use super::service::{Operate, Scene};
use crate::records::Failed;

/// Reads the page if the caller may.
fn page(
    state: &Buckets,
    caller: Option<&Caller>,
    filter: &Filter,
    begin: &Begin,
) -> Result<Page, Failed> {
    let bucket = state.records.bucket(&filter.bucket)?;
    demand(may_list(caller, &bucket))?;
    listing::list(&state.records, filter, begin)
}

impl Operate for ListObjects {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let text = pool::block(move || {
            let begin = self.marker.clone().into();
            let page = page(&state, caller.as_ref(), &self.filter, &begin)?;
            Ok::<_, Failed>(self.to_xml(&page))
        });
        Ok(answer(text.await??))
    }
}

impl Operate for ListObjectsV2 {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let text = pool::block(move || {
            let begin = match &self.token {
                Some((_, next)) => next.clone().into(),
                None => self.start_after.clone().into(),
            };
            let page = page(&state, caller.as_ref(), &self.filter, &begin)?;
            Ok::<_, Failed>(self.to_xml(&page))
        });
        Ok(answer(text.await??))
    }
}

impl Operate for ListObjectVersions {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let text = pool::block(move || {
            let begin = self.key_marker.clone().into();
            let page = page(&state, caller.as_ref(), &self.filter, &begin)?;
            Ok::<_, Failed>(self.to_xml(&page))
        });
        Ok(answer(text.await??))
    }
}
