//! Turns a request's line and headers into an answer. Pure.
//!
//! What counts is the path alone; whatever a header says about who is asking (`X-Forwarded-For`
//! and its like) is not even looked at. `Host` is: a page in a guest's browser that had its own
//! name point here must not read anything.

use super::tree::Tree;

/// The most that a path may be.
const PATH_LIMIT: usize = 2048;

/// A request, as far as it matters.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `GET`, `HEAD`…
    pub method: &'a str,
    /// The path as it was sent, percent-encoded.
    pub path: &'a str,
    /// Each `Host`, and the authority of a request line that has one.
    pub hosts: &'a [&'a str],
    /// Whether the request must name a host (HTTP/1.1).
    pub host_required: bool,
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
}

/// Methods that are answered, for `Allow`.
pub const ALLOWED: &str = "GET, HEAD";

/// Answers a question from an instance's tree.
pub fn answer(tree: &Tree, question: &Question<'_>) -> Answer {
    let named = question.hosts.iter().all(|host| is_ours(host));
    if question.host_required && question.hosts.is_empty() {
        return refusal(400, "Bad Request");
    }
    if !named {
        return refusal(403, "Forbidden");
    }
    if !matches!(question.method, "GET" | "HEAD") {
        return refusal(405, "Method Not Allowed");
    }
    let Some(path) = segments(question.path) else { return refusal(400, "Bad Request") };
    match tree.find(&path) {
        Some(body) => Answer { status: 200, content_type: "text/plain", body },
        None => refusal(404, "Not Found"),
    }
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
    Answer { status, content_type: "text/html", body: body.into_bytes() }
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

    fn ask(method: &str, path: &str, hosts: &[&str], host_required: bool) -> Answer {
        let question = Question { method, path, hosts, host_required };
        answer(&Tree::of(&spec()), &question)
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
        for method in ["PUT", "POST", "DELETE", "OPTIONS", "get"] {
            assert_eq!(ask(method, path, &["169.254.169.254"], true).status, 405, "{method}");
        }
        let head = ask("HEAD", path, &["169.254.169.254"], true);
        assert_eq!(head, ask("GET", path, &["169.254.169.254"], true));
    }
}
