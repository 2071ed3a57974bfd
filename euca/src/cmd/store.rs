//! Where bundles are uploaded to: the options that name it, the bucket that must be there, and
//! objects that are sent unless they are there already.
//!
//! An object is there already if it has the length and, by its ETag, the MD5 of what would be sent;
//! it then gets the ACL that it would have been sent with. What the cloud refuses with status 403
//! ends everything: the next part would fare no better. With a policy, objects go by form, and nothing
//! is looked at: a policy allows no more than uploads.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;

use super::policy::UploadPolicy;
use super::{Context, Execute, Failure};
use crate::client::ClientError;
use crate::config::Settings;
use crate::crew;
use crate::options::{Jobs, Remote};
use crate::s3::{Form, S3, Upload};

/// Options of every command that uploads a bundle.
#[derive(Debug, Clone, Args)]
pub(crate) struct UploadTo {
    /// Where to; the bucket is made if it is not there
    #[arg(short, long, value_name = "BUCKET[/PREFIX]")]
    bucket: String,
    /// Who may read the objects
    #[arg(long, default_value = "aws-exec-read",
          value_parser = ["public-read", "aws-exec-read", "ec2-bundle-read"])]
    acl: String,
    /// Where a new bucket is made
    #[arg(long)]
    location: Option<String>,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
    /// Try five more times after a failure, not twice
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    policy: UploadPolicy,
}

/// A bucket and what all keys in it begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: String,
    /// Empty, or ends in a slash.
    prefix: String,
}

impl Place {
    /// Takes `BUCKET[/PREFIX]` apart.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let (bucket, prefix) = text.trim_start_matches('/').split_once('/').unwrap_or((text, ""));
        let bucket = bucket.trim_matches('/');
        if bucket.is_empty() {
            return Err(Failure::Usage(format!("argument -b: '{text}' names no bucket")));
        }
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }

    /// The key of an object of this name.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Bucket and key of an object of this name.
    pub(crate) fn location(&self, name: &str) -> String {
        format!("{}/{}{name}", self.bucket, self.prefix)
    }

    /// What an answer of the cloud means to a person.
    pub(crate) fn failure(&self, error: ClientError) -> Failure {
        let bucket = &self.bucket;
        match error {
            ClientError::Api { status: 403, code, message } if code == "AccessDenied" => {
                let message = format!("the bucket '{bucket}' is not yours to use: {message}");
                Failure::Api { code, message }
            }
            ClientError::Api { status: 404, code, message } if code == "NoSuchBucket" => {
                let message = format!("there is no bucket '{bucket}': {message}");
                Failure::Api { code, message }
            }
            other => other.into(),
        }
    }
}

/// A place in a bucket to which a bundle is uploaded.
pub(crate) struct Store {
    s3: S3,
    place: Place,
    acl: String,
    location: Option<String>,
    /// Whether the bucket was made just now: nothing can be in it.
    fresh: bool,
    /// What allows uploads by form, which is then the only way.
    form: Option<Form>,
}

/// What is known of an object before it is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) name: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) length: u64,
    pub(crate) md5: [u8; 16],
}

impl UploadTo {
    /// The place that the options mean.
    pub(crate) fn open(&self, settings: &Settings) -> Result<Store, Failure> {
        let place = Place::parse(&self.bucket)?;
        let form = self.policy.form(settings)?;
        let s3 = match form.is_some() {
            true => settings.unsigned_s3()?,
            false => settings.s3()?,
        };
        let s3 = if self.retry { s3.with_retries(5) } else { s3 };
        let (acl, location) = (self.acl.clone(), self.location.clone());
        Ok(Store { s3, place, acl, location, fresh: false, form })
    }
}

impl Store {
    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Makes sure that the bucket is there and may be used. A policy allows uploads only: with one,
    /// the first of them tells.
    pub(crate) fn prepare(&mut self) -> Result<(), Failure> {
        if self.form.is_some() {
            return Ok(());
        }
        let bucket = &self.place.bucket;
        if !self.s3.has_bucket(bucket).map_err(|error| self.place.failure(error))? {
            self.s3
                .create_bucket(bucket, None, self.location.as_deref())
                .map_err(|error| self.place.failure(error))?;
            self.fresh = true;
        }
        Ok(())
    }

    /// Sends an object unless it is there already. `open` gives its bytes, from the first on, each
    /// time it is called; `progress` is told how many of them are there.
    pub(crate) fn put<'b>(
        &self,
        object: &Object<'_>,
        open: &dyn Fn() -> io::Result<Box<dyn Read + 'b>>,
        progress: &dyn Fn(u64),
    ) -> Result<(), Failure> {
        let key = self.place.key(object.name);
        if !self.fresh && self.form.is_none() && self.is_there(object, &key)? {
            progress(object.length);
            return Ok(());
        }
        let upload = Upload {
            bucket: &self.place.bucket,
            key: &key,
            acl: Some(&self.acl),
            content_type: object.content_type,
            length: object.length,
            md5: object.md5,
        };
        let sent = match &self.form {
            Some(form) => self.s3.post_object(&upload, form, open, progress),
            None => self.s3.put_object(&upload, open, progress),
        };
        sent.map_err(|error| self.place.failure(error))
    }

    /// Whether the object is in the bucket, as it would be if it were sent.
    fn is_there(&self, object: &Object<'_>, key: &str) -> Result<bool, Failure> {
        let bucket = &self.place.bucket;
        let looked = self.looks_the_same(object, key).and_then(|same| {
            if same {
                self.s3.put_object_acl(bucket, key, &self.acl)?;
            }
            Ok(same)
        });
        match looked {
            Ok(same) => Ok(same),
            // Who may write need not be allowed to look.
            Err(ClientError::Api { status: 403, .. }) => Ok(false),
            Err(error) => Err(self.place.failure(error)),
        }
    }

    fn looks_the_same(&self, object: &Object<'_>, key: &str) -> Result<bool, ClientError> {
        let head = self.s3.head_object(&self.place.bucket, key)?;
        Ok(head.is_some_and(|head| {
            head.length == Some(object.length) && head.etag == Some(hex::encode(object.md5))
        }))
    }

    /// Takes an object out of the bucket if it came there all the same: a connection can break after
    /// everything was sent. A policy allows neither to look nor to delete.
    pub(crate) fn forget(&self, object: &Object<'_>) {
        if self.form.is_some() {
            return;
        }
        let once = self.trying_once();
        if once.looks_the_same(object, &self.place.key(object.name)).unwrap_or(false) {
            // What is reported is why it was not sent.
            let _ = once.remove(object.name);
        }
    }

    /// Takes objects out of the bucket again, `workers` at a time and trying each once; gives how many
    /// stay. Whoever cannot reach the cloud, or may not delete, is not told so for each object.
    pub(crate) fn take_back(&self, names: &[String], workers: usize) -> usize {
        if self.form.is_some() {
            return names.len();
        }
        let (once, gone) = (self.trying_once(), AtomicUsize::new(0));
        // The failure is of no interest beside that of the upload; what counts is that it ends there.
        let _ = crew::each(names, workers, |name| match once.remove(name) {
            Ok(()) => {
                gone.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
            Err(error) if is_of_one_object(&error) => Ok(()),
            Err(error) => Err(error),
        });
        names.len().saturating_sub(gone.into_inner())
    }

    fn remove(&self, name: &str) -> Result<(), ClientError> {
        self.s3.delete_object(&self.place.bucket, &self.place.key(name))
    }

    /// The same place, at which nothing is tried again.
    fn trying_once(&self) -> Self {
        Self {
            s3: self.s3.clone().with_waits([]),
            place: self.place.clone(),
            acl: self.acl.clone(),
            location: self.location.clone(),
            fresh: self.fresh,
            form: None,
        }
    }
}

/// Whether a refusal says something of the object that it is about, not of all: others may fare
/// better.
fn is_of_one_object(error: &ClientError) -> bool {
    matches!(error, ClientError::Api { status: 400 | 404 | 405 | 409 | 412, code, .. }
        if code != "NoSuchBucket")
}

/// Options of `euca-check-bucket`.
#[derive(Debug, Args)]
pub(crate) struct CheckBucket {
    /// The bucket
    #[arg(short, long)]
    bucket: String,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for CheckBucket {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let place = Place::parse(&self.bucket)?;
        let s3 = Settings::of(&self.remote, cx.environment)?.s3()?;
        match s3.has_bucket(&place.bucket).map_err(|error| place.failure(error))? {
            true => Ok(writeln!(cx.out, "{}", place.bucket)?),
            false => Err(Failure::Api {
                code: "NoSuchBucket".to_owned(),
                message: format!("there is no bucket '{}'", place.bucket),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_prefixes() {
        for (text, bucket, location) in [
            ("b", "b", "b/x"),
            ("/b/", "b", "b/x"),
            ("b/p", "b", "b/p/x"),
            ("b/p/q/", "b", "b/p/q/x"),
        ] {
            let place = Place::parse(text).unwrap();
            assert_eq!((place.bucket.as_str(), place.location("x").as_str()), (bucket, location));
        }
        assert!(Place::parse("/").is_err() && Place::parse("").is_err());
    }

    #[test]
    fn refusals_name_the_bucket() {
        let place = Place::parse("b").unwrap();
        for (status, code, told) in [
            (403, "AccessDenied", "the bucket 'b' is not yours to use: told"),
            (404, "NoSuchBucket", "there is no bucket 'b': told"),
            (403, "InvalidAccessKeyId", "told"),
        ] {
            let (code, message) = (code.to_owned(), "told".to_owned());
            let failure = place.failure(ClientError::Api { status, code, message });
            assert!(matches!(failure, Failure::Api { message, .. } if message == told));
        }
    }
}
