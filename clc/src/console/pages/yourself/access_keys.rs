//! One's own access keys: seen with their last use, made, switched, deleted.

use common::error::ApiError;
use common::euare::access_keys::{
    AccessKey, AccessKeyMetadata, CreateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed, LastUse,
    ListAccessKeys, Status, UpdateAccessKey,
};
use maud::{Markup, html};

use crate::console::components::{
    button, file, form, moment, notice, refusal, status, tag, told_beside,
};
use crate::console::reply::Reply;
use crate::console::texts::credentials as say;
use crate::console::visit::Visit;
use crate::settings;

/// All of them.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let above = match visit.query.get("done") {
        "deleted" => notice("good", words.t(say::KEY_DELETED), ""),
        "active" => notice("good", words.t(say::ACTIVATED), ""),
        "inactive" => notice("good", words.t(say::DEACTIVATED), ""),
        _ => html! {},
    };
    listed(&visit, &above).await
}

async fn listed(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let most = visit
        .desk
        .people
        .work(|people| settings::number(&people.records, settings::ACCESS_KEYS_PER_USER));
    let most = most.await?;
    let keys = visit.call(ListAccessKeys::default()).await?.access_key_metadata.member;
    let mut all = Vec::new();
    for key in keys {
        let access_key_id = key.access_key_id.clone();
        let used = visit.call(GetAccessKeyLastUsed { access_key_id }).await;
        all.push((key, used.ok().map(|used| used.access_key_last_used)));
    }
    let new = html! { button type="submit" { (words.t(say::KEY_NEW)) } };
    let main = html! {
        (above)
        p { (words.fill(say::KEYS_LEAD, &[("most", &most.to_string())])) }
        @if all.is_empty() {
            p.empty { (words.t(say::KEYS_NONE)) }
        } @else {
            (rows(visit, &all))
        }
        @if all.len() < most {
            (form(visit, "/access-keys/create", &new))
        } @else {
            p.quiet { (words.t(say::KEY_FULL)) }
        }
        p.links { a href="/credentials" { (words.t(say::CREDENTIALS)) } }
    };
    Ok(Reply::page(words.t(say::KEYS), main))
}

fn rows(visit: &Visit, all: &[(AccessKeyMetadata, Option<LastUse>)]) -> Markup {
    let words = visit.words;
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::KEY)) }
                        th scope="col" { (words.t(say::STATUS)) }
                        th scope="col" { (words.t(say::MADE)) }
                        th scope="col" { (words.t(say::LAST_USE)) }
                        th scope="col" { span.unseen { (words.t(say::ACT)) } }
                    }
                }
                tbody {
                    @for (key, used) in all {
                        tr {
                            th scope="row" data-label=(words.t(say::KEY)) { code { (key.access_key_id) } }
                            td data-label=(words.t(say::STATUS)) { (state(visit, key.status)) }
                            td data-label=(words.t(say::MADE)) { (moment(key.create_date.0)) }
                            td data-label=(words.t(say::LAST_USE)) { span { (last(visit, used.as_ref())) } }
                            td.act {
                                (switch(visit, "/access-keys/status", &key.access_key_id, key.status))
                                " "
                                (button(visit, "/access-keys/delete", &[("id", &key.access_key_id)],
                                    &of(words.t(say::DELETE), &key.access_key_id),
                                    Some(words.t(say::KEY_DELETE))))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a button does, and to what, for those who hear it.
pub(super) fn of(label: &str, id: &str) -> Markup {
    html! { (label) span.unseen { " (" (id) ")" } }
}

/// Whether it may be used.
pub(super) fn state(visit: &Visit, status: Status) -> Markup {
    match status {
        Status::Active => tag(visit.words, say::ACTIVE, "good"),
        Status::Inactive => tag(visit.words, say::INACTIVE, "still"),
    }
}

/// The button that makes it the other.
pub(super) fn switch(visit: &Visit, action: &str, id: &str, status: Status) -> Markup {
    let words = visit.words;
    let (to, label, sure) = match status {
        Status::Active => ("Inactive", say::DEACTIVATE, Some(words.t(say::DEACTIVATE_SURE))),
        Status::Inactive => ("Active", say::ACTIVATE, None),
    };
    button(visit, action, &[("id", id), ("status", to)], &of(words.t(label), id), sure)
}

fn last(visit: &Visit, used: Option<&LastUse>) -> Markup {
    let words = visit.words;
    match used.and_then(|used| used.last_used_date.map(|at| (at, &used.service_name))) {
        None => html! { (words.t(say::NEVER_USED)) },
        Some((at, service)) => html! {
            (moment(at.0)) " "
            span.quiet { (words.fill(say::USED_FOR, &[("service", service)])) }
        },
    }
}

/// Makes one. Its secret is on the page that is answered, and nowhere else.
pub(crate) async fn create(visit: Visit) -> Result<Reply, ApiError> {
    match visit.call(CreateAccessKey::default()).await {
        Ok(made) => Ok(made_page(&visit, &made.access_key)),
        Err(error) => beside(&visit, error).await,
    }
}

async fn beside(visit: &Visit, error: ApiError) -> Result<Reply, ApiError> {
    let error = told_beside(error)?;
    Ok(listed(visit, &refusal(visit.words, &error)).await?.status(status(&error)))
}

fn made_page(visit: &Visit, key: &AccessKey) -> Reply {
    let words = visit.words;
    let (id, secret) = (&key.access_key_id, &key.secret_access_key);
    let ini = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let csv = format!("Access key ID,Secret access key\r\n{id},{secret}\r\n");
    let main = html! {
        (notice("good", words.t(say::KEY_MADE), words.t(say::KEY_ONCE)))
        dl.facts {
            dt { (words.t(say::KEY)) }
            dd { code { (id) } }
            dt { (words.t(say::KEY_SECRET)) }
            dd { code { (secret) } }
        }
        p.pair {
            (file("credentials", "application/octet-stream", ini.as_bytes(), words.t(say::KEY_FILE)))
            (file(&format!("{id}.csv"), "text/csv", csv.as_bytes(), words.t(say::KEY_CSV)))
        }
        p.hint { (words.t(say::KEY_FILE_HINT)) }
        p.links { a href="/access-keys" { (words.t(say::KEYS)) } }
    };
    Reply::page(words.t(say::KEY_MADE), main)
}

/// The status that a form names.
pub(super) fn status_of(visit: &Visit) -> Result<Status, ApiError> {
    match visit.form.get("status") {
        "Active" => Ok(Status::Active),
        "Inactive" => Ok(Status::Inactive),
        other => Err(ApiError::invalid("status", format!("'{other}' is no status"))),
    }
}

/// Lets one be used, or not.
pub(crate) async fn switched(visit: Visit) -> Result<Reply, ApiError> {
    let (access_key_id, status) = (visit.form.line("id").to_owned(), status_of(&visit)?);
    let ask = UpdateAccessKey { user_name: None, access_key_id, status };
    match visit.call(ask).await {
        Ok(_) if status == Status::Active => Ok(Reply::see("/access-keys?done=active")),
        Ok(_) => Ok(Reply::see("/access-keys?done=inactive")),
        Err(error) => beside(&visit, error).await,
    }
}

/// Deletes one.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    let access_key_id = visit.form.line("id").to_owned();
    match visit.call(DeleteAccessKey { user_name: None, access_key_id }).await {
        Ok(_) => Ok(Reply::see("/access-keys?done=deleted")),
        Err(error) => beside(&visit, error).await,
    }
}
