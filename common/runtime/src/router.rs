//! The table of actions: a name, how its request is read, who does it, how its answer is written.
//!
//! Built once at start. A row takes the parameters as a tree and gives the answer's XML; nothing
//! outside knows the types of actions.

use std::collections::BTreeMap;

use actix::Addr;
use common::action::{Access, Action, Caller};
use common::dialect::query::Node;
use common::ec2::{self, Version};
use common::error::{ApiError, ErrorCode};
use futures_util::future::BoxFuture;
use serde::Deserialize;

use crate::actor::{Call, Handle, ServiceActor};

/// A request on its way through the table.
#[derive(Debug)]
pub struct Routed {
    /// Its parameters.
    pub parameters: Node,
    /// Who sent it.
    pub caller: Caller,
    /// Its id.
    pub request_id: String,
    /// The version it named, whose shape is answered.
    pub version: String,
}

/// Asks, with any action, only to be told whether it could be done.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DryRun {
    #[serde(default)]
    dry_run: bool,
}

type Row = Box<dyn Fn(Routed) -> BoxFuture<'static, Result<String, ApiError>> + Send + Sync>;

/// The table.
#[derive(Default)]
pub struct Router {
    rows: BTreeMap<&'static str, (Access, Row)>,
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
        let row: Row = Box::new(move |routed| {
            let actor = actor.clone();
            Box::pin(async move {
                let version = Version::find(&routed.version)?;
                let DryRun { dry_run } = routed.parameters.decode()?;
                let action: A = routed.parameters.decode()?;
                let Routed { caller, request_id, .. } = routed;
                let call = Call { action, caller, request_id: request_id.clone(), dry_run };
                let output = actor.send(call).await.map_err(|gone| {
                    ApiError::new(ErrorCode::Unavailable, "The service is stopping").because(gone)
                })??;
                ec2::answer(<A as Action>::NAME, version, &request_id, &output)
            })
        });
        let before = self.rows.insert(A::NAME, (A::ACCESS, row));
        assert!(before.is_none(), "{} is routed twice", A::NAME);
        self
    }

    /// The names in the table.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.rows.keys().copied()
    }

    /// Whether an action reads or changes.
    pub fn access(&self, action: &str) -> Option<Access> {
        self.rows.get(action).map(|(access, _)| *access)
    }

    /// Does an action and gives its answer's XML.
    ///
    /// # Errors
    /// `InvalidAction` for a name that is not in the table, and whatever the action refuses.
    pub async fn route(&self, action: &str, routed: Routed) -> Result<String, ApiError> {
        let Some((_, row)) = self.rows.get(action) else {
            let text = format!("The action {action} is not valid for this endpoint");
            return Err(ApiError::new(ErrorCode::InvalidAction, text));
        };
        row(routed).await
    }
}
