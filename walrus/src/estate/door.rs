//! The messages about what accounts leave behind.

use common::error::ApiError;
use common::wire::estate::{EndBuckets, GiveBuckets};
use common::wire::walrus::Walrus;
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::pool;

use super::{end, give};
use crate::content::Content;
use crate::estates;

/// Answers the messages.
#[derive(Clone)]
pub(crate) struct EstateDoor {
    /// Records and files.
    pub(crate) content: Content,
    /// The time.
    pub(crate) clock: Clock,
}

impl EstateDoor {
    /// Adds the messages to those that walrus answers.
    pub(crate) fn answer_on(self, dispatcher: Dispatcher<Walrus>) -> Dispatcher<Walrus> {
        let ending = self.clone();
        dispatcher
            .with(move |ask: GiveBuckets| {
                let EstateDoor { content, clock } = self.clone();
                async move {
                    let given = pool::block(move || {
                        if ask.rehearsal {
                            return give::foresee(&content.records, &ask);
                        }
                        estates::close(&content.records.closed_accounts, &ask.from, clock.now())?;
                        give::portion(&content.records, &ask)
                    });
                    given.await?.map_err(ApiError::from)
                }
            })
            .with(move |ask: EndBuckets| {
                let EstateDoor { content, clock } = ending.clone();
                async move {
                    let ended = pool::block(move || {
                        let closed = &content.records.closed_accounts;
                        estates::close(closed, &ask.account, clock.now())?;
                        end::portion(&content, &ask.account)
                    });
                    ended.await?.map_err(ApiError::from)
                }
            })
    }
}
