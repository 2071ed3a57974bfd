//! Bytes that lie in parts: read one file after another, and cleared away when nobody names them.
//!
//! Clearing away is several commits, because an upload may have ten thousand parts: its parts go
//! page by page, and its own record last. A sweep goes on with what a crash has interrupted. It
//! waits until nobody reads the parts any more; see [`Pins`].

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::error::ApiError;
use common::s3::BucketName;
use runtime::pool;
use store::{Batch, Seen, transact};

use crate::blob::files::{BlobId, Files};
use crate::blob::pins::Pins;
use crate::blob::stream::Window;
use crate::records::{Failed, Records};
use crate::upload::{Part, Seal, Stage, Upload, by_key, by_key_row, part_holder, part_key};

/// How many parts go in one commit.
const PAGE: usize = 256;

/// The parts of all uploads, and where their bytes are.
#[derive(Clone)]
pub(crate) struct Shelves {
    /// The records.
    pub(crate) records: Records,
    /// The files.
    pub(crate) files: Arc<Files>,
    /// Who is being read.
    pub(crate) pins: Pins,
    /// How many uploads are open.
    pub(crate) open: OpenUploads,
}

/// How many uploads are open, for the metrics.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenUploads(Arc<AtomicU64>);

impl OpenUploads {
    /// One more.
    pub(crate) fn begun(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub(crate) fn ended(&self) {
        let less = |count: u64| Some(count.saturating_sub(1));
        // It never refuses.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// As many as were counted.
    pub(crate) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Shelves {
    /// Whether a record names those bytes, a file's or a sealed upload's. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn is_named(&self, id: &BlobId) -> Result<bool, Failed> {
        Ok(!self.records.object_by_blob.scan(id.as_str(), None, 1)?.is_empty())
    }

    /// Removes a file if no record names it. Blocks.
    pub(crate) fn let_go(&self, blob: &BlobId) {
        match self.is_named(blob) {
            Ok(true) => {}
            Ok(false) => self.files.remove(blob),
            Err(failed) => {
                let error = ApiError::from(failed);
                tracing::warn!(%blob, %error, "a file stays until it is swept");
            }
        }
    }

    /// Removes parts from a commit's point of view; their files go after it, by
    /// [`Shelves::let_go`].
    pub(crate) fn remove_part(&self, batch: &mut Batch, part: &Seen<Part>) {
        batch.remove(part);
        if let Some(blob) = &part.blob {
            let row = holder_row(blob, &part_holder(&part.upload, part.number));
            batch.unpoint(&self.records.object_by_blob, &row);
        }
    }

    /// Counts the open uploads anew. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn count_open(&self) -> Result<(), Failed> {
        let (mut count, mut last) = (0, None::<String>);
        loop {
            let rows = self.records.upload_by_key.scan("", last.as_deref(), PAGE)?;
            count += rows.len() as u64;
            if rows.len() < PAGE {
                self.open.set(count);
                return Ok(());
            }
            last = rows.last().map(|row| row.key.clone());
        }
    }

    /// Ends an open upload without an object; gives whether it was open. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn give_up(&self, upload: &BlobId) -> Result<bool, Failed> {
        let records = &self.records;
        let (ended, _) = transact(records.engine(), |batch| {
            let Some(mut seen) = records.uploads.get(upload.as_str())? else { return Ok(false) };
            if seen.stage != Stage::Open {
                return Ok::<_, Failed>(false);
            }
            seen.record.stage = Stage::Over;
            let row = by_key_row(&seen.bucket, seen.record.key.as_str(), upload.as_str());
            batch.replace(&seen)?.unpoint(&records.upload_by_key, &row);
            Ok(true)
        })?;
        if ended {
            self.open.ended();
            self.try_clear_away(upload);
        }
        Ok(ended)
    }

    /// Ends all open uploads of a bucket into which nothing can be written any more. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn give_up_all(&self, bucket: &BucketName) -> Result<(), Failed> {
        loop {
            let rows = self.records.upload_by_key.scan(&by_key(bucket, ""), None, PAGE)?;
            let mut ended = false;
            for row in rows {
                let id = row.key.rsplit_once('\0').map_or("", |(_, id)| id);
                if let Ok(id) = BlobId::try_from(id.to_owned()) {
                    ended |= self.give_up(&id)?;
                }
            }
            if !ended {
                return Ok(());
            }
        }
    }

    /// Clears an upload away that is over, or whose object is no more, unless somebody reads it:
    /// then the last reader does. Gives whether it is gone. Blocks.
    ///
    /// # Errors
    /// If the store fails; whatever is left is swept later.
    pub(crate) fn clear_away(&self, upload: &BlobId) -> Result<bool, Failed> {
        if !self.pins.is_free(upload) {
            return Ok(false);
        }
        loop {
            let page = self.records.parts.scan(&parts_prefix(upload), None, PAGE)?;
            let mut batch = Batch::new();
            page.iter().for_each(|part| self.remove_part(&mut batch, part));
            let last = page.len() < PAGE;
            if last && let Some(seen) = self.records.uploads.get(upload.as_str())? {
                batch.remove(&seen);
            }
            batch.commit(self.records.engine())?;
            page.iter().filter_map(|part| part.blob.as_ref()).for_each(|blob| self.let_go(blob));
            if last {
                return Ok(true);
            }
        }
    }

    /// As [`Shelves::clear_away`], where a failure is for the sweep to make good.
    pub(crate) fn try_clear_away(&self, upload: &BlobId) {
        if let Err(failed) = self.clear_away(upload) {
            let error = ApiError::from(failed);
            tracing::warn!(%upload, %error, "an upload stays until it is swept");
        }
    }

    /// Opens the parts of an object, if its upload still is there. Whoever calls looks again,
    /// after this, whether the object still names it: from then on it stays. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn open(&self, upload: &BlobId) -> Result<Option<InParts>, Failed> {
        self.pins.pin(upload);
        let pin = Pin { shelves: self.clone(), upload: upload.clone() };
        let found = self.records.uploads.get(upload.as_str())?;
        Ok(found.and_then(|seen| match seen.record {
            Upload { stage: Stage::Sealed(seal), .. } => Some(InParts { seal, pin }),
            _ => None,
        }))
    }
}

/// The row that says that `holder` names the bytes.
pub(crate) fn holder_row(id: &BlobId, holder: &str) -> String {
    format!("{id}/{holder}")
}

/// The beginning of the keys of an upload's parts.
pub(crate) fn parts_prefix(upload: &BlobId) -> String {
    format!("{upload}/")
}

/// Keeps an upload's parts from being cleared away.
struct Pin {
    shelves: Shelves,
    upload: BlobId,
}

impl Drop for Pin {
    fn drop(&mut self) {
        if self.shelves.pins.unpin(&self.upload) {
            let (shelves, upload) = (self.shelves.clone(), self.upload.clone());
            pool::spawn(async move {
                drop(pool::block(move || shelves.try_clear_away(&upload)).await);
            });
        }
    }
}

/// The bytes of an object that came in parts. They stay as long as this lives.
pub(crate) struct InParts {
    /// Which parts it consists of.
    pub(crate) seal: Seal,
    pin: Pin,
}

impl InParts {
    /// The record of a part.
    ///
    /// # Errors
    /// If the store fails or has lost the part.
    pub(crate) fn part(&self, number: u32) -> io::Result<Part> {
        let Pin { shelves, upload } = &self.pin;
        let found = shelves.records.parts.get(&part_key(upload, number));
        match found.map_err(io::Error::other)? {
            Some(seen) => Ok(seen.record),
            None => Err(io::Error::other(format!("part {number} of upload {upload} is lost"))),
        }
    }

    /// Reads the bytes from one position on.
    pub(crate) fn read_from(self, start: u64) -> PartsReader {
        PartsReader { parts: self, at: start, current: None }
    }
}

/// Reads an object's parts one after another, one file open at a time.
pub(crate) struct PartsReader {
    parts: InParts,
    /// The next byte of the object.
    at: u64,
    /// The file it is in, with how many bytes of it are left.
    current: Option<(Window, u64)>,
}

impl PartsReader {
    /// Opens the file that holds the next byte; `false` at the end of the object.
    fn open_next(&mut self) -> io::Result<bool> {
        let Some(place) = self.parts.seal.part_at(self.at) else { return Ok(false) };
        let part = self.parts.part(place.number)?;
        let blob = part.blob.filter(|_| part.size == place.size);
        let blob = blob.ok_or_else(|| {
            io::Error::other(format!(
                "part {} of upload {} is another one",
                place.number, part.upload
            ))
        })?;
        let file = self.parts.pin.shelves.files.open_blob(&blob)?;
        let skipped = self.at - place.start;
        let window = Window { file, at: skipped };
        self.current = Some((window, place.size - skipped));
        Ok(true)
    }
}

impl Read for PartsReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.current.as_ref().is_none_or(|(_, left)| *left == 0) && !self.open_next()? {
            return Ok(0);
        }
        let Some((window, left)) = &mut self.current else { return Ok(0) };
        let most = buf.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        let read = window.read(&mut buf[..most])?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a part's file is too short"));
        }
        *left -= read as u64;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;

    use common::s3::CannedAcl;
    use common::s3::Owner;
    use common::s3::checksum::{Algorithm, Checksum};
    use common::s3::objects::Attributes;
    use common::time::Timestamp;
    use store::Memory;

    use super::*;

    fn shelves(dir: &Path) -> Shelves {
        let records = Records::new(Arc::new(Memory::new()));
        let files = Arc::new(Files::open(dir).unwrap());
        Shelves { records, files, pins: Pins::default(), open: OpenUploads::default() }
    }

    /// Puts an upload with parts of these bytes among the records, and their files on disk.
    fn upload(shelves: &Shelves, parts: &[&[u8]], stage: Stage) -> BlobId {
        let records = &shelves.records;
        let begun = Timestamp::from_millis(1);
        let id = BlobId::at(begun).unwrap();
        let upload = Upload {
            id: id.clone(),
            bucket: "buck".parse().unwrap(),
            key: "key".parse().unwrap(),
            owner: Owner { account: "111111111111".parse().unwrap(), alias: "a".into() },
            acl: CannedAcl::Private,
            checksum: None,
            attributes: Attributes::default(),
            begun,
            parts: 0,
            bytes: 0,
            stage,
        };
        let mut batch = Batch::new();
        let row = by_key_row(&upload.bucket, "key", id.as_str());
        batch.insert(&upload).unwrap().point(&records.upload_by_key, &row, "");
        for (number, bytes) in (1..).zip(parts) {
            let blob = BlobId::random().unwrap();
            let mut file = shelves.files.create(&blob).unwrap();
            file.write_all(bytes).unwrap();
            shelves.files.land(&blob, &file).unwrap();
            let holder = holder_row(&blob, &part_holder(&id, number));
            let part = Part {
                upload: id.clone(),
                number,
                size: bytes.len() as u64,
                etag: String::new(),
                blob: Some(blob),
                checksum: Checksum::full(Algorithm::Crc32, vec![0; 4]),
                modified: begun,
            };
            batch.insert(&part).unwrap().point(&records.object_by_blob, &holder, "");
        }
        batch.commit(records.engine()).unwrap();
        id
    }

    fn seal(sizes: &[u64]) -> Stage {
        let mut seal = Seal::default();
        (1..).zip(sizes).for_each(|(number, size)| seal.push(number, *size));
        Stage::Sealed(seal)
    }

    fn files(shelves: &Shelves) -> usize {
        (0..=255).map(|shelf| shelves.files.on_shelf(shelf).unwrap().len()).sum()
    }

    fn rows(shelves: &Shelves) -> usize {
        let engine = shelves.records.engine();
        engine.scan("", store::After::Start, 9999).unwrap().len()
    }

    #[test]
    fn what_is_given_up_goes_with_all_its_rows_and_files() {
        let dir = tempfile::tempdir().unwrap();
        let shelves = shelves(dir.path());
        let many = vec![&b"part"[..]; PAGE + 3];
        let id = upload(&shelves, &many, Stage::Open);
        shelves.count_open().unwrap();
        assert_eq!((shelves.open.count(), files(&shelves)), (1, PAGE + 3));
        assert!(shelves.give_up(&id).unwrap());
        assert!(!shelves.give_up(&id).unwrap());
        assert_eq!((shelves.open.count(), files(&shelves), rows(&shelves)), (0, 0, 0));
    }

    #[test]
    fn clearing_away_goes_on_where_it_was_interrupted() {
        let dir = tempfile::tempdir().unwrap();
        let shelves = shelves(dir.path());
        let id = upload(&shelves, &[b"a", b"b", b"c"], Stage::Over);
        // The commit of a page, and then the end.
        let mut batch = Batch::new();
        let first = shelves.records.parts.get(&part_key(&id, 1)).unwrap().unwrap();
        shelves.remove_part(&mut batch, &first);
        batch.commit(shelves.records.engine()).unwrap();
        assert!(!shelves.is_named(first.blob.as_ref().unwrap()).unwrap(), "swept as a file");
        assert!(shelves.clear_away(&id).unwrap());
        assert_eq!(files(&shelves), 1);
        assert!(shelves.clear_away(&id).unwrap(), "nothing is left to do");
    }

    #[test]
    fn a_file_that_another_names_stays() {
        let dir = tempfile::tempdir().unwrap();
        let shelves = shelves(dir.path());
        let id = upload(&shelves, &[b"a", b"b"], Stage::Over);
        let part = shelves.records.parts.get(&part_key(&id, 2)).unwrap().unwrap();
        let mut batch = Batch::new();
        let row = holder_row(part.blob.as_ref().unwrap(), "buck/other");
        batch.point(&shelves.records.object_by_blob, &row, "");
        batch.commit(shelves.records.engine()).unwrap();
        shelves.clear_away(&id).unwrap();
        assert_eq!(files(&shelves), 1);
        assert!(shelves.files.open_blob(part.blob.as_ref().unwrap()).is_ok());
    }

    #[tokio::test]
    async fn parts_are_read_as_one_and_wait_for_their_reader() {
        let dir = tempfile::tempdir().unwrap();
        let shelves = shelves(dir.path());
        let id = upload(&shelves, &[b"abc", b"defgh", b""], seal(&[3, 5, 0]));
        for start in 0..=9 {
            let mut got = String::new();
            let parts = shelves.open(&id).unwrap().unwrap();
            parts.read_from(start).read_to_string(&mut got).unwrap();
            let start = usize::try_from(start).unwrap();
            assert_eq!(got, "abcdefgh".get(start..).unwrap_or_default(), "{start}");
        }
        let reading = shelves.open(&id).unwrap().unwrap();
        assert!(!shelves.clear_away(&id).unwrap());
        assert_eq!(files(&shelves), 3);
        drop(reading);
        while files(&shelves) > 0 {
            tokio::task::yield_now().await;
        }
        assert!(shelves.open(&id).unwrap().is_none());
    }

    #[test]
    fn a_part_that_is_another_one_is_not_sent() {
        let dir = tempfile::tempdir().unwrap();
        let shelves = shelves(dir.path());
        let id = upload(&shelves, &[b"abc", b"de"], seal(&[3, 3]));
        let mut got = Vec::new();
        let mut reading = shelves.open(&id).unwrap().unwrap().read_from(0);
        assert!(reading.read_to_end(&mut got).is_err());
        assert_eq!(got, b"abc");
    }
}
