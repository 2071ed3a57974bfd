//! Deregistering an image: asked first, on a page of its own.

use common::ec2::images::DeregisterImage;
use common::error::ApiError;
use maud::html;

use super::image::found;
use super::manifests::drop_bundle;
use super::shown::name;
use crate::console::components::{form, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::images as say;
use crate::console::visit::Visit;

/// The question.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    page(&visit, None).await
}

/// Does it.
pub(crate) async fn deregister(visit: Visit) -> Result<Reply, ApiError> {
    let image = found(&visit.look(false)?, visit.part(0)).await?;
    if let Err(error) = visit.call(DeregisterImage { image_id: visit.part(0).to_owned() }).await {
        return page(&visit, Some(&told_beside(error)?)).await;
    }
    if visit.form.get("bundle") != "drop" {
        return Ok(Reply::see("/images?done=deregistered"));
    }
    match drop_bundle(&visit, &image.image_location).await {
        Ok(()) => Ok(Reply::see("/images?done=dropped")),
        // The image has gone; what could not be deleted is told.
        Err(error) => {
            let words = visit.words;
            let location = [("location", image.image_location.as_str())];
            let main = html! {
                p.links.up { a href="/images" { (words.t(say::ALL_IMAGES)) } }
                (notice("good", words.t(say::DONE_DEREGISTERED), ""))
                (refusal(words, &error))
                p { (words.fill(say::BUNDLE_STAYS, &location)) }
            };
            Ok(Reply::page(words.t(say::DEREGISTER), main).status(status(&error)))
        }
    }
}

async fn page(visit: &Visit, told: Option<&ApiError>) -> Result<Reply, ApiError> {
    let words = visit.words;
    let image = found(&visit.look(false)?, visit.part(0)).await?;
    let id = image.image_id.as_str();
    let title = match name(&image) {
        "" => id,
        name => name,
    };
    let location = [("location", image.image_location.as_str())];
    let main = html! {
        p.links.up { a href={ "/images/" (id) } { code { (id) } } }
        @if let Some(error) = told { (refusal(words, error)) }
        p { (words.t(say::DEREGISTER_LEAD)) }
        (form(visit, &format!("/images/{id}/deregister"), &html! {
            fieldset.options {
                legend { (words.fill(say::BUNDLE, &location)) }
                label { input type="radio" name="bundle" value="keep" checked; (words.t(say::KEEP_BUNDLE)) }
                label { input type="radio" name="bundle" value="drop"; (words.t(say::DROP_BUNDLE)) }
            }
            p.acts {
                button.danger type="submit" { (words.t(say::DEREGISTER)) }
                a href={ "/images/" (id) } { (words.t(say::CANCEL)) }
            }
        }))
    };
    let title = words.fill(say::DEREGISTER_TITLE, &[("name", title)]);
    Ok(Reply::page(title, main).status(told.map_or(200, status)))
}
