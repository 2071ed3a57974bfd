//! Objects with their bytes: the record and the file it names, opened together.

use std::fs::File;
use std::io;
use std::sync::Arc;

use common::error::ApiError;
use common::s3::BucketName;

use crate::blob::files::Files;
use crate::records::{Failed, Object, Records};

/// How often an object that is overwritten again and again is looked for.
const TRIES: usize = 16;

/// An object, opened for reading.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Its record.
    pub(crate) object: Object,
    /// Its bytes; none if there are none. Stays readable when the object goes.
    pub(crate) file: Option<File>,
}

/// Records and the files they name.
#[derive(Clone)]
pub(crate) struct Content {
    /// The records.
    pub(crate) records: Records,
    /// The files.
    pub(crate) files: Arc<Files>,
}

impl Content {
    /// Opens an object, if there is one. Blocks.
    ///
    /// # Errors
    /// If the store or the disk fails.
    pub(crate) fn open(&self, bucket: &BucketName, key: &str) -> Result<Option<Opened>, Failed> {
        for _ in 0..TRIES {
            let Some(seen) = self.records.object(bucket, key)? else { return Ok(None) };
            let object = seen.record;
            let Some(blob) = &object.blob else { return Ok(Some(Opened { object, file: None })) };
            match self.files.open_blob(blob) {
                Ok(file) => return Ok(Some(Opened { object, file: Some(file) })),
                // Overwritten or removed since the record was read: it says something else now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(
                        ApiError::internal("The object's bytes cannot be read", error).into()
                    );
                }
            }
        }
        let text = "The object's bytes cannot be read";
        Err(ApiError::internal(text, format!("no file for /{bucket}/{key}")).into())
    }
}
