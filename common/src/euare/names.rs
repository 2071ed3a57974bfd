//! The rules for names, paths and tags of IAM, with refusals in AWS' own words.
//!
//! | what | characters | how many |
//! |---|---|---|
//! | user, role | ASCII letters, digits, `+=,.@_-` | 1 to 64 |
//! | group, policy, instance profile | the same | 1 to 128 |
//! | path | `/`, or printable ASCII between two `/` | 1 to 512 |
//! | key of a tag | letters, digits and blanks of any script, `_.:/=+-@` | 1 to 128 |
//! | value of a tag | the same | 0 to 256 |
//!
//! A request that names what exists is held to the characters, too: a name that nobody can have is
//! never looked for.

use std::collections::BTreeMap;

use super::elements::Tag;
use crate::dialect::query::Unusable;
use crate::error::{ApiError, ErrorCode};

/// The longest name of a user.
pub const USER: usize = 64;
/// The longest name of a group.
pub const GROUP: usize = 128;
/// The longest name of a role.
pub const ROLE: usize = 64;
/// The longest name of a policy, managed or not.
pub const POLICY: usize = 128;
/// The longest name of an instance profile.
pub const PROFILE: usize = 128;
/// The longest name by which something that exists may be asked for.
pub const EXISTING: usize = 128;
/// The longest path.
pub const PATH: usize = 512;
/// The most tags on one thing.
pub const TAGS: usize = 50;

/// The characters of a tag, as AWS writes them.
const TAG_PATTERN: &str = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+";

/// A value that breaks a constraint, in AWS' words; `at` is the parameter in camel case.
pub fn violation(value: &str, at: &str, constraint: &str) -> ApiError {
    let text = format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: \
         {constraint}"
    );
    ApiError::new(ErrorCode::ValidationError, text)
}

/// A parameter that must be there and is not, in AWS' words; `at` is the parameter in camel case.
pub fn absent(at: &str) -> ApiError {
    let text = format!(
        "1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member \
         must not be null"
    );
    ApiError::new(ErrorCode::ValidationError, text)
}

/// A parameter that is missing or cannot be read, as IAM and STS say it.
pub fn unusable(Unusable { parameter, why }: &Unusable) -> ApiError {
    let at = in_camel_case(parameter);
    let Some(why) = why else { return absent(&at) };
    let text =
        format!("1 validation error detected: Value at '{at}' failed to satisfy constraint: {why}");
    ApiError::new(ErrorCode::ValidationError, text)
}

/// `Tags.member.1.Key` as AWS' sentences have it: `tags.1.member.key`.
pub(super) fn in_camel_case(parameter: &str) -> String {
    let mut steps: Vec<String> = Vec::new();
    for step in parameter.split('.') {
        let of_list = steps.last().is_some_and(|last| last == "member")
            && step.bytes().all(|byte| byte.is_ascii_digit());
        let mut letters = step.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        let step: String = first.into_iter().chain(letters).collect();
        match of_list {
            true => steps.insert(steps.len() - 1, step),
            false => steps.push(step),
        }
    }
    steps.join(".")
}

/// Demands a length of 1 to `most` characters.
///
/// # Errors
/// `ValidationError`.
pub fn check_length(at: &str, value: &str, most: usize) -> Result<(), ApiError> {
    if value.is_empty() {
        let constraint = "Member must have length greater than or equal to 1";
        return Err(violation(value, at, constraint));
    }
    if value.chars().count() > most {
        let constraint = format!("Member must have length less than or equal to {most}");
        // The whole of it may be as long as a request.
        let beginning: String = value.chars().take(most).collect();
        return Err(violation(&beginning, at, &constraint));
    }
    Ok(())
}

/// Checks a name of at most so many characters: [`USER`], [`GROUP`], [`ROLE`], [`POLICY`],
/// [`PROFILE`], or [`EXISTING`] for the name of what is looked for. `at` is the parameter in camel
/// case, `userName`.
///
/// # Errors
/// `ValidationError`.
pub fn check_name(at: &str, name: &str, most: usize) -> Result<(), ApiError> {
    check_length(at, name, most)?;
    match name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)) {
        true => Ok(()),
        false => {
            let rule = "It must contain only alphanumeric characters and/or the following: +=,.@_-";
            Err(invalid(at, rule))
        }
    }
}

/// Checks the path of something new; none is `/`.
///
/// # Errors
/// `ValidationError`.
pub fn checked_path(at: &str, path: Option<&str>) -> Result<String, ApiError> {
    let path = path.unwrap_or("/");
    check_length(at, path, PATH)?;
    let between = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    match between && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(path.to_owned()),
        false => {
            let rule = "It must begin and end with / and contain only printable ASCII characters";
            Err(invalid(at, rule))
        }
    }
}

/// Checks the beginning of paths that a listing asks for; none is `/`.
///
/// # Errors
/// `ValidationError`.
pub fn checked_prefix(prefix: Option<&str>) -> Result<String, ApiError> {
    let (at, prefix) = ("pathPrefix", prefix.unwrap_or("/"));
    check_length(at, prefix, PATH)?;
    match prefix.starts_with('/') && prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(prefix.to_owned()),
        false => {
            Err(invalid(at, "It must begin with / and contain only printable ASCII characters"))
        }
    }
}

fn invalid(at: &str, rule: &str) -> ApiError {
    let text = format!("The specified value for {at} is invalid. {rule}");
    ApiError::new(ErrorCode::ValidationError, text)
}

/// Checks tags that a request brings, each key once.
///
/// # Errors
/// `ValidationError` for what is no key or value, `InvalidInput` for a key that stands there twice
/// or is reserved, `LimitExceeded` for too many.
pub fn checked_tags(tags: &[Tag]) -> Result<BTreeMap<String, String>, ApiError> {
    let mut all = BTreeMap::new();
    for (index, Tag { key, value }) in tags.iter().enumerate() {
        let number = index + 1;
        check_tag_key(&format!("tags.{number}.member.key"), key)?;
        let at = format!("tags.{number}.member.value");
        if !value.is_empty() {
            check_length(&at, value, 256)?;
            tag_characters(&at, value)?;
        }
        if with_key(&all, key).is_some() {
            let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(ApiError::new(ErrorCode::InvalidInput, text));
        }
        all.insert(key.clone(), value.clone());
    }
    if all.len() > TAGS {
        return Err(too_many_tags());
    }
    Ok(all)
}

/// Checks the keys of tags that are to be taken off.
///
/// # Errors
/// `ValidationError`, `InvalidInput`.
pub fn check_tag_keys(keys: &[String]) -> Result<(), ApiError> {
    let at = |index: usize| format!("tagKeys.{}.member", index + 1);
    keys.iter().enumerate().try_for_each(|(index, key)| check_tag_key(&at(index), key))
}

/// Writes tags on something; a key that is there, in whatever case, gets the new value.
///
/// # Errors
/// `LimitExceeded` if they would be too many.
pub fn set_tags(
    on: &mut BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
) -> Result<(), ApiError> {
    for (key, value) in tags {
        take_tag(on, &key);
        on.insert(key, value);
    }
    if on.len() > TAGS {
        return Err(too_many_tags());
    }
    Ok(())
}

/// Takes tags off something; one that is not there is off already.
pub fn take_tags(from: &mut BTreeMap<String, String>, keys: &[String]) {
    keys.iter().for_each(|key| take_tag(from, key));
}

fn take_tag(from: &mut BTreeMap<String, String>, key: &str) {
    if let Some(key) = with_key(from, key) {
        from.remove(&key);
    }
}

/// The key as it stands there, whose case does not count.
fn with_key(tags: &BTreeMap<String, String>, key: &str) -> Option<String> {
    let meant = key.to_lowercase();
    tags.keys().find(|it| it.to_lowercase() == meant).cloned()
}

fn too_many_tags() -> ApiError {
    let text = "The number of tags has reached the maximum limit.";
    ApiError::new(ErrorCode::LimitExceeded, text)
}

fn check_tag_key(at: &str, key: &str) -> Result<(), ApiError> {
    check_length(at, key, 128)?;
    tag_characters(at, key)?;
    if key.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("aws:")) {
        let text = format!("The tag key '{key}' is reserved: none begins with aws:");
        return Err(ApiError::new(ErrorCode::InvalidInput, text));
    }
    Ok(())
}

fn tag_characters(at: &str, text: &str) -> Result<(), ApiError> {
    let fine = |c: char| {
        let blank = c.is_whitespace() && !c.is_control();
        c.is_alphanumeric() || blank || "_.:/=+-@".contains(c)
    };
    match text.chars().all(fine) {
        true => Ok(()),
        false => {
            let rule = format!("Member must satisfy regular expression pattern: {TAG_PATTERN}");
            Err(violation(text, at, &rule))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(checked: Result<T, ApiError>) -> Option<ErrorCode> {
        checked.err().map(|error| error.code())
    }

    #[test]
    fn names_have_their_characters_and_no_neighbour_of_them() {
        for name in ["a", "taro.yamada@example_1-x", "+=,.@_-", &"n".repeat(64)] {
            assert_eq!(check_name("userName", name, USER), Ok(()), "{name}");
        }
        for c in (0..=255u8).map(char::from) {
            let good = c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
            assert_eq!(check_name("userName", &c.to_string(), USER).is_ok(), good, "{c:?}");
        }
        for name in ["", &"n".repeat(65), "日本", "a b", "a/b", "a\n"] {
            let refused = check_name("userName", name, USER);
            assert_eq!(code(refused), Some(ErrorCode::ValidationError), "{name}");
        }
        let long = check_name("userName", &"n".repeat(65), USER).unwrap_err();
        let told = "' at 'userName' failed to satisfy constraint: Member must have length less \
                    than or equal to 64";
        assert!(long.text().ends_with(told), "{long}");
    }

    #[test]
    fn parameters_are_named_as_the_service_does() {
        for (parameter, at) in [
            ("UserName", "userName"),
            ("Tags.member.12.Key", "tags.12.member.key"),
            ("ActionNames.member.1", "actionNames.1.member"),
            ("VirtualMFADeviceName", "virtualMFADeviceName"),
            ("", ""),
            ("member.x", "member.x"),
        ] {
            let missing = unusable(&Unusable { parameter: parameter.into(), why: None });
            assert_eq!(missing, absent(at));
        }
        let wrong = Unusable { parameter: "MaxItems".into(), why: Some("it is no number".into()) };
        let told = "1 validation error detected: Value at 'maxItems' failed to satisfy \
                    constraint: it is no number";
        assert_eq!(unusable(&wrong).text(), told);
        assert_eq!(unusable(&wrong).code(), ErrorCode::ValidationError);
    }

    #[test]
    fn paths_begin_and_end_with_a_slash() {
        assert_eq!(checked_path("path", None).unwrap(), "/");
        for path in ["/", "/a/", "/division_abc/sub-division/", "/!~/"] {
            assert_eq!(checked_path("path", Some(path)).unwrap(), path);
        }
        let long = format!("/{}/", "p".repeat(511));
        for path in ["", "a", "/a", "a/", "//", "/a b/", "/日/", "/\u{7f}/", &long] {
            let refused = checked_path("path", Some(path));
            assert_eq!(code(refused), Some(ErrorCode::ValidationError), "{path}");
        }
        for (prefix, good) in
            [("/", true), ("/div", true), ("/div/", true), ("div", false), ("", false)]
        {
            assert_eq!(checked_prefix(Some(prefix)).is_ok(), good, "{prefix}");
        }
    }

    #[test]
    fn tags_have_one_value_for_a_key_whatever_its_case() {
        let tag = |key: &str, value: &str| Tag { key: key.into(), value: value.into() };
        let mut on =
            checked_tags(&[tag("Name", "a"), tag("日本 x", ""), tag("a:/=+-@_.", "v")]).unwrap();
        set_tags(&mut on, checked_tags(&[tag("name", "b")]).unwrap()).unwrap();
        assert_eq!(on.get("name").map(String::as_str), Some("b"));
        assert_eq!(on.len(), 3);
        take_tags(&mut on, &["NAME".to_owned(), "absent".to_owned()]);
        assert_eq!(on.len(), 2);
        for (tags, expected) in [
            (vec![tag("", "v")], ErrorCode::ValidationError),
            (vec![tag("a*", "v")], ErrorCode::ValidationError),
            (vec![tag("a", "v\u{7}")], ErrorCode::ValidationError),
            (vec![tag(&"k".repeat(129), "v")], ErrorCode::ValidationError),
            (vec![tag("k", &"v".repeat(257))], ErrorCode::ValidationError),
            (vec![tag("AWS:x", "v")], ErrorCode::InvalidInput),
            (vec![tag("a", "v"), tag("A", "w")], ErrorCode::InvalidInput),
            ((0..51).map(|n| tag(&n.to_string(), "v")).collect(), ErrorCode::LimitExceeded),
        ] {
            assert_eq!(code(checked_tags(&tags)), Some(expected), "{tags:?}");
        }
        let full = checked_tags(&(0..50).map(|n| tag(&n.to_string(), "v")).collect::<Vec<_>>());
        let refused = set_tags(&mut full.unwrap(), [("more".to_owned(), String::new())].into());
        assert_eq!(code(refused), Some(ErrorCode::LimitExceeded));
    }
}
