//! Who is told of each use of an access key, once its signature was found right.

/// Takes notice of uses of keys. It is asked in the middle of a request: it waits for nothing.
pub trait Witness: Send + Sync + 'static {
    /// This key was used just now for the API that policies call `service`.
    fn saw(&self, key: &str, service: &'static str);
}
