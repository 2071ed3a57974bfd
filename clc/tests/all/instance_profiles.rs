//! Instance profiles: at a launch and later, who may give which, and what nodes are told of them.

use std::time::Duration;

use common::ec2::image_attributes::ModifyImageAttribute;
use common::ec2::instance_profiles::{
    AssociateIamInstanceProfile, Association, DescribeIamInstanceProfileAssociations,
    DisassociateIamInstanceProfile, ProfileName, ReplaceIamInstanceProfileAssociation,
};
use common::ec2::instances::{RunInstances, TerminateInstances};
use common::ec2::keys::DescribeKeyPairs;
use common::ec2::types::Filter;
use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::role::{Delivered, InstanceRole, RoleCredentials};
use runtime::clock::Clock;

use crate::identities::{allow, person, profile, role, trust};
use crate::instances::launch;
use crate::world::{User, World, code, until, world, world_at};

/// What the account of the cloud has in these tests.
async fn furnish(world: &mut World) {
    let here = world.admin.account.clone();
    let ec2 = trust(r#"{"Service":"ec2.amazonaws.com"}"#, r#""sts:AssumeRole""#, "");
    let nobody = trust(&format!(r#"{{"AWS":"{here}"}}"#), r#""sts:AssumeRole""#, "");
    let keys = allow("ec2:DescribeKeyPairs", "*");
    world
        .on_record(|records| {
            role(records, &here, "reader", (&ec2, &keys));
            role(records, &here, "writer", (&ec2, &keys));
            role(records, &here, "hermit", (&nobody, &keys));
            profile(records, &here, "web", Some("reader"));
            profile(records, &here, "db", Some("writer"));
            profile(records, &here, "lone", Some("hermit"));
            profile(records, &here, "bare", None);
        })
        .await;
}

fn with(image: &common::id::ImageId, name: &str) -> RunInstances {
    RunInstances { iam_instance_profile: Some(ProfileName::of(name)), ..launch(image) }
}

async fn associations(world: &World, user: &User) -> Vec<Association> {
    let ask = DescribeIamInstanceProfileAssociations::default();
    world.call(user, &ask).await.unwrap().iam_instance_profile_association_set.item
}

/// What the node was told last.
fn told(world: &World, id: &InstanceId) -> Option<InstanceRole> {
    let mut last = None;
    world.nodes[0].change(|node| {
        let run = node.runs.iter().rev().find(|run| run.spec.instance == *id);
        let set = node.roles.iter().rev().find(|(instance, _)| instance == id);
        last = set.map(|(_, role)| role.clone()).or(run.map(|run| run.spec.metadata.role.clone()));
    });
    last
}

fn credentials(role: &InstanceRole) -> Option<(String, RoleCredentials)> {
    let role = role.profile.as_ref()?.role.as_ref()?;
    match &role.credentials {
        Delivered::Given(given) => Some((role.name.clone(), given.clone())),
        Delivered::Refused { .. } => None,
    }
}

async fn given(world: &World, id: &InstanceId, wanted: &str) -> RoleCredentials {
    until(&format!("the node has credentials of {wanted}"), || async {
        let (name, given) = credentials(&told(world, id)?)?;
        (name == wanted).then_some(given)
    })
    .await
}

#[test]
fn an_instance_has_the_role_of_its_profile_as_long_as_it_has_it() {
    world(&[4], |mut world| async move {
        furnish(&mut world).await;
        let image = world.bootable().await;
        let here = world.admin.account.clone();
        let id = world.run(&world.admin, &with(&image, "web")).await.remove(0);
        let seen = world.instance_is(&world.admin, &id, "running").await;
        let arn = format!("arn:aws:iam::{here}:instance-profile/web");
        let shown = seen.iam_instance_profile.unwrap();
        assert_eq!((shown.arn, shown.id.as_str()), (arn.clone(), "AIPA00000000000000WEB"));

        // The credentials came with the wish, and are those of a session named by the instance.
        let first = given(&world, &id, "reader").await;
        let of = |it: &RoleCredentials| User {
            access_key: it.access_key.clone(),
            secret: it.secret.clone(),
            account: here.clone(),
            token: Some(it.token.clone()),
        };
        let (guest, more) = (of(&first), DescribeIamInstanceProfileAssociations::default());
        world.call(&guest, &DescribeKeyPairs::default()).await.unwrap();
        let refused = world.call(&guest, &more);
        let (told_code, text) = refused.await.unwrap_err();
        assert_eq!(told_code, "UnauthorizedOperation");
        assert!(text.contains(&format!("assumed-role/reader/{id}")), "{text}");

        let all = associations(&world, &world.admin).await;
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert!(one.association_id.starts_with("iip-assoc-") && one.association_id.len() == 27);
        assert_eq!((one.instance_id.as_str(), one.state.as_str()), (id.as_str(), "associated"));
        let again = AssociateIamInstanceProfile {
            instance_id: id.to_string(),
            iam_instance_profile: ProfileName::of("db"),
        };
        assert_eq!(code(world.call(&world.admin, &again).await), "IncorrectState");

        // Exchanged: another association, another role.
        let ask = ReplaceIamInstanceProfileAssociation {
            association_id: one.association_id.clone(),
            iam_instance_profile: ProfileName::of(&arn.replace("web", "db")),
        };
        let other = world.call(&world.admin, &ask).await.unwrap().iam_instance_profile_association;
        assert_ne!(other.association_id, one.association_id);
        assert_eq!(other.state, "associating");
        assert_eq!(code(world.call(&world.admin, &ask).await), "InvalidAssociationID.NotFound");
        given(&world, &id, "writer").await;
        // Nothing was restarted for it.
        assert!(world.nodes[0].runs().iter().all(|run| run.spec.generation == 1));

        // Taken away, also from a node that was not there at that time.
        world.nodes[0].change(|node| node.away = true);
        let ask = DisassociateIamInstanceProfile { association_id: other.association_id.clone() };
        let ended = world.call(&world.admin, &ask).await.unwrap().iam_instance_profile_association;
        assert_eq!(
            (ended.state.as_str(), ended.association_id),
            ("disassociating", other.association_id)
        );
        assert!(associations(&world, &world.admin).await.is_empty());
        world.restart().await;
        world.nodes[0].change(|node| node.away = false);
        until("the node has none", || async { told(&world, &id)?.profile.is_none().then_some(()) })
            .await;
        let seen = world.described(&world.admin, &[id.as_str()]).await.remove(0);
        assert_eq!(seen.iam_instance_profile, None);
        world.call(&world.admin, &again).await.unwrap();
        given(&world, &id, "writer").await;

        // With its instance an association ends.
        let end = TerminateInstances { instance_id: vec![id.to_string()] };
        world.call(&world.admin, &end).await.unwrap();
        assert!(associations(&world, &world.admin).await.is_empty());
        assert_eq!(code(world.call(&world.admin, &again).await), "IncorrectInstanceState");
    });
}

#[test]
fn credentials_are_new_long_before_the_old_end() {
    let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
    world_at(clock.clone(), &[4], |mut world| async move {
        furnish(&mut world).await;
        let image = world.bootable().await;
        let id = world.run(&world.admin, &with(&image, "web")).await.remove(0);
        let first = given(&world, &id, "reader").await;
        assert_eq!(first.expires.since(first.issued), Duration::from_secs(6 * 3600));
        world.instance_is(&world.admin, &id, "running").await;
        clock.advance(Duration::from_secs(3 * 3600 + 60));
        let second = until("they are new", || async {
            let (_, now) = credentials(&told(&world, &id)?)?;
            (now.issued != first.issued).then_some(now)
        })
        .await;
        assert_eq!(second.issued, clock.now());
        let restarted = world.nodes[0].runs().iter().any(|run| run.spec.generation > 1);
        assert!(!restarted, "nothing is restarted for it");

        // What the role is made of changes: no more trust, no more profile.
        let here = world.admin.account.clone();
        world
            .on_record(|records| {
                let mut seen = records.roles.get(&format!("{here}/reader")).unwrap().unwrap();
                seen.record.trust =
                    trust(r#"{"Service":"s3.amazonaws.com"}"#, r#""sts:AssumeRole""#, "");
                records.roles.replace(seen).unwrap();
            })
            .await;
        until("the node is told that the role trusts it no more", || async {
            let profile = told(&world, &id)?.profile?;
            match profile.role?.credentials {
                Delivered::Refused { code, .. } => {
                    assert_eq!(code, "AssumeRoleUnauthorizedAccess");
                    Some(())
                }
                Delivered::Given(_) => None,
            }
        })
        .await;
        world
            .on_record(|records| {
                let seen = records.profiles.get(&format!("{here}/web")).unwrap().unwrap();
                let mut batch = store::Batch::new();
                batch.remove(&seen);
                batch.commit(&*records.engine).unwrap();
            })
            .await;
        until("the node is told that the profile is gone", || async {
            let profile = told(&world, &id)?.profile?;
            (!profile.exists && profile.role.is_none()).then_some(())
        })
        .await;
    });
}

#[test]
fn nobody_gives_an_instance_a_role_that_they_may_not_pass_on() {
    world(&[4], |mut world| async move {
        let image = world.bootable().await;
        let share = ModifyImageAttribute {
            image_id: image.to_string(),
            attribute: Some("launchPermission".into()),
            operation_type: Some("add".into()),
            user_group: vec!["all".into()],
            ..ModifyImageAttribute::default()
        };
        world.call(&world.admin, &share).await.unwrap();
        let taro = world.user("taro").await;
        let here = taro.account.clone();
        let ec2 = trust(r#"{"Service":"ec2.amazonaws.com"}"#, r#""sts:AssumeRole""#, "");
        let all = allow("*", "*");
        let passes = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:*","Resource":"*"}},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::{here}:role/small","Condition":{{"StringEquals":{{"iam:PassedToService":"ec2.amazonaws.com"}}}}}}]}}"#
        );
        let (hanako, saburo) = world
            .on_record(|records| {
                role(records, &here, "small", (&ec2, &all));
                role(records, &here, "large", (&ec2, &all));
                profile(records, &here, "small", Some("small"));
                profile(records, &here, "large", Some("large"));
                profile(records, &here, "bare", None);
                let hanako = person(records, &here, "hanako", &passes);
                (hanako, person(records, &here, "saburo", &allow("ec2:*", "*")))
            })
            .await;
        let foreign = "arn:aws:iam::123456789012:instance-profile/small";
        let wrong = format!("arn:aws:iam::{here}:instance-profile/path/small");
        for (user, name, expected) in [
            (&saburo, "small", "UnauthorizedOperation"),
            (&hanako, "large", "UnauthorizedOperation"),
            (&hanako, "absent", "InvalidParameterValue"),
            (&hanako, foreign, "InvalidParameterValue"),
            (&hanako, &wrong, "InvalidParameterValue"),
            (&hanako, "arn:x", "InvalidParameterValue"),
            (&taro, "bare", "InvalidParameterValue"),
        ] {
            assert_eq!(code(world.call(user, &with(&image, name)).await), expected, "{name}");
        }
        let both = ProfileName { arn: Some(foreign.into()), name: Some("small".into()) };
        let both = RunInstances { iam_instance_profile: Some(both), ..launch(&image) };
        assert_eq!(code(world.call(&hanako, &both).await), "InvalidParameterCombination");
        assert!(world.described(&taro, &[]).await.is_empty());

        let id = world.run(&hanako, &with(&image, "small")).await.remove(0);
        let bare = world.run(&saburo, &launch(&image)).await.remove(0);
        let give = |name: &str| AssociateIamInstanceProfile {
            instance_id: bare.to_string(),
            iam_instance_profile: ProfileName::of(name),
        };
        assert_eq!(code(world.call(&saburo, &give("small")).await), "UnauthorizedOperation");
        assert_eq!(code(world.call(&hanako, &give("large")).await), "UnauthorizedOperation");
        world.call(&hanako, &give("small")).await.unwrap();

        // Listed, filtered, in pages; and nobody else's.
        let all = associations(&world, &taro).await;
        assert_eq!(all.len(), 2);
        let ask = |name: &str, value: &str| DescribeIamInstanceProfileAssociations {
            filter: vec![Filter { name: name.into(), value: vec![value.into()] }],
            ..DescribeIamInstanceProfileAssociations::default()
        };
        for (name, value, many) in
            [("instance-id", id.as_str(), 1), ("state", "disassociated", 0), ("state", "assoc*", 2)]
        {
            let found = world.call(&taro, &ask(name, value)).await.unwrap();
            assert_eq!(found.iam_instance_profile_association_set.item.len(), many, "{name}");
        }
        let jiro = world.user("jiro").await;
        assert!(associations(&world, &jiro).await.is_empty());
        let mine = DisassociateIamInstanceProfile { association_id: all[0].association_id.clone() };
        assert_eq!(code(world.call(&jiro, &mine).await), "InvalidAssociationID.NotFound");
        let named = DescribeIamInstanceProfileAssociations {
            association_id: vec![all[0].association_id.clone()],
            ..DescribeIamInstanceProfileAssociations::default()
        };
        assert_eq!(code(world.call(&jiro, &named).await), "InvalidAssociationID.NotFound");
        assert!(world.call(&taro, &named).await.is_ok());
        // Taking away gives nobody anything.
        world.call(&saburo, &mine).await.unwrap();
    });
}
