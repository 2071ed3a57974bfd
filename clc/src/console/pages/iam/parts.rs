//! What the pages of an account's users, groups and roles share.

use common::error::ApiError;
use common::sign::write_query;
use maud::{Markup, html};

use crate::console::components::{Field, field, notice, refusal};
use crate::console::texts::iam as say;
use crate::console::visit::Visit;

/// How many are shown on a page.
pub(super) const SHOWN: u32 = 100;

/// What can have policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl Kind {
    /// As a form says it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// Which one a form says.
    pub(super) fn of(visit: &Visit) -> Self {
        match visit.form.get("kind") {
            "group" => Self::Group,
            "role" => Self::Role,
            _ => Self::User,
        }
    }

    /// The page of one.
    pub(super) fn page(self, name: &str) -> String {
        format!("/iam/{}?{}", self.word(), write_query(&[("name", name)]))
    }

    /// The page of one, after something was done.
    pub(super) fn done(self, name: &str) -> String {
        format!("{}&done=1", self.page(name))
    }
}

/// Whom a form or an address names.
pub(super) fn named(visit: &Visit) -> String {
    let said = visit.form.some("name").or_else(|| visit.query.some("name"));
    said.unwrap_or_default()
}

/// The three lists.
pub(super) fn lists(visit: &Visit) -> Markup {
    let words = visit.words;
    html! {
        p.links.up {
            a href="/iam" { (words.t(say::USERS)) }
            a href="/iam/groups" { (words.t(say::GROUPS)) }
            a href="/iam/roles" { (words.t(say::ROLES)) }
        }
        @if !visit.query.get("done").is_empty() { (notice("good", words.t(say::DONE), "")) }
    }
}

/// The field of a name.
pub(super) fn name_field(visit: &Visit) -> Markup {
    let words = visit.words;
    let it = Field {
        name: "name",
        label: words.t(say::NAME),
        hint: words.t(say::NAME_HINT),
        value: visit.form.line("name"),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    field(words, &it)
}

/// A policy to be written.
pub(super) fn document(id: &str, label: &str, text: &str) -> Markup {
    html! {
        div.field.broad {
            label for=(id) { (label) }
            textarea.code id=(id) name="document" rows="12" required spellcheck="false" { (text) }
        }
    }
}

/// Why a policy was refused, with the line at which it is wrong.
pub(super) fn refused(visit: &Visit, error: &ApiError) -> Markup {
    let document = visit.form.get("document").replace("\r\n", "\n");
    let line = line_of(error.text()).filter(|_| !document.is_empty());
    let text = line.and_then(|line| document.lines().nth(line.checked_sub(1)?));
    html! {
        (refusal(visit.words, error))
        @if let (Some(line), Some(text)) = (line, text) {
            p { (visit.words.fill(say::LINE, &[("line", &line.to_string()), ("text", text.trim())])) }
        }
    }
}

/// The line that an error names: `… (line 3, column 5)`.
fn line_of(text: &str) -> Option<usize> {
    let (_, behind) = text.rsplit_once("(line ")?;
    behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The links to the pages of a list.
pub(super) fn pages(visit: &Visit, path: &str, next: Option<&str>) -> Markup {
    use crate::console::texts::common as words_of_all;
    html! {
        p.links {
            @if !visit.query.get("page").is_empty() {
                a href=(path) { (visit.words.t(words_of_all::FIRST_PAGE)) }
            }
            @if let Some(next) = next {
                a href={ (path) "?" (write_query(&[("page", next)])) } {
                    (visit.words.t(words_of_all::NEXT_PAGE))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_their_lines() {
        assert_eq!(line_of("a name in quotes is expected (line 3, column 5)"), Some(3));
        assert_eq!(line_of("no Statement"), None);
        assert_eq!(Kind::Role.done("a b"), "/iam/role?name=a%20b&done=1");
    }
}
