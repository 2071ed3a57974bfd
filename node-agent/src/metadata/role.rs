//! What a guest is told of its instance profile and of the credentials of its role, as EC2 writes
//! it: JSON, times without a fraction. Pure.

use common::time::Timestamp;
use common::wire::role::{Delivered, InstanceRole, ProfileSpec, RoleSpec};
use serde_json::{Map, Value, json};

/// The documents of an instance that has a profile.
pub(super) struct Documents {
    /// `iam/info`.
    pub(super) info: String,
    /// `iam/security-credentials/NAME`, by the role's name.
    pub(super) credentials: Option<(String, String)>,
}

impl Documents {
    /// What there is to be told; `None` without a profile.
    pub(super) fn of(role: &InstanceRole) -> Option<Self> {
        let profile = role.profile.as_ref()?;
        let credentials = profile
            .role
            .as_ref()
            .map(|role| (role.name.clone(), written(&credentials(profile, role))));
        Some(Self { info: written(&info(profile)), credentials })
    }
}

fn info(profile: &ProfileSpec) -> Value {
    let ProfileSpec { arn, id, updated, exists, .. } = profile;
    match exists {
        true => json!({
            "Code": "Success",
            "LastUpdated": whole(*updated),
            "InstanceProfileArn": arn,
            "InstanceProfileId": id,
        }),
        false => json!({
            "Code": "InstanceProfileNotFound",
            "Message": format!("Instance Profile with Id {id} cannot be found."),
            "LastUpdated": whole(*updated),
        }),
    }
}

fn credentials(profile: &ProfileSpec, role: &RoleSpec) -> Value {
    match &role.credentials {
        Delivered::Given(given) => json!({
            "Code": "Success",
            "LastUpdated": whole(given.issued),
            "Type": "AWS-HMAC",
            "AccessKeyId": given.access_key,
            "SecretAccessKey": given.secret,
            "Token": given.token,
            "Expiration": whole(given.expires),
        }),
        Delivered::Refused { code, message } => json!({
            "Code": code,
            "Message": message,
            "LastUpdated": whole(profile.updated),
        }),
    }
}

/// In lines, in the order of EC2: whoever reads it with grep finds what they look for.
fn written(document: &Value) -> String {
    const ORDER: [&str; 10] = [
        "Code",
        "Message",
        "LastUpdated",
        "InstanceProfileArn",
        "InstanceProfileId",
        "Type",
        "AccessKeyId",
        "SecretAccessKey",
        "Token",
        "Expiration",
    ];
    let none = Map::new();
    let fields = document.as_object().unwrap_or(&none);
    let known = ORDER.iter().filter_map(|name| Some((*name, fields.get(*name)?)));
    let lines: Vec<_> = known.map(|(name, value)| format!("  \"{name}\" : {value}")).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

fn whole(moment: Timestamp) -> String {
    Timestamp::from_secs(moment.as_secs()).iso().replace(".000Z", "Z")
}

#[cfg(test)]
pub(super) mod tests {
    use common::wire::role::RoleCredentials;

    use super::*;

    /// A role with credentials.
    pub(in crate::metadata) fn role() -> InstanceRole {
        let credentials = Delivered::Given(RoleCredentials {
            access_key: "ASIA1".into(),
            secret: "s\"3".into(),
            token: "k.t".into(),
            issued: Timestamp::from_millis(1_000),
            expires: Timestamp::from_millis(21_601_000),
        });
        let profile = ProfileSpec {
            arn: "arn:aws:iam::123456789012:instance-profile/web".into(),
            id: "AIPA1".into(),
            updated: Timestamp::from_millis(1_500),
            exists: true,
            role: Some(RoleSpec { name: "reader".into(), credentials }),
        };
        InstanceRole { revision: 1, made_of: "x".into(), profile: Some(profile) }
    }

    #[test]
    fn documents_have_the_shape_of_ec2() {
        let told = Documents::of(&role()).unwrap();
        let info = "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"1970-01-01T00:00:01Z\",\n  \
                    \"InstanceProfileArn\" : \"arn:aws:iam::123456789012:instance-profile/web\",\n  \
                    \"InstanceProfileId\" : \"AIPA1\"\n}";
        assert_eq!(told.info, info);
        let (name, document) = told.credentials.unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        let expected = json!({
            "Code": "Success", "LastUpdated": "1970-01-01T00:00:01Z", "Type": "AWS-HMAC",
            "AccessKeyId": "ASIA1", "SecretAccessKey": "s\"3", "Token": "k.t",
            "Expiration": "1970-01-01T06:00:01Z",
        });
        assert_eq!((name.as_str(), document), ("reader", expected));
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(Documents::of(&InstanceRole::default()).is_none());
        let mut gone = role();
        let profile = gone.profile.as_mut().unwrap();
        (profile.exists, profile.role) = (false, None);
        let told = Documents::of(&gone).unwrap();
        assert!(told.info.contains("InstanceProfileNotFound") && told.credentials.is_none());
        let mut refused = role();
        let spec = refused.profile.as_mut().unwrap().role.as_mut().unwrap();
        spec.credentials = Delivered::Refused { code: "X".into(), message: "why".into() };
        let (_, document) = Documents::of(&refused).unwrap().credentials.unwrap();
        assert!(document.contains("\"Code\" : \"X\"") && !document.contains("Expiration"));
    }
}
