//! A small S3 client: what bundles need of buckets and objects.
//!
//! Addressed by path, signed with version 4. Bodies are streamed and not hashed for the signature;
//! instead their MD5 is sent along, signed, checked by the far end, and compared with the ETag that
//! comes back. An upload that fails is opened and sent again from its beginning; a download goes on
//! where it broke off (the submodule `read`).

mod form;
mod list;
mod read;

use std::io::{self, Read};
use std::time::Duration;

use base64::Engine;
use common::sign::{
    Headers, PayloadCheck, Request, percent_encode, percent_encode_path, sign_s3_v4,
};
use ureq::Body;
use ureq::http::Response;

pub use self::form::Form;
pub use self::read::ObjectReader;

use crate::client::{ClientError, Credentials, Trace};
use crate::clock;
use crate::http::{self, Exchange, Http, Outgoing, Url};
use crate::trust::Trust;

/// Speaks to one S3 endpoint with one access key.
#[derive(Clone)]
pub struct S3 {
    http: Http,
    url: Url,
    region: String,
    /// Without a key, requests are not signed.
    credentials: Option<Credentials>,
    /// The session token that goes with a temporary key.
    token: Option<String>,
}

/// An object to be uploaded.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key; slashes are kept, all else that needs it is encoded.
    pub key: &'a str,
    /// A canned ACL.
    pub acl: Option<&'a str>,
    /// What `Content-Type` says.
    pub content_type: &'a str,
    /// Bytes in it.
    pub length: u64,
    /// Its MD5.
    pub md5: [u8; 16],
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Bytes in it.
    pub length: Option<u64>,
    /// Its ETag without quotes, in lower case: the MD5 of an object that came in one request.
    pub etag: Option<String>,
}

impl S3 {
    /// Makes a client of the endpoint at `url`, `http://HOST:PORT/PATH` or the same with https. `region` goes into the
    /// signature's scope.
    ///
    /// # Errors
    /// [`ClientError::Url`].
    pub fn new(url: &str, region: &str, credentials: Credentials) -> Result<Self, ClientError> {
        Ok(Self { credentials: Some(credentials), ..Self::unsigned(url, region)? })
    }

    /// Makes a client that signs nothing: for [`S3::post_object`], whose form is signed.
    ///
    /// # Errors
    /// [`ClientError::Url`].
    pub fn unsigned(url: &str, region: &str) -> Result<Self, ClientError> {
        let mut url = Url::parse(url)?;
        url.path.truncate(url.path.trim_end_matches('/').len());
        Ok(Self {
            http: Http::for_objects(&Trust::default()),
            url,
            region: region.to_owned(),
            credentials: None,
            token: None,
        })
    }

    /// Sends this session token with each signed request.
    #[must_use]
    pub fn with_token(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    /// Believes these authorities over https. To be said before anything else.
    #[must_use]
    pub fn trusting(self, trust: &Trust) -> Self {
        Self { http: Http::for_objects(trust), ..self }
    }

    /// Tells `trace` what goes over the wire, except for bodies and secrets.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.http.set_trace(trace);
        self
    }

    /// Waits this long, up to twice as long by chance, before each further attempt; as many waits,
    /// as many further attempts.
    #[must_use]
    pub fn with_waits(mut self, waits: impl Into<Vec<Duration>>) -> Self {
        self.http.set_waits(waits.into());
        self
    }

    /// Tries up to `retries` more times after a failure that may pass.
    #[must_use]
    pub fn with_retries(self, retries: u32) -> Self {
        self.with_waits(http::waits(retries))
    }

    /// Whether a bucket exists, and the caller may look into it.
    ///
    /// # Errors
    /// [`ClientError::Api`] with status 403 if it belongs to somebody else.
    pub fn has_bucket(&self, bucket: &str) -> Result<bool, ClientError> {
        let query = "max-keys=0";
        let found = self.http.retrying(true, || {
            let answer = self.send("GET", bucket, "", query, Vec::new(), None)?;
            self.http.text(&self.url.authority, answer)
        });
        match found {
            Ok(_) => Ok(true),
            Err(ClientError::Api { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a bucket; at `location`, if the cloud has several.
    ///
    /// # Errors
    /// [`ClientError::Api`], for instance for a name that is taken.
    pub fn create_bucket(
        &self,
        bucket: &str,
        acl: Option<&str>,
        location: Option<&str>,
    ) -> Result<(), ClientError> {
        let body = location.map_or_else(String::new, |location| {
            format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
                location.replace('&', "&amp;").replace('<', "&lt;")
            )
        });
        let length = u64::try_from(body.len()).unwrap_or(u64::MAX);
        self.http.retrying(true, || {
            let headers = acl.map(|acl| ("x-amz-acl", acl.to_owned())).into_iter().collect();
            let body = Outgoing { reader: &mut body.as_bytes(), length };
            self.send("PUT", bucket, "", "", headers, Some(body)).map(drop)
        })
    }

    /// Uploads an object. `open` gives its bytes, from the first on, each time it is called;
    /// `progress` is told how many of them are sent.
    ///
    /// # Errors
    /// [`ClientError::Damaged`] if something else arrived.
    pub fn put_object<'b>(
        &self,
        upload: &Upload<'_>,
        open: &dyn Fn() -> io::Result<Box<dyn Read + 'b>>,
        progress: &dyn Fn(u64),
    ) -> Result<(), ClientError> {
        let name = format!("{}/{}", upload.bucket, upload.key);
        let content_md5 = base64::engine::general_purpose::STANDARD.encode(upload.md5);
        let expected = hex::encode(upload.md5);
        self.http.retrying(true, || {
            let inner = open().map_err(|source| ClientError::Local {
                what: format!("{name} cannot be read"),
                source,
            })?;
            let mut reader = Counted { inner, count: 0, progress };
            let mut headers = vec![
                ("content-md5", content_md5.clone()),
                ("content-type", upload.content_type.to_owned()),
            ];
            headers.extend(upload.acl.map(|acl| ("x-amz-acl", acl.to_owned())));
            let body = Outgoing { reader: &mut reader, length: upload.length };
            let answer = self.send("PUT", upload.bucket, upload.key, "", headers, Some(body))?;
            compare(&name, &answer, &expected)
        })
    }

    /// What is known of an object without reading it; none if there is no such object.
    ///
    /// # Errors
    /// [`ClientError::Api`] if the caller may not read it; the code is its status, because such an
    /// answer has no body.
    pub fn head_object(&self, bucket: &str, key: &str) -> Result<Option<Head>, ClientError> {
        let found =
            self.http.retrying(true, || self.send("HEAD", bucket, key, "", Vec::new(), None));
        match found {
            Ok(answer) => Ok(Some(Head { length: length(&answer), etag: etag(&answer) })),
            Err(ClientError::Api { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives an object a canned ACL.
    ///
    /// # Errors
    /// [`ClientError::Api`].
    pub fn put_object_acl(&self, bucket: &str, key: &str, acl: &str) -> Result<(), ClientError> {
        self.http.retrying(true, || {
            let headers = vec![("x-amz-acl", acl.to_owned())];
            let body = Outgoing { reader: &mut io::empty(), length: 0 };
            self.send("PUT", bucket, key, "acl", headers, Some(body)).map(drop)
        })
    }

    /// Deletes an object; that it is not there is no error.
    ///
    /// # Errors
    /// [`ClientError::Api`].
    pub fn delete_object(&self, bucket: &str, key: &str) -> Result<(), ClientError> {
        let gone = self
            .http
            .retrying(true, || self.send("DELETE", bucket, key, "", Vec::new(), None).map(drop));
        match gone {
            Err(ClientError::Api { ref code, .. }) if code == "NoSuchKey" => Ok(()),
            other => other,
        }
    }

    /// Deletes a bucket, which must be empty.
    ///
    /// # Errors
    /// [`ClientError::Api`], `BucketNotEmpty` for instance.
    pub fn delete_bucket(&self, bucket: &str) -> Result<(), ClientError> {
        self.http.retrying(true, || self.send("DELETE", bucket, "", "", Vec::new(), None).map(drop))
    }

    /// The path of a bucket, or of an object in it.
    fn path(&self, bucket: &str, key: &str) -> String {
        let mut path = format!("{}/{}", self.url.path, percent_encode(bucket));
        if !key.is_empty() {
            path.push('/');
            path.push_str(&percent_encode_path(key));
        }
        path
    }

    /// Makes one signed attempt; an answer other than success is an error.
    fn send(
        &self,
        method: &'static str,
        bucket: &str,
        key: &str,
        query: &str,
        own: Vec<(&'static str, String)>,
        body: Option<Outgoing<'_>>,
    ) -> Result<Response<Body>, ClientError> {
        let path = self.path(bucket, key);
        let mut headers = vec![("host", self.url.authority.clone())];
        headers.extend(own);
        if let Some(credentials) = &self.credentials {
            headers.extend(self.token.iter().map(|token| ("x-amz-security-token", token.clone())));
            let signed: Headers =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let request = Request::new(method, &path, query, &signed);
            let added = sign_s3_v4(
                credentials.key(),
                &request,
                &self.region,
                PayloadCheck::Unsigned,
                clock::now(),
            )
            .map_err(|error| ClientError::Request(error.to_string()))?;
            headers.extend(added);
        }
        let exchange = Exchange { method, url: &self.url, path: &path, query, headers };
        let answer = self.http.exchange(&exchange, body)?;
        match answer.status().is_success() {
            true => Ok(answer),
            false => Err(self.http.refusal(&self.url.authority, answer)),
        }
    }
}

fn etag(answer: &Response<Body>) -> Option<String> {
    let value = answer.headers().get("etag")?.to_str().ok()?;
    Some(value.trim_matches('"').to_ascii_lowercase())
}

fn length(answer: &Response<Body>) -> Option<u64> {
    answer.headers().get("content-length")?.to_str().ok()?.parse().ok()
}

fn compare(name: &str, answer: &Response<Body>, expected: &str) -> Result<(), ClientError> {
    let found = etag(answer).unwrap_or_else(|| "unknown".to_owned());
    match found == expected {
        true => Ok(()),
        false => {
            Err(ClientError::Damaged { key: name.to_owned(), expected: expected.to_owned(), found })
        }
    }
}

/// Tells how much was read.
struct Counted<'a> {
    inner: Box<dyn Read + 'a>,
    count: u64,
    progress: &'a dyn Fn(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.count += got as u64;
        (self.progress)(self.count);
        Ok(got)
    }
}
