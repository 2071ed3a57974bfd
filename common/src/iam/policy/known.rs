//! The context of a question, which of its keys were asked for in vain, and what is left to pay with.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::meter::Meter;
use crate::iam::context::Context;

/// What looking for a key costs, in bytes looked at.
const LOOK: usize = 16;

/// What is known, to whoever decides.
pub(super) struct Known<'a> {
    context: &'a Context,
    missing: RefCell<BTreeSet<String>>,
    /// What the answer may cost still.
    pub(super) meter: Meter,
}

impl<'a> Known<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, missing: RefCell::default(), meter: Meter::default() }
    }

    /// The values of a key that is given in lower case; one that is unknown is noted.
    pub(super) fn values(&self, key: &str) -> Option<&'a [String]> {
        if !self.meter.pay(LOOK) {
            return None;
        }
        let found = self.context.get(key);
        if found.is_none() && !self.missing.borrow().contains(key) {
            self.missing.borrow_mut().insert(key.to_owned());
        }
        found
    }

    /// The value of a key that has one: what a variable stands for.
    pub(super) fn value(&self, key: &str) -> Option<&'a str> {
        match self.values(key) {
            Some([value]) => Some(value),
            _ => None,
        }
    }

    /// The keys that were asked for and unknown.
    pub(super) fn missing(self) -> Vec<String> {
        self.missing.into_inner().into_iter().collect()
    }
}
