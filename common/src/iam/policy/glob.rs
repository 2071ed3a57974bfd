//! Patterns with `*` (any characters, or none) and `?` (any one character).
//!
//! A pattern is cut at its stars when it is made. What lies between two stars has a fixed number of
//! characters, so the leftmost place where it fits is always the right one, and matching never goes
//! back. A piece without `?` is found in linear time. One with `?` is tried place by place as long as
//! that takes no more steps than twice the text has, which it hardly ever does; from there on all
//! places are tried at once, a bit for each, so that a character of the text costs a step for every
//! 64 of the piece. All of it is paid for.

use super::meter::Meter;

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

    /// Whether a whole text matches; `false` if that cannot be paid.
    pub(super) fn matches(&self, text: &str, meter: &Meter) -> bool {
        let pieces = match self {
            Self::Plain(plain) => {
                let seen = if plain.len() == text.len() { text.len() / 16 } else { 0 };
                return meter.pay(1 + seen) && **plain == *text;
            }
            Self::Pieces(pieces, least) => {
                // What is at the ends is compared once.
                let fits = *least <= text.len();
                if !meter.pay(if fits { 4 + least / 4 } else { 1 }) || !fits {
                    return false;
                }
                pieces
            }
        };
        let Some((last, before)) = pieces.split_last() else { return text.is_empty() };
        let Some((first, middle)) = before.split_first() else {
            return front(last, text) == Some("");
        };
        let Some(mut rest) = front(first, text) else { return false };
        for piece in middle {
            match leftmost(piece, rest, meter) {
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
fn leftmost<'a>(piece: &[Unit], text: &'a str, meter: &Meter) -> Option<&'a str> {
    match piece {
        [] => Some(text),
        [Unit::Text(wanted)] => {
            let after = text.find(wanted.as_str()).map(|at| &text[at + wanted.len()..]);
            let seen = text.len() - after.map_or(0, str::len);
            meter.pay(seen + 2 * wanted.len()).then_some(after)?
        }
        _ => one_by_one(piece, text, meter),
    }
}

/// The same, for a piece with `?` in it.
fn one_by_one<'a>(piece: &[Unit], text: &'a str, meter: &Meter) -> Option<&'a str> {
    let mut left = 2 * text.len() + 16;
    for (at, _) in text.char_indices() {
        let mut rest = Some(&text[at..]);
        for unit in piece {
            let cost = match unit {
                Unit::Text(text) => 1 + text.len() / 8,
                Unit::One | Unit::Many => 1,
            };
            left = match left.checked_sub(cost) {
                Some(left) if meter.pay(cost) => left,
                Some(_) => return None,
                None => return all_at_once(piece, &text[at..], meter),
            };
            rest = rest.and_then(|rest| front(std::slice::from_ref(unit), rest));
            if rest.is_none() {
                break;
            }
        }
        if rest.is_some() {
            return rest;
        }
    }
    None
}

/// The same: bit `n` of the state says that the piece's first `n + 1` characters end here.
fn all_at_once<'a>(piece: &[Unit], text: &'a str, meter: &Meter) -> Option<&'a str> {
    let letters: Vec<Option<char>> = piece
        .iter()
        .flat_map(|unit| match unit {
            Unit::Text(text) => text.chars().map(Some).collect(),
            Unit::One | Unit::Many => vec![None],
        })
        .collect();
    let words = letters.len().div_ceil(64);
    let mut known: Vec<char> = letters.iter().flatten().copied().collect();
    known.sort_unstable();
    known.dedup();
    // One row of bits for each character of the piece, and the last one for all others.
    let step = words + 8;
    if !meter.pay(8 * letters.len() + known.len() * words) {
        return None;
    }
    let mut fits = vec![0u64; (known.len() + 1) * words];
    for (at, letter) in letters.iter().enumerate() {
        let (word, bit) = (at / 64, 1u64 << (at % 64));
        match letter.map(|letter| known.binary_search(&letter)) {
            Some(Ok(row)) => fits[row * words + word] |= bit,
            Some(Err(_)) => {}
            None => (0..=known.len()).for_each(|row| fits[row * words + word] |= bit),
        }
    }
    let (end, mut state) = (1u64 << ((letters.len() - 1) % 64), vec![0u64; words]);
    for (at, letter) in text.char_indices() {
        if !meter.pay(step) {
            return None;
        }
        let row = known.binary_search(&letter).unwrap_or(known.len()) * words;
        let mut begins = 1;
        for (word, fits) in state.iter_mut().zip(&fits[row..row + words]) {
            let carried = *word >> 63;
            *word = (*word << 1 | begins) & fits;
            begins = carried;
        }
        if state.last().is_some_and(|last| last & end != 0) {
            return Some(&text[at + letter.len_utf8()..]);
        }
    }
    None
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
            let found = glob.matches(&text.iter().collect::<String>(), &Meter::default());
            assert_eq!(found, plainly(&pattern, &text), "{pattern:?} {text:?}");
            matched += usize::from(found);
        }
        assert!(matched > 5_000, "{matched}");
    }

    #[test]
    fn a_literal_has_no_wildcards() {
        let literal = |text: &str| Glob::new([Unit::Text(text.to_owned())]);
        let matches = |glob: &str, text: &str| literal(glob).matches(text, &Meter::default());
        assert!(matches("a*?", "a*?") && !matches("a*?", "abc"));
        assert!(matches("", "") && !matches("", "*"));
    }

    #[test]
    fn long_pieces_fit_where_they_plainly_do() {
        let mut dice = Dice(11);
        let mut matched = 0;
        for _ in 0..400 {
            let mut piece = dice.word(&['a', 'b', 'é', '?'], 200);
            let mut text: Vec<_> =
                piece.iter().map(|it| if *it == '?' { 'x' } else { *it }).collect();
            // One place that almost fits lies before it.
            let mut almost = text.clone();
            almost.pop();
            almost.extend_from_slice(&text);
            if dice.below(3) == 0 && !text.is_empty() {
                let at = dice.below(text.len());
                text[at] = 'y';
            } else {
                text = almost;
            }
            piece.insert(0, '*');
            piece.push('*');
            let found = Glob::of(&piece.iter().collect::<String>())
                .matches(&text.iter().collect::<String>(), &Meter::default());
            assert_eq!(found, plainly(&piece, &text), "{piece:?} {text:?}");
            matched += usize::from(found);
        }
        assert!((100..390).contains(&matched), "{matched}");
    }

    #[test]
    fn hostile_patterns_cost_little_more_than_their_length() {
        let text = "a".repeat(2048);
        for pattern in [
            "*a".repeat(1000) + "*b",
            "a*".repeat(1000) + "b",
            "*?a?".repeat(500) + "b*",
            "*".to_owned() + &"?a".repeat(500) + "b*",
            "*?".to_owned() + &"a".repeat(1000) + "b*",
            "*?ab*".to_owned(),
        ] {
            let meter = Meter::default();
            assert!(!Glob::of(&pattern).matches(&text, &meter), "{pattern}");
            assert!(!meter.is_empty() && meter.paid() < 100_000, "{} {pattern}", meter.paid());
        }
        assert!(Glob::of(&"*a".repeat(2048)).matches(&text, &Meter::default()));
        // What cannot be paid matches nothing.
        let (meter, long) = (Meter::default(), "a".repeat(1_200_000));
        assert!(!Glob::of("*?a?b*").matches(&(long + "ab"), &meter) && meter.is_empty());
    }
}
