//! The managed policies that every account finds: `arn:aws:iam::aws:policy/…`.
//!
//! They bear the names that people know from AWS and mean what those mean, for the services that this
//! cloud has. Nobody can change or delete them.

/// A policy that allows everything.
pub const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A policy that allows nothing.
pub const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// What every ARN of these begins with.
pub const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// Name and text of each, by name.
pub const POLICIES: &[(&str, &str)] = &[
    ("AWSDenyAll", NOTHING),
    ("AdministratorAccess", EVERYTHING),
    ("AmazonEC2FullAccess", EC2_FULL),
    ("AmazonEC2ReadOnlyAccess", EC2_READ),
    ("AmazonS3FullAccess", S3_FULL),
    ("AmazonS3ReadOnlyAccess", S3_READ),
    ("IAMFullAccess", IAM_FULL),
    ("IAMReadOnlyAccess", IAM_READ),
    ("IAMUserChangePassword", OWN_PASSWORD),
    ("PowerUserAccess", POWER),
    ("ReadOnlyAccess", READ),
    ("SecurityAudit", AUDIT),
];

/// What each is for, in the same order.
const DESCRIPTIONS: &[(&str, &str)] = &[
    ("AWSDenyAll", "Denies every action on every resource."),
    ("AdministratorAccess", "Allows every action on every resource."),
    ("AmazonEC2FullAccess", "Allows every action of EC2, and to hand roles to instances."),
    ("AmazonEC2ReadOnlyAccess", "Allows to look at images, instances, key pairs and consoles."),
    ("AmazonS3FullAccess", "Allows every action on all buckets and objects."),
    ("AmazonS3ReadOnlyAccess", "Allows to list and read all buckets and objects."),
    ("IAMFullAccess", "Allows every action on users, groups, roles, policies and credentials."),
    ("IAMReadOnlyAccess", "Allows to look at users, groups, roles, policies and credentials."),
    ("IAMUserChangePassword", "Allows users to change their own passwords."),
    ("PowerUserAccess", "Allows every action but those on users, groups, roles and policies."),
    ("ReadOnlyAccess", "Allows to look at everything, objects in buckets included."),
    ("SecurityAudit", "Allows to look at who may do what and at what is set up, but at no data."),
];

const EC2_FULL: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["iam:ListInstanceProfiles", "iam:GetInstanceProfile"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": "arn:aws:iam::*:role/*",
            "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
        }
    ]
}"#;

const EC2_READ: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["ec2:Describe*", "ec2:GetConsoleOutput"], "Resource": "*"}
    ]
}"#;

const S3_FULL: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
}"#;

const S3_READ: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}]
}"#;

const IAM_FULL: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]
}"#;

const IAM_READ: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "iam:Get*", "iam:List*",
                "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"
            ],
            "Resource": "*"
        }
    ]
}"#;

const OWN_PASSWORD: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "iam:ChangePassword",
            "Resource": ["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}"]
        },
        {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"}
    ]
}"#;

const POWER: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["iam:ListRoles", "iam:ListInstanceProfiles"], "Resource": "*"}
    ]
}"#;

const READ: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "cloudtrail:LookupEvents", "ec2:Describe*", "ec2:Get*", "iam:Get*", "iam:List*",
                "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy", "s3:Get*", "s3:List*",
                "sts:GetAccessKeyInfo", "sts:GetCallerIdentity"
            ],
            "Resource": "*"
        }
    ]
}"#;

const AUDIT: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "cloudtrail:LookupEvents", "ec2:Describe*",
                "iam:Get*", "iam:List*", "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy",
                "s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration", "s3:GetObjectAcl", "s3:GetReplicationConfiguration",
                "s3:ListAllMyBuckets", "s3:ListBucket", "s3:ListBucketVersions",
                "sts:GetAccessKeyInfo"
            ],
            "Resource": "*"
        }
    ]
}"#;

/// The text of the policy of an ARN, if it is one of these.
pub fn text(arn: &str) -> Option<&'static str> {
    find(POLICIES, arn)
}

/// What the policy of an ARN is for, if it is one of these.
pub fn description(arn: &str) -> Option<&'static str> {
    find(DESCRIPTIONS, arn)
}

fn find(table: &[(&str, &'static str)], arn: &str) -> Option<&'static str> {
    let name = arn.strip_prefix(PREFIX)?;
    table.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::super::policy::{LARGEST_MANAGED, Policy, PolicyKind, size};
    use super::*;

    #[test]
    fn each_is_a_policy_and_says_what_it_is_for() {
        for ((name, text), (of, description)) in POLICIES.iter().zip(DESCRIPTIONS) {
            assert_eq!(name, of);
            let read = Policy::parse(text, PolicyKind::Identity);
            assert!(read.is_ok(), "{name}: {read:?}");
            assert!(size(text) <= LARGEST_MANAGED, "{name}");
            let arn = format!("{PREFIX}{name}");
            assert_eq!(super::text(&arn), Some(*text));
            assert_eq!(super::description(&arn), Some(*description));
        }
        assert_eq!(POLICIES.len(), DESCRIPTIONS.len());
        assert!(POLICIES.is_sorted() && text("ReadOnlyAccess").is_none());
    }
}
