//! `euca-bundle-and-upload-image`: from an image to a bundle in a bucket, without a file between.
//!
//! Parts go as they are made, a bounded number of them in memory, and the manifest goes last, because
//! it holds their digests. If that fails on the way, what was sent is taken out of the bucket again:
//! without its manifest nobody could ever open it. With `--preserve-bundle` the parts are written to
//! a directory as well; the bundle is then brought to its end there, whatever becomes of the upload,
//! and `euca-upload-bundle` goes on with it.

use std::io::{self, Read};
use std::path::PathBuf;

use bundle::{BundleOptions, Image, Part, PartSink};
use clap::Args;

use super::bundle::describe::Description;
use super::bundle::keys::{BundleKeys, Keyring};
use super::bundle::place::{Destination, Parts};
use super::bundle::{ImageFile, check_size};
use super::store::{Object, Store, UploadTo};
use super::upload::{PART, put_manifest};
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::error::chain;
use crate::options::{Remote, ShowProgress};
use crate::outbox::{Outbox, Ready, with_outbox};
use crate::progress::Progress;

/// The most that all parts in memory may have, bytes.
const MEMORY: u64 = 512 << 20;

/// Options of every command that bundles and uploads at once.
#[derive(Debug, Args)]
pub(crate) struct BundleAndUpload {
    #[command(flatten)]
    image: ImageFile,
    #[command(flatten)]
    description: Description,
    #[command(flatten)]
    keys: BundleKeys,
    #[command(flatten)]
    to: UploadTo,
    /// How many parts may wait to be sent before bundling waits for them
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u8).range(1..=64))]
    max_pending_parts: u8,
    #[command(flatten)]
    progress: ShowProgress,
}

/// Options of `euca-bundle-and-upload-image`.
#[derive(Debug, Args)]
pub(crate) struct BundleAndUploadImage {
    #[command(flatten)]
    both: BundleAndUpload,
    /// Keep the bundle here, too
    #[arg(long)]
    preserve_bundle: bool,
    /// Where it is kept; a new directory below $TMPDIR or /var/tmp if absent
    #[arg(short, long, value_name = "DIR", requires = "preserve_bundle")]
    destination: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for BundleAndUploadImage {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::of(&self.remote, cx.environment)?;
        let kept = match self.preserve_bundle {
            true => Some(Destination::of(self.destination.as_deref(), cx.environment)?),
            false => None,
        };
        let made = self.both.run(&settings, kept, cx)?;
        if let Some(manifest) = &made.kept {
            writeln!(cx.out, "Wrote manifest {}", manifest.display())?;
        }
        Ok(writeln!(cx.out, "Uploaded {}", made.location)?)
    }
}

/// A bundle in a bucket.
pub(crate) struct Made {
    /// Bucket and key of its manifest.
    pub(crate) location: String,
    /// What is said of the image.
    pub(crate) options: BundleOptions,
    /// Its manifest in a directory.
    kept: Option<PathBuf>,
}

impl BundleAndUpload {
    /// Bundles and uploads; keeps the bundle, if there is a place for it.
    pub(crate) fn run(
        &self,
        settings: &Settings,
        kept: Option<Destination>,
        cx: &mut Context<'_>,
    ) -> Result<Made, Failure> {
        let mut store = self.to.open(settings)?;
        let (image, size) = self.image.open()?;
        let keys = self.keys.read(settings)?;
        let options = self.image.options(&self.description, &keys)?;
        check_size(cx, settings, self.image.max_image_size, options.kind, size)?;
        self.check_memory(&options, size)?;
        store.prepare()?;
        let bar = Progress::new("Bundling", size, &self.progress, cx.environment);
        let pending = usize::from(self.max_pending_parts);
        let work = Work { store: &store, options: &options, keys: &keys, bar: &bar, pending };
        let done = work.run(image, size, kept);
        drop(bar);
        let (location, kept) = done?;
        Ok(Made { location, options, kept })
    }

    /// Parts wait in memory: refuses what would need too much of it.
    fn check_memory(&self, options: &BundleOptions, size: u64) -> Result<(), Failure> {
        let parts = u64::from(self.max_pending_parts) + 1;
        // No part is longer than the whole bundle, which is hardly longer than the image.
        let part = options.part_size.min(size.saturating_add(1 << 20));
        if part.saturating_mul(parts) > MEMORY {
            return Err(Failure::Usage(format!(
                "argument --part-size: {parts} parts of {} bytes would be in memory at a time, more \
                 than {} MiB; use smaller parts, a smaller --max-pending-parts, or \
                 euca-bundle-image and euca-upload-bundle",
                options.part_size,
                MEMORY >> 20
            )));
        }
        Ok(())
    }
}

/// What is bundled, and where it goes.
struct Work<'a> {
    store: &'a Store,
    options: &'a BundleOptions,
    keys: &'a Keyring,
    bar: &'a Progress,
    /// Parts on their way at a time.
    pending: usize,
}

impl Work<'_> {
    /// Gives the location, and the manifest of what was kept.
    fn run(
        &self,
        image: impl Image + Send,
        size: u64,
        kept: Option<Destination>,
    ) -> Result<(String, Option<PathBuf>), Failure> {
        let send = |part: &Ready| {
            let (name, bytes) = (part.name.as_str(), part.bytes.as_slice());
            let (length, md5) = (bytes.len() as u64, part.md5);
            let object = Object { name, content_type: PART, length, md5 };
            let open = || Ok(Box::new(bytes) as Box<dyn Read + '_>);
            self.store.put(&object, &open, &|_| {}).inspect_err(|_| self.store.forget(&object))
        };
        let parts = kept.as_ref().map(|kept| Parts::new(kept.path()));
        let (made, sent) = with_outbox(self.pending, send, |outbox| {
            let mut tee = Tee { outbox, parts };
            let recipients = self.keys.recipients();
            let made =
                bundle::bundle(image, size, self.options, &recipients, &mut tee, &mut |done| {
                    self.bar.at(done.min(size))
                });
            made.map(|made| (made, tee.parts))
        });
        let (made, parts) = match (made, sent.failure) {
            (Ok(made), None) => made,
            (Ok((made, Some(parts))), Some(failure)) => {
                let path = finish(parts, &made.manifest_name, &made.manifest)?;
                if let Some(kept) = kept {
                    kept.keep();
                }
                return Err(told(failure, &self.go_on(&path)));
            }
            (Ok((_, None)), Some(failure)) => {
                return Err(told(failure, &self.take_back(&sent.names)));
            }
            (Err(error), failure) => {
                let failure = failure.unwrap_or_else(|| Failure::Client(chain(&error)));
                return Err(told(failure, &self.take_back(&sent.names)));
            }
        };
        let path =
            parts.map(|parts| finish(parts, &made.manifest_name, &made.manifest)).transpose()?;
        if let Some(kept) = kept {
            kept.keep();
        }
        match (put_manifest(self.store, &made.manifest_name, &made.manifest), path) {
            (Ok(()), path) => Ok((self.store.place().location(&made.manifest_name), path)),
            (Err(failure), Some(path)) => Err(told(failure, &self.go_on(&path))),
            (Err(failure), None) => Err(told(failure, &self.take_back(&sent.names))),
        }
    }

    fn go_on(&self, manifest: &std::path::Path) -> String {
        let place = self.store.place().location("");
        format!(
            "the bundle is whole here; to go on: euca-upload-bundle -b {} -m {}",
            place.trim_end_matches('/'),
            manifest.display()
        )
    }

    /// Takes parts out of the bucket; says what is left there.
    fn take_back(&self, names: &[String]) -> String {
        match self.store.take_back(names, self.pending) {
            0 => "nothing of the bundle stays in the bucket".to_owned(),
            left => format!(
                "{left} of {} parts stay in the bucket, of no use; to delete them: \
                 euca-delete-bundle -b {} -p '{}'",
                names.len(),
                self.store.place().location("").trim_end_matches('/'),
                self.options.prefix
            ),
        }
    }
}

/// A failure, and what it leaves.
fn told(failure: Failure, and: &str) -> Failure {
    match failure {
        Failure::Api { code, message } => {
            Failure::Api { code, message: format!("{message}; {and}") }
        }
        Failure::Client(text) => Failure::Client(format!("{text}; {and}")),
        other => other,
    }
}

fn finish(parts: Parts, name: &str, manifest: &[u8]) -> Result<PathBuf, Failure> {
    parts
        .finish(name, manifest)
        .map_err(|error| Failure::Client(format!("the bundle cannot be written: {error}")))
}

/// Sends parts, and writes them to files as well if they are kept; these do not stop when the upload
/// does.
struct Tee<'a, 'b> {
    outbox: &'a mut Outbox<'b, Failure>,
    parts: Option<Parts>,
}

impl PartSink for Tee<'_, '_> {
    fn begin(&mut self, index: usize, filename: &str) -> io::Result<()> {
        if let Some(parts) = &mut self.parts {
            parts.begin(index, filename)?;
        }
        self.outbox.begin(index, filename)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(parts) = &mut self.parts {
            parts.write(bytes)?;
            if self.outbox.failed() {
                return Ok(());
            }
        }
        self.outbox.write(bytes)
    }

    fn end(&mut self, part: &Part, length: u64) -> io::Result<()> {
        match &mut self.parts {
            None => self.outbox.end(part, length),
            Some(parts) => {
                parts.end(part, length)?;
                // The files go on without it; why it failed is told at the end.
                let _ = self.outbox.end(part, length);
                Ok(())
            }
        }
    }
}
