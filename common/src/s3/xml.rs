//! The XML of S3: a writer that escapes, the error document, and a reader for the one small
//! document that this requests carry.
//!
//! Own and small, because object keys may hold control characters, which must be written as
//! character references and which a general serializer lets through.

use std::fmt::Write as _;

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

use crate::error::{ApiError, ErrorCode};

/// The namespace of every answer.
pub const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The longest request document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 10;

/// Writes one document.
#[derive(Debug)]
pub struct Writer {
    text: String,
}

impl Writer {
    /// Begins a document and fills its root element, which bears the namespace of S3.
    pub fn document(root: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut writer = Self::begin();
        let _ = write!(writer.text, "<{root} xmlns=\"{NAMESPACE}\">");
        fill(&mut writer);
        let _ = write!(writer.text, "</{root}>");
        writer.text
    }

    /// A document whose root element bears no namespace, as the few of S3 that have none.
    pub fn bare_document(root: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut writer = Self::begin();
        writer.element(root, fill);
        writer.text
    }

    fn begin() -> Self {
        Self { text: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned() }
    }

    /// An element with elements inside.
    pub fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        let _ = write!(self.text, "<{name}>");
        fill(self);
        let _ = write!(self.text, "</{name}>");
    }

    /// An element with attributes, given as they are written, and with elements inside.
    pub fn element_with(&mut self, name: &str, attributes: &str, fill: impl FnOnce(&mut Self)) {
        let _ = write!(self.text, "<{name} {attributes}>");
        fill(self);
        let _ = write!(self.text, "</{name}>");
    }

    /// An element with a text inside.
    pub fn leaf(&mut self, name: &str, text: &str) {
        let _ = write!(self.text, "<{name}>");
        self.text(text);
        let _ = write!(self.text, "</{name}>");
    }

    /// A text, escaped.
    pub fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                    let _ = write!(self.text, "&#x{:X};", u32::from(c));
                }
                _ => self.text.push(c),
            }
        }
    }
}

/// The document that tells an error: `<Error>` with code, message, resource and request id, then
/// further elements. It bears no namespace; AWS' does not either.
pub fn error(
    error: &ApiError,
    resource: &str,
    request_id: &str,
    further: &[(&str, String)],
) -> String {
    let mut writer = Writer::begin();
    writer.element("Error", |to| {
        to.leaf("Code", error.code().wire());
        to.leaf("Message", error.text());
        to.leaf("Resource", error.resource().unwrap_or(resource));
        to.leaf("RequestId", request_id);
        further.iter().for_each(|(name, text)| to.leaf(name, text));
    });
    writer.text
}

/// Reads the text of `child` directly inside `root`, whatever namespaces they bear. An empty
/// document says nothing.
///
/// # Errors
/// `MalformedXML` if the bytes are no such document or hold a document type.
pub fn text_of_child(bytes: &[u8], root: &str, child: &str) -> Result<Option<String>, ApiError> {
    let malformed = |why: String| {
        ApiError::new(
            ErrorCode::MalformedXml,
            format!("The body is no well-formed {root} document: {why}"),
        )
    };
    if bytes.len() > MAX_DOCUMENT {
        return Err(malformed(format!("it is larger than {MAX_DOCUMENT} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8".into()))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut found = None;
    let mut seen_root = false;
    loop {
        let event = reader.read_event().map_err(|error| malformed(error.to_string()))?;
        match event {
            Event::Eof if path.is_empty() && seen_root => return Ok(found),
            Event::Eof => return Err(malformed("it ends too early".into())),
            Event::DocType(_) => return Err(malformed("it holds a document type".into())),
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                if path.is_empty() && (seen_root || name != root) {
                    return Err(malformed(format!("<{name}> is not expected")));
                }
                seen_root = true;
                if path.len() == 1 && name == child {
                    found = Some(String::new());
                }
                path.push(name);
            }
            Event::Empty(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                if path.is_empty() && (seen_root || name != root) {
                    return Err(malformed(format!("<{name}> is not expected")));
                }
                seen_root = true;
                if path.len() == 1 && name == child {
                    found = Some(String::new());
                }
            }
            Event::End(_) => drop(path.pop()),
            Event::Text(piece) => {
                let piece = piece.xml_content(XmlVersion::Implicit1_0);
                match (&mut found, path.len()) {
                    (Some(text), 2) if path[1] == child => text.push_str(piece.trim()),
                    (_, 0) if !piece.trim().is_empty() => {
                        return Err(malformed("text stands outside its elements".into()));
                    }
                    _ => {}
                }
            }
            Event::CData(_) | Event::GeneralRef(_) => {
                return Err(malformed("references and CDATA have no place in it".into()));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_control_characters_stay_readable() {
        let text = Writer::document("R", |to| to.leaf("Key", "a&b<c>\"\r\u{1}日"));
        assert!(text.ends_with("<Key>a&amp;b&lt;c&gt;&quot;&#xD;&#x1;日</Key></R>"), "{text}");
    }

    #[test]
    fn errors_name_their_resource() {
        let fault = ApiError::new(ErrorCode::NoSuchKey, "no <such> key");
        let text = error(&fault, "/b/k&", "id", &[("StringToSign", "a\nb".into())]);
        assert!(
            text.contains("<Error><Code>NoSuchKey</Code><Message>no &lt;such&gt; key</Message>")
        );
        assert!(text.contains(
            "<Resource>/b/k&amp;</Resource><RequestId>id</RequestId><StringToSign>a&#xA;b<"
        ));
    }

    #[test]
    fn a_child_is_found_under_any_namespace() {
        let read = |text: &str| text_of_child(text.as_bytes(), "C", "L");
        for good in [
            "<C><L>eu</L></C>",
            "<?xml version='1.0'?>\n<C xmlns='http://doc.s3.amazonaws.com/2006-03-01'>\n <L> eu </L>\n</C>\n",
            "<x:C xmlns:x='urn:x'><!-- c --><x:Other><x:L>no</x:L></x:Other><x:L>eu</x:L></x:C>",
        ] {
            assert_eq!(read(good).unwrap().as_deref(), Some("eu"), "{good}");
        }
        for nothing in ["", " \n", "<C/>", "<C></C>"] {
            assert_eq!(read(nothing).unwrap(), None, "{nothing}");
        }
        assert_eq!(read("<C><L/></C>").unwrap().as_deref(), Some(""));
    }

    #[test]
    fn what_is_no_such_document_is_refused() {
        for bad in [
            "x",
            "<C>",
            "<C><L></C></L>",
            "<D><L>eu</L></D>",
            "<C/><C/>",
            "<!DOCTYPE C [<!ENTITY a 'b'>]><C><L>&a;</L></C>",
            "<C><L>&lt;</L></C>",
            "<C></C>tail",
        ] {
            let error = text_of_child(bad.as_bytes(), "C", "L").unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedXml, "{bad}");
        }
        let long = format!("<C>{}</C>", " ".repeat(MAX_DOCUMENT));
        assert!(text_of_child(long.as_bytes(), "C", "L").is_err());
        assert!(text_of_child(b"<C>\xff</C>", "C", "L").is_err());
    }
}
