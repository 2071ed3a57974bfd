//! Versions of managed policies.

use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Moment, Nothing};
use common::euare::names::violation;
use common::euare::paging::Page;
use common::euare::versions::{
    CreatePolicyVersion, DeletePolicyVersion, GetPolicyVersion, ListPolicyVersions, OneVersion,
    PolicyVersion, SetDefaultPolicyVersion, VersionList,
};
use common::id::AccountId;
use common::time::Timestamp;
use store::{Batch, Seen};

use super::managed::{CloudPolicy, Usable, find, own, write};
use super::work::{Work, account, answers, works};
use super::{documents, limits};
use crate::records::{self, ManagedPolicy, Records, Touched};

/// The number of a version by its id.
fn number(id: &str) -> Result<u32, ApiError> {
    let digits = id.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']));
    let number = digits.and_then(|digits| digits.parse::<u32>().ok());
    number.ok_or_else(|| {
        let constraint =
            r"Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";
        let beginning: String = id.chars().take(64).collect();
        violation(&beginning, "versionId", constraint)
    })
}

fn unknown(arn: &str, id: &str) -> ApiError {
    let text = format!("Policy {arn} version {id} does not exist or is not attachable.");
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

/// A version as it is shown, with its text or without.
pub(super) fn shown(policy: &ManagedPolicy, number: u32, whole: bool) -> Option<PolicyVersion> {
    let version = policy.versions.get(&number)?;
    Some(PolicyVersion {
        document: whole.then(|| documents::written(&version.document)),
        version_id: format!("v{number}"),
        is_default_version: number == policy.default_version,
        create_date: Moment(version.created),
    })
}

/// The only version of a policy of the cloud's.
pub(super) fn cloud(policy: CloudPolicy, whole: bool) -> PolicyVersion {
    PolicyVersion {
        document: whole.then(|| documents::written(policy.text)),
        version_id: "v1".to_owned(),
        is_default_version: true,
        create_date: CloudPolicy::made(),
    }
}

/// All versions of a policy, the newest first.
pub(super) fn all(policy: &Usable, whole: bool) -> Vec<PolicyVersion> {
    match policy {
        Usable::Own(policy) => {
            let numbers = policy.versions.keys().rev();
            numbers.filter_map(|number| shown(policy, *number, whole)).collect()
        }
        Usable::Cloud(policy) => vec![cloud(*policy, whole)],
    }
}

/// A version is added.
pub(super) struct Create {
    account: AccountId,
    arn: String,
    text: String,
    default: bool,
    now: Timestamp,
}

impl Work for Create {
    type Done = OneVersion;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<OneVersion, ApiError> {
        let mut policy = own(records, &self.account, &self.arn)?;
        let it = &mut policy.record;
        if it.versions.len() >= limits::VERSIONS_PER_POLICY {
            let text = "A managed policy can have up to 5 versions. Before you create a new \
                        version, you must delete an existing version.";
            return Err(ApiError::new(ErrorCode::LimitExceeded, text));
        }
        it.last_version += 1;
        let number = it.last_version;
        let version = records::PolicyVersion { document: self.text.clone(), created: self.now };
        it.versions.insert(number, version);
        if self.default {
            (it.default_version, it.updated) = (number, self.now);
        }
        write(batch, touched, &policy)?;
        let mut told = shown(&policy, number, false).ok_or_else(|| unknown(&self.arn, "new"))?;
        told.document = None;
        Ok(OneVersion { policy_version: told })
    }
}

/// Another version counts.
pub(super) struct SetDefault {
    account: AccountId,
    arn: String,
    number: u32,
    now: Timestamp,
}

impl Work for SetDefault {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut policy = with_version(records, &self.account, &self.arn, self.number)?;
        if policy.default_version != self.number {
            (policy.record.default_version, policy.record.updated) = (self.number, self.now);
            write(batch, touched, &policy)?;
        }
        Ok(Nothing {})
    }
}

/// A version is removed.
pub(super) struct Delete {
    account: AccountId,
    arn: String,
    number: u32,
}

impl Work for Delete {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut policy = with_version(records, &self.account, &self.arn, self.number)?;
        if policy.default_version == self.number {
            let text = "Cannot delete the default version of a policy.";
            return Err(ApiError::new(ErrorCode::DeleteConflict, text));
        }
        policy.record.versions.remove(&self.number);
        write(batch, touched, &policy)?;
        Ok(Nothing {})
    }
}

fn with_version(
    records: &Records,
    account: &AccountId,
    arn: &str,
    number: u32,
) -> Result<Seen<ManagedPolicy>, ApiError> {
    let policy = own(records, account, arn)?;
    match policy.versions.contains_key(&number) {
        true => Ok(policy),
        false => Err(unknown(arn, &format!("v{number}"))),
    }
}

works! {
    CreatePolicyVersion: |it, scene| documents::check_managed(&it.policy_document)
        .map(|()| Create {
            account: account(scene),
            arn: it.policy_arn,
            text: it.policy_document,
            default: it.set_as_default,
            now: scene.clock.now(),
        });
    SetDefaultPolicyVersion: |it, scene| number(&it.version_id).map(|number| {
        SetDefault {
            account: account(scene),
            arn: it.policy_arn,
            number,
            now: scene.clock.now(),
        }
    });
    DeletePolicyVersion: |it, scene| number(&it.version_id).map(|number| {
        Delete { account: account(scene), arn: it.policy_arn, number }
    });
}

answers! {
    GetPolicyVersion => |it: GetPolicyVersion, account: &AccountId, records: &Records| {
        let asked = number(&it.version_id)?;
        let found = match find(records, account, &it.policy_arn)? {
            Usable::Own(policy) => shown(&policy, asked, true),
            Usable::Cloud(policy) => (asked == 1).then(|| cloud(policy, true)),
        };
        let policy_version = found.ok_or_else(|| unknown(&it.policy_arn, &it.version_id))?;
        Ok(OneVersion { policy_version })
    };
    ListPolicyVersions => |it: ListPolicyVersions, account: &AccountId, records: &Records| {
        let policy = find(records, account, &it.policy_arn)?;
        let listing = ["versions", account.as_str(), &it.policy_arn];
        let page = Page::new(&listing, it.marker.as_deref(), it.max_items)?;
        // The newest first: the keys of the listing fall as the numbers rise.
        let keyed = |version: PolicyVersion| {
            let number = number(&version.version_id).unwrap_or_default();
            (format!("{:010}", u32::MAX - number), version)
        };
        let filled = page.cut(all(&policy, false).into_iter().map(keyed));
        Ok(VersionList {
            versions: filled.items,
            is_truncated: filled.is_truncated,
            marker: filled.marker,
        })
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_from_one() {
        assert_eq!(number("v1").unwrap(), 1);
        assert_eq!(number("v4294967295").unwrap(), u32::MAX);
        for bad in ["", "v", "1", "v0", "v01", "v+1", "v-1", "V1", "v1.x", "v4294967296", "v1 "] {
            assert_eq!(number(bad).unwrap_err().code(), ErrorCode::ValidationError, "{bad}");
        }
    }
}
