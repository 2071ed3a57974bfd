//! Walrus without the clc: it goes on answering those it knows, and hears at once what has changed
//! when the clc is there.

use std::time::{Duration, Instant};

use e2e::{Cloud, Service, Shape, User, wait};

/// The code with which S3 refuses to read the object, if it does.
fn refusal(user: &User) -> Option<String> {
    user.get("buck", "key").err().map(|error| error.code().unwrap_or_default().to_owned())
}

#[test]
fn a_thousand_requests_are_served_while_the_clc_is_stopped() {
    let mut cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let (taro, jiro) = (cloud.add_user("taro"), cloud.add_user("jiro"));
    taro.make_bucket("buck");
    taro.put("buck", "key", b"bytes");
    assert_eq!(refusal(&jiro).as_deref(), Some("AccessDenied"));
    cloud.stop(Service::Clc);
    for number in 0..500 {
        taro.put("buck", "key", format!("{number}").as_bytes());
        assert_eq!(taro.get("buck", "key").unwrap(), format!("{number}").as_bytes());
    }
    // Its own restart changes nothing of it.
    cloud.restart(&[Service::Walrus]);
    assert_eq!(taro.get("buck", "key").unwrap(), b"499");
    cloud.start(Service::Clc);
    let begun = Instant::now();
    cloud.enable("taro", false);
    let out = || match refusal(&taro).as_deref() {
        Some("InvalidAccessKeyId") => Ok(()),
        other => Err(other.map(str::to_owned)),
    };
    wait::until("taro is out", out);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Whoever comes now is known with the first request.
    let saburo = cloud.add_user("saburo");
    saburo.make_bucket("another");
    cloud.enable("taro", true);
    wait::until("taro is in", || taro.get("buck", "key").map(drop).map_err(|e| e.to_string()));
}
