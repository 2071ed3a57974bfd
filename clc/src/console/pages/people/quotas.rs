//! Quotas: what everybody uses of S3, and the limits of one account or bucket.

use common::error::{ApiError, ErrorCode};
use common::s3::BucketName;
use common::sign::write_query;
use common::wire::quota::{Limit, NamedQuota, Scope, Used, Whose};
use common::wire::registrar::{ChangeLimits, DescribeLimits, ListLimits};
use maud::{Markup, html};

use super::parts::{about, by, name_of, named};
use crate::console::components::{Field, field, form, notice, refusal, status, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::{common as words_of_all, quotas as say};
use crate::console::visit::Visit;

/// Where the limits of an account are.
pub(super) const ACCOUNT: &str = "/quotas/account";
/// Where those of a bucket are.
const BUCKET: &str = "/quotas/bucket";

/// The scope behind which a page begins.
fn scope(text: &str) -> Option<Scope> {
    match text.split_once(':')? {
        ("account", number) => number.parse().ok().map(Scope::Account),
        ("bucket", name) => name.parse().ok().map(Scope::Bucket),
        _ => None,
    }
}

fn token(scope: &Scope) -> String {
    match scope {
        Scope::Account(number) => format!("account:{number}"),
        Scope::Bucket(name) => format!("bucket:{name}"),
    }
}

/// What is used in S3.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let after = scope(visit.query.get("page"));
    let first = after.is_none();
    let (by, address) = (by(&visit)?, visit.address());
    let found = match visit.ask(ListLimits { after, by, address }).await {
        Ok(found) => Some(found),
        Err(error) if error.code().retryable() => None,
        Err(error) => return Err(error),
    };
    let main = html! {
        p { (words.t(say::LEAD)) }
        div.search {
            (search(words, ACCOUNT, "account", say::FIND, say::FIND_HINT))
            (search(words, BUCKET, "bucket", say::FIND_BUCKET, say::BUCKET_HINT))
        }
        @match &found {
            None => (notice("bad", words.t(say::AWAY), "")),
            Some(found) if found.is_empty() => p.empty { (words.t(say::NONE)) },
            Some(found) => {
                (rows(words, found))
                p.links {
                    @if !first { a href="/quotas" { (words.t(words_of_all::FIRST_PAGE)) } }
                    @if let Some(last) = found.last() {
                        a href={ "/quotas?" (write_query(&[("page", token(&last.quota.scope).as_str())])) } {
                            (words.t(words_of_all::NEXT_PAGE))
                        }
                    }
                }
            }
        }
    };
    Ok(Reply::page(words.t(say::QUOTAS), main))
}

fn search(words: Words, path: &str, id: &str, label: Text, hint: Text) -> Markup {
    let hint_id = format!("{id}-hint");
    html! {
        form.field method="get" action=(path) {
            label for=(id) { (words.t(label)) }
            div.beside {
                input id=(id) name="name" type="text" required autocapitalize="none" spellcheck="false" aria-describedby=(hint_id);
                button.second type="submit" { (words.t(say::SHOW)) }
            }
            p.hint id=(hint_id) { (words.t(hint)) }
        }
    }
}

fn rows(words: Words, all: &[NamedQuota]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::WHOSE)) }
                        th scope="col" { (words.t(say::BYTES)) }
                        th scope="col" { (words.t(say::OBJECTS)) }
                        th scope="col" { (words.t(say::BUCKETS)) }
                    }
                }
                tbody {
                    @for it in all {
                        @let (path, kind) = match &it.quota.scope {
                            Scope::Account(_) => (ACCOUNT, say::ACCOUNT),
                            Scope::Bucket(_) => (BUCKET, say::BUCKET),
                        };
                        @let (Used { bytes, uploading, objects, buckets }, holds) = (it.quota.used, it.quota.holds);
                        tr {
                            th scope="row" data-label=(words.t(say::WHOSE)) {
                                span { a href=(about(path, &it.name)) { (it.name) } " " span.quiet { (words.t(kind)) } }
                            }
                            td data-label=(words.t(say::BYTES)) {
                                span {
                                    (used_of(words, &size(bytes.saturating_add(uploading)), holds.bytes, size))
                                    @if uploading > 0 {
                                        br; span.quiet { (words.fill(say::UPLOADING, &[("size", &size(uploading))])) }
                                    }
                                }
                            }
                            td data-label=(words.t(say::OBJECTS)) { (used_of(words, &objects.to_string(), holds.objects, plain)) }
                            td data-label=(words.t(say::BUCKETS)) {
                                @if path == ACCOUNT { (used_of(words, &buckets.to_string(), holds.buckets, plain)) } @else { "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn plain(number: u64) -> String {
    number.to_string()
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of the largest unit that makes at least one.
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

fn most(words: Words, limit: Limit, show: fn(u64) -> String) -> String {
    match limit {
        Limit::AtMost(most) => show(most),
        Limit::Unlimited | Limit::Default => words.t(say::NO_LIMIT).to_owned(),
    }
}

fn used_of(words: Words, used: &str, limit: Limit, show: fn(u64) -> String) -> String {
    match limit {
        Limit::AtMost(most) => words.fill(say::OF, &[("used", used), ("limit", &show(most))]),
        Limit::Unlimited | Limit::Default => used.to_owned(),
    }
}

/// What walrus knows of an account, if it answers.
pub(super) async fn of_account(visit: &Visit, name: &str) -> Result<Option<NamedQuota>, ApiError> {
    match described(visit, Whose::Account(name.to_owned())).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code().retryable() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn described(visit: &Visit, whose: Whose) -> Result<NamedQuota, ApiError> {
    let (by, address) = (by(visit)?, visit.address());
    visit.ask(DescribeLimits { whose, by, address }).await
}

/// The form of limits of S3.
pub(super) fn s3_form(visit: &Visit, path: &str, it: Option<&NamedQuota>) -> Markup {
    let words = visit.words;
    let Some(it) = it else { return notice("bad", words.t(say::AWAY), "") };
    let (Used { bytes, uploading, objects, buckets }, set, holds) =
        (it.quota.used, it.quota.set, it.quota.holds);
    let account = matches!(it.quota.scope, Scope::Account(_));
    let line = |name: &'static str, label: Text, used: String, set: Limit, holds: String| {
        let now = set.to_string();
        let value = meanwhile::typed(&visit.form, name).unwrap_or_else(|| now.clone());
        let hint = words.fill(say::LIMIT_HINT, &[("used", &used), ("limit", &holds)]);
        let it = Field {
            name,
            label: words.t(label),
            hint: &hint,
            value: &value,
            required: true,
            autocomplete: "off",
            ..Field::default()
        };
        html! { (meanwhile::was(name, &now)) (field(words, &it)) }
    };
    let in_use = size(bytes.saturating_add(uploading));
    let inside = html! {
        (name_of(&it.name))
        (line("bytes", say::BYTES_LIMIT, in_use, set.bytes, most(words, holds.bytes, size)))
        (line("objects", say::OBJECTS, plain(objects), set.objects, most(words, holds.objects, plain)))
        @if account {
            (line("buckets", say::BUCKETS, plain(buckets), set.buckets, most(words, holds.buckets, plain)))
        }
        button type="submit" { (words.t(say::SAVE)) }
    };
    html! {
        p { (words.t(say::S3_LEAD)) }
        (form(visit, path, &inside))
    }
}

/// Changes limits of S3 as a form says.
///
/// # Errors
/// Whatever the change is refused with.
pub(super) async fn change(visit: &Visit, whose: Whose) -> Result<(), ApiError> {
    let set = described(visit, whose.clone()).await?.quota.set;
    let limit = |name: &str, set: Limit| {
        let said = meanwhile::change(&visit.form, name, &set.to_string())?;
        let read = |text: String| text.to_lowercase().parse::<Limit>();
        said.map(read).transpose().map_err(|error| ApiError::invalid(name, error))
    };
    let (bytes, objects) = (limit("bytes", set.bytes)?, limit("objects", set.objects)?);
    let buckets = match whose {
        Whose::Account(_) => limit("buckets", set.buckets)?,
        Whose::Bucket(_) => None,
    };
    let (by, address) = (by(visit)?, visit.address());
    visit.ask(ChangeLimits { whose, bytes, objects, buckets, by, address }).await?;
    Ok(())
}

/// The page of limits, after they were saved.
pub(super) fn saved(path: &str, name: &str) -> String {
    super::parts::after(path, name, "saved")
}

fn bucket_named(visit: &Visit) -> Result<BucketName, ApiError> {
    named(visit).parse()
}

/// One bucket's.
pub(crate) async fn bucket(visit: Visit) -> Result<Reply, ApiError> {
    bucket_page(&visit, &html! {}).await
}

async fn bucket_page(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let found = match described(visit, Whose::Bucket(bucket_named(visit)?)).await {
        Ok(found) => Some(found),
        Err(error) if error.code() != ErrorCode::NoSuchBucket && error.code().retryable() => None,
        Err(error) => return Err(error),
    };
    let main = html! {
        p.links.up { a href="/quotas" { (words.t(say::ALL_QUOTAS)) } }
        (done(visit))
        (above)
        (s3_form(visit, BUCKET, found.as_ref()))
    };
    Ok(Reply::page(words.fill(say::OF_BUCKET, &[("name", &named(visit))]), main))
}

/// That it was saved.
pub(super) fn done(visit: &Visit) -> Markup {
    html! {
        @if visit.query.get("done") == "saved" { (notice("good", visit.words.t(say::SAVED), "")) }
    }
}

/// Changes a bucket's limits.
pub(crate) async fn change_bucket(visit: Visit) -> Result<Reply, ApiError> {
    let name = bucket_named(&visit)?;
    match change(&visit, Whose::Bucket(name.clone())).await {
        Ok(()) => Ok(Reply::see(saved(BUCKET, name.as_str()))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = bucket_page(&visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_by_people() {
        for (bytes, told) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (1 << 20, "1.0 MiB"),
            (u64::MAX, "1638.3 PiB"),
        ] {
            assert_eq!(size(bytes), told);
        }
        for text in ["account:123456789012", "bucket:photos"] {
            assert_eq!(token(&scope(text).unwrap()), text);
        }
        assert!(scope("x").is_none() && scope("bucket:").is_none());
    }
}
