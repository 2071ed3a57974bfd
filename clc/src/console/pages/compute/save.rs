//! An instance saved as an image.

use common::ec2::create_image::CreateImage;
use common::error::{ApiError, ErrorCode};
use maud::html;

use super::inputs::{self, Input};
use super::instance::{found, title};
use crate::console::components::{form, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::instances as say;
use crate::console::visit::Visit;

/// The form.
pub(crate) async fn ask(visit: Visit) -> Result<Reply, ApiError> {
    asking(&visit, None).await
}

/// Saves it.
pub(crate) async fn save(visit: Visit) -> Result<Reply, ApiError> {
    let ask = CreateImage {
        instance_id: visit.part(0).to_owned(),
        name: visit.form.some("name"),
        description: visit.form.some("description"),
        no_reboot: Some(visit.form.get("rest") == "no-reboot"),
        ..CreateImage::default()
    };
    match visit.call(ask).await {
        Ok(made) => Ok(Reply::see(format!("/images/{}?done=saving", made.image_id))),
        Err(error) => {
            let error = told_beside(error)?;
            Ok(asking(&visit, Some(&error)).await?.status(status(&error)))
        }
    }
}

async fn asking(visit: &Visit, error: Option<&ApiError>) -> Result<Reply, ApiError> {
    let words = visit.words;
    let it = found(&visit.look(false)?, visit.part(0)).await?;
    let id = it.instance_id.as_str();
    let names_name = |error: &&ApiError| {
        error.code() == ErrorCode::InvalidAmiNameDuplicate || error.text().contains(" Name")
    };
    let of_name = error.filter(names_name);
    let of_text = error.filter(|error| of_name.is_none() && error.text().contains("Description"));
    let above = error.filter(|_| of_name.is_none() && of_text.is_none());
    let rest = visit.form.some("rest").unwrap_or_else(|| "reboot".to_owned());
    let ways = [
        ("reboot", words.t(say::SAVE_REBOOT), words.t(say::SAVE_REBOOT_MEANS)),
        ("no-reboot", words.t(say::SAVE_NO_REBOOT), words.t(say::SAVE_NO_REBOOT_MEANS)),
    ];
    let runs = it.instance_state.name == "running";
    let inside = html! {
        (inputs::line(words, "text", Input {
            name: "name", label: words.t(say::IMAGE_NAME), hint: words.t(say::IMAGE_NAME_HINT),
            value: visit.form.line("name"), required: true, wrong: of_name,
        }))
        (inputs::line(words, "text", Input {
            name: "description", label: words.t(say::DESCRIPTION), hint: words.t(say::DESCRIPTION_HINT),
            value: visit.form.line("description"), wrong: of_text, ..Input::default()
        }))
        @if runs {
            (inputs::options(words, &ways, Input {
                name: "rest", label: words.t(say::SAVE_REST), value: &rest, required: true, ..Input::default()
            }))
        }
        div.deeds {
            button type="submit" { (words.t(say::SAVE)) }
            a.button.second href={ "/instances/" (id) } { (words.t(say::LEAVE_IT)) }
        }
    };
    let main = html! {
        p.links.up { a href={ "/instances/" (id) } { (title(&it)) } }
        @if let Some(error) = above { (refusal(words, error)) }
        p { (words.t(say::SAVE_LEAD)) }
        (form(visit, &format!("/instances/{id}/save"), &inside))
    };
    Ok(Reply::page(words.t(say::SAVE), main))
}
