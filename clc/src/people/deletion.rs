//! Deleting an account, with a choice of what happens to what it owns.
//!
//! ```text
//!   owns nothing ───────────────────────▶ (gone)
//!   owns something ── refuse ──▶ as it was; the answer lists what it owns
//!                  └─ remove ──▶ leaving: a wish on record, at once nobody can use it
//!                                   │ each pass ends what still lives
//!                                   ▼
//!                                 (gone), its name is free
//! ```
//!
//! [`Leavers`] makes the wish true, from wherever it stands: it terminates instances, ends bundle
//! tasks, deregisters images, removes key pairs and tags, and, when none of that is left, users,
//! keys, certificates, groups, roles and policies; the account's own record goes last. Buckets are
//! never removed by it. One that its owner made in the last moment keeps the account where it is,
//! with that as the reason, until an administrator has deleted it.

use std::collections::BTreeSet;

use common::error::{ApiError, ErrorCode};
use common::iam::EntityName;
use common::id::AccountId;
use common::wire::admin::{Belongings, Deleted};
use common::wire::quota::{Scope, SetQuota};
use common::wire::walrus::Walrus;
use futures_util::future::BoxFuture;
use runtime::peer::Peer;
use runtime::reconcile::{Pass, Reconciler};
use store::After;

use super::People;
use crate::identity::accounts;
use crate::records::{Leaving, Records};

mod ending;

/// How many accounts that leave are looked at in one pass.
const PASS: usize = 100;

/// Deletes an account, or begins to.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user; `OperationNotPermitted` for the cloud's own;
/// `DeleteConflict` if it owns something that does not go with it, naming it.
pub async fn delete(
    people: &People,
    walrus: &Peer<Walrus>,
    name: &str,
    belongings: Belongings,
) -> Result<Deleted, ApiError> {
    let wanted = name.to_owned();
    let account = people.work(move |people| accounts::find(&people.records, &wanted)).await?;
    if account.number == AccountId::cloud() {
        let text = "The cloud's own account cannot be deleted";
        return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
    }
    let buckets = buckets(walrus, &account.number).await?;
    let (name, number) = (name.to_owned(), account.number.clone());
    people
        .work(move |people| {
            let refused = |what: &str| {
                let text = format!("The user '{name}' owns {what}");
                Err(ApiError::new(ErrorCode::DeleteConflict, text))
            };
            let goes = belongings == Belongings::Remove;
            if let Some(buckets) = buckets.as_ref().filter(|_| goes) {
                return refused(buckets);
            }
            leave(people, &name, |records| {
                let mut owned = owned(records, &number)?;
                owned.extend(buckets.clone());
                if goes || owned.is_empty() { Ok(()) } else { refused(&owned.join("; ")) }
            })
        })
        .await?;
    // What owns nothing is gone when the answer is.
    step(people, walrus, &account.number).await?;
    people.leaving.wake();
    let number = account.number;
    let left = people.work(move |people| Ok(people.records.accounts.get(number.as_str())?)).await?;
    Ok(match left.and_then(|seen| seen.record.registration.leaving) {
        None => Deleted::Gone,
        Some(leaving) => Deleted::Leaving(leaving.why),
    })
}

async fn buckets(walrus: &Peer<Walrus>, account: &AccountId) -> Result<Option<String>, ApiError> {
    // Changing nothing of a quota tells what is used of it.
    let scope = Scope::Account(account.clone());
    let ask = SetQuota { scope, bytes: None, objects: None, buckets: None };
    let used = walrus.call(ask).await?.used;
    Ok((used.buckets > 0).then(|| {
        let (count, objects) = (used.buckets, used.objects);
        format!("buckets: {count}, with {objects} objects (delete them first)")
    }))
}

/// What an account owns but itself, in words, as far as it is on record here. Blocks.
///
/// # Errors
/// If the store fails.
pub fn owned(records: &Records, account: &AccountId) -> Result<Vec<String>, ApiError> {
    let prefix = format!("{account}/");
    let (mut instances, mut images, mut tasks, mut keys) = (vec![], vec![], vec![], vec![]);
    for row in records.instances_of.rows(&prefix, None, 256) {
        let seen = records.instances.get(&row?.value)?;
        instances.extend(seen.filter(|it| it.lives()).map(|it| it.id.to_string()));
    }
    for row in records.images_for.rows(&prefix, None, 256) {
        let seen = records.images.get(&row?.value)?;
        images.extend(seen.filter(|it| it.account == *account).map(|it| it.id.to_string()));
    }
    for row in records.bundles_of.rows(&prefix, None, 256) {
        let seen = records.bundle_tasks.get(&row?.value)?;
        tasks.extend(seen.filter(|it| !it.is_over()).map(|it| it.id.to_string()));
    }
    for seen in records.key_pairs.all(&prefix) {
        keys.push(seen?.record.name);
    }
    let sets = [
        ("instances", instances),
        ("images", images),
        ("bundle tasks", tasks),
        ("key pairs", keys),
    ];
    let told = |(kind, names): (&str, Vec<String>)| {
        let shown: Vec<_> = names.iter().take(10).map(String::as_str).collect();
        let more = if names.len() > shown.len() { ", …" } else { "" };
        (!names.is_empty()).then(|| format!("{kind}: {}{more}", shown.join(", ")))
    };
    Ok(sets.into_iter().filter_map(told).collect())
}

/// Records the wish, unless something speaks against it. Blocks.
fn leave(
    people: &People,
    name: &str,
    may: impl Fn(&Records) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let (records, now) = (&people.records, people.now());
    records.change_identity(|batch, touched| {
        may(records)?;
        let mut seen = accounts::read(records, name)?;
        if seen.registration.leaving.is_none() {
            let why = "it has just been deleted".to_owned();
            seen.record.registration.leaving = Some(Leaving { since: now, why });
            let number = seen.number.to_string();
            batch.replace(&seen)?.point(&records.leaving, &number, &number);
            touched.note(EntityName::Account(seen.number.clone()));
        }
        Ok(())
    })
}

/// Takes every step that can be taken now for an account that leaves. Says whether it is gone.
async fn step(
    people: &People,
    walrus: &Peer<Walrus>,
    account: &AccountId,
) -> Result<bool, ApiError> {
    let number = account.clone();
    let ended = people
        .work(move |people| ending::end_belongings(&people.records, &number, people.now()))
        .await?;
    let wakers = &people.wakers;
    let nodes: BTreeSet<_> = ended.nodes.iter().collect();
    for node in nodes {
        wakers.node(node);
        wakers.bundles(node);
    }
    if ended.images {
        wakers.images.wake();
        wakers.all_nodes();
    }
    let mut left = ended.left;
    if left.is_empty() {
        left.extend(buckets(walrus, account).await?);
    }
    let number = account.clone();
    people
        .work(move |people| match left.is_empty() {
            true => ending::remove_identity(&people.records, &number).map(|()| true),
            false => ending::say_why(&people.records, &number, &left.join("; ")).map(|()| false),
        })
        .await
}

/// Looks after accounts that leave.
pub struct Leavers {
    /// What all of it works with.
    pub people: People,
    /// Who knows of buckets.
    pub walrus: Peer<Walrus>,
}

impl Reconciler for Leavers {
    fn name(&self) -> &str {
        "leaving accounts"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(async move {
            let mut pass = Pass::default();
            let look = |people: &People| {
                let rows = people.records.leaving.scan("", After::Start, PASS)?;
                Ok(rows.into_iter().map(|row| row.value).collect::<Vec<_>>())
            };
            for number in self.people.work(look).await? {
                pass.looked += 1;
                let Ok(account) = number.parse::<AccountId>() else { continue };
                match step(&self.people, &self.walrus, &account).await {
                    Ok(true) => {
                        tracing::info!(%account, "the account is gone");
                        pass.steps += 1;
                    }
                    Ok(false) => pass.unsettled += 1,
                    Err(error) => {
                        pass.unsettled += 1;
                        let cause = error.source_text().unwrap_or_default();
                        tracing::warn!(%account, %error, cause, "a step of a deletion failed");
                    }
                }
            }
            Ok(pass)
        })
    }
}
