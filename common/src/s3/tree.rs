//! A reader for the documents of requests: a small tree of elements, whatever namespaces they bear.
//!
//! Bounded in bytes, depth and number of elements by whoever reads. Character references are
//! resolved, because a key may hold any character; entities beyond XML's own five and document
//! types are refused. Blanks in a text are kept: they may belong to a key.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::error::{ApiError, ErrorCode};

/// How deep elements may lie in each other.
const DEPTH: usize = 8;

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name without prefix.
    pub name: String,
    /// The text directly inside it.
    pub text: String,
    /// The elements inside it.
    pub children: Vec<Element>,
    /// The value of its attribute `type` of any prefix, if it has one.
    pub kind: Option<String>,
}

impl Element {
    /// Reads a document of at most `bytes` bytes and `elements` elements, whose root has that name.
    ///
    /// # Errors
    /// `MalformedXML`.
    pub fn read(
        document: &[u8],
        root: &str,
        (bytes, elements): (usize, usize),
    ) -> Result<Self, ApiError> {
        let malformed = |why: String| {
            let text = format!("The body is no well-formed {root} document: {why}");
            ApiError::new(ErrorCode::MalformedXml, text)
        };
        if document.len() > bytes {
            return Err(malformed(format!("it is larger than {bytes} bytes")));
        }
        let text =
            std::str::from_utf8(document).map_err(|_| malformed("it is not UTF-8".into()))?;
        let read = parse(text, elements).map_err(malformed)?;
        match read.name == root {
            true => Ok(read),
            false => Err(malformed(format!("its root is <{}>", read.name))),
        }
    }

    /// The elements of that name directly inside.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element of that name directly inside.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

fn parse(text: &str, mut left: usize) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                left = left.checked_sub(1).ok_or("it has too many elements")?;
                if open.len() >= DEPTH {
                    return Err(format!("it is deeper than {DEPTH} elements"));
                }
                if open.is_empty() && root.is_some() {
                    return Err("it has a second root".into());
                }
                open.push(begin(tag)?);
                if matches!(event, Event::Empty(_)) {
                    close(&mut open, &mut root);
                }
            }
            Event::End(_) => close(&mut open, &mut root),
            Event::Text(piece) => {
                let piece = piece.xml_content(XmlVersion::Implicit1_0);
                add(&mut open, &piece)?;
            }
            Event::CData(piece) => {
                let piece = piece.xml_content(XmlVersion::Implicit1_0);
                add(&mut open, &piece)?;
            }
            Event::GeneralRef(reference) => {
                let resolved = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                match (resolved, resolve_predefined_entity(&reference)) {
                    (Some(c), _) => add(&mut open, c.encode_utf8(&mut [0; 4]))?,
                    (None, Some(text)) => add(&mut open, text)?,
                    (None, None) => return Err("it holds an entity of its own".into()),
                }
            }
            Event::DocType(_) => return Err("it holds a document type".into()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if open.is_empty() => return root.ok_or("it is empty".into()),
            Event::Eof => return Err("it ends too early".into()),
        }
    }
}

fn begin(tag: &BytesStart<'_>) -> Result<Element, String> {
    let name = tag.local_name().as_ref().to_owned();
    let mut kind = None;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.local_name().as_ref() == "type" {
            kind = Some(attribute.value.into_owned());
        }
    }
    Ok(Element { name, kind, ..Element::default() })
}

fn close(open: &mut Vec<Element>, root: &mut Option<Element>) {
    if let Some(done) = open.pop() {
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => *root = Some(done),
        }
    }
}

fn add(open: &mut [Element], piece: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(piece),
        None if piece.trim_matches([' ', '\t', '\r', '\n', '\u{feff}']).is_empty() => {}
        None => return Err("text stands outside its elements".into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Element, ErrorCode> {
        Element::read(text.as_bytes(), "R", (1000, 10)).map_err(|error| error.code())
    }

    #[test]
    fn texts_come_out_as_they_were_meant() {
        let table = [
            ("<R> a b </R>", " a b "),
            ("<R>a&amp;b&lt;&#x1;&#10;&#xD;&gt;&quot;&apos;</R>", "a&b<\u{1}\n\r>\"'"),
            (
                "<?xml version='1.0'?>\n<R xmlns='urn:x'><![CDATA[a<b&amp;]]><!-- c -->c</R>\n",
                "a<b&amp;c",
            ),
            ("<x:R xmlns:x='urn:x'>日</x:R>", "日"),
            ("<R/>", ""),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).unwrap().text, expected, "{text}");
        }
        let tree = read("<R><a>1</a><b x:type='T' id='3'><c/></b><a>2</a></R>").unwrap();
        assert_eq!(tree.all("a").map(|a| a.text.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        let b = tree.child("b").unwrap();
        assert_eq!((b.kind.as_deref(), b.children.len()), (Some("T"), 1));
    }

    #[test]
    fn what_is_no_such_document_is_refused() {
        let deep = format!("<R>{}{}</R>", "<a>".repeat(8), "</a>".repeat(8));
        let many = format!("<R>{}</R>", "<a/>".repeat(10));
        let long = format!("<R>{}</R>", "a".repeat(1000));
        for bad in [
            "",
            "x",
            "<R>",
            "<S/>",
            "<R/><R/>",
            "<R></S>",
            "<R>&b;</R>",
            "<R>&#x0;</R>",
            "<R/>tail",
            "<!DOCTYPE R [<!ENTITY b 'c'>]><R>&b;</R>",
            "<R a=b/>",
            &deep,
            &many,
            &long,
        ] {
            assert_eq!(read(bad), Err(ErrorCode::MalformedXml), "{bad}");
        }
        assert!(Element::read(b"<R>\xff</R>", "R", (1000, 10)).is_err());
    }
}
