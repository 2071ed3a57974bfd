//! Key pairs over the API.

use common::ec2::keys::{CreateKeyPair, DeleteKeyPair, DescribeKeyPairs};
use common::ec2::types::Filter;

use crate::world::{code, world};

fn create(name: &str, kind: Option<&str>) -> CreateKeyPair {
    CreateKeyPair { key_name: name.into(), key_type: kind.map(Into::into), key_format: None }
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
