//! The frame around every page: head, navigation, who is signed in, the language.

use maud::{DOCTYPE, Markup, html};

use super::assets::{ICON, SCRIPT, STYLE};
use super::components::token;
use super::reply::Page;
use super::text::Text;
use super::texts::common as say;
use super::visit::Visit;

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// What there is at a glance.
    Overview,
    /// Instances, images, key pairs.
    Compute,
    /// One's own account.
    Yourself,
}

impl Group {
    fn name(self) -> Option<Text> {
        match self {
            Self::Overview => None,
            Self::Compute => Some(say::COMPUTE),
            Self::Yourself => Some(say::YOU),
        }
    }
}

/// A line of the navigation.
pub(crate) struct Entry {
    /// Under which heading.
    pub(crate) group: Group,
    /// Where it leads.
    pub(crate) path: &'static str,
    /// What it is called.
    pub(crate) name: Text,
}

/// The whole document.
pub(crate) fn document(visit: &Visit, page: &Page, entries: &[Entry]) -> Markup {
    let words = visit.words;
    let here = visit.head.raw_path.as_str();
    html! {
        (DOCTYPE)
        html lang=(words.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · " (words.t(say::CLOUD)) }
                link rel="icon" type="image/svg+xml" href=(ICON.path);
                link rel="stylesheet" href=(STYLE.path);
                script src=(SCRIPT.path) defer {}
                @if let Some(path) = &page.onward {
                    noscript { meta http-equiv="refresh" content={ "0;url=" (path) }; }
                }
            }
            body class=(if page.small { "small" } else { "wide" }) {
                a.skip href="#main" { (words.t(say::SKIP)) }
                header.top {
                    a.brand href="/" { img src=(ICON.path) alt="" width="28" height="28"; span { "Eucalypt" } }
                    @if let Some(viewer) = &visit.viewer {
                        p.who {
                            span.unseen { (words.t(say::SIGNED_IN_AS)) " " }
                            strong { (viewer.caller.alias) }
                            @if viewer.caller.user != "admin" { " / " (viewer.caller.user) }
                            @if viewer.caller.administrator { " " span.tag.still { (words.t(say::ADMINISTRATOR)) } }
                        }
                    }
                    (language(visit))
                    @if visit.viewer.is_some() {
                        form.inline method="post" action="/sign-out" {
                            (token(visit))
                            button.second type="submit" { (words.t(say::SIGN_OUT)) }
                        }
                    }
                }
                @if !entries.is_empty() {
                    details.menu {
                        summary { (words.t(say::MENU)) }
                        (navigation(visit, entries, here))
                    }
                    div.side { (navigation(visit, entries, here)) }
                }
                main id="main" tabindex="-1" {
                    h1 { (page.title) }
                    (page.main)
                }
            }
        }
    }
}

fn navigation(visit: &Visit, entries: &[Entry], here: &str) -> Markup {
    let words = visit.words;
    let mut groups: Vec<_> = entries.iter().map(|entry| entry.group).collect();
    groups.sort_unstable();
    groups.dedup();
    html! {
        nav aria-label=(words.t(say::PAGES)) {
            @for group in groups {
                @if let Some(name) = group.name() { p.group { (words.t(name)) } }
                ul {
                    @for entry in entries.iter().filter(|entry| entry.group == group) {
                        li {
                            a href=(entry.path) aria-current=[is_at(entry.path, here).then_some("page")] {
                                (words.t(entry.name))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a page is the one at that path or below it.
fn is_at(path: &str, here: &str) -> bool {
    here == path
        || (path != "/" && here.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
}

/// The switch to the other language.
fn language(visit: &Visit) -> Markup {
    let other = if visit.words.tag() == "ja" { "en" } else { "ja" };
    let name = if other == "ja" { "日本語" } else { "English" };
    let query = visit.head.raw_query.as_str();
    let back = match query {
        "" => visit.head.raw_path.clone(),
        query => format!("{}?{query}", visit.head.raw_path),
    };
    html! {
        form.inline.language method="post" action="/language" {
            (token(visit))
            input type="hidden" name="language" value=(other);
            input type="hidden" name="back" value=(back);
            button.plain type="submit" lang=(other) title=(visit.words.t(say::LANGUAGE)) { (name) }
        }
    }
}

/// What stands in place of a page that cannot be shown.
pub(crate) fn instead(visit: &Visit, title: Text, text: &Markup, status: u16) -> Page {
    let words = visit.words;
    let main = html! {
        (text)
        p { a href="/" { (words.t(say::HOME)) } }
    };
    let small = visit.viewer.is_none();
    Page { status, title: words.t(title).to_owned(), main, small, onward: None }
}

/// What stands between a foreign site and a page for whoever is signed in.
pub(crate) fn between(visit: &Visit, path: String) -> Page {
    let title = visit.words.t(say::ONWARD).to_owned();
    let main = html! { p data-onward=(path) { a href=(path) { (title) } } };
    Page { status: 200, title, main, small: true, onward: Some(path) }
}
