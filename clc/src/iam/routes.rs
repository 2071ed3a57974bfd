//! The table of IAM's actions. One line an action.

use actix::Addr;
use runtime::actor::ServiceActor;
use runtime::router::Router;

use super::Iam;

/// The table.
pub fn router(_: &Addr<ServiceActor<Iam>>) -> Router {
    Router::new()
}
