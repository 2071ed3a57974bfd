//! How what an account owned comes to its end. Everything here can be done again from wherever it
//! stopped, and blocks.

use common::error::ApiError;
use common::id::AccountId;
use common::time::Timestamp;

use crate::reconcile::images::undefault;
use crate::reconcile::imports;
use crate::records::{Image, ImageState, Reason, Records};

/// How many records one commit is about.
const PORTION: usize = 64;

/// What a pass over the belongings found.
pub(super) struct Ended {
    /// What is still there, in words.
    pub(super) left: Vec<String>,
    /// The nodes of what was ended just now.
    pub(super) nodes: Vec<String>,
    /// Whether an image was deregistered just now.
    pub(super) images: bool,
}

/// Ends whatever an account owns.
pub(super) fn end_belongings(
    records: &Records,
    account: &AccountId,
    now: Timestamp,
) -> Result<Ended, ApiError> {
    let prefix = format!("{account}/");
    let mut ended = Ended { left: Vec::new(), nodes: Vec::new(), images: false };
    let ids = |index: &store::Index| -> Result<Vec<String>, ApiError> {
        index.rows(&prefix, None, 256).map(|row| Ok(row?.value)).collect()
    };
    let reason = || Reason::new("Server.AccountDeleted", "The account was deleted");
    let mut living = 0;
    for id in ids(&records.instances_of)? {
        let (news, _) = store::transact(&*records.engine, |batch| {
            let Some(mut seen) = records.instances.get(&id)? else { return Ok(None) };
            let news = seen.record.end(reason(), now);
            if news {
                batch.replace(&seen)?;
            }
            Ok::<_, ApiError>(seen.lives().then(|| news.then(|| seen.node.clone())))
        })?;
        if let Some(node) = news {
            living += 1;
            ended.nodes.extend(node);
        }
    }
    let mut tasks = 0;
    for id in ids(&records.bundles_of)? {
        let (news, _) = store::transact(&*records.engine, |batch| {
            let Some(mut seen) = records.bundle_tasks.get(&id)? else { return Ok(None) };
            let news = seen.record.cancel(reason(), now);
            if news {
                batch.replace(&seen)?;
            }
            Ok::<_, ApiError>((!seen.is_over()).then(|| news.then(|| seen.node.clone())))
        })?;
        if let Some(node) = news {
            tasks += 1;
            ended.nodes.extend(node);
        }
    }
    let mut imports = 0;
    for id in ids(&records.imports_of)? {
        imports += usize::from(imports::end(records, &id, "The account was deleted", now)?);
    }
    ended.images |= imports > 0;
    for id in ids(&records.images_for)? {
        ended.images |= deregister(records, account, &id)?;
    }
    loop {
        let page = records.key_pairs.scan(&prefix, None, PORTION)?;
        if page.is_empty() {
            break;
        }
        store::transact(&*records.engine, |batch| {
            for seen in &page {
                if let Some(seen) = records.key_pairs.get(seen.key())? {
                    records.drop_tags(batch, seen.id.as_str())?;
                    batch.remove(&seen);
                }
            }
            Ok::<_, ApiError>(())
        })?;
    }
    let left = [
        (living, "instances that end"),
        (tasks, "bundle tasks that end"),
        (imports, "imports that end"),
    ];
    for (count, what) in left {
        if count > 0 {
            ended.left.push(format!("{what}: {count}"));
        }
    }
    Ok(ended)
}

fn deregister(records: &Records, account: &AccountId, id: &str) -> Result<bool, ApiError> {
    let (news, _) = store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.images.get(id)? else { return Ok(false) };
        if !seen.is_registered() {
            return Ok(false);
        }
        if seen.account != *account {
            // Another's that it had leave to run.
            let before = seen.record.clone();
            if seen.record.allowed.remove(account) {
                batch.replace(&seen)?;
                records.list(batch, Some(&before), &seen);
            }
            return Ok(false);
        }
        let sha256 = seen.plain().map(|plain| plain.sha256);
        let before = seen.record.clone();
        seen.record.state = ImageState::Deregistered { sha256 };
        batch.replace(&seen)?;
        records.list(batch, Some(&before), &seen);
        batch.unpoint(&records.image_names, &Image::name_key(&seen.account, &seen.name));
        records.drop_tags(batch, id)?;
        undefault(records, batch, &before.id)?;
        Ok::<_, ApiError>(true)
    })?;
    Ok(news)
}
