//! Users, as 2.0 counts them: every account is one, and so is every administrator of the cloud
//! beside the first, who is a user inside the cloud's own account.

use common::action::Caller;
use common::administration::accounts::{
    AddUser, DeleteUser, DescribeUsers, EnableUser, User, Users, user_arn,
};
use common::administration::{Done, Entries};
use common::error::ApiError;
use common::iam::{Context, PrincipalKind};
use common::id::AccountId;
use common::wire::admin::Belongings;
use common::wire::people::{Contact, DeletionView, Registered, Standing, ZipKind};
use runtime::actor::{Answer, Handle, Scene};

use super::{Paths, administrators};
use crate::identity::{accounts, certificates};
use crate::people::registering::{self, NewPerson};
use crate::people::{People, credentials, deletion};
use crate::records::accounts::FIRST_USER;
use crate::records::{AccessKey, Certificate, Records, User as Recorded};

/// What 2.0 says of a user of whom no mail address is known.
const NO_ADDRESS: &str = "N/A";

/// Whom a name means.
pub enum Named {
    /// An account.
    Account,
    /// A user of the cloud's own account, by the name on record.
    Administrator(String),
}

impl Named {
    /// Finds whom a name means. Blocks.
    ///
    /// # Errors
    /// `InvalidParameterValue` if there is nobody of that name, or if an account and an administrator
    /// have it, of whom one would be taken for the other.
    pub fn find(records: &Records, name: &str) -> Result<Self, ApiError> {
        match (accounts::find(records, name), administrators::find(records, name)?) {
            (Ok(_), None) => Ok(Self::Account),
            (Err(_), Some(user)) => Ok(Self::Administrator(user.name)),
            (Err(nobody), None) => Err(nobody),
            (Ok(account), Some(_)) => {
                let why = format!(
                    "'{name}' is the account {} and a user inside the cloud's own account: give one \
                     of them another name by UpdateUser or CreateAccountAlias",
                    account.number
                );
                Err(ApiError::invalid("the user name", why))
            }
        }
    }
}

impl Handle<Paths> for AddUser {
    type Checked = (NewPerson, bool);

    async fn check(self, scene: &Scene<Paths>) -> Result<Self::Checked, ApiError> {
        let admin = self.admin.unwrap_or_default();
        let email = self.email.filter(|it| !it.eq_ignore_ascii_case(NO_ADDRESS));
        let contact = Contact { email: email.unwrap_or_default(), ..Contact::default() };
        let new = NewPerson { name: self.user_name, contact, ..NewPerson::default() };
        if admin && !new.contact.email.is_empty() {
            let why = "mail addresses are kept of accounts, not of users inside the cloud's own";
            return Err(ApiError::invalid("Email", why));
        }
        scene
            .people
            .work(move |people| {
                registering::check_name(&new.name)?;
                if accounts::is_taken(&people.records, &new.name, None)? {
                    let why = format!("'{}' is taken already", new.name);
                    return Err(ApiError::invalid("UserName", why));
                }
                Ok((new, admin))
            })
            .await
    }

    async fn act((new, admin): Self::Checked, scene: &Scene<Paths>) -> Result<Done, ApiError> {
        scene
            .people
            .work(move |people| {
                if admin {
                    administrators::add(people, &new.name)?;
                    return Ok(Done {});
                }
                registering::add(people, &new)?;
                // A user of 2.0 has an access key from the beginning.
                credentials::files(people, &new.name, ZipKind::Keys)?;
                Ok(Done {})
            })
            .await
    }
}

impl Handle<Paths> for DeleteUser {
    type Checked = (String, Named, Belongings);

    async fn check(self, scene: &Scene<Paths>) -> Result<Self::Checked, ApiError> {
        let (word, heir) = (self.belongings.as_deref(), self.heir.as_deref());
        let belongings = Belongings::read(("Belongings", word), ("Heir", heir))?;
        let name = self.user_name;
        let caller = scene.caller.user.clone();
        scene
            .people
            .work(move |people| {
                let named = Named::find(&people.records, &name)?;
                if let Named::Administrator(user) = &named
                    && user.eq_ignore_ascii_case(&caller)
                {
                    let why = "nobody deletes themselves";
                    return Err(ApiError::invalid("UserName", why));
                }
                Ok((name, named, belongings))
            })
            .await
    }

    async fn act(
        (name, named, belongings): Self::Checked,
        scene: &Scene<Paths>,
    ) -> Result<Done, ApiError> {
        match named {
            Named::Account => {
                deletion::delete(&scene.people, &scene.walrus, &name, belongings).await?;
            }
            Named::Administrator(user) => {
                let remove = move |people: &People| administrators::remove(&people.records, &user);
                scene.people.work(remove).await?;
            }
        }
        Ok(Done {})
    }
}

impl Handle<Paths> for EnableUser {
    type Checked = (String, bool);

    async fn check(self, scene: &Scene<Paths>) -> Result<Self::Checked, ApiError> {
        let name = self.user_name.clone();
        scene.people.work(move |people| Named::find(&people.records, &name).map(drop)).await?;
        Ok((self.user_name, self.enabled))
    }

    async fn act((name, enabled): Self::Checked, scene: &Scene<Paths>) -> Result<Done, ApiError> {
        scene
            .people
            .work(move |people| {
                match Named::find(&people.records, &name)? {
                    Named::Account => registering::enable(people, &name, enabled).map(drop)?,
                    Named::Administrator(user) => {
                        administrators::enable(&people.records, &user, enabled)?;
                    }
                }
                Ok(Done {})
            })
            .await
    }
}

impl Answer<Paths> for DescribeUsers {
    async fn answer(self, scene: &Scene<Paths>) -> Result<Users, ApiError> {
        let caller = scene.caller.clone();
        scene.people.work(move |people| described(people, &caller, &self.user_names)).await
    }
}

/// Whether somebody is told the secrets of a user: to read them is to become that user, so it wants
/// the permission that making credentials wants; the cloud's owner, whom no policy limits, is told
/// to nobody else.
pub(super) fn may_become(caller: &Caller, user: &Named, name: &str) -> bool {
    let of_the_cloud = match user {
        Named::Account => name.eq_ignore_ascii_case(&caller.alias),
        Named::Administrator(_) => false,
    };
    let is_owner = caller.authority.principal().kind == PrincipalKind::Owner;
    (is_owner || !of_the_cloud)
        && caller.authority.may("eucalypt:GetCredentials", &user_arn(name), &Context::new())
}

fn described(people: &People, caller: &Caller, names: &[String]) -> Result<Users, ApiError> {
    let records = &people.records;
    let mut users = Vec::new();
    if names.is_empty() {
        for it in registering::list(people)? {
            users.push(account(records, it, false)?);
        }
        for it in administrators::list(records)? {
            users.push(administrator(records, it, false)?);
        }
    }
    for name in names {
        let named = Named::find(records, name)?;
        let told = may_become(caller, &named, name);
        users.push(match named {
            Named::Account => account(records, registering::find(people, name)?, told)?,
            Named::Administrator(name) => match administrators::find(records, &name)? {
                Some(it) => administrator(records, it, told)?,
                None => continue,
            },
        });
    }
    Ok(Users { users: users.into() })
}

/// An account as 2.0 shows a user; the secret of its key only if it is `told`.
fn account(records: &Records, it: Registered, told: bool) -> Result<User, ApiError> {
    let shown = User {
        admin: it.account == AccountId::cloud(),
        confirmed: it.standing == Standing::Confirmed,
        enabled: it.enabled && it.leaving.is_none(),
        deletion: it.deletion.as_ref().map(DeletionView::line),
        registration: match it.leaving {
            Some(_) => "leaving".to_owned(),
            None => it.standing.to_string(),
        },
        email: match it.contact.email.as_str() {
            "" => NO_ADDRESS.to_owned(),
            address => address.to_owned(),
        },
        groups: Entries::from(it.zone_groups),
        account: it.account.to_string(),
        user_name: it.name,
        ..User::default()
    };
    with_credentials(records, shown, &it.account, FIRST_USER, told)
}

/// A user of the cloud's own account as 2.0 shows an administrator.
fn administrator(records: &Records, it: Recorded, told: bool) -> Result<User, ApiError> {
    let shown = User {
        user_name: it.name.clone(),
        account: it.account.to_string(),
        admin: true,
        confirmed: true,
        enabled: it.enabled,
        registration: Standing::Confirmed.to_string(),
        email: NO_ADDRESS.to_owned(),
        ..User::default()
    };
    with_credentials(records, shown, &it.account, &it.name, told)
}

fn with_credentials(
    records: &Records,
    mut shown: User,
    account: &AccountId,
    user: &str,
    told: bool,
) -> Result<User, ApiError> {
    if let Some(key) = newest_key(records, account, user)? {
        shown.access_key = key.id;
        if told {
            shown.secret_key = key.secret;
        }
    }
    let mut good: Option<Certificate> = None;
    for seen in records.certificates.all(&format!("{account}/")) {
        let it = seen?.record;
        if !it.user.eq_ignore_ascii_case(user) {
            continue;
        }
        if it.deleted || !it.active {
            shown.revoked.entry.push(it.id);
        } else if good.as_ref().is_none_or(|newest| newest.created <= it.created) {
            good = Some(it);
        }
    }
    if let Some(it) = good {
        shown.distinguished_name = certificates::subject(&it.pem).unwrap_or_default();
        shown.certificate_serial = it.id;
    }
    Ok(shown)
}

/// The newest access key of a user that may be used.
fn newest_key(
    records: &Records,
    account: &AccountId,
    user: &str,
) -> Result<Option<AccessKey>, ApiError> {
    let mut newest: Option<AccessKey> = None;
    for row in records.keys_of.rows(&format!("{}/", Recorded::key_of(account, user)), None, 64) {
        let Some(key) = records.access_keys.get(&row?.value)? else { continue };
        if key.active && newest.as_ref().is_none_or(|newest| newest.created <= key.created) {
            newest = Some(key.record);
        }
    }
    Ok(newest)
}
