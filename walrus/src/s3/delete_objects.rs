//! Removing many objects at once: the `Removals` actor's.
//!
//! One commit takes all records, and only then the files go; a crash in between leaves files that
//! no record names, which the sweep removes. Documents are large, so that few are held at once, and
//! fewer taken apart: for that they wait for their turn, which no sender can prolong.

use std::collections::BTreeSet;
use std::sync::Arc;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::iam::Context;
use common::iam::policy::{STEPS, Verdict};
use common::s3::delete_objects::{MAX_DOCUMENT, Unwanted, UnwantedObject, to_xml};
use common::s3::integrity::Integrity;
use common::s3::permissions::removing;
use common::s3::{BucketName, ObjectKey};
use runtime::http::Response;
use runtime::pool;
use store::transact;
use tokio::sync::Semaphore;

use super::access::{demand, may_write};
use super::commit::{forget_bytes, release};
use super::document::{self, answer};
use super::service::{Operate, Scene};
use super::trace::Noted;
use crate::blob::receive::read_past;
use crate::content::Content;
use crate::records::{Failed, Object, Records, object_key};
use crate::usage::amount::Change;

/// How many removals there may be at once, each with its document.
pub(crate) const AT_ONCE: usize = 16;

/// How many documents are taken apart at once.
const TURNS: usize = 4;

/// How many steps deciding about all objects of a document may take: the turn is held meanwhile.
const MOST_STEPS: u64 = 8 * STEPS;

/// What the `Removals` actor shares among its operations.
pub(crate) struct Removals {
    content: Content,
    turns: Arc<Semaphore>,
}

impl Removals {
    /// Removes from that content.
    pub(crate) fn new(content: Content) -> Self {
        Self { content, turns: Arc::new(Semaphore::new(TURNS)) }
    }
}

/// Removes objects that the body names.
pub(crate) struct DeleteObjects {
    /// The bucket.
    pub(crate) bucket: BucketName,
    /// What the body must be.
    pub(crate) integrity: Integrity,
    /// For the record.
    pub(crate) noted: Noted,
}

impl Operate for DeleteObjects {
    type State = Removals;

    async fn operate(self, scene: Scene<Removals>) -> Result<Response, ApiError> {
        let (caller, name, state) = (scene.caller.clone(), self.bucket.clone(), scene.state());
        let admitted = pool::block(move || {
            let bucket = state.content.records.bucket(&name)?;
            demand(may_write(caller.as_ref(), &bucket)).map_err(Failed::from)
        });
        let state = scene.state();
        let Scene { mut body, caller, signed_sha256, permit, .. } = scene;
        if let Err(refused) = admitted.await? {
            drop(permit);
            read_past(&mut body).await;
            return Err(refused.into());
        }
        let document = document::read(body, MAX_DOCUMENT, self.integrity, signed_sha256).await?;
        let _turn = Arc::clone(&state.turns).acquire_owned().await;
        let text = pool::block(move || {
            let unwanted = Unwanted::read(&document)?;
            drop(document);
            self.noted.keys(unwanted.objects.iter().map(|object| object.key.as_str()));
            let Removed { outcomes, gone } =
                remove(&state.content.records, caller.as_ref(), &self.bucket, &unwanted)?;
            gone.iter().for_each(|object| release(&state.content, object));
            Ok::<_, Failed>(to_xml(&unwanted, &outcomes))
        });
        Ok(answer(text.await??))
    }
}

/// What a removal has done.
struct Removed {
    /// What became of each object that was named.
    outcomes: Vec<Result<(), ApiError>>,
    /// The objects that went.
    gone: Vec<Object>,
}

/// What policies say of each object: its key, or why it stays.
fn decided(
    caller: Option<&Caller>,
    name: &BucketName,
    unwanted: &Unwanted,
) -> Vec<Result<ObjectKey, ApiError>> {
    let mut steps = 0;
    let decide = |object: &UnwantedObject| {
        let key: ObjectKey = object.parse()?;
        let Some(caller) = caller else { return Ok(key) };
        if steps > MOST_STEPS {
            let text = "To decide about so many objects takes too long: name fewer at once";
            return Err(ApiError::new(ErrorCode::SlowDown, text));
        }
        let need = removing(name, key.as_str(), object.version.as_deref());
        let decision = caller.authority.decide(need.action, &need.resource, &Context::new());
        steps += decision.steps;
        demand(decision.verdict == Verdict::Allowed).map(|()| key)
    };
    unwanted.objects.iter().map(decide).collect()
}

/// Removes the records; gives what became of each object, and those that went.
fn remove(
    records: &Records,
    caller: Option<&Caller>,
    name: &BucketName,
    unwanted: &Unwanted,
) -> Result<Removed, Failed> {
    // Policies cost, and a transaction may run several times.
    let keys = decided(caller, name, unwanted);
    let ((outcomes, gone, change), _) = transact(records.engine(), |batch| {
        // While the document came in, the name may have become another's bucket.
        let bucket = records.bucket(name)?;
        demand(may_write(caller, &bucket))?;
        batch.hold(&bucket);
        let mut change = Change::default();
        let (mut rows, mut gone) = (BTreeSet::new(), Vec::new());
        let mut outcomes = Vec::with_capacity(unwanted.objects.len());
        for (object, key) in unwanted.objects.iter().zip(&keys) {
            let key = match key {
                Ok(key) => key,
                Err(error) => {
                    outcomes.push(Err(error.clone()));
                    continue;
                }
            };
            let row = object_key(name, key.as_str());
            let seen = if rows.contains(&row) { None } else { records.objects.get(&row)? };
            if let Some(wanted) = &object.etag {
                let fits = |etag: &str| wanted == "*" || wanted == etag;
                if !seen.as_ref().is_some_and(|seen| fits(&seen.etag)) {
                    let text = "The object does not have the entity tag that was asked for";
                    outcomes.push(Err(ApiError::new(ErrorCode::PreconditionFailed, text)));
                    continue;
                }
            }
            if let Some(seen) = seen {
                batch.remove(&seen);
                forget_bytes(records, batch, &seen, &row)?;
                change = change.and(Change::removal(seen.size));
                gone.push(seen.record);
                rows.insert(row);
            }
            outcomes.push(Ok(()));
        }
        records.ledger.charge(batch, &bucket.name, &bucket.owner.account, change)?;
        Ok::<_, Failed>((outcomes, gone, change))
    })?;
    records.ledger.committed(change);
    Ok(Removed { outcomes, gone })
}

#[cfg(test)]
mod tests {
    use common::iam::policy::{Attached, LARGEST_MANAGED, Policy, PolicyKind, Source};
    use common::iam::{Authority, Grants, PrincipalKind};
    use store::Memory;

    use super::*;
    use crate::records::Bucket;

    #[test]
    fn who_owns_the_bucket_is_asked_when_the_document_is_there() {
        let records = Records::new(Arc::new(Memory::new()));
        records.buckets.insert(Bucket::sample("buck", "222222222222")).unwrap();
        records.objects.insert(Object::sample("buck", "key", "222222222222")).unwrap();
        let bucket = "buck".parse().unwrap();
        let document = b"<Delete><Object><Key>key</Key></Object></Delete>";
        let unwanted = Unwanted::read(document).unwrap();
        let caller = |account: &str| Caller::owner(&account.parse().unwrap(), "a");
        // The bucket was this caller's when the request began.
        let refused = remove(&records, Some(&caller("111111111111")), &bucket, &unwanted);
        let refused = ApiError::from(refused.err().unwrap());
        assert_eq!(refused.code(), ErrorCode::AccessDenied);
        let removed = remove(&records, Some(&caller("222222222222")), &bucket, &unwanted).unwrap();
        assert_eq!(removed.gone.len(), 1);
    }

    #[test]
    fn what_policies_cost_is_bounded_for_all_objects_together() {
        let values = vec!["\"arn:aws:s3:::*aaaab*\""; LARGEST_MANAGED / 26].join(",");
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Action":"*","Resource":[{values}]}}]}}"#
        );
        let policy = Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap());
        let held = Attached { name: "p".into(), source: Source::Session, policy };
        let account = "222222222222".parse().unwrap();
        let mut principal = Authority::owner(&account, "taro").principal().clone();
        principal.kind = PrincipalKind::User;
        let grants = Grants { identity: vec![held; 110], ..Grants::default() };
        let authority = Authority::new(principal, grants);
        let caller = Caller { authority, ..Caller::owner(&account, "taro") };
        let key = "a".repeat(1000);
        let objects = format!("<Object><Key>{key}</Key></Object>").repeat(200);
        let unwanted = Unwanted::read(format!("<Delete>{objects}</Delete>").as_bytes()).unwrap();
        let decided = decided(Some(&caller), &"buck".parse().unwrap(), &unwanted);
        let codes: Vec<_> = decided.into_iter().map(|it| it.unwrap_err().code()).collect();
        let asked = codes.iter().filter(|code| **code == ErrorCode::AccessDenied).count();
        assert!((8..12).contains(&asked), "{asked}");
        assert!(codes[asked..].iter().all(|code| *code == ErrorCode::SlowDown));
    }
}
