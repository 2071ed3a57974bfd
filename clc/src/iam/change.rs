//! A change of identity, as one thing that can be rehearsed and done.
//!
//! The rules of an action and what it writes stand in one function of the records. It is run once
//! without a commit, so that whatever the change would be refused for is refused by the check, and
//! then within the commit, where all it read is still true.

use common::action::Action;
use common::error::ApiError;
use runtime::actor::Scene;
use store::Batch;

use super::Iam;
use crate::records::{Records, Touched};

type Work<T> = dyn Fn(&Records, &mut Batch, &mut Touched) -> Result<T, ApiError> + Send + Sync;

/// A change of identity that answers `T`.
pub struct Change<T>(Box<Work<T>>);

impl<T: Send + 'static> Change<T> {
    /// A change. The work blocks, may run several times, and does nothing outside the batch.
    pub fn new(
        work: impl Fn(&Records, &mut Batch, &mut Touched) -> Result<T, ApiError> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(work))
    }

    /// Finds out whether it can be done.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn rehearsed(self, scene: &Scene<Iam>) -> Result<Self, ApiError> {
        let rehearse = move |records: &Records| {
            (self.0)(records, &mut Batch::new(), &mut Touched::default())?;
            Ok(self)
        };
        scene.records.work(rehearse).await
    }

    /// Does it.
    ///
    /// # Errors
    /// Those of the work, and of the store.
    pub async fn done(self, scene: &Scene<Iam>) -> Result<T, ApiError> {
        let account = scene.caller.account.clone();
        let commit = move |records: &Records| {
            records.change_identity(|batch, touched| {
                records.hold_open(batch, &account)?;
                (self.0)(records, batch, touched)
            })
        };
        scene.records.work(commit).await
    }
}

/// An action that is one change of identity.
pub trait Changes: Action {
    /// Checks what the request alone tells, and says what the change is.
    ///
    /// # Errors
    /// What is wrong with the request.
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Self::Output>, ApiError>;
}

/// Lets actions that are [`Changes`] be handled.
macro_rules! changes {
    ($($name:ty),* $(,)?) => {$(
        impl ::runtime::actor::Handle<$crate::iam::Iam> for $name {
            type Checked = $crate::iam::change::Change<<$name as ::common::action::Action>::Output>;

            async fn check(
                self,
                scene: &::runtime::actor::Scene<$crate::iam::Iam>,
            ) -> Result<Self::Checked, ::common::error::ApiError> {
                $crate::iam::change::Changes::change(self, scene)?.rehearsed(scene).await
            }

            async fn act(
                change: Self::Checked,
                scene: &::runtime::actor::Scene<$crate::iam::Iam>,
            ) -> Result<<$name as ::common::action::Action>::Output, ::common::error::ApiError> {
                change.done(scene).await
            }
        }
    )*};
}
pub(super) use changes;
