//! The parts that pages are put together from. Whatever is put into them is escaped by the templates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use maud::{Markup, html};

use super::commands::{Done, Lines};
use super::forms;
use super::live;
use super::text::{Text, Words};
use super::texts::{common as say, lines, refusals};
use super::visit::Visit;

/// A field of a form.
#[derive(Default, Clone)]
pub(crate) struct Field<'a> {
    /// Its name in the form.
    pub(crate) name: &'a str,
    /// What is said above it.
    pub(crate) label: &'a str,
    /// What is said below it; nothing if empty.
    pub(crate) hint: &'a str,
    /// `text` if empty; `password`, `email`, `search`, `number`, `lines`.
    pub(crate) kind: &'a str,
    /// What stands in it. A password is never put back.
    pub(crate) value: &'a str,
    /// Whether it must be filled in.
    pub(crate) required: bool,
    /// What browsers and password keepers know it as.
    pub(crate) autocomplete: &'a str,
    /// Which part of a link's end is put into it by the script: `0`, `1`.
    pub(crate) part: Option<&'a str>,
    /// Whether one begins here.
    pub(crate) first: bool,
}

/// A field with its label and hint.
pub(crate) fn field(words: Words, it: &Field<'_>) -> Markup {
    let id = format!("f-{}", it.name);
    let hint = (!it.hint.is_empty()).then(|| format!("{id}-hint"));
    let kind = if it.kind.is_empty() { "text" } else { it.kind };
    let auto = (!it.autocomplete.is_empty()).then_some(it.autocomplete);
    let value = (kind != "password").then_some(it.value);
    html! {
        div.field {
            label for=(id) {
                (it.label)
                @if !it.required && kind != "search" { " " span.quiet { "(" (words.t(say::OPTIONAL)) ")" } }
            }
            @if kind == "lines" {
                textarea id=(id) name=(it.name) rows="4" required[it.required] aria-describedby=[hint.as_deref()] { (it.value) }
            } @else {
                input id=(id) name=(it.name) type=(kind) value=[value] required[it.required]
                    autocomplete=[auto] data-part=[it.part] autofocus[it.first]
                    autocapitalize="none" spellcheck="false" aria-describedby=[hint.as_deref()];
            }
            @if let Some(hint) = &hint { p.hint id=(hint) { (it.hint) } }
        }
    }
}

/// A form that is posted, bound to whoever it is shown to.
pub(crate) fn form(visit: &Visit, action: &str, inside: &Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            (token(visit))
            (inside)
        }
    }
}

/// What binds a form to whoever it is shown to.
pub(crate) fn token(visit: &Visit) -> Markup {
    html! { input type="hidden" name=(forms::TOKEN) value=(forms::token(&visit.bound_to)); }
}

/// A button that does something at once: a form of its own with hidden fields. `sure` is what is
/// asked before, where there is a script to ask.
pub(crate) fn button(
    visit: &Visit,
    action: &str,
    fields: &[(&str, &str)],
    label: &Markup,
    sure: Option<&str>,
) -> Markup {
    html! {
        form.inline method="post" action=(action) data-sure=[sure] {
            (token(visit))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" class=(if sure.is_some() { "danger" } else { "second" }) { (label) }
        }
    }
}

/// A file that is written into the page, and nowhere else: what is shown once can be saved, too.
pub(crate) fn file(name: &str, content_type: &str, bytes: &[u8], label: &str) -> Markup {
    let bytes = STANDARD.encode(bytes);
    html! {
        a.button download=(name) href={ "data:" (content_type) ";base64," (bytes) } { (label) }
    }
}

/// Something that is told above the rest: `good`, `bad` or `plain`.
pub(crate) fn notice(tone: &str, title: &str, text: &str) -> Markup {
    let role = if tone == "bad" { "alert" } else { "status" };
    html! {
        div class={ "notice " (tone) } role=(role) {
            strong { (title) }
            @if !text.is_empty() { p { (text) } }
        }
    }
}

/// Why something was refused, in the language of the page if it is known there.
pub(crate) fn refusal(words: Words, error: &ApiError) -> Markup {
    let (text, language) = refusal_text(words, error);
    html! {
        div.notice.bad role="alert" {
            strong { (words.t(say::REFUSED)) }
            p lang=[language] { (text) }
        }
    }
}

/// The same as a text alone, and its language, if it is not that of the page.
pub(crate) fn refusal_text(words: Words, error: &ApiError) -> (String, Option<&'static str>) {
    match (words.tag(), refusals::japanese(error.text())) {
        ("ja", Some(text)) => (text, None),
        _ => (error.text().to_owned(), Some("en").filter(|_| words.tag() != "en")),
    }
}

/// An error that is told beside the form that it came of; others are the page's.
///
/// # Errors
/// What is no answer to a form.
pub(crate) fn told_beside(error: ApiError) -> Result<ApiError, ApiError> {
    if status(&error) < 500 { Ok(error) } else { Err(error) }
}

/// The status of a page that tells of an error. What comes too often is the asker's.
pub(crate) fn status(error: &ApiError) -> u16 {
    match error.code() {
        ErrorCode::RequestLimitExceeded => 429,
        code => code.status(),
    }
}

/// A word in a colour, of a state.
pub(crate) fn tag(words: Words, text: Text, tone: &str) -> Markup {
    html! { span class={ "tag " (tone) } { (words.t(text)) } }
}

/// The lines of clients for something that was done, folded away.
pub(crate) fn as_a_command(words: Words, done: &Done) -> Markup {
    html! {
        details.lines {
            summary { (words.t(lines::AS_A_COMMAND)) }
            (lines_of(words, done))
            p { a href="/lines" { (words.t(lines::ALL_LINES)) } }
        }
    }
}

/// The lines of clients for something that was done.
pub(crate) fn lines_of(words: Words, done: &Done) -> Markup {
    let Lines { euca, aws, boto3 } = done.lines();
    let all = [("euca", "euca", euca), ("aws", "AWS CLI", aws), ("boto3", "boto3 (Python)", boto3)];
    html! {
        @for (at, name, line) in &all {
            @if let Some(line) = line {
                div.line {
                    span.client { (name) }
                    pre.output tabindex="0" data-copy=(words.t(lines::COPY))
                        data-copied=(words.t(lines::COPIED)) data-line=(at) { (line) }
                }
            } @else {
                p.quiet { (words.fill(lines::NO_LINE, &[("client", name)])) }
            }
        }
    }
}

/// A moment.
pub(crate) fn moment(at: Timestamp) -> Markup {
    let iso = at.iso();
    let shown = format!("{} {} UTC", iso.get(..10).unwrap_or(&iso), iso.get(11..16).unwrap_or(""));
    html! { time datetime=(iso) { (shown) } }
}

/// A part of a page that follows what happens: `stream` tells how it is now.
pub(crate) fn live(words: Words, stream: &str, part: &Markup) -> Markup {
    html! {
        div.live data-live=(stream) data-mark=(live::mark(part)) data-said=(words.t(say::UPDATED)) { (part) }
        p.unseen role="status" {}
    }
}
