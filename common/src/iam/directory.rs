//! From an access key to what its holder may do.
//!
//! ```text
//!   AKI… ── access key ─▶ user ─┬▶ groups ─┐
//!   ASIA… + token ── session ─┬▶ user      ├─▶ policies, boundary ─▶ Authority
//!                             └▶ role ─────┘
//! ```
//! An account or user that is disabled, a key that is not active, a role that is gone, a session
//! whose beginner is: nobody. A group or policy that is spoken of and not there is an error: what is
//! read changes at this moment, and what it would deny must not be passed over.

use std::sync::Arc;

use super::authority::{Authority, Grants};
use super::context::Context;
use super::entity::{AccountEntity, Entity, EntityName, PolicySet, RoleEntity, UserEntity};
use super::managed;
use super::policy::{Attached, Policy, PolicyError, Source};
use super::principal::{Principal, PrincipalKind};
use super::session::{Origin, Session, TEMPORARY, Via, Who};
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
    /// Who sends for the holder, if a service of the cloud does.
    pub via: Option<Via>,
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
    Ok(Some(Credential { id, secret, alias, authority, via: None }))
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
    if !is_there(directory, session.origin.as_ref())? {
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
    let authority = Authority::new(principal, grants).within(&context).begun_by(session.origin);
    let (id, secret, alias) = (id.to_owned(), sealed.secret, account.alias);
    Ok(Some(Credential { id, secret, alias, authority, via: session.via }))
}

/// Whether whoever began a session may use anything still.
fn is_there(directory: &dyn Directory, origin: Option<&Origin>) -> Result<bool, ApiError> {
    let Some(Origin::User(account, name, id)) = origin else { return Ok(true) };
    let found = user(directory, account, name)?;
    Ok(found.is_some_and(|(_, user)| user.id == *id))
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
        let Some(Entity::Group(group)) = group.as_deref() else { return Err(changing()) };
        let source = Source::Group(group.name.clone());
        collect(directory, &group.policies, &source, &mut grants.identity)?;
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
        to.push(managed_policy(directory, arn, source.clone())?.ok_or_else(changing)?);
    }
    Ok(())
}

/// What is known of somebody is of before a change, and of after it: another look helps.
pub fn changing() -> ApiError {
    let text = "Who may do what changes at this moment; please try again";
    ApiError::new(ErrorCode::ServiceUnavailable, text)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;
    use crate::iam::entity::GroupEntity;
    use crate::iam::policy::PolicyKind;

    const KEY: [u8; 32] = [7; 32];

    #[derive(Default)]
    struct Known(Mutex<BTreeMap<EntityName, Arc<Entity>>>);

    impl Directory for Known {
        fn find(&self, name: &EntityName) -> Result<Option<Arc<Entity>>, ApiError> {
            Ok(self.0.lock().unwrap().get(name).cloned())
        }

        fn policy(&self, text: &str) -> Result<Arc<Policy>, PolicyError> {
            Policy::parse(text, PolicyKind::Identity).map(Arc::new)
        }
    }

    impl Known {
        fn put(&self, name: EntityName, entity: Entity) {
            self.0.lock().unwrap().insert(name, Arc::new(entity));
        }

        fn user(&self, id: &str, enabled: bool, groups: &[&str]) {
            let user = UserEntity {
                name: "taro".into(),
                path: "/".into(),
                id: id.into(),
                owner: false,
                enabled,
                groups: groups.iter().map(|it| (*it).to_owned()).collect(),
                policies: PolicySet::default(),
                boundary: None,
            };
            self.put(EntityName::user(&account(1), "taro"), Entity::User(user));
        }

        fn account(&self, number: u64, enabled: bool) {
            let (number, policies) = (account(number), PolicySet::default());
            let entity =
                AccountEntity { number: number.clone(), alias: "a".into(), enabled, policies };
            self.put(EntityName::Account(number), Entity::Account(entity));
        }
    }

    fn account(number: u64) -> AccountId {
        format!("{:012}", number + 100).parse().unwrap()
    }

    /// A user of one account, who may take on a role of another.
    fn known() -> Known {
        let known = Known::default();
        known.put(EntityName::SessionKey("k".into()), Entity::SessionKey(KEY.to_vec()));
        known.account(1, true);
        known.account(2, true);
        known.user("AIDA1", true, &[]);
        let policies = PolicySet::default();
        let role = RoleEntity {
            name: "r".into(),
            path: "/".into(),
            id: "AROA1".into(),
            policies,
            boundary: None,
        };
        known.put(EntityName::role(&account(2), "r"), Entity::Role(role));
        known
    }

    fn token(origin: Option<Origin>) -> String {
        let session = Session {
            access_key: "ASIA1".into(),
            account: account(2),
            who: Who::Role("r".into(), "s".into()),
            issued: Timestamp::from_secs(5),
            expires: Timestamp::from_secs(9),
            policies: Vec::new(),
            policy_arns: Vec::new(),
            second_factor: false,
            second_factor_at: None,
            holder: "AROA1".into(),
            source_identity: None,
            origin,
            via: None,
        };
        session.seal("k", &KEY).token
    }

    #[test]
    fn a_role_is_lost_with_the_user_who_took_it_on() {
        let taro = || Some(Origin::User(account(1), "taro".into(), "AIDA1".into()));
        let known = known();
        let found = |origin: Option<Origin>| {
            credential(&known, "ASIA1", Some(&token(origin)), Timestamp::from_secs(6)).unwrap()
        };
        assert_eq!(found(taro()).unwrap().authority.origin(), taro());
        // The version before did not say it.
        assert_eq!(found(None).unwrap().authority.origin(), None);
        known.user("AIDA1", false, &[]);
        assert!(found(taro()).is_none() && found(Some(Origin::Instance)).is_some());
        known.user("AIDA2", true, &[]);
        assert!(found(taro()).is_none(), "another has the name");
        known.user("AIDA1", true, &[]);
        assert!(found(taro()).is_some());
        known.account(1, false);
        assert!(found(taro()).is_none() && found(None).is_some());
    }

    #[test]
    fn a_group_that_is_not_there_is_never_passed_over() {
        let known = known();
        let look = || authority_of_user(&known, &account(1), "taro");
        known.user("AIDA1", true, &["g"]);
        assert_eq!(look().unwrap_err().code(), ErrorCode::ServiceUnavailable);
        let arn = "arn:aws:iam::000000000001:policy/p";
        let policies = PolicySet { attached: vec![arn.to_owned()], ..PolicySet::default() };
        let group = Entity::Group(GroupEntity { name: "g".into(), policies });
        known.put(EntityName::group(&account(1), "g"), group);
        assert_eq!(look().unwrap_err().code(), ErrorCode::ServiceUnavailable);
        known.put(EntityName::Policy(arn.into()), Entity::Policy(managed::NOTHING.into()));
        assert_eq!(look().unwrap().unwrap().grants().identity.len(), 1);
    }
}
