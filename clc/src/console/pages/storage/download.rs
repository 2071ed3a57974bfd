//! An object, as it comes from walrus, to be kept.

use common::error::ApiError;
use runtime::http::Payload;

use super::places::name_of;
use crate::console::reply::{Answer, Reply, Stream};
use crate::console::s3::Ask;
use crate::console::visit::Visit;

/// What a browser asks with that goes on with a download, or has it already.
const ASKED: [&str; 4] = ["range", "if-range", "if-none-match", "if-modified-since"];
/// What is told of the bytes.
const TOLD: [&str; 4] = ["etag", "last-modified", "accept-ranges", "content-range"];

/// The object, or the range of it that is asked for.
pub(crate) async fn get(visit: Visit) -> Result<Reply, ApiError> {
    let (bucket, key) = (visit.part(0), visit.query.get("key"));
    // Whoever asks for the head alone starts no bytes.
    let method = if visit.head.method == "HEAD" { "HEAD" } else { "GET" };
    let mut ask = Ask::new(method, bucket).key(key).taking();
    for name in ASKED {
        if let Some(value) = visit.head.header(name) {
            ask = ask.saying(name, value);
        }
    }
    let answered = visit.s3(ask).await?;
    let headers = TOLD.into_iter().filter_map(|name| {
        answered.headers.text(name).map(|value| (name.to_owned(), value.to_owned()))
    });
    let (status, headers) = (answered.status, headers.collect());
    let payload = match status {
        304 => Payload::Empty,
        _ => answered.payload()?,
    };
    let name = name_of(key).to_owned();
    Ok(Answer::Stream(Box::new(Stream { status, name, headers, payload })).into())
}
