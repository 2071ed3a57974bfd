//! Changes of identity: each is one function of the records, asked once whether it could be done and
//! again inside the commit that does it.

use common::error::ApiError;
use common::id::AccountId;
use runtime::actor::Scene;
use store::Batch;

use super::Iam;
use crate::records::{Records, Touched};

/// Something that is to become different.
pub(super) trait Change: Send + Sync + 'static {
    /// What is answered when it was done.
    type Done: Send + 'static;

    /// Reads what it needs, refuses what cannot be, fills the batch, and notes what it touches. May
    /// run several times, and does nothing outside the batch.
    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Self::Done, ApiError>;
}

/// Finds out whether a change can be made.
pub(super) async fn check<C: Change>(change: C, scene: &Scene<Iam>) -> Result<C, ApiError> {
    let found = scene.records.work(move |records| {
        change.apply(records, &mut Batch::new(), &mut Touched::default())?;
        Ok(change)
    });
    found.await
}

/// Makes a change.
pub(super) async fn act<C: Change>(change: C, scene: &Scene<Iam>) -> Result<C::Done, ApiError> {
    let made = scene.records.work(move |records| {
        records.change_identity(|batch, touched| change.apply(records, batch, touched))
    });
    made.await
}

/// The account whose identities a request is about.
pub(super) fn account(scene: &Scene<Iam>) -> AccountId {
    scene.caller.account.clone()
}

/// Makes actions of changes: how the change is made of the request, and nothing else.
macro_rules! changes {
    ($($action:ident: $change:ty, |$it:ident, $scene:ident| $made:expr;)*) => {$(
        impl ::runtime::actor::Handle<$crate::iam::Iam> for $action {
            type Checked = $change;

            async fn check(
                self,
                $scene: &::runtime::actor::Scene<$crate::iam::Iam>,
            ) -> Result<$change, ::common::error::ApiError> {
                let $it = self;
                $crate::iam::change::check($made?, $scene).await
            }

            async fn act(
                checked: $change,
                scene: &::runtime::actor::Scene<$crate::iam::Iam>,
            ) -> Result<<Self as ::common::action::Action>::Output, ::common::error::ApiError> {
                $crate::iam::change::act(checked, scene).await
            }
        }
    )*};
}

/// Makes actions of functions of the records: request, account, records.
macro_rules! answers {
    ($($action:ident => $answer:expr;)*) => {$(
        impl ::runtime::actor::Answer<$crate::iam::Iam> for $action {
            async fn answer(
                self,
                scene: &::runtime::actor::Scene<$crate::iam::Iam>,
            ) -> Result<<Self as ::common::action::Action>::Output, ::common::error::ApiError> {
                let account = $crate::iam::change::account(scene);
                scene.records.work(move |records| $answer(self, &account, records)).await
            }
        }
    )*};
}

pub(super) use {answers, changes};
