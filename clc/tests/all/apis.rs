//! The query APIs beside EC2: which of them a request means, how each answers and refuses; https.

use common::dialect::xml::read_error;
use common::sign::{Credentials, Headers, Request, sign_ec2_v4, write_query};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{User, World, world};

/// Sends a signed form; gives status and body.
pub(crate) async fn post(
    world: &World,
    user: &User,
    (path, scope): (&str, &str),
    pairs: &[(&str, &str)],
    extra: &[(&str, &str)],
) -> (u16, String) {
    let address = world.server().api_address();
    let host = address.to_string();
    let body = write_query(pairs);
    let token = user.token.as_ref().map(|token| ("x-amz-security-token", token.as_str()));
    let own = [("host", host.as_str())].into_iter().chain(token);
    let mut headers: Headers = own.chain(extra.iter().copied()).collect();
    let credentials = Credentials { access_key_id: &user.access_key, secret: &user.secret };
    let request = Request::new("POST", path, "", &headers).with_body(body.as_bytes());
    let added = sign_ec2_v4(credentials, &request, "any", scope, world.clock.now()).unwrap();
    added.iter().for_each(|(name, value)| headers.add(name, value));
    let mut text = format!("POST {path} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers.iter() {
        text += &format!("{name}: {}\r\n", String::from_utf8_lossy(value));
    }
    text += &format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

const WHO: (&str, &str) = ("Action", "GetCallerIdentity");

#[test]
fn sts_tells_who_asks_wherever_it_is_asked() {
    world(&[], |world| async move {
        let taro = world.user("taro").await;
        let version = ("Version", "2011-06-15");
        let mut told = Vec::new();
        for (at, pairs) in [
            (("/services/Tokens", "sts"), &[WHO, version][..]),
            (("/services/Tokens/", "localhost"), &[WHO]),
            (("/services/tokens", "ec2"), &[WHO, version]),
            (("/", "anything"), &[WHO, version]),
            (("/", "sts"), &[WHO]),
        ] {
            let (status, answer) = post(&world, &taro, at, pairs, &[]).await;
            assert_eq!(status, 200, "{at:?}: {answer}");
            let arn = format!("<Arn>arn:aws:iam::{}:user/admin</Arn>", taro.account);
            assert!(answer.contains(&arn), "{answer}");
            assert!(answer.contains(&format!("<Account>{}</Account>", taro.account)));
            assert!(answer.starts_with("<GetCallerIdentityResponse xmlns=\"https://sts."));
            let id = answer.split("<UserId>").nth(1).unwrap().split('<').next().unwrap();
            assert!(id.len() == 21 && id.starts_with("AIDA"), "{id}");
            told.push(id.to_owned());
        }
        told.dedup();
        assert_eq!(told.len(), 1, "a user has one id: {told:?}");
        let (_, answer) = post(&world, &world.admin, ("/", "sts"), &[WHO], &[]).await;
        assert!(!answer.contains(&told[0]), "another user has another");
    });
}

#[test]
fn each_api_refuses_in_its_own_shape() {
    world(&[], |world| async move {
        let admin = &world.admin;
        let odd = ("Action", "Frobnicate");
        let iam = ("Version", "2010-05-08");
        for (at, pairs, iam_shape, says) in [
            (
                ("/services/Tokens", "sts"),
                &[("Action", "GetFederationToken")][..],
                true,
                "GetFederationToken is not valid",
            ),
            (("/services/Euare", "iam"), &[odd, iam], true, "Frobnicate is not valid"),
            (("/", "iam"), &[odd], true, "Frobnicate is not valid"),
            (("/", "x"), &[odd, iam], true, "Frobnicate is not valid"),
            (("/services/Accounts/", "bootstrap"), &[("Action", "AddUsers")], false, "AddUsers"),
            (("/services/Properties", "b"), &[("Action", "X")], false, "X is not valid"),
            (("/services/Eucalyptus", "sts"), &[WHO], false, "GetCallerIdentity is not valid"),
            (("/", "ec2"), &[WHO], false, "GetCallerIdentity is not valid"),
        ] {
            let (status, answer) = post(&world, admin, at, pairs, &[]).await;
            let told = read_error(&answer).unwrap_or_else(|| panic!("{answer}"));
            assert_eq!((status, told.code.as_str()), (400, "InvalidAction"), "{at:?}");
            assert!(told.message.contains(says), "{at:?}: {}", told.message);
            assert_eq!(answer.contains("<ErrorResponse xmlns="), iam_shape, "{answer}");
        }
        let wrong = User { secret: "wrong".into(), ..admin.clone() };
        let (status, answer) = post(&world, &wrong, ("/services/Tokens", "sts"), &[WHO], &[]).await;
        assert_eq!(status, 403);
        assert!(answer.contains("<ErrorResponse") && answer.contains("SignatureDoesNotMatch"));
    });
}
