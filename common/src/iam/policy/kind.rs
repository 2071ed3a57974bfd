//! Where policies stand, and how long they may be there.

/// Where a policy stands, which decides what it must and may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// On a user, group or role, or brought along by a session: no principal.
    Identity,
    /// On a role: who may take it on; a principal, no resource.
    Trust,
    /// On a resource: a principal and resources.
    Resource,
}

/// How large a managed policy may be, each version of it, by [`size`].
pub const LARGEST_MANAGED: usize = 6144;

/// How large the policies inside a user may be together, by [`size`].
pub const LARGEST_OF_USER: usize = 2048;

/// How large the policies inside a group may be together, by [`size`].
pub const LARGEST_OF_GROUP: usize = 5120;

/// How large the policies inside a role may be together, by [`size`].
pub const LARGEST_OF_ROLE: usize = 10_240;

/// How large the policy may be that says who may take on a role, by [`size`].
pub const LARGEST_TRUST: usize = 2048;

/// How many characters a policy may have that comes with a session, white space included.
pub const LONGEST_OF_SESSION: usize = 2048;

/// The size of a policy's text in characters, as limits count it: without white space.
pub fn size(text: &str) -> usize {
    text.chars().filter(|letter| !letter.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_costs_nothing() {
        assert_eq!(size(" {\n\t\"é\" : \"a b\"\r\n}"), 10);
    }
}
