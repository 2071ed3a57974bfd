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
use common::wire::identity::Certificates;
use store::{Batch, StoreError};

use super::certificates::{self, Made};
use super::credentials::{self, Endpoints, Told};
use crate::random;
use crate::records::accounts::{CLOUD_KEY, FIRST_USER};
use crate::records::{AccessKey, Account, Certificate, Records, Touched, User};
use common::wire::admin::CredentialFiles;

/// New credentials of a user, of which the private key is kept nowhere.
pub struct Issued {
    account: Account,
    access_key: AccessKey,
    certificate: Certificate,
    made: Made,
}

impl Issued {
    /// Makes credentials for the first user of an account; commits nothing.
    ///
    /// # Errors
    /// If keys cannot be made.
    pub fn make(account: Account, now: Timestamp) -> Result<Self, ApiError> {
        let made = certificates::make(&account.alias, "User", now)?;
        let access_key = AccessKey {
            id: random::access_key_id()?,
            secret: random::secret_key()?,
            account: account.number.clone(),
            user: FIRST_USER.to_owned(),
            created: now,
            active: true,
        };
        let certificate = Certificate {
            id: format!("{:08x}", u32::from_be_bytes(random::bytes()?)),
            account: account.number.clone(),
            user: FIRST_USER.to_owned(),
            pem: made.certificate.clone(),
            created: now,
            active: true,
            deleted: false,
        };
        Ok(Self { account, access_key, certificate, made })
    }

    /// Adds the credentials to a batch.
    ///
    /// # Errors
    /// If a record cannot be written.
    pub fn add_to(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<(), StoreError> {
        batch.insert(&self.access_key)?;
        let AccessKey { id, account, user, .. } = &self.access_key;
        batch.point(&records.keys_of, &format!("{account}/{user}/{id}"), id);
        touched.note(EntityName::AccessKey(id.clone()));
        batch.insert(&self.certificate)?;
        touched.note(self.certificate.entity_name());
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
        let told = Told {
            alias: &self.account.alias,
            account: self.account.number.as_str(),
            access_key: &self.access_key.id,
            secret: &self.access_key.secret,
            certificate_id: &self.certificate.id,
            certificate: &self.certificate.pem,
            private_key: &self.made.key_pkcs1()?,
            cloud_certificate,
        };
        let files = credentials::files(&told, endpoints);
        Ok(CredentialFiles { account: self.account.number.clone(), files })
    }
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
    let Account { number, alias, created, .. } = &issued.account;
    batch.insert(&issued.account)?;
    batch.claim(&records.aliases, &alias.to_ascii_lowercase(), number.as_str());
    let id = unique_id("AIDA", format!("{number}/{FIRST_USER}").as_bytes());
    batch.insert(&User::new(number.clone(), FIRST_USER, "/", id, *created))?;
    touched.note(EntityName::Account(number.clone()));
    touched.note(EntityName::user(number, FIRST_USER));
    issued.add_to(records, batch, touched)
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
    if records.aliases.get(&alias.to_ascii_lowercase())?.is_some() {
        return Err(taken());
    }
    let account = Account {
        number: AccountId::from_random(random::bytes()?),
        alias: alias.to_owned(),
        enabled: true,
        created: now,
        policies: PolicySet::default(),
    };
    let issued = Issued::make(account, now)?;
    let files = issued.files(&cloud_certificate(records)?, endpoints)?;
    records.change_identity(|batch, touched| {
        if records.aliases.get(&alias.to_ascii_lowercase())?.is_some() {
            return Err(taken());
        }
        insert(records, batch, touched, &issued)?;
        Ok(())
    })?;
    Ok(files)
}

/// Makes new credentials for a user; the old ones stay good.
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
    let issued = Issued::make(account, now)?;
    let files = issued.files(&cloud_certificate(records)?, endpoints)?;
    records.change_identity(|batch, touched| Ok(issued.add_to(records, batch, touched)?))?;
    Ok(files)
}

/// The account of a name, in any case. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is none.
pub fn find(records: &Records, alias: &str) -> Result<Account, ApiError> {
    let unknown = || ApiError::invalid("the user name", format!("there is no user '{alias}'"));
    let row = records.aliases.get(&alias.to_ascii_lowercase())?.ok_or_else(unknown)?;
    Ok(records.accounts.get(&row.value)?.ok_or_else(unknown)?.record)
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

/// The certificates that are or were good for an account, newest first. The account is what a
/// manifest says, so it may be anything.
///
/// # Errors
/// If the store fails.
pub fn certificates(records: &Records, account: &str) -> Result<Certificates, ApiError> {
    let unknown = Certificates { known: false, pem: Vec::new() };
    let Ok(account) = account.parse::<AccountId>() else { return Ok(unknown) };
    if records.accounts.get(account.as_str())?.is_none() {
        return Ok(unknown);
    }
    let mut found = Vec::new();
    for seen in records.certificates.all(&format!("{account}/")) {
        found.push(seen?.record);
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
