//! What a record of an operation says of it: its name, whether it only reads, and whether it is about
//! data, as AWS divides S3's operations into those of management, which are always recorded, and
//! those of data, which are if somebody wants it.

use super::address::Level;
use super::routes::{BY_SOURCE, Operation, ROUTES, Route};

impl Operation {
    /// Its name, `PutObject`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CopyObject => BY_SOURCE[0],
            Self::UploadPartCopy => BY_SOURCE[1],
            other => {
                let row = ROUTES.iter().find(|row| row.operation == Some(other));
                row.map_or("", |row| row.name)
            }
        }
    }

    /// Whether it changes nothing.
    pub fn reads(self) -> bool {
        match self {
            Self::CopyObject | Self::UploadPartCopy => false,
            other => ROUTES.iter().any(|row| row.operation == Some(other) && row.reads()),
        }
    }

    /// Whether it is about objects, and not about what holds them.
    pub fn is_data(self) -> bool {
        match self {
            Self::CopyObject | Self::UploadPartCopy => true,
            other => ROUTES.iter().any(|row| row.operation == Some(other) && row.is_data()),
        }
    }
}

/// Operations at a bucket that are about its objects.
const IN_BUCKETS: [&str; 7] = [
    "HeadBucket",
    "ListObjects",
    "ListObjectsV2",
    "ListObjectVersions",
    "ListMultipartUploads",
    "DeleteObjects",
    "PostObject",
];

impl Route {
    /// Whether it changes nothing.
    pub fn reads(&self) -> bool {
        matches!(self.method, "GET" | "HEAD")
    }

    /// Whether it is about objects, and not about what holds them.
    pub fn is_data(&self) -> bool {
        self.level == Level::Object || IN_BUCKETS.contains(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::configuration::Configuration;
    use super::*;

    #[test]
    fn operations_are_divided_as_on_aws() {
        for (operation, name, reads, data) in [
            (Operation::ListBuckets, "ListBuckets", true, false),
            (Operation::CreateBucket, "CreateBucket", false, false),
            (Operation::PutBucketAcl, "PutBucketAcl", false, false),
            (Operation::HeadBucket, "HeadBucket", true, true),
            (Operation::ListObjectsV2, "ListObjectsV2", true, true),
            (Operation::DeleteObjects, "DeleteObjects", false, true),
            (Operation::PostObject, "PostObject", false, true),
            (Operation::GetObject, "GetObject", true, true),
            (Operation::PutObjectAcl, "PutObjectAcl", false, true),
            (Operation::CopyObject, "CopyObject", false, true),
            (Operation::UploadPartCopy, "UploadPartCopy", false, true),
            (Operation::GetConfiguration(Configuration::Policy), "GetBucketPolicy", true, false),
        ] {
            let told = (operation.name(), operation.reads(), operation.is_data());
            assert_eq!(told, (name, reads, data));
        }
        let named = |name: &&str| ROUTES.iter().any(|row| row.name == *name);
        assert!(IN_BUCKETS.iter().all(named));
        let policy = ROUTES.iter().find(|row| row.name == "PutBucketPolicy").unwrap();
        assert!(!policy.reads() && !policy.is_data());
    }
}
