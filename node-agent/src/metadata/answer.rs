//! Turns a request's line and headers into an answer. Pure.
//!
//! ```text
//!   whose name? ── another's: 403, none: 400
//!        │
//!   is the service on? ── no: 403
//!        │
//!     method ─┬─ PUT api/token ── came through a proxy: 403, no lifetime: 400, else a token
//!             ├─ GET, HEAD ────── bad token, or none where one must be: 401
//!             │     └──────────── 200 or 404
//!             └─ others ───────── 405
//! ```
//!
//! Whatever a header says about who is asking (`X-Forwarded-For` and its like) is believed by
//! nobody; that it is there at all says that a proxy passed on a request for a token, and to
//! proxies no token is given. `Host` is looked at: a page in a guest's browser that had its own
//! name point here must not read anything.

use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::spec::MetadataOptions;

use super::token::{Tokens, lifetime};
use super::tree::Tree;

/// The most that a path may be.
const PATH_LIMIT: usize = 2048;

/// The header by which a request for a token says how long it shall be good, and its answer too.
pub const LIFETIME_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";

/// The header by which a read bears its token.
pub const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

/// What there is to be read of one instance, and how.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Whose it is.
    pub instance: &'a InstanceId,
    /// What can be read.
    pub tree: &'a Tree,
    /// How it may be asked for.
    pub options: &'a MetadataOptions,
    /// The service's tokens.
    pub tokens: &'a Tokens,
}

/// A request, as far as it matters.
#[derive(Debug, Clone, Copy, Default)]
pub struct Question<'a> {
    /// `GET`, `HEAD`…
    pub method: &'a str,
    /// The path as it was sent, percent-encoded.
    pub path: &'a str,
    /// Each `Host`, and the authority of a request line that has one.
    pub hosts: &'a [&'a str],
    /// Whether the request must name a host (HTTP/1.1).
    pub host_required: bool,
    /// The token it bears, if any.
    pub token: Option<&'a str>,
    /// How long a token shall be good, if it says so.
    pub lifetime: Option<&'a str>,
    /// Whether a proxy passed it on.
    pub forwarded: bool,
}

/// An answer. A HEAD's is the GET's, sent without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body's type.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// The seconds for which the token in the body is good, if there is one.
    pub token_for: Option<u32>,
    /// The methods that are answered there, if the one asked is not.
    pub allow: Option<&'static str>,
}

/// Answers a question.
pub fn answer(source: Source<'_>, question: &Question<'_>, now: Timestamp) -> Answer {
    if question.host_required && question.hosts.is_empty() {
        return refusal(400, "Bad Request");
    }
    if !question.hosts.iter().all(|host| is_ours(host)) || !source.options.enabled {
        return refusal(403, "Forbidden");
    }
    let Some(path) = segments(question.path) else { return refusal(400, "Bad Request") };
    // What is asked for a token stands below one version only, and is no part of the tree.
    let of_tokens = path == ["latest", "api", "token"];
    match question.method {
        "PUT" if of_tokens => give_token(source, question, now),
        "GET" | "HEAD" if of_tokens => not_allowed("PUT"),
        "GET" | "HEAD" => read(source, question, &path, now),
        "PUT" => not_allowed("GET, HEAD"),
        _ if of_tokens => not_allowed("PUT"),
        _ => not_allowed("GET, HEAD, PUT"),
    }
}

fn give_token(source: Source<'_>, question: &Question<'_>, now: Timestamp) -> Answer {
    if question.forwarded {
        return refusal(403, "Forbidden");
    }
    let Some(seconds) = question.lifetime.and_then(lifetime) else {
        return refusal(400, "Bad Request");
    };
    let token = source.tokens.issue(source.instance, seconds, now);
    Answer { token_for: Some(seconds), ..found(token.into_bytes()) }
}

fn read(source: Source<'_>, question: &Question<'_>, path: &[String], now: Timestamp) -> Answer {
    let admitted = match question.token {
        Some(token) => source.tokens.admits(token, source.instance, now),
        None => !source.options.tokens_required,
    };
    if !admitted {
        return refusal(401, "Unauthorized");
    }
    source.tree.find(path).map_or_else(|| refusal(404, "Not Found"), found)
}

fn found(body: Vec<u8>) -> Answer {
    Answer { status: 200, content_type: "text/plain", body, token_for: None, allow: None }
}

fn not_allowed(allow: &'static str) -> Answer {
    Answer { allow: Some(allow), ..refusal(405, "Method Not Allowed") }
}

/// A refusal as a page. Clients that never look at the status look for the words in it.
pub fn refusal(status: u16, words: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n\
         <head><title>{status} - {words}</title></head>\n\
         <body><h1>{status} - {words}</h1></body>\n\
         </html>\n"
    );
    let body = body.into_bytes();
    Answer { status, content_type: "text/html", body, token_for: None, allow: None }
}

fn is_ours(host: &str) -> bool {
    matches!(host, "169.254.169.254" | "169.254.169.254:80")
}

/// The segments of a path without the empty ones: with a slash at the end, or two in the middle,
/// it is the same path. `None`: it is no path.
fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > PATH_LIMIT || !path.starts_with('/') {
        return None;
    }
    path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}

fn decode(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit =
            || char::from(bytes.next()?).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let (high, low) = (digit()?, digit()?);
        decoded.push(high << 4 | low);
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::spec;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);
    const PLAIN: MetadataOptions =
        MetadataOptions { revision: 0, enabled: true, tokens_required: false, hop_limit: 1 };
    const STRICT: MetadataOptions = MetadataOptions { tokens_required: true, ..PLAIN };

    fn tokens() -> Tokens {
        Tokens::new(&[1; 64])
    }

    fn put(options: MetadataOptions, question: Question<'_>) -> Answer {
        let spec = spec();
        let (instance, tree, tokens) = (&spec.instance, &Tree::of(&spec), &tokens());
        let hosts = &["169.254.169.254"][..];
        let source = Source { instance, tree, options: &options, tokens };
        answer(source, &Question { hosts, host_required: true, ..question }, NOW)
    }

    fn ask(method: &str, path: &str, hosts: &[&str], host_required: bool) -> Answer {
        let spec = spec();
        let (instance, tree, tokens) = (&spec.instance, &Tree::of(&spec), &tokens());
        let source = Source { instance, tree, options: &PLAIN, tokens };
        let question = Question { method, path, hosts, host_required, ..Question::default() };
        answer(source, &question, NOW)
    }

    #[test]
    fn paths_mean_the_same_in_every_spelling() {
        let mac = "/latest/meta-data/network/interfaces/macs/d0:0d:00:00:00:01/mac";
        for (path, status) in [
            ("/latest/meta-data/instance-id", 200),
            ("/latest/meta-data/instance-id/", 200),
            ("//latest//meta-data/", 200),
            ("/latest/meta-data/%69nstance-id", 200),
            (mac, 200),
            (&mac.replace(':', "%3A"), 200),
            (&mac.to_uppercase(), 404),
            ("/", 200),
            ("/latest/user-data", 404),
            ("/latest/api", 404),
            ("/latest/../latest/meta-data/", 404),
            ("/latest/%2e%2e/", 404),
            ("/latest/%zz", 400),
            ("/latest/%f", 400),
            ("/latest/%ff", 400),
            ("/latest/%0a", 400),
            ("*", 400),
            (&format!("/{}", "x".repeat(3000)), 400),
        ] {
            assert_eq!(ask("GET", path, &["169.254.169.254"], true).status, status, "{path}");
        }
    }

    #[test]
    fn a_miss_can_be_told_by_its_words() {
        let answer = ask("GET", "/latest/meta-data/ramdisk-id", &["169.254.169.254"], true);
        for word in ["404", "Not", "Found"] {
            assert!(String::from_utf8_lossy(&answer.body).contains(word));
        }
    }

    #[test]
    fn only_our_own_name_is_answered() {
        let path = "/latest/meta-data/";
        for (hosts, required, status) in [
            (&["169.254.169.254"][..], true, 200),
            (&["169.254.169.254:80"], true, 200),
            (&[], false, 200),
            (&[], true, 400),
            (&["169.254.169.254", "evil.example"], true, 403),
            (&["evil.example"], true, 403),
            (&["169.254.169.254.evil.example"], true, 403),
            (&["169.254.169.254:8080"], true, 403),
            (&[""], true, 403),
        ] {
            assert_eq!(ask("GET", path, hosts, required).status, status, "{hosts:?}");
        }
        let head = ask("HEAD", path, &["169.254.169.254"], true);
        assert_eq!(head, ask("GET", path, &["169.254.169.254"], true));
    }

    #[test]
    fn a_method_that_is_not_answered_says_which_are() {
        let (leaf, token) = ("/latest/meta-data/instance-id", "/latest/api/token");
        for (method, path, allow) in [
            ("POST", leaf, "GET, HEAD, PUT"),
            ("DELETE", leaf, "GET, HEAD, PUT"),
            ("OPTIONS", leaf, "GET, HEAD, PUT"),
            ("get", leaf, "GET, HEAD, PUT"),
            ("PUT", leaf, "GET, HEAD"),
            ("PUT", "/2021-03-23/api/token", "GET, HEAD"),
            ("GET", token, "PUT"),
            ("HEAD", token, "PUT"),
            ("POST", token, "PUT"),
        ] {
            let answer = ask(method, path, &["169.254.169.254"], true);
            assert_eq!((answer.status, answer.allow), (405, Some(allow)), "{method} {path}");
        }
    }

    #[test]
    fn tokens_are_given_to_those_who_say_for_how_long_and_no_proxy() {
        let ask = |lifetime, forwarded| {
            let path = "/latest/api/token";
            put(PLAIN, Question { method: "PUT", path, lifetime, forwarded, ..Question::default() })
        };
        let given = ask(Some("21600"), false);
        assert_eq!((given.status, given.token_for), (200, Some(21_600)));
        assert!(tokens().admits(std::str::from_utf8(&given.body).unwrap(), &spec().instance, NOW));
        for (lifetime, forwarded, status) in [
            (None, false, 400),
            (Some(""), false, 400),
            (Some("x"), false, 400),
            (Some("0"), false, 400),
            (Some("21601"), false, 400),
            (Some("60"), true, 403),
            (None, true, 403),
        ] {
            let answer = ask(lifetime, forwarded);
            assert_eq!((answer.status, answer.token_for), (status, None), "{lifetime:?}");
        }
    }

    #[test]
    fn reads_need_what_the_options_say() {
        let instance = spec().instance;
        let good = tokens().issue(&instance, 60, NOW);
        let old = tokens().issue(&instance, 60, Timestamp::from_secs(0));
        let foreign = tokens().issue(&"i-00000009".parse().unwrap(), 60, NOW);
        let off = MetadataOptions { enabled: false, ..PLAIN };
        for (options, token, status) in [
            (PLAIN, None, 200),
            (PLAIN, Some(&*good), 200),
            (PLAIN, Some(&*old), 401),
            (PLAIN, Some(&*foreign), 401),
            (PLAIN, Some(""), 401),
            (STRICT, None, 401),
            (STRICT, Some(&*good), 200),
            (STRICT, Some(&*old), 401),
            (STRICT, Some(&*foreign), 401),
            (off, None, 403),
            (off, Some(&*good), 403),
        ] {
            for (path, found) in [("/latest/meta-data/instance-id", 200), ("/nothing", 404)] {
                let expected = if status == 200 { found } else { status };
                for method in ["GET", "HEAD"] {
                    // A proxy may pass on a read: only the first step is kept from it.
                    let forwarded = true;
                    let question =
                        Question { method, path, token, forwarded, ..Question::default() };
                    assert_eq!(put(options, question).status, expected, "{options:?} {token:?}");
                }
            }
        }
        let path = "/latest/api/token";
        let asked = Question { method: "PUT", path, lifetime: Some("60"), ..Question::default() };
        assert_eq!(put(off, asked).status, 403);
        assert_eq!(put(STRICT, asked).status, 200);
    }
}
