//! From an access key to what its holder may do.
//!
//! ```text
//!   AKI… ── access key ─▶ user ─┬▶ groups ─┐
//!   ASIA… + token ── session ─┬▶ user      ├─▶ policies, boundary ─▶ Authority
//!                             └▶ role ─────┘
//! ```
//! An account or user that is disabled, a key that is not active, a role that is gone: nobody.

use std::sync::Arc;

use super::authority::{Authority, Grants};
use super::context::Context;
use super::entity::{AccountEntity, Entity, EntityName, PolicySet, RoleEntity, UserEntity};
use super::managed;
use super::policy::{Attached, Policy, PolicyError, Source};
use super::principal::{Principal, PrincipalKind};
use super::session::{Session, TEMPORARY, Who};
use crate::error::{ApiError, ErrorCode};
use crate::id::AccountId;
use crate::time::Timestamp;

/// Tells entities by name, and keeps policies that were read.
pub trait Directory {
    /// The entity of a name.
    ///
    /// # Errors
    /// If it cannot be looked up.
    fn find(&self, name: &EntityName) -> Result<Option<Arc<Entity>>, ApiError>;

    /// The policy of a text, which is one of those that [`Policy::parse`] takes.
    ///
    /// # Errors
    /// If it takes it no more.
    fn policy(&self, text: &str) -> Result<Arc<Policy>, PolicyError>;
}

/// An access key with all that is needed to check a signature and to know what its maker may do.
#[derive(Clone)]
pub struct Credential {
    /// The access key id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The account's name.
    pub alias: String,
    /// Who signs with it, and what they may do.
    pub authority: Authority,
}

/// Finds the holder of an access key; `token` is the session token that came with it. `None`: there
/// is no such key, or its holder may use nothing.
///
/// # Errors
/// `InvalidToken` for a token that is none or belongs to another key, `ExpiredToken`; whatever the
/// directory fails with.
pub fn credential(
    directory: &dyn Directory,
    id: &str,
    token: Option<&str>,
    now: Timestamp,
) -> Result<Option<Credential>, ApiError> {
    // An id is 20 characters; what is longer than a key may be is nobody's.
    if id.is_empty() || id.len() > 128 {
        return Ok(None);
    }
    if id.starts_with(TEMPORARY) {
        return temporary(directory, id, token.ok_or_else(forged)?, now);
    }
    if token.is_some() {
        return Err(forged());
    }
    let Some(Entity::AccessKey(key)) =
        directory.find(&EntityName::AccessKey(id.to_owned()))?.as_deref().cloned()
    else {
        return Ok(None);
    };
    if !key.active {
        return Ok(None);
    }
    let Some((account, user)) = user(directory, &key.account, &key.user)? else { return Ok(None) };
    // It is another one that has the name now.
    if !key.holder.is_empty() && key.holder != user.id {
        return Ok(None);
    }
    let grants = user_grants(directory, &account, &user)?;
    let authority = Authority::new(user_principal(&account, &user), grants);
    let (id, secret, alias) = (id.to_owned(), key.secret, account.alias);
    Ok(Some(Credential { id, secret, alias, authority }))
}

fn forged() -> ApiError {
    let text = "The session token is none that belongs to the access key";
    ApiError::new(ErrorCode::InvalidToken, text)
}

fn temporary(
    directory: &dyn Directory,
    id: &str,
    token: &str,
    now: Timestamp,
) -> Result<Option<Credential>, ApiError> {
    let key = Session::key_of(token).ok_or_else(forged)?;
    let Some(Entity::SessionKey(key)) =
        directory.find(&EntityName::SessionKey(key.to_owned()))?.as_deref().cloned()
    else {
        return Err(forged());
    };
    let (session, sealed) = Session::open(token, &key).map_err(|_| forged())?;
    if session.access_key != id {
        return Err(forged());
    }
    if now >= session.expires {
        let text = "The session has expired";
        return Err(ApiError::new(ErrorCode::ExpiredToken, text));
    }
    let found = match &session.who {
        Who::User(name) => match user(directory, &session.account, name)? {
            Some((account, user)) => {
                let grants = user_grants(directory, &account, &user)?;
                let principal = user_principal(&account, &user);
                Some((account, principal, grants))
            }
            None => None,
        },
        Who::Role(name, session_name) => {
            let role = role(directory, &session.account, name)?;
            role.map(|(account, role)| {
                let grants = role_grants(directory, &account, &role)?;
                let principal = role_principal(&account.number, &role, session_name);
                Ok::<_, ApiError>((account, principal, grants))
            })
            .transpose()?
        }
    };
    let Some((account, principal, mut grants)) = found else { return Ok(None) };
    // It is another one that has the name now.
    if !session.holder.is_empty() && session.holder != principal.id {
        return Ok(None);
    }
    for text in &session.policies {
        grants.session.push(attached(directory, "session", Source::Session, text)?);
    }
    for arn in &session.policy_arns {
        let found = managed_policy(directory, arn, Source::Session)?;
        // What is gone allows nothing; without it the session would be allowed everything.
        grants.session.push(match found {
            Some(policy) => policy,
            None => attached(directory, arn, Source::Session, managed::NOTHING)?,
        });
    }
    let context = Context::new()
        .with("aws:tokenissuetime", session.issued.iso())
        .with("aws:multifactorauthpresent", session.proven().is_some().to_string())
        .with_some("aws:multifactorauthage", session.proven().map(|at| age(at, now)))
        .with_some("aws:sourceidentity", session.source_identity.as_deref());
    let authority = Authority::new(principal, grants).within(&context);
    let (id, secret, alias) = (id.to_owned(), sealed.secret, account.alias);
    Ok(Some(Credential { id, secret, alias, authority }))
}

/// For how many seconds a second factor has been known.
pub fn age(shown: Timestamp, now: Timestamp) -> String {
    now.since(shown).as_secs().to_string()
}

/// What a user may do, whoever asks.
///
/// # Errors
/// Whatever the directory fails with.
pub fn authority_of_user(
    directory: &dyn Directory,
    account: &AccountId,
    name: &str,
) -> Result<Option<Authority>, ApiError> {
    let Some((account, user)) = user(directory, account, name)? else { return Ok(None) };
    let grants = user_grants(directory, &account, &user)?;
    Ok(Some(Authority::new(user_principal(&account, &user), grants)))
}

/// What whoever takes on a role in a session of that name may do.
///
/// # Errors
/// Whatever the directory fails with.
pub fn authority_of_role(
    directory: &dyn Directory,
    account: &AccountId,
    name: &str,
    session: &str,
) -> Result<Option<Authority>, ApiError> {
    let Some((account, role)) = role(directory, account, name)? else { return Ok(None) };
    let grants = role_grants(directory, &account, &role)?;
    Ok(Some(Authority::new(role_principal(&account.number, &role, session), grants)))
}

/// An account that may use anything.
fn account(
    directory: &dyn Directory,
    number: &AccountId,
) -> Result<Option<AccountEntity>, ApiError> {
    match directory.find(&EntityName::Account(number.clone()))?.as_deref() {
        Some(Entity::Account(account)) if account.enabled => Ok(Some(account.clone())),
        _ => Ok(None),
    }
}

fn user(
    directory: &dyn Directory,
    number: &AccountId,
    name: &str,
) -> Result<Option<(AccountEntity, UserEntity)>, ApiError> {
    let Some(account) = account(directory, number)? else { return Ok(None) };
    match directory.find(&EntityName::user(number, name))?.as_deref() {
        Some(Entity::User(user)) if user.enabled => Ok(Some((account, user.clone()))),
        _ => Ok(None),
    }
}

fn role(
    directory: &dyn Directory,
    number: &AccountId,
    name: &str,
) -> Result<Option<(AccountEntity, RoleEntity)>, ApiError> {
    let Some(account) = account(directory, number)? else { return Ok(None) };
    match directory.find(&EntityName::role(number, name))?.as_deref() {
        Some(Entity::Role(role)) => Ok(Some((account, role.clone()))),
        _ => Ok(None),
    }
}

fn user_principal(account: &AccountEntity, user: &UserEntity) -> Principal {
    Principal {
        account: account.number.clone(),
        kind: if user.owner { PrincipalKind::Owner } else { PrincipalKind::User },
        name: user.name.clone(),
        path: user.path.clone(),
        id: user.id.clone(),
        session: None,
    }
}

fn role_principal(account: &AccountId, role: &RoleEntity, session: &str) -> Principal {
    Principal {
        account: account.clone(),
        kind: PrincipalKind::Role,
        name: role.name.clone(),
        path: role.path.clone(),
        id: role.id.clone(),
        session: Some(session.to_owned()),
    }
}

fn user_grants(
    directory: &dyn Directory,
    account: &AccountEntity,
    user: &UserEntity,
) -> Result<Grants, ApiError> {
    let mut grants = account_grants(directory, account)?;
    let source = Source::User(user.name.clone());
    collect(directory, &user.policies, &source, &mut grants.identity)?;
    for name in &user.groups {
        let group = directory.find(&EntityName::group(&account.number, name))?;
        if let Some(Entity::Group(group)) = group.as_deref() {
            let source = Source::Group(group.name.clone());
            collect(directory, &group.policies, &source, &mut grants.identity)?;
        }
    }
    if account.number == AccountId::cloud() {
        let all = attached(directory, "cloud", Source::Cloud, managed::EVERYTHING)?;
        grants.identity.push(all);
    }
    grants.boundary = boundary(directory, user.boundary.as_deref(), source)?;
    Ok(grants)
}

fn role_grants(
    directory: &dyn Directory,
    account: &AccountEntity,
    role: &RoleEntity,
) -> Result<Grants, ApiError> {
    let mut grants = account_grants(directory, account)?;
    let source = Source::Role(role.name.clone());
    collect(directory, &role.policies, &source, &mut grants.identity)?;
    grants.boundary = boundary(directory, role.boundary.as_deref(), source)?;
    Ok(grants)
}

/// What holds for everybody in an account.
fn account_grants(directory: &dyn Directory, account: &AccountEntity) -> Result<Grants, ApiError> {
    let mut grants = Grants::default();
    collect(directory, &account.policies, &Source::Cloud, &mut grants.account)?;
    Ok(grants)
}

/// A boundary that is gone lets nothing through.
fn boundary(
    directory: &dyn Directory,
    arn: Option<&str>,
    source: Source,
) -> Result<Option<Attached>, ApiError> {
    let Some(arn) = arn else { return Ok(None) };
    match managed_policy(directory, arn, source.clone())? {
        Some(policy) => Ok(Some(policy)),
        None => attached(directory, arn, source, managed::NOTHING).map(Some),
    }
}

fn collect(
    directory: &dyn Directory,
    set: &PolicySet,
    source: &Source,
    to: &mut Vec<Attached>,
) -> Result<(), ApiError> {
    for (name, text) in &set.inline {
        to.push(attached(directory, name, source.clone(), text)?);
    }
    for arn in &set.attached {
        to.extend(managed_policy(directory, arn, source.clone())?);
    }
    Ok(())
}

fn managed_policy(
    directory: &dyn Directory,
    arn: &str,
    source: Source,
) -> Result<Option<Attached>, ApiError> {
    if let Some(text) = managed::text(arn) {
        return attached(directory, arn, source, text).map(Some);
    }
    match directory.find(&EntityName::Policy(arn.to_owned()))?.as_deref() {
        Some(Entity::Policy(text)) => attached(directory, arn, source, text).map(Some),
        _ => Ok(None),
    }
}

fn attached(
    directory: &dyn Directory,
    name: &str,
    source: Source,
    text: &str,
) -> Result<Attached, ApiError> {
    // A denial that cannot be read must not be passed over.
    let policy = directory.policy(text).map_err(|error| {
        ApiError::internal(format!("The policy '{name}' cannot be read"), error)
    })?;
    Ok(Attached { name: name.to_owned(), source, policy })
}
