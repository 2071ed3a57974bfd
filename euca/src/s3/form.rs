//! Uploads by form: whoever has somebody's policy and the signature over it may send what the policy
//! allows, without that somebody's secret.
//!
//! The request itself is not signed; its fields are, by the policy. The object comes last, as the
//! form's file, and is streamed like any other.

use std::io::{self, Read};

use super::{Counted, S3, Upload, etag};
use crate::client::ClientError;
use crate::http::{Exchange, Outgoing};

/// What allows an upload by form.
#[derive(Clone)]
pub struct Form {
    /// The access key of whoever made the policy.
    pub access_key_id: String,
    /// The policy, in base64.
    pub policy: String,
    /// The signature over it, version 2.
    pub signature: String,
}

impl S3 {
    /// Uploads an object by form. `open` gives its bytes, from the first on, each time it is called;
    /// `progress` is told how many of them are sent.
    ///
    /// # Errors
    /// [`ClientError::Api`] with `AccessDenied` for what the policy does not allow;
    /// [`ClientError::Damaged`] if something else arrived.
    pub fn post_object<'b>(
        &self,
        upload: &Upload<'_>,
        form: &Form,
        open: &dyn Fn() -> io::Result<Box<dyn Read + 'b>>,
        progress: &dyn Fn(u64),
    ) -> Result<(), ClientError> {
        let name = format!("{}/{}", upload.bucket, upload.key);
        let boundary = boundary()?;
        let before = fields(upload, form, &boundary);
        let after = format!("\r\n--{boundary}--\r\n");
        let around = u64::try_from(before.len() + after.len()).unwrap_or(u64::MAX);
        let path = self.path(upload.bucket, "");
        let expected = hex::encode(upload.md5);
        self.http.retrying(true, || {
            let inner = open().map_err(|source| ClientError::Local {
                what: format!("{name} cannot be read"),
                source,
            })?;
            let file = Counted { inner, count: 0, progress };
            let mut body = before.as_bytes().chain(file).chain(after.as_bytes());
            let headers = vec![
                ("host", self.url.authority.clone()),
                ("content-type", format!("multipart/form-data; boundary={boundary}")),
            ];
            let exchange =
                Exchange { method: "POST", url: &self.url, path: &path, query: "", headers };
            let length = upload.length.saturating_add(around);
            let answer =
                self.http.exchange(&exchange, Some(Outgoing { reader: &mut body, length }))?;
            if !answer.status().is_success() {
                return Err(self.http.refusal(&self.url.authority, answer));
            }
            match etag(&answer) {
                Some(found) if found != expected => {
                    let (key, expected) = (name.clone(), expected.clone());
                    Err(ClientError::Damaged { key, expected, found })
                }
                // An answer without one has nothing to compare with.
                _ => Ok(()),
            }
        })
    }
}

/// A line that no part of a form holds.
fn boundary() -> Result<String, ClientError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| ClientError::Request(error.to_string()))?;
    Ok(format!("euca-{}", hex::encode(random)))
}

/// The form up to the bytes of its file.
fn fields(upload: &Upload<'_>, form: &Form, boundary: &str) -> String {
    let mut text = String::new();
    let fields = [
        ("key", upload.key),
        ("acl", upload.acl.unwrap_or_default()),
        ("AWSAccessKeyId", &form.access_key_id),
        ("policy", &form.policy),
        ("signature", &form.signature),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    // The file's own name is not used: the key has a field of its own.
    text.push_str(&format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"object\"\r\n\
         Content-Type: {}\r\n\r\n",
        upload.content_type
    ));
    text
}
