//! A reader that keeps the SHA-1 of what passed through it.

use std::io::{self, Read};

use sha1::{Digest, Sha1};

/// Passes the bytes of `R` on and hashes them.
pub(crate) struct Hashing<R> {
    inner: R,
    sha1: Sha1,
}

impl<R> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, sha1: Sha1::new() }
    }

    /// The digest of all that was read.
    pub(crate) fn finish(self) -> [u8; 20] {
        self.sha1.finalize().into()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.sha1.update(&buf[..got]);
        Ok(got)
    }
}
