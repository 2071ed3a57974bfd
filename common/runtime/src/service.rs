//! The query APIs that one listener serves, and how a request says which of them it means: by its
//! path, or at `/` by its version or by the service in its signature.

use common::dialect::xml::Shape;
use common::error::{ApiError, ErrorCode};

use crate::router::Router;

/// One query API.
pub struct QueryService {
    /// Where it is, in lower case and without a slash at the end.
    pub paths: &'static [&'static str],
    /// The versions that are its alone. Requests to `/` with one of them are meant for it.
    pub versions: &'static [&'static str],
    /// What policies call it: `ec2` in `ec2:RunInstances`.
    pub prefix: &'static str,
    /// What clients call it in the scope of a signature.
    pub scopes: &'static [&'static str],
    /// How it answers.
    pub shape: Shape,
    /// What it answers.
    pub router: Router,
    /// Whether it answers administrators of the cloud alone.
    pub administrators: bool,
    /// What is said besides to whoever asks for something else: a sentence, or nothing.
    pub instead: &'static str,
}

impl QueryService {
    /// EC2, where clients of any age look for it.
    pub fn ec2(router: Router) -> Self {
        Self {
            paths: &["/services/eucalyptus", "/services/compute"],
            versions: &[],
            prefix: "ec2",
            scopes: &["ec2"],
            shape: Shape::Ec2,
            router,
            administrators: false,
            instead: "",
        }
    }

    /// Whether it is at a path, given in lower case and without a slash at the end.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        self.paths.contains(&path)
    }

    /// What is told to whoever asks for an action that it does not have.
    pub(crate) fn unknown(&self, action: &str) -> ApiError {
        let text = format!("The action {action} is not valid for this endpoint");
        let text = match self.instead {
            "" => text,
            instead => format!("{text}. {instead}"),
        };
        ApiError::new(ErrorCode::InvalidAction, text)
    }
}
