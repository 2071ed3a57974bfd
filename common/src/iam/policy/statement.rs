//! Statements: an effect, and what they speak of.

use super::action::ActionPattern;
use super::condition::Condition;
use super::known::Known;
use super::resource::{ArnName, ArnPattern};
use super::whom::{Asker, Named, Whom};

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
    /// Sets quotas.
    Limit,
}

/// A statement, ready to be asked.
#[derive(Debug)]
pub(super) struct Statement {
    /// Where it stands in the text, in bytes.
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) whom: Option<Whom>,
    pub(super) actions: Actions,
    /// `None` where the policy stands on the only resource there is.
    pub(super) resources: Option<Resources>,
    pub(super) conditions: Vec<Condition>,
    /// The most there may be, by key.
    pub(super) quotas: Vec<(String, u64)>,
}

#[derive(Debug)]
pub(super) struct Actions {
    /// Whether all others are meant.
    pub(super) negated: bool,
    pub(super) patterns: Vec<ActionPattern>,
}

#[derive(Debug)]
pub(super) struct Resources {
    /// Whether all others are meant.
    pub(super) negated: bool,
    pub(super) patterns: Vec<ArnPattern>,
}

/// A question, ready to be put to many statements.
pub(super) struct Asked<'a> {
    /// In lower case.
    pub(super) action: String,
    pub(super) resource: ArnName<'a>,
    pub(super) known: Known<'a>,
}

impl Statement {
    /// Whether it speaks of what is asked, whoever asks. A variable without a value in `NotResource`
    /// makes it speak of nothing.
    pub(super) fn applies(&self, asked: &Asked<'_>) -> bool {
        if !self.actions.mean(&asked.action, &asked.known) {
            return false;
        }
        if !self.resources.as_ref().is_none_or(|resources| resources.mean(asked)) {
            return false;
        }
        // All are asked, so that all keys are told that nobody knew.
        self.conditions.iter().filter(|condition| !condition.holds(&asked.known)).count() == 0
    }

    /// How it names somebody, if it speaks of them. One that speaks of all but some names nobody in
    /// person.
    pub(super) fn names(&self, asker: &Asker<'_>) -> Option<Named> {
        let whom = self.whom.as_ref()?;
        match whom.negated {
            false => whom.names(asker),
            true => (!whom.spares(asker)).then_some(Named::Everyone),
        }
    }

    /// The condition keys that it asks for, as they were written.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter().flat_map(|resources| &resources.patterns);
        resources.flat_map(ArnPattern::keys).chain(self.conditions.iter().flat_map(Condition::keys))
    }
}

impl Actions {
    fn mean(&self, action: &str, known: &Known<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action, &known.meter)) != self.negated
    }
}

impl Resources {
    fn mean(&self, asked: &Asked<'_>) -> bool {
        let mut matches = self.patterns.iter().map(|it| it.matches(&asked.resource, &asked.known));
        match self.negated {
            false => matches.any(|found| found == Some(true)),
            true => matches.all(|found| found == Some(false)),
        }
    }
}
