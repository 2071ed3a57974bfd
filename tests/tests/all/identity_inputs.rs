//! What IAM and STS are asked wrongly, action by action, as the walk over permissions knows how to
//! ask rightly: each parameter that must be there left out, each name malformed, and things named
//! that are not there. Refusals name the parameter in AWS' own words, and nothing is changed.

use std::collections::BTreeSet;

use e2e::raw::{Reply, Signer, Version};
use e2e::{Cloud, Shape};

use crate::permission_rows::{NUMBER, Pairs, ROWS};

/// Parameters of the rows that may be left out.
const OPTIONAL: &[(&str, &str)] = &[
    ("CreateAccessKey", "UserName"),
    ("CreateLoginProfile", "UserName"),
    ("CreateSigningCertificate", "UserName"),
    ("DeactivateMFADevice", "UserName"),
    ("DeleteLoginProfile", "UserName"),
    ("GetLoginProfile", "UserName"),
    ("GetMFADevice", "UserName"),
    ("UpdateGroup", "NewPath"),
    ("UpdateUser", "NewPath"),
    ("UploadSigningCertificate", "UserName"),
];

/// Eucalyptus' own actions, which are about all accounts and whose rules are its own.
const OF_EUCALYPTUS: &[&str] = &[
    "CreateAccount",
    "DeleteAccount",
    "DeleteAccountPolicy",
    "GetAccountPolicy",
    "ListAccountPolicies",
    "PutAccountPolicy",
];

struct Asker {
    cloud: Cloud,
    signer: Signer,
    account: String,
}

impl Asker {
    fn new() -> Self {
        let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
        let user = cloud.add_user("taro");
        let signer = Signer::of(&user, Version::Four, cloud.clock().now());
        Self { signer, account: user.account.clone(), cloud }
    }

    fn ask(&self, prefix: &str, action: &str, parameters: Pairs<'_>) -> Reply {
        let (path, version) = match prefix {
            "iam" => ("/services/Euare", "2010-05-08"),
            _ => ("/services/Tokens", "2011-06-15"),
        };
        let own = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), value.replace(NUMBER, &self.account))
        };
        let head = [("Action", action), ("Version", version)];
        let pairs: Vec<_> = head.iter().chain(parameters).map(own).collect();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
        self.signer.query_at(path, self.cloud.api(), &pairs)
    }

    /// All that IAM knows of the account.
    fn state(&self) -> String {
        let mut told = String::new();
        for action in
            ["GetAccountAuthorizationDetails", "ListVirtualMFADevices", "ListAccountAliases"]
        {
            let answer = self.ask("iam", action, &[]).text();
            told += answer.split_once("<ResponseMetadata>").unwrap().0;
        }
        told
    }
}

/// The rows of IAM and STS that are AWS' own.
fn rows() -> impl Iterator<Item = &'static (&'static str, &'static str, Pairs<'static>)> {
    let wanted = |(prefix, action, _): &&(&str, &str, Pairs<'_>)| {
        matches!(*prefix, "iam" | "sts") && !OF_EUCALYPTUS.contains(action)
    };
    ROWS.iter().filter(wanted)
}

/// `Tags.member.1.Key` as refusals say it.
fn in_words(parameter: &str) -> String {
    let first = parameter.split('.').next().unwrap();
    let (head, tail) = first.split_at(1);
    format!("'{}{tail}", head.to_ascii_lowercase())
}

#[test]
fn what_must_be_there_and_is_not_is_named() {
    let asker = Asker::new();
    let before = asker.state();
    let mut asked = 0;
    for (prefix, action, parameters) in rows() {
        for (left_out, _) in *parameters {
            if OPTIONAL.contains(&(action, left_out)) || left_out.ends_with(".Value") {
                continue;
            }
            // A list whose one member goes is left out whole.
            let list = left_out.split('.').next().unwrap();
            let rest: Vec<_> = parameters
                .iter()
                .copied()
                .filter(|(name, _)| name.split('.').next() != Some(list))
                .collect();
            let refused = asker.ask(prefix, action, &rest).refused();
            let told = (refused.status, refused.code.as_str());
            assert_eq!(told, (400, "ValidationError"), "{action} without {left_out}: {refused:?}");
            let named = refused.message.contains(&in_words(left_out));
            assert!(named, "{action} without {left_out}: {refused:?}");
            asked += 1;
        }
    }
    assert!(asked > 120, "{asked}");
    assert_eq!(asker.state(), before);
}

/// Values that no such parameter has, and how they are refused.
fn malformed(parameter: &str) -> Vec<(String, &'static str)> {
    let long = |most: usize| "n".repeat(most + 1);
    let (values, code) = match parameter {
        "UserName"
        | "GroupName"
        | "RoleName"
        | "InstanceProfileName"
        | "PolicyName"
        | "VirtualMFADeviceName" => {
            let bad = ["a/b", "a b", "a*", "a:b", "a\\b", "日本", "a\u{7f}", "a\u{e9}", "é"];
            (bad.to_vec(), "ValidationError")
        }
        "AccessKeyId" | "CertificateId" => {
            (vec!["AKI0000000000000-", "AKI 000000000000", "日本"], "ValidationError")
        }
        "PolicyArn" | "PermissionsBoundary" | "RoleArn" => {
            (vec!["nothing", "arn:aws:iam::aws:p"], "ValidationError")
        }
        "PolicySourceArn" => (vec!["nothing"], "ValidationError"),
        "VersionId" => {
            (vec!["1", "v", "v0", "v01", "v+1", "v-1", "V1", "latest"], "ValidationError")
        }
        "Status" => (vec!["active", "Paused", "Expired"], "ValidationError"),
        "SerialNumber" => {
            (vec!["short", "a serial number", "日本日本日本日本日本"], "ValidationError")
        }
        "AuthenticationCode1" | "AuthenticationCode2" => {
            (vec!["1", "12345", "1234567", "12345a", "１２３４５６"], "ValidationError")
        }
        "Path" | "NewPath" | "PathPrefix" => {
            (vec!["a", "//a b/", "/日本/", "a/b"], "ValidationError")
        }
        "PolicyDocument" | "AssumeRolePolicyDocument" => {
            (vec!["{", "[]", "{}", "policy", NO_VERSION, NO_EFFECT], "MalformedPolicyDocument")
        }
        _ => return Vec::new(),
    };
    let too_long = match parameter {
        "UserName"
        | "GroupName"
        | "RoleName"
        | "InstanceProfileName"
        | "PolicyName"
        | "VirtualMFADeviceName"
        | "AccessKeyId"
        | "CertificateId" => Some(long(128)),
        "SerialNumber" => Some(long(256)),
        "Path" | "NewPath" | "PathPrefix" => Some(format!("/{}/", long(510))),
        "PolicyArn" | "PermissionsBoundary" | "PolicySourceArn" | "RoleArn" => {
            Some(format!("arn:aws:iam::aws:policy/{}", long(2048)))
        }
        _ => None,
    };
    let mut all: Vec<_> = values.into_iter().map(|value| (value.to_owned(), code)).collect();
    all.extend(too_long.map(|value| (value, "ValidationError")));
    match parameter {
        "AccessKeyId" => all.push(("short".to_owned(), "ValidationError")),
        "PolicyArn" | "PermissionsBoundary" => {
            all.push(("long enough and yet no ARN".to_owned(), "InvalidInput"));
        }
        _ => {}
    }
    all
}

const NO_VERSION: &str = r#"{"Version":"2011-01-01","Statement":[]}"#;
const NO_EFFECT: &str = r#"{"Version":"2012-10-17","Statement":{"Action":"*","Resource":"*"}}"#;

#[test]
fn what_is_malformed_is_refused_and_changes_nothing() {
    let asker = Asker::new();
    let before = asker.state();
    let mut seen = BTreeSet::new();
    let refuse = |prefix: &str, action: &str, pairs: Pairs<'_>, name: &str, code: &str| {
        let refused = asker.ask(prefix, action, pairs).refused();
        let value = pairs.iter().find(|(given, _)| *given == name).unwrap().1;
        let shown: String = value.chars().take(40).collect();
        let told = (refused.status, refused.code.as_str());
        assert_eq!(told, (400, code), "{action} with {name}={shown}: {refused:?}");
        assert!(refused.message.len() < 2000, "{action}: {}", refused.message.len());
        if name.starts_with("AuthenticationCode") && value.len() > 4 {
            assert!(!refused.message.contains(value), "{refused:?}");
        }
    };
    for (prefix, action, parameters) in rows() {
        for (place, (name, _)) in parameters.iter().enumerate() {
            for (value, code) in malformed(name) {
                let mut pairs = parameters.to_vec();
                pairs[place].1 = &value;
                refuse(prefix, action, &pairs, name, code);
                seen.insert(*name);
            }
        }
    }
    assert!(seen.len() > 17, "{seen:?}");
    // Parameters that the rows leave out.
    for (action, name) in [
        ("CreateGroup", "Path"),
        ("CreateInstanceProfile", "Path"),
        ("CreatePolicy", "Path"),
        ("CreateRole", "Path"),
        ("CreateRole", "PermissionsBoundary"),
        ("CreateUser", "Path"),
        ("CreateUser", "PermissionsBoundary"),
        ("CreateVirtualMFADevice", "Path"),
        ("ListAttachedGroupPolicies", "PathPrefix"),
        ("ListAttachedRolePolicies", "PathPrefix"),
        ("ListAttachedUserPolicies", "PathPrefix"),
        ("ListEntitiesForPolicy", "PathPrefix"),
        ("ListGroups", "PathPrefix"),
        ("ListInstanceProfiles", "PathPrefix"),
        ("ListPolicies", "PathPrefix"),
        ("ListRoles", "PathPrefix"),
        ("ListUsers", "PathPrefix"),
    ] {
        let (_, _, parameters) = rows().find(|(_, row, _)| *row == action).unwrap();
        for (value, code) in malformed(name) {
            let pairs = [*parameters, &[(name, value.as_str())]].concat();
            refuse("iam", action, &pairs, name, code);
        }
    }
    // Numbers of listings, by whatever action.
    for (value, code) in
        [("0", "ValidationError"), ("1001", "ValidationError"), ("many", "ValidationError")]
    {
        for action in ["ListUsers", "ListRoles", "ListVirtualMFADevices", "ListPolicies"] {
            let refused = asker.ask("iam", action, &[("MaxItems", value)]).refused();
            assert_eq!((refused.status, refused.code.as_str()), (400, code), "{refused:?}");
            assert!(refused.message.contains("'maxItems'"), "{refused:?}");
        }
    }
    assert_eq!(asker.state(), before);
}

#[test]
fn what_is_not_there_is_told_as_such() {
    let asker = Asker::new();
    let before = asker.state();
    // Those that make what they name, that ask about the caller, or that know no absence.
    let else_where = [
        "ChangePassword",
        "CreateAccountAlias",
        "CreateGroup",
        "CreateInstanceProfile",
        "CreatePolicy",
        "CreateRole",
        "CreateUser",
        "CreateVirtualMFADevice",
        "DeleteAccountPasswordPolicy",
        "GetAccountPasswordPolicy",
        "GetContextKeysForCustomPolicy",
        "SimulateCustomPolicy",
        "UpdateAccountPasswordPolicy",
        "AssumeRole",
        "GetAccessKeyInfo",
        "UploadSigningCertificate",
    ];
    let about = |(prefix, action, parameters): &&(&str, &str, Pairs<'_>)| {
        *prefix == "iam" && !else_where.contains(action) && !parameters.is_empty()
    };
    for (prefix, action, parameters) in rows().filter(about) {
        let refused = asker.ask(prefix, action, parameters).refused();
        let told = (refused.status, refused.code.as_str());
        assert_eq!(told, (404, "NoSuchEntity"), "{action}: {refused:?}");
        // It is no other to rehearse it.
        let rehearsed = [parameters, &[("DryRun", "true")][..]].concat();
        let refused = asker.ask(prefix, action, &rehearsed).refused();
        let told = (refused.status, refused.code.as_str());
        let expected = if refused.code == "DryRunOperation" { told } else { (404, "NoSuchEntity") };
        assert_eq!(told, expected, "{action}: {refused:?}");
    }
    // What would be made is not made by a rehearsal.
    for (prefix, action, parameters) in rows().filter(|(_, action, _)| else_where.contains(action))
    {
        let rehearsed = [*parameters, &[("DryRun", "true")][..]].concat();
        let reply = asker.ask(prefix, action, &rehearsed);
        assert_ne!(reply.status, 500, "{action}: {}", reply.text());
    }
    assert_eq!(asker.state(), before);
}
