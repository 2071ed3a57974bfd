//! Instance profiles of instances: named at a launch, associated later, exchanged, taken away.
//!
//! The profiles themselves are IAM's. An instance has one at most; the pair has an id of its own,
//! by which it is taken apart again.

use serde::{Deserialize, Serialize};

use super::subjects;
use super::types::{Filter, IsoTime, is_blank};
use crate::actions;
use crate::dialect::xml::Set;

/// Which instance profile: by name or by ARN.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProfileName {
    /// Its ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl ProfileName {
    /// What a person writes: an ARN, or else a name.
    pub fn of(text: &str) -> Self {
        match text.starts_with("arn:") {
            true => Self { arn: Some(text.to_owned()), name: None },
            false => Self { arn: None, name: Some(text.to_owned()) },
        }
    }
}

/// An instance profile as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileView {
    /// Its ARN.
    pub arn: String,
    /// `AIPA…`.
    pub id: String,
}

/// An instance and its profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// Its id, `iip-assoc-…`.
    pub association_id: String,
    /// The instance.
    pub instance_id: String,
    /// The profile.
    pub iam_instance_profile: ProfileView,
    /// `associating` until the instance's node heeds it, then `associated`; `disassociating` is
    /// what is answered to whoever takes it apart.
    pub state: String,
    /// Since when.
    pub timestamp: IsoTime,
}

/// Gives an instance a profile; it must have none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssociateIamInstanceProfile {
    /// The instance.
    pub instance_id: String,
    /// The profile.
    pub iam_instance_profile: ProfileName,
}

/// Takes an instance's profile away, and with it its credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DisassociateIamInstanceProfile {
    /// The association.
    pub association_id: String,
}

/// Exchanges an instance's profile for another; the association has another id then.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplaceIamInstanceProfileAssociation {
    /// The association.
    pub association_id: String,
    /// The profile that the instance is to have.
    pub iam_instance_profile: ProfileName,
}

/// What these answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Associated {
    /// The association.
    pub iam_instance_profile_association: Association,
}

/// Lists the account's instances that have a profile.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeIamInstanceProfileAssociations {
    /// Only these; an unknown one is an error.
    #[serde(default)]
    pub association_id: Vec<String>,
    /// Only those that match: `instance-id`, `state`.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeIamInstanceProfileAssociations answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Associations {
    /// The associations, of the oldest launch first.
    pub iam_instance_profile_association_set: Set<Association>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

actions! {
    AssociateIamInstanceProfile => Associated, Write, |it| {
        subjects::instance(&it.instance_id)
    };
    DescribeIamInstanceProfileAssociations => Associations, Read;
    DisassociateIamInstanceProfile => Associated, Write, |it| subjects::associated(&it.association_id);
    ReplaceIamInstanceProfileAssociation => Associated, Write, |it| {
        subjects::associated(&it.association_id)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::query::Node;

    #[test]
    fn a_profile_is_named_in_either_way() {
        let arn = "arn:aws:iam::123456789012:instance-profile/web";
        assert_eq!(ProfileName::of(arn).arn.as_deref(), Some(arn));
        assert_eq!(ProfileName::of("web").name.as_deref(), Some("web"));
        let pairs = [("InstanceId", "i-1"), ("IamInstanceProfile.Name", "web")];
        let ask: AssociateIamInstanceProfile = Node::from_pairs(pairs).unwrap().decode().unwrap();
        assert_eq!(ask.iam_instance_profile, ProfileName::of("web"));
    }
}
