//! What of a request is signed: the line, the headers and, for query APIs, the body, all exactly
//! as they went over the wire.
//!
//! Nothing here is decoded or normalised, because clients sign what they sent and not what it
//! means. Whoever fills in a [`Request`] does so before any front end rewrites it.

use super::canonical::{parse_query, percent_decode};
use super::error::SignError;

/// Holds the headers of a request: names in lower case, values as raw bytes, in their order.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// Makes an empty list.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// Appends one header; a name may occur more than once.
    pub fn add(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.0.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
    }

    /// Gives the first value under a lower-case name, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next().and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Gives all values under a lower-case name.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_slice())
    }

    /// Gives every header in its order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Gives the names that begin with `x-amz-`, sorted, each once.
    pub(super) fn amz_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.iter().map(|(name, _)| name).filter(|name| name.starts_with("x-amz-")).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Gives the value of a header that authentication rests on: trimmed, `None` if absent or
    /// empty, refused if it occurs twice, since two readers could then see two requests.
    pub(super) fn single(&self, name: &'static str) -> Result<Option<&str>, SignError> {
        let mut values = self.all(name);
        let Some(value) = values.next() else { return Ok(None) };
        let malformed = |reason| SignError::MalformedAuthorization { part: name, reason };
        if values.next().is_some() {
            return Err(malformed("it occurs more than once"));
        }
        let text = std::str::from_utf8(value).map_err(|_| malformed("it is not text"))?.trim();
        Ok((!text.is_empty()).then_some(text))
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Headers {
        let mut headers = Headers::new();
        pairs.into_iter().for_each(|(name, value)| headers.add(name.as_ref(), value));
        headers
    }
}

/// Is a request as it went, or will go, over the wire.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method, in upper case as sent.
    pub method: &'a str,
    /// The path exactly as in the request line, without the query.
    pub raw_path: &'a str,
    /// The query exactly as in the request line, without the question mark; may be empty.
    pub raw_query: &'a str,
    /// The headers, `host` among them.
    pub headers: &'a Headers,
    /// The whole body, for the query APIs only: bodies of S3 are streamed and checked later.
    pub body: Option<&'a [u8]>,
    /// The bucket that the host name stands for, when S3 is addressed in virtual-host style.
    pub virtual_bucket: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// Makes a request without body, addressed by path.
    pub fn new(
        method: &'a str,
        raw_path: &'a str,
        raw_query: &'a str,
        headers: &'a Headers,
    ) -> Request<'a> {
        Request { method, raw_path, raw_query, headers, body: None, virtual_bucket: None }
    }

    /// Adds the body of a query API's request.
    pub fn with_body(self, body: &'a [u8]) -> Request<'a> {
        Request { body: Some(body), ..self }
    }

    /// Says which bucket the host name stands for.
    pub fn with_virtual_bucket(self, bucket: Option<&'a str>) -> Request<'a> {
        Request { virtual_bucket: bucket, ..self }
    }

    /// Gives the parameters of a query API's request, decoded: those of the URL and, for a POST,
    /// those of the form in the body. It is these that a version 2 signature covers.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let mut pairs = parse_query(self.raw_query);
        if let (Some(body), "POST") = (self.body, self.method) {
            pairs.extend(parse_query(String::from_utf8_lossy(body).trim_end()));
        }
        pairs
    }

    /// Gives the path, `/` standing for an empty one.
    pub(super) fn path(&self) -> &'a str {
        if self.raw_path.is_empty() { "/" } else { self.raw_path }
    }

    /// Gives the `Host` header as sent.
    pub(super) fn host(&self) -> Result<&'a str, SignError> {
        self.headers
            .single("host")?
            .ok_or(SignError::IncompleteSignature { part: "the Host header" })
    }

    /// Tells whether a parameter of the URL bears one of these names, in any case.
    pub(super) fn queries_any(&self, names: &[&str]) -> bool {
        self.raw_query.split('&').any(|item| {
            let name = percent_decode(item.split('=').next().unwrap_or_default());
            names.iter().any(|wanted| wanted.eq_ignore_ascii_case(&name))
        })
    }

    /// Gives the decoded value of a parameter of the URL that authentication rests on, its name in
    /// any case: `None` if absent or empty, refused if it occurs twice.
    pub(super) fn parameter(&self, part: &'static str) -> Result<Option<String>, SignError> {
        let mut values = parse_query(self.raw_query)
            .into_iter()
            .filter(|(name, _)| part.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value);
        match values.next() {
            None => Ok(value.filter(|value| !value.is_empty())),
            Some(_) => {
                let reason = "it occurs more than once";
                Err(SignError::MalformedAuthorization { part, reason })
            }
        }
    }

    /// The same for one that must be there.
    pub(super) fn required_parameter(&self, part: &'static str) -> Result<String, SignError> {
        self.parameter(part)?.ok_or(SignError::IncompleteSignature { part })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_know_no_case_and_keep_order() {
        let headers: Headers =
            [("X-Amz-B", "2"), ("Host", "h"), ("x-amz-a", "1"), ("X-AMZ-B", "3")]
                .into_iter()
                .collect();
        assert_eq!(headers.text("host"), Some("h"));
        assert_eq!(headers.all("x-amz-b").collect::<Vec<_>>(), [b"2", b"3"]);
        assert_eq!(headers.amz_names(), ["x-amz-a", "x-amz-b"]);
        assert!(headers.single("x-amz-b").is_err());
        assert_eq!(headers.single("x-amz-a"), Ok(Some("1")));
        assert_eq!(headers.single("date"), Ok(None));
    }

    #[test]
    fn only_a_post_has_parameters_in_its_body() {
        let headers = Headers::new();
        let post = Request::new("POST", "/", "a=1", &headers).with_body(b"b=2\r\n");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(post.parameters(), [pair("a", "1"), pair("b", "2")]);
        let get = Request::new("GET", "/", "a=1", &headers).with_body(b"b=2");
        assert_eq!(get.parameters(), [pair("a", "1")]);
    }
}
