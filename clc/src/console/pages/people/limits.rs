//! The quotas of one account: of S3, which walrus keeps; of EC2 and IAM, which are a policy of the
//! account that this page writes; and its other policies, as they are.

use std::collections::BTreeMap;

use common::error::{ApiError, ErrorCode};
use common::euare::accounts::{
    DeleteAccountPolicy, GetAccountPolicy, ListAccountPolicies, PutAccountPolicy,
};
use common::sign::percent_decode;
use common::wire::quota::Whose;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::parts::{back, described, name_of, named};
use super::quotas::{self, ACCOUNT, done, of_account, s3_form, saved};
use crate::console::components::{Field, button, field, form, refusal, status, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::texts::people::HELD;
use crate::console::texts::quotas as say;
use crate::console::visit::Visit;

/// The policy that this page writes.
const OWN: &str = "quotas";
/// How many other policies are shown.
const SHOWN: u32 = 50;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    page(&visit, &html! {}).await
}

async fn page(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let found = described(visit).await?;
    let name = found.registered.name.as_str();
    let s3 = of_account(visit, name).await?;
    let mut policies = policies(visit, name).await?;
    let same_name = match visit.form.line("policy") {
        "" => String::new(),
        typed => match policy(visit, name, typed).await {
            Ok(text) => pretty(&text),
            Err(error) => told_beside(error).map(|_| String::new())?,
        },
    };
    let own = policies.remove(OWN).map(|text| read(&text)).unwrap_or_default();
    let lines = HELD.into_iter().filter_map(|(key, text)| {
        let it = found.holdings.iter().find(|it| it.key == key)?;
        let limit = it.limit.map_or(words.t(say::NO_LIMIT).to_owned(), |it| it.to_string());
        let hint = words.fill(say::USED_HINT, &[("used", &it.used.to_string()), ("limit", &limit)]);
        let now = own.get(key).cloned().unwrap_or_default();
        let value = meanwhile::typed(&visit.form, key).unwrap_or_else(|| now.clone());
        let it = Field {
            name: key,
            label: words.t(text),
            hint: &hint,
            kind: "number",
            value: &value,
            autocomplete: "off",
            ..Field::default()
        };
        Some(html! { (meanwhile::was(key, &now)) (field(words, &it)) })
    });
    let inside = html! {
        (name_of(name))
        @for line in lines { (line) }
        button type="submit" { (words.t(say::SAVE)) }
    };
    let main = html! {
        (back(words, name))
        p.links.up { a href="/quotas" { (words.t(say::ALL_QUOTAS)) } }
        (done(visit))
        (above)
        h2 { (words.t(say::S3)) }
        (s3_form(visit, ACCOUNT, s3.as_ref()))
        h2 { (words.t(say::COMPUTE)) }
        p { (words.fill(say::COMPUTE_LEAD, &[("policy", OWN)])) }
        (form(visit, "/quotas/account/limits", &inside))
        h2 { (words.t(say::POLICIES)) }
        p { (words.t(say::POLICIES_LEAD)) }
        (others(visit, name, &policies, &same_name))
    };
    Ok(Reply::page(words.fill(say::OF_ACCOUNT, &[("name", name)]), main))
}

/// The policies of an account, by name.
async fn policies(visit: &Visit, name: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let account_name = name.to_owned();
    let asked = ListAccountPolicies { account_name, marker: None, max_items: Some(SHOWN) };
    let names = visit.call(asked).await?.policy_names;
    let mut policies = BTreeMap::new();
    for policy_name in names.member {
        let text = policy(visit, name, &policy_name).await?;
        policies.insert(policy_name, text);
    }
    Ok(policies)
}

/// A policy of an account; nothing if there is none of that name.
async fn policy(visit: &Visit, name: &str, policy: &str) -> Result<String, ApiError> {
    let (account_name, policy_name) = (name.to_owned(), policy.to_owned());
    match visit.call(GetAccountPolicy { account_name, policy_name }).await {
        Ok(found) => Ok(percent_decode(&found.policy_document)),
        Err(error) if error.code() == ErrorCode::NoSuchEntity => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// The limits that a policy sets, by their keys, as this page writes them.
fn read(text: &str) -> BTreeMap<String, String> {
    let policy: Value = serde_json::from_str(text).unwrap_or_default();
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => Vec::new(),
    };
    let mut limits = BTreeMap::new();
    for statement in statements {
        let set = statement.pointer("/Condition/NumericLessThanEquals").and_then(Value::as_object);
        for (key, value) in set.into_iter().flatten() {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            limits.insert(key.to_ascii_lowercase(), value);
        }
    }
    limits
}

/// A policy that sets limits: key, action, how much.
fn written(limits: &[(&str, &str, u64)]) -> String {
    let statement = |(key, action, most): &(&str, &str, u64)| {
        json!({
            "Effect": "Limit",
            "Action": action,
            "Resource": "*",
            "Condition": { "NumericLessThanEquals": { *key: most.to_string() } },
        })
    };
    let statements: Vec<_> = limits.iter().map(statement).collect();
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

fn others(
    visit: &Visit,
    name: &str,
    policies: &BTreeMap<String, String>,
    same_name: &str,
) -> Markup {
    let words = visit.words;
    let document = |id: &str, text: &str, now: &str| {
        html! {
            (meanwhile::was("document", now))
            div.field.broad {
                label for=(id) { (words.t(say::DOCUMENT)) }
                textarea.code id=(id) name="document" rows="10" required spellcheck="false" { (text) }
            }
        }
    };
    let policy = Field {
        name: "policy",
        label: words.t(say::POLICY_NAME),
        value: visit.form.line("policy"),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    html! {
        @if policies.is_empty() { p.quiet { (words.t(say::NO_POLICIES)) } }
        @for (number, (policy, text)) in policies.iter().enumerate() {
            @let sure = words.fill(say::DELETE_SURE, &[("policy", policy)]);
            @let pretty = pretty(text);
            section.card {
                h3 { (policy) }
                (form(visit, "/quotas/account/policy", &html! {
                    (name_of(name))
                    input type="hidden" name="policy" value=(policy);
                    (document(&format!("document-{number}"), &pretty, &pretty))
                    button.second type="submit" { (words.t(say::SAVE)) }
                }))
                div.acts {
                    (button(visit, "/quotas/account/policy/delete",
                        &[("name", name), ("policy", policy)],
                        &html! { (words.t(say::DELETE)) }, Some(&sure)))
                }
            }
        }
        details.more open[!visit.form.line("document").is_empty()] {
            summary { (words.t(say::ADD_POLICY)) }
            (form(visit, "/quotas/account/policy", &html! {
                (name_of(name))
                (field(words, &policy))
                (document("document-new", visit.form.get("document"), same_name))
                button.second type="submit" { (words.t(say::ADD_POLICY)) }
            }))
        }
    }
}

/// A policy with lines, so that it can be read.
fn pretty(text: &str) -> String {
    let read = serde_json::from_str::<Value>(text).ok();
    let lines = read.and_then(|policy| serde_json::to_string_pretty(&policy).ok());
    lines.unwrap_or_else(|| text.to_owned())
}

async fn set(visit: &Visit, name: &str) -> Result<(), ApiError> {
    let found = described(visit).await?;
    let mut own = read(&policy(visit, name, OWN).await?);
    let mut limits = Vec::new();
    for it in &found.holdings {
        let now = own.remove(&it.key).unwrap_or_default();
        let text = meanwhile::change(&visit.form, &it.key, &now)?.unwrap_or(now);
        if text.is_empty() {
            continue;
        }
        let most = text
            .parse()
            .map_err(|_| ApiError::invalid(&it.key, format!("'{text}' is no whole number")))?;
        limits.push((it.key.as_str(), it.action.as_str(), most));
    }
    let account_name = name.to_owned();
    let policy_name = OWN.to_owned();
    if limits.is_empty() {
        return match visit.call(DeleteAccountPolicy { account_name, policy_name }).await {
            Err(error) if error.code() != ErrorCode::NoSuchEntity => Err(error),
            _ => Ok(()),
        };
    }
    let policy_document = written(&limits);
    visit.call(PutAccountPolicy { account_name, policy_name, policy_document }).await?;
    Ok(())
}

async fn told(visit: &Visit, name: &str, done: Result<(), ApiError>) -> Result<Reply, ApiError> {
    match done {
        Ok(()) => Ok(Reply::see(saved(ACCOUNT, name))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = page(visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

/// Changes the limits of S3.
pub(crate) async fn change_s3(visit: Visit) -> Result<Reply, ApiError> {
    let name = named(&visit);
    let done = quotas::change(&visit, Whose::Account(name.clone())).await;
    told(&visit, &name, done).await
}

/// Sets the limits of EC2 and IAM.
pub(crate) async fn change(visit: Visit) -> Result<Reply, ApiError> {
    let name = named(&visit);
    let done = set(&visit, &name).await;
    told(&visit, &name, done).await
}

/// Writes another policy.
pub(crate) async fn put_policy(visit: Visit) -> Result<Reply, ApiError> {
    let (name, policy_name) = (named(&visit), visit.form.line("policy").to_owned());
    let done = async {
        let now = pretty(&policy(&visit, &name, &policy_name).await?);
        let changed = meanwhile::change_policy(&visit.form, "document", &policy_name, &now)?;
        let Some(policy_document) = changed else { return Ok(()) };
        let account_name = name.clone();
        visit.call(PutAccountPolicy { account_name, policy_name, policy_document }).await.map(drop)
    };
    told(&visit, &name, done.await).await
}

/// Takes a policy away.
pub(crate) async fn delete_policy(visit: Visit) -> Result<Reply, ApiError> {
    let (name, policy_name) = (named(&visit), visit.form.line("policy").to_owned());
    visit.call(DeleteAccountPolicy { account_name: name.clone(), policy_name }).await?;
    Ok(Reply::see(saved(ACCOUNT, &name)))
}

#[cfg(test)]
mod tests {
    use common::iam::policy::{Policy, PolicyKind};

    use super::*;

    #[test]
    fn what_is_written_is_a_policy_and_is_read_again() {
        let limits = [
            ("ec2:quota-vminstancenumber", "ec2:RunInstances", 4),
            ("iam:quota-usernumber", "iam:CreateUser", 0),
        ];
        let text = written(&limits);
        Policy::parse(&text, PolicyKind::Identity).unwrap();
        let told = read(&text);
        assert_eq!(told["ec2:quota-vminstancenumber"], "4");
        assert_eq!(told["iam:quota-usernumber"], "0");
        assert!(read("{").is_empty() && read("{}").is_empty());
        assert!(pretty("{\"a\":1}").contains('\n'));
        assert_eq!(pretty("{"), "{");
    }
}
