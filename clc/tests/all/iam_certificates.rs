//! Signing certificates: made, uploaded, switched off, deleted, and known for ever.

use common::wire::identity::FindCertificates;

use crate::world::{World, code, texts, world};

async fn known(world: &World, account: &str) -> usize {
    let ask = FindCertificates { account: account.to_owned() };
    world.identity().call(ask).await.unwrap().pem.len()
}

#[test]
fn certificates_come_and_go_and_what_they_signed_stays_good() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        world.iam(&taro, "CreateUser", &[("UserName", "hanako")]).await.unwrap();
        let name = ("UserName", "hanako");
        let before = known(&world, &taro.account).await;
        let made = world.iam(&taro, "CreateSigningCertificate", &[name]).await.unwrap();
        assert!(texts(&made, "PrivateKey")[0].contains("BEGIN RSA PRIVATE KEY"), "{made}");
        let id = texts(&made, "CertificateId").remove(0);
        let pem = texts(&made, "CertificateBody").remove(0);
        assert!(id.len() >= 24 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
        let list = async || world.iam(&taro, "ListSigningCertificates", &[name]).await.unwrap();
        let listed = list().await;
        assert_eq!(texts(&listed, "CertificateId"), [id.as_str()]);
        assert!(!listed.contains("PRIVATE KEY"), "{listed}");

        // The same is not taken twice; one that was deleted may come again.
        let upload = async |pem: &str| {
            let pairs = [name, ("CertificateBody", pem)];
            world.iam(&taro, "UploadSigningCertificate", &pairs).await
        };
        assert_eq!(code(upload(&pem).await), "DuplicateCertificate");
        assert_eq!(code(upload("nonsense").await), "MalformedCertificate");
        let one = [name, ("CertificateId", id.as_str())];
        world.iam(&taro, "DeleteSigningCertificate", &one).await.unwrap();
        assert!(texts(&list().await, "CertificateId").is_empty());
        assert_eq!(known(&world, &taro.account).await, before + 1);
        let uploaded = upload(&pem.replace('\n', "\r\n")).await.unwrap();
        assert_eq!(texts(&uploaded, "CertificateBody"), [pem.as_str()]);
        let id = texts(&uploaded, "CertificateId").remove(0);

        // Two may be active; one that is not makes room for another.
        world.iam(&taro, "CreateSigningCertificate", &[name]).await.unwrap();
        let third = world.iam(&taro, "CreateSigningCertificate", &[name]).await;
        assert_eq!(code(third), "LimitExceeded");
        let status = async |status: &str| {
            let pairs = [name, ("CertificateId", id.as_str()), ("Status", status)];
            world.iam(&taro, "UpdateSigningCertificate", &pairs).await.map(drop)
        };
        status("Inactive").await.unwrap();
        world.iam(&taro, "CreateSigningCertificate", &[name]).await.unwrap();
        assert_eq!(code(status("Active").await), "LimitExceeded");
        let listed = list().await;
        assert_eq!(texts(&listed, "CertificateId").len(), 3);
        assert_eq!(texts(&listed, "Status").iter().filter(|it| *it == "Active").count(), 2);

        let strange = [name, ("CertificateId", "AAAAAAAABBBBBBBBCCCCCCCC")];
        for action in ["DeleteSigningCertificate", "UpdateSigningCertificate"] {
            let pairs = [strange[0], strange[1], ("Status", "Active")];
            assert_eq!(code(world.iam(&taro, action, &pairs).await), "NoSuchEntity", "{action}");
        }
        // The one of the first credentials is there, too, by the id of its file's name as well.
        let own = world.iam(&taro, "ListSigningCertificates", &[]).await.unwrap();
        let own = texts(&own, "CertificateId").remove(0);
        let short = own[..8].to_ascii_lowercase();
        let gone = [("CertificateId", short.as_str())];
        world.iam(&taro, "DeleteSigningCertificate", &gone).await.unwrap();
    });
}

#[test]
fn zips_take_nothing_from_what_iam_may_make() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let ask = || common::wire::people::ZipKind::Whole;
        for _ in 0..2 {
            let zip = common::wire::admin::GetCredentialsZip { name: "taro".into(), kind: ask() };
            world.administration().call(zip).await.unwrap();
        }
        for _ in 0..2 {
            world.iam(&taro, "CreateSigningCertificate", &[]).await.unwrap();
        }
        let third = world.iam(&taro, "CreateSigningCertificate", &[]).await;
        assert_eq!(code(third), "LimitExceeded");
    });
}
