//! Questions as somebody asks them who looks at a page: when it is loaded, and again and again while it
//! is open. The first time is recorded as any call is, the others are not.

use std::sync::Arc;

use common::action::Action;
use common::error::ApiError;
use runtime::http::Head;

use super::desk::Desk;
use super::viewer::Viewer;
use super::visit::Visit;

/// Somebody who looks.
pub(crate) struct Look {
    desk: Arc<Desk>,
    head: Head,
    viewer: Viewer,
    again: bool,
}

impl Look {
    /// Does an action that reads.
    ///
    /// # Errors
    /// Whatever the action is refused with.
    pub(crate) async fn call<A: Action>(&self, action: A) -> Result<A::Output, ApiError> {
        self.desk.perform(&self.head, &self.viewer.caller, self.again, action).await
    }

    /// How much of something policies let them have.
    pub(crate) fn limit(&self, action: &str, key: &str) -> Option<u64> {
        self.viewer.caller.authority.limit(action, "*", key)
    }
}

impl Visit {
    /// Looks as whoever is signed in; `again` if the page is shown already.
    ///
    /// # Errors
    /// `AccessDenied` if nobody is.
    pub(crate) fn look(&self, again: bool) -> Result<Look, ApiError> {
        let (viewer, desk) = (self.viewer()?.clone(), Arc::clone(&self.desk));
        Ok(Look { desk, head: self.head.clone(), viewer, again })
    }

    /// Looks again as a viewer as they are now.
    pub(crate) fn look_of(&self, viewer: Viewer) -> Look {
        Look { desk: Arc::clone(&self.desk), head: self.head.clone(), viewer, again: true }
    }
}
