//! Requests as real clients sent them: each verifies as it is, and none does once a single byte
//! of what its signature covers is another.
//!
//! The requests lie in `tests/data/requests`, whose README says how they were made.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::sign::{Claim, Headers, PayloadCheck, Request, Scheme, SignError, Verified};
use common::time::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Recording {
    client: String,
    api: String,
    scheme: String,
    #[serde(default)]
    virtual_bucket: Option<String>,
    access_key_id: String,
    secret: String,
    requests: Vec<Recorded>,
}

#[derive(Clone, Deserialize)]
struct Recorded {
    method: String,
    raw_path: String,
    raw_query: String,
    headers: Vec<(String, String)>,
    body_base64: String,
    now_millis: Timestamp,
    #[serde(skip)]
    body: Vec<u8>,
}

fn recordings() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/requests");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("the recordings are part of the source")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Recording {
    let text = std::fs::read(path).expect("a readable recording");
    let mut recording: Recording =
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    for request in &mut recording.requests {
        request.body = STANDARD.decode(&request.body_base64).expect("a body in base64");
    }
    recording
}

impl Recording {
    /// Does what a server does: claim, look-up of the secret, verification, check of the body.
    fn serve(&self, recorded: &Recorded, now: Timestamp) -> Result<Verified, String> {
        let headers: Headers = recorded.headers.iter().map(|(name, value)| (name, value)).collect();
        let request =
            Request::new(&recorded.method, &recorded.raw_path, &recorded.raw_query, &headers)
                .with_virtual_bucket(self.virtual_bucket.as_deref());
        let claim = match self.api.as_str() {
            "ec2" => Claim::ec2(&request.with_body(&recorded.body)).map(Some),
            _ => Claim::s3(&request),
        };
        let claim = claim.map_err(|error| error.to_string())?.ok_or("anonymous")?;
        if claim.access_key_id() != self.access_key_id {
            return Err(format!("unknown access key {}", claim.access_key_id()));
        }
        let verified = claim.verify(&self.secret, now).map_err(|error| {
            if error == SignError::SignatureDoesNotMatch {
                let shown = claim.explain();
                let canonical = shown.canonical_request.unwrap_or_default();
                return format!("{error}\n{}\n{canonical}", shown.string_to_sign);
            }
            error.to_string()
        })?;
        match verified.payload {
            PayloadCheck::Sha256(hash) if hash != *Sha256::digest(&recorded.body) => {
                Err("the body has another hash".to_owned())
            }
            PayloadCheck::Sha256(_) | PayloadCheck::Unsigned | PayloadCheck::Chunked(_) => {
                Ok(verified)
            }
        }
    }

    /// Tells whether the signature covers a header.
    fn covers(&self, recorded: &Recorded, name: &str) -> bool {
        let authorization = recorded
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case("authorization"))
            .map_or("", |(_, value)| value.as_str());
        match (self.api.as_str(), self.scheme.as_str()) {
            // The port of the host need not be signed, so a change of it may pass.
            ("ec2", "v2") => false,
            ("s3", "presigned-v2") => {
                let bodyless = ["GET", "HEAD", "DELETE"].contains(&recorded.method.as_str());
                let form = "application/x-www-form-urlencoded";
                let typed = recorded
                    .headers
                    .iter()
                    .any(|(own, value)| own.eq_ignore_ascii_case("content-type") && value != form);
                // What stands in the URL, too, is read there.
                let moved = recorded.raw_query.to_ascii_lowercase().contains(&format!("{name}="));
                (name.starts_with("x-amz-") || (name == "content-type" && typed && !bodyless))
                    && !moved
            }
            (_, "presigned-v4") => {
                let query = recorded.raw_query.replace("%3B", ";");
                let signed = query
                    .split_once("X-Amz-SignedHeaders=")
                    .and_then(|(_, rest)| rest.split('&').next())
                    .unwrap_or_default();
                signed.split(';').any(|own| own == name)
            }
            ("s3", "v2") => {
                let dated = recorded.headers.iter().any(|(own, _)| own == "x-amz-date");
                name == "authorization"
                    || name.starts_with("x-amz-")
                    || name == "content-md5"
                    || name == "content-type"
                    || (name == "date" && !dated)
            }
            _ => {
                let signed = authorization
                    .split_once("SignedHeaders=")
                    .and_then(|(_, rest)| rest.split(',').next())
                    .unwrap_or_default();
                name == "authorization"
                    || name.starts_with("x-amz-")
                    || signed.split(';').any(|own| own == name)
            }
        }
    }

    fn covers_query(&self) -> bool {
        !(self.api == "s3" && self.scheme.ends_with("v2"))
    }

    fn sends(&self, recorded: &Recorded, name: &str) -> bool {
        recorded.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    }

    /// Tells whether a URL signed with version 2 covers one of its parameters.
    fn covers_parameter(&self, name: &str) -> bool {
        const OF_UPLOADS: [&str; 3] = ["uploads", "uploadId", "partNumber"];
        let of_uploads = OF_UPLOADS.contains(&name) && !self.client.contains("rgw");
        let named = ["AWSAccessKeyId", "Expires", "Signature", "acl", "content-type"];
        let family = name.starts_with("x-amz-") || name.starts_with("response-");
        of_uploads || family || named.contains(&name)
    }

    fn covers_body(&self, recorded: &Recorded) -> bool {
        let unsigned = recorded.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("x-amz-content-sha256") && value == "UNSIGNED-PAYLOAD"
        });
        let in_url = self.api == "s3" && self.scheme.starts_with("presigned");
        self.covers_query() && !unsigned && !in_url
    }
}

/// Gives the text once for each of its bytes, with that byte changed to a neighbour.
fn changed(text: &str) -> impl Iterator<Item = String> {
    (0..text.len()).filter_map(|index| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index] ^= 1;
        String::from_utf8(bytes).ok()
    })
}

/// Gives the request once for each byte that its signature covers, with that byte changed.
fn tampered(recording: &Recording, good: &Recorded) -> Vec<(String, Recorded)> {
    let mut all = Vec::new();
    let mut push = |what: String, request: Recorded| all.push((what, request));
    for method in changed(&good.method) {
        push(format!("method {method}"), Recorded { method, ..good.clone() });
    }
    for raw_path in changed(&good.raw_path) {
        push(format!("path {raw_path}"), Recorded { raw_path, ..good.clone() });
    }
    if recording.covers_query() {
        for raw_query in changed(&good.raw_query) {
            push(format!("query {raw_query}"), Recorded { raw_query, ..good.clone() });
        }
    }
    if recording.scheme == "presigned-v2" {
        for item in good.raw_query.split('&') {
            let name = item.split('=').next().unwrap_or_default();
            if recording.covers_parameter(name) {
                let sent_too = recording.sends(good, name);
                // The header itself is signed then, and the parameter is a copy.
                for other in changed(item)
                    .filter(|other| !sent_too || other.starts_with(&format!("{name}=")))
                {
                    let raw_query = good.raw_query.replace(item, &other);
                    push(format!("parameter {other}"), Recorded { raw_query, ..good.clone() });
                }
            }
        }
    }
    if recording.covers_body(good) {
        for index in 0..good.body.len() {
            let mut request = good.clone();
            request.body[index] ^= 1;
            push(format!("byte {index} of the body"), request);
        }
    }
    for (index, (name, value)) in good.headers.iter().enumerate() {
        if recording.covers(good, &name.to_ascii_lowercase()) {
            for value in changed(value) {
                let mut request = good.clone();
                push(format!("header {name}: {value}"), {
                    request.headers[index].1 = value;
                    request
                });
            }
        }
    }
    all
}

#[test]
fn what_clients_send_verifies() {
    let mut count = 0;
    for recording in recordings() {
        for request in &recording.requests {
            let line = format!("{}: {} {}", recording.client, request.method, request.raw_path);
            let served = recording.serve(request, request.now_millis);
            if recording.scheme == "anonymous" {
                assert_eq!(served, Err("anonymous".to_owned()), "{line}");
                continue;
            }
            let verified =
                served.unwrap_or_else(|error| panic!("{line}?{}\n{error}", request.raw_query));
            let scheme = match (recording.api.as_str(), recording.scheme.as_str()) {
                (_, "v4") => Scheme::V4,
                (_, "presigned-v4") => Scheme::PresignedV4,
                (_, "presigned-v2") => Scheme::PresignedV2,
                ("ec2", _) => Scheme::QueryV2,
                _ => Scheme::HeaderV2,
            };
            assert_eq!(verified.scheme, scheme, "{line}");
            assert!(verified.good_until > request.now_millis, "{line}");
            count += 1;
        }
    }
    assert!(count > 280, "only {count} recordings were found");
}

#[test]
fn neither_another_secret_nor_another_time_verifies() {
    let hour = std::time::Duration::from_secs(3600);
    for mut recording in recordings().into_iter().filter(|all| all.scheme != "anonymous") {
        for request in &recording.requests {
            let mut times = vec![request.now_millis.plus(hour)];
            // A URL signed with version 2 names its end only.
            times.extend(
                (recording.scheme != "presigned-v2").then(|| request.now_millis.minus(hour)),
            );
            for now in times {
                let refused = recording.serve(request, now).expect_err("a clock an hour off");
                assert!(refused.contains(&now.iso()), "{}: {refused}", recording.client);
            }
        }
        recording.secret.push('x');
        for request in &recording.requests {
            recording.serve(request, request.now_millis).expect_err("a wrong secret");
        }
    }
}

#[test]
fn no_byte_can_be_changed() {
    let mut count = 0;
    for recording in recordings().into_iter().filter(|all| all.scheme != "anonymous") {
        for good in &recording.requests {
            for (what, request) in tampered(&recording, good) {
                let served = recording.serve(&request, good.now_millis);
                assert!(
                    served.is_err(),
                    "{}: {} {}: {what}",
                    recording.client,
                    good.method,
                    good.raw_path
                );
                count += 1;
            }
        }
    }
    assert!(count > 50_000, "only {count} changes were tried");
}
