//! `euca-upload-bundle`: puts a bundle into a bucket, its manifest first and then its parts.
//!
//! Before anything is sent, every file that will be is compared with the manifest. The manifest goes
//! first, so that the cloud can compare the parts with it as they come; several parts are on their
//! way at a time. Whoever runs the command again goes on where it stopped.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle::Manifest;
use clap::Args;
use md5::{Digest, Md5};
use sha1::Sha1;

use super::store::{Object, Store, UploadTo};
use super::unbundle::{beside, read_manifest};
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::crew;
use crate::options::{Remote, ShowProgress};
use crate::progress::Progress;

/// Options of `euca-upload-bundle`.
#[derive(Debug, Args)]
pub(crate) struct UploadBundle {
    /// The bundle's manifest
    #[arg(short, long, value_name = "FILE")]
    manifest: PathBuf,
    /// Where the parts are, if not beside the manifest
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Begin with this part, a number or a file name
    #[arg(long, value_name = "PART")]
    part: Option<String>,
    /// Upload the parts only
    #[arg(long)]
    skipmanifest: bool,
    #[command(flatten)]
    to: UploadTo,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    remote: Remote,
}

/// A file that will be an object.
struct Item<'a> {
    path: PathBuf,
    name: &'a str,
    length: u64,
    md5: [u8; 16],
}

impl Execute for UploadBundle {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::of(&self.remote, cx.environment)?;
        let mut store = self.to.open(&settings)?;
        let (manifest, bytes) = read_manifest(&self.manifest)?;
        let name = self.manifest.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Failure::Client(format!("{} cannot be a key", self.manifest.display()))
        })?;
        let first = first_part(&manifest, self.part.as_deref())?;
        let parts = self.check(&manifest, first, cx)?;
        store.prepare()?;
        self.send(&store, (name, &bytes), &parts, cx).map_err(goes_on)?;
        if !self.skipmanifest {
            writeln!(cx.out, "Uploaded {}", store.place().location(name))?;
        }
        Ok(())
    }
}

impl UploadBundle {
    /// Compares the parts from `first` on with the manifest; gives them as they will be sent.
    fn check<'a>(
        &self,
        manifest: &'a Manifest,
        first: usize,
        cx: &Context<'_>,
    ) -> Result<Vec<Item<'a>>, Failure> {
        let directory = self.directory.clone().unwrap_or_else(|| beside(&self.manifest));
        let total = manifest.bundled_size;
        let bar = Progress::new("Checking", total, &self.progress, cx.environment);
        let parts = manifest.parts.get(first..).unwrap_or_default();
        let items = crew::each(parts, self.to.jobs.number(), |part| {
            let path = directory.join(&part.filename);
            let share = bar.share();
            let hashed = hash(&path, &|read| share.at(read)).map_err(|error| {
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
            Ok(Item { path, name: &part.filename, length: hashed.length, md5: hashed.md5 })
        })?;
        let sum: u64 = items.iter().map(|item| item.length).sum();
        if first == 0 && sum != total {
            return Err(Failure::Client(format!(
                "the parts have {sum} bytes, the manifest says {total}"
            )));
        }
        Ok(items)
    }

    fn send(
        &self,
        store: &Store,
        (name, manifest): (&str, &[u8]),
        parts: &[Item<'_>],
        cx: &Context<'_>,
    ) -> Result<(), Failure> {
        if !self.skipmanifest {
            put_manifest(store, name, manifest)?;
        }
        let total = parts.iter().map(|part| part.length).sum();
        let bar = Progress::new("Uploading", total, &self.progress, cx.environment);
        crew::each(parts, self.to.jobs.number(), |part| {
            let open = || Ok(Box::new(File::open(&part.path)?) as Box<dyn Read>);
            let share = bar.share();
            let (name, length, md5) = (part.name, part.length, part.md5);
            let object = Object { name, content_type: PART, length, md5 };
            store.put(&object, &open, &|sent| share.at(sent))
        })
        .map(drop)
    }
}

/// What a part is.
pub(crate) const PART: &str = "application/octet-stream";

/// Sends a manifest.
pub(crate) fn put_manifest(store: &Store, name: &str, manifest: &[u8]) -> Result<(), Failure> {
    let object = Object {
        name,
        content_type: "application/xml",
        length: manifest.len() as u64,
        md5: Md5::digest(manifest).into(),
    };
    let open = || Ok(Box::new(manifest) as Box<dyn Read>);
    store.put(&object, &open, &|_| {})
}

/// What the cloud says when it will say the same again.
const FINAL: &[&str] = &[
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "NoSuchBucket",
    "EntityTooLarge",
];

/// Says how to go on after what may pass.
fn goes_on(failure: Failure) -> Failure {
    const HOW: &str = "; the same command goes on where this one stopped";
    match failure {
        Failure::Client(text) => Failure::Client(format!("{text}{HOW}")),
        // It would be refused again.
        Failure::Api { ref code, .. } if FINAL.contains(&code.as_str()) => failure,
        Failure::Api { code, message } => Failure::Api { code, message: format!("{message}{HOW}") },
        other => other,
    }
}

/// The index of the first part to send: 3.4 takes a number, 1.3 a file name.
fn first_part(manifest: &Manifest, told: Option<&str>) -> Result<usize, Failure> {
    let Some(told) = told else { return Ok(0) };
    let found = manifest.parts.iter().position(|part| part.filename == told);
    let found = found.or_else(|| told.parse().ok().filter(|at| *at < manifest.parts.len()));
    found.ok_or_else(|| Failure::Usage(format!("argument --part: there is no part '{told}'")))
}

/// What a file turned out to be.
pub(crate) struct Hashed {
    pub(crate) length: u64,
    pub(crate) sha1: [u8; 20],
    pub(crate) md5: [u8; 16],
}

/// Reads a file to its end.
pub(crate) fn hash(path: &Path, progress: &dyn Fn(u64)) -> io::Result<Hashed> {
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
