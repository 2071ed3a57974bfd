//! The users of an account.

use common::error::{ApiError, ErrorCode};
use common::euare::groups::{AddUserToGroup, ListGroups, ListGroupsForUser, RemoveUserFromGroup};
use common::euare::logins::{CreateLoginProfile, GetLoginProfile, UpdateLoginProfile};
use common::euare::users::{CreateUser, DeleteUser, GetUser, ListUsers, UpdateUser, User};
use maud::{Markup, html};

use super::parts::{Kind, SHOWN, lists, name_field, named, pages};
use super::policies;
use crate::console::components::{
    Field, button, field, form, moment, refusal, status, tag, told_beside,
};
use crate::console::reply::Reply;
use crate::console::texts::iam as say;
use crate::console::visit::Visit;
use crate::random;
use crate::records::accounts::FIRST_USER;

/// All users.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    listed(&visit, &html! {}, &random::password()?).await
}

async fn listed(visit: &Visit, above: &Markup, password: &str) -> Result<Reply, ApiError> {
    let words = visit.words;
    let asked =
        ListUsers { path_prefix: None, marker: visit.query.some("page"), max_items: Some(SHOWN) };
    let found = visit.call(asked).await?;
    let password = Field {
        name: "password",
        label: words.t(say::PASSWORD),
        hint: words.t(say::PASSWORD_HINT),
        value: password,
        autocomplete: "off",
        ..Field::default()
    };
    let inside = html! {
        (name_field(visit))
        (field(words, &password))
        button type="submit" { (words.t(say::ADD_USER)) }
    };
    let main = html! {
        (lists(visit))
        p { (words.t(say::LEAD)) }
        @if found.users.member.is_empty() {
            p.empty { (words.t(say::NO_USERS)) }
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
                        @for it in &found.users.member {
                            tr {
                                th scope="row" data-label=(words.t(say::NAME)) {
                                    span {
                                        a href=(Kind::User.page(&it.user_name)) { (it.user_name) }
                                        @if it.user_name == FIRST_USER { " " (tag(words, say::OWNER, "still")) }
                                    }
                                }
                                td data-label=(words.t(say::SINCE)) { (moment(it.create_date.0)) }
                            }
                        }
                    }
                }
            }
        }
        (pages(visit, "/iam", found.marker.as_deref()))
        h2 { (words.t(say::ADD_USER)) }
        (above)
        (form(visit, "/iam", &inside))
    };
    Ok(Reply::page(words.t(say::ACCESS), main))
}

/// Adds a user, with a first password if one is said.
pub(crate) async fn add(visit: Visit) -> Result<Reply, ApiError> {
    let (name, password) = (named(&visit), visit.form.some("password"));
    let done = async {
        let user_name = name.clone();
        let ask =
            CreateUser { user_name, path: None, permissions_boundary: None, tags: Vec::new() };
        visit.call(ask).await?;
        Ok(())
    };
    if let Err(error) = done.await {
        let error = told_beside(error)?;
        let above = refusal(visit.words, &error);
        let reply = listed(&visit, &above, visit.form.line("password")).await?;
        return Ok(reply.status(status(&error)));
    }
    if password.is_some()
        && let Err(error) = first_password(&visit, &name, password).await
    {
        let error = told_beside(error)?;
        let above = html! {
            (refusal(visit.words, &error))
            p { (visit.words.fill(say::LAST_STEP, &[("name", &name)])) }
        };
        return Ok(one(&visit, &above).await?.status(status(&error)));
    }
    Ok(Reply::see(Kind::User.done(&name)))
}

/// Sets a password that has to be changed, whether there was one or not.
async fn first_password(
    visit: &Visit,
    name: &str,
    password: Option<String>,
) -> Result<(), ApiError> {
    let user_name = Some(name.to_owned());
    let password_reset_required = true;
    let made =
        CreateLoginProfile { user_name, password: password.clone(), password_reset_required };
    match visit.call(made).await {
        Err(error) if error.code() == ErrorCode::EntityAlreadyExists => {
            let (user_name, password_reset_required) = (name.to_owned(), Some(true));
            let set = UpdateLoginProfile { user_name, password, password_reset_required };
            visit.call(set).await.map(drop)
        }
        other => other.map(drop),
    }
}

/// One user.
pub(crate) async fn show_one(visit: Visit) -> Result<Reply, ApiError> {
    one(&visit, &html! {}).await
}

async fn one(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let (words, name) = (visit.words, named(visit));
    let asked = GetUser { user_name: Some(name.clone()), show_extra: true };
    let user = visit.call(asked).await?.user;
    let login = GetLoginProfile { user_name: Some(name.clone()) };
    let login = match visit.call(login).await {
        Ok(found) => Some(found.login_profile),
        Err(error) if error.code() == ErrorCode::NoSuchEntity => None,
        Err(error) => return Err(error),
    };
    let owner = user.user_name == FIRST_USER;
    let made = random::password()?;
    let password = Field {
        name: "password",
        label: words.t(say::PASSWORD),
        hint: words.t(say::NEW_PASSWORD_HINT),
        value: &made,
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let main = html! {
        (lists(visit))
        (above)
        dl.facts {
            dt { (words.t(say::ARN)) } dd { code { (user.arn) } }
            dt { (words.t(say::SINCE)) } dd { (moment(user.create_date.0)) }
            dt { (words.t(say::CONSOLE_PASSWORD)) }
            dd { (words.t(if login.is_some() { say::HAS_PASSWORD } else { say::NO_PASSWORD })) }
            @if let Some(enabled) = user.enabled {
                dt { (words.t(say::STATE)) }
                dd {
                    @if enabled { (tag(words, say::ENABLED, "good")) } @else { (tag(words, say::DISABLED, "bad")) }
                }
            }
        }
        @if !owner {
            (switch(visit, &user))
            h2 { (words.t(say::SET_PASSWORD)) }
            (form(visit, "/iam/user/password", &html! {
                input type="hidden" name="name" value=(name);
                (field(words, &password))
                button.second type="submit" { (words.t(say::SET_PASSWORD)) }
            }))
            h2 { (words.t(say::IN_GROUPS)) }
            (groups(visit, &name).await?)
            (policies::shown(visit, Kind::User, &name).await?)
        }
    };
    Ok(Reply::page(user.user_name, main))
}

fn switch(visit: &Visit, user: &User) -> Markup {
    let (words, name) = (visit.words, user.user_name.as_str());
    let fields = [("name", name)];
    let off = words.fill(say::DISABLE_SURE, &fields);
    let delete = words.fill(say::DELETE_USER_SURE, &fields);
    html! {
        div.acts {
            @if user.enabled == Some(false) {
                (button(visit, "/iam/user/enable", &fields, &html! { (words.t(say::ENABLE)) }, None))
            } @else {
                (button(visit, "/iam/user/disable", &fields, &html! { (words.t(say::DISABLE)) }, Some(&off)))
            }
            (button(visit, "/iam/user/delete", &fields, &html! { (words.t(say::DELETE)) }, Some(&delete)))
        }
    }
}

async fn groups(visit: &Visit, name: &str) -> Result<Markup, ApiError> {
    let (words, user_name) = (visit.words, name.to_owned());
    let asked = ListGroupsForUser { user_name, marker: None, max_items: Some(SHOWN) };
    let own = visit.call(asked).await?.groups.member;
    let all = visit.call(ListGroups { max_items: Some(1000), ..ListGroups::default() }).await?;
    let others = all.groups.member.iter().filter(|it| !own.iter().any(|own| own.arn == it.arn));
    let others: Vec<_> = others.collect();
    Ok(html! {
        @if own.is_empty() {
            p.quiet { (words.t(say::IN_NONE)) }
        } @else {
            div.scroll {
                table.rows {
                    tbody {
                        @for it in &own {
                            @let values = [("user", name), ("group", it.group_name.as_str())];
                            @let sure = words.fill(say::LEAVE_SURE, &values);
                            tr {
                                th scope="row" data-label=(words.t(say::GROUP)) {
                                    a href=(Kind::Group.page(&it.group_name)) { (it.group_name) }
                                }
                                td.act {
                                    (button(visit, "/iam/user/leave",
                                        &[("name", name), ("group", &it.group_name)],
                                        &html! { (words.t(say::LEAVE)) span.unseen { " " (it.group_name) } },
                                        Some(&sure)))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !others.is_empty() {
            (form(visit, "/iam/user/join", &html! {
                input type="hidden" name="name" value=(name);
                div.field {
                    label for="f-group" { (words.t(say::GROUP)) }
                    select id="f-group" name="group" {
                        @for it in &others { option value=(it.group_name) { (it.group_name) } }
                    }
                }
                button.second type="submit" { (words.t(say::JOIN)) }
            }))
        }
    })
}

/// Sets a first password.
pub(crate) async fn set_password(visit: Visit) -> Result<Reply, ApiError> {
    let (name, password) = (named(&visit), visit.form.some("password"));
    match first_password(&visit, &name, password).await {
        Ok(()) => Ok(Reply::see(Kind::User.done(&name))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = one(&visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

async fn enabled(visit: &Visit, enabled: bool) -> Result<Reply, ApiError> {
    let user_name = named(visit);
    let ask = UpdateUser {
        user_name: user_name.clone(),
        enabled: Some(enabled),
        ..UpdateUser::default()
    };
    visit.call(ask).await?;
    Ok(Reply::see(Kind::User.done(&user_name)))
}

/// Lets a user use the cloud again.
pub(crate) async fn enable(visit: Visit) -> Result<Reply, ApiError> {
    enabled(&visit, true).await
}

/// Lets a user use nothing.
pub(crate) async fn disable(visit: Visit) -> Result<Reply, ApiError> {
    enabled(&visit, false).await
}

/// Puts a user into a group.
pub(crate) async fn join(visit: Visit) -> Result<Reply, ApiError> {
    let (user_name, group_name) = (named(&visit), visit.form.line("group").to_owned());
    visit.call(AddUserToGroup { user_name: user_name.clone(), group_name }).await?;
    Ok(Reply::see(Kind::User.done(&user_name)))
}

/// Takes a user out of a group.
pub(crate) async fn leave(visit: Visit) -> Result<Reply, ApiError> {
    let (user_name, group_name) = (named(&visit), visit.form.line("group").to_owned());
    visit.call(RemoveUserFromGroup { user_name: user_name.clone(), group_name }).await?;
    Ok(Reply::see(Kind::User.done(&user_name)))
}

/// Deletes a user with all that is the user's.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    visit.call(DeleteUser { user_name: named(&visit), is_recursive: true }).await?;
    Ok(Reply::see("/iam?done=1"))
}
