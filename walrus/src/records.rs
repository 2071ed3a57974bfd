//! What lasts of walrus beside bytes: buckets, objects, and one setting.
//!
//! ```text
//!   bucket/NAME              index/bucket-by-owner/ACCOUNT/NAME → NAME
//!   object/BUCKET/KEY        index/object-by-blob/ID/BUCKET/KEY
//!   upload/ID  part/ID/N     see [`crate::upload`]
//!   dropped-bundle-task/TASK see [`crate::dropped`]
//!   closed-account/ACCOUNT  giving/ACCOUNT/NAME   see [`crate::estates`]
//!   setting/NAME             usage/… quota/…   see [`crate::usage`]
//!   identity/…  identity-copy/head             see [`crate::identity`]
//! ```
//! Index rows are written in the commit of the record they belong to. What an object's bytes are
//! called, `ID`, is a file, or a completed upload with all its parts; several objects may name one.
//! Older rows lie under `ID` alone and point at `BUCKET/KEY`.

use std::sync::{Arc, Weak};

use common::error::{ApiError, ErrorCode};
use common::s3::checksum::{Algorithm, Checksum, Kind};
use common::s3::objects::Attributes;
use common::s3::{BucketName, CannedAcl, ObjectKey, Owner};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Engine, Index, NoPrevious, Record, Schema, StoreError, Table};

use crate::blob::files::BlobId;
use crate::dropped::DroppedTask;
use crate::estates::{ClosedAccount, Giving};
use crate::identity::record::{Copied, CopyHead};
use crate::upload::{Part, Upload};
use crate::usage::amount::{Quota, Usage};
use crate::usage::ledger::{ChargeError, Defaults, Ledger};

/// A bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Its name.
    pub(crate) name: BucketName,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// Who may list it.
    pub(crate) acl: CannedAcl,
    /// Where it was asked to lie; empty for the default region.
    pub(crate) location: String,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// Whether it is being removed: no object may come any more.
    #[serde(default)]
    pub(crate) leaving: bool,
}

impl Record for Bucket {
    const TABLE: &'static str = "bucket";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// An object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Object {
    /// Its bucket.
    pub(crate) bucket: BucketName,
    /// Its key.
    pub(crate) key: ObjectKey,
    /// Who wrote it.
    pub(crate) owner: Owner,
    /// Who may read it.
    pub(crate) acl: CannedAcl,
    /// Bytes in it.
    pub(crate) size: u64,
    /// The MD5 of its bytes, lower-case hex; of one that came in parts, the MD5 of the parts'
    /// MD5s, a `-`, and how many they are.
    pub(crate) etag: String,
    /// The file of its bytes; none if there are no bytes, or if they lie in parts.
    pub(crate) blob: Option<BlobId>,
    /// The checksum of its bytes, if one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    /// The parts its bytes lie in, if it came by a multipart upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<Parts>,
    /// The SHA-1 of its bytes, lower-case hex, if it was computed while they came in: that of an
    /// object that may be a part of a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha1: Option<String>,
    /// What is kept beside the bytes.
    pub(crate) attributes: Attributes,
    /// When it was written.
    pub(crate) modified: Timestamp,
}

impl Object {
    /// What its bytes are called: a file, or the upload by which they came; nothing if there are
    /// none.
    pub(crate) fn bytes(&self) -> Option<&BlobId> {
        self.blob.as_ref().or(self.parts.as_ref().map(|parts| &parts.upload))
    }

    /// The SHA-1 of its bytes, lower-case hex, if it is known, be it because the sender gave one.
    pub(crate) fn known_sha1(&self) -> Option<String> {
        let given = self
            .checksum
            .as_ref()
            .filter(|known| known.algorithm == Algorithm::Sha1 && known.kind == Kind::FullObject);
        self.sha1.clone().or(given.map(|known| hex::encode(&known.value)))
    }
}

/// The parts of an object: those of the upload by which it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// The upload.
    pub(crate) upload: BlobId,
    /// How many parts it has.
    pub(crate) count: u32,
}

impl Record for Object {
    const TABLE: &'static str = "object";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        object_key(&self.bucket, self.key.as_str())
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

#[cfg(test)]
impl Bucket {
    /// A private bucket, for tests.
    pub(crate) fn sample(name: &str, account: &str) -> Self {
        Self {
            name: name.parse().unwrap(),
            owner: Owner { account: account.parse().unwrap(), alias: "a".into() },
            acl: CannedAcl::Private,
            location: String::new(),
            created: Timestamp::from_millis(0),
            leaving: false,
        }
    }
}

#[cfg(test)]
impl Object {
    /// A private object without bytes, for tests.
    pub(crate) fn sample(bucket: &str, key: &str, account: &str) -> Self {
        Self {
            bucket: bucket.parse().unwrap(),
            key: key.parse().unwrap(),
            owner: Owner { account: account.parse().unwrap(), alias: "a".into() },
            acl: CannedAcl::Private,
            size: 0,
            etag: String::new(),
            blob: None,
            checksum: None,
            parts: None,
            sha1: None,
            attributes: Attributes::default(),
            modified: Timestamp::from_millis(0),
        }
    }
}

/// The key of an object's record. Names of buckets hold no slash, so buckets never mix.
pub(crate) fn object_key(bucket: &BucketName, key: &str) -> String {
    format!("{bucket}/{key}")
}

/// The name of the setting that holds the unbundle cache's limit.
pub(crate) const CACHE_LIMIT: &str = "cache-limit";

/// A number that an administrator may change while walrus runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setting {
    /// What it is for.
    pub(crate) name: String,
    /// Its value; its unit is that of its purpose.
    pub(crate) value: u64,
}

impl Record for Setting {
    const TABLE: &'static str = "setting";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        self.name.clone()
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// The tables and indexes of walrus. Everything in here blocks.
#[derive(Clone)]
pub(crate) struct Records {
    /// Buckets.
    pub(crate) buckets: Table<Bucket>,
    /// Objects.
    pub(crate) objects: Table<Object>,
    /// Settings.
    pub(crate) settings: Table<Setting>,
    /// Bundle tasks for which nothing may come any more.
    pub(crate) dropped_tasks: Table<DroppedTask>,
    /// Accounts for which no bucket may be made any more.
    pub(crate) closed_accounts: Table<ClosedAccount>,
    /// Buckets that were given away, and in which objects still have their former owner.
    pub(crate) giving: Table<Giving>,
    /// Account and name → name.
    pub(crate) bucket_by_owner: Index,
    /// Bytes and who names them.
    pub(crate) object_by_blob: Index,
    /// Multipart uploads.
    pub(crate) uploads: Table<Upload>,
    /// Their parts.
    pub(crate) parts: Table<Part>,
    /// Bucket, key and id of uploads that are open.
    pub(crate) upload_by_key: Index,
    /// What is used, and how much may be.
    pub(crate) ledger: Ledger,
}

impl Records {
    /// The tables a store of walrus has, with their versions.
    pub(crate) fn schema() -> Schema {
        Schema::new()
            .with::<Bucket>()
            .with::<Object>()
            .with::<Setting>()
            .with::<Upload>()
            .with::<Part>()
            .with::<DroppedTask>()
            .with::<ClosedAccount>()
            .with::<Giving>()
            .with::<Usage>()
            .with::<Quota>()
            .with::<Copied>()
            .with::<CopyHead>()
    }

    /// The tables of a store.
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            buckets: Table::new(Arc::clone(&engine)),
            objects: Table::new(Arc::clone(&engine)),
            settings: Table::new(Arc::clone(&engine)),
            dropped_tasks: Table::new(Arc::clone(&engine)),
            closed_accounts: Table::new(Arc::clone(&engine)),
            giving: Table::new(Arc::clone(&engine)),
            bucket_by_owner: Index::new(Arc::clone(&engine), "bucket-by-owner"),
            ledger: Ledger::new(&engine),
            object_by_blob: Index::new(Arc::clone(&engine), "object-by-blob"),
            uploads: Table::new(Arc::clone(&engine)),
            parts: Table::new(Arc::clone(&engine)),
            upload_by_key: Index::new(engine, "upload-by-key"),
        }
    }

    /// With those limits for whom none are set.
    #[must_use]
    pub(crate) fn with_defaults(mut self, defaults: Defaults) -> Self {
        self.ledger.defaults = defaults;
        self
    }

    /// Tells as long as it can be upgraded that somebody still has the engine.
    pub(crate) fn held(&self) -> Weak<dyn Engine> {
        Arc::downgrade(self.buckets.engine())
    }

    /// The engine, for commits over several tables.
    pub(crate) fn engine(&self) -> &dyn Engine {
        self.buckets.engine().as_ref()
    }

    /// A bucket that is there and not being removed.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) fn bucket(&self, name: &BucketName) -> Result<store::Seen<Bucket>, Failed> {
        let found = self.buckets.get(name.as_str())?;
        Ok(found.ok_or_else(|| {
            ApiError::new(ErrorCode::NoSuchBucket, "The specified bucket does not exist")
                .on(format!("/{name}"))
        })?)
    }

    /// An object, if there is one.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn object(
        &self,
        bucket: &BucketName,
        key: &str,
    ) -> Result<Option<store::Seen<Object>>, Failed> {
        Ok(self.objects.get(&object_key(bucket, key))?)
    }
}

/// An [`ApiError`] on its way up through code that also meets the store's own errors.
#[derive(Debug)]
pub(crate) struct Failed(ApiError);

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self(match error {
            StoreError::Full { .. } => {
                ApiError::new(ErrorCode::ServiceUnavailable, "The disk is full").because(error)
            }
            StoreError::Conflict { .. } | StoreError::Absent { .. } => ApiError::new(
                ErrorCode::OperationAborted,
                "Another request is changing the same thing, try again",
            )
            .because(error),
            other => ApiError::internal("The records could not be used", other),
        })
    }
}

impl From<ChargeError> for Failed {
    fn from(error: ChargeError) -> Self {
        match error {
            ChargeError::Exceeded(error) => error.into(),
            ChargeError::Store(error) => error.into(),
        }
    }
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> Self {
        failed.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::{After, Memory};

    use super::*;

    #[test]
    fn a_sha1_is_known_from_either_place() {
        let own = Object { sha1: Some("aa".into()), ..Object::sample("buck", "k", "111111111111") };
        assert_eq!(own.known_sha1(), Some("aa".to_owned()));
        let given = |checksum| Object { sha1: None, checksum: Some(checksum), ..own.clone() };
        let whole = Checksum::full(Algorithm::Sha1, vec![0xbb; 20]);
        assert_eq!(given(whole.clone()).known_sha1(), Some("bb".repeat(20)));
        let of_parts = Checksum { kind: Kind::Composite { parts: 2 }, ..whole };
        assert_eq!(given(of_parts).known_sha1(), None);
        assert_eq!(given(Checksum::full(Algorithm::Crc32, vec![0; 4])).known_sha1(), None);
    }

    #[test]
    fn objects_of_older_versions_are_read() {
        let records = Records::new(Arc::new(Memory::new()));
        let old = Object::sample("buck", "k", "111111111111");
        records.objects.insert(old).unwrap();
        let rows = records.engine().scan("", After::Start, 9).unwrap();
        let text = String::from_utf8_lossy(&rows[0].value).into_owned();
        assert!(text.contains("etag") && !text.contains("sha1"), "as it was written: {text}");
        let read = records.object(&"buck".parse().unwrap(), "k").unwrap().unwrap();
        assert_eq!(read.known_sha1(), None);
    }
}
