//! `euca admin audit` against answers of CloudTrail.

use crate::program::call;
use crate::server::{Answer, Server};

/// A record as CloudTrail writes it, within the answer's XML.
fn record(number: u32, more: &str) -> String {
    let json = format!(
        "{{\"eventTime\":\"2026-11-22T10:50:0{number}.000Z\",\"eventName\":\"CreateBucket\",\
         \"eventSource\":\"s3.amazonaws.com\",\"sourceIPAddress\":\"10.0.0.1\",\"requestID\":\"r-{number}\",\
         \"resources\":[{{\"ARN\":\"arn:aws:s3:::a\"}},{{\"ARN\":\"arn:aws:s3:::b\"}}]{more}}}"
    );
    format!("<Events><CloudTrailEvent>{}</CloudTrailEvent></Events>", json.replace('"', "&quot;"))
}

fn page(records: &[String], next: Option<&str>) -> String {
    let next = next.map(|next| format!("<NextToken>{next}</NextToken>")).unwrap_or_default();
    format!(
        "<LookupEventsResponse xmlns=\"http://cloudtrail.amazonaws.com/doc/2013-11-01/\">\
         <LookupEventsResult>{}{next}</LookupEventsResult></LookupEventsResponse>",
        records.concat()
    )
}

#[test]
fn records_are_lines_and_pages_are_followed() {
    let server = Server::start(|_, seen| {
        assert_eq!(seen.parameter("Action").as_deref(), Some("LookupEvents"));
        let who =
            ",\"userIdentity\":{\"arn\":\"arn:aws:iam::1:user/taro\",\"accessKeyId\":\"AKI\"}";
        let refused = ",\"errorCode\":\"AccessDenied\",\"userIdentity\":null";
        let answer = match seen.parameter("NextToken").as_deref() {
            None => page(&[record(3, who)], Some("t.1")),
            // A page may be empty and still not the last.
            Some("t.1") => page(&[], Some("t.2")),
            Some(_) => page(&[record(2, refused), record(1, who)], None),
        };
        Answer::xml(200, answer)
    });
    let url = format!("{}/services/Eucalyptus", server.url);
    let run = |arguments: &[&str]| call(arguments, &[("EC2_URL", &url)]);
    let line = |number: u32, who: &str, key: &str, result: &str| {
        format!(
            "AUDIT\t2026-11-22T10:50:0{number}.000Z\ts3:CreateBucket\t{who}\t{key}\t10.0.0.1\t{result}\t\
             arn:aws:s3:::a,arn:aws:s3:::b\tr-{number}\n"
        )
    };
    let taro = |number| line(number, "arn:aws:iam::1:user/taro", "AKI", "ok");
    let all = [taro(3), line(2, "-", "", "AccessDenied"), taro(1)].concat();
    let called = run(&["euca", "admin", "audit"]);
    assert_eq!((called.err.as_str(), called.out), ("", all));
    let called = run(&[
        "euca-audit",
        "--since",
        "2026-11-22T00:00:00Z",
        "--user",
        "taro",
        "--service",
        "s3",
        "--limit",
        "2",
    ]);
    assert_eq!(called.out, [taro(3), line(2, "-", "", "AccessDenied")].concat());
    let seen = server.seen();
    assert!(seen.iter().all(|it| it.path == "/services/CloudTrail"));
    let last = |name: &str| seen.last().and_then(|it| it.parameter(name));
    assert_eq!(last("StartTime").as_deref(), Some("2026-11-22T00:00:00.000Z"));
    assert_eq!(last("LookupAttributes.member.1.AttributeKey").as_deref(), Some("Username"));
    assert_eq!(last("LookupAttributes.member.2.AttributeValue").as_deref(), Some("s3"));
    assert_eq!(last("MaxResults").as_deref(), Some("1"));
    let json = run(&["euca", "admin", "audit", "--json", "--limit", "1"]);
    assert!(
        json.out.starts_with("{\"eventTime\"") && json.out.lines().count() == 1,
        "{}",
        json.out
    );
    assert_eq!(run(&["euca", "admin", "audit", "--since", "soon"]).status, 2);
}

#[test]
fn pages_that_do_not_end_are_left() {
    let server = Server::start(|_, _| Answer::xml(200, page(&[], Some("t.1"))));
    let url = format!("{}/services/Eucalyptus", server.url);
    let called = call(&["euca", "admin", "audit"], &[("EC2_URL", &url)]);
    assert!(called.status == 1 && called.err.contains("do not end"), "{}", called.err);
}
