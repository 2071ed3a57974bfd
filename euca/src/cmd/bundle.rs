//! `euca-bundle-image`: packs an image into encrypted parts and a manifest, on this machine only.
//!
//! What every command that makes a bundle shares is here and below: the options of the keys
//! ([`keys::BundleKeys`]) and of the manifest ([`describe::Description`]), the file that the image
//! is ([`ImageFile`]), the directory that the bundle goes to ([`place::Destination`]), and
//! [`pack`], which puts one into the other.

pub(crate) mod describe;
pub(crate) mod keys;
pub(crate) mod place;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;

use bundle::{BundleOptions, Image, Kind};
use clap::Args;

use self::describe::Description;
use self::keys::{BundleKeys, Keyring};
use self::place::{Destination, Parts};
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::disk;
use crate::error::chain;
use crate::options::{Local, ShowProgress};
use crate::progress::Progress;

/// The most that a machine image may have unless the site or a flag says otherwise, MiB.
pub(crate) const MAX_IMAGE: u64 = 10_240;

/// Options of `euca-bundle-image`.
#[derive(Debug, Args)]
pub(crate) struct BundleImage {
    #[command(flatten)]
    image: ImageFile,
    /// Where the bundle goes; a new directory below $TMPDIR or /var/tmp if absent
    #[arg(short, long, value_name = "DIR")]
    destination: Option<PathBuf>,
    #[command(flatten)]
    description: Description,
    #[command(flatten)]
    keys: BundleKeys,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    local: Local,
}

impl Execute for BundleImage {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::local(&self.local, cx.environment)?;
        let (image, size) = self.image.open()?;
        let keys = self.keys.read(&settings)?;
        let options = self.image.options(&self.description, &keys)?;
        check_size(cx, &settings, self.image.max_image_size, options.kind, size)?;
        let destination = Destination::of(self.destination.as_deref(), cx.environment)?;
        let manifest = pack(cx, image, size, &options, &keys, &destination, &self.progress)?;
        destination.keep();
        Ok(writeln!(cx.out, "Wrote manifest {}", manifest.display())?)
    }
}

/// The image to be bundled, as options of every command that bundles a file.
#[derive(Debug, Args)]
pub(crate) struct ImageFile {
    /// The image; - for standard input
    #[arg(short, long, value_name = "FILE")]
    image: PathBuf,
    /// What the image is
    #[arg(long, value_name = "TYPE", value_parser = ["machine", "kernel", "ramdisk"])]
    image_type: Option<String>,
    /// Bytes in the image; needed for standard input
    #[arg(long, value_name = "BYTES")]
    image_size: Option<u64>,
    /// The most a machine image may have, MiB; 10240 unless the site says otherwise
    #[arg(long, value_name = "MIB")]
    pub(crate) max_image_size: Option<u64>,
}

impl ImageFile {
    /// The image and its size.
    pub(crate) fn open(&self) -> Result<(Box<dyn Image + Send>, u64), Failure> {
        if self.image.as_os_str() == "-" {
            let size = self.image_size.ok_or_else(|| {
                Failure::Usage("argument --image-size: needed for standard input".to_owned())
            })?;
            return Ok((Box::new(io::stdin()), size));
        }
        let open = || -> io::Result<(File, u64)> {
            let mut file = File::open(&self.image)?;
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            // A block device has a length only when one goes there.
            let size = file.seek(SeekFrom::End(0))?;
            file.rewind()?;
            Ok((file, size))
        };
        let (file, size) = open().map_err(|error| {
            Failure::Client(format!("{} cannot be read: {error}", self.image.display()))
        })?;
        let size = self.image_size.unwrap_or(size);
        Ok((Box::new(disk::image(file, size)), size))
    }

    /// What the manifest will say of the image: the prefix is its file name, the architecture
    /// x86_64, unless the description tells others.
    pub(crate) fn options(
        &self,
        description: &Description,
        keys: &Keyring,
    ) -> Result<BundleOptions, Failure> {
        let prefix = match &description.prefix {
            Some(prefix) => prefix.clone(),
            None if self.image.as_os_str() == "-" => {
                return Err(Failure::Usage("argument -p: needed for standard input".to_owned()));
            }
            None => self
                .image
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or_else(|| {
                    Failure::Usage("argument -p: the image's file name is no text".to_owned())
                })?
                .to_owned(),
        };
        let kind = description.kind(self.image_type.as_deref())?;
        Ok(BundleOptions { kind, ..description.options(&prefix, "x86_64", keys.account())? })
    }
}

/// Refuses what is larger than an image may be, `told` MiB or what the site or everybody says; warns
/// of what only this cloud may take.
pub(crate) fn check_size(
    cx: &mut Context<'_>,
    settings: &Settings,
    told: Option<u64>,
    kind: Kind,
    size: u64,
) -> Result<(), Failure> {
    let most = match told {
        Some(told) => told,
        None => max_image_size(settings)?,
    };
    if kind == Kind::Machine && size > most.saturating_mul(1 << 20) {
        return Err(Failure::Client(format!(
            "the image has {size} bytes, more than the {most} MiB that a machine image may have; \
             --max-image-size raises that"
        )));
    }
    if size > MAX_IMAGE << 20 {
        cx.warn(&format!("the image is larger than {MAX_IMAGE} MiB; not every cloud takes it"));
    }
    Ok(())
}

/// The most that a machine image may have by the site's configuration or by default, MiB.
pub(crate) fn max_image_size(settings: &Settings) -> Result<u64, Failure> {
    settings.global("max-image-size").map_or(Ok(MAX_IMAGE), |text| {
        text.parse().map_err(|_| {
            Failure::Client(format!("max-image-size in euca2ools.ini is no number: '{text}'"))
        })
    })
}

/// Bundles `image`, which has `size` bytes, into a directory; gives the manifest's path.
pub(crate) fn pack(
    cx: &Context<'_>,
    image: impl Image + Send,
    size: u64,
    options: &BundleOptions,
    keys: &Keyring,
    destination: &Destination,
    progress: &ShowProgress,
) -> Result<PathBuf, Failure> {
    let mut parts = Parts::new(destination.path());
    let bar = Progress::new("Bundling", size, progress, cx.environment);
    let recipients = keys.recipients();
    let made = bundle::bundle(image, size, options, &recipients, &mut parts, &mut |done| {
        bar.at(done.min(size));
    })
    .map_err(|error| Failure::Client(chain(&error)))?;
    drop(bar);
    parts
        .finish(&made.manifest_name, &made.manifest)
        .map_err(|error| Failure::Client(format!("the bundle cannot be written: {error}")))
}
