//! The table of actions: a name, how its request is read, who does it, how its answer is written.
//!
//! Built once at start. A row takes the parameters as a tree and gives the answer's XML, so that an
//! API knows no types of actions; whoever is in this process and does know an action's type may ask
//! by that ([`Router::call`]), and goes the same way past the guard.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use actix::Addr;
use common::action::{Access, Action, Caller};
use common::dialect::query::Node;
use common::dialect::xml::{self, Shape};
use common::ec2::{self, Version};
use common::error::{ApiError, ErrorCode};
use common::euare::{names, parameters};
use common::iam::Barred;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::actor::{Call, Handle, ServiceActor};
use crate::guard::Guard;

/// A request on its way through the table.
pub struct Routed {
    /// Its parameters.
    pub parameters: Node,
    /// Who sent it.
    pub caller: Caller,
    /// Its id.
    pub request_id: String,
    /// The version it named, whose shape is answered.
    pub version: String,
    /// The shape of the API it came by.
    pub shape: Shape,
    /// What policies call that API: `ec2`.
    pub prefix: &'static str,
    /// Who lets it through.
    pub guard: Arc<dyn Guard>,
}

/// Who asks for an action by its type, from within this process.
pub struct Asking {
    /// On whose behalf.
    pub caller: Caller,
    /// The id of the request that it is part of.
    pub request_id: String,
    /// The shape of the action's API, in whose codes it is refused.
    pub shape: Shape,
    /// What policies call that API.
    pub prefix: &'static str,
    /// Who lets it through.
    pub guard: Arc<dyn Guard>,
}

/// Asks, with any action, only to be told whether it could be done.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DryRun {
    #[serde(default)]
    dry_run: bool,
}

/// Writes an answer as its API does. Made before the action is done, so that a version that nobody
/// speaks is refused and nothing is changed.
enum Writer {
    Ec2(Version),
    Iam(&'static str),
    Eucalyptus,
    Json,
}

impl Writer {
    fn new(shape: Shape, version: &str) -> Result<Self, ApiError> {
        match shape {
            Shape::Ec2 => Version::find(version).map(Self::Ec2),
            Shape::Iam(namespace) => Ok(Self::Iam(namespace)),
            Shape::Eucalyptus => Ok(Self::Eucalyptus),
            Shape::Json => Ok(Self::Json),
        }
    }

    fn answer<T: Serialize>(
        &self,
        action: &str,
        request_id: &str,
        output: &T,
    ) -> Result<String, ApiError> {
        let failed = |error: &dyn std::fmt::Display| {
            ApiError::internal("The answer could not be written", error)
        };
        let written = match self {
            Self::Ec2(version) => return ec2::answer(action, *version, request_id, output),
            Self::Json => return serde_json::to_string(output).map_err(|error| failed(&error)),
            Self::Iam(namespace) => xml::iam_answer(action, namespace, request_id, output),
            Self::Eucalyptus => xml::eucalyptus_answer(action, request_id, output),
        };
        written.map_err(|error| failed(&error))
    }
}

/// What an API answers, as it would write it.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn written<T: Serialize>(
    shape: Shape,
    version: &str,
    action: &str,
    output: &T,
) -> Result<String, ApiError> {
    Writer::new(shape, version)?.answer(action, "", output)
}

/// A refusal in the code of its API.
fn told_in(shape: Shape, error: ApiError) -> ApiError {
    match (shape, error.code()) {
        (Shape::Ec2 | Shape::Eucalyptus, ErrorCode::AccessDenied) => {
            let text = "You are not authorized to perform this operation";
            ApiError::new(ErrorCode::UnauthorizedOperation, format!("{text}. {}", error.text()))
        }
        _ => error,
    }
}

/// Reads parameters; what cannot be read is told in the words of the API.
fn read<T: DeserializeOwned>(parameters: &Node, shape: Shape) -> Result<T, ApiError> {
    parameters.read().map_err(|unusable| match shape {
        Shape::Iam(_) => names::unusable(&unusable),
        Shape::Ec2 | Shape::Eucalyptus | Shape::Json => unusable.into(),
    })
}

/// Refuses what temporary credentials are good for under no policy.
fn session_may(caller: &Caller, action: &str) -> Result<(), ApiError> {
    match caller.authority.barred(action) {
        None => Ok(()),
        Some(Barred::Sessions) => {
            let (_, name) = action.split_once(':').unwrap_or(("", action));
            let text = format!("Cannot call {name} with session credentials");
            Err(ApiError::new(ErrorCode::AccessDenied, text))
        }
        Some(Barred::Identity) => {
            let text = "The security token included in the request is invalid: IAM is not called \
                        with session credentials that were given out without a second factor";
            Err(ApiError::new(ErrorCode::InvalidClientTokenId, text))
        }
    }
}

/// Does an action whose type is known, past the guard.
type Doing<A> = dyn Fn(A, Asking, bool) -> BoxFuture<'static, Result<<A as Action>::Output, ApiError>>
    + Send
    + Sync;

/// Does an action whose type nobody outside knows.
type Written = Box<dyn Fn(Routed) -> BoxFuture<'static, Result<String, ApiError>> + Send + Sync>;

struct Row {
    access: Access,
    written: Written,
    /// An `Arc<Doing<A>>`.
    typed: Box<dyn Any + Send + Sync>,
}

/// The table.
#[derive(Default)]
pub struct Router {
    rows: BTreeMap<&'static str, Row>,
}

impl Router {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that this actor answers action `A`.
    ///
    /// # Panics
    /// If the action stands in the table already: that is a mistake of ours, met at start.
    #[must_use]
    pub fn on<A, S>(mut self, actor: &Addr<ServiceActor<S>>) -> Self
    where
        A: Handle<S>,
        S: Send + Sync + 'static,
    {
        let actor = actor.clone();
        let doing: Arc<Doing<A>> = Arc::new(move |action: A, asking, dry_run| {
            let actor = actor.clone();
            Box::pin(async move {
                let Asking { caller, request_id, guard, prefix, shape } = asking;
                let name = format!("{prefix}:{}", <A as Action>::NAME);
                session_may(&caller, &name)?;
                let allowed = guard.demand(&caller, &name, action.subject()).await;
                allowed.map_err(|error| told_in(shape, error))?;
                let call = Call { action, caller, request_id, dry_run };
                actor.send(call).await.map_err(|gone| {
                    ApiError::new(ErrorCode::Unavailable, "The service is stopping").because(gone)
                })?
            })
        });
        let does = Arc::clone(&doing);
        let written: Written = Box::new(move |routed| {
            let does = Arc::clone(&does);
            Box::pin(async move {
                let write = Writer::new(routed.shape, &routed.version)?;
                let DryRun { dry_run } = read(&routed.parameters, routed.shape)?;
                let action: A = read(&routed.parameters, routed.shape)?;
                if let Shape::Iam(_) = routed.shape {
                    parameters::check(<A as Action>::NAME, &routed.parameters)?;
                }
                let Routed { caller, request_id, guard, prefix, shape, .. } = routed;
                let asking =
                    Asking { caller, request_id: request_id.clone(), shape, prefix, guard };
                let output = does(action, asking, dry_run).await?;
                write.answer(<A as Action>::NAME, &request_id, &output)
            })
        });
        let row = Row { access: A::ACCESS, written, typed: Box::new(doing) };
        let before = self.rows.insert(A::NAME, row);
        assert!(before.is_none(), "{} is routed twice", A::NAME);
        self
    }

    /// The names in the table.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.rows.keys().copied()
    }

    /// Whether an action reads or changes.
    pub fn access(&self, action: &str) -> Option<Access> {
        self.rows.get(action).map(|row| row.access)
    }

    fn typed<A: Action>(&self) -> Option<&Arc<Doing<A>>> {
        self.rows.get(A::NAME).and_then(|row| row.typed.downcast_ref())
    }

    /// Whether this very action stands in the table, and not another one of its name.
    pub fn has<A: Action>(&self) -> bool {
        self.typed::<A>().is_some()
    }

    /// Does an action by its type, or only rehearses it.
    ///
    /// # Errors
    /// `InvalidAction` for one that is not in the table, and whatever the action refuses.
    pub async fn call<A: Action>(
        &self,
        action: A,
        asking: Asking,
        dry_run: bool,
    ) -> Result<A::Output, ApiError> {
        let Some(does) = self.typed::<A>() else {
            let text = format!("The action {} is not valid for this endpoint", A::NAME);
            return Err(ApiError::new(ErrorCode::InvalidAction, text));
        };
        does(action, asking, dry_run).await
    }

    /// Does an action and gives its answer's XML.
    ///
    /// # Errors
    /// `InvalidAction` for a name that is not in the table, and whatever the action refuses.
    pub async fn route(&self, action: &str, routed: Routed) -> Result<String, ApiError> {
        let Some(row) = self.rows.get(action) else {
            let text = format!("The action {action} is not valid for this endpoint");
            return Err(ApiError::new(ErrorCode::InvalidAction, text));
        };
        (row.written)(routed).await
    }
}
