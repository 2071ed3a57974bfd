//! Who one is, where the services are, and the zip with everything that clients need.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::{ApiError, ErrorCode};
use common::wire::people::{GetZip, Zip, ZipKind};
use maud::{Markup, html};

use crate::console::components::form;
use crate::console::reply::{Answer, Reply};
use crate::console::texts::credentials as say;
use crate::console::visit::Visit;
use crate::records::accounts::FIRST_USER;

/// Whether somebody owns their account.
pub(super) fn is_owner(visit: &Visit) -> Result<bool, ApiError> {
    Ok(visit.viewer()?.caller.user == FIRST_USER)
}

/// All of it.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let endpoints = visit.desk.people.work(crate::people::People::endpoints).await?;
    let caller = &visit.viewer()?.caller;
    let s3 = endpoints.walrus.trim_end_matches("/services/Walrus");
    let all = [
        ("EC2", "EC2_URL, AWS_ENDPOINT_URL_EC2", endpoints.ec2()),
        ("S3", "S3_URL", endpoints.walrus.clone()),
        ("S3", "AWS_ENDPOINT_URL_S3", s3.to_owned()),
        ("IAM", "EUARE_URL, AWS_IAM_URL, AWS_ENDPOINT_URL_IAM", endpoints.iam()),
        ("STS", "TOKEN_URL, AWS_ENDPOINT_URL_STS", endpoints.sts()),
    ];
    let main = html! {
        p { (words.t(say::LEAD)) }
        h2 { (words.t(say::WHO)) }
        dl.facts {
            dt { (words.t(say::NUMBER)) }
            dd { code { (caller.account) } p.hint { (words.t(say::NUMBER_HINT)) } }
            dt { (words.t(say::ARN)) }
            dd { code { (caller.arn()) } }
            dt { (words.t(say::REGION)) }
            dd { code { (endpoints.region) } }
        }
        h2 { (words.t(say::ZIP)) }
        @if is_owner(&visit)? { (zip(&visit)) } @else { p { (words.t(say::ZIP_OWNER)) } }
        h2 { (words.t(say::ENDPOINTS)) }
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::ENDPOINT)) }
                        th scope="col" { (words.t(say::URL)) }
                        th scope="col" { (words.t(say::VARIABLE)) }
                    }
                }
                tbody {
                    @for (service, names, url) in &all {
                        tr {
                            th scope="row" data-label=(words.t(say::ENDPOINT)) { (service) }
                            td data-label=(words.t(say::URL)) { code { (url) } }
                            td data-label=(words.t(say::VARIABLE)) { span.given { (names) } }
                        }
                    }
                }
            }
        }
        p.links {
            a href="/access-keys" { (words.t(say::KEYS)) }
            a href="/certificates" { (words.t(say::CERTIFICATES)) }
            a href="/second-factor" { (words.t(say::FACTOR)) }
        }
    };
    Ok(Reply::page(words.t(say::CREDENTIALS), main))
}

fn zip(visit: &Visit) -> Markup {
    let words = visit.words;
    let asked = |kind: &str, label: &str, class: Option<&str>| {
        html! {
            input type="hidden" name="kind" value=(kind);
            button type="submit" class=[class] { (label) }
        }
    };
    let whole = asked("whole", words.t(say::ZIP_GET), None);
    let keys = asked("keys", words.t(say::ZIP_GET_KEYS), Some("second"));
    html! {
        p { (words.t(say::ZIP_LEAD)) }
        ul.told {
            li { (words.t(say::ZIP_KEYS)) }
            li { (words.t(say::ZIP_NEW)) }
            li { (words.t(say::ZIP_LESS)) }
        }
        div.pair {
            (form(visit, "/credentials/zip", &whole))
            (form(visit, "/credentials/zip", &keys))
        }
    }
}

/// The zip.
pub(crate) async fn get_zip(visit: Visit) -> Result<Reply, ApiError> {
    let kind = match visit.form.get("kind") {
        "keys" => ZipKind::Keys,
        "whole" => ZipKind::Whole,
        other => return Err(ApiError::invalid("kind", format!("'{other}' is no kind of zip"))),
    };
    let viewer = visit.viewer()?;
    let (name, by) = (viewer.caller.alias.clone(), viewer.session.asks());
    let Zip { file_name, base64 } =
        visit.ask(GetZip { name, kind, by, address: visit.address() }).await?;
    let bytes = STANDARD.decode(base64).map_err(|error| {
        ApiError::new(ErrorCode::InternalError, "The zip could not be read").because(error)
    })?;
    Ok(Answer::File { name: file_name, content_type: "application/zip", bytes }.into())
}
