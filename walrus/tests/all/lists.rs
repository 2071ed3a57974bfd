//! Listings: both versions and the versions of objects, from outside.

use crate::http::Reply;
use crate::world::{Who, World};

fn world(keys: &[&str]) -> World {
    let world = World::new();
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    for key in keys {
        assert_eq!(world.put(Who::Alice, &format!("/buck/{key}"), b"1").status, 200, "{key}");
    }
    world
}

/// The texts of all elements of that name.
fn all(reply: &Reply, name: &str) -> Vec<String> {
    let (text, tag) = (reply.text(), format!("<{name}>"));
    let parts = text.split(&tag).skip(1);
    parts.filter_map(|part| part.split("</").next()).map(str::to_owned).collect()
}

#[test]
fn the_second_version_pages_by_tokens() {
    let world = world(&["a%20b", "d/1", "d/2", "d/e/3", "x&y", "z%0Az"]);
    let list = |query: &str| world.get(Who::Alice, &format!("/buck?list-type=2{query}"));
    let whole = list("");
    assert_eq!((whole.element("KeyCount").as_deref(), whole.element("Owner")), (Some("6"), None));
    assert!(whole.text().contains("<Key>x&amp;y</Key>"), "{}", whole.text());
    assert_eq!(whole.element("IsTruncated").as_deref(), Some("false"));
    assert_eq!(list("&fetch-owner=true").element("DisplayName").as_deref(), Some("alice"));
    for delimiter in ["", "&delimiter=/", "&delimiter=d/e", "&prefix=d/&delimiter=/"] {
        let names = |reply: &Reply| {
            let names = [all(reply, "Key"), all(reply, "Prefix").split_off(1)];
            let mut names = names.concat();
            names.sort();
            names
        };
        let expected = names(&list(delimiter));
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("{delimiter}&max-keys=1{token}"));
            assert_eq!(page.status, 200, "{}", page.text());
            assert_eq!(page.element("KeyCount").as_deref(), Some("1"));
            found.extend(names(&page));
            match page.element("NextContinuationToken") {
                Some(next) => token = format!("&continuation-token={next}"),
                None => break,
            }
        }
        found.sort();
        assert_eq!(found, expected, "{delimiter}");
    }
    let after = list("&start-after=d/2");
    assert_eq!(all(&after, "Key"), ["d/e/3", "x&amp;y", "z&#xA;z"]);
    assert_eq!(after.element("StartAfter").as_deref(), Some("d/2"));
    let nothing = list("&max-keys=0");
    assert_eq!(nothing.element("KeyCount").as_deref(), Some("0"));
    assert_eq!(nothing.element("IsTruncated").as_deref(), Some("false"));
    let encoded = list("&encoding-type=url&delimiter=%26&prefix=x");
    assert_eq!(encoded.element("Delimiter").as_deref(), Some("%26"));
    assert_eq!(all(&encoded, "Prefix"), ["x", "x%26"]);
}

#[test]
fn tokens_of_others_and_odd_wishes_are_refused() {
    let world = world(&["a", "b"]);
    world.put(Who::Alice, "/other", b"");
    let page = world.get(Who::Alice, "/buck?list-type=2&max-keys=1");
    let token = page.element("NextContinuationToken").unwrap();
    for target in [
        format!("/other?list-type=2&continuation-token={token}"),
        "/buck?list-type=2&continuation-token=a".to_owned(),
        "/buck?list-type=2&continuation-token=".to_owned(),
        "/buck?list-type=3".to_owned(),
        "/buck?list-type=2&fetch-owner=2".to_owned(),
        "/buck?list-type=2&max-keys=-1".to_owned(),
        "/buck?versions&version-id-marker=null".to_owned(),
        "/buck?versions&key-marker=a&version-id-marker=1".to_owned(),
        "/buck?max-keys=x".to_owned(),
    ] {
        let refused = world.get(Who::Alice, &target);
        assert_eq!(refused.refusal(), (400, "InvalidArgument".into()), "{target}");
    }
    let odd = world.get(Who::Alice, "/buck?list-type=2&marker=a");
    assert_eq!(odd.refusal(), (501, "NotImplemented".into()), "a marker is no token");
    let wish = [("x-amz-optional-object-attributes", "RestoreStatus")];
    assert_eq!(world.call(Who::Alice, "GET", "/buck?list-type=2", &wish, b"").status, 200);
    for query in ["list-type=2", "versions"] {
        let denied = world.get(Who::Bob, &format!("/buck?{query}"));
        assert_eq!(denied.refusal(), (403, "AccessDenied".into()), "{query}");
        let none = world.get(Who::Alice, &format!("/absent?{query}"));
        assert_eq!(none.refusal(), (404, "NoSuchBucket".into()), "{query}");
    }
}

#[test]
fn the_first_version_stays_as_old_clients_know_it() {
    let world = world(&["a/1", "a/2", "b", "c/1"]);
    let page = world.get(Who::Alice, "/buck/?&max-keys=2");
    assert_eq!(all(&page, "Key"), ["a/1", "a/2"]);
    assert_eq!(page.element("IsTruncated").as_deref(), Some("true"));
    assert_eq!(page.element("NextMarker"), None, "clients take the last key");
    let page = world.get(Who::Alice, "/buck?delimiter=/&max-keys=1");
    assert_eq!(page.element("NextMarker").as_deref(), Some("a/"));
    let page = world.get(Who::Alice, "/buck?delimiter=/&marker=a/");
    assert_eq!(
        (all(&page, "Key"), all(&page, "Prefix").split_off(1)),
        (vec!["b".into()], vec!["c/".into()])
    );
    assert_eq!(page.element("Marker").as_deref(), Some("a/"));
    for empty in ["/buck/?&max-keys=0", "/buck?max-keys=0"] {
        let nothing = world.get(Who::Alice, empty);
        assert_eq!((nothing.status, nothing.element("Key")), (200, None));
        assert_eq!(nothing.element("IsTruncated").as_deref(), Some("false"));
    }
}

#[test]
fn every_object_is_its_one_version() {
    let world = world(&["a", "d/1", "d/2", "e"]);
    let list = |query: &str| world.get(Who::Alice, &format!("/buck?versions{query}"));
    let whole = list("");
    assert_eq!(all(&whole, "Key"), ["a", "d/1", "d/2", "e"]);
    assert_eq!(all(&whole, "VersionId"), ["null"; 4]);
    assert_eq!(all(&whole, "IsLatest"), ["true"; 4]);
    let first = list("&max-keys=2");
    assert_eq!(first.element("NextKeyMarker").as_deref(), Some("d/1"));
    assert_eq!(first.element("NextVersionIdMarker").as_deref(), Some("null"));
    let second = list("&key-marker=d/1&version-id-marker=null");
    assert_eq!(all(&second, "Key"), ["d/2", "e"]);
    let roots = list("&delimiter=/&max-keys=2");
    assert_eq!(all(&roots, "Prefix").split_off(1), ["d/"]);
    assert_eq!(roots.element("NextKeyMarker").as_deref(), Some("d/"));
    assert_eq!(all(&list("&delimiter=/&key-marker=d/"), "Key"), ["e"]);
}
