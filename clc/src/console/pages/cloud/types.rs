//! Instance types: their sizes, saved together.

use common::administration::types::{ModifyInstanceTypes, TypeChange};
use common::ec2::instance_types::{DescribeInstanceTypes, TypeDetails};
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use crate::console::components::{form, notice, refusal, status, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::text::Text;
use crate::console::texts::{cloud as words_of_cloud, types as say};
use crate::console::visit::Visit;

/// The columns: the end of a field's name, what is said above it, and what stands there.
type Column = (&'static str, Text, fn(&TypeDetails) -> u64);

const COLUMNS: [Column; 3] = [
    ("cpu", say::CPUS, |it| it.cpu.into()),
    ("memory", say::MEMORY, |it| it.memory),
    ("disk", say::DISK, |it| it.disk),
];

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    drawn(&visit, None).await
}

async fn known(visit: &Visit) -> Result<Vec<TypeDetails>, ApiError> {
    let ask = DescribeInstanceTypes { availability: true, ..DescribeInstanceTypes::default() };
    Ok(visit.call(ask).await?.instance_type_details.item)
}

async fn drawn(visit: &Visit, refused: Option<&ApiError>) -> Result<Reply, ApiError> {
    let words = visit.words;
    let types = known(visit).await?;
    let inside = html! {
        (table(visit, &types, refused))
        button type="submit" { (words.t(words_of_cloud::SAVE)) }
    };
    let main = html! {
        p { (words.t(say::LEAD)) }
        p.quiet { (words.t(say::ORDERED)) }
        @if visit.query.line("saved") == "1" {
            (notice("good", words.t(words_of_cloud::SAVED), words.t(words_of_cloud::SAVED_TEXT)))
        }
        @if let Some(error) = refused { (refusal(words, error)) }
        (form(visit, "/cloud/instance-types", &inside))
    };
    let reply = Reply::page(words.t(say::TYPES), main);
    Ok(match refused {
        Some(error) => reply.status(status(error)),
        None => reply,
    })
}

fn field(name: &str, column: &str) -> String {
    format!("{name}/{column}")
}

/// Whether a refusal is about that figure.
fn is_about(error: &ApiError, name: &str, column: &str) -> bool {
    let what = match column {
        "cpu" => "The processors",
        "memory" => "The memory",
        _ => "The disk",
    };
    let field = field(name, column);
    let own = [
        format!("{what} of {name} "),
        format!("Invalid value for {field}:"),
        format!("{field} was changed "),
    ];
    own.iter().any(|start| error.text().starts_with(start.as_str()))
}

fn table(visit: &Visit, types: &[TypeDetails], refused: Option<&ApiError>) -> Markup {
    let words = visit.words;
    html! {
        div.scroll {
            table.rows.sizes {
                thead { tr {
                    th scope="col" { (words.t(say::TYPE)) }
                    @for (_, name, _) in COLUMNS { th scope="col" { (words.t(name)) } }
                    th scope="col" { (words.t(say::ROOM)) }
                } }
                tbody {
                    @for it in types {
                        tr {
                            th scope="row" data-label=(words.t(say::TYPE)) { (it.name) }
                            @for (column, label, value) in COLUMNS {
                                @let name = field(&it.name, column);
                                @let typed = refused.and_then(|_| meanwhile::typed(&visit.form, &name));
                                @let wrong = refused.is_some_and(|error| is_about(error, &it.name, column));
                                td data-label=(words.t(label)) {
                                    (meanwhile::was(&name, &value(it).to_string()))
                                    input name=(name) inputmode="numeric" autocomplete="off" required
                                        value=(typed.unwrap_or_else(|| value(it).to_string()))
                                        aria-label={ (it.name) ": " (words.t(label)) }
                                        aria-invalid=[wrong.then_some("true")];
                                }
                            }
                            @let free: u64 = it.availability.item.iter().map(|zone| zone.available).sum();
                            @let most: u64 = it.availability.item.iter().map(|zone| zone.max).sum();
                            td data-label=(words.t(say::ROOM)) {
                                (words.fill(say::ROOM_OF, &[("free", &free.to_string()), ("most", &most.to_string())]))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Saves all of them, or none.
pub(crate) async fn save(visit: Visit) -> Result<Reply, ApiError> {
    let done = async {
        let instance_type = wanted(&visit).await?;
        if !instance_type.is_empty() {
            visit.call(ModifyInstanceTypes { instance_type }).await?;
        }
        Ok(())
    };
    match done.await {
        Ok(()) => Ok(Reply::see("/cloud/instance-types?saved=1")),
        Err(error) => drawn(&visit, Some(&told_beside(error)?)).await,
    }
}

/// What the form changes.
async fn wanted(visit: &Visit) -> Result<Vec<TypeChange>, ApiError> {
    let mut changes = Vec::new();
    for it in known(visit).await? {
        let number = |column: &str, now: u64| {
            let name = field(&it.name, column);
            let changed = meanwhile::change(&visit.form, &name, &now.to_string())?;
            let read = |text: String| {
                text.parse::<u64>().map_err(|_| {
                    let text = format!("Invalid value for {name}: '{text}' is no number");
                    ApiError::new(ErrorCode::InvalidParameterValue, text)
                })
            };
            changed.map(read).transpose()
        };
        let cpu = number("cpu", it.cpu.into())?;
        let (memory, disk) = (number("memory", it.memory)?, number("disk", it.disk)?);
        if cpu.is_some() || memory.is_some() || disk.is_some() {
            let cpu = cpu.map(|cpu| u32::try_from(cpu).unwrap_or(u32::MAX));
            changes.push(TypeChange { name: it.name.clone(), cpu, memory, disk });
        }
    }
    Ok(changes)
}
