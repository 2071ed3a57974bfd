//! S3 hears from where and by what somebody asks who asks at the console: in the conditions of policies,
//! and in the record.

use common::audit::Filter;
use common::wire::audit::LookAudit;

use crate::site::{OWN, Site, allow};

/// Where a browser may sit on this host that is not where the clc asks from.
const ELSEWHERE: &str = "127.0.0.77";

#[test]
fn policies_and_the_record_of_s3_see_whoever_looks_and_not_the_console() {
    let site = Site::raise();
    let sign_in = |from: &str, agent: &str| {
        let mut browser = site.jiro.browser.another().from(from);
        browser.headers = vec![("user-agent".to_owned(), agent.to_owned())];
        let fields = [("account", "taro"), ("user", "jiro"), ("password", OWN)];
        assert_eq!(browser.submit("/sign-in", &fields).location(), "/");
        browser
    };
    let (mut here, mut there) = (sign_in("127.0.0.1", "plain"), sign_in(ELSEWHERE, "odd/1.0"));
    let object = "/buckets/geheim7-bucket/object?key=plain.txt";
    let file = "/buckets/geheim7-bucket/download?key=plain.txt";
    let seen = |condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*",
            "Resource":"*","Condition":{condition}}}]}}"#
        )
    };
    let from = format!(r#"{{"IpAddress":{{"aws:SourceIp":"{ELSEWHERE}/32"}}}}"#);
    let cases = [
        (r#"{"Bool":{"aws:SecureTransport":"true"}}"#.to_owned(), [200, 200]),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#.to_owned(), [403, 403]),
        (from.clone(), [403, 200]),
        (from.replace("IpAddress", "NotIpAddress"), [200, 403]),
        (r#"{"StringLike":{"aws:UserAgent":"console odd/*"}}"#.to_owned(), [403, 200]),
    ];
    for (condition, told) in cases {
        allow(&site.cloud, &site.owner, "jiro", &seen(&condition));
        for path in [object, file] {
            let shown = [&mut here, &mut there].map(|browser| browser.get(path).status);
            assert_eq!(shown, told, "{condition}: {path}");
        }
    }

    allow(&site.cloud, &site.owner, "jiro", &seen(r#"{"Bool":{"aws:SecureTransport":"true"}}"#));
    assert_eq!(there.get("/buckets").status, 200);
    let filter = Filter {
        service: Some("s3".to_owned()),
        action: Some("ListBuckets".to_owned()),
        user: Some("jiro".to_owned()),
        ..Filter::default()
    };
    let page = site.cloud.ask_clc(LookAudit { filter, next: None, most: 10 }).unwrap();
    let [event] = page.events.as_slice() else { panic!("{:#?}", page.events) };
    let told = (event.source.as_str(), event.agent.as_str(), event.secure);
    assert_eq!(told, (ELSEWHERE, "console odd/1.0", true));
    assert!(event.failure.is_none(), "{event:#?}");
}
