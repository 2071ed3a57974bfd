//! CreateTags, DeleteTags, DescribeTags: what an account writes on what it sees, for itself alone.
//! Several resources are tagged in one commit or not at all.

use std::collections::BTreeSet;

use common::action::Caller;
use common::ec2::tags::{CreateTags, DeleteTags, DescribeTags, OldTag, ResourceTag, ResourceTags};
use common::ec2::types::Done;
use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, ImageId, InstanceId, KeyPairId};
use runtime::actor::{Answer, Handle, Scene};
use store::{Batch, Seen};

use super::filters::{Field, Filters};
use super::images::visible;
use super::instances::named;
use super::keys::no_key;
use super::paging::{Asked, Page};
use super::{ids, keys, tagging};
use crate::records::tags::MOST_TAGS;
use crate::records::{KeyPair, Records, ResourceKind, TagMap, Tags};

/// How many resources one request may name.
const MOST_RESOURCES: usize = 1000;

/// What the actions on tags work with.
pub struct Tagger {
    /// What lasts.
    pub records: Records,
}

const FILTERS: &[Field<ResourceTag>] = &[
    ("key", |it| vec![it.key.clone()]),
    ("resource-id", |it| vec![it.resource_id.clone()]),
    ("resource-type", |it| vec![it.resource_type.clone()]),
    ("value", |it| vec![it.value.clone()]),
];

/// A change of the caller's tags that can be done.
pub struct Change {
    resources: BTreeSet<Resource>,
    caller: Caller,
    what: What,
}

enum What {
    Set(TagMap),
    TakeOff(Vec<OldTag>),
}

impl Change {
    fn of(ids: &[String], what: What, caller: &Caller) -> Result<Self, ApiError> {
        Ok(Self { resources: Resource::all(ids)?, caller: caller.clone(), what })
    }

    /// Finds out whether it can be done.
    async fn rehearsed(self, scene: &Scene<Tagger>) -> Result<Self, ApiError> {
        let rehearse = move |records: &Records| {
            rewrite(records, &mut Batch::new(), &self)?;
            Ok(self)
        };
        scene.records.work(rehearse).await
    }

    async fn done(self, scene: &Scene<Tagger>) -> Result<Done, ApiError> {
        let commit = move |records: &Records| {
            store::transact(&*records.engine, |batch| rewrite(records, batch, &self))?;
            Ok(Done::YES)
        };
        scene.records.work(commit).await
    }
}

impl Handle<Tagger> for CreateTags {
    type Checked = Change;

    async fn check(self, scene: &Scene<Tagger>) -> Result<Change, ApiError> {
        if self.tag.is_empty() {
            return Err(ApiError::missing("Tag.1.Key"));
        }
        let what = What::Set(tagging::checked(&self.tag)?);
        Change::of(&self.resource_id, what, &scene.caller)?.rehearsed(scene).await
    }

    async fn act(change: Change, scene: &Scene<Tagger>) -> Result<Done, ApiError> {
        change.done(scene).await
    }
}

impl Handle<Tagger> for DeleteTags {
    type Checked = Change;

    async fn check(self, scene: &Scene<Tagger>) -> Result<Change, ApiError> {
        for tag in &self.tag {
            tagging::check_key(&tag.key)?;
        }
        // What conditions know of the value of one would be said of the other.
        tagging::check_cases(&self.tag.iter().map(|it| (it.key.clone(), String::new())).collect())?;
        let what = What::TakeOff(self.tag);
        Change::of(&self.resource_id, what, &scene.caller)?.rehearsed(scene).await
    }

    async fn act(change: Change, scene: &Scene<Tagger>) -> Result<Done, ApiError> {
        change.done(scene).await
    }
}

/// Takes tags off: all if none is named, and one that is named with a value only if it has it.
fn take_off(tags: &mut TagMap, named: &[OldTag]) {
    let meant = |key: &String, value: &String| {
        let is = |it: &OldTag| it.key == *key && it.value.as_ref().is_none_or(|own| own == value);
        named.is_empty() || named.iter().any(is)
    };
    tags.retain(|key, value| !meant(key, value));
}

impl Answer<Tagger> for DescribeTags {
    async fn answer(self, scene: &Scene<Tagger>) -> Result<ResourceTags, ApiError> {
        let filters = Filters::tagged(&self.filter, FILTERS, |it: &ResourceTag| {
            TagMap::from([(it.key.clone(), it.value.clone())])
        })?;
        let account = scene.caller.account.clone();
        let paging = Asked {
            max_results: self.max_results,
            next_token: self.next_token.as_deref(),
            named_by: None,
        };
        let page = Page::new(&("DescribeTags", &account, &self.filter), paging)?;
        let (tag_set, next_token) = scene
            .records
            .work(move |records| {
                let rows = rows(records, &account, &page);
                page.fill(rows.filter(|row| row.as_ref().map_or(true, |(_, it)| filters.admit(it))))
            })
            .await?;
        Ok(ResourceTags { tag_set: tag_set.into(), next_token })
    }
}

/// What separates resource and key in the order of the listing; no id holds it.
const BEHIND_ID: char = '/';

/// The tags of an account behind the page's begin, by resource and key, read as they are asked
/// for. Blocks.
fn rows<'r>(
    records: &'r Records,
    account: &AccountId,
    page: &Page,
) -> impl Iterator<Item = Result<(String, ResourceTag), ApiError>> + use<'r> {
    let begin = page.after().and_then(|after| after.split_once(BEHIND_ID));
    // The page may begin in the middle of a resource's tags: that resource is read again.
    let begin = begin.map(|(resource, key)| (resource.to_owned(), key.to_owned()));
    let first = begin.as_ref().map(|(resource, _)| Tags::key_of(account, resource));
    let again = first.and_then(|key| records.tags.get(&key).transpose());
    let after = begin.as_ref().map(|(resource, _)| Tags::key_of(account, resource));
    let rest = records.tags.all_behind(&format!("{account}/"), after.as_deref());
    again.into_iter().chain(rest).flat_map(move |seen| {
        let Tags { resource, kind, tags, .. } = match seen {
            Ok(seen) => seen.record,
            Err(error) => return vec![Err(error.into())],
        };
        let skipped = begin.as_ref().filter(|(at, _)| *at == resource).map(|(_, key)| key.clone());
        let behind = |key: &String| skipped.as_ref().is_none_or(|skipped| key > skipped);
        let row = |(key, value): (String, String)| {
            let at = format!("{resource}{BEHIND_ID}{key}");
            let resource_type = kind.name().to_owned();
            Ok((at, ResourceTag { resource_id: resource.clone(), resource_type, key, value }))
        };
        tags.into_iter().filter(|(key, _)| behind(key)).map(row).collect()
    })
}

/// A resource as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Resource {
    Image(ImageId),
    Instance(InstanceId),
    KeyPair(KeyPairId),
}

impl Resource {
    /// Reads ids, each once.
    fn all(texts: &[String]) -> Result<BTreeSet<Self>, ApiError> {
        if texts.is_empty() {
            return Err(ApiError::missing("ResourceId.1"));
        }
        if texts.len() > MOST_RESOURCES {
            let why = format!("one request names at most {MOST_RESOURCES}");
            return Err(ApiError::invalid("ResourceId", why));
        }
        texts.iter().map(|text| Self::read(text)).collect()
    }

    fn read(text: &str) -> Result<Self, ApiError> {
        let kind = text.split_once('-').map(|(kind, _)| kind.to_ascii_lowercase());
        match kind.as_deref() {
            Some("i") => ids::instance(text).map(Self::Instance),
            Some("emi" | "eki" | "eri" | "ami" | "aki" | "ari") => {
                ids::image(text).map(Self::Image)
            }
            Some("key") => text.parse().map(Self::KeyPair).map_err(|_| no_key(text)),
            _ => {
                let text = format!(
                    "The ID '{text}' is not valid: tags are for images, instances and key pairs"
                );
                Err(ApiError::new(ErrorCode::InvalidId, text))
            }
        }
    }

    fn kind(&self) -> ResourceKind {
        match self {
            Self::Image(_) => ResourceKind::Image,
            Self::Instance(_) => ResourceKind::Instance,
            Self::KeyPair(_) => ResourceKind::KeyPair,
        }
    }

    fn id(&self) -> &str {
        match self {
            Self::Image(id) => id.as_str(),
            Self::Instance(id) => id.as_str(),
            Self::KeyPair(id) => id.as_str(),
        }
    }

    /// Adds to a batch: the record of the resource is written as it is. See `records::tags`.
    fn touch(
        &self,
        records: &Records,
        batch: &mut Batch,
        caller: &Caller,
        keys: &mut Option<Vec<Seen<KeyPair>>>,
    ) -> Result<(), ApiError> {
        match self {
            Self::Image(id) => {
                batch.replace(&visible(records, id, &caller.account, caller.administrator)?)?;
            }
            Self::Instance(id) => {
                for seen in named(records, std::slice::from_ref(id), caller)? {
                    batch.replace(&seen)?;
                }
            }
            Self::KeyPair(id) => {
                let keys = match keys {
                    Some(keys) => keys,
                    None => keys.insert(keys::of_account(records, &caller.account)?),
                };
                let seen = keys.iter().find(|it| it.id == *id);
                batch.replace(seen.ok_or_else(|| no_key(id.as_str()))?)?;
            }
        }
        Ok(())
    }
}

/// Adds a change to a batch: it is done on all resources, or on none. Blocks.
fn rewrite(records: &Records, batch: &mut Batch, change: &Change) -> Result<(), ApiError> {
    let Change { resources, caller, what } = change;
    let mut keys = None;
    for resource in resources {
        resource.touch(records, batch, caller, &mut keys)?;
        let before = records.tags.get(&Tags::key_of(&caller.account, resource.id()))?;
        let mut now = Tags {
            account: caller.account.clone(),
            resource: resource.id().to_owned(),
            kind: resource.kind(),
            tags: before.as_ref().map(|seen| seen.tags.clone()).unwrap_or_default(),
        };
        match what {
            What::Set(added) => {
                now.tags.extend(added.clone());
                tagging::check_cases(&now.tags)?;
            }
            What::TakeOff(named) => take_off(&mut now.tags, named),
        }
        if now.tags.len() > MOST_TAGS {
            return Err(tagging::too_many());
        }
        records.write_tags(batch, before.as_ref(), &now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_to_their_kind() {
        for (text, kind) in [
            ("i-0123abcd", Ok(ResourceKind::Instance)),
            ("EMI-0123ABCD", Ok(ResourceKind::Image)),
            ("eki-0123abcd", Ok(ResourceKind::Image)),
            ("key-0123abcd", Ok(ResourceKind::KeyPair)),
            ("i-x", Err(ErrorCode::InvalidInstanceIdMalformed)),
            ("ami-0123abcd", Err(ErrorCode::InvalidAmiIdMalformed)),
            ("key-x", Err(ErrorCode::InvalidKeyPairNotFound)),
            ("vol-0123abcd", Err(ErrorCode::InvalidId)),
            ("nonsense", Err(ErrorCode::InvalidId)),
        ] {
            let read = Resource::read(text).map(|it| it.kind()).map_err(|error| error.code());
            assert_eq!(read, kind, "{text}");
        }
    }

    #[test]
    fn tags_are_taken_off_by_key_by_value_or_all() {
        let old = |key: &str, value: Option<&str>| OldTag {
            key: key.into(),
            value: value.map(Into::into),
        };
        for (named, left) in [
            (vec![], ""),
            (vec![old("a", None)], "b c"),
            (vec![old("a", Some("1")), old("b", Some("x"))], "b c"),
            (vec![old("c", Some(""))], "a b"),
            (vec![old("a", Some(""))], "a b c"),
            (vec![old("A", None)], "a b c"),
        ] {
            let mut tags: TagMap =
                [("a", "1"), ("b", "2"), ("c", "")].map(|(k, v)| (k.into(), v.into())).into();
            take_off(&mut tags, &named);
            let keys: Vec<_> = tags.into_keys().collect();
            assert_eq!(keys.join(" "), left, "{named:?}");
        }
    }
}
