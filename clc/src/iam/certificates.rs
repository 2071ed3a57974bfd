//! Signing certificates: CreateSigningCertificate, UploadSigningCertificate,
//! ListSigningCertificates, UpdateSigningCertificate, DeleteSigningCertificate.
//!
//! ```text
//!   made, uploaded ─▶ active ◀─▶ inactive ─▶ deleted
//! ```
//! Several may be active at once. Whatever becomes of a certificate, it stays on record, because
//! bundles that were signed with it stay good.

use common::error::{ApiError, ErrorCode};
use common::euare::access_keys::Status;
use common::euare::certificates::{
    Certificate as View, Certificates, CreateSigningCertificate, CreatedCertificate,
    DeleteSigningCertificate, KeyedCertificate, ListSigningCertificates, OneCertificate,
    UpdateSigningCertificate, UploadSigningCertificate,
};
use common::euare::elements::{Moment, Nothing};
use common::euare::names;
use common::euare::paging::Page;
use common::iam::EntityName;
use common::iam::principal::unique_id;
use common::id::AccountId;
use common::time::Timestamp;
use runtime::actor::{Answer, Handle, Scene};
use runtime::pool;
use store::{Batch, Seen};

use super::change::{Change, Changes, changes};
use super::{Iam, belongings, limits, users};
use crate::identity::certificates::{self, Made};
use crate::identity::uploaded;
use crate::random;
use crate::records::{Certificate, Records, Touched, User};
use crate::settings;

changes!(DeleteSigningCertificate, UpdateSigningCertificate, UploadSigningCertificate);

/// The id by which IAM's clients know a certificate, who want 24 characters at least: the one of its
/// file's name, and 17 more that follow from it.
fn told_id(certificate: &Certificate) -> String {
    unique_id(&certificate.id.to_ascii_uppercase(), certificate.pem.as_bytes())
}

/// A user's certificate, by either id. Blocks.
fn find(records: &Records, user: &User, id: &str) -> Result<Seen<Certificate>, ApiError> {
    let short = id.get(..8).unwrap_or(id).to_ascii_lowercase();
    let own = |seen: &Seen<Certificate>| {
        let named = seen.id.eq_ignore_ascii_case(id) || told_id(seen) == id;
        named && !seen.deleted && seen.user.eq_ignore_ascii_case(&user.name)
    };
    let seen = records.certificates.get(&format!("{}/{short}", user.account))?.filter(own);
    seen.ok_or_else(|| {
        let text = format!("The Certificate with id {id} cannot be found.");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    })
}

fn check_id(id: &str) -> Result<(), ApiError> {
    names::check_length("certificateId", id, 128)?;
    match id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        true => Ok(()),
        false => {
            let rule = r"Member must satisfy regular expression pattern: [\w]+";
            Err(names::violation(id, "certificateId", rule))
        }
    }
}

fn told(it: &Certificate) -> View {
    View {
        user_name: it.user.clone(),
        certificate_id: told_id(it),
        certificate_body: it.pem.clone(),
        status: Status::of(it.active),
        upload_date: Moment(it.created),
    }
}

/// Refuses one more certificate that may be used, of those that IAM made. Blocks.
fn room(records: &Records, user: &User) -> Result<(), ApiError> {
    let mut own = belongings::certificates(records, user)?;
    own.retain(|it| it.by_iam);
    let active = own.iter().filter(|it| it.active).count();
    let most = settings::number(records, settings::CERTIFICATES_PER_USER)?;
    limits::room(active, most, &user.name, "CertificatesPerUser")?;
    let most = limits::CERTIFICATES_PER_USER;
    limits::room(own.len(), most, &user.name, "CertificatesPerUser, active or not")
}

/// Adds a certificate to a batch. Blocks.
fn keep(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    user: &User,
    pem: &str,
    now: Timestamp,
) -> Result<Certificate, ApiError> {
    room(records, user)?;
    let certificate = Certificate {
        id: free_id(records, &user.account)?,
        account: user.account.clone(),
        user: user.name.clone(),
        pem: pem.to_owned(),
        created: now,
        active: true,
        deleted: false,
        by_iam: true,
    };
    batch.insert(&certificate)?;
    touched.note(certificate.entity_name());
    touched.note(EntityName::user(&user.account, &user.name));
    Ok(certificate)
}

/// An id that no certificate of the account has. There are few of them, so it is drawn once almost
/// always.
fn free_id(records: &Records, account: &AccountId) -> Result<String, ApiError> {
    loop {
        let id = format!("{:08x}", u32::from_be_bytes(random::bytes()?));
        if records.certificates.get(&format!("{account}/{id}"))?.is_none() {
            return Ok(id);
        }
    }
}

/// A certificate that can be made.
pub struct NewCertificate {
    user: String,
    account: AccountId,
}

impl Handle<Iam> for CreateSigningCertificate {
    type Checked = NewCertificate;

    async fn check(self, scene: &Scene<Iam>) -> Result<NewCertificate, ApiError> {
        let user = users::meant(scene, self.user_name.as_deref())?;
        let account = scene.caller.account.clone();
        // Making a key takes long; a user that may have no more is refused before.
        scene
            .records
            .work(move |records| {
                let seen = users::find(records, &account, &user)?;
                room(records, &seen)?;
                Ok(NewCertificate { user, account })
            })
            .await
    }

    async fn act(new: NewCertificate, scene: &Scene<Iam>) -> Result<CreatedCertificate, ApiError> {
        let NewCertificate { user: name, account } = new;
        let now = scene.clock.now();
        let common_name = name.clone();
        let made = pool::block(move || certificates::make(&common_name, "User", now)).await??;
        let private_key = made.key_pkcs1()?;
        let Made { certificate: pem, .. } = made;
        let change = Change::new(move |records, batch, touched| {
            let user = users::find(records, &account, &name)?;
            keep(records, batch, touched, &user, &pem, now)
        });
        let it = told(&change.done(scene).await?);
        Ok(CreatedCertificate {
            certificate: KeyedCertificate {
                user_name: it.user_name,
                certificate_id: it.certificate_id,
                certificate_body: it.certificate_body,
                status: it.status,
                upload_date: it.upload_date,
                private_key,
            },
        })
    }
}

impl Changes for UploadSigningCertificate {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<OneCertificate>, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        names::check_length("certificateBody", &self.certificate_body, 16384)?;
        let pem = uploaded::read(&self.certificate_body)?;
        let (account, now) = (scene.caller.account.clone(), scene.clock.now());
        Ok(Change::new(move |records, batch, touched| {
            let user = users::find(records, &account, &name)?;
            for seen in records.certificates.all(&format!("{account}/")) {
                let seen = seen?;
                if !seen.deleted && uploaded::same(&seen.pem, &pem) {
                    let text =
                        format!("The certificate is that of the user {} already.", seen.user);
                    return Err(ApiError::new(ErrorCode::DuplicateCertificate, text));
                }
            }
            let kept = keep(records, batch, touched, &user, &pem, now)?;
            Ok(OneCertificate { certificate: told(&kept) })
        }))
    }
}

impl Answer<Iam> for ListSigningCertificates {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Certificates, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let account = scene.caller.account.clone();
        let key = User::key_of(&account, &name);
        let listing = ["ListSigningCertificates", key.as_str()];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        scene
            .records
            .work(move |records| {
                let user = users::find(records, &account, &name)?;
                let own = belongings::certificates(records, &user)?;
                let filled = page.cut(own.iter().map(|it| (it.id.clone(), told(it))));
                let (is_truncated, marker) = (filled.is_truncated, filled.marker);
                Ok(Certificates { certificates: filled.items, is_truncated, marker })
            })
            .await
    }
}

impl Changes for UpdateSigningCertificate {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        check_id(&self.certificate_id)?;
        let name = users::meant(scene, self.user_name.as_deref())?;
        let (account, id) = (scene.caller.account.clone(), self.certificate_id);
        let active = self.status == Status::Active;
        Ok(Change::new(move |records, batch, touched| {
            let user = users::find(records, &account, &name)?;
            let mut seen = find(records, &user, &id)?;
            if active && !seen.active && seen.by_iam {
                room(records, &user)?;
            }
            seen.record.active = active;
            batch.replace(&seen)?;
            touched.note(EntityName::user(&account, &name));
            Ok(Nothing {})
        }))
    }
}

impl Changes for DeleteSigningCertificate {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        check_id(&self.certificate_id)?;
        let name = users::meant(scene, self.user_name.as_deref())?;
        let (account, id) = (scene.caller.account.clone(), self.certificate_id);
        Ok(Change::new(move |records, batch, touched| {
            let user = users::find(records, &account, &name)?;
            let mut seen = find(records, &user, &id)?;
            seen.record.deleted = true;
            seen.record.active = false;
            batch.replace(&seen)?;
            touched.note(EntityName::user(&account, &name));
            Ok(Nothing {})
        }))
    }
}
