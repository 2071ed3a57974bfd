//! One's own sessions: seen, ended.

use common::error::ApiError;
use maud::html;

use crate::console::components::{button, moment, notice};
use crate::console::reply::Reply;
use crate::console::sessions;
use crate::console::texts::accounts as say;
use crate::console::visit::Visit;
use crate::records::ConsoleSession;

/// By which part of its digest a session is told from others on the page.
fn handle(session: &ConsoleSession) -> &str {
    session.digest.get(..16).unwrap_or_default()
}

async fn own(visit: &Visit) -> Result<Vec<ConsoleSession>, ApiError> {
    let it = visit.viewer()?.session.clone();
    let list = move |people: &crate::people::People| {
        sessions::list(&people.records, &it.account, &it.user)
    };
    visit.desk.people.work(list).await
}

/// All of them.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, this) = (visit.words, visit.viewer()?.session.digest.clone());
    let all = own(&visit).await?;
    let end = html! { (words.t(say::END)) };
    let main = html! {
        @match visit.query.get("done") {
            "one" => (notice("good", words.t(say::ENDED), "")),
            "others" => (notice("good", words.t(say::ENDED_OTHERS), "")),
            _ => {}
        }
        p { (words.t(say::SESSIONS_LEAD)) }
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::FROM)) }
                        th scope="col" { (words.t(say::BROWSER)) }
                        th scope="col" { (words.t(say::BEGUN)) }
                        th scope="col" { (words.t(say::LAST_USED)) }
                        th scope="col" { span.unseen { (words.t(say::END)) } }
                    }
                }
                tbody {
                    @for it in &all {
                        @let from = words.fill(say::END_OF, &[("from", &it.address)]);
                        tr {
                            th scope="row" data-label=(words.t(say::FROM)) {
                                (it.address)
                                @if it.second_factor { " " span.quiet { (words.t(say::WITH_FACTOR)) } }
                            }
                            td data-label=(words.t(say::BROWSER)) { span.agent { (it.agent) } }
                            td data-label=(words.t(say::BEGUN)) { (moment(it.begun)) }
                            td data-label=(words.t(say::LAST_USED)) { (moment(it.seen)) }
                            td.act {
                                @if it.digest == this {
                                    span.tag.good { (words.t(say::THIS_ONE)) }
                                } @else {
                                    (button(&visit, "/sessions/end", &[("session", handle(it))],
                                        &html! { (end) span.unseen { " (" (from) ")" } },
                                        Some(words.t(say::END_CONFIRM))))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if all.len() > 1 {
            (button(&visit, "/sessions/end-others", &[],
                &html! { (words.t(say::END_OTHERS)) }, Some(words.t(say::END_CONFIRM))))
        }
    };
    Ok(Reply::page(words.t(say::SESSIONS), main))
}

/// Ends one of them.
pub(crate) async fn end(visit: Visit) -> Result<Reply, ApiError> {
    let wanted = visit.form.get("session").to_owned();
    end_those(&visit, move |it| handle(it) == wanted).await?;
    Ok(Reply::see("/sessions?done=one"))
}

/// Ends all but this one.
pub(crate) async fn end_others(visit: Visit) -> Result<Reply, ApiError> {
    let this = visit.viewer()?.session.digest.clone();
    end_those(&visit, move |it| it.digest != this).await?;
    Ok(Reply::see("/sessions?done=others"))
}

async fn end_those(visit: &Visit, which: impl Fn(&ConsoleSession) -> bool) -> Result<(), ApiError> {
    let those: Vec<_> = own(visit).await?.into_iter().filter(|it| which(it)).collect();
    for session in those {
        let address = session.address.clone();
        visit.desk.people.work(move |people| sessions::end(&people.records, &session)).await?;
        visit.note("EndSession", &[("address", &address)]).await?;
    }
    Ok(())
}
