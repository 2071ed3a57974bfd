//! What actions refuse, in Japanese. The APIs speak English alone; here stand the sentences that people
//! meet most, with `*` for what varies. What is not here is shown as the API says it.

mod cloud;
mod compute;
mod credentials;
mod iam;
mod images;
mod people;
mod pictures;
mod registrar;
mod storage;

/// A sentence of the cloud's, and the same in Japanese with `{1}`, `{2}` for what varies.
type Sentence = (&'static str, &'static str);

/// All of them, a file a family; what is said of fewer sentences comes first.
const TABLES: [&[Sentence]; 9] = [
    cloud::TABLE,
    compute::TABLE,
    credentials::TABLE,
    iam::TABLE,
    images::TABLE,
    pictures::TABLE,
    registrar::TABLE,
    people::TABLE,
    storage::TABLE,
];

/// A sentence of the cloud's in Japanese, if it is known.
pub(crate) fn japanese(sentence: &str) -> Option<String> {
    TABLES.into_iter().flatten().find_map(|(pattern, japanese)| {
        let held = matched(pattern, sentence)?;
        let mut text = (*japanese).to_owned();
        for (number, value) in (1..).zip(held) {
            text = text.replacen(&format!("{{{number}}}"), value, 1);
        }
        Some(text)
    })
}

/// What stands for each `*` of a pattern, if the sentence is of its form.
fn matched<'a>(pattern: &str, sentence: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split('*');
    let mut rest = sentence.strip_prefix(parts.next()?)?;
    let mut held = Vec::new();
    for part in parts {
        if part.is_empty() {
            held.push(rest);
            return Some(held);
        }
        let (value, behind) = rest.split_once(part)?;
        held.push(value);
        rest = behind;
    }
    rest.is_empty().then_some(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_found_by_their_form() {
        let told = japanese("Too many wrong passwords: try again in 15 seconds").unwrap();
        assert!(told.contains("15 秒"), "{told}");
        assert_eq!(japanese("The user 'x' is disabled today"), None);
        assert!(japanese("The user '{1}' is disabled").unwrap().contains("{1}"));
        assert_eq!(japanese("nobody says so"), None);
        let told = japanese("The password cannot be used: it has no digit").unwrap();
        assert!(told.ends_with("it has no digit"), "{told}");
    }

    #[test]
    fn each_has_its_own_row_and_what_varies_is_told() {
        let all: Vec<_> = TABLES.into_iter().flatten().collect();
        for (number, (pattern, japanese)) in all.iter().enumerate() {
            let stars = pattern.matches('*').count();
            for (at, part) in japanese.match_indices('{') {
                let digit: usize = japanese[at + part.len()..at + 2].parse().unwrap();
                assert!((1..=stars).contains(&digit), "{pattern}");
            }
            assert!(!all[..number].iter().any(|(other, _)| other == pattern), "{pattern}");
        }
    }
}
