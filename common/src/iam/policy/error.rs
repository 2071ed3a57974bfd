//! What is wrong with a text that should be a policy, and where.

use thiserror::Error;

/// Why a text is no policy: the element, what is wrong with it, line and column.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

/// A place in a policy's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// Characters from the start of the line, from 1.
    pub column: usize,
}

/// From where to where something stands in a policy's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first character.
    pub start: Position,
    /// The character after its last.
    pub end: Position,
}

impl Position {
    /// The place of the byte `offset` of a text; its end for what lies beyond.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.char_indices().take_while(|(at, _)| *at < offset);
        let mut place = Self { line: 1, column: 1 };
        for (_, letter) in before {
            place = match letter {
                '\n' => Self { line: place.line + 1, column: 1 },
                _ => Self { column: place.column + 1, ..place },
            };
        }
        place
    }
}

impl PolicyError {
    /// Says what is wrong at the byte `offset` of a text.
    pub(super) fn at(text: &str, offset: usize, what: &str) -> Self {
        let Position { line, column } = Position::of(text, offset);
        Self(format!("{what} (line {line}, column {column})"))
    }
}
