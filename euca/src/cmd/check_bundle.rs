//! `euca-check-bundle`: looks a bundle through, here or in a bucket, and says what is wrong with it.
//!
//! Everything is told, not only the first fault: each signature and whose it is, each part that is
//! missing or damaged, and, with a private key, whether the whole unpacks to the image that the
//! manifest promises. A bundle that is right is read once and unpacked to nowhere; only one that is
//! not is read again, part by part.
//!
//! ```text
//! BUNDLE     name  kind  architecture  bytes of the image  account
//! SIGNATURE  number  valid, invalid or unchecked  certificate that it verifies with, or why not
//! PART       file name  missing, unreadable or damaged  why          one line for each that is
//! PARTS      valid or invalid  number  bytes
//! KEY        valid or invalid  user or cloud, or why not
//! IMAGE      valid, invalid or unchecked  SHA-1 of the tar stream, or why not
//! ```

use std::io;
use std::path::{Path, PathBuf};

use bundle::{
    Certificate, DigestMatch, Limits, Manifest, Part, PartSource, PrivateKey, Recipient, Sink,
    SymmetricKey, UnbundleError,
};
use clap::Args;
use sha1::{Digest, Sha1};

use super::bundle::keys::{pem, private_key};
use super::download::pour;
use super::store::Place;
use super::stored::{fetch_manifest, manifest_name};
use super::unbundle::{beside, files, read_manifest};
use super::{Context, Execute, Failure};
use crate::client::ClientError;
use crate::config::Settings;
use crate::error::chain;
use crate::options::{Columns, Jobs, Remote, ShowProgress};
use crate::progress::Progress;
use crate::s3::S3;
use crate::{crew, fetch};

/// Options of `euca-check-bundle`.
#[derive(Debug, Args)]
pub(crate) struct CheckBundle {
    /// The bundle's manifest: a file, or with -b its name in the bucket
    #[arg(short, long, value_name = "MANIFEST", required_unless_present = "prefix")]
    manifest: Option<PathBuf>,
    /// The manifest's name in the bucket, without its .manifest.xml
    #[arg(short, long, requires = "bucket", conflicts_with = "manifest")]
    prefix: Option<String>,
    /// The bucket that the bundle is in
    #[arg(short, long, value_name = "BUCKET[/PREFIX]")]
    bucket: Option<String>,
    /// Where the parts are, if not beside the manifest
    #[arg(short, long, value_name = "DIR", conflicts_with = "bucket")]
    source: Option<PathBuf>,
    /// Your private key, or the cloud's; without one the image itself is not looked at
    #[arg(short = 'k', long, value_name = "FILE")]
    privatekey: Option<PathBuf>,
    /// A certificate that may have signed the bundle; several are tried
    #[arg(short, long, value_name = "FILE")]
    cert: Vec<PathBuf>,
    /// The cloud's certificate, which may have signed it as well
    #[arg(long, value_name = "FILE")]
    ec2cert: Option<PathBuf>,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    progress: ShowProgress,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    remote: Remote,
}

/// Where the parts are.
enum Parts {
    Here(PathBuf),
    There(Box<S3>, Place),
}

/// What is said, line by line.
#[derive(Default)]
struct Report {
    rows: Vec<Vec<String>>,
    faults: usize,
}

impl Report {
    fn row(&mut self, columns: &[&str]) {
        self.rows.push(columns.iter().map(|column| (*column).to_owned()).collect());
    }

    fn fault(&mut self, columns: &[&str]) {
        self.faults += 1;
        self.row(columns);
    }
}

impl Execute for CheckBundle {
    fn run(self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let settings = Settings::of(&self.remote, cx.environment)?;
        let (manifest, bytes, name, parts) = self.open(&settings)?;
        let signers = self.signers(&settings)?;
        let private = private_key(self.privatekey.as_deref(), &settings)?;

        let mut report = Report::default();
        report.row(&[
            "BUNDLE",
            &manifest.name,
            manifest.kind(&name).as_str(),
            &manifest.architecture,
            &manifest.size.to_string(),
            &manifest.user,
        ]);
        signatures(&manifest, &bytes, &signers, &mut report)?;
        match key_of(&manifest, private.as_ref(), &mut report) {
            Some(key) => self.image(&manifest, &parts, &key, &mut report, cx)?,
            None => {
                self.parts(&manifest, &parts, &mut report, cx);
                let why = if private.is_some() { "the key is not its key" } else { "no key" };
                report.row(&["IMAGE", "unchecked", why]);
            }
        }
        let mut rows = cx.rows(&self.columns);
        for row in &report.rows {
            let columns: Vec<&str> = row.iter().map(String::as_str).collect();
            rows.row(&columns)?;
        }
        match report.faults {
            0 => Ok(()),
            1 => Err(Failure::Client("the bundle has a fault".to_owned())),
            faults => Err(Failure::Client(format!("the bundle has {faults} faults"))),
        }
    }
}

impl CheckBundle {
    /// The manifest, its bytes and its name, and where the parts are.
    fn open(&self, settings: &Settings) -> Result<(Manifest, Vec<u8>, String, Parts), Failure> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        match (&self.bucket, &self.manifest, &self.prefix) {
            (Some(bucket), manifest, prefix) => {
                let place = Place::parse(bucket)?;
                let name = match manifest {
                    Some(name) => text(name),
                    None => manifest_name(prefix.as_deref().unwrap_or_default()),
                };
                let s3 = settings.s3()?;
                let (manifest, bytes) = fetch_manifest(&s3, &place, &name)?;
                Ok((manifest, bytes, name, Parts::There(Box::new(s3), place)))
            }
            (None, Some(file), _) => {
                let (manifest, bytes) = read_manifest(file)?;
                let directory = self.source.clone().unwrap_or_else(|| beside(file));
                Ok((manifest, bytes, text(file), Parts::Here(directory)))
            }
            (None, None, _) => Err(Failure::Usage("argument -m: needed without -b".to_owned())),
        }
    }

    /// The certificates that may have signed it, with their files.
    fn signers(&self, settings: &Settings) -> Result<Vec<(PathBuf, Certificate)>, Failure> {
        let mut paths = self.cert.clone();
        if paths.is_empty() {
            paths.extend(settings.certificate());
        }
        paths.extend(self.ec2cert.clone().or_else(|| settings.cloud_certificate()));
        paths
            .into_iter()
            .map(|path| pem(&path, Certificate::from_pem).map(|read| (path, read)))
            .collect()
    }

    /// Unpacks the bundle to nowhere; looks at each part if it does not unpack.
    fn image(
        &self,
        manifest: &Manifest,
        parts: &Parts,
        key: &SymmetricKey,
        report: &mut Report,
        cx: &Context<'_>,
    ) -> Result<(), Failure> {
        let total = manifest.bundled_size;
        let bar = Progress::new("Checking", total, &self.progress, cx.environment);
        let unpack = |parts: &mut dyn PartSource| {
            bundle::extract(manifest, key, parts, &mut Nowhere, &mut |done| bar.at(done))
        };
        let done = match parts {
            Parts::Here(directory) => unpack(&mut files(directory)),
            Parts::There(s3, place) => {
                let key_of = |name: &str| place.key(name);
                fetch::with_parts(s3, &place.bucket, key_of, manifest, self.jobs.number(), unpack)
            }
        };
        drop(bar);
        match done {
            Ok(done) => {
                all_parts(manifest, total, report);
                let digest = hex::encode(done.sha1_tar);
                match done.digest {
                    DigestMatch::Absent => report.row(&[
                        "IMAGE",
                        "valid",
                        &digest,
                        "the manifest tells no digest to compare with",
                    ]),
                    DigestMatch::Tar | DigestMatch::Image => {
                        report.row(&["IMAGE", "valid", &digest]);
                    }
                }
                Ok(())
            }
            Err(error @ UnbundleError::Interrupted(_)) => Err(Failure::Client(chain(&error))),
            Err(error) => {
                if !self.parts(manifest, parts, report, cx) {
                    report.row(&["IMAGE", "unchecked", "its parts are not right"]);
                } else if error.is_permanent() {
                    report.fault(&["IMAGE", "invalid", &chain(&error)]);
                } else {
                    // It has passed: nothing can be said of the bundle.
                    return Err(Failure::Client(chain(&error)));
                }
                Ok(())
            }
        }
    }

    /// Compares each part with its digest; says whether all are right.
    fn parts(
        &self,
        manifest: &Manifest,
        parts: &Parts,
        report: &mut Report,
        cx: &Context<'_>,
    ) -> bool {
        let total = manifest.bundled_size;
        let bar = Progress::new("Checking", total, &self.progress, cx.environment);
        let looked = crew::each(&manifest.parts, self.jobs.number(), |part| {
            let share = bar.share();
            let open = |part: &Part| -> io::Result<(u64, [u8; 20])> {
                let progress = |read| share.at(read);
                match parts {
                    Parts::Here(directory) => {
                        pour(files(directory)(0, part)?, &mut io::sink(), &progress)
                    }
                    Parts::There(s3, place) => {
                        let key = place.key(&part.filename);
                        let opened = s3.open_object(&place.bucket, &key);
                        pour(opened.map_err(io::Error::other)?, &mut io::sink(), &progress)
                    }
                }
            };
            Ok::<_, Failure>(open(part))
        });
        drop(bar);
        let mut sum = 0_u64;
        let mut right = true;
        for (part, found) in manifest.parts.iter().zip(looked.unwrap_or_default()) {
            match found {
                Ok((length, digest)) if digest == part.digest => sum += length,
                Ok((length, digest)) => {
                    right = false;
                    let (found, expected) = (hex::encode(digest), hex::encode(part.digest));
                    let why = format!("its SHA-1 is {found}, not {expected}, of {length} bytes");
                    report.fault(&["PART", &part.filename, "damaged", &why]);
                }
                Err(error) => {
                    right = false;
                    let what = if is_absent(&error) { "missing" } else { "unreadable" };
                    report.fault(&["PART", &part.filename, what, &error.to_string()]);
                }
            }
        }
        if right && sum != total {
            let why = format!("they have {sum} bytes together, the manifest says {total}");
            report.fault(&["PARTS", "invalid", &why]);
            return false;
        }
        if right {
            all_parts(manifest, total, report);
        }
        right
    }
}

fn is_absent(error: &io::Error) -> bool {
    let told = error.get_ref().and_then(|inner| inner.downcast_ref::<ClientError>());
    error.kind() == io::ErrorKind::NotFound || told.is_some_and(|error| error.status() == Some(404))
}

fn all_parts(manifest: &Manifest, bytes: u64, report: &mut Report) {
    report.row(&["PARTS", "valid", &manifest.parts.len().to_string(), &bytes.to_string()]);
}

/// Tries each signature with each certificate.
fn signatures(
    manifest: &Manifest,
    bytes: &[u8],
    signers: &[(PathBuf, Certificate)],
    report: &mut Report,
) -> Result<(), Failure> {
    if manifest.unsigned {
        report.row(&["SIGNATURE", "0", "unchecked", "the bundle is not signed"]);
        return Ok(());
    }
    let signed = bundle::manifest::signed_bytes(bytes, &Limits::default())
        .map_err(|error| Failure::Client(error.to_string()))?;
    let digest: [u8; 20] = Sha1::digest(&signed).into();
    let by: Vec<Option<&Path>> = manifest
        .signatures
        .iter()
        .map(|signature| {
            let mut signers = signers.iter();
            let found = signers.find(|(_, certificate)| certificate.verifies(&digest, signature));
            found.map(|(path, _)| path.as_path())
        })
        .collect();
    let any = by.iter().any(Option::is_some);
    for (number, by) in by.iter().enumerate() {
        let number = (number + 1).to_string();
        match by {
            Some(path) => {
                report.row(&["SIGNATURE", &number, "valid", &path.display().to_string()]);
            }
            None if signers.is_empty() => {
                report.row(&["SIGNATURE", &number, "unchecked", "no certificate"]);
            }
            // One of several is enough.
            None if any => {
                report.row(&["SIGNATURE", &number, "invalid", "by none of the certificates"]);
            }
            None => {
                report.fault(&["SIGNATURE", &number, "invalid", "by none of the certificates"]);
            }
        }
    }
    Ok(())
}

/// The image key, if there is a private key that opens it.
fn key_of(
    manifest: &Manifest,
    private: Option<&PrivateKey>,
    report: &mut Report,
) -> Option<SymmetricKey> {
    let private = private?;
    for (recipient, name) in [(Recipient::User, "user"), (Recipient::Cloud, "cloud")] {
        if let Ok(key) = manifest.symmetric_key(recipient, private) {
            report.row(&["KEY", "valid", name]);
            return Some(key);
        }
    }
    if let Err(error) = manifest.any_symmetric_key(private) {
        report.fault(&["KEY", "invalid", &error.to_string()]);
    }
    None
}

/// Takes an image and keeps nothing of it.
struct Nowhere;

impl Sink for Nowhere {
    fn data(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn hole(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
