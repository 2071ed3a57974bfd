//! The image door: what peers ask of images, on the internal listener.
//!
//! ```text
//!   CheckBundle ──▶ check      may it be registered: who, signature, key, parts
//!   CheckParts … ─▶ again      is it still what was registered: manifest, parts, plain images
//!   LookIntoCache ▶ cached     what lies in the cache, and its removal
//!   WantImage ────▶ want       the manifest again, then the cache
//!   GET /images/… ▶ serve      the plain image, by ticket
//!   InstallBundleKey ▶ key     the private half of the cloud's certificate
//! ```
//! Everything a manifest says is a stranger's word until it was checked; nothing of it becomes a
//! path.

pub(crate) mod again;
mod cached;
pub(crate) mod check;
pub(crate) mod door;
pub(crate) mod key;
pub(crate) mod location;
pub(crate) mod manifest;
pub(crate) mod serve;
pub(crate) mod ticket;
