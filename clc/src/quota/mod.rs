//! Quotas of EC2 and IAM: statements with `Effect: Limit`, and what they let somebody have.
//!
//! ```text
//!   policy of a user, group or role ─▶ what that user, or who bears that role, has made
//!   policy of an account            ─▶ what the account has, its owner's included
//!
//!        limits ──▶ none: nothing is counted
//!           │
//!           ▼
//!   turn of whom they are about ──▶ count ──▶ commit      (another who took the turn meanwhile
//!                                                          makes the commit start again)
//! ```
//! What is counted stands in the records of one account, found by its indexes; a caller whom no
//! limit concerns costs nothing. Each commit that would make something counted takes its *turn*, an
//! index row that it writes anew, so that two at the same time never exceed a limit together.
//! S3's quotas are walrus' own.

pub mod gifts;
pub mod holdings;
pub mod identity;
pub mod images;
pub mod instances;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::iam::PrincipalKind;
use store::Batch;

use crate::records::Records;

/// A quota: what statements call it, and which actions' statements set it.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// The condition key, in lower case.
    pub key: &'static str,
    /// The actions that ask for more of it. A limit on one of them holds for all.
    pub actions: &'static [&'static str],
    /// What it counts, in words.
    pub what: &'static str,
    /// In how large portions limits are given.
    pub unit: u64,
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Account,
    Own,
}

/// A limit that concerns a caller.
#[derive(Debug, Clone, Copy)]
struct Bound {
    quota: Quota,
    whose: Whose,
    limit: u64,
}

/// Who made something, as records note it: the id of the user or role, which stays with them under
/// whatever name.
pub fn maker(caller: &Caller) -> String {
    let id = &caller.authority.principal().id;
    if id.is_empty() { by_name(caller) } else { id.clone() }
}

/// Whether a record says that this caller made something.
fn is_own(noted: &str, caller: &Caller) -> bool {
    let id = &caller.authority.principal().id;
    (!id.is_empty() && noted == id) || noted == by_name(caller)
}

/// Who made something, as an earlier version noted it: `user/taro`, `role/web`.
fn by_name(caller: &Caller) -> String {
    let principal = caller.authority.principal();
    let kind = match principal.kind {
        PrincipalKind::Owner | PrincipalKind::User => "user",
        PrincipalKind::Role => "role",
    };
    format!("{kind}/{}", principal.name.to_ascii_lowercase())
}

/// The limits that concern a caller, of these quotas.
fn bounds(caller: &Caller, quotas: impl IntoIterator<Item = Quota>) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for quota in quotas {
        let least = |limit: &dyn Fn(&str) -> Option<u64>| {
            quota.actions.iter().filter_map(|action| limit(action)).min()
        };
        let authority = &caller.authority;
        let own = least(&|action| authority.limit_of_own(action, "*", quota.key));
        let account = least(&|action| authority.limit_of_account(action, "*", quota.key));
        for (whose, limit) in [(Whose::Own, own), (Whose::Account, account)] {
            bounds.extend(limit.map(|limit| Bound { quota, whose, limit }));
        }
    }
    bounds
}

impl Bound {
    /// How much more there may be of what there is so much of.
    fn left(&self, used: u64) -> u64 {
        self.limit.saturating_mul(self.quota.unit).saturating_sub(used)
    }

    /// What is told to whoever asks for more.
    fn exceeded(&self, code: ErrorCode, used: u64) -> ApiError {
        let Quota { key, what, unit, .. } = self.quota;
        let whose = match self.whose {
            Whose::Account => "The account",
            Whose::Own => "You",
        };
        let text = format!(
            "{whose} may have at most {} {what} ({key}); there are {}",
            self.limit,
            used.div_ceil(unit)
        );
        ApiError::new(code, text)
    }
}

/// Adds to a batch that makes something counted: nobody else whom these limits concern has
/// committed meanwhile.
fn take_turns(
    records: &Records,
    batch: &mut Batch,
    caller: &Caller,
    bounds: &[Bound],
) -> Result<(), ApiError> {
    let concerned = |whose| bounds.iter().any(|bound| bound.whose == whose);
    let rows = [
        (Whose::Account, caller.account.to_string()),
        (Whose::Own, format!("{}/{}", caller.account, maker(caller))),
    ];
    for (_, row) in rows.into_iter().filter(|(whose, _)| concerned(*whose)) {
        match records.turns.get(&row)? {
            Some(before) => {
                batch.hold_index(&records.turns, &before).point(&records.turns, &row, "");
            }
            None => {
                batch.claim(&records.turns, &row, "");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use common::iam::policy::{Attached, Policy, PolicyKind, Source};
    use common::iam::{Authority, Grants, Principal};
    use common::id::AccountId;
    use store::EngineConfig;

    use super::*;

    pub(crate) fn account() -> AccountId {
        "123456789012".parse().unwrap()
    }

    pub(crate) fn records() -> Records {
        Records::new(store::open(&EngineConfig::memory()).unwrap())
    }

    fn limits(action: &str, limits: &[(&str, u64)]) -> Vec<Attached> {
        let attached = |(key, limit): &(&str, u64)| {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Limit","Action":"{action}","Resource":"*","Condition":{{"NumericLessThanEquals":{{"{key}":"{limit}"}}}}}}]}}"#
            );
            let policy = Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap());
            Attached { name: "quota".into(), source: Source::User("x".into()), policy }
        };
        limits.iter().map(attached).collect()
    }

    /// A user whose own policies and whose account's limit an action.
    pub(crate) fn limited(
        name: &str,
        action: &str,
        own: &[(&str, u64)],
        account_has: &[(&str, u64)],
    ) -> Caller {
        let principal = Principal {
            account: account(),
            kind: PrincipalKind::User,
            name: name.to_owned(),
            path: "/".into(),
            id: format!("AIDA{name}"),
            session: None,
        };
        let (identity, of_account) = (limits(action, own), limits(action, account_has));
        let grants = Grants { identity, account: of_account, ..Grants::default() };
        let authority = Authority::new(principal, grants);
        Caller { user: name.to_owned(), authority, ..Caller::owner(&account(), "a") }
    }

    #[test]
    fn the_smallest_limit_counts_and_says_whose_it_is() {
        let quota = Quota {
            key: "ec2:quota-imagenumber",
            actions: &["ec2:A", "ec2:B"],
            what: "x",
            unit: 10,
        };
        let caller = limited("Taro", "ec2:B", &[(quota.key, 5), (quota.key, 3)], &[(quota.key, 7)]);
        let found = bounds(&caller, [quota]);
        let told: Vec<_> = found.iter().map(|it| (it.whose, it.limit)).collect();
        assert_eq!(told, [(Whose::Own, 3), (Whose::Account, 7)]);
        assert_eq!((found[0].left(0), found[0].left(25), found[0].left(31)), (30, 5, 0));
        let error = found[0].exceeded(ErrorCode::LimitExceeded, 25);
        assert_eq!(error.text(), "You may have at most 3 x (ec2:quota-imagenumber); there are 3");
        assert_eq!(maker(&caller), "AIDATaro");
        assert!(is_own("AIDATaro", &caller) && is_own("user/taro", &caller));
        assert!(!is_own("AIDAOther", &caller) && !is_own("", &caller));
        assert!(bounds(&limited("taro", "ec2:C", &[(quota.key, 1)], &[]), [quota]).is_empty());
    }

    #[test]
    fn of_two_that_take_the_same_turn_one_comes_first() {
        let (records, key) = (records(), "ec2:quota-imagenumber");
        let quota = Quota { key, actions: &["ec2:A"], what: "x", unit: 1 };
        let turn = |caller: &Caller| {
            let mut batch = Batch::new();
            take_turns(&records, &mut batch, caller, &bounds(caller, [quota])).unwrap();
            batch
        };
        let own = limited("taro", "ec2:A", &[(key, 1)], &[]);
        let other = limited("hanako", "ec2:A", &[(key, 1)], &[]);
        let both = limited("jiro", "ec2:A", &[], &[(key, 1)]);
        for _ in 0..2 {
            let (first, second, third, fourth) =
                (turn(&own), turn(&own), turn(&other), turn(&both));
            first.commit(&*records.engine).unwrap();
            assert!(second.commit(&*records.engine).is_err());
            third.commit(&*records.engine).unwrap();
            fourth.commit(&*records.engine).unwrap();
        }
        assert!(turn(&limited("saburo", "ec2:A", &[], &[])).is_empty());
    }
}
