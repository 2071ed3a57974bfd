//! The groups of an account, and who is in them.

use common::error::ApiError;
use common::euare::groups::{
    AddUserToGroup, CreateGroup, DeleteGroup, GetGroup, ListGroups, RemoveUserFromGroup,
};
use maud::{Markup, html};

use super::parts::{Kind, SHOWN, lists, name_field, named, pages};
use super::policies;
use crate::console::components::{
    Field, button, field, form, moment, refusal, status, told_beside,
};
use crate::console::reply::Reply;
use crate::console::texts::iam as say;
use crate::console::visit::Visit;

/// All groups.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    listed(&visit, &html! {}).await
}

async fn listed(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let asked =
        ListGroups { path_prefix: None, marker: visit.query.some("page"), max_items: Some(SHOWN) };
    let found = visit.call(asked).await?;
    let inside = html! {
        (name_field(visit))
        button type="submit" { (words.t(say::ADD_GROUP)) }
    };
    let main = html! {
        (lists(visit))
        @if found.groups.member.is_empty() {
            p.empty { (words.t(say::NO_GROUPS)) }
        } @else {
            div.scroll {
                table.rows {
                    thead {
                        tr {
                            th scope="col" { (words.t(say::NAME)) }
                            th scope="col" { (words.t(say::SINCE)) }
                        }
                    }
                    tbody {
                        @for it in &found.groups.member {
                            tr {
                                th scope="row" data-label=(words.t(say::NAME)) {
                                    a href=(Kind::Group.page(&it.group_name)) { (it.group_name) }
                                }
                                td data-label=(words.t(say::SINCE)) { (moment(it.create_date.0)) }
                            }
                        }
                    }
                }
            }
        }
        (pages(visit, "/iam/groups", found.marker.as_deref()))
        h2 { (words.t(say::ADD_GROUP)) }
        (above)
        (form(visit, "/iam/groups", &inside))
    };
    Ok(Reply::page(words.t(say::GROUPS), main))
}

/// Adds a group.
pub(crate) async fn add(visit: Visit) -> Result<Reply, ApiError> {
    let name = named(&visit);
    match visit.call(CreateGroup { group_name: name.clone(), path: None }).await {
        Ok(_) => Ok(Reply::see(Kind::Group.done(&name))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = listed(&visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

/// One group.
pub(crate) async fn show_one(visit: Visit) -> Result<Reply, ApiError> {
    one(&visit, &html! {}).await
}

async fn one(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let (words, name) = (visit.words, named(visit));
    let marker = visit.query.some("page");
    let asked = GetGroup { group_name: name.clone(), marker, max_items: Some(SHOWN) };
    let found = visit.call(asked).await?;
    let sure = words.fill(say::DELETE_GROUP_SURE, &[("name", &name)]);
    let user = Field {
        name: "user",
        label: words.t(say::USER),
        value: visit.form.line("user"),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let main = html! {
        (lists(visit))
        (above)
        dl.facts { dt { (words.t(say::ARN)) } dd { code { (found.group.arn) } } }
        h2 { (words.t(say::MEMBERS)) }
        @if found.users.member.is_empty() {
            p.quiet { (words.t(say::NO_MEMBERS)) }
        } @else {
            div.scroll {
                table.rows {
                    tbody {
                        @for it in &found.users.member {
                            @let values = [("user", it.user_name.as_str()), ("group", &name)];
                            @let sure = words.fill(say::LEAVE_SURE, &values);
                            tr {
                                th scope="row" data-label=(words.t(say::USER)) {
                                    a href=(Kind::User.page(&it.user_name)) { (it.user_name) }
                                }
                                td.act {
                                    (button(visit, "/iam/group/leave",
                                        &[("name", &name), ("user", &it.user_name)],
                                        &html! { (words.t(say::LEAVE)) span.unseen { " " (it.user_name) } },
                                        Some(&sure)))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(next) = &found.marker {
            p.links {
                a href={ (Kind::Group.page(&name)) "&" (common::sign::write_query(&[("page", next)])) } {
                    (words.t(crate::console::texts::common::NEXT_PAGE))
                }
            }
        }
        (form(visit, "/iam/group/join", &html! {
            input type="hidden" name="name" value=(name);
            (field(words, &user))
            button.second type="submit" { (words.t(say::ADD_MEMBER)) }
        }))
        (policies::shown(visit, Kind::Group, &name).await?)
        div.acts {
            (button(visit, "/iam/group/delete", &[("name", &name)],
                &html! { (words.t(say::DELETE)) }, Some(&sure)))
        }
    };
    Ok(Reply::page(found.group.group_name, main))
}

/// Puts a user into a group.
pub(crate) async fn join(visit: Visit) -> Result<Reply, ApiError> {
    let (group_name, user_name) = (named(&visit), visit.form.line("user").to_owned());
    match visit.call(AddUserToGroup { group_name: group_name.clone(), user_name }).await {
        Ok(_) => Ok(Reply::see(Kind::Group.done(&group_name))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = one(&visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

/// Takes a user out of a group.
pub(crate) async fn leave(visit: Visit) -> Result<Reply, ApiError> {
    let (group_name, user_name) = (named(&visit), visit.form.line("user").to_owned());
    visit.call(RemoveUserFromGroup { group_name: group_name.clone(), user_name }).await?;
    Ok(Reply::see(Kind::Group.done(&group_name)))
}

/// Deletes a group with its policies.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    visit.call(DeleteGroup { group_name: named(&visit), is_recursive: true }).await?;
    Ok(Reply::see("/iam/groups?done=1"))
}
