//! Fields of the longer forms: each says what is wrong with it beside itself, and has all of it read out
//! to whoever does not see the page.

use common::error::ApiError;
use maud::{Markup, html};

use crate::console::text::Words;
use crate::console::texts::{common as say, refusals};

/// What every field has.
#[derive(Default, Clone, Copy)]
pub(super) struct Input<'a> {
    /// Its name in the form.
    pub(super) name: &'a str,
    /// What is said above it.
    pub(super) label: &'a str,
    /// What is said below it; nothing if empty.
    pub(super) hint: &'a str,
    /// What stands in it.
    pub(super) value: &'a str,
    /// Whether it must be filled in.
    pub(super) required: bool,
    /// Why it was refused.
    pub(super) wrong: Option<&'a ApiError>,
}

impl Input<'_> {
    fn id(&self) -> String {
        format!("f-{}", self.name)
    }

    /// The ids of what is said about it.
    fn said(&self) -> Option<String> {
        let id = self.id();
        let hint = (!self.hint.is_empty()).then(|| format!("{id}-hint"));
        let wrong = self.wrong.map(|_| format!("{id}-wrong"));
        let all: Vec<_> = [wrong, hint].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn invalid(&self) -> Option<&'static str> {
        self.wrong.map(|_| "true")
    }

    fn around(&self, words: Words, control: &Markup) -> Markup {
        let id = self.id();
        html! {
            div.field {
                label for=(id) {
                    (self.label)
                    @if !self.required { " " span.quiet { "(" (words.t(say::OPTIONAL)) ")" } }
                }
                (control)
                (self.below(words))
            }
        }
    }

    /// What is said below it.
    fn below(&self, words: Words) -> Markup {
        let id = self.id();
        html! {
            @if let Some(error) = self.wrong { p.wrong id={ (id) "-wrong" } { (sentence(words, error)) } }
            @if !self.hint.is_empty() { p.hint id={ (id) "-hint" } { (self.hint) } }
        }
    }
}

/// The sentence of a refusal, in the language of the page if it is known there.
pub(super) fn sentence(words: Words, error: &ApiError) -> Markup {
    let japanese = match words.tag() {
        "ja" => refusals::japanese(error.text()),
        _ => None,
    };
    html! {
        @match japanese {
            Some(text) => (text),
            None => span lang="en" { (error.text()) },
        }
    }
}

/// A line of text; `kind` as `input` has it.
pub(super) fn line(words: Words, kind: &str, it: Input<'_>) -> Markup {
    let control = html! {
        input id=(it.id()) name=(it.name) type=(kind) value=(it.value) required[it.required]
            autocapitalize="none" autocomplete="off" spellcheck="false"
            aria-describedby=[it.said()] aria-invalid=[it.invalid()];
    };
    it.around(words, &control)
}

/// A number between two.
pub(super) fn number(words: Words, least: u32, most: u32, it: Input<'_>) -> Markup {
    let control = html! {
        input id=(it.id()) name=(it.name) type="number" min=(least) max=(most) value=(it.value)
            required[it.required] inputmode="numeric"
            aria-describedby=[it.said()] aria-invalid=[it.invalid()];
    };
    it.around(words, &control)
}

/// Several lines of text.
pub(super) fn lines(words: Words, rows: u32, it: Input<'_>) -> Markup {
    // A browser passes the first line break over, so that one that belongs to the text needs another.
    let control = html! {
        textarea.code id=(it.id()) name=(it.name) rows=(rows) required[it.required]
            autocapitalize="none" autocomplete="off" spellcheck="false"
            aria-describedby=[it.said()] aria-invalid=[it.invalid()] {
            @if it.value.starts_with('\n') { "\n" }
            (it.value)
        }
    };
    it.around(words, &control)
}

/// One of several values, each with what it is called.
pub(super) fn choice(words: Words, all: &[(String, String)], it: Input<'_>) -> Markup {
    let control = html! {
        select id=(it.id()) name=(it.name) required[it.required]
            aria-describedby=[it.said()] aria-invalid=[it.invalid()] {
            @for (value, name) in all {
                option value=(value) selected[value == it.value] { (name) }
            }
        }
    };
    it.around(words, &control)
}

/// A box that is ticked or not; its value is `yes`.
pub(super) fn tick(words: Words, it: Input<'_>) -> Markup {
    html! {
        div.field.tick {
            label {
                input id=(it.id()) type="checkbox" name=(it.name) value="yes" checked[it.value == "yes"]
                    aria-describedby=[it.said()] aria-invalid=[it.invalid()];
                span { (it.label) }
            }
            (it.below(words))
        }
    }
}

/// One of a few values that are told of at length: value, name, what it means.
pub(super) fn options(words: Words, all: &[(&str, &str, &str)], it: Input<'_>) -> Markup {
    html! {
        fieldset.ways aria-describedby=[it.said()] {
            legend { (it.label) }
            @for (value, name, hint) in all {
                @let id = format!("f-{}-{value}", it.name);
                div.option {
                    input id=(id) type="radio" name=(it.name) value=(value) checked[*value == it.value]
                        required[it.required] aria-describedby={ (id) "-hint" };
                    label for=(id) { (name) }
                    p.hint id={ (id) "-hint" } { (hint) }
                }
            }
            (it.below(words))
        }
    }
}

/// A file that the script reads into a field; without a script there is nothing to be seen of it.
pub(super) struct FileInto<'a> {
    /// The field, by its name.
    pub(super) into: &'a str,
    /// The box that says that the field holds base64, by its name; nothing if files must be text.
    pub(super) packed: Option<&'a str>,
    /// What is said above it.
    pub(super) label: &'a str,
    /// What is said of a file that cannot be taken.
    pub(super) unusable: &'a str,
    /// How many bytes it has at most.
    pub(super) most: usize,
}

/// A file that is read into a field.
pub(super) fn file(it: &FileInto<'_>) -> Markup {
    let id = format!("file-{}", it.into);
    html! {
        div.field hidden {
            label for=(id) { (it.label) }
            input id=(id) type="file" data-into={ "f-" (it.into) } data-packed=[it.packed.map(|name| format!("f-{name}"))]
                data-most=(it.most) data-unusable=(it.unusable);
        }
    }
}

/// The script of these pages.
pub(super) fn script() -> Markup {
    html! { script src=(crate::console::assets::COMPUTE.path) defer {} }
}
