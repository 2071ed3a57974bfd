//! DryRun: everything that can be refused is, and nothing is done.

use common::ec2::instance_profiles::{AssociateIamInstanceProfile, ProfileName};
use common::ec2::instances::RunInstances;
use common::id::ImageKind;

use crate::identities::{profile, role, trust};
use crate::instances::launch;
use crate::world::{code, world};

type Parameters<'a> = &'a [(&'a str, &'a str)];

/// Every action, with parameters by which it could be done.
const ALL: &[(&str, Parameters<'static>)] = &[
    (
        "AssociateIamInstanceProfile",
        &[("InstanceId", "INSTANCE"), ("IamInstanceProfile.Name", "web")],
    ),
    (
        "BundleInstance",
        &[("InstanceId", "INSTANCE"), ("Storage.S3.Bucket", "buck"), ("Storage.S3.Prefix", "img")],
    ),
    ("CancelBundleTask", &[("BundleId", "BUNDLE")]),
    ("CancelImportTask", &[("ImportTaskId", "IMPORT")]),
    ("CreateImage", &[("InstanceId", "INSTANCE"), ("Name", "copy")]),
    ("CreateKeyPair", &[("KeyName", "new")]),
    ("CreateTags", &[("ResourceId.1", "IMAGE"), ("Tag.1.Key", "a")]),
    ("DeleteKeyPair", &[("KeyName", "old")]),
    ("DeleteTags", &[("ResourceId.1", "INSTANCE"), ("Tag.1.Key", "kept")]),
    ("DeregisterImage", &[("ImageId", "IMAGE")]),
    ("DescribeAccountAttributes", &[]),
    ("DescribeAddresses", &[]),
    ("DescribeAvailabilityZones", &[]),
    ("DescribeBundleTasks", &[]),
    ("DescribeIamInstanceProfileAssociations", &[]),
    ("DisassociateIamInstanceProfile", &[("AssociationId", "ASSOCIATION")]),
    ("DescribeImageAttribute", &[("ImageId", "IMAGE"), ("Attribute", "launchPermission")]),
    ("DescribeImages", &[]),
    ("DescribeImportImageTasks", &[]),
    ("DescribeInstanceAttribute", &[("InstanceId", "INSTANCE"), ("Attribute", "userData")]),
    ("DescribeInstanceStatus", &[]),
    ("DescribeInstanceTypeOfferings", &[]),
    ("DescribeInstanceTypes", &[]),
    ("DescribeInstances", &[]),
    ("DescribeKeyPairs", &[]),
    ("DescribeRegions", &[]),
    ("DescribeTags", &[]),
    ("GetConsoleOutput", &[("InstanceId", "INSTANCE")]),
    (
        "ImportImage",
        &[
            ("DiskContainer.1.Format", "raw"),
            ("DiskContainer.1.UserBucket.S3Bucket", "disks"),
            ("DiskContainer.1.UserBucket.S3Key", "good.img"),
        ],
    ),
    ("ImportKeyPair", &[("KeyName", "new"), ("PublicKeyMaterial", KEY)]),
    ("ModifyImageAttribute", &[("ImageId", "IMAGE"), ("LaunchPermission.Add.1.Group", "all")]),
    (
        "ModifyInstanceAttribute",
        &[("InstanceId", "INSTANCE"), ("DisableApiTermination.Value", "true")],
    ),
    ("RebootInstances", &[("InstanceId.1", "INSTANCE")]),
    ("ModifyInstanceMetadataOptions", &[("InstanceId", "INSTANCE"), ("HttpTokens", "required")]),
    ("RegisterImage", &[("ImageLocation", "m/new")]),
    (
        "ReplaceIamInstanceProfileAssociation",
        &[("AssociationId", "ASSOCIATION"), ("IamInstanceProfile.Name", "web")],
    ),
    ("ResetImageAttribute", &[("ImageId", "IMAGE"), ("Attribute", "launchPermission")]),
    ("ResetInstanceAttribute", &[("InstanceId", "INSTANCE"), ("Attribute", "kernel")]),
    ("RunInstances", &[("ImageId", "IMAGE"), ("KeyName", "old"), ("ClientToken", "t")]),
    ("StartInstances", &[("InstanceId.1", "INSTANCE")]),
    ("StopInstances", &[("InstanceId.1", "INSTANCE")]),
    ("TerminateInstances", &[("InstanceId.1", "INSTANCE")]),
];

/// A line of OpenSSH in base64.
const KEY: &str = "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUg3a0FGdW1NeUQ2SUdFTnIz\
                   UFZoL3dSODJTNmpBSW5qTkVDeXg4aFFrMzQgamlyb0Bob3N0Cg==";

#[test]
fn every_action_can_be_rehearsed_and_does_nothing() {
    world(&[4], |mut world| async move {
        let here = world.admin.account.clone();
        world
            .on_record(|records| {
                role(records, &here, "reader", (&trust("\"*\"", "\"sts:AssumeRole\"", ""), ""));
                profile(records, &here, "web", Some("reader"))
            })
            .await;
        let image = world.bootable().await;
        let old = [("Action", "CreateKeyPair"), ("KeyName", "old"), ("KeyType", "ed25519")];
        world.raw(&world.admin, &old).await.unwrap();
        let ids = world.run(&world.admin, &launch(&image)).await;
        world.instance_is(&world.admin, &ids[0], "running").await;
        world.tag(&world.admin, &[ids[0].as_str()], &[("kept", "")]).await.unwrap();
        world.walrus.bundle("m/new", ImageKind::Machine, 5, true);
        let other = world.run(&world.admin, &launch(&image)).await.remove(0);
        world.instance_is(&world.admin, &other, "running").await;
        let task = world.save(&world.admin, &other, "other").await;
        let import = world.import(&world.admin, "good.img", &[]).await.unwrap();
        let give = AssociateIamInstanceProfile {
            instance_id: other.to_string(),
            iam_instance_profile: ProfileName::of("web"),
        };
        let given = world.call(&world.admin, &give).await.unwrap();
        let association = given.iam_instance_profile_association.association_id;
        let state = async || {
            let mut seen = String::new();
            for action in ["DescribeImages", "DescribeInstances", "DescribeKeyPairs"] {
                let answer = world.raw(&world.admin, &[("Action", action)]).await.unwrap();
                let (_, answer) = answer.split_once("</requestId>").unwrap();
                seen += answer;
            }
            seen
        };
        let before = state().await;
        for (action, parameters) in ALL {
            let mut pairs = vec![("Action", *action), ("DryRun", "true")];
            for (name, value) in *parameters {
                let value = match *value {
                    "IMAGE" => image.as_str(),
                    "INSTANCE" => ids[0].as_str(),
                    "BUNDLE" => task.as_str(),
                    "IMPORT" => import.as_str(),
                    "ASSOCIATION" => association.as_str(),
                    value => value,
                };
                pairs.push((*name, value));
            }
            let (told, text) = world.raw(&world.admin, &pairs).await.unwrap_err();
            assert_eq!(told, "DryRunOperation", "{action}: {text}");
            assert_eq!(text, "Request would have succeeded, but DryRun flag is set.");
        }
        assert_eq!(state().await, before);
        assert_eq!(world.tasks(&world.admin, &[]).await.len(), 1);
        // Nor is the token used up.
        let token = RunInstances { client_token: Some("t".into()), ..launch(&image) };
        assert_ne!(world.run(&world.admin, &token).await, ids);
        let offered: Vec<_> = common::ec2::names().collect();
        let rehearsed: Vec<_> = ALL.iter().map(|(action, _)| *action).collect();
        for action in offered {
            assert!(rehearsed.contains(&action), "{action} is not rehearsed here");
        }
    });
}

#[test]
fn what_would_be_refused_is_refused() {
    world(&[1], |world| async move {
        let image = world.bootable().await;
        let taro = world.user("taro").await;
        world.walrus.bundle("m/k2", ImageKind::Kernel, 5, true);
        let kernel = world.image(&world.admin, "m/k2").await;
        let old = [("Action", "CreateKeyPair"), ("KeyName", "old"), ("KeyType", "ed25519")];
        world.raw(&world.admin, &old).await.unwrap();
        let table: &[(_, _, Parameters<'_>, _)] = &[
            (&world.admin, "CreateKeyPair", &[("KeyName", "old")], "InvalidKeyPair.Duplicate"),
            (&world.admin, "CreateKeyPair", &[], "MissingParameter"),
            (&world.admin, "DeleteKeyPair", &[], "MissingParameter"),
            (
                &world.admin,
                "TerminateInstances",
                &[("InstanceId.1", "i-00000000")],
                "InvalidInstanceID.NotFound",
            ),
            (&world.admin, "RunInstances", &[("ImageId", "emi-00000000")], "InvalidAMIID.NotFound"),
            (
                &world.admin,
                "RunInstances",
                &[("ImageId", image.as_str()), ("InstanceType", "huge")],
                "InvalidParameterValue",
            ),
            (
                &world.admin,
                "RunInstances",
                &[("ImageId", image.as_str()), ("KeyName", "absent")],
                "InvalidKeyPair.NotFound",
            ),
            (&world.admin, "RegisterImage", &[("ImageLocation", "m/absent")], "InvalidManifest"),
            (&taro, "RegisterImage", &[("ImageLocation", "m/k2")], "UnauthorizedOperation"),
            (
                &taro,
                "DescribeAvailabilityZones",
                &[("ZoneName.1", "verbose")],
                "UnauthorizedOperation",
            ),
            (
                &world.admin,
                "CreateTags",
                &[("ResourceId.1", "i-00000000"), ("Tag.1.Key", "a")],
                "InvalidInstanceID.NotFound",
            ),
            (
                &world.admin,
                "ImportKeyPair",
                &[("KeyName", "old"), ("PublicKeyMaterial", KEY)],
                "InvalidKeyPair.Duplicate",
            ),
            (
                &world.admin,
                "ImportKeyPair",
                &[("KeyName", "new"), ("PublicKeyMaterial", "AAAA")],
                "InvalidKey.Format",
            ),
            (
                &taro,
                "ModifyImageAttribute",
                &[("ImageId", kernel.as_str()), ("LaunchPermission.Remove.1.Group", "all")],
                "UnauthorizedOperation",
            ),
            (
                &world.admin,
                "DescribeInstances",
                &[("InstanceId.1", "i-00000000")],
                "InvalidInstanceID.NotFound",
            ),
        ];
        for (user, action, parameters, expected) in table {
            let mut pairs = vec![("Action", *action), ("DryRun", "true")];
            pairs.extend_from_slice(parameters);
            assert_eq!(code(world.raw(user, &pairs).await), *expected, "{pairs:?}");
        }
    });
}
