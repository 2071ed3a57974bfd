//! Parts of bundles as they come in: their SHA-1 is computed on the way to disk and remembered with
//! the object, and held against the manifest if that is there already.
//!
//! ```text
//!   KEY.part.N comes ── SHA-1 on the way ──▶ remembered in its record ──▶ KEY.manifest.xml there?
//!                                                    │                    as listed, or unlike it
//!   an image is wanted ── manifest ── compare ───────┘
//!                            │ one is known to be another: it fails at once, named; nothing is read
//!                            └ unpack: the one reading there is
//! ```
//! Tools upload the manifest first (1.3, 2.1, ours) or last (3.4); a remembered digest serves both.
//! It belongs to the bytes: whatever writes an object anew forgets it, a copy names the same bytes
//! and has it too. Objects that came in the parts of a multipart upload have none, nor have those of
//! older versions: theirs is computed when they are unpacked, as everybody's is once more, because
//! disks forget.
//!
//! A part that is unlike its manifest is stored all the same: its owner may be about to send the
//! other. Nothing here refuses anything or changes a record.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use bundle::parts::{Hex20, PartError};
use bundle::{Limits, Manifest};
use common::error::ApiError;
use common::s3::{BucketName, ObjectKey};
use runtime::metrics::{Counter, Metrics};

use crate::blob::files::BlobId;
use crate::content::Content;
use crate::records::Failed;

/// What stands between the name of a bundle and the number of a part.
const PART: &str = ".part.";

/// What stands behind the name of a bundle in the key of its manifest.
const MANIFEST: &str = ".manifest.xml";

/// How many manifests are kept at hand: as many bundles come at once without one being read again
/// for each of its parts.
const AT_HAND: usize = 8;

/// The digests that a manifest lists, by the parts' names.
type Listed = BTreeMap<String, [u8; 20]>;

/// One reading of a manifest, held by whoever reads it. Nothing before it was read, and none for
/// one that is no manifest.
type Flight = Arc<Mutex<Option<Option<Arc<Listed>>>>>;

/// Whether an object of that key may be a part of a bundle, so that its SHA-1 is worth computing.
pub(crate) fn may_be_part(key: &ObjectKey) -> bool {
    bundle_of(key.as_str()).is_some()
}

/// The beginning of a part's key, which its manifest's key shares.
fn bundle_of(key: &str) -> Option<&str> {
    let (bundle, number) = key.rsplit_once(PART)?;
    let digits = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    (digits && !bundle.is_empty() && !bundle.ends_with('/')).then_some(bundle)
}

/// Looks at parts as they come in.
pub(crate) struct Arrivals {
    content: Content,
    /// The manifests that were needed last, by the name of their bytes.
    at_hand: Mutex<VecDeque<(BlobId, Flight)>>,
    as_listed: Counter,
    unlike: Counter,
}

impl Arrivals {
    /// Declares its figures.
    pub(crate) fn new(content: Content, metrics: &Metrics) -> Self {
        Self {
            content,
            at_hand: Mutex::default(),
            as_listed: metrics.counter(
                "eucalypt_walrus_parts_as_listed_total",
                "Parts of bundles that came and were what their manifest lists",
            ),
            unlike: metrics.counter(
                "eucalypt_walrus_parts_unlike_manifest_total",
                "Parts of bundles that came and were not what their manifest lists",
            ),
        }
    }

    /// Holds an object that has come against the manifest of its bundle, if both are there. What
    /// comes of it is counted and logged. Blocks.
    pub(crate) fn look(&self, bucket: &BucketName, key: &ObjectKey, sha1: &str) {
        let key = key.as_str();
        let Some(bundle) = bundle_of(key) else { return };
        let name = key.rsplit('/').next().unwrap_or(key);
        let listed = match self.listed(bucket, &format!("{bundle}{MANIFEST}")) {
            Ok(listed) => listed,
            Err(failed) => {
                let error = ApiError::from(failed);
                tracing::warn!(%bucket, key, %error, "a manifest cannot be read just now");
                return;
            }
        };
        let Some(expected) = listed.and_then(|listed| listed.get(name).copied()) else { return };
        if Hex20(expected).to_string() == sha1 {
            self.as_listed.add(1);
        } else {
            self.unlike.add(1);
            let expected = Hex20(expected);
            tracing::info!(%bucket, key, sha1, %expected, "a part is unlike its manifest");
        }
    }

    /// The digests in a manifest, if there is one.
    fn listed(&self, bucket: &BucketName, key: &str) -> Result<Option<Arc<Listed>>, Failed> {
        let most = Limits::default().manifest_bytes as u64;
        let Some(seen) = self.content.records.object(bucket, key)? else { return Ok(None) };
        let Some(bytes) = seen.bytes().filter(|_| seen.size <= most) else { return Ok(None) };
        let flight = self.flight(bytes);
        // Its parts come at once, and one reading does for all; other bundles do not wait for it.
        let mut read = flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listed) = &*read {
            return Ok(listed.clone());
        }
        let Some(opened) = self.content.open(bucket, key)? else { return Ok(None) };
        // It may have been overwritten since.
        let is_same = opened.object.bytes() == Some(bytes);
        let mut raw = Vec::new();
        opened
            .bytes
            .read_from(0)
            .take(most)
            .read_to_end(&mut raw)
            .map_err(|error| ApiError::internal("The manifest cannot be read", error))?;
        let listed = Manifest::parse(&raw, &Limits::default()).ok().map(|manifest| {
            Arc::new(manifest.parts.into_iter().map(|part| (part.filename, part.digest)).collect())
        });
        if is_same {
            *read = Some(listed.clone());
        }
        Ok(listed)
    }

    /// The reading of a manifest, begun or not. Nothing is read while the list is held.
    fn flight(&self, bytes: &BlobId) -> Flight {
        let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        let known = at_hand.iter().position(|(id, _)| id == bytes);
        let (id, flight) = known
            .and_then(|at| at_hand.remove(at))
            .unwrap_or_else(|| (bytes.clone(), Flight::default()));
        if at_hand.len() >= AT_HAND {
            at_hand.pop_front();
        }
        at_hand.push_back((id, Arc::clone(&flight)));
        flight
    }
}

/// Finds a part of a bundle that is known not to be what the manifest lists, without reading any.
/// `prefix` is what stands before the parts' names in their keys. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn known_damage(
    content: &Content,
    bucket: &BucketName,
    prefix: &str,
    manifest: &Manifest,
) -> Result<Option<PartError>, Failed> {
    for part in &manifest.parts {
        let name = &part.filename;
        let mut seen = content.records.object(bucket, &format!("{prefix}{name}"))?;
        if seen.is_none() && !prefix.is_empty() {
            seen = content.records.object(bucket, name)?;
        }
        let known = seen.and_then(|seen| seen.known_sha1());
        let mut found = [0; 20];
        if let Some(known) = known.filter(|known| *known != Hex20(part.digest).to_string())
            && hex::decode_to_slice(known, &mut found).is_ok()
        {
            let (part, expected) = (name.clone(), Hex20(part.digest));
            return Ok(Some(PartError::Digest { part, expected, found: Hex20(found) }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use store::Memory;

    use super::*;
    use crate::blob::files::Files;
    use crate::blob::pins::Pins;
    use crate::parts::{OpenUploads, Shelves};
    use crate::records::{Object, Records};

    /// A manifest's object, and where its bytes lie.
    fn manifest(content: &Content, dir: &std::path::Path, key: &str) -> std::path::PathBuf {
        let id = BlobId::random().unwrap();
        let blob = Some(id.clone());
        let object = Object { blob, size: 9, ..Object::sample("buck", key, "111111111111") };
        content.records.objects.insert(object).unwrap();
        dir.join("blobs").join(&id.as_str()[..2]).join(id.as_str())
    }

    #[test]
    fn a_manifest_that_is_slow_holds_no_other_bundle_up() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::new(Arc::new(Memory::new()));
        let files = Arc::new(Files::open(dir.path()).unwrap());
        let (pins, open) = (Pins::default(), OpenUploads::default());
        let content = Content { shelves: Shelves { records, files, pins, open } };
        let slow = manifest(&content, dir.path(), "slow.manifest.xml");
        assert!(Command::new("mkfifo").arg(&slow).status().unwrap().success());
        std::fs::write(manifest(&content, dir.path(), "fast.manifest.xml"), b"nonsense!").unwrap();
        let arrivals = Arc::new(Arrivals::new(content, &Metrics::default()));
        let look = |key: &'static str| {
            let (arrivals, (done, is_done)) = (Arc::clone(&arrivals), mpsc::channel());
            let looking = thread::spawn(move || {
                arrivals.look(&"buck".parse().unwrap(), &key.parse().unwrap(), "");
                drop(done);
            });
            (looking, is_done)
        };
        let ended = |is_done: &mpsc::Receiver<()>, patience| {
            is_done.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Disconnected)
        };
        let (first, first_done) = look("slow.part.0");
        // A pipe is not opened for reading before somebody opens it for writing.
        let begun = || arrivals.at_hand.try_lock().map_or(true, |at_hand| !at_hand.is_empty());
        while !begun() {
            thread::yield_now();
        }
        let (second, second_done) = look("slow.part.1");
        let (other, other_done) = look("fast.part.0");
        let in_time = ended(&other_done, Duration::from_secs(10));
        let waiting = !ended(&first_done, Duration::ZERO) && !ended(&second_done, Duration::ZERO);
        let writer = OpenOptions::new().write(true).open(&slow).unwrap();
        for thread in [first, second, other] {
            thread.join().unwrap();
        }
        drop(writer);
        assert!(in_time && waiting, "in time: {in_time}, one reads and one waits: {waiting}");
        assert_eq!(arrivals.at_hand.lock().unwrap().len(), 2);
    }

    #[test]
    fn parts_are_known_by_their_keys() {
        for (key, bundle) in [
            ("image.part.0", Some("image")),
            ("image.part.00", Some("image")),
            ("a/b/image.part.1234", Some("a/b/image")),
            ("image.part.1.part.2", Some("image.part.1")),
            ("image.part.", None),
            ("image.part.x", None),
            ("image.part.1x", None),
            (".part.1", None),
            ("a/.part.1", None),
            ("image.manifest.xml", None),
            ("part.1", None),
        ] {
            assert_eq!(bundle_of(key), bundle, "{key}");
        }
    }
}
