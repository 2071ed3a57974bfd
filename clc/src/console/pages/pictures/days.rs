//! Between which days a report tells, as they are asked for: this month, if nothing is said.

use common::time::Timestamp;
use maud::{Markup, html};

use crate::console::text::Words;
use crate::console::texts::pictures as say;
use crate::console::visit::Visit;
use crate::history::meter::day;

/// Two days, both included.
pub(super) struct Days {
    /// The first, `2026-11-01`.
    pub(super) from: String,
    /// The last.
    pub(super) until: String,
    /// Whether what was asked for makes no sense.
    pub(super) wrong: bool,
}

fn known(text: &str) -> Option<String> {
    let at = Timestamp::parse_iso(&format!("{text}T00:00:00Z")).ok()?;
    (text.len() == 10 && day(at) == text).then(|| text.to_owned())
}

impl Days {
    /// Those that are asked for.
    pub(super) fn of(visit: &Visit) -> Self {
        let today = day(visit.desk.people.now());
        let first = format!("{}01", today.get(..8).unwrap_or_default());
        let asked = |name: &str| visit.query.some(name);
        let (from, until) = (asked("from"), asked("until"));
        let read = |asked: &Option<String>| asked.as_deref().map(known);
        let wrong = [read(&from), read(&until)].contains(&Some(None));
        let from = read(&from).flatten().unwrap_or(first);
        let until = read(&until).flatten().unwrap_or(today);
        let wrong = wrong || from > until;
        Self { from, until, wrong }
    }

    /// What follows the `?` of an address.
    pub(super) fn query(&self) -> String {
        format!("from={}&until={}", self.from, self.until)
    }

    /// The form by which others are asked for.
    pub(super) fn form(&self, words: Words, path: &str) -> Markup {
        let fields = [("from", say::FIRST_DAY, &self.from), ("until", say::LAST_DAY, &self.until)];
        html! {
            @if self.wrong {
                div.notice.bad role="alert" { strong { (words.t(say::WRONG_DAYS)) } p { (words.t(say::WRONG_DAYS_TEXT)) } }
            }
            form.search method="get" action=(path) {
                @for (name, label, value) in fields {
                    div.field {
                        label for=(name) { (words.t(label)) }
                        input id=(name) name=(name) type="date" value=(value) required;
                    }
                }
                button.second type="submit" { (words.t(say::SHOW)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_are_days() {
        for (text, is) in [
            ("2026-11-23", true),
            ("2026-02-29", false),
            ("2028-02-29", true),
            ("2026-13-01", false),
            ("", false),
            ("2026-11-23T00:00", false),
            ("<script>", false),
        ] {
            assert_eq!(known(text).is_some(), is, "{text}");
        }
    }
}
