//! Walrus' unbundle cache.

use clap::Args;
use common::administration::cache::{DescribeImageCache, EvictImages};

use super::asking::{CONFIGURATION, ask, lines};
use crate::cmd::{Context, Execute, Failure};
use crate::options::Remote;

/// Options of `euca-describe-image-cache`.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Describe {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let cache = ask(cx, &self.remote, CONFIGURATION, &DescribeImageCache {})?;
        lines(cx, &cache.lines())
    }
}

/// Options of `euca-evict-images`.
#[derive(Debug, Args)]
pub(crate) struct Evict {
    /// The image, or the SHA-256 of its manifest; all that nobody uses, if none is named
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

impl Execute for Evict {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let evicted = ask(cx, &self.remote, CONFIGURATION, &EvictImages { image: self.image })?;
        lines(cx, &[evicted.line()])
    }
}
