//! Bundles one disk: it is read out of its object on a blocking thread, and each part is stored as soon
//! as it is whole.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bundle::{
    BundleError, BundleOptions, Bundled, Certificate, Mapping, Part, PartSink, Recipients, bundle,
};
use bytes::Bytes;
use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use common::wire::importing::ImportDisk;
use runtime::pool;
use tokio::sync::mpsc;

use crate::bundling::store::BundleStore;
use crate::bundling::ticket::Claims;
use crate::content::{Content, Opened};

/// How far an import is, and whether it shall stop.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes of the disk that are bundled.
    pub(super) done: AtomicU64,
    /// Whether it has its turn.
    pub(super) works: AtomicBool,
    /// Whether nobody wants it any more.
    pub(super) stop: AtomicBool,
}

/// A part that is whole.
struct Packed {
    index: usize,
    bytes: Bytes,
    sha1: Vec<u8>,
}

/// Bundles a disk and stores it, manifest and all.
///
/// # Errors
/// Why it cannot be done. What was stored by then stays for whoever drops it.
pub(super) async fn import(
    content: Content,
    store: &BundleStore,
    asked: ImportDisk,
    progress: Arc<Progress>,
) -> Result<(), ApiError> {
    let claims = Claims {
        task: asked.task.clone(),
        account: asked.account.clone(),
        owner: asked.owner.clone(),
        place: asked.place.clone(),
        acl: asked.acl,
        // It is used here and now.
        expires: Timestamp::EPOCH,
    };
    let (sender, mut parts) = mpsc::channel::<Packed>(1);
    let watched = Arc::clone(&progress);
    let packing = pool::block(move || pack(&content, &asked, sender, &watched));
    let storing = async {
        // Dropping the parts ends the packing.
        let mut parts = std::mem::replace(&mut parts, mpsc::channel(1).1);
        while let Some(Packed { index, bytes, sha1 }) = parts.recv().await {
            store.part(&claims, index, bytes, sha1).await?;
        }
        Ok::<_, ApiError>(())
    };
    let (packed, stored) = futures_util::future::join(packing, storing).await;
    // What could not be stored is why nothing more was packed.
    stored?;
    let Bundled { manifest, .. } = packed??;
    if progress.stop.load(Ordering::Relaxed) {
        return Err(stopped());
    }
    let sha1 = sha1_of(&manifest);
    store.finish(claims, Bytes::from(manifest), sha1).await
}

fn sha1_of(bytes: &[u8]) -> Vec<u8> {
    use sha1::Digest as _;
    sha1::Sha1::digest(bytes).to_vec()
}

fn stopped() -> ApiError {
    ApiError::new(ErrorCode::ServiceUnavailable, "The import was stopped")
}

/// Packs the disk. Blocks for as long as it takes.
fn pack(
    content: &Content,
    asked: &ImportDisk,
    parts: mpsc::Sender<Packed>,
    progress: &Arc<Progress>,
) -> Result<Bundled, ApiError> {
    let disk = &asked.disk;
    let opened = content.open(&disk.bucket, &disk.key)?;
    let same = |it: &Opened| it.object.etag == disk.etag && it.object.size == disk.size;
    let opened = opened.filter(same).ok_or_else(|| {
        let text = format!(
            "The disk {}/{} was removed or replaced before it was imported",
            disk.bucket, disk.key
        );
        ApiError::new(ErrorCode::PreconditionFailed, text)
    })?;
    let certificate = |pem: &str| {
        Certificate::from_pem(pem.as_bytes())
            .map_err(|error| ApiError::internal("A certificate cannot be used", error))
    };
    let cloud = certificate(&asked.cloud_certificate)?;
    let user = asked.user_certificate.as_deref().map(certificate).transpose()?;
    let mut options =
        BundleOptions::new(asked.place.name(), &asked.architecture, asked.account.as_str());
    options.kernel = asked.kernel.as_ref().map(|id| id.as_str().to_owned());
    options.ramdisk = asked.ramdisk.as_ref().map(|id| id.as_str().to_owned());
    let root = |device: &String| Mapping { virtual_name: "root".into(), device: device.clone() };
    options.mappings = asked.root_device.iter().map(root).collect();
    let recipients = Recipients { cloud: &cloud, user: user.as_ref(), signer: None };
    let image = Wanted { inner: opened.bytes.read_from(0), progress: Arc::clone(progress) };
    let mut line = Line { parts, bytes: Vec::new() };
    let mut tell = |done: u64| progress.done.store(done.min(disk.size), Ordering::Relaxed);
    bundle(image, disk.size, &options, &recipients, &mut line, &mut tell).map_err(|error| {
        match &error {
            _ if progress.stop.load(Ordering::Relaxed) => stopped(),
            BundleError::Value(_) | BundleError::Option(_) => {
                ApiError::new(ErrorCode::InvalidParameterValue, error.to_string())
            }
            _ => ApiError::internal("The disk cannot be bundled", error),
        }
    })
}

/// A disk that is read only as long as somebody wants it.
struct Wanted {
    inner: Box<dyn Read + Send>,
    progress: Arc<Progress>,
}

impl Read for Wanted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.progress.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("the import was stopped"));
        }
        self.inner.read(buf)
    }
}

/// Collects the bytes of a part and hands it on when it is whole.
struct Line {
    parts: mpsc::Sender<Packed>,
    bytes: Vec<u8>,
}

fn unwanted() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes parts any more")
}

impl PartSink for Line {
    fn begin(&mut self, _: usize, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.parts.is_closed() {
            return Err(unwanted());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, part: &Part, _: u64) -> io::Result<()> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let packed = Packed { index: part.index, bytes, sha1: part.digest.to_vec() };
        self.parts.blocking_send(packed).map_err(|_| unwanted())
    }
}
