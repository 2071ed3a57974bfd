//! The query APIs beside EC2, and what is said to whoever asks for one that is not served.

use std::sync::Arc;

use common::action::Caller;
use common::dialect::xml::Shape;
use common::error::ApiError;
use common::sts::{self, CallerIdentity, GetCallerIdentity};
use runtime::actor::{Answer, Scene, ServiceActor};
use runtime::front::QueryApi;
use runtime::router::Router;
use runtime::service::QueryService;
use sha2::{Digest as _, Sha256};

/// IAM's namespace.
const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// Adds them to the API.
pub fn services(api: QueryApi) -> QueryApi {
    // One question needs no more permits than the listener has connections.
    let actor = ServiceActor::start(Arc::new(Tokens), 1024);
    let tokens = QueryService {
        paths: &["/services/tokens"],
        versions: &[sts::VERSION],
        scopes: &["sts"],
        shape: Shape::Iam(sts::NAMESPACE),
        router: Router::new().on::<GetCallerIdentity, _>(&actor),
        instead: "Temporary credentials are not given out",
    };
    let euare = QueryService {
        paths: &["/services/euare"],
        versions: &["2010-05-08"],
        scopes: &["iam"],
        shape: Shape::Iam(IAM),
        router: Router::new(),
        instead: "An account has one user; `clc admin` on the clc's host makes accounts",
    };
    let administration = QueryService {
        paths: &["/services/accounts", "/services/configuration", "/services/properties"],
        versions: &["eucalyptus"],
        scopes: &["bootstrap"],
        shape: Shape::Ec2,
        router: Router::new(),
        instead: "The cloud is administered by `clc admin` on the clc's host",
    };
    api.serving(tokens).serving(euare).serving(administration)
}

/// What STS works with: nothing but the caller.
struct Tokens;

impl Answer<Tokens> for GetCallerIdentity {
    async fn answer(self, scene: &Scene<Tokens>) -> Result<CallerIdentity, ApiError> {
        let caller = &scene.caller;
        Ok(CallerIdentity {
            arn: caller.arn(),
            user_id: user_id(caller),
            account: caller.account.to_string(),
        })
    }
}

/// A user's id in the form of IAM's: `AIDA` and 17 characters, always the same for a user.
fn user_id(caller: &Caller) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = Sha256::digest(format!("{}/{}", caller.account, caller.user));
    let digits = hash.iter().take(17).map(|byte| char::from(DIGITS[usize::from(byte & 31)]));
    "AIDA".chars().chain(digits).collect()
}
