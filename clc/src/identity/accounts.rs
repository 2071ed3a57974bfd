//! Accounts made, listed, enabled; new credentials for a user; whose a key is.
//!
//! All functions block: they read and commit records.

use common::error::{ApiError, ErrorCode};
use common::iam::EntityName;
use common::iam::entity::PolicySet;
use common::iam::principal::unique_id;
use common::id::AccountId;
use common::name;
use common::time::Timestamp;
use common::wire::admin::UserView;
use common::wire::identity::{Certificates, Holder};
use store::{Batch, Seen, StoreError};

use super::certificates::{self, Made};
use super::credentials::{self, Endpoints, Told, ToldCertificates};
use crate::random;
use crate::records::accounts::{CLOUD_KEY, FIRST_USER};
use crate::records::{AccessKey, Account, Certificate, Records, Touched, User};
use common::wire::admin::CredentialFiles;

/// Credentials of the owner of an account, of which the private key is kept nowhere.
pub struct Issued {
    account: Account,
    access_key: AccessKey,
    key_is_new: bool,
    certificate: Option<(Certificate, Made)>,
}

impl Issued {
    /// Makes an access key and a certificate; commits nothing.
    ///
    /// # Errors
    /// If keys cannot be made.
    pub fn make(account: Account, now: Timestamp) -> Result<Self, ApiError> {
        let access_key = new_key(&account, now)?;
        let certificate = Some(new_certificate(&account, now)?);
        Ok(Self { account, access_key, key_is_new: true, certificate })
    }

    /// Takes the newest access key that may be used, or makes one, and makes a certificate if it is
    /// wanted; commits nothing. Blocks.
    ///
    /// # Errors
    /// If the store fails or keys cannot be made.
    pub fn renew(
        records: &Records,
        account: Account,
        certified: bool,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let newest = newest_key(records, &account.number)?;
        let key_is_new = newest.is_none();
        let access_key = match newest {
            Some(key) => key,
            None => new_key(&account, now)?,
        };
        let certificate = certified.then(|| new_certificate(&account, now)).transpose()?;
        Ok(Self { account, access_key, key_is_new, certificate })
    }

    /// Adds what is new of the credentials to a batch.
    ///
    /// # Errors
    /// If a record cannot be written.
    pub fn add_to(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<(), StoreError> {
        if self.key_is_new {
            batch.insert(&self.access_key)?;
            let id = &self.access_key.id;
            batch.point(&records.keys_of, &self.access_key.row(), id);
            touched.note(EntityName::AccessKey(id.clone()));
        }
        if let Some((certificate, _)) = &self.certificate {
            batch.insert(certificate)?;
            touched.note(certificate.entity_name());
        }
        Ok(())
    }

    /// The files that the user gets.
    ///
    /// # Errors
    /// If the key cannot be written.
    pub fn files(
        &self,
        cloud_certificate: &str,
        endpoints: &Endpoints,
    ) -> Result<CredentialFiles, ApiError> {
        let own = self.certificate.as_ref();
        let own = own.map(|(it, made)| made.key_pkcs1().map(|key| (it, key))).transpose()?;
        let told = Told {
            alias: &self.account.alias,
            account: self.account.number.as_str(),
            access_key: &self.access_key.id,
            secret: &self.access_key.secret,
            certificates: own.as_ref().map(|(it, private_key)| ToldCertificates {
                id: &it.id,
                certificate: &it.pem,
                private_key,
                cloud: cloud_certificate,
            }),
        };
        let files = credentials::files(&told, endpoints);
        Ok(CredentialFiles { account: self.account.number.clone(), files })
    }
}

/// How many certificates that were made for zips an account's owner is shown at most. Each zip makes
/// one; what an older one has signed stays good.
pub const MOST_CERTIFICATES: usize = 100;

fn new_key(account: &Account, now: Timestamp) -> Result<AccessKey, ApiError> {
    Ok(AccessKey {
        id: random::access_key_id()?,
        secret: random::secret_key()?,
        account: account.number.clone(),
        user: FIRST_USER.to_owned(),
        created: now,
        active: true,
        // Nobody takes the place of an account's owner.
        holder: String::new(),
    })
}

fn new_certificate(account: &Account, now: Timestamp) -> Result<(Certificate, Made), ApiError> {
    let made = certificates::make(&account.alias, "User", now)?;
    let certificate = Certificate {
        id: format!("{:08x}", u32::from_be_bytes(random::bytes()?)),
        account: account.number.clone(),
        user: FIRST_USER.to_owned(),
        pem: made.certificate.clone(),
        created: now,
        active: true,
        deleted: false,
        by_iam: false,
    };
    Ok((certificate, made))
}

fn newest_key(records: &Records, account: &AccountId) -> Result<Option<AccessKey>, ApiError> {
    let mut newest: Option<AccessKey> = None;
    for row in records.keys_of.rows(&format!("{}/", User::key_of(account, FIRST_USER)), None, 64) {
        let Some(key) = records.access_keys.get(&row?.value)? else { continue };
        let later = newest.as_ref().is_none_or(|newest| newest.created <= key.created);
        if key.active && later {
            newest = Some(key.record);
        }
    }
    Ok(newest)
}

/// Adds to a batch: the oldest certificates that were made for zips go from the list of those of an
/// account's owner, so that there is room for one more. What they have signed stays good.
fn retire(records: &Records, batch: &mut Batch, account: &AccountId) -> Result<(), ApiError> {
    let mut own = Vec::new();
    for seen in records.certificates.all(&format!("{account}/")) {
        let seen = seen?;
        if !seen.deleted && !seen.by_iam && seen.user == FIRST_USER {
            own.push(seen);
        }
    }
    own.sort_by_key(|seen| seen.created);
    let over = (own.len() + 1).saturating_sub(MOST_CERTIFICATES);
    for mut seen in own.into_iter().take(over) {
        (seen.record.deleted, seen.record.active) = (true, false);
        batch.replace(&seen)?;
    }
    Ok(())
}

/// Adds a new account with its first user and credentials to a batch; its alias must be free.
///
/// # Errors
/// If a record cannot be written.
pub fn insert(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    issued: &Issued,
) -> Result<(), StoreError> {
    insert_bare(records, batch, touched, &issued.account)?;
    issued.add_to(records, batch, touched)
}

/// Adds a new account with its first user, who has no credentials, to a batch; its alias must be
/// free.
///
/// # Errors
/// If a record cannot be written.
pub fn insert_bare(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    account: &Account,
) -> Result<(), StoreError> {
    let Account { number, alias, created, .. } = account;
    batch.insert(account)?;
    batch.claim(&records.aliases, &alias.to_ascii_lowercase(), number.as_str());
    let id = unique_id("AIDA", format!("{number}/{FIRST_USER}").as_bytes());
    batch.insert(&User::new(number.clone(), FIRST_USER, "/", id, *created))?;
    touched.note(EntityName::Account(number.clone()));
    touched.note(EntityName::user(number, FIRST_USER));
    Ok(())
}

/// Whether a name that an account shall have means another one already: an account by its name, any
/// account by its number, or an administrator of the cloud, who is called by a name as accounts are.
/// `own` is the account that shall have it, if there is one. Blocks.
///
/// # Errors
/// If the store fails.
pub fn is_taken(
    records: &Records,
    name: &str,
    own: Option<&AccountId>,
) -> Result<bool, StoreError> {
    let is_own = |number: &str| own.is_some_and(|own| own.as_str() == number);
    if name.parse::<AccountId>().is_ok() && !is_own(name) {
        return Ok(true);
    }
    let account = records.aliases.get(&name.to_ascii_lowercase())?;
    if account.is_some_and(|row| !is_own(&row.value)) {
        return Ok(true);
    }
    let user = records.users.get(&User::key_of(&AccountId::cloud(), name))?;
    Ok(user.is_some_and(|user| !user.is_owner()))
}

/// Registers a user: an account of that name with its credentials.
///
/// # Errors
/// `InvalidParameterValue` for a name that breaks the rules or is taken.
pub fn register(
    records: &Records,
    endpoints: &Endpoints,
    alias: &str,
    now: Timestamp,
) -> Result<CredentialFiles, ApiError> {
    name::check_account_name(alias).map_err(|error| ApiError::invalid("the user name", error))?;
    let taken = || ApiError::invalid("the user name", format!("'{alias}' is taken already"));
    // Making keys takes long; a name that is taken is refused before.
    if is_taken(records, alias, None)? {
        return Err(taken());
    }
    let account = Account::new(AccountId::from_random(random::bytes()?), alias, now);
    let issued = Issued::make(account, now)?;
    let files = issued.files(&cloud_certificate(records)?, endpoints)?;
    records.change_identity(|batch, touched| {
        if is_taken(records, alias, None)? {
            return Err(taken());
        }
        insert(records, batch, touched, &issued)?;
        Ok(())
    })?;
    Ok(files)
}

/// Makes credentials of an account as they are wanted. Blocks.
///
/// # Errors
/// As [`Issued::renew`]; `InvalidParameterValue` if the account goes meanwhile.
pub fn issue(
    records: &Records,
    endpoints: &Endpoints,
    account: Account,
    certified: bool,
    now: Timestamp,
) -> Result<CredentialFiles, ApiError> {
    let (number, alias) = (account.number.clone(), account.alias.clone());
    let issued = Issued::renew(records, account, certified, now)?;
    let files = issued.files(&cloud_certificate(records)?, endpoints)?;
    records.change_identity(|batch, touched| {
        // An account that is deleted meanwhile gets no keys behind its back.
        let seen = records.accounts.get(number.as_str())?;
        batch.hold(&seen.ok_or_else(|| unknown(&alias))?);
        if certified {
            retire(records, batch, &number)?;
        }
        Ok(issued.add_to(records, batch, touched)?)
    })?;
    Ok(files)
}

/// Makes new credentials for a user, with the access key that they have if it may be used; the old
/// ones stay good.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user.
pub fn renew(
    records: &Records,
    endpoints: &Endpoints,
    alias: &str,
    now: Timestamp,
) -> Result<CredentialFiles, ApiError> {
    let account = find(records, alias)?;
    issue(records, endpoints, account, true, now)
}

/// The account of a name, in any case. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is none.
pub fn find(records: &Records, alias: &str) -> Result<Account, ApiError> {
    Ok(read(records, alias)?.record)
}

/// The account of a name, in any case, or of a number, as it was read, to be changed. A number leads
/// to its account, whatever another one calls itself. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is none.
pub fn read(records: &Records, alias: &str) -> Result<Seen<Account>, ApiError> {
    if let Ok(number) = alias.parse::<AccountId>()
        && let Some(seen) = records.accounts.get(number.as_str())?
    {
        return Ok(seen);
    }
    let row = records.aliases.get(&alias.to_ascii_lowercase())?.ok_or_else(|| unknown(alias))?;
    records.accounts.get(&row.value)?.ok_or_else(|| unknown(alias))
}

fn unknown(alias: &str) -> ApiError {
    ApiError::invalid("the user name", format!("there is no user '{alias}'"))
}

/// All accounts, the cloud's own first, then by name.
///
/// # Errors
/// If the store fails.
pub fn list(records: &Records) -> Result<Vec<UserView>, ApiError> {
    let mut views = Vec::new();
    for seen in records.accounts.all("") {
        let Account { number, alias, enabled, .. } = seen?.record;
        views.push(UserView { name: alias, account: number, enabled });
    }
    let cloud = AccountId::cloud();
    views.sort_by_key(|view| (view.account != cloud, view.name.to_ascii_lowercase()));
    Ok(views)
}

/// Lets a user use the cloud, or nothing of it.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user; `OperationNotPermitted` for disabling the
/// cloud's own account, which nobody could undo.
pub fn enable(records: &Records, alias: &str, enabled: bool) -> Result<(), ApiError> {
    let account = find(records, alias)?;
    if account.number == AccountId::cloud() && !enabled {
        let text = "The cloud's own account cannot be disabled";
        return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
    }
    records.change_identity(|batch, touched| {
        let Some(mut seen) = records.accounts.get(account.number.as_str())? else { return Ok(()) };
        seen.record.enabled = enabled;
        batch.replace(&seen)?;
        touched.note(EntityName::Account(account.number.clone()));
        Ok(())
    })
}

/// Who has an access key, of those whom no policy limits: owners of accounts and administrators of the
/// cloud, who are all that the version before had. Blocks.
///
/// # Errors
/// If the store fails.
pub fn holder(records: &Records, id: &str) -> Result<Option<Holder>, ApiError> {
    let Some(key) = records.access_keys.get(id)?.filter(|key| key.active) else { return Ok(None) };
    let account = records.accounts.get(key.account.as_str())?.filter(|it| it.is_usable());
    let Some(account) = account else { return Ok(None) };
    let user = records.users.get(&User::key_of(&key.account, &key.user))?;
    let administrator = key.account == AccountId::cloud();
    // A policy may deny an administrator something, too.
    let free = |user: &User| {
        user.is_owner()
            || administrator
                && user.groups.is_empty()
                && user.policies == PolicySet::default()
                && user.boundary.is_none()
    };
    if !user.is_some_and(|user| user.enabled && free(&user)) {
        return Ok(None);
    }
    let AccessKey { id, secret, account: number, user, .. } = key.record;
    let alias = account.record.alias;
    Ok(Some(Holder { id, secret, account: number, alias, user, administrator }))
}

/// The certificates that are or were good for an account, newest first. The account is what a
/// manifest says, so it may be anything.
///
/// # Errors
/// If the store fails.
pub fn certificates(records: &Records, account: &str) -> Result<Certificates, ApiError> {
    let unknown = Certificates { known: false, pem: Vec::new() };
    let Ok(account) = account.parse::<AccountId>() else { return Ok(unknown) };
    let known = records.accounts.get(account.as_str())?.is_some();
    let mut found = Vec::new();
    for seen in records.certificates.all(&format!("{account}/")) {
        found.push(seen?.record);
    }
    // Of an account that was deleted those stay that signed bundles which another has now.
    if !known && found.is_empty() {
        return Ok(unknown);
    }
    found.sort_by_key(|certificate| std::cmp::Reverse(certificate.created));
    Ok(Certificates { known: true, pem: found.into_iter().map(|c| c.pem).collect() })
}

/// The cloud's certificate, PEM.
///
/// # Errors
/// If the store fails or holds none, which only a start that never ended leaves behind.
pub fn cloud_certificate(records: &Records) -> Result<String, ApiError> {
    let seen = records.cloud_keys.get(CLOUD_KEY)?;
    let seen = seen.ok_or_else(|| {
        ApiError::new(ErrorCode::InternalError, "The cloud has no certificate yet")
    })?;
    Ok(seen.record.certificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::tests::people;

    #[test]
    fn another_zip_is_never_refused() {
        let people = people();
        let (records, number) = (&people.records, AccountId::from_random([7; 8]));
        let certificate = |at: u64, by_iam| Certificate {
            id: format!("{at:08x}"),
            account: number.clone(),
            user: FIRST_USER.to_owned(),
            pem: String::new(),
            created: Timestamp::from_millis(i64::try_from(at).unwrap()),
            active: true,
            deleted: false,
            by_iam,
        };
        for at in 0..105 {
            records.certificates.insert(certificate(at, at < 5)).unwrap();
        }
        store::transact(&*records.engine, |batch| retire(records, batch, &number)).unwrap();
        let all = records.certificates.all(&format!("{number}/"));
        let gone: Vec<_> =
            all.map(|seen| seen.unwrap().record).filter(|it| it.deleted).map(|it| it.id).collect();
        assert_eq!(gone, ["00000005"], "the oldest that was made for a zip");
        let found = certificates(records, number.as_str()).unwrap().pem.len();
        assert_eq!(found, 105, "what they signed can be verified");
    }
}
