//! Texts in both languages, side by side: one without its pair does not compile.
//!
//! A text may name what is put into it in braces. It is a `&'static str` either way, so what people
//! wrote can only come in by [`Words::fill`], and what that makes is escaped like all else when it is
//! put on a page.

use common::wire::people::Language;

use crate::people::mails::fill;

/// A text in English and Japanese.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    /// English.
    pub(crate) en: &'static str,
    /// Japanese.
    pub(crate) ja: &'static str,
}

/// Declares the texts of a family: `NAME = "English", "日本語";`.
macro_rules! texts {
    ($($name:ident = $en:literal, $ja:literal;)*) => {
        $(
            #[doc = $en]
            pub(crate) const $name: $crate::console::text::Text =
                $crate::console::text::Text { en: $en, ja: $ja };
        )*

        /// All texts of this family, for the test that looks at all of them.
        #[cfg(test)]
        pub(crate) const ALL: &[$crate::console::text::Text] = &[$($name,)*];
    };
}
pub(crate) use texts;

/// Says texts in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    /// A text in this language.
    pub(crate) fn t(self, text: Text) -> &'static str {
        match self.0 {
            Language::En => text.en,
            Language::Ja => text.ja,
        }
    }

    /// A text with values in the places of their names, put in once from the beginning to the end.
    pub(crate) fn fill(self, text: Text, values: &[(&str, &str)]) -> String {
        fill(self.t(text), values)
    }

    /// What `lang` says of this language.
    pub(crate) fn tag(self) -> &'static str {
        tag(self.0)
    }
}

/// What `lang` says of a language.
pub(crate) fn tag(language: Language) -> &'static str {
    match language {
        Language::En => "en",
        Language::Ja => "ja",
    }
}

/// The language of a tag, if it is one of ours: `ja-JP` is Japanese.
pub(crate) fn language(tag: &str) -> Option<Language> {
    match tag.split('-').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "en" => Some(Language::En),
        "ja" => Some(Language::Ja),
        _ => None,
    }
}

/// The first of ours that a browser asks for, by `Accept-Language`.
pub(crate) fn accepted(header: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for part in header.split(',').take(32) {
        let (tag, weight) = part.split_once(';').unwrap_or((part, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
        let (Some(language), Some(weight)) = (language(tag), weight) else { continue };
        if weight > 0.0 && best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: Text = Text { en: "Hello {name}, {name}!", ja: "{name} さん、こんにちは" };

    #[test]
    fn values_are_put_in_once() {
        let filled = Words(Language::En).fill(HELLO, &[("name", "{name}<b>")]);
        assert_eq!(filled, "Hello {name}<b>, {name}<b>!");
        assert_eq!(Words(Language::Ja).fill(HELLO, &[("name", "太郎")]), "太郎 さん、こんにちは");
    }

    #[test]
    fn browsers_are_understood() {
        for (header, expected) in [
            ("ja", Some(Language::Ja)),
            ("ja-JP,ja;q=0.9,en-US;q=0.8", Some(Language::Ja)),
            ("fr, en-GB;q=0.5, ja;q=0.4", Some(Language::En)),
            ("en;q=0, ja;q=0.1", Some(Language::Ja)),
            ("fr", None),
            ("", None),
            ("ja;q=x", None),
        ] {
            assert_eq!(accepted(header), expected, "{header}");
        }
    }
}
