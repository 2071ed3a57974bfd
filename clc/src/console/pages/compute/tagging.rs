//! The name and the tags of an instance set and taken off: what its account writes on it.

use common::ec2::tags::{CreateTags, DeleteTags, NewTag, OldTag};
use common::error::ApiError;

use super::instance::shown;
use crate::console::components::{refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// Gives it a name, or none.
pub(crate) async fn rename(visit: Visit) -> Result<Reply, ApiError> {
    let done = match visit.form.some("name") {
        Some(name) => set(&visit, "Name", name).await,
        None => unset(&visit, "Name").await,
    };
    told(&visit, done, "named").await
}

/// Sets a tag.
pub(crate) async fn add(visit: Visit) -> Result<Reply, ApiError> {
    let (key, value) = (visit.form.line("key"), visit.form.line("value").to_owned());
    let done = set(&visit, key, value).await;
    told(&visit, done, "tags").await
}

/// Takes a tag off.
pub(crate) async fn remove(visit: Visit) -> Result<Reply, ApiError> {
    let done = unset(&visit, visit.form.get("key")).await;
    told(&visit, done, "tags").await
}

async fn set(visit: &Visit, key: &str, value: String) -> Result<(), ApiError> {
    let tag = NewTag { key: key.to_owned(), value: Some(value) };
    let ask = CreateTags { resource_id: vec![visit.part(0).to_owned()], tag: vec![tag] };
    visit.call(ask).await.map(|_| ())
}

async fn unset(visit: &Visit, key: &str) -> Result<(), ApiError> {
    let tag = OldTag { key: key.to_owned(), value: None };
    let ask = DeleteTags { resource_id: vec![visit.part(0).to_owned()], tag: vec![tag] };
    visit.call(ask).await.map(|_| ())
}

async fn told(visit: &Visit, done: Result<(), ApiError>, what: &str) -> Result<Reply, ApiError> {
    let id = visit.part(0);
    match done {
        Ok(()) => Ok(Reply::see(format!("/instances/{id}?done={what}"))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = shown(visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}
