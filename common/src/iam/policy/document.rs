//! A policy, read once and asked often.

use std::collections::BTreeMap;

use super::error::{PolicyError, Position, Span};
use super::kind::PolicyKind;
use super::reader;
use super::statement::Statement;

/// A policy, read and made ready to be asked.
#[derive(Debug)]
pub struct Policy {
    text: String,
    id: Option<String>,
    pub(super) statements: Vec<Statement>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Names what is wrong with the text, and where.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, PolicyError> {
        let reader::Document { id, statements } = reader::read(text, kind)?;
        Ok(Self { text: text.to_owned(), id, statements })
    }

    /// The text, as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its `Id`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How many statements it has.
    pub fn len(&self) -> usize {
        self.statements.len()
    }

    /// Whether it has none, which no policy has.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The `Sid` of a statement, counted from 0.
    pub fn sid(&self, statement: usize) -> Option<&str> {
        self.statements.get(statement)?.sid.as_deref()
    }

    /// Where a statement, counted from 0, stands in the text.
    pub fn span(&self, statement: usize) -> Option<Span> {
        let Statement { at, end, .. } = self.statements.get(statement)?;
        let place = |offset| Position::of(&self.text, offset);
        Some(Span { start: place(*at), end: place(*end) })
    }

    /// Whether it asks, in a condition or as a variable, for a key that begins so.
    pub fn asks_for(&self, beginning: &str) -> bool {
        let begins = |key: &str| {
            key.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
        };
        self.statements.iter().flat_map(Statement::keys).any(begins)
    }

    /// The condition keys that it asks for, in conditions and as variables, each once, as it was
    /// first written, sorted without regard to case.
    pub fn context_keys(&self) -> Vec<String> {
        let mut keys = BTreeMap::new();
        for key in self.statements.iter().flat_map(Statement::keys) {
            keys.entry(key.to_ascii_lowercase()).or_insert_with(|| key.to_owned());
        }
        keys.into_values().collect()
    }
}
