//! Deleting an account, with a choice of what happens to what it owns.
//!
//! ```text
//!   owns nothing ──────────────▶ (gone)
//!   owns something ── refuse ──▶ as it was; the answer lists what it owns
//!        │                                          what failed is on record and tried again
//!        │                                                        ┌───┐
//!        ├─ give ──▶ leaving ──▶ bundle tasks end ──▶ instances, ─┴▶ buckets ──▶ users, keys, ──▶ (gone)
//!        │           a wish on   by themselves        images, key    with all    groups, roles,
//!        │           record, at                       pairs become   in them     policies go
//!        │           once nobody                      the heir's
//!        │           can use it
//!        └─ end ───▶ leaving ──▶ instances are terminated, tasks cancelled, ────▶ the same
//!                                images deregistered, key pairs, buckets, objects
//!                                and open uploads deleted
//! ```
//!
//! [`Leavers`] makes the wish true, from wherever it stands: no step is recorded, what is left is
//! looked for, and each step can be done twice. What is left, and why the last step failed, stands
//! with the account, whose own record goes last; then its name is free. Asking again with another
//! choice changes what happens to what is left.
//!
//! Nothing comes behind it: whatever an account is to own is committed only while it is not leaving
//! ([`crate::records::Records::hold_open`]); walrus refuses in the commit of a bucket, an object or a
//! part what came too late. An heir must be one who can use the cloud, whose quotas allow it, and is
//! not deleted while it inherits.
//!
//! This is about accounts, which 2.0 calls users. A user of IAM owns nothing but credentials;
//! deleting one is IAM's, by IAM's rules ([`crate::iam::belongings`]).

use std::collections::BTreeSet;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::iam::EntityName;
use common::iam::directory::authority_of_user;
use common::id::AccountId;
use common::s3::Owner;
use common::wire::admin::{Belongings, Deleted};
use common::wire::estate::{EndBuckets, EstateLeft, GiveBuckets};
use common::wire::quota::{Limits, Scope, SetQuota};
use common::wire::walrus::Walrus;
use futures_util::future::BoxFuture;
use runtime::peer::Peer;
use runtime::reconcile::{Pass, Reconciler};
use store::After;

use super::People;
use crate::identity::accounts;
use crate::identity::directory::RecordedDirectory;
use crate::quota::gifts;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Leaving, Records};

mod ending;
mod giving;
mod owned;
mod removal;

pub use owned::owned;

/// How many accounts that leave are looked at in one pass.
const PASS: usize = 100;

/// How many portions of buckets one step has done for one account.
const PORTIONS: usize = 256;

/// Deletes an account, or begins to.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user or heir; `OperationNotPermitted` for the
/// cloud's own; `DeleteConflict` if it owns something and the choice is to refuse, naming it, or if
/// it inherits just now; what the heir's quotas say.
pub async fn delete(
    people: &People,
    walrus: &Peer<Walrus>,
    name: &str,
    belongings: Belongings,
) -> Result<Deleted, ApiError> {
    let wanted = (name.to_owned(), belongings.clone());
    let (account, heir) =
        people.work(move |people| parties(&people.records, &wanted.0, &wanted.1)).await?;
    if let Some((heir, caps)) = &heir {
        let to = Owner { account: heir.number.clone(), alias: heir.alias.clone() };
        let from = account.number.clone();
        walrus.call(GiveBuckets { from, to, caps: *caps, rehearsal: true }).await?;
    }
    let buckets = match belongings {
        Belongings::Refuse => buckets(walrus, &account.number).await?,
        Belongings::Give(_) | Belongings::End => None,
    };
    let (name, number) = (name.to_owned(), account.number.clone());
    let heir = heir.map(|(heir, _)| heir.number);
    people
        .work(move |people| {
            leave(people, &name, heir.as_ref(), |records| {
                if belongings != Belongings::Refuse {
                    return Ok(());
                }
                let mut owned = owned(records, &number)?;
                owned.extend(buckets.clone());
                if owned.is_empty() {
                    return Ok(());
                }
                let text = format!("The user '{name}' owns {}", owned.join("; "));
                Err(ApiError::new(ErrorCode::DeleteConflict, text))
            })
        })
        .await?;
    // What owns little is gone when the answer is. The wish is on record whatever comes of this.
    attempt(people, walrus, &account.number, 1).await;
    people.leaving.wake();
    let number = account.number;
    let left = people.work(move |people| Ok(people.records.accounts.get(number.as_str())?)).await?;
    Ok(match left.and_then(|seen| seen.record.registration.leaving) {
        None => Deleted::Gone,
        Some(leaving) => Deleted::Leaving(leaving.why),
    })
}

/// The account, and who inherits of it with what policies let that one have in S3. Blocks.
fn parties(
    records: &Records,
    name: &str,
    belongings: &Belongings,
) -> Result<(Account, Option<(Account, Limits)>), ApiError> {
    let account = accounts::find(records, name)?;
    if account.number == AccountId::cloud() {
        let text = "The cloud's own account cannot be deleted";
        return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
    }
    let Belongings::Give(heir) = belongings else { return Ok((account, None)) };
    let heir = accounts::find(records, heir)?;
    if heir.number == account.number {
        let why = format!("'{}' is the user that is deleted", heir.alias);
        return Err(ApiError::invalid("the heir", why));
    }
    let Some(caller) = owner(records, &heir)? else {
        let why = format!("the user '{}' is disabled, or is no user yet", heir.alias);
        return Err(ApiError::invalid("the heir", why));
    };
    gifts::admit(records, &caller, &account.number)?;
    let caps = gifts::caps(&caller);
    Ok((account, Some((heir, caps))))
}

/// The owner of an account, if they may use anything. Blocks.
fn owner(records: &Records, account: &Account) -> Result<Option<Caller>, ApiError> {
    let directory = RecordedDirectory::new(records.clone());
    let authority = authority_of_user(&directory, &account.number, FIRST_USER)?;
    let owner = Caller::owner(&account.number, &account.alias);
    Ok(authority.map(|authority| Caller { authority, ..owner }))
}

async fn buckets(walrus: &Peer<Walrus>, account: &AccountId) -> Result<Option<String>, ApiError> {
    // Changing nothing of a quota tells what is used of it.
    let scope = Scope::Account(account.clone());
    let ask = SetQuota { scope, bytes: None, objects: None, buckets: None };
    let used = walrus.call(ask).await?.used;
    Ok((used.buckets > 0).then(|| {
        format!("buckets: {}, with {} objects and open uploads", used.buckets, used.objects)
    }))
}

/// Records the wish, unless something speaks against it. Blocks.
fn leave(
    people: &People,
    name: &str,
    heir: Option<&AccountId>,
    may: impl Fn(&Records) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let (records, now) = (&people.records, people.now());
    records.change_identity(|batch, touched| {
        may(records)?;
        let mut seen = accounts::read(records, name)?;
        if let Some(heir) = heir {
            records.hold_open(batch, heir)?;
        }
        if let Some(leaver) = leaver_to(records, &seen.number)? {
            let text = format!("The user '{name}' is being given what the user '{leaver}' had");
            return Err(ApiError::new(ErrorCode::DeleteConflict, text));
        }
        let before = seen.record.registration.leaving.take();
        let since = before.as_ref().map_or(now, |leaving| leaving.since);
        let why = match before {
            Some(leaving) => leaving.why,
            None => "it has just been deleted".to_owned(),
        };
        let leaving = Leaving { since, why, heir: heir.cloned(), failure: None };
        seen.record.registration.leaving = Some(leaving);
        let number = seen.number.to_string();
        batch.replace(&seen)?.point(&records.leaving, &number, &number);
        touched.note(EntityName::Account(seen.number.clone()));
        Ok(())
    })
}

/// The name of an account that is being given to this one. Blocks.
fn leaver_to(records: &Records, heir: &AccountId) -> Result<Option<String>, ApiError> {
    for row in records.leaving.rows("", None, PASS) {
        let Some(seen) = records.accounts.get(&row?.value)? else { continue };
        let leaving = seen.registration.leaving.as_ref();
        if leaving.is_some_and(|leaving| leaving.heir.as_ref() == Some(heir)) {
            return Ok(Some(seen.record.alias));
        }
    }
    Ok(None)
}

/// Says on record what is left of an account, and what failed. Blocks.
fn note(
    records: &Records,
    account: &AccountId,
    left: Option<&str>,
    failure: Option<&str>,
) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.accounts.get(account.as_str())? else { return Ok(()) };
        let Some(leaving) = &mut seen.record.registration.leaving else { return Ok(()) };
        let before = leaving.clone();
        if let Some(left) = left {
            left.clone_into(&mut leaving.why);
        }
        leaving.failure = failure.map(str::to_owned);
        if *leaving != before {
            batch.replace(&seen)?;
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Takes every step that can be taken now for an account that leaves; what fails is noted with it.
/// Says whether it is gone.
async fn attempt(
    people: &People,
    walrus: &Peer<Walrus>,
    account: &AccountId,
    portions: usize,
) -> bool {
    let error = match step(people, walrus, account, portions).await {
        Ok(gone) => return gone,
        Err(error) => error,
    };
    let cause = error.source_text().unwrap_or_default();
    tracing::warn!(%account, %error, cause, "a step of a deletion failed");
    let (number, text) = (account.clone(), error.text().to_owned());
    let noted = people.work(move |people| note(&people.records, &number, None, Some(&text)));
    if let Err(error) = noted.await {
        tracing::warn!(%account, %error, "what failed could not be noted");
    }
    false
}

async fn step(
    people: &People,
    walrus: &Peer<Walrus>,
    account: &AccountId,
    portions: usize,
) -> Result<bool, ApiError> {
    let number = account.clone();
    let read = move |people: &People| {
        let records = &people.records;
        let Some(seen) = records.accounts.get(number.as_str())? else { return Ok(None) };
        let Some(leaving) = &seen.registration.leaving else { return Ok(None) };
        let heir = match &leaving.heir {
            None => None,
            Some(heir) => {
                let heir = records.accounts.get(heir.as_str())?.ok_or_else(|| {
                    let text = "the account that inherits is not there";
                    ApiError::new(ErrorCode::InternalError, text)
                })?;
                let caps = owner(records, &heir)?.map(|owner| gifts::caps(&owner));
                Some((heir.record, caps.unwrap_or_default()))
            }
        };
        Ok(Some((seen.record, heir)))
    };
    let Some((leaver, heir)) = people.work(read).await? else { return Ok(true) };
    let mut left = match &heir {
        Some((heir, _)) => give(people, leaver, heir.clone()).await?,
        None => end(people, account).await?,
    };
    // What is given is given in order; what ends, ends at once.
    if left.is_empty() || heir.is_none() {
        let to = heir.as_ref().map(|(heir, caps)| {
            (Owner { account: heir.number.clone(), alias: heir.alias.clone() }, *caps)
        });
        let rest = portions_of(people, walrus, account, to, (&left, portions)).await?;
        left.extend(rest);
    }
    let (number, keeps) = (account.clone(), heir.is_some());
    people
        .work(move |people| match left.is_empty() {
            true => removal::remove_identity(&people.records, &number, keeps).map(|()| true),
            false => note(&people.records, &number, Some(&left.join("; ")), None).map(|()| false),
        })
        .await
}

/// Has walrus give or end buckets, portion by portion; gives what is left, in words.
async fn portions_of(
    people: &People,
    walrus: &Peer<Walrus>,
    account: &AccountId,
    to: Option<(Owner, Limits)>,
    (beside, portions): (&[String], usize),
) -> Result<Option<String>, ApiError> {
    let mut told = None;
    for _ in 0..portions {
        let left = match to.clone() {
            Some((to, caps)) => {
                let from = account.clone();
                walrus.call(GiveBuckets { from, to, caps, rehearsal: false }).await?
            }
            None => walrus.call(EndBuckets { account: account.clone() }).await?,
        };
        if left.is_nothing() {
            return Ok(None);
        }
        let EstateLeft { buckets, objects } = left;
        let text = format!("buckets: {buckets}, with {objects} objects and open uploads");
        let all = beside.iter().chain([&text]).cloned().collect::<Vec<_>>().join("; ");
        let number = account.clone();
        people.work(move |people| note(&people.records, &number, Some(&all), None)).await?;
        told = Some(text);
    }
    Ok(told)
}

async fn give(people: &People, from: Account, to: Account) -> Result<Vec<String>, ApiError> {
    let given = people.work(move |people| giving::give(&people.records, &from, &to)).await?;
    let nodes: BTreeSet<_> = given.nodes.iter().collect();
    nodes.into_iter().for_each(|node| people.wakers.node(node));
    Ok(given.left)
}

async fn end(people: &People, account: &AccountId) -> Result<Vec<String>, ApiError> {
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
        wakers.imports.wake();
        wakers.all_nodes();
    }
    Ok(ended.left)
}

/// Looks after accounts that leave.
pub struct Leavers {
    /// What all of it works with.
    pub people: People,
    /// Who has the buckets.
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
                if attempt(&self.people, &self.walrus, &account, PORTIONS).await {
                    tracing::info!(%account, "the account is gone");
                    pass.steps += 1;
                } else {
                    pass.unsettled += 1;
                }
            }
            Ok(pass)
        })
    }
}
