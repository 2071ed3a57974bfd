//! Walrus' unbundle cache.

use clap::Args;
use common::administration::cache::{DescribeImageCache, EvictImages};

use super::asking::{CONFIGURATION, ask, row};
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
        let sums = [
            cache.limit,
            cache.used,
            cache.reserved,
            cache.hits,
            cache.misses,
            cache.evictions,
            cache.flights,
            cache.queued,
        ];
        let sums = sums.map(|sum| sum.to_string());
        let columns: Vec<_> = std::iter::once("CACHE").chain(sums.iter().map(|it| &**it)).collect();
        row(cx, &columns)?;
        for it in &cache.images.item {
            let (size, hits) = (it.size.to_string(), it.hits.to_string());
            let uses = (it.pins + it.expected + it.waiting).to_string();
            let ids = it.image_ids.entry.join(",");
            row(
                cx,
                &["CACHED", &it.manifest, &ids, &it.state, &size, &it.last_used, &hits, &uses],
            )?;
        }
        Ok(())
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
        row(cx, &["EVICTED", &evicted.images.to_string(), &evicted.bytes.to_string()])
    }
}
