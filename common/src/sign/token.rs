//! The session token of temporary credentials, where each scheme has it.
//!
//! | scheme | where |
//! |---|---|
//! | version 4 or 2 in a header | header `x-amz-security-token`, signed |
//! | version 4 or 2 in the URL | parameter `X-Amz-Security-Token`, signed |
//! | version 2, parameters | parameter `SecurityToken` |
//! | a form | field `x-amz-security-token`, which the policy must allow |
//!
//! It stands where the signature stands, once, and is covered by it: else whoever passes a request
//! on could put another in its place, or two readers could see two. What it says is not read here.

use std::fmt;

use super::error::SignError;
use super::request::Request;

/// The most bytes that a session token may have.
pub const LONGEST_TOKEN: usize = 8192;

/// The name of header, field and, in other letters, parameter.
pub(super) const NAME: &str = "x-amz-security-token";

/// A session token. Whoever has one still needs its secret; it is not shown all the same.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionToken(String);

impl fmt::Debug for SessionToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SessionToken(***)")
    }
}

/// Where the signature of a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Header,
    Url,
}

impl SessionToken {
    /// The one token of a request, if it has one.
    pub(super) fn only(
        values: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<Option<Self>, SignError> {
        let invalid = |reason| SignError::InvalidSessionToken { reason };
        let mut values = values.into_iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(invalid("it occurs more than once"));
        }
        let value = value.as_ref().trim_ascii();
        if value.is_empty() {
            return Err(invalid("it is empty"));
        }
        if value.len() > LONGEST_TOKEN {
            return Err(invalid("it is longer than 8192 bytes"));
        }
        let printable = value.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(value).ok().filter(|_| printable);
        let text = text.ok_or_else(|| invalid("it holds other characters than ASCII"))?;
        Ok(Some(Self(text.to_owned())))
    }

    /// The token of a request whose signature stands there.
    pub(super) fn of(request: &Request<'_>, place: Place) -> Result<Option<Self>, SignError> {
        let parameters = in_url(request);
        let headers: Vec<&[u8]> = request.headers.all(NAME).collect();
        let (found, elsewhere) = match place {
            Place::Header => (Self::only(headers)?, !parameters.is_empty()),
            Place::Url => (Self::only(&parameters)?, !headers.is_empty()),
        };
        if elsewhere {
            let reason = "it does not stand where the signature stands";
            return Err(SignError::InvalidSessionToken { reason });
        }
        Ok(found)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Refuses a token without a signature: whoever has one has keys, and is not anonymous because they
/// forgot to sign.
pub(super) fn refuse_unsigned(request: &Request<'_>) -> Result<(), SignError> {
    match request.headers.all(NAME).next().is_none() && in_url(request).is_empty() {
        true => Ok(()),
        false => Err(SignError::InvalidSessionToken { reason: "nothing is signed with it" }),
    }
}

/// The values of the URL's parameter, decoded.
pub(super) fn in_url(request: &Request<'_>) -> Vec<String> {
    let named = |(name, value): (String, String)| name.eq_ignore_ascii_case(NAME).then_some(value);
    super::canonical::parse_query(request.raw_query).into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::super::request::Headers;
    use super::*;

    fn of(place: Place, headers: &[&str], query: &str) -> Result<Option<String>, &'static str> {
        let headers: Headers = headers.iter().map(|value| (NAME, value)).collect();
        let request = Request::new("GET", "/", query, &headers);
        match SessionToken::of(&request, place) {
            Ok(token) => Ok(token.map(|token| token.as_str().to_owned())),
            Err(SignError::InvalidSessionToken { reason }) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn it_stands_once_where_the_signature_stands() {
        let some = |text: &str| Ok(Some(text.to_owned()));
        let elsewhere = Err("it does not stand where the signature stands");
        let long = "t".repeat(LONGEST_TOKEN);
        let longer = format!("X-Amz-Security-Token={long}t");
        let both = "a=b&x-amz-security-token=u";
        for (place, headers, query, expected) in [
            (Place::Header, &[][..], "a=b", Ok(None)),
            (Place::Header, &[" t/+= "], "", some("t/+=")),
            (Place::Header, &[&long], "", some(&long)),
            (Place::Url, &[], both, some("u")),
            (Place::Url, &[], "X-Amz-Security-Token=a%2Fb%2B", some("a/b+")),
            (Place::Header, &["t", "t"], "", Err("it occurs more than once")),
            (Place::Url, &[], "X-Amz-Security-Token=t&x-amz-security-token=t", {
                Err("it occurs more than once")
            }),
            (Place::Header, &["t"], both, elsewhere.clone()),
            (Place::Header, &[], both, elsewhere.clone()),
            (Place::Url, &["t"], both, elsewhere.clone()),
            (Place::Url, &["t"], "", elsewhere),
            (Place::Header, &[""], "", Err("it is empty")),
            (Place::Url, &[], "X-Amz-Security-Token", Err("it is empty")),
            (Place::Url, &[], &longer, Err("it is longer than 8192 bytes")),
            (Place::Header, &["a b"], "", Err("it holds other characters than ASCII")),
            (Place::Url, &[], "X-Amz-Security-Token=%C3%A9", {
                Err("it holds other characters than ASCII")
            }),
        ] {
            assert_eq!(of(place, headers, query), expected, "{place:?} {headers:?} {query:.40}");
        }
    }

    #[test]
    fn it_is_not_shown() {
        let token = SessionToken::only(["s3cr3t"]).unwrap();
        assert!(!format!("{token:?}").contains("s3cr3t"));
    }

    #[test]
    fn nobody_has_one() {
        let (none, some): (Headers, Headers) = (Headers::new(), [(NAME, "")].into_iter().collect());
        let refused = |headers: &Headers, query: &str| {
            refuse_unsigned(&Request::new("GET", "/", query, headers)).is_err()
        };
        assert!(!refused(&none, "acl"));
        assert!(refused(&some, "") && refused(&none, "x-amz-Security-token=t"));
    }
}
