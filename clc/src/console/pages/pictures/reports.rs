//! Who used how much between two days: of all accounts for administrators, of their own for users.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use maud::{Markup, html};

use super::csv::{self, Csv};
use super::days::Days;
use super::history;
use super::scale::{Unit, plain};
use crate::console::components::moment;
use crate::console::reply::{Answer, Reply};
use crate::console::text::Words;
use crate::console::texts::common as words_of_all;
use crate::console::texts::pictures as say;
use crate::console::visit::Visit;
use crate::history::report::{AccountUse, between};
use crate::history::{Subject, meter};
use crate::records::{StoredUse, TypeUse};

/// How many accounts are on a page.
const SHOWN: usize = 100;
/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;
/// MiB of a GiB.
const GIB: f64 = 1024.0;

fn hours(ms: u64) -> f64 {
    ms as f64 / HOUR_MS
}

/// Figures of instances: hours that they ran, hours of cores, hours of GiB of memory.
fn figures(it: &TypeUse) -> [f64; 3] {
    [hours(it.ran_ms), hours(it.cpu_ms), hours(it.mib_ms) / GIB]
}

/// Hours of GiB that were stored.
fn gib_hours(it: &StoredUse) -> f64 {
    it.kib_s as f64 / (1024.0 * 1024.0 * 3600.0)
}

async fn read(visit: &Visit, whose: Option<AccountId>, days: &Days) -> Result<Read, ApiError> {
    if days.wrong {
        return Ok(Read { all: Vec::new(), upto: None });
    }
    let (from, until) = (days.from.clone(), days.until.clone());
    let work = move |records: &crate::records::Records| {
        let mut all = between(records, whose.as_ref(), &from, &until)?;
        let weight = |it: &AccountUse| (it.instances().cpu_ms, it.stored.kib_s);
        all.sort_by(|one, other| {
            weight(other).cmp(&weight(one)).then_with(|| one.alias.cmp(&other.alias))
        });
        Ok(Read { all, upto: meter::upto(records)? })
    };
    visit.desk.people.records.work(work).await
}

/// What a report tells, those who used most first.
struct Read {
    all: Vec<AccountUse>,
    upto: Option<common::time::Timestamp>,
}

impl Read {
    fn sum(&self) -> (TypeUse, StoredUse) {
        let (mut used, mut stored) = (TypeUse::default(), StoredUse::default());
        for it in &self.all {
            used.add(&it.instances());
            stored.kib_s = stored.kib_s.saturating_add(it.stored.kib_s);
            stored.bytes = stored.bytes.saturating_add(it.stored.bytes);
            stored.objects = stored.objects.saturating_add(it.stored.objects);
            stored.buckets = stored.buckets.saturating_add(it.stored.buckets);
        }
        (used, stored)
    }

    fn told(&self, words: Words) -> Markup {
        html! {
            @if let Some(upto) = self.upto { p.quiet { (words.t(say::ADDED_UP)) " " (moment(upto)) } }
            p.quiet { (words.t(say::HOW_COUNTED)) }
        }
    }
}

/// The kinds of reports, for their links.
pub(super) fn choice(words: Words, here: &str) -> Markup {
    let all = [
        ("/reports", say::OF_USE),
        ("/reports/people", say::OF_PEOPLE),
        ("/reports/components", say::OF_COMPONENTS),
        ("/reports/messages", say::OF_MESSAGES),
    ];
    html! {
        nav.ranges aria-label=(words.t(say::REPORTS)) {
            @for (path, name) in all { a href=(path) aria-current=[(path == here).then_some("true")] { (words.t(name)) } }
        }
    }
}

/// The cells of a row, of instances and of storage.
fn cells(words: Words, used: &TypeUse, stored: &StoredUse) -> Markup {
    let [ran, cores, memory] = figures(used);
    html! {
        td data-label=(words.t(say::INSTANCES)) { (used.there) }
        td data-label=(words.t(say::INSTANCE_HOURS)) { (plain(ran)) }
        td data-label=(words.t(say::CORE_HOURS)) { (plain(cores)) }
        td data-label=(words.t(say::MEMORY_HOURS)) { (plain(memory)) }
        td data-label=(words.t(say::STORED_LAST)) { (Unit::Bytes.told(stored.bytes as f64)) }
        td data-label=(words.t(say::STORED_HOURS)) { (plain(gib_hours(stored))) }
        td data-label=(words.t(say::OBJECTS)) { (stored.objects) }
        td data-label=(words.t(say::BUCKETS)) { (stored.buckets) }
    }
}

fn heads(words: Words, first: &str) -> Markup {
    let names = [
        say::INSTANCES,
        say::INSTANCE_HOURS,
        say::CORE_HOURS,
        say::MEMORY_HOURS,
        say::STORED_LAST,
        say::STORED_HOURS,
        say::OBJECTS,
        say::BUCKETS,
    ];
    html! { thead { tr { th scope="col" { (first) } @for name in names { th scope="col" { (words.t(name)) } } } } }
}

/// The use of all accounts.
pub(super) async fn all(visit: Visit) -> Result<Reply, ApiError> {
    let (words, days) = (visit.words, Days::of(&visit));
    let read = read(&visit, None, &days).await?;
    let number = visit.query.line("page").parse().unwrap_or(1).clamp(1, 10_000);
    let (used, stored) = read.sum();
    let at = |page: usize| format!("/reports?{}&page={page}", days.query());
    let main = html! {
        (choice(words, "/reports"))
        (days.form(words, "/reports"))
        @if read.all.is_empty() {
            @if !days.wrong { p.empty { (words.t(say::NO_USE)) } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(words.t(say::ACCOUNT)) { table.rows.sums {
                (heads(words, words.t(say::ACCOUNT)))
                tbody {
                    @for it in read.all.iter().skip((number - 1) * SHOWN).take(SHOWN) {
                        tr {
                            th scope="row" data-label=(words.t(say::ACCOUNT)) {
                                a href={ "/history/accounts/" (it.account.as_str()) } { (if it.alias.is_empty() { it.account.as_str() } else { &it.alias }) }
                            }
                            (cells(words, &it.instances(), &it.stored))
                        }
                    }
                }
                tfoot { tr { th scope="row" data-label=(words.t(say::ACCOUNT)) { (words.t(say::IN_ALL)) } (cells(words, &used, &stored)) } }
            } }
            p.links {
                @if number > 1 { a href=(at(1)) { (words.t(words_of_all::FIRST_PAGE)) } }
                @if number * SHOWN < read.all.len() { a href=(at(number + 1)) { (words.t(words_of_all::NEXT_PAGE)) } }
                a href={ "/reports/instances-csv?" (days.query()) } { (words.t(say::INSTANCES_FILE)) }
                a href={ "/reports/storage-csv?" (days.query()) } { (words.t(say::STORAGE_FILE)) }
            }
        }
        (read.told(words))
    };
    Ok(Reply::page(words.t(say::REPORTS), main))
}

fn instances_file(read: &Read, days: &Days, whose: &str) -> Reply {
    let mut csv = Csv::new([
        "first_day",
        "last_day",
        "account_number",
        "account",
        "instance_type",
        "instances",
        "launched",
        "instance_hours",
        "core_hours",
        "memory_gib_hours",
    ]);
    for it in &read.all {
        for (name, used) in &it.types {
            let mut values = vec![
                days.from.clone(),
                days.until.clone(),
                it.account.to_string(),
                csv::text(&it.alias),
                csv::text(name),
                used.there.to_string(),
                used.launched.to_string(),
            ];
            values.extend(figures(used).map(csv::number));
            csv.line(values);
        }
    }
    let name = format!("instances-{whose}-{}-{}.csv", days.from, days.until);
    Answer::File { name, content_type: csv::TYPE, bytes: csv.bytes() }.into()
}

fn storage_file(read: &Read, days: &Days, whose: &str) -> Reply {
    let mut csv = Csv::new([
        "first_day",
        "last_day",
        "account_number",
        "account",
        "bytes_at_last",
        "gib_hours",
        "known_hours",
        "objects_at_last",
        "buckets_at_last",
    ]);
    for it in &read.all {
        csv.line([
            days.from.clone(),
            days.until.clone(),
            it.account.to_string(),
            csv::text(&it.alias),
            it.stored.bytes.to_string(),
            csv::number(gib_hours(&it.stored)),
            csv::number(it.stored.known_s as f64 / 3600.0),
            it.stored.objects.to_string(),
            it.stored.buckets.to_string(),
        ]);
    }
    let name = format!("storage-{whose}-{}-{}.csv", days.from, days.until);
    Answer::File { name, content_type: csv::TYPE, bytes: csv.bytes() }.into()
}

/// Instances of all accounts, as a file.
pub(super) async fn all_instances(visit: Visit) -> Result<Reply, ApiError> {
    let days = Days::of(&visit);
    Ok(instances_file(&read(&visit, None, &days).await?, &days, "all"))
}

/// Storage of all accounts, as a file.
pub(super) async fn all_storage(visit: Visit) -> Result<Reply, ApiError> {
    let days = Days::of(&visit);
    Ok(storage_file(&read(&visit, None, &days).await?, &days, "all"))
}

/// The account of whoever is signed in and may see what it uses.
fn own(visit: &Visit) -> Result<AccountId, ApiError> {
    let viewer = visit.viewer()?;
    if !viewer.sees_use() {
        let text = format!(
            "User: {} is not authorized to perform: ec2:DescribeInstances on resource: *",
            viewer.caller.arn()
        );
        return Err(ApiError::new(ErrorCode::AccessDenied, text));
    }
    Ok(viewer.caller.account.clone())
}

/// One's own use.
pub(super) async fn mine(visit: Visit) -> Result<Reply, ApiError> {
    let (words, days, account) = (visit.words, Days::of(&visit), own(&visit)?);
    let read = read(&visit, Some(account.clone()), &days).await?;
    let pictures = history::part(&visit, &Subject::account(account.as_str()), "/usage").await?;
    let main = html! {
        h2 { (words.t(say::OVER_TIME)) }
        (pictures)
        h2 { (words.t(say::BETWEEN_DAYS)) }
        (days.form(words, "/usage"))
        @match read.all.first() {
            None => @if !days.wrong { p.empty { (words.t(say::NO_OWN_USE)) } },
            Some(it) => {
                (mine_told(words, it))
                p.links {
                    a href={ "/usage/instances-csv?" (days.query()) } { (words.t(say::INSTANCES_FILE)) }
                    a href={ "/usage/storage-csv?" (days.query()) } { (words.t(say::STORAGE_FILE)) }
                }
            }
        }
        (read.told(words))
    };
    Ok(Reply::page(words.t(say::OWN_USE), main))
}

fn mine_told(words: Words, it: &AccountUse) -> Markup {
    let sum = it.instances();
    let names =
        [say::INSTANCES, say::LAUNCHED, say::INSTANCE_HOURS, say::CORE_HOURS, say::MEMORY_HOURS];
    let row = |name: &str, used: &TypeUse| {
        let [ran, cores, memory] = figures(used);
        let told = [
            used.there.to_string(),
            used.launched.to_string(),
            plain(ran),
            plain(cores),
            plain(memory),
        ];
        html! { tr {
            th scope="row" data-label=(words.t(say::TYPE)) { (name) }
            @for (name, value) in names.iter().zip(told) { td data-label=(words.t(*name)) { (value) } }
        } }
    };
    html! {
        @if !it.types.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(words.t(say::TYPE)) { table.rows.sums {
                thead { tr { th scope="col" { (words.t(say::TYPE)) } @for name in names { th scope="col" { (words.t(name)) } } } }
                tbody { @for (name, used) in &it.types { (row(name, used)) } }
                @if it.types.len() > 1 { tfoot { (row(words.t(say::IN_ALL), &sum)) } }
            } }
        }
        dl.facts {
            dt { (words.t(say::STORED_LAST)) } dd { (Unit::Bytes.told(it.stored.bytes as f64)) }
            dt { (words.t(say::STORED_HOURS)) } dd { (plain(gib_hours(&it.stored))) }
            dt { (words.t(say::OBJECTS)) } dd { (it.stored.objects) }
            dt { (words.t(say::BUCKETS)) } dd { (it.stored.buckets) }
        }
    }
}

/// One's own instances, as a file.
pub(super) async fn my_instances(visit: Visit) -> Result<Reply, ApiError> {
    let (days, account) = (Days::of(&visit), own(&visit)?);
    let whose = account.to_string();
    Ok(instances_file(&read(&visit, Some(account), &days).await?, &days, &whose))
}

/// One's own storage, as a file.
pub(super) async fn my_storage(visit: Visit) -> Result<Reply, ApiError> {
    let (days, account) = (Days::of(&visit), own(&visit)?);
    let whose = account.to_string();
    Ok(storage_file(&read(&visit, Some(account), &days).await?, &days, &whose))
}

/// One's own history, as a file.
pub(super) async fn my_history(visit: Visit) -> Result<Reply, ApiError> {
    let account = own(&visit)?;
    history::file(&visit, &Subject::account(account.as_str())).await
}
