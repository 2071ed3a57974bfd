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

/// Who made something, as records note it: `user/taro`, `role/web`.
pub fn maker(caller: &Caller) -> String {
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
        let own = least(&|action| authority.limit(action, "*", quota.key));
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
