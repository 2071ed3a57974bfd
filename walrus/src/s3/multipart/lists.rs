//! ListParts and ListMultipartUploads.

use common::error::ApiError;
use common::s3::multipart::lists::{
    ListMultipartUploads, ListParts, ListedPart, ListedUpload, PartList, UploadList,
};
use runtime::http::Response;
use runtime::pool;
use store::{After, IndexRow};

use super::super::access::{demand, may_write};
use super::super::objects::Objects;
use super::super::service::{Operate, Scene};
use super::named;
use crate::parts::parts_prefix;
use crate::records::{Failed, Records};
use crate::upload::{Upload, by_key, by_key_row, part_key};

/// Index rows that are read at once.
const BATCH: usize = 64;

impl Operate for ListParts {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let list = pool::block(move || {
            let records = &state.content.records;
            named::admit(records, caller.as_ref(), &self.upload)?;
            parts(records, self)
        });
        Ok(Response::text(200, "application/xml", list.await??.to_xml()))
    }
}

/// Reads a page of parts. Blocks.
fn parts(records: &Records, asked: ListParts) -> Result<PartList, Failed> {
    let upload = named::open(records, &asked.upload)?;
    // A marker beyond every part's number has nothing behind it.
    let marker = u32::try_from(asked.marker).unwrap_or(u32::MAX).min(99_999);
    let after = part_key(&upload.id, marker);
    let prefix = parts_prefix(&upload.id);
    let mut page = records.parts.scan(&prefix, after.as_str(), asked.max_parts + 1)?;
    let truncated = asked.max_parts > 0 && page.len() > asked.max_parts;
    page.truncate(asked.max_parts);
    let wanted = named::wanted(&upload);
    let parts = page.into_iter().map(|part| {
        let part = part.record;
        ListedPart {
            number: part.number,
            modified: part.modified,
            etag: part.etag,
            size: part.size,
            checksum: wanted.map(|_| part.checksum),
        }
    });
    let parts = parts.collect();
    Ok(PartList { request: asked, owner: upload.record.owner, wanted, parts, truncated })
}

impl Operate for ListMultipartUploads {
    type State = Objects;

    async fn operate(self, scene: Scene<Objects>) -> Result<Response, ApiError> {
        let (caller, state) = (scene.caller.clone(), scene.state());
        let list = pool::block(move || {
            let records = &state.content.records;
            let bucket = records.bucket(&self.bucket)?;
            demand(may_write(caller.as_ref(), &bucket))?;
            uploads(records, self)
        });
        Ok(Response::text(200, "application/xml", list.await??.to_xml()))
    }
}

/// Where the scan goes on.
enum Position {
    Start,
    Behind(String),
    Past(String),
}

/// Reads a page of uploads. Blocks.
fn uploads(records: &Records, asked: ListMultipartUploads) -> Result<UploadList, Failed> {
    let bucket = asked.bucket.clone();
    let prefix = by_key(&bucket, &asked.prefix);
    let mut position = match (asked.key_marker.as_str(), asked.id_marker.as_str()) {
        ("", _) => Position::Start,
        (key, "") => Position::Past(format!("{}\0", by_key(&bucket, key))),
        (key, id) => Position::Behind(by_key_row(&bucket, key, id)),
    };
    let mut page = Page::new(asked);
    if page.list.request.max_uploads == 0 {
        return Ok(page.list);
    }
    loop {
        let after = match &position {
            Position::Start => After::Start,
            Position::Behind(row) => After::Key(row),
            Position::Past(prefix) => After::Prefix(prefix),
        };
        let rows = records.upload_by_key.scan(&prefix, after, BATCH)?;
        let last = rows.len() < BATCH;
        let end = rows.last().map(|row| row.key.clone());
        let mut jump = None::<String>;
        for row in rows {
            if jump.as_ref().is_some_and(|skipped| row.key.starts_with(skipped)) {
                continue;
            }
            jump = None;
            let Some(upload) = named_by(records, &row)? else { continue };
            match page.take(upload) {
                Taken::Upload => {}
                Taken::Prefix(common) => jump = Some(by_key(&bucket, &common)),
                Taken::Full => return Ok(page.list),
            }
        }
        if last {
            page.list.next = None;
            return Ok(page.list);
        }
        position = match (jump, end) {
            (Some(skipped), _) => Position::Past(skipped),
            (None, Some(row)) => Position::Behind(row),
            (None, None) => return Ok(page.list),
        };
    }
}

/// The upload of an index row; none if it has ended since.
fn named_by(records: &Records, row: &IndexRow) -> Result<Option<Upload>, Failed> {
    let id = row.key.rsplit_once('\0').map_or("", |(_, id)| id);
    Ok(records.uploads.get(id)?.map(|seen| seen.record))
}

enum Taken {
    /// It is an entry.
    Upload,
    /// It belongs to this common prefix.
    Prefix(String),
    /// The page was full before it.
    Full,
}

/// A page that is being filled.
struct Page {
    list: UploadList,
    entries: usize,
}

impl Page {
    fn new(request: ListMultipartUploads) -> Self {
        let list =
            UploadList { request, uploads: Vec::new(), common_prefixes: Vec::new(), next: None };
        Self { list, entries: 0 }
    }

    fn take(&mut self, upload: Upload) -> Taken {
        let asked = &self.list.request;
        let key = upload.key.as_str();
        let common = asked.delimiter.as_deref().and_then(|delimiter| {
            let at = key.get(asked.prefix.len()..)?.find(delimiter)?;
            key.get(..asked.prefix.len() + at + delimiter.len()).map(str::to_owned)
        });
        let full = self.entries >= asked.max_uploads;
        if let Some(common) = common {
            // A page that ended with this prefix named it as its marker: it was shown there.
            if common <= asked.key_marker {
                return Taken::Prefix(common);
            }
            if full {
                return Taken::Full;
            }
            self.list.next = Some((common.clone(), String::new()));
            self.list.common_prefixes.push(common.clone());
            self.entries += 1;
            return Taken::Prefix(common);
        }
        if full {
            return Taken::Full;
        }
        self.list.next = Some((key.to_owned(), upload.id.to_string()));
        self.list.uploads.push(ListedUpload {
            key: key.to_owned(),
            id: upload.id.to_string(),
            wanted: named::wanted(&upload),
            owner: upload.owner,
            begun: upload.begun,
        });
        self.entries += 1;
        Taken::Upload
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::s3::objects::Attributes;
    use common::s3::{CannedAcl, Owner};
    use common::time::Timestamp;
    use store::{Batch, Memory};

    use super::*;
    use crate::blob::files::BlobId;
    use crate::upload::Stage;

    fn records(keys: &[&str]) -> Records {
        let records = Records::new(Arc::new(Memory::new()));
        for (millis, key) in (1..).zip(keys) {
            for bucket in ["buck", "bucket"] {
                let begun = Timestamp::from_millis(millis);
                let upload = Upload {
                    id: BlobId::at(begun).unwrap(),
                    bucket: bucket.parse().unwrap(),
                    key: key.parse().unwrap(),
                    owner: Owner { account: "111111111111".parse().unwrap(), alias: "a".into() },
                    acl: CannedAcl::Private,
                    checksum: None,
                    attributes: Attributes::default(),
                    begun,
                    parts: 0,
                    bytes: 0,
                    stage: Stage::Open,
                };
                let row = by_key_row(&upload.bucket, key, upload.id.as_str());
                let mut batch = Batch::new();
                batch.insert(&upload).unwrap().point(&records.upload_by_key, &row, "");
                batch.commit(records.uploads.engine().as_ref()).unwrap();
            }
        }
        records
    }

    fn request(prefix: &str, delimiter: &str, max_uploads: usize) -> ListMultipartUploads {
        ListMultipartUploads {
            bucket: "buck".parse().unwrap(),
            prefix: prefix.into(),
            delimiter: Some(delimiter.to_owned()).filter(|text| !text.is_empty()),
            key_marker: String::new(),
            id_marker: String::new(),
            max_uploads,
            url_encoding: false,
        }
    }

    /// All pages of a listing: keys in their order, then prefixes marked by a `*`.
    fn walk(records: &Records, mut asked: ListMultipartUploads) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let page = uploads(records, asked.clone()).unwrap();
            let keys = page.uploads.iter().map(|upload| upload.key.clone());
            let prefixes = page.common_prefixes.iter().map(|prefix| format!("{prefix}*"));
            pages.push(keys.chain(prefixes).collect());
            match page.next {
                Some((key, id)) => (asked.key_marker, asked.id_marker) = (key, id),
                None => return pages,
            }
        }
    }

    #[test]
    fn uploads_come_by_key_and_then_by_time() {
        let records = records(&["b", "a", "b", "a/1", "a\0", "b"]);
        let all = uploads(&records, request("", "", 100)).unwrap().uploads;
        let seen: Vec<_> =
            all.iter().map(|one| (one.key.as_str(), one.begun.as_millis())).collect();
        assert_eq!(seen, [("a", 2), ("a\0", 5), ("a/1", 4), ("b", 1), ("b", 3), ("b", 6)]);
        for max in 1..7 {
            let pages = walk(&records, request("", "", max));
            assert_eq!(pages.concat(), ["a", "a\0", "a/1", "b", "b", "b"], "{max}");
        }
        let mut behind = request("", "", 100);
        behind.key_marker = "a".into();
        assert_eq!(walk(&records, behind), [["a\0", "a/1", "b", "b", "b"]]);
        assert!(uploads(&records, request("", "", 0)).unwrap().uploads.is_empty());
    }

    #[test]
    fn common_prefixes_are_one_entry() {
        let keys: Vec<String> = (0..200).map(|n| format!("d/{n:03}")).collect();
        let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        keys.extend(["c", "d/e/f", "e", "f/1", "f/2"]);
        let records = records(&keys);
        assert_eq!(walk(&records, request("", "/", 100)), [["c", "e", "d/*", "f/*"]]);
        let pages = walk(&records, request("", "/", 1));
        assert_eq!(pages, [["c"], ["d/*"], ["e"], ["f/*"]]);
        assert_eq!(walk(&records, request("d/", "/", 1000)).concat().len(), 201);
        assert_eq!(walk(&records, request("f/", "", 1000)), [["f/1", "f/2"]]);
    }
}
