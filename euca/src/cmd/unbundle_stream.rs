//! `euca-unbundle-stream`: decrypts and unpacks a bundle whose parts come as one stream, without a
//! manifest; what the manifest would promise is told by options, and held to.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use bundle::bounded::gunzip;
use bundle::cipher::Decryptor;
use bundle::tar::{Member, OVERHEAD, TarError};
use bundle::{Limits, PlainSink, Sink, SparseSink};
use clap::Args;
use sha1::{Digest, Sha1};

use super::bundle::describe::symmetric_key;
use super::unbundle::cannot_be_written;
use super::{Context, Execute, Failure};
use crate::error::chain;
use crate::options::ShowProgress;
use crate::progress::Progress;
use crate::staged::Staged;

/// Options of `euca-unbundle-stream`.
#[derive(Debug, Args)]
pub(crate) struct UnbundleStream {
    /// The parts, one after another; standard input if absent
    #[arg(short = 'i', value_name = "FILE")]
    source: Option<PathBuf>,
    /// Where the image goes; standard output if absent
    #[arg(short = 'o', value_name = "FILE")]
    dest: Option<PathBuf>,
    /// The key that the bundle is encrypted with, 32 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    enc_key: String,
    /// The IV that the bundle is encrypted with, 32 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    enc_iv: String,
    /// Bytes that the image must have
    #[arg(long, value_name = "BYTES")]
    image_size: Option<u64>,
    /// The SHA-1 that the tar stream in the bundle must have
    #[arg(long, value_name = "HEX")]
    sha1_digest: Option<String>,
    #[command(flatten)]
    progress: ShowProgress,
}

impl Execute for UnbundleStream {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let key = symmetric_key(&self.enc_key, &self.enc_iv)?;
        let digest = self.digest()?;
        let source: Box<dyn Read> = match &self.source {
            Some(path) if path.as_os_str() != "-" => {
                Box::new(File::open(path).map_err(|error| {
                    Failure::Client(format!("{} cannot be read: {error}", path.display()))
                })?)
            }
            _ => Box::new(io::stdin()),
        };
        let limit = self.image_size.unwrap_or(Limits::default().image_bytes);
        let total = self.image_size.unwrap_or(0);
        let bar = Progress::new("Unbundling", total, &self.progress, cx.environment);
        let plain = BufReader::with_capacity(128 << 10, Decryptor::new(source, &key));
        let tar = Hashed::new(gunzip(plain, limit.saturating_add(OVERHEAD)));
        let to_file = self.dest.as_deref().filter(|path| path.as_os_str() != "-");
        match to_file {
            None => {
                let mut sink = Told { sink: PlainSink(&mut *cx.out), done: 0, bar: &bar };
                self.unpack(tar, &mut sink, digest)
            }
            Some(path) => self.unpack_to(path, tar, digest, &bar),
        }
    }
}

impl UnbundleStream {
    fn digest(&self) -> Result<Option<[u8; 20]>, Failure> {
        let Some(text) = &self.sha1_digest else { return Ok(None) };
        let mut digest = [0; 20];
        hex::decode_to_slice(text, &mut digest).map_err(|_| {
            Failure::Usage("argument --sha1-digest: not 40 hexadecimal digits".to_owned())
        })?;
        Ok(Some(digest))
    }

    fn unpack_to(
        &self,
        path: &Path,
        tar: Hashed<impl Read>,
        digest: Option<[u8; 20]>,
        bar: &Progress,
    ) -> Result<(), Failure> {
        let fail = |error: io::Error| cannot_be_written(path, &error);
        let staged = Staged::create(path, 0o666).map_err(fail)?;
        let sparse = SparseSink::new(staged.file().map_err(fail)?);
        let mut sink = Told { sink: sparse, done: 0, bar };
        self.unpack(tar, &mut sink, digest)?;
        sink.sink.finish().map_err(fail)?;
        staged.commit().map_err(fail).map(drop)
    }

    fn unpack(
        &self,
        tar: Hashed<impl Read>,
        sink: &mut dyn Sink,
        digest: Option<[u8; 20]>,
    ) -> Result<(), Failure> {
        let fail = |error: TarError| match error {
            TarError::Read(error) => Failure::Client(format!(
                "the bundle is damaged or the key is not its key: {}",
                chain(&error)
            )),
            TarError::Sink(error) => Failure::Output(error),
            other => Failure::Client(other.to_string()),
        };
        let member = Member::open(tar).map_err(fail)?;
        let found = member.size();
        if let Some(expected) = self.image_size
            && found != expected
        {
            return Err(Failure::Client(format!("the image has {found} bytes, not {expected}")));
        }
        let found: [u8; 20] = member.copy_to(sink).map_err(fail)?.sha1.finalize().into();
        match digest {
            Some(expected) if found != expected => Err(Failure::Client(format!(
                "the bundle is damaged: the SHA-1 of its tar stream is {}, not {}",
                hex::encode(found),
                hex::encode(expected)
            ))),
            _ => Ok(()),
        }
    }
}

/// Keeps the SHA-1 of what is read.
struct Hashed<R> {
    inner: R,
    sha1: Sha1,
}

impl<R> Hashed<R> {
    fn new(inner: R) -> Self {
        Self { inner, sha1: Sha1::new() }
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.sha1.update(&buf[..got]);
        Ok(got)
    }
}

/// Tells the bar how much of the image is there.
struct Told<'a, S> {
    sink: S,
    done: u64,
    bar: &'a Progress,
}

impl<S: Sink> Sink for Told<'_, S> {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.done += bytes.len() as u64;
        self.bar.at(self.done);
        self.sink.data(bytes)
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        self.done = self.done.saturating_add(length);
        self.bar.at(self.done);
        self.sink.hole(length)
    }
}
