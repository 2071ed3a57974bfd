//! `euca-download-and-unbundle`: from a bucket to the image, without a file between.

use std::path::{Path, PathBuf};

use clap::Args;

use super::bundle::keys::private_key;
use super::stored::Stored;
use super::unbundle::{self, NO_PRIVATE_KEY, Unpacked};
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::fetch;
use crate::options::{Jobs, Remote, ShowProgress};
use crate::progress::Progress;

/// Options of `euca-download-and-unbundle`.
#[derive(Debug, Args)]
pub(crate) struct DownloadAndUnbundle {
    #[command(flatten)]
    stored: Stored,
    /// Where the image goes: a file, or a directory in which it gets its own name
    #[arg(short, long, value_name = "FILE|DIR", default_value = ".")]
    destination: PathBuf,
    /// Your private key, or the cloud's
    #[arg(short = 'k', long, value_name = "FILE")]
    privatekey: Option<PathBuf>,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DownloadAndUnbundle {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::of(&self.remote, cx.environment)?;
        let private = private_key(self.privatekey.as_deref(), &settings)?
            .ok_or_else(|| Failure::Client(NO_PRIVATE_KEY.to_owned()))?;
        let s3 = settings.s3()?;
        let found = self.stored.find(&s3)?;
        let key = found
            .manifest
            .any_symmetric_key(&private)
            .map_err(|error| Failure::Client(error.to_string()))?;
        let path = destination(&self.destination, &found.manifest.name);
        let unpacked = Unpacked::create(&path)?;
        let total = found.manifest.bundled_size;
        let bar = Progress::new("Unbundling", total, &self.progress, cx.environment);
        let key_of = |name: &str| found.place.key(name);
        let (bucket, window) = (&found.place.bucket, self.jobs.number());
        let done = fetch::with_parts(&s3, bucket, key_of, &found.manifest, window, |parts| {
            unpacked.unpack(&found.manifest, &key, parts, &bar)
        })?;
        drop(bar);
        unbundle::tell(cx, &done)?;
        Ok(writeln!(cx.out, "Wrote {}", done.path.display())?)
    }
}

/// A directory stands for a file of this name in it.
fn destination(told: &Path, name: &str) -> PathBuf {
    if told.is_dir() { told.join(name) } else { told.to_owned() }
}
