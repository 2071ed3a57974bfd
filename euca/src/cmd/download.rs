//! `euca-download-bundle`: brings a bundle from a bucket into a directory.
//!
//! Several parts are on their way at a time; each is compared with its digest as it comes and gets
//! its name when it is whole. A part that is there already, whole, is not fetched again. The manifest
//! is written last: where it lies, the bundle is complete.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bundle::Part;
use clap::Args;
use sha1::{Digest, Sha1};

use super::store::Place;
use super::stored::Stored;
use super::unbundle::cannot_be_written;
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::crew;
use crate::options::{Jobs, Remote, ShowProgress};
use crate::progress::{Progress, Share};
use crate::s3::S3;
use crate::staged::Staged;

/// Options of `euca-download-bundle`.
#[derive(Debug, Args)]
pub(crate) struct DownloadBundle {
    #[command(flatten)]
    stored: Stored,
    /// Where the bundle goes
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DownloadBundle {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if !self.directory.is_dir() {
            let directory = self.directory.display();
            return Err(Failure::Client(format!("{directory} is not a directory")));
        }
        let s3 = Settings::of(&self.remote, cx.environment)?.s3()?;
        let found = self.stored.find(&s3)?;
        let total = found.manifest.bundled_size;
        let bar = Progress::new("Downloading", total, &self.progress, cx.environment);
        let lengths = crew::each(&found.manifest.parts, self.jobs.number(), |part| {
            let path = self.directory.join(&part.filename);
            fetch(&s3, &found.place, part, &path, &bar.share())
        })?;
        drop(bar);
        let sum: u64 = lengths.iter().sum();
        if sum != total {
            return Err(Failure::Client(format!(
                "the parts have {sum} bytes, the manifest says {total}"
            )));
        }
        let name = found.name.rsplit('/').next().unwrap_or(&found.name);
        let path = self.directory.join(name);
        let written = Staged::create(&path, 0o666).and_then(|staged| {
            staged.file()?.write_all(&found.bytes)?;
            staged.commit()
        });
        let path = written.map_err(|error| cannot_be_written(&path, &error))?;
        Ok(writeln!(cx.out, "Wrote manifest {}", path.display())?)
    }
}

/// Brings a part to `path` unless it is there; gives its length.
fn fetch(
    s3: &S3,
    place: &Place,
    part: &Part,
    path: &Path,
    share: &Share<'_>,
) -> Result<u64, Failure> {
    let there = File::open(path).and_then(|file| pour(file, &mut io::sink(), &|_| {}));
    if let Ok((length, digest)) = there
        && digest == part.digest
    {
        share.at(length);
        return Ok(length);
    }
    let key = place.key(&part.filename);
    let reader = s3.open_object(&place.bucket, &key).map_err(|error| place.failure(error))?;
    let staged = Staged::create(path, 0o666).map_err(|error| cannot_be_written(path, &error))?;
    let mut file = staged.file().map_err(|error| cannot_be_written(path, &error))?;
    let (length, digest) = pour(reader, &mut file, &|read| share.at(read)).map_err(|error| {
        Failure::Client(format!("{} cannot be fetched: {error}", place.location(&part.filename)))
    })?;
    if digest != part.digest {
        return Err(Failure::Client(format!(
            "{} is not the part that the manifest means: its SHA-1 is {}, not {}",
            place.location(&part.filename),
            hex::encode(digest),
            hex::encode(part.digest)
        )));
    }
    staged.commit().map_err(|error| cannot_be_written(path, &error))?;
    Ok(length)
}

/// Copies to the end; gives the length and the SHA-1.
pub(crate) fn pour(
    mut from: impl Read,
    to: &mut dyn Write,
    progress: &dyn Fn(u64),
) -> io::Result<(u64, [u8; 20])> {
    let (mut sha1, mut length) = (Sha1::new(), 0);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok((length, sha1.finalize().into())),
            Ok(got) => {
                sha1.update(&buffer[..got]);
                to.write_all(&buffer[..got])?;
                length += got as u64;
                progress(length);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
