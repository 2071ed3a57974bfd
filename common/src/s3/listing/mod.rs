//! Listings of a bucket: three requests, one way of paging, three documents.
//!
//! ```text
//!   objects (v1)    marker        → NextMarker                       ┐
//!   objects2 (v2)   token, start  → NextContinuationToken, KeyCount  ├─ page: filter, entries, names
//!   versions        key-marker    → NextKeyMarker, the version `null` ┘
//! ```
//! What is asked of each is a [`Filter`] and where to begin; what is answered, a [`Page`]. How a
//! page is found is not known here.

pub mod objects;
pub mod objects2;
pub mod page;
pub mod versions;

pub use objects::ListObjects;
pub use objects2::ListObjectsV2;
pub use page::{Filter, ListedObject, Next, Page};
pub use versions::ListObjectVersions;
