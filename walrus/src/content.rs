//! Objects with their bytes: the record and the files it names, opened together.

use std::fs::File;
use std::io::{self, Read};

use common::error::{ApiError, ErrorCode};
use common::s3::BucketName;

use crate::blob::range::Span;
use crate::blob::stream::Window;
use crate::parts::{InParts, Shelves};
use crate::records::{Failed, Object};

/// How often an object that is overwritten again and again is looked for.
const TRIES: usize = 16;

/// An object, opened for reading.
pub(crate) struct Opened {
    /// Its record.
    pub(crate) object: Object,
    /// Its bytes. They stay readable when the object goes.
    pub(crate) bytes: Bytes,
}

impl Opened {
    /// Where a part lies. An object that came in one piece is its only part.
    ///
    /// # Errors
    /// `InvalidPartNumber` if it has none of that number.
    pub(crate) fn part(&self, number: u32) -> Result<Span, ApiError> {
        let (start, length) = match &self.bytes {
            Bytes::Parts(parts) => parts.seal.part(number).map(|place| (place.start, place.size)),
            Bytes::None | Bytes::File(_) => (number == 1).then_some((0, self.object.size)),
        }
        .ok_or_else(|| {
            let text = "The requested partnumber is not satisfiable";
            ApiError::new(ErrorCode::InvalidPartNumber, text)
        })?;
        // Of nothing there is no range.
        Ok(if length == 0 { Span::Whole } else { Span::Part { start, length } })
    }
}

/// The bytes of an object.
pub(crate) enum Bytes {
    /// There are none.
    None,
    /// They lie in one file.
    File(File),
    /// They lie in parts.
    Parts(Box<InParts>),
}

impl Bytes {
    /// Reads them from one position on.
    pub(crate) fn read_from(self, start: u64) -> Box<dyn Read + Send> {
        match self {
            Self::None => Box::new(io::empty()),
            Self::File(file) => Box::new(Window { file, at: start }),
            Self::Parts(parts) => Box::new(parts.read_from(start)),
        }
    }
}

/// Records and the files they name.
#[derive(Clone)]
pub(crate) struct Content {
    /// The records, the files, and who is being read.
    pub(crate) shelves: Shelves,
}

impl std::ops::Deref for Content {
    type Target = Shelves;
    fn deref(&self) -> &Shelves {
        &self.shelves
    }
}

impl Content {
    /// Opens an object, if there is one. Blocks.
    ///
    /// # Errors
    /// If the store or the disk fails.
    pub(crate) fn open(&self, bucket: &BucketName, key: &str) -> Result<Option<Opened>, Failed> {
        for _ in 0..TRIES {
            let Some(seen) = self.records.object(bucket, key)? else { return Ok(None) };
            let rev = seen.rev();
            let object = seen.record;
            if let Some(parts) = &object.parts {
                let opened = self.shelves.open(&parts.upload)?;
                // Only an object that names its parts after they were pinned keeps them.
                let now = self.records.object(bucket, key)?;
                match opened.filter(|_| now.is_some_and(|now| now.rev() == rev)) {
                    Some(parts) => {
                        return Ok(Some(Opened { object, bytes: Bytes::Parts(Box::new(parts)) }));
                    }
                    None => continue,
                }
            }
            let Some(blob) = &object.blob else {
                return Ok(Some(Opened { object, bytes: Bytes::None }));
            };
            match self.files.open_blob(blob) {
                Ok(file) => return Ok(Some(Opened { object, bytes: Bytes::File(file) })),
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
