//! The versions of a bucket that never kept any: every object is its one version, called `null`.
//! Clients that empty a bucket ask for versions, whether or not there are any.

use super::super::request::Request;
use super::super::types::BucketName;
use super::super::xml::Writer;
use super::page::{Filter, Next, Page, invalid, owner_to, text};
use crate::error::ApiError;

/// The name of the one version of an object that was never versioned.
pub const NULL: &str = "null";

/// A page of a bucket's versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjectVersions {
    /// Which keys.
    pub filter: Filter,
    /// Only versions behind those of this key.
    pub key_marker: String,
    /// Which version of that key was the last that was shown.
    pub version_marker: Option<String>,
}

impl ListObjectVersions {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for a version that is not `null` or has no key; else as [`Filter::read`].
    pub fn read(bucket: BucketName, request: &Request<'_>) -> Result<Self, ApiError> {
        let key_marker = text(request, "key-marker");
        let version_marker = Some(text(request, "version-id-marker")).filter(|id| !id.is_empty());
        match version_marker.as_deref() {
            Some(_) if key_marker.is_empty() => {
                return Err(invalid("version-id-marker: it needs a key-marker beside it"));
            }
            None | Some(NULL) => {}
            Some(odd) => {
                return Err(invalid(format!("version-id-marker: there is no version '{odd}'")));
            }
        }
        Ok(Self { filter: Filter::read(bucket, request)?, key_marker, version_marker })
    }

    /// The answer.
    pub fn to_xml(&self, page: &Page) -> String {
        let filter = &self.filter;
        Writer::document("ListVersionsResult", |to| {
            to.leaf("Name", filter.bucket.as_str());
            to.leaf("Prefix", &filter.name(&filter.prefix));
            to.leaf("KeyMarker", &filter.name(&self.key_marker));
            to.leaf("VersionIdMarker", self.version_marker.as_deref().unwrap_or_default());
            if let Some(next) = &page.next {
                to.leaf("NextKeyMarker", &filter.name(next.name()));
                if matches!(next, Next::Key(_)) {
                    to.leaf("NextVersionIdMarker", NULL);
                }
            }
            filter.write(to);
            page.write_truncated(to);
            for object in &page.objects {
                to.element("Version", |to| {
                    to.leaf("Key", &filter.name(&object.key));
                    to.leaf("VersionId", NULL);
                    to.leaf("IsLatest", "true");
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
    use crate::error::ErrorCode;

    fn list(query: &str) -> Result<ListObjectVersions, ApiError> {
        read(&format!("versions&{query}"), ("", ""), ListObjectVersions::read)
    }

    #[test]
    fn each_key_is_its_one_version() {
        let text = list("key-marker=a&version-id-marker=null").unwrap().to_xml(&page());
        assert!(text.contains(
            "<Version><Key>x/a b&lt;</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>"
        ));
        assert!(text.contains("<KeyMarker>a</KeyMarker><VersionIdMarker>null</VersionIdMarker>"));
        assert!(text.contains("<NextKeyMarker>x/c/</NextKeyMarker><MaxKeys>"), "{text}");
        let behind_key = Page { next: Some(Next::Key("k".into())), ..page() };
        let text = list("").unwrap().to_xml(&behind_key);
        let next = "<NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>null</Next";
        assert!(text.contains(next), "{text}");
    }

    #[test]
    fn other_versions_are_refused() {
        for bad in ["version-id-marker=null", "key-marker=k&version-id-marker=3"] {
            assert_eq!(list(bad).unwrap_err().code(), ErrorCode::InvalidArgument, "{bad}");
        }
        assert!(list("key-marker=&version-id-marker=").is_ok());
    }
}
