//! The name and the tags of an instance, as they can be changed on its page.

use common::ec2::instances::Instance;
use maud::{Markup, html};

use super::wanted::name;
use crate::console::components::{button, form};
use crate::console::texts::instances as say;
use crate::console::visit::Visit;

/// What can be changed of them, on the instance's page.
pub(super) fn section(visit: &Visit, it: &Instance) -> Markup {
    let words = visit.words;
    let id = it.instance_id.as_str();
    let naming = html! {
        div.field {
            label for="f-name" { (words.t(say::NAME)) }
            input id="f-name" name="name" value=(visit.form.some("name").as_deref().unwrap_or(name(it))) maxlength="256" autocomplete="off";
        }
        button.second type="submit" { (words.t(say::NAME_IT)) }
    };
    let adding = html! {
        div.field {
            label for="f-key" { (words.t(say::TAG_KEY)) }
            input id="f-key" name="key" value=(visit.form.line("key")) required maxlength="128" autocapitalize="none" autocomplete="off";
        }
        div.field {
            label for="f-value" { (words.t(say::TAG_VALUE)) }
            input id="f-value" name="value" value=(visit.form.line("value")) maxlength="256" autocapitalize="none" autocomplete="off";
        }
        button.second type="submit" { (words.t(say::TAG_ADD)) }
    };
    let others: Vec<_> = it.tag_set.item.iter().filter(|tag| tag.key != "Name").collect();
    html! {
        h2 id="tags" { (words.t(say::NAME_AND_TAGS)) }
        div.one-line { (form(visit, &format!("/instances/{id}/name"), &naming)) }
        @if !others.is_empty() {
            ul.tags {
                @for tag in others {
                    li {
                        span { strong { (tag.key) } @if !tag.value.is_empty() { ": " (tag.value) } }
                        (button(visit, &format!("/instances/{id}/untag"), &[("key", &tag.key)], &html! {
                            span aria-hidden="true" { "×" }
                            span.unseen { (words.fill(say::TAG_REMOVE, &[("key", &tag.key)])) }
                        }, None))
                    }
                }
            }
        }
        div.one-line { (form(visit, &format!("/instances/{id}/tag"), &adding)) }
    }
}
