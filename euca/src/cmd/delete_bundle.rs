//! `euca-delete-bundle`: takes a bundle out of a bucket, and the bucket with it if asked.
//!
//! The parts go first and the manifest last: whoever is interrupted can run the command again, and
//! the manifest still tells what is to go.

use clap::Args;

use super::stored::Stored;
use super::{Context, Execute, Failure};
use crate::config::Settings;
use crate::crew;
use crate::options::{Jobs, Remote};

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
        let found = self.stored.find(&s3)?;
        let place = &found.place;
        let remove = |name: &str| {
            s3.delete_object(&place.bucket, &place.key(name)).map_err(|error| place.failure(error))
        };
        crew::each(&found.manifest.parts, self.jobs.number(), |part| remove(&part.filename))?;
        remove(&found.name)?;
        if self.clear {
            s3.delete_bucket(&place.bucket).map_err(|error| place.failure(error))?;
        }
        Ok(())
    }
}
