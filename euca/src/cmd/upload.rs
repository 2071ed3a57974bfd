//! `euca-upload-bundle`: puts a bundle into a bucket, its manifest first and then its parts.
//!
//! Before anything is sent, every file that will be is compared with the manifest.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle::Manifest;
use clap::Args;
use md5::{Digest, Md5};
use sha1::Sha1;

use super::unbundle::{beside, read_manifest};
use super::{Context, Execute, Failure};
use crate::client::ClientError;
use crate::config::Settings;
use crate::options::{Remote, ShowProgress};
use crate::progress::Progress;
use crate::s3::{S3, Upload};

/// Options of `euca-upload-bundle`.
#[derive(Debug, Args)]
pub(crate) struct UploadBundle {
    /// The bundle's manifest
    #[arg(short, long, value_name = "FILE")]
    manifest: PathBuf,
    /// Where to; the bucket is made if it is not there
    #[arg(short, long, value_name = "BUCKET[/PREFIX]")]
    bucket: String,
    /// Where the parts are, if not beside the manifest
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Who may read the objects
    #[arg(long, default_value = "aws-exec-read",
          value_parser = ["public-read", "aws-exec-read", "ec2-bundle-read"])]
    acl: String,
    /// Begin with this part, a number or a file name
    #[arg(long, value_name = "PART")]
    part: Option<String>,
    /// Upload the parts only
    #[arg(long)]
    skipmanifest: bool,
    /// Where a new bucket is made
    #[arg(long)]
    location: Option<String>,
    /// Try five more times after a failure, not twice
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    remote: Remote,
}

/// A file that will be an object.
struct Item {
    path: PathBuf,
    key: String,
    length: u64,
    md5: [u8; 16],
}

impl Execute for UploadBundle {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::of(&self.remote, cx.environment)?;
        let (bucket, prefix) = location(&self.bucket)?;
        let (manifest, bytes) = read_manifest(&self.manifest)?;
        let name = self.manifest.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Failure::Client(format!("{} cannot be a key", self.manifest.display()))
        })?;
        let first = first_part(&manifest, self.part.as_deref())?;
        let s3 = match self.retry {
            true => settings.s3()?.with_retries(5),
            false => settings.s3()?,
        };

        let parts = self.check(&manifest, first, &prefix, cx)?;
        self.make_bucket(&s3, &bucket)?;

        let manifest_key = format!("{prefix}{name}");
        if !self.skipmanifest {
            let item = Item {
                path: self.manifest.clone(),
                key: manifest_key.clone(),
                length: bytes.len() as u64,
                md5: Md5::digest(&bytes).into(),
            };
            let upload = Upload { content_type: "application/xml", ..self.upload(&bucket, &item) };
            let bytes = bytes.clone();
            let open = || Ok(Box::new(io::Cursor::new(bytes.clone())) as Box<dyn Read>);
            s3.put_object(&upload, &open, &|_| {})?;
        }
        let total = parts.iter().map(|part| part.length).sum();
        let bar = Progress::new("Uploading", total, &self.progress, cx.environment);
        let mut before = 0;
        for part in &parts {
            let open = || Ok(Box::new(File::open(&part.path)?) as Box<dyn Read>);
            s3.put_object(&self.upload(&bucket, part), &open, &|sent| bar.at(before + sent))?;
            before += part.length;
        }
        drop(bar);
        if !self.skipmanifest {
            writeln!(cx.out, "Uploaded {bucket}/{manifest_key}")?;
        }
        Ok(())
    }
}

impl UploadBundle {
    fn upload<'a>(&'a self, bucket: &'a str, item: &'a Item) -> Upload<'a> {
        Upload {
            bucket,
            key: &item.key,
            acl: Some(&self.acl),
            content_type: "application/octet-stream",
            length: item.length,
            md5: item.md5,
        }
    }

    /// Compares the parts from `first` on with the manifest; gives them as they will be sent.
    fn check(
        &self,
        manifest: &Manifest,
        first: usize,
        prefix: &str,
        cx: &Context<'_>,
    ) -> Result<Vec<Item>, Failure> {
        let directory = self.directory.clone().unwrap_or_else(|| beside(&self.manifest));
        let total = manifest.bundled_size;
        let bar = Progress::new("Checking", total, &self.progress, cx.environment);
        let mut items = Vec::new();
        let mut before = 0;
        for part in manifest.parts.iter().skip(first) {
            let path = directory.join(&part.filename);
            let hashed = hash(&path, &|read| bar.at(before + read)).map_err(|error| {
                Failure::Client(format!("{} cannot be read: {error}", path.display()))
            })?;
            if hashed.sha1 != part.digest {
                return Err(Failure::Client(format!(
                    "{} is not the part that the manifest means: its SHA-1 is {}, not {}",
                    path.display(),
                    hex::encode(hashed.sha1),
                    hex::encode(part.digest)
                )));
            }
            before += hashed.length;
            items.push(Item {
                key: format!("{prefix}{}", part.filename),
                path,
                length: hashed.length,
                md5: hashed.md5,
            });
        }
        if first == 0 && before != total {
            return Err(Failure::Client(format!(
                "the parts have {before} bytes, the manifest says {total}"
            )));
        }
        Ok(items)
    }

    fn make_bucket(&self, s3: &S3, bucket: &str) -> Result<(), Failure> {
        match s3.has_bucket(bucket) {
            Ok(true) => Ok(()),
            Ok(false) => Ok(s3.create_bucket(bucket, None, self.location.as_deref())?),
            Err(ClientError::Api { code, message, .. }) if code == "AccessDenied" => {
                let message = format!("the bucket '{bucket}' is not yours to use: {message}");
                Err(Failure::Api { code, message })
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Takes `BUCKET[/PREFIX]` apart; the prefix then ends in a slash or is empty.
fn location(text: &str) -> Result<(String, String), Failure> {
    let (bucket, prefix) = text.trim_start_matches('/').split_once('/').unwrap_or((text, ""));
    let bucket = bucket.trim_matches('/');
    if bucket.is_empty() {
        return Err(Failure::Usage(format!("argument -b: '{text}' names no bucket")));
    }
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    Ok((bucket.to_owned(), prefix))
}

/// The index of the first part to send: 3.4 takes a number, 1.3 a file name.
fn first_part(manifest: &Manifest, told: Option<&str>) -> Result<usize, Failure> {
    let Some(told) = told else { return Ok(0) };
    let found = manifest.parts.iter().position(|part| part.filename == told);
    let found = found.or_else(|| told.parse().ok().filter(|at| *at < manifest.parts.len()));
    found.ok_or_else(|| Failure::Usage(format!("argument --part: there is no part '{told}'")))
}

struct Hashed {
    length: u64,
    sha1: [u8; 20],
    md5: [u8; 16],
}

fn hash(path: &Path, progress: &dyn Fn(u64)) -> io::Result<Hashed> {
    let mut file = File::open(path)?;
    let (mut sha1, mut md5, mut length) = (Sha1::new(), Md5::new(), 0);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let got = file.read(&mut buffer)?;
        if got == 0 {
            break;
        }
        sha1.update(&buffer[..got]);
        md5.update(&buffer[..got]);
        length += got as u64;
        progress(length);
    }
    Ok(Hashed { length, sha1: sha1.finalize().into(), md5: md5.finalize().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_prefixes() {
        for (text, bucket, prefix) in
            [("b", "b", ""), ("/b/", "b", ""), ("b/p", "b", "p/"), ("b/p/q/", "b", "p/q/")]
        {
            assert_eq!(location(text).unwrap(), (bucket.to_owned(), prefix.to_owned()), "{text}");
        }
        assert!(location("/").is_err() && location("").is_err());
    }
}
