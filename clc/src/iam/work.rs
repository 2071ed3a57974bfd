//! Actions whose meaning is a value: made of a request, applied to the records.
//!
//! A [`Work`] becomes the [`Change`](super::change::Change) that is rehearsed and done.

use common::error::ApiError;
use common::id::AccountId;
use runtime::actor::Scene;
use store::Batch;

use super::Iam;
use crate::records::{Records, Touched};

/// What a change of identity does.
pub(super) trait Work: Send + Sync + 'static {
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

/// The account whose identities a request is about.
pub(super) fn account(scene: &Scene<Iam>) -> AccountId {
    scene.caller.account.clone()
}

/// Makes actions of works: how the work is made of the request.
macro_rules! works {
    ($($action:ident: |$it:ident, $scene:ident| $made:expr;)*) => {
        $crate::iam::change::changes!($($action),*);

        $(impl $crate::iam::change::Changes for $action {
            fn change(
                self,
                $scene: &::runtime::actor::Scene<$crate::iam::Iam>,
            ) -> Result<
                $crate::iam::change::Change<<Self as ::common::action::Action>::Output>,
                ::common::error::ApiError,
            > {
                let $it = self;
                let work = $made?;
                Ok($crate::iam::change::Change::new(move |records, batch, touched| {
                    $crate::iam::work::Work::apply(&work, records, batch, touched)
                }))
            }
        })*
    };
}

/// Makes actions of functions of the records: request, account, records.
macro_rules! answers {
    ($($action:ident => $answer:expr;)*) => {$(
        impl ::runtime::actor::Answer<$crate::iam::Iam> for $action {
            async fn answer(
                self,
                scene: &::runtime::actor::Scene<$crate::iam::Iam>,
            ) -> Result<<Self as ::common::action::Action>::Output, ::common::error::ApiError> {
                let account = $crate::iam::work::account(scene);
                scene.records.work(move |records| $answer(self, &account, records)).await
            }
        }
    )*};
}

pub(super) use {answers, works};
