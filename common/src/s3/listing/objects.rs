//! The first version of the listing: pages by a marker that is a key.

use super::super::request::Request;
use super::super::types::BucketName;
use super::super::xml::Writer;
use super::page::{Filter, Page, owner_to, text};
use crate::error::ApiError;

/// A page of a bucket's objects, first version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjects {
    /// Which keys.
    pub filter: Filter,
    /// Only keys behind this one.
    pub marker: String,
}

impl ListObjects {
    /// Reads the operation.
    ///
    /// # Errors
    /// As [`Filter::read`].
    pub fn read(bucket: BucketName, request: &Request<'_>) -> Result<Self, ApiError> {
        Ok(Self { filter: Filter::read(bucket, request)?, marker: text(request, "marker") })
    }

    /// The answer.
    pub fn to_xml(&self, page: &Page) -> String {
        let filter = &self.filter;
        Writer::document("ListBucketResult", |to| {
            to.leaf("Name", filter.bucket.as_str());
            to.leaf("Prefix", &filter.name(&filter.prefix));
            to.leaf("Marker", &filter.name(&self.marker));
            // boto 2 pages by NextMarker only if there is one; S3 sends it with a delimiter only.
            if let (Some(next), Some(_)) = (&page.next, &filter.delimiter) {
                to.leaf("NextMarker", &filter.name(next.name()));
            }
            filter.write(to);
            page.write_truncated(to);
            for object in &page.objects {
                to.element("Contents", |to| {
                    to.leaf("Key", &filter.name(&object.key));
                    object.write(to);
                    owner_to(to, &object.owner);
                    to.leaf("StorageClass", "STANDARD");
                });
            }
            page.write_prefixes(filter, to);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::{page, read};
    use super::*;

    #[test]
    fn the_next_marker_comes_with_a_delimiter_only() {
        let list = |query| read(query, ("", ""), ListObjects::read).unwrap();
        let asked = list("prefix=x/&delimiter=/&marker=x");
        let text = asked.to_xml(&page());
        assert!(text.contains("<Key>x/a b&lt;</Key>"), "{text}");
        assert!(text.contains("<ETag>&quot;0cc1&quot;</ETag><Size>3</Size>"), "{text}");
        assert!(text.contains("<DisplayName>a&amp;b</DisplayName>"), "{text}");
        assert!(text.contains("<Marker>x</Marker><NextMarker>x/c/</NextMarker>"), "{text}");
        assert!(text.contains("<IsTruncated>true</IsTruncated>"), "{text}");
        assert!(text.ends_with(
            "<CommonPrefixes><Prefix>x/b/</Prefix></CommonPrefixes>\
             <CommonPrefixes><Prefix>x/c/</Prefix></CommonPrefixes></ListBucketResult>"
        ));
        assert!(!list("prefix=x/").to_xml(&page()).contains("NextMarker"));
        let last = asked.to_xml(&Page { next: None, ..page() });
        assert!(last.contains("<IsTruncated>false</IsTruncated>") && !last.contains("NextMarker"));
    }

    #[test]
    fn names_are_encoded_when_that_is_asked_for() {
        let asked = read("prefix=x/&delimiter=%3C&encoding-type=url", ("", ""), ListObjects::read);
        let text = asked.unwrap().to_xml(&page());
        assert!(text.contains("<Key>x/a%20b%3C</Key>"), "{text}");
        assert!(text.contains("<Delimiter>%3C</Delimiter><EncodingType>url</EncodingType>"));
    }
}
