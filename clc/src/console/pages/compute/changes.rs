//! Instances started, rebooted, stopped and terminated: one of them from its page, several from the list.
//!
//! ```text
//!   list: boxes ──GET──▶ question: which of them, what it means ──POST──▶ done to all, or to none
//!   page of one: start, reboot, stop ────────────────────────────POST──▶
//! ```
//! What cannot be undone always has the page that asks, with a script or without.

use common::ec2::instances::{DescribeInstances, Instance, TerminateInstances};
use common::ec2::power::{RebootInstances, StartInstances, StopInstances};
use common::error::ApiError;
use common::sign::write_query;
use maud::{Markup, html};

use super::wanted::name;
use crate::console::components::{button, form, notice, refusal, status, tag, told_beside};
use crate::console::reply::Reply;
use crate::console::text::Text;
use crate::console::texts::instances as say;
use crate::console::visit::Visit;

/// How many are changed at once at most.
const MOST: usize = 100;

/// What can be done to instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Start again.
    Start,
    /// Shut down and start again.
    Reboot,
    /// Shut down.
    Stop,
    /// Switch off one that does not shut down.
    Force,
    /// End, and remove its disks.
    Terminate,
}

impl Deed {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::Start, Self::Reboot, Self::Stop, Self::Force, Self::Terminate];
    /// Those that are offered to several.
    pub(super) const SEVERAL: [Self; 4] = [Self::Start, Self::Reboot, Self::Stop, Self::Terminate];

    /// Its name in an address.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Reboot => "reboot",
            Self::Stop => "stop",
            Self::Force => "force-stop",
            Self::Terminate => "terminate",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.name() == name)
    }

    /// Where it is posted to.
    fn path(self) -> &'static str {
        match self {
            Self::Start => "/instances/start",
            Self::Reboot => "/instances/reboot",
            Self::Stop | Self::Force => "/instances/stop",
            Self::Terminate => "/instances/terminate",
        }
    }

    /// What stands on its button.
    pub(super) fn label(self) -> Text {
        match self {
            Self::Start => say::START,
            Self::Reboot => say::REBOOT,
            Self::Stop => say::STOP,
            Self::Force => say::FORCE_STOP,
            Self::Terminate => say::TERMINATE,
        }
    }

    /// What it means.
    fn meaning(self) -> Text {
        match self {
            Self::Start => say::START_MEANS,
            Self::Reboot => say::REBOOT_MEANS,
            Self::Stop => say::STOP_MEANS,
            Self::Force => say::FORCE_STOP_MEANS,
            Self::Terminate => say::TERMINATE_MEANS,
        }
    }

    /// Whether an instance can have it done in a state.
    pub(super) fn fits(self, state: &str) -> bool {
        match self {
            Self::Start => state == "stopped",
            Self::Reboot | Self::Stop => state == "running",
            Self::Force => state == "stopping",
            Self::Terminate => matches!(state, "pending" | "running" | "stopping" | "stopped"),
        }
    }

    /// What is told when it was done.
    pub(super) fn done(name: &str) -> Option<Text> {
        Some(match Self::of(name)? {
            Self::Start => say::STARTED,
            Self::Reboot => say::REBOOTED,
            Self::Stop | Self::Force => say::STOPS,
            Self::Terminate => say::TERMINATES,
        })
    }
}

/// The buttons of one instance: what can be done to it now.
pub(super) fn buttons(visit: &Visit, it: &Instance) -> Markup {
    let words = visit.words;
    let state = it.instance_state.name.as_str();
    let id = it.instance_id.as_str();
    let fits: Vec<_> = Deed::ALL.into_iter().filter(|deed| deed.fits(state)).collect();
    html! {
        div.deeds {
            @if !matches!(state, "shutting-down" | "terminated") {
                a.button.second href=(like_this(it)) { (words.t(say::LIKE_THIS)) "…" }
            }
            @if matches!(state, "running" | "stopped") {
                a.button.second href={ "/instances/" (id) "/save" } { (words.t(say::SAVE)) "…" }
            }
            @for deed in fits {
                @match deed {
                    Deed::Terminate => {
                        form.inline method="get" action="/instances/change" {
                            input type="hidden" name="id" value=(id);
                            button.danger type="submit" id="do-terminate" name="do" value="terminate" { (words.t(deed.label())) "…" }
                        }
                    }
                    Deed::Start => (button(visit, deed.path(), &[("id", id)], &html! { (words.t(deed.label())) }, None)),
                    _ => {
                        @let force = if deed == Deed::Force { "yes" } else { "" };
                        (button(visit, deed.path(), &[("id", id), ("force", force)],
                            &html! { (words.t(deed.label())) }, Some(words.t(deed.meaning()))))
                    }
                }
            }
        }
    }
}

/// The form of a launch that is like this one's.
fn like_this(it: &Instance) -> String {
    let key = it.key_name.as_deref().unwrap_or_default();
    let said = [("image", it.image_id.as_str()), ("type", &it.instance_type), ("key", key)];
    format!("/launch?{}", write_query(&said))
}

/// The page that asks.
pub(crate) async fn ask(visit: Visit) -> Result<Reply, ApiError> {
    let ids = visit.query.ticked("id");
    let Some(deed) = Deed::of(visit.query.get("do")).filter(|_| !ids.is_empty()) else {
        return Ok(Reply::see("/instances?done=none"));
    };
    question(&visit, deed, ids, None).await
}

/// Starts instances.
pub(crate) async fn start(visit: Visit) -> Result<Reply, ApiError> {
    let ids = ids(&visit);
    let done = visit.call(StartInstances { instance_id: ids.clone() }).await;
    told(&visit, Deed::Start, ids, done.map(|_| ())).await
}

/// Reboots instances.
pub(crate) async fn reboot(visit: Visit) -> Result<Reply, ApiError> {
    let ids = ids(&visit);
    let done = visit.call(RebootInstances { instance_id: ids.clone() }).await;
    told(&visit, Deed::Reboot, ids, done.map(|_| ())).await
}

/// Stops instances; by force those that do not.
pub(crate) async fn stop(visit: Visit) -> Result<Reply, ApiError> {
    let ids = ids(&visit);
    let force = visit.form.get("force") == "yes";
    let deed = if force { Deed::Force } else { Deed::Stop };
    let ask =
        StopInstances { instance_id: ids.clone(), force: Some(force), ..StopInstances::default() };
    let done = visit.call(ask).await;
    told(&visit, deed, ids, done.map(|_| ())).await
}

/// Terminates instances.
pub(crate) async fn terminate(visit: Visit) -> Result<Reply, ApiError> {
    let ids = ids(&visit);
    let done = visit.call(TerminateInstances { instance_id: ids.clone() }).await;
    told(&visit, Deed::Terminate, ids, done.map(|_| ())).await
}

fn ids(visit: &Visit) -> Vec<String> {
    let mut ids = visit.form.ticked("id");
    ids.truncate(MOST);
    ids
}

async fn told(
    visit: &Visit,
    deed: Deed,
    ids: Vec<String>,
    done: Result<(), ApiError>,
) -> Result<Reply, ApiError> {
    match (done, ids.as_slice()) {
        (Ok(()), [id]) => Ok(Reply::see(format!("/instances/{id}?done={}", deed.name()))),
        (Ok(()), _) => Ok(Reply::see(format!("/instances?done={}", deed.name()))),
        (Err(error), []) => Err(error),
        (Err(error), _) => {
            let error = told_beside(error)?;
            question(visit, deed, ids, Some(&error)).await
        }
    }
}

async fn question(
    visit: &Visit,
    deed: Deed,
    mut ids: Vec<String>,
    error: Option<&ApiError>,
) -> Result<Reply, ApiError> {
    let words = visit.words;
    ids.truncate(MOST);
    let ask = DescribeInstances { instance_id: ids, ..DescribeInstances::default() };
    // What was refused is told even if there is nothing to be shown of it.
    let found = match (visit.call(ask).await, error) {
        (Ok(found), _) => found,
        (Err(_), Some(error)) => {
            let main = html! {
                (refusal(words, error))
                p.links { a href="/instances" { (words.t(say::ALL_INSTANCES)) } }
            };
            return Ok(Reply::page(words.t(deed.label()), main).status(status(error)));
        }
        (Err(error), None) => return Err(error),
    };
    let all = found.reservation_set.item.into_iter().flat_map(|it| it.instances_set.item);
    let (fit, other): (Vec<_>, Vec<_>) = all.partition(|it| deed.fits(&it.instance_state.name));
    let count = fit.len().to_string();
    let title = match fit.len() {
        1 => words.t(deed.label()).to_owned(),
        _ => words.fill(say::DEED_OF_MANY, &[("deed", words.t(deed.label())), ("count", &count)]),
    };
    let inside = html! {
        @for it in &fit { input type="hidden" name="id" value=(it.instance_id.as_str()); }
        @if deed == Deed::Force { input type="hidden" name="force" value="yes"; }
        div.deeds {
            button type="submit" class=(if deed == Deed::Terminate { "danger" } else { "" }) { (title) }
            a.button.second href="/instances" { (words.t(say::LEAVE_THEM)) }
        }
    };
    let main = html! {
        @if let Some(error) = error { (refusal(words, error)) }
        @if fit.is_empty() {
            (notice("plain", words.t(say::NONE_FIT), ""))
        } @else {
            p { (words.t(deed.meaning())) }
            (named(visit, &fit))
            @if deed == Deed::Terminate && fit.len() == 1 {
                p { a href={ "/instances/" (fit[0].instance_id.as_str()) "/save" } { (words.t(say::SAVE_FIRST)) } }
            }
        }
        @if !other.is_empty() {
            h2 { (words.t(say::LEFT_OUT)) }
            (named(visit, &other))
        }
        @if fit.is_empty() {
            p.links { a href="/instances" { (words.t(say::ALL_INSTANCES)) } }
        } @else {
            (form(visit, deed.path(), &inside))
        }
    };
    let reply = Reply::page(title, main);
    Ok(match error {
        Some(error) => reply.status(status(error)),
        None => reply,
    })
}

fn named(visit: &Visit, all: &[Instance]) -> Markup {
    let words = visit.words;
    html! {
        ul.named-ones {
            @for it in all {
                @let (state, tone) = say::state(&it.instance_state.name);
                li {
                    a href={ "/instances/" (it.instance_id.as_str()) } { code { (it.instance_id.as_str()) } }
                    " " (tag(words, state, tone)) " " span { (name(it)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_in_each_state() {
        for (state, expected) in [
            ("pending", "terminate"),
            ("running", "reboot stop terminate"),
            ("stopping", "force-stop terminate"),
            ("stopped", "start terminate"),
            ("shutting-down", ""),
            ("terminated", ""),
        ] {
            let fits = Deed::ALL.into_iter().filter(|deed| deed.fits(state));
            let names: Vec<_> = fits.map(Deed::name).collect();
            assert_eq!(names.join(" "), expected, "{state}");
        }
        assert_eq!(Deed::of("terminate"), Some(Deed::Terminate));
        assert!(Deed::done("destroy").is_none());
    }
}
