//! IAM's actions on policies, roles and instance profiles: what they refuse, what stays whole.

use std::sync::atomic::{AtomicU32, Ordering};

use common::action::Action;
use common::dialect::{query, xml};
use common::euare::access_keys::CreateAccessKey;
use common::euare::attachments::{
    AttachGroupPolicy, AttachRolePolicy, AttachUserPolicy, DeleteUserPermissionsBoundary,
    DetachUserPolicy, ListAttachedUserPolicies, ListEntitiesForPolicy, PutUserPermissionsBoundary,
};
use common::euare::authorization::GetAccountAuthorizationDetails;
use common::euare::elements::Tag;
use common::euare::groups::{AddUserToGroup, CreateGroup};
use common::euare::inline::{
    DeleteUserPolicy, GetUserPolicy, ListUserPolicies, PutGroupPolicy, PutRolePolicy, PutUserPolicy,
};
use common::euare::instance_profiles::{
    AddRoleToInstanceProfile, CreateInstanceProfile, DeleteInstanceProfile, GetInstanceProfile,
    ListInstanceProfilesForRole, RemoveRoleFromInstanceProfile,
};
use common::euare::managed::{
    CreatePolicy, DeletePolicy, GetPolicy, ListPolicies, ListPolicyTags, TagPolicy, UntagPolicy,
};
use common::euare::roles::{
    CreateRole, DeleteRole, GetRole, ListRoles, UpdateAssumeRolePolicy, UpdateRole,
};
use common::euare::simulate::{
    ContextEntry, GetContextKeysForCustomPolicy, SimulateCustomPolicy, SimulatePrincipalPolicy,
};
use common::euare::users::CreateUser;
use common::euare::versions::{
    CreatePolicyVersion, DeletePolicyVersion, GetPolicyVersion, ListPolicyVersions,
    SetDefaultPolicyVersion,
};
use common::sign::percent_decode;
use serde_json::json;

use crate::apis::post;
use crate::world::{Refused, User, World, code, world};

const READS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const CLOUDS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Does an action of IAM's and reads its answer.
pub(crate) async fn iam<A: Action>(
    world: &World,
    user: &User,
    action: &A,
) -> Result<A::Output, Refused> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_string();
    let mut pairs = query::encode(action).unwrap();
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // Equal requests of one second would be one request.
    pairs.extend([
        own("Action", A::NAME),
        own("Version", common::euare::VERSION),
        own("Number", &number),
    ]);
    let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let (status, answer) = post(world, user, ("/services/Euare", "iam"), &pairs, &[]).await;
    if status != 200 {
        let told = xml::read_error(&answer).unwrap_or_else(|| panic!("{answer}"));
        return Err((told.code, told.message));
    }
    let (open, close) = (format!("<{}Result>", A::NAME), format!("</{}Result>", A::NAME));
    let inner = match (answer.find(&open), answer.rfind(&close)) {
        (Some(begin), Some(end)) => &answer[begin..end + close.len()],
        _ => "<Nothing/>",
    };
    Ok(xml::read_ec2_answer(inner).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

/// A request as its parameters are called.
pub(crate) fn of<A: Action>(parameters: serde_json::Value) -> A {
    serde_json::from_value(parameters).unwrap_or_else(|error| panic!("{}: {error}", A::NAME))
}

async fn user(world: &World, owner: &User, name: &str) {
    iam(world, owner, &of::<CreateUser>(json!({"UserName": name}))).await.unwrap();
}

async fn policy(world: &World, owner: &User, name: &str) -> String {
    let create = of::<CreatePolicy>(json!({"PolicyName": name, "PolicyDocument": READS}));
    iam(world, owner, &create).await.unwrap().policy.arn
}

async fn role(world: &World, owner: &User, name: &str) {
    let create = json!({"RoleName": name, "AssumeRolePolicyDocument": TRUST});
    iam(world, owner, &of::<CreateRole>(create)).await.unwrap();
}

fn put(name: &str, policy: &str, text: &str) -> PutUserPolicy {
    of(json!({"UserName": name, "PolicyName": policy, "PolicyDocument": text}))
}

fn attach(name: &str, arn: &str) -> AttachUserPolicy {
    of(json!({"UserName": name, "PolicyArn": arn}))
}

#[test]
fn inline_policies_are_kept_as_they_were_given() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        user(&world, &owner, "Hanako").await;
        let text = READS.replace(",", ",\n  ");
        iam(&world, &owner, &put("hanako", "reads", &text)).await.unwrap();
        let ask = json!({"UserName": "HANAKO", "PolicyName": "reads"});
        let got = iam(&world, &owner, &of::<GetUserPolicy>(ask.clone())).await.unwrap();
        assert_eq!((got.user_name.as_str(), got.policy_name.as_str()), ("Hanako", "reads"));
        assert_eq!(percent_decode(&got.policy_document), text);
        assert!(got.policy_document.starts_with("%7B%22Version%22"), "{}", got.policy_document);
        for name in ["a", "c", "b"] {
            iam(&world, &owner, &put("Hanako", name, READS)).await.unwrap();
        }
        let list = |marker: Option<String>| {
            of::<ListUserPolicies>(json!({"UserName": "Hanako", "MaxItems": 3, "Marker": marker}))
        };
        let first = iam(&world, &owner, &list(None)).await.unwrap();
        assert_eq!(first.policy_names.member, ["a", "b", "c"]);
        let second = iam(&world, &owner, &list(first.marker)).await.unwrap();
        assert_eq!((second.policy_names.member.len(), second.is_truncated), (1, false));
        iam(&world, &owner, &of::<DeleteUserPolicy>(ask.clone())).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &of::<DeleteUserPolicy>(ask)).await), "NoSuchEntity");
        // Another account has no such user.
        let other = world.user("jiro").await;
        assert_eq!(code(iam(&world, &other, &put("Hanako", "x", READS)).await), "NoSuchEntity");
    });
}

#[test]
fn inline_policies_have_their_sizes() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        user(&world, &owner, "u").await;
        let group = of::<CreateGroup>(json!({"GroupName": "g"}));
        iam(&world, &owner, &group).await.unwrap();
        role(&world, &owner, "r").await;
        let padded = |size: usize| {
            let sid = "x".repeat(size - READS.len() - r#""Sid":"","#.len());
            READS.replace("{\"Effect\"", &format!("{{\"Sid\":\"{sid}\",\"Effect\""))
        };
        assert_eq!(padded(2048).len(), 2048);
        // White space does not count.
        let wide = padded(2048).replace(":[", ":[   \n\t  ");
        iam(&world, &owner, &put("u", "p", &wide)).await.unwrap();
        let more = iam(&world, &owner, &put("u", "q", READS)).await.unwrap_err();
        assert_eq!(more.0, "LimitExceeded");
        assert!(more.1.contains("2048 bytes exceeded for user u"), "{}", more.1);
        iam(&world, &owner, &put("u", "p", READS)).await.unwrap();
        iam(&world, &owner, &put("u", "q", READS)).await.unwrap();

        let of_group = |text: &str| {
            of::<PutGroupPolicy>(
                json!({"GroupName": "g", "PolicyName": "p", "PolicyDocument": text}),
            )
        };
        iam(&world, &owner, &of_group(&padded(5120))).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &of_group(&padded(5121))).await), "LimitExceeded");
        let of_role = |text: &str| {
            of::<PutRolePolicy>(json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": text}))
        };
        iam(&world, &owner, &of_role(&padded(10240))).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &of_role(&padded(10241))).await), "LimitExceeded");
        let managed = |size: usize| {
            let name = format!("m{size}");
            of::<CreatePolicy>(json!({"PolicyName": name, "PolicyDocument": padded(size)}))
        };
        iam(&world, &owner, &managed(6144)).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &managed(6145)).await), "LimitExceeded");
    });
}

#[test]
fn managed_policies_have_versions_of_which_one_counts() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        let create = json!({
            "PolicyName": "Reads", "Path": "/a/b/", "PolicyDocument": READS,
            "Description": "what it is for", "Tags": [{"Key": "k", "Value": "v"}],
        });
        let made = iam(&world, &owner, &of::<CreatePolicy>(create.clone())).await.unwrap().policy;
        assert_eq!(made.arn, format!("arn:aws:iam::{}:policy/a/b/Reads", owner.account));
        assert!(made.policy_id.starts_with("ANPA") && made.policy_id.len() == 21);
        let again = iam(&world, &owner, &of::<CreatePolicy>(create)).await;
        assert_eq!(code(again), "EntityAlreadyExists");
        for path in ["/a", "a/", "/a b/", "/a|b/", "/a*/", "/a:b/"] {
            let odd = json!({"PolicyName": "Odd", "Path": path, "PolicyDocument": READS});
            let refused = iam(&world, &owner, &of::<CreatePolicy>(odd)).await;
            assert_eq!(code(refused), "ValidationError", "{path}");
        }
        let arn = made.arn.as_str();
        let ask = || of::<GetPolicy>(json!({"PolicyArn": arn}));
        let got = iam(&world, &owner, &ask()).await.unwrap().policy;
        assert_eq!(got, made);
        assert_eq!(got.description.as_deref(), Some("what it is for"));

        let writes = READS.replace("Get", "Put");
        let add = |default: bool| {
            let it = json!({"PolicyArn": arn, "PolicyDocument": writes, "SetAsDefault": default});
            of::<CreatePolicyVersion>(it)
        };
        for number in 2..=5 {
            let version = iam(&world, &owner, &add(number == 3)).await.unwrap().policy_version;
            assert_eq!(version.version_id, format!("v{number}"));
            assert_eq!((version.is_default_version, version.document), (number == 3, None));
        }
        assert_eq!(code(iam(&world, &owner, &add(false)).await), "LimitExceeded");
        let list = of::<ListPolicyVersions>(json!({"PolicyArn": arn}));
        let versions = iam(&world, &owner, &list).await.unwrap().versions.member;
        let ids: Vec<_> = versions.iter().map(|version| version.version_id.as_str()).collect();
        assert_eq!(ids, ["v5", "v4", "v3", "v2", "v1"]);
        let of_version = |id: &str| json!({"PolicyArn": arn, "VersionId": id});
        let got = iam(&world, &owner, &of::<GetPolicyVersion>(of_version("v3"))).await.unwrap();
        assert_eq!(percent_decode(&got.policy_version.document.unwrap()), writes);
        let delete = of::<DeletePolicy>(json!({"PolicyArn": arn}));
        assert_eq!(code(iam(&world, &owner, &delete).await), "DeleteConflict");
        let away = |id: &str| of::<DeletePolicyVersion>(of_version(id));
        assert_eq!(code(iam(&world, &owner, &away("v3")).await), "DeleteConflict");
        iam(&world, &owner, &of::<SetDefaultPolicyVersion>(of_version("v1"))).await.unwrap();
        for id in ["v2", "v3", "v4", "v5"] {
            iam(&world, &owner, &away(id)).await.unwrap();
        }
        assert_eq!(code(iam(&world, &owner, &away("v5")).await), "NoSuchEntity");
        assert_eq!(code(iam(&world, &owner, &away("5")).await), "ValidationError");
        // Numbers are not used again.
        assert_eq!(iam(&world, &owner, &add(false)).await.unwrap().policy_version.version_id, "v6");
        iam(&world, &owner, &away("v6")).await.unwrap();

        let tag = json!({"PolicyArn": arn, "Tags": [{"Key": "K", "Value": "w"}, {"Key": "x"}]});
        iam(&world, &owner, &of::<TagPolicy>(tag)).await.unwrap();
        let untag = json!({"PolicyArn": arn, "TagKeys": ["x", "absent"]});
        iam(&world, &owner, &of::<UntagPolicy>(untag)).await.unwrap();
        let tags = of::<ListPolicyTags>(json!({"PolicyArn": arn}));
        let tags = iam(&world, &owner, &tags).await.unwrap().tags.member;
        assert_eq!(tags, [Tag { key: "K".into(), value: "w".into() }]);
        iam(&world, &owner, &delete).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &ask()).await), "NoSuchEntity");
    });
}

#[test]
fn policies_of_the_cloud_are_found_and_attached_and_never_changed() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        user(&world, &owner, "u").await;
        let own = policy(&world, &owner, "own").await;
        let list = |parameters: serde_json::Value| of::<ListPolicies>(parameters);
        let names = async |parameters: serde_json::Value| {
            let mut names = Vec::new();
            let mut parameters = parameters;
            loop {
                let page = iam(&world, &owner, &list(parameters.clone())).await.unwrap();
                names.extend(page.policies.member.into_iter().map(|it| it.policy_name));
                if !page.is_truncated {
                    return names;
                }
                parameters["Marker"] = json!(page.marker);
            }
        };
        let known = common::iam::managed::POLICIES.len();
        assert_eq!(names(json!({"Scope": "AWS", "MaxItems": 2})).await.len(), known);
        let all = names(json!({"MaxItems": 1})).await;
        assert_eq!((all.len(), all[0].as_str()), (known + 1, "own"));
        assert_eq!(names(json!({"Scope": "Local"})).await, ["own"]);
        assert!(names(json!({"OnlyAttached": true})).await.is_empty());
        iam(&world, &owner, &attach("u", CLOUDS)).await.unwrap();
        assert_eq!(names(json!({"OnlyAttached": true})).await, ["AdministratorAccess"]);
        let other = world.user("jiro").await;
        let got = of::<GetPolicy>(json!({"PolicyArn": CLOUDS}));
        assert_eq!(iam(&world, &owner, &got).await.unwrap().policy.attachment_count, 1);
        assert_eq!(iam(&world, &other, &got).await.unwrap().policy.attachment_count, 0);
        let boundary = json!({"UserName": "u", "PermissionsBoundary": own});
        iam(&world, &owner, &of::<PutUserPermissionsBoundary>(boundary)).await.unwrap();
        assert_eq!(names(json!({"PolicyUsageFilter": "PermissionsBoundary"})).await, ["own"]);
        assert_eq!(names(json!({"PathPrefix": "/none/"})).await, [""; 0]);

        for refused in [
            code(iam(&world, &owner, &of::<DeletePolicy>(json!({"PolicyArn": CLOUDS}))).await),
            code(
                iam(
                    &world,
                    &owner,
                    &of::<CreatePolicyVersion>(
                        json!({"PolicyArn": CLOUDS, "PolicyDocument": READS}),
                    ),
                )
                .await,
            ),
            code(
                iam(
                    &world,
                    &owner,
                    &of::<TagPolicy>(json!({"PolicyArn": CLOUDS, "Tags": [{"Key": "a"}]})),
                )
                .await,
            ),
        ] {
            assert_eq!(refused, "UnmodifiableEntity");
        }
        // What another account made is nobody else's.
        user(&world, &other, "v").await;
        assert_eq!(code(iam(&world, &other, &attach("v", &own)).await), "NoSuchEntity");
        let foreign = json!({"UserName": "v", "PermissionsBoundary": own});
        let foreign = of::<PutUserPermissionsBoundary>(foreign);
        assert_eq!(code(iam(&world, &other, &foreign).await), "NoSuchEntity");
        let from_start = json!({"UserName": "w", "PermissionsBoundary": own});
        let refused = iam(&world, &other, &of::<CreateUser>(from_start)).await;
        assert_eq!(code(refused), "NoSuchEntity");
        let read = of::<GetPolicy>(json!({"PolicyArn": own}));
        assert_eq!(code(iam(&world, &other, &read).await), "NoSuchEntity");
        for (arn, expected) in [
            ("short", "ValidationError"),
            ("this-is-no-arn-but-long-enough", "InvalidInput"),
            ("arn:aws:iam::123456789012:policy/absent", "NoSuchEntity"),
        ] {
            assert_eq!(code(iam(&world, &owner, &attach("u", arn)).await), expected, "{arn}");
        }
    });
}

#[test]
fn what_a_policy_is_attached_to_is_told_from_both_ends() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        let arn = policy(&world, &owner, "p").await;
        for name in ["a", "b"] {
            user(&world, &owner, name).await;
            iam(&world, &owner, &attach(name, &arn)).await.unwrap();
        }
        // Once is as good as twice.
        iam(&world, &owner, &attach("A", &arn)).await.unwrap();
        let make = of::<CreateGroup>(json!({"GroupName": "g", "Path": "/x/"}));
        iam(&world, &owner, &make).await.unwrap();
        let to_group = json!({"GroupName": "g", "PolicyArn": arn});
        iam(&world, &owner, &of::<AttachGroupPolicy>(to_group)).await.unwrap();
        role(&world, &owner, "r").await;
        let to_role = json!({"RoleName": "r", "PolicyArn": arn});
        iam(&world, &owner, &of::<AttachRolePolicy>(to_role)).await.unwrap();
        let bound = json!({"UserName": "a", "PermissionsBoundary": arn});
        iam(&world, &owner, &of::<PutUserPermissionsBoundary>(bound)).await.unwrap();

        let entities = async |more: serde_json::Value| {
            let mut ask = json!({"PolicyArn": arn});
            ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let told = iam(&world, &owner, &of::<ListEntitiesForPolicy>(ask)).await.unwrap();
            let users: Vec<_> =
                told.policy_users.member.into_iter().map(|it| it.user_name).collect();
            (users.join(""), told.policy_groups.member.len(), told.policy_roles.member.len())
        };
        assert_eq!(entities(json!({})).await, ("ab".into(), 1, 1));
        assert_eq!(entities(json!({"EntityFilter": "Role"})).await, (String::new(), 0, 1));
        assert_eq!(entities(json!({"PathPrefix": "/x/"})).await, (String::new(), 1, 0));
        let boundary = json!({"PolicyUsageFilter": "PermissionsBoundary"});
        assert_eq!(entities(boundary).await, ("a".into(), 0, 0));
        let shown = of::<GetPolicy>(json!({"PolicyArn": arn}));
        let shown = iam(&world, &owner, &shown).await.unwrap().policy;
        assert_eq!((shown.attachment_count, shown.permissions_boundary_usage_count), (4, 1));

        let list = of::<ListAttachedUserPolicies>(json!({"UserName": "a"}));
        let listed = iam(&world, &owner, &list).await.unwrap().attached_policies.member;
        assert_eq!((listed[0].policy_name.as_str(), &listed[0].policy_arn), ("p", &arn));
        let off = |name: &str| of::<DetachUserPolicy>(json!({"UserName": name, "PolicyArn": arn}));
        iam(&world, &owner, &off("a")).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &off("a")).await), "NoSuchEntity");
        assert_eq!(entities(json!({})).await, ("ab".into(), 1, 1));
        let unbound = of::<DeleteUserPermissionsBoundary>(json!({"UserName": "a"}));
        iam(&world, &owner, &unbound).await.unwrap();
        assert_eq!(entities(json!({})).await, ("b".into(), 1, 1));
        assert_eq!(code(iam(&world, &owner, &unbound).await), "NoSuchEntity");
        let on_owner = json!({"UserName": "admin", "PermissionsBoundary": arn});
        let refused = iam(&world, &owner, &of::<PutUserPermissionsBoundary>(on_owner)).await;
        assert_eq!(code(refused), "UnmodifiableEntity");

        for number in 1..=10 {
            let more = policy(&world, &owner, &format!("more{number}")).await;
            iam(&world, &owner, &attach("a", &more)).await.unwrap();
        }
        assert_eq!(code(iam(&world, &owner, &attach("a", &arn)).await), "LimitExceeded");
    });
}

#[test]
fn a_policy_does_not_go_while_somebody_gets_it() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        user(&world, &owner, "u").await;
        for round in 0..12 {
            let arn = policy(&world, &owner, &format!("p{round}")).await;
            let (attach, delete) =
                (attach("u", &arn), of::<DeletePolicy>(json!({"PolicyArn": arn})));
            let (attached, deleted) =
                tokio::join!(iam(&world, &owner, &attach), iam(&world, &owner, &delete));
            let list = of::<ListAttachedUserPolicies>(json!({"UserName": "u"}));
            let has = iam(&world, &owner, &list).await.unwrap().attached_policies.member;
            let has = has.iter().any(|it| it.policy_arn == arn);
            let shown = iam(&world, &owner, &of::<GetPolicy>(json!({"PolicyArn": arn}))).await;
            match (attached, deleted) {
                (Ok(_), Err((code, _))) => {
                    assert_eq!(code, "DeleteConflict");
                    assert!(has);
                    assert_eq!(shown.unwrap().policy.attachment_count, 1);
                    let off = json!({"UserName": "u", "PolicyArn": arn});
                    iam(&world, &owner, &of::<DetachUserPolicy>(off)).await.unwrap();
                }
                (Err((code, _)), Ok(_)) => {
                    assert_eq!(code, "NoSuchEntity");
                    assert!(!has && shown.is_err());
                }
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn roles_and_profiles_hold_one_another() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        let arn = policy(&world, &owner, "p").await;
        let create = json!({
            "RoleName": "Web", "Path": "/app/", "AssumeRolePolicyDocument": TRUST,
            "Description": "for web", "MaxSessionDuration": 7200, "PermissionsBoundary": arn,
            "Tags": [{"Key": "k", "Value": "v"}],
        });
        let made = iam(&world, &owner, &of::<CreateRole>(create.clone())).await.unwrap().role;
        assert_eq!(made.arn, format!("arn:aws:iam::{}:role/app/Web", owner.account));
        assert_eq!(percent_decode(&made.assume_role_policy_document), TRUST);
        assert_eq!(
            code(iam(&world, &owner, &of::<CreateRole>(create)).await),
            "EntityAlreadyExists"
        );
        let get = || of::<GetRole>(json!({"RoleName": "web"}));
        assert_eq!(iam(&world, &owner, &get()).await.unwrap().role, made);
        let list = of::<ListRoles>(json!({"PathPrefix": "/app"}));
        let listed = iam(&world, &owner, &list).await.unwrap().roles.member;
        assert!(listed.len() == 1 && listed[0].tags.is_empty());

        let update = json!({"RoleName": "Web", "MaxSessionDuration": 43200});
        iam(&world, &owner, &of::<UpdateRole>(update)).await.unwrap();
        let long = json!({"RoleName": "Web", "MaxSessionDuration": 43201});
        let long = iam(&world, &owner, &of::<UpdateRole>(long)).await;
        assert_eq!(code(long), "ValidationError");
        let trust = TRUST.replace("ec2.amazonaws.com", "sts.amazonaws.com");
        let trusts = json!({"RoleName": "Web", "PolicyDocument": trust});
        iam(&world, &owner, &of::<UpdateAssumeRolePolicy>(trusts)).await.unwrap();
        let now = iam(&world, &owner, &get()).await.unwrap().role;
        assert_eq!(
            (now.max_session_duration, now.description.as_deref()),
            (43200, Some("for web"))
        );
        assert_eq!(percent_decode(&now.assume_role_policy_document), trust);

        let profile = json!({"InstanceProfileName": "Front", "Path": "/app/"});
        let create = of::<CreateInstanceProfile>(profile.clone());
        let made = iam(&world, &owner, &create).await.unwrap().instance_profile;
        assert!(made.roles.is_empty() && made.instance_profile_id.starts_with("AIPA"));
        let name = json!({"InstanceProfileName": "front"});
        let pair = json!({"InstanceProfileName": "front", "RoleName": "web"});
        let add = of::<AddRoleToInstanceProfile>(pair.clone());
        iam(&world, &owner, &add).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &add).await), "LimitExceeded");
        let shown = iam(&world, &owner, &of::<GetInstanceProfile>(name.clone())).await.unwrap();
        assert_eq!(shown.instance_profile.roles.member[0].role_name, "Web");
        let of_role = of::<ListInstanceProfilesForRole>(json!({"RoleName": "Web"}));
        let listed = iam(&world, &owner, &of_role).await.unwrap().instance_profiles.member;
        assert_eq!(listed[0].instance_profile_name, "Front");
        let delete_role = of::<DeleteRole>(json!({"RoleName": "Web"}));
        let delete_profile = of::<DeleteInstanceProfile>(name);
        assert_eq!(code(iam(&world, &owner, &delete_role).await), "DeleteConflict");
        assert_eq!(code(iam(&world, &owner, &delete_profile).await), "DeleteConflict");
        let remove = of::<RemoveRoleFromInstanceProfile>(pair);
        iam(&world, &owner, &remove).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &remove).await), "NoSuchEntity");
        let inline = json!({"RoleName": "Web", "PolicyName": "p", "PolicyDocument": READS});
        iam(&world, &owner, &of::<PutRolePolicy>(inline)).await.unwrap();
        assert_eq!(code(iam(&world, &owner, &delete_role).await), "DeleteConflict");
        let inline = json!({"RoleName": "Web", "PolicyName": "p"});
        let away = of::<common::euare::inline::DeleteRolePolicy>(inline);
        iam(&world, &owner, &away).await.unwrap();
        iam(&world, &owner, &delete_role).await.unwrap();
        iam(&world, &owner, &delete_profile).await.unwrap();
        // The boundary that the role had is free again.
        iam(&world, &owner, &of::<DeletePolicy>(json!({"PolicyArn": arn}))).await.unwrap();
    });
}

#[test]
fn policies_that_are_none_are_refused_everywhere() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        user(&world, &owner, "u").await;
        let arn = policy(&world, &owner, "p").await;
        role(&world, &owner, "r").await;
        for text in ["{", "[]", r#"{"Statement":[{"Effect":"Perhaps"}]}"#, TRUST] {
            let version = json!({"PolicyArn": arn, "PolicyDocument": text});
            let version = of::<CreatePolicyVersion>(version);
            let create = json!({"PolicyName": "x", "PolicyDocument": text});
            for refused in [
                code(iam(&world, &owner, &put("u", "p", text)).await),
                code(iam(&world, &owner, &version).await),
                code(iam(&world, &owner, &of::<CreatePolicy>(create)).await),
            ] {
                assert_eq!(refused, "MalformedPolicyDocument", "{text}");
            }
        }
        // Who may take a role on is another kind of policy.
        let trusts = json!({"RoleName": "r", "PolicyDocument": READS});
        let refused = iam(&world, &owner, &of::<UpdateAssumeRolePolicy>(trusts)).await;
        assert_eq!(code(refused), "MalformedPolicyDocument");
        let bad = json!({"RoleName": "s", "AssumeRolePolicyDocument": "{}"});
        let refused = iam(&world, &owner, &of::<CreateRole>(bad)).await;
        assert_eq!(code(refused), "MalformedPolicyDocument");
    });
}

#[test]
fn simulations_tell_what_decides() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        user(&world, &owner, "u").await;
        let text = "{\n \"Version\": \"2012-10-17\",\n \"Statement\": [\n  {\"Effect\": \"Allow\", \
                    \"Action\": \"s3:Get*\", \"Resource\": \"arn:aws:s3:::b/${aws:username}/*\"},\n  \
                    {\"Effect\": \"Deny\", \"Action\": \"s3:*\", \"Resource\": \"*\", \"Condition\": \
                    {\"Bool\": {\"aws:SecureTransport\": \"false\"}}}\n ]\n}";
        iam(&world, &owner, &put("u", "home", text)).await.unwrap();
        let source = format!("arn:aws:iam::{}:user/u", owner.account);
        let simulate = |secure: Option<&str>| {
            let entries: Vec<_> = secure
                .map(|value| ContextEntry {
                    context_key_name: "aws:SecureTransport".into(),
                    context_key_values: vec![value.into()],
                    context_key_type: Some("boolean".into()),
                })
                .into_iter()
                .collect();
            of::<SimulatePrincipalPolicy>(json!({
                "PolicySourceArn": source,
                "ActionNames": ["s3:GetObject", "s3:PutObject"],
                "ResourceArns": ["arn:aws:s3:::b/u/x", "arn:aws:s3:::b/v/x"],
                "ContextEntries": entries,
            }))
        };
        let told = iam(&world, &owner, &simulate(Some("true"))).await.unwrap();
        let results = told.evaluation_results.member;
        let decisions: Vec<_> = results.iter().map(|it| it.eval_decision.as_str()).collect();
        let implicit = "implicitDeny";
        assert_eq!(decisions, ["allowed", implicit, implicit, implicit]);
        let matched = &results[0].matched_statements.member[0];
        assert_eq!(matched.source_policy_id, "user_u_home");
        assert_eq!(matched.source_policy_type, "user");
        assert_eq!((matched.start_position.line, matched.start_position.column), (4, 3));
        assert_eq!(matched.end_position.line, 4);
        assert_eq!(results[0].resource_specific_results.member.len(), 1);
        let told = iam(&world, &owner, &simulate(Some("false"))).await.unwrap();
        let denied = told.evaluation_results.member;
        assert!(denied.iter().all(|it| it.eval_decision == "explicitDeny"), "{denied:?}");
        assert_eq!(denied[0].matched_statements.member[0].start_position.line, 5);
        let told = iam(&world, &owner, &simulate(None)).await.unwrap();
        let missing = &told.evaluation_results.member[0].missing_context_values.member;
        assert!(missing[0].eq_ignore_ascii_case("aws:SecureTransport"), "{missing:?}");

        let paged = of::<SimulatePrincipalPolicy>(json!({
            "PolicySourceArn": source, "ActionNames": ["s3:GetObject", "s3:PutObject"], "MaxItems": 1,
        }));
        let first = iam(&world, &owner, &paged).await.unwrap();
        assert_eq!((first.evaluation_results.member.len(), first.is_truncated), (1, true));
        let next = SimulatePrincipalPolicy { marker: first.marker, ..paged };
        let second = iam(&world, &owner, &next).await.unwrap();
        assert_eq!(second.evaluation_results.member[0].eval_action_name, "s3:PutObject");
        assert!(!second.is_truncated);

        let custom = of::<SimulateCustomPolicy>(json!({
            "PolicyInputList": [READS], "ActionNames": ["s3:GetObject"],
            "PermissionsBoundaryPolicyInputList": [READS.replace("Get", "Put")],
        }));
        let told = iam(&world, &owner, &custom).await.unwrap().evaluation_results.member;
        assert_eq!(told[0].eval_decision, "implicitDeny");
        let boundary = told[0].permissions_boundary_decision_detail.unwrap();
        assert!(!boundary.allowed_by_permissions_boundary);
        let resource = READS.replace("\"Effect\"", "\"Principal\":\"*\",\"Effect\"");
        let writes = READS.replace("Get", "Put");
        let ask = |owner: &str| {
            of::<SimulateCustomPolicy>(json!({
                "PolicyInputList": [writes], "ActionNames": ["s3:GetObject"],
                "ResourcePolicy": resource, "ResourceArns": ["arn:aws:s3:::b/k"],
                "CallerArn": source, "ResourceOwner": format!("arn:aws:iam::{owner}:root"),
            }))
        };
        let own = iam(&world, &owner, &ask(&owner.account)).await.unwrap().evaluation_results;
        assert_eq!(own.member[0].eval_decision, "allowed");
        let other = iam(&world, &owner, &ask("123456789012")).await.unwrap().evaluation_results;
        assert_eq!(other.member[0].eval_decision, "implicitDeny");
        assert_eq!(other.member[0].eval_decision_details.entry.len(), 2);

        let keys = of::<GetContextKeysForCustomPolicy>(json!({"PolicyInputList": [text]}));
        let keys = iam(&world, &owner, &keys).await.unwrap().context_key_names.member;
        let keys: Vec<_> = keys.iter().map(|key| key.to_ascii_lowercase()).collect();
        assert_eq!(keys, ["aws:securetransport", "aws:username"]);
        for (ask, expected) in [
            (json!({"PolicySourceArn": source, "ActionNames": ["s3:*"]}), "InvalidInput"),
            (json!({"PolicySourceArn": source}), "ValidationError"),
            (
                json!({"PolicySourceArn": format!("{source}x"), "ActionNames": ["s3:X"]}),
                "NoSuchEntity",
            ),
            (
                json!({"PolicySourceArn": "arn:aws:s3:::bucket/key", "ActionNames": ["s3:X"]}),
                "InvalidInput",
            ),
        ] {
            let refused = iam(&world, &owner, &of::<SimulatePrincipalPolicy>(ask)).await;
            assert_eq!(code(refused), expected);
        }
    });
}

#[test]
fn all_of_an_account_is_told_in_one_listing() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        let arn = policy(&world, &owner, "p").await;
        for name in ["a", "b"] {
            user(&world, &owner, name).await;
        }
        iam(&world, &owner, &attach("a", &arn)).await.unwrap();
        iam(&world, &owner, &put("a", "own", READS)).await.unwrap();
        let group = of::<CreateGroup>(json!({"GroupName": "Team"}));
        iam(&world, &owner, &group).await.unwrap();
        let join = of::<AddUserToGroup>(json!({"GroupName": "team", "UserName": "a"}));
        iam(&world, &owner, &join).await.unwrap();
        role(&world, &owner, "r").await;
        let (mut users, mut groups, mut roles, mut policies) = (vec![], vec![], vec![], vec![]);
        let mut marker = None;
        loop {
            let ask = json!({
                "MaxItems": 2, "Marker": marker,
                "Filter": ["User", "Group", "Role", "LocalManagedPolicy"],
            });
            let ask = of::<GetAccountAuthorizationDetails>(ask);
            let page = iam(&world, &owner, &ask).await.unwrap();
            users.extend(page.user_detail_list.member);
            groups.extend(page.group_detail_list.member);
            roles.extend(page.role_detail_list.member);
            policies.extend(page.policies.member);
            marker = page.marker;
            if !page.is_truncated {
                break;
            }
        }
        let names: Vec<_> = users.iter().map(|it| it.user_name.as_str()).collect();
        assert_eq!(names, ["a", "admin", "b"]);
        assert_eq!(users[0].group_list.member, ["Team"]);
        assert_eq!(users[0].attached_managed_policies.member[0].policy_arn, arn);
        let document = &users[0].user_policy_list.member[0].policy_document;
        assert_eq!(percent_decode(document), READS);
        assert_eq!((groups.len(), roles.len(), policies.len()), (1, 1, 1));
        assert_eq!(policies[0].policy_version_list.member.len(), 1);
        assert_eq!(policies[0].attachment_count, 1);
        let whole = of::<GetAccountAuthorizationDetails>(json!({"MaxItems": 1000}));
        let whole = iam(&world, &owner, &whole).await.unwrap();
        let known = common::iam::managed::POLICIES.len();
        assert_eq!(whole.policies.member.len(), known + 1);
        let strange = of::<GetAccountAuthorizationDetails>(json!({"Filter": ["Thing"]}));
        assert_eq!(code(iam(&world, &owner, &strange).await), "ValidationError");
    });
}

#[test]
fn what_is_given_holds_at_once_and_what_is_taken_is_gone() {
    world(&[], |world| async move {
        let owner = world.user("taro").await;
        user(&world, &owner, "u").await;
        let key = of::<CreateAccessKey>(json!({"UserName": "u"}));
        let key = iam(&world, &owner, &key).await.unwrap().access_key;
        let u = User {
            access_key: key.access_key_id,
            secret: key.secret_access_key,
            account: owner.account.clone(),
            token: None,
        };
        let may = async || {
            let done = world.raw(&u, &[("Action", "DescribeKeyPairs")]).await;
            let source = format!("arn:aws:iam::{}:user/u", owner.account);
            let ask = json!({"PolicySourceArn": source, "ActionNames": ["ec2:DescribeKeyPairs"]});
            let told = iam(&world, &owner, &of::<SimulatePrincipalPolicy>(ask)).await.unwrap();
            let decided = told.evaluation_results.member[0].eval_decision == "allowed";
            assert_eq!(done.is_ok(), decided, "the simulation tells what is done: {done:?}");
            decided
        };
        let text = |effect: &str, action: &str| {
            let statement = json!({"Effect": effect, "Action": action, "Resource": "*"});
            json!({"Version": "2012-10-17", "Statement": statement}).to_string()
        };
        let describes = text("Allow", "ec2:Describe*");
        assert!(!may().await);
        iam(&world, &owner, &put("u", "p", &describes)).await.unwrap();
        assert!(may().await);
        let boundary = policy(&world, &owner, "reads").await;
        let bound = json!({"UserName": "u", "PermissionsBoundary": boundary});
        iam(&world, &owner, &of::<PutUserPermissionsBoundary>(bound)).await.unwrap();
        assert!(!may().await);
        let unbound = of::<DeleteUserPermissionsBoundary>(json!({"UserName": "u"}));
        iam(&world, &owner, &unbound).await.unwrap();
        assert!(may().await);
        let away = of::<DeleteUserPolicy>(json!({"UserName": "u", "PolicyName": "p"}));
        iam(&world, &owner, &away).await.unwrap();
        assert!(!may().await);

        // By way of a group, and of versions of a managed policy.
        let group = of::<CreateGroup>(json!({"GroupName": "g"}));
        iam(&world, &owner, &group).await.unwrap();
        let join = of::<AddUserToGroup>(json!({"GroupName": "g", "UserName": "u"}));
        iam(&world, &owner, &join).await.unwrap();
        let create = json!({"PolicyName": "managed", "PolicyDocument": describes});
        let arn = iam(&world, &owner, &of::<CreatePolicy>(create)).await.unwrap().policy.arn;
        let to_group = json!({"GroupName": "g", "PolicyArn": arn});
        iam(&world, &owner, &of::<AttachGroupPolicy>(to_group)).await.unwrap();
        assert!(may().await);
        let denies = json!({
            "PolicyArn": arn, "SetAsDefault": true,
            "PolicyDocument": text("Deny", "ec2:DescribeKeyPairs"),
        });
        iam(&world, &owner, &of::<CreatePolicyVersion>(denies)).await.unwrap();
        assert!(!may().await);
        iam(&world, &owner, &attach("u", CLOUDS)).await.unwrap();
        assert!(!may().await, "a denial counts whatever else allows");
        let first = json!({"PolicyArn": arn, "VersionId": "v1"});
        iam(&world, &owner, &of::<SetDefaultPolicyVersion>(first)).await.unwrap();
        assert!(may().await);

        // Users change permissions only if they may; the cloud's policy lets them everything.
        let reads = of::<GetPolicy>(json!({"PolicyArn": arn}));
        iam(&world, &u, &reads).await.unwrap();
        let off = of::<DetachUserPolicy>(json!({"UserName": "u", "PolicyArn": CLOUDS}));
        iam(&world, &u, &off).await.unwrap();
        for refused in [
            code(iam(&world, &u, &reads).await),
            code(iam(&world, &u, &attach("u", CLOUDS)).await),
            code(iam(&world, &u, &put("u", "p", &describes)).await),
        ] {
            assert_eq!(refused, "AccessDenied");
        }
        // Whoever may fill a profile needs to be let pass the role, too.
        role(&world, &owner, "r").await;
        let make = of::<CreateInstanceProfile>(json!({"InstanceProfileName": "i"}));
        iam(&world, &owner, &make).await.unwrap();
        iam(&world, &owner, &put("u", "p", &text("Allow", "iam:AddRoleToInstanceProfile")))
            .await
            .unwrap();
        let add = json!({"InstanceProfileName": "i", "RoleName": "r"});
        let add = of::<AddRoleToInstanceProfile>(add);
        let (refused, told) = iam(&world, &u, &add).await.unwrap_err();
        assert_eq!(refused, "AccessDenied");
        assert!(told.contains("iam:PassRole"), "{told}");
        iam(&world, &owner, &put("u", "q", &text("Allow", "iam:PassRole"))).await.unwrap();
        iam(&world, &u, &add).await.unwrap();
    });
}
