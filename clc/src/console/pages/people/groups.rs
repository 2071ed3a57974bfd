//! Zone groups: made and removed, their zones, their members.

use common::administration::groups::{
    AddGroup, AddGroupMember, DeleteGroup, DescribeGroups, GrantGroupAuthorization, Group,
    RemoveGroupMember, RevokeGroupAuthorization,
};
use common::error::ApiError;
use common::sign::write_query;
use maud::{Markup, html};

use super::parts::{about, after, name_of, named};
use crate::console::components::{
    Field, button, field, form, notice, refusal, status, tag, told_beside,
};
use crate::console::reply::Reply;
use crate::console::texts::{common as words_of_all, groups as say};
use crate::console::visit::Visit;
use crate::records::people::{ALL, DEFAULT};

/// How many members are shown on a page.
const SHOWN: usize = 100;
/// A group's page.
const GROUP: &str = "/groups/group";

/// All groups.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    listed(&visit, &html! {}).await
}

async fn listed(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let groups = visit.call(DescribeGroups::default()).await?.groups.item;
    let name = Field {
        name: "name",
        label: words.t(say::NAME),
        hint: words.t(say::NAME_HINT),
        value: visit.form.line("name"),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let inside = html! {
        (field(words, &name))
        button type="submit" { (words.t(say::ADD)) }
    };
    let main = html! {
        (told(visit))
        p { (words.t(say::LEAD)) }
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::NAME)) }
                        th scope="col" { (words.t(say::ZONES)) }
                        th scope="col" { (words.t(say::MEMBERS)) }
                    }
                }
                tbody {
                    @for it in &groups {
                        tr {
                            th scope="row" data-label=(words.t(say::NAME)) {
                                a href=(about(GROUP, &it.group_name)) { (it.group_name) }
                            }
                            td data-label=(words.t(say::ZONES)) {
                                @if it.authorizations.entry.is_empty() {
                                    span.quiet { (words.t(say::NO_ZONES)) }
                                } @else {
                                    span.said { (it.authorizations.entry.join(", ")) }
                                }
                            }
                            td data-label=(words.t(say::MEMBERS)) { (it.users.entry.len()) }
                        }
                    }
                }
            }
        }
        h2 { (words.t(say::ADD)) }
        (above)
        (form(visit, "/groups", &inside))
    };
    Ok(Reply::page(words.t(say::GROUPS), main))
}

fn told(visit: &Visit) -> Markup {
    html! {
        @if !visit.query.get("done").is_empty() {
            (notice("good", visit.words.t(say::DONE), ""))
        }
    }
}

/// Makes a group.
pub(crate) async fn add(visit: Visit) -> Result<Reply, ApiError> {
    let group_name = named(&visit);
    match visit.call(AddGroup { group_name: group_name.clone() }).await {
        Ok(_) => Ok(Reply::see(after(GROUP, &group_name, "added"))),
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
    let asked = DescribeGroups { group_names: vec![named(visit)] };
    let found = visit.call(asked).await?.groups.item;
    let Some(group) = found.into_iter().next() else { return Ok(Reply::see("/groups")) };
    let (words, name) = (visit.words, group.group_name.as_str());
    let sure = words.fill(say::DELETE_SURE, &[("group", name)]);
    let main = html! {
        p.links.up { a href="/groups" { (words.t(say::ALL_GROUPS)) } }
        (told(visit))
        (above)
        h2 { (words.t(say::ZONES)) }
        (zones(visit, &group))
        h2 { (words.t(say::MEMBERS)) }
        (members(visit, &group))
        @if ![ALL, DEFAULT].contains(&name) {
            div.acts {
                (button(visit, "/groups/group/delete", &[("name", name)],
                    &html! { (words.t(say::DELETE)) }, Some(&sure)))
            }
        }
    };
    Ok(Reply::page(name, main))
}

fn zones(visit: &Visit, group: &Group) -> Markup {
    let (words, name) = (visit.words, group.group_name.as_str());
    let zone_button = |zone: &str, path, label, sure: Option<&str>| {
        let label = html! { (words.t(label)) span.unseen { " " (zone) } };
        button(visit, path, &[("name", name), ("zone", zone)], &label, sure)
    };
    html! {
        div.scroll {
            table.rows {
                tbody {
                    @for zone in visit.desk.people.zones.iter() {
                        @let sure = words.fill(say::REVOKE_SURE, &[("zone", zone), ("group", name)]);
                        tr {
                            th scope="row" data-label=(words.t(say::ZONES)) { span { (zone) } }
                            @if group.authorizations.entry.contains(zone) {
                                td { (tag(words, say::MAY_USE, "good")) }
                                td.act {
                                    (zone_button(zone, "/groups/group/revoke", say::REVOKE, Some(&sure)))
                                }
                            } @else {
                                td { (tag(words, say::MAY_NOT, "still")) }
                                td.act {
                                    (zone_button(zone, "/groups/group/grant", say::GRANT, None))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn members(visit: &Visit, group: &Group) -> Markup {
    let (words, name, all) = (visit.words, group.group_name.as_str(), &group.users.entry);
    let from: usize = visit.query.get("page").parse().unwrap_or_default();
    let shown = all.iter().skip(from).take(SHOWN);
    let next = Some(from.saturating_add(SHOWN)).filter(|next| *next < all.len());
    let path = |page: &str| format!("{GROUP}?{}", write_query(&[("name", name), ("page", page)]));
    let user = Field {
        name: "user",
        label: words.t(say::USER),
        value: visit.form.line("user"),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let inside = html! {
        (name_of(name))
        (field(words, &user))
        button.second type="submit" { (words.t(say::ADD_MEMBER)) }
    };
    html! {
        @if name == ALL { p { (words.t(say::EVERYBODY)) } }
        @if all.is_empty() {
            p.empty { (words.t(say::NO_MEMBERS)) }
        } @else {
            p.quiet { (words.fill(say::COUNT, &[("count", &all.len().to_string())])) }
            div.scroll {
                table.rows {
                    tbody {
                        @for it in shown {
                            @let sure = words.fill(say::REMOVE_SURE, &[("user", it), ("group", name)]);
                            tr {
                                th scope="row" data-label=(words.t(say::USER)) {
                                    a href=(about("/people/user", it)) { (it) }
                                }
                                td.act {
                                    @if name != ALL {
                                        (button(visit, "/groups/group/leave",
                                            &[("name", name), ("user", it)],
                                            &html! { (words.t(say::REMOVE)) span.unseen { " " (it) } },
                                            Some(&sure)))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.links {
            @if from > 0 { a href=(about(GROUP, name)) { (words.t(words_of_all::FIRST_PAGE)) } }
            @if let Some(next) = next {
                a href=(path(&next.to_string())) { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
        @if name != ALL { (form(visit, "/groups/group/join", &inside)) }
    }
}

/// Removes a group.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    visit.call(DeleteGroup { group_name: named(&visit) }).await?;
    Ok(Reply::see("/groups?done=1"))
}

/// Puts a user into a group.
pub(crate) async fn join(visit: Visit) -> Result<Reply, ApiError> {
    let (group_name, user_name) = (named(&visit), visit.form.line("user").to_owned());
    match visit.call(AddGroupMember { group_name: group_name.clone(), user_name }).await {
        Ok(_) => Ok(Reply::see(after(GROUP, &group_name, "joined"))),
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
    visit.call(RemoveGroupMember { group_name: group_name.clone(), user_name }).await?;
    Ok(Reply::see(after(GROUP, &group_name, "left")))
}

/// Lets a group use a zone.
pub(crate) async fn grant(visit: Visit) -> Result<Reply, ApiError> {
    let (group_name, zone_name) = (named(&visit), visit.form.line("zone").to_owned());
    visit.call(GrantGroupAuthorization { group_name: group_name.clone(), zone_name }).await?;
    Ok(Reply::see(after(GROUP, &group_name, "granted")))
}

/// Lets a group use a zone no more.
pub(crate) async fn revoke(visit: Visit) -> Result<Reply, ApiError> {
    let (group_name, zone_name) = (named(&visit), visit.form.line("zone").to_owned());
    visit.call(RevokeGroupAuthorization { group_name: group_name.clone(), zone_name }).await?;
    Ok(Reply::see(after(GROUP, &group_name, "revoked")))
}
