//! Key pairs: CreateKeyPair, ImportKeyPair, DescribeKeyPairs, DeleteKeyPair.

use common::action::Caller;
use common::ec2::keys::{
    CreateKeyPair, CreatedKeyPair, DeleteKeyPair, DescribeKeyPairs, ImportKeyPair, ImportedKeyPair,
    KeyPair as View, KeyPairs,
};
use common::ec2::types::Done;
use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, KeyPairId};
use runtime::actor::{Answer, Handle, Scene};
use runtime::clock::Clock;
use runtime::pool;
use store::Seen;

use super::filters::{Field, Filters};
use super::key_import::{self, ImportedKey};
use super::key_material::{self, KeyMaterial};
use super::keys_ahead::KeysAhead;
use super::tagging;
use crate::random;
use crate::records::{KeyPair, Records, ResourceKind, TagMap};

/// What the actions on key pairs work with.
pub struct Keys {
    /// What lasts.
    pub records: Records,
    /// The time.
    pub clock: Clock,
    /// Keys made ahead.
    pub ahead: KeysAhead,
}

/// A key pair and the tags on it.
struct Shown {
    key: KeyPair,
    tags: TagMap,
}

const FILTERS: &[Field<Shown>] = &[
    ("fingerprint", |it| vec![it.key.fingerprint.clone()]),
    ("key-name", |it| vec![it.key.name.clone()]),
    ("key-pair-id", |it| vec![it.key.id.to_string()]),
    ("key-type", |it| vec![it.key.kind.clone()]),
];

/// There is no such key pair.
pub fn no_key(name: &str) -> ApiError {
    let text = format!("The key pair '{name}' does not exist");
    ApiError::new(ErrorCode::InvalidKeyPairNotFound, text)
}

/// A key pair that can be made.
pub struct NewKey {
    name: String,
    is_rsa: bool,
    tags: TagMap,
}

impl Handle<Keys> for CreateKeyPair {
    type Checked = NewKey;

    async fn check(self, scene: &Scene<Keys>) -> Result<NewKey, ApiError> {
        check_name(&self.key_name)?;
        let kind = self.key_type.as_deref().unwrap_or("rsa");
        if !matches!(kind, "rsa" | "ed25519") {
            return Err(ApiError::invalid(
                "KeyType",
                format!("'{kind}' is neither rsa nor ed25519"),
            ));
        }
        if let Some(form) = self.key_format.as_deref().filter(|form| *form != "pem") {
            return Err(ApiError::invalid("KeyFormat", format!("'{form}' is not pem")));
        }
        let tags = tagging::specified(&self.tag_specification, ResourceKind::KeyPair)?;
        let (account, name) = (scene.caller.account.clone(), self.key_name);
        let is_rsa = kind == "rsa";
        // Making a key takes long; a name that is taken is refused before.
        scene
            .records
            .work(move |records| {
                free(records, &account, &name)?;
                Ok(NewKey { name, is_rsa, tags })
            })
            .await
    }

    async fn act(new: NewKey, scene: &Scene<Keys>) -> Result<CreatedKeyPair, ApiError> {
        let made = match new.is_rsa {
            true => scene.ahead.take().await?,
            false => pool::block(key_material::ed25519).await??,
        };
        let KeyMaterial { private, public, fingerprint } = made;
        let record = KeyPair {
            openssh: format!("{public} {}", comment(&new.name)),
            account: scene.caller.account.clone(),
            name: new.name,
            id: KeyPairId::from_random(random::bytes()?),
            kind: if new.is_rsa { "rsa" } else { "ed25519" }.to_owned(),
            fingerprint,
            created: scene.clock.now(),
        };
        let tag_set = tagging::shown(&new.tags);
        let record = keep(scene, record, new.tags).await?;
        Ok(CreatedKeyPair {
            key_name: record.name,
            key_fingerprint: record.fingerprint,
            key_material: private,
            key_pair_id: record.id,
            tag_set,
        })
    }
}

/// A key pair that can be imported.
pub struct KnownKey {
    name: String,
    key: ImportedKey,
    tags: TagMap,
}

impl Handle<Keys> for ImportKeyPair {
    type Checked = KnownKey;

    async fn check(self, scene: &Scene<Keys>) -> Result<KnownKey, ApiError> {
        check_name(&self.key_name)?;
        let tags = tagging::specified(&self.tag_specification, ResourceKind::KeyPair)?;
        let key = key_import::read(&self.public_key_material)?;
        let (account, name) = (scene.caller.account.clone(), self.key_name);
        scene
            .records
            .work(move |records| {
                free(records, &account, &name)?;
                Ok(KnownKey { name, key, tags })
            })
            .await
    }

    async fn act(known: KnownKey, scene: &Scene<Keys>) -> Result<ImportedKeyPair, ApiError> {
        let KnownKey { name, key, tags } = known;
        // What its owner wrote behind the key stays there; a key without has its name there.
        let behind = key.comment.unwrap_or_else(|| comment(&name));
        let record = KeyPair {
            openssh: format!("{} {behind}", key.public),
            account: scene.caller.account.clone(),
            name,
            id: KeyPairId::from_random(random::bytes()?),
            kind: key.kind.to_owned(),
            fingerprint: key.fingerprint,
            created: scene.clock.now(),
        };
        let tag_set = tagging::shown(&tags);
        let record = keep(scene, record, tags).await?;
        Ok(ImportedKeyPair {
            key_name: record.name,
            key_fingerprint: record.fingerprint,
            key_pair_id: record.id,
            tag_set,
        })
    }
}

/// Records a key pair with its tags, unless its name is taken.
async fn keep(scene: &Scene<Keys>, record: KeyPair, tags: TagMap) -> Result<KeyPair, ApiError> {
    scene
        .records
        .work(move |records| {
            store::transact(&*records.engine, |batch| {
                records.hold_open(batch, &record.account)?;
                free(records, &record.account, &record.name)?;
                batch.insert(&record)?;
                let what = (ResourceKind::KeyPair, record.id.as_str());
                tagging::tag_new(records, batch, &record.account, what, &tags)
            })?;
            Ok(record)
        })
        .await
}

/// Refuses a name that is taken.
fn free(records: &Records, account: &AccountId, name: &str) -> Result<(), ApiError> {
    match records.key_pairs.get(&KeyPair::key_of(account, name))? {
        Some(_) => Err(taken(name)),
        None => Ok(()),
    }
}

fn taken(name: &str) -> ApiError {
    let text = format!("The key pair '{name}' already exists");
    ApiError::new(ErrorCode::InvalidKeyPairDuplicate, text)
}

/// Any text will do, as long as an answer can carry it: XML has no way to write most control
/// characters.
fn check_name(name: &str) -> Result<(), ApiError> {
    let length = name.chars().count();
    if !(1..=255).contains(&length) {
        let why = format!("a name has 1 to 255 characters, this one {length}");
        return Err(ApiError::invalid("KeyName", why));
    }
    let unwritable = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    if name.chars().any(unwritable) {
        return Err(ApiError::invalid("KeyName", "control characters are in it"));
    }
    Ok(())
}

/// The name as the comment of a line in an authorized_keys file, which it must not end.
fn comment(name: &str) -> String {
    name.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect()
}

impl Answer<Keys> for DescribeKeyPairs {
    async fn answer(self, scene: &Scene<Keys>) -> Result<KeyPairs, ApiError> {
        let caller = scene.caller.clone();
        let with_public = self.include_public_key;
        let found = scene.records.work(move |records| find(records, &self, &caller)).await?;
        let view = |it: Shown| View {
            key_name: it.key.name,
            key_fingerprint: it.key.fingerprint,
            key_pair_id: it.key.id,
            key_type: it.key.kind,
            public_key: with_public.then_some(it.key.openssh),
            create_time: Some(it.key.created.iso()),
            tag_set: tagging::shown(&it.tags),
        };
        Ok(KeyPairs { key_set: found.into_iter().map(view).collect() })
    }
}

fn find(
    records: &Records,
    asked: &DescribeKeyPairs,
    caller: &Caller,
) -> Result<Vec<Shown>, ApiError> {
    let filters = Filters::tagged(&asked.filter, FILTERS, |it: &Shown| it.tags.clone())?;
    let mut found = of_account(records, &caller.account)?;
    for name in &asked.key_name {
        if !found.iter().any(|it| it.name == *name) {
            return Err(no_key(name));
        }
    }
    for id in &asked.key_pair_id {
        if !found.iter().any(|it| it.id == *id) {
            return Err(no_key(id.as_str()));
        }
    }
    if !asked.key_name.is_empty() || !asked.key_pair_id.is_empty() {
        found.retain(|it| asked.key_name.contains(&it.name) || asked.key_pair_id.contains(&it.id));
    }
    let mut shown = Vec::new();
    for seen in found {
        let tags = records.tags_on(&caller.account, seen.id.as_str())?;
        shown.push(Shown { key: seen.record, tags });
    }
    shown.retain(|it| filters.admit(it));
    Ok(shown)
}

/// All key pairs of an account, by name. Blocks.
///
/// # Errors
/// If the store fails.
pub fn of_account(records: &Records, account: &AccountId) -> Result<Vec<Seen<KeyPair>>, ApiError> {
    Ok(records.key_pairs.all(&format!("{account}/")).collect::<Result<_, _>>()?)
}

impl Handle<Keys> for DeleteKeyPair {
    type Checked = Self;

    async fn check(self, _: &Scene<Keys>) -> Result<Self, ApiError> {
        match (&self.key_name, &self.key_pair_id) {
            (None, None) => Err(ApiError::missing("KeyName")),
            _ => Ok(self),
        }
    }

    async fn act(asked: Self, scene: &Scene<Keys>) -> Result<Done, ApiError> {
        let account = scene.caller.account.clone();
        scene.records.work(move |records| remove(records, &asked, &account)).await?;
        Ok(Done::YES)
    }
}

fn remove(records: &Records, asked: &DeleteKeyPair, account: &AccountId) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let mut found = Vec::new();
        if let Some(name) = &asked.key_name {
            found.extend(records.key_pairs.get(&KeyPair::key_of(account, name))?);
        }
        if let Some(id) = &asked.key_pair_id {
            let all = of_account(records, account)?;
            found.extend(all.into_iter().filter(|it| it.id == *id));
        }
        for seen in found {
            batch.remove(&seen);
            records.drop_tags(batch, seen.id.as_str())?;
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_will_do_that_an_answer_can_carry() {
        for good in ["a", "my key", "日本語 & <b>", "../x/\\", &"鍵".repeat(255)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", &"k".repeat(256), "a\nb", "a\u{0}"] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_never_ends_the_line_it_stands_in() {
        assert_eq!(comment("a b\u{2028}c\n"), "a_b_c_");
    }
}
