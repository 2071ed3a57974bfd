//! What a reader wants otherwise than it is kept: headers of the answer (`response-*`), a version,
//! checksums.

use super::request::Request;
use crate::error::{ApiError, ErrorCode};

/// Query parameters, and the headers they stand for.
const OVERRIDES: [(&str, &str); 6] = [
    ("response-content-type", "content-type"),
    ("response-content-language", "content-language"),
    ("response-expires", "expires"),
    ("response-cache-control", "cache-control"),
    ("response-content-disposition", "content-disposition"),
    ("response-content-encoding", "content-encoding"),
];

/// Headers of the answer as the reader wants them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(Vec<(&'static str, String)>);

impl Overrides {
    /// Reads `response-*`.
    ///
    /// # Errors
    /// `InvalidArgument` for a value that no header can have.
    pub fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let mut read = Self::default();
        for (parameter, header) in OVERRIDES {
            let Some(value) = request.query.get(parameter) else { continue };
            if value.chars().any(char::is_control) {
                let text = format!("The value of {parameter} holds a control character");
                return Err(ApiError::new(ErrorCode::InvalidArgument, text));
            }
            read.0.push((header, value.to_owned()));
        }
        Ok(read)
    }

    /// Whether nothing is wanted otherwise.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts them in the place of the headers that are kept.
    pub fn apply(&self, headers: &mut Vec<(String, String)>) {
        headers.retain(|(name, _)| !self.0.iter().any(|(wanted, _)| wanted == name));
        headers.extend(self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
}

/// Which version is meant. No bucket keeps any but the present one, whose id is `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The present one.
    Present,
    /// One that there is not.
    Unknown,
}

impl Version {
    /// Reads `versionId`.
    ///
    /// # Errors
    /// `InvalidArgument` for a text that is no version's id.
    pub fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let bad = |text: &str| Err(ApiError::new(ErrorCode::InvalidArgument, text));
        match request.query.get("versionId") {
            None | Some("null") => Ok(Self::Present),
            Some("") => bad("Version id cannot be the empty string"),
            Some(id) if id.len() == 32 && id.bytes().all(is_of_id) => Ok(Self::Unknown),
            Some(_) => bad("Invalid version id specified"),
        }
    }

    /// Refuses a version that there is not.
    ///
    /// # Errors
    /// `NoSuchVersion`.
    pub fn demand(self) -> Result<(), ApiError> {
        match self {
            Self::Present => Ok(()),
            Self::Unknown => Err(ApiError::new(
                ErrorCode::NoSuchVersion,
                "The version ID specified in the request does not match an existing version",
            )),
        }
    }
}

fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

/// Whether the reader wants checksums.
pub fn wants_checksum(request: &Request<'_>) -> bool {
    request.header("x-amz-checksum-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED"))
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::request::Query;
    use super::*;

    fn with<T>(query: &str, read: impl FnOnce(&Request<'_>) -> T) -> T {
        let query = Query::parse(query).unwrap();
        read(&Request { address: &Address::Service, query: &query, headers: &[] })
    }

    #[test]
    fn what_is_wanted_takes_the_place_of_what_is_kept() {
        let query = "response-content-type=text/html&response-expires=never&x=y";
        let overrides = with(query, Overrides::read).unwrap();
        let mut headers = vec![
            ("content-type".to_owned(), "text/plain".to_owned()),
            ("etag".to_owned(), "e".to_owned()),
        ];
        overrides.apply(&mut headers);
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("etag", "e"), ("content-type", "text/html"), ("expires", "never")]);
        assert!(with("", Overrides::read).unwrap().is_empty());
        let split = with("response-expires=a%0d%0ab", Overrides::read).unwrap_err();
        assert_eq!(split.code(), ErrorCode::InvalidArgument);
    }

    #[test]
    fn versions() {
        let version = |query| with(query, Version::read).map_err(|error| error.code());
        assert_eq!(version(""), Ok(Version::Present));
        assert_eq!(version("versionId=null"), Ok(Version::Present));
        assert_eq!(version("versionId=3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"), Ok(Version::Unknown));
        for bad in ["versionId", "versionId=x", "versionId=%2e%2e%2f"] {
            assert_eq!(version(bad), Err(ErrorCode::InvalidArgument), "{bad}");
        }
        assert_eq!(Version::Unknown.demand().unwrap_err().code(), ErrorCode::NoSuchVersion);
    }
}
