//! SimulatePrincipalPolicy, SimulateCustomPolicy and what they would have to know: the one evaluator
//! asked about what nobody does.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::error::{ApiError, ErrorCode};
use common::euare::names::{absent, violation};
use common::euare::paging::Page;
use common::euare::simulate::{
    ContextKeys, GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy, PolicyIdentifier,
    SimulateCustomPolicy, SimulatePrincipalPolicy, Simulation,
};
use common::iam::directory::{Directory as _, authority_of_role, authority_of_user};
use common::iam::policy::{Attached, LARGEST_OF_ROLE, Policy, PolicyKind, STEPS, Source, size};
use common::iam::{Arn, Context, Grants, Principal, PrincipalKind, managed};
use common::id::AccountId;
use runtime::actor::{Answer, Scene};
use runtime::pool;
use serde::Serialize;

use super::bearers::{self, Bearer, Kind};
use super::managed::{Usable, usable};
use super::simulation::{Simulated, checked_actions, checked_context, checked_resources};
use super::work::account;
use super::{Iam, documents};
use crate::identity::directory::RecordedDirectory;
use crate::records::{Group, Records};

/// The name of the session in which a simulated role acts.
const SESSION: &str = "simulation";

fn bad(text: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, text)
}

/// After how many steps a page ends, if it has an answer: there is another one behind it.
const PAGE_STEPS: u64 = 8 * STEPS;

/// Reads policies that a request brings.
fn given(
    parameter: &str,
    at: &str,
    kind: PolicyKind,
    texts: &[String],
) -> Result<Vec<Attached>, ApiError> {
    let read = |(index, text): (usize, &String)| {
        let number = index + 1;
        if size(text) > LARGEST_OF_ROLE {
            let most = LARGEST_OF_ROLE;
            return Err(bad(format!(
                "{parameter}.member.{number} has more than {most} characters"
            )));
        }
        let policy = documents::read(&format!("{at}.{number}.member"), text, kind);
        let policy = policy.map_err(|error| match error.code() {
            ErrorCode::MalformedPolicyDocument => {
                bad(format!("{parameter}.member.{number}: {}", error.text()))
            }
            _ => error,
        })?;
        let name = format!("{parameter}.{number}");
        Ok(Attached { name, source: Source::Session, policy: Arc::new(policy) })
    };
    texts.iter().enumerate().map(read).collect()
}

/// The boundary that a request brings.
fn given_boundary(texts: &[String]) -> Result<Option<Attached>, ApiError> {
    if texts.len() > 1 {
        return Err(bad("PermissionsBoundaryPolicyInputList holds one policy at most"));
    }
    let (parameter, at) =
        ("PermissionsBoundaryPolicyInputList", "permissionsBoundaryPolicyInputList");
    Ok(given(parameter, at, PolicyKind::Identity, texts)?.pop())
}

/// The policy that the resources are taken to have.
fn given_resource(text: Option<&String>) -> Result<Option<Attached>, ApiError> {
    let text: Vec<_> = text.into_iter().cloned().collect();
    let read = given("ResourcePolicy", "resourcePolicy", PolicyKind::Resource, &text)?.pop();
    Ok(read.map(|it| Attached {
        name: "ResourcePolicy".to_owned(),
        source: Source::Resource,
        ..it
    }))
}

/// A policy that allows everything.
fn everything() -> Result<Attached, ApiError> {
    let policy = Policy::parse(managed::EVERYTHING, PolicyKind::Identity)
        .map_err(|error| ApiError::internal("A policy of the cloud cannot be read", error))?;
    let name = "everything".to_owned();
    Ok(Attached { name, source: Source::Cloud, policy: Arc::new(policy) })
}

/// The account that an ARN or a number names.
fn owner(text: &str) -> Result<AccountId, ApiError> {
    let number = text.parse::<Arn>().map_or(text.to_owned(), |arn| arn.account);
    number.parse().map_err(|_| bad(format!("Invalid ResourceOwner: {text} names no account")))
}

/// A bearer by the ARN of a user, group or role of the account. Blocks.
fn source(
    records: &Records,
    account: &AccountId,
    parameter: &str,
    arn: &str,
) -> Result<(Kind, Bearer), ApiError> {
    let strange = || bad(format!("Invalid {parameter}: {arn} is no ARN of a user, group or role"));
    let parsed: Arn = arn.parse().map_err(|_| strange())?;
    let unknown = || {
        let text = format!("The entity with ARN {arn} cannot be found.");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    };
    if parsed.service != "iam" {
        return Err(strange());
    }
    let (kind, rest) = parsed.resource.split_once('/').ok_or_else(strange)?;
    let kind = [Kind::User, Kind::Group, Kind::Role].into_iter().find(|it| it.word() == kind);
    let kind = kind.ok_or_else(strange)?;
    if parsed.account != account.as_str() {
        return Err(unknown());
    }
    let name = rest.rsplit_once('/').map_or(rest, |(_, name)| name);
    let found = bearers::at(records, kind, &Group::key_of(account, name))?.ok_or_else(unknown)?;
    let resource = format!("{}{}{}", kind.word(), found.path(), found.name());
    match Arn::iam(account.as_str(), resource) == parsed {
        true => Ok((kind, found)),
        false => Err(unknown()),
    }
}

/// What whoever bears policies is, and what they have. Blocks.
fn held(
    directory: &RecordedDirectory,
    account: &AccountId,
    bearer: &Bearer,
) -> Result<(Principal, Grants), ApiError> {
    let authority = match bearer {
        Bearer::User(user) => authority_of_user(directory, account, &user.name)?,
        Bearer::Role(role) => authority_of_role(directory, account, &role.name, SESSION)?,
        Bearer::Group(_) => None,
    };
    if let Some(authority) = authority {
        return Ok((authority.principal().clone(), authority.grants().clone()));
    }
    let mut grants = Grants::default();
    // Users who are disabled may do nothing; what a group allows it allows its members.
    if let Bearer::Group(group) = bearer {
        let source = Source::Group(group.name.clone());
        let read = |name: &str, text: &str| {
            let policy = directory.policy(text).map_err(|error| {
                ApiError::internal(format!("The policy '{name}' cannot be read"), error)
            })?;
            Ok::<_, ApiError>(Attached { name: name.to_owned(), source: source.clone(), policy })
        };
        for (name, text) in &group.policies.inline {
            grants.identity.push(read(name, text)?);
        }
        for arn in &group.policies.attached {
            match usable(directory.records(), account, arn)? {
                Some(Usable::Own(policy)) => grants.identity.push(read(arn, policy.document())?),
                Some(Usable::Cloud(policy)) => grants.identity.push(read(arn, policy.text)?),
                None => {}
            }
        }
    }
    Ok((nobody(account), grants))
}

/// A user of whom nothing is known but the account.
fn nobody(account: &AccountId) -> Principal {
    Principal {
        account: account.clone(),
        kind: PrincipalKind::User,
        name: String::new(),
        path: "/".to_owned(),
        id: String::new(),
        session: None,
    }
}

/// What conditions may ask about a principal.
fn known(principal: &Principal) -> Context {
    match principal.name.as_str() {
        "" => Context::new().with("aws:principalaccount", principal.account.as_str()),
        _ => principal.context(),
    }
}

/// The user who is taken to act; policies alone say what they may. Blocks.
fn acting(
    directory: &RecordedDirectory,
    account: &AccountId,
    arn: &str,
) -> Result<Principal, ApiError> {
    match source(directory.records(), account, "CallerArn", arn)? {
        (Kind::User, Bearer::User(user)) => Ok(Principal {
            account: account.clone(),
            kind: PrincipalKind::User,
            name: user.name.clone(),
            path: user.path.clone(),
            id: user.unique_id(),
            session: None,
        }),
        _ => Err(bad(format!("Invalid CallerArn: {arn} is no ARN of a user"))),
    }
}

/// Leaves out policies that are not to count.
fn leave_out(grants: &mut Grants, out: &[PolicyIdentifier]) -> Result<(), ApiError> {
    for it in out {
        let kind = it.policy_type.as_deref().unwrap_or_default();
        let missing = |what: &str| bad(format!("A policy of type '{kind}' is named by its {what}"));
        match kind {
            "inline" => {
                let wanted = it.inline_policy_identifier.as_ref();
                let wanted = wanted.ok_or_else(|| missing("InlinePolicyIdentifier"))?;
                grants.identity.retain(|held| {
                    let (kind, name) = match &held.source {
                        Source::User(name) => ("user", name),
                        Source::Group(name) => ("group", name),
                        Source::Role(name) => ("role", name),
                        Source::Session | Source::Resource | Source::Cloud => return true,
                    };
                    held.name != wanted.policy_name
                        || kind != wanted.attachment_type
                        || !name.eq_ignore_ascii_case(&wanted.attachment_name)
                });
            }
            "aws-managed" | "user-managed" => {
                let arn = it.policy_arn.as_ref().ok_or_else(|| missing("PolicyArn"))?;
                grants.identity.retain(|held| held.name != *arn);
            }
            "permission-boundary" => {
                let arn = it.policy_arn.as_ref().ok_or_else(|| missing("PolicyArn"))?;
                grants.boundary = grants.boundary.take().filter(|held| held.name != *arn);
            }
            other => {
                let constraint = "Member must satisfy enum value set: [inline, aws-managed, \
                                  user-managed, permission-boundary]";
                return Err(violation(other, "policyExclusionList.member.policyType", constraint));
            }
        }
    }
    Ok(())
}

/// What both simulations ask alike.
struct Asked {
    actions: Vec<String>,
    resources: Vec<String>,
    resource_policy: Option<String>,
    resource_owner: Option<String>,
    context: Context,
}

impl Asked {
    /// All that decides, with who acts and what they have.
    fn of(self, principal: Principal, grants: Grants) -> Result<Simulated, ApiError> {
        let owner = self.resource_owner.as_deref().map(owner).transpose()?;
        let named = !self.resources.is_empty();
        let context = known(&principal).and(&self.context);
        Ok(Simulated {
            owner: owner.filter(|owner| *owner != principal.account),
            principal,
            identity: grants.identity,
            boundary: grants.boundary,
            resource: given_resource(self.resource_policy.as_ref())?,
            everything: everything()?,
            context,
            actions: self.actions,
            resources: if named { self.resources } else { vec!["*".to_owned()] },
            named,
        })
    }
}

fn no_scenario(option: Option<&str>) -> Result<(), ApiError> {
    match option {
        None => Ok(()),
        Some(option) => {
            Err(bad(format!("ResourceHandlingOption {option} is not offered: name resources")))
        }
    }
}

/// The page of a simulation; `request` is what makes two of them the same.
fn paged(
    simulated: &Simulated,
    account: &AccountId,
    request: &impl Serialize,
    marker: Option<&str>,
    max_items: Option<u32>,
) -> Result<Simulation, ApiError> {
    let request = serde_json::to_string(request)
        .map_err(|error| ApiError::internal("The request cannot be compared", error))?;
    let page = Page::new(&["simulation", account.as_str(), &request], marker, max_items)?;
    let after = page.after().and_then(|number| number.parse::<usize>().ok());
    let numbers = after.map_or(0, |number| number.saturating_add(1))..simulated.len();
    let rows = numbers.map(|number| {
        // What lies behind the page is only counted.
        Ok::<_, ApiError>((number.to_string(), number))
    });
    let filled = page.fill(rows)?;
    let (mut results, mut steps) = (Vec::new(), 0);
    let mut last: Option<String> = None;
    for number in filled.items.member {
        if let Some(last) = last.as_ref().filter(|_| steps > PAGE_STEPS) {
            let marker = Some(page.marker(last));
            let evaluation_results = results.into();
            return Ok(Simulation { evaluation_results, is_truncated: true, marker });
        }
        let (result, cost) = simulated.ask(number);
        results.push(result);
        steps += cost;
        last = Some(number.to_string());
    }
    Ok(Simulation {
        evaluation_results: results.into(),
        is_truncated: filled.is_truncated,
        marker: filled.marker,
    })
}

fn of_principal(
    directory: &RecordedDirectory,
    account: &AccountId,
    mut it: SimulatePrincipalPolicy,
) -> Result<Simulation, ApiError> {
    let (marker, max_items) = (it.marker.take(), it.max_items.take());
    no_scenario(it.resource_handling_option.as_deref())?;
    let asked = Asked {
        actions: checked_actions(it.action_names.clone())?,
        resources: checked_resources(it.resource_arns.clone())?,
        resource_policy: it.resource_policy.clone(),
        resource_owner: it.resource_owner.clone(),
        context: checked_context(&it.context_entries)?,
    };
    let arn = &it.policy_source_arn;
    let (kind, bearer) = source(directory.records(), account, "PolicySourceArn", arn)?;
    if it.resource_policy.is_some() && it.caller_arn.is_none() && kind != Kind::User {
        return Err(bad(
            "CallerArn is wanted if ResourcePolicy is given and the source is no user",
        ));
    }
    let (mut principal, mut grants) = held(directory, account, &bearer)?;
    if let Some(arn) = &it.caller_arn {
        principal = acting(directory, account, arn)?;
    }
    leave_out(&mut grants, &it.policy_exclusion_list)?;
    let (parameter, at) = ("PolicyInputList", "policyInputList");
    grants.identity.extend(given(parameter, at, PolicyKind::Identity, &it.policy_input_list)?);
    let boundary = given_boundary(&it.permissions_boundary_policy_input_list)?;
    grants.boundary = boundary.or(grants.boundary);
    paged(&asked.of(principal, grants)?, account, &it, marker.as_deref(), max_items)
}

fn of_policies(
    directory: &RecordedDirectory,
    account: &AccountId,
    mut it: SimulateCustomPolicy,
) -> Result<Simulation, ApiError> {
    let (marker, max_items) = (it.marker.take(), it.max_items.take());
    no_scenario(it.resource_handling_option.as_deref())?;
    if !it.ordered_organization_policy_input_list.is_empty() {
        return Err(bad(
            "OrderedOrganizationPolicyInputList is not offered: there are no organizations",
        ));
    }
    if it.policy_input_list.is_empty() {
        return Err(absent("policyInputList"));
    }
    if it.resource_policy.is_some() && it.caller_arn.is_none() {
        return Err(bad("CallerArn is wanted if ResourcePolicy is given"));
    }
    let asked = Asked {
        actions: checked_actions(it.action_names.clone())?,
        resources: checked_resources(it.resource_arns.clone())?,
        resource_policy: it.resource_policy.clone(),
        resource_owner: it.resource_owner.clone(),
        context: checked_context(&it.context_entries)?,
    };
    let principal = match &it.caller_arn {
        Some(arn) => acting(directory, account, arn)?,
        None => nobody(account),
    };
    let (parameter, at) = ("PolicyInputList", "policyInputList");
    let grants = Grants {
        identity: given(parameter, at, PolicyKind::Identity, &it.policy_input_list)?,
        boundary: given_boundary(&it.permissions_boundary_policy_input_list)?,
        ..Grants::default()
    };
    paged(&asked.of(principal, grants)?, account, &it, marker.as_deref(), max_items)
}

/// The condition keys that policies ask for, each once.
fn keys<'a>(policies: impl IntoIterator<Item = &'a Attached>) -> ContextKeys {
    let mut keys = BTreeMap::new();
    for key in policies.into_iter().flat_map(|it| it.policy.context_keys()) {
        keys.entry(key.to_lowercase()).or_insert(key);
    }
    ContextKeys { context_key_names: keys.into_values().collect() }
}

fn keys_of_principal(
    directory: &RecordedDirectory,
    account: &AccountId,
    it: &GetContextKeysForPrincipalPolicy,
) -> Result<ContextKeys, ApiError> {
    let arn = &it.policy_source_arn;
    let (_, bearer) = source(directory.records(), account, "PolicySourceArn", arn)?;
    let (_, grants) = held(directory, account, &bearer)?;
    let (parameter, at) = ("PolicyInputList", "policyInputList");
    let more = given(parameter, at, PolicyKind::Identity, &it.policy_input_list)?;
    Ok(keys(grants.identity.iter().chain(&grants.boundary).chain(&more)))
}

impl Answer<Iam> for SimulatePrincipalPolicy {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Simulation, ApiError> {
        let (directory, account) = (Arc::clone(&scene.directory), account(scene));
        pool::block(move || of_principal(&directory, &account, self)).await?
    }
}

impl Answer<Iam> for SimulateCustomPolicy {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Simulation, ApiError> {
        let (directory, account) = (Arc::clone(&scene.directory), account(scene));
        pool::block(move || of_policies(&directory, &account, self)).await?
    }
}

impl Answer<Iam> for GetContextKeysForCustomPolicy {
    async fn answer(self, _: &Scene<Iam>) -> Result<ContextKeys, ApiError> {
        if self.policy_input_list.is_empty() {
            return Err(absent("policyInputList"));
        }
        let (parameter, at) = ("PolicyInputList", "policyInputList");
        let read = move || given(parameter, at, PolicyKind::Identity, &self.policy_input_list);
        Ok(keys(&pool::block(read).await??))
    }
}

impl Answer<Iam> for GetContextKeysForPrincipalPolicy {
    async fn answer(self, scene: &Scene<Iam>) -> Result<ContextKeys, ApiError> {
        let (directory, account) = (Arc::clone(&scene.directory), account(scene));
        pool::block(move || keys_of_principal(&directory, &account, &self)).await?
    }
}
