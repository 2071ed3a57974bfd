//! `euca-unbundle`: checks a bundle from its first byte to its last and leaves its image, or nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bundle::{DigestMatch, Limits, Manifest, Part, PartSource, SparseSink, SymmetricKey};
use clap::Args;

use super::bundle::keys::private_key;
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::error::chain;
use crate::options::{Local, ShowProgress};
use crate::progress::Progress;
use crate::staged::Staged;

/// Options of `euca-unbundle`.
#[derive(Debug, Args)]
pub(crate) struct Unbundle {
    /// The manifest
    #[arg(short, long, value_name = "FILE")]
    manifest: PathBuf,
    /// Where the parts are; here or beside the manifest if absent
    #[arg(short, long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Where the image goes
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    destination: PathBuf,
    /// Your private key, or the cloud's
    #[arg(short = 'k', long, value_name = "FILE")]
    privatekey: Option<PathBuf>,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    local: Local,
}

/// What is said when there is no key to open a bundle with.
pub(crate) const NO_PRIVATE_KEY: &str = "no private key: give -k or set EC2_PRIVATE_KEY";

impl Execute for Unbundle {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::local(&self.local, cx.environment)?;
        let (manifest, _) = read_manifest(&self.manifest)?;
        let private = private_key(self.privatekey.as_deref(), &settings)?
            .ok_or_else(|| Failure::Client(NO_PRIVATE_KEY.to_owned()))?;
        let key = manifest
            .any_symmetric_key(&private)
            .map_err(|error| Failure::Client(error.to_string()))?;
        let source = self.source(&manifest);
        if !self.destination.is_dir() {
            let destination = self.destination.display();
            return Err(Failure::Client(format!("{destination} is not a directory")));
        }
        let unpacked = Unpacked::create(&self.destination.join(&manifest.name))?;
        let total = manifest.bundled_size;
        let bar = Progress::new("Unbundling", total, &self.progress, cx.environment);
        let done = unpacked.unpack(&manifest, &key, &mut files(&source), &bar)?;
        drop(bar);
        tell(cx, &done)?;
        Ok(writeln!(cx.out, "Wrote {}", done.path.display())?)
    }
}

/// The parts of a bundle as files of a directory.
pub(crate) fn files(
    directory: &Path,
) -> impl FnMut(usize, &Part) -> io::Result<Box<dyn Read + Send>> + Send {
    let directory = directory.to_owned();
    move |_, part| Ok(Box::new(File::open(directory.join(&part.filename))?))
}

/// An image that is being unpacked beside its name, which it gets when it is whole.
pub(crate) struct Unpacked {
    path: PathBuf,
    staged: Staged,
}

/// An image that was unpacked.
pub(crate) struct Done {
    pub(crate) path: PathBuf,
    digest: DigestMatch,
}

impl Unpacked {
    /// Begins an image for this name.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let staged =
            Staged::create(path, 0o666).map_err(|error| cannot_be_written(path, &error))?;
        Ok(Self { path: path.to_owned(), staged })
    }

    /// Unpacks a bundle; leaves the image, or nothing.
    pub(crate) fn unpack(
        self,
        manifest: &Manifest,
        key: &SymmetricKey,
        parts: &mut dyn PartSource,
        bar: &Progress,
    ) -> Result<Done, Failure> {
        let fail = |error: io::Error| cannot_be_written(&self.path, &error);
        let mut sink = SparseSink::new(self.staged.file().map_err(fail)?);
        let done = bundle::unbundle(manifest, key, parts, &mut sink, &mut |done| bar.at(done))
            .map_err(|error| Failure::Client(chain(&error)))?;
        sink.finish().map_err(fail)?;
        let path = self.staged.commit().map_err(|error| cannot_be_written(&self.path, &error))?;
        Ok(Done { path, digest: done.digest })
    }
}

/// Tells what a manifest did not.
pub(crate) fn tell(cx: &mut Context<'_>, done: &Done) -> Result<(), Failure> {
    if done.digest == DigestMatch::Absent {
        cx.warn("the manifest tells no digest of the image; its parts and its size are right");
    }
    Ok(())
}

pub(crate) fn cannot_be_written(path: &Path, error: &io::Error) -> Failure {
    Failure::Client(format!("{} cannot be written: {error}", path.display()))
}

impl Unbundle {
    /// 3.4 looks here, 1.3 beside the manifest.
    fn source(&self, manifest: &Manifest) -> PathBuf {
        if let Some(source) = &self.source {
            return source.clone();
        }
        let here = manifest.parts.first().is_some_and(|part| Path::new(&part.filename).exists());
        if here { PathBuf::from(".") } else { beside(&self.manifest) }
    }
}

/// The directory that a file is in.
pub(super) fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Reads a manifest; gives its bytes, too.
pub(super) fn read_manifest(path: &Path) -> Result<(Manifest, Vec<u8>), Failure> {
    let limits = Limits::default();
    let fail = |why: &dyn std::fmt::Display| Failure::Client(format!("{}: {why}", path.display()));
    let mut bytes = Vec::new();
    let most = u64::try_from(limits.manifest_bytes).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| fail(&error))?;
    let manifest = Manifest::parse(&bytes, &limits).map_err(|error| fail(&error))?;
    Ok((manifest, bytes))
}
