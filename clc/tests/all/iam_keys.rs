//! Access keys: several, active or not, and when they were used last.

use common::time::Timestamp;
use common::wire::identity::{KeyUse, NoteKeyUse};

use crate::iam_users::{key, with_key};
use crate::world::{code, texts, world};

#[test]
fn keys_are_made_switched_off_and_removed() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let first = with_key(&world, &taro, "hanako").await;
        let second = key(&world, &taro, "Hanako").await;
        let name = ("UserName", "hanako");
        let third = world.iam(&taro, "CreateAccessKey", &[name]).await.unwrap_err();
        assert_eq!(third.0, "LimitExceeded");
        assert_eq!(third.1, "Cannot exceed quota for AccessKeysPerUser: 2 (hanako)");
        let who = async |user| world.sts(user, "GetCallerIdentity").await.map(drop);
        who(&first).await.unwrap();

        let status = async |key: &str, status: &str| {
            let pairs = [name, ("AccessKeyId", key), ("Status", status)];
            world.iam(&taro, "UpdateAccessKey", &pairs).await.map(drop)
        };
        status(&first.access_key, "Inactive").await.unwrap();
        assert_eq!(code(who(&first).await), "InvalidClientTokenId");
        who(&second).await.unwrap();
        let list = world.iam(&taro, "ListAccessKeys", &[name]).await.unwrap();
        assert_eq!(texts(&list, "Status").iter().filter(|it| *it == "Inactive").count(), 1);
        assert!(!list.contains("Secret"), "{list}");
        status(&first.access_key, "Active").await.unwrap();
        who(&first).await.unwrap();
        assert_eq!(code(status(&first.access_key, "Expired").await), "ValidationError");
        assert_eq!(code(status(&taro.access_key, "Inactive").await), "NoSuchEntity");
        assert_eq!(code(status("AKI-", "Inactive").await), "ValidationError");

        let one = [name, ("AccessKeyId", first.access_key.as_str())];
        world.iam(&taro, "DeleteAccessKey", &one).await.unwrap();
        assert_eq!(code(who(&first).await), "InvalidClientTokenId");
        assert_eq!(code(world.iam(&taro, "DeleteAccessKey", &one).await), "NoSuchEntity");
        // Another account's key is nobody's here.
        let jiro = world.user("jiro").await;
        let one = [("AccessKeyId", second.access_key.as_str())];
        for action in ["DeleteAccessKey", "GetAccessKeyLastUsed"] {
            assert_eq!(code(world.iam(&jiro, action, &one).await), "NoSuchEntity", "{action}");
        }
        // The limit is a setting.
        let ask = common::wire::admin::ChangeSetting {
            name: "authentication.access_keys_limit".into(),
            value: "3".into(),
        };
        world.administration().call(ask).await.unwrap();
        key(&world, &taro, "hanako").await;
        key(&world, &taro, "hanako").await;
        assert_eq!(code(world.iam(&taro, "CreateAccessKey", &[name]).await), "LimitExceeded");
    });
}

#[test]
fn the_last_use_of_a_key_is_known() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let id = hanako.access_key.as_str();
        let last = async || {
            let told = world.iam(&taro, "GetAccessKeyLastUsed", &[("AccessKeyId", id)]).await;
            let told = told.unwrap();
            assert_eq!(texts(&told, "UserName"), ["hanako"]);
            let date = texts(&told, "LastUsedDate");
            (texts(&told, "ServiceName").remove(0), texts(&told, "Region").remove(0), date)
        };
        assert_eq!(last().await, ("N/A".into(), "N/A".into(), vec![]));
        world.sts(&hanako, "GetCallerIdentity").await.unwrap();
        let (service, region, date) = last().await;
        assert_eq!((service.as_str(), region.as_str()), ("sts", "eucalyptus"));
        assert!(date[0].ends_with('Z') && date[0].len() == 20, "{date:?}");
        // A wrong signature is no use, whatever the key.
        let liar = crate::world::User { secret: "wrong".into(), ..hanako.clone() };
        world.raw(&liar, &[("Action", "DescribeRegions")]).await.unwrap_err();
        assert_eq!(last().await.0, "sts");
        let at = Timestamp::from_millis(world.clock.now().as_millis() + 5);
        let uses = vec![KeyUse { id: id.to_owned(), service: "s3".into(), at }];
        world.identity().call(NoteKeyUse { uses }).await.unwrap();
        assert_eq!(last().await.0, "s3");
    });
}
