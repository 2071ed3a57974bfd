//! Bytes that come with a request, as they come: from the script as a body of its own, or in a form behind
//! its fields.
//!
//! ```text
//!   --boundary  field  --boundary  field  --boundary  file ............  --boundary--
//!   └── read, at most 64 KiB ───────────────────────┘ └ handed on ┘└ must be the end
//! ```
//! How long the file in a form is follows from how long the whole is, because nothing may stand behind it.
//! Its last piece is handed on only when that was seen, so nothing else is ever taken for a part of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use common::error::{ApiError, ErrorCode};
use runtime::http::{Body, BodyError};
use runtime::pool;

use super::forms::{Fields, LARGEST};

/// How many bytes what describes a field of a form may take.
const HEAD: usize = 8 << 10;

/// How long all that stands before a file may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file on its way in.
#[derive(Debug)]
pub(crate) struct Brought {
    /// Its name, if it has one.
    pub(crate) name: String,
    /// Its type, as the browser sees it.
    pub(crate) content_type: String,
    /// How many bytes it has.
    pub(crate) length: u64,
    /// They.
    pub(crate) body: Body,
}

/// Where a page finds what came with its request; the first who takes it has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incoming(Arc<Mutex<Option<Brought>>>);

impl Incoming {
    /// What came.
    pub(crate) fn of(brought: Option<Brought>) -> Self {
        Self(Arc::new(Mutex::new(brought)))
    }

    /// Takes it.
    pub(crate) fn take(&self) -> Option<Brought> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The bytes of the script's request.
///
/// # Errors
/// `MissingContentLength` if it is not said how many there are.
pub(crate) fn of_body(body: Body, kind: &str) -> Result<Brought, ApiError> {
    let length = body.length().ok_or_else(|| {
        let text = "You must provide the Content-Length HTTP header";
        ApiError::new(ErrorCode::MissingContentLength, text)
    })?;
    Ok(Brought { name: String::new(), content_type: kind.to_owned(), length, body })
}

/// What stands between the fields of a form that can bear files, if a type is that of such a form.
pub(crate) fn boundary(kind: &str) -> Option<String> {
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = parameters.split(';').find_map(|it| it.trim().strip_prefix("boundary="))?;
    let named = named.trim_matches('"');
    (1..=70).contains(&named.len()).then(|| named.to_owned())
}

fn broken(why: &str) -> ApiError {
    ApiError::new(ErrorCode::MalformedPostRequest, format!("The form cannot be read: {why}"))
}

fn lost(error: &BodyError) -> ApiError {
    broken(&error.to_string())
}

/// A form as far as it has come.
struct Coming {
    body: Body,
    ahead: BytesMut,
    /// How many bytes were taken off.
    taken: u64,
}

impl Coming {
    async fn more(&mut self) -> Result<(), ApiError> {
        let piece = self.body.next().await.ok_or_else(|| broken("it ends too early"))?;
        self.ahead.extend_from_slice(&piece.map_err(|error| lost(&error))?);
        Ok(())
    }

    fn take(&mut self, count: usize) -> Bytes {
        self.taken += count as u64;
        self.ahead.split_to(count).freeze()
    }

    /// All up to a mark, which is taken off as well.
    async fn until(&mut self, mark: &[u8], most: usize) -> Result<Bytes, ApiError> {
        let mut from = 0;
        loop {
            if let Some(at) = find(&self.ahead[from..], mark) {
                let found = self.take(from + at);
                self.take(mark.len());
                return Ok(found);
            }
            // What was looked at is not looked at again, however small the pieces are.
            from = self.ahead.len().saturating_sub(mark.len() - 1);
            if self.ahead.len() > most + mark.len() {
                return Err(broken("it is too long"));
            }
            self.more().await?;
        }
    }

    async fn two(&mut self) -> Result<[u8; 2], ApiError> {
        while self.ahead.len() < 2 {
            self.more().await?;
        }
        let two = self.take(2);
        Ok([two[0], two[1]])
    }
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

/// As [`of_form`], if the fields come in time. Bytes of the file have their time behind them.
///
/// # Errors
/// As there.
pub(crate) async fn of_form_in_time(
    body: Body,
    boundary: &str,
) -> Result<(Fields, Option<Brought>), ApiError> {
    let read = tokio::time::timeout(PATIENCE, of_form(body, boundary)).await;
    read.unwrap_or_else(|_| Err(broken("it takes too long")))
}

/// Reads the fields of a form up to its file, and gives that as it comes; none if no file was chosen.
///
/// # Errors
/// `MalformedPOSTRequest` if it is no such form.
async fn of_form(body: Body, boundary: &str) -> Result<(Fields, Option<Brought>), ApiError> {
    let most = usize::try_from(LARGEST).unwrap_or(usize::MAX);
    let whole = body.length().ok_or_else(|| broken("it does not say how long it is"))?;
    let mut coming = Coming { body, ahead: BytesMut::new(), taken: 0 };
    let mark = format!("\r\n--{boundary}");
    let first = coming.until(&mark.as_bytes()[2..], 0).await?;
    if !first.is_empty() {
        return Err(broken("something stands before its beginning"));
    }
    let mut fields: Vec<(String, String)> = Vec::new();
    loop {
        match &coming.two().await? {
            b"--" => return Ok((Fields::of(fields), None)),
            b"\r\n" => {}
            _ => return Err(broken("its fields are not apart")),
        }
        let head = coming.until(b"\r\n\r\n", HEAD).await?;
        let described = Described::read(&head)?;
        if let Some(name) = described.file {
            let end = format!("{mark}--\r\n");
            let behind = coming.taken + end.len() as u64;
            let length = whole.checked_sub(behind).ok_or_else(|| broken("it ends too early"))?;
            let content_type = described.content_type;
            // Nothing was chosen.
            if name.is_empty() && length == 0 {
                return Ok((Fields::of(fields), None));
            }
            let (sender, body) = Body::channel(Some(length));
            let Coming { body: rest, ahead, .. } = coming;
            pool::spawn(async move {
                if let Err(error) = hand_on(rest, ahead, length, &end, &sender).await {
                    // Whoever reads has gone, or hears of it.
                    drop(sender.send(Err(BodyError::Broken(error))).await);
                }
            });
            return Ok((Fields::of(fields), Some(Brought { name, content_type, length, body })));
        }
        let value = coming.until(mark.as_bytes(), most).await?;
        let value = String::from_utf8(value.to_vec()).map_err(|_| broken("it is not UTF-8"))?;
        fields.push((described.name, value));
        if fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > most {
            return Err(broken("it is too long"));
        }
    }
}

type Sender = tokio::sync::mpsc::Sender<Result<Bytes, BodyError>>;

/// Hands so many bytes on, the last piece of them when the end was seen behind it.
async fn hand_on(
    mut rest: Body,
    mut ahead: BytesMut,
    mut left: u64,
    end: &str,
    sender: &Sender,
) -> Result<(), String> {
    let mut held: Option<Bytes> = None;
    let mark = end.replace("--\r\n", "\r\n");
    let mut marks = Marks { mark: mark.as_bytes(), tail: Vec::new() };
    loop {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(ahead.len());
        if count > 0 {
            let piece = ahead.split_to(count).freeze();
            left -= count as u64;
            if marks.are_in(&piece) {
                return Err("another field stands behind the file".to_owned());
            }
            if let Some(before) = held.replace(piece)
                && sender.send(Ok(before)).await.is_err()
            {
                return Ok(());
            }
        }
        if left == 0 && ahead.len() >= end.len() {
            if ahead.chunk() != end.as_bytes() {
                return Err("something stands behind the file".to_owned());
            }
            if let Some(last) = held {
                // A reader that has gone needs no last piece.
                drop(sender.send(Ok(last)).await);
            }
            return Ok(());
        }
        match rest.next().await {
            Some(Ok(piece)) => ahead.extend_from_slice(&piece),
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("the form ends too early".to_owned()),
        }
    }
}

/// Looks for what begins another field in what comes in pieces: no file has it, by the browser's choice.
struct Marks<'a> {
    mark: &'a [u8],
    /// The last bytes that were seen, fewer than the mark has.
    tail: Vec<u8>,
}

impl Marks<'_> {
    fn are_in(&mut self, piece: &[u8]) -> bool {
        let most = self.mark.len() - 1;
        self.tail.extend_from_slice(&piece[..piece.len().min(most)]);
        if find(&self.tail, self.mark).is_some() || find(piece, self.mark).is_some() {
            return true;
        }
        if piece.len() >= most {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - most..]);
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(most));
        }
        false
    }
}

/// What is said of a field before its value.
struct Described {
    name: String,
    file: Option<String>,
    content_type: String,
}

impl Described {
    fn read(head: &[u8]) -> Result<Self, ApiError> {
        let head = std::str::from_utf8(head).map_err(|_| broken("it is not UTF-8"))?;
        let value = |name: &str| {
            let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
            let mut named = lines.filter(|(it, _)| it.trim().eq_ignore_ascii_case(name));
            named.next().map(|(_, value)| value.trim().to_owned())
        };
        let described = value("content-disposition").unwrap_or_default();
        let part = |name: &str| {
            let (_, behind) = described.split_once(&format!("; {name}=\""))?;
            let (text, _) = behind.split_once('"')?;
            // How browsers write what would end the name.
            Some(text.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
        };
        let name = part("name").ok_or_else(|| broken("a field has no name"))?;
        let content_type = value("content-type").unwrap_or_default();
        Ok(Self { name, file: part("filename"), content_type })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n--B\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"x%22.txt\"\r\n\
        Content-Type: text/html\r\n\r\nhello\r\n--B-\r\nworld\r\n--B--\r\n";

    /// A form that comes in pieces of that many bytes.
    fn coming(form: &str, size: usize) -> Body {
        let (sender, body) = Body::channel(Some(form.len() as u64));
        let pieces: Vec<_> = form.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        pool::spawn(async move {
            for piece in pieces {
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
        });
        body
    }

    #[tokio::test]
    async fn a_form_is_read_up_to_its_file_however_it_comes() {
        for size in [1, 2, 7, 64, 1000] {
            let (fields, file) = of_form(coming(FORM, size), "B").await.unwrap();
            assert_eq!(fields.get("a"), "1\r\n2");
            let file = file.unwrap();
            assert_eq!((file.name.as_str(), file.content_type.as_str()), ("x\".txt", "text/html"));
            let bytes = file.body.read(100).await.unwrap();
            assert_eq!((&*bytes, file.length), (&b"hello\r\n--B-\r\nworld"[..], 18), "{size}");
        }
    }

    #[tokio::test]
    async fn nothing_behind_the_file_becomes_a_part_of_it() {
        let second = "--B\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--B--\r\n";
        let more = FORM.replace("--B--\r\n", second);
        for form in [more, FORM.replace("--B--\r\n", "--C--\r\n")] {
            let (_, file) = of_form(coming(&form, 16), "B").await.unwrap();
            assert!(file.unwrap().body.read(1000).await.is_err());
        }
        let empty = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\
                     \r\n--B--\r\n";
        assert!(of_form(coming(empty, 16), "B").await.unwrap().1.is_none());
        let long = format!(
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{}",
            "x".repeat(80_000)
        );
        for bad in ["", "--B", "x--B--\r\n", "--B\r\nX: y\r\n\r\n1\r\n--B--\r\n", &long] {
            assert!(of_form(coming(bad, 16), "B").await.is_err(), "{bad:.40}");
        }
    }

    #[test]
    fn boundaries() {
        let of = |kind: &str| boundary(kind);
        assert_eq!(of("multipart/form-data; boundary=----x1").as_deref(), Some("----x1"));
        assert_eq!(of("Multipart/Form-Data; a=b; boundary=\"x\"").as_deref(), Some("x"));
        for none in
            ["multipart/form-data", "text/plain; boundary=x", "multipart/form-data; boundary="]
        {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
