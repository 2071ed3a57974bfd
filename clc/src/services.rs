//! The query APIs beside EC2, and what is said to whoever asks for one that is not served.

use std::sync::Arc;

use common::dialect::xml::Shape;
use common::{cloudtrail, euare, sts};
use runtime::actor::ServiceActor;
use runtime::front::QueryApi;
use runtime::service::QueryService;

use crate::audit::{self, Trail};
use crate::iam::{Iam, routes as iam_routes};
use crate::sts::{Tokens, routes as sts_routes};

/// How many actions of IAM are done at once.
const IAM_PERMITS: usize = 64;

/// Adds them to the API.
pub fn services(api: QueryApi, iam: Iam, trail: &Trail) -> QueryApi {
    let (records, clock) = (iam.records.clone(), iam.clock.clone());
    let tokens = Tokens { records, directory: Arc::clone(&iam.directory), clock };
    let iam = ServiceActor::start(Arc::new(iam), IAM_PERMITS);
    // One question needs no more permits than the listener has connections.
    let tokens = ServiceActor::start(Arc::new(tokens), 1024);
    let tokens = QueryService {
        paths: &["/services/tokens"],
        versions: &[sts::VERSION],
        prefix: "sts",
        scopes: &["sts"],
        shape: Shape::Iam(sts::NAMESPACE),
        router: sts_routes::router(&tokens),
        administrators: false,
        instead: "",
    };
    let euare = QueryService {
        paths: &["/services/euare"],
        versions: &[euare::VERSION],
        prefix: "iam",
        scopes: &["iam"],
        shape: Shape::Iam(euare::NAMESPACE),
        router: iam_routes::router(&iam),
        administrators: false,
        instead: "",
    };
    let trail = QueryService {
        paths: &["/services/cloudtrail"],
        versions: &[cloudtrail::VERSION],
        prefix: cloudtrail::PREFIX,
        scopes: &["cloudtrail"],
        shape: Shape::Iam(cloudtrail::NAMESPACE),
        router: audit::router(trail),
        administrators: false,
        instead: "",
    };
    api.serving(tokens).serving(euare).serving(trail)
}
