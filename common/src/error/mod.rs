//! What a caller is told when something cannot be done.
//!
//! An [`ApiError`] has two texts: one for the caller, always a sentence of ours that names the
//! parameter or resource, and a chain of causes for the log, which is never rendered. Module
//! errors (`ManifestError`, `StoreError`…) become an `ApiError` at one line, the edge of an
//! action; there is no `From<io::Error>`, so nobody answers "something failed" by accident.

mod code;

use std::fmt;

pub use code::ErrorCode;
use serde::{Deserialize, Serialize};

/// An error as an API tells it.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: ErrorCode,
    text: String,
    resource: Option<String>,
    source: Option<String>,
    shown: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error with the sentence for its caller.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self(Box::new(Inner { code, text, resource: None, source: None, shown: Vec::new() }))
    }

    /// An [`ErrorCode::InternalError`]: the caller gets a plain sentence, the log the cause.
    pub fn internal(text: impl Into<String>, source: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InternalError, text).because(source)
    }

    /// A parameter that must be there and is not.
    pub fn missing(parameter: &str) -> Self {
        Self::new(
            ErrorCode::MissingParameter,
            format!("The request must contain the parameter {parameter}"),
        )
    }

    /// A parameter whose value cannot be used, and why.
    pub fn invalid(parameter: &str, why: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidParameterValue, format!("Invalid value for {parameter}: {why}"))
    }

    /// Adds the cause for the log. It is never shown to a caller.
    #[must_use]
    pub fn because(mut self, source: impl fmt::Display) -> Self {
        self.0.source = Some(source.to_string());
        self
    }

    /// Names the resource (S3's `<Resource>`).
    #[must_use]
    pub fn on(mut self, resource: impl Into<String>) -> Self {
        self.0.resource = Some(resource.into());
        self
    }

    /// Adds an element to S3's document of the error. It does not cross hosts.
    #[must_use]
    pub fn showing(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.0.shown.push((element, text.into()));
        self
    }

    /// What S3's document of the error shows beside the rest.
    pub fn shown(&self) -> &[(&'static str, String)] {
        &self.0.shown
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The sentence for the caller.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The resource in question, if one was named.
    pub fn resource(&self) -> Option<&str> {
        self.0.resource.as_deref()
    }

    /// The cause for the log.
    pub fn source_text(&self) -> Option<&str> {
        self.0.source.as_deref()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.0.code.wire(), self.0.text)
    }
}

impl std::error::Error for ApiError {}

impl PartialEq for ApiError {
    fn eq(&self, other: &Self) -> bool {
        self.0.code == other.0.code && self.0.text == other.0.text
    }
}

/// Gives a foreign error its sentence and code; the error itself goes to the log.
pub trait OrApiError<T> {
    /// Turns `Err(cause)` into an [`ApiError`] with this code and sentence.
    ///
    /// # Errors
    /// Whatever was an error before.
    fn or_error(self, code: ErrorCode, text: impl Into<String>) -> Result<T, ApiError>;
}

impl<T, E: fmt::Display> OrApiError<T> for Result<T, E> {
    fn or_error(self, code: ErrorCode, text: impl Into<String>) -> Result<T, ApiError> {
        self.map_err(|cause| ApiError::new(code, text).because(cause))
    }
}

/// The form in which an error crosses hosts.
#[derive(Serialize, Deserialize)]
struct Wire {
    code: String,
    status: u16,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
}

impl Serialize for ApiError {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Wire {
            code: self.0.code.wire().to_owned(),
            status: self.0.code.status(),
            text: self.0.text.clone(),
            resource: self.0.resource.clone(),
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for ApiError {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(from)?;
        let error = match ErrorCode::find(&wire.code, wire.status) {
            Some(code) => Self::new(code, wire.text),
            // A newer peer may know codes that this one does not: the name is kept in the text.
            None => Self::new(ErrorCode::InternalError, format!("{}: {}", wire.code, wire.text)),
        };
        Ok(match wire.resource {
            Some(resource) => error.on(resource),
            None => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_crosses_hosts_without_its_cause() {
        let error = ApiError::new(ErrorCode::NoSuchKey, "no such key").on("/b/k").because("secret");
        let json = serde_json::to_string(&error).unwrap();
        assert!(!json.contains("secret"));
        let back: ApiError = serde_json::from_str(&json).unwrap();
        assert_eq!(back, error);
        assert_eq!(back.resource(), Some("/b/k"));
    }

    #[test]
    fn a_code_from_a_newer_peer_keeps_its_name() {
        let json = r#"{"code":"Brand.New","status":418,"text":"what"}"#;
        let back: ApiError = serde_json::from_str(json).unwrap();
        assert_eq!(back.code(), ErrorCode::InternalError);
        assert_eq!(back.text(), "Brand.New: what");
    }
}
