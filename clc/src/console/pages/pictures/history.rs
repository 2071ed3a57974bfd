//! What was: the cloud, each node and each account over time, in pictures and as a file.

use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::csv::{self, Csv};
use super::scale::Unit::{Bytes, Count, Mebibytes};
use super::span::{Seen, Shows, Span};
use crate::console::components::live as live_part;
use crate::console::reply::{Answer, Reply};
use crate::console::texts::pictures as say;
use crate::console::viewer::Viewer;
use crate::console::visit::Visit;
use crate::history::{Family, Subject};

/// Pictures of the cloud.
const CLOUD: [Shows; 10] = [
    Shows {
        title: say::CPUS,
        unit: Count,
        filled: true,
        columns: &[("cpus_used", say::PROMISED), ("cpus", say::THERE)],
    },
    Shows {
        title: say::MEMORY,
        unit: Mebibytes,
        filled: true,
        columns: &[("memory_used_mib", say::PROMISED), ("memory_mib", say::THERE)],
    },
    Shows {
        title: say::DISK,
        unit: Mebibytes,
        filled: true,
        columns: &[("disk_used_mib", say::PROMISED), ("disk_mib", say::THERE)],
    },
    Shows {
        title: say::INSTANCES,
        unit: Count,
        filled: true,
        columns: &[("running", say::RUNNING), ("stopped", say::STOPPED), ("pending", say::PENDING)],
    },
    Shows {
        title: say::NODES,
        unit: Count,
        filled: true,
        columns: &[("nodes_answering", say::ANSWERING), ("nodes", say::CONFIGURED)],
    },
    Shows {
        title: say::STORED,
        unit: Bytes,
        filled: true,
        columns: &[("stored_bytes", say::OBJECT_BYTES)],
    },
    Shows {
        title: say::CACHE,
        unit: Bytes,
        filled: true,
        columns: &[("cache_used_bytes", say::USED), ("cache_limit_bytes", say::LIMIT)],
    },
    Shows {
        title: say::CACHE_WORK,
        unit: Count,
        filled: false,
        columns: &[
            ("cache_hits_per_minute", say::HITS),
            ("cache_misses_per_minute", say::MISSES),
            ("cache_evictions_per_minute", say::EVICTIONS),
        ],
    },
    Shows {
        title: say::REQUESTS,
        unit: Count,
        filled: false,
        columns: &[
            ("ec2_requests_per_minute", say::EC2),
            ("iam_requests_per_minute", say::IAM),
            ("s3_requests_per_minute", say::S3),
        ],
    },
    Shows {
        title: say::ERRORS,
        unit: Count,
        filled: false,
        columns: &[
            ("ec2_errors_per_minute", say::EC2),
            ("iam_errors_per_minute", say::IAM),
            ("s3_errors_per_minute", say::S3),
        ],
    },
];

/// Pictures of a node: what is promised of it, and what its host has to do.
const NODE: [Shows; 4] = [
    Shows {
        title: say::CPUS,
        unit: Count,
        filled: true,
        columns: &[("cpus_used", say::PROMISED), ("cpus", say::THERE), ("load", say::HOST_LOAD)],
    },
    Shows {
        title: say::MEMORY,
        unit: Mebibytes,
        filled: true,
        columns: &[
            ("memory_used_mib", say::PROMISED),
            ("memory_mib", say::THERE),
            ("host_memory_used_mib", say::HOST_USES),
        ],
    },
    Shows {
        title: say::DISK,
        unit: Mebibytes,
        filled: true,
        columns: &[
            ("disk_used_mib", say::PROMISED),
            ("disk_mib", say::THERE),
            ("host_disk_used_mib", say::HOST_USES),
        ],
    },
    Shows {
        title: say::INSTANCES,
        unit: Count,
        filled: true,
        columns: &[("instances", say::INSTANCES)],
    },
];

/// Pictures of an account.
const ACCOUNT: [Shows; 6] = [
    Shows {
        title: say::RUNNING_INSTANCES,
        unit: Count,
        filled: true,
        columns: &[("running", say::RUNNING)],
    },
    Shows { title: say::CPUS, unit: Count, filled: true, columns: &[("cpus", say::IN_USE)] },
    Shows {
        title: say::MEMORY,
        unit: Mebibytes,
        filled: true,
        columns: &[("memory_mib", say::IN_USE)],
    },
    Shows {
        title: say::STORED,
        unit: Bytes,
        filled: true,
        columns: &[("stored_bytes", say::OBJECT_BYTES)],
    },
    Shows { title: say::OBJECTS, unit: Count, filled: true, columns: &[("objects", say::OBJECTS)] },
    Shows {
        title: say::REQUESTS,
        unit: Count,
        filled: false,
        columns: &[
            ("ec2_requests_per_minute", say::EC2),
            ("iam_requests_per_minute", say::IAM),
            ("s3_requests_per_minute", say::S3),
        ],
    },
];

fn shows(family: Family) -> &'static [Shows] {
    match family {
        Family::Cloud => &CLOUD,
        Family::Node => &NODE,
        Family::Account => &ACCOUNT,
    }
}

async fn drawn(visit: &Visit, subject: &Subject, span: Span) -> Result<Markup, ApiError> {
    let (words, now) = (visit.words, visit.desk.people.now());
    let seen = Seen::read(&visit.desk.pictured.history, subject, span, now).await?;
    Ok(html! {
        @if seen.is_empty() {
            p.empty { (words.t(if subject.family == Family::Account { say::NO_HISTORY_ACCOUNT } else { say::NO_HISTORY })) }
        } @else {
            (seen.draw(words, shows(subject.family)))
        }
    })
}

/// The pictures of a subject on a page of that path, with the choice of how far back they go.
pub(super) async fn part(visit: &Visit, subject: &Subject, path: &str) -> Result<Markup, ApiError> {
    let (words, span) = (visit.words, Span::of(visit));
    let part = drawn(visit, subject, span).await?;
    let stream = format!("{path}/live");
    Ok(html! {
        (span.choice(words, path))
        @if span.is_live() && subject.family != Family::Account {
            (live_part(words, &stream, &part))
        } @else {
            (part)
        }
        p.links { a href={ (path) "/csv?range=" (span.name) } { (words.t(say::AS_FILE)) } }
        p.quiet { (words.t(say::TIMES_ARE_UTC)) }
    })
}

/// The last hour of a subject, as it goes on.
fn followed(visit: Visit, subject: Subject, span: Span) -> Reply {
    let changes = visit.desk.pictured.history.watch();
    let draw = move |viewer: Viewer| {
        let (visit, subject) = (visit.clone(), subject.clone());
        async move {
            if !viewer.caller.administrator {
                return Err(ApiError::new(ErrorCode::AccessDenied, "Only administrators see it"));
            }
            drawn(&visit, &subject, span).await
        }
    };
    Reply::live(changes, draw)
}

/// What is known of a subject, as a file.
pub(super) async fn file(visit: &Visit, subject: &Subject) -> Result<Reply, ApiError> {
    let (span, family) = (Span::of(visit), subject.family);
    let (from, until) = span.around(visit.desk.people.now());
    let (step, rows) = visit.desk.pictured.history.read(subject, from, until, u64::MAX).await?;
    let fine = family.shape().levels.first().is_some_and(|level| level.step == step);
    let mut columns = vec!["time".to_owned(), "seconds".to_owned(), "samples".to_owned()];
    for name in family.columns() {
        let ways: &[&str] = if fine { &[""] } else { &["mean_", "least_", "greatest_"] };
        columns.extend(ways.iter().map(|way| format!("{way}{name}")));
    }
    let mut csv = Csv::new(columns.iter().map(String::as_str));
    for row in rows {
        let at = common::time::Timestamp::from_secs(i64::try_from(row.at).unwrap_or_default());
        let mut values = vec![csv::moment(at), step.to_string(), row.weight.to_string()];
        for cell in row.cells {
            let all = [cell.mean, cell.min, cell.max];
            let told = if fine { &all[..1] } else { &all[..] };
            values.extend(told.iter().map(|value| csv::number(f64::from(*value))));
        }
        csv.line(values);
    }
    let whose: String =
        subject.name.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect();
    let name = format!("{}-{whose}-{}.csv", family.name(), span.name);
    Ok(Answer::File { name, content_type: csv::TYPE, bytes: csv.bytes() }.into())
}

/// The cloud.
pub(super) async fn cloud(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let part = part(&visit, &Subject::cloud(), "/history").await?;
    let nodes: Vec<_> = visit.desk.pictured.history.subjects(Family::Node);
    let main = html! {
        (part)
        @if !nodes.is_empty() {
            details {
                summary { (words.t(say::EACH_NODE)) }
                ul.names { @for node in &nodes { li { a href={ "/history/nodes/" (common::sign::percent_encode(node)) } { (node) } } } }
            }
        }
    };
    Ok(Reply::page(words.t(say::HISTORY), main))
}

/// The cloud, as it goes on.
pub(super) async fn cloud_live(visit: Visit) -> Result<Reply, ApiError> {
    Ok(followed(visit, Subject::cloud(), Span::hour()))
}

/// The cloud, as a file.
pub(super) async fn cloud_file(visit: Visit) -> Result<Reply, ApiError> {
    file(&visit, &Subject::cloud()).await
}

/// The node of the path, if it is configured or has a history.
fn node_of(visit: &Visit) -> Result<Subject, ApiError> {
    let (pictured, name) = (&visit.desk.pictured, visit.part(0));
    let known = pictured.cluster.member(name).is_some()
        || pictured.history.subjects(Family::Node).iter().any(|it| it == name);
    let gone = || ApiError::new(ErrorCode::NoSuchEntity, format!("There is no node '{name}'"));
    known.then(|| Subject::node(name)).ok_or_else(gone)
}

/// A node.
pub(super) async fn node(visit: Visit) -> Result<Reply, ApiError> {
    let (words, subject) = (visit.words, node_of(&visit)?);
    let path = format!("/history/nodes/{}", common::sign::percent_encode(&subject.name));
    let part = part(&visit, &subject, &path).await?;
    let title = words.fill(say::NODE_NAMED, &[("name", &subject.name)]);
    let main = html! {
        p.links.up {
            a href="/history" { (words.t(say::WHOLE_CLOUD)) }
            a href="/map" { (words.t(say::MAP)) }
            @if visit.desk.pictured.cluster.member(&subject.name).is_some() {
                a href={ "/cloud/nodes/" (common::sign::percent_encode(&subject.name)) } { (words.t(say::THIS_NODE)) }
            }
        }
        (part)
    };
    Ok(Reply::page(title, main))
}

/// A node, as it goes on.
pub(super) async fn node_live(visit: Visit) -> Result<Reply, ApiError> {
    let subject = node_of(&visit)?;
    Ok(followed(visit, subject, Span::hour()))
}

/// A node, as a file.
pub(super) async fn node_file(visit: Visit) -> Result<Reply, ApiError> {
    file(&visit, &node_of(&visit)?).await
}

/// The account of the path.
fn account_of(visit: &Visit) -> Result<Subject, ApiError> {
    let number = visit.part(0);
    let gone = || {
        let text = format!("There is no account of the number '{number}'");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    };
    let real = number.parse::<common::id::AccountId>().map_err(|_| gone())?;
    Ok(Subject::account(real.as_str()))
}

/// An account.
pub(super) async fn account(visit: Visit) -> Result<Reply, ApiError> {
    let (words, subject) = (visit.words, account_of(&visit)?);
    let path = format!("/history/accounts/{}", subject.name);
    let part = part(&visit, &subject, &path).await?;
    let title = words.fill(say::ACCOUNT_NUMBERED, &[("number", &subject.name)]);
    let main = html! {
        p.links.up {
            a href="/history" { (words.t(say::WHOLE_CLOUD)) }
            a href="/reports" { (words.t(say::REPORTS)) }
        }
        (part)
    };
    Ok(Reply::page(title, main))
}

/// An account, as a file.
pub(super) async fn account_file(visit: Visit) -> Result<Reply, ApiError> {
    file(&visit, &account_of(&visit)?).await
}
