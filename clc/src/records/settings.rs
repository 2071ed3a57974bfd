//! Settings that were changed, as rows. Their names, meanings and defaults are kept where they are
//! used.

use serde::{Deserialize, Serialize};

use super::record::record;

/// A setting that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

record!(Setting, "setting", |it| it.name.clone());
