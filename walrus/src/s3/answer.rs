//! The head of an answer that reads an object: whether its bytes are sent at all, which of them,
//! and what is told with them.

use common::error::{ApiError, ErrorCode};
use common::s3::conditions::{Verdict, failed, range_is_wanted};
use common::s3::objects::GetObject;
use runtime::http::Response;

use crate::blob::range::Span;
use crate::content::{Bytes, Opened};
use crate::records::Object;

/// What is told of an object to whoever has it already, as RFC 9110 §15.4.5 lists it.
const KNOWN: [&str; 4] = ["etag", "last-modified", "cache-control", "expires"];

/// Which bytes of the object are asked for, and the answer without them; no bytes if the reader
/// has them already.
///
/// # Errors
/// `PreconditionFailed`, `InvalidRange`, `InvalidPartNumber`, or `InvalidRequest` if nobody asks for other headers than
/// those that are kept.
pub(crate) fn head(
    asked: &GetObject,
    signed: bool,
    opened: &Opened,
) -> Result<(Option<Span>, Response), ApiError> {
    let object = &opened.object;
    if !signed && !asked.overrides.is_empty() {
        let text = "Request specific response headers cannot be used for anonymous GET requests";
        return Err(ApiError::new(ErrorCode::InvalidRequest, text));
    }
    let verdict = asked.conditions.verdict(&object.etag, object.modified);
    if let Verdict::Fails(condition) = verdict {
        return Err(failed(condition));
    }
    let mut headers = vec![
        ("etag".to_owned(), format!("\"{}\"", object.etag)),
        ("last-modified".to_owned(), object.modified.http_date()),
        ("accept-ranges".to_owned(), "bytes".to_owned()),
    ];
    headers.extend(object.attributes.to_headers());
    asked.overrides.apply(&mut headers);
    if let Verdict::Known(_) = verdict {
        headers.retain(|(name, _)| KNOWN.contains(&name.as_str()));
        return Ok((None, Response { headers, ..Response::empty(304) }));
    }
    let span = match asked.part {
        None => span(asked, object)?,
        Some(number) => opened.part(number)?,
    };
    let (status, content_range) = span.head(object.size);
    headers.extend(content_range.map(|range| ("content-range".to_owned(), range)));
    if let Some(number) = asked.part {
        headers.extend(of_part(asked, opened, number)?);
    } else if asked.checksum && span == Span::Whole {
        // A checksum of the whole says nothing of a range.
        headers.extend(object.checksum.iter().flat_map(|checksum| checksum.to_headers()));
    }
    Ok((Some(span), Response { headers, ..Response::empty(status) }))
}

/// What is told of a part: how many there are, and its checksum.
fn of_part(
    asked: &GetObject,
    opened: &Opened,
    number: u32,
) -> Result<Vec<(String, String)>, ApiError> {
    let (Some(parts), Bytes::Parts(bytes)) = (&opened.object.parts, &opened.bytes) else {
        return Ok(Vec::new());
    };
    let mut headers = vec![("x-amz-mp-parts-count".to_owned(), parts.count.to_string())];
    if asked.checksum {
        let part = bytes.part(number);
        let part = part.map_err(|error| ApiError::internal("The part cannot be read", error))?;
        headers.push((part.checksum.algorithm.header().to_owned(), part.checksum.text()));
    }
    Ok(headers)
}

/// The range that is asked for, if it is one of this version.
fn span(asked: &GetObject, object: &Object) -> Result<Span, ApiError> {
    let wanted = asked
        .if_range
        .as_deref()
        .is_none_or(|known| range_is_wanted(known, &object.etag, object.modified));
    let range = asked.range.as_deref().filter(|_| wanted);
    let span = Span::of(range, object.size);
    if span == Span::Beyond {
        let text = format!("The requested range is not satisfiable of {} bytes", object.size);
        return Err(ApiError::new(ErrorCode::InvalidRange, text)
            .showing("RangeRequested", range.unwrap_or_default())
            .showing("ActualObjectSize", object.size.to_string()));
    }
    Ok(span)
}
