//! One's own signing certificates: seen, made, uploaded, switched, deleted.

use common::error::ApiError;
use common::euare::access_keys::Status;
use common::euare::certificates::{
    Certificate, CreateSigningCertificate, DeleteSigningCertificate, KeyedCertificate,
    ListSigningCertificates, UpdateSigningCertificate, UploadSigningCertificate,
};
use maud::{Markup, html};

use super::access_keys::{of, state, status_of, switch};
use crate::console::components::{
    Field, button, field, file, form, moment, notice, refusal, status, told_beside,
};
use crate::console::reply::Reply;
use crate::console::texts::common as words_of_all;
use crate::console::texts::credentials as say;
use crate::console::visit::Visit;
use crate::settings;

/// How many are shown on a page.
const SHOWN: u32 = 20;
/// What a PEM file is.
const PEM: &str = "application/x-pem-file";

/// All of them.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let above = match visit.query.get("done") {
        "deleted" => notice("good", words.t(say::CERTIFICATE_DELETED), ""),
        "uploaded" => notice("good", words.t(say::UPLOADED), ""),
        "active" => notice("good", words.t(say::ACTIVATED), ""),
        "inactive" => notice("good", words.t(say::DEACTIVATED), ""),
        _ => html! {},
    };
    listed(&visit, &above).await
}

async fn listed(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let most = visit
        .desk
        .people
        .work(|people| settings::number(&people.records, settings::CERTIFICATES_PER_USER));
    let most = most.await?.to_string();
    let marker = visit.query.some("page");
    let is_later = marker.is_some();
    let ask = ListSigningCertificates { user_name: None, marker, max_items: Some(SHOWN) };
    let page = visit.call(ask).await?;
    let all = &page.certificates.member;
    let new = html! { button type="submit" { (words.t(say::CERTIFICATE_NEW)) } };
    let body = Field {
        name: "certificate",
        label: words.t(say::CERTIFICATE_BODY),
        hint: words.t(say::CERTIFICATE_BODY_HINT),
        kind: "lines",
        value: visit.form.line("certificate"),
        required: true,
        ..Field::default()
    };
    let own = html! {
        (field(words, &body))
        button.second type="submit" { (words.t(say::UPLOAD)) }
    };
    let main = html! {
        (above)
        p { (words.fill(say::CERTIFICATES_LEAD, &[("most", &most)])) }
        @if all.is_empty() {
            p.empty { (words.t(say::CERTIFICATES_NONE)) }
        } @else {
            (rows(visit, all))
        }
        p.links {
            @if is_later { a href="/certificates" { (words.t(words_of_all::FIRST_PAGE)) } }
            @if let Some(marker) = &page.marker {
                a href={ "/certificates?" (common::sign::write_query(&[("page", marker.as_str())])) } {
                    (words.t(words_of_all::NEXT_PAGE))
                }
            }
        }
        h2 { (words.t(say::CERTIFICATE_NEW)) }
        (form(visit, "/certificates/create", &new))
        h2 { (words.t(say::CERTIFICATE_OWN)) }
        (form(visit, "/certificates/upload", &own))
        p.links { a href="/credentials" { (words.t(say::CREDENTIALS)) } }
    };
    Ok(Reply::page(words.t(say::CERTIFICATES), main))
}

fn rows(visit: &Visit, all: &[Certificate]) -> Markup {
    let words = visit.words;
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::CERTIFICATE)) }
                        th scope="col" { (words.t(say::STATUS)) }
                        th scope="col" { (words.t(say::MADE)) }
                        th scope="col" { span.unseen { (words.t(say::ACT)) } }
                    }
                }
                tbody {
                    @for it in all {
                        tr {
                            th scope="row" data-label=(words.t(say::CERTIFICATE)) { code { (it.certificate_id) } }
                            td data-label=(words.t(say::STATUS)) { (state(visit, it.status)) }
                            td data-label=(words.t(say::MADE)) { (moment(it.upload_date.0)) }
                            td.act {
                                (switch(visit, "/certificates/status", &it.certificate_id, it.status))
                                " "
                                (button(visit, "/certificates/delete", &[("id", &it.certificate_id)],
                                    &of(words.t(say::DELETE), &it.certificate_id),
                                    Some(words.t(say::CERTIFICATE_DELETE))))
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn beside(visit: &Visit, error: ApiError) -> Result<Reply, ApiError> {
    let error = told_beside(error)?;
    Ok(listed(visit, &refusal(visit.words, &error)).await?.status(status(&error)))
}

/// Makes one. Its private key is on the page that is answered, and nowhere else.
pub(crate) async fn create(visit: Visit) -> Result<Reply, ApiError> {
    match visit.call(CreateSigningCertificate::default()).await {
        Ok(made) => made_page(&visit, &made.certificate),
        Err(error) => beside(&visit, error).await,
    }
}

fn made_page(visit: &Visit, it: &KeyedCertificate) -> Result<Reply, ApiError> {
    let words = visit.words;
    let short = it.certificate_id.get(..8).unwrap_or_default().to_ascii_lowercase();
    let base = format!("euca2-{}-{short}", visit.viewer()?.caller.alias);
    let (cert, key) = (format!("{base}-cert.pem"), format!("{base}-pk.pem"));
    let save = |name: &str| format!("{} {name}", words.t(say::CERTIFICATE_SAVE));
    let main = html! {
        (notice("good", words.t(say::CERTIFICATE_MADE), words.t(say::CERTIFICATE_ONCE)))
        p.pair {
            (file(&key, PEM, it.private_key.as_bytes(), &save(&key)))
            (file(&cert, PEM, it.certificate_body.as_bytes(), &save(&cert)))
        }
        h2 { (words.t(say::PRIVATE_KEY)) }
        pre.output tabindex="0" { (it.private_key) }
        h2 { (words.t(say::CERTIFICATE)) }
        pre.output tabindex="0" { (it.certificate_body) }
        p { (words.t(say::CERTIFICATE_USE)) }
        pre.output tabindex="0" { "euca-bundle-image -i IMAGE -c " (cert) " -k " (key) }
        p.links { a href="/certificates" { (words.t(say::CERTIFICATES)) } }
    };
    Ok(Reply::page(words.t(say::CERTIFICATE_MADE), main))
}

/// Uploads one of one's own.
pub(crate) async fn upload(visit: Visit) -> Result<Reply, ApiError> {
    // Browsers end lines their own way.
    let certificate_body = visit.form.line("certificate").replace("\r\n", "\n");
    match visit.call(UploadSigningCertificate { user_name: None, certificate_body }).await {
        Ok(_) => Ok(Reply::see("/certificates?done=uploaded")),
        Err(error) => beside(&visit, error).await,
    }
}

/// Lets one be used for new bundles, or not.
pub(crate) async fn switched(visit: Visit) -> Result<Reply, ApiError> {
    let (certificate_id, status) = (visit.form.line("id").to_owned(), status_of(&visit)?);
    let ask = UpdateSigningCertificate { user_name: None, certificate_id, status };
    match visit.call(ask).await {
        Ok(_) if status == Status::Active => Ok(Reply::see("/certificates?done=active")),
        Ok(_) => Ok(Reply::see("/certificates?done=inactive")),
        Err(error) => beside(&visit, error).await,
    }
}

/// Deletes one.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    let certificate_id = visit.form.line("id").to_owned();
    match visit.call(DeleteSigningCertificate { user_name: None, certificate_id }).await {
        Ok(_) => Ok(Reply::see("/certificates?done=deleted")),
        Err(error) => beside(&visit, error).await,
    }
}
