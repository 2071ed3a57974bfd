//! Users of an account: made, told, listed in pages, renamed with all that they have, removed.

use crate::world::{User, World, code, texts, world};

/// A user of an account, with an access key.
pub(crate) async fn with_key(world: &World, owner: &User, name: &str) -> User {
    world.iam(owner, "CreateUser", &[("UserName", name)]).await.unwrap();
    key(world, owner, name).await
}

/// Another access key of a user.
pub(crate) async fn key(world: &World, owner: &User, name: &str) -> User {
    let made = world.iam(owner, "CreateAccessKey", &[("UserName", name)]).await.unwrap();
    User {
        access_key: texts(&made, "AccessKeyId").remove(0),
        secret: texts(&made, "SecretAccessKey").remove(0),
        account: owner.account.clone(),
        token: None,
    }
}

#[test]
fn a_user_is_made_told_and_removed() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let tags = [
            ("UserName", "Hanako"),
            ("Path", "/sales/east/"),
            ("Tags.member.1.Key", "Team"),
            ("Tags.member.1.Value", "blue"),
            ("Tags.member.2.Key", "empty"),
            ("Tags.member.2.Value", ""),
        ];
        let made = world.iam(&taro, "CreateUser", &tags).await.unwrap();
        let arn = format!("arn:aws:iam::{}:user/sales/east/Hanako", taro.account);
        assert_eq!(texts(&made, "Arn"), [arn.as_str()]);
        assert!(made.starts_with("<CreateUserResponse xmlns=\"https://iam."), "{made}");
        assert!(made.contains("<CreateUserResult><User><Path>/sales/east/</Path>"), "{made}");
        assert!(made.contains("<member><Key>Team</Key><Value>blue</Value></member>"), "{made}");
        let id = texts(&made, "UserId").remove(0);
        assert!(id.starts_with("AIDA") && id.len() == 21, "{id}");

        // In any case, and the owner if none is named.
        let told = world.iam(&taro, "GetUser", &[("UserName", "hanako")]).await.unwrap();
        assert_eq!(texts(&told, "UserId"), [id.as_str()]);
        let own = world.iam(&taro, "GetUser", &[]).await.unwrap();
        assert_eq!(texts(&own, "UserName"), ["admin"]);
        let extra = [("UserName", "Hanako"), ("ShowExtra", "true")];
        let extra = world.iam(&taro, "GetUser", &extra).await.unwrap();
        assert_eq!(texts(&extra, "Enabled"), ["true"]);

        let taken = world.iam(&taro, "CreateUser", &[("UserName", "HANAKO")]).await;
        assert_eq!(code(taken), "EntityAlreadyExists");
        // Another account knows nothing of it, and may have its own.
        let other = world.user("jiro").await;
        let unknown = world.iam(&other, "GetUser", &[("UserName", "Hanako")]).await;
        assert_eq!(code(unknown), "NoSuchEntity");
        world.iam(&other, "CreateUser", &[("UserName", "hanako")]).await.unwrap();

        let gone = world.iam(&taro, "DeleteUser", &[("UserName", "hanako")]).await.unwrap();
        assert!(gone.contains("><ResponseMetadata><RequestId>"), "{gone}");
        let gone = world.iam(&taro, "GetUser", &[("UserName", "Hanako")]).await;
        assert_eq!(code(gone), "NoSuchEntity");
        // Whoever comes under the same name is somebody else.
        let again = world.iam(&taro, "CreateUser", &[("UserName", "Hanako")]).await.unwrap();
        assert_ne!(texts(&again, "UserId"), [id.as_str()]);
        assert_eq!(texts(&again, "Tags").len(), 0);
    });
}

#[test]
fn what_nobody_can_be_called_is_refused() {
    world(&[], |world| async move {
        let long = "n".repeat(65);
        for (pairs, expected) in [
            (vec![], "ValidationError"),
            (vec![("UserName", "a b")], "ValidationError"),
            (vec![("UserName", "a/b")], "ValidationError"),
            (vec![("UserName", "日本")], "ValidationError"),
            (vec![("UserName", long.as_str())], "ValidationError"),
            (vec![("UserName", "a"), ("Path", "nowhere")], "ValidationError"),
            (vec![("UserName", "a"), ("Tags.member.1.Key", "aws:x")], "InvalidInput"),
            (
                vec![("UserName", "a"), ("PermissionsBoundary", "arn:aws:iam::aws:policy/Absent")],
                "NoSuchEntity",
            ),
            (vec![("UserName", "admin")], "EntityAlreadyExists"),
        ] {
            let refused = world.iam(&world.admin, "CreateUser", &pairs).await;
            assert_eq!(code(refused), expected, "{pairs:?}");
        }
        let refused = world.iam(&world.admin, "CreateUser", &[("UserName", "a b")]).await;
        let words = "The specified value for userName is invalid. It must contain only \
                     alphanumeric characters and/or the following: +=,.@_-";
        assert_eq!(refused.unwrap_err().1, words);
        let users = world.iam(&world.admin, "ListUsers", &[]).await.unwrap();
        assert_eq!(texts(&users, "UserName"), ["admin"]);
    });
}

#[test]
fn users_are_listed_in_pages_and_by_path() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        for (name, path) in [("a", "/x/"), ("B", "/x/y/"), ("c", "/"), ("d", "/xx/")] {
            let pairs = [("UserName", name), ("Path", path)];
            world.iam(&taro, "CreateUser", &pairs).await.unwrap();
        }
        let (mut seen, mut marker) = (Vec::new(), String::new());
        loop {
            let pairs = [("MaxItems", "2"), ("Marker", marker.as_str())];
            let page = world.iam(&taro, "ListUsers", &pairs).await.unwrap();
            let truncated = texts(&page, "IsTruncated") == ["true"];
            seen.extend(texts(&page, "UserName"));
            if !truncated {
                assert!(!page.contains("<Marker>"), "{page}");
                break;
            }
            marker = texts(&page, "Marker").remove(0);
        }
        assert_eq!(seen, ["a", "admin", "B", "c", "d"]);
        for (prefix, expected) in
            [("/x/", vec!["a", "B"]), ("/x", vec!["a", "B", "d"]), ("/z/", vec![])]
        {
            let page = world.iam(&taro, "ListUsers", &[("PathPrefix", prefix)]).await.unwrap();
            assert_eq!(texts(&page, "UserName"), expected, "{prefix}");
        }
        for pairs in [[("MaxItems", "0")], [("Marker", "AAAA")], [("PathPrefix", "x")]] {
            let refused = world.iam(&taro, "ListUsers", &pairs).await;
            assert_eq!(code(refused), "ValidationError", "{pairs:?}");
        }
    });
}

#[test]
fn a_user_keeps_all_it_has_under_another_name() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let made = world.iam(&taro, "CreateSigningCertificate", &[("UserName", "hanako")]).await;
        let certificate = texts(&made.unwrap(), "CertificateId").remove(0);
        world.iam(&taro, "CreateGroup", &[("GroupName", "Sales")]).await.unwrap();
        let both = [("GroupName", "sales"), ("UserName", "hanako")];
        world.iam(&taro, "AddUserToGroup", &both).await.unwrap();
        world.iam(&taro, "CreateUser", &[("UserName", "jiro")]).await.unwrap();

        let taken = [("UserName", "hanako"), ("NewUserName", "JIRO")];
        assert_eq!(code(world.iam(&taro, "UpdateUser", &taken).await), "EntityAlreadyExists");
        let owner = [("UserName", "admin"), ("NewUserName", "root")];
        assert_eq!(code(world.iam(&taro, "UpdateUser", &owner).await), "UnmodifiableEntity");
        let renamed = [("UserName", "hanako"), ("NewUserName", "Hana"), ("NewPath", "/p/")];
        world.iam(&taro, "UpdateUser", &renamed).await.unwrap();

        let old = world.iam(&taro, "GetUser", &[("UserName", "hanako")]).await;
        assert_eq!(code(old), "NoSuchEntity");
        let arn = format!("arn:aws:iam::{}:user/p/Hana", taro.account);
        let told = world.iam(&taro, "GetUser", &[("UserName", "hana")]).await.unwrap();
        assert_eq!(texts(&told, "Arn"), [arn.as_str()]);
        let who = world.sts(&hanako, "GetCallerIdentity").await.unwrap();
        assert_eq!(texts(&who, "Arn"), [arn.as_str()]);
        let keys = world.iam(&taro, "ListAccessKeys", &[("UserName", "Hana")]).await.unwrap();
        assert_eq!(texts(&keys, "AccessKeyId"), [hanako.access_key.as_str()]);
        let list = [("UserName", "Hana")];
        let certificates = world.iam(&taro, "ListSigningCertificates", &list).await.unwrap();
        assert_eq!(texts(&certificates, "CertificateId"), [certificate.as_str()]);
        let groups = world.iam(&taro, "ListGroupsForUser", &list).await.unwrap();
        assert_eq!(texts(&groups, "GroupName"), ["Sales"]);
        let group = world.iam(&taro, "GetGroup", &[("GroupName", "Sales")]).await.unwrap();
        assert_eq!(texts(&group, "UserName"), ["Hana"]);

        // Only the case changes.
        let cased = [("UserName", "hana"), ("NewUserName", "HANA")];
        world.iam(&taro, "UpdateUser", &cased).await.unwrap();
        let keys = world.iam(&taro, "ListAccessKeys", &[("UserName", "hana")]).await.unwrap();
        assert_eq!(texts(&keys, "UserName")[0], "HANA");
        let disabled = [("UserName", "hana"), ("Enabled", "false")];
        world.iam(&taro, "UpdateUser", &disabled).await.unwrap();
        let out = world.sts(&hanako, "GetCallerIdentity").await;
        assert_eq!(code(out), "InvalidClientTokenId");
        let odd = [("UserName", "hana"), ("RegStatus", "CONFIRMED")];
        assert_eq!(code(world.iam(&taro, "UpdateUser", &odd).await), "InvalidInput");
    });
}

#[test]
fn a_user_that_has_something_goes_only_with_all_of_it() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        let made = world.iam(&taro, "CreateSigningCertificate", &[("UserName", "hanako")]).await;
        let pem = texts(&made.unwrap(), "CertificateBody").remove(0);
        world.iam(&taro, "CreateGroup", &[("GroupName", "g")]).await.unwrap();
        let both = [("GroupName", "g"), ("UserName", "hanako")];
        world.iam(&taro, "AddUserToGroup", &both).await.unwrap();
        let name = ("UserName", "hanako");
        let refused = world.iam(&taro, "DeleteUser", &[name]).await.unwrap_err();
        let expected = "Cannot delete entity, must delete access keys first.";
        assert_eq!(refused, ("DeleteConflict".to_owned(), expected.to_owned()));
        let owner = [("UserName", "admin"), ("IsRecursive", "true")];
        assert_eq!(code(world.iam(&taro, "DeleteUser", &owner).await), "DeleteConflict");

        world.iam(&taro, "DeleteUser", &[name, ("IsRecursive", "true")]).await.unwrap();
        let out = world.sts(&hanako, "GetCallerIdentity").await;
        assert_eq!(code(out), "InvalidClientTokenId");
        let group = world.iam(&taro, "GetGroup", &[("GroupName", "g")]).await.unwrap();
        assert!(texts(&group, "UserName").is_empty(), "{group}");
        world.iam(&taro, "DeleteGroup", &[("GroupName", "g")]).await.unwrap();
        // What was signed stays good.
        let ask = common::wire::identity::FindCertificates { account: taro.account.clone() };
        let known = world.identity().call(ask).await.unwrap();
        assert!(known.pem.iter().any(|it| it.trim() == pem.trim()), "{pem}");
        // Nothing of it comes to whoever is called so next.
        let again = key(&world, &taro, {
            world.iam(&taro, "CreateUser", &[name]).await.unwrap();
            "hanako"
        });
        assert_ne!(again.await.access_key, hanako.access_key);
        let none = world.iam(&taro, "ListSigningCertificates", &[name]).await.unwrap();
        assert!(texts(&none, "CertificateId").is_empty());
    });
}

#[test]
fn who_may_change_one_user_makes_no_other_of_it() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let hanako = with_key(&world, &taro, "hanako").await;
        for name in ["a1", "b1"] {
            world.iam(&taro, "CreateUser", &[("UserName", name)]).await.unwrap();
        }
        let refused = world.iam(&hanako, "GetUser", &[]).await;
        assert_eq!(code(refused), "AccessDenied");
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"iam:UpdateUser","Resource":"arn:aws:iam::{0}:user/a*"}},
            {{"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::{0}:user/${{aws:username}}"}}
            ]}}"#,
            taro.account
        );
        let policy =
            [("UserName", "hanako"), ("PolicyName", "p"), ("PolicyDocument", document.as_str())];
        world.iam(&taro, "PutUserPolicy", &policy).await.unwrap();
        for (user, new, expected) in [
            ("b1", "a2", "AccessDenied"),
            ("a1", "b2", "AccessDenied"),
            ("a1", "a2", ""),
            ("nobody", "a3", "AccessDenied"),
            ("anybody", "a3", "NoSuchEntity"),
        ] {
            let pairs = [("UserName", user), ("NewUserName", new)];
            let told = world.iam(&hanako, "UpdateUser", &pairs).await;
            assert_eq!(told.err().map(|it| it.0).unwrap_or_default(), expected, "{user} {new}");
        }
        let moved = [("UserName", "a2"), ("NewPath", "/elsewhere/")];
        assert_eq!(code(world.iam(&hanako, "UpdateUser", &moved).await), "AccessDenied");
        // Her own keys, whether she names herself or not.
        for pairs in [&[][..], &[("UserName", "hanako")]] {
            world.iam(&hanako, "ListAccessKeys", pairs).await.unwrap();
        }
        let other = world.iam(&hanako, "ListAccessKeys", &[("UserName", "a2")]).await;
        assert_eq!(code(other), "AccessDenied");
    });
}

#[test]
fn tags_are_set_listed_and_taken_off() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.iam(&taro, "CreateUser", &[("UserName", "a")]).await.unwrap();
        let name = ("UserName", "a");
        for (key, value) in [("One", "1"), ("two", "2"), ("ONE", "3")] {
            let pairs = [name, ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)];
            world.iam(&taro, "TagUser", &pairs).await.unwrap();
        }
        let page = world.iam(&taro, "ListUserTags", &[name, ("MaxItems", "1")]).await.unwrap();
        assert_eq!(
            (texts(&page, "Key"), texts(&page, "Value")),
            (vec!["ONE".into()], vec!["3".into()])
        );
        let marker = texts(&page, "Marker").remove(0);
        let page = [name, ("MaxItems", "1"), ("Marker", marker.as_str())];
        let page = world.iam(&taro, "ListUserTags", &page).await.unwrap();
        assert_eq!(texts(&page, "Key"), ["two"]);
        let off = [name, ("TagKeys.member.1", "one"), ("TagKeys.member.2", "absent")];
        world.iam(&taro, "UntagUser", &off).await.unwrap();
        let left = world.iam(&taro, "ListUserTags", &[name]).await.unwrap();
        assert_eq!(texts(&left, "Key"), ["two"]);
        assert_eq!(code(world.iam(&taro, "TagUser", &[name]).await), "ValidationError");
    });
}

#[test]
fn of_many_who_make_one_name_one_does() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let pairs = [("UserName", "same")];
        let all = (0..16).map(|_| world.iam(&taro, "CreateUser", &pairs));
        let made = futures_util::future::join_all(all).await;
        let (good, bad): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
        assert_eq!(good.len(), 1);
        for refused in bad {
            assert_eq!(code(refused), "EntityAlreadyExists");
        }
        // And of many keys as many as there may be.
        let all = (0..8).map(|_| world.iam(&taro, "CreateAccessKey", &pairs));
        let made = futures_util::future::join_all(all).await;
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 2);
    });
}
