//! The table of STS's actions. One line an action.

use actix::Addr;
use common::sts::caller::{GetAccessKeyInfo, GetCallerIdentity};
use common::sts::sessions::{AssumeRole, GetSessionToken};
use runtime::actor::ServiceActor;
use runtime::router::Router;

use super::Tokens;

/// The table.
pub fn router(tokens: &Addr<ServiceActor<Tokens>>) -> Router {
    Router::new()
        .on::<AssumeRole, _>(tokens)
        .on::<GetAccessKeyInfo, _>(tokens)
        .on::<GetCallerIdentity, _>(tokens)
        .on::<GetSessionToken, _>(tokens)
}
