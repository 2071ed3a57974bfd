//! Answers in the shape of an older version: what came later is left out, what was called
//! otherwise has its old name.
//!
//! One pass over the XML of an answer. It works on XML of our own making: no comments, no CDATA,
//! no `<` or `>` but those of tags. Which elements came when is told by tables beside the types
//! they are about; this file only obeys.

use std::borrow::Cow;

/// A change of the API: something that answers of older versions do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The version it came with, `2010-08-31`.
    pub since: &'static str,
    /// The element it is about, by the last steps of its path: `instancesSet/item/tagSet`.
    pub at: &'static str,
    /// What the element was called before; `None` if there was none.
    pub before: Option<&'static str>,
}

impl Change {
    /// An element that came with `since`.
    pub const fn added(since: &'static str, at: &'static str) -> Self {
        Self { since, at, before: None }
    }

    /// An element that was called `before` until `since`.
    pub const fn renamed(since: &'static str, at: &'static str, before: &'static str) -> Self {
        Self { since, at, before: Some(before) }
    }
}

/// Takes back changes: elements that were added are left out with all below them, elements that
/// were renamed have their old names.
pub fn without<'x>(xml: &'x str, changes: &[&Change]) -> Cow<'x, str> {
    if changes.is_empty() {
        return Cow::Borrowed(xml);
    }
    let rules: Vec<_> = changes.iter().map(|change| Rule::of(change)).collect();
    let mut shaped = String::with_capacity(xml.len());
    // The elements that are open, each with the name it is written by; `None` if left out.
    let mut open: Vec<(&str, Option<&str>)> = Vec::new();
    let mut rest = xml;
    while let Some((text, behind)) = rest.split_once('<') {
        let is_written = open.iter().all(|(_, written)| written.is_some());
        if is_written {
            shaped.push_str(text);
        }
        let Some((tag, behind)) = behind.split_once('>') else { break };
        rest = behind;
        if let Some(name) = tag.strip_prefix('/') {
            let (_, written) = open.pop().unwrap_or((name, Some(name)));
            if let (true, Some(written)) = (is_written, written) {
                shaped.extend(["</", written, ">"]);
            }
            continue;
        }
        let is_declaration = tag.starts_with('?');
        let end = tag.find([' ', '/']).unwrap_or(tag.len());
        let (name, tail) = tag.split_at(end);
        let written = match rules.iter().find(|rule| rule.is_about(name, &open)) {
            Some(rule) => rule.before,
            None => Some(name),
        };
        if let (true, Some(written)) = (is_written, written) {
            shaped.extend(["<", written, tail, ">"]);
        }
        if !is_declaration && !tail.ends_with('/') {
            open.push((name, written));
        }
    }
    shaped.push_str(rest);
    Cow::Owned(shaped)
}

/// A change made ready to be looked for at each element.
struct Rule {
    name: &'static str,
    above: Option<&'static str>,
    before: Option<&'static str>,
}

impl Rule {
    fn of(change: &Change) -> Self {
        let (above, name) = match change.at.rsplit_once('/') {
            Some((above, name)) => (Some(above), name),
            None => (None, change.at),
        };
        Self { name, above, before: change.before }
    }

    /// Whether it is about an element of that name, below those that are open.
    fn is_about(&self, name: &str, open: &[(&str, Option<&str>)]) -> bool {
        let mut open = open.iter().rev().map(|(name, _)| *name);
        let mut steps = self.above.into_iter().flat_map(|above| above.rsplit('/'));
        self.name == name && steps.all(|step| open.next() == Some(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<?xml version=\"1.0\"?>\n<R xmlns=\"u/v\"><set><item><id>1</id><tagSet>\
         <item><key>a&gt;b</key></item></tagSet></item><item><id>2</id><tagSet/></item></set>\
         <tagSet><item>top</item></tagSet></R>";

    #[test]
    fn what_came_later_is_left_out_where_it_stands() {
        let added = Change::added("2", "set/item/tagSet");
        assert_eq!(
            without(XML, &[&added]),
            "<?xml version=\"1.0\"?>\n<R xmlns=\"u/v\"><set><item><id>1</id></item><item>\
             <id>2</id></item></set><tagSet><item>top</item></tagSet></R>"
        );
    }

    #[test]
    fn what_was_called_otherwise_has_its_old_name() {
        let renamed = Change::renamed("2", "tagSet/item/key", "name");
        let dropped = Change::added("2", "set/item/id");
        let shaped = without(XML, &[&renamed, &dropped]);
        assert!(shaped.contains("<set><item><tagSet><item><name>a&gt;b</name></item>"), "{shaped}");
        assert!(shaped.contains("<item><tagSet/></item>"), "{shaped}");
    }

    #[test]
    fn nothing_to_take_back_changes_nothing() {
        assert_eq!(without(XML, &[]), XML);
        let elsewhere = Change::added("2", "other/item");
        assert_eq!(without(XML, &[&elsewhere]), XML);
    }
}
