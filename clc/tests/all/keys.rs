//! Key pairs over the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::ec2::instances::RunInstances;
use common::ec2::keys::{CreateKeyPair, DeleteKeyPair, DescribeKeyPairs, ImportKeyPair};
use common::ec2::types::Filter;

use crate::instances::launch;
use crate::world::{code, world};

pub(crate) const ED25519: &str = include_str!("../data/ed25519.pub");
const RSA: &str = include_str!("../data/rsa.pub");

/// A public key as it is sent.
pub(crate) fn material(key: &str) -> String {
    STANDARD.encode(key)
}

fn create(name: &str, kind: Option<&str>) -> CreateKeyPair {
    CreateKeyPair {
        key_name: name.into(),
        key_type: kind.map(Into::into),
        ..CreateKeyPair::default()
    }
}

#[test]
fn key_pairs_are_made_listed_and_removed() {
    world(&[], |world| async move {
        let (taro, jiro) = (world.user("taro").await, world.user("jiro").await);
        let odd = "鍵 <&> '\"/.. x";
        let made = world.call(&taro, &create(odd, None)).await.unwrap();
        assert_eq!(made.key_name, odd);
        assert!(made.key_material.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(made.key_material.ends_with("-----END RSA PRIVATE KEY-----\n"));
        let ed = world.call(&taro, &create("ed", Some("ed25519"))).await.unwrap();
        assert!(ed.key_material.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
        for (ask, expected) in [
            (create(odd, None), "InvalidKeyPair.Duplicate"),
            (create(&"k".repeat(256), None), "InvalidParameterValue"),
            (create("a\u{1}", None), "InvalidParameterValue"),
            (create("x", Some("dsa")), "InvalidParameterValue"),
            (create("", None), "MissingParameter"),
        ] {
            assert_eq!(code(world.call(&taro, &ask).await), expected, "{ask:?}");
        }
        // Another account has its own names.
        world.call(&jiro, &create(odd, None)).await.unwrap();

        let all = world.call(&taro, &DescribeKeyPairs::default()).await.unwrap().key_set.item;
        let names: Vec<_> = all.iter().map(|key| key.key_name.as_str()).collect();
        assert_eq!(names, ["ed", odd]);
        assert_eq!(all[1].key_fingerprint, made.key_fingerprint);
        assert_eq!(all[1].public_key, None);
        let ask = DescribeKeyPairs {
            key_name: vec!["ed".into()],
            include_public_key: true,
            ..DescribeKeyPairs::default()
        };
        let one = world.call(&taro, &ask).await.unwrap().key_set.item;
        assert!(one[0].public_key.as_ref().unwrap().starts_with("ssh-ed25519 "));
        let ask =
            DescribeKeyPairs { key_name: vec!["absent".into()], ..DescribeKeyPairs::default() };
        assert_eq!(code(world.call(&taro, &ask).await), "InvalidKeyPair.NotFound");
        let filter = vec![Filter { name: "key-name".into(), value: vec!["e?".into()] }];
        let ask = DescribeKeyPairs { filter, ..DescribeKeyPairs::default() };
        assert_eq!(world.call(&taro, &ask).await.unwrap().key_set.item.len(), 1);

        let delete = |name: &str| DeleteKeyPair { key_name: Some(name.into()), key_pair_id: None };
        for _ in 0..2 {
            world.call(&taro, &delete(odd)).await.unwrap();
        }
        let by_id = DeleteKeyPair { key_name: None, key_pair_id: Some(ed.key_pair_id) };
        world.call(&taro, &by_id).await.unwrap();
        assert!(world.call(&taro, &DescribeKeyPairs::default()).await.unwrap().key_set.is_empty());
        let neither = DeleteKeyPair { key_name: None, key_pair_id: None };
        assert_eq!(code(world.call(&taro, &neither).await), "MissingParameter");
        assert_eq!(
            world.call(&jiro, &DescribeKeyPairs::default()).await.unwrap().key_set.item.len(),
            1
        );
    });
}

#[test]
fn a_key_of_ones_own_reaches_the_guest_as_it_is() {
    world(&[4], |world| async move {
        let image = world.bootable().await;
        let import = |name: &str, key: &str| ImportKeyPair {
            key_name: name.into(),
            public_key_material: material(key),
            ..ImportKeyPair::default()
        };
        let rsa = world.call(&world.admin, &import("mine", RSA)).await.unwrap();
        assert_eq!(rsa.key_fingerprint, "c2:8d:c6:33:25:ed:a3:ed:d5:71:41:f3:aa:48:81:aa");
        let ed = world.call(&world.admin, &import("短い 鍵", ED25519)).await.unwrap();
        assert_eq!(ed.key_fingerprint, "oHFKrRPE5z/HD1+/LNNJ3OlYywmftOatWxoIsjxazCs=");
        for (ask, expected) in [
            (import("mine", ED25519), "InvalidKeyPair.Duplicate"),
            (import("bad", "ssh-rsa AAAA"), "InvalidKey.Format"),
            (import("bad", include_str!("../data/ecdsa.pub")), "InvalidKey.Format"),
            (
                ImportKeyPair { public_key_material: RSA.into(), ..import("bad", RSA) },
                "InvalidKey.Format",
            ),
            (
                ImportKeyPair { public_key_material: String::new(), ..import("bad", RSA) },
                "MissingParameter",
            ),
            (import("a\u{1}", RSA), "InvalidParameterValue"),
        ] {
            assert_eq!(code(world.call(&world.admin, &ask).await), expected, "{ask:?}");
        }
        let ask = DescribeKeyPairs {
            key_pair_id: vec![rsa.key_pair_id.clone(), ed.key_pair_id],
            include_public_key: true,
            ..DescribeKeyPairs::default()
        };
        let found = world.call(&world.admin, &ask).await.unwrap().key_set.item;
        assert_eq!((found[0].key_type.as_str(), found[1].key_type.as_str()), ("rsa", "ed25519"));
        assert_eq!(found[0].public_key.as_deref(), Some(RSA.trim_end()));
        assert!(found.iter().all(|it| it.create_time.is_some()));

        let ask = RunInstances { key_name: Some("mine".into()), ..launch(&image) };
        let id = world.run(&world.admin, &ask).await.remove(0);
        world.instance_is(&world.admin, &id, "running").await;
        let key = world.nodes[0].runs().remove(0).spec.metadata.key.unwrap();
        assert_eq!((key.name.as_str(), key.openssh.as_str()), ("mine", RSA.trim_end()));
    });
}
