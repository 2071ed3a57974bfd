//! Users: CreateUser, GetUser, ListUsers, UpdateUser, and their tags. What becomes of all that a user
//! has, when it is renamed or removed, stands in `belongings`.

use std::collections::BTreeMap;

use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Boundary, Moment, Nothing, Tag};
use common::euare::names::{self, EXISTING};
use common::euare::paging::Page;
use common::euare::users::{
    CreateUser, DeleteUser, GetUser, ListUserTags, ListUsers, OneUser, TagUser, UntagUser,
    UpdateUser, User as View, UserTags, Users,
};
use common::iam::principal::unique_id;
use common::iam::{Arn, Context, EntityName, PrincipalKind};
use common::id::AccountId;
use runtime::actor::{Answer, Scene};
use store::{After, Seen};

use super::change::{Change, Changes, changes};
use super::{Iam, attachments, belongings, limits};
use crate::identity::accounts;
use crate::quota::identity::Kind;
use crate::records::{Records, User};
use crate::{quota, random};

changes!(CreateUser, DeleteUser, TagUser, UntagUser, UpdateUser);

/// There is no such user.
pub fn no_user(name: &str) -> ApiError {
    let text = format!("The user with name {name} cannot be found.");
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

/// The user of a name. Blocks.
///
/// # Errors
/// `NoSuchEntity`.
pub fn find(records: &Records, account: &AccountId, name: &str) -> Result<Seen<User>, ApiError> {
    records.users.get(&User::key_of(account, name))?.ok_or_else(|| no_user(name))
}

/// The name of the user that a request is about: the caller's own if it names none.
///
/// # Errors
/// `ValidationError` for what is no name, and for whoever names none and is no user.
pub fn meant(scene: &Scene<Iam>, name: Option<&str>) -> Result<String, ApiError> {
    let principal = scene.caller.authority.principal();
    let is_role =
        principal.kind == PrincipalKind::Role && principal.account == scene.caller.account;
    match name {
        Some(name) => {
            names::check_name("userName", name, EXISTING)?;
            Ok(name.to_owned())
        }
        None if is_role => {
            let text = "Must specify userName when calling with non-User credentials";
            Err(ApiError::new(ErrorCode::ValidationError, text))
        }
        None => Ok(scene.caller.user.clone()),
    }
}

/// The ARN of a user.
pub fn arn(account: &AccountId, path: &str, name: &str) -> String {
    Arn::iam(account.as_str(), format!("user{path}{name}")).to_string()
}

/// A user as lists tell it.
pub fn listed(user: &User) -> View {
    View {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.unique_id(),
        arn: arn(&user.account, &user.path, &user.name),
        create_date: Moment(user.created),
        enabled: None,
        permissions_boundary: None,
        tags: None,
    }
}

/// A user as it is told alone.
pub fn told(user: &User) -> View {
    View {
        permissions_boundary: user.boundary.as_deref().map(Boundary::policy),
        tags: Some(Tag::all(&user.tags)).filter(|tags| !tags.is_empty()),
        ..listed(user)
    }
}

/// The users of an account, behind a key, by name; of those only the ones below a path.
fn below<'r>(
    records: &'r Records,
    account: &AccountId,
    prefix: String,
    after: Option<&str>,
) -> impl Iterator<Item = Result<(String, View), ApiError>> + use<'r> {
    let all = records.users.all_behind(&format!("{account}/"), after);
    all.filter(move |seen| seen.as_ref().map_or(true, |user| user.path.starts_with(&prefix))).map(
        |seen| {
            let seen = seen?;
            Ok((seen.key().to_owned(), listed(&seen)))
        },
    )
}

impl Changes for CreateUser {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<OneUser>, ApiError> {
        names::check_name("userName", &self.user_name, names::USER)?;
        let path = names::checked_path("path", self.path.as_deref())?;
        let tags = names::checked_tags(&self.tags)?;
        let (account, now) = (scene.caller.account.clone(), scene.clock.now());
        let (name, boundary) = (self.user_name, self.permissions_boundary);
        let caller = scene.caller.clone();
        Ok(Change::new(move |records, batch, touched| {
            free(records, &account, &name)?;
            quota::identity::admit(records, batch, &caller, Kind::User)?;
            let prefix = format!("{account}/");
            let have = records.users.scan(&prefix, After::Start, limits::USERS)?.len();
            limits::room(have, limits::USERS, &name, "UsersPerAccount")?;
            let id = unique_id("AIDA", &random::bytes::<16>()?);
            let mut user = User::new(account.clone(), &name, &path, id, now);
            user.tags = tags.clone();
            if let Some(arn) = &boundary {
                attachments::attachable(records, &account, arn)?;
                user.boundary = Some(arn.clone());
            }
            batch.insert(&user)?;
            belongings::point_attachments(records, batch, &user);
            touched.note(EntityName::user(&account, &name));
            Ok(OneUser { user: told(&user) })
        }))
    }
}

/// Refuses a name that is taken. Blocks.
fn free(records: &Records, account: &AccountId, name: &str) -> Result<(), ApiError> {
    let text = match records.users.get(&User::key_of(account, name))? {
        Some(_) => format!("User with name {name} already exists."),
        // Administrators of the cloud are called by the names that accounts have.
        None if *account == AccountId::cloud() && accounts::is_taken(records, name, None)? => {
            format!("An account with name {name} already exists.")
        }
        None => return Ok(()),
    };
    Err(ApiError::new(ErrorCode::EntityAlreadyExists, text))
}

impl Answer<Iam> for GetUser {
    async fn answer(self, scene: &Scene<Iam>) -> Result<OneUser, ApiError> {
        let name = meant(scene, self.user_name.as_deref())?;
        let account = scene.caller.account.clone();
        let extra = self.show_extra;
        scene
            .records
            .work(move |records| {
                let user = find(records, &account, &name)?;
                let enabled = extra.then_some(user.enabled);
                Ok(OneUser { user: View { enabled, ..told(&user) } })
            })
            .await
    }
}

impl Answer<Iam> for ListUsers {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Users, ApiError> {
        let prefix = names::checked_prefix(self.path_prefix.as_deref())?;
        let account = scene.caller.account.clone();
        let listing = ["ListUsers", account.as_str(), &prefix];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        let filled = scene
            .records
            .work(move |records| page.fill(below(records, &account, prefix, page.after())))
            .await?;
        let (is_truncated, marker) = (filled.is_truncated, filled.marker);
        Ok(Users { users: filled.items, is_truncated, marker })
    }
}

impl Changes for UpdateUser {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        names::check_name("userName", &self.user_name, EXISTING)?;
        for (name, given) in
            [("PasswordExpiration", &self.password_expiration), ("RegStatus", &self.reg_status)]
        {
            if given.is_some() {
                let text = format!("{name} cannot be changed by UpdateUser");
                return Err(ApiError::new(ErrorCode::InvalidInput, text));
            }
        }
        if let Some(name) = &self.new_user_name {
            names::check_name("newUserName", name, names::USER)?;
        }
        let path = self.new_path.as_deref();
        let path = path.map(|path| names::checked_path("newPath", Some(path))).transpose()?;
        let (name, new_name) = (self.user_name, self.new_user_name);
        let (enabled, caller) = (self.enabled, scene.caller.clone());
        let account = caller.account.clone();
        Ok(Change::new(move |records, batch, touched| {
            let seen = find(records, &account, &name)?;
            let mut user = seen.record.clone();
            if user.is_owner() {
                let text = format!("The user {name} owns the account and cannot be modified.");
                return Err(ApiError::new(ErrorCode::UnmodifiableEntity, text));
            }
            user.name = new_name.clone().unwrap_or(user.name);
            user.path = path.clone().unwrap_or(user.path);
            user.enabled = enabled.unwrap_or(user.enabled);
            // Whoever may change one user must not make another of it that they may not change.
            let becomes = arn(&account, &user.path, &user.name);
            if !caller.authority.may("iam:UpdateUser", &becomes, &Context::new()) {
                let text = format!(
                    "User: {} is not authorized to perform: iam:UpdateUser on resource: {becomes}",
                    caller.arn()
                );
                return Err(ApiError::new(ErrorCode::AccessDenied, text));
            }
            if User::key_of(&account, &user.name) != seen.key() {
                free(records, &account, &user.name)?;
            }
            belongings::rename(records, batch, touched, &seen, &user)?;
            Ok(Nothing {})
        }))
    }
}

impl Changes for DeleteUser {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        names::check_name("userName", &self.user_name, EXISTING)?;
        let (name, recursive) = (self.user_name, self.is_recursive);
        let account = scene.caller.account.clone();
        Ok(Change::new(move |records, batch, touched| {
            let seen = find(records, &account, &name)?;
            if seen.is_owner() {
                let text = format!(
                    "Cannot delete entity, the user {name} owns the account and goes with it only."
                );
                return Err(ApiError::new(ErrorCode::DeleteConflict, text));
            }
            if !recursive {
                belongings::has_nothing(records, &seen)?;
            }
            belongings::remove(records, batch, touched, &seen)?;
            Ok(Nothing {})
        }))
    }
}

/// A change of a user's tags.
fn retagged(
    scene: &Scene<Iam>,
    name: String,
    change: impl Fn(&mut BTreeMap<String, String>) -> Result<(), ApiError> + Send + Sync + 'static,
) -> Result<Change<Nothing>, ApiError> {
    names::check_name("userName", &name, EXISTING)?;
    let account = scene.caller.account.clone();
    Ok(Change::new(move |records, batch, touched| {
        let mut seen = find(records, &account, &name)?;
        change(&mut seen.record.tags)?;
        batch.replace(&seen)?;
        touched.note(EntityName::user(&account, &name));
        Ok(Nothing {})
    }))
}

impl Changes for TagUser {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        if self.tags.is_empty() {
            return Err(names::absent("tags"));
        }
        let tags = names::checked_tags(&self.tags)?;
        retagged(scene, self.user_name, move |on| names::set_tags(on, tags.clone()))
    }
}

impl Changes for UntagUser {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        if self.tag_keys.is_empty() {
            return Err(names::absent("tagKeys"));
        }
        names::check_tag_keys(&self.tag_keys)?;
        let keys = self.tag_keys;
        retagged(scene, self.user_name, move |on| {
            names::take_tags(on, &keys);
            Ok(())
        })
    }
}

impl Answer<Iam> for ListUserTags {
    async fn answer(self, scene: &Scene<Iam>) -> Result<UserTags, ApiError> {
        names::check_name("userName", &self.user_name, EXISTING)?;
        let (account, name) = (scene.caller.account.clone(), self.user_name);
        let listing = ["ListUserTags", account.as_str(), &name];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        let user = scene.records.work(move |records| find(records, &account, &name)).await?;
        let tag = |(key, value): (String, String)| (key.clone(), Tag { key, value });
        let filled = page.cut(user.record.tags.into_iter().map(tag));
        let (is_truncated, marker) = (filled.is_truncated, filled.marker);
        Ok(UserTags { tags: filled.items, is_truncated, marker })
    }
}
