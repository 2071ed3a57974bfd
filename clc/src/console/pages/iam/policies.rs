//! The policies of a user, a group or a role: those of its own, and those that are attached.

use common::error::ApiError;
use common::euare::attachments::{
    AttachGroupPolicy, AttachRolePolicy, AttachUserPolicy, AttachedPolicies, DetachGroupPolicy,
    DetachRolePolicy, DetachUserPolicy, ListAttachedGroupPolicies, ListAttachedRolePolicies,
    ListAttachedUserPolicies,
};
use common::euare::inline::{
    DeleteGroupPolicy, DeleteRolePolicy, DeleteUserPolicy, GetGroupPolicy, GetRolePolicy,
    GetUserPolicy, ListGroupPolicies, ListRolePolicies, ListUserPolicies, PolicyNames,
    PutGroupPolicy, PutRolePolicy, PutUserPolicy,
};
use common::euare::managed::ListPolicies;
use common::sign::percent_decode;
use maud::{Markup, html};
use serde_json::Value;

use super::parts::{Kind, SHOWN, document, named, refused};
use crate::console::components::{Field, button, field, form, status, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::texts::iam as say;
use crate::console::visit::Visit;

/// What a new policy may look like.
const EXAMPLE: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["ec2:Describe*"],
      "Resource": "*"
    }
  ]
}"#;

/// Everything about the policies of one.
pub(super) async fn shown(visit: &Visit, kind: Kind, name: &str) -> Result<Markup, ApiError> {
    let attached = attached(visit, kind, name).await?.attached_policies.member;
    let own = inline(visit, kind, name).await?;
    let all = ListPolicies { max_items: Some(1000), ..ListPolicies::default() };
    let all = visit.call(all).await?.policies.member;
    let words = visit.words;
    let whose = html! {
        input type="hidden" name="kind" value=(kind.word());
        input type="hidden" name="name" value=(name);
    };
    let policy = Field {
        name: "policy",
        label: words.t(say::POLICY_NAME),
        value: visit.form.line("policy"),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let said = visit.form.get("document");
    let new = if said.is_empty() { EXAMPLE } else { said };
    let same_name = match policy.value {
        "" => String::new(),
        policy => pretty(&known(visit, kind, name, policy).await?),
    };
    Ok(html! {
        h2 { (words.t(say::MANAGED)) }
        @if attached.is_empty() {
            p.quiet { (words.t(say::NO_MANAGED)) }
        } @else {
            div.scroll {
                table.rows {
                    tbody {
                        @for it in &attached {
                            @let values = [("policy", it.policy_name.as_str()), ("name", name)];
                            @let sure = words.fill(say::DETACH_SURE, &values);
                            tr {
                                th scope="row" data-label=(words.t(say::POLICY)) { span { (it.policy_name) } }
                                td.act {
                                    (button(visit, "/iam/detach",
                                        &[("kind", kind.word()), ("name", name), ("arn", &it.policy_arn)],
                                        &html! { (words.t(say::DETACH)) span.unseen { " " (it.policy_name) } },
                                        Some(&sure)))
                                }
                            }
                        }
                    }
                }
            }
        }
        (form(visit, "/iam/attach", &html! {
            (whose)
            div.field {
                label for="f-arn" { (words.t(say::POLICY)) }
                select id="f-arn" name="arn" {
                    @for it in &all { option value=(it.arn) { (it.policy_name) } }
                }
            }
            button.second type="submit" { (words.t(say::ATTACH)) }
        }))
        h2 { (words.t(say::INLINE)) }
        @if own.is_empty() { p.quiet { (words.t(say::NO_INLINE)) } }
        @for (number, (policy, text)) in own.iter().enumerate() {
            @let values = [("policy", policy.as_str()), ("name", name)];
            @let sure = words.fill(say::DELETE_POLICY_SURE, &values);
            @let id = format!("document-{number}");
            section.card {
                h3 { (policy) }
                (form(visit, "/iam/policy", &html! {
                    (whose)
                    input type="hidden" name="policy" value=(policy);
                    (meanwhile::was("document", &pretty(text)))
                    (document(&id, words.t(say::DOCUMENT), &pretty(text)))
                    button.second type="submit" { (words.t(say::SAVE)) }
                }))
                div.acts {
                    (button(visit, "/iam/policy/delete",
                        &[("kind", kind.word()), ("name", name), ("policy", policy)],
                        &html! { (words.t(say::DELETE_POLICY)) }, Some(&sure)))
                }
            }
        }
        details.more open[!said.is_empty()] {
            summary { (words.t(say::ADD_POLICY)) }
            (form(visit, "/iam/policy", &html! {
                (whose)
                (field(words, &policy))
                (meanwhile::was("document", &same_name))
                (document("document-new", words.t(say::DOCUMENT), new))
                button.second type="submit" { (words.t(say::ADD_POLICY)) }
            }))
        }
    })
}

/// A policy with lines, so that it can be read.
pub(super) fn pretty(text: &str) -> String {
    let read = serde_json::from_str::<Value>(text).ok();
    let lines = read.and_then(|policy| serde_json::to_string_pretty(&policy).ok());
    lines.unwrap_or_else(|| text.to_owned())
}

async fn attached(visit: &Visit, kind: Kind, name: &str) -> Result<AttachedPolicies, ApiError> {
    let (name, path_prefix, marker, max_items) = (name.to_owned(), None, None, Some(SHOWN));
    match kind {
        Kind::User => {
            let user_name = name;
            visit.call(ListAttachedUserPolicies { user_name, path_prefix, marker, max_items }).await
        }
        Kind::Group => {
            let group_name = name;
            let ask = ListAttachedGroupPolicies { group_name, path_prefix, marker, max_items };
            visit.call(ask).await
        }
        Kind::Role => {
            let role_name = name;
            visit.call(ListAttachedRolePolicies { role_name, path_prefix, marker, max_items }).await
        }
    }
}

async fn inline(visit: &Visit, kind: Kind, name: &str) -> Result<Vec<(String, String)>, ApiError> {
    let names = names(visit, kind, name).await?.policy_names.member;
    let mut own = Vec::new();
    for policy_name in names {
        let text = document_of(visit, kind, name, &policy_name).await?;
        own.push((policy_name, text));
    }
    Ok(own)
}

async fn document_of(
    visit: &Visit,
    kind: Kind,
    name: &str,
    policy: &str,
) -> Result<String, ApiError> {
    let (name, policy_name) = (name.to_owned(), policy.to_owned());
    let text = match kind {
        Kind::User => {
            let ask = GetUserPolicy { user_name: name, policy_name };
            visit.call(ask).await?.policy_document
        }
        Kind::Group => {
            let ask = GetGroupPolicy { group_name: name, policy_name };
            visit.call(ask).await?.policy_document
        }
        Kind::Role => {
            let ask = GetRolePolicy { role_name: name, policy_name };
            visit.call(ask).await?.policy_document
        }
    };
    Ok(percent_decode(&text))
}

/// What a policy of its own says; nothing if there is none of that name, or can be none.
async fn known(visit: &Visit, kind: Kind, name: &str, policy: &str) -> Result<String, ApiError> {
    match document_of(visit, kind, name, policy).await {
        Ok(text) => Ok(text),
        Err(error) => told_beside(error).map(|_| String::new()),
    }
}

async fn names(visit: &Visit, kind: Kind, name: &str) -> Result<PolicyNames, ApiError> {
    let (name, marker, max_items) = (name.to_owned(), None, Some(SHOWN));
    match kind {
        Kind::User => visit.call(ListUserPolicies { user_name: name, marker, max_items }).await,
        Kind::Group => visit.call(ListGroupPolicies { group_name: name, marker, max_items }).await,
        Kind::Role => visit.call(ListRolePolicies { role_name: name, marker, max_items }).await,
    }
}

/// Attaches a policy.
pub(crate) async fn attach(visit: Visit) -> Result<Reply, ApiError> {
    let (kind, name) = (Kind::of(&visit), named(&visit));
    let (policy_arn, it) = (visit.form.line("arn").to_owned(), name.clone());
    match kind {
        Kind::User => visit.call(AttachUserPolicy { user_name: it, policy_arn }).await?,
        Kind::Group => visit.call(AttachGroupPolicy { group_name: it, policy_arn }).await?,
        Kind::Role => visit.call(AttachRolePolicy { role_name: it, policy_arn }).await?,
    };
    Ok(Reply::see(kind.done(&name)))
}

/// Takes a policy off.
pub(crate) async fn detach(visit: Visit) -> Result<Reply, ApiError> {
    let (kind, name) = (Kind::of(&visit), named(&visit));
    let (policy_arn, it) = (visit.form.line("arn").to_owned(), name.clone());
    match kind {
        Kind::User => visit.call(DetachUserPolicy { user_name: it, policy_arn }).await?,
        Kind::Group => visit.call(DetachGroupPolicy { group_name: it, policy_arn }).await?,
        Kind::Role => visit.call(DetachRolePolicy { role_name: it, policy_arn }).await?,
    };
    Ok(Reply::see(kind.done(&name)))
}

/// Writes a policy. One that is refused is shown as it was sent, with the line that is wrong.
pub(crate) async fn put(visit: Visit) -> Result<Reply, ApiError> {
    let (kind, name) = (Kind::of(&visit), named(&visit));
    match written(&visit, kind, name.clone()).await {
        Ok(()) => Ok(Reply::see(kind.done(&name))),
        Err(error) => {
            let error = told_beside(error)?;
            let above = refused(&visit, &error);
            let main = html! {
                p.links.up { a href=(kind.page(&name)) { (name) } }
                (above)
                (shown(&visit, kind, &name).await?)
            };
            Ok(Reply::page(name, main).status(status(&error)))
        }
    }
}

async fn written(visit: &Visit, kind: Kind, name: String) -> Result<(), ApiError> {
    let policy_name = visit.form.line("policy").to_owned();
    let now = pretty(&known(visit, kind, &name, &policy_name).await?);
    let changed = meanwhile::change_policy(&visit.form, "document", &policy_name, &now)?;
    let Some(policy_document) = changed else { return Ok(()) };
    match kind {
        Kind::User => {
            let user_name = name;
            visit.call(PutUserPolicy { user_name, policy_name, policy_document }).await?
        }
        Kind::Group => {
            let group_name = name;
            visit.call(PutGroupPolicy { group_name, policy_name, policy_document }).await?
        }
        Kind::Role => {
            let role_name = name;
            visit.call(PutRolePolicy { role_name, policy_name, policy_document }).await?
        }
    };
    Ok(())
}

/// Removes a policy.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    let (kind, name) = (Kind::of(&visit), named(&visit));
    let (policy_name, it) = (visit.form.line("policy").to_owned(), name.clone());
    match kind {
        Kind::User => visit.call(DeleteUserPolicy { user_name: it, policy_name }).await?,
        Kind::Group => visit.call(DeleteGroupPolicy { group_name: it, policy_name }).await?,
        Kind::Role => visit.call(DeleteRolePolicy { role_name: it, policy_name }).await?,
    };
    Ok(Reply::see(kind.done(&name)))
}
