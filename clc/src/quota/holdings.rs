//! How much an account has of everything that quotas count, beside how much it may have. It is told,
//! and nothing is decided by it.

use std::sync::Arc;

use common::error::ApiError;
use common::iam::policy::{Attached, Policy, PolicyKind, Source};
use common::iam::{Authority, Grants, Principal, PrincipalKind};
use common::wire::registrar::Holding;

use super::identity::Kind;
use super::{Quota, images, instances};
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Records};

/// What an account has and may have, as its own policies say it. Blocks.
///
/// # Errors
/// If the store fails.
pub fn of(records: &Records, account: &Account) -> Result<Vec<Holding>, ApiError> {
    let number = &account.number;
    let mut counted = instances::held(records, number)?;
    counted.push((images::IMAGES, images::count(records, number)?));
    for kind in Kind::ALL {
        counted.push((kind.quota(), kind.count(records, &format!("{number}/"))?));
    }
    let limits = limits(account);
    let told = |(quota, used): (Quota, u64)| {
        let Quota { key, actions, unit, .. } = quota;
        let least = actions.iter().filter_map(|it| limits.limit_of_account(it, "*", key)).min();
        Holding {
            key: key.to_owned(),
            action: actions.first().copied().unwrap_or_default().to_owned(),
            used: used.div_ceil(unit),
            limit: least,
        }
    };
    Ok(counted.into_iter().map(told).collect())
}

/// What the policies of an account limit, whether it can use anything at the moment or not.
fn limits(account: &Account) -> Authority {
    let attached = |(name, text): (&String, &String)| {
        let policy = Policy::parse(text, PolicyKind::Identity).ok()?;
        let (name, policy) = (name.clone(), Arc::new(policy));
        Some(Attached { name, source: Source::Cloud, policy })
    };
    let of_account = account.policies.inline.iter().filter_map(attached).collect();
    let principal = Principal {
        account: account.number.clone(),
        kind: PrincipalKind::Owner,
        name: FIRST_USER.to_owned(),
        path: "/".to_owned(),
        id: String::new(),
        session: None,
    };
    Authority::new(principal, Grants { account: of_account, ..Grants::default() })
}
