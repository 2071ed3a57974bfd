//! The query APIs beside EC2, and what is said to whoever asks for one that is not served.

use std::sync::Arc;

use common::dialect::xml::Shape;
use common::error::ApiError;
use common::euare;
use common::sts::{self, CallerIdentity, GetCallerIdentity};
use runtime::actor::{Answer, Scene, ServiceActor};
use runtime::front::QueryApi;
use runtime::router::Router;
use runtime::service::QueryService;

use crate::iam::{Iam, routes};

/// How many actions of IAM are done at once.
const IAM_PERMITS: usize = 64;

/// Adds them to the API.
pub fn services(api: QueryApi, iam: Iam) -> QueryApi {
    let iam = ServiceActor::start(Arc::new(iam), IAM_PERMITS);
    // One question needs no more permits than the listener has connections.
    let actor = ServiceActor::start(Arc::new(Tokens), 1024);
    let tokens = QueryService {
        paths: &["/services/tokens"],
        versions: &[sts::VERSION],
        prefix: "sts",
        scopes: &["sts"],
        shape: Shape::Iam(sts::NAMESPACE),
        router: Router::new().on::<GetCallerIdentity, _>(&actor),
        administrators: false,
        instead: "Temporary credentials are not given out",
    };
    let euare = QueryService {
        paths: &["/services/euare"],
        versions: &[euare::VERSION],
        prefix: "iam",
        scopes: &["iam"],
        shape: Shape::Iam(euare::NAMESPACE),
        router: routes::router(&iam),
        administrators: false,
        instead: "",
    };
    api.serving(tokens).serving(euare)
}

/// What STS works with: nothing but the caller.
struct Tokens;

impl Answer<Tokens> for GetCallerIdentity {
    async fn answer(self, scene: &Scene<Tokens>) -> Result<CallerIdentity, ApiError> {
        let caller = &scene.caller;
        Ok(CallerIdentity {
            arn: caller.arn(),
            user_id: caller.authority.principal().user_id(),
            account: caller.account.to_string(),
        })
    }
}
