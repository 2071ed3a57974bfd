//! `Action` and `NotAction`: `SERVICE:NAME`, in any case and with wildcards, or `*`.

use super::glob::Glob;
use super::meter::Meter;

/// Actions that a statement names.
#[derive(Debug)]
pub(super) struct ActionPattern {
    /// In lower case. `None` if it is any action.
    glob: Option<Glob>,
}

impl ActionPattern {
    /// Reads what a policy calls an action.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self { glob: None });
        }
        let wrong = || format!("'{text}' is no action: SERVICE:NAME is expected, or *");
        let (service, name) = text.split_once(':').ok_or_else(wrong)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let wild = |c: char| plain(c) || "_*?".contains(c);
        if service.is_empty() || !service.chars().all(plain) {
            return Err(format!(
                "'{text}' names no service: letters, digits and - before the colon"
            ));
        }
        if name.is_empty() || !name.chars().all(wild) {
            return Err(wrong());
        }
        Ok(Self { glob: Some(Glob::of(&text.to_ascii_lowercase())) })
    }

    /// Whether an action that is given in lower case is one of them.
    pub(super) fn matches(&self, action: &str, meter: &Meter) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.matches(action, meter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_know_no_case() {
        let cases = [
            ("*", "ec2:runinstances", true),
            ("EC2:runINSTANCES", "ec2:runinstances", true),
            ("ec2:*", "ec2:runinstances", true),
            ("ec2:*", "ec20:runinstances", false),
            ("ec2:Describe*", "ec2:describeimages", true),
            ("ec2:*Image?", "ec2:describeimages", true),
            ("ec2:*Image?", "ec2:describeimage", false),
            ("ec2:Run", "ec2:runinstances", false),
        ];
        for (pattern, action, expected) in cases {
            assert_eq!(
                ActionPattern::read(pattern).unwrap().matches(action, &Meter::default()),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_is_no_action_is_refused() {
        for text in [
            "",
            "ec2",
            "ec2:",
            ":Run",
            "e*:Run",
            "**",
            "ec2:Run Instances",
            "ec2:Run:x",
            "ec2:日",
            "ec 2:Run",
            "?",
            "ec2:${aws:username}",
            " ec2:Run",
            "ec2:Run\n",
        ] {
            assert!(ActionPattern::read(text).is_err(), "{text:?}");
        }
    }
}
