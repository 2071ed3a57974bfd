//! Walrus' unbundle cache: what lies in it, and its removal (ours, not 2.0's).

use serde::{Deserialize, Serialize};

use super::elements::{Entries, Items, told};
use crate::actions;

/// Tells what lies in the unbundle cache.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DescribeImageCache {}

told! {
    /// The unbundle cache.
    ImageCache {
        /// The space reserved for it, in bytes.
        limit: u64 = "euca:limit", "limit";
        /// Bytes of images that are there.
        used: u64 = "euca:used", "used";
        /// Bytes reserved for images that are being unpacked.
        reserved: u64 = "euca:reserved", "reserved";
        /// How often an image was wanted and there, since walrus was started.
        hits: u64 = "euca:hits", "hits";
        /// How often an image was wanted and not there.
        misses: u64 = "euca:misses", "misses";
        /// How many images were removed to make room, or by an administrator.
        evictions: u64 = "euca:evictions", "evictions";
        /// How many images are being unpacked.
        flights: u64 = "euca:flights", "flights";
        /// How many wait for room or their turn.
        queued: u64 = "euca:queued", "queued";
        /// The images.
        images: Items<CachedImage> = "euca:images", "images";
    }
}

told! {
    /// An image of the cache.
    CachedImage {
        /// SHA-256 of the manifest that it is unpacked from.
        manifest: String = "euca:manifest", "manifest";
        /// The ids that it is registered by; none if it was deregistered meanwhile.
        image_ids: Entries = "euca:imageIds", "imageIds";
        /// Where its manifest lies, if it is registered.
        location: String = "euca:location", "location";
        /// Its name, if it is registered.
        name: String = "euca:name", "name";
        /// Its bytes when it is unpacked.
        size: u64 = "euca:size", "size";
        /// `queued`, `unpacking`, `here`, or `leaving` when its last reader has done.
        state: String = "euca:state", "state";
        /// When it was last read, or unpacked; nothing while it is not there.
        last_used: String = "euca:lastUsed", "lastUsed";
        /// How often it was wanted and there.
        hits: u64 = "euca:hits", "hits";
        /// How often it is being read just now.
        pins: u64 = "euca:pins", "pins";
        /// How many are about to read it.
        expected: u64 = "euca:expected", "expected";
        /// How many wait for it.
        waiting: u64 = "euca:waiting", "waiting";
        /// Bytes of its bundle that are unpacked.
        done: u64 = "euca:done", "done";
        /// Bytes of its bundle in all.
        total: u64 = "euca:total", "total";
        /// The instances that are being launched from it.
        instances: Entries = "euca:instances", "instances";
    }
}

/// Removes images from the cache now: they are unpacked again when they are needed. What is in use is
/// never removed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EvictImages {
    /// The id of an image or the SHA-256 of its manifest; all that nobody uses, if absent.
    #[serde(default)]
    pub image: Option<String>,
}

told! {
    /// What was removed.
    Evicted {
        /// How many images.
        images: u64 = "euca:images", "images";
        /// Their bytes.
        bytes: u64 = "euca:bytes", "bytes";
    }
}

actions! {
    DescribeImageCache => ImageCache, Read;
    EvictImages => Evicted, Write;
}
