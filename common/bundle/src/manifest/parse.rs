//! Reads the document in one pass.
//!
//! Elements are known by their whole path from the root, never by name alone: a `<name>` of the
//! bundler is not the image's, and nothing outside `machine_configuration` and `image` (which a
//! signature does not cover) can pass for something inside. Elements that are not known are passed
//! over, at any depth up to the limit. There are no entities but the five of XML and character
//! references, hence the text never grows beyond what was sent.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesRef, BytesStart, Event};
use sha1::{Digest, Sha1};

use super::{Bundler, Kind, Limits, Manifest, ManifestError, Mapping, Part};

/// More signatures than any server appends; each one costs an RSA operation per certificate.
const SIGNATURES: usize = 8;

/// More attributes than any element has; they are searched one by one.
const ATTRIBUTES: usize = 16;

/// The digest that says nothing: SHA-1 of no bytes, written by one tool in all its manifests.
const SHA1_OF_NOTHING: [u8; 20] = [
    0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55, 0xbf, 0xef, 0x95, 0x60, 0x18, 0x90,
    0xaf, 0xd8, 0x07, 0x09,
];

/// The element names of the format.
const NAMES: [&str; 31] = [
    "manifest",
    "version",
    "bundler",
    "name",
    "release",
    "machine_configuration",
    "architecture",
    "block_device_mapping",
    "mapping",
    "virtual",
    "device",
    "product_codes",
    "product_code",
    "kernel_id",
    "ramdisk_id",
    "image",
    "user",
    "type",
    "ancestry",
    "ancestor_ami_id",
    "digest",
    "size",
    "bundled_size",
    "ec2_encrypted_key",
    "user_encrypted_key",
    "ec2_encrypted_iv",
    "user_encrypted_iv",
    "parts",
    "part",
    "filename",
    "signature",
];

/// An element with text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaf {
    /// One that may be there once: the place in [`Reading::single`].
    Single(usize),
    Virtual,
    Device,
    ProductCode,
    Ancestor,
    Filename,
    PartDigest,
    Signature,
}

/// The single leaves: their path below the root.
const SINGLES: [&[&str]; 17] = [
    &["version"],
    &["bundler", "name"],
    &["bundler", "version"],
    &["bundler", "release"],
    &["machine_configuration", "architecture"],
    &["machine_configuration", "kernel_id"],
    &["machine_configuration", "ramdisk_id"],
    &["image", "name"],
    &["image", "user"],
    &["image", "type"],
    &["image", "digest"],
    &["image", "size"],
    &["image", "bundled_size"],
    &["image", "ec2_encrypted_key"],
    &["image", "user_encrypted_key"],
    &["image", "ec2_encrypted_iv"],
    &["image", "user_encrypted_iv"],
];

fn leaf(path: &[&str]) -> Option<Leaf> {
    let (&root, below) = path.split_first()?;
    if root != "manifest" {
        return None;
    }
    match below {
        ["machine_configuration", "block_device_mapping", "mapping", "virtual"] => {
            Some(Leaf::Virtual)
        }
        ["machine_configuration", "block_device_mapping", "mapping", "device"] => {
            Some(Leaf::Device)
        }
        ["machine_configuration", "product_codes", "product_code"] => Some(Leaf::ProductCode),
        ["image", "ancestry", "ancestor_ami_id"] => Some(Leaf::Ancestor),
        ["image", "parts", "part", "filename"] => Some(Leaf::Filename),
        ["image", "parts", "part", "digest"] => Some(Leaf::PartDigest),
        ["signature"] => Some(Leaf::Signature),
        _ => SINGLES.iter().position(|path| *path == below).map(Leaf::Single),
    }
}

#[derive(Default)]
struct PartDraft {
    index: Option<usize>,
    filename: Option<String>,
    digest: Option<[u8; 20]>,
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    single: [Option<String>; SINGLES.len()],
    mapping: (Option<String>, Option<String>),
    mappings: Vec<Mapping>,
    product_codes: Vec<String>,
    ancestry: Vec<String>,
    count: Option<usize>,
    part: PartDraft,
    parts: Vec<Part>,
    seen_parts: bool,
    signatures: Vec<Vec<u8>>,
    signature_words: usize,
    machine: Option<Range<usize>>,
    image: Option<Range<usize>>,
}

impl Manifest {
    /// Reads and validates a manifest. The bytes may have any prolog, indentation and comments.
    ///
    /// # Errors
    /// The first thing in it that is not as the format wants it or beyond the limits.
    pub fn parse(raw: &[u8], limits: &Limits) -> Result<Self, ManifestError> {
        let manifest = read(raw, limits)?.into_manifest(raw, limits)?;
        manifest.validate()?;
        Ok(manifest)
    }
}

/// Where the two signed elements stand in `raw`.
pub(super) fn signed_spans(
    raw: &[u8],
    limits: &Limits,
) -> Result<[Range<usize>; 2], ManifestError> {
    read(raw, limits)?.spans()
}

/// The digest of the two spans of `raw`, in their order.
fn signed_digest(raw: &[u8], spans: [Range<usize>; 2]) -> [u8; 20] {
    let mut sha1 = Sha1::new();
    for span in spans {
        sha1.update(raw.get(span).unwrap_or_default());
    }
    sha1.finalize().into()
}

fn read(raw: &[u8], limits: &Limits) -> Result<Reading, ManifestError> {
    if raw.len() > limits.manifest_bytes {
        return Err(ManifestError::TooLarge { limit: limits.manifest_bytes });
    }
    let text = std::str::from_utf8(raw).map_err(|_| ManifestError::NotUtf8)?;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let offset = text.len() - body.len();
    let mut reader = Reader::from_str(body);
    reader.config_mut().expand_empty_elements = true;

    let mut reading = Reading::default();
    let mut path: Vec<&'static str> = Vec::new();
    let mut text = String::new();
    let mut finished = false;
    loop {
        let before = position(&reader, offset);
        let event = reader.read_event().map_err(|error| {
            let at = usize::try_from(reader.error_position()).unwrap_or_default() + offset;
            ManifestError::Xml { at, reason: error.to_string() }
        })?;
        let malformed = |reason: &str| ManifestError::Xml { at: before, reason: reason.to_owned() };
        match event {
            Event::Start(tag) => {
                if finished {
                    return Err(malformed("a second root element"));
                }
                if path.len() == limits.depth {
                    return Err(ManifestError::TooDeep { limit: limits.depth });
                }
                if leaf(&path).is_some() {
                    return Err(ManifestError::Field {
                        field: path.last().copied().unwrap_or_default(),
                        reason: "holds an element",
                    });
                }
                let tag_name = tag.name();
                let name = NAMES.iter().find(|name| **name == tag_name.into_inner());
                path.push(name.copied().unwrap_or_default());
                if path.len() == 1 && path != ["manifest"] {
                    return Err(ManifestError::NotManifest(
                        tag_name.into_inner().chars().take(64).collect(),
                    ));
                }
                text.clear();
                reading.start(&path, &tag, before)?;
            }
            Event::End(_) => {
                reading.end(&path, &text, position(&reader, offset), limits)?;
                text.clear();
                path.pop();
                finished = path.is_empty();
            }
            Event::Text(piece) => text.push_str(&piece.xml10_content()),
            Event::CData(piece) if !path.is_empty() => text.push_str(&piece.xml10_content()),
            Event::GeneralRef(reference) if !path.is_empty() => text.push(character(&reference)?),
            Event::CData(_) | Event::GeneralRef(_) => {
                return Err(malformed("text outside of the root element"));
            }
            Event::DocType(_) => return Err(ManifestError::Doctype),
            Event::Decl(_) if before != offset => {
                return Err(malformed("a declaration that is not at the beginning"));
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Empty(_) => return Err(malformed("an element that was not expanded")),
            Event::Eof => {
                return match (finished, path.is_empty()) {
                    (true, _) => Ok(reading),
                    (false, true) => Err(malformed("there is no element")),
                    (false, false) => Err(malformed("an element is not closed")),
                };
            }
        }
        if path.is_empty() {
            if !text.trim().is_empty() {
                return Err(malformed("text outside of the root element"));
            }
            text.clear();
        }
    }
}

fn position(reader: &Reader<&[u8]>, offset: usize) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).saturating_add(offset)
}

/// What `&…;` stands for.
fn character(reference: &BytesRef<'_>) -> Result<char, ManifestError> {
    let unknown = || ManifestError::Entity(reference.chars().take(64).collect());
    match reference.resolve_char_ref() {
        Ok(Some(c)) => Ok(c),
        Ok(None) => match reference.as_ref() {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            _ => Err(unknown()),
        },
        Err(_) => Err(unknown()),
    }
}

fn attribute(
    tag: &BytesStart<'_>,
    field: &'static str,
    name: &str,
) -> Result<Option<String>, ManifestError> {
    for (seen, attribute) in tag.attributes().enumerate() {
        if seen == ATTRIBUTES {
            return Err(ManifestError::Field { field, reason: "has too many attributes" });
        }
        let bad = ManifestError::Field { field, reason: "has a malformed attribute" };
        let Ok(attribute) = attribute else { return Err(bad) };
        if attribute.key.into_inner() == name {
            return unescape(&attribute.value)
                .map(|value| Some(value.trim().to_owned()))
                .map_err(|_| bad);
        }
    }
    Ok(None)
}

fn index(text: &str, field: &'static str) -> Result<usize, ManifestError> {
    digits(text)
        .and_then(|number| usize::try_from(number).ok())
        .ok_or(ManifestError::Field { field, reason: "is not a number" })
}

/// A number of digits only: no sign, no point.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn sha1(text: &str) -> Result<[u8; 20], ManifestError> {
    let mut digest = [0; 20];
    hex::decode_to_slice(text.trim(), &mut digest)
        .map_err(|_| ManifestError::Field { field: "digest", reason: "is not a SHA-1" })?;
    Ok(digest)
}

fn once<T>(slot: &mut Option<T>, value: T, name: &'static str) -> Result<(), ManifestError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ManifestError::Twice(name)),
    }
}

impl Reading {
    fn start(
        &mut self,
        path: &[&'static str],
        tag: &BytesStart<'_>,
        at: usize,
    ) -> Result<(), ManifestError> {
        let expect =
            |field: &'static str, wanted: &[&str]| match attribute(tag, field, "algorithm")? {
                Some(named) if !wanted.iter().any(|name| named.eq_ignore_ascii_case(name)) => {
                    Err(ManifestError::Field { field, reason: "names an unknown algorithm" })
                }
                _ => Ok(()),
            };
        match path {
            ["manifest", "machine_configuration"] => {
                once(&mut self.machine, at..at, "machine_configuration")
            }
            ["manifest", "image"] => once(&mut self.image, at..at, "image"),
            ["manifest", "image", "digest"] | ["manifest", "image", "parts", "part", "digest"] => {
                expect("digest", &["SHA1", "SHA-1"])
            }
            ["manifest", "image", "ec2_encrypted_key"] => {
                expect("ec2_encrypted_key", &["AES-128-CBC"])
            }
            ["manifest", "image", "user_encrypted_key"] => {
                expect("user_encrypted_key", &["AES-128-CBC"])
            }
            ["manifest", "image", "parts"] => {
                if std::mem::replace(&mut self.seen_parts, true) {
                    return Err(ManifestError::Twice("parts"));
                }
                self.count = attribute(tag, "parts", "count")?
                    .map(|text| index(&text, "parts count"))
                    .transpose()?;
                Ok(())
            }
            ["manifest", "image", "parts", "part"] => {
                let text = attribute(tag, "part", "index")?;
                let text = text.ok_or(ManifestError::Missing("the index of a part"))?;
                self.part =
                    PartDraft { index: Some(index(&text, "part index")?), ..<_>::default() };
                Ok(())
            }
            ["manifest", "machine_configuration", "block_device_mapping", "mapping"] => {
                self.mapping = (None, None);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end(
        &mut self,
        path: &[&'static str],
        text: &str,
        at: usize,
        limits: &Limits,
    ) -> Result<(), ManifestError> {
        if let Some(leaf) = leaf(path) {
            return self.text(leaf, path.last().copied().unwrap_or_default(), text);
        }
        match path {
            ["manifest", "machine_configuration"] => {
                self.machine = self.machine.take().map(|span| span.start..at);
            }
            ["manifest", "image"] => self.image = self.image.take().map(|span| span.start..at),
            ["manifest", "image", "parts", "part"] => {
                if self.parts.len() == limits.parts {
                    return Err(ManifestError::TooManyParts { limit: limits.parts });
                }
                let part = std::mem::take(&mut self.part);
                self.parts.push(Part {
                    index: part.index.ok_or(ManifestError::Missing("the index of a part"))?,
                    filename: part.filename.ok_or(ManifestError::Missing("a part's filename"))?,
                    digest: part.digest.ok_or(ManifestError::Missing("a part's digest"))?,
                });
            }
            ["manifest", "machine_configuration", "block_device_mapping", "mapping"] => {
                // One old tool cut the option into single characters and wrote those as mappings.
                if let (Some(virtual_name), Some(device)) = std::mem::take(&mut self.mapping)
                    && virtual_name.chars().count() > 1
                    && device.chars().count() > 1
                {
                    self.mappings.push(Mapping { virtual_name, device });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, leaf: Leaf, name: &'static str, text: &str) -> Result<(), ManifestError> {
        match leaf {
            // File names may begin or end with a space; nothing else means one.
            Leaf::Single(at) if SINGLES[at] == ["image", "name"] => {
                once(&mut self.single[at], text.to_owned(), name)
            }
            Leaf::Single(at) => once(&mut self.single[at], text.trim().to_owned(), name),
            Leaf::Virtual => once(&mut self.mapping.0, text.trim().to_owned(), name),
            Leaf::Device => once(&mut self.mapping.1, text.trim().to_owned(), name),
            Leaf::ProductCode => {
                self.product_codes.push(text.trim().to_owned());
                Ok(())
            }
            Leaf::Ancestor => {
                let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty());
                self.ancestry.extend(ids.map(str::to_owned));
                Ok(())
            }
            Leaf::Filename => once(&mut self.part.filename, text.to_owned(), name),
            Leaf::PartDigest => once(&mut self.part.digest, sha1(text)?, "digest"),
            Leaf::Signature => {
                self.signature_words += 1;
                if self.signature_words > SIGNATURES {
                    return Err(ManifestError::Field {
                        field: "signature",
                        reason: "is there too often",
                    });
                }
                let text = text.trim();
                if !text.is_empty() && text != "UNSIGNED" {
                    self.signatures.push(hex::decode(text).unwrap_or_default());
                }
                Ok(())
            }
        }
    }

    fn spans(&self) -> Result<[Range<usize>; 2], ManifestError> {
        let machine = self.machine.clone();
        let image = self.image.clone();
        Ok([
            machine.ok_or(ManifestError::Missing("machine_configuration"))?,
            image.ok_or(ManifestError::Missing("image"))?,
        ])
    }

    /// The text of a single leaf, none if it is absent or empty.
    fn take(&mut self, path: &[&str]) -> Option<String> {
        let at = SINGLES.iter().position(|single| *single == path)?;
        self.single.get_mut(at)?.take().filter(|text| !text.is_empty())
    }

    fn number(&mut self, name: &'static str) -> Result<u64, ManifestError> {
        let text = self.take(&["image", name]).ok_or(ManifestError::Missing(name))?;
        digits(&text).ok_or(ManifestError::Field { field: name, reason: "is not a number" })
    }

    fn sealed(&mut self, name: &'static str) -> Result<Option<Vec<u8>>, ManifestError> {
        self.take(&["image", name])
            .map(hex::decode)
            .transpose()
            .map_err(|_| ManifestError::Field { field: name, reason: "is not hexadecimal" })
    }

    fn into_manifest(mut self, raw: &[u8], limits: &Limits) -> Result<Manifest, ManifestError> {
        let spans = self.spans()?;
        if !self.seen_parts {
            return Err(ManifestError::Missing("parts"));
        }
        if let Some(announced) = self.count
            && announced != self.parts.len()
        {
            return Err(ManifestError::PartCount { announced, listed: self.parts.len() });
        }
        self.parts.sort_by_key(|part| part.index);
        let size = self.number("size")?;
        if size > limits.image_bytes {
            return Err(ManifestError::Field { field: "size", reason: "is beyond the limit" });
        }
        let image_type = match self.take(&["image", "type"]).as_deref() {
            None | Some("machine") => Kind::Machine,
            Some("kernel") => Kind::Kernel,
            Some("ramdisk") => Kind::Ramdisk,
            Some(_) => {
                return Err(ManifestError::Field { field: "type", reason: "is not known" });
            }
        };
        let digest = self
            .take(&["image", "digest"])
            .map(|text| sha1(&text))
            .transpose()?
            .filter(|digest| *digest != [0; 20] && *digest != SHA1_OF_NOTHING);
        let architecture = self.take(&["machine_configuration", "architecture"]);
        Ok(Manifest {
            version: self.take(&["version"]).unwrap_or_default(),
            bundler: Bundler {
                name: self.take(&["bundler", "name"]).unwrap_or_default(),
                version: self.take(&["bundler", "version"]).unwrap_or_default(),
                release: self.take(&["bundler", "release"]).unwrap_or_default(),
            },
            architecture: architecture.ok_or(ManifestError::Missing("architecture"))?,
            kernel_id: self.take(&["machine_configuration", "kernel_id"]),
            ramdisk_id: self.take(&["machine_configuration", "ramdisk_id"]),
            name: self.take(&["image", "name"]).ok_or(ManifestError::Missing("name"))?,
            user: self.take(&["image", "user"]).ok_or(ManifestError::Missing("user"))?,
            image_type,
            digest,
            size,
            bundled_size: self.number("bundled_size")?,
            ec2_encrypted_key: self.sealed("ec2_encrypted_key")?,
            ec2_encrypted_iv: self.sealed("ec2_encrypted_iv")?,
            user_encrypted_key: self.sealed("user_encrypted_key")?,
            user_encrypted_iv: self.sealed("user_encrypted_iv")?,
            block_device_mapping: self.mappings,
            product_codes: self.product_codes,
            ancestry: self.ancestry,
            parts: self.parts,
            unsigned: self.signatures.is_empty(),
            signatures: self.signatures,
            signed: signed_digest(raw, spans),
        })
    }
}
