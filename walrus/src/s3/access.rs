//! Who may do what, pure.
//!
//! | wish | allowed to |
//! |---|---|
//! | list a bucket | its owner; everybody if it is public-read |
//! | write into or remove a bucket | its owner |
//! | read an object | who wrote it; the bucket's owner; everybody if the object is public-read |
//!
//! This is what buckets and objects say. What policies say of the caller comes before
//! ([`super::permit`]), and both must allow. Administrators of the cloud may do all of it. `aws-exec-read` and `ec2-bundle-read` let the
//! cloud itself read (the image door does), which gives no user anything. A caller without
//! credentials is nobody's owner.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::iam::Context;
use common::s3::permissions;

use crate::records::{Bucket, Object};

/// Whether the caller may list the bucket.
pub(crate) fn may_list(caller: Option<&Caller>, bucket: &Bucket) -> bool {
    bucket.acl.everybody_reads() || may_write(caller, bucket)
}

/// Whether the caller may learn that something is not there, from an operation that is no listing.
pub(crate) fn may_miss(caller: Option<&Caller>, bucket: &Bucket) -> bool {
    let arn = permissions::bucket_arn(&bucket.name);
    let allowed = |caller: &Caller| caller.authority.may("s3:ListBucket", &arn, &Context::new());
    may_list(caller, bucket) && caller.is_none_or(allowed)
}

/// Whether the caller may write into the bucket, or remove it.
pub(crate) fn may_write(caller: Option<&Caller>, bucket: &Bucket) -> bool {
    caller.is_some_and(|caller| caller.may_change(&bucket.owner.account))
}

/// Whether the caller may read the object.
pub(crate) fn may_read(caller: Option<&Caller>, bucket: &Bucket, object: &Object) -> bool {
    let owns = caller.is_some_and(|caller| caller.may_change(&object.owner.account));
    object.acl.everybody_reads() || owns || may_write(caller, bucket)
}

/// Turns a refusal into its error.
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn demand(allowed: bool) -> Result<(), ApiError> {
    if allowed { Ok(()) } else { Err(denied()) }
}

/// The refusal.
pub(crate) fn denied() -> ApiError {
    ApiError::new(ErrorCode::AccessDenied, "Access Denied")
}

#[cfg(test)]
mod tests {
    use common::s3::CannedAcl;

    use super::*;

    fn caller(account: &str, administrator: bool) -> Caller {
        Caller { administrator, ..Caller::owner(&account.parse().unwrap(), "a") }
    }

    #[test]
    fn the_table_holds() {
        let alice = caller("111111111111", false);
        let bob = caller("222222222222", false);
        let root = caller("000000000001", true);
        let people = [Some(&alice), Some(&bob), Some(&root), None];
        for (acl, everybody) in [
            (CannedAcl::Private, false),
            (CannedAcl::PublicRead, true),
            (CannedAcl::AwsExecRead, false),
            (CannedAcl::Ec2BundleRead, false),
        ] {
            let bucket = Bucket { acl, ..Bucket::sample("buck", "111111111111") };
            let object = Object { acl, ..Object::sample("buck", "key", "111111111111") };
            let lists = people.map(|who| may_list(who, &bucket));
            assert_eq!(lists, [true, everybody, true, everybody], "{acl:?}");
            assert_eq!(people.map(|who| may_write(who, &bucket)), [true, false, true, false]);
            let mut private = bucket.clone();
            private.acl = CannedAcl::Private;
            let reads = people.map(|who| may_read(who, &private, &object));
            assert_eq!(reads, [true, everybody, true, everybody], "{acl:?}");
            let mut open = bucket.clone();
            open.acl = CannedAcl::PublicRead;
            let mut hidden = object.clone();
            hidden.acl = CannedAcl::Private;
            let reads = people.map(|who| may_read(who, &open, &hidden));
            assert_eq!(reads, [true, false, true, false], "an open bucket opens no object");
        }
    }
}
