//! An answer as a tree of elements, for whoever wants a few of its texts by their names.
//!
//! Prefixes are taken off, entities resolved, and texts kept as they are. What is read comes from
//! the cloud that was asked, and is bounded in bytes by whoever received it.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// How deep elements may lie in each other.
const DEPTH: usize = 64;

/// An element of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its name, without prefix.
    pub name: String,
    /// The text directly inside it.
    pub text: String,
    /// The elements inside it.
    pub children: Vec<Answer>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// Says why it is no XML.
    pub fn read(xml: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(xml);
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        loop {
            let event = reader.read_event().map_err(|error| error.to_string())?;
            match event {
                Event::Start(_) if open.len() == DEPTH => {
                    return Err(format!("it is deeper than {DEPTH} elements"));
                }
                Event::Start(ref tag) => open.push(named(tag)),
                Event::Empty(ref tag) => close(named(tag), &mut open, &mut root),
                Event::End(_) => {
                    let ended = open.pop().ok_or("an element ends that never began")?;
                    close(ended, &mut open, &mut root);
                }
                Event::Text(piece) => {
                    add(&mut open, &piece.xml_content(XmlVersion::Implicit1_0));
                }
                Event::CData(piece) => {
                    add(&mut open, &piece.xml_content(XmlVersion::Implicit1_0));
                }
                Event::GeneralRef(reference) => {
                    let resolved =
                        reference.resolve_char_ref().map_err(|error| error.to_string())?;
                    match (resolved, resolve_predefined_entity(&reference)) {
                        (Some(c), _) => add(&mut open, c.encode_utf8(&mut [0; 4])),
                        (None, Some(text)) => add(&mut open, text),
                        (None, None) => return Err("it holds an entity of its own".to_owned()),
                    }
                }
                Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if open.is_empty() => return root.ok_or("it is empty".to_owned()),
                Event::Eof => return Err("it ends too early".to_owned()),
            }
        }
    }

    /// What an action of IAM or STS answers: `<XResult>` inside its envelope, or the whole of an
    /// answer that has none.
    #[must_use]
    pub fn result(mut self) -> Self {
        match self.children.iter().position(|child| child.name.ends_with("Result")) {
            Some(at) => self.children.swap_remove(at),
            None => self,
        }
    }

    /// The first element at a path below this one, `User/Arn`.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |it, step| it.children.iter().find(|c| c.name == step))
    }

    /// The text at a path; none if it is absent or empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path).map(|it| it.text.as_str()).filter(|text| !text.trim().is_empty())
    }

    /// The elements of a list as IAM writes it: `<Users><member>…</member></Users>`.
    pub fn members<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a Self> + use<'a> {
        let list = self.at(path).map(|list| list.children.as_slice()).unwrap_or_default();
        // A map, as in account summaries, has entries.
        list.iter().filter(|child| matches!(child.name.as_str(), "member" | "item" | "entry"))
    }
}

fn named(tag: &BytesStart<'_>) -> Answer {
    Answer { name: tag.local_name().as_ref().to_owned(), ..Answer::default() }
}

fn add(open: &mut [Answer], text: &str) {
    if let Some(innermost) = open.last_mut() {
        innermost.text.push_str(text);
    }
}

fn close(ended: Answer, open: &mut [Answer], root: &mut Option<Answer>) {
    match open.last_mut() {
        Some(above) => above.children.push(ended),
        None => *root = root.take().or(Some(ended)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_by_their_paths() {
        let xml = "<?xml version=\"1.0\"?>\n<ListUsersResponse xmlns=\"u\"><ListUsersResult>\
                   <IsTruncated>false</IsTruncated><Users><member><UserName>a&lt;&#98;</UserName>\
                   <Path/></member><member><UserName> c\n</UserName></member></Users>\
                   </ListUsersResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
                   </ListUsersResponse>";
        let result = Answer::read(xml).unwrap().result();
        assert_eq!(result.name, "ListUsersResult");
        let names: Vec<_> = result.members("Users").map(|user| user.text("UserName")).collect();
        assert_eq!(names, [Some("a<b"), Some(" c\n")]);
        assert_eq!(result.text("Users/member/Path"), None);
        assert_eq!(result.text("IsTruncated"), Some("false"));
        assert_eq!(result.members("Nothing").count(), 0);
    }

    #[test]
    fn prefixes_are_taken_off_and_an_answer_without_a_result_is_the_whole() {
        let xml = "<euca:R xmlns:euca=\"u\"><euca:_return>true</euca:_return></euca:R>";
        let answer = Answer::read(xml).unwrap().result();
        assert_eq!((answer.name.as_str(), answer.text("_return")), ("R", Some("true")));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let deep = "<a>".repeat(1_000_000);
        for bad in ["", "words", "<a>", "<a></b>", "</a>", "<a>&x;</a>", "<a><b></a>", &deep] {
            assert!(Answer::read(bad).is_err(), "{}", &bad[..bad.len().min(20)]);
        }
    }
}
