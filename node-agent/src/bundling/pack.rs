//! Packs a disk: the bundle crate makes a bundle of it on a blocking thread, and each part goes on
//! as soon as it is whole.

use std::io;

use bundle::{
    BundleError, BundleOptions, Bundled, Certificate, KeyError, Mapping, Part, PartSink, Recipients,
};
use bytes::Bytes;
use common::wire::bundling::BundleSpec;
use thiserror::Error;
use tokio::sync::mpsc;

use super::disk::Disk;

/// Why a disk cannot be packed.
#[derive(Debug, Error)]
pub enum PackError {
    /// A certificate is none.
    #[error("the certificate of {0} cannot be used: {1}")]
    Certificate(&'static str, KeyError),
    /// The bundle cannot be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// A part that is whole.
#[derive(Debug)]
pub struct Packed {
    /// Its index.
    pub index: usize,
    /// Its bytes.
    pub bytes: Bytes,
    /// Their SHA-1.
    pub sha1: [u8; 20],
}

/// Packs a disk as it is wished, unsigned. `done` is told how many bytes of the image are behind.
/// Ends soon after nobody takes parts any more. Blocks.
///
/// # Errors
/// What cannot be read or used.
pub fn pack(
    disk: Disk,
    spec: &BundleSpec,
    parts: mpsc::Sender<Packed>,
    done: &mut dyn FnMut(u64),
) -> Result<Bundled, PackError> {
    let certificate = |pem: &str, whose| {
        Certificate::from_pem(pem.as_bytes()).map_err(|why| PackError::Certificate(whose, why))
    };
    let cloud = certificate(&spec.cloud_certificate, "the cloud")?;
    let user = spec.user_certificate.as_deref();
    let user = user.map(|pem| certificate(pem, "the owner")).transpose()?;
    let mut options =
        BundleOptions::new(spec.place.name(), &spec.architecture, spec.account.as_str());
    options.kernel = spec.kernel.as_ref().map(|id| id.as_str().to_owned());
    options.ramdisk = spec.ramdisk.as_ref().map(|id| id.as_str().to_owned());
    options.product_codes.clone_from(&spec.product_codes);
    options.ancestry.clone_from(&spec.ancestry);
    let mappings = spec.mappings.iter().map(|(virtual_name, device)| Mapping {
        virtual_name: virtual_name.clone(),
        device: device.clone(),
    });
    options.mappings = mappings.collect();
    let recipients = Recipients { cloud: &cloud, user: user.as_ref(), signer: None };
    let mut sink = Line { parts, bytes: Vec::new() };
    let size = disk.size();
    Ok(bundle::bundle(disk, size, &options, &recipients, &mut sink, done)?)
}

/// Collects the bytes of a part and hands it on when it is whole.
struct Line {
    parts: mpsc::Sender<Packed>,
    bytes: Vec<u8>,
}

fn unwanted() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes parts any more")
}

impl PartSink for Line {
    fn begin(&mut self, _: usize, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.parts.is_closed() {
            return Err(unwanted());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, part: &Part, _: u64) -> io::Result<()> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let packed = Packed { index: part.index, bytes, sha1: part.digest };
        self.parts.blocking_send(packed).map_err(|_| unwanted())
    }
}
