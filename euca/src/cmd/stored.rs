//! A bundle that lies in a bucket: the options that name it, and its manifest.

use std::io::{self, Write};
use std::path::PathBuf;

use bundle::{Limits, Manifest};
use clap::Args;

use super::Failure;
use super::store::Place;
use super::unbundle::read_manifest;
use crate::s3::S3;

/// Options of every command that has to do with a bundle in a bucket.
#[derive(Debug, Args)]
pub(crate) struct Stored {
    /// Where the bundle is
    #[arg(short, long, value_name = "BUCKET[/PREFIX]")]
    bucket: String,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The name of the bundle's manifest in the bucket
    #[arg(short, long, value_name = "NAME")]
    manifest: Option<String>,
    /// The same without its .manifest.xml
    #[arg(short, long)]
    prefix: Option<String>,
    /// The bundle's manifest in a file here
    #[arg(long, value_name = "FILE")]
    local_manifest: Option<PathBuf>,
}

/// A bundle in a bucket.
pub(crate) struct Found {
    pub(crate) place: Place,
    /// The manifest's name at that place.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) manifest: Manifest,
}

impl Stored {
    /// Reads the manifest, from the bucket or from the file that is told.
    pub(crate) fn find(&self, s3: &S3) -> Result<Found, Failure> {
        let place = Place::parse(&self.bucket)?;
        if let Some(file) = &self.which.local_manifest {
            let (manifest, bytes) = read_manifest(file)?;
            let name = file
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| Failure::Client(format!("{} cannot be a key", file.display())))?;
            return Ok(Found { place, name: name.to_owned(), bytes, manifest });
        }
        let name = match (&self.which.manifest, &self.which.prefix) {
            (Some(name), _) => name.clone(),
            (None, prefix) => manifest_name(prefix.as_deref().unwrap_or_default()),
        };
        let (manifest, bytes) = fetch_manifest(s3, &place, &name)?;
        Ok(Found { place, name, bytes, manifest })
    }
}

/// The name of the manifest of a bundle with this prefix.
pub(crate) fn manifest_name(prefix: &str) -> String {
    format!("{prefix}.manifest.xml")
}

/// Reads a manifest in a bucket; gives its bytes, too.
pub(crate) fn fetch_manifest(
    s3: &S3,
    place: &Place,
    name: &str,
) -> Result<(Manifest, Vec<u8>), Failure> {
    let limits = Limits::default();
    let mut bytes = Capped { bytes: Vec::new(), room: limits.manifest_bytes };
    s3.get_object(&place.bucket, &place.key(name), &mut bytes)
        .map_err(|error| place.failure(error))?;
    let manifest = Manifest::parse(&bytes.bytes, &limits)
        .map_err(|error| Failure::Client(format!("{}: {error}", place.location(name))))?;
    Ok((manifest, bytes.bytes))
}

/// Takes no more than a manifest may have.
struct Capped {
    bytes: Vec<u8>,
    room: usize,
}

impl Write for Capped {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(buf.len()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, "it is too long for a manifest")
        })?;
        self.bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
