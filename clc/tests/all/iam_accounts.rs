//! Accounts: their names and numbers of things, and what administrators of the cloud do with them.

use common::id::ImageKind;

use crate::iam_users::with_key;
use crate::world::{User, code, texts, world};

#[test]
fn an_account_has_one_name_or_none() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.user("jiro").await;
        let alias = |name| [("AccountAlias", name)];
        let list = async || {
            let told = world.iam(&taro, "ListAccountAliases", &[]).await.unwrap();
            texts(&told, "AccountAliases")
                .first()
                .map(|all| texts(all, "member"))
                .unwrap_or_default()
        };
        assert_eq!(list().await, ["taro"]);
        for (name, expected) in [
            ("JIRO", "EntityAlreadyExists"),
            ("eucalyptus", "ValidationError"),
            ("a b", "ValidationError"),
        ] {
            let refused = world.iam(&taro, "CreateAccountAlias", &alias(name)).await;
            assert_eq!(code(refused), expected, "{name}");
        }
        world.iam(&taro, "CreateAccountAlias", &alias("Tarou")).await.unwrap();
        assert_eq!(list().await, ["Tarou"]);
        // The old name is free.
        world.user("taro").await;
        let wrong = world.iam(&taro, "DeleteAccountAlias", &alias("jiro")).await;
        assert_eq!(code(wrong), "NoSuchEntity");
        world.iam(&taro, "DeleteAccountAlias", &alias("tarou")).await.unwrap();
        assert!(list().await.is_empty());
        let admin = world.iam(&world.admin, "CreateAccountAlias", &alias("mine")).await;
        assert_eq!(code(admin), "UnmodifiableEntity");

        let summary = world.iam(&taro, "GetAccountSummary", &[]).await.unwrap();
        for entry in [
            "<entry><key>Users</key><value>1</value></entry>",
            "<entry><key>UsersQuota</key><value>5000</value></entry>",
            "<entry><key>AccountAccessKeysPresent</key><value>1</value></entry>",
        ] {
            assert!(summary.contains(entry), "{summary}");
        }
    });
}

#[test]
fn nobody_takes_the_name_of_an_administrator_or_the_number_of_another() {
    world(&[], |world| async move {
        let (taro, admin) = (world.user("taro").await, &world.admin);
        world.iam(admin, "CreateUser", &[("UserName", "Hanako")]).await.unwrap();
        let alias = |name| [("AccountAlias", name)];
        let jiro = world.user("jiro").await;
        for name in ["hanako", "HANAKO", jiro.account.as_str(), "999999999999"] {
            let refused = world.iam(&taro, "CreateAccountAlias", &alias(name)).await;
            assert_eq!(code(refused), "EntityAlreadyExists", "{name}");
            let made = world.iam(admin, "CreateAccount", &[("AccountName", name)]).await;
            assert_eq!(code(made), "EntityAlreadyExists", "{name}");
        }
        // Nor the other way round.
        let named = world.iam(admin, "CreateUser", &[("UserName", "TARO")]).await;
        assert_eq!(code(named), "EntityAlreadyExists");
        let renamed = [("UserName", "Hanako"), ("NewUserName", "jiro")];
        let renamed = world.iam(admin, "UpdateUser", &renamed).await;
        assert_eq!(code(renamed), "EntityAlreadyExists");
        // In another account names are its own.
        world.iam(&taro, "CreateUser", &[("UserName", "jiro")]).await.unwrap();
        // A number leads to its account.
        world.iam(&jiro, "CreateAccountAlias", &alias(jiro.account.as_str())).await.unwrap();
    });
}

#[test]
fn administrators_make_accounts_and_act_in_them() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let admin = &world.admin;
        let named = [("AccountName", "Acme")];
        let made = world.iam(admin, "CreateAccount", &named).await.unwrap();
        let number = texts(&made, "AccountId").remove(0);
        assert_eq!(texts(&made, "AccountName"), ["Acme"]);
        assert_eq!(code(world.iam(admin, "CreateAccount", &named).await), "EntityAlreadyExists");
        let listed = world.iam(admin, "ListAccounts", &[]).await.unwrap();
        assert_eq!(texts(&listed, "AccountId").len(), 3);

        // By its name or its number, as its owner.
        for account in ["ACME", number.as_str()] {
            let delegate = ("DelegateAccount", account);
            let own = world.iam(admin, "GetUser", &[delegate]).await.unwrap();
            assert_eq!(texts(&own, "Arn"), [format!("arn:aws:iam::{number}:user/admin")]);
        }
        let delegate = ("DelegateAccount", "acme");
        let made = world.iam(admin, "CreateAccessKey", &[delegate]).await.unwrap();
        let owner = User {
            access_key: texts(&made, "AccessKeyId").remove(0),
            secret: texts(&made, "SecretAccessKey").remove(0),
            account: number.clone(),
            token: None,
        };
        with_key(&world, &owner, "wile").await;
        let users = world.iam(admin, "ListUsers", &[delegate]).await.unwrap();
        assert_eq!(texts(&users, "UserName"), ["admin", "wile"]);

        let unknown = world.iam(admin, "ListUsers", &[("DelegateAccount", "nobody")]).await;
        assert_eq!(code(unknown), "NoSuchEntity");
        // Whoever is no administrator learns nothing, not even which accounts there are.
        for account in ["acme", "nobody", "taro"] {
            let refused = world.iam(&taro, "ListUsers", &[("DelegateAccount", account)]).await;
            assert_eq!(code(refused), "AccessDenied", "{account}");
        }
        for (action, pairs) in [
            ("CreateAccount", &[("AccountName", "x")][..]),
            ("ListAccounts", &[]),
            ("GetAccount", &[("AccountName", "acme")]),
            ("DeleteAccount", &[("AccountName", "acme")]),
            (
                "PutAccountPolicy",
                &[("AccountName", "acme"), ("PolicyName", "p"), ("PolicyDocument", "{}")],
            ),
            ("GetAccountPolicy", &[("AccountName", "acme"), ("PolicyName", "p")]),
            ("ListAccountPolicies", &[("AccountName", "acme")]),
            ("DeleteAccountPolicy", &[("AccountName", "acme"), ("PolicyName", "p")]),
        ] {
            let refused = world.iam(&taro, action, pairs).await;
            assert_eq!(code(refused), "AccessDenied", "{action}");
        }
        let own = world.iam(&taro, "GetAccount", &[]).await.unwrap();
        assert_eq!(texts(&own, "AccountName"), ["taro"]);

        let name = ("AccountName", "acme");
        let refused = world.iam(admin, "DeleteAccount", &[name]).await.unwrap_err();
        assert_eq!(refused.1, "Cannot delete entity, must delete users first.");
        let cloud = [("AccountName", "eucalyptus"), ("Recursive", "true")];
        assert_eq!(code(world.iam(admin, "DeleteAccount", &cloud).await), "DeleteConflict");
        world.iam(admin, "DeleteAccount", &[name, ("Recursive", "true")]).await.unwrap();
        assert_eq!(code(world.sts(&owner, "GetCallerIdentity").await), "InvalidClientTokenId");
        world.iam(admin, "CreateAccount", &named).await.unwrap();
    });
}

#[test]
fn an_account_that_owns_something_stays() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.walrus.bundle("m/x", ImageKind::Machine, 5, true);
        let image = world.image(&taro, "m/x").await;
        let all = [("AccountName", "taro"), ("Recursive", "true")];
        let refused = world.iam(&world.admin, "DeleteAccount", &all).await.unwrap_err();
        assert_eq!(refused.1, format!("Cannot delete entity, it owns images: {image}."));
        let gone = [("Action", "DeregisterImage"), ("ImageId", image.as_str())];
        world.raw(&taro, &gone).await.unwrap();
        world.iam(&world.admin, "DeleteAccount", &all).await.unwrap();
    });
}

const LIMIT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Limit",
    "Action":"iam:CreateUser","Resource":"*",
    "Condition":{"NumericLessThanEquals":{"iam:quota-usernumber":"3"}}}}"#;

#[test]
fn limits_of_an_account_are_kept_and_go_with_everybody_in_it() {
    world(&[], |world| async move {
        world.user("taro").await;
        let admin = &world.admin;
        let (account, name) = (("AccountName", "taro"), ("PolicyName", "limits"));
        let put = async |document: &str| {
            let pairs = [account, name, ("PolicyDocument", document)];
            world.iam(admin, "PutAccountPolicy", &pairs).await.map(drop)
        };
        put(LIMIT).await.unwrap();
        let allow = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        for text in [allow, "{", "[]"] {
            assert_eq!(code(put(text).await), "MalformedPolicyDocument", "{text}");
        }
        let listed = world.iam(admin, "ListAccountPolicies", &[account]).await.unwrap();
        assert_eq!(texts(&listed, "member"), ["limits"]);
        let told = world.iam(admin, "GetAccountPolicy", &[account, name]).await.unwrap();
        let document = texts(&told, "PolicyDocument").remove(0);
        assert!(document.starts_with("%7B%22Version%22"), "{document}");

        world.iam(admin, "DeleteAccountPolicy", &[account, name]).await.unwrap();
        let gone = world.iam(admin, "GetAccountPolicy", &[account, name]).await;
        assert_eq!(code(gone), "NoSuchEntity");
    });
}
