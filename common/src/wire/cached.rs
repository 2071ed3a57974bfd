//! What lies in walrus' unbundle cache, image by image, for whoever looks at it; and its removal.

use serde::{Deserialize, Serialize};

use super::walrus::{CacheView, Walrus};
use crate::messages;
use crate::time::Timestamp;

/// What is in the cache, as soon as it is another than at `since`, or after `wait_ms`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookIntoCache {
    /// The `revision` of the last answer that was seen; 0 asks for an answer at once.
    pub since: u64,
    /// How long to wait for a change, in milliseconds; at most a minute.
    pub wait_ms: u64,
}

/// What is in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CacheContent {
    /// Another after each change, and after a restart.
    pub revision: u64,
    /// The sums.
    pub figures: CacheView,
    /// The images that are there, on their way, or waiting for it; by their keys.
    pub images: Vec<HeldImage>,
}

/// An image of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldImage {
    /// SHA-256 of the manifest's bytes that it is unpacked from.
    pub manifest_sha256: String,
    /// Its bytes when it is unpacked.
    pub size: u64,
    /// Where it stands.
    pub state: HeldState,
    /// When it was last read, or was unpacked if it never was.
    #[serde(default)]
    pub used: Option<Timestamp>,
    /// How often it was wanted and there, since it was unpacked or walrus was started.
    #[serde(default)]
    pub hits: u64,
    /// How often it is being read just now.
    #[serde(default)]
    pub pins: u64,
    /// How many have been told that it is there and are about to read it.
    #[serde(default)]
    pub expected: u64,
    /// How many wait until it is there.
    #[serde(default)]
    pub waiting: u64,
    /// Bytes of its bundle that are unpacked.
    #[serde(default)]
    pub done: u64,
    /// Bytes of its bundle in all.
    #[serde(default)]
    pub total: u64,
}

/// Where an image of the cache stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldState {
    /// It waits for room or its turn.
    Queued,
    /// It is being unpacked.
    Unpacking,
    /// It is there.
    Here,
    /// It is there until the last who reads it has done so.
    Leaving,
}

/// Remove images from the cache now. One that somebody reads, is about to read or waits for is never
/// removed: asked for by its key it is refused, and of all it is left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvictCached {
    /// This image, by the SHA-256 of its manifest's bytes; all that nobody uses, if absent.
    pub manifest_sha256: Option<String>,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EvictedImages {
    /// How many images.
    pub images: u64,
    /// Their bytes.
    pub bytes: u64,
}

messages! {
    Walrus:
    LookIntoCache => CacheContent, true;
    EvictCached => EvictedImages, true;
}
