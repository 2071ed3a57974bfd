//! Credentials at the console: what is made there works, and is shown once.

use common::wire::admin::GetCredentials;

use crate::browser::{Browser, Shown};
use crate::console::{OWN, recorded, signed_in};
use crate::world::{User, World, texts, world};

async fn owner(world: &World, name: &str) -> User {
    let files = world.administration().call(GetCredentials { name: name.into() }).await;
    User::from_files(&files.unwrap())
}

/// What stands behind a word of a list of facts.
fn fact<'a>(shown: &'a Shown, name: &str) -> &'a str {
    let (_, behind) = shown.body.split_once(&format!("<dt>{name}</dt><dd><code>")).unwrap();
    behind.split('<').next().unwrap()
}

#[test]
fn an_access_key_is_made_used_switched_and_deleted() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let made = taro.submit("/access-keys", "/access-keys/create", &[]).await;
        let (id, secret) = (fact(&made, "Access key"), fact(&made, "Secret key"));
        assert_eq!((id.len(), secret.len()), (20, 40), "{made:?}");
        assert_eq!(made.header("cache-control"), "no-store");
        let user =
            User { access_key: id.into(), secret: secret.into(), ..owner(&world, "taro").await };
        world.iam(&user, "GetUser", &[]).await.unwrap();
        let listed = taro.get("/access-keys").await;
        assert!(listed.body.contains(id) && !listed.body.contains(secret), "{listed:?}");
        assert!(listed.body.contains("for iam"), "{listed:?}");
        // Two is all one may have, and a third is not offered, nor made.
        assert!(!listed.body.contains("action=\"/access-keys/create\""), "{listed:?}");
        let shown = taro.submit("/access-keys", "/access-keys/create", &[]).await;
        assert_eq!(shown.status, 409, "{shown:?}");

        let switch = |status| [("id", id), ("status", status)];
        let shown = taro.submit("/access-keys", "/access-keys/status", &switch("Inactive")).await;
        assert_eq!(shown.location(), "/access-keys?done=inactive");
        assert!(world.iam(&user, "GetUser", &[]).await.is_err());
        let shown = taro.submit("/access-keys", "/access-keys/status", &switch("Active")).await;
        assert_eq!(shown.location(), "/access-keys?done=active");
        let shown = taro.submit("/access-keys", "/access-keys/status", &switch("<b>")).await;
        assert!(shown.status == 400 && !shown.body.contains("<b>"), "{shown:?}");
        let shown = taro.submit("/access-keys", "/access-keys/delete", &[("id", id)]).await;
        assert_eq!(shown.location(), "/access-keys?done=deleted");
        let shown = taro.submit("/access-keys", "/access-keys/delete", &[("id", id)]).await;
        assert_eq!(shown.status, 404, "{shown:?}");
        let made = recorded(&world, "CreateAccessKey").await;
        assert!(made.iter().all(|it| it.agent.starts_with("console ")), "{made:?}");
        assert!(!format!("{made:?}").contains(secret));

        // Nobody touches another's by a field more.
        let mut hanako = signed_in(&world, "hanako").await;
        let foreign = owner(&world, "taro").await.access_key;
        let stolen = [("id", foreign.as_str()), ("user_name", "admin"), ("UserName", "admin")];
        let shown = hanako.submit("/access-keys", "/access-keys/delete", &stolen).await;
        assert_eq!(shown.status, 404, "{shown:?}");
    });
}

#[test]
fn a_certificate_is_made_uploaded_switched_and_deleted() {
    world(&[], |world| async move {
        let mut taro = signed_in(&world, "taro").await;
        let made = taro.submit("/certificates", "/certificates/create", &[]).await;
        assert!(
            made.body.contains("-----BEGIN RSA PRIVATE KEY-----")
                || made.body.contains("-----BEGIN PRIVATE KEY-----"),
            "{made:?}"
        );
        let (_, pem) = made.body.split_once("-----BEGIN CERTIFICATE-----").unwrap();
        let (pem, _) = pem.split_once("-----END CERTIFICATE-----").unwrap();
        let pem = format!("-----BEGIN CERTIFICATE-----{pem}-----END CERTIFICATE-----\n");
        let listed = taro.get("/certificates").await;
        assert!(!listed.body.contains("PRIVATE KEY"), "{listed:?}");
        let user = owner(&world, "taro").await;
        let known = world.iam(&user, "ListSigningCertificates", &[]).await.unwrap();
        let id = texts(&known, "CertificateId")
            .into_iter()
            .find(|id| made.body.contains(&id[..8].to_ascii_lowercase()))
            .unwrap();
        let switch = |status| [("id", id.as_str()), ("status", status)];
        for (status, done) in [("Inactive", "inactive"), ("Active", "active")] {
            let shown = taro.submit("/certificates", "/certificates/status", &switch(status)).await;
            assert_eq!(shown.location(), format!("/certificates?done={done}"));
        }
        // One's own, as a browser sends it.
        let mut hanako = signed_in(&world, "hanako").await;
        let body = pem.replace('\n', "\r\n");
        let shown =
            hanako.submit("/certificates", "/certificates/upload", &[("certificate", &body)]).await;
        assert_eq!(shown.location(), "/certificates?done=uploaded", "{shown:?}");
        let shown =
            hanako.submit("/certificates", "/certificates/upload", &[("certificate", "<b>")]).await;
        assert!(shown.status == 400 && shown.body.contains("&lt;b&gt;"), "{shown:?}");
        let shown = taro.submit("/certificates", "/certificates/delete", &[("id", &id)]).await;
        assert_eq!(shown.location(), "/certificates?done=deleted");
    });
}

#[test]
fn a_user_inside_an_account_sees_their_own_as_far_as_policies_let_them() {
    world(&[], |world| async move {
        signed_in(&world, "taro").await;
        let user = owner(&world, "taro").await;
        world.iam(&user, "CreateUser", &[("UserName", "jiro")]).await.unwrap();
        let login = [("UserName", "jiro"), ("Password", OWN)];
        world.iam(&user, "CreateLoginProfile", &login).await.unwrap();
        let mut jiro = Browser::new(&world);
        let fields = [("account", "taro"), ("user", "jiro"), ("password", OWN)];
        jiro.submit("/sign-in", "/sign-in", &fields).await;
        let shown = jiro.get("/credentials").await;
        assert!(shown.body.contains("for the owner of the account"), "{shown:?}");
        assert!(shown.body.contains("arn:aws:iam::") && shown.body.contains(":user/jiro"));
        assert_eq!(jiro.get("/access-keys").await.status, 403);
        let zip = [("kind", "keys"), ("name", "taro")];
        let shown = jiro.submit("/credentials", "/credentials/zip", &zip).await;
        assert_eq!(shown.status, 403, "{shown:?}");
        assert!(jiro.get("/contact").await.body.contains("the owner's data"));
        let policy =
            r#"{"Statement":[{"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"*"}]}"#;
        let put = [("UserName", "jiro"), ("PolicyName", "own"), ("PolicyDocument", policy)];
        world.iam(&user, "PutUserPolicy", &put).await.unwrap();
        let made = jiro.submit("/access-keys", "/access-keys/create", &[]).await;
        assert!(made.body.contains("was made"), "{made:?}");
        assert_eq!(fact(&made, "Access key").len(), 20);
    });
}
