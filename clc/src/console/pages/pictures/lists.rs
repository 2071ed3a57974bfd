//! Reports of users and groups, and of components, as 2.0 has them: as they are now.

use common::administration::accounts::{DescribeUsers, User};
use common::administration::configuration::{DescribeComponents, DescribeNodes};
use common::administration::groups::DescribeGroups;
use common::error::ApiError;
use maud::{Markup, html};

use super::csv::{self, Csv};
use super::reports::choice;
use crate::console::components::tag;
use crate::console::reply::{Answer, Reply};
use crate::console::text::Words;
use crate::console::texts::pictures as say;
use crate::console::visit::Visit;

/// How many rows are on the page; the file has all.
const SHOWN: usize = 200;

/// A table of texts.
fn table(words: Words, heads: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(heads.join(", ")) { table.rows {
            thead { tr { @for head in heads { th scope="col" { (head) } } } }
            tbody { @for row in rows.iter().take(SHOWN) { tr {
                @for (number, (cell, head)) in row.iter().zip(heads).enumerate() {
                    @if number == 0 { th scope="row" data-label=(head) { (cell) } } @else { td data-label=(head) { (cell) } }
                }
            } } }
        } }
        @if rows.len() > SHOWN {
            p.quiet { (words.fill(say::SHOWN_OF, &[("shown", &SHOWN.to_string()), ("count", &rows.len().to_string())])) }
        }
    }
}

fn yes(words: Words, is: bool) -> &'static str {
    words.t(if is { say::YES } else { say::NO })
}

async fn users(visit: &Visit) -> Result<Vec<User>, ApiError> {
    Ok(visit.call(DescribeUsers::default()).await?.users.item)
}

/// Users and groups.
pub(super) async fn people(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let (users, groups) = (users(&visit).await?, visit.call(DescribeGroups::default()).await?);
    let user = |it: &User| {
        let known = it.email.contains('@');
        vec![
            html! { (it.user_name) },
            html! { code { (it.account) } },
            html! { (if known { it.email.as_str() } else { "–" }) },
            html! { (yes(words, it.enabled)) },
            html! { (yes(words, it.confirmed)) },
            html! { (yes(words, it.admin)) },
            html! { (it.groups.entry.join(", ")) },
        ]
    };
    let rows: Vec<_> = users.iter().map(user).collect();
    let heads = [
        say::USER,
        say::NUMBER,
        say::MAIL,
        say::ENABLED,
        say::CONFIRMED,
        say::ADMINISTRATOR,
        say::GROUPS,
    ];
    let of_groups: Vec<_> = groups
        .groups
        .item
        .iter()
        .map(|it| {
            vec![
                html! { (it.group_name) },
                html! { (it.users.entry.join(", ")) },
                html! { (it.authorizations.entry.join(", ")) },
            ]
        })
        .collect();
    let main = html! {
        (choice(words, "/reports/people"))
        h2 { (words.t(say::USERS)) " " span.quiet { (rows.len()) } }
        (table(words, &heads.map(|it| words.t(it)), &rows))
        h2 { (words.t(say::GROUPS)) }
        @if of_groups.is_empty() { p.empty { (words.t(say::NO_GROUPS)) } } @else {
            (table(words, &[words.t(say::GROUP), words.t(say::MEMBERS), words.t(say::ZONES)], &of_groups))
        }
        p.links { a href="/reports/people/csv" { (words.t(say::AS_FILE)) } }
    };
    Ok(Reply::page(words.t(say::OF_PEOPLE), main))
}

/// Users with their groups, as a file.
pub(super) async fn people_file(visit: Visit) -> Result<Reply, ApiError> {
    let mut csv = Csv::new([
        "user",
        "account_number",
        "mail_address",
        "enabled",
        "confirmed",
        "administrator",
        "registration",
        "groups",
    ]);
    for it in users(&visit).await? {
        let mail = if it.email.contains('@') { it.email.as_str() } else { "" };
        csv.line([
            csv::text(&it.user_name),
            csv::text(&it.account),
            csv::text(mail),
            it.enabled.to_string(),
            it.confirmed.to_string(),
            it.admin.to_string(),
            csv::text(&it.registration),
            csv::text(&it.groups.entry.join(";")),
        ]);
    }
    let name = "users.csv".to_owned();
    Ok(Answer::File { name, content_type: csv::TYPE, bytes: csv.bytes() }.into())
}

/// What the cloud is made of: kind, name, zone, host, whether it answers, instances on it.
async fn made_of(
    visit: &Visit,
) -> Result<Vec<(String, String, String, String, bool, Option<usize>)>, ApiError> {
    let components = visit.call(DescribeComponents::default()).await?.registered.item;
    let nodes = visit.call(DescribeNodes::default()).await?.registered.item;
    let each = components.into_iter().map(|it| {
        let on_it = nodes.iter().find(|node| it.kind == "node" && node.name == it.name);
        let on_it = on_it.map(|node| node.instances.entry.len());
        (it.kind, it.name, it.partition, it.detail, it.state == "ENABLED", on_it)
    });
    Ok(each.collect())
}

/// Components.
pub(super) async fn components(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let all = made_of(&visit).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|(kind, name, zone, host, up, on_it)| {
            let (text, tone) = if *up { (say::ANSWERS, "good") } else { (say::LOST, "bad") };
            vec![
                html! { (kind) },
                html! { (name) },
                html! { (zone) },
                html! { (host) },
                tag(words, text, tone),
                html! { @match on_it { Some(count) => (count), None => "–" } },
            ]
        })
        .collect();
    let heads = [say::KIND, say::NAME, say::ZONE, say::HOST, say::STANDING, say::INSTANCES];
    let main = html! {
        (choice(words, "/reports/components"))
        (table(words, &heads.map(|it| words.t(it)), &rows))
        p.links { a href="/reports/components/csv" { (words.t(say::AS_FILE)) } a href="/map" { (words.t(say::MAP)) } }
    };
    Ok(Reply::page(words.t(say::OF_COMPONENTS), main))
}

/// Components, as a file.
pub(super) async fn components_file(visit: Visit) -> Result<Reply, ApiError> {
    let mut csv = Csv::new(["kind", "name", "zone", "host", "answers", "instances"]);
    for (kind, name, zone, host, up, on_it) in made_of(&visit).await? {
        let on_it = on_it.map_or(String::new(), |count| count.to_string());
        csv.line([
            csv::text(&kind),
            csv::text(&name),
            csv::text(&zone),
            csv::text(&host),
            up.to_string(),
            on_it,
        ]);
    }
    let name = "components.csv".to_owned();
    Ok(Answer::File { name, content_type: csv::TYPE, bytes: csv.bytes() }.into())
}
