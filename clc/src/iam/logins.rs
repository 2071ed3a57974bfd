//! Login profiles and passwords: CreateLoginProfile, GetLoginProfile, UpdateLoginProfile,
//! DeleteLoginProfile, ChangePassword, and the account's rules for passwords.
//!
//! Hashes are made before the commit, which looks again whether all is still as it was.

use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Moment, Nothing};
use common::euare::logins::{
    ChangePassword, CreateLoginProfile, DeleteAccountPasswordPolicy, DeleteLoginProfile,
    GetAccountPasswordPolicy, GetLoginProfile, LoginProfile, OneLoginProfile, OnePasswordPolicy,
    PasswordPolicy, UpdateAccountPasswordPolicy, UpdateLoginProfile,
};
use common::euare::names::{self, violation};
use common::iam::PrincipalKind;
use common::id::AccountId;
use runtime::actor::{Answer, Handle, Scene};
use store::Seen;

use super::change::{Change, Changes, changes};
use super::{Iam, users};
use crate::people::lockout::{self, Tried};
use crate::people::{logging_in, passwords};
use crate::records::{Login, PasswordRules, Records, User};

changes!(DeleteAccountPasswordPolicy, DeleteLoginProfile, UpdateAccountPasswordPolicy);

/// How many characters a policy asks for that does not say.
const LENGTH: u32 = 6;

fn no_profile(user: &str) -> ApiError {
    let text = format!("Login Profile for User {user} cannot be found.");
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

/// The login profile of a user. Blocks.
fn find(records: &Records, account: &AccountId, user: &str) -> Result<Seen<Login>, ApiError> {
    let user = users::find(records, account, user)?;
    let seen = records.logins.get(&Login::key_of(account, &user.name))?;
    seen.ok_or_else(|| no_profile(&user.name))
}

fn told(login: &Login) -> OneLoginProfile {
    OneLoginProfile {
        login_profile: LoginProfile {
            user_name: login.user.clone(),
            create_date: Moment(login.created),
            password_reset_required: login.must_change,
        },
    }
}

fn check_length(at: &str, password: &str) -> Result<(), ApiError> {
    // The value itself is not told to anybody, not even to its writer.
    names::check_length(at, &"*".repeat(password.chars().count().min(200)), 128)
}

/// A profile that is about to be made.
pub struct NewProfile {
    login: Login,
    password: String,
}

impl Handle<Iam> for CreateLoginProfile {
    type Checked = NewProfile;

    async fn check(self, scene: &Scene<Iam>) -> Result<NewProfile, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let password = self.password.ok_or_else(|| names::absent("password"))?;
        check_length("password", &password)?;
        let (caller, now, must_change) =
            (scene.caller.clone(), scene.clock.now(), self.password_reset_required);
        scene
            .people
            .work(move |people| {
                let user = users::find(&people.records, &caller.account, &name)?;
                vacant(&people.records, &user)?;
                let (account, user) = (caller.account.clone(), user.record.name);
                let (hash, former) = (String::new(), Vec::new());
                let (created, set) = (now, now);
                let login = Login { account, user, hash, created, set, must_change, former };
                passwords::check_new(people, &caller.alias, &login, &password)?;
                Ok(NewProfile { login, password })
            })
            .await
    }

    async fn act(new: NewProfile, scene: &Scene<Iam>) -> Result<OneLoginProfile, ApiError> {
        let work = move |people: &crate::people::People| {
            let NewProfile { mut login, password } = new;
            login.hash = passwords::hash(people, &password)?;
            let records = &people.records;
            store::transact(&*records.engine, |batch| {
                let user = users::find(records, &login.account, &login.user)?;
                vacant(records, &user)?;
                // A user that goes at this moment takes it along or is found to have it.
                batch.replace(&user)?.insert(&login)?;
                Ok::<_, ApiError>(())
            })?;
            Ok(told(&login))
        };
        scene.people.work(work).await
    }
}

fn vacant(records: &Records, user: &User) -> Result<(), ApiError> {
    match records.logins.get(&Login::key_of(&user.account, &user.name))? {
        None => Ok(()),
        Some(_) => {
            let text = format!("Login Profile for user {} already exists.", user.name);
            Err(ApiError::new(ErrorCode::EntityAlreadyExists, text))
        }
    }
}

impl Answer<Iam> for GetLoginProfile {
    async fn answer(self, scene: &Scene<Iam>) -> Result<OneLoginProfile, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let account = scene.caller.account.clone();
        scene.records.work(move |records| Ok(told(&*find(records, &account, &name)?))).await
    }
}

/// A profile that is about to be changed.
pub struct NewPassword {
    account: AccountId,
    alias: String,
    user: String,
    password: Option<String>,
    must_change: Option<bool>,
}

impl Handle<Iam> for UpdateLoginProfile {
    type Checked = NewPassword;

    async fn check(self, scene: &Scene<Iam>) -> Result<NewPassword, ApiError> {
        names::check_name("userName", &self.user_name, names::EXISTING)?;
        if let Some(password) = &self.password {
            check_length("password", password)?;
        }
        let caller = scene.caller.clone();
        let new = NewPassword {
            account: caller.account.clone(),
            alias: caller.alias.clone(),
            user: self.user_name,
            password: self.password,
            must_change: self.password_reset_required,
        };
        scene
            .people
            .work(move |people| {
                let login = find(&people.records, &new.account, &new.user)?;
                if let Some(password) = &new.password {
                    passwords::check_new(people, &caller.alias, &login, password)?;
                }
                Ok(new)
            })
            .await
    }

    async fn act(new: NewPassword, scene: &Scene<Iam>) -> Result<Nothing, ApiError> {
        let now = scene.clock.now();
        let work = move |people: &crate::people::People| {
            let hash = new.password.as_deref().map(|it| passwords::hash(people, it)).transpose()?;
            let records = &people.records;
            store::transact(&*records.engine, |batch| {
                let mut seen = find(records, &new.account, &new.user)?;
                let must_change = new.must_change.unwrap_or(seen.must_change);
                match &hash {
                    Some(hash) => {
                        passwords::replace(&mut seen.record, hash.clone(), must_change, now);
                        lockout::open(records, batch, &new.alias, &seen.user, now)?;
                    }
                    None => seen.record.must_change = must_change,
                }
                batch.replace(&seen)?;
                Ok::<_, ApiError>(())
            })?;
            Ok(Nothing {})
        };
        scene.people.work(work).await
    }
}

impl Changes for DeleteLoginProfile {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let account = scene.caller.account.clone();
        Ok(Change::new(move |records, batch, _| {
            batch.remove(&find(records, &account, &name)?);
            Ok(Nothing {})
        }))
    }
}

/// A password that its user changes.
pub struct OwnPassword {
    user: String,
    old: String,
    new: String,
}

impl Handle<Iam> for ChangePassword {
    type Checked = OwnPassword;

    async fn check(self, scene: &Scene<Iam>) -> Result<OwnPassword, ApiError> {
        check_length("oldPassword", &self.old_password)?;
        check_length("newPassword", &self.new_password)?;
        if scene.caller.authority.principal().kind == PrincipalKind::Role {
            let text = "Only users have passwords: a role's session has none to change";
            return Err(ApiError::new(ErrorCode::AccessDenied, text));
        }
        let (caller, user) = (scene.caller.clone(), scene.caller.user.clone());
        let own = OwnPassword { user, old: self.old_password, new: self.new_password };
        scene
            .people
            .work(move |people| {
                let login = find(&people.records, &caller.account, &own.user)?;
                let rules = passwords::rules_of(&people.records, &caller.account)?;
                let owner = login.user == crate::records::accounts::FIRST_USER;
                if !owner && rules.is_some_and(|rules| !rules.may_change) {
                    let text = "The users of this account may not change their passwords";
                    return Err(ApiError::new(ErrorCode::AccessDenied, text));
                }
                Ok(own)
            })
            .await
    }

    async fn act(own: OwnPassword, scene: &Scene<Iam>) -> Result<Nothing, ApiError> {
        let caller = scene.caller.clone();
        let work = move |people: &crate::people::People| {
            let records = &people.records;
            let login = find(records, &caller.account, &own.user)?;
            // Whoever holds a key and guesses the password is counted like any other.
            let tried = Tried::signed(&caller.alias, &own.user);
            let counted = lockout::begin(records, &tried, people.now())?;
            let right = passwords::matches(people, Some(&login.hash), &own.old);
            if !matches!(right, Ok(false)) {
                lockout::take_back(records, &counted)?;
            }
            if !right? {
                let text = "The old password is wrong";
                return Err(ApiError::new(ErrorCode::AccessDenied, text));
            }
            logging_in::exchange(people, &caller.alias, &login, &own.new)?;
            Ok(Nothing {})
        };
        scene.people.work(work).await
    }
}

impl Changes for UpdateAccountPasswordPolicy {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        for (at, value, least, most) in [
            ("minimumPasswordLength", self.minimum_password_length, LENGTH, 128),
            ("maxPasswordAge", self.max_password_age, 1, 1095),
            ("passwordReusePrevention", self.password_reuse_prevention, 1, 24),
        ] {
            let Some(value) = value.filter(|value| !(least..=most).contains(value)) else {
                continue;
            };
            let (than, bound) = if value < least { ("greater", least) } else { ("less", most) };
            let constraint = format!("Member must have value {than} than or equal to {bound}");
            return Err(violation(&value.to_string(), at, &constraint));
        }
        let rules = PasswordRules {
            account: scene.caller.account.clone(),
            min_length: self.minimum_password_length.unwrap_or(LENGTH),
            symbols: self.require_symbols,
            numbers: self.require_numbers,
            upper: self.require_uppercase_characters,
            lower: self.require_lowercase_characters,
            may_change: self.allow_users_to_change_password,
            max_age_days: self.max_password_age,
            reuse: self.password_reuse_prevention,
            hard_expiry: self.hard_expiry,
        };
        Ok(Change::new(move |records, batch, _| {
            match records.password_rules.get(rules.account.as_str())? {
                Some(mut seen) => {
                    seen.record = rules.clone();
                    batch.replace(&seen)?;
                }
                None => {
                    batch.insert(&rules)?;
                }
            }
            Ok(Nothing {})
        }))
    }
}

fn no_policy(account: &AccountId) -> ApiError {
    let text = format!("The Password Policy with domain name {account} cannot be found.");
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

impl Answer<Iam> for GetAccountPasswordPolicy {
    async fn answer(self, scene: &Scene<Iam>) -> Result<OnePasswordPolicy, ApiError> {
        let account = scene.caller.account.clone();
        scene
            .records
            .work(move |records| {
                let rules = passwords::rules_of(records, &account)?;
                let rules = rules.ok_or_else(|| no_policy(&account))?;
                Ok(OnePasswordPolicy {
                    password_policy: PasswordPolicy {
                        minimum_password_length: rules.min_length,
                        require_symbols: rules.symbols,
                        require_numbers: rules.numbers,
                        require_uppercase_characters: rules.upper,
                        require_lowercase_characters: rules.lower,
                        allow_users_to_change_password: rules.may_change,
                        expire_passwords: rules.max_age_days.is_some(),
                        max_password_age: rules.max_age_days,
                        password_reuse_prevention: rules.reuse,
                        hard_expiry: rules.hard_expiry,
                    },
                })
            })
            .await
    }
}

impl Changes for DeleteAccountPasswordPolicy {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        let account = scene.caller.account.clone();
        Ok(Change::new(move |records, batch, _| {
            let seen = records.password_rules.get(account.as_str())?;
            batch.remove(&seen.ok_or_else(|| no_policy(&account))?);
            Ok(Nothing {})
        }))
    }
}
