//! The configuration: every setting, in blocks that are saved each by itself, all of it or nothing.

use common::administration::properties::{
    DescribeProperties, ModifyPropertyValue, ModifyPropertyValues, Property,
};
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::cache;
use super::setting_fields::{Choices, setting};
use super::settings_shown::{BLOCKS, Block, WALRUS};
use crate::console::components::{form, notice, refusal, status, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::texts::cloud as say;
use crate::console::visit::Visit;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    drawn(&visit, None).await
}

/// Saves a block.
pub(crate) async fn save(visit: Visit) -> Result<Reply, ApiError> {
    let Some(block) = BLOCKS.iter().find(|block| block.id == visit.part(0)) else {
        let text = format!("There is no block '{}' of the configuration", visit.part(0));
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    };
    match changed(&visit, block).await {
        Ok(true) => Ok(Reply::see(format!("/cloud/configuration?saved={}#{}", block.id, block.id))),
        Ok(false) => Ok(Reply::see(format!("/cloud/configuration?same={}#{}", block.id, block.id))),
        Err(error) => {
            let error = told_beside(error)?;
            drawn(&visit, Some((block.id, &error))).await
        }
    }
}

/// Changes what the form changes of a block; whether that is anything.
async fn changed(visit: &Visit, block: &Block) -> Result<bool, ApiError> {
    let mut property = Vec::new();
    for known in properties(visit).await? {
        if block.settings.iter().any(|it| it.name == known.name)
            && let Some(value) = meanwhile::change(&visit.form, &known.name, &known.value)?
        {
            property.push(ModifyPropertyValue { name: known.name, value });
        }
    }
    if property.is_empty() {
        return Ok(false);
    }
    visit.call(ModifyPropertyValues { property }).await?;
    Ok(true)
}

async fn properties(visit: &Visit) -> Result<Vec<Property>, ApiError> {
    Ok(visit.call(DescribeProperties::default()).await?.properties.item)
}

async fn drawn(visit: &Visit, refused: Option<(&str, &ApiError)>) -> Result<Reply, ApiError> {
    let words = visit.words;
    let (known, choices) = (properties(visit).await?, Choices::of(visit).await?);
    let look = visit.look(false)?;
    let beside = cache::part(&look, visit).await?;
    let main = html! {
        p { (words.t(say::CONFIGURATION_LEAD)) }
        @for block in BLOCKS {
            @let refused = refused.filter(|(id, _)| *id == block.id).map(|(_, error)| error);
            section.block id=(block.id) aria-labelledby={ (block.id) "-title" } {
                h2 id={ (block.id) "-title" } { (words.t(block.title)) }
                (said(visit, block))
                (fields(visit, block, &known, &choices, refused))
                @if block.id == WALRUS { (beside) }
            }
        }
    };
    let reply = Reply::page(words.t(say::CONFIGURATION), main);
    Ok(match refused {
        Some((_, error)) => reply.status(status(error)),
        None => reply,
    })
}

/// What came of the last change.
fn said(visit: &Visit, block: &Block) -> Markup {
    let words = visit.words;
    html! {
        @if visit.query.line("saved") == block.id {
            (notice("good", words.t(say::SAVED), words.t(say::SAVED_TEXT)))
        }
        @if visit.query.line("same") == block.id {
            (notice("plain", words.t(say::UNCHANGED), ""))
        }
        @if block.id == WALRUS { (cache::said(visit)) }
    }
}

fn fields(
    visit: &Visit,
    block: &Block,
    known: &[Property],
    choices: &Choices,
    refused: Option<&ApiError>,
) -> Markup {
    let words = visit.words;
    // A refusal names the setting that it is about.
    let about = |name: &str| refused.filter(|error| names(error, name));
    let beside = block.settings.iter().any(|it| about(it.name).is_some());
    let fields = html! {
        @if let Some(error) = refused.filter(|_| !beside) { (refusal(words, error)) }
        @for it in block.settings {
            @if let Some(property) = known.iter().find(|known| known.name == it.name) {
                @let typed = refused.and_then(|_| meanwhile::typed(&visit.form, it.name));
                (setting(words, it, property, typed.as_deref(), choices, about(it.name)))
            }
        }
        button type="submit" { (words.t(say::SAVE)) }
    };
    form(visit, &format!("/cloud/configuration/{}", block.id), &fields)
}

/// Whether an error is about that setting.
pub(super) fn names(error: &ApiError, name: &str) -> bool {
    let (text, ends) = (error.text(), [" ", ":", "'", ";"]);
    text.ends_with(name) || ends.iter().any(|end| text.contains(&format!("{name}{end}")))
}
