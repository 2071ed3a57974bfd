//! What requests of IAM's are done to, where it takes more than a name to say so.

use super::elements::Tag;
use crate::iam::{Context, Subject};

/// Something that is about to be made, with the path that it will have.
pub fn new(kind: &'static str, path: Option<&str>, name: &str) -> Subject {
    let path = path.unwrap_or("/");
    Subject::iam(kind, &format!("{}{name}", path.strip_prefix('/').unwrap_or(path)))
}

/// A user, or the caller's own if none is named.
pub fn user_or_own(name: Option<&str>) -> Subject {
    Subject::iam("user", name.unwrap_or_default())
}

/// With the tags that a request writes, for conditions.
pub fn tagged(subject: Subject, tags: &[Tag]) -> Subject {
    let begin = Context::new().with_all("aws:tagkeys", tags.iter().map(|tag| tag.key.clone()));
    let known = |known: Context, tag: &Tag| {
        known.with(&format!("aws:requesttag/{}", tag.key), tag.value.clone())
    };
    match tags {
        [] => subject,
        tags => subject.when(tags.iter().fold(begin, known)),
    }
}

/// With the keys of the tags that a request takes off, for conditions.
pub fn untagged(subject: Subject, keys: &[String]) -> Subject {
    subject.when(Context::new().with_all("aws:tagkeys", keys.iter().cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::Resource;

    #[test]
    fn what_is_new_has_its_path_in_its_name() {
        for (path, name) in [(None, "a"), (Some("/"), "a"), (Some("/x/y/"), "x/y/a")] {
            let expected = Subject::of([Resource::Iam("user", name.to_owned())]);
            assert_eq!(new("user", path, "a"), expected, "{path:?}");
        }
        let tag = Tag { key: "Team".into(), value: "x".into() };
        let context = tagged(Subject::any(), &[tag]).context;
        assert_eq!(context.get("aws:requesttag/team"), Some(&["x".to_owned()][..]));
        assert_eq!(context.get("aws:tagkeys"), Some(&["Team".to_owned()][..]));
    }
}
