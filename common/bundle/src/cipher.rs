//! AES-128-CBC with PKCS#7 padding over streams of any length.
//!
//! [`Decryptor`] reads ciphertext and gives plaintext, [`Encryptor`] takes plaintext and writes
//! ciphertext. Both work on buffers of [`BUFFER`] bytes: CBC decryption goes over many blocks at a
//! time, and there is no cost per block beyond the cipher itself. The last block is held back
//! until the stream ends, because only there does it turn out to be the padding.

use std::io::{self, Read, Write};
use std::ops::Range;

use aes::Aes128;
use cbc::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroize;

use crate::ahead::fill;
use crate::keys::SymmetricKey;

/// Bytes in a block of AES.
pub const BLOCK: usize = 16;

/// Bytes that are worked on at a time.
pub const BUFFER: usize = 128 * 1024;

/// The error inside the [`io::Error`] of a [`Decryptor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// The ciphertext is empty or not a multiple of 16 bytes.
    #[error("the ciphertext is not a positive multiple of 16 bytes")]
    Length,
    /// The last block does not end in PKCS#7 padding.
    #[error("the ciphertext does not end in valid padding")]
    Padding,
}

impl From<CipherError> for io::Error {
    fn from(error: CipherError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Reads the plaintext of the ciphertext in `R`; its end is reached only if the padding is valid.
pub struct Decryptor<R> {
    inner: R,
    cipher: cbc::Decryptor<Aes128>,
    buffer: Vec<u8>,
    /// Plaintext in `buffer` that was not yet given out.
    ready: Range<usize>,
    /// Ciphertext in `buffer` that is held back.
    held: Range<usize>,
    end: Option<Result<(), CipherError>>,
}

impl<R: Read> Decryptor<R> {
    /// Decrypts `inner` with `key`.
    pub fn new(inner: R, key: &SymmetricKey) -> Self {
        Self {
            inner,
            cipher: cbc::Decryptor::new(key.key().into(), key.iv().into()),
            buffer: vec![0; BUFFER + BLOCK],
            ready: 0..0,
            held: 0..0,
            end: None,
        }
    }

    /// Gives the reader of the ciphertext back, wherever it stands.
    pub fn into_inner(mut self) -> R {
        self.buffer.zeroize();
        self.inner
    }

    fn refill(&mut self) -> io::Result<()> {
        let held = self.held.len();
        self.buffer.copy_within(self.held.clone(), 0);
        self.held = 0..held;
        self.ready = 0..0;
        let filled = held + fill(&mut self.inner, &mut self.buffer[held..])?;
        if filled == self.buffer.len() {
            let open = filled - BLOCK;
            self.decrypt(open);
            self.ready = 0..open;
            self.held = open..filled;
            return Ok(());
        }
        self.held = 0..0;
        let end = if filled == 0 || !filled.is_multiple_of(BLOCK) {
            Err(CipherError::Length)
        } else {
            self.decrypt(filled);
            padding(&self.buffer[..filled]).ok_or(CipherError::Padding).map(|padding| {
                self.ready = 0..filled - padding;
            })
        };
        self.end = Some(end);
        Ok(())
    }

    fn decrypt(&mut self, length: usize) {
        let (blocks, _) = Array::slice_as_chunks_mut(&mut self.buffer[..length]);
        self.cipher.decrypt_blocks(blocks);
    }
}

/// The length of the PKCS#7 padding at the end of `plain`, if it is one.
fn padding(plain: &[u8]) -> Option<usize> {
    let last = *plain.last()?;
    let length = usize::from(last);
    let start = plain.len().checked_sub(length)?;
    let valid = (1..=BLOCK).contains(&length) && plain[start..].iter().all(|&byte| byte == last);
    valid.then_some(length)
}

impl<R: Read> Read for Decryptor<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() {
            match self.end {
                Some(end) => return end.map(|()| 0).map_err(io::Error::from),
                None if buf.is_empty() => return Ok(0),
                None => self.refill()?,
            }
        }
        let now = self.ready.len().min(buf.len());
        let from = self.ready.start;
        buf[..now].copy_from_slice(&self.buffer[from..from + now]);
        self.ready.start += now;
        Ok(now)
    }
}

/// Writes the ciphertext of what is written to it; [`Encryptor::finish`] adds the padding.
pub struct Encryptor<W> {
    inner: W,
    cipher: cbc::Encryptor<Aes128>,
    buffer: Vec<u8>,
}

impl<W: Write> Encryptor<W> {
    /// Encrypts into `inner` with `key`.
    pub fn new(inner: W, key: &SymmetricKey) -> Self {
        Self {
            inner,
            cipher: cbc::Encryptor::new(key.key().into(), key.iv().into()),
            buffer: Vec::with_capacity(BUFFER),
        }
    }

    /// Pads and writes the last block and gives the writer back.
    ///
    /// # Errors
    /// As the writer's own.
    pub fn finish(mut self) -> io::Result<W> {
        let padding = BLOCK - self.buffer.len() % BLOCK;
        let byte = u8::try_from(padding).expect("a padding is 1 to 16 bytes");
        self.buffer.extend(std::iter::repeat_n(byte, padding));
        self.drain()?;
        Ok(self.inner)
    }

    /// Encrypts and passes on the whole blocks of the buffer, which must hold nothing else.
    fn drain(&mut self) -> io::Result<()> {
        let (blocks, _) = Array::slice_as_chunks_mut(&mut self.buffer);
        self.cipher.encrypt_blocks(blocks);
        self.inner.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let now = buf.len().min(BUFFER - self.buffer.len());
        self.buffer.extend_from_slice(&buf[..now]);
        if self.buffer.len() == BUFFER {
            self.drain()?;
        }
        Ok(now)
    }

    /// Passes the wish on; bytes that do not fill the buffer stay in it until
    /// [`Encryptor::finish`].
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SymmetricKey {
        SymmetricKey::new([7; 16], [9; 16])
    }

    fn cause(error: &io::Error) -> Option<&CipherError> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    #[test]
    fn what_is_encrypted_decrypts_at_every_edge() {
        for length in
            [0, 1, 15, 16, 17, BUFFER - 1, BUFFER, BUFFER + 1, BUFFER + 16, 3 * BUFFER + 16]
        {
            let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut encryptor = Encryptor::new(Vec::new(), &key());
            encryptor.write_all(&plain).unwrap();
            let sealed = encryptor.finish().unwrap();
            assert_eq!(sealed.len(), length / 16 * 16 + 16);
            let mut out = Vec::new();
            Decryptor::new(sealed.as_slice(), &key()).read_to_end(&mut out).unwrap();
            assert!(out == plain, "{length} bytes");
        }
    }

    #[test]
    fn length_and_padding_are_checked() {
        let mut encryptor = Encryptor::new(Vec::new(), &key());
        encryptor.write_all(&[0; 40]).unwrap();
        let sealed = encryptor.finish().unwrap();
        let cases: [(&[u8], CipherError); 4] = [
            (&[], CipherError::Length),
            (&sealed[..47], CipherError::Length),
            (&sealed[..32], CipherError::Padding),
            (&sealed[..16], CipherError::Padding),
        ];
        for (bytes, expected) in cases {
            let mut decryptor = Decryptor::new(bytes, &key());
            let error = decryptor.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(cause(&error), Some(&expected));
            // An error stays one: it never turns into an end of the stream.
            let again = decryptor.read(&mut [0; 8]).unwrap_err();
            assert_eq!(cause(&again), Some(&expected));
        }
    }
}
