//! The field of a setting: its name, its value, its unit, its default, what it does, and what was wrong
//! with what was typed.

use common::administration::properties::Property;
use common::ec2::images::DescribeImages;
use common::ec2::types::Filter;
use common::error::ApiError;
use maud::{Markup, html};

use super::settings_shown::{Kind, Shown, unit};
use crate::console::components::refusal_text;
use crate::console::meanwhile::was;
use crate::console::text::{Text, Words};
use crate::console::texts::cloud as say;
use crate::console::visit::Visit;

/// An image that can be chosen: its id, and its name.
pub(super) type Choice = (String, String);

/// What can be chosen on a page.
#[derive(Default)]
pub(super) struct Choices {
    /// Kernels.
    pub(super) kernels: Vec<Choice>,
    /// Ramdisks.
    pub(super) ramdisks: Vec<Choice>,
}

impl Choices {
    /// All that are registered.
    pub(super) async fn of(visit: &Visit) -> Result<Self, ApiError> {
        Ok(Self {
            kernels: registered(visit, "kernel").await?,
            ramdisks: registered(visit, "ramdisk").await?,
        })
    }
}

async fn registered(visit: &Visit, kind: &str) -> Result<Vec<Choice>, ApiError> {
    let filter = Filter { name: "image-type".to_owned(), value: vec![kind.to_owned()] };
    let ask = DescribeImages { filter: vec![filter], ..DescribeImages::default() };
    let images = visit.call(ask).await?.images_set.item;
    let choice = |it: common::ec2::images::Image| {
        let name = it.name.filter(|name| !name.is_empty()).unwrap_or(it.image_location);
        (it.image_id.to_string(), name)
    };
    Ok(images.into_iter().map(choice).collect())
}

/// The field, filled in with what is typed already or with what is set.
pub(super) fn setting(
    words: Words,
    it: &Shown,
    property: &Property,
    typed: Option<&str>,
    choices: &Choices,
    wrong: Option<&ApiError>,
) -> Markup {
    let id = format!("f-{}", it.name);
    let (hint, error) = (format!("{id}-hint"), format!("{id}-error"));
    let described = if wrong.is_some() { format!("{error} {hint}") } else { hint.clone() };
    let value = typed.unwrap_or(&property.value);
    let invalid = wrong.map(|_| "true");
    html! {
        div.field.setting {
            (was(it.name, &property.value))
            label for=(id) { (words.t(it.label)) }
            @if let Some(error_text) = wrong {
                @let (text, language) = refusal_text(words, error_text);
                p.wrong id=(error) lang=[language] { (text) }
            }
            div.amount {
                @match it.kind {
                    Kind::Choice(all) => {
                        select id=(id) name=(it.name) aria-describedby=(described) aria-invalid=[invalid] {
                            @for (choice, text) in all {
                                option value=(choice) selected[value == *choice] { (words.t(*text)) }
                            }
                        }
                    }
                    Kind::Kernel => (images(words, it, &choices.kernels, value, &described, invalid)),
                    Kind::Ramdisk => (images(words, it, &choices.ramdisks, value, &described, invalid)),
                    Kind::Line | Kind::Mail | Kind::Number => {
                        input id=(id) name=(it.name) value=(value) type=(kind(it.kind))
                            inputmode=[matches!(it.kind, Kind::Number).then_some("numeric")]
                            autocapitalize="none" autocomplete="off" spellcheck="false"
                            aria-describedby=(described) aria-invalid=[invalid];
                    }
                }
                @if let Some(unit) = unit(&property.unit) { span.unit { (words.t(unit)) } }
            }
            div.hint id=(hint) {
                p { (words.t(it.effect)) }
                @if let Some(empty) = nothing(it.kind, choices) { p { (words.t(empty)) } }
                p { (default(words, it, property)) }
            }
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    // A number is typed as text: what is no number is refused with a reason, not silently left out.
    if matches!(kind, Kind::Mail) { "email" } else { "text" }
}

fn nothing(kind: Kind, choices: &Choices) -> Option<Text> {
    match kind {
        Kind::Kernel if choices.kernels.is_empty() => Some(say::NO_KERNELS),
        Kind::Ramdisk if choices.ramdisks.is_empty() => Some(say::NO_RAMDISKS),
        _ => None,
    }
}

fn images(
    words: Words,
    it: &Shown,
    all: &[Choice],
    value: &str,
    described: &str,
    invalid: Option<&str>,
) -> Markup {
    let known = value.is_empty() || all.iter().any(|(id, _)| id == value);
    html! {
        select id={ "f-" (it.name) } name=(it.name) aria-describedby=(described) aria-invalid=[invalid] {
            option value="" selected[value.is_empty()] { (words.t(say::NONE_CHOSEN)) }
            @for (id, name) in all {
                option value=(id) selected[id == value] { (id) " – " (name) }
            }
            @if !known { option value=(value) selected { (value) } }
        }
    }
}

/// The default of a setting, as it is chosen.
pub(super) fn default(words: Words, it: &Shown, property: &Property) -> String {
    let shown = as_chosen(words, it.kind, &property.default);
    if shown.is_empty() {
        return words.t(say::DEFAULT_NONE).to_owned();
    }
    let unit = unit(&property.unit).map(|unit| format!(" {}", words.t(unit))).unwrap_or_default();
    words.fill(say::DEFAULT_IS, &[("value", &format!("{shown}{unit}"))])
}

/// A value by the name under which it is chosen.
pub(super) fn as_chosen(words: Words, kind: Kind, value: &str) -> String {
    if let Kind::Choice(all) = kind
        && let Some((_, text)) = all.iter().find(|(choice, _)| *choice == value)
    {
        return words.t(*text).to_owned();
    }
    value.to_owned()
}
