//! Properties: all settings by their names in the API, searched, changed one by one, reset.

use common::administration::properties::{
    DescribeProperties, ModifyPropertyValue, Property, ResetPropertyValue,
};
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::setting_fields::{Choices, as_chosen, setting};
use super::settings_shown::{Shown, find, unit};
use crate::console::components::{button, form, notice, refusal, status, tag, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::text::Words;
use crate::console::texts::{cloud as say, common as words_of_all};
use crate::console::visit::Visit;

async fn all(visit: &Visit) -> Result<Vec<(Property, &'static Shown)>, ApiError> {
    let all = visit.call(DescribeProperties::default()).await?.properties.item;
    let shown = |it: Property| find(&it.name).map(|shown| (it, shown));
    Ok(all.into_iter().filter_map(shown).collect())
}

/// The list.
pub(crate) async fn list(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let search: String = visit.query.line("q").chars().take(100).collect();
    let wanted = search.to_lowercase();
    let meets = |(it, shown): &(Property, &Shown)| {
        let texts = [&*it.name, words.t(shown.label), words.t(shown.effect), &*it.value];
        texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let found: Vec<_> = all(&visit).await?.into_iter().filter(meets).collect();
    let main = html! {
        p { (words.t(say::PROPERTIES_LEAD)) }
        form.search method="get" action="/cloud/properties" role="search" {
            div.field {
                label for="q" { (words.t(words_of_all::SEARCH)) }
                input id="q" name="q" type="search" value=(search) aria-describedby="q-hint";
                p.hint id="q-hint" { (words.t(say::PROPERTY_HINT)) }
            }
            button.second type="submit" { (words.t(words_of_all::SEARCH)) }
        }
        @if found.is_empty() {
            p.empty { (words.t(say::NO_PROPERTY)) }
        } @else {
            (rows(words, &found))
        }
    };
    Ok(Reply::page(words.t(say::PROPERTIES), main))
}

fn rows(words: Words, found: &[(Property, &Shown)]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::PROPERTY)) }
                        th scope="col" { (words.t(say::VALUE)) }
                        th scope="col" { (words.t(say::DEFAULT)) }
                    }
                }
                tbody {
                    @for (it, shown) in found {
                        tr {
                            th scope="row" data-label=(words.t(say::PROPERTY)) {
                                a href={ "/cloud/properties/" (it.name) } { code { (it.name) } }
                                span.given { (words.t(shown.label)) }
                            }
                            td.long data-label=(words.t(say::VALUE)) {
                                (value(words, shown, it, &it.value)) " "
                                @if it.changed && it.value != it.default { (tag(words, say::CHANGED, "still")) }
                            }
                            td.long data-label=(words.t(say::DEFAULT)) { (value(words, shown, it, &it.default)) }
                        }
                    }
                }
            }
        }
    }
}

fn value(words: Words, shown: &Shown, it: &Property, value: &str) -> Markup {
    html! {
        @if value.is_empty() {
            span.quiet { (words.t(say::EMPTY_VALUE)) }
        } @else {
            span {
                (as_chosen(words, shown.kind, value))
                @if let Some(unit) = unit(&it.unit) { " " (words.t(unit)) }
            }
        }
    }
}

/// One of them.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    drawn(&visit, None).await
}

async fn drawn(visit: &Visit, refused: Option<&ApiError>) -> Result<Reply, ApiError> {
    let (words, name) = (visit.words, visit.part(0));
    let known = all(visit).await?.into_iter().find(|(it, _)| it.name == name);
    let Some((it, shown)) = known else {
        let text = format!("There is no property '{name}'");
        return Err(ApiError::new(ErrorCode::NoSuchEntity, text));
    };
    let choices = Choices::of(visit).await?;
    let typed = refused.and_then(|_| meanwhile::typed(&visit.form, &it.name));
    let own = super::configuration::names;
    let beside = refused.filter(|error| own(error, &it.name));
    let inside = html! {
        @if let Some(error) = refused.filter(|_| beside.is_none()) { (refusal(words, error)) }
        (setting(words, shown, &it, typed.as_deref(), &choices, beside))
        button type="submit" { (words.t(say::CHANGE)) }
    };
    let path = format!("/cloud/properties/{}", it.name);
    let command = format!("euca-modify-property -p {}=VALUE", it.name);
    let main = html! {
        p.links.up { a href="/cloud/properties" { (words.t(say::ALL_PROPERTIES)) } }
        @if visit.query.line("saved") == "1" { (notice("good", words.t(say::SAVED), words.t(say::SAVED_TEXT))) }
        (form(visit, &path, &inside))
        @if it.changed && it.value != it.default {
            p.apart {
                (button(visit, &format!("{path}/reset"), &[], &html! { (words.t(say::RESET)) }, Some(words.t(say::RESET_SURE))))
            }
        }
        h2 { (words.t(say::AS_COMMAND)) }
        pre.output tabindex="0" { (command) }
    };
    let reply = Reply::page(it.name.clone(), main);
    Ok(match refused {
        Some(error) => reply.status(status(error)),
        None => reply,
    })
}

/// Changes it.
pub(crate) async fn change(visit: Visit) -> Result<Reply, ApiError> {
    let name = visit.part(0).to_owned();
    let known = all(&visit).await?.into_iter().find(|(it, _)| it.name == name);
    let now = known.map(|(it, _)| it.value).unwrap_or_default();
    let changed = async {
        match meanwhile::change(&visit.form, &name, &now)? {
            Some(value) => visit.call(ModifyPropertyValue { name, value }).await.map(drop),
            None => Ok(()),
        }
    };
    done(&visit, changed.await).await
}

/// Gives it its default again.
pub(crate) async fn reset(visit: Visit) -> Result<Reply, ApiError> {
    let name = visit.part(0).to_owned();
    done(&visit, visit.call(ResetPropertyValue { name }).await.map(drop)).await
}

async fn done(visit: &Visit, done: Result<(), ApiError>) -> Result<Reply, ApiError> {
    match done {
        Ok(()) => Ok(Reply::see(format!("/cloud/properties/{}?saved=1", visit.part(0)))),
        Err(error) => drawn(visit, Some(&told_beside(error)?)).await,
    }
}
