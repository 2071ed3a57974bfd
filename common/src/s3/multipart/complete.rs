//! Completing an upload: the list of parts that the object is to consist of, and the answer.

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

use super::super::checksum::{Algorithm, Checksum, Kind};
use super::super::conditions::WriteConditions;
use super::super::request::Request;
use super::super::types::{MAX_PARTS, part_number};
use super::super::xml::Writer;
use super::terms::{UploadName, checksum_to, checksum_type, name};
use crate::error::{ApiError, ErrorCode};

/// The longest list of parts that is read, in bytes: room for the most parts with every checksum.
pub const MAX_LIST: usize = 8 << 20;

/// A part as the list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPart {
    /// Its number.
    pub number: u32,
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its checksums, as far as they are named.
    pub checksums: Vec<(Algorithm, Vec<u8>)>,
}

/// Puts the parts of an upload together.
#[derive(Debug, Clone)]
pub struct CompleteMultipartUpload {
    /// Which upload.
    pub upload: UploadName,
    /// The parts, numbers ascending; at least one.
    pub parts: Vec<NamedPart>,
    /// The checksum the object must have, as it is written.
    pub checksum: Option<(Algorithm, String)>,
    /// Whether the checksum's type must be that of the whole object, if the request says.
    pub full_object: Option<bool>,
    /// How many bytes the object must have, if the request says.
    pub size: Option<u64>,
    /// What must be there or not.
    pub conditions: WriteConditions,
    /// The URL of the object.
    pub location: String,
}

impl CompleteMultipartUpload {
    /// Reads the operation; `origin` is where the client found this service (`https://cloud:8775`),
    /// `body` a CompleteMultipartUpload document of any namespace.
    ///
    /// # Errors
    /// `MalformedXML`, `InvalidPartOrder`, `InvalidArgument`, `InvalidRequest`, or `NotImplemented`
    /// for an unknown checksum.
    pub fn read(
        upload: UploadName,
        request: &Request<'_>,
        origin: &str,
        body: &[u8],
    ) -> Result<Self, ApiError> {
        let parts = read_list(body)?;
        if !parts.is_sorted_by(|one, next| one.number < next.number) {
            let text = "The list of parts was not in ascending order. Parts must be ordered by \
                        part number";
            return Err(ApiError::new(ErrorCode::InvalidPartOrder, text));
        }
        let size = request.header("x-amz-mp-object-size").map(|text| {
            text.parse().map_err(|_| {
                let text = format!("x-amz-mp-object-size: '{text}' is no number of bytes");
                ApiError::new(ErrorCode::InvalidArgument, text)
            })
        });
        let location = location(&upload, origin);
        Ok(Self {
            upload,
            parts,
            checksum: checksum(request)?,
            full_object: checksum_type(request)?,
            size: size.transpose()?,
            conditions: WriteConditions::read(request)?,
            location,
        })
    }

    /// The answer.
    pub fn to_xml(&self, etag: &str, checksum: Option<&Checksum>) -> String {
        Writer::document("CompleteMultipartUploadResult", |to| {
            to.leaf("Location", &self.location);
            to.leaf("Bucket", self.upload.bucket.as_str());
            to.leaf("Key", self.upload.key.as_str());
            to.leaf("ETag", &format!("\"{etag}\""));
            if let Some(checksum) = checksum {
                checksum_to(to, checksum);
                to.leaf("ChecksumType", checksum.kind.name());
            }
        })
    }
}

/// The object's URL, by the name under which the client knows this service.
fn location(upload: &UploadName, origin: &str) -> String {
    let key = name(upload.key.as_str(), true);
    format!("{origin}/{}/{key}", upload.bucket)
}

/// The checksum that the whole object must have. Unlike that of a body it may bear the number of
/// parts behind it.
fn checksum(request: &Request<'_>) -> Result<Option<(Algorithm, String)>, ApiError> {
    let mut found = None;
    for (name, value) in request.headers {
        let how = ["x-amz-checksum-type", "x-amz-checksum-algorithm", "x-amz-checksum-mode"];
        if !name.starts_with("x-amz-checksum-") || how.contains(&name.as_str()) {
            continue;
        }
        let Some(algorithm) = Algorithm::of_header(name) else {
            let text = format!("The checksum {name} is not offered here");
            return Err(ApiError::new(ErrorCode::NotImplemented, text));
        };
        let value = value.trim();
        algorithm.read(value.split_once('-').map_or(value, |(value, _)| value))?;
        if found.replace((algorithm, value.to_owned())).is_some() {
            let text = "Expecting a single x-amz-checksum- header. Multiple checksum Types are \
                        not allowed";
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
    }
    Ok(found)
}

/// Whether a checksum is the one that was given for the object.
pub fn is_given(checksum: &Checksum, given: &(Algorithm, String)) -> bool {
    let text = checksum.text();
    let same = match checksum.kind {
        Kind::FullObject => text == given.1,
        // The number of parts may be left out.
        Kind::Composite { .. } => {
            text == given.1 || text.split_once('-').is_some_and(|(value, _)| value == given.1)
        }
    };
    checksum.algorithm == given.0 && same
}

fn malformed(why: impl std::fmt::Display) -> ApiError {
    ApiError::new(
        ErrorCode::MalformedXml,
        format!("The body is no well-formed CompleteMultipartUpload document: {why}"),
    )
}

/// A part that is being read.
#[derive(Default)]
struct Draft {
    number: Option<u32>,
    etag: Option<String>,
    checksums: Vec<(Algorithm, Vec<u8>)>,
}

impl Draft {
    fn take(&mut self, name: &str, text: &str) -> Result<(), ApiError> {
        let text = text.trim();
        match name {
            "PartNumber" => {
                let number = part_number(text);
                self.number = Some(number.map_err(|error| malformed(error.text()))?);
            }
            "ETag" => self.etag = Some(text.trim_matches('"').to_ascii_lowercase()),
            name => {
                let known = Algorithm::ALL.into_iter().find(|one| one.element() == name);
                let Some(algorithm) = known else {
                    return Err(malformed(format!("<{name}> is not expected in a part")));
                };
                let value = algorithm.read(text).map_err(|error| malformed(error.text()))?;
                self.checksums.push((algorithm, value));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<NamedPart, ApiError> {
        match (self.number, self.etag) {
            (Some(number), Some(etag)) => Ok(NamedPart { number, etag, checksums: self.checksums }),
            (None, _) => Err(malformed("a part has no PartNumber")),
            (_, None) => Err(malformed("a part has no ETag")),
        }
    }
}

/// Reads the list of parts.
fn read_list(bytes: &[u8]) -> Result<Vec<NamedPart>, ApiError> {
    const PATH: [&str; 2] = ["CompleteMultipartUpload", "Part"];
    if bytes.len() > MAX_LIST {
        return Err(malformed(format!("it is larger than {MAX_LIST} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut parts, mut depth, mut ended) = (Vec::new(), 0, false);
    let (mut draft, mut element, mut content) = (Draft::default(), String::new(), String::new());
    loop {
        match reader.read_event().map_err(malformed)? {
            Event::Eof if ended => break,
            Event::Eof => return Err(malformed("it ends too early")),
            Event::Start(tag) => {
                element = tag.local_name().as_ref().to_owned();
                let known = PATH.get(depth).is_none_or(|expected| *expected == element);
                if ended || depth > 2 || !known {
                    return Err(malformed(format!("<{element}> is not expected")));
                }
                if depth == 1 {
                    draft = Draft::default();
                }
                content.clear();
                depth += 1;
            }
            Event::End(_) => {
                depth -= 1;
                match depth {
                    2 => draft.take(&element, &content)?,
                    1 => parts.push(std::mem::take(&mut draft).finish()?),
                    _ => ended = true,
                }
                if parts.len() > MAX_PARTS as usize {
                    return Err(malformed(format!("it names more than {MAX_PARTS} parts")));
                }
            }
            Event::Text(piece) => {
                let piece = piece.xml_content(XmlVersion::Implicit1_0);
                match depth {
                    3 => content.push_str(&piece),
                    _ if piece.trim().is_empty() => {}
                    _ => return Err(malformed("text stands where elements should")),
                }
            }
            Event::GeneralRef(reference) if depth == 3 => {
                content.push(match reference.resolve_char_ref().map_err(malformed)? {
                    Some(letter) => letter,
                    None => named(&reference.xml_content(XmlVersion::Implicit1_0))?,
                });
            }
            Event::DocType(_) => return Err(malformed("it holds a document type")),
            Event::CData(_) | Event::GeneralRef(_) | Event::Empty(_) => {
                return Err(malformed("references and CDATA have no place there"));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    match parts.is_empty() {
        true => Err(malformed("it names no part")),
        false => Ok(parts),
    }
}

/// The five references every XML has.
fn named(name: &str) -> Result<char, ApiError> {
    let known = [("quot", '"'), ("amp", '&'), ("lt", '<'), ("gt", '>'), ("apos", '\'')];
    let found = known.iter().find(|(known, _)| *known == name);
    found.map(|(_, letter)| *letter).ok_or_else(|| malformed(format!("&{name}; is unknown")))
}

#[cfg(test)]
mod tests {
    use super::super::super::address::Address;
    use super::super::super::request::Query;
    use super::*;

    fn read(headers: &[(&str, &str)], body: &str) -> Result<CompleteMultipartUpload, ErrorCode> {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let query = Query::parse("uploadId=x").unwrap();
        let request = Request { address: &Address::Service, query: &query, headers: &headers };
        let (bucket, key) = ("buck".parse().unwrap(), "a b".parse().unwrap());
        let upload = UploadName::read(bucket, key, &request);
        CompleteMultipartUpload::read(upload, &request, "https://s3:8774", body.as_bytes())
            .map_err(|error| error.code())
    }

    fn list(parts: &str) -> String {
        format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
    }

    const ONE: &str = "<Part><PartNumber>1</PartNumber><ETag>aa</ETag></Part>";

    #[test]
    fn the_ways_clients_write_the_list() {
        let whole = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
            <CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n \
            <Part>\n  <ETag>&quot;AA&quot;</ETag>\n  <PartNumber>1</PartNumber>\n\
            <ChecksumCRC32>NhCmhg==</ChecksumCRC32></Part>\n\
            <Part><PartNumber>3</PartNumber><ETag>\"bb\"</ETag></Part>\n\
            <Part><PartNumber>10000</PartNumber><ETag>&#34;cc&#x22;</ETag></Part>\n\
            </CompleteMultipartUpload>\n";
        let parts = read(&[], whole).unwrap().parts;
        let seen: Vec<_> = parts.iter().map(|part| (part.number, part.etag.as_str())).collect();
        assert_eq!(seen, [(1, "aa"), (3, "bb"), (10_000, "cc")]);
        assert_eq!(parts[0].checksums[0].0, Algorithm::Crc32);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        use ErrorCode::{InvalidPartOrder, MalformedXml};
        let part =
            |number: &str| format!("<Part><PartNumber>{number}</PartNumber><ETag>a</ETag></Part>");
        let many: String = (1..=10_001).map(|n| part(&n.min(10_000).to_string())).collect();
        let table = [
            (String::new(), MalformedXml),
            (list(""), MalformedXml),
            (list("<Part/>"), MalformedXml),
            (list("x"), MalformedXml),
            (list("<Part><PartNumber>1</PartNumber></Part>"), MalformedXml),
            (list("<Part><ETag>1</ETag></Part>"), MalformedXml),
            (list(&part("0")), MalformedXml),
            (list(&part("10001")), MalformedXml),
            (list("<Part><PartNumber><b/></PartNumber></Part>"), MalformedXml),
            (list("<Part><Odd/></Part>"), MalformedXml),
            (list("<Part><PartNumber>1</PartNumber><ETag>&a;</ETag></Part>"), MalformedXml),
            (format!("{}{}", list(ONE), list(ONE)), MalformedXml),
            (format!("<!DOCTYPE x>{}", list(ONE)), MalformedXml),
            ("<CompleteMultipartUpload>".into(), MalformedXml),
            (list(&many), MalformedXml),
            (list(&format!("{ONE}{ONE}")), InvalidPartOrder),
            (list(&format!("{}{ONE}", part("2"))), InvalidPartOrder),
        ];
        for (body, code) in table {
            let shown = &body[..body.len().min(120)];
            assert_eq!(read(&[], &body).unwrap_err(), code, "{shown}");
        }
    }

    #[test]
    fn what_the_object_must_be_is_read_from_headers() {
        let given = [
            ("x-amz-checksum-crc32", "NhCmhg==-2"),
            ("x-amz-checksum-type", "COMPOSITE"),
            ("x-amz-mp-object-size", "12"),
        ];
        let complete = read(&given, &list(ONE)).unwrap();
        let checksum = complete.checksum.as_ref().unwrap();
        assert_eq!((checksum.1.as_str(), complete.full_object), ("NhCmhg==-2", Some(false)));
        assert_eq!(complete.size, Some(12));
        let composite = Checksum {
            algorithm: Algorithm::Crc32,
            value: vec![0x36, 0x10, 0xa6, 0x86],
            kind: Kind::Composite { parts: 2 },
        };
        assert!(is_given(&composite, checksum));
        assert!(is_given(&composite, &(Algorithm::Crc32, "NhCmhg==".into())));
        assert!(!is_given(&composite, &(Algorithm::Crc32, "NhCmhg==-3".into())));
        assert!(!is_given(&composite, &(Algorithm::Crc32c, "NhCmhg==".into())));
        let text = complete.to_xml("e-2", Some(&composite));
        assert!(text.contains("<Location>https://s3:8774/buck/a%20b</Location>"), "{text}");
        assert!(text.contains("<ETag>&quot;e-2&quot;</ETag>"));
        assert!(text.contains("<ChecksumCRC32>NhCmhg==-2</ChecksumCRC32>"));
        assert!(text.contains("<ChecksumType>COMPOSITE</ChecksumType>"));
        for (headers, code) in [
            ([("x-amz-mp-object-size", "x"), ("a", "")], ErrorCode::InvalidArgument),
            ([("x-amz-checksum-crc32", "x"), ("a", "")], ErrorCode::InvalidRequest),
            ([("x-amz-checksum-xx", "x"), ("a", "")], ErrorCode::NotImplemented),
            (
                [("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-checksum-crc32c", "NhCmhg==")],
                ErrorCode::InvalidRequest,
            ),
        ] {
            assert_eq!(read(&headers, &list(ONE)).unwrap_err(), code, "{headers:?}");
        }
    }
}
