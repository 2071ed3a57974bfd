//! The roles of instances: what their guests are to be told of their instance profile, and the
//! credentials that go with it.
//!
//! ```text
//!   record: profile ──▶ profile, role, trust ──▶ plan ──behind?──▶ session ──▶ node ──▶ guest
//!                                                 ▲
//!                     node's report: association, what it is made of, until when
//! ```
//! Nothing of it is recorded here: the node says what it has, and what is old, or made of something
//! that is no more so, is made anew. A role that has changed its name or is another of the same name
//! is another; one that trusts EC2 no longer gives none.

use std::time::Duration;

use common::error::ApiError;
use common::iam::session::{Origin, Who};
use common::time::Timestamp;
use common::wire::node::{InstanceView, MachineState};
use common::wire::role::{
    Delivered, InstanceRole, ProfileSpec, RoleCredentials, RoleSpec, RoleView,
};
use sha2::{Digest as _, Sha256};

use crate::identity::sessions::{self, Wanted};
use crate::identity::trust;
use crate::records::{Association, Instance, InstanceProfile, Records, Role};

/// How long the credentials of an instance are good.
pub const LIFE: Duration = Duration::from_secs(6 * 3600);

/// They are made anew when they are good for no longer than this: an instance has some even while
/// the clc is away for hours, and no client is ever without.
pub const RENEWED: Duration = Duration::from_secs(3 * 3600);

/// What a guest is to be told.
pub struct Plan {
    revision: u64,
    made_of: String,
    profile: Option<Found>,
}

struct Found {
    association: Association,
    exists: bool,
    role: Option<(Role, bool)>,
}

impl Plan {
    /// What an instance's guest is to be told, as the records have it now. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of(records: &Records, instance: &Instance) -> Result<Self, ApiError> {
        let revision = instance.profile_revision;
        let Some(association) = &instance.profile else {
            return Ok(Self { revision, made_of: String::new(), profile: None });
        };
        let key = InstanceProfile::key_of(&instance.account, &association.name);
        let profile = records.profiles.get(&key)?.map(|seen| seen.record);
        let profile = profile.filter(|profile| profile.id == association.profile);
        let role = match profile.as_ref().and_then(|profile| profile.role.as_ref()) {
            Some(name) => records.roles.get(&Role::key_of(&instance.account, name))?,
            None => None,
        };
        let role = role.map(|seen| {
            let trusted = trust::lets_ec2(&seen.record);
            (seen.record, trusted)
        });
        let mut digest = Sha256::new();
        for part in [&association.id, &association.profile] {
            digest.update(part);
            digest.update([0]);
        }
        if let Some((role, trusted)) = &role {
            digest.update(role.arn());
            digest.update([0]);
            digest.update(&role.id);
            digest.update([u8::from(*trusted)]);
        }
        let made_of = hex::encode(&digest.finalize()[..8]);
        let exists = profile.is_some();
        let profile = Some(Found { association: association.clone(), exists, role });
        Ok(Self { revision, made_of, profile })
    }

    /// Whether there are credentials to be given.
    fn gives(&self) -> bool {
        let role = self.profile.as_ref().and_then(|found| found.role.as_ref());
        role.is_some_and(|(_, trusted)| *trusted)
    }

    /// Whether a machine's node is to be told this. One that is off gets new credentials when it is
    /// started.
    pub fn is_news(&self, view: &InstanceView, now: Timestamp) -> bool {
        let RoleView { revision, made_of, until } = &view.role;
        if *revision < self.revision || (*revision == self.revision && *made_of != self.made_of) {
            return true;
        }
        let runs = matches!(view.state, MachineState::Preparing | MachineState::Running);
        let old = until.is_none_or(|until| until.since(now) < RENEWED);
        runs && *revision == self.revision && self.gives() && old
    }

    /// What the node is told, with new credentials. Blocks.
    ///
    /// # Errors
    /// If the store fails or the system has no random bytes.
    pub fn deliver(
        self,
        records: &Records,
        instance: &Instance,
        now: Timestamp,
    ) -> Result<InstanceRole, ApiError> {
        let Self { revision, made_of, profile } = self;
        let Some(Found { association, exists, role }) = profile else {
            return Ok(InstanceRole { revision, made_of, profile: None });
        };
        let role = match role {
            Some((role, trusted)) => {
                let name = role.name.clone();
                let credentials = match trusted {
                    true => Delivered::Given(session(records, role, instance, now)?),
                    false => Delivered::Refused {
                        code: "AssumeRoleUnauthorizedAccess".to_owned(),
                        message: format!(
                            "EC2 cannot assume the role {name}: its trust policy does \
                                          not let ec2.amazonaws.com take it on"
                        ),
                    },
                };
                Some(RoleSpec { name, credentials })
            }
            None => None,
        };
        let (arn, id) = (association.arn, association.profile);
        let profile = ProfileSpec { arn, id, updated: now, exists, role };
        Ok(InstanceRole { revision, made_of, profile: Some(profile) })
    }
}

/// A session of the role, named by the instance.
fn session(
    records: &Records,
    role: Role,
    instance: &Instance,
    now: Timestamp,
) -> Result<RoleCredentials, ApiError> {
    let wanted = Wanted {
        account: role.account,
        who: Who::Role(role.name, instance.id.to_string()),
        holder: role.id,
        life: LIFE,
        policies: Vec::new(),
        policy_arns: Vec::new(),
        second_factor: None,
        source_identity: None,
        origin: Some(Origin::Instance),
        via: None,
    };
    let made = sessions::begin(records, wanted, now)?;
    Ok(RoleCredentials {
        access_key: made.access_key,
        secret: made.secret,
        token: made.token,
        issued: made.issued,
        expires: made.expires,
    })
}

/// Whether an instance ever had a profile, so that there is something to look at.
pub fn concerns(instance: &Instance) -> bool {
    instance.profile_revision > 0
}
