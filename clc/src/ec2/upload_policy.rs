//! Whose objects a bundle becomes, and by whose leave.
//!
//! A caller stores into their own buckets by their own request. Into another account's only with
//! that account's word: an upload policy in base64, signed by the secret of one of its access keys.
//! What such a policy says holds for the caller's own key, too. It is held against the names and
//! sizes that a bundle will have, and its date against the moment of the request: how long the task
//! then takes is not the caller's doing.

use common::action::Caller;
use common::ec2::bundle_tasks::S3Storage;
use common::error::{ApiError, ErrorCode};
use common::iam::directory::credential;
use common::iam::{Authority, Context};
use common::s3::post_policy::{Fields, Policy};
use common::s3::{CannedAcl, Owner};
use common::sign::PolicyClaim;
use common::time::Timestamp;
use common::wire::bundling::BundlePlace;

use crate::identity::directory::RecordedDirectory;
use crate::records::Records;

/// The largest part of a bundle, in bytes.
const PART: u64 = 10 << 20;

/// The lists that a bundle may have, the one that is taken if all are allowed first.
const LISTS: [CannedAcl; 4] =
    [CannedAcl::Ec2BundleRead, CannedAcl::AwsExecRead, CannedAcl::Private, CannedAcl::PublicRead];

/// Whose objects a bundle becomes, and who may read them. Blocks.
///
/// # Errors
/// `MissingParameter` for a policy without its key or signature, or another's key without a policy;
/// `AuthFailure` if the signature is not that of the key, or its owner may not store there; as [`Policy::read`] and
/// [`Policy::check`].
pub fn leave(
    records: &Records,
    asked: &S3Storage,
    caller: &Caller,
    place: &BundlePlace,
    now: Timestamp,
) -> Result<(Owner, CannedAcl), ApiError> {
    let own = Owner { account: caller.account.clone(), alias: caller.alias.clone() };
    let directory = RecordedDirectory::new(records.clone());
    let holder = |key: &str| credential(&directory, key, None, now);
    let (key, policy) = (asked.access_key_id.as_deref(), asked.upload_policy.as_deref());
    let Some(policy) = policy else {
        if asked.upload_policy_signature.is_some() {
            return Err(ApiError::missing("Storage.S3.UploadPolicy"));
        }
        let whose = key.map(holder).transpose()?;
        let whose =
            whose.map(|found| found.map(|found| found.authority.principal().account.clone()));
        if whose.is_none_or(|account| account.as_ref() == Some(&own.account)) {
            may_write(&caller.authority, place)?;
            return Ok((own, LISTS[0]));
        }
        let text = "Storage.S3.AWSAccessKeyId is not yours: Storage.S3.UploadPolicy and \
                    Storage.S3.UploadPolicySignature must tell what its owner allows";
        return Err(ApiError::new(ErrorCode::AuthFailure, text));
    };
    let Some(signature) = asked.upload_policy_signature.as_deref() else {
        return Err(ApiError::missing("Storage.S3.UploadPolicySignature"));
    };
    let Some(key) = key else {
        return Err(ApiError::missing("Storage.S3.AWSAccessKeyId"));
    };
    // The same whether there is no such key or it signs otherwise.
    let unproven = || {
        let text = "Storage.S3.UploadPolicySignature is not a signature of Storage.S3.UploadPolicy \
                    by the secret of Storage.S3.AWSAccessKeyId";
        ApiError::new(ErrorCode::AuthFailure, text)
    };
    let claim = PolicyClaim::v2(key, policy, signature).map_err(|_| unproven())?;
    let signer = holder(claim.access_key_id())?.ok_or_else(unproven)?;
    claim.verify(&signer.secret).map_err(|_| unproven())?;
    let acl = admitted(&Policy::read(policy)?, place, now)?;
    may_write(&signer.authority, place)?;
    let account = signer.authority.principal().account.clone();
    Ok((Owner { account, alias: signer.alias }, acl))
}

/// Refuses a bundle whose owner could not have stored it himself.
fn may_write(owner: &Authority, place: &BundlePlace) -> Result<(), ApiError> {
    let bucket = place.bucket.as_str();
    for key in [place.manifest(), place.part(0)] {
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        if !owner.may("s3:PutObject", &resource, &Context::new()) {
            let who = owner.principal().arn();
            let text = format!("{who} is not authorized to perform: s3:PutObject on {resource}");
            return Err(ApiError::new(ErrorCode::AuthFailure, text));
        }
    }
    Ok(())
}

/// The access control list with which a policy admits a bundle.
fn admitted(policy: &Policy, place: &BundlePlace, now: Timestamp) -> Result<CannedAcl, ApiError> {
    if let Some(sizes) = policy.sizes() {
        sizes.check(1)?;
        sizes.check(PART)?;
    }
    let admits = |acl: CannedAcl| {
        for key in [place.manifest(), place.part(0)] {
            let mut fields = Fields::default();
            fields.add("bucket", place.bucket.as_str())?;
            fields.add("acl", acl.as_str())?;
            fields.add("key", key)?;
            policy.check(&fields, now)?;
        }
        Ok::<_, ApiError>(acl)
    };
    let first = admits(LISTS[0]);
    // If it admits none it is the first list's error that is told.
    LISTS[1..].iter().fold(first, |found, acl| found.or_else(|told| admits(*acl).map_err(|_| told)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::s3::post_policy::for_bundle;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn policy(conditions: &str) -> Policy {
        use base64::Engine as _;
        let text = format!(
            r#"{{"expiration":"{}","conditions":[{conditions}]}}"#,
            NOW.plus(Duration::from_secs(60)).iso()
        );
        Policy::read(&base64::engine::general_purpose::STANDARD.encode(text)).unwrap()
    }

    fn place() -> BundlePlace {
        BundlePlace::new("buck".parse().unwrap(), "a/img").unwrap()
    }

    #[test]
    fn a_policy_admits_what_it_names() {
        let bucket = place().bucket;
        let later = NOW.plus(Duration::from_secs(1));
        for acl in CannedAcl::ALL {
            let policy = Policy::read(&for_bundle(&bucket, "a/img", acl, later)).unwrap();
            assert_eq!(admitted(&policy, &place(), NOW).unwrap(), acl);
            assert_eq!(
                admitted(&policy, &place(), later).unwrap_err().code(),
                ErrorCode::AccessDenied
            );
        }
        for (conditions, admits) in [
            (r#"{"bucket":"buck"},["starts-with","$acl",""],["starts-with","$key","a/"]"#, true),
            (r#"{"bucket":"other"},["starts-with","$acl",""],["starts-with","$key","a/"]"#, false),
            (r#"{"bucket":"buck"},["starts-with","$acl",""],["starts-with","$key","b"]"#, false),
            (
                r#"{"bucket":"buck"},["starts-with","$acl",""],["eq","$key","a/img.manifest.xml"]"#,
                false,
            ),
            (r#"{"bucket":"buck"},{"acl":"public-read-write"},["starts-with","$key",""]"#, false),
            (r#"{"bucket":"buck"},["starts-with","$key",""]"#, false),
            (
                r#"{"bucket":"buck"},["starts-with","$acl",""],["starts-with","$key",""],
                   ["content-length-range",0,10485760]"#,
                true,
            ),
            (
                r#"{"bucket":"buck"},["starts-with","$acl",""],["starts-with","$key",""],
                   ["content-length-range",0,10485759]"#,
                false,
            ),
        ] {
            let found = admitted(&policy(conditions), &place(), NOW);
            assert_eq!(found.is_ok(), admits, "{conditions}: {found:?}");
        }
    }
}
