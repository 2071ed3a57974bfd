//! The console's cookies: how they are read, and the one way in which they are set.
//!
//! The names begin with `__Host-`: a browser takes them by https alone, for this host alone and for
//! all of its paths, so that no neighbour of the host can put one in their place.

use common::sign::Headers;

/// The session of somebody who is signed in.
pub(crate) const SESSION: &str = "__Host-console";
/// What a form of somebody who is not signed in is bound to.
pub(crate) const VISIT: &str = "__Host-visit";
/// The language that was chosen.
pub(crate) const LANGUAGE: &str = "__Host-language";

/// How long a chosen language is remembered, in seconds.
const YEAR: u64 = 365 * 24 * 3600;

/// The value of a cookie. Of several of one name, none: then somebody has put one beside ours.
pub(crate) fn read<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let lines = headers.all("cookie").filter_map(|line| std::str::from_utf8(line).ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(it, _)| it.trim() == name).map(|(_, value)| value.trim());
    let first = named.next()?;
    named.next().is_none().then_some(first)
}

/// Sets a cookie that scripts do not see and other sites do not send, until the browser is closed.
pub(crate) fn set(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

/// As [`set`], for a year.
pub(crate) fn keep(name: &str, value: &str) -> String {
    format!("{}; Max-Age={YEAR}", set(name, value))
}

/// Takes a cookie away.
pub(crate) fn remove(name: &str) -> String {
    format!("{}; Max-Age=0", set(name, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_names_and_once() {
        let headers = |lines: &[&str]| {
            let mut headers = Headers::new();
            lines.iter().for_each(|line| headers.add("cookie", line));
            headers
        };
        let one = headers(&["a=1; __Host-visit=x; x__Host-visit=y", "b=2"]);
        assert_eq!(read(&one, VISIT), Some("x"));
        assert_eq!((read(&one, "b"), read(&one, "c")), (Some("2"), None));
        assert_eq!(read(&headers(&["a=1; a=2"]), "a"), None);
        assert_eq!(read(&headers(&["a=1", "a=2"]), "a"), None);
    }
}
