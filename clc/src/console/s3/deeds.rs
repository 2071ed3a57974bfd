//! What a request to S3 changes, in the names that SDKs have for it: for the lines of clients that the
//! console shows. Parts of an upload are told as the one object that comes of them. Pure.

use common::s3::tree::Element;
use runtime::exchange::Sending;
use serde_json::{Map, Value as Json, json};

use super::Ask;

/// The largest document that is looked at, in bytes, and the most elements of it.
const LOOKED_AT: (usize, usize) = (16 << 10, 1000);

/// The operation and its parameters, if the request changes something.
pub(super) fn of(ask: &Ask) -> Option<(&'static str, Json)> {
    let words: Vec<_> = ask.query.iter().map(|(name, _)| *name).collect();
    let mut said = Map::new();
    said.insert("Bucket".to_owned(), json!(ask.bucket));
    if let Some(key) = &ask.key {
        said.insert("Key".to_owned(), json!(key));
    }
    let header = |name: &str| {
        ask.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let action = match (ask.method, &ask.key, words.as_slice()) {
        ("PUT", None, []) => {
            // Private is what a bucket is anyhow.
            if let Some(acl) = header("x-amz-acl").filter(|acl| acl != "private") {
                said.insert("ACL".to_owned(), json!(acl));
            }
            "CreateBucket"
        }
        ("DELETE", None, []) => "DeleteBucket",
        ("PUT", Some(key), []) => {
            let kind = header("content-type");
            kind.map(|kind| said.insert("ContentType".to_owned(), json!(kind)));
            if !matches!(ask.body, Sending::Nothing) && !key.ends_with('/') {
                said.insert("Body".to_owned(), json!(file(key)));
            }
            "PutObject"
        }
        ("POST", Some(key), ["uploadId"]) => {
            said.insert("Body".to_owned(), json!(file(key)));
            "PutObject"
        }
        ("DELETE", Some(_), []) => "DeleteObject",
        ("POST", None, ["delete"]) => {
            let document = document(ask, "Delete")?;
            let keys = document.all("Object").filter_map(|it| it.child("Key"));
            let objects: Vec<_> = keys.map(|key| json!({ "Key": key.text })).collect();
            said.insert("Delete".to_owned(), json!({ "Objects": objects }));
            "DeleteObjects"
        }
        ("PUT", key, ["acl"]) => {
            match header("x-amz-acl") {
                Some(acl) => said.insert("ACL".to_owned(), json!(acl)),
                None => {
                    let document = document(ask, "AccessControlPolicy")?;
                    said.insert("AccessControlPolicy".to_owned(), access(&document)?)
                }
            };
            if key.is_some() { "PutObjectAcl" } else { "PutBucketAcl" }
        }
        _ => return None,
    };
    Some((action, Json::Object(said)))
}

/// What a file is called that becomes an object of that key.
fn file(key: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or_default();
    // A name that looks like an option is none behind its folder.
    if name.starts_with('-') { format!("./{name}") } else { name.to_owned() }
}

fn document(ask: &Ask, root: &str) -> Option<Element> {
    let Sending::Whole(bytes) = &ask.body else { return None };
    Element::read(bytes, root, LOOKED_AT).ok()
}

fn access(document: &Element) -> Option<Json> {
    let text = |of: &Element, name: &str| of.child(name).map(|it| it.text.clone());
    let owner = text(document.child("Owner")?, "ID")?;
    let grant = |it: &Element| {
        let grantee = it.child("Grantee")?;
        let mut whom = Map::new();
        whom.insert("Type".to_owned(), json!(grantee.kind.as_deref()?));
        for name in ["ID", "URI", "EmailAddress"] {
            text(grantee, name).map(|value| whom.insert(name.to_owned(), json!(value)));
        }
        Some(json!({ "Grantee": whom, "Permission": text(it, "Permission")? }))
    };
    let grants = document.child("AccessControlList")?.all("Grant").map(grant);
    let grants = grants.collect::<Option<Vec<_>>>()?;
    Some(json!({ "Owner": { "ID": owner }, "Grants": grants }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_as_sdks_have_them() {
        let all = [
            (
                Ask::new("PUT", "b").saying("x-amz-acl", "public-read"),
                "CreateBucket",
                json!({ "Bucket": "b", "ACL": "public-read" }),
            ),
            (Ask::new("DELETE", "b"), "DeleteBucket", json!({ "Bucket": "b" })),
            (
                Ask::new("POST", "b").key("a/-x").with("uploadId", "1").document("<C/>".into()),
                "PutObject",
                json!({ "Bucket": "b", "Key": "a/-x", "Body": "./-x" }),
            ),
            (
                Ask::new("PUT", "b").key("folder/"),
                "PutObject",
                json!({ "Bucket": "b", "Key": "folder/" }),
            ),
            (
                Ask::new("POST", "b").with("delete", "").document(
                    "<Delete><Object><Key>a&amp;b</Key></Object></Delete>".into(),
                ),
                "DeleteObjects",
                json!({ "Bucket": "b", "Delete": { "Objects": [{ "Key": "a&b" }] } }),
            ),
            (
                Ask::new("PUT", "b").with("acl", "").document(
                    "<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList><Grant>\
                     <Grantee xsi:type=\"Group\"><URI>http://all</URI></Grantee>\
                     <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"
                        .into(),
                ),
                "PutBucketAcl",
                json!({ "Bucket": "b", "AccessControlPolicy": {
                    "Owner": { "ID": "1" },
                    "Grants": [{ "Grantee": { "Type": "Group", "URI": "http://all" },
                        "Permission": "READ" }],
                } }),
            ),
        ];
        for (ask, action, parameters) in all {
            assert_eq!(of(&ask), Some((action, parameters)));
        }
        let part = Ask::new("PUT", "b").key("a").with("uploadId", "1").with("partNumber", "2");
        assert_eq!(of(&part), None);
        assert_eq!(of(&Ask::new("GET", "b")), None);
    }
}
