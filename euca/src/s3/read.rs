//! Reads objects: a connection that breaks is no end.
//!
//! An [`ObjectReader`] that loses its connection asks for the rest from where it stands, and only of
//! the object that it has begun with: the ETag goes along as a condition. Several breaks in a row
//! without a byte between them are a failure.

use std::io::{self, Read, Write};

use md5::{Digest, Md5};
use ureq::http::Response;
use ureq::{Body, BodyReader};

use super::{S3, etag, length};
use crate::client::ClientError;

/// The bytes of an object. Errors carry a [`ClientError`].
pub struct ObjectReader<'a> {
    s3: &'a S3,
    bucket: &'a str,
    key: &'a str,
    body: BodyReader<'static>,
    etag: Option<String>,
    length: Option<u64>,
    at: u64,
    failures: usize,
}

impl S3 {
    /// Opens an object to be read.
    ///
    /// # Errors
    /// [`ClientError::Api`], `NoSuchKey` for instance.
    pub fn open_object<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
    ) -> Result<ObjectReader<'a>, ClientError> {
        let answer =
            self.http.retrying(true, || self.send("GET", bucket, key, "", Vec::new(), None))?;
        let (etag, length) = (etag(&answer), length(&answer));
        let body = answer.into_body().into_reader();
        Ok(ObjectReader { s3: self, bucket, key, body, etag, length, at: 0, failures: 0 })
    }

    /// Downloads an object into `out`; gives its length.
    ///
    /// # Errors
    /// [`ClientError::Damaged`] if it does not have the MD5 that its ETag tells; `out` then holds
    /// something of no use, as with every other error.
    pub fn get_object(
        &self,
        bucket: &str,
        key: &str,
        out: &mut dyn Write,
    ) -> Result<u64, ClientError> {
        let name = format!("{bucket}/{key}");
        let mut reader = self.open_object(bucket, key)?;
        let mut md5 = Md5::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let got = reader.next(&mut buffer)?;
            if got == 0 {
                break;
            }
            md5.update(&buffer[..got]);
            out.write_all(&buffer[..got]).map_err(|source| ClientError::Local {
                what: format!("{name} cannot be stored"),
                source,
            })?;
        }
        let found = hex::encode(md5.finalize());
        match reader.etag {
            // Other ETags are those of objects uploaded in several requests, and no MD5.
            Some(expected) if expected.len() == 32 && expected != found => {
                Err(ClientError::Damaged { key: name, expected, found })
            }
            _ => Ok(reader.at),
        }
    }
}

impl ObjectReader<'_> {
    /// Bytes in the object, if the far end has said so.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    fn next(&mut self, buf: &mut [u8]) -> Result<usize, ClientError> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let reason = match self.body.read(buf) {
                Ok(0) if self.length.is_none_or(|length| self.at >= length) => return Ok(0),
                Ok(0) => "it ended early".to_owned(),
                Ok(got) => {
                    self.at += got as u64;
                    self.failures = 0;
                    return Ok(got);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error.to_string(),
            };
            let authority = self.s3.url.authority.clone();
            let broken = ClientError::Broken { authority, reason };
            // Without an ETag the rest might be that of another object.
            if self.etag.is_none() {
                return Err(broken);
            }
            self.s3.http.again(broken, &mut self.failures)?;
            self.body = loop {
                match self.rest() {
                    Ok(answer) => break answer.into_body().into_reader(),
                    Err(error) if self.s3.http.worth_retrying(&error, true) => {
                        self.s3.http.again(error, &mut self.failures)?;
                    }
                    Err(error) => return Err(error),
                }
            };
        }
    }

    /// Asks for what is not yet there.
    fn rest(&self) -> Result<Response<Body>, ClientError> {
        let mut headers = vec![("range", format!("bytes={}-", self.at))];
        headers.extend(self.etag.as_ref().map(|etag| ("if-match", format!("\"{etag}\""))));
        let answer = self.s3.send("GET", self.bucket, self.key, "", headers, None)?;
        match answer.status().as_u16() {
            206 => Ok(answer),
            status => Err(ClientError::Answer {
                action: "GetObject",
                reason: format!("a part of the object was asked for, and status {status} came"),
            }),
        }
    }
}

impl Read for ObjectReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.next(buf).map_err(io::Error::other)
    }
}
