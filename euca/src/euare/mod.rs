//! The commands of IAM, which Eucalyptus calls Euare: `euare-usercreate` and its kin, one file a
//! family.
//!
//! An action is asked by its name and answered as a tree (`iam.rs`), because a command prints a
//! text or two of what can be a long answer. Names are operands; the flag that 3.0 had before each
//! of them, `-u NAME`, is understood and means nothing.

mod accounts;
mod certificates;
mod groups;
mod holders;
mod iam;
mod keys;
mod logins;
mod policies;
mod profiles;
mod roles;
mod sessions;
mod users;

use crate::row::Row;

/// The commands, by their families.
pub(crate) const ROWS: &[&[Row]] = &[
    users::ROWS,
    keys::ROWS,
    certificates::ROWS,
    logins::ROWS,
    groups::ROWS,
    policies::ROWS,
    roles::ROWS,
    profiles::ROWS,
    accounts::ROWS,
    sessions::ROWS,
];
