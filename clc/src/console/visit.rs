//! A request as a page sees it: who asks, in which language, and what.

use std::sync::Arc;

use common::action::{Access, Action};
use common::error::{ApiError, ErrorCode};
use common::wire::Message;
use common::wire::people::People as PeopleService;
use runtime::http::Head;
use serde_json::Value as Json;

use super::commands::Done;
use super::desk::Desk;
use super::forms::Fields;
use super::incoming::{Brought, Incoming};
use super::text::Words;
use super::viewer::Viewer;

/// A request on its way through a page.
#[derive(Clone)]
pub(crate) struct Visit {
    /// What pages work with.
    pub(crate) desk: Arc<Desk>,
    /// The request.
    pub(crate) head: Head,
    /// The parts of the path that its row leaves open, in their order.
    pub(crate) parts: Vec<String>,
    /// What stands behind the `?`.
    pub(crate) query: Fields,
    /// What the form says; nothing for GET.
    pub(crate) form: Fields,
    /// The bytes that come with it, if its line takes any.
    pub(crate) incoming: Incoming,
    /// Who asks, if they are signed in.
    pub(crate) viewer: Option<Viewer>,
    /// In which language.
    pub(crate) words: Words,
    /// The cookie that forms on this page are bound to.
    pub(crate) bound_to: String,
}

impl Visit {
    /// Whoever is signed in. Only rows that let nobody else in may ask.
    ///
    /// # Errors
    /// `AccessDenied` if nobody is.
    pub(crate) fn viewer(&self) -> Result<&Viewer, ApiError> {
        self.viewer.as_ref().ok_or_else(|| {
            ApiError::new(ErrorCode::AccessDenied, "The session is over: log in again")
        })
    }

    /// An open part of the path; empty if there is no such one.
    pub(crate) fn part(&self, number: usize) -> &str {
        self.parts.get(number).map_or("", String::as_str)
    }

    /// Takes the bytes that come with the request; only lines that stream have some, and once.
    ///
    /// # Errors
    /// `MissingParameter` if there is no file.
    pub(crate) fn take(&self) -> Result<Brought, ApiError> {
        self.incoming.take().ok_or_else(|| ApiError::missing("file"))
    }

    /// Does an action as whoever is signed in.
    ///
    /// # Errors
    /// Whatever the action is refused with.
    pub(crate) async fn call<A: Action>(&self, action: A) -> Result<A::Output, ApiError> {
        let viewer = self.viewer()?;
        let done = match A::ACCESS {
            Access::Read => None,
            Access::Write | Access::Tokened => self.desk.api.prefix::<A>().and_then(|service| {
                Done::of(service, &action, &viewer.caller.user, self.desk.people.now())
            }),
        };
        let output = self.desk.perform(&self.head, &viewer.caller, false, action).await?;
        if let Some(done) = done {
            self.desk.kept.done.keep(&viewer.session.digest, done);
        }
        Ok(output)
    }

    /// Finds out whether an action could be done by whoever is signed in, and does nothing of it.
    ///
    /// # Errors
    /// Whatever the action would be refused with.
    pub(crate) async fn rehearse<A: Action>(&self, action: A) -> Result<(), ApiError> {
        self.desk.rehearse(&self.head, &self.viewer()?.caller, action).await
    }

    /// Remembers something that was done to S3, under the names that SDKs have for it and its parameters;
    /// `Body` is the name of a file. Its lines are shown with those of all that was done.
    ///
    /// # Errors
    /// `AccessDenied` if nobody is signed in.
    pub(super) fn did_s3(&self, action: &'static str, parameters: &Json) -> Result<(), ApiError> {
        let (viewer, now) = (self.viewer()?, self.desk.people.now());
        if let Some(done) = Done::named("s3", action, parameters, &viewer.caller.user, now) {
            self.desk.kept.done.keep(&viewer.session.digest, done);
        }
        Ok(())
    }

    /// Asks what people ask about their accounts.
    ///
    /// # Errors
    /// Whatever the question is refused with.
    pub(crate) async fn ask<M>(&self, message: M) -> Result<M::Reply, ApiError>
    where
        M: Message<Service = PeopleService>,
    {
        self.desk.ask(message).await
    }

    /// Records something that is done at the console and nowhere else.
    ///
    /// # Errors
    /// If it cannot be recorded.
    pub(crate) async fn note(&self, action: &str, said: &[(&str, &str)]) -> Result<(), ApiError> {
        self.desk.note(&self.head, &self.viewer()?.caller, action, said).await
    }

    /// The address that the request came from.
    pub(crate) fn address(&self) -> String {
        self.head.peer.map(|peer| peer.ip().to_string()).unwrap_or_default()
    }

    /// What the browser calls itself.
    pub(crate) fn agent(&self) -> String {
        self.head.header("user-agent").unwrap_or_default().to_owned()
    }
}
