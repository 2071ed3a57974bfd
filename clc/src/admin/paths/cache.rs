//! Walrus' unbundle cache as administrators see it: its images by the names that they have here.

use std::collections::BTreeMap;

use common::administration::cache::{
    CachedImage, DescribeImageCache, EvictImages, Evicted, ImageCache,
};
use common::error::{ApiError, ErrorCode};
use common::id::ImageId;
use common::wire::cached::{EvictCached, HeldImage, HeldState, LookIntoCache};
use runtime::actor::{Answer, Handle, Scene};

use super::Paths;
use crate::records::{Image, Records, SeenState, Wanted};

/// What is known here of the images that one manifest was registered as.
#[derive(Default)]
struct Known {
    ids: Vec<String>,
    location: String,
    name: String,
    instances: Vec<String>,
}

/// What is known of the images that are in the cache, by manifest. Blocks.
fn known(records: &Records, held: &[HeldImage]) -> Result<BTreeMap<String, Known>, ApiError> {
    let mut found: BTreeMap<String, Known> =
        held.iter().map(|it| (it.manifest_sha256.clone(), Known::default())).collect();
    if found.is_empty() {
        return Ok(found);
    }
    let mut manifests: BTreeMap<ImageId, String> = BTreeMap::new();
    for image in records.images.all("") {
        let image: Image = image?.record;
        let Some(known) = found.get_mut(&image.bundle.manifest_sha256) else { continue };
        manifests.insert(image.id.clone(), image.bundle.manifest_sha256.clone());
        if !image.is_registered() {
            continue;
        }
        known.ids.push(image.id.to_string());
        known.location = image.bundle.location;
        known.name = image.name;
    }
    for instance in records.instances.all("") {
        let it = instance?.record;
        if it.wanted != Wanted::Running || it.seen != SeenState::Pending {
            continue;
        }
        for image in [Some(&it.image), it.kernel.as_ref(), it.ramdisk.as_ref()] {
            let manifest = image.and_then(|image| manifests.get(image));
            if let Some(known) = manifest.and_then(|manifest| found.get_mut(manifest)) {
                known.instances.push(it.id.to_string());
            }
        }
    }
    Ok(found)
}

fn shown(it: HeldImage, known: Known) -> CachedImage {
    let state = match it.state {
        HeldState::Queued => "queued",
        HeldState::Unpacking => "unpacking",
        HeldState::Here => "here",
        HeldState::Leaving => "leaving",
    };
    CachedImage {
        manifest: it.manifest_sha256,
        image_ids: known.ids.into(),
        location: known.location,
        name: known.name,
        size: it.size,
        state: state.to_owned(),
        last_used: it.used.map(|at| at.iso()).unwrap_or_default(),
        hits: it.hits,
        pins: it.pins,
        expected: it.expected,
        waiting: it.waiting,
        done: it.done,
        total: it.total,
        instances: known.instances.into(),
    }
}

impl Answer<Paths> for DescribeImageCache {
    async fn answer(self, scene: &Scene<Paths>) -> Result<ImageCache, ApiError> {
        let content = scene.walrus.call(LookIntoCache { since: 0, wait_ms: 0 }).await?;
        let find = move |records: &Records| {
            let known = known(records, &content.images)?;
            Ok((content, known))
        };
        let (content, mut known) = scene.people.records.work(find).await?;
        let images: Vec<_> = content
            .images
            .into_iter()
            .map(|it| {
                let known = known.remove(&it.manifest_sha256).unwrap_or_default();
                shown(it, known)
            })
            .collect();
        let figures = content.figures;
        Ok(ImageCache {
            limit: figures.limit,
            used: figures.used,
            reserved: figures.reserved,
            hits: figures.hits,
            misses: figures.misses,
            evictions: figures.evictions,
            flights: figures.flights,
            queued: figures.queued,
            images: images.into(),
        })
    }
}

/// Whether a text is a SHA-256 in lower-case hex.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Handle<Paths> for EvictImages {
    type Checked = EvictCached;

    async fn check(self, scene: &Scene<Paths>) -> Result<EvictCached, ApiError> {
        let image = match self.image {
            Some(image) if !is_digest(&image) => image,
            manifest_sha256 => return Ok(EvictCached { manifest_sha256 }),
        };
        let id: ImageId =
            image.parse().map_err(|error| ApiError::invalid("Image", format!("{error}")))?;
        let find = move |records: &Records| match records.images.get(id.as_str())? {
            Some(seen) => Ok(seen.record.bundle.manifest_sha256),
            None => {
                let text = format!("The image '{id}' does not exist");
                Err(ApiError::new(ErrorCode::InvalidAmiIdNotFound, text))
            }
        };
        let manifest = scene.people.records.work(find).await?;
        Ok(EvictCached { manifest_sha256: Some(manifest) })
    }

    async fn act(wish: EvictCached, scene: &Scene<Paths>) -> Result<Evicted, ApiError> {
        let evicted = scene.walrus.call(wish).await?;
        Ok(Evicted { images: evicted.images, bytes: evicted.bytes })
    }
}
