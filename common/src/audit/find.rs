//! Which records somebody looks for.

use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::time::Timestamp;

/// All of this must hold; what is absent asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    /// Done by somebody in this account, by its number.
    pub account: Option<String>,
    /// Done by a user or in a role of that name, in any case of its letters, or by this ARN.
    pub user: Option<String>,
    /// The action, `RunInstances`.
    pub action: Option<String>,
    /// The API, `ec2`.
    pub service: Option<String>,
    /// A resource: its ARN, or how the ARN ends behind a slash or colon.
    pub resource: Option<String>,
    /// The access key.
    pub access_key: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// Whether it only reads.
    pub read_only: Option<bool>,
}

impl Filter {
    /// Whether an event is looked for.
    pub fn admits(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, there: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == there)
        };
        let actor = event.actor.as_ref();
        let of_actor = |wanted: &Option<String>, holds: fn(&super::Actor, &str) -> bool| {
            let Some(wanted) = wanted.as_deref() else { return true };
            actor.is_some_and(|actor| holds(actor, wanted))
        };
        self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at <= until)
            && is(&self.action, &event.action)
            && is(&self.service, &event.service)
            && is(&self.access_key, &event.access_key)
            && is(&self.request_id, &event.request_id)
            && self.read_only.is_none_or(|wanted| wanted == event.read_only)
            && of_actor(&self.account, |actor, account| actor.account == account)
            && of_actor(&self.user, |actor, user| {
                actor.name.eq_ignore_ascii_case(user) || actor.arn == user
            })
            && self.resource.as_deref().is_none_or(|wanted| {
                event.resources.iter().any(|there| names(there).any(|name| name == wanted))
            })
    }

    /// What an index has to know of a record that this admits: each of these words.
    pub fn words(&self) -> Vec<String> {
        let word = |kind: char, text: &Option<String>| {
            text.as_ref().map(|text| format!("{kind}{}", text.to_ascii_lowercase()))
        };
        let mut words = Vec::new();
        words.extend(word('o', &self.account));
        words.extend(word('u', &self.user));
        words.extend(word('a', &self.action));
        words.extend(word('s', &self.service));
        words.extend(word('r', &self.resource));
        words.extend(word('k', &self.access_key));
        words
    }
}

/// The words by which an index knows an event; those of every filter that admits it are among them.
pub fn words(event: &Event) -> Vec<String> {
    let word = |kind: char, text: &str| format!("{kind}{}", text.to_ascii_lowercase());
    let mut words = vec![word('a', &event.action), word('s', &event.service)];
    if let Some(actor) = &event.actor {
        words.extend([word('o', &actor.account), word('u', &actor.name), word('u', &actor.arn)]);
    }
    words.push(word('k', &event.access_key));
    for resource in &event.resources {
        words.extend(names(resource).map(|name| word('r', name)));
    }
    words
}

/// The names of a resource: the whole ARN, what stands behind its last colon, and behind each slash
/// of that.
fn names(resource: &str) -> impl Iterator<Item = &str> {
    let tail = match resource.starts_with("arn:") {
        true => resource.splitn(6, ':').nth(5).unwrap_or(resource),
        false => resource,
    };
    let ends = tail.match_indices('/').map(|(at, _)| &tail[at + 1..]);
    [resource, tail].into_iter().chain(ends)
}

#[cfg(test)]
mod tests {
    use super::super::event::sample;
    use super::*;

    #[test]
    fn each_condition_is_asked_and_known_to_the_index() {
        let event = sample(1);
        let text = |text: &str| Some(text.to_owned());
        let none = Filter::default;
        let at = event.at;
        for (admitted, refused) in [
            (Filter { user: text("Taro"), ..none() }, Filter { user: text("jiro"), ..none() }),
            (
                Filter { account: text("123456789012"), ..none() },
                Filter { account: text("1"), ..none() },
            ),
            (
                Filter { action: text("RunInstances"), ..none() },
                Filter { action: text("Run"), ..none() },
            ),
            (Filter { service: text("ec2"), ..none() }, Filter { service: text("iam"), ..none() }),
            (Filter { resource: text("i-1"), ..none() }, Filter { resource: text("i-"), ..none() }),
            (
                Filter { resource: text("arn:aws:ec2:r::instance/i-1"), ..none() },
                Filter { resource: text("instance"), ..none() },
            ),
            (
                Filter { access_key: text("AKI1"), ..none() },
                Filter { access_key: text("AKI"), ..none() },
            ),
            (
                Filter { read_only: Some(false), ..none() },
                Filter { read_only: Some(true), ..none() },
            ),
            (
                Filter { request_id: text("r-1"), ..none() },
                Filter { request_id: text("r-2"), ..none() },
            ),
            (
                Filter { since: Some(at), until: Some(at), ..none() },
                Filter { since: Some(Timestamp::from_millis(at.as_millis() + 1)), ..none() },
            ),
        ] {
            assert!(admitted.admits(&event), "{admitted:?}");
            assert!(!refused.admits(&event), "{refused:?}");
            let known = words(&event);
            assert!(admitted.words().iter().all(|word| known.contains(word)), "{admitted:?}");
        }
        let nobody = Event { actor: None, ..event };
        assert!(!Filter { user: text("taro"), ..none() }.admits(&nobody));
    }
}
