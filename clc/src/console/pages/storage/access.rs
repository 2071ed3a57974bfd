//! Who may use a bucket or an object: its access control list, shown and changed.
//!
//! S3 here knows the lists that have names, and says so of any other; the page offers what is honoured.

use common::error::ApiError;
use common::s3::CannedAcl;
use common::sign::percent_encode;
use maud::{Markup, html};

use super::places::{folder_of, in_field, name_of, object_path, of_field, path, steps};
use crate::console::components::{form, notice};
use crate::console::reply::Reply;
use crate::console::s3::{Ask, answers};
use crate::console::text::{Text, Words};
use crate::console::texts::storage as say;
use crate::console::visit::Visit;

/// What a list is called, and what it means.
fn names(acl: CannedAcl) -> (Text, Text) {
    match acl {
        CannedAcl::Private => (say::ACL_PRIVATE, say::ACL_PRIVATE_TEXT),
        CannedAcl::PublicRead => (say::ACL_PUBLIC_READ, say::ACL_PUBLIC_READ_TEXT),
        CannedAcl::AwsExecRead => (say::ACL_AWS_EXEC_READ, say::ACL_AWS_EXEC_READ_TEXT),
        CannedAcl::Ec2BundleRead => (say::ACL_EC2_BUNDLE_READ, say::ACL_EC2_BUNDLE_READ_TEXT),
    }
}

/// The lists to choose from.
pub(super) fn choices(words: Words, chosen: CannedAcl) -> Markup {
    html! {
        fieldset.choices {
            legend { (words.t(say::WHO_MAY_READ)) }
            @for acl in CannedAcl::ALL {
                @let (name, text) = names(acl);
                @let id = format!("acl-{}", acl.as_str());
                div.choice {
                    input id=(id) type="radio" name="acl" value=(acl.as_str()) checked[acl == chosen]
                        aria-describedby={ (id) "-hint" };
                    div {
                        label for=(id) { (words.t(name)) " " code.quiet { (acl.as_str()) } }
                        p.hint id={ (id) "-hint" } { (words.t(text)) }
                    }
                }
            }
        }
    }
}

/// The bucket, or one of its objects.
fn about(visit: &Visit, method: &'static str, key: &str) -> Ask {
    let ask = Ask::new(method, visit.part(0)).with("acl", "");
    if key.is_empty() { ask } else { ask.key(key) }
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, bucket, key) = (visit.words, visit.part(0), visit.query.get("key"));
    let document = visit.s3_document(about(&visit, "GET", key), "AccessControlPolicy").await?;
    let access = answers::access(&document)?;
    let inside = html! {
        input type="hidden" name="key" value=(in_field(key));
        (choices(words, access.canned))
        button type="submit" { (words.t(say::SAVE)) }
    };
    let action = format!("/buckets/{}/access", percent_encode(bucket));
    let who = |to: &str| match to.rsplit('/').next() {
        Some("AllUsers") => words.t(say::EVERYBODY).to_owned(),
        _ => to.to_owned(),
    };
    let main = html! {
        (steps(words, bucket, folder_of(key)))
        @if visit.query.get("done") == "changed" {
            (notice("good", words.t(say::ACCESS_CHANGED), ""))
        }
        p { (words.t(say::ACCESS_LEAD)) }
        (form(&visit, &action, &inside))
        h2 { (words.t(say::GRANTS)) }
        p.quiet { (words.t(say::OWNER)) ": " (access.owner_name) " (" (access.owner) ")" }
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::GRANTEE)) }
                        th scope="col" { (words.t(say::PERMISSION)) }
                    }
                }
                tbody {
                    @for (to, permission) in &access.grants {
                        tr {
                            th scope="row" data-label=(words.t(say::GRANTEE)) { (who(to)) }
                            td data-label=(words.t(say::PERMISSION)) { code { (permission) } }
                        }
                    }
                }
            }
        }
        p.links {
            @if key.is_empty() {
                a href=(path(bucket)) { (words.t(say::OBJECTS)) }
            } @else {
                a href=(object_path(bucket, "object", key)) { (words.t(say::BACK_TO_OBJECT)) }
            }
        }
    };
    let title = match key {
        "" => words.fill(say::ACCESS_OF_BUCKET, &[("name", bucket)]),
        key => words.fill(say::ACCESS_OF_OBJECT, &[("name", name_of(key))]),
    };
    Ok(Reply::page(title, main))
}

/// Changes it.
pub(crate) async fn change(visit: Visit) -> Result<Reply, ApiError> {
    let (bucket, key) = (visit.part(0), &*of_field(visit.form.get("key")));
    let acl: CannedAcl = visit.form.get("acl").parse()?;
    visit.s3(about(&visit, "PUT", key).saying("x-amz-acl", acl.as_str())).await?;
    let shown = match key {
        "" => format!("/buckets/{}/access?done=changed", percent_encode(bucket)),
        key => format!("{}&done=changed", object_path(bucket, "access", key)),
    };
    Ok(Reply::see(shown))
}
