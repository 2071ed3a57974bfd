//! What the uploader's script asks for: small questions of S3, answered as JSON; and the bytes of parts,
//! which stream through. And the form for those without a script.

use common::error::{ApiError, ErrorCode};
use common::sign::percent_encode;
use runtime::exchange::Sending;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::places::of_field;
use crate::console::components::{refusal_text, status};
use crate::console::incoming::Brought;
use crate::console::reply::{Answer, Reply};
use crate::console::s3::{Ask, answers};
use crate::console::visit::Visit;

/// The largest number of bytes of one request of the script.
const PIECE: u64 = 1 << 30;
/// How many open uploads of one name are looked through.
const OPEN: usize = 20;
/// The most parts that an upload can have.
const MOST: usize = 10_000;

/// An answer to the script: what was asked for, or why not and whether trying again may help.
pub(in crate::console::pages) fn json<T: Serialize>(
    visit: &Visit,
    answer: Result<T, ApiError>,
) -> Result<Reply, ApiError> {
    #[derive(Serialize)]
    struct Refused<'a> {
        code: &'a str,
        text: String,
        again: bool,
    }
    let written = match &answer {
        Ok(answer) => (200, serde_json::to_string(answer)),
        Err(error) => {
            let (code, again) = (error.code().wire(), error.code().retryable());
            let again = again || error.code() == ErrorCode::BadDigest;
            let text = refusal_text(visit.words, error).0;
            (status(error), serde_json::to_string(&Refused { code, text, again }))
        }
    };
    let text = written.1.map_err(|error| ApiError::internal("It cannot be told", error))?;
    Ok(Answer::Json { status: written.0, text }.into())
}

/// An open upload, as the script needs it.
#[derive(Serialize)]
struct Open {
    id: String,
    sha256: bool,
}

/// The open uploads of a key that one could go on with, the newest first.
pub(crate) async fn open(visit: Visit) -> Result<Reply, ApiError> {
    let (bucket, key) = (visit.query.get("bucket"), visit.query.get("key"));
    let found = async {
        let ask = Ask::new("GET", bucket)
            .with("uploads", "")
            .with("prefix", key)
            .with("max-uploads", "1000")
            .with("encoding-type", "url");
        let document = visit.s3_document(ask, "ListMultipartUploadsResult").await?;
        let (mut all, _) = answers::uploads(&document);
        all.retain(|it| it.key == key && it.sha256);
        all.sort_by_key(|it| std::cmp::Reverse(it.begun));
        all.truncate(OPEN);
        Ok(all.into_iter().map(|it| Open { id: it.id, sha256: it.sha256 }).collect::<Vec<_>>())
    };
    let found = found.await;
    json(&visit, found)
}

/// A part that is there, as the script needs it.
#[derive(Serialize)]
struct Part {
    number: u32,
    size: u64,
    sha256: Option<String>,
}

/// A page of the parts that are there.
#[derive(Serialize)]
struct Parts {
    parts: Vec<Part>,
    next: Option<u32>,
}

async fn listed(
    visit: &Visit,
    (bucket, key, upload): (&str, &str, &str),
    after: u32,
) -> Result<(Vec<answers::Part>, Option<u32>), ApiError> {
    let ask = Ask::new("GET", bucket)
        .key(key)
        .with("uploadId", upload)
        .with("part-number-marker", after.to_string())
        .with("encoding-type", "url");
    Ok(answers::parts(&visit.s3_document(ask, "ListPartsResult").await?))
}

/// The parts of an open upload that are there.
pub(crate) async fn parts(visit: Visit) -> Result<Reply, ApiError> {
    let said = |name: &str| visit.query.get(name);
    let after = said("after").parse().unwrap_or(0);
    let found = listed(&visit, (said("bucket"), said("key"), said("upload")), after).await;
    let found = found.map(|(parts, next)| {
        let part = |it: answers::Part| Part { number: it.number, size: it.size, sha256: it.sha256 };
        Parts { parts: parts.into_iter().map(part).collect(), next }
    });
    json(&visit, found)
}

/// The type that an object is kept with: what the browser says, if it can stand in a header.
fn kind(said: &str) -> String {
    let plain = said.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let said = said.trim();
    if plain && said.contains('/') && said.len() <= 200 {
        return said.to_owned();
    }
    "application/octet-stream".to_owned()
}

/// Begins an upload in parts.
pub(crate) async fn begin(visit: Visit) -> Result<Reply, ApiError> {
    let said = |name: &str| visit.form.get(name);
    let ask = Ask::new("POST", said("bucket"))
        .key(said("key"))
        .with("uploads", "")
        .saying("content-type", kind(said("type")))
        .saying("x-amz-checksum-algorithm", "SHA256");
    let begun = visit.s3_document(ask, "InitiateMultipartUploadResult").await;
    let begun = begun.map(|it| Open { id: answers::begun(&it), sha256: true });
    json(&visit, begun)
}

/// Sends bytes on, with the digest that the browser says they have.
fn sent(visit: &Visit, ask: Ask, brought: Brought) -> Ask {
    let ask = match visit.head.header("x-part-sha256") {
        Some(sha256) => ask.saying("x-amz-checksum-sha256", sha256),
        None => ask,
    };
    ask.sending(Sending::Stream(brought.length, brought.body))
}

/// Takes the bytes of the script's request, if they are not too many for one.
fn piece(visit: &Visit) -> Result<Brought, ApiError> {
    let brought = visit.take()?;
    match brought.length > PIECE {
        true => {
            let text = format!("A request has at most {PIECE} bytes: send parts");
            Err(ApiError::new(ErrorCode::EntityTooLarge, text))
        }
        false => Ok(brought),
    }
}

/// Nothing but that it was done.
#[derive(Serialize)]
pub(in crate::console::pages) struct Done {}

/// A part of an upload.
pub(crate) async fn part(visit: Visit) -> Result<Reply, ApiError> {
    let said = |name: &str| visit.query.get(name);
    let done = async {
        let ask = Ask::new("PUT", said("bucket"))
            .key(said("key"))
            .with("uploadId", said("upload"))
            .with("partNumber", said("number"));
        visit.s3(sent(&visit, ask, piece(&visit)?)).await.map(|_| Done {})
    };
    let done = done.await;
    json(&visit, done)
}

/// A small file, at once.
pub(crate) async fn whole(visit: Visit) -> Result<Reply, ApiError> {
    let said = |name: &str| visit.query.get(name);
    let done = async {
        let brought = piece(&visit)?;
        let ask = Ask::new("PUT", said("bucket"))
            .key(said("key"))
            .saying("content-type", kind(&brought.content_type));
        visit.s3(sent(&visit, ask, brought)).await.map(|_| Done {})
    };
    let done = done.await;
    json(&visit, done)
}

/// Puts the parts together, if they are all there. Whoever repeats it because the answer was lost finds
/// that it is done.
pub(crate) async fn finish(visit: Visit) -> Result<Reply, ApiError> {
    let done = match finished(&visit).await {
        Err(error) if error.code() == ErrorCode::NoSuchUpload => {
            if is_there(&visit).await {
                Ok(Done {})
            } else {
                Err(error)
            }
        }
        other => other.map(|()| Done {}),
    };
    json(&visit, done)
}

/// Whether the object is there that the parts of the script's file make, by its checksum.
async fn is_there(visit: &Visit) -> bool {
    let said = |name: &str| visit.form.get(name);
    if said("sum").is_empty() {
        return false;
    }
    let ask = Ask::new("HEAD", said("bucket")).key(said("key"));
    let Ok(head) = visit.s3(ask.saying("x-amz-checksum-mode", "ENABLED")).await else {
        return false;
    };
    let sum = head.headers.text("x-amz-checksum-sha256").unwrap_or_default();
    let same = sum.rsplit_once('-').is_some_and(|(sum, _)| sum == said("sum"));
    same && head.headers.text("content-length") == Some(said("size"))
}

/// The parts of which a file of that size consists: the first ones, without a gap. Those behind them are
/// of another file that was begun under the name. `sum` is what S3 makes of the digests of parts, made of
/// the file's own: what somebody else has sent meanwhile to the same upload does not become a part of it.
fn joined(all: Vec<answers::Part>, size: u64, sum: &str) -> Result<Vec<answers::Part>, ApiError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let (mut left, mut parts, mut digests) = (size, Vec::new(), Sha256::new());
    for (part, number) in all.into_iter().zip(1..) {
        if left == 0 || part.number != number || part.size > left {
            break;
        }
        left -= part.size;
        let sha256 = part.sha256.as_ref().and_then(|text| STANDARD.decode(text).ok());
        digests.update(sha256.unwrap_or_default());
        parts.push(part);
    }
    if left > 0 || parts.is_empty() {
        let text = "Parts of the upload are missing: choose the file once more";
        return Err(ApiError::new(ErrorCode::InvalidPart, text));
    }
    if !sum.is_empty() && STANDARD.encode(digests.finalize()) != sum {
        let text = "Parts of the upload are another file's: go on, and they are sent again";
        return Err(ApiError::new(ErrorCode::InvalidPart, text));
    }
    Ok(parts)
}

async fn finished(visit: &Visit) -> Result<(), ApiError> {
    let said = |name: &str| visit.form.get(name);
    let (bucket, key, upload) = (said("bucket"), said("key"), said("upload"));
    let size: u64 = said("size").parse().map_err(|_| ApiError::missing("size"))?;
    let (mut all, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let (parts, next) = listed(visit, (bucket, key, upload), from).await?;
        all.extend(parts);
        after = next.filter(|next| *next > from && all.len() < MOST);
    }
    let all = joined(all, size, said("sum"))?;
    let document = common::s3::xml::Writer::document("CompleteMultipartUpload", |to| {
        for part in &all {
            to.element("Part", |to| {
                to.leaf("PartNumber", &part.number.to_string());
                to.leaf("ETag", &part.etag);
                if let Some(sha256) = &part.sha256 {
                    to.leaf("ChecksumSHA256", sha256);
                }
            });
        }
    });
    let ask = Ask::new("POST", bucket)
        .key(key)
        .with("uploadId", upload)
        .saying("x-amz-mp-object-size", size.to_string())
        .document(document);
    visit.s3_document(ask, "CompleteMultipartUploadResult").await.map(|_| ())
}

/// Gives an upload up: the script, which goes on, or somebody at the list of them.
pub(crate) async fn abort(visit: Visit) -> Result<Reply, ApiError> {
    let said = |name: &str| visit.form.get(name);
    let ask = Ask::new("DELETE", said("bucket")).key(&of_field(said("key")));
    let ask = ask.with("uploadId", said("upload"));
    visit.s3(ask).await?;
    Ok(Reply::see(format!("/buckets/{}/uploads?done=aborted", percent_encode(said("bucket")))))
}

/// The file of a form, for those without a script.
pub(crate) async fn form(visit: Visit) -> Result<Reply, ApiError> {
    let brought = visit.take()?;
    let (said, prefix) = (visit.query.get("key"), visit.query.get("prefix"));
    // Some browsers say the whole path where it lay.
    let name = brought.name.rsplit(['/', '\\']).next().unwrap_or_default();
    // Without one it would be the folder itself.
    if said.is_empty() && name.is_empty() {
        return Err(ApiError::missing("file"));
    }
    let key = if said.is_empty() { format!("{prefix}{name}") } else { said.to_owned() };
    let ask = Ask::new("PUT", visit.part(0))
        .key(&key)
        .saying("content-type", kind(&brought.content_type))
        .sending(Sending::Stream(brought.length, brought.body));
    visit.s3(ask).await?;
    match visit.query.get("after") {
        "" => Ok(Reply::see(format!("/buckets/{}/objects", percent_encode(visit.part(0))))),
        after => Ok(Reply::see(after)),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn part(number: u32, size: u64, of: &str) -> answers::Part {
        let sha256 = Some(STANDARD.encode(Sha256::digest(of)));
        answers::Part { number, size, etag: format!("\"{of}\""), sha256 }
    }

    fn sum(parts: &[&str]) -> String {
        let all: Vec<u8> = parts.iter().flat_map(Sha256::digest).collect();
        STANDARD.encode(Sha256::digest(all))
    }

    #[test]
    fn a_file_is_made_of_its_own_parts_and_of_no_others() {
        let all = || vec![part(1, 5, "a"), part(2, 5, "b"), part(3, 2, "c")];
        let etags = |parts: Vec<answers::Part>| -> Vec<String> {
            parts.into_iter().map(|it| it.etag).collect()
        };
        let whole = joined(all(), 12, &sum(&["a", "b", "c"])).unwrap();
        assert_eq!(etags(whole), ["\"a\"", "\"b\"", "\"c\""]);
        // A shorter file that begins in the same way: what lies behind is left out.
        assert_eq!(joined(all(), 10, &sum(&["a", "b"])).unwrap().len(), 2);
        assert_eq!(joined(all(), 10, "").unwrap().len(), 2);
        // Somebody else has sent another second part meanwhile.
        let error = joined(all(), 12, &sum(&["a", "x", "c"])).unwrap_err();
        assert!(error.text().contains("another file's"), "{error}");
        let gap = vec![part(1, 5, "a"), part(3, 5, "b")];
        for (parts, size) in [(all(), 13), (all(), 11), (gap, 10), (vec![], 0), (vec![], 1)] {
            let error = joined(parts, size, "").unwrap_err();
            assert!(error.text().contains("missing"), "{error}");
        }
    }
}
