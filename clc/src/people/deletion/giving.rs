//! How what an account owned becomes another's. Everything here can be done again from wherever it
//! stopped, and blocks.
//!
//! ```text
//!   bundle tasks   those under way end first: what they make is stored in the former owner's name
//!   instances      go on as they are; their instance profile is taken from them, because role and
//!                  profile go with the account that they are in
//!   images         keep ids, launch permissions and product codes; a name that the heir uses gets
//!                  the former owner's name behind it
//!   key pairs      keep names by the same rule; one that the heir has, too, is not kept twice
//!   tags           go along; where the heir has written the same key on the same resource, theirs
//!                  stay
//! ```

use common::error::ApiError;
use common::id::AccountId;
use store::Batch;

use crate::records::tags::MOST_TAGS;
use crate::records::{Account, Image, KeyPair, Records, Tags};

/// How long the name of a key pair or an image may be, in characters.
const LONGEST: usize = 128;

/// What a pass over the belongings found.
pub(super) struct Given {
    /// What is not the heir's yet, in words.
    pub(super) left: Vec<String>,
    /// The nodes of what was given just now.
    pub(super) nodes: Vec<String>,
}

/// Gives what an account owns, as far as it is on record here, to its heir.
pub(super) fn give(records: &Records, from: &Account, to: &Account) -> Result<Given, ApiError> {
    let mut given = Given { left: Vec::new(), nodes: Vec::new() };
    let prefix = format!("{}/", from.number);
    let ids = |index: &store::Index| -> Result<Vec<String>, ApiError> {
        index.rows(&prefix, None, 256).map(|row| Ok(row?.value)).collect()
    };
    let mut tasks = 0;
    for id in ids(&records.bundles_of)? {
        let seen = records.bundle_tasks.get(&id)?;
        tasks += usize::from(seen.is_some_and(|task| !task.is_over()));
    }
    let mut imports = 0;
    for id in ids(&records.imports_of)? {
        let seen = records.imports.get(&id)?;
        imports += usize::from(seen.is_some_and(|task| !task.is_over()));
    }
    for (count, what) in [(tasks, "bundle tasks"), (imports, "imports")] {
        if count > 0 {
            given.left.push(format!("{what} that end first: {count}"));
        }
    }
    if !given.left.is_empty() {
        return Ok(given);
    }
    for id in ids(&records.instances_of)? {
        given.nodes.extend(instance(records, &id, &from.number, &to.number)?);
    }
    for id in ids(&records.images_for)? {
        image(records, &id, from, to)?;
    }
    for seen in records.key_pairs.all(&prefix) {
        key_pair(records, seen?.key(), from, to)?;
    }
    Ok(given)
}

/// Gives an instance; its node, if it was news.
fn instance(
    records: &Records,
    id: &str,
    from: &AccountId,
    to: &AccountId,
) -> Result<Option<String>, ApiError> {
    let (node, _) = store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.instances.get(id)? else { return Ok(None) };
        // One that has ended is listed nowhere any more, and goes by itself.
        if seen.account != *from || !seen.lives() {
            return Ok(None);
        }
        records.unpoint(batch, &seen);
        let it = &mut seen.record;
        it.account = to.clone();
        // Whoever made it counts in the heir's account as nobody of its own.
        it.maker.clear();
        it.client_token = None;
        if it.profile.is_some() {
            it.associate(None);
        }
        batch.replace(&seen)?;
        records.point(batch, &seen);
        tags(records, batch, id, from, to)?;
        Ok::<_, ApiError>(Some(seen.record.node))
    })?;
    Ok(node)
}

/// Gives an image; of another's image, the leave to run it goes.
fn image(records: &Records, id: &str, from: &Account, to: &Account) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.images.get(id)? else { return Ok(()) };
        let before = seen.record.clone();
        if seen.account == from.number {
            if !seen.is_registered() {
                return Ok(());
            }
            let name = free_name(&seen.name, &from.alias, |name| {
                Ok(records.image_names.get(&Image::name_key(&to.number, name))?.is_some())
            })?;
            let it = &mut seen.record;
            it.account = to.number.clone();
            it.owner_alias.clone_from(&to.alias);
            it.maker.clear();
            it.allowed.remove(&to.number);
            it.name = name;
            batch.unpoint(&records.image_names, &Image::name_key(&from.number, &before.name));
            let row = Image::name_key(&to.number, &seen.name);
            batch.claim(&records.image_names, &row, id);
            tags(records, batch, id, &from.number, &to.number)?;
        } else if !seen.record.allowed.remove(&from.number) {
            return Ok(());
        }
        batch.replace(&seen)?;
        records.list(batch, Some(&before), &seen);
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Gives a key pair.
fn key_pair(records: &Records, key: &str, from: &Account, to: &Account) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let Some(seen) = records.key_pairs.get(key)? else { return Ok(()) };
        let id = seen.id.as_str().to_owned();
        let theirs = records.key_pairs.get(&KeyPair::key_of(&to.number, &seen.name))?;
        batch.remove(&seen);
        if theirs.is_some_and(|theirs| theirs.fingerprint == seen.fingerprint) {
            return records.drop_tags(batch, &id);
        }
        let name = free_name(&seen.name, &from.alias, |name| {
            Ok(records.key_pairs.get(&KeyPair::key_of(&to.number, name))?.is_some())
        })?;
        batch.insert(&KeyPair { account: to.number.clone(), name, ..seen.record.clone() })?;
        tags(records, batch, &id, &from.number, &to.number)
    })?;
    Ok(())
}

/// Adds to a batch that writes a resource's own record: what one account wrote on it is the other's.
fn tags(
    records: &Records,
    batch: &mut Batch,
    resource: &str,
    from: &AccountId,
    to: &AccountId,
) -> Result<(), ApiError> {
    let Some(seen) = records.tags.get(&Tags::key_of(from, resource))? else { return Ok(()) };
    batch.remove(&seen).unpoint(&records.tags_of, &format!("{resource}/{from}"));
    let theirs = records.tags.get(&Tags::key_of(to, resource))?;
    let mut now = Tags { account: to.clone(), ..seen.record.clone() };
    if let Some(theirs) = &theirs {
        now.tags = theirs.tags.clone();
        for (key, value) in &seen.record.tags {
            if now.tags.len() < MOST_TAGS && !now.tags.contains_key(key) {
                now.tags.insert(key.clone(), value.clone());
            }
        }
    }
    records.write_tags(batch, theirs.as_ref(), &now)
}

/// A name that is not taken: itself, or with the former owner's behind it, and a number if need be.
fn free_name(
    name: &str,
    former: &str,
    taken: impl Fn(&str) -> Result<bool, ApiError>,
) -> Result<String, ApiError> {
    if !taken(name)? {
        return Ok(name.to_owned());
    }
    for number in 1_u32.. {
        let behind = match number {
            1 => format!("-{former}"),
            number => format!("-{former}-{number}"),
        };
        let room = LONGEST.saturating_sub(behind.chars().count());
        let mut other: String = name.chars().take(room).collect();
        other.push_str(&behind);
        if !taken(&other)? {
            return Ok(other);
        }
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_heir_has_get_the_former_owners_behind_them() {
        let long = "x".repeat(128);
        let cut = format!("{}-taro", "x".repeat(123));
        for (name, taken, expected) in [
            ("web", &[][..], "web"),
            ("web", &["web"], "web-taro"),
            ("web", &["web", "web-taro"], "web-taro-2"),
            (&long, &[long.as_str()], cut.as_str()),
        ] {
            let found = free_name(name, "taro", |name| Ok(taken.contains(&name))).unwrap();
            assert_eq!(found, expected);
        }
    }
}
