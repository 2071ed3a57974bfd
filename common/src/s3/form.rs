//! A form as browsers send it (`multipart/form-data`), taken apart while it comes.
//!
//! ```text
//!   --B  field  --B  field  …  --B  name="file"  │  bytes of the file  │  --B …  --B--
//!   └───────────── Head ─────────────────────────┘└─────── FileBytes ─────────────────┘
//!        together at most MAX_FIELDS                 passed on        at most MAX_FIELDS
//! ```
//! The fields before the file are kept, and are few; the file passes through and nothing of it is
//! kept but what may be the beginning of its end. What follows the file is no field any more, as
//! in S3: it is read past.

use super::post_policy::Fields;
use crate::error::{ApiError, ErrorCode};
use crate::sign::percent_decode;

/// The most bytes before the file, and behind it.
pub const MAX_FIELDS: usize = 20 * 1024;

/// The longest boundary. RFC 2046 allows 70; some clients are generous.
const MAX_BOUNDARY: usize = 200;

/// The field that is the file.
const FILE: &str = "file";

/// Finds the boundary in a Content-Type.
///
/// # Errors
/// `PreconditionFailed` for another type, as S3; `MalformedPOSTRequest` without a boundary that can
/// be one.
pub fn boundary(content_type: Option<&str>) -> Result<String, ApiError> {
    let text = content_type.unwrap_or_default();
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        let text = "Bucket POST must be of the enclosure-type multipart/form-data";
        return Err(ApiError::new(ErrorCode::PreconditionFailed, text));
    }
    let found = Parameters(parameters).find(|(name, _)| name.eq_ignore_ascii_case("boundary"));
    let boundary = found.map(|(_, value)| value).unwrap_or_default();
    let fits = (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !boundary.ends_with(' ');
    if fits { Ok(boundary) } else { Err(malformed("its Content-Type names no boundary")) }
}

/// What stands before the file.
#[derive(Debug)]
pub struct Head {
    delimiter: Vec<u8>,
    /// All that came so far, behind a line end, so that the first delimiter is like the others.
    came: Vec<u8>,
    /// How far it was taken apart.
    at: usize,
    /// How far the end of what is read now was looked for in vain.
    looked: usize,
    state: State,
    fields: Fields,
}

#[derive(Debug)]
enum State {
    /// Before the first delimiter.
    Start,
    /// Behind a delimiter.
    Delimited,
    /// In the headers of a field.
    Headers,
    /// In the value of the field of that name.
    Value(String),
}

/// A form whose file begins.
#[derive(Debug)]
pub struct Begun {
    /// The fields before the file.
    pub fields: Fields,
    /// The file's name as it was sent; empty if none was.
    pub filename: String,
    /// How many bytes came before the file.
    pub before: u64,
    /// The bytes of the file, of which some may have come.
    pub bytes: FileBytes,
}

impl Head {
    /// Begins a form with that boundary.
    pub fn new(boundary: &str) -> Self {
        Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            came: b"\r\n".to_vec(),
            at: 0,
            looked: 0,
            state: State::Start,
            fields: Fields::default(),
        }
    }

    /// Takes the next bytes; gives the form once its file begins.
    ///
    /// # Errors
    /// `MalformedPOSTRequest`, `MaxPostPreDataLengthExceeded`, `InvalidArgument` for a field that
    /// is there twice or a form without a file.
    pub fn push(&mut self, piece: &[u8]) -> Result<Option<Begun>, ApiError> {
        self.came.extend_from_slice(piece);
        let begun = self.step()?;
        // The file's own bytes came with the last piece and do not count.
        let before = if begun.is_some() { self.at } else { self.came.len() };
        if before - 2 > MAX_FIELDS {
            let text = "Your POST request fields preceding the upload file were too large";
            return Err(ApiError::new(ErrorCode::MaxPostPreDataLengthExceeded, text));
        }
        Ok(begun)
    }

    fn step(&mut self) -> Result<Option<Begun>, ApiError> {
        loop {
            match &self.state {
                State::Start => {
                    // A line end may stand before the first delimiter.
                    let begins = |from: usize| {
                        let came = &self.came[from..];
                        let common = came.len().min(self.delimiter.len());
                        came[..common] == self.delimiter[..common]
                    };
                    let from = if begins(0) { 0 } else { 2 };
                    if !begins(from) {
                        return Err(malformed("it does not begin with its boundary"));
                    }
                    if self.came.len() < from + self.delimiter.len() {
                        return Ok(None);
                    }
                    self.go(from + self.delimiter.len(), State::Delimited);
                }
                State::Delimited => {
                    if self.came[self.at..].starts_with(b"--") {
                        return Err(one_file());
                    }
                    let Some(end) = self.find(b"\r\n") else { return Ok(None) };
                    if !self.came[self.at..end].iter().all(|byte| b" \t".contains(byte)) {
                        return Err(malformed("something follows a boundary on its line"));
                    }
                    // The line end stays: without headers it is the first half of their end.
                    self.go(end, State::Headers);
                }
                State::Headers => {
                    let Some(end) = self.find(b"\r\n\r\n") else { return Ok(None) };
                    let text = std::str::from_utf8(&self.came[self.at..end])
                        .map_err(|_| malformed("a field's headers are not UTF-8"))?;
                    let (name, filename) = disposition(text)?;
                    if name.eq_ignore_ascii_case(FILE) {
                        self.at = end + 4;
                        let bytes = FileBytes {
                            delimiter: std::mem::take(&mut self.delimiter),
                            held: self.came.split_off(self.at),
                            behind: None,
                        };
                        return Ok(Some(Begun {
                            fields: std::mem::take(&mut self.fields),
                            filename: filename.unwrap_or_default(),
                            before: (self.at - 2) as u64,
                            bytes,
                        }));
                    }
                    // An empty value ends with the line end before its delimiter.
                    self.go(end + 4, State::Value(name));
                }
                State::Value(name) => {
                    let name = name.clone();
                    let delimiter = std::mem::take(&mut self.delimiter);
                    let end = self.find(&delimiter);
                    let next = delimiter.len();
                    self.delimiter = delimiter;
                    let Some(end) = end else { return Ok(None) };
                    let value = std::str::from_utf8(&self.came[self.at..end])
                        .map_err(|_| malformed(&format!("the field '{name}' is not UTF-8")))?;
                    self.fields.add(&name, value)?;
                    self.go(end + next, State::Delimited);
                }
            }
        }
    }

    fn go(&mut self, at: usize, state: State) {
        (self.at, self.looked, self.state) = (at, at, state);
    }

    /// Finds the end of what is read now, without looking twice at what came before.
    fn find(&mut self, end: &[u8]) -> Option<usize> {
        let from = self.looked.max(self.at);
        let found = self.came[from..].windows(end.len()).position(|window| window == end);
        self.looked = (self.came.len() + 1).saturating_sub(end.len()).max(from);
        found.map(|found| from + found)
    }
}

/// The bytes of a form's file on their way through.
#[derive(Debug, Clone)]
pub struct FileBytes {
    delimiter: Vec<u8>,
    /// What came and may be the beginning of its end, or was not looked at.
    held: Vec<u8>,
    /// What followed the file, once it has ended.
    behind: Option<Vec<u8>>,
}

impl FileBytes {
    /// How many bytes the end of the form has at least.
    pub fn least_end(&self) -> u64 {
        (self.delimiter.len() + 2) as u64
    }

    /// Takes the next bytes of the form and gives those of the file among them to `to`.
    ///
    /// # Errors
    /// `MalformedPOSTRequest` if too much follows the file.
    pub fn push(&mut self, piece: &[u8], to: &mut Vec<u8>) -> Result<(), ApiError> {
        if self.behind.is_some() {
            return self.follow(piece);
        }
        let mut came = std::mem::take(&mut self.held);
        came.extend_from_slice(piece);
        let mut from = 0;
        while let Some(next) = came[from..].iter().position(|byte| *byte == b'\r') {
            let at = from + next;
            let common = (came.len() - at).min(self.delimiter.len());
            if came[at..at + common] != self.delimiter[..common] {
                from = at + 1;
                continue;
            }
            let Some(follows) = came.get(at + self.delimiter.len()..at + self.delimiter.len() + 2)
            else {
                // Whether this is the end, the next bytes tell.
                to.extend_from_slice(&came[..at]);
                self.held = came.split_off(at);
                return Ok(());
            };
            if matches!(follows, [b'-', b'-'] | [b'\r', b'\n'] | [b' ' | b'\t', _]) {
                to.extend_from_slice(&came[..at]);
                self.behind = Some(Vec::new());
                return self.follow(&came[at + self.delimiter.len()..]);
            }
            from = at + 1;
        }
        to.extend_from_slice(&came);
        Ok(())
    }

    fn follow(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        let behind = self.behind.get_or_insert_default();
        if behind.len() + piece.len() > MAX_FIELDS {
            return Err(malformed("too much follows its file"));
        }
        behind.extend_from_slice(piece);
        Ok(())
    }

    /// Ends the form.
    ///
    /// # Errors
    /// `MalformedPOSTRequest` if it was not whole, `InvalidArgument` if it held a second file.
    pub fn finish(self) -> Result<(), ApiError> {
        let behind = self.behind.ok_or_else(|| malformed("it ends within its file"))?;
        let text = String::from_utf8_lossy(&behind);
        let mut heads = text.split("\r\n").filter(|line| {
            line.get(..20).is_some_and(|name| name.eq_ignore_ascii_case("content-disposition:"))
        });
        match heads.any(|line| disposition(line).is_ok_and(|(name, _)| name == FILE)) {
            true => Err(one_file()),
            false => Ok(()),
        }
    }
}

fn malformed(why: &str) -> ApiError {
    let text =
        format!("The body of your POST request is not well-formed multipart/form-data: {why}");
    ApiError::new(ErrorCode::MalformedPostRequest, text)
}

fn one_file() -> ApiError {
    let text = "POST requires exactly one file upload per request";
    ApiError::new(ErrorCode::InvalidArgument, text)
}

/// Reads the name of a field and, if there is one, of its file.
fn disposition(headers: &str) -> Result<(String, Option<String>), ApiError> {
    let mut found = None;
    for line in headers.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) =
            line.split_once(':').ok_or_else(|| malformed("a field's header has no colon"))?;
        if name.trim().eq_ignore_ascii_case("content-disposition") {
            found = Some(value);
        }
    }
    let (kind, parameters) = found
        .and_then(|value| value.split_once(';'))
        .ok_or_else(|| malformed("a field has no Content-Disposition"))?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(malformed("a field's Content-Disposition is not form-data"));
    }
    let (mut name, mut filename, mut encoded) = (None, None, None);
    for (parameter, value) in Parameters(parameters) {
        match parameter.to_ascii_lowercase().as_str() {
            "name" => name = Some(value),
            "filename" => filename = Some(value),
            // Older clients write names so that are not ASCII (RFC 2231).
            "filename*" => {
                let utf8 = value.get(..7).is_some_and(|set| set.eq_ignore_ascii_case("utf-8''"));
                encoded = utf8.then(|| percent_decode(&value[7..]));
            }
            _ => {}
        }
    }
    Ok((name.ok_or_else(|| malformed("a field has no name"))?, encoded.or(filename)))
}

/// The parameters of a header, `a=b; c="d"`.
struct Parameters<'a>(&'a str);

impl Iterator for Parameters<'_> {
    type Item = (String, String);

    fn next(&mut self) -> Option<(String, String)> {
        let (name, rest) = self.0.split_once('=')?;
        let name = name.trim_matches([' ', '\t', ';']).to_owned();
        let Some(quoted) = rest.trim_start().strip_prefix('"') else {
            let (value, left) = rest.split_once(';').unwrap_or((rest, ""));
            self.0 = left;
            return Some((name, value.trim().to_owned()));
        };
        let (mut value, mut letters) = (String::new(), quoted.char_indices());
        self.0 = "";
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.0 = &quoted[at + 1..];
                    break;
                }
                // Only a quote is escaped: paths of some systems are full of backslashes.
                '\\' if quoted[at + 1..].starts_with('"') => {
                    value.push('"');
                    letters.next();
                }
                other => value.push(other),
            }
        }
        Some((name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/${filename}\r\n\
        --B\r\ncontent-disposition: form-data; name=acl\r\nContent-Type: text/plain\r\n\r\n\r\n\
        --B \r\nContent-Disposition: form-data; name=\"File\"; filename=\"b \\\" c.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nhel\r\n--\r\n--BB\r\rlo\r\n--B--\r\n";

    type Read = (Vec<(String, String)>, String, Vec<u8>);

    /// Reads a form that comes in pieces of so many bytes.
    fn read(form: &[u8], size: usize) -> Result<Read, ApiError> {
        let mut pieces = form.chunks(size);
        let mut head = Head::new("B");
        let mut begun = loop {
            let Some(piece) = pieces.next() else { return Err(malformed("cut")) };
            if let Some(begun) = head.push(piece)? {
                break begun;
            }
        };
        let mut file = Vec::new();
        begun.bytes.push(&[], &mut file)?;
        for piece in pieces {
            begun.bytes.push(piece, &mut file)?;
        }
        assert!(begun.bytes.held.len() <= begun.bytes.delimiter.len() + 2);
        begun.bytes.finish()?;
        Ok((begun.fields.pairs().to_vec(), begun.filename, file))
    }

    fn code(form: &str) -> ErrorCode {
        let codes: Vec<_> = [1, 7, 10_000_000]
            .map(|size| read(form.as_bytes(), size).map(|read| read.1).unwrap_err().code())
            .to_vec();
        assert!(codes.windows(2).all(|two| two[0] == two[1]), "{codes:?}");
        codes[0]
    }

    #[test]
    fn a_form_is_the_same_however_it_comes() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        for size in 1..=FORM.len() {
            let (fields, filename, file) = read(FORM.as_bytes(), size).unwrap();
            assert_eq!(fields, [pair("key", "a/${filename}"), pair("acl", "")], "{size}");
            assert_eq!(filename, "b \" c.txt");
            assert_eq!(file, b"hel\r\n--\r\n--BB\r\rlo", "{size}");
        }
        let begun = Head::new("B").push(FORM.as_bytes()).unwrap().unwrap();
        let at = FORM.find("hel").unwrap();
        assert_eq!((begun.before, begun.bytes.least_end()), (at as u64, 7));
    }

    #[test]
    fn odd_but_whole() {
        let file = |tail: &str| {
            let form = format!("\r\n--B\r\nContent-Disposition: form-data; name=file{tail}");
            read(form.as_bytes(), 3).map(|read| (read.1, read.2))
        };
        let is = |name: &str, bytes: &[u8]| Ok((name.to_owned(), bytes.to_vec()));
        assert_eq!(file("\r\n\r\n\r\n--B--"), is("", b""));
        assert_eq!(file("; filename=\"\"\r\n\r\nx\r\n--B--"), is("", b"x"));
        assert_eq!(file("; filename=\"C:\\a\\b\"\r\n\r\nx\r\n--B--"), is("C:\\a\\b", b"x"));
        assert_eq!(
            file("; filename=\"e\"; filename*=utf-8''%C3%A9\r\n\r\nx\r\n--B--"),
            is("é", b"x")
        );
        let button = "\r\n\r\nx\r\n--B\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\n\
                      go\r\n--B--\r\nepilogue";
        assert_eq!(file(button), is("", b"x"));
        let second = button.replace("submit", "file");
        assert_eq!(file(&second).unwrap_err().code(), ErrorCode::InvalidArgument);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let malformed = ErrorCode::MalformedPostRequest;
        let one = "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n";
        for (form, expected) in [
            ("x".to_owned(), malformed),
            ("preamble\r\n--B\r\n".to_owned(), malformed),
            ("--C\r\n".to_owned(), malformed),
            ("--Bx\r\n\r\n".to_owned(), malformed),
            ("--B\r\n\r\nk\r\n--B--".to_owned(), malformed),
            ("--B\r\nno colon\r\n\r\nk\r\n--B--".to_owned(), malformed),
            ("--B\r\nContent-Disposition: form-data\r\n\r\nk\r\n".to_owned(), malformed),
            ("--B\r\nContent-Disposition: file; name=a\r\n\r\nk\r\n".to_owned(), malformed),
            ("--B\r\nContent-Disposition: form-data; a=b\r\n\r\nk\r\n".to_owned(), malformed),
            (one.to_owned(), malformed),
            (format!("{one}--B--\r\n"), ErrorCode::InvalidArgument),
            (format!("{one}{one}--B--\r\n"), ErrorCode::InvalidArgument),
            (FORM.replace("\r\n--B--\r\n", ""), malformed),
            (format!("{FORM}{}", "x".repeat(MAX_FIELDS)), malformed),
            (
                one.replace("\r\nk", &format!("\r\n{}", "k".repeat(MAX_FIELDS))),
                ErrorCode::MaxPostPreDataLengthExceeded,
            ),
            (
                format!("{}{FORM}", one.repeat(400).replace("key", "x-ignore-")),
                ErrorCode::InvalidArgument,
            ),
        ] {
            assert_eq!(code(&form), expected, "{}", &form[..form.len().min(200)]);
        }
        let bad =
            [&b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--B\r\n"[..], b"x"];
        assert_eq!(read(&bad.concat(), 5).unwrap_err().code(), malformed);
    }

    #[test]
    fn boundaries() {
        let found = |text: &str| boundary(Some(text)).map_err(|error| error.code());
        assert_eq!(found("multipart/form-data; boundary=abc"), Ok("abc".to_owned()));
        let quoted = "Multipart/Form-Data;charset=utf-8; Boundary=\"a b;c\"; x=y";
        assert_eq!(found(quoted), Ok("a b;c".to_owned()));
        assert_eq!(found("multipart/form-data"), Err(ErrorCode::MalformedPostRequest));
        for text in ["text/plain; boundary=a", "boundary=a", ""] {
            assert_eq!(found(text), Err(ErrorCode::PreconditionFailed), "{text}");
        }
        assert_eq!(boundary(None).unwrap_err().code(), ErrorCode::PreconditionFailed);
        for text in
            ["boundary=", "x=y", "boundary=\"a \"", &format!("boundary={}", "b".repeat(201))]
        {
            let error = found(&format!("multipart/form-data; {text}"));
            assert_eq!(error, Err(ErrorCode::MalformedPostRequest), "{text}");
        }
    }
}
