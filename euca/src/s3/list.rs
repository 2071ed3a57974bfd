//! Lists what is in a bucket, page by page.

use common::s3::tree::Element;
use common::sign::percent_encode;

use super::S3;
use crate::client::ClientError;

/// Keys in a page.
const PAGE: usize = 1000;

/// Bytes and elements in the document of a page: keys have at most 1024 bytes, each of which may be
/// written as a reference.
const MOST: (usize, usize) = (16 << 20, 32 * PAGE);

impl S3 {
    /// The keys in a bucket that begin with `prefix`, in their order.
    ///
    /// # Errors
    /// [`ClientError::Api`]; [`ClientError::Answer`] for what is no listing.
    pub fn list_keys(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, ClientError> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let marker = keys.last().map(String::as_str).unwrap_or_default();
            let query = format!(
                "marker={}&max-keys={PAGE}&prefix={}",
                percent_encode(marker),
                percent_encode(prefix)
            );
            let text = self.http.retrying(true, || {
                let answer = self.send("GET", bucket, "", &query, Vec::new(), None)?;
                self.http.text(&self.url.authority, answer)
            })?;
            let page =
                Element::read(text.as_bytes(), "ListBucketResult", MOST).map_err(|error| {
                    ClientError::Answer { action: "ListObjects", reason: error.to_string() }
                })?;
            let before = keys.len();
            let found = page.all("Contents").filter_map(|entry| entry.child("Key"));
            keys.extend(found.map(|key| key.text.clone()));
            let more = page.child("IsTruncated").is_some_and(|told| told.text.trim() == "true");
            // A page that says that there is more and brings nothing would come for ever.
            if !more || keys.len() == before {
                return Ok(keys);
            }
        }
    }
}
