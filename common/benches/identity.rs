//! What it costs to know who asks and whether they may: a signature of version 4 and a decision of 50
//! policies, as a request pays for them.
//!
//! The rivals are in the same run: the same decision by policies that are read again each time, and
//! reading their JSON alone. What is measured is the processor time of the one thread that does it.

#![expect(clippy::unwrap_used, reason = "a bench ends at the first surprise")]
#![expect(clippy::print_stdout, reason = "it is what a bench is for")]

use std::fs;
use std::hint::black_box;
use std::sync::Arc;

use common::iam::authority::Grants;
use common::iam::policy::{Attached, Policy, PolicyKind, Source, Verdict};
use common::iam::{Authority, Context, Principal, PrincipalKind};
use common::sign::{Claim, Credentials, Headers, Request, sign_ec2_v4, write_query};
use common::time::Timestamp;

/// How many policies are attached.
const POLICIES: usize = 50;

/// What signature and decision may cost together, microseconds.
const MOST: f64 = 60.0;

/// How much cheaper deciding must be than reading the policies again and deciding.
const RATIO: f64 = 20.0;

const NOW: Timestamp = Timestamp::from_secs(1_795_392_000);
const ACCESS_KEY: &str = "AKIEXAMPLEEXAMPLE123";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A policy as people write them: one of its statements denies, under conditions that are asked.
fn text(number: usize) -> String {
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{"Sid": "Objects", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      "Resource": ["arn:aws:s3:::team-{number}/*", "arn:aws:s3:::home/${{aws:username}}/*"]}},
    {{"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::team-{number}",
      "Condition": {{"StringLike": {{"s3:prefix": ["", "home/", "home/${{aws:username}}/*"]}}}}}},
    {{"Sid": "Look", "Effect": "Allow", "Action": ["ec2:Describe*", "iam:Get*", "iam:List*"], "Resource": "*"}},
    {{"Sid": "Run", "Effect": "Allow", "Action": ["ec2:*Instances", "ec2:*Tags"],
      "Resource": ["arn:aws:ec2:*:111122223333:instance/*", "arn:aws:ec2:*::image/emi-{number:08x}"],
      "Condition": {{"StringEquals": {{"ec2:ResourceTag/team": "{number}"}}, "Bool": {{"aws:SecureTransport": "true"}}}}}},
    {{"Sid": "Office", "Effect": "Deny", "Action": "*", "Resource": "*",
      "Condition": {{"NotIpAddress": {{"aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]}},
                    "DateGreaterThan": {{"aws:CurrentTime": "2026-01-01T00:00:00Z"}}}}}}
  ]
}}"#
    )
}

fn attached(texts: &[String]) -> Vec<Attached> {
    let policy = |(at, text): (usize, &String)| Attached {
        name: format!("arn:aws:iam::111122223333:policy/team-{at}"),
        source: Source::User("taro".to_owned()),
        policy: Arc::new(Policy::parse(text, PolicyKind::Identity).unwrap()),
    };
    texts.iter().enumerate().map(policy).collect()
}

fn authority(texts: &[String]) -> Authority {
    let principal = Principal {
        account: "111122223333".parse().unwrap(),
        kind: PrincipalKind::User,
        name: "taro".to_owned(),
        path: "/".to_owned(),
        id: "AIDAEXAMPLE".to_owned(),
        session: None,
    };
    Authority::new(principal, Grants { identity: attached(texts), ..Grants::default() })
}

/// What a request says of itself, as a front tells it.
fn request_context() -> Context {
    Context::new()
        .with("aws:sourceip", "10.1.2.3")
        .with("aws:securetransport", "true")
        .with("aws:currenttime", NOW.iso())
        .with("aws:epochtime", NOW.as_secs().to_string())
        .with("aws:useragent", "Boto3/1.35 md/Botocore#1.35 ua/2.0 os/linux")
}

/// A signed RunInstances, as boto3 sends it.
fn signed(body: &str) -> Headers {
    let mut headers: Headers = [
        ("host", "cloud.example.com:8773"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("user-agent", "Boto3/1.35 md/Botocore#1.35 ua/2.0 os/linux"),
        ("amz-sdk-invocation-id", "11111111-2222-3333-4444-555555555555"),
    ]
    .into_iter()
    .collect();
    let request =
        Request::new("POST", "/services/compute", "", &headers).with_body(body.as_bytes());
    let credentials = Credentials { access_key_id: ACCESS_KEY, secret: SECRET };
    for (name, value) in sign_ec2_v4(credentials, &request, "eucalyptus", "ec2", NOW).unwrap() {
        headers.add(name, value);
    }
    headers
}

/// Nanoseconds of processor time of this thread.
fn spent() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Microseconds of processor time that something costs: the median of rounds of some times each.
fn cost(times: u32, mut what: impl FnMut()) -> f64 {
    const ROUNDS: usize = 15;
    let mut rounds: Vec<u64> = (0..ROUNDS)
        .map(|_| {
            let before = spent();
            (0..times).for_each(|_| what());
            spent() - before
        })
        .collect();
    rounds.sort_unstable();
    std::time::Duration::from_nanos(rounds[ROUNDS / 2]).as_secs_f64() * 1e6 / f64::from(times)
}

fn main() {
    let texts: Vec<String> = (0..POLICIES).map(text).collect();
    let authority = authority(&texts);
    let tags = Context::new().with("ec2:resourcetag/team", "49").with("ec2:region", "eucalyptus");
    let (action, resource) =
        ("ec2:StopInstances", "arn:aws:ec2:eucalyptus:111122223333:instance/i-1");
    let body = write_query(&[
        ("Action", "RunInstances"),
        ("Version", "2016-11-15"),
        ("ImageId", "emi-12345678"),
        ("InstanceType", "m1.small"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("KeyName", "mykey"),
        ("ClientToken", "11111111-2222-3333-4444-555555555555"),
    ]);
    let headers = signed(&body);

    let check = || {
        let request = Request::new("POST", "/services/compute", "", &headers);
        let claim = Claim::ec2(&request.with_body(body.as_bytes())).unwrap();
        black_box(claim.verify(SECRET, NOW).unwrap());
    };
    let ask = |authority: &Authority| {
        let asked = authority.within(&request_context());
        let decision = asked.decide(action, resource, &tags);
        assert_eq!(decision.verdict, Verdict::Allowed);
        black_box(decision);
    };
    let signature = cost(500, check);
    let decision = cost(500, || ask(&authority));
    let again = cost(20, || ask(&self::authority(&texts)));
    let json = cost(20, || {
        for text in &texts {
            black_box(serde_json::from_str::<serde_json::Value>(text).unwrap());
        }
    });

    let bytes: usize = texts.iter().map(String::len).sum();
    println!(
        "{POLICIES} policies, {} statements, {} KiB; µs of processor time",
        POLICIES * 5,
        bytes >> 10
    );
    println!("signature, version 4                 {signature:9.1}");
    println!("decision                             {decision:9.1}");
    println!("decision, policies read each time    {again:9.1}  {:6.1} times", again / decision);
    println!("their JSON read, nothing decided     {json:9.1}  {:6.1} times", json / decision);
    println!(
        "signature and decision               {:9.1}  of {MOST} at most",
        signature + decision
    );
    assert!(signature + decision < MOST, "signature and decision cost too much");
    assert!(again / decision > RATIO, "deciding is not worth having read the policies before");
}
