//! Removing many objects at once: the request's document and the answer's.

use super::listing::versions::NULL;
use super::tree::Element;
use super::types::ObjectKey;
use super::xml::Writer;
use crate::error::{ApiError, ErrorCode};

/// The most objects of one request.
pub const MAX_OBJECTS: usize = 1000;

/// The longest document, in bytes: as many of the longest keys as there may be, each byte escaped.
pub const MAX_DOCUMENT: usize = 8 << 20;

/// The most elements of a document: all that an object may have, for each.
const MAX_ELEMENTS: usize = MAX_OBJECTS * 6 + 2;

/// What the document asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwanted {
    /// The objects, in the order of the document; one may stand there several times.
    pub objects: Vec<UnwantedObject>,
    /// Whether only errors are to be answered.
    pub quiet: bool,
}

/// An object that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnwantedObject {
    /// Its key as it stands in the document.
    pub key: String,
    /// The version, if one is named.
    pub version: Option<String>,
    /// The entity tag it must have, without quotes; `*` for any.
    pub etag: Option<String>,
}

impl UnwantedObject {
    /// The key, if this is something that can be removed at all.
    ///
    /// # Errors
    /// `KeyTooLongError`; `NoSuchVersion` for a version other than `null`.
    pub fn parse(&self) -> Result<ObjectKey, ApiError> {
        if let Some(odd) = self.version.as_deref().filter(|id| *id != NULL) {
            let text = format!("There is no version '{odd}': objects have the one version 'null'");
            return Err(ApiError::new(ErrorCode::NoSuchVersion, text));
        }
        self.key.parse()
    }
}

impl Unwanted {
    /// Reads the document.
    ///
    /// # Errors
    /// `MalformedXML`; `NotImplemented` for a condition that is not heeded.
    pub fn read(document: &[u8]) -> Result<Self, ApiError> {
        let malformed = |why: &str| ApiError::new(ErrorCode::MalformedXml, why);
        let root = Element::read(document, "Delete", (MAX_DOCUMENT, MAX_ELEMENTS))?;
        let quiet = match root.child("Quiet").map(|quiet| quiet.text.trim()) {
            Some("true") => true,
            None | Some("false" | "") => false,
            Some(_) => return Err(malformed("Quiet is neither 'true' nor 'false'")),
        };
        let objects = root.all("Object").map(object).collect::<Result<Vec<_>, _>>()?;
        if objects.is_empty() || objects.len() > MAX_OBJECTS {
            let text = format!("A Delete document names 1 to {MAX_OBJECTS} objects");
            return Err(ApiError::new(ErrorCode::MalformedXml, text));
        }
        Ok(Self { objects, quiet })
    }
}

fn object(element: &Element) -> Result<UnwantedObject, ApiError> {
    let (mut key, mut version, mut etag) = (None, None, None);
    for child in &element.children {
        match child.name.as_str() {
            "Key" => key = Some(child.text.clone()),
            "VersionId" => version = Some(child.text.trim().to_owned()),
            "ETag" => etag = Some(child.text.trim().trim_matches('"').to_owned()),
            odd => {
                let text = format!("The element {odd} of an object to be removed is not offered");
                return Err(ApiError::new(ErrorCode::NotImplemented, text));
            }
        }
    }
    let key = key.filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| ApiError::new(ErrorCode::MalformedXml, "An Object has no Key"))?;
    let present = |text: &String| !text.is_empty();
    Ok(UnwantedObject { key, version: version.filter(present), etag: etag.filter(present) })
}

/// Writes the answer: what became of each object.
pub fn to_xml(unwanted: &Unwanted, outcomes: &[Result<(), ApiError>]) -> String {
    Writer::document("DeleteResult", |to| {
        for (object, outcome) in unwanted.objects.iter().zip(outcomes) {
            let name = |to: &mut Writer| {
                to.leaf("Key", &object.key);
                if let Some(version) = &object.version {
                    to.leaf("VersionId", version);
                }
            };
            match outcome {
                Ok(()) if unwanted.quiet => {}
                Ok(()) => to.element("Deleted", name),
                Err(error) => to.element("Error", |to| {
                    name(to);
                    to.leaf("Code", error.code().wire());
                    to.leaf("Message", error.text());
                }),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Unwanted, ErrorCode> {
        Unwanted::read(text.as_bytes()).map_err(|error| error.code())
    }

    #[test]
    fn documents_are_read() {
        let asked = read(
            "<?xml version=\"1.0\"?><Delete xmlns=\"urn:x\"><Quiet>true</Quiet>\
             <Object><Key> a&amp;b&#x1; </Key></Object>\n\
             <Object><Key>c</Key><VersionId>null</VersionId><ETag>\"e\"</ETag></Object>\
             <Object><Key>d</Key><VersionId>3</VersionId></Object></Delete>",
        )
        .unwrap();
        assert!(asked.quiet);
        let keys: Vec<_> = asked.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, [" a&b\u{1} ", "c", "d"]);
        assert_eq!(asked.objects[1].etag.as_deref(), Some("e"));
        assert_eq!(asked.objects[1].parse().unwrap().as_str(), "c");
        assert_eq!(asked.objects[2].parse().unwrap_err().code(), ErrorCode::NoSuchVersion);
        let long = format!("<Delete><Object><Key>{}</Key></Object></Delete>", "k".repeat(1025));
        let long = read(&long).unwrap().objects[0].parse();
        assert_eq!(long.unwrap_err().code(), ErrorCode::KeyTooLong);
    }

    #[test]
    fn documents_that_ask_for_something_else_are_refused() {
        let many = "<Object><Key>k</Key></Object>".repeat(MAX_OBJECTS);
        assert_eq!(read(&format!("<Delete>{many}</Delete>")).unwrap().objects.len(), MAX_OBJECTS);
        let more = format!("<Delete>{many}<Object><Key>k</Key></Object></Delete>");
        for bad in [
            "",
            "<Delete/>",
            "<Delete><Object/></Delete>",
            "<Delete><Object><Key/></Object></Delete>",
            "<Delete><Quiet>yes</Quiet><Object><Key>k</Key></Object></Delete>",
            "<Remove><Object><Key>k</Key></Object></Remove>",
            &more,
        ] {
            assert_eq!(read(bad), Err(ErrorCode::MalformedXml), "{bad}");
        }
        let size = "<Delete><Object><Key>k</Key><Size>3</Size></Object></Delete>";
        assert_eq!(read(size), Err(ErrorCode::NotImplemented));
    }

    #[test]
    fn the_longest_document_fits() {
        let key = "\u{1}".repeat(1024).replace('\u{1}', "&#x01;");
        let object = format!("<Object><Key>{key}</Key><VersionId>null</VersionId></Object>");
        let text = format!("<Delete>{}</Delete>", object.repeat(MAX_OBJECTS));
        assert_eq!(read(&text).unwrap().objects.len(), MAX_OBJECTS);
    }

    #[test]
    fn answers_tell_what_became_of_each() {
        let mut asked = read(
            "<Delete><Object><Key>a&amp;</Key></Object><Object><Key>b</Key><VersionId>null\
             </VersionId></Object><Object><Key>c</Key></Object></Delete>",
        )
        .unwrap();
        let denied = Err(ApiError::new(ErrorCode::PreconditionFailed, "no"));
        let outcomes = [Ok(()), Ok(()), denied];
        let text = to_xml(&asked, &outcomes);
        let error =
            "<Error><Key>c</Key><Code>PreconditionFailed</Code><Message>no</Message></Error>";
        assert!(text.ends_with(&format!(
            "<Deleted><Key>a&amp;</Key></Deleted><Deleted><Key>b</Key><VersionId>null</VersionId>\
             </Deleted>{error}</DeleteResult>"
        )));
        asked.quiet = true;
        let text = to_xml(&asked, &outcomes);
        assert!(text.contains(error) && !text.contains("Deleted"), "{text}");
    }
}
