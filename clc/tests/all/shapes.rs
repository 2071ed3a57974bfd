//! Answers in the shape of the version that was asked for.

use crate::instances::launch;
use crate::world::{World, world};

impl World {
    async fn spoken(&self, action: &str, version: &str) -> String {
        self.raw(&self.admin, &[("Action", action), ("Version", version)]).await.unwrap()
    }
}

#[test]
fn old_clients_are_answered_as_then() {
    world(&[2], |world| async move {
        let image = world.bootable().await;
        let key = [("Action", "CreateKeyPair"), ("KeyName", "k"), ("KeyType", "ed25519")];
        world.raw(&world.admin, &key).await.unwrap();
        world.run(&world.admin, &launch(&image)).await;
        for (version, has, has_not) in [
            (
                "2016-11-15",
                vec![
                    "<groupName>default</groupName>",
                    "<tenancy>",
                    "<hypervisor>",
                    "<architecture>",
                ],
                vec![],
            ),
            (
                "2010-08-31",
                vec![
                    "<groupSet><item><groupId>default</groupId></item></groupSet>",
                    "<hypervisor>",
                ],
                vec!["groupName", "tenancy"],
            ),
            (
                "2009-11-30",
                vec!["<groupId>default</groupId>", "<monitoring>", "<blockDeviceMapping/>"],
                vec!["groupName", "tagSet", "hypervisor", "clientToken", "virtualizationType"],
            ),
            (
                "2006-06-26",
                vec!["<instanceId>", "<dnsName>", "<reservationId>"],
                vec!["placement", "launchTime", "productCodes", "stateReason"],
            ),
        ] {
            let answer = world.spoken("DescribeInstances", version).await;
            let namespace = format!("xmlns=\"http://ec2.amazonaws.com/doc/{version}/\"");
            assert!(answer.contains(&namespace), "{answer}");
            for text in has {
                assert!(answer.contains(text), "{text}: {answer}");
            }
            for text in has_not {
                assert!(!answer.contains(text), "{text}: {answer}");
            }
        }
        // An unknown item below an instance would be one more instance to clients of 2009.
        let old = world.spoken("DescribeInstances", "2009-11-30").await;
        let (_, instances) = old.split_once("<instancesSet>").unwrap();
        assert_eq!(instances.split("</instancesSet>").next().unwrap().matches("<item>").count(), 1);

        let old = world.spoken("DescribeKeyPairs", "2009-11-30").await;
        assert!(old.contains("<keyFingerprint>") && !old.contains("keyPairId"), "{old}");
        let old = world.spoken("DescribeImages", "2009-11-30").await;
        assert!(old.contains("<rootDeviceType>") && !old.contains("creationDate"), "{old}");
    });
}
