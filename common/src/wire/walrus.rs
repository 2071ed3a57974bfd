//! What can be asked of walrus by its peers. Bytes never travel in messages: a ticket says where
//! they are.

use serde::{Deserialize, Serialize};

use super::Service;
use super::bundling::{BundleTicket, DropBundle, OpenBundle};
use crate::id::{AccountId, ImageKind};
use crate::messages;
use crate::time::Timestamp;

/// The keeper of buckets and images.
pub struct Walrus;

impl Service for Walrus {
    const NAME: &'static str = "walrus";
    const VERSION: u32 = 1;
}

/// Keep this private half of cloud-cert.pem, with which bundles' keys are decrypted.
#[derive(Clone, Serialize, Deserialize)]
pub struct InstallBundleKey {
    /// The certificate, PEM.
    pub certificate: String,
    /// The private key, PEM (PKCS#8).
    pub private_key: String,
}

/// Check a bundle as far as can be done without reading its parts through.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckBundle {
    /// `BUCKET/KEY` of the manifest.
    pub location: String,
    /// Who registers it; must be able to read the manifest.
    pub account: AccountId,
    /// Whether the caller is an administrator of the cloud.
    pub administrator: bool,
    /// Whether a manifest without signature may pass (a setting, off by default).
    pub allow_unsigned: bool,
}

/// What a checked bundle says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedBundle {
    /// Which bytes were checked.
    pub bundle: BundleRef,
    /// What it is.
    pub kind: ImageKind,
    /// `x86_64`, `i386`…
    pub architecture: String,
    /// The kernel it names, as it stands there.
    pub kernel_id: Option<String>,
    /// The ramdisk it names, as it stands there.
    pub ramdisk_id: Option<String>,
    /// The name inside the manifest.
    pub name: String,
    /// Size of the plain image in bytes.
    pub size: u64,
    /// Virtual name and device.
    pub block_device_mapping: Vec<(String, String)>,
    /// Product codes.
    pub product_codes: Vec<String>,
    /// Ids of the images it was made of.
    pub ancestors: Vec<String>,
    /// Whether it is a Windows image by the name rule.
    pub windows: bool,
}

/// A bundle, named by its place and by the bytes of its manifest: a manifest put again under the
/// same key is another bundle.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BundleRef {
    /// `BUCKET/KEY` of the manifest.
    pub location: String,
    /// SHA-256 of the manifest's bytes, lower-case hex.
    pub manifest_sha256: String,
}

/// Have the plain image of a checked bundle in the cache. Starts the work if nobody has; answers
/// where it stands as soon as it is done, or after `wait_ms`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WantImage {
    /// Which.
    pub bundle: BundleRef,
    /// How long to wait for the end of the work, in milliseconds; at most a minute.
    pub wait_ms: u64,
    /// Whether it is going to be read: it is kept for some seconds then, even if others wait for
    /// its room.
    #[serde(default)]
    pub reads: bool,
}

/// Where a wanted image stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WantedImage {
    /// It waits for room or is being unpacked.
    Unpacking {
        /// Bytes of ciphertext done.
        done: u64,
        /// Bytes of ciphertext in all.
        total: u64,
    },
    /// It is there.
    Ready(ImageTicket),
    /// It cannot be had.
    Failed {
        /// A sentence that names the part, where one is to blame.
        reason: String,
        /// Whether asking again may help (no room just now) or the bundle itself is wrong.
        retryable: bool,
    },
}

/// What a plain image is, by its first sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A bare file system, or anything else that does not boot by itself.
    #[default]
    Bare,
    /// A whole disk: it has a partition table, and with it room for a boot loader.
    Disk,
}

/// Leave to read a plain image: whoever has it may, until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageTicket {
    /// Where to GET it on walrus' internal listener; answers HEAD and ranges.
    pub url: String,
    /// SHA-256 of the plain bytes, lower-case hex.
    pub sha256: String,
    /// Size of the plain bytes.
    pub size: u64,
    /// Until when the URL is good.
    pub expires: Timestamp,
    /// What the image is.
    #[serde(default)]
    pub layout: Layout,
}

/// Drop the plain image of a bundle from the cache when nobody reads it any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetImage {
    /// Which.
    pub bundle: BundleRef,
}

/// Set the *Space reserved for unbundling images (MB)*. A lower limit evicts at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetCacheLimit {
    /// In MB of 2^20 bytes.
    pub megabytes: u64,
}

/// How the unbundle cache stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeCache {}

/// Figures of the unbundle cache.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CacheView {
    /// The limit in bytes.
    pub limit: u64,
    /// Bytes of images that are there.
    pub used: u64,
    /// Bytes reserved for images that are being unpacked.
    pub reserved: u64,
    /// Images that are there.
    pub images: u64,
    /// Wishes that found the image there.
    pub hits: u64,
    /// Wishes that did not.
    pub misses: u64,
    /// Images removed to make room.
    pub evictions: u64,
    /// Images being unpacked.
    pub flights: u64,
    /// Images that wait for room or their turn.
    #[serde(default)]
    pub queued: u64,
    /// How often images are being read just now.
    #[serde(default)]
    pub pins: u64,
}

/// How much is asked of S3.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeTraffic {
    /// Whether it is told by accounts, too.
    #[serde(default)]
    pub accounts: bool,
}

/// Figures of S3 since the service was started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests that were answered.
    #[serde(default)]
    pub requests: u64,
    /// Those among them that failed by the service's own fault.
    #[serde(default)]
    pub failures: u64,
    /// Those that were refused or failed.
    #[serde(default)]
    pub refusals: u64,
    /// Requests of each account that has sent some, if that was asked for; of very many accounts not
    /// all.
    #[serde(default)]
    pub accounts: Vec<(AccountId, u64)>,
}

messages! {
    Walrus:
    InstallBundleKey => (), true;
    CheckBundle => CheckedBundle, true;
    WantImage => WantedImage, true;
    ForgetImage => (), true;
    SetCacheLimit => (), true;
    DescribeCache => CacheView, true;
    DescribeTraffic => Traffic, true;
    OpenBundle => BundleTicket, true;
    DropBundle => (), true;
}
