//! The roles of an account, and who may take them on.

use common::error::ApiError;
use common::euare::roles::{CreateRole, DeleteRole, GetRole, ListRoles};
use common::sign::percent_decode;
use maud::{Markup, html};

use super::parts::{Kind, SHOWN, document, lists, name_field, named, pages, refused};
use super::policies::{self, pretty};
use crate::console::components::{button, form, moment, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::iam as say;
use crate::console::visit::Visit;

/// Who may take a new role on, unless something else is written: instances.
const TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": { "Service": "ec2.amazonaws.com" },
      "Action": "sts:AssumeRole"
    }
  ]
}"#;

/// All roles.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    listed(&visit, &html! {}).await
}

async fn listed(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let asked =
        ListRoles { path_prefix: None, marker: visit.query.some("page"), max_items: Some(SHOWN) };
    let found = visit.call(asked).await?;
    let said = visit.form.get("document");
    let trust = if said.is_empty() { TRUST } else { said };
    let inside = html! {
        (name_field(visit))
        (document("f-document", words.t(say::TRUST), trust))
        button type="submit" { (words.t(say::ADD_ROLE)) }
    };
    let main = html! {
        (lists(visit))
        @if found.roles.member.is_empty() {
            p.empty { (words.t(say::NO_ROLES)) }
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
                        @for it in &found.roles.member {
                            tr {
                                th scope="row" data-label=(words.t(say::NAME)) {
                                    a href=(Kind::Role.page(&it.role_name)) { (it.role_name) }
                                }
                                td data-label=(words.t(say::SINCE)) { (moment(it.create_date.0)) }
                            }
                        }
                    }
                }
            }
        }
        (pages(visit, "/iam/roles", found.marker.as_deref()))
        h2 { (words.t(say::ADD_ROLE)) }
        (above)
        (form(visit, "/iam/roles", &inside))
    };
    Ok(Reply::page(words.t(say::ROLES), main))
}

/// Adds a role.
pub(crate) async fn add(visit: Visit) -> Result<Reply, ApiError> {
    let role_name = named(&visit);
    let ask = CreateRole {
        role_name: role_name.clone(),
        assume_role_policy_document: visit.form.get("document").replace("\r\n", "\n"),
        path: None,
        description: None,
        max_session_duration: None,
        permissions_boundary: None,
        tags: Vec::new(),
    };
    match visit.call(ask).await {
        Ok(_) => Ok(Reply::see(Kind::Role.done(&role_name))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = listed(&visit, &refused(&visit, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

/// One role.
pub(crate) async fn show_one(visit: Visit) -> Result<Reply, ApiError> {
    let (words, role_name) = (visit.words, named(&visit));
    let role = visit.call(GetRole { role_name: role_name.clone() }).await?.role;
    let sure = words.fill(say::DELETE_ROLE_SURE, &[("name", &role_name)]);
    let main = html! {
        (lists(&visit))
        dl.facts {
            dt { (words.t(say::ARN)) } dd { code { (role.arn) } }
            dt { (words.t(say::SINCE)) } dd { (moment(role.create_date.0)) }
        }
        h2 { (words.t(say::TRUST)) }
        pre.output tabindex="0" { (pretty(&percent_decode(&role.assume_role_policy_document))) }
        (policies::shown(&visit, Kind::Role, &role_name).await?)
        div.acts {
            (button(&visit, "/iam/role/delete", &[("name", &role_name)],
                &html! { (words.t(say::DELETE)) }, Some(&sure)))
        }
    };
    Ok(Reply::page(role.role_name, main))
}

/// Deletes a role.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    visit.call(DeleteRole { role_name: named(&visit) }).await?;
    Ok(Reply::see("/iam/roles?done=1"))
}
