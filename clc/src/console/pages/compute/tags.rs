//! The name and the tags of an instance: what its account writes on it.

use common::ec2::instances::Instance;
use common::ec2::tags::{CreateTags, DeleteTags, NewTag, OldTag};
use common::error::ApiError;
use maud::{Markup, html};

use super::wanted::name;
use crate::console::components::{button, form, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::instances as say;
use crate::console::visit::Visit;

use super::instance::shown;

/// What can be changed of them, on the instance's page.
pub(super) fn section(visit: &Visit, it: &Instance) -> Markup {
    let words = visit.words;
    let id = it.instance_id.as_str();
    let naming = html! {
        div.field {
            label for="f-name" { (words.t(say::NAME)) }
            input id="f-name" name="name" value=(visit.form.some("name").as_deref().unwrap_or(name(it))) maxlength="256" autocomplete="off";
        }
        button.second type="submit" { (words.t(say::NAME_IT)) }
    };
    let adding = html! {
        div.field {
            label for="f-key" { (words.t(say::TAG_KEY)) }
            input id="f-key" name="key" value=(visit.form.line("key")) required maxlength="128" autocapitalize="none" autocomplete="off";
        }
        div.field {
            label for="f-value" { (words.t(say::TAG_VALUE)) }
            input id="f-value" name="value" value=(visit.form.line("value")) maxlength="256" autocapitalize="none" autocomplete="off";
        }
        button.second type="submit" { (words.t(say::TAG_ADD)) }
    };
    let others: Vec<_> = it.tag_set.item.iter().filter(|tag| tag.key != "Name").collect();
    html! {
        h2 id="tags" { (words.t(say::NAME_AND_TAGS)) }
        div.one-line { (form(visit, &format!("/instances/{id}/name"), &naming)) }
        @if !others.is_empty() {
            ul.tags {
                @for tag in others {
                    li {
                        span { strong { (tag.key) } @if !tag.value.is_empty() { ": " (tag.value) } }
                        (button(visit, &format!("/instances/{id}/untag"), &[("key", &tag.key)], &html! {
                            span aria-hidden="true" { "×" }
                            span.unseen { (words.fill(say::TAG_REMOVE, &[("key", &tag.key)])) }
                        }, None))
                    }
                }
            }
        }
        div.one-line { (form(visit, &format!("/instances/{id}/tag"), &adding)) }
    }
}

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
