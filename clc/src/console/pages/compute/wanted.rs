//! What a list of instances is asked for: searched, filtered, which page of it; as part of its address.

use common::ec2::instances::{DescribeInstances, Instance};
use common::ec2::types::Filter;
use common::error::ApiError;
use common::sign::write_query;

use crate::console::look::Look;
use crate::console::texts::instances::STATES;
use crate::console::visit::Visit;

/// How many are shown on a page.
const SHOWN: usize = 100;
/// How many answers of the API are searched through for them.
const SEARCHED: usize = 10;
/// The longest text that is looked for.
const LONGEST: usize = 300;

/// Filters by the names that they have in an address and in the API.
const FILTERS: [(&str, &str); 5] = [
    ("state", "instance-state-name"),
    ("type", "instance-type"),
    ("image", "image-id"),
    ("key", "key-name"),
    ("launch", "reservation-id"),
];

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    said: Vec<(&'static str, String)>,
    page: Option<String>,
}

impl Wanted {
    /// As a visit asks for it.
    pub(super) fn of(visit: &Visit) -> Self {
        Self::read(|name| visit.query.line(name).to_owned(), visit.query.some("page"))
    }

    fn read(said: impl Fn(&str) -> String, page: Option<String>) -> Self {
        let names = FILTERS.iter().map(|(name, _)| *name).chain(["q", "tag"]);
        let known = |state: &str| STATES.iter().any(|(name, ..)| *name == state);
        let text = |name: &str| said(name).chars().take(LONGEST).collect::<String>();
        let all = names.map(|name| (name, text(name)));
        let is_meant =
            |(name, text): &(&str, String)| !text.is_empty() && (*name != "state" || known(text));
        Self { said: all.filter(is_meant).collect(), page }
    }

    /// What it says of a name; empty if nothing.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.said.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, text)| text.as_str())
    }

    /// Whether it is not simply all of them.
    pub(super) fn narrows(&self) -> bool {
        !self.said.is_empty()
    }

    /// Whether a filter is set that is not always on the page.
    pub(super) fn is_special(&self) -> bool {
        ["image", "key", "launch", "tag"].iter().any(|name| !self.get(name).is_empty())
    }

    /// Whether it is not the first page.
    pub(super) fn is_further(&self) -> bool {
        self.page.is_some()
    }

    /// The path of this page.
    pub(super) fn here(&self, base: &str) -> String {
        self.path(base, self.page.as_deref())
    }

    /// The path with what is asked, at another page.
    pub(super) fn path(&self, base: &str, page: Option<&str>) -> String {
        let mut said: Vec<_> =
            self.said.iter().map(|(name, text)| (*name, text.as_str())).collect();
        said.extend(page.map(|page| ("page", page)));
        if said.is_empty() { base.to_owned() } else { format!("{base}?{}", write_query(&said)) }
    }

    /// As the API has it. What people type holds no wildcards: they mean what they write.
    fn filters(&self) -> Vec<Filter> {
        let plain = |text: &str| text.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?");
        let filter =
            |name: &str, value: &str| Filter { name: name.to_owned(), value: vec![plain(value)] };
        let named = FILTERS.iter().filter(|(name, _)| !self.get(name).is_empty());
        let mut all: Vec<_> = named.map(|(name, api)| filter(api, self.get(name))).collect();
        match self.get("tag").split_once('=') {
            Some((key, value)) => all.push(filter(&format!("tag:{}", key.trim()), value.trim())),
            None if !self.get("tag").is_empty() => all.push(filter("tag-key", self.get("tag"))),
            None => {}
        }
        all
    }

    fn is_met(&self, it: &Instance) -> bool {
        let wanted = self.get("q").to_lowercase();
        let address = it.ip_address.as_deref().or(it.private_ip_address.as_deref());
        let texts = [it.instance_id.as_str(), name(it), &it.image_id, address.unwrap_or_default()];
        wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    }

    /// The instances of the page, and where the next one begins.
    ///
    /// # Errors
    /// Whatever the list is refused with.
    pub(super) async fn found(
        &self,
        look: &Look,
    ) -> Result<(Vec<Instance>, Option<String>), ApiError> {
        let mut next_token = self.page.clone();
        let mut all = Vec::new();
        for _ in 0..SEARCHED {
            let ask = DescribeInstances {
                instance_id: Vec::new(),
                filter: self.filters(),
                max_results: u32::try_from(SHOWN - all.len().min(SHOWN - 5)).ok(),
                next_token,
            };
            let answer = look.call(ask).await?;
            let launches = answer.reservation_set.item.into_iter();
            let instances = launches.flat_map(|launch| launch.instances_set.item);
            all.extend(instances.filter(|it| self.is_met(it)));
            next_token = answer.next_token;
            if next_token.is_none() || all.len() + 5 > SHOWN {
                break;
            }
        }
        Ok((all, next_token))
    }
}

/// The name that was given to an instance.
pub(super) fn name(it: &Instance) -> &str {
    let tag = it.tag_set.item.iter().find(|tag| tag.key == "Name");
    tag.map_or("", |tag| tag.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_kept_in_the_address_and_said_to_the_api() {
        let said = |name: &str| match name {
            "q" => "web".to_owned(),
            "state" => "nonsense".to_owned(),
            "key" => "a*b".to_owned(),
            "tag" => "Team = blue".to_owned(),
            _ => String::new(),
        };
        let wanted = Wanted::read(said, Some("t".into()));
        assert_eq!(
            wanted.path("/instances", None),
            "/instances?key=a%2Ab&q=web&tag=Team%20%3D%20blue"
        );
        assert!(wanted.here("/instances/live").ends_with("&page=t"));
        let filters = wanted.filters();
        let told: Vec<_> =
            filters.iter().map(|it| (it.name.as_str(), it.value[0].as_str())).collect();
        assert_eq!(told, [("key-name", "a\\*b"), ("tag:Team", "blue")]);
        assert!(wanted.narrows() && wanted.is_special());
        assert_eq!(Wanted::read(|_| String::new(), None).here("/instances"), "/instances");
    }
}
