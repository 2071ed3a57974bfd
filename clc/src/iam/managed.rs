//! Managed policies: found by ARN, made, listed, removed, tagged.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Members, Moment, Nothing, Tag};
use common::euare::managed::{
    CreatePolicy, DeletePolicy, GetPolicy, ListPolicies, ListPolicyTags, OnePolicy, Policy,
    PolicyList, TagPolicy, UntagPolicy,
};
use common::euare::names::{
    POLICY, check_name, check_tag_keys, checked_path, checked_prefix, checked_tags, set_tags,
    take_tags, violation,
};
use common::euare::paging::Page;
use common::euare::tagging::TagList;
use common::iam::principal::unique_id;
use common::iam::{Arn, EntityName, managed};
use common::id::AccountId;
use common::time::Timestamp;
use store::{Batch, Seen};

use super::work::{Work, account, answers, works};
use super::{documents, limits, listing};
use crate::quota::identity::Kind;
use crate::records::{ManagedPolicy, PolicyVersion, Records, TagMap, Touched};
use crate::{quota, random};

/// The most characters of what a policy is for.
pub(super) const DESCRIPTION: usize = 1000;

/// A policy of the cloud's, which every account finds.
#[derive(Debug, Clone, Copy)]
pub(super) struct CloudPolicy {
    /// `AdministratorAccess`, or with a path before it: `job-function/ViewOnlyAccess`.
    place: &'static str,
    pub(super) text: &'static str,
}

impl CloudPolicy {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        managed::POLICIES.iter().map(|(place, text)| Self { place, text })
    }

    pub(super) fn arn(&self) -> String {
        format!("{}{}", managed::PREFIX, self.place)
    }

    pub(super) fn name(&self) -> &'static str {
        self.place.rsplit_once('/').map_or(self.place, |(_, name)| name)
    }

    pub(super) fn path(&self) -> String {
        self.place.rsplit_once('/').map_or("/".to_owned(), |(path, _)| format!("/{path}/"))
    }

    pub(super) fn id(&self) -> String {
        unique_id("ANPA", self.arn().as_bytes())
    }

    /// When there was no cloud yet.
    pub(super) fn made() -> Moment {
        Moment(Timestamp::from_secs(0))
    }
}

/// A managed policy that an account can use.
pub(super) enum Usable {
    Own(Box<Seen<ManagedPolicy>>),
    Cloud(CloudPolicy),
}

impl Usable {
    pub(super) fn arn(&self) -> String {
        match self {
            Self::Own(policy) => policy.arn(),
            Self::Cloud(policy) => policy.arn(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Own(policy) => &policy.name,
            Self::Cloud(policy) => policy.name(),
        }
    }

    pub(super) fn path(&self) -> String {
        match self {
            Self::Own(policy) => policy.path.clone(),
            Self::Cloud(policy) => policy.path(),
        }
    }

    /// As it is shown to an account; `whole` with what lists leave out. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn shown(
        &self,
        records: &Records,
        account: &AccountId,
        whole: bool,
    ) -> Result<Policy, ApiError> {
        let arn = self.arn();
        let (attached, bounded) = records.uses(account, &arn)?;
        let (policy_id, default_version, created, updated) = match self {
            Self::Own(it) => {
                (it.id.clone(), it.default_version, Moment(it.created), Moment(it.updated))
            }
            Self::Cloud(it) => (it.id(), 1, CloudPolicy::made(), CloudPolicy::made()),
        };
        let (description, tags) = match self {
            Self::Own(it) if whole => (Some(it.description.clone()), Tag::all(&it.tags)),
            Self::Cloud(_) if whole => {
                (managed::description(&arn).map(str::to_owned), Members::default())
            }
            Self::Own(_) | Self::Cloud(_) => (None, Members::default()),
        };
        Ok(Policy {
            policy_name: self.name().to_owned(),
            policy_id,
            path: self.path(),
            arn,
            default_version_id: format!("v{default_version}"),
            attachment_count: u32::try_from(attached).unwrap_or(u32::MAX),
            permissions_boundary_usage_count: u32::try_from(bounded).unwrap_or(u32::MAX),
            is_attachable: true,
            description,
            create_date: created,
            update_date: updated,
            tags,
        })
    }
}

/// The policy of an ARN, if the account has or finds it. Blocks.
///
/// # Errors
/// `InvalidInput` for what is no ARN.
pub(super) fn usable(
    records: &Records,
    account: &AccountId,
    arn: &str,
) -> Result<Option<Usable>, ApiError> {
    let strange = |_| ApiError::new(ErrorCode::InvalidInput, format!("ARN {arn} is not valid."));
    let parsed: Arn = arn.parse().map_err(strange)?;
    if let Some(policy) = CloudPolicy::all().find(|policy| policy.arn() == arn) {
        return Ok(Some(Usable::Cloud(policy)));
    }
    let Some((_, name)) = parsed.resource.rsplit_once('/') else { return Ok(None) };
    let seen = records.policies.get(&ManagedPolicy::key_of(account, name))?;
    Ok(seen.filter(|policy| policy.arn() == arn).map(|policy| Usable::Own(Box::new(policy))))
}

/// The same, which must be there. Blocks.
///
/// # Errors
/// `NoSuchEntity`.
pub(super) fn find(records: &Records, account: &AccountId, arn: &str) -> Result<Usable, ApiError> {
    usable(records, account, arn)?.ok_or_else(|| {
        ApiError::new(ErrorCode::NoSuchEntity, format!("Policy {arn} was not found."))
    })
}

/// The same, which must be the account's own, to be changed. Blocks.
///
/// # Errors
/// `UnmodifiableEntity` if it is the cloud's.
pub(super) fn own(
    records: &Records,
    account: &AccountId,
    arn: &str,
) -> Result<Seen<ManagedPolicy>, ApiError> {
    match find(records, account, arn)? {
        Usable::Own(policy) => Ok(*policy),
        Usable::Cloud(_) => {
            let text = format!("Policy {arn} belongs to the cloud and cannot be changed.");
            Err(ApiError::new(ErrorCode::UnmodifiableEntity, text))
        }
    }
}

/// Adds to a batch: a policy is as it is now.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(
    batch: &mut Batch,
    touched: &mut Touched,
    policy: &Seen<ManagedPolicy>,
) -> Result<(), ApiError> {
    batch.replace(policy)?;
    touched.note(EntityName::Policy(policy.arn()));
    Ok(())
}

/// Checks the text that says what something is for.
///
/// # Errors
/// `ValidationError`.
pub(super) fn check_description(text: &str) -> Result<(), ApiError> {
    if text.chars().count() > DESCRIPTION {
        let constraint = format!("Member must have length less than or equal to {DESCRIPTION}");
        return Err(violation("…", "description", &constraint));
    }
    let writable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    if !text.chars().all(writable) {
        let constraint = "Member must not hold control characters";
        return Err(violation("…", "description", constraint));
    }
    Ok(())
}

/// Checks the path of a policy, which has fewer characters to choose from than others: ARNs of
/// policies are parts of keys.
fn checked_policy_path(path: Option<&str>) -> Result<String, ApiError> {
    let path = checked_path("path", path)?;
    match path.chars().all(|c| c.is_ascii_alphanumeric() || "/.,+@=_-".contains(c)) {
        true => Ok(path),
        false => {
            let constraint =
                r"Member must satisfy regular expression pattern: ((/[A-Za-z0-9\.,\+@=_-]+)*)/";
            Err(violation(&path, "path", constraint))
        }
    }
}

/// A policy is made.
pub(super) struct Create(ManagedPolicy, Caller);

impl Create {
    fn new(caller: &Caller, it: CreatePolicy, now: Timestamp) -> Result<Self, ApiError> {
        check_name("policyName", &it.policy_name, POLICY)?;
        let path = checked_policy_path(it.path.as_deref())?;
        let description = it.description.unwrap_or_default();
        check_description(&description)?;
        documents::check_managed(&it.policy_document)?;
        Ok(Self(
            ManagedPolicy {
                account: caller.account.clone(),
                name: it.policy_name,
                id: unique_id("ANPA", &random::bytes::<16>()?),
                path,
                description,
                versions: [(1, PolicyVersion { document: it.policy_document, created: now })]
                    .into(),
                default_version: 1,
                last_version: 1,
                created: now,
                updated: now,
                tags: checked_tags(&it.tags)?,
            },
            caller.clone(),
        ))
    }
}

impl Work for Create {
    type Done = OnePolicy;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<OnePolicy, ApiError> {
        let Self(policy, caller) = self;
        let key = ManagedPolicy::key_of(&policy.account, &policy.name);
        if records.policies.get(&key)?.is_some() {
            let text = format!(
                "A policy called {} already exists. Duplicate names are not allowed.",
                policy.name
            );
            return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
        }
        quota::identity::admit(records, batch, caller, Kind::Policy)?;
        listing::check_room(
            &records.policies,
            &policy.account,
            limits::POLICIES,
            "PoliciesPerAccount",
        )?;
        batch.insert(policy)?;
        touched.note(EntityName::Policy(policy.arn()));
        let policy = Policy {
            policy_name: policy.name.clone(),
            policy_id: policy.id.clone(),
            arn: policy.arn(),
            path: policy.path.clone(),
            default_version_id: "v1".to_owned(),
            attachment_count: 0,
            permissions_boundary_usage_count: 0,
            is_attachable: true,
            description: Some(policy.description.clone()),
            create_date: Moment(policy.created),
            update_date: Moment(policy.updated),
            tags: Tag::all(&policy.tags),
        };
        Ok(OnePolicy { policy })
    }
}

/// A policy is removed.
pub(super) struct Delete {
    account: AccountId,
    arn: String,
}

impl Work for Delete {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let policy = own(records, &self.account, &self.arn)?;
        let conflict = |text: &str| Err(ApiError::new(ErrorCode::DeleteConflict, text));
        let (attached, bounded) = records.uses(&self.account, &self.arn)?;
        if attached > 0 {
            return conflict("Cannot delete a policy attached to entities.");
        }
        if bounded > 0 {
            return conflict("Cannot delete a policy that is a permissions boundary.");
        }
        if policy.versions.len() > 1 {
            return conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
            );
        }
        batch.remove(&policy);
        touched.note(EntityName::Policy(self.arn.clone()));
        Ok(Nothing {})
    }
}

/// Tags of a policy are changed.
pub(super) struct Retag {
    account: AccountId,
    arn: String,
    set: TagMap,
    take: Vec<String>,
}

impl Work for Retag {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut policy = own(records, &self.account, &self.arn)?;
        set_tags(&mut policy.record.tags, self.set.clone())?;
        take_tags(&mut policy.record.tags, &self.take);
        write(batch, touched, &policy)?;
        Ok(Nothing {})
    }
}

works! {
    CreatePolicy: |it, scene| Create::new(&scene.caller, it, scene.clock.now());
    DeletePolicy: |it, scene| {
        Ok::<_, ApiError>(Delete { account: account(scene), arn: it.policy_arn })
    };
    TagPolicy: |it, scene| checked_tags(&it.tags).map(|set| {
        Retag { account: account(scene), arn: it.policy_arn, set, take: Vec::new() }
    });
    UntagPolicy: |it, scene| check_tag_keys(&it.tag_keys).map(|()| Retag {
        account: account(scene),
        arn: it.policy_arn,
        set: TagMap::new(),
        take: it.tag_keys,
    });
}

/// Which policies a listing shows.
struct Wanted {
    own: bool,
    cloud: bool,
    attached: bool,
    bounding: bool,
    path: String,
}

impl Wanted {
    fn of(it: &ListPolicies) -> Result<Self, ApiError> {
        let (own, cloud) = match it.scope.as_deref() {
            None | Some("All") => (true, true),
            Some("Local") => (true, false),
            Some("AWS") => (false, true),
            Some(other) => {
                let constraint = "Member must satisfy enum value set: [All, AWS, Local]";
                return Err(violation(other, "scope", constraint));
            }
        };
        // Who has a policy as it is asked for has it attached, too.
        let (attached, bounding) = match listing::usage(it.policy_usage_filter.as_deref())? {
            listing::Usage::Any => (it.only_attached, it.only_attached),
            listing::Usage::Permissions => (true, false),
            listing::Usage::Boundary => (false, true),
        };
        let path = checked_prefix(it.path_prefix.as_deref())?;
        Ok(Self { own, cloud, attached, bounding, path })
    }

    fn shows(&self, policy: &Policy) -> bool {
        let used = policy.attachment_count > 0 && self.attached
            || policy.permissions_boundary_usage_count > 0 && self.bounding;
        policy.path.starts_with(&self.path) && (used || !self.attached && !self.bounding)
    }
}

fn list(it: &ListPolicies, account: &AccountId, records: &Records) -> Result<PolicyList, ApiError> {
    let wanted = Wanted::of(it)?;
    let named = |text: &Option<String>| text.clone().unwrap_or_default();
    let (scope, filter) = (named(&it.scope), named(&it.policy_usage_filter));
    let attached = it.only_attached.to_string();
    let listing = ["policies", account.as_str(), &scope, &filter, &attached, &wanted.path];
    let page = Page::new(&listing, it.marker.as_deref(), it.max_items)?;
    let after = page.after().unwrap_or_default();
    // The account's own come first, by their keys; the cloud's have keys behind all of them.
    let prefix = format!("{account}/");
    let behind = after.strip_prefix("own/").map(|key| format!("{prefix}{key}"));
    let own = (wanted.own && !after.starts_with("the cloud's/"))
        .then(|| records.policies.all_behind(&prefix, behind.as_deref()))
        .into_iter()
        .flatten()
        .map(|seen| {
            let seen = seen?;
            let key = format!("own/{}", seen.key().trim_start_matches(&prefix));
            Ok::<_, ApiError>((key, Usable::Own(Box::new(seen))))
        });
    let mut cloud: Vec<_> = CloudPolicy::all()
        .filter(|_| wanted.cloud)
        .map(|policy| (format!("the cloud's/{}", policy.place), Usable::Cloud(policy)))
        .filter(|(key, _)| key.as_str() > after)
        .collect();
    cloud.sort_by(|(one, _), (other, _)| one.cmp(other));
    let rows = own.chain(cloud.into_iter().map(Ok)).map(|row| {
        let (key, policy) = row?;
        Ok::<_, ApiError>((key, policy.shown(records, account, false)?))
    });
    let rows = rows.filter(|row| row.as_ref().map_or(true, |(_, policy)| wanted.shows(policy)));
    let filled = page.fill(rows)?;
    Ok(PolicyList {
        policies: filled.items,
        is_truncated: filled.is_truncated,
        marker: filled.marker,
    })
}

answers! {
    GetPolicy => |it: GetPolicy, account: &AccountId, records: &Records| {
        let policy = find(records, account, &it.policy_arn)?.shown(records, account, true)?;
        Ok(OnePolicy { policy })
    };
    ListPolicies => |it: ListPolicies, account: &AccountId, records: &Records| {
        list(&it, account, records)
    };
    ListPolicyTags => |it: ListPolicyTags, account: &AccountId, records: &Records| {
        let tags = match find(records, account, &it.policy_arn)? {
            Usable::Own(policy) => policy.tags.clone(),
            Usable::Cloud(_) => TagMap::new(),
        };
        let listing = ["tags", account.as_str(), &it.policy_arn];
        listing::tags(&listing, &tags, it.marker.as_deref(), it.max_items)
            as Result<TagList, ApiError>
    };
}
