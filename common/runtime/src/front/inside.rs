//! Actions that are asked for within this process, by whoever has found out on whose behalf: the
//! console, for somebody who is signed in. They go the way of all others, past the guard and into the
//! record; what they need not is a signature.

use std::sync::Arc;

use common::action::{Access, Action, Caller};
use common::audit::event::{LONGEST_TEXT, cut};
use common::dialect::query;
use common::error::{ApiError, ErrorCode};

use super::QueryApi;
use crate::auditor::{Call, Noting, unrecorded};
use crate::guard::Guard;
use crate::http::Head;
use crate::router::{Asking, written};

/// Who asks, and how it is recorded.
pub struct Inside<'a> {
    /// The request that this is done for.
    pub head: &'a Head,
    /// On whose behalf.
    pub caller: Caller,
    /// Who asks for them: the record says `console` and what the browser calls itself.
    pub agent: &'static str,
    /// Whether it is the same question again whose first answer is on record already, asked to keep
    /// a page up to date. What changes something is always recorded.
    pub again: bool,
}

impl QueryApi {
    /// What policies call the API that has this very action, and not another one of its name.
    pub fn prefix<A: Action>(&self) -> Option<&'static str> {
        let service = self.services.iter().find(|service| service.router.has::<A>());
        service.map(|service| service.prefix)
    }

    /// Does an action of one of the APIs.
    ///
    /// # Errors
    /// Whatever the action is refused with there.
    pub async fn perform<A: Action>(
        &self,
        inside: Inside<'_>,
        action: A,
    ) -> Result<A::Output, ApiError> {
        self.asked(inside, action, false).await
    }

    /// Finds out whether an action could be done, and does nothing of it; recorded as `DryRun` is.
    ///
    /// # Errors
    /// Whatever the action would be refused with.
    pub async fn rehearse<A: Action>(&self, inside: Inside<'_>, action: A) -> Result<(), ApiError> {
        match self.asked(inside, action, true).await {
            Err(error) if error.code() != ErrorCode::DryRunOperation => Err(error),
            _ => Ok(()),
        }
    }

    async fn asked<A: Action>(
        &self,
        inside: Inside<'_>,
        action: A,
        dry_run: bool,
    ) -> Result<A::Output, ApiError> {
        let service = self.services.iter().find(|service| service.router.has::<A>());
        let service = service.ok_or_else(|| {
            ApiError::internal(format!("No service answers {}", A::NAME), "it is in no table")
        })?;
        let Inside { head, caller, agent, again } = inside;
        let caller = caller.within(&head.context(self.clock.now()));
        let read_only = matches!(A::ACCESS, Access::Read);
        let mut call = Call {
            service: service.prefix,
            action: A::NAME.to_owned(),
            read_only,
            caller: Some(caller.clone()),
            ..Call::default()
        };
        if let Ok(pairs) = query::encode(&action) {
            call.says(&pairs);
        }
        let noting = Arc::new(Noting::new(Arc::clone(&self.guard)));
        let guard = Arc::clone(&noting) as Arc<dyn Guard>;
        let done = async {
            if service.administrators && !caller.administrator {
                let text = format!("{} does not administrate the cloud", caller.arn());
                return Err(ApiError::new(ErrorCode::UnauthorizedOperation, text));
            }
            if !read_only {
                self.auditor.ready()?;
            }
            let (caller, request_id) = (caller.clone(), head.request_id.clone());
            let (shape, prefix) = (service.shape, service.prefix);
            let asking = Asking { caller, request_id, shape, prefix, guard };
            service.router.call(action, asking, dry_run).await
        };
        let done = done.await;
        call.resources = noting.names();
        if let (Ok(output), false) = (&done, read_only)
            && let Ok(text) = written(service.shape, self.version, A::NAME, output)
        {
            call.made(&text);
        }
        if read_only && again && done.is_ok() {
            return done;
        }
        let mut event = call.event(head, done.as_ref().err(), self.clock.now());
        event.agent = cut(&format!("{agent} {}", event.agent), LONGEST_TEXT);
        match (self.auditor.keep(event).await, done) {
            (Err(error), Ok(_)) => Err(unrecorded(&error)),
            (_, done) => done,
        }
    }
}
