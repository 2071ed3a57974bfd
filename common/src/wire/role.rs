//! What an instance is by its instance profile, as its node is told it: the profile, and the
//! credentials of its role for a while.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::InstanceId;
use crate::time::Timestamp;

/// Answer this instance's questions about its role in this way from now on. Answered when that is on
/// the node's disk and in force. Asking for one that is unknown, or with an older association than
/// the node knows, is fine and changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetInstanceRole {
    /// Which.
    pub instance: InstanceId,
    /// What it is.
    pub role: InstanceRole,
}

/// What an instance is by its profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceRole {
    /// Counts associations of profiles with the instance, from 0, which is none. A node ignores an
    /// older one.
    pub revision: u64,
    /// What the credentials are made of, as the clc knows it; the node reports it and nothing else.
    pub made_of: String,
    /// The profile, if it has one.
    pub profile: Option<ProfileSpec>,
}

impl InstanceRole {
    /// Whether it never had a profile.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What a node reports of it.
    pub fn view(&self) -> RoleView {
        let credentials = self.profile.as_ref().and_then(|profile| profile.role.as_ref());
        RoleView {
            revision: self.revision,
            made_of: self.made_of.clone(),
            until: credentials.and_then(|role| match &role.credentials {
                Delivered::Given(given) => Some(given.expires),
                Delivered::Refused { .. } => None,
            }),
        }
    }
}

/// An instance profile, as the guest is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileSpec {
    /// Its ARN.
    pub arn: String,
    /// `AIPA…`.
    pub id: String,
    /// When that was last looked at.
    pub updated: Timestamp,
    /// Whether there is such a profile still.
    pub exists: bool,
    /// Its role, if it has one.
    pub role: Option<RoleSpec>,
}

/// A role, as the guest is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSpec {
    /// Its name.
    pub name: String,
    /// Its credentials.
    pub credentials: Delivered,
}

/// Credentials, or why there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivered {
    /// These.
    Given(RoleCredentials),
    /// None.
    Refused {
        /// A word for programs: `AssumeRoleUnauthorizedAccess`.
        code: String,
        /// A sentence for people.
        message: String,
    },
}

/// Credentials for a while. Neither secret nor token is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleCredentials {
    /// The access key's id.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// The session token.
    pub token: String,
    /// Since when they are good.
    pub issued: Timestamp,
    /// Until when they are good.
    pub expires: Timestamp,
}

impl fmt::Debug for RoleCredentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RoleCredentials({} until {})", self.access_key, self.expires)
    }
}

/// What a node says of the role that an instance has there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleView {
    /// The association.
    pub revision: u64,
    /// What its credentials are made of, as the clc called it.
    pub made_of: String,
    /// Until when they are good, if there are any.
    pub until: Option<Timestamp>,
}

impl RoleView {
    /// Whether there never was a profile.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown_and_a_view_has_none() {
        let credentials = RoleCredentials {
            access_key: "ASIA1".into(),
            secret: "s3cr3t".into(),
            token: "t0k3n".into(),
            issued: Timestamp::EPOCH,
            expires: Timestamp::from_secs(5),
        };
        let role = RoleSpec { name: "r".into(), credentials: Delivered::Given(credentials) };
        let profile = ProfileSpec {
            arn: "arn".into(),
            id: "AIPA1".into(),
            updated: Timestamp::EPOCH,
            exists: true,
            role: Some(role),
        };
        let role = InstanceRole { revision: 3, made_of: "x".into(), profile: Some(profile) };
        let shown = format!(
            "{:?}",
            SetInstanceRole { instance: "i-00000001".parse().unwrap(), role: role.clone() }
        );
        assert!(!shown.contains("s3cr3t") && !shown.contains("t0k3n"), "{shown}");
        let view = role.view();
        assert_eq!((view.revision, view.until), (3, Some(Timestamp::from_secs(5))));
        let told = serde_json::to_string(&view).unwrap();
        assert!(!told.contains("s3cr3t") && !told.contains("t0k3n"), "{told}");
        assert!(InstanceRole::default().is_none() && InstanceRole::default().view().is_none());
    }
}
