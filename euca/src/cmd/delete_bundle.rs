//! `euca-delete-bundle`: takes a bundle out of a bucket, and the bucket with it if asked.
//!
//! The parts go first and the manifest last: whoever is interrupted can run the command again, and
//! the manifest still tells what is to go. Where there is no manifest, because an upload was broken
//! off before it came, the parts that bear the prefix go.

use clap::Args;

use super::store::Place;
use super::stored::Stored;
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::crew;
use crate::options::{Jobs, Remote};
use crate::s3::S3;

/// Options of `euca-delete-bundle`.
#[derive(Debug, Args)]
pub(crate) struct DeleteBundle {
    #[command(flatten)]
    stored: Stored,
    /// Delete the bucket, too
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for DeleteBundle {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let s3 = Settings::of(&self.remote, cx.environment)?.s3()?;
        let (place, names) = match self.stored.find(&s3) {
            Ok(found) => {
                let parts = found.manifest.parts.into_iter().map(|part| part.filename);
                (found.place, Names { parts: parts.collect(), manifest: Some(found.name) })
            }
            Err(failure) => self.orphans(&s3, failure)?,
        };
        let remove = |name: &String| {
            s3.delete_object(&place.bucket, &place.key(name)).map_err(|error| place.failure(error))
        };
        crew::each(&names.parts, self.jobs.number(), remove)?;
        names.manifest.iter().try_for_each(remove)?;
        if self.clear {
            s3.delete_bucket(&place.bucket).map_err(|error| place.failure(error))?;
        }
        Ok(())
    }
}

/// What is to be deleted, by its names at a place.
struct Names {
    parts: Vec<String>,
    manifest: Option<String>,
}

impl DeleteBundle {
    /// The parts that bear the prefix told, if `failure` is that there is no manifest, and if there
    /// are any.
    fn orphans(&self, s3: &S3, failure: Failure) -> Result<(Place, Names), Failure> {
        let absent = matches!(&failure, Failure::Api { code, .. } if code == "NoSuchKey");
        let (true, Some((place, prefix))) = (absent, self.stored.by_prefix()?) else {
            return Err(failure);
        };
        let begin = format!("{prefix}.part.");
        let listed = s3.list_keys(&place.bucket, &place.key(&begin));
        let parts: Vec<String> = listed
            .map_err(|error| place.failure(error))?
            .iter()
            .filter_map(|key| key.strip_prefix(&place.key(&begin)))
            .filter(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
            .map(|number| format!("{begin}{number}"))
            .collect();
        match parts.is_empty() {
            true => Err(failure),
            false => Ok((place, Names { parts, manifest: None })),
        }
    }
}
