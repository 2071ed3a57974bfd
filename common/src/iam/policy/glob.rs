//! Patterns with `*` (any characters, or none) and `?` (any one character).
//!
//! A pattern is cut at its stars when it is made. What lies between two stars has a fixed number of
//! characters, so the leftmost place where it fits is always the right one: matching never goes back,
//! and costs at most the square of the text's length, however long the pattern is.

/// A pattern, cut at its stars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Glob {
    /// No wildcards: most patterns are so, and take little room.
    Plain(Box<str>),
    /// At least one piece, and the bytes that all need at least.
    Pieces(Box<[Piece]>, usize),
}

/// What lies between two stars.
pub(super) type Piece = Vec<Unit>;

/// A step in a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit {
    /// These characters.
    Text(String),
    /// Any one character.
    One,
    /// Any characters. Never inside a piece.
    Many,
}

impl Glob {
    /// The pattern of these steps.
    pub(super) fn new(units: impl IntoIterator<Item = Unit>) -> Self {
        let mut pieces = vec![Piece::new()];
        for unit in units {
            let last = pieces.len() - 1;
            match (unit, pieces[last].last_mut()) {
                (Unit::Many, _) => pieces.push(Piece::new()),
                (Unit::Text(text), Some(Unit::Text(before))) => before.push_str(&text),
                (Unit::Text(text), _) if text.is_empty() => {}
                (unit, _) => pieces[last].push(unit),
            }
        }
        match &mut pieces[..] {
            [piece] if piece.is_empty() => return Self::Plain(Box::default()),
            [piece] => {
                if let [Unit::Text(text)] = &mut piece[..] {
                    return Self::Plain(std::mem::take(text).into_boxed_str());
                }
            }
            _ => {}
        }
        // Two stars are one.
        let last = pieces.len() - 1;
        let mut at = 0;
        pieces.retain(|piece| {
            at += 1;
            at == 1 || at == last + 1 || !piece.is_empty()
        });
        let length = |unit: &Unit| match unit {
            Unit::Text(text) => text.len(),
            Unit::One => 1,
            Unit::Many => 0,
        };
        let least = pieces.iter().flatten().map(length).sum();
        Self::Pieces(pieces.into_boxed_slice(), least)
    }

    /// The pattern that a text means by its `*` and `?`.
    pub(super) fn of(text: &str) -> Self {
        Self::new(units(text))
    }

    /// Whether a whole text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        let pieces = match self {
            Self::Plain(plain) => return **plain == *text,
            Self::Pieces(_, least) if text.len() < *least => return false,
            Self::Pieces(pieces, _) => pieces,
        };
        let Some((last, before)) = pieces.split_last() else { return text.is_empty() };
        let Some((first, middle)) = before.split_first() else {
            return front(last, text) == Some("");
        };
        let Some(mut rest) = front(first, text) else { return false };
        for piece in middle {
            match leftmost(piece, rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        back(last, rest)
    }
}

/// The steps that a text means by its `*` and `?`.
pub(super) fn units(text: &str) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['*', '?']) {
        units.push(Unit::Text(rest[..at].to_owned()));
        units.push(if rest[at..].starts_with('*') { Unit::Many } else { Unit::One });
        rest = &rest[at + 1..];
    }
    units.push(Unit::Text(rest.to_owned()));
    units
}

/// What follows a piece that a text begins with.
fn front<'a>(piece: &[Unit], text: &'a str) -> Option<&'a str> {
    let mut rest = text;
    for unit in piece {
        rest = match unit {
            Unit::Text(wanted) => rest.strip_prefix(wanted.as_str())?,
            Unit::One | Unit::Many => {
                let mut letters = rest.chars();
                letters.next()?;
                letters.as_str()
            }
        };
    }
    Some(rest)
}

/// Whether a text ends with a piece.
fn back(piece: &[Unit], text: &str) -> bool {
    let mut rest = text;
    for unit in piece.iter().rev() {
        let before = match unit {
            Unit::Text(wanted) => rest.strip_suffix(wanted.as_str()),
            Unit::One | Unit::Many => {
                let mut letters = rest.chars();
                letters.next_back().map(|_| letters.as_str())
            }
        };
        match before {
            Some(before) => rest = before,
            None => return false,
        }
    }
    true
}

/// What follows the leftmost place where a piece fits.
fn leftmost<'a>(piece: &[Unit], text: &'a str) -> Option<&'a str> {
    match piece {
        [] => Some(text),
        [Unit::Text(wanted)] => text.find(wanted.as_str()).map(|at| &text[at + wanted.len()..]),
        _ => text.char_indices().find_map(|(at, _)| front(piece, &text[at..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what a pattern means, and nothing else.
    fn plainly(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', pattern @ ..], _) => (0..=text.len()).any(|at| plainly(pattern, &text[at..])),
            (['?', pattern @ ..], [_, text @ ..]) => plainly(pattern, text),
            ([wanted, pattern @ ..], [found, text @ ..]) => {
                wanted == found && plainly(pattern, text)
            }
            _ => false,
        }
    }

    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % end
        }

        fn word(&mut self, letters: &[char], longest: usize) -> Vec<char> {
            let length = self.below(longest + 1);
            (0..length).map(|_| letters[self.below(letters.len())]).collect()
        }
    }

    #[test]
    fn a_pattern_matches_what_it_plainly_means() {
        let mut dice = Dice(7);
        let (mut matched, mut rounds) = (0, 0);
        while rounds < 60_000 {
            rounds += 1;
            let pattern = dice.word(&['a', 'b', 'é', '*', '?', '*'], 7);
            let text = dice.word(&['a', 'b', 'é', '*'], 8);
            let glob = Glob::of(&pattern.iter().collect::<String>());
            let found = glob.matches(&text.iter().collect::<String>());
            assert_eq!(found, plainly(&pattern, &text), "{pattern:?} {text:?}");
            matched += usize::from(found);
        }
        assert!(matched > 5_000, "{matched}");
    }

    #[test]
    fn a_literal_has_no_wildcards() {
        let literal = |text: &str| Glob::new([Unit::Text(text.to_owned())]);
        assert!(literal("a*?").matches("a*?") && !literal("a*?").matches("abc"));
        assert!(literal("").matches("") && !literal("").matches("*"));
    }

    #[test]
    fn hostile_patterns_cost_no_more_than_their_length() {
        let text = "a".repeat(4096);
        for pattern in
            ["*a".repeat(2000) + "*b", "a*".repeat(3000) + "b", "*?a?".repeat(900) + "b*"]
        {
            assert!(!Glob::of(&pattern).matches(&text));
        }
        assert!(Glob::of(&"*a".repeat(4096)).matches(&text));
    }
}
