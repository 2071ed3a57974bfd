//! What a request to S3 changes, in the names that SDKs have for it: for the lines of clients that the
//! console shows. Parts of an upload are told as the one object that comes of them. Pure.

use common::s3::tree::Element;
use runtime::exchange::Sending;
use serde_json::{Map, Value as Json, json};

/// The largest document that is looked at, in bytes, and the most elements of it.
const LOOKED_AT: (usize, usize) = (16 << 10, 1000);

/// A request, as it is sent.
pub(super) struct Asked<'a> {
    /// Its method.
    pub(super) method: &'a str,
    /// The bucket; empty if it is about all of them.
    pub(super) bucket: &'a str,
    /// The object's key, if it is about one.
    pub(super) key: Option<&'a str>,
    /// The words of its query.
    pub(super) query: &'a [(&'static str, String)],
    /// Its headers.
    pub(super) headers: &'a [(&'static str, String)],
    /// Its body.
    pub(super) body: &'a Sending,
}

/// The operation and its parameters, if the request changes something.
pub(super) fn of(ask: &Asked<'_>) -> Option<(&'static str, Json)> {
    let words: Vec<_> = ask.query.iter().map(|(name, _)| *name).collect();
    let mut said = Map::new();
    said.insert("Bucket".to_owned(), json!(ask.bucket));
    if let Some(key) = ask.key {
        said.insert("Key".to_owned(), json!(key));
    }
    let header = |name: &str| {
        ask.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    let action = match (ask.method, ask.key, words.as_slice()) {
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
        // However large it is.
        ("POST", Some(key), ["uploadId"]) => {
            said.insert("Filename".to_owned(), json!(file(key)));
            "UploadFile"
        }
        ("DELETE", Some(_), []) => "DeleteObject",
        ("POST", None, ["delete"]) => {
            let document = document(ask, "Delete")?;
            let keys = document.all("Object").filter_map(|it| it.child("Key"));
            let objects: Vec<_> = keys.map(|key| json!({ "Key": key.text })).collect();
            match objects.as_slice() {
                [Json::Object(one)] => {
                    said.extend(one.clone());
                    "DeleteObject"
                }
                _ => {
                    said.insert("Delete".to_owned(), json!({ "Objects": objects }));
                    "DeleteObjects"
                }
            }
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

fn document(ask: &Asked<'_>, root: &str) -> Option<Element> {
    let Sending::Whole(bytes) = ask.body else { return None };
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

    type Words<'a> = &'a [(&'static str, &'a str)];

    fn told(
        (method, key): (&str, Option<&str>),
        query: Words<'_>,
        headers: Words<'_>,
        body: &str,
    ) -> Option<(&'static str, Json)> {
        let own = |words: Words<'_>| -> Vec<_> {
            words.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
        };
        let (query, headers) = (own(query), own(headers));
        let body = match body {
            "" => Sending::Nothing,
            text => Sending::Whole(text.to_owned().into()),
        };
        let (query, headers, body) = (&query[..], &headers[..], &body);
        of(&Asked { method, bucket: "b", key, query, headers, body })
    }

    #[test]
    fn requests_are_told_as_sdks_have_them() {
        let acl = [("x-amz-acl", "public-read")];
        let made = told(("PUT", None), &[], &acl, "");
        assert_eq!(made, Some(("CreateBucket", json!({ "Bucket": "b", "ACL": "public-read" }))));
        let gone = told(("DELETE", None), &[], &[], "");
        assert_eq!(gone, Some(("DeleteBucket", json!({ "Bucket": "b" }))));
        let whole = told(("POST", Some("a/-x")), &[("uploadId", "1")], &[], "<C/>");
        let said = json!({ "Bucket": "b", "Key": "a/-x", "Filename": "./-x" });
        assert_eq!(whole, Some(("UploadFile", said)));
        let folder = told(("PUT", Some("folder/")), &[], &[], "");
        assert_eq!(folder, Some(("PutObject", json!({ "Bucket": "b", "Key": "folder/" }))));
        let one = "<Delete><Object><Key>a&amp;b</Key></Object></Delete>";
        let only = told(("POST", None), &[("delete", "")], &[], one);
        assert_eq!(only, Some(("DeleteObject", json!({ "Bucket": "b", "Key": "a&b" }))));
        let several = one.replace("</Delete>", "<Object><Key>c</Key></Object></Delete>");
        let several = told(("POST", None), &[("delete", "")], &[], &several);
        let objects = json!([{ "Key": "a&b" }, { "Key": "c" }]);
        let said = json!({ "Bucket": "b", "Delete": { "Objects": objects } });
        assert_eq!(several, Some(("DeleteObjects", said)));
        let grants = "<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList><Grant>\
             <Grantee xsi:type=\"Group\"><URI>http://all</URI></Grantee>\
             <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>";
        let shared = told(("PUT", None), &[("acl", "")], &[], grants);
        let grantee = json!({ "Type": "Group", "URI": "http://all" });
        let said = json!({ "Bucket": "b", "AccessControlPolicy": {
            "Owner": { "ID": "1" },
            "Grants": [{ "Grantee": grantee, "Permission": "READ" }],
        } });
        assert_eq!(shared, Some(("PutBucketAcl", said)));
        let part = [("uploadId", "1"), ("partNumber", "2")];
        assert_eq!(told(("PUT", Some("a")), &part, &[], "x"), None);
        assert_eq!(told(("GET", None), &[], &[], ""), None);
    }
}
