//! The users, groups and roles of an account at the console: its owner's, and nobody else's.

use crate::browser::Browser;
use crate::console::{FIRST, OWN, signed_in};
use crate::world::world;

const SCRIPT: &str = "<script>alert(1)</script>";

#[test]
fn users_inside_an_account_are_made_and_may_do_what_policies_say() {
    world(&[1], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let shown = taro.submit("/iam", "/iam", &[("name", SCRIPT), ("password", FIRST)]).await;
        assert!(shown.status == 400 && !shown.body.contains(SCRIPT), "{shown:?}");
        let shown = taro.submit("/iam", "/iam", &[("name", "jiro"), ("password", "jiro")]).await;
        assert!(shown.body.contains("has no password yet"), "{shown:?}");
        let path = "/iam/user?name=jiro";
        let set = [("name", "jiro"), ("password", FIRST)];
        let shown = taro.submit(path, "/iam/user/password", &set).await;
        assert_eq!(shown.location(), "/iam/user?name=jiro&done=1", "{shown:?}");
        let mut jiro = Browser::new(&world);
        let sign_in = |password| [("account", "taro"), ("user", "jiro"), ("password", password)];
        jiro.submit("/sign-in", "/sign-in", &sign_in(FIRST)).await;
        let own = [("password", OWN), ("again", OWN)];
        let shown = jiro.submit("/password/new", "/password/new", &own).await;
        assert_eq!(shown.location(), "/", "{shown:?}");
        assert_eq!(jiro.get("/iam").await.status, 403, "permission decides");
        assert_eq!(jiro.get("/instances").await.status, 403);
        let used = ["/usage", "/usage/csv", "/usage/instances-csv", "/usage/storage-csv"];
        for path in used {
            assert_eq!(jiro.get(path).await.status, 403, "{path}: what the account uses");
        }

        // A policy that is wrong is told by its line, and is not lost.
        let put =
            |text| [("kind", "user"), ("name", "jiro"), ("policy", "own"), ("document", text)];
        let wrong = "{\n  \"Version\": \"2012-10-17\",\n  oops\n}";
        let shown = taro.submit(path, "/iam/policy", &put(wrong)).await;
        assert_eq!(shown.status, 400, "{shown:?}");
        assert!(shown.body.contains("Line 3 of the policy: oops"), "{}", shown.body);
        let allow = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}"#;
        let shown = taro.submit(path, "/iam/policy", &put(allow)).await;
        assert_eq!(shown.status, 303, "{shown:?}");
        assert_eq!(jiro.get("/instances").await.status, 200);
        for path in used {
            assert_eq!(jiro.get(path).await.status, 200, "{path}");
        }
        let gone = [("kind", "user"), ("name", "jiro"), ("policy", "own")];
        taro.submit(path, "/iam/policy/delete", &gone).await;
        assert_eq!(jiro.get("/instances").await.status, 403);

        // A group gives what its policies allow.
        let shown = taro.submit("/iam/groups", "/iam/groups", &[("name", "staff")]).await;
        assert_eq!(shown.location(), "/iam/group?name=staff&done=1", "{shown:?}");
        let group = "/iam/group?name=staff";
        let arn = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess";
        let page = taro.get(group).await;
        assert!(page.body.contains(arn), "{}", page.body);
        let attach = [("kind", "group"), ("name", "staff"), ("arn", arn)];
        assert_eq!(taro.submit(group, "/iam/attach", &attach).await.status, 303);
        let join = [("name", "jiro"), ("group", "staff")];
        assert_eq!(taro.submit(path, "/iam/user/join", &join).await.status, 303);
        assert_eq!(jiro.get("/instances").await.status, 200);
        let leave = [("name", "staff"), ("user", "jiro")];
        assert_eq!(taro.submit(group, "/iam/group/leave", &leave).await.status, 303);
        assert_eq!(jiro.get("/instances").await.status, 403);
        assert_eq!(taro.submit(group, "/iam/detach", &attach).await.status, 303);
        let delete = [("name", "staff")];
        let shown = taro.submit(group, "/iam/group/delete", &delete).await;
        assert_eq!(shown.location(), "/iam/groups?done=1", "{shown:?}");

        taro.submit(path, "/iam/user/disable", &[("name", "jiro")]).await;
        assert_eq!(jiro.get("/").await.location(), "/sign-in", "at once");
        taro.submit(path, "/iam/user/enable", &[("name", "jiro")]).await;
        let shown = taro.submit(path, "/iam/user/delete", &[("name", "jiro")]).await;
        assert_eq!(shown.location(), "/iam?done=1", "{shown:?}");
        let shown = jiro.submit("/sign-in", "/sign-in", &sign_in(OWN)).await;
        assert_eq!(shown.status, 403);
    });
}

#[test]
fn roles_are_made_with_who_may_take_them_on() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let mut hanako = signed_in(&world, "hanako").await;
        let make = |document| [("name", "web"), ("document", document)];
        let shown = taro.submit("/iam/roles", "/iam/roles", &make("{\n}")).await;
        assert!(shown.status == 400 && shown.body.contains("/iam/roles"), "{shown:?}");
        let trust = r#"{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{"Service":"ec2.amazonaws.com"}}]}"#;
        let shown = taro.submit("/iam/roles", "/iam/roles", &make(trust)).await;
        assert_eq!(shown.location(), "/iam/role?name=web&done=1", "{shown:?}");
        assert!(taro.get("/iam/role?name=web").await.body.contains("ec2.amazonaws.com"));
        // Another account has none of that name.
        assert_eq!(hanako.get("/iam/role?name=web").await.status, 404);
        let token = hanako.get("/iam").await.token();
        let shown = hanako.post("/iam/role/delete", &token, &[("name", "web")]).await;
        assert_eq!(shown.status, 404, "{shown:?}");
        let page = "/iam/role?name=web";
        let shown = taro.submit(page, "/iam/role/delete", &[("name", "web")]).await;
        assert_eq!(shown.location(), "/iam/roles?done=1", "{shown:?}");
    });
}
