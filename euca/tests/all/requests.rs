//! The typed client: what is sent, what is sent again, and what an error becomes.

use std::time::Duration;

use common::ec2::instances::{DescribeInstances, RunInstances};
use common::ec2::keys::{CreateKeyPair, DescribeKeyPairs};
use common::ec2::metadata_options::MetadataRequest;
use common::ec2::types::Filter;
use euca::client::{Client, ClientError, Credentials};

use crate::program::KEY;
use crate::server::{Answer, Server};

fn client(server: &Server) -> Client {
    at(&format!("{}/services/Eucalyptus", server.url))
}

fn at(url: &str) -> Client {
    let credentials = Credentials { access_key_id: KEY.0.into(), secret: KEY.1.into() };
    Client::new(url, "eucalyptus", credentials).unwrap().with_waits([Duration::ZERO; 2])
}

fn keys() -> DescribeKeyPairs {
    DescribeKeyPairs::default()
}

const NO_KEYS: &str = "<DescribeKeyPairsResponse xmlns=\"x\"><requestId>r</requestId><keySet/></DescribeKeyPairsResponse>";
const BUSY: &str = "<Response><Errors><Error><Code>Unavailable</Code><Message>later</Message></Error></Errors><RequestID>r</RequestID></Response>";

#[test]
fn an_action_is_sent_as_its_parameters() {
    let server = Server::start(|_, _| Answer::xml(200, NO_KEYS));
    let filter = Filter { name: "key-name".into(), value: vec!["a b&c".into(), "é*".into()] };
    let ask = DescribeKeyPairs { key_name: vec!["x".into()], filter: vec![filter], ..keys() };
    assert!(client(&server).send(&ask).unwrap().key_set.is_empty());
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str()), ("POST", "/services/Eucalyptus"));
    for (name, value) in [
        ("Action", "DescribeKeyPairs"),
        ("KeyName.1", "x"),
        ("Filter.1.Name", "key-name"),
        ("Filter.1.Value.1", "a b&c"),
        ("Filter.1.Value.2", "é*"),
    ] {
        assert_eq!(seen[0].parameter(name).as_deref(), Some(value));
    }
}

#[test]
fn reads_and_launches_with_a_token_are_sent_again_but_other_writes_are_not() {
    let busy_twice = |number: usize, _: &_| match number {
        0 => Answer::xml(503, BUSY),
        1 => Answer::Nothing,
        _ => Answer::xml(200, NO_KEYS),
    };
    let server = Server::start(busy_twice);
    client(&server).send(&keys()).unwrap();
    assert_eq!(server.seen().len(), 3);

    let server = Server::start(busy_twice);
    let launch = RunInstances {
        image_id: "emi-12345678".into(),
        client_token: Some("t".into()),
        ..RunInstances::default()
    };
    let unreadable = client(&server).send(&launch).unwrap_err();
    assert!(matches!(unreadable, ClientError::Answer { action: "RunInstances", .. }));
    assert_eq!(server.seen().len(), 3);

    let make = CreateKeyPair { key_name: "k".into(), ..CreateKeyPair::default() };
    for (answer, expected) in [(503, Some("Unavailable")), (0, None)] {
        let server = Server::start(move |_, _| match answer {
            0 => Answer::Nothing,
            status => Answer::xml(status, BUSY),
        });
        let error = client(&server).send(&make).map(drop).unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn the_last_attempt_is_what_is_reported() {
    let server = Server::start(|_, _| Answer::xml(500, BUSY.replace("later", "never")));
    let error = client(&server).send(&keys()).unwrap_err();
    assert_eq!(server.seen().len(), 3);
    assert_eq!(error.to_string(), "Unavailable: never");
}

#[test]
fn errors_have_the_code_and_the_sentence_that_were_answered() {
    for (status, body, code, message) in [
        (
            400,
            "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>no &lt;such&gt;</Message></Error></Errors><RequestID>r</RequestID></Response>",
            "InvalidInstanceID.NotFound",
            "no <such>",
        ),
        (
            403,
            "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
            "AccessDenied",
            "no",
        ),
        (404, "", "404", "Not Found"),
        (502, "<html>bad gateway</html>", "502", "Bad Gateway"),
        (418, "plain words\n", "418", "plain words"),
        (302, "", "302", "Found"),
    ] {
        let server = Server::start(move |_, _| Answer::xml(status, body));
        match client(&server).send(&DescribeInstances::default()).unwrap_err() {
            ClientError::Api { status: told, code: c, message: m } => {
                assert_eq!((told, c.as_str(), m.as_str()), (status, code, message));
            }
            other => panic!("{other}"),
        }
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn an_endpoint_where_nobody_listens_is_tried_three_times_and_named() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let make = CreateKeyPair { key_name: "k".into(), ..CreateKeyPair::default() };
    let tried = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let lines = std::sync::Arc::clone(&tried);
    let trace = std::sync::Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()));
    let error = at(&format!("http://127.0.0.1:{port}/"))
        .with_trace(trace)
        .send(&make)
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    let tried = tried.lock().unwrap();
    assert_eq!(tried.iter().filter(|line| line.starts_with("> POST")).count(), 3, "{tried:?}");
}

#[test]
fn debug_tells_neither_the_signature_nor_a_new_private_key() {
    let xml = "<CreateKeyPairResponse><keyName>k</keyName><keyFingerprint>f</keyFingerprint>\
               <keyMaterial>PEM</keyMaterial><keyPairId>key-0123456789abcdef0</keyPairId>\
               </CreateKeyPairResponse>";
    let server = Server::start(move |_, _| Answer::xml(200, xml));
    let told = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let lines = std::sync::Arc::clone(&told);
    let trace = std::sync::Arc::new(move |line: &str| lines.lock().unwrap().push_str(line));
    let make = CreateKeyPair { key_name: "k".into(), ..CreateKeyPair::default() };
    let made = client(&server).with_trace(trace).send(&make).unwrap();
    assert_eq!(made.key_material, "PEM");
    let told = told.lock().unwrap();
    let signature = server.seen()[0].headers.text("authorization").unwrap().to_owned();
    let signature = signature.split_once("Signature=").unwrap().1;
    assert!(told.contains("keyName") && !told.contains("PEM"), "{told}");
    assert!(!told.contains(signature) && !told.contains(KEY.1), "{told}");
}
