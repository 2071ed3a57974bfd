//! Uploading a disk: what it shall be called is asked first, then the file goes into a bucket of the user's
//! own, in parts that go on where they broke off, and becomes an image from there.
//!
//! ```text
//!   /images/upload ──name, bucket…──▶ /images/upload/file ──the file──▶ /images/import ──▶ /images/imports
//!         └── what was begun and never came to its end ──▶ to be gone on with
//! ```
//! What was asked for travels in the address: nothing is remembered here, and an upload goes on in another
//! browser.

use std::collections::BTreeSet;

use common::ec2::images::{DescribeImages, Image};
use common::ec2::import_image::DescribeImportImageTasks;
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use common::s3::BucketName;
use common::sign::{percent_encode, write_query};
use common::wire::foreign::{SIGHT, foreign};
use common::wire::walrus::DescribeCache;
use futures_util::future::join_all;
use maud::{Markup, html};

use super::import::{Wish, fields};
use super::register::{beside, usable};
use super::shown::{DISK_END as END, DISK_FOLDER as FOLDER, bytes, name_of};
use crate::console::components::{Field, field, form, moment, refusal, status, told_beside};
use crate::console::pages::storage::upload::{Done, json};
use crate::console::reply::Reply;
use crate::console::s3::{Ask, answers};
use crate::console::texts::images as say;
use crate::console::uploader::{Uploader, uploader};
use crate::console::visit::Visit;
use crate::ec2::register::{check_description, check_name};
use crate::random;

/// The key of a disk of that name.
fn key(name: &str) -> String {
    format!("{FOLDER}{name}{END}")
}

/// The bucket that is offered.
fn own_bucket(visit: &Visit) -> Result<String, ApiError> {
    Ok(format!("disks-{}", visit.viewer()?.caller.account))
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    page(&visit, None).await
}

/// Sees to the name and the bucket, and leads on to the file.
pub(crate) async fn begin(visit: Visit) -> Result<Reply, ApiError> {
    let wish = Wish::of(&visit.form);
    let ready = async {
        check_name(&wish.name)?;
        check_description(Some(&wish.description))?;
        let named = Filter { name: "name".to_owned(), value: vec![escaped(&wish.name)] };
        let own = vec!["self".to_owned()];
        let ask = DescribeImages { owner: own, filter: vec![named], ..DescribeImages::default() };
        if !visit.call(ask).await?.images_set.item.is_empty() {
            let text = format!("The name '{}' is in use by another of your images", wish.name);
            return Err(ApiError::new(ErrorCode::InvalidAmiNameDuplicate, text));
        }
        let bucket: BucketName = wish.bucket.parse().map_err(|error: ApiError| {
            ApiError::new(ErrorCode::InvalidBucketName, error.text().to_owned())
        })?;
        // Bytes are read only where they may be written.
        let look = Ask::new("GET", bucket.as_str()).with("uploads", "").with("max-uploads", "1");
        match visit.s3(look).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == ErrorCode::NoSuchBucket => {
                visit.s3(Ask::new("PUT", bucket.as_str())).await.map(drop)
            }
            Err(error) => Err(error),
        }
    };
    match ready.await {
        Ok(()) => Ok(Reply::see(format!("/images/upload/file?{}", wish.query()))),
        Err(error) => page(&visit, Some(&told_beside(error)?)).await,
    }
}

/// A name as a filter, in which some characters stand for others.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The page where the file is chosen.
pub(crate) async fn file(visit: Visit) -> Result<Reply, ApiError> {
    let (words, wish) = (visit.words, Wish::of(&visit.query));
    check_name(&wish.name)?;
    let _: BucketName = wish.bucket.parse()?;
    let disk = key(&wish.name);
    let token = hex::encode(random::bytes::<16>()?);
    let said = [("key", disk.as_str()), ("token", &token), ("go", "1")];
    let after = format!("/images/import?{}&{}", wish.query(), write_query(&said));
    let main = html! {
        p.links.up { a href="/images/upload" { (words.t(say::UPLOAD)) } }
        p { (words.t(say::UPLOAD_FILE_LEAD)) }
        (uploader(&visit, &Uploader {
            bucket: &wish.bucket, prefix: "", key: Some(&disk), after: &after,
            look: Some("/images/upload/look"),
            hint: words.t(say::UPLOAD_FILE_HINT),
        }))
        p.quiet { (words.t(say::UPLOAD_RESUME)) }
    };
    Ok(Reply::page(words.fill(say::UPLOAD_OF, &[("name", &wish.name)]), main))
}

/// Looks at the beginning of a file, of which an image is to be made, before all of it is sent.
pub(crate) async fn look(visit: Visit) -> Result<Reply, ApiError> {
    let looked = async {
        let head = visit.take()?.body.read(SIGHT as u64).await.map_err(|error| {
            ApiError::new(ErrorCode::InvalidParameterValue, "The request broke off").because(error)
        })?;
        let size: u64 = visit.query.get("size").parse().map_err(|_| ApiError::missing("size"))?;
        // Whoever cannot be asked how much there may be says so when it is imported.
        let cache = visit.desk.pictured.walrus.call(DescribeCache {}).await;
        let most = cache.map_or(u64::MAX, |cache| cache.limit);
        let why = foreign(&head, size).or_else(|| {
            let (has, most) = (size.div_ceil(1 << 20), most >> 20);
            (has > most).then(|| {
                format!("it has {has} MB, and the space reserved for unbundling images has {most}")
            })
        });
        match why {
            None => Ok(Done {}),
            Some(why) => {
                let name = visit.query.get("name");
                let text = format!("No image can be made of the disk {name}: {why}");
                Err(ApiError::new(ErrorCode::InvalidParameterValue, text))
            }
        }
    };
    let looked = looked.await;
    json(&visit, looked)
}

/// In how many buckets disks are looked for that are no images yet.
const LOOKED: usize = 5;

/// What was begun and has no image yet.
struct Begun {
    bucket: String,
    key: String,
    size: Option<u64>,
    at: common::time::Timestamp,
}

/// The buckets where disks may be: the one that is offered, the one that is named, and others of one's own.
async fn buckets(visit: &Visit, own: &str, named: &str) -> Vec<String> {
    let mut all = vec![own.to_owned()];
    if named != own {
        all.push(named.to_owned());
    }
    // Who may not list buckets names the one that is meant.
    if let Ok(document) = visit.s3_document(Ask::buckets(), "ListAllMyBucketsResult").await {
        let known = answers::buckets(&document).into_iter().map(|(name, _)| name);
        let others: Vec<_> = known.filter(|name| !all.contains(name)).collect();
        all.extend(others);
    }
    all.truncate(LOOKED);
    all
}

/// Uploads that were begun, and disks of which no image is being made, the newest first.
async fn unfinished(visit: &Visit, buckets: &[String]) -> Result<Vec<Begun>, ApiError> {
    let mut all = Vec::new();
    for found in join_all(buckets.iter().map(|bucket| unfinished_in(visit, bucket))).await {
        all.extend(found?);
    }
    if all.is_empty() {
        return Ok(all);
    }
    let tasks = visit.call(DescribeImportImageTasks::default()).await?.import_image_task_set.item;
    let active = tasks.iter().filter(|task| matches!(&*task.status, "active" | "deleting"));
    let disks = active.flat_map(|task| &task.snapshot_detail_set.item).map(|it| &it.user_bucket);
    let taken: BTreeSet<_> = disks.map(|it| (it.s3_bucket.as_str(), it.s3_key.as_str())).collect();
    all.retain(|it| it.size.is_none() || !taken.contains(&(it.bucket.as_str(), it.key.as_str())));
    all.sort_by_key(|it| std::cmp::Reverse(it.at));
    Ok(all)
}

/// Those in one bucket.
async fn unfinished_in(visit: &Visit, bucket: &str) -> Result<Vec<Begun>, ApiError> {
    let uploads = Ask::new("GET", bucket)
        .with("uploads", "")
        .with("prefix", FOLDER)
        .with("max-uploads", "50")
        .with("encoding-type", "url");
    let there = Ask::new("GET", bucket)
        .with("list-type", "2")
        .with("prefix", FOLDER)
        .with("max-keys", "50")
        .with("encoding-type", "url");
    let uploads = match visit.s3_document(uploads, "ListMultipartUploadsResult").await {
        Ok(document) => answers::uploads(&document).0,
        // Nothing was ever begun, or it may not be seen.
        Err(error) if error.code().status() < 500 => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let there = match visit.s3_document(there, "ListBucketResult").await {
        Ok(document) => answers::page(&document).objects,
        Err(error) if error.code().status() < 500 => Vec::new(),
        Err(error) => return Err(error),
    };
    let begun = |key, size, at| Begun { bucket: bucket.to_owned(), key, size, at };
    let uploads = uploads.into_iter().map(|it| begun(it.key, None, it.begun));
    // The folder itself is no disk.
    let there = there.into_iter().filter(|it| it.key != FOLDER);
    Ok(uploads.chain(there.map(|it| begun(it.key, Some(it.size), it.modified))).collect())
}

fn begun(visit: &Visit, all: &[Begun]) -> Markup {
    let words = visit.words;
    html! {
        @if !all.is_empty() {
            h2 { (words.t(say::UNFINISHED)) }
            p { (words.t(say::UNFINISHED_LEAD)) }
            ul.plain {
                @for it in all {
                    @let name = name_of(&it.key);
                    @let wish = Wish { name: name.to_owned(), bucket: it.bucket.clone(), ..Wish::default() };
                    li {
                        strong { (name) } " " span.quiet { (it.bucket) ", " (moment(it.at)) }
                        @match it.size {
                            Some(size) => {
                                " " (bytes(size)) " "
                                @let key = write_query(&[("key", it.key.as_str())]);
                                a href={ "/images/import?" (wish.query()) "&" (key) } {
                                    (words.t(say::IMPORT_IT)) span.unseen { " (" (name) ")" }
                                }
                                " "
                                a href={ "/buckets/" (percent_encode(&it.bucket)) "/object?" (key) } {
                                    (words.t(say::SHOW_OBJECT)) span.unseen { " (" (name) ")" }
                                }
                            }
                            None => {
                                " "
                                // What else it shall be is asked again: nothing has remembered it.
                                a href={ "/images/upload?" (wish.query()) "#new" } {
                                    (words.t(say::GO_ON)) span.unseen { " (" (name) ")" }
                                }
                                " "
                                a href={ "/buckets/" (percent_encode(&it.bucket)) "/uploads" } {
                                    (words.t(say::GIVE_UP)) span.unseen { " (" (name) ")" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn page(visit: &Visit, told: Option<&ApiError>) -> Result<Reply, ApiError> {
    let words = visit.words;
    let own = own_bucket(visit)?;
    let said = if told.is_some() { &visit.form } else { &visit.query };
    let mut wish = Wish::of(said);
    if wish.bucket.is_empty() {
        wish.bucket.clone_from(&own);
    }
    let (kernels, ramdisks): (Vec<Image>, Vec<Image>) =
        (usable(visit, "kernel").await?, usable(visit, "ramdisk").await?);
    let waiting = unfinished(visit, &buckets(visit, &own, &wish.bucket).await).await?;
    let bucket = field(
        words,
        &Field {
            name: "bucket",
            label: words.t(say::BUCKET),
            hint: words.t(say::BUCKET_HINT),
            value: &wish.bucket,
            required: true,
            ..Field::default()
        },
    );
    let place = |error: &&ApiError| super::register::place(error).is_none();
    let main = html! {
        p.links.up { a href="/images" { (words.t(say::ALL_IMAGES)) } }
        @if let Some(error) = told.filter(place) { (refusal(words, error)) }
        p { (words.t(say::UPLOAD_LEAD)) }
        p { (words.t(say::UPLOAD_FORMATS)) }
        (begun(visit, &waiting))
        h2 id="new" { (words.t(say::UPLOAD_NEW)) }
        (form(visit, "/images/upload", &html! {
            (fields(visit, &wish, (&kernels, &ramdisks), told))
            (beside(words, told, "bucket", &bucket))
            button type="submit" { (words.t(say::TO_THE_FILE)) }
        }))
    };
    Ok(Reply::page(words.t(say::UPLOAD), main).status(told.map_or(200, status)))
}
