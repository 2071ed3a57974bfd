//! What the console says, one file a family of pages.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod cloud;
pub(crate) mod common;
pub(crate) mod credentials;
pub(crate) mod groups;
pub(crate) mod iam;
pub(crate) mod images;
pub(crate) mod instances;
pub(crate) mod key_pairs;
pub(crate) mod launch;
pub(crate) mod lines;
pub(crate) mod nodes;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod pictures;
pub(crate) mod proof;
pub(crate) mod quotas;
pub(crate) mod refusals;
pub(crate) mod services;
pub(crate) mod settings;
pub(crate) mod signing;
pub(crate) mod storage;
pub(crate) mod types;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const UNITS: [&str; 6] = ["vCPU", "CPU", "KiB", "MiB", "GiB", "ms"];

    fn names(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|part| part.split_once('}').unwrap().0).collect()
    }

    #[test]
    fn every_text_has_its_pair() {
        let families = [
            accounts::ALL,
            audit::ALL,
            cloud::ALL,
            common::ALL,
            credentials::ALL,
            groups::ALL,
            iam::ALL,
            images::ALL,
            instances::ALL,
            key_pairs::ALL,
            launch::ALL,
            lines::ALL,
            nodes::ALL,
            overview::ALL,
            people::ALL,
            pictures::ALL,
            proof::ALL,
            quotas::ALL,
            services::ALL,
            settings::ALL,
            signing::ALL,
            storage::ALL,
            types::ALL,
        ];
        let japanese = |c: char| {
            ('\u{3040}'..='\u{30ff}').contains(&c) || ('\u{4e00}'..='\u{9fff}').contains(&c)
        };
        for text in families.into_iter().flatten() {
            assert!(!text.en.is_empty() && !text.ja.is_empty(), "{text:?}");
            assert_eq!(names(text.en), names(text.ja), "{text:?}");
            assert!(!text.en.contains(japanese), "{text:?}");
            // Names and ids are the same in both.
            let plain = text.en.chars().all(|c| !c.is_lowercase());
            // A text of numbers, marks and units alone needs no word.
            let words = text.ja.split('{').map(|it| it.split_once('}').map_or(it, |(_, it)| it));
            let words = words.collect::<String>();
            let mut left =
                words.split(|c: char| !c.is_ascii_alphabetic()).filter(|it| !it.is_empty());
            let wordless = left.all(|word| UNITS.contains(&word));
            assert!(plain || wordless || text.ja.contains(japanese), "{text:?}");
        }
    }
}
