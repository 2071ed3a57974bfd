//! One look-up over the logs of the clc and of walrus.
//!
//! ```text
//!   filter, token ──▶ clc: changes, reads ──╮
//!                 ──▶ walrus: changes, reads ┴─▶ common::audit::merge ──▶ events, token
//! ```
//! Who looks for an API's calls asks the log in which they are, and no other. When walrus is needed
//! and does not answer, the look-up fails and says so: an answer without what was asked of S3 would
//! look like a whole one.

use common::audit::merge::{merge, places, token};
use common::audit::{Event, Filter, Place};
use common::error::{ApiError, ErrorCode};
use common::wire::audit::{AuditState, LookRecords, VerifyRecords};
use common::wire::walrus::Walrus;
use runtime::audit::AuditLog;
use runtime::peer::Peer;

/// The service whose calls are in walrus' log, and nowhere else.
const S3: &str = "s3";

/// Where records are.
#[derive(Clone)]
pub struct Trail {
    /// The clc's own log.
    pub log: AuditLog,
    /// Walrus, which has another.
    pub walrus: Peer<Walrus>,
}

/// A page of a look-up.
pub(super) struct Page {
    /// The calls, the newest first.
    pub(super) events: Vec<Event>,
    /// What to ask with for more.
    pub(super) next: Option<String>,
}

impl Trail {
    /// Looks for calls, the newest first, from where the last page ended.
    ///
    /// # Errors
    /// `InvalidLookupToken` for one that was not given out, `Unavailable` if walrus does not answer.
    pub(super) async fn find(
        &self,
        filter: Filter,
        after: Option<&str>,
        most: usize,
    ) -> Result<Page, ApiError> {
        let [mut own_changes, mut own_reads, mut s3_changes, mut s3_reads] = match after {
            None => [Place::Top; 4],
            Some(text) => places(text).ok_or_else(|| {
                let text = "NextToken is none that was given out";
                ApiError::new(ErrorCode::InvalidLookupToken, text)
            })?,
        };
        match filter.service.as_deref() {
            Some(S3) => (own_changes, own_reads) = (Place::End, Place::End),
            Some(_) => (s3_changes, s3_reads) = (Place::End, Place::End),
            None => {}
        }
        let [own_changes, own_reads] =
            self.log.find(filter.clone(), [own_changes, own_reads], most).await?;
        let places = [s3_changes, s3_reads];
        let [s3_changes, s3_reads] = match places {
            [Place::End, Place::End] => Default::default(),
            places => {
                let found = self.walrus.call(LookRecords { filter, places, most }).await;
                found.map_err(absent)?
            }
        };
        let (events, places) = merge(vec![own_changes, own_reads, s3_changes, s3_reads], most);
        Ok(Page { events, next: token(&places) })
    }

    /// Verifies all logs. That of a walrus that does not answer is not found right.
    ///
    /// # Errors
    /// If the clc's own log cannot be read.
    pub(crate) async fn verify(&self) -> Result<Vec<AuditState>, ApiError> {
        let own = self.log.verify().await?.into_iter().zip(["clc", "clc-reads"]);
        let mut states: Vec<AuditState> = own.map(|(state, name)| state.named(name)).collect();
        match self.walrus.call(VerifyRecords {}).await {
            Ok(found) => states.extend(found),
            Err(error) => states.push(AuditState {
                name: "walrus".to_owned(),
                first: 0,
                last: 0,
                hash: String::new(),
                fault: Some(absent(error).text().to_owned()),
            }),
        }
        Ok(states)
    }
}

fn absent(error: ApiError) -> ApiError {
    if !error.code().retryable() {
        return error;
    }
    let text = "Walrus does not answer, so it is not known what was asked of S3; try later, or look \
                up the calls of another EventSource";
    ApiError::new(ErrorCode::Unavailable, text).because(error.text().to_owned())
}
