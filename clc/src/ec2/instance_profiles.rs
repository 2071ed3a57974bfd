//! Instance profiles of instances: at a launch, and associated, exchanged and taken away later.
//!
//! A profile is a wish like others: it is recorded, and the reconciler of the instance's node gives
//! the guest credentials of its role, or takes them away. Whoever gives an instance a role must be
//! let pass it on (`iam:PassRole`), or a launch would be a way to more than one may.

use common::action::Caller;
use common::ec2::instance_profiles::{
    AssociateIamInstanceProfile, Associated, Association as View, Associations,
    DescribeIamInstanceProfileAssociations, DisassociateIamInstanceProfile, ProfileName,
    ReplaceIamInstanceProfileAssociation,
};
use common::ec2::types::IsoTime;
use common::error::{ApiError, ErrorCode};
use common::iam::Arn;
use common::id::{AccountId, InstanceId};
use common::time::Timestamp;
use runtime::actor::{Answer, Handle, Scene};
use store::Seen;

use super::filters::{Field, Filters};
use super::ids;
use super::instances::{Instances, named, profile};
use super::listing::Listing;
use super::paging::{Asked, Page};
use crate::random;
use crate::records::{Association, Instance, InstanceProfile, Records, Role, Wanted};

/// A new association with a profile.
///
/// # Errors
/// If the system has no random bytes.
pub fn association(profile: &InstanceProfile, now: Timestamp) -> Result<Association, ApiError> {
    let mut digits = hex::encode(random::bytes::<9>()?);
    digits.truncate(17);
    Ok(Association {
        id: format!("iip-assoc-{digits}"),
        arn: profile.arn(),
        profile: profile.id.clone(),
        name: profile.name.clone(),
        since: now,
    })
}

/// The profile of that name in an account, if the caller may give its role to an instance. Blocks.
///
/// # Errors
/// `InvalidParameterValue`, `InvalidParameterCombination`, `UnauthorizedOperation`.
pub fn given(
    records: &Records,
    caller: &Caller,
    account: &AccountId,
    name: &ProfileName,
) -> Result<Seen<InstanceProfile>, ApiError> {
    let profile = find(records, account, name)?;
    let role = match &profile.role {
        Some(role) => records.roles.get(&Role::key_of(account, role))?,
        None => None,
    };
    let Some(role) = role else {
        let why = format!("the instance profile {} has no role", profile.arn());
        return Err(ApiError::invalid("IamInstanceProfile", why));
    };
    caller.may_pass(&role.arn(), "ec2.amazonaws.com").map_err(|denied| {
        let text = "You are not authorized to perform this operation";
        ApiError::new(ErrorCode::UnauthorizedOperation, format!("{text}. {}", denied.text()))
    })?;
    Ok(profile)
}

fn find(
    records: &Records,
    account: &AccountId,
    name: &ProfileName,
) -> Result<Seen<InstanceProfile>, ApiError> {
    let invalid = |at: &str, value: &str, what: &str| {
        let why = format!("'{value}' is no {what} of an instance profile of the account");
        ApiError::invalid(at, why)
    };
    let look = |name: &str| records.profiles.get(&InstanceProfile::key_of(account, name));
    match (&name.arn, &name.name) {
        (Some(_), Some(_)) => {
            let text = "The parameter IamInstanceProfile.Name may not be used in combination with \
                        IamInstanceProfile.Arn";
            Err(ApiError::new(ErrorCode::InvalidParameterCombination, text))
        }
        (None, None) => Err(ApiError::missing("IamInstanceProfile.Name")),
        (None, Some(name)) => {
            look(name)?.ok_or_else(|| invalid("IamInstanceProfile.Name", name, "name"))
        }
        (Some(arn), None) => {
            let refused = || invalid("IamInstanceProfile.Arn", arn, "ARN");
            let parsed: Arn = arn.parse().map_err(|_| refused())?;
            let (_, last) = parsed.resource.rsplit_once('/').ok_or_else(refused)?;
            look(last)?.filter(|profile| profile.arn() == *arn).ok_or_else(refused)
        }
    }
}

/// An association as it is shown.
fn shown(instance: &Instance, association: &Association, state: &str) -> View {
    View {
        association_id: association.id.clone(),
        instance_id: instance.id.to_string(),
        iam_instance_profile: profile(association),
        state: state.to_owned(),
        timestamp: IsoTime(association.since),
    }
}

/// Whether a profile can be given to an instance or taken away.
fn changeable(instance: &Instance) -> Result<(), ApiError> {
    if instance.wanted != Wanted::Terminated && instance.lives() {
        return Ok(());
    }
    let text = format!("The instance '{}' has ended or is about to", instance.id);
    Err(ApiError::new(ErrorCode::IncorrectInstanceState, text))
}

/// The instance and its association of that id, if the caller may change them. Blocks.
fn associated(
    records: &Records,
    caller: &Caller,
    id: &str,
) -> Result<(Seen<Instance>, Association), ApiError> {
    let unknown = || {
        let text = format!("The association ID '{id}' does not exist");
        ApiError::new(ErrorCode::InvalidAssociationIdNotFound, text)
    };
    let row = match id.len() {
        0..=64 => records.associations.get(&id.to_ascii_lowercase())?.ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    let seen = records.instances.get(&row.value)?.ok_or_else(unknown)?;
    let association = seen.profile.clone().ok_or_else(unknown)?;
    // One that is about to end has lost it.
    if !caller.may_change(&seen.account) || changeable(&seen).is_err() {
        return Err(unknown());
    }
    Ok((seen, association))
}

/// What is to become of an instance's profile.
pub enum Change {
    /// This instance is given this one.
    Give(InstanceId, ProfileName),
    /// In the place of this association comes one with this profile.
    Exchange(String, ProfileName),
    /// This association ends.
    End(String),
}

/// The change, made on the instance as it was read. Blocks.
fn changed(
    records: &Records,
    caller: &Caller,
    change: &Change,
    now: Timestamp,
) -> Result<(Seen<Instance>, Instance), ApiError> {
    let (mut seen, name) = match change {
        Change::Give(id, name) => {
            let found = named(records, std::slice::from_ref(id), caller)?.pop();
            let seen = found.ok_or_else(|| ids::no_instances(std::slice::from_ref(id)))?;
            changeable(&seen)?;
            if let Some(association) = &seen.profile {
                let text = format!(
                    "There is an existing association for instance {id}: {}",
                    association.id
                );
                return Err(ApiError::new(ErrorCode::IncorrectState, text));
            }
            (seen, Some(name))
        }
        Change::Exchange(id, name) => (associated(records, caller, id)?.0, Some(name)),
        Change::End(id) => (associated(records, caller, id)?.0, None),
    };
    let before = seen.record.clone();
    let association = match name {
        Some(name) => {
            let profile = given(records, caller, &before.account, name)?;
            Some(association(&profile, now)?)
        }
        None => None,
    };
    seen.record.associate(association);
    Ok((seen, before))
}

/// Commits the change; answers the association that was made or ended.
async fn change(scene: &Scene<Instances>, change: Change) -> Result<Associated, ApiError> {
    let (caller, now) = (scene.caller.clone(), scene.clock.now());
    let done = scene.records.work(move |records| {
        let (done, _) = store::transact(&*records.engine, |batch| {
            let (seen, before) = changed(records, &caller, &change, now)?;
            records.unpoint(batch, &before);
            records.point(batch, &seen);
            batch.replace(&seen)?;
            Ok::<_, ApiError>((seen.record, before))
        })?;
        Ok(done)
    });
    let (instance, before) = done.await?;
    scene.wakers.node(&instance.node);
    let made = instance.profile.as_ref().map(|association| (association, "associating"));
    let ended = before.profile.as_ref().map(|association| (association, "disassociating"));
    let (association, state) = made.or(ended).ok_or_else(|| {
        ApiError::new(ErrorCode::InternalError, "Nothing was associated and nothing taken apart")
    })?;
    let association = shown(&instance, association, state);
    Ok(Associated { iam_instance_profile_association: association })
}

async fn check(scene: &Scene<Instances>, change: Change) -> Result<Change, ApiError> {
    let (caller, now) = (scene.caller.clone(), scene.clock.now());
    let checked = scene.records.work(move |records| {
        changed(records, &caller, &change, now)?;
        Ok(change)
    });
    checked.await
}

impl Handle<Instances> for AssociateIamInstanceProfile {
    type Checked = Change;

    async fn check(self, scene: &Scene<Instances>) -> Result<Change, ApiError> {
        let id = ids::instance(&self.instance_id)?;
        check(scene, Change::Give(id, self.iam_instance_profile)).await
    }

    async fn act(wanted: Change, scene: &Scene<Instances>) -> Result<Associated, ApiError> {
        change(scene, wanted).await
    }
}

impl Handle<Instances> for ReplaceIamInstanceProfileAssociation {
    type Checked = Change;

    async fn check(self, scene: &Scene<Instances>) -> Result<Change, ApiError> {
        check(scene, Change::Exchange(self.association_id, self.iam_instance_profile)).await
    }

    async fn act(wanted: Change, scene: &Scene<Instances>) -> Result<Associated, ApiError> {
        change(scene, wanted).await
    }
}

impl Handle<Instances> for DisassociateIamInstanceProfile {
    type Checked = Change;

    async fn check(self, scene: &Scene<Instances>) -> Result<Change, ApiError> {
        check(scene, Change::End(self.association_id)).await
    }

    async fn act(wanted: Change, scene: &Scene<Instances>) -> Result<Associated, ApiError> {
        change(scene, wanted).await
    }
}

const FILTERS: &[Field<View>] =
    &[("instance-id", |it| vec![it.instance_id.clone()]), ("state", |it| vec![it.state.clone()])];

impl Answer<Instances> for DescribeIamInstanceProfileAssociations {
    async fn answer(self, scene: &Scene<Instances>) -> Result<Associations, ApiError> {
        let (caller, wanted) = (scene.caller.clone(), self.association_id);
        let filters = Filters::new(&self.filter, FILTERS)?;
        let page = Page::new(
            &("DescribeIamInstanceProfileAssociations", &caller.account, &self.filter),
            Asked {
                max_results: self.max_results,
                next_token: self.next_token.as_deref(),
                named_by: (!wanted.is_empty()).then_some("AssociationId"),
            },
        )?;
        let instances = scene.state();
        let (found, next_token) = scene
            .records
            .work(move |records| {
                let view = |(key, it): (String, Instance)| {
                    let association = it.profile.as_ref()?;
                    changeable(&it).ok()?;
                    let view = shown(&it, association, instances.state_of(&it));
                    filters.admit(&view).then_some((key, view))
                };
                if wanted.is_empty() {
                    let rows = Listing::Of(caller.account.clone()).rows(records, &page)?;
                    return page.fill(rows.filter_map(|row| row.map(view).transpose()));
                }
                let mut found = Vec::new();
                for id in &wanted {
                    let (seen, _) = associated(records, &caller, id)?;
                    found.extend(view((String::new(), seen.record)).map(|(_, view)| view));
                }
                Ok((found, None))
            })
            .await?;
        Ok(Associations { iam_instance_profile_association_set: found.into(), next_token })
    }
}

impl Instances {
    /// Whether an instance's node heeds its profile already.
    fn state_of(&self, instance: &Instance) -> &'static str {
        let seen = self.cluster.member(&instance.node).map(|member| member.sighting());
        let known = seen.as_ref().and_then(|seen| seen.of(&instance.id));
        match known.is_some_and(|view| view.role.revision >= instance.profile_revision) {
            true => "associated",
            false => "associating",
        }
    }
}
