//! Parameters as a tree: each name hung at the place that its dots say.

use std::collections::BTreeMap;

use crate::error::ApiError;

/// Parameters as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    pub(super) text: Option<String>,
    pub(super) children: BTreeMap<String, Node>,
    /// What was sent with an empty value, for the few who tell that from nothing sent.
    pub(super) blanks: BTreeMap<String, Node>,
}

impl Node {
    /// Hangs each pair on the tree at the place that its dots name.
    ///
    /// # Errors
    /// A parameter given twice, or nested deeper than any action's.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ApiError> {
        const DEPTH: usize = 12;
        let mut root = Self::default();
        let mut blanks = Vec::new();
        for (name, value) in pairs {
            if value.is_empty() {
                blanks.push(name);
                continue;
            }
            let mut at = &mut root;
            let steps = name.split('.');
            for (depth, step) in steps.enumerate() {
                if depth == DEPTH {
                    return Err(ApiError::invalid(name, "no parameter is nested that deep"));
                }
                at = at.children.entry(step.to_owned()).or_default();
            }
            if at.text.replace(value.to_owned()).is_some_and(|before| before != value) {
                return Err(ApiError::invalid(name, "given twice with different values"));
            }
        }
        for name in blanks {
            root.hang_blank(name.split('.').take(DEPTH));
        }
        Ok(root)
    }

    /// Hangs an empty value below what is there: it must not make anything be there.
    fn hang_blank<'a>(&mut self, steps: impl Iterator<Item = &'a str>) {
        let (mut at, mut there) = (self, true);
        for step in steps {
            there = there && at.children.contains_key(step);
            let below = if there { &mut at.children } else { &mut at.blanks };
            at = below.entry(step.to_owned()).or_default();
        }
        if !there {
            at.text = Some(String::new());
        }
    }

    /// The text of a parameter at the top.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.children.get(name).and_then(|node| node.text.as_deref())
    }
}
